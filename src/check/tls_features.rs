//! Features of the TLS handshake.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::{ChosenPolicy, Demand, TlsFeature, judge_features};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::probe::tls::{Handshake, ProtocolVersion, Support, TlsSurvey};
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Asks whether compression is off, renegotiation secure, the extended master secret used, and early data not
/// accepted, as far as the policy demands it. No early data is ever sent: where a ticket announces it, a client
/// comes back with the ticket and reads in the server's answer whether it would be accepted. Renegotiation is
/// looked at in the hello only (RFC 5746): a client that starts one is never played, since only repeating it
/// would show a limit, and to repeat it is an attack on availability.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsFeatures {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// The features that are looked at; all, where nothing is said.
    #[serde(default = "all")]
    features: Vec<TlsFeature>,
}

fn all() -> Vec<TlsFeature> {
    TlsFeature::ALL.to_vec()
}

/// A survey, and a finished handshake where the announcement of early data matters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeaturesSeen {
    survey: TlsSurvey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handshake: Option<Handshake>,
}

impl Kind for TlsFeatures {
    const NAME: &'static str = "tls-features";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = FeaturesSeen;

    async fn observe(&self, probes: &Probes) -> Result<FeaturesSeen, ProbeError> {
        let survey = probes.surveyed().await?.survey;
        let matters = self.policy.no_early_data != Demand::Unasked
            && self.features.contains(&TlsFeature::NoEarlyData)
            && survey.support(ProtocolVersion::Tls13) == Support::Supported;
        let mut handshake = None;
        if matters {
            handshake = probes.handshake().await?.map(|seen| Handshake { chain: Vec::new(), staple: None, ..Handshake::clone(&seen) });
        }
        Ok(FeaturesSeen { survey, handshake })
    }

    fn judge(&self, seen: &FeaturesSeen, _: &Facts<'_>) -> Verdict {
        judge_features(&seen.survey, seen.handshake.as_ref(), &self.policy, &self.features)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::recorded::{shaken, sound, target};
    use super::*;
    use crate::probe::tls::{EarlyData, Feature};
    use crate::verdict::Outcome;

    fn judged(parameters: &str, early_data: EarlyData, change: impl FnOnce(&mut TlsSurvey)) -> Outcome {
        let check: TlsFeatures = serde_json::from_str(parameters).unwrap();
        let mut survey = sound();
        change(&mut survey);
        let target = target();
        let facts = Facts { now: time::OffsetDateTime::UNIX_EPOCH, target: &target, endpoint: None };
        check.judge(&FeaturesSeen { survey, handshake: Some(shaken(early_data)) }, &facts).outcome
    }

    const ALL: &str = r#"{"policy": "ncsc-nl-2025"}"#;

    #[test]
    fn each_feature_fails_on_its_own() {
        let no = EarlyData::NotAnnounced;
        assert_eq!(judged(ALL, no, |_| {}), Outcome::Passed);
        assert_eq!(judged(ALL, no, |s| s.compression = Feature::Yes), Outcome::Failed);
        assert_eq!(judged(ALL, no, |s| s.extended_master_secret = Feature::No), Outcome::Failed);
        assert_eq!(judged(ALL, no, |s| s.secure_renegotiation = Feature::No), Outcome::Failed);
        assert_eq!(judged(ALL, EarlyData::Announced(1), |_| {}), Outcome::CantTell);
        assert_eq!(judged(ALL, EarlyData::Accepted(1), |_| {}), Outcome::Failed);
        assert_eq!(judged(ALL, EarlyData::Rejected(1), |_| {}), Outcome::Passed);
        assert_eq!(judged(r#"{"policy": "mozilla-intermediate-6.0"}"#, EarlyData::Accepted(1), |_| {}), Outcome::Passed);
    }

    #[test]
    fn only_what_is_asked_for_is_looked_at() {
        let one = r#"{"policy": "ncsc-nl-2025", "features": ["extended-master-secret"]}"#;
        assert_eq!(judged(one, EarlyData::Announced(1), |s| s.compression = Feature::Yes), Outcome::Passed);
        assert_eq!(judged(one, EarlyData::NoTicket, |s| s.versions[1].support = Support::Refused), Outcome::Inapplicable);
    }
}
