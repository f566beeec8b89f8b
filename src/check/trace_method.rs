//! The method TRACE, which gives back what it was sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Asks with TRACE and a header of its own; an endpoint that sends the header back would send back
/// cookies and log-ins too.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TraceMethod {}

/// The answer, and the word that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Traced {
    sent: String,
    answer: Answer,
}

impl Kind for TraceMethod {
    const NAME: &'static str = "trace-method";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Traced;

    async fn observe(&self, probes: &Probes) -> Result<Traced, ProbeError> {
        let sent = format!("probity-{}", crate::probe::random_word());
        let request = Request::new("TRACE", probes.address("")?, "see whether TRACE is off").header("X-Probity-Trace", sent.clone());
        Ok(Traced { answer: Answer::from(&*probes.door().ask(&request).await?), sent })
    }

    fn judge(&self, seen: &Traced, _: &Facts<'_>) -> Verdict {
        let answer = &seen.answer;
        let evidence = answer.status_evidence("an answer without the header that was sent").clause("RFC 9110, section 9.3.8");
        let echoed = answer.text.as_deref().is_some_and(|text| text.contains(&seen.sent));
        if (200..300).contains(&answer.status) && echoed {
            return Verdict::failed("TRACE sends back the header fields of a request").with(evidence);
        }
        match answer.tells_nothing(&[]) {
            Some(verdict) => verdict,
            None => Verdict::passed("TRACE sends nothing back").with(evidence),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    #[test]
    fn only_an_echo_fails() {
        let judge = |status, text: &str| {
            let check: TraceMethod = kind("{}");
            let seen = Traced { sent: "probity-1".into(), answer: answer(status, &[], text) };
            check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
        };
        assert_eq!(judge(200, "TRACE / HTTP/1.1\r\nX-Probity-Trace: probity-1\r\n"), Outcome::Failed);
        assert_eq!(judge(200, "<html>"), Outcome::Passed);
        assert_eq!(judge(405, ""), Outcome::Passed);
        assert_eq!(judge(503, ""), Outcome::CantTell);
    }
}
