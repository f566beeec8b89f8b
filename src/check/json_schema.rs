//! What an endpoint answers, against a JSON Schema.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answers;
use super::answer_format::{MediaTypes, body, fetch, within};
use super::schema::Schema;
use super::{Facts, Kind, On, Probes};
use crate::format::json_schema::judge_json;
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Outcome, Verdict};

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
        fetch(probes, &self.path, &self.asks, self.accepted(), self.credential.as_deref()).await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let mut findings = Vec::new();
        for answer in &seen.answers {
            match body(answer, &self.asks, self.accepted()) {
                Ok(text) => {
                    let question = answer.question();
                    let judged = judge_json(&question, text.as_bytes(), Some(self.schema.compiled()));
                    findings.extend(judged.into_iter().map(|finding| within(finding, &question)));
                }
                Err(verdict) => return *verdict,
            }
        }
        let mut verdict = Verdict::from_findings(&findings, &self.asks);
        if verdict.outcome == Outcome::Passed {
            verdict = verdict.with_all(seen.answers.iter().take(5).map(|a| a.status_evidence("an answer that keeps the schema")));
        }
        verdict
    }
}

impl JsonSchemaOfAnswer {
    fn accepted(&self) -> MediaTypes<'_> {
        if self.media_types.is_empty() { MediaTypes::Json } else { MediaTypes::Named(&self.media_types) }
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
            (answer(200, &JSON, "{\"a\":"), "cannot be read"),
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
