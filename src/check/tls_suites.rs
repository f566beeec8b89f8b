//! Which cipher suites are agreed to.

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{ChosenPolicy, PhaseOut, Surveyed, judge_suite_order, judge_suites, worst_of};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Outcome, Verdict};

/// Surveys which cipher suites an endpoint agrees to in each version that it speaks, and whether it prefers
/// the better ones.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSuites {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// What becomes of things that the policy wants phased out, where it is not what the policy says.
    #[serde(default)]
    phase_out: Option<PhaseOut>,
}

impl Kind for TlsSuites {
    const NAME: &'static str = "tls-suites";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = Surveyed;

    async fn observe(&self, probes: &Probes) -> Result<Surveyed, ProbeError> {
        probes.surveyed().await
    }

    fn judge(&self, seen: &Surveyed, _: &Facts<'_>) -> Verdict {
        let policy = self.policy.with(self.phase_out);
        let suites = judge_suites(&seen.survey, &policy);
        // The order is a question only where the suites themselves are no fault.
        if suites.outcome != Outcome::Passed {
            return suites;
        }
        let order = judge_suite_order(&seen.survey, &policy);
        worst_of([suites, order])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::recorded::{of, sound, suites};
    use super::*;
    use crate::probe::tls::{ProtocolVersion, TlsSurvey};

    fn check(parameters: &str) -> TlsSuites {
        serde_json::from_str(parameters).unwrap()
    }

    fn judged(check: &TlsSuites, change: impl FnOnce(&mut TlsSurvey)) -> Verdict {
        let mut survey = sound();
        change(&mut survey);
        let target = super::super::tls::recorded::target();
        let facts = Facts { now: time::OffsetDateTime::UNIX_EPOCH, target: &target, endpoint: None };
        check.judge(&Surveyed { survey }, &facts)
    }

    #[test]
    fn a_weak_suite_fails_and_one_on_its_way_out_warns() {
        let plain = check(r#"{"policy": "ncsc-nl-2025"}"#);
        assert_eq!(judged(&plain, |_| {}).outcome, Outcome::Passed);
        assert_eq!(judged(&plain, |s| s.suites[1].suites.extend(suites(&["TLS_RSA_WITH_RC4_128_SHA"]))).outcome, Outcome::Failed);
        let leaving = |s: &mut TlsSurvey| s.suites[1].suites.extend(suites(&["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"]));
        let verdict = judged(&plain, leaving);
        assert_eq!(verdict.outcome, Outcome::Passed, "{}", verdict.reason);
        assert!(verdict.notes.iter().any(|n| n.contains("phased out")), "{:?}", verdict.notes);
        let strict = check(r#"{"policy": "ncsc-nl-2025", "phase-out": "fail"}"#);
        assert_eq!(judged(&strict, leaving).outcome, Outcome::Failed);
        assert_eq!(judged(&plain, |s| s.suites[1].complete = false).outcome, Outcome::CantTell);
    }

    #[test]
    fn the_worse_first_fails() {
        let names = ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"];
        let check = check(r#"{"policy": "ncsc-nl-2025"}"#);
        assert_eq!(judged(&check, |s| s.suites[1] = of(ProtocolVersion::Tls12, &names)).outcome, Outcome::Failed);
    }
}
