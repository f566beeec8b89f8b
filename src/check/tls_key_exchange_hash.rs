//! Which hash signs the key exchange.

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{ChosenPolicy, PhaseOut, Surveyed, judge_key_exchange_hash};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Asks, in TLS 1.2, whether an endpoint signs the key exchange with a weak hash when it is offered nothing better.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsKeyExchangeHash {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// What becomes of things that the policy wants phased out, where it is not what the policy says.
    #[serde(default)]
    phase_out: Option<PhaseOut>,
}

impl Kind for TlsKeyExchangeHash {
    const NAME: &'static str = "tls-key-exchange-hash";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = Surveyed;

    async fn observe(&self, probes: &Probes) -> Result<Surveyed, ProbeError> {
        probes.surveyed().await
    }

    fn judge(&self, seen: &Surveyed, _: &Facts<'_>) -> Verdict {
        judge_key_exchange_hash(&seen.survey, &self.policy.with(self.phase_out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::recorded::sound;
    use super::*;
    use crate::probe::tls::{Feature, ProbeOutcome, Support, TlsSurvey};
    use crate::verdict::Outcome;

    fn check(parameters: &str) -> TlsKeyExchangeHash {
        serde_json::from_str(parameters).unwrap()
    }

    fn judged(check: &TlsKeyExchangeHash, change: impl FnOnce(&mut TlsSurvey)) -> Verdict {
        let mut survey = sound();
        change(&mut survey);
        let target = super::super::tls::recorded::target();
        let facts = Facts { now: time::OffsetDateTime::UNIX_EPOCH, target: &target, endpoint: None };
        check.judge(&Surveyed { survey }, &facts)
    }

    #[test]
    fn sha1_fails_and_without_12_it_does_not_apply() {
        let check = check(r#"{"policy": "ncsc-nl-2025"}"#);
        assert_eq!(judged(&check, |_| {}).outcome, Outcome::Passed);
        assert_eq!(judged(&check, |s| s.key_exchange_hash.sha1 = Feature::Yes).outcome, Outcome::Failed);
        assert_eq!(judged(&check, |s| s.key_exchange_hash.sha1 = Feature::Unknown(ProbeOutcome::Closed)).outcome, Outcome::CantTell);
        assert_eq!(judged(&check, |s| s.versions[1].support = Support::Refused).outcome, Outcome::Inapplicable);
    }
}
