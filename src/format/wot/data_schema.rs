//! Data schemas: the subset of JSON Schema that describes values (section 5.3.2).

use serde_json::Value;

use super::vocabulary::{DATA_SCHEMA, TYPES};
use super::{Judge, Object, Want, quoted};
use crate::format::Pointer;
use crate::verdict::Finding;

const NUMERIC: &[&str] = &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const COUNTS: &[&str] = &["minItems", "maxItems", "minLength", "maxLength"];

/// Keywords that say something about values of one type only.
const BOUND_TO: &[(&str, &[&str])] = &[
    ("minimum", &["number", "integer"]),
    ("maximum", &["number", "integer"]),
    ("exclusiveMinimum", &["number", "integer"]),
    ("exclusiveMaximum", &["number", "integer"]),
    ("multipleOf", &["number", "integer"]),
    ("minLength", &["string"]),
    ("maxLength", &["string"]),
    ("pattern", &["string"]),
    ("contentEncoding", &["string"]),
    ("contentMediaType", &["string"]),
    ("items", &["array"]),
    ("minItems", &["array"]),
    ("maxItems", &["array"]),
    ("required", &["object"]),
];

impl<'v> Judge<'v> {
    /// Judges one data schema.
    pub(super) fn data_schema(&mut self, schema: &'v Value, at: &Pointer<'_>) {
        let Value::Object(map) = schema else {
            if !self.is_placeholder(schema) {
                self.mistyped(at, "a data schema", "an object", schema, "td-data-schema");
            }
            return;
        };
        self.types(map, at);
        self.human_readable(map, at);
        self.known_terms(map, &[DATA_SCHEMA], at, "DataSchema");
        self.schema_members(map, at);
    }

    /// The members of DataSchema; a property affordance has them besides its own.
    pub(super) fn schema_members(&mut self, schema: &'v Object, at: &Pointer<'_>) {
        for name in ["readOnly", "writeOnly"] {
            self.scalar(schema, name, Want::Boolean, at, "td-boolean-type");
        }
        for name in ["unit", "format", "pattern", "contentEncoding", "contentMediaType"] {
            self.text(schema, name, at, "td-string-type");
        }
        if schema.get("readOnly") == Some(&Value::Bool(true)) && schema.get("writeOnly") == Some(&Value::Bool(true)) {
            let message = "it is read-only and write-only at once, so nobody can use it";
            self.warning("read-write-only", at, message, "td-vocab-readOnly--DataSchema");
        }
        let kind = self.kind(schema, at);
        self.bounds(schema, at, kind);
        self.values(schema, at, kind);
        self.nested(schema, at, kind);
        self.pattern(schema, at);
        let Some(kind) = kind else { return };
        for (keyword, types) in BOUND_TO {
            if schema.contains_key(*keyword) && !types.contains(&kind) {
                let message = format!("`{keyword}` says nothing about values of type {kind}");
                self.warning("keyword-without-effect", &at.name(keyword), message, "section 5.3.2");
            }
        }
    }

