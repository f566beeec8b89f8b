//! What a stranger is told by a CoAP server without encryption: the list of its resources.
//!
//! One question that wants no acknowledgement, and one repetition; never to a group address, never an
//! observation that would go on. Silence of a datagram is no proof that nothing listens.

mod message;

pub use message::{BLOCK2, CONTENT_FORMAT, GET, Kind, Malformed, Message, URI_PATH, links};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Datagrams, ProbeError};
use crate::verdict::Untrusted;

/// The most resources that are noted.
const MAX_RESOURCES: usize = 50;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// A server answered the question.
    Answered {
        /// The code, such as `2.05`.
        code: String,
        /// The resources that it lists.
        resources: Vec<Untrusted>,
        /// Bytes of the payload.
        #[serde(default)]
        content: usize,
        /// Bytes of the answer, and of the question: how much a forged sender could make of it.
        sizes: (usize, usize),
        /// More parts of the answer could be asked for.
        more: bool,
    },
    /// A server is there and refuses to handle the message.
    Reset,
    /// The system says that nothing listens.
    Refused,
    /// No answer.
    Silent,
    /// What came is not CoAP.
    NotCoap {
        /// Its beginning.
        beginning: Untrusted,
    },
}

/// Asks for a path, and once again after silence. `id` and `token` are those of the
/// question; an answer to another one is not taken.
///
/// # Errors
/// The door's own; that the port is refused is a result.
pub async fn ask(datagrams: &mut Datagrams, path: &str, id: u16, token: &[u8], patience: Duration) -> Result<Seen, ProbeError> {
    const TRIES: u16 = 2;
    /// Datagrams that are looked at after one question.
    const MAX_HEARD: usize = 4;
    let mut odd = None;
    for attempt in 0..TRIES {
        let question = Message::get(path, id.wrapping_add(attempt), token).write();
        match datagrams.send(&question).await {
            Err(ProbeError::Refused { .. }) => return Ok(Seen::Refused),
            other => other?,
        }
        for _ in 0..MAX_HEARD {
            let heard = match datagrams.receive(patience).await {
                Err(ProbeError::Refused { .. }) => return Ok(Seen::Refused),
                other => other?,
            };
            let Some(datagram) = heard else { break };
            match interpret(&datagram, question.len(), id.wrapping_add(attempt), token) {
                Some(seen @ Seen::NotCoap { .. }) => odd = Some(seen),
                Some(seen) => return Ok(seen),
                None => {}
            }
        }
    }
    Ok(odd.unwrap_or(Seen::Silent))
}

/// What one datagram says about the question. `None`: it answers another one.
pub fn interpret(datagram: &[u8], asked: usize, id: u16, token: &[u8]) -> Option<Seen> {
    let Ok(message) = Message::read(datagram) else {
        return Some(Seen::NotCoap { beginning: Untrusted::from_bytes(datagram.get(..40).unwrap_or(datagram)) });
    };
    if message.kind == Kind::Reset {
        return (message.id == id).then_some(Seen::Reset);
    }
    // Class 0 is a request or empty, and no answer.
    if message.token != token || message.code >> 5 == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(&message.payload);
    let resources = links(&text).iter().take(MAX_RESOURCES).map(|link| Untrusted::new(link)).collect();
    let more = message.option(BLOCK2).any(|block| block.last().is_some_and(|b| b & 0x08 != 0));
    Some(Seen::Answered { code: message.dotted_code(), resources, content: message.payload.len(), sizes: (datagram.len(), asked), more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_have_the_token() {
        let answer = Message {
            kind: Kind::NonConfirmable,
            code: 0x45,
            id: 9,
            token: vec![1, 2],
            options: vec![(CONTENT_FORMAT, vec![40])],
            payload: b"</alarm>,</battery>".to_vec(),
        };
        let seen = interpret(&answer.write(), 20, 1, &[1, 2]).unwrap();
        let Seen::Answered { code, resources, .. } = seen else { panic!() };
        assert_eq!((code.as_str(), resources.len()), ("2.05", 2));
        assert_eq!(interpret(&answer.write(), 20, 1, &[1, 3]), None);
        let refusal = Message { code: 0x81, payload: Vec::new(), ..answer };
        assert!(matches!(interpret(&refusal.write(), 20, 1, &[1, 2]), Some(Seen::Answered { code, .. }) if code == "4.01"));
        assert_eq!(interpret(&[0x70, 0, 0, 1], 20, 1, &[]), Some(Seen::Reset));
        assert!(matches!(interpret(b"hello", 20, 1, &[]), Some(Seen::NotCoap { .. })), "version 1 is asked for");
    }
}
