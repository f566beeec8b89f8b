//! A SIP server asks users who they are, and tells strangers nothing about which users exist.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sip_exposure::ask;
use super::{Facts, Kind, On, Probes};
use crate::probe::sip::{Challenged, Method, Seen};
use crate::probe::{ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Asks a SIP server which contacts two users have who do not exist: it must ask both for a log-in, in
/// the same way, with a fresh nonce each time. Nothing is registered, and no real user's name is used.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SipRegistration {
    /// Whether a challenge with MD5 only fails; else it is noted (RFC 8760).
    #[serde(default)]
    refuse_md5: bool,
}

/// Until a server that makes a nonce from the second has reached the next one.
const PAUSE: Duration = Duration::from_millis(1_200);

/// What was seen; nothing where the endpoint does not speak SIP.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Registrations {
    seen: Vec<Seen>,
}

impl Kind for SipRegistration {
    const NAME: &'static str = "sip-registration";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Searches;
    const ON: On = On::Any;
    type Observation = Registrations;

    async fn observe(&self, probes: &Probes) -> Result<Registrations, ProbeError> {
        let origin = probes.origin()?;
        let mut seen = Vec::new();
        if matches!(origin.scheme(), "sip" | "sips") {
            for turn in 0..3 {
                if turn == 2 {
                    // Some make a nonce from the second: the same twice within one is no fault.
                    if !same_nonce(&seen) {
                        break;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                let user = format!("probity-{}", random_word());
                seen.push(
                    ask(probes, &origin, Method::RegisterQuery, Some(&user), "see whether a SIP server asks users who they are").await?,
                );
            }
        }
        Ok(Registrations { seen })
    }

    fn judge(&self, seen: &Registrations, facts: &Facts<'_>) -> Verdict {
        const CLAUSE: &str = "RFC 3261, section 22; RFC 8760";
        let host = facts.endpoint().map(|e| e.url.to_string()).unwrap_or_default();
        if seen.seen.is_empty() {
            return Verdict::inapplicable("the endpoint does not speak SIP");
        }
        let mut answers: Vec<(u16, &[Challenged])> = Vec::new();
        for one in &seen.seen {
            match one {
                Seen::Answered { status, challenges, .. } => answers.push((*status, challenges)),
                Seen::Closed => return Verdict::cant_tell(Cause::Target, "the server closes the connection without an answer"),
                Seen::Silent => return Verdict::cant_tell(Cause::Target, "no answer came to a question about a user"),
                Seen::NotSip { .. } => return Verdict::cant_tell(Cause::Target, "what answers is not SIP"),
            }
        }
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        let words = statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ");
        let evidence = |expected: &str, observed: &str| Evidence::expected(expected).observed(observed).at(Place::of(&host)).clause(CLAUSE);
        if statuses.iter().any(|s| (200..300).contains(s)) {
            return Verdict::failed("the server answers about a user without asking who is there")
                .with(evidence("401, 403 or 407", &format!("status {words}")));
        }
        if statuses.iter().any(|s| (*s >= 500 && *s != 501) || (300..400).contains(s)) {
            return Verdict::cant_tell(Cause::Target, format!("status {words} says nothing about log-ins"))
                .with(evidence("401, 403 or 407", &words));
        }
        if statuses.iter().any(|s| Some(s) != statuses.first()) {
            return Verdict::cant_tell(Cause::Target, "two users who do not exist get different answers")
                .with(evidence("the same answer", &words));
        }
        let status = statuses.first().copied().unwrap_or_default();
        if !matches!(status, 401 | 403 | 407) {
            let hides = matches!(status, 405 | 501);
            return if hides {
                Verdict::passed("the server takes no registrations").with(evidence("401, 403 or 407, or none at all", &words))
            } else {
                Verdict::cant_tell(
                    Cause::Target,
                    format!(
                        "status {status} is no question for a log-in; if users who exist get another answer, strangers can find them out"
                    ),
                )
                .with(evidence("401, 403 or 407", &words))
            };
        }
        if seen.seen.len() > 2 && same_nonce(&seen.seen) {
            return Verdict::failed("the server always sends the same nonce, so that a log-in can be replayed")
                .with(evidence("a fresh nonce each time", "the same nonce three times"));
        }
        let offered: Vec<&str> = answers.iter().flat_map(|(_, c)| c.iter()).map(|c| c.algorithm.as_str()).collect();
        let md5_only = !offered.is_empty() && offered.iter().all(|a| a.to_ascii_uppercase().starts_with("MD5"));
        if md5_only && self.refuse_md5 {
            return Verdict::failed("log-ins rest on MD5 only").with(evidence("SHA-256 is offered", &offered.join(", ")));
        }
        let verdict = Verdict::passed("the server asks users who they are")
            .with(evidence("401, 403 or 407 with a fresh nonce", &format!("status {words}")));
        if md5_only { verdict.note("log-ins rest on MD5 only; RFC 8760 brings SHA-256") } else { verdict }
    }
}

/// Whether all answers carry one and the same nonce.
fn same_nonce(seen: &[Seen]) -> bool {
    let nonces: Vec<Option<&str>> = seen
        .iter()
        .map(|one| match one {
            Seen::Answered { challenges, .. } => challenges.first().map(|c| c.nonce.as_str()).filter(|n| !n.is_empty()),
            Seen::Closed | Seen::Silent | Seen::NotSip { .. } => None,
        })
        .collect();
    nonces.len() > 1 && nonces.iter().all(|n| n.is_some() && Some(n) == nonces.first())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;
    use crate::verdict::{Outcome, Untrusted};

    fn answered(status: u16, nonce: &str, algorithm: &str) -> Seen {
        let challenges = vec![Challenged {
            scheme: Untrusted::new("digest"),
            algorithm: Untrusted::new(algorithm),
            nonce: Untrusted::new(nonce),
            qop: None,
        }];
        Seen::Answered { status, reason: Untrusted::new(""), banner: None, challenges, branch: true }
    }
    fn judge(check: &str, seen: Vec<Seen>) -> Outcome {
        let check: SipRegistration = kind(check);
        check
            .judge(&Registrations { seen }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
            .outcome
    }

    #[test]
    fn strangers_are_asked_alike_and_freshly() {
        let two = |a: Seen, b: Seen| vec![a, b];
        assert_eq!(judge("{}", two(answered(401, "a", "SHA-256"), answered(401, "b", "SHA-256"))), Outcome::Passed);
        assert_eq!(judge("{}", vec![answered(401, "a", "MD5"); 3]), Outcome::Failed);
        assert_eq!(judge("{}", vec![answered(401, "a", "MD5"), answered(401, "a", "MD5"), answered(401, "b", "MD5")]), Outcome::Passed);
        assert_eq!(judge("{}", two(answered(200, "", ""), answered(200, "", ""))), Outcome::Failed);
        assert_eq!(judge("{}", two(answered(401, "a", "MD5"), answered(401, "b", "MD5"))), Outcome::Passed);
        assert_eq!(judge("{refuse-md5: true}", two(answered(401, "a", "MD5"), answered(401, "b", "MD5"))), Outcome::Failed);
        assert_eq!(judge("{}", two(answered(404, "", ""), answered(404, "", ""))), Outcome::CantTell);
        assert_eq!(judge("{}", two(answered(401, "a", "MD5"), answered(404, "", ""))), Outcome::CantTell);
        assert_eq!(judge("{}", two(answered(503, "", ""), answered(503, "", ""))), Outcome::CantTell);
        assert_eq!(judge("{}", vec![Seen::Silent]), Outcome::CantTell);
        assert_eq!(judge("{}", vec![]), Outcome::Inapplicable);
        assert_eq!(SipRegistration::EFFECT, Effect::Searches);
    }
}
