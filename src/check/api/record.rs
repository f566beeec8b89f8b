//! A recorded run, read again: for exports.

use serde::Deserialize as _;
use serde_json::Value;

use super::{ApiRun, PERSON, texts};
use crate::api::description::Description;
use crate::api::exchange::ApiExchange;
use crate::api::oracle::{JudgeOptions, Judgement, judge};
use crate::check::Facts;

/// The run that a check of an API rests on.
#[derive(Debug)]
pub struct ApiRecord {
    /// The description that the service was held to.
    pub description: Description,
    /// What was sent and what came back, without secrets.
    pub exchanges: Vec<ApiExchange>,
    /// What the exchanges say, by all rules.
    pub judgement: Judgement,
}

impl ApiRecord {
    /// The names of the kinds whose observation is a run.
    const KINDS: [&'static str; 2] = ["api-answers", "api-behaviour"];

    /// Whether checks of this kind rest on a run.
    pub fn is_of(kind: &str) -> bool {
        Self::KINDS.contains(&kind)
    }

    /// Reads a recorded observation. `None`: it is no run, or one without a description that can be read.
    pub fn read(observation: &Value, facts: &Facts<'_>) -> Option<Self> {
        let run = ApiRun::deserialize(observation).ok()?;
        let description = run.description.read().ok()?;
        let person = facts.target.fixtures.get(PERSON).map(texts).unwrap_or_default();
        let judgement = judge(&description, &run.options, &run.exchanges, &JudgeOptions { person });
        Some(Self { description, exchanges: run.exchanges, judgement })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kinds_are_those_that_there_are() {
        assert!(super::ApiRecord::KINDS.iter().all(|kind| crate::check::Check::KINDS.contains(kind)));
    }
}
