//! What a kind of check asks through.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::probe::{Door, ProbeError};
use crate::target::{Endpoint, Target};

/// The door to the network, bound to the target and the endpoint that a check asks.
#[derive(Clone)]
pub struct Probes {
    door: Arc<Door>,
    target: Arc<Target>,
    endpoint: Option<String>,
}

/// The largest document that is read from a file.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;

impl Probes {
    /// Binds the door to a target and one of its endpoints.
    pub fn new(door: Arc<Door>, target: Arc<Target>, endpoint: Option<String>) -> Self {
        Self { door, target, endpoint }
    }
    /// The target file.
    pub fn target(&self) -> &Target {
        &self.target
    }
    /// The one door to the network.
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }
    /// The endpoint that is asked, with its name.
    ///
    /// # Errors
    /// The check was placed on no endpoint, which the plan should not have done.
    pub fn endpoint(&self) -> Result<(&str, &Endpoint), ProbeError> {
        self.endpoint
            .as_deref()
            .and_then(|name| self.target.endpoints.get_key_value(name))
            .map(|(name, endpoint)| (name.as_str(), endpoint))
            .ok_or_else(|| ProbeError::bug("a check that asks an endpoint was planned without one"))
    }
}

/// A document that the target file names, as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentSeen {
    /// The target file names no such document.
    NotNamed,
    /// The file cannot be read.
    Unreadable {
        /// Where it should be.
        location: String,
        /// What went wrong.
        why: String,
    },
    /// The file's content.
    Read {
        /// Where it is.
        location: String,
        /// The text, with U+FFFD for what is not UTF-8.
        text: String,
        /// SHA-256 of the bytes, 64 hexadecimal digits.
        sha256: String,
    },
}

impl DocumentSeen {
    /// Reads a file.
    pub(super) fn file(location: &str, path: &Path) -> Self {
        use sha2::{Digest, Sha256};
        let unreadable = |why: String| Self::Unreadable { location: location.to_owned(), why };
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MAX_DOCUMENT => return unreadable(format!("larger than {MAX_DOCUMENT} bytes")),
            Ok(_) => {}
            Err(error) => return unreadable(error.to_string()),
        }
        match std::fs::read(path) {
            Ok(bytes) => Self::Read {
                location: location.to_owned(),
                sha256: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            },
            Err(error) => unreadable(error.to_string()),
        }
    }
}
