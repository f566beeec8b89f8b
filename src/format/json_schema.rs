//! JSON judged by a schema that somebody supplied: any draft that `$schema` names, 2020-12 without one.
//!
//! Nothing is fetched: a reference leads to a schema that was supplied as well, or the question stays
//! open. Patterns run in linear time, so one that needs backtracking is an open question too. Formats are
//! asserted, with the strict readers of this program where it has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use super::findings::Findings;
use super::uri::{self, Charset};
use super::{date_time, is_email, is_uuid, json};
use crate::document::{Source, push_token};
use crate::verdict::{Finding, Severity, Untrusted};

/// The size a compiled pattern may have, in bytes; a limit of ours.
const PATTERN_SIZE: usize = 1 << 20;

/// A schema made ready. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JsonSchema {
    validator: Arc<Validator>,
}

/// Gives the schemas that were supplied, by their address.
struct Supplied(BTreeMap<String, Value>);

impl Retrieve for Supplied {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let address = uri.as_str();
        let without_fragment = address.split('#').next().unwrap_or(address);
        self.0.get(address).or_else(|| self.0.get(without_fragment)).cloned().ok_or_else(|| "not supplied".into())
    }
}

impl JsonSchema {
    /// Makes a schema ready; `others` are the schemas that it may refer to, by their address.
    ///
    /// # Errors
    /// What is wrong with the schema, or which of its references are not at hand.
    pub fn compile(schema: &Value, others: &BTreeMap<String, Value>) -> Result<Self, Vec<Finding>> {
        let built = jsonschema::options()
            .with_retriever(Supplied(others.clone()))
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE))
            .should_validate_formats(true)
            .with_format("date-time", |text: &str| date_time::date_time(text).is_ok())
            .with_format("date", |text: &str| date_time::date(text).is_ok())
            .with_format("uri", |text: &str| uri::absolute(text, Charset::Uri).is_ok())
            .with_format("iri", |text: &str| uri::absolute(text, Charset::Iri).is_ok())
            .with_format("uri-reference", |text: &str| uri::reference(text, Charset::Uri).is_ok())
            .with_format("email", is_email)
            .with_format("uuid", is_uuid)
            .build(schema);
        match built {
            Ok(validator) => Ok(Self { validator: Arc::new(validator) }),
            Err(error) => {
                let message = error.to_string();
                let place = error.instance_path().to_string();
                let shown = Untrusted::new(&message);
                let at_hand = !message.contains("not supplied") && !message.contains("Resource");
                let finding = if !at_hand {
                    Finding::open("schema-reference", format!("the schema refers to another that is not at hand: {shown}"))
                } else if needs_backtracking(schema) {
                    Finding::open("schema-pattern", format!("the schema has a pattern that cannot be judged in linear time: {shown}"))
                } else {
                    Finding::error("schema", format!("the schema itself is not sound: {shown}"))
                };
                Err(vec![finding.at(place).clause("JSON Schema")])
            }
        }
    }

    /// What a value breaks, as far as it is told.
    pub fn faults(&self, value: &Value) -> Vec<Finding> {
        let mut findings = Findings::default();
        self.judge(value, &mut findings);
        findings.finish()
    }

    /// What a document breaks, each at its place in the text.
    pub fn findings(&self, source: &Source) -> Vec<Finding> {
        let mut findings = Findings::default();
        self.judge(source.value(), &mut findings);
        findings.locate(source);
        findings.finish()
    }

    /// Judges one value.
    pub(super) fn judge(&self, value: &Value, findings: &mut Findings) {
        if self.validator.is_valid(value) {
            return;
        }
        for error in self.validator.iter_errors(value) {
            if !findings.wants(Severity::Error) {
                findings.push(Finding::error("schema", ""));
                break;
            }
            let keyword = error.kind().keyword();
            // For something missing, the place is the object that it is missing in.
            let pointer = error.instance_path().to_string();
            let mut finding = Finding::error(format!("schema-{keyword}"), sentence(&error, &pointer)).at(pointer);
            if !matches!(error.kind(), ValidationErrorKind::Required { .. }) {
                finding = finding.observed(&json::shown(error.instance()));
            }
            findings.push(finding.expected(expectation(&error)).clause(format!("JSON Schema, `{keyword}`")));
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list of faults is open; the rest is told in its words")]
fn sentence(error: &ValidationError<'_>, pointer: &str) -> String {
    let place = if pointer.is_empty() { "the document".to_owned() } else { format!("`{}`", Untrusted::new(pointer)) };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let mut missing = pointer.to_owned();
            push_token(&mut missing, property.as_str().unwrap_or_default());
            format!("`{}` is missing", Untrusted::new(&missing))
        }
        _ => format!("{place}: {}", expectation(error)),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "as above")]
