//! What the API answers to valid questions agrees with its description.

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::{ApiRun, Manner, askable, verdict_of};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Reads what can be read, as the description allows: every GET that can be bound to something that
/// exists, with parameters at both ends, page by page, once without a credential, once for an id of
/// nothing. Nothing is changed and nothing malformed is sent. One run serves all checks of this kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiAnswers {
    /// The rules that are asked of the run; all where none is named.
    #[serde(default)]
    rules: Vec<super::api::OracleName>,
    /// Properties that are not described are a fault, not a warning.
    #[serde(default)]
    strict: bool,
}

impl Kind for ApiAnswers {
    const NAME: &'static str = "api-answers";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = ApiRun;

    async fn observe(&self, probes: &Probes) -> Result<ApiRun, ProbeError> {
        probes.api_run(Manner::plain(false, false)).await
    }

    fn judge(&self, seen: &ApiRun, facts: &Facts<'_>) -> Verdict {
        let description = match seen.description.read() {
            Ok(description) => description,
            Err(verdict) => return *verdict,
        };
        if let Err(verdict) = askable(&description) {
            return *verdict;
        }
        verdict_of(seen, &description, &self.rules, self.strict, facts)
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
        let check: ApiAnswers = kind(parameters);
        let seen = sample_run(quirks, Manner::plain(false, false));
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn what_reading_shows_is_judged() {
        let sound = judged("{}", &[]);
        assert_eq!(sound.outcome, Outcome::Passed, "{sound:#?}");
        for quirk in ["number-as-text", "no-media-type", "open-operation", "rate-limit-in-words", "write-only-shown", "soft-not-found"] {
            assert_eq!(judged("{}", &[quirk]).outcome, Outcome::Failed, "{quirk}");
        }
    }

    #[test]
    fn what_reading_cannot_show_is_not_passed() {
        assert_eq!(judged("{rules: [wrong-accepted]}", &[]).outcome, Outcome::Untested);
        assert_eq!(judged("{rules: [created-found, deleted-gone]}", &[]).outcome, Outcome::Untested);
    }
}
