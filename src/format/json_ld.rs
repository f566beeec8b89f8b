//! JSON-LD 1.1: what is lost or goes wrong when a document is expanded.
//!
//! The common fault is silent: a key that no context defines vanishes on expansion, and with it what it
//! said. Contexts are never fetched. One that the user supplied is used; any other is an open question,
//! and then nothing is said about lost keys, because the missing context might define them.
//!
//! This is not an expansion: it walks the document with the active context as far as it decides which keys
//! survive (JSON-LD 1.1 API, sections 4.1 and 5.1), with type- and property-scoped contexts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::findings::Findings;
use super::json::{self, shown, wrong_type};
use super::uri::{self, Charset};
use super::{Pointer, language_tag};
use crate::verdict::{Finding, Severity};

const CLAUSE: &str = "JSON-LD 1.1";

/// Contexts that name contexts are followed this far; the standard leaves the limit to the processor
/// (section 5.1, "context overflow").
const MAX_CONTEXTS: usize = 32;

const KEYWORDS: &[&str] = &[
    "@base",
    "@container",
    "@context",
    "@direction",
    "@graph",
    "@id",
    "@import",
    "@included",
    "@index",
    "@json",
    "@language",
    "@list",
    "@nest",
    "@none",
    "@prefix",
    "@propagate",
    "@protected",
    "@reverse",
    "@set",
    "@type",
    "@value",
    "@version",
    "@vocab",
];

/// What a term stands for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Term {
    /// The keyword, IRI or compact IRI; `None` when the context takes the term away (`null`).
    stands_for: Option<String>,
    /// Values are taken as they are (`@type: @json`).
    is_json: bool,
    /// Keys of the value are indexes, languages, graphs or types, not terms.
    is_map: bool,
    /// A context for the value (property-scoped) or for nodes of this type (type-scoped).
    scoped: Option<Value>,
}

/// The active context.
#[derive(Debug, Clone, Default)]
struct Active {
    terms: Arc<BTreeMap<String, Term>>,
    has_vocab: bool,
    has_base: bool,
    /// A context is not at hand, so nothing can be said about unknown keys.
    unknown: bool,
}

/// Judges a JSON-LD document with the contexts at hand, by their IRI.
pub(super) fn judge(name: &str, bytes: &[u8], contexts: &BTreeMap<String, Value>) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(source) = json::read(name, bytes, &mut findings) {
        walk(source.value(), contexts, &Assumed::default(), &mut findings);
        findings.locate(&source);
    }
    findings.finish()
}

/// What a format takes for granted besides the document's own context.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Assumed {
    /// Contexts by this beginning are known to define every key through `@vocab`.
    pub(super) with_vocabulary: &'static [&'static str],
}

