//! The line from a profile and a target to an assessment: plan, observe, judge.
//!
//! `run` walks the [`Plan`] one check at a time and tells a listener what happens; a terminal, a log
//! and the evidence bundle are such listeners. Trouble becomes `cantTell` in one place, in `run.rs`.
//! The [`Assessment`] is one flat list of results; every other view is computed from it.

mod event;
mod open;
mod packages;
mod plan;
mod preflight;
mod rollup;
mod run;
mod validity;

pub use event::Event;
pub use open::{Problem, opening};
pub use packages::load_packages;
pub use plan::{Plan, Selection, Step};
pub use preflight::{PATIENCE, fit, reach};
pub use rollup::{Counts, PillarVerdict, RequirementView, Standings};
pub(crate) use run::digest;
pub use run::{Options, judge_again, run};
pub use validity::Validity;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::profile::{Applied, Equivalent, Pillar, RequirementText, Waiver};
use crate::target::{Effect, Target};
use crate::verdict::{Cause, Grade, Outcome, Verdict};

/// What one run found out about one product.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The program that ran.
    pub tool: Tool,
    /// The profile that was asked, with its overlays.
    pub profile: ProfileReference,
    /// The tier that was asked for: 1 to 3.
    pub tier: u8,
    /// The requirements and pillars that the run was narrowed to; empty for all.
    pub only: Vec<String>,
    /// The target file, without secrets.
    pub target: Target,
    /// When the run began; the moment for which verdicts are given.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// When the run ended.
    #[serde(with = "time::serde::rfc3339")]
    pub finished: OffsetDateTime,
    /// Whether the run came to its end.
    pub completion: Completion,
    /// The profile's pillars, in order.
    pub pillars: Vec<Pillar>,
    /// The requirements that were asked at this tier, with their texts, in profile order.
    pub requirements: Vec<RequirementText>,
    /// One result for each check and endpoint, in profile order.
    pub results: Vec<CheckResult>,
    /// The waivers that were handed in, valid or not.
    pub waivers: Vec<Waiver>,
    /// Certificates that an overlay accepts beside results.
    pub equivalents: Vec<Equivalent>,
    /// What the run sent and received.
    pub traffic: Traffic,
}

/// The program that made an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// The profile of an assessment, by name and digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileReference {
    /// The profile's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its files, before any overlay.
    pub sha256: String,
    /// The overlays that were laid on.
    pub overlays: Vec<Applied>,
}

/// Whether a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// Every step of the plan was taken.
    Complete,
    /// It was stopped; the remainder is untested.
    Interrupted,
    /// The target stopped answering, so it was left in peace.
    StoppedAnswering,
}

/// What a run sent and received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Connections and datagram exchanges.
    pub connections: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

/// The result of one check on one endpoint or document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// The requirement's id.
    pub requirement: String,
    /// Which of the requirement's checks, from 0.
    pub check: usize,
    /// The kind of check.
    pub kind: String,
    /// The endpoint's name, where the check asks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How the verdict is known.
    pub grade: Grade,
    /// What asking does to the target.
    pub effect: Effect,
    /// What is said.
    pub verdict: Verdict,
    /// SHA-256 of the recorded observation, where something was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<String>,
    /// How long asking took.
    pub milliseconds: u64,
}

impl CheckResult {
    /// The outcome of the verdict.
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }
    /// Whether nothing was tried because the run ended first.
    pub fn is_interrupted(&self) -> bool {
        self.verdict.cause == Some(Cause::Interrupted)
    }
    /// Whether it was not asked because the target had stopped answering.
    pub fn is_left_in_peace(&self) -> bool {
        self.verdict.cause == Some(Cause::Target) && self.verdict.reason.contains(" stopped answering and is left in peace")
    }
}
