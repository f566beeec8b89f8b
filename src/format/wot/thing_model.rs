//! What only a Thing Model has (section 10), and what of it must not be left in a Thing Description.

use serde_json::Value;

use super::vocabulary::THING_MODEL;
use super::{Judge, Object};
use crate::document::tokens;
use crate::format::Pointer;
use crate::format::uri::{self, Charset};
use crate::verdict::Finding;

/// Whether the text holds a placeholder: two opening braces, printable ASCII, two closing braces (tm-placeholder).
pub(super) fn has_placeholder(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        if let Some((inner, _)) = after.split_once("}}")
            && !inner.is_empty()
            && inner.bytes().all(|b| (b' '..=b'~').contains(&b))
        {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether the text is a JSON Pointer (RFC 6901, section 3).
pub(super) fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
}

/// The rules of a Thing Model as a whole.
pub(super) fn judge<'v>(judge: &mut Judge<'v>, model: &'v Object) {
    let root = Pointer::ROOT;
    if !super::names(model.get("@type")).any(|name| name == THING_MODEL) {
        judge.findings.push(
            Finding::error("tm-type", "`@type` does not say that this is a Thing Model")
                .at(if model.contains_key("@type") { "/@type" } else { "" })
                .expected(format!("{THING_MODEL} as `@type`, or among its entries"))
                .clause("W3C WoT TD 1.1, tm-identification"),
        );
    }
    for name in ["tm:optional", "tm:required"] {
        let Some(list) = judge.array(model, name, &root, "tm-tmOptional-array") else { continue };
        let at = root.name(name);
        if name == "tm:required" {
            judge.warning("tm-required", &at, "`tm:required` is a word of the drafts; the standard has `tm:optional`", "tm-tmOptional");
        }
        for (i, entry) in list.iter().enumerate() {
            let at = at.index(i);
            let Some(pointer) = entry.as_str() else {
                judge.mistyped(&at, "an entry", "a JSON Pointer", entry, "tm-tmOptional-JSONPointer");
                continue;
            };
            if is_pointer(pointer) && is_affordance(pointer, model) {
                continue;
            }
            judge.findings.push(
                Finding::error("tm-optional-pointer", "the JSON Pointer does not lead to an interaction of this model")
                    .at(at.to_string())
                    .expected("/properties/…, /actions/… or /events/… with the name of an interaction that is there")
                    .observed(pointer)
                    .clause("W3C WoT TD 1.1, tm-tmOptional-resolver"),
            );
        }
    }
    let whole = Whole { root: model };
    for (name, value) in model {
        whole.member(judge, name, value, &root);
    }
}

fn is_affordance(pointer: &str, model: &Object) -> bool {
    let path: Vec<String> = tokens(pointer).collect();
    match path.as_slice() {
        [map, name] if ["properties", "actions", "events"].contains(&map.as_str()) => {
            let extends = super::names_of_rel(model).any(|rel| rel == "tm:extends");
            // A model that extends another may name interactions that only the other has.
            extends || model.get(map).and_then(|map| map.get(name)).is_some()
        }
        _ => false,
    }
}

/// A walk over every member of a Thing Model: placeholders and `tm:ref` may stand anywhere.
struct Whole<'v> {
    root: &'v Object,
}

impl<'v> Whole<'v> {
    fn member(&self, judge: &mut Judge<'v>, name: &'v str, value: &'v Value, parent: &Pointer<'_>) {
        let at = parent.name(name);
        if has_placeholder(name) {
            judge.error(
                "tm-placeholder-name",
                &at,
                "a placeholder stands for a name; it may only stand for a value",
                "tm-placeholder-value",
            );
        }
        if name == "tm:ref" {
            self.reference(judge, value, &at);
        }
        self.value(judge, value, &at);
    }

    fn value(&self, judge: &mut Judge<'v>, value: &'v Value, at: &Pointer<'_>) {
        match value {
            Value::String(text) if text.contains("{{") && !has_placeholder(text) => {
                judge.error("tm-placeholder", at, "two opening braces, but no placeholder that is closed", "tm-placeholder");
            }
            Value::Object(map) => {
                for (name, value) in map {
                    self.member(judge, name, value, at);
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(judge, item, &at.index(i));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// `tm:ref`: a file's address, `#`, a JSON Pointer. Within this document it must lead somewhere.
    fn reference(&self, judge: &mut Judge<'v>, value: &'v Value, at: &Pointer<'_>) {
        let Some(text) = value.as_str() else {
            judge.mistyped(at, "`tm:ref`", "a string", value, "tm-tmRef1");
            return;
        };
        if has_placeholder(text) {
            return;
        }
        let sound = match text.split_once('#') {
            Some((file, pointer)) => {
                let decoded = percent_decoded(pointer);
                is_pointer(&decoded)
                    && !decoded.is_empty()
                    && uri::reference(file, Charset::Iri).is_ok()
                    && (!file.is_empty() || self.leads(&decoded))
            }
            None => false,
        };
        if !sound {
            judge.findings.push(
                Finding::error("tm-ref", "`tm:ref` does not lead to a definition")
                    .at(at.to_string())
                    .expected("the address of a file, #, and a JSON Pointer to a definition that is there")
                    .observed(text)
                    .clause("W3C WoT TD 1.1, tm-tmRef1"),
            );
        }
    }

    fn leads(&self, pointer: &str) -> bool {
        let mut path = tokens(pointer);
        let Some(mut here) = path.next().and_then(|first| self.root.get(&first)) else { return false };
        for token in path {
            let next = match here {
                Value::Object(map) => map.get(&token),
                Value::Array(items) => token.parse::<usize>().ok().and_then(|i| items.get(i)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            let Some(next) = next else { return false };
            here = next;
        }
        true
    }
}

/// A fragment may be percent-encoded (RFC 6901, section 6).
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a Thing Description must have left behind when it was made from a Thing Model.
pub(super) fn left_over<'v>(judge: &mut Judge<'v>, thing: &'v Object) {
    if thing.get("@type").is_some_and(|_| is_model_type(thing)) {
        let clause = "tm-td-generation-processor-type";
        judge.error("tm-type-in-td", &Pointer::ROOT.name("@type"), "a Thing Description does not have the type of a Thing Model", clause);
    }
    for (name, value) in thing {
        leftover_member(judge, name, value, &Pointer::ROOT);
    }
}

fn is_model_type(thing: &Object) -> bool {
    super::names(thing.get("@type")).any(|name| name == THING_MODEL)
}

fn leftover_member<'v>(judge: &mut Judge<'v>, name: &'v str, value: &'v Value, parent: &Pointer<'_>) {
    let at = parent.name(name);
    if matches!(name, "tm:ref" | "tm:optional" | "tm:required") {
        let clause = "tm-td-generation-processor-imports";
        judge.error("tm-term-in-td", &at, format!("`{name}` belongs to Thing Models; here it must have been resolved"), clause);
    }
    leftover_value(judge, value, &at);
}

fn leftover_value<'v>(judge: &mut Judge<'v>, value: &'v Value, at: &Pointer<'_>) {
    match value {
        Value::String(text) if has_placeholder(text) => {
            let clause = "tm-td-generation-processor-placeholder";
            judge.error("tm-placeholder-in-td", at, "a placeholder of a Thing Model was not replaced by a value", clause);
        }
        Value::Object(map) => {
            for (name, value) in map {
                leftover_member(judge, name, value, at);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leftover_value(judge, item, &at.index(i));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
