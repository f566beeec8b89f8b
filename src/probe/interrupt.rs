//! The switch that ends a run early.

use std::sync::Arc;

use tokio::sync::watch;

/// A switch shared by whoever may stop a run (a signal, a deadline of a pipeline) and the door: once
/// thrown, every wait at the door ends with [`super::ProbeError::Interrupted`].
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupt {
    /// A switch that has not been thrown.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
    /// Throws the switch. It cannot be set back.
    pub fn throw(&self) {
        self.0.send_replace(true);
    }
    /// Whether it has been thrown.
    pub fn is_thrown(&self) -> bool {
        *self.0.borrow()
    }
    /// Waits until it is thrown.
    pub async fn thrown(&self) {
        let mut receiver = self.0.subscribe();
        if receiver.wait_for(|thrown| *thrown).await.is_err() {
            // Cannot happen while `self` holds the sender; if it did, nobody could throw it any more.
            std::future::pending::<()>().await;
        }
    }
}
