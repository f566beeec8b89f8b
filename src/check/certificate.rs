//! The certificate of an endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::certificate::{Presented, Reason, TrustAnchors, certificate_verdict, judge_chain};
use super::tls::{ChosenPolicy, worst_of};
use super::{Facts, Kind, On, Probes};
use crate::probe::tls::{Der, ProbeOutcome, Suite, TlsSurvey};
use crate::probe::{Origin, ProbeError};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Looks at the certificates that an endpoint shows: trust, name, dates, keys, signatures, usage, stapling, each
/// with its own reason. Trusted are the public authorities and those that the target file gives as `trust-anchors`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificate {
    /// The thresholds: the name of a shipped policy, or one written out.
    policy: ChosenPolicy,
    /// Fail when fewer days than this are left, or less than a third of the whole lifetime where that is shorter.
    #[serde(default)]
    min_days_left: Option<u32>,
    /// Reasons that are told as warnings and fail nothing, besides those of the policy.
    #[serde(default)]
    tolerated: Vec<Reason>,
    /// Look also at the certificates that are shown to clients with other kinds of keys. That takes a survey of up
    /// to 57 connections, if no other check has made it.
    #[serde(default)]
    all_certificates: bool,
}

/// The chains that were shown, and what they are judged by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChainsSeen {
    server_name: String,
    /// Chains in the order sent, each once.
    chains: Vec<Vec<Der>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staple: Option<Der>,
    /// The given authorities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    anchors: Vec<Der>,
    /// Why there is no chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<ProbeOutcome>,
    /// The suites, where all that were agreed to do without a certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    without: Vec<Suite>,
}

impl Kind for Certificate {
    const NAME: &'static str = "certificate";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Tls;
    type Observation = ChainsSeen;

    async fn observe(&self, probes: &Probes) -> Result<ChainsSeen, ProbeError> {
        let (_, endpoint) = probes.endpoint()?;
        let origin = Origin::of(&endpoint.url).map_err(|refusal| ProbeError::misuse(refusal.to_string()))?;
        let anchors = probes.door().scope().endpoint(&origin).map(|e| e.anchors.clone()).unwrap_or_default();
        let mut seen = ChainsSeen {
            server_name: probes.server_name()?,
            chains: Vec::new(),
            staple: None,
            anchors: anchors.into_iter().map(Der).collect(),
            trouble: None,
            without: Vec::new(),
        };
        if let Some(handshake) = probes.handshake().await? {
            seen.staple.clone_from(&handshake.staple);
            seen.trouble = Some(handshake.outcome.clone());
            if !handshake.chain.is_empty() {
                seen.chains.push(handshake.chain.clone());
            }
        }
        // A port that does not answer, or not in TLS, will not do so sixty times.
        let hopeless = matches!(
            seen.trouble,
            Some(ProbeOutcome::Timeout | ProbeOutcome::Refused | ProbeOutcome::Unreachable(_) | ProbeOutcome::NotTls | ProbeOutcome::Budget)
        );
        if self.all_certificates || seen.chains.is_empty() && !hopeless {
            seen.add(&*probes.survey().await?);
        }
        if !seen.chains.is_empty() {
            seen.trouble = None;
        }
        Ok(seen)
    }

    fn judge(&self, seen: &ChainsSeen, facts: &Facts<'_>) -> Verdict {
        if seen.chains.is_empty() {
            if !seen.without.is_empty() {
                let names: Vec<String> = seen.without.iter().map(ToString::to_string).collect();
                return Verdict::inapplicable("Only cipher suites without a certificate are agreed to")
                    .with(Evidence::expected("a suite with a certificate").observed(&names.join(", ")));
            }
            let why = seen.trouble.as_ref().map_or_else(|| "none was shown".to_owned(), ProbeOutcome::describe);
            let cause = if seen.trouble == Some(ProbeOutcome::Budget) { Cause::Limit } else { Cause::Target };
            return Verdict::cant_tell(cause, format!("No certificate was seen: {why}"))
                .with(Evidence::expected("a certificate").observed(&why));
        }
        let mut policy = self.policy.certificate.clone();
        policy.min_days_left = self.min_days_left.or(policy.min_days_left);
        policy.tolerated.extend(&self.tolerated);
        let anchors =
            if seen.anchors.is_empty() { TrustAnchors::public() } else { TrustAnchors::with_certificates(seen.anchors.clone()) };
        worst_of(seen.chains.iter().enumerate().map(|(index, chain)| {
            let presented = Presented {
                chain,
                // The staple came with the first chain.
                staple: seen.staple.as_ref().filter(|_| index == 0),
                staple_asked: index == 0,
                server_name: &seen.server_name,
                anchors: &anchors,
                now: facts.now,
            };
            certificate_verdict(&judge_chain(&presented, &policy), &presented)
        }))
    }
}

