//! Judges of documents and of single header values: pure functions from what was read to findings.

pub mod conformance_statement;
pub mod csaf;
pub mod header;
pub mod sbom;
pub mod security_txt;
pub mod support_period;
pub mod update_manifest;
pub mod vex;
pub mod vulnerability;
