//! The evidence bundle: all that is needed to look at an assessment again, and to judge it again.
//!
//! ```text
//!     README.txt                  what this is and how to check it
//!     profile.json                the profile as it was in force, overlays and parameters applied
//!     target.json                 the target file, without secrets
//!     results.jsonl               written while running: the plan, then one line for each result
//!     journal.jsonl               written while running: one line for each connection
//!     observations/SHA256.json    what was seen, by the hash of its JSON text
//!     exchanges/SHA256.json       messages on the wire, kept once each
//!     assessment.json             the assessment, in the outside format V1
//!     manifest.json               size and SHA-256 of every other file; written last
//! ```
//!
//! A folder, or a `.zip` of the same files. A run that was killed leaves no manifest; what it wrote
//! is still read, and whatever it did not reach is `untested (interrupted)`. A bundle that comes from
//! somebody else is hostile: names, sizes and counts are bounded before anything is read.
//!
//! The sums show that nothing was changed since the manifest was written. They are no signature:
//! who can change a file can also write a new manifest.

mod error;
mod exchange;
mod json;
mod manifest;
mod read;
mod readme;
mod record;
mod replay;
mod store;
mod v1;
mod verify;
mod withhold;
mod writer;

#[cfg(test)]
mod tests;

pub use error::BundleError;
pub use read::Bundle;
pub use record::{Place, RecordError, Recorded, record};
pub use replay::{Difference, Replay, Unjudged, replay};
pub use v1::{
    AppliedV1, AssessmentV1, CountsV1, EquivalentV1, LifeV1, PillarV1, ProfileReferenceV1, RequirementV1, ResultV1, SourceV1, ToolV1,
    TrafficV1, ValidityV1, WaiverV1,
};
pub use verify::Verification;
pub use writer::{JournalWriter, Opening, Writer};

pub(crate) use json::pretty as json_pretty;
pub(crate) use withhold::SECRET_REMOVED;

/// The program's README inside the bundle.
const README: &str = "README.txt";
/// The effective profile.
const PROFILE: &str = "profile.json";
/// The target file.
const TARGET: &str = "target.json";
/// Plan and results, one line each.
const RESULTS: &str = "results.jsonl";
/// Connections, one line each.
const JOURNAL: &str = "journal.jsonl";
/// The folder of observations.
const OBSERVATIONS: &str = "observations";
/// The folder of exchanges.
const EXCHANGES: &str = "exchanges";
/// The assessment.
const ASSESSMENT: &str = "assessment.json";
/// The sums.
const MANIFEST: &str = "manifest.json";

/// What the plan's line in `results.jsonl` and the manifest begin with.
const FORMAT: &str = "probity-bundle";
/// Version of the layout.
const FORMAT_VERSION: u32 = 1;

/// SHA-256, 64 hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether a name is 64 hexadecimal digits in lower case.
fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
