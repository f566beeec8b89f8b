//! The sums of a bundle's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FORMAT, FORMAT_VERSION, v1::ToolV1};

/// `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// Always `probity-bundle`.
    pub(super) format: String,
    /// Version of the layout.
    pub(super) format_version: u32,
    /// The program that wrote it.
    pub(super) tool: ToolV1,
    /// Files from which a secret was removed when they were written.
    #[serde(default)]
    pub(super) redacted: Vec<String>,
    /// Every file but the manifest, by name.
    pub(super) files: BTreeMap<String, Sum>,
}

/// Size and hash of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// Bytes.
    pub(super) size: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub(super) sha256: String,
}

impl Manifest {
    /// A manifest of these files.
    pub(super) fn new(tool: ToolV1, redacted: Vec<String>, files: BTreeMap<String, Sum>) -> Self {
        Self { format: FORMAT.into(), format_version: FORMAT_VERSION, tool, redacted, files }
    }
    /// Why it is no manifest of ours, or nothing.
    pub(super) fn fault(&self) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("its format is `{}`, expected `{FORMAT}`", self.format));
        }
        (self.format_version != FORMAT_VERSION)
            .then(|| format!("its format version is {}, and this program reads version {FORMAT_VERSION}", self.format_version))
    }
}
