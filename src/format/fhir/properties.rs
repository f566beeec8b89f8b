//! What holds of every place of a resource: a defect is named where it is, and XML says what JSON says.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::profile::At;
use super::tests::{definitions, patient};
use super::validator::{Options, Validator};
use super::xml::XmlResource;
use crate::verdict::Severity;

/// Every place of a resource with its JSON Pointer and the path that findings write.
fn places(value: &Value, pointer: &str, path: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                // What stands beside a primitive is told under the primitive's name.
                if key == "resourceType" || key.starts_with('_') {
                    continue;
                }
                let (pointer, path) = (format!("{pointer}/{key}"), format!("{path}.{key}"));
                out.push((pointer.clone(), path.clone()));
                places(inner, &pointer, &path, out);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate().filter(|(_, inner)| !inner.is_null()) {
                let (pointer, path) = (format!("{pointer}/{n}"), format!("{path}[{n}]"));
                out.push((pointer.clone(), path.clone()));
                places(inner, &pointer, &path, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Breaks the value at a place; `None` when that would not break it.
fn broken(value: &Value, how: usize) -> Option<Value> {
    Some(match (how, value) {
        (0, Value::Object(object)) => {
            let mut object = object.clone();
            object.insert("unheardOf".to_owned(), json!(1));
            Value::Object(object)
        }
        (1, Value::Object(_)) => json!("a text"),
        (2, Value::Object(_)) => json!({}),
        (3, Value::Array(_)) => json!([]),
        (4, Value::Array(_)) => json!("a text"),
        (5, Value::String(_)) => json!({"a": 1}),
        (6, Value::String(_)) => json!(7),
        (7, Value::String(_)) => json!(""),
        (8, Value::Bool(_) | Value::Number(_)) => json!("true"),
        (9, Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Value::Null,
        (10, Value::String(_)) => json!(["a list"]),
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_defect_is_named_where_it_is(at in any::<proptest::sample::Index>(), how in 0usize..11) {
        let definitions = definitions();
        let validator = Validator::new(&definitions, Options::default());
        let sound = patient();
        let mut all = Vec::new();
        places(&sound, "", "Patient", &mut all);
        let (pointer, path) = at.get(&all).clone();
        let mut mutant = sound;
        let Some(place) = mutant.pointer_mut(&pointer) else { return Ok(()) };
        let Some(worse) = broken(place, how) else { return Ok(()) };
        *place = worse;
        let found = validator.validate(&mutant, &[]);
        let named = found.iter().filter(|f| f.severity == Severity::Error).any(|f| f.path == path || f.path.starts_with(&format!("{path}.")) || f.path.starts_with(&format!("{path}[")));
        // A list is named as a whole; what refers to the broken place may be named as well.
        let list = path.strip_suffix(']').and_then(|p| p.rsplit_once('[')).map(|(list, _)| list);
        let as_list = list.is_some_and(|list| found.iter().any(|f| f.severity == Severity::Error && f.path == list));
        prop_assert!(named || as_list, "{path} {how}: {found:#?}");
    }

    #[test]
    fn xml_says_what_json_says(name in "[a-zA-Z][a-zA-Z0-9 &<>\"']{0,12}[a-z]", rank in 1i64..1000, active in any::<bool>(), many in 1usize..4) {
        let definitions = definitions();
        let mut resource = patient();
        let object = resource.as_object_mut().expect("an object");
        object.insert("nickname".to_owned(), json!(vec![name.clone(); many]));
        object.remove("_nickname");
        object.insert("rank".to_owned(), json!(rank));
        object.insert("active".to_owned(), json!(active));
        object.insert("contained".to_owned(), json!([{"resourceType": "Organization", "id": "o1", "name": name}]));
        let text = written(&definitions, &resource);
        let read = XmlResource::read(&definitions, "x", text.as_bytes()).expect("well-formed");
        prop_assert_eq!(&read.findings, &[], "{}", text);
        prop_assert_eq!(sorted(&read.value), sorted(&resource), "{}", text);
        let validator = Validator::new(&definitions, Options::default());
        let told = |findings: Vec<crate::verdict::Finding>| findings.into_iter().map(|f| (f.rule, f.path)).collect::<Vec<_>>();
        prop_assert_eq!(told(validator.validate(&resource, &[])), told(validator.validate(&sorted_like(&read.value, &resource), &[])));
    }
}

/// The same with the members of objects in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<(&String, &Value)> = object.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            Value::Object(members.into_iter().map(|(key, inner)| (key.clone(), sorted(inner))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The first with its members in the order of the second.
fn sorted_like(value: &Value, order: &Value) -> Value {
    match (value, order) {
        (Value::Object(object), Value::Object(order)) => {
            let member = |key: &String| object.get(key).map(|inner| (key.clone(), sorted_like(inner, &order[key])));
            Value::Object(order.keys().filter_map(member).collect())
        }
        (Value::Array(items), Value::Array(order)) => Value::Array(items.iter().zip(order).map(|(i, o)| sorted_like(i, o)).collect()),
        (other, _) => other.clone(),
    }
}

/// A resource in XML: elements in the order of the definition.
fn written(definitions: &Definitions, resource: &Value) -> String {
    let of = resource["resourceType"].as_str().expect("a type");
    let content = definitions.by_type(of).map(At::root).expect("a definition");
    let mut out = format!("<{of} xmlns=\"http://hl7.org/fhir\">");
    members(definitions, resource.as_object().expect("an object"), content, &mut out);
    out.push_str(&format!("</{of}>"));
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn members(definitions: &Definitions, object: &Map<String, Value>, content: At<'_>, out: &mut String) {
    for child in &content.element().children {
        for (key, index, _) in &content.element().keys {
            let (Some((at, of)), true) = (content.key(key), index == child) else { continue };
            let beside = object.get(&format!("_{key}"));
            let items = |value: Option<&Value>| match value {
                Some(Value::Array(items)) => items.clone(),
                Some(value) => vec![value.clone()],
                None => Vec::new(),
            };
            let (values, besides) = (items(object.get(&**key)), items(beside));
            for n in 0..values.len().max(besides.len()) {
                element(definitions, key, at, of, values.get(n), besides.get(n), out);
            }
        }
    }
}

fn element(
    definitions: &Definitions,
    key: &str,
    at: At<'_>,
    of: &super::profile::TypeRef,
    value: Option<&Value>,
    beside: Option<&Value>,
    out: &mut String,
) {
    if &*of.code == "xhtml" {
        out.push_str(value.and_then(Value::as_str).expect("a narrative"));
        return;
    }
    let attributes = |object: Option<&Value>| -> String {
        let named = ["id", "url"].iter().filter(|k| **k == "id" || &*of.code == "Extension");
        named.filter_map(|k| Some(format!(" {k}=\"{}\"", escaped(object?.get(*k)?.as_str()?)))).collect()
    };
    match value {
        Some(inner) if inner.get("resourceType").is_some() => {
            let text = written(definitions, inner).replacen(" xmlns=\"http://hl7.org/fhir\"", "", 1);
            out.push_str(&format!("<{key}>{text}</{key}>"));
        }
        Some(Value::Object(object)) => {
            out.push_str(&format!("<{key}{}>", attributes(value)));
            let mut rest = object.clone();
            rest.remove("id");
            if &*of.code == "Extension" {
                rest.remove("url");
            }
            members(definitions, &rest, definitions.content(at, of).expect("a definition"), out);
            out.push_str(&format!("</{key}>"));
        }
        _ => {
            let text = value.filter(|v| !v.is_null()).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            let text = text.map_or_else(String::new, |t| format!(" value=\"{}\"", escaped(&t)));
            out.push_str(&format!("<{key}{}{text}>", attributes(beside)));
            if let Some(Value::Object(object)) = beside {
                let content = definitions.by_type("Element").map(At::root).expect("a definition");
                let mut rest = object.clone();
                rest.remove("id");
                members(definitions, &rest, content, out);
            }
            out.push_str(&format!("</{key}>"));
        }
    }
}
