//! Packages of FHIR definitions, as the target file names them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A package of FHIR definitions. Named by `id`, it is taken from the packages that were added or from the
/// FHIR package cache; with `file` from there. When a run has loaded it, version and hash are filled in,
/// so that the record names exactly what was judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackageReference {
    /// The package's name, such as `hl7.fhir.r4.core`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its version; any that is at hand, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// An archive, an unpacked folder, or a Bundle of definitions in JSON; relative to the target file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// SHA-256 of its definitions, 64 hexadecimal digits: another content is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl std::fmt::Display for PackageReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.id, &self.file) {
            (Some(id), _) => f.write_str(id)?,
            (None, Some(file)) => write!(f, "{}", file.display())?,
            (None, None) => f.write_str("a package without name")?,
        }
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        match self.sha256.as_deref().and_then(|hash| hash.get(..12)) {
            Some(hash) => write!(f, " (sha256 {hash}…)"),
            None => Ok(()),
        }
    }
}
