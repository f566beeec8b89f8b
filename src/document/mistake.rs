//! A mistake in a file that somebody wrote for Probity.

use super::{NodeError, Position, ReadError};

/// What is wrong in a profile, overlay, waiver or target file, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({file}{})", position.map(|p| format!(":{p}")).unwrap_or_default())]
pub struct Mistake {
    /// The file, as the user named it.
    pub file: String,
    /// Line and column, where one place is at fault.
    pub position: Option<Position>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do next, where it does not follow from the message.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake of a file as a whole.
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), position: None, message: message.into(), help: None }
    }
    /// A mistake at a place.
    pub fn at(file: impl Into<String>, position: Position, message: impl Into<String>) -> Self {
        Self { position: Some(position), ..Self::new(file, message) }
    }
    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// A value that did not fit, in this file.
    pub fn from_node_error(file: &str, error: &NodeError) -> Self {
        Self { file: file.to_owned(), position: error.position, message: error.to_string(), help: None }
    }
}

impl From<ReadError> for Mistake {
    fn from(error: ReadError) -> Self {
        Self { file: error.name, position: Some(error.position), message: error.message, help: None }
    }
}