/// What the schema asks for, without the value that stands there instead.
fn expectation(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Required { property } => format!("`{}` is given", Untrusted::new(property.as_str().unwrap_or_default())),
        ValidationErrorKind::Enum { options } => format!("one of {options}"),
        ValidationErrorKind::Constant { expected_value } => format!("the value is {expected_value}"),
        ValidationErrorKind::Pattern { pattern } => format!("text of the form `{pattern}`"),
        ValidationErrorKind::Format { format } => format!("text of the format `{format}`"),
        ValidationErrorKind::MinItems { limit } => format!("at least {limit} items"),
        ValidationErrorKind::MinLength { limit } => format!("at least {limit} characters"),
        ValidationErrorKind::Minimum { limit } => format!("{limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("{limit} or less"),
        _ => Untrusted::new(&error.masked_with("the value").to_string()).to_string(),
    }
}

/// Whether a pattern in the schema looks around or back.
fn needs_backtracking(schema: &Value) -> bool {
    let text = schema.to_string();
    ["(?=", "(?!", "(?<"].iter().any(|mark| text.contains(mark))
        || text.as_bytes().windows(3).any(|w| w.starts_with(b"\\\\") && w.ends_with(b"1"))
}

/// Judges JSON: what RFC 8259 leaves to luck (keys that stand twice, numbers that change), and the schema
/// where there is one.
pub fn judge_json(name: &str, bytes: &[u8], schema: Option<&JsonSchema>) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(source) = json::read(name, bytes, &mut findings) {
        if let Some(schema) = schema {
            schema.judge(source.value(), &mut findings);
        }
        findings.locate(&source);
    }
    findings.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::mutation::assert_one;

    fn judged(schema: Value, text: &str) -> Vec<Finding> {
        judge_json("t", text.as_bytes(), Some(&JsonSchema::compile(&schema, &BTreeMap::new()).unwrap()))
    }

    #[test]
    fn a_fault_has_its_keyword_and_place() {
        let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["id"],
            "properties": {"id": {"type": "integer"}, "at": {"format": "date-time"}, "code": {"pattern": "^[A-Z]+$"}}, "additionalProperties": false});
        assert_eq!(judged(schema.clone(), r#"{"id": 1, "at": "2026-11-22T10:00:00Z", "code": "AB"}"#), []);
        for (text, rule, place) in [
            (r#"{"at": "2026-11-22T10:00:00Z"}"#, "schema-required", ""),
            (r#"{"id": "1"}"#, "schema-type", "/id"),
            (r#"{"id": 1, "at": "2026-11-22T10:00:00+0100"}"#, "schema-format", "/at"),
            (r#"{"id": 1, "code": "ab"}"#, "schema-pattern", "/code"),
            (r#"{"id": 1, "more": 1}"#, "schema-additionalProperties", ""),
        ] {
            assert_one(&judged(schema.clone(), text), Severity::Error, rule, place, text);
        }
    }

    #[test]
    fn drafts_are_told_apart() {
        // In draft 4 exclusiveMinimum is a flag.
        let old = json!({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": true});
        assert_eq!(judged(old, "1").len(), 1);
        let new = json!({"prefixItems": [{"type": "string"}]});
        assert_eq!(judged(new, "[1]").len(), 1);
    }

    #[test]
    fn nothing_is_fetched() {
        let schema = json!({"$ref": "https://vendor.example/other.json"});
        let open = JsonSchema::compile(&schema, &BTreeMap::new()).unwrap_err();
        assert_eq!((open[0].rule.as_str(), open[0].severity), ("schema-reference", Severity::Open));
        let file = JsonSchema::compile(&json!({"$ref": "file:///etc/hostname"}), &BTreeMap::new()).unwrap_err();
        assert_eq!(file[0].severity, Severity::Open);
        let others = BTreeMap::from([("https://vendor.example/other.json".to_owned(), json!({"type": "string"}))]);
        let ready = JsonSchema::compile(&schema, &others).unwrap();
        assert_eq!(judge_json("t", b"1", Some(&ready)).len(), 1);
    }

    #[test]
    fn what_cannot_be_judged_is_open_and_what_is_wrong_is_told() {
        let open = JsonSchema::compile(&json!({"pattern": "(?=a)b"}), &BTreeMap::new()).unwrap_err();
        assert_eq!(open[0].severity, Severity::Open);
        let wrong = JsonSchema::compile(&json!({"type": "text"}), &BTreeMap::new()).unwrap_err();
        assert_eq!((wrong[0].rule.as_str(), wrong[0].severity), ("schema", Severity::Error));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"next": {"$ref": "#"}}});
        assert_eq!(judged(schema, r#"{"next": {"next": {"next": 1}}}"#), []);
        for circle in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        ] {
            if let Ok(ready) = JsonSchema::compile(&circle, &BTreeMap::new()) {
                judge_json("t", b"{}", Some(&ready));
            }
        }
    }
}
