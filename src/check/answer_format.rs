//! What an endpoint answers, judged as a document of an open format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Answers, StatusPattern};
use super::supplied::Supplied;
use super::{Facts, Kind, On, Probes};
use crate::format::{Format, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Fetches a path and judges what comes back by the rules of an open format: the standard's own, beyond
/// what a schema can say. JSON and CSV are judged besides by a schema that the vendor publishes, where one
/// is named; JSON-LD and NGSI-LD by the contexts that the vendor publishes: the documents of the target
/// file whose name is an address.
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
    /// The document of the target file that is the schema: a JSON Schema for `json`; a Table Schema or CSV
    /// on the Web metadata for `csv`.
    #[serde(default)]
    schema: Option<String>,
    /// The media types that are asked for and accepted. Any, where none is named.
    #[serde(default)]
    media_types: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

/// What was answered, and what it is judged by.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AnswersInFormat {
    #[serde(flatten)]
    answers: Answers,
    /// What the vendor publishes to judge them by.
    #[serde(default)]
    supplied: Supplied,
}

impl Kind for AnswerFormat {
    const NAME: &'static str = "answer-format";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = AnswersInFormat;

    async fn observe(&self, probes: &Probes) -> Result<AnswersInFormat, ProbeError> {
        let media_types = MediaTypes::named(&self.media_types);
        let answers = fetch(probes, &self.path, &self.asks, media_types, self.credential.as_deref()).await?;
        Ok(AnswersInFormat { answers, supplied: Supplied::observe(probes, self.format, self.schema.as_deref()).await? })
    }

    fn judge(&self, seen: &AnswersInFormat, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.answers.unasked() {
            return verdict;
        }
        let context = match seen.supplied.context(self.format) {
            Ok(context) => context,
            Err(verdict) => return *verdict,
        };
        let mut findings = Vec::new();
        for answer in &seen.answers.answers {
            match body(answer, &self.asks, MediaTypes::named(&self.media_types)) {
                Ok(text) => {
                    let question = answer.question();
                    let judged = judge(self.format, &question, text.as_bytes(), &context);
                    findings.extend(judged.into_iter().map(|finding| within(finding, &question)));
                }
                Err(verdict) => return *verdict,
            }
        }
        let mut verdict = Verdict::from_findings(&findings, &self.asks);
        if verdict.outcome == Outcome::Passed {
            let kept = format!("an answer that keeps the rules of {}", self.format);
            verdict = verdict.with_all(seen.answers.answers.iter().take(5).map(|a| a.status_evidence(kept.clone())));
        }
        verdict
    }
}

/// The media types that an answer may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum MediaTypes<'a> {
    Any,
    /// `application/json`, or a type that ends in `+json`.
    Json,
    /// One of these.
    Named(&'a [String]),
}

impl<'a> MediaTypes<'a> {
    /// The types that a profile names; any, where it names none.
    pub(super) fn named(names: &'a [String]) -> Self {
        if names.is_empty() { Self::Any } else { Self::Named(names) }
    }
    fn accept(self) -> String {
        match self {
            Self::Any => "*/*".into(),
            Self::Json => "application/json".into(),
            Self::Named(names) => names.join(", "),
        }
    }
    fn fits(self, answer: &Answer) -> bool {
        match self {
            Self::Any => true,
            Self::Json => answer.is_json(),
            Self::Named(names) => names.contains(&answer.media_type()),
        }
    }
    fn words(self) -> String {
        match self {
            Self::Any => "any".into(),
            Self::Json => "JSON".into(),
            Self::Named(names) => names.join(" or "),
        }
    }
}

/// Asks for each path of a template, with the credential where the target file has it.
pub(super) async fn fetch(
    probes: &Probes,
    path: &str,
    asks: &str,
    media_types: MediaTypes<'_>,
    credential: Option<&str>,
) -> Result<Answers, ProbeError> {
    let accept = media_types.accept();
    probes
        .ask_each(&[path.to_owned()], |url| {
            let request = Request::get(url, asks).header("Accept", accept.clone()).gzip();
            match credential.filter(|name| probes.has_credential(name)) {
                Some(name) => request.credential(name),
                None => request,
            }
        })
        .await
}

