//! What is asked of TLS and of its certificates, and whether a survey shows it. Pure.
//!
//! The thresholds are a [`TlsPolicy`], data that an authority has published; three are shipped with
//! the program and are chosen by name. [`certificate`] tells what is wrong with a chain.

pub mod certificate;
mod judge;
mod observation;
mod policy;
#[cfg(test)]
pub(in crate::check) mod recorded;
#[cfg(test)]
mod troubled;

pub(in crate::check) use judge::worst_of;
pub use judge::{
    TlsFeature, judge_extended_master_secret, judge_features, judge_groups, judge_key_exchange_hash, judge_suite_order, judge_suites,
    judge_versions,
};
pub use observation::Surveyed;
pub use policy::{ChosenPolicy, Demand, FiniteFields, PhaseOut, SuiteOrder, Tier, Tiers, TlsPolicy, WeakHashes};
