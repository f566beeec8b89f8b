//! NGSI-LD (ETSI GS CIM 009): entities in the normalized, the concise and the simplified form, and the
//! subscriptions, registrations and notifications around them.
//!
//! Which form an entity is in is seen from its attributes: as soon as one of them has the type of an
//! attribute, every one is held to the normalized or concise form; without any, plain values are the
//! simplified form. Every key survives expansion, because the core context has a default vocabulary; a
//! context that is not at hand is an open question only for what its terms mean.

mod geometry;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::findings::Findings;
use super::json::{self, kind, shown, wrong_type};
use super::json_ld::{self, Assumed};
use super::uri::{self, Charset};
use super::{Pointer, date_time, language_tag, unit};
use crate::verdict::{Finding, Severity};

type Object = Map<String, Value>;

const CLAUSE: &str = "ETSI GS CIM 009";

/// The kinds of attribute, with the member that holds the value.
const KINDS: &[(&str, &str)] = &[
    ("Property", "value"),
    ("Relationship", "object"),
    ("GeoProperty", "value"),
    ("LanguageProperty", "languageMap"),
    ("VocabProperty", "vocab"),
    ("JsonProperty", "json"),
    ("ListProperty", "valueList"),
    ("ListRelationship", "objectList"),
];

/// Members of an entity that are not attributes.
const ENTITY: &[&str] = &["id", "@id", "type", "@type", "@context", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"];

/// Members of an attribute that are not attributes of the attribute.
const ATTRIBUTE: &[&str] = &[
    "type",
    "value",
    "object",
    "languageMap",
    "vocab",
    "json",
    "valueList",
    "objectList",
    "observedAt",
    "unitCode",
    "datasetId",
    "createdAt",
    "modifiedAt",
    "deletedAt",
    "instanceId",
    "objectType",
    "valueType",
    "previousValue",
    "previousObject",
    "previousLanguageMap",
    "previousVocab",
    "previousJson",
    "previousValueList",
    "previousObjectList",
    "entity",
    "entityList",
    "lang",
    "@context",
    "expiresAt",
    "ngsildConfig",
];

/// Judges a document with the contexts at hand.
pub(super) fn judge(name: &str, bytes: &[u8], contexts: &BTreeMap<String, Value>) -> Vec<Finding> {
    let mut findings = Findings::default();
    let Some(source) = json::read(name, bytes, &mut findings) else { return findings.finish() };
    let mut judge = Judge { findings: &mut findings };
    match source.value() {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                judge.document(item, &Pointer::ROOT.index(i));
            }
        }
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            judge.document(value, &Pointer::ROOT)
        }
    }
    // The core context defines a vocabulary for every key, so nothing of an entity is lost.
    let assumed = Assumed { with_vocabulary: &["https://uri.etsi.org/ngsi-ld/"] };
    json_ld::walk(source.value(), contexts, &assumed, &mut findings);
    findings.locate(&source);
    findings.finish()
}

/// Whether a value looks like an entity in the normalized form; asked when a format is guessed.
pub(super) fn looks_like(value: &Value) -> bool {
    let Value::Object(object) = value else {
        return value.as_array().and_then(|items| items.first()).is_some_and(looks_like);
    };
    let attribute =
        |value: &Value| value.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.iter().any(|(name, _)| *name == kind));
    let context = object.get("@context").map(Value::to_string).unwrap_or_default();
    object.get("id").is_some_and(Value::is_string)
        && object.contains_key("type")
        && (object.values().any(attribute)
            || context.contains("ngsi-ld")
            || object.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with("urn:ngsi-ld:")))
}

struct Judge<'f> {
    findings: &'f mut Findings,
}

/// The form an entity is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Normalized or concise: attributes are told by their members.
    Full,
    /// Simplified: attributes are their values.
    Simplified,
}

