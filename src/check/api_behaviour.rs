//! The API does what its description says.

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::{ApiRun, Manner, askable, verdict_of};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Holds the service to its description with a plan of requests, the same in every run: valid ones from
/// both ends of every constraint, ones that are wrong in one thing each, wrong credentials and methods,
/// and the life of what it creates. What it changes it made itself or the target file offers, and it
/// takes it away at the end. One run serves all checks that ask for the same manner.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiBehaviour {
    /// The rules that are asked of the run; all where none is named.
    #[serde(default)]
    rules: Vec<super::api::OracleName>,
    /// Properties that are not described are a fault, not a warning.
    #[serde(default)]
    strict: bool,
    /// Only reads, though it sends what must be refused.
    #[serde(default)]
    read_only: bool,
    /// Further requests to each operation, valid and wrong, that follow from `seed`. None by default.
    #[serde(default)]
    #[schemars(range(min = 0, max = 200))]
    fuzz: u8,
    /// What further requests follow from: the same seed gives the same requests. It is told in the verdict.
    #[serde(default)]
    seed: u32,
}

impl ApiBehaviour {
    /// How the plan is run.
    pub(super) fn manner(&self) -> Manner {
        Manner { writes: !self.read_only, wrong: true, fuzz: self.fuzz, seed: self.seed }
    }
}

impl Kind for ApiBehaviour {
    const NAME: &'static str = "api-behaviour";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Intrusive;
    const ON: On = On::Http;
    type Observation = ApiRun;

    async fn observe(&self, probes: &Probes) -> Result<ApiRun, ProbeError> {
        probes.api_run(self.manner()).await
    }

    fn judge(&self, seen: &ApiRun, facts: &Facts<'_>) -> Verdict {
        let description = match seen.description.read() {
            Ok(description) => description,
            Err(verdict) => return *verdict,
        };
        if let Err(verdict) = askable(&description) {
            return *verdict;
        }
        let verdict = verdict_of(seen, &description, &self.rules, self.strict, facts);
        if self.fuzz == 0 { verdict } else { verdict.note(format!("{} further requests to each operation, seed {}", self.fuzz, self.seed)) }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::super::api::tests::sample_run;
    use super::*;
    use crate::verdict::Outcome;

    fn judged(parameters: &str, quirks: &[&str]) -> Verdict {
        let check: ApiBehaviour = kind(parameters);
        let seen = sample_run(quirks, Manner::plain(true, true));
        let kept: ApiRun = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        check.judge(&kept, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn the_sound_service_passes_and_a_fault_fails_the_rules_that_ask_for_it() {
        let verdict = judged("{}", &[]);
        assert_eq!((verdict.outcome, verdict.notes.len()), (Outcome::Passed, 0), "{verdict:#?}");
        let verdict = judged("{}", &["takes-too-long"]);
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert!(verdict.reason.contains("longer than 80"), "{}", verdict.reason);
        assert!(verdict.evidence[0].get_repeat().unwrap().starts_with("curl "), "{:?}", verdict.evidence);
        assert_eq!(judged("{rules: [response-schema, server-error]}", &["takes-too-long"]).outcome, Outcome::Passed);
        assert_eq!(judged("{rules: [wrong-accepted]}", &["takes-too-long"]).outcome, Outcome::Failed);
    }

    #[test]
    fn undeclared_properties_fail_when_it_is_strict() {
        let verdict = judged("{}", &["undeclared-property"]);
        assert_eq!((verdict.outcome, verdict.notes.is_empty()), (Outcome::Passed, false));
        assert_eq!(judged("{strict: true}", &["undeclared-property"]).outcome, Outcome::Failed);
    }

    #[test]
    fn nothing_asked_is_untested() {
        let check: ApiBehaviour = kind("{}");
        let mut seen = sample_run(&[], Manner::plain(true, true));
        seen.exchanges.clear();
        let judged = |seen: &ApiRun| check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") });
        assert_eq!(judged(&seen).outcome, Outcome::Untested);
        let mut cut = sample_run(&[], Manner::plain(true, true));
        cut.exchanges.truncate(20);
        cut.stopped = Some(("the run was interrupted".into(), crate::verdict::Cause::Interrupted));
        assert_eq!(judged(&cut).outcome, Outcome::CantTell);
    }
}
