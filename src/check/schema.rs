//! A JSON Schema that a profile writes into a check: [`JsonSchema`] as a parameter.
//!
//! Draft 2020-12 where the schema names no other. Nothing is ever fetched: a `$ref` leads into the
//! schema itself or to a published meta-schema. Patterns run in linear time.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::document::Source;
use crate::format::json_schema::JsonSchema;
use crate::verdict::Finding;

/// A compiled JSON Schema.
#[derive(Debug, Clone)]
pub(super) struct Schema(JsonSchema);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return Err(D::Error::custom("a JSON Schema is a mapping"));
        }
        JsonSchema::compile(&value, &BTreeMap::new()).map(Self).map_err(|faults| {
            let why = faults.into_iter().map(|fault| fault.message).next().unwrap_or_default();
            D::Error::custom(format!("not a JSON Schema: {why}"))
        })
    }
}

impl schemars::JsonSchema for Schema {
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
    /// The schema itself.
    pub(super) fn compiled(&self) -> &JsonSchema {
        &self.0
    }
    /// The faults of a document, each at its place.
    pub(super) fn findings(&self, source: &Source) -> Vec<Finding> {
        self.0.findings(source)
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
