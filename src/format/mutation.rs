//! For tests: a sound document changed in one place.

use serde_json::Value;

use crate::document::tokens;
use crate::verdict::{Finding, Severity};

/// The JSON text with the value of one pointer replaced, added or (by `null`) taken away.
pub(crate) fn changed(sound: &str, pointer: &str, value: Value) -> String {
    let mut document: Value = serde_json::from_str(sound).unwrap();
    let mut path: Vec<String> = tokens(pointer).collect();
    let last = path.pop().unwrap();
    let parent: String = path.iter().map(|t| format!("/{}", t.replace('~', "~0").replace('/', "~1"))).collect();
    match document.pointer_mut(&parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Object(map) if value.is_null() => {
            map.shift_remove(&last).unwrap_or_else(|| panic!("no {pointer}"));
        }
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(items) => match last.parse::<usize>() {
            Ok(i) if i < items.len() && value.is_null() => {
                items.remove(i);
            }
            Ok(i) if i < items.len() => items[i] = value,
            _ => items.push(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("{parent} holds nothing"),
    }
    serde_json::to_string_pretty(&document).unwrap()
}

/// Every pointer into a value but the empty one.
pub(crate) fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| pointers(v, format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| pointers(v, format!("{at}/{i}"), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !at.is_empty() {
        out.push(at);
    }
}

/// The rules of the findings of one severity.
pub(crate) fn rules(findings: &[Finding], severity: Severity) -> Vec<&str> {
    findings.iter().filter(|f| f.severity == severity).map(|f| f.rule.as_str()).collect()
}

/// Asserts that one change makes exactly one finding of this rule, at this place.
pub(crate) fn assert_one(findings: &[Finding], severity: Severity, rule: &str, path: &str, context: &str) {
    let of: Vec<&Finding> = findings.iter().filter(|f| f.severity == severity).collect();
    let [only] = of.as_slice() else { panic!("{context}: expected one {severity:?} `{rule}`, found {of:#?}") };
    assert_eq!((only.rule.as_str(), only.path.as_str()), (rule, path), "{context}: {only}");
    assert!(only.position.is_some(), "{context}: {only} has no place");
    assert!(!only.clause.is_empty(), "{context}: {only} names no clause");
    if severity != Severity::Error {
        assert!(rules(findings, Severity::Error).is_empty(), "{context}: {findings:#?}");
    }
}
