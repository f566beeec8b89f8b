//! Which groups the key exchange uses.

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{ChosenPolicy, PhaseOut, Surveyed, judge_groups};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Surveys which curves, hybrids and finite fields an endpoint uses for the key exchange.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsGroups {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// What becomes of things that the policy wants phased out, where it is not what the policy says.
    #[serde(default)]
    phase_out: Option<PhaseOut>,
}

impl Kind for TlsGroups {
    const NAME: &'static str = "tls-groups";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = Surveyed;

    async fn observe(&self, probes: &Probes) -> Result<Surveyed, ProbeError> {
        probes.surveyed().await
    }

    fn judge(&self, seen: &Surveyed, _: &Facts<'_>) -> Verdict {
        judge_groups(&seen.survey, &self.policy.with(self.phase_out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::recorded::sound;
    use super::*;
    use crate::probe::tls::{Group, TlsSurvey};
    use crate::verdict::Outcome;

    fn check(parameters: &str) -> TlsGroups {
        serde_json::from_str(parameters).unwrap()
    }

    fn judged(check: &TlsGroups, change: impl FnOnce(&mut TlsSurvey)) -> Verdict {
        let mut survey = sound();
        change(&mut survey);
        let target = super::super::tls::recorded::target();
        let facts = Facts { now: time::OffsetDateTime::UNIX_EPOCH, target: &target, endpoint: None };
        check.judge(&Surveyed { survey }, &facts)
    }

    #[test]
    fn a_weak_group_fails_and_none_at_all_does_not_apply() {
        let check = check(r#"{"policy": "ncsc-nl-2025"}"#);
        assert_eq!(judged(&check, |_| {}).outcome, Outcome::Passed);
        assert_eq!(judged(&check, |s| s.groups[1].groups.push(Group(19))).outcome, Outcome::Failed);
        assert_eq!(judged(&check, |s| s.groups[1].complete = false).outcome, Outcome::CantTell);
        let verdict = judged(&check, |s| {
            s.versions.remove(0);
            s.suites.remove(0);
            s.groups.clear();
        });
        assert_eq!(verdict.outcome, Outcome::Inapplicable);
    }
}