/// The body of a successful answer, or the verdict where there is none to judge.
pub(super) fn body<'a>(answer: &'a Answer, asks: &str, media_types: MediaTypes<'_>) -> Result<&'a str, Box<Verdict>> {
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
    if let Some(verdict) = answer.unfinished() {
        return Err(Box::new(verdict));
    }
    if !media_types.fits(answer) {
        let expected = media_types.words();
        let evidence = Evidence::expected(format!("the media type {expected}"))
            .observed(answer.header("content-type").unwrap_or("none"))
            .at(answer.header_place("Content-Type"))
            .clause("RFC 9110, section 8.3");
        return Err(Box::new(Verdict::failed(format!("{asks}: the media type is not {expected}")).with(evidence)));
    }
    match (&answer.text, answer.is_json()) {
        (Some(text), _) => Ok(text),
        (None, true) => {
            let finding = Finding::error("utf-8", "it is not UTF-8").at(answer.question()).expected("JSON in UTF-8");
            Err(Box::new(Verdict::from_findings(&[finding.clause("RFC 8259, section 8.1")], asks)))
        }
        (None, false) => {
            let evidence = Evidence::expected("UTF-8 text").observed("other bytes").at(answer.place());
            Err(Box::new(Verdict::cant_tell(Cause::Target, "the answer is not text").with(evidence)))
        }
    }
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
        let seen = AnswersInFormat { answers: answers(seen), supplied: Supplied::default() };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn answers_are_judged_by_their_format() {
        let sound = r#"[{"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", "id": "urn:ngsi-ld:Bed:1", "type": "Bed", "x": {"type": "Property", "value": 1}}]"#;
        assert_eq!(judged(CHECK, vec![answer(200, &LD, sound)]).outcome, Outcome::Passed);
        let failed = judged(CHECK, vec![answer(200, &LD, &sound.replace("urn:ngsi-ld:Bed:1", "Bed 1"))]);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.reason.contains("not a URI"), "{}", failed.reason);
        let foreign = r#"{"@context": "https://vendor.example/c.jsonld", "@id": "urn:a", "colour": "red"}"#;
        assert_eq!(judged("{path: a, asks: a, format: json-ld}", vec![answer(200, &LD, foreign)]).outcome, Outcome::CantTell);
    }

    #[test]
    fn the_vendors_own_schema_and_contexts_are_judged_by() {
        let read = |text: &str| super::super::DocumentSeen::Read { location: "s.json".into(), text: text.into(), sha256: "0".repeat(64) };
        let judged = |check: &str, supplied: Supplied, media_type: &str, text: &str| {
            let check: AnswerFormat = kind(check);
            let seen = AnswersInFormat { answers: answers(vec![answer(200, &[("Content-Type", media_type)], text)]), supplied };
            // What is kept is read again as it was.
            let seen: AnswersInFormat = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
            check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
        };
        let schema = |text: &str| Supplied::of(Some(("rooms-schema", read(text))), &[]);
        let json = "{path: r, asks: rooms, format: json, schema: rooms-schema}";
        for draft in ["https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema", "http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-04/schema#"] {
            let own = format!(r#"{{"$schema": "{draft}", "type": "object", "required": ["rooms"]}}"#);
            assert_eq!(judged(json, schema(&own), "application/json", r#"{"rooms": 1}"#), Outcome::Passed, "{draft}");
            assert_eq!(judged(json, schema(&own), "application/json", "{}"), Outcome::Failed, "{draft}");
        }
        assert_eq!(judged(json, schema(r#"{"$ref": "https://other.example/s.json"}"#), "application/json", "{}"), Outcome::CantTell);
        assert_eq!(judged(json, schema(r#"{"type": "thing"}"#), "application/json", "{}"), Outcome::Failed);
        assert_eq!(judged(json, Supplied::of(Some(("rooms-schema", super::super::DocumentSeen::NotNamed)), &[]), "application/json", "{}"), Outcome::Untested);
        let csv = "{path: r, asks: rooms, format: csv, schema: rooms-schema}";
        let table = r#"{"fields": [{"name": "room", "type": "integer"}]}"#;
        assert_eq!(judged(csv, schema(table), "text/csv", "room\r\n12\r\n"), Outcome::Passed);
        assert_eq!(judged(csv, schema(table), "text/csv", "room\r\ntwelve\r\n"), Outcome::Failed);
        assert_eq!(judged("{path: r, asks: rooms, format: xml, schema: rooms-schema}", schema(table), "text/xml", "<a/>"), Outcome::CantTell);
        let foreign = r#"{"@context": "https://vendor.example/c.jsonld", "@id": "urn:a", "colour": "red"}"#;
        let context = Supplied::of(None, &[("https://vendor.example/c.jsonld", read(r#"{"@context": {"colour": "https://vendor.example/colour"}}"#))]);
        assert_eq!(judged("{path: a, asks: a, format: json-ld}", context, "application/ld+json", foreign), Outcome::Passed);
    }

    #[test]
    fn json_is_utf_8_and_other_text_may_be_anything() {
        let bytes = |media_type: &str| Answer { text: None, ..answer(200, &[("Content-Type", media_type)], "") };
        assert_eq!(judged("{path: a, asks: a, format: json}", vec![bytes("application/json")]).outcome, Outcome::Failed);
        assert_eq!(judged("{path: a, asks: a, format: csv}", vec![bytes("text/csv")]).outcome, Outcome::CantTell);
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
