//! Judges of documents and of single header values: pure functions from what was read to findings.

pub mod conformance_statement;
pub mod header;
pub mod sbom;
pub mod security_txt;
