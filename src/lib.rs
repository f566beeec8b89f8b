//! Probity: does this product meet this profile, and how do we know?
//!
//! ```text
//!     profile (+ overlays)  \
//!                            plan -> observe -> judge -> assessment -> report, bundle
//!     target (+ consent)    /
//! ```
//!
//! The modules stand in the order of that story, from the ground up; none imports one below it in
//! this list.

pub mod assess;
pub mod bundle;
pub mod check;
pub mod document;
pub mod probe;
pub mod profile;
pub mod report;
pub mod target;
pub mod verdict;