impl ChainsSeen {
    /// Takes in what a survey saw in clear.
    fn add(&mut self, survey: &TlsSurvey) {
        if self.chains.is_empty() {
            self.staple.clone_from(&survey.staple);
        }
        for chain in &survey.chains {
            if !self.chains.contains(chain) {
                self.chains.push(chain.clone());
            }
        }
        if let Some(why) = survey.nothing_agreed() {
            self.trouble = Some(why);
        }
        let suites = || survey.suites.iter().flat_map(|s| &s.suites);
        if self.chains.is_empty() && suites().next().is_some() && suites().all(|s| s.is_psk() || s.is_anonymous()) {
            self.without = suites().copied().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use time::macros::datetime;

    use super::super::tls::recorded::{sound, target};
    use super::*;
    use crate::verdict::Outcome;

    /// A chain of a private authority, and that authority.
    fn chain(name: &str) -> (Vec<Der>, Der) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.not_before = datetime!(2026-10-01 0:00 UTC);
        params.not_after = datetime!(2027-01-01 0:00 UTC);
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (vec![Der(leaf.der().to_vec())], Der(authority.der().to_vec()))
    }

    fn judged(parameters: &str, now: time::OffsetDateTime, change: impl FnOnce(&mut ChainsSeen)) -> Verdict {
        let check: Certificate = serde_json::from_str(parameters).unwrap();
        let (chain, authority) = chain("device.example");
        let mut seen = ChainsSeen {
            server_name: "device.example".into(),
            chains: vec![chain],
            staple: None,
            anchors: vec![authority],
            trouble: None,
            without: vec![],
        };
        change(&mut seen);
        let target = target();
        check.judge(&seen, &Facts { now, target: &target, endpoint: None })
    }

    const PLAIN: &str = r#"{"policy": "ncsc-nl-2025"}"#;

    #[test]
    fn the_given_authority_decides() {
        let now = datetime!(2026-11-22 0:00 UTC);
        assert_eq!(judged(PLAIN, now, |_| {}).outcome, Outcome::Passed);
        assert_eq!(judged(PLAIN, now, |s| s.anchors.clear()).outcome, Outcome::CantTell);
        assert_eq!(judged(PLAIN, now, |s| s.anchors = vec![chain("x").1]).outcome, Outcome::Failed);
        assert_eq!(judged(PLAIN, now, |s| s.server_name = "other.example".into()).outcome, Outcome::Failed);
        assert_eq!(judged(PLAIN, datetime!(2027-02-01 0:00 UTC), |_| {}).outcome, Outcome::Failed);
        assert_eq!(judged(PLAIN, now, |s| s.chains.push(chain("device.example").0)).outcome, Outcome::Failed);
    }

    #[test]
    fn the_days_left_are_a_parameter() {
        let now = datetime!(2026-12-20 0:00 UTC);
        assert_eq!(judged(PLAIN, now, |_| {}).outcome, Outcome::Passed);
        let strict = r#"{"policy": "ncsc-nl-2025", "min-days-left": 14}"#;
        assert_eq!(judged(strict, now, |_| {}).outcome, Outcome::Failed);
        assert_eq!(judged(strict, datetime!(2026-12-10 0:00 UTC), |_| {}).outcome, Outcome::Passed);
    }

    #[test]
    fn no_chain_is_told_by_its_cause() {
        let now = datetime!(2026-11-22 0:00 UTC);
        let verdict = judged(PLAIN, now, |s| {
            s.chains.clear();
            s.trouble = Some(ProbeOutcome::Reset);
        });
        assert_eq!((verdict.outcome, verdict.cause), (Outcome::CantTell, Some(Cause::Target)));
        let verdict = judged(PLAIN, now, |s| {
            s.chains.clear();
            let mut survey = sound();
            survey.suites.remove(0);
            survey.suites[0].suites = vec![Suite::from_name("TLS_PSK_WITH_AES_128_CCM_8").unwrap()];
            s.add(&survey);
        });
        assert_eq!(verdict.outcome, Outcome::Inapplicable);
    }
}