    fn kind(&mut self, schema: &'v Object, at: &Pointer<'_>) -> Option<&'v str> {
        let clause = "td-vocab-type--DataSchema";
        let kind = self.text(schema, "type", at, clause)?;
        if TYPES.contains(&kind) {
            return Some(kind);
        }
        if !(self.model && super::thing_model::has_placeholder(kind)) {
            self.findings.push(
                Finding::error("data-type", format!("{} is not a data type", quoted(&Value::from(kind))))
                    .at(at.name("type").to_string())
                    .expected(format!("one of {}", TYPES.join(", ")))
                    .observed(kind)
                    .clause(format!("W3C WoT TD 1.1, {clause}")),
            );
        }
        None
    }

    fn bounds(&mut self, schema: &'v Object, at: &Pointer<'_>, kind: Option<&str>) {
        for name in NUMERIC {
            let Some(value) = self.scalar(schema, name, Want::Number, at, "td-number-type") else { continue };
            if kind == Some("integer") && value.as_f64().is_some_and(|n| n.fract() != 0.0) {
                let message = format!("`{name}` of an integer has a fraction");
                self.error("integer-bound", &at.name(name), message, "td-integer-type");
            }
        }
        for name in COUNTS {
            self.scalar(schema, name, Want::Unsigned, at, "td-integer-type");
        }
        let number = |name: &str| schema.get(name).and_then(Value::as_f64);
        if number("multipleOf").is_some_and(|n| n <= 0.0) {
            self.error("multiple-of", &at.name("multipleOf"), "`multipleOf` must be greater than 0", "td-vocab-multipleOf--NumberSchema");
        }
        let contradictions = [
            ("minimum", "maximum", false),
            ("exclusiveMinimum", "maximum", true),
            ("minimum", "exclusiveMaximum", true),
            ("exclusiveMinimum", "exclusiveMaximum", true),
            ("minItems", "maxItems", false),
            ("minLength", "maxLength", false),
        ];
        for (low, high, strict) in contradictions {
            if let (Some(least), Some(most)) = (number(low), number(high))
                && (least > most || (strict && least >= most))
            {
                self.findings.push(
                    Finding::error("bounds", format!("no value lies between `{low}` and `{high}`"))
                        .at(at.name(low).to_string())
                        .expected(format!("`{low}` below `{high}`"))
                        .observed(&format!("{low} {least}, {high} {most}"))
                        .clause("W3C WoT TD 1.1, td-server-data-schema"),
                );
            }
        }
    }

    /// `enum`, `const`, `default`: do they fit together and the type?
    fn values(&mut self, schema: &'v Object, parent: &Pointer<'_>, kind: Option<&str>) {
        let at = parent;
        let clause = "td-vocab-enum--DataSchema";
        if let Some(values) = self.array(schema, "enum", at, "td-data-schema-arrays_enum") {
            let at = at.name("enum");
            if values.is_empty() {
                self.error("enum-empty", &at, "`enum` is empty, so no value is allowed", clause);
            }
            // A long list is compared by its text, so that many values cost no square of them.
            let mut seen = std::collections::BTreeSet::new();
            for (i, value) in values.iter().enumerate() {
                if !seen.insert(value.to_string()) {
                    self.error("enum-unique", &at.index(i), "a value stands twice in `enum`", clause);
                }
                self.fits(value, kind, &at.index(i), "a value of `enum`");
            }
            if !values.is_empty() && !values.iter().any(|value| is_of(value, kind) || self.is_placeholder(value)) {
                let message = format!("none of the values of `enum` is of the type {}, so no value is allowed", kind.unwrap_or_default());
                self.error("enum-type", &at, message, "td-server-data-schema");
            }
            let const_at = parent.name("const");
            if let Some(value) = schema.get("const")
                && !values.contains(value)
                && !self.is_placeholder(value)
            {
                self.warning("const-outside-enum", &const_at, "`const` is none of the values of `enum`", "td-vocab-const--DataSchema");
            }
        }
        for name in ["const", "default"] {
            if let Some(value) = schema.get(name)
                && !self.is_placeholder(value)
            {
                self.fits(value, kind, &at.name(name), &format!("`{name}`"));
            }
        }
        if let Some(value) = schema.get("default")
            && schema.get("enum").and_then(Value::as_array).is_some_and(|values| !values.is_empty() && !values.contains(value))
        {
            self.warning(
                "default-outside-enum",
                &at.name("default"),
                "`default` is none of the values of `enum`",
                "td-vocab-default--DataSchema",
            );
        }
    }

    fn fits(&mut self, value: &Value, kind: Option<&str>, at: &Pointer<'_>, what: &str) {
        let fits = is_of(value, kind);
        if !fits && !self.is_placeholder(value) {
            let message = format!("{what} is {}, which is not of the type {}", quoted(value), kind.unwrap_or_default());
            self.warning("value-type", at, message, "td-vocab-default--DataSchema");
        }
    }

    fn nested(&mut self, schema: &'v Object, at: &Pointer<'_>, kind: Option<&str>) {
        if let Some(properties) = self.object(schema, "properties", at, "td-data-schema-objects") {
            let at = at.name("properties");
            for (name, schema) in properties {
                self.data_schema(schema, &at.name(name));
            }
        } else if kind == Some("object") && !schema.contains_key("properties") {
            self.warning(
                "object-without-properties",
                at,
                "an object whose properties are not described",
                "td-vocab-properties--ObjectSchema",
            );
        }
        if let Some(required) = self.array(schema, "required", at, "td-data-schema-arrays_required") {
            let at = at.name("required");
            let properties = schema.get("properties").and_then(Value::as_object);
            for (i, name) in required.iter().enumerate() {
                match name.as_str() {
                    None => self.mistyped(&at.index(i), "an entry of `required`", "a string", name, "td-vocab-required--ObjectSchema"),
                    Some(name) if properties.is_some_and(|properties| !properties.contains_key(name)) => {
                        let message = "a required member is not described in `properties`";
                        self.warning("required-undescribed", &at.index(i), message, "td-vocab-required--ObjectSchema");
                    }
                    Some(_) => {}
                }
            }
        }
        match schema.get("items") {
            Some(Value::Array(items)) => {
                let at = at.name("items");
                for (i, item) in items.iter().enumerate() {
                    self.data_schema(item, &at.index(i));
                }
            }
            Some(item @ Value::Object(_)) => self.data_schema(item, &at.name("items")),
            Some(other) if !self.is_placeholder(other) => {
                self.mistyped(&at.name("items"), "`items`", "a data schema or an array of them", other, "td-data-schema-objects-arrays");
            }
            Some(_) => {}
            None if kind == Some("array") => {
                self.warning("array-without-items", at, "an array whose items are not described", "td-vocab-items--ArraySchema");
            }
            None => {}
        }
        if let Some(choices) = self.array(schema, "oneOf", at, "td-data-schema-arrays_oneOf") {
            let at = at.name("oneOf");
            for (i, choice) in choices.iter().enumerate() {
                self.data_schema(choice, &at.index(i));
            }
            if choices.is_empty() {
                self.error("one-of-empty", &at, "`oneOf` is empty, so no value is allowed", "td-vocab-oneOf--DataSchema");
            }
        }
    }

    /// The dialect is that of ECMA-262, which has more than our engine can read. What uses none of that and
    /// still does not compile is worth a warning.
    fn pattern(&mut self, schema: &'v Object, at: &Pointer<'_>) {
        let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else { return };
        let beyond = pattern.contains("(?") || pattern.contains("\\") || (self.model && super::thing_model::has_placeholder(pattern));
        if !beyond && regex::Regex::new(pattern).is_err() {
            self.warning("pattern", &at.name("pattern"), "the pattern is not a regular expression", "td-vocab-pattern--StringSchema");
        }
    }
}

/// Whether a value is of a type of the data schemas; every value is of none.
fn is_of(value: &Value, kind: Option<&str>) -> bool {
    match kind {
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("null") => value.is_null(),
        _ => true,
    }
}