/// Walks a value and tells what expansion would lose.
pub(super) fn walk(value: &Value, contexts: &BTreeMap<String, Value>, assumed: &Assumed, findings: &mut Findings) {
    let mut walker = Walker { contexts, assumed, findings, open: BTreeSet::new() };
    if !value.is_object() && !value.is_array() {
        walker.findings.push(wrong_type("type", "the document", "an object or an array", value, &Pointer::ROOT, CLAUSE));
        return;
    }
    let has_context = match value {
        Value::Object(object) => object.contains_key("@context"),
        Value::Array(items) => items.iter().all(|item| item.get("@context").is_some()) && !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    let expanded =
        value.as_array().is_some_and(|items| items.iter().any(|item| item.as_object().is_some_and(|o| o.keys().any(|k| k.contains(':')))));
    if !has_context && !expanded {
        let message = "there is no `@context`: unless it comes by another way, every key is lost when the document is expanded";
        walker.findings.push(Finding::warning("context-missing", message).at("").clause("JSON-LD 1.1 section 6.1"));
        return;
    }
    walker.value(value, &Active::default(), &Pointer::ROOT);
}

struct Walker<'c, 'f> {
    contexts: &'c BTreeMap<String, Value>,
    assumed: &'c Assumed,
    findings: &'f mut Findings,
    open: BTreeSet<String>,
}

impl Walker<'_, '_> {
    fn tell(&mut self, severity: Severity, rule: &str, at: &Pointer<'_>, message: impl Into<String>, section: &str) {
        self.findings.push(Finding::new(rule, severity, message).at(at.to_string()).clause(format!("{CLAUSE} section {section}")));
    }

    fn value(&mut self, value: &Value, active: &Active, at: &Pointer<'_>) {
        match value {
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(item, active, &at.index(i));
                }
            }
            Value::Object(object) => self.node(object, active, at),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn node(&mut self, object: &Map<String, Value>, outer: &Active, at: &Pointer<'_>) {
        let mut active = outer.clone();
        if let Some(context) = object.get("@context") {
            self.context(context, &mut active, &at.name("@context"), 0);
        }
        // Contexts of the node's types, in the order of their names (JSON-LD 1.1 API, section 5.1.2, step 11).
        let mut types: Vec<&str> = Vec::new();
        for (key, value) in object {
            if keyword(key, &active) == Some("@type") {
                types.extend(value.as_str());
                types.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str));
            }
        }
        types.sort_unstable();
        let before = active.clone();
        for name in &types {
            if let Some(scoped) = before.terms.get(*name).and_then(|term| term.scoped.clone()) {
                self.context(&scoped, &mut active, at, 0);
            }
        }
        if object.keys().any(|key| keyword(key, &active) == Some("@value")) {
            self.value_object(object, &active, at);
            return;
        }
        for (key, value) in object {
            if key != "@context" {
                self.member(key, value, &active, &at.name(key));
            }
        }
    }

    fn member(&mut self, key: &str, value: &Value, active: &Active, at: &Pointer<'_>) {
        match keyword(key, active) {
            Some("@id") => self.identifier(value, active, at),
            Some("@type") => self.types(value, active, at),
            Some("@graph" | "@included" | "@list" | "@set" | "@nest") => self.value(value, active, at),
            Some("@reverse") => match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        self.member(key, value, active, &at.name(key));
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    self.tell(Severity::Error, "keyword-value", at, "`@reverse` must be an object", "9.2")
                }
            },
            Some("@language") => {
                self.tell(Severity::Error, "keyword-place", at, "`@language` stands outside a value object and a context", "9.2")
            }
            Some("@index") if !value.is_string() => self.tell(Severity::Error, "keyword-value", at, "`@index` must be a string", "9.2"),
            Some(_) => {}
            None if key.starts_with('@') && key.len() > 1 && key.bytes().skip(1).all(|b| b.is_ascii_alphabetic()) => {
                self.tell(
                    Severity::Warning,
                    "keyword-unknown",
                    at,
                    "a key in the form of a keyword that there is not; it is ignored",
                    "9.1",
                );
            }
            None => {
                let Some(term) = active.terms.get(key) else {
                    self.undefined(key, active, at);
                    self.value(value, active, at);
                    return;
                };
                if term.stands_for.is_none() {
                    return;
                }
                if value.is_null() {
                    self.tell(Severity::Warning, "null-dropped", at, "a value of null vanishes when the document is expanded", "5.1");
                    return;
                }
                if term.is_json {
                    return;
                }
                let mut inner = active.clone();
                if let Some(scoped) = term.scoped.clone() {
                    self.context(&scoped, &mut inner, at, 0);
                }
                match value {
                    Value::Object(map) if term.is_map => {
                        for (key, value) in map {
                            self.value(value, &inner, &at.name(key));
                        }
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                        self.value(value, &inner, at)
                    }
                }
            }
        }
    }

    /// A key that the active context does not define.
    fn undefined(&mut self, key: &str, active: &Active, at: &Pointer<'_>) {
        if active.has_vocab || active.unknown {
            return;
        }
        if let Some((prefix, rest)) = key.split_once(':') {
            // An IRI, or a compact one: either survives.
            if active.terms.contains_key(prefix) || rest.starts_with("//") || prefix == "urn" {
                return;
            }
            let message =
                format!("`{}` is no prefix that the context defines; the key is taken for an absolute IRI", prefix.escape_debug());
            self.tell(Severity::Warning, "prefix-undefined", at, message, "4.1.5");
            return;
        }
        let message = "no context defines this key, so it vanishes, with its value, when the document is expanded";
        self.tell(Severity::Warning, "term-dropped", at, message, "4.1");
    }

    fn identifier(&mut self, value: &Value, active: &Active, at: &Pointer<'_>) {
        let Some(text) = value.as_str() else {
            self.findings.push(wrong_type("keyword-value", "an identifier", "a string", value, at, "JSON-LD 1.1 section 9.2"));
            return;
        };
        if text.starts_with("_:") || active.terms.contains_key(text) {
            return;
        }
        if let Err(why) = uri::reference(text, Charset::Iri) {
            self.findings.push(
                Finding::error("iri", format!("the identifier is not an IRI: {why}"))
                    .at(at.to_string())
                    .expected("an IRI reference (RFC 3987)")
                    .observed(text)
                    .clause("JSON-LD 1.1 section 9.2"),
            );
        } else if uri::scheme(text).is_none() && !active.has_base {
            self.tell(
                Severity::Warning,
                "iri-relative",
                at,
                "a relative identifier, which means something else in every place the document is read from",
                "4.1.3",
            );
        }
    }

    fn types(&mut self, value: &Value, active: &Active, at: &Pointer<'_>) {
        let names: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        for name in names {
            let Some(text) = name.as_str() else {
                self.findings.push(wrong_type("keyword-value", "a type", "a string", name, at, "JSON-LD 1.1 section 9.2"));
                continue;
            };
            let defined =
                active.terms.contains_key(text) || text.contains(':') || text.starts_with('@') || active.has_vocab || active.unknown;
            if !defined {
                let message =
                    format!("no context defines the type `{}`, so it becomes a relative IRI", crate::verdict::Untrusted::new(text));
                self.tell(Severity::Warning, "type-undefined", at, message, "4.1.2");
            }
        }
    }

    /// `@value` and what may stand beside it (section 9.5).
    fn value_object(&mut self, object: &Map<String, Value>, active: &Active, at: &Pointer<'_>) {
        let section = "9.5";
        let mut has = BTreeMap::new();
        for (key, value) in object {
            match keyword(key, active) {
                Some(word @ ("@value" | "@type" | "@language" | "@direction" | "@index" | "@context")) => {
                    has.insert(word, (key, value));
                }
                _ => self.tell(Severity::Error, "value-object", &at.name(key), "a value object holds a key that it must not have", section),
            }
        }
        if has.contains_key("@type") && (has.contains_key("@language") || has.contains_key("@direction")) {
            self.tell(Severity::Error, "value-object", at, "a value has a type or a language, not both", section);
        }
        if let Some((key, value)) = has.get("@language") {
            match value.as_str() {
                Some(tag) => {
                    if let Err(why) = language_tag::well_formed(tag) {
                        self.tell(Severity::Error, "language-tag", &at.name(key), format!("it is not a language tag: {why}"), section);
                    }
                }
                None => self.tell(Severity::Error, "value-object", &at.name(key), "`@language` must be a string", section),
            }
        }
        let is_json = has.get("@type").is_some_and(|(_, value)| value.as_str() == Some("@json"));
        if let Some((key, value)) = has.get("@value")
            && !is_json
            && (value.is_array() || value.is_object())
        {
            self.tell(Severity::Error, "value-object", &at.name(key), "`@value` must be a string, number, boolean or null", section);
        }
    }

    /// Takes a context in (JSON-LD 1.1 API, section 4.1).
    fn context(&mut self, context: &Value, active: &mut Active, at: &Pointer<'_>, depth: usize) {
        if depth > MAX_CONTEXTS {
            active.unknown = true;
            self.tell(Severity::Open, "context-depth", at, "contexts name contexts further than this program follows", "5.1");
            return;
        }
        match context {
            Value::Null => *active = Active { unknown: active.unknown, ..Active::default() },
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.context(item, active, &at.index(i), depth + 1);
                }
            }
            Value::String(iri) => self.remote(iri, active, at, depth),
            Value::Object(map) => {
                if let Some(Value::String(import)) = map.get("@import") {
                    self.remote(import, active, &at.name("@import"), depth);
                }
                self.definitions(map, active, at);
            }
            Value::Bool(_) | Value::Number(_) => {
                self.findings.push(wrong_type(
                    "context",
                    "a context",
                    "a string, an object, an array or null",
                    context,
                    at,
                    "JSON-LD 1.1 section 9.15",
                ));
            }
        }
    }

    fn remote(&mut self, iri: &str, active: &mut Active, at: &Pointer<'_>, depth: usize) {
        if let Some(document) = self.contexts.get(iri) {
            let document = document.get("@context").unwrap_or(document).clone();
            self.context(&document, active, at, depth + 1);
            return;
        }
        if self.assumed.with_vocabulary.iter().any(|known| iri.starts_with(known)) {
            active.has_vocab = true;
            return;
        }
        active.unknown = true;
        if let Err(why) = uri::reference(iri, Charset::Iri) {
            self.tell(Severity::Error, "context", at, format!("the context's address is not a URI: {why}"), "9.15");
        } else if self.open.insert(iri.to_owned()) {
            let finding = Finding::open("context-not-at-hand", "the context is not at hand; which keys it defines cannot be told");
            self.findings
                .push(finding.at(at.to_string()).expected("a context that was supplied").observed(iri).clause("JSON-LD 1.1 section 3.1"));
        }
    }

    fn definitions(&mut self, map: &Map<String, Value>, active: &mut Active, at: &Pointer<'_>) {
        let mut terms = (*active.terms).clone();
        for (name, value) in map {
            let at = at.name(name);
            match name.as_str() {
                "@vocab" => active.has_vocab = !value.is_null(),
                "@base" => active.has_base = !value.is_null(),
                "@language" => match value {
                    Value::Null => {}
                    Value::String(tag) => {
                        if let Err(why) = language_tag::well_formed(tag) {
                            self.tell(Severity::Error, "language-tag", &at, format!("it is not a language tag: {why}"), "9.15");
                        }
                    }
                    Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        self.tell(Severity::Error, "context", &at, "`@language` must be a language tag or null", "9.15")
                    }
                },
                "@version" => {
                    if value.as_f64() != Some(1.1) {
                        self.tell(Severity::Error, "context", &at, "`@version` must be the number 1.1", "9.15");
                    }
                }
                "@import" | "@propagate" | "@protected" | "@direction" => {}
                _ if KEYWORDS.contains(&name.as_str()) => {
                    self.tell(Severity::Error, "context", &at, "a keyword cannot be defined anew", "9.15.1")
                }
                _ => {
                    terms.insert(name.clone(), self.term(value, &at));
                }
            }
        }
        active.terms = Arc::new(terms);
    }

    fn term(&mut self, value: &Value, at: &Pointer<'_>) -> Term {
        match value {
            Value::Null => Term::default(),
            Value::String(iri) => Term { stands_for: Some(iri.clone()), ..Term::default() },
            Value::Object(definition) => {
                let id = definition.get("@id").or_else(|| definition.get("@reverse"));
                let stands_for = match id {
                    Some(Value::Null) => None,
                    Some(Value::String(iri)) => Some(iri.clone()),
                    Some(other) => {
                        self.findings.push(wrong_type(
                            "context",
                            "a term's `@id`",
                            "a string or null",
                            other,
                            at,
                            "JSON-LD 1.1 section 9.15.1",
                        ));
                        None
                    }
                    None => Some(String::new()),
                };
                let containers: Vec<&str> = match definition.get("@container") {
                    Some(Value::String(one)) => vec![one],
                    Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
                    _ => Vec::new(),
                };
                Term {
                    stands_for,
                    is_json: definition.get("@type").and_then(Value::as_str) == Some("@json"),
                    is_map: containers.iter().any(|c| matches!(*c, "@language" | "@index" | "@id" | "@type" | "@graph")),
                    scoped: definition.get("@context").cloned(),
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                let finding =
                    wrong_type("context", "a term's definition", "a string, an object or null", value, at, "JSON-LD 1.1 section 9.15.1");
                self.findings.push(finding.observed(&shown(value)));
                Term::default()
            }
        }
    }
}

