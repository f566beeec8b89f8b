//! Which versions of TLS are spoken.

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{ChosenPolicy, PhaseOut, Surveyed, judge_versions};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Surveys which versions of SSL, TLS or DTLS an endpoint speaks. A version counts as refused only when a
/// server that agreed to another one has declined it properly.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsVersion {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// What becomes of things that the policy wants phased out, where it is not what the policy says.
    #[serde(default)]
    phase_out: Option<PhaseOut>,
}

impl Kind for TlsVersion {
    const NAME: &'static str = "tls-version";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = Surveyed;

    async fn observe(&self, probes: &Probes) -> Result<Surveyed, ProbeError> {
        probes.surveyed().await
    }

    fn judge(&self, seen: &Surveyed, _: &Facts<'_>) -> Verdict {
        judge_versions(&seen.survey, &self.policy.with(self.phase_out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::recorded::sound;
    use super::*;
    use crate::probe::tls::{ProbeOutcome, Support, TlsSurvey};
    use crate::verdict::Outcome;

    fn check(parameters: &str) -> TlsVersion {
        serde_json::from_str(parameters).unwrap()
    }

    fn judged(check: &TlsVersion, change: impl FnOnce(&mut TlsSurvey)) -> Verdict {
        let mut survey = sound();
        change(&mut survey);
        let target = super::super::tls::recorded::target();
        let facts = Facts { now: time::OffsetDateTime::UNIX_EPOCH, target: &target, endpoint: None };
        check.judge(&Surveyed { survey }, &facts)
    }

    #[test]
    fn an_old_version_fails_and_an_untold_one_cannot_be_told() {
        let check = check(r#"{"policy": "ncsc-nl-2025"}"#);
        assert_eq!(judged(&check, |_| {}).outcome, Outcome::Passed);
        assert_eq!(judged(&check, |s| s.versions[3].support = Support::Supported).outcome, Outcome::Failed);
        assert_eq!(judged(&check, |s| s.versions[3].support = Support::Unknown(ProbeOutcome::Reset)).outcome, Outcome::CantTell);
    }

    #[test]
    fn a_policy_that_is_not_shipped_is_a_mistake() {
        let error = serde_json::from_str::<TlsVersion>(r#"{"policy": "ncsc-nl-1999"}"#).unwrap_err();
        assert!(error.to_string().contains("mozilla-intermediate-6.0"), "{error}");
    }
}
