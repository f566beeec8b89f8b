//! The one door to the network.

use crate::verdict::Cause;

/// What kept the door from giving an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProbeError {
    cause: Cause,
    message: String,
}

impl ProbeError {
    /// A fault of ours.
    pub fn bug(message: impl Into<String>) -> Self {
        Self { cause: Cause::Bug, message: message.into() }
    }
    /// Whose trouble it is.
    pub fn cause(&self) -> Cause {
        self.cause
    }
    /// Whether the target has stopped answering.
    pub fn is_stopped_answering(&self) -> bool {
        false
    }
}

/// The door.
#[derive(Debug)]
pub struct Door;

/// What went through.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// Connections and datagram exchanges.
    pub connections: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
}

impl Door {
    /// Whether the run was stopped.
    pub fn is_interrupted(&self) -> bool {
        false
    }
    /// What went through so far.
    pub fn traffic(&self) -> Traffic {
        Traffic { connections: 0, bytes_out: 0, bytes_in: 0 }
    }
}
