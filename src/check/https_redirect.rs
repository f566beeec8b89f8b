//! Nothing is served in clear text: plain HTTP leads to HTTPS or is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::Answer;
use super::{Facts, Kind, On, Probes};
use crate::probe::{Phase, ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Asks an endpoint over plain HTTP, without any credential, and demands that it leads to HTTPS or
/// refuses. The plain side of an `https:` endpoint on its usual port is the same host at port 80; on
/// another port it has none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpsRedirect {
    /// The path; the endpoint's own address, where nothing is said.
    #[serde(default)]
    path: String,
}

/// What the plain side did.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlainSeen {
    /// The endpoint has no plain side.
    Encrypted,
    /// The port is closed.
    Refused,
    /// Nothing answers there: closed without a word, or kept away by a filter.
    Silent,
    /// It answered.
    Answered(Box<Answer>),
}

impl Kind for HttpsRedirect {
    const NAME: &'static str = "https-redirect";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = PlainSeen;

    async fn observe(&self, probes: &Probes) -> Result<PlainSeen, ProbeError> {
        let (_, endpoint) = probes.endpoint()?;
        let mut url = probes.address(&self.path)?;
        if endpoint.url.scheme() != "http" && (endpoint.url.port_or_known_default() != Some(443) || url.set_scheme("http").is_err()) {
            return Ok(PlainSeen::Encrypted);
        }
        let request = Request::get(url, "see whether plain HTTP leads to HTTPS");
        match probes.door().ask(&request).await {
            Ok(exchange) => Ok(PlainSeen::Answered(Box::new(Answer::from(&*exchange)))),
            // Here reachability is the question: a closed port serves nothing in clear text.
            Err(ProbeError::Refused { .. }) => Ok(PlainSeen::Refused),
            Err(ProbeError::TimedOut { phase: Phase::Connect, .. } | ProbeError::Unreachable { .. }) => Ok(PlainSeen::Silent),
            Err(error) => Err(error),
        }
    }

    fn judge(&self, seen: &PlainSeen, _: &Facts<'_>) -> Verdict {
        const CLAUSE: &str = "RFC 6797, section 7.2";
        let answer = match seen {
            PlainSeen::Encrypted => return Verdict::inapplicable("the endpoint speaks HTTPS on a port of its own; it has no plain side"),
            PlainSeen::Refused => return Verdict::passed("plain HTTP is refused: the port is closed"),
            PlainSeen::Silent => return Verdict::passed("plain HTTP is not answered: nothing can be connected to there"),
            PlainSeen::Answered(answer) => answer,
        };
        let expected = "a redirect to https:, or a refusal";
        let location = answer.header("location").and_then(|l| Url::parse(&answer.url).ok()?.join(l).ok());
        match (answer.status, location) {
            (301 | 302 | 303 | 307 | 308, Some(to)) if to.scheme() == "https" => {
                let evidence = Evidence::expected(expected).observed(&format!("status {} to {to}", answer.status)).at(answer.place()).clause(CLAUSE);
                let mut verdict = Verdict::passed("plain HTTP leads to HTTPS").with(evidence);
                let own = Url::parse(&answer.url).ok();
                if own.as_ref().and_then(Url::host_str) != to.host_str() {
                    verdict = verdict.note("it leads to another host; a redirect to the same host first lets HSTS take hold of both");
                }
                if !matches!(answer.status, 301 | 308) {
                    verdict = verdict.note("a permanent redirect (301 or 308) spares clients the plain question the next time");
                }
                verdict
            }
            (300..=399, Some(to)) => Verdict::failed(format!("plain HTTP leads on to {}", to.scheme()))
                .with(Evidence::expected(expected).observed(&format!("status {} to {to}", answer.status)).at(answer.place()).clause(CLAUSE)),
            (300..=399, None) => Verdict::failed("plain HTTP answers with a redirect that leads nowhere")
                .with(Evidence::expected(expected).observed(answer.header("location").unwrap_or("no Location")).at(answer.header_place("Location")).clause(CLAUSE)),
            (200..=299, _) => Verdict::failed("content is served in clear text").with(answer.status_evidence(expected).clause(CLAUSE)),
            (403 | 421 | 426, _) => Verdict::passed(format!("plain HTTP is refused: status {}", answer.status)).with(answer.status_evidence(expected)),
            (400..=499, _) => Verdict::cant_tell(
                Cause::Target,
                format!("status {} at this path says nothing about the others; name a path that exists in the endpoint's address", answer.status),
            )
            .with(answer.status_evidence(expected)),
            _ => Verdict::cant_tell(Cause::Target, "it was not at work just now").with(answer.status_evidence(expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(seen: PlainSeen) -> Verdict {
        let check: HttpsRedirect = kind("{}");
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn answered(status: u16, location: Option<&str>) -> PlainSeen {
        let mut answer = answer(status, &location.map(|l| vec![("Location", l)]).unwrap_or_default(), "");
        answer.url = "http://shop.test/a".into();
        PlainSeen::Answered(Box::new(answer))
    }

    #[test]
    fn redirects_to_https_and_refusals_pass() {
        for seen in [answered(301, Some("https://shop.test/a")), answered(307, Some("https://www.shop.test/")), PlainSeen::Refused, PlainSeen::Silent, answered(403, None), answered(426, None)] {
            assert_eq!(judge(seen).outcome, Outcome::Passed);
        }
        assert_eq!(judge(PlainSeen::Encrypted).outcome, Outcome::Inapplicable);
    }

    #[test]
    fn clear_text_fails() {
        for seen in [answered(200, None), answered(301, Some("/b")), answered(302, Some("http://shop.test/b")), answered(301, None), answered(308, Some("ftp://shop.test/"))] {
            assert_eq!(judge(seen).outcome, Outcome::Failed);
        }
    }

    #[test]
    fn what_says_nothing_cannot_be_told() {
        assert_eq!(judge(answered(404, None)).outcome, Outcome::CantTell);
        assert_eq!(judge(answered(503, None)).outcome, Outcome::CantTell);
    }
}
