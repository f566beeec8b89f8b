//! A JSON Schema that a profile writes into a check.
//!
//! Draft 2020-12 where the schema names no other. Nothing is ever fetched: a `$ref` leads into the
//! schema itself or to a published meta-schema. Patterns run in linear time.

use std::sync::Arc;

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::document::{Source, push_token};
use crate::verdict::{Finding, Untrusted};

/// The most faults of one document that are told: enough to mend it by, and a bound for hostile ones.
const MAX_FAULTS: usize = 50;

/// A compiled JSON Schema.
#[derive(Debug, Clone)]
pub(super) struct Schema(Arc<Validator>);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return Err(D::Error::custom("a JSON Schema is a mapping"));
        }
        jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .build(&value)
            .map(|validator| Self(Arc::new(validator)))
            .map_err(|e| D::Error::custom(format!("not a JSON Schema: {e}")))
    }
}

impl JsonSchema for Schema {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonSchema".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object", "description": "A JSON Schema, draft 2020-12, without references to other files." })
    }
}

impl Schema {
    /// The faults of a document, each at its place.
    pub(super) fn findings(&self, source: &Source) -> Vec<Finding> {
        let errors: Vec<ValidationError<'_>> = self.0.iter_errors(source.value()).take(MAX_FAULTS).collect();
        let pointers: Vec<String> = errors.iter().map(pointer).collect();
        let positions = source.positions(pointers.iter().map(String::as_str));
        errors
            .iter()
            .zip(pointers)
            .zip(positions)
            .map(|((error, pointer), position)| {
                let rule = error.schema_path().as_str().rsplit('/').next().unwrap_or("schema").to_owned();
                let mut finding = Finding::error(rule, sentence(error, &pointer)).at(pointer).position(position);
                if !matches!(error.kind(), ValidationErrorKind::Required { .. }) {
                    finding = finding.observed(&error.instance().to_string());
                }
                finding.expected(expectation(error))
            })
            .collect()
    }
}

/// Where the fault is: for something missing, the object that it is missing in.
fn pointer(error: &ValidationError<'_>) -> String {
    error.instance_path().as_str().to_owned()
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
        ValidationErrorKind::Required { property } => format!("`{}` is given", property.as_str().unwrap_or_default()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Node, from_node};

    fn schema(text: &str) -> Result<Schema, String> {
        from_node(&Node::read("s", text).unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn faults_have_words_and_places() {
        let schema = schema("{type: object, required: [a], properties: {b: {enum: [x, y]}, c: {pattern: '^z+$'}}}").unwrap();
        let source = Source::read("d", b"b: q\nc: k\n").unwrap();
        let found = schema.findings(&source);
        let said: Vec<String> = found.iter().map(|f| f.message.clone()).collect();
        assert!(said.contains(&"`/a` is missing".to_owned()), "{said:?}");
        assert!(said.iter().any(|s| s.starts_with("`/b`: one of")), "{said:?}");
        assert_eq!(found.iter().find(|f| f.path == "/c").unwrap().position.unwrap().line, 2);
        assert!(schema.findings(&Source::yaml("d", b"{a: 1, b: x, c: zz}").unwrap()).is_empty());
    }

    #[test]
    fn nothing_is_fetched_and_no_pattern_explodes() {
        assert!(schema("{$ref: 'https://example.org/s.json'}").is_err());
        assert!(schema("{$ref: 'file:///etc/passwd'}").is_err());
        let slow = schema("{type: string, pattern: '^(a+)+$'}").unwrap();
        let text = format!("\"{}!\"", "a".repeat(50_000));
        assert_eq!(slow.findings(&Source::read("d", text.as_bytes()).unwrap()).len(), 1);
        assert!(schema("[1]").is_err());
    }

    #[test]
    fn a_schema_that_leads_to_itself_ends() {
        let schema = schema("{$ref: '#/$defs/n', $defs: {n: {type: object, properties: {n: {$ref: '#/$defs/n'}}}}}").unwrap();
        assert_eq!(schema.findings(&Source::yaml("d", b"{n: {n: {n: 1}}}").unwrap()).len(), 1);
    }
}
