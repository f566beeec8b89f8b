//! What has been asked in this run, so that nothing is asked twice.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::ProbeError;

type Known = Result<Arc<dyn Any + Send + Sync>, ProbeError>;

/// Answers by their question.
#[derive(Default)]
pub(crate) struct Memory {
    cells: Mutex<HashMap<String, Arc<OnceCell<Known>>>>,
}

impl Memory {
    /// The answer to a question that is asked only once, however many ask at the same time. Errors
    /// are remembered too. If whoever is asking gives up, the next one asks in its place.
    pub(crate) async fn once<T, F, Fut>(&self, key: &str, ask: F) -> Result<Arc<T>, ProbeError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, ProbeError>>,
    {
        let key = format!("{}\n{key}", std::any::type_name::<T>());
        let cell = Arc::clone(self.cells.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let known = cell.get_or_init(|| async { ask().await.map(|answer| Arc::new(answer) as Arc<dyn Any + Send + Sync>) }).await;
        match known {
            Ok(any) => Arc::downcast(Arc::clone(any)).map_err(|_| ProbeError::bug("two kinds of answer are remembered under one question")),
            Err(error) => Err(error.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_question_is_asked_once_by_however_many() {
        let (memory, asked) = (Memory::default(), AtomicU32::new(0));
        let ask = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok::<_, ProbeError>(7u32)
        };
        let (a, b) = tokio::join!(memory.once("k", ask), memory.once("k", ask));
        assert!(Arc::ptr_eq(&a.unwrap(), &b.unwrap()));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(*memory.once("k", || async { Ok("text") }).await.unwrap(), "text");
    }

    #[tokio::test]
    async fn errors_are_remembered_and_a_question_given_up_is_not() {
        let memory = Memory::default();
        drop(tokio::time::timeout(std::time::Duration::ZERO, memory.once::<u32, _, _>("k", std::future::pending)).await);
        assert_eq!(memory.once::<u32, _, _>("k", || async { Err(ProbeError::Interrupted) }).await, Err(ProbeError::Interrupted));
        assert_eq!(memory.once("k", || async { Ok(1u32) }).await, Err(ProbeError::Interrupted));
    }
}
