//! Parameters as they stand on the wire: text, in the style that the description gives.

use serde_json::{Value, json};

use super::Flat;
use super::mutation::wrong_format;
use super::value::type_of;
use crate::api::description::{Description, Direction, Parameter, ParameterPlace, Spot, Style};

/// A parameter's value written in its style: for a query the pairs of name and value, for other
/// places one pair. `None`: the style cannot carry this value.
pub(crate) fn serialise(parameter: &Parameter, value: &Value) -> Option<Vec<(String, String)>> {
    let name = parameter.name.clone();
    if parameter.media_type.is_some() {
        return Some(vec![(name, value.to_string())]);
    }
    let in_query = matches!(parameter.place, ParameterPlace::Query | ParameterPlace::Cookie);
    let joined =
        |items: &[Value], separator: &str| -> Option<String> { Some(items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(separator)) };
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = plain(value)?;
            let text = match parameter.style {
                Style::Label => format!(".{text}"),
                Style::Matrix => format!(";{name}={text}"),
                Style::Simple | Style::Form | Style::Space | Style::Pipe | Style::Tab | Style::DeepObject => text,
            };
            Some(vec![(name, text)])
        }
        Value::Array(items) => match parameter.style {
            Style::Form if parameter.explode && in_query => items.iter().map(|item| Some((name.clone(), plain(item)?))).collect(),
            Style::Form | Style::Simple | Style::DeepObject => Some(vec![(name, joined(items, ",")?)]),
            Style::Space => Some(vec![(name, joined(items, " ")?)]),
            Style::Tab => Some(vec![(name, joined(items, "\t")?)]),
            Style::Pipe => Some(vec![(name, joined(items, "|")?)]),
            Style::Label => Some(vec![(name, format!(".{}", joined(items, if parameter.explode { "." } else { "," })?))]),
            Style::Matrix if parameter.explode => {
                let parts: Option<Vec<String>> = items.iter().map(|item| Some(format!(";{name}={}", plain(item)?))).collect();
                Some(vec![(name, parts?.concat())])
            }
            Style::Matrix => Some(vec![(name.clone(), format!(";{name}={}", joined(items, ",")?))]),
        },
        Value::Object(map) => {
            let pairs: Option<Vec<(String, String)>> = map.iter().map(|(k, v)| Some((k.clone(), plain(v)?))).collect();
            let pairs = pairs?;
            let flat =
                |between: &str, separator: &str| pairs.iter().map(|(k, v)| format!("{k}{between}{v}")).collect::<Vec<_>>().join(separator);
            match parameter.style {
                Style::DeepObject => Some(pairs.into_iter().map(|(k, v)| (format!("{name}[{k}]"), v)).collect()),
                Style::Form if parameter.explode && in_query => Some(pairs),
                Style::Simple if parameter.explode => Some(vec![(name, flat("=", ","))]),
                Style::Form | Style::Simple => Some(vec![(name, flat(",", ","))]),
                Style::Space | Style::Pipe | Style::Tab | Style::Label | Style::Matrix => None,
            }
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Every value that a text on the wire can be read as under these types.
fn readings(text: &str) -> Vec<Value> {
    let mut values = vec![json!(text)];
    match text {
        "true" => values.push(json!(true)),
        "false" => values.push(json!(false)),
        _ => {
            if let Ok(number @ Value::Number(_)) = serde_json::from_str::<Value>(text) {
                values.push(number);
            }
        }
    }
    values
}

/// Whether some reading of a text on the wire fits the schema.
pub(crate) fn reads_as(description: &Description, schema: &Spot, text: &str, direction: Direction) -> Option<bool> {
    let validator = description.validator(schema, direction).ok()?;
    let flat = Flat::of(description, std::slice::from_ref(schema), 0);
    if flat.main_type() == "array" {
        // All items are read alike: as text, or as what they look like.
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let as_text = json!(parts);
        let as_seen: Vec<Value> = parts.iter().map(|p| readings(p).pop().unwrap_or(Value::Null)).collect();
        return Some(validator.is_valid(&as_text) || validator.is_valid(&json!(as_seen)));
    }
    if flat.main_type() == "object" {
        return None;
    }
    Some(readings(text).iter().any(|value| validator.is_valid(value)))
}

/// A text that no reading makes fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WireMutation {
    pub(crate) text: String,
    pub(crate) keyword: &'static str,
    pub(crate) schema: Option<Spot>,
    pub(crate) what: String,
    pub(crate) firm: bool,
}

