//! `Strict-Transport-Security`: browsers are told never to go back to clear text.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, Answers};
use super::{Facts, Kind, On, Probes};
use crate::format::header::Surface;
use crate::format::header::strict_transport_security::{Demand, Sent, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Grade, Outcome, Verdict};

/// Asks an `https` endpoint and judges its `Strict-Transport-Security` as a browser reads it (RFC 6797).
/// A host that is reached by its address is not concerned.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TransportSecurity {
    /// The path; the endpoint's own address, where nothing is said.
    #[serde(default)]
    path: String,
    /// The least `max-age`, in seconds.
    least_max_age: u64,
    /// A `max-age` below this many seconds is noted.
    #[serde(default)]
    advised_max_age: Option<u64>,
    /// Whether names below the host must be covered.
    #[serde(default)]
    sub_domains: bool,
    /// What the endpoint is for, where it cannot be told from its address: a `device` in a home has no public name.
    #[serde(default)]
    surface: Option<Surface>,
}

impl Kind for TransportSecurity {
    const NAME: &'static str = "transport-security";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        probes.ask_each(std::slice::from_ref(&self.path), |url| Request::get(url, "see whether browsers are told to use encryption always")).await
    }

    fn judge(&self, seen: &Answers, facts: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        if facts.endpoint().is_some_and(|e| e.url.scheme() != "https") {
            return Verdict::inapplicable("the header counts over HTTPS only (RFC 6797, section 8.1)");
        }
        let mut verdicts: Vec<Verdict> = seen.answers.iter().map(|answer| self.one(answer, facts)).collect();
        verdicts.sort_by_key(|v| v.outcome.rank());
        verdicts.into_iter().next().unwrap_or_else(|| Verdict::untested(Cause::Missing, "there was nothing to ask for"))
    }
}

impl TransportSecurity {
    fn one(&self, answer: &Answer, facts: &Facts<'_>) -> Verdict {
        let values = answer.header_values("strict-transport-security");
        // A header behind a limit or a fault of the server may be there on other days.
        if values.is_empty() && (answer.status == 429 || answer.status >= 500) {
            return answer.tells_nothing(&[]).unwrap_or_else(|| {
                Verdict::cant_tell(Cause::Target, format!("status {} says nothing about the header", answer.status)).with(answer.status_evidence("status 200"))
            });
        }
        // Reached by its address on a bench, a service may have a name all the same.
        let host = facts.endpoint().and_then(|e| e.server_name.as_deref().or(e.url.host_str())).unwrap_or_default();
        let demand = Demand { least_max_age: self.least_max_age, advised_max_age: self.advised_max_age.unwrap_or(self.least_max_age), sub_domains: self.sub_domains };
        let judged = judge(&Sent { host, secure: &values, clear: &[] }, self.surface.unwrap_or_else(|| surface_of(facts)), &demand);
        let verdict = judged.to_verdict("Strict-Transport-Security");
        if verdict.outcome == Outcome::Passed { verdict.with(answer.status_evidence("the header").clause("RFC 6797")) } else { verdict }
    }
}

/// What the target file calls a device, and neither a page nor an interface, is one wherever it was reached.
fn surface_of(facts: &Facts<'_>) -> Surface {
    let serves = |roles: &[&str]| facts.endpoint.zip(facts.endpoint()).is_some_and(|(name, e)| roles.iter().any(|role| e.serves(name, role)));
    if serves(&["hub", "device", "sensor"]) && !serves(&["web", "app", "portal", "api"]) { Surface::Device } else { Surface::Api }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::target::Target;

    fn judge(target: &Target, status: u16, headers: &[(&str, &str)]) -> Verdict {
        let check: TransportSecurity = kind("{least-max-age: 15552000, advised-max-age: 31536000}");
        check.judge(&answers(vec![answer(status, headers, "")]), &Facts { now: datetime!(2026-11-22 12:00 UTC), target, endpoint: Some("api") })
    }

    #[test]
    fn the_header_is_read_as_browsers_read_it() {
        let target = target("");
        for (status, value, outcome) in [
            (200, "max-age=\"31536000\"", Outcome::Passed),
            (404, "max-age=15552000", Outcome::Passed),
            (200, "maxage=31536000", Outcome::Failed),
            (200, "max-age=300", Outcome::Failed),
        ] {
            assert_eq!(judge(&target, status, &[("Strict-Transport-Security", value)]).outcome, outcome, "{value}");
        }
        assert_eq!(judge(&target, 200, &[]).outcome, Outcome::Failed);
        assert_eq!(judge(&target, 401, &[]).outcome, Outcome::Failed);
        assert_eq!(judge(&target, 503, &[]).outcome, Outcome::CantTell);
        assert_eq!(judge(&target, 429, &[]).outcome, Outcome::CantTell);
    }

    #[test]
    fn an_address_and_clear_text_are_not_concerned() {
        for (url, serves) in [("https://192.168.1.7/", "api"), ("https://[fd00::7]/", "web"), ("http://hub.test/", "api"), ("https://hub.local/", "hub")] {
            let target = Target::parse("t", &format!("target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints: {{api: {{url: '{url}', serves: [{serves}]}}}}\n")).unwrap();
            assert_eq!(judge(&target, 200, &[]).outcome, Outcome::Inapplicable, "{url}");
        }
    }
}
