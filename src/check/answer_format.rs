//! What an endpoint answers, judged as a document of an open format.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, Answers, StatusPattern};
use super::{Facts, Kind, On, Probes};
use crate::format::{Context, Format, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Fetches a path and judges what comes back by the rules of an open format: the standard's own, beyond
/// what a schema can say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnswerFormat {
    /// The path; from the root of the origin with `/` in front, else from the endpoint's address.
    /// `{name}` stands for a fixture of the target file, a word or a list of words.
    path: String,
    /// What is fetched, in a few words for people.
    asks: String,
    /// The format.
    format: Format,
    /// The media types that are asked for and accepted. Any, where none is named.
    #[serde(default)]
    media_types: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

impl Kind for AnswerFormat {
    const NAME: &'static str = "answer-format";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let accept = if self.media_types.is_empty() { "*/*".to_owned() } else { self.media_types.join(", ") };
        probes
            .ask_each(std::slice::from_ref(&self.path), |url| {
                let request = Request::get(url, self.asks.clone()).header("Accept", accept.clone()).gzip();
                match self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                    Some(name) => request.credential(name),
                    None => request,
                }
            })
            .await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let mut findings = Vec::new();
        for answer in &seen.answers {
            match body(answer, &self.asks, &self.media_types) {
                Ok(text) => findings.extend(judge(self.format, &answer.question(), text.as_bytes(), &Context::default())),
                Err(verdict) => return *verdict,
            }
        }
        let mut verdict = Verdict::from_findings(&findings, &self.asks);
        if verdict.outcome == Outcome::Passed {
            let kept = format!("an answer that keeps the rules of {}", self.format);
            verdict = verdict.with_all(seen.answers.iter().take(5).map(|a| a.status_evidence(kept.clone())));
        }
        verdict
    }
}

/// The body of a successful answer, or the verdict where there is none to judge.
pub(super) fn body<'a>(answer: &'a Answer, asks: &str, media_types: &[String]) -> Result<&'a str, Box<Verdict>> {
    if let Some(verdict) = answer.tells_nothing(&[StatusPattern::SUCCESS]) {
        return Err(Box::new(verdict));
    }
    if answer.status == 401 || answer.status == 403 {
        let reason = format!("{asks}: {} needs a credential that the target file does not name", answer.question());
        return Err(Box::new(Verdict::untested(Cause::Missing, reason).with(answer.status_evidence("an answer that can be judged"))));
    }
    if !(200..300).contains(&answer.status) {
        let verdict = Verdict::failed(format!("{asks}: it is not there, status {}", answer.status));
        return Err(Box::new(verdict.with(answer.status_evidence("status 200"))));
    }
    if let Some(verdict) = answer.unreadable() {
        return Err(Box::new(verdict));
    }
    if !media_types.is_empty() && !media_types.contains(&answer.media_type()) {
        let expected = media_types.join(" or ");
        let evidence = Evidence::expected(format!("the media type {expected}"))
            .observed(answer.header("content-type").unwrap_or("none"))
            .at(answer.header_place("Content-Type"))
            .clause("RFC 9110, section 8.3");
        return Err(Box::new(Verdict::failed(format!("{asks}: the media type is not {expected}")).with(evidence)));
    }
    Ok(answer.text.as_deref().unwrap_or_default())
}

/// A finding with the question it came up at in front of its place.
pub(super) fn within(mut finding: Finding, question: &str) -> Finding {
    finding.path = format!("{question} {}", finding.path).trim_end().to_owned();
    finding
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;

    const CHECK: &str = "{path: 'ngsi-ld/v1/entities?limit=1', asks: an entity, format: ngsi-ld, media-types: [application/ld+json]}";
    const LD: [(&str, &str); 1] = [("Content-Type", "application/ld+json")];

    fn judged(check: &str, seen: Vec<Answer>) -> Verdict {
        let check: AnswerFormat = kind(check);
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn answers_are_judged_by_their_format() {
        let sound = r#"[{"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", "id": "urn:ngsi-ld:Bed:1", "type": "Bed", "x": {"type": "Property", "value": 1}}]"#;
        assert_eq!(judged(CHECK, vec![answer(200, &LD, sound)]).outcome, Outcome::Passed);
        let failed = judged(CHECK, vec![answer(200, &LD, &sound.replace("urn:ngsi-ld:Bed:1", "Bed 1"))]);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.reason.contains("not a URI"), "{}", failed.reason);
        let open = judged(CHECK, vec![answer(200, &LD, &sound.replace("uri.etsi.org/ngsi-ld", "vendor.example"))]);
        assert_eq!(open.outcome, Outcome::CantTell);
    }

    #[test]
    fn trouble_is_not_failure_and_the_media_type_counts() {
        assert_eq!(judged(CHECK, vec![]).outcome, Outcome::Untested);
        assert_eq!(judged(CHECK, vec![answer(401, &LD, "")]).outcome, Outcome::Untested);
        assert_eq!(judged(CHECK, vec![answer(503, &LD, "")]).outcome, Outcome::CantTell);
        assert_eq!(judged(CHECK, vec![answer(404, &LD, "")]).outcome, Outcome::Failed);
        assert_eq!(judged(CHECK, vec![answer(200, &[("Content-Type", "text/html")], "[]")]).outcome, Outcome::Failed);
        let wrong: Result<AnswerFormat, _> =
            crate::document::from_node(&crate::document::Node::read("c", "{path: a, asks: a, format: word}").unwrap());
        assert!(wrong.unwrap_err().to_string().contains("wot-td"));
    }
}