/// Every way of being wrong in one thing for a parameter that is one text. `base` is a text that fits.
pub(crate) fn wire_mutations(description: &Description, parameter: &Parameter, base: &str) -> Vec<WireMutation> {
    let Some(schema) = &parameter.schema else { return Vec::new() };
    let flat = Flat::of(description, std::slice::from_ref(schema), 0);
    let name = format!("`{}`", parameter.name);
    let mut found: Vec<WireMutation> = Vec::new();
    let mut tell = |text: String, keyword: &'static str, schema: Option<Spot>, what: String, firm: bool| {
        found.push(WireMutation { text, keyword, schema, what, firm });
    };
    let kind = if flat.main_type() == "array" {
        let inner = Flat::of(description, &flat.items, 0);
        if let Some((values, spot)) = &inner.values
            && values.iter().all(|v| type_of(v) == "string")
        {
            tell(
                "none-of-these".into(),
                "enum",
                Some(spot.clone()),
                format!("an item of {name} is none of the values that are listed"),
                true,
            );
        } else if matches!(inner.main_type(), "integer" | "number") {
            tell("seventeen".into(), "type", inner.type_at.clone(), format!("an item of {name} is not a number"), true);
        }
        "array"
    } else {
        flat.main_type()
    };
    if let Some((values, spot)) = &flat.values {
        let text = if values.iter().all(Value::is_number) { "-987654" } else { "none-of-these" };
        tell(text.into(), "enum", Some(spot.clone()), format!("{name} is none of the values that are listed"), true);
    } else {
        match kind {
            "integer" | "number" => {
                tell("seventeen".into(), "type", flat.type_at.clone(), format!("{name} is not a number"), true);
                let step = flat.multiple_of.as_ref().map_or(1.0, |(n, _)| *n);
                let bounds = [
                    (&flat.minimum, "minimum", -step, "below"),
                    (&flat.maximum, "maximum", step, "above"),
                    (&flat.exclusive_minimum, "exclusiveMinimum", 0.0, "not above"),
                    (&flat.exclusive_maximum, "exclusiveMaximum", 0.0, "not below"),
                ];
                for (bound, keyword, distance, word) in bounds {
                    if let Some((limit, spot)) = bound {
                        let text = super::value::number(limit + distance).to_string();
                        tell(text, keyword, Some(spot.clone()), format!("{name} is {word} {limit}"), true);
                    }
                }
            }
            "boolean" => tell("perhaps".into(), "type", flat.type_at.clone(), format!("{name} is neither true nor false"), true),
            "string" => {
                if let Some((least, spot)) = &flat.min_length
                    && *least > 1
                {
                    let text: String = base.chars().take(usize::try_from(*least - 1).unwrap_or(0)).collect();
                    tell(text, "minLength", Some(spot.clone()), format!("{name} is shorter than {least}"), true);
                }
                if let Some((most, spot)) = &flat.max_length
                    && *most < 2000
                {
                    let length = usize::try_from(*most + 1).unwrap_or(0);
                    let fitting = flat.patterns.first().and_then(|(p, _)| super::pattern::matching(p, length, 0));
                    let text = fitting.filter(|t| t.chars().count() == length).unwrap_or_else(|| {
                        let source = if base.is_empty() { "x" } else { base };
                        source.chars().filter(|c| *c != ' ').cycle().take(length).collect()
                    });
                    tell(text, "maxLength", Some(spot.clone()), format!("{name} is longer than {most}"), true);
                }
                if let Some((pattern, spot)) = flat.patterns.first() {
                    let length = base.chars().count().max(1);
                    let misses = |t: &String| regex::Regex::new(pattern).is_ok_and(|p| !p.is_match(t));
                    if let Some(text) = ["!", "~", "a", "A", "0"].map(|c| c.repeat(length)).into_iter().find(misses) {
                        tell(text, "pattern", Some(spot.clone()), format!("{name} does not match the pattern"), true);
                    }
                }
                if let Some((format, spot)) = &flat.format
                    && let Some((text, firm)) = wrong_format(format)
                {
                    tell(text.into(), "format", Some(spot.clone()), format!("{name} is not a {format}"), firm);
                }
            }
            _ => {}
        }
    }
    // A path cannot carry what is empty or walks up; of the rest only what no reading accepts is wrong.
    found.retain(|m| {
        let in_path = parameter.place == ParameterPlace::Path;
        let walks = in_path && matches!(m.text.as_str(), "." | "..");
        !m.text.is_empty() && !walks && reads_as(description, schema, &m.text, Direction::Request) == Some(false)
    });
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Maker, Variant, mutations};
    use super::*;
    use crate::document::Source;

    fn description(schema: Value) -> Description {
        let root = json!({ "openapi": "3.0.3", "info": {}, "components": { "schemas": { "A": schema } }, "paths": { "/a": { "get": { "parameters": [
            { "name": "p", "in": "query", "schema": { "$ref": "#/components/schemas/A" } }] } } } });
        Description::read(Source::json("o", root.to_string().as_bytes()).unwrap(), Vec::new()).unwrap()
    }

    fn wrong_texts(schema: Value) -> Vec<(String, &'static str)> {
        let description = description(schema);
        let parameter = &description.operations()[0].parameters[0];
        wire_mutations(&description, parameter, "abcdef").into_iter().map(|m| (m.text, m.keyword)).collect()
    }

    #[test]
    fn text_on_the_wire_is_never_wrong_by_type_alone() {
        assert_eq!(wrong_texts(json!({ "type": "string" })), []);
        assert_eq!(
            wrong_texts(json!({ "type": "string", "minLength": 2, "maxLength": 3 })),
            [("a".into(), "minLength"), ("abcd".into(), "maxLength")]
        );
        assert_eq!(
            wrong_texts(json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
            [("seventeen".into(), "type"), ("0".into(), "minimum"), ("101".into(), "maximum")]
        );
        assert_eq!(wrong_texts(json!({ "type": "boolean" })), [("perhaps".into(), "type")]);
        assert_eq!(wrong_texts(json!({ "type": "string", "enum": ["a", "b"] })), [("none-of-these".into(), "enum")]);
        assert_eq!(wrong_texts(json!({ "type": "string", "pattern": "^[A-Z]+$" })), [("!!!!!!".into(), "pattern")]);
        assert_eq!(wrong_texts(json!({ "type": "array", "items": { "enum": ["a"] } })), [("none-of-these".into(), "enum")]);
    }

    #[test]
    fn styles_write_values_as_the_specification_says() {
        let base = description(json!({ "type": "array" })).operations()[0].parameters[0].clone();
        let write = |style, explode, value: Value| {
            let parameter = Parameter { style, explode, ..base.clone() };
            serialise(&parameter, &value).map(|pairs| pairs.into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&"))
        };
        assert_eq!(write(Style::Form, true, json!([1, 2])).unwrap(), "p=1&p=2");
        assert_eq!(write(Style::Form, false, json!([1, 2])).unwrap(), "p=1,2");
        assert_eq!(write(Style::Pipe, false, json!(["a", "b"])).unwrap(), "p=a|b");
        assert_eq!(write(Style::DeepObject, true, json!({ "a": 1 })).unwrap(), "p[a]=1");
        assert_eq!(write(Style::Simple, true, json!({ "a": 1 })).unwrap(), "p=a=1");
        assert_eq!(write(Style::Form, true, Value::Null), None);
    }

    #[test]
    fn bodies_fit_in_every_variant_and_miss_in_every_mutation() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["name", "kind", "id"],
            "properties": {
                "id": { "type": "string", "readOnly": true },
                "name": { "type": "string", "minLength": 2, "maxLength": 30 },
                "serial": { "type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$" },
                "kind": { "type": "string", "enum": ["fall", "smoke"] },
                "level": { "type": "integer", "minimum": 0, "maximum": 9 },
                "weight": { "type": "number", "minimum": 0, "exclusiveMinimum": true },
                "born": { "type": "string", "format": "date" },
                "tags": { "type": "array", "items": { "type": "string", "maxLength": 5 }, "minItems": 1, "maxItems": 3, "uniqueItems": true },
                "address": { "type": "object", "required": ["city"], "properties": { "city": { "type": "string", "minLength": 1 } } },
                "note": { "type": "string", "nullable": true },
                "either": { "oneOf": [{ "type": "integer" }, { "type": "boolean" }] }
            }
        });
        let description = description(schema);
        let spot = Spot::root("/components/schemas/A");
        let known = BTreeMap::new();
        for (variant, length) in [(Variant::Typical, 10), (Variant::Smallest, 2), (Variant::Largest, 10), (Variant::Script, 10)] {
            for serial in 0..3 {
                let maker = Maker { description: &description, known: &known, serial, choice: serial, direction: Direction::Request };
                let value = maker.make(std::slice::from_ref(&spot), variant).unwrap();
                assert_eq!(value.as_object().unwrap().len(), length, "{value}");
                assert_eq!(description.violations(&spot, Direction::Request, &value).unwrap(), []);
            }
        }
        let maker = Maker { description: &description, known: &known, serial: 0, choice: 0, direction: Direction::Request };
        let largest = maker.make(std::slice::from_ref(&spot), Variant::Largest).unwrap();
        assert_eq!(
            (largest["name"].as_str().unwrap().len(), largest["level"].as_i64(), largest["tags"].as_array().unwrap().len()),
            (30, Some(9), 3)
        );
        let base = maker.make(std::slice::from_ref(&spot), Variant::Typical).unwrap();
        let wrong = mutations(&description, &spot, &base);
        let names: Vec<String> = wrong.iter().map(|m| format!("{} {}", m.at, m.keyword)).collect();
        for name in [
            " type",
            " required",
            " additionalProperties",
            "/name minLength",
            "/name maxLength",
            "/name type",
            "/serial pattern",
            "/kind enum",
            "/level minimum",
            "/level maximum",
            "/level type",
            "/weight exclusiveMinimum",
            "/born format",
            "/tags maxItems",
            "/tags minItems",
            "/tags uniqueItems",
            "/tags/0 maxLength",
            "/address required",
            "/address/city minLength",
        ] {
            assert!(names.iter().any(|n| n == name), "{name} not in {names:?}");
        }
        for m in &wrong {
            assert_ne!(description.violations(&spot, Direction::Request, &m.value).unwrap(), [], "{m:?}");
        }
    }
}