impl Judge<'_> {
    fn tell(&mut self, severity: Severity, rule: &str, at: &Pointer<'_>, message: impl Into<String>, section: &str) {
        self.findings.push(Finding::new(rule, severity, message).at(at.to_string()).clause(format!("{CLAUSE} clause {section}")));
    }

    fn missing(&mut self, name: &str, what: &str, at: &Pointer<'_>, section: &str) {
        let finding = Finding::error("required", format!("`{name}` is missing; {what} must have it")).at(at.to_string());
        self.findings.push(finding.expected(format!("a member `{name}`")).clause(format!("{CLAUSE} clause {section}")));
    }

    fn document(&mut self, value: &Value, at: &Pointer<'_>) {
        let Value::Object(object) = value else {
            self.findings.push(wrong_type("type", "an entity", "an object", value, at, CLAUSE));
            return;
        };
        match object.get("type").and_then(Value::as_str) {
            Some("Subscription") => self.subscription(object, at),
            Some("ContextSourceRegistration" | "CSourceRegistration") => self.registration(object, at),
            Some("Notification") => self.notification(object, at),
            Some("Feature" | "FeatureCollection") => {
                self.tell(Severity::Open, "geojson", at, "the GeoJSON form of entities is not judged", "4.5.16");
            }
            _ => self.entity(object, at),
        }
    }

    fn entity(&mut self, entity: &Object, at: &Pointer<'_>) {
        let section = "5.2.4";
        self.id(entity, at, true);
        self.entity_type(entity, at, section);
        self.scope(entity, at);
        for name in ["createdAt", "modifiedAt", "deletedAt", "expiresAt"] {
            self.moment(entity, name, at);
        }
        let attributes: Vec<(&String, &Value)> = entity.iter().filter(|(name, _)| !ENTITY.contains(&name.as_str())).collect();
        let form = if attributes.iter().any(|(_, value)| is_attribute(value)) { Form::Full } else { Form::Simplified };
        for (name, value) in attributes {
            let at = at.name(name);
            self.name(name, &at);
            match (form, value) {
                (_, Value::Null) => self.tell(Severity::Error, "null", &at, "null is no value: a key that has it is lost", "4.5.0"),
                (Form::Full, Value::Array(items)) if items.iter().any(is_attribute) => self.instances(items, &at),
                (Form::Full, value) => self.attribute(value, &at),
                (Form::Simplified, _) => {}
            }
        }
    }

    fn id(&mut self, object: &Object, at: &Pointer<'_>, needed: bool) {
        let (name, value) = match (object.get("id"), object.get("@id")) {
            (Some(value), None) => ("id", value),
            (None, Some(value)) => ("@id", value),
            (Some(_), Some(_)) => {
                self.tell(Severity::Error, "id", at, "`id` and `@id` stand together", "5.2.4");
                return;
            }
            (None, None) => {
                if needed {
                    self.missing("id", "an entity", at, "5.2.4");
                }
                return;
            }
        };
        self.uri_value(value, name, &at.name(name), "5.2.4");
    }

    fn uri_value(&mut self, value: &Value, name: &str, at: &Pointer<'_>, section: &str) {
        let Some(text) = value.as_str() else {
            self.findings.push(wrong_type("type", &format!("`{name}`"), "a URI", value, at, CLAUSE));
            return;
        };
        if let Err(why) = uri::absolute(text, Charset::Iri) {
            let finding = Finding::error("uri", format!("`{name}` is not a URI: {why}")).at(at.to_string());
            self.findings
                .push(finding.expected("a URI with a scheme (RFC 3986)").observed(text).clause(format!("{CLAUSE} clause {section}")));
        }
    }

    fn entity_type(&mut self, object: &Object, at: &Pointer<'_>, section: &str) {
        let (name, value) = match (object.get("type"), object.get("@type")) {
            (Some(value), _) => ("type", value),
            (None, Some(value)) => ("@type", value),
            (None, None) => {
                self.missing("type", "an entity", at, section);
                return;
            }
        };
        let at = at.name(name);
        match value {
            Value::String(text) => self.type_name(text, &at),
            Value::Array(items) => {
                if items.is_empty() {
                    self.tell(Severity::Error, "entity-type", &at, "the list of types is empty", section);
                }
                for (i, item) in items.iter().enumerate() {
                    match item.as_str() {
                        Some(text) => self.type_name(text, &at.index(i)),
                        None => self.findings.push(wrong_type("type", "a type", "a string", item, &at.index(i), CLAUSE)),
                    }
                }
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                self.findings.push(wrong_type("type", "`type`", "a string or a list of strings", other, &at, CLAUSE))
            }
        }
    }

    fn type_name(&mut self, text: &str, at: &Pointer<'_>) {
        let sound = is_name(text) || uri::absolute(text, Charset::Iri).is_ok();
        if !sound {
            let finding = Finding::error("entity-type", "it is not the name of a type").at(at.to_string());
            self.findings
                .push(finding.expected("a name, a name with prefix, or a URI").observed(text).clause(format!("{CLAUSE} clause 4.6.2")));
        }
    }

    fn scope(&mut self, entity: &Object, at: &Pointer<'_>) {
        let Some(value) = entity.get("scope") else { return };
        let at = at.name("scope");
        let scopes: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        for scope in scopes {
            // In the normalized form a scope may be a property.
            let scope = scope.get("value").unwrap_or(scope);
            let names = scope.as_array().map_or_else(|| vec![scope], |items| items.iter().collect());
            for name in names {
                let sound = name.as_str().is_some_and(|text| {
                    text.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && rest.split('/').all(|part| !part.is_empty()))
                });
                if !sound {
                    let finding = Finding::error("scope", "it is not a scope").at(at.to_string());
                    self.findings.push(
                        finding
                            .expected("names, each with a slash before it")
                            .observed(&shown(name))
                            .clause(format!("{CLAUSE} clause 4.18")),
                    );
                }
            }
        }
    }

    /// A moment in UTC.
    fn moment(&mut self, object: &Object, name: &str, at: &Pointer<'_>) {
        let Some(value) = object.get(name) else { return };
        // In the concise form a moment may be a property.
        let value = value.get("value").or_else(|| value.get("@value")).unwrap_or(value);
        let at = at.name(name);
        let Some(text) = value.as_str() else {
            self.findings.push(wrong_type("type", &format!("`{name}`"), "a date and time", value, &at, CLAUSE));
            return;
        };
        let fault = match date_time::date_time(&text.replace(',', ".")) {
            Ok(moment) if moment.offset == 0 && text.ends_with(['Z', 'z']) => return,
            Ok(_) => "it is not in UTC, with Z at its end",
            Err(why) => why,
        };
        let finding = Finding::error("date-time", format!("`{name}` is not a date and time: {fault}")).at(at.to_string());
        self.findings.push(
            finding.expected("a date-time in UTC, such as 2026-11-22T10:00:00Z").observed(text).clause(format!("{CLAUSE} clause 4.6.3")),
        );
    }

    /// The name of an attribute.
    fn name(&mut self, name: &str, at: &Pointer<'_>) {
        if is_name(name) || uri::absolute(name, Charset::Iri).is_ok() {
            return;
        }
        let finding = Finding::error("attribute-name", "it is not the name of an attribute").at(at.to_string());
        self.findings.push(
            finding
                .expected("letters, digits and underscores, with a prefix or without, or a URI")
                .observed(name)
                .clause(format!("{CLAUSE} clause 4.6.2")),
        );
    }

    /// Several instances of one attribute: told apart by `datasetId`, one at most without.
    fn instances(&mut self, items: &[Value], at: &Pointer<'_>) {
        let mut seen = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            let at = at.index(i);
            self.attribute(item, &at);
            let dataset = item.get("datasetId").and_then(Value::as_str);
            // A history of values has many instances of one dataset, told apart by their time.
            if item.get("observedAt").is_none() && item.get("instanceId").is_none() && !seen.insert(dataset) {
                let message = match dataset {
                    Some(_) => "two instances of the attribute have the same `datasetId`",
                    None => "two instances of the attribute have no `datasetId`",
                };
                self.tell(Severity::Error, "dataset", &at, message, "4.5.5");
            }
        }
    }

    fn attribute(&mut self, value: &Value, at: &Pointer<'_>) {
        let Value::Object(object) = value else {
            // The concise form lets a value stand alone.
            return;
        };
        let stated = object.get("type");
        let holders: Vec<&str> = ["value", "object", "languageMap", "vocab", "json", "valueList", "objectList"]
            .into_iter()
            .filter(|name| object.contains_key(*name))
            .collect();
        let kind = match stated {
            Some(Value::String(name)) => match KINDS.iter().find(|(known, _)| known == name) {
                Some((name, holder)) => Some((*name, *holder)),
                None if geometry::is_type(name) && holders.is_empty() => {
                    geometry::judge(value, at, self.findings);
                    return;
                }
                None => {
                    let finding = Finding::error("attribute-type", "there is no such kind of attribute").at(at.name("type").to_string());
                    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                    self.findings.push(
                        finding.expected(format!("one of {}", names.join(", "))).observed(name).clause(format!("{CLAUSE} clause 4.5.2")),
                    );
                    return;
                }
            },
            Some(other) => {
                self.findings.push(wrong_type("type", "an attribute's `type`", "a string", other, &at.name("type"), CLAUSE));
                return;
            }
            None => None,
        };
        let (name, holder) = match (kind, holders.as_slice()) {
            (Some(kind), _) => kind,
            (None, [holder]) => KINDS.iter().find(|(_, held)| held == holder).copied().unwrap_or(("Property", "value")),
            (None, []) => {
                self.tell(
                    Severity::Error,
                    "attribute-type",
                    at,
                    "an attribute has neither a type nor a member that holds its value",
                    "4.5.2",
                );
                return;
            }
            (None, _) => {
                self.tell(Severity::Error, "attribute-value", at, "an attribute has several members that each hold a value", "4.5.2");
                return;
            }
        };
        for other in holders.iter().filter(|other| **other != holder) {
            self.tell(Severity::Error, "attribute-value", &at.name(other), format!("a {name} has no `{other}`"), "4.5.2");
        }
        match object.get(holder) {
            None => self.missing(holder, &format!("a {name}"), at, "4.5.2"),
            Some(Value::Null) => {
                self.tell(Severity::Error, "null", &at.name(holder), "null is no value: a key that has it is lost", "4.5.0")
            }
            Some(held) => self.held(name, held, &at.name(holder)),
        }
        self.annotations(name, object, at);
        for (inner, value) in object.iter().filter(|(inner, _)| !ATTRIBUTE.contains(&inner.as_str())) {
            let at = at.name(inner);
            self.name(inner, &at);
            match value {
                Value::Null => self.tell(Severity::Error, "null", &at, "null is no value: a key that has it is lost", "4.5.0"),
                Value::Array(items) if items.iter().any(is_attribute) => self.instances(items, &at),
                value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                    self.attribute(value, &at)
                }
            }
        }
    }

    /// What an attribute's own member holds.
    fn held(&mut self, name: &str, held: &Value, at: &Pointer<'_>) {
        match name {
            "Relationship" => {
                let targets: Vec<(Option<usize>, &Value)> = match held {
                    Value::Array(items) => items.iter().enumerate().map(|(i, item)| (Some(i), item)).collect(),
                    one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![(None, one)],
                };
                if targets.is_empty() {
                    self.tell(Severity::Error, "attribute-value", at, "a relationship leads nowhere", "4.5.3");
                }
                for (i, target) in targets {
                    match i {
                        Some(i) => self.uri_value(target, "object", &at.index(i), "4.5.3"),
                        None => self.uri_value(target, "object", at, "4.5.3"),
                    }
                }
            }
            "GeoProperty" => match held {
                Value::String(text) => match serde_json::from_str::<Value>(text) {
                    Ok(geometry) => geometry::judge_as_text(&geometry, at, self.findings),
                    Err(_) => self.tell(Severity::Error, "geometry", at, "the text is not GeoJSON", "4.7"),
                },
                geometry @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    geometry::judge(geometry, at, self.findings)
                }
            },
            "LanguageProperty" => match held {
                Value::Object(map) => {
                    for (tag, text) in map {
                        let at = at.name(tag);
                        if tag != "@none"
                            && let Err(why) = language_tag::well_formed(tag)
                        {
                            let message = format!("a key of `languageMap` is not a language tag: {why}");
                            self.tell(Severity::Error, "language-tag", &at, message, "4.5.18");
                        }
                        let sound = text.is_string() || text.as_array().is_some_and(|items| items.iter().all(Value::is_string));
                        if !sound {
                            self.findings.push(wrong_type(
                                "type",
                                "a text in a language",
                                "a string or a list of strings",
                                text,
                                &at,
                                CLAUSE,
                            ));
                        }
                    }
                }
                Value::String(text) if text == "urn:ngsi-ld:null" => {}
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                    self.findings.push(wrong_type("type", "`languageMap`", "an object", other, at, CLAUSE))
                }
            },
            "VocabProperty" => {
                let sound = held.is_string() || held.as_array().is_some_and(|items| items.iter().all(Value::is_string));
                if !sound {
                    self.findings.push(wrong_type("type", "`vocab`", "a string or a list of strings", held, at, CLAUSE));
                }
            }
            "ListProperty" | "ListRelationship" if !held.is_array() => {
                self.findings.push(wrong_type("type", "a list", "an array", held, at, CLAUSE));
            }
            _ => {}
        }
    }

    fn annotations(&mut self, name: &str, object: &Object, at: &Pointer<'_>) {
        for moment in ["observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"] {
            self.moment(object, moment, at);
        }
        for uri in ["datasetId", "instanceId"] {
            if let Some(value) = object.get(uri)
                && value.as_str() != Some("@none")
            {
                self.uri_value(value, uri, &at.name(uri), "4.5.5");
            }
        }
        if let Some(code) = object.get("unitCode") {
            let at = at.name("unitCode");
            match code.as_str() {
                None => self.findings.push(wrong_type("type", "`unitCode`", "a string", code, &at, CLAUSE)),
                Some(text) if !unit::is_common_code_form(text) => {
                    let finding = Finding::error("unit-code", "it is not a common code for a unit").at(at.to_string());
                    self.findings.push(
                        finding
                            .expected("a common code of UN/CEFACT Recommendation 20, such as CEL")
                            .observed(text)
                            .clause(format!("{CLAUSE} clause 4.5.2")),
                    );
                }
                Some(_) if !matches!(name, "Property" | "ListProperty") => {
                    self.tell(Severity::Error, "unit-code", &at, format!("a {name} has no unit"), "4.5.2");
                }
                Some(_) => {}
            }
        }
    }

    fn subscription(&mut self, object: &Object, at: &Pointer<'_>) {
        let section = "5.2.12";
        self.id(object, at, false);
        if !object.contains_key("entities") && !object.contains_key("watchedAttributes") && !object.contains_key("timeInterval") {
            self.missing("entities", "a subscription without `watchedAttributes`", at, section);
        }
        let notification = object.get("notification");
        match notification.and_then(|n| n.get("endpoint")).and_then(|e| e.get("uri")) {
            Some(uri) => {
                let (notification, endpoint) = (at.name("notification"), "endpoint");
                self.uri_value(uri, "uri", &notification.name(endpoint).name("uri"), "5.2.15");
            }
            None => self.missing("notification", "a subscription, with the endpoint's `uri`,", at, section),
        }
        if object.contains_key("timeInterval") && object.contains_key("watchedAttributes") {
            self.tell(
                Severity::Error,
                "subscription",
                &at.name("timeInterval"),
                "`timeInterval` and `watchedAttributes` must not stand together",
                section,
            );
        }
        self.moment(object, "expiresAt", at);
    }

    fn registration(&mut self, object: &Object, at: &Pointer<'_>) {
        let section = "5.2.9";
        self.id(object, at, false);
        if object.get("information").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            self.missing("information", "a registration", at, section);
        }
        match object.get("endpoint") {
            Some(uri) => self.uri_value(uri, "endpoint", &at.name("endpoint"), section),
            None => self.missing("endpoint", "a registration", at, section),
        }
        self.moment(object, "expiresAt", at);
    }

    fn notification(&mut self, object: &Object, at: &Pointer<'_>) {
        let section = "5.3.1";
        self.id(object, at, true);
        match object.get("subscriptionId") {
            Some(uri) => self.uri_value(uri, "subscriptionId", &at.name("subscriptionId"), section),
            None => self.missing("subscriptionId", "a notification", at, section),
        }
        if !object.contains_key("notifiedAt") {
            self.missing("notifiedAt", "a notification", at, section);
        }
        self.moment(object, "notifiedAt", at);
        match object.get("data") {
            Some(Value::Array(items)) => {
                let data = at.name("data");
                for (i, item) in items.iter().enumerate() {
                    self.document(item, &data.index(i));
                }
            }
            Some(Value::Object(_)) => {
                self.tell(Severity::Open, "geojson", &at.name("data"), "the GeoJSON form of entities is not judged", "4.5.16")
            }
            Some(other) => self.findings.push(wrong_type("type", "`data`", "an array of entities", other, &at.name("data"), CLAUSE)),
            None => self.missing("data", "a notification", at, section),
        }
    }
}

/// Whether a value has the form of an attribute.
fn is_attribute(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            let typed = object.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.iter().any(|(name, _)| *name == kind));
            let held = KINDS.iter().any(|(_, holder)| object.contains_key(*holder));
            typed || held
        }
        Value::Array(items) => items.iter().any(is_attribute),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A name (clause 4.6.2): letters, digits and underscores, beginning with a letter; or a prefix and a name.
fn is_name(text: &str) -> bool {
    let simple = |part: &str| part.starts_with(|c: char| c.is_alphabetic()) && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    match text.split_once(':') {
        Some((prefix, name)) => simple(prefix) && simple(name),
        None => simple(text),
    }
}

/// For messages of the geometry.
fn what(value: &Value) -> &'static str {
    kind(value)
}

#[cfg(test)]
mod tests;
