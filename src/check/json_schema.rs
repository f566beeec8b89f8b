//! What an endpoint answers, against a JSON Schema.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answers, StatusPattern};
use super::schema::Schema;
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Fetches a path and judges the JSON that comes back by a JSON Schema.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JsonSchemaOfAnswer {
    /// The path; from the root of the origin with `/` in front, else from the endpoint's address.
    /// `{name}` stands for a fixture of the target file, a word or a list of words.
    path: String,
    /// What is fetched, in a few words for people.
    asks: String,
    /// The schema.
    schema: Schema,
    /// The media types that are asked for and accepted. Any JSON, where none is named.
    #[serde(default)]
    media_types: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

impl Kind for JsonSchemaOfAnswer {
    const NAME: &'static str = "json-schema";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let accept = if self.media_types.is_empty() { "application/json".to_owned() } else { self.media_types.join(", ") };
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
            if let Some(verdict) = answer.tells_nothing(&[StatusPattern::SUCCESS]) {
                return verdict;
            }
            if answer.status == 401 || answer.status == 403 {
                return Verdict::untested(Cause::Missing, format!("{}: {} needs a credential that the target file does not name", self.asks, answer.question()))
                    .with(answer.status_evidence("an answer that can be judged"));
            }
            if !(200..300).contains(&answer.status) {
                return Verdict::failed(format!("{}: it is not there, status {}", self.asks, answer.status)).with(answer.status_evidence("status 200"));
            }
            if let Some(verdict) = answer.unfinished() {
                return verdict;
            }
            let right_type = if self.media_types.is_empty() { answer.is_json() } else { self.media_types.contains(&answer.media_type()) };
            if !right_type {
                let expected = if self.media_types.is_empty() { "JSON".to_owned() } else { self.media_types.join(" or ") };
                return Verdict::failed(format!("{}: the media type is not {expected}", self.asks)).with(
                    Evidence::expected(format!("the media type {expected}"))
                        .observed(answer.header("content-type").unwrap_or("none"))
                        .at(answer.header_place("Content-Type"))
                        .clause("RFC 9110, section 8.3"),
                );
            }
            if answer.text.is_none() {
                findings.push(Finding::error("utf-8", "it is not UTF-8").at(answer.question()).expected("JSON in UTF-8").clause("RFC 8259, section 8.1"));
                continue;
            }
            match Source::json(answer.question(), answer.text.as_deref().unwrap_or_default().as_bytes()) {
                Ok(source) => findings.extend(self.schema.findings(&source)),
                Err(error) => findings.push(Finding::error("json", format!("it is not JSON: {}", error.message)).position(Some(error.position)).clause("RFC 8259")),
            }
        }
        let mut verdict = Verdict::from_findings(&findings, &self.asks);
        if verdict.outcome == Outcome::Passed {
            verdict = verdict.with_all(seen.answers.iter().take(5).map(|a| a.status_evidence("an answer that keeps the schema")));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::super::answer::Answer;
    use super::*;

    const CHECK: &str = "{path: /x, asks: the list, schema: {type: object, required: [a]}}";
    const JSON: [(&str, &str); 1] = [("Content-Type", "application/json; charset=utf-8")];

    fn judge(check: &str, seen: Vec<Answer>) -> Verdict {
        let check: JsonSchemaOfAnswer = kind(check);
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn sound_answers_pass_and_others_fail_for_their_reason() {
        assert_eq!(judge(CHECK, vec![answer(200, &JSON, "{\"a\":1}")]).outcome, Outcome::Passed);
        for (seen, why) in [
            (answer(200, &JSON, "{\"b\":1}"), "`/a` is missing"),
            (answer(200, &JSON, "{\"a\":"), "not JSON"),
            (answer(200, &[("Content-Type", "text/html")], "{\"a\":1}"), "media type"),
            (answer(200, &[], "{\"a\":1}"), "media type"),
            (answer(404, &JSON, "{}"), "not there"),
            (answer(500, &JSON, "{}"), "status 500"),
        ] {
            let verdict = judge(CHECK, vec![seen]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn other_encodings_than_utf_8_fail() {
        let latin = Answer { text: None, ..answer(200, &JSON, "") };
        assert!(judge(CHECK, vec![latin]).reason.contains("not UTF-8"));
    }

    #[test]
    fn trouble_is_not_failure() {
        assert_eq!(judge(CHECK, vec![]).outcome, Outcome::Untested);
        assert_eq!(judge(CHECK, vec![answer(401, &JSON, "")]).outcome, Outcome::Untested);
        assert_eq!(judge(CHECK, vec![answer(503, &JSON, "")]).outcome, Outcome::CantTell);
        let mut cut = answer(200, &JSON, "{\"a\":1}");
        cut.cut = Some("its body is larger than is read".into());
        assert_eq!(judge(CHECK, vec![cut]).outcome, Outcome::CantTell);
        let mut shown = answer(403, &JSON, "");
        shown.shown = Some("reader".into());
        assert_eq!(judge(CHECK, vec![shown]).outcome, Outcome::CantTell);
    }

    #[test]
    fn named_media_types_are_exact() {
        let check = "{path: m, asks: m, media-types: [application/fhir+json], schema: {type: object}}";
        assert_eq!(judge(check, vec![answer(200, &[("content-type", "application/fhir+json")], "{}")]).outcome, Outcome::Passed);
        assert_eq!(judge(check, vec![answer(200, &JSON, "{}")]).outcome, Outcome::Failed);
    }
}