/// The keyword that a key is, itself or as an alias.
fn keyword<'k>(key: &'k str, active: &'k Active) -> Option<&'k str> {
    if KEYWORDS.contains(&key) {
        return Some(key);
    }
    active.terms.get(key).and_then(|term| term.stands_for.as_deref()).filter(|stands| KEYWORDS.contains(stands))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::format::mutation::{assert_one, changed};

    const BED: &str = r#"{
      "@context": {"@version": 1.1, "saref": "https://saref.etsi.org/core/", "id": "@id", "type": "@type", "name": "saref:hasName", "Bed": "saref:Device",
        "labels": {"@id": "saref:label", "@container": "@language"}, "raw": {"@id": "saref:raw", "@type": "@json"},
        "part": {"@id": "saref:consistsOf", "@context": {"weight": "saref:weight"}}},
      "id": "urn:bed:1", "type": "Bed", "name": {"@value": "Bed", "@language": "en"}, "labels": {"de": "Bett"}, "raw": {"anything": [1]},
      "part": {"id": "urn:part:1", "weight": 3}, "saref:colour": "red"
    }"#;

    fn judged(text: &str) -> Vec<Finding> {
        judge("t", text.as_bytes(), &BTreeMap::new())
    }

    #[test]
    fn a_document_that_survives_is_silent() {
        assert_eq!(judged(BED), []);
        assert_eq!(judged(r#"[{"@id": "urn:a", "http://example.org/p": [{"@value": 1}]}]"#), []);
    }

    #[test]
    fn each_fault_has_its_own_rule_and_place() {
        let (error, warning) = (Severity::Error, Severity::Warning);
        for (pointer, value, severity, rule, place) in [
            ("/weight", json!(3), warning, "term-dropped", "/weight"),
            ("/part/colour", json!("red"), warning, "term-dropped", "/part/colour"),
            ("/foo:bar", json!(3), warning, "prefix-undefined", "/foo:bar"),
            ("/type", json!("Chair"), warning, "type-undefined", "/type"),
            ("/name", Value::Bool(true), warning, "", ""),
            ("/id", json!("bed 1"), error, "iri", "/id"),
            ("/id", json!("bed"), warning, "iri-relative", "/id"),
            ("/id", json!(1), error, "keyword-value", "/id"),
            ("/@context/@version", json!("1.1"), error, "context", "/@context/@version"),
            ("/@context/name", json!(1), error, "context", "/@context/name"),
            ("/@context/@id", json!("x"), error, "context", "/@context/@id"),
            ("/@context/@language", json!("en_GB"), error, "language-tag", "/@context/@language"),
            ("/name/@language", json!("e"), error, "language-tag", "/name/@language"),
            ("/name/@id", json!("urn:x"), error, "value-object", "/name/@id"),
            ("/name/@type", json!("saref:text"), error, "value-object", "/name"),
            ("/name/@value", json!([1]), error, "value-object", "/name/@value"),
            ("/@foo", json!(1), warning, "keyword-unknown", "/@foo"),
            ("/@language", json!("en"), error, "keyword-place", "/@language"),
            ("/@context", Value::Null, warning, "context-missing", ""),
            ("/@context", json!(7), error, "context", "/@context"),
        ] {
            let context = format!("{pointer} = {value}");
            let findings = judged(&changed(BED, pointer, value));
            if rule.is_empty() {
                assert_eq!(findings, [], "{context}");
            } else if rule == "context" && ["/@context", "/@context/name"].contains(&place) {
                assert!(findings.iter().any(|f| f.rule == rule && f.path == place), "{context}: {findings:#?}");
            } else {
                assert_one(&findings, severity, rule, place, &context);
            }
        }
        let null = BED.replace("\"saref:colour\": \"red\"", "\"part\": null");
        assert!(judged(&null).iter().any(|f| f.rule == "null-dropped"));
    }

    #[test]
    fn a_context_that_is_not_at_hand_is_open_and_one_that_is_decides() {
        let text = r#"{"@context": "https://vendor.example/context.jsonld", "@id": "urn:a", "colour": "red", "weight": 3}"#;
        assert_one(&judged(text), Severity::Open, "context-not-at-hand", "/@context", "not supplied");
        let contexts = BTreeMap::from([(
            "https://vendor.example/context.jsonld".to_owned(),
            json!({"@context": {"colour": "https://vendor.example/colour"}}),
        )]);
        assert_one(&judge("t", text.as_bytes(), &contexts), Severity::Warning, "term-dropped", "/weight", "supplied");
        let circle = BTreeMap::from([(
            "https://vendor.example/context.jsonld".to_owned(),
            json!({"@context": "https://vendor.example/context.jsonld"}),
        )]);
        assert_eq!(judge("t", text.as_bytes(), &circle)[0].rule, "context-depth");
    }

    proptest! {
        #[test]
        fn no_json_makes_it_panic(text in "[\\[\\]{}\",:a-z@0-9 ]{0,200}") {
            judged(&text);
            judged(&format!("{{\"@context\":{{{text}}},\"a\":{text}}}"));
        }
    }
}
