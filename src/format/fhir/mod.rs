//! FHIR resources, judged by the definitions of packages: R4 first, R4B and R5 by the same engine.
//!
//! A walk over the snapshot of a resource's type judges structure, cardinality, types, primitives,
//! bindings and invariants; each profile is then laid over it and judges what it adds. What cannot be
//! told offline (terminology, profiles and targets that are not at hand) is
//! [`Open`](crate::verdict::Severity::Open): never passed and never failed. What the standard leaves
//! to judgement is a warning at most, because a false alarm is as bad as a miss.

mod bundle;
pub mod capability;
mod coded;
mod datatype;
mod definitions;
pub mod device_observation;
mod digest;
mod fhirpath;
mod narrative;
mod ndjson;
mod outcome;
mod overlay;
mod package;
mod primitive;
mod profile;
mod questionnaire;
mod reference;
mod slicing;
pub mod smart;
mod snapshot;
mod temporal;
mod terminology;
mod validator;
mod vital_signs;
mod walk;
mod xml;

#[cfg(test)]
mod mutants;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use definitions::{Definitions, Release};
pub use ndjson::{LineFindings, judge_lines};
pub use outcome::operation_outcome;
pub use package::{PackageError, PackageIdentity, PackageInfo, PackageSource, PackageSummary};
pub use validator::{Options, Validator, pointer_of};
