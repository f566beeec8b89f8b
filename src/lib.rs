//! Probity: does this product meet this profile, and how do we know?
//!
//! ```text
//!     profile (+ overlays)  \
//!                            plan -> observe -> judge -> assessment -> report, bundle
//!     target (+ consent)    /
//! ```
//!
//! The modules stand in the order of that story, from the ground up; none uses one below it in this
//! list, and a test sees to it. Nothing here is published as a stable interface but the program
//! itself, its exit codes and its file formats.

// rustfmt would put them in the order of the alphabet.
#![cfg_attr(rustfmt, rustfmt_skip)]

pub mod document;
pub mod verdict;
pub mod format;
pub mod api;
pub mod target;
pub mod probe;
pub mod check;
pub mod profile;
pub mod assess;
pub mod bundle;
pub mod report;
pub mod demo;
pub mod cli;
