//! What a run tells its listeners.

use serde_json::Value;

use super::{Assessment, CheckResult, Plan};
use crate::profile::Pillar;

/// One thing that happened. Listeners draw progress, write the log, or keep the evidence.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The plan is made; nothing was asked yet.
    Planned(&'a Plan),
    /// The first step of this pillar comes next.
    Pillar(&'a Pillar),
    /// This is being asked now.
    Asking {
        /// The requirement's id.
        requirement: &'a str,
        /// The kind of check.
        kind: &'a str,
        /// The endpoint's name.
        endpoint: Option<&'a str>,
    },
    /// A result, with what was observed.
    Result {
        /// The result.
        result: &'a CheckResult,
        /// What it rests on.
        observation: Option<&'a Value>,
    },
    /// The run is over.
    Finished(&'a Assessment),
}
