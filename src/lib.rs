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

pub mod document;
pub mod format;
pub mod verdict;
