//! W3C Web of Things Thing Description 1.1 and Thing Model: rules written from the Recommendation
//! (<https://www.w3.org/TR/wot-thing-description11/>), with its assertion ids as clauses.
//!
//! What the text says with MUST, or marks as mandatory in a vocabulary table, is an error. What it says
//! with SHOULD, and what is lost on JSON-LD expansion, is a warning. A description by the context of
//! TD 1.0 is judged by the same rules, because 1.1 only adds terms. Two things the text leaves open are
//! decided so: bounds that no value can meet are an error, since such a schema cannot describe data
//! accurately (td-server-data-schema); a `const` outside its `enum` is a warning, as the official tools
//! have it.
//!
//! Whether the Thing behaves as described is not asked here.

mod data_schema;
mod form;
mod security;
mod thing_model;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::vocabulary::{ACTION, AFFORDANCE, DATA_SCHEMA, EVENT, LINK, PROPERTY, TD_1_0, TD_1_1, THING, THING_MODEL, VERSION};
use super::findings::Findings;
use super::json::{self, shown, wrong_type};
use super::uri::{self, Charset};
use super::{Pointer, date_time, language_tag};
use crate::verdict::Finding;

type Object = Map<String, Value>;

/// Judges a Thing Description.
pub(super) fn judge_description(name: &str, bytes: &[u8]) -> Vec<Finding> {
    judge(name, bytes, false)
}

/// Judges a Thing Model.
pub(super) fn judge_model(name: &str, bytes: &[u8]) -> Vec<Finding> {
    judge(name, bytes, true)
}

/// Whether the value says that it is a Thing Model.
pub(super) fn is_model(value: &Value) -> bool {
    names(value.get("@type")).any(|name| name == THING_MODEL)
}

/// Whether the value's context is that of a Thing Description or Thing Model.
pub(super) fn has_context(value: &Value) -> bool {
    names(value.get("@context")).any(|name| name == TD_1_1 || name == TD_1_0 || name == "http://www.w3.org/ns/td")
}

/// The strings of a value that is a string or an array of strings.
fn names(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Some(Value::String(one)) => (Some(one.as_str()), None),
        Some(Value::Array(many)) => (None, Some(many)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => (None, None),
    };
    one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str))
}

/// The relations of a Thing's links.
fn names_of_rel(thing: &Object) -> impl Iterator<Item = &str> {
    thing.get("links").and_then(Value::as_array).into_iter().flatten().filter_map(|link| link.get("rel")).filter_map(Value::as_str)
}

fn judge(name: &str, bytes: &[u8], model: bool) -> Vec<Finding> {
    let mut findings = Findings::default();
    let Some(source) = json::read(name, bytes, &mut findings) else { return findings.finish() };
    let Value::Object(thing) = source.value() else {
        findings.push(wrong_type("td-object", "the document", "a JSON object", source.value(), &Pointer::ROOT, "td-context"));
        return findings.finish();
    };
    let mut judge = Judge { findings, model, ..Judge::default() };
    judge.thing(thing);
    let mut findings = judge.findings;
    findings.locate(&source);
    findings.finish()
}

/// The judging of one document: what was found, and what its parts must know of the whole.
#[derive(Default)]
struct Judge<'v> {
    findings: Findings,
    /// A Thing Model: placeholders stand for values, and nothing of an instance is mandatory.
    model: bool,
    security: Option<&'v Object>,
    default_security: Option<&'v Value>,
    schemas: BTreeSet<&'v str>,
    /// URI variables of the Thing, and those that a security scheme puts into the address.
    thing_variables: BTreeSet<&'v str>,
    security_variables: BTreeMap<&'v str, &'v str>,
    /// Terms and prefixes that the document's own context defines.
    terms: BTreeSet<&'v str>,
    /// Another context is named that is not at hand, so an unknown word may be its.
    open_vocabulary: bool,
    has_base: bool,
    reported_prefixes: BTreeSet<String>,
    languages: Option<BTreeSet<&'v str>>,
    languages_differ: bool,
}

/// What a scalar member must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Text,
    Boolean,
    Number,
    Unsigned,
}

impl<'v> Judge<'v> {
    fn error(&mut self, rule: &str, at: &Pointer<'_>, message: impl Into<String>, clause: &str) {
        self.findings.push(Finding::error(rule, message).at(at.to_string()).clause(format!("W3C WoT TD 1.1, {clause}")));
    }
    fn warning(&mut self, rule: &str, at: &Pointer<'_>, message: impl Into<String>, clause: &str) {
        self.findings.push(Finding::warning(rule, message).at(at.to_string()).clause(format!("W3C WoT TD 1.1, {clause}")));
    }
    fn mistyped(&mut self, at: &Pointer<'_>, what: &str, expected: &str, value: &Value, clause: &str) {
        self.findings.push(wrong_type("type", what, expected, value, at, &format!("W3C WoT TD 1.1, {clause}")));
    }

    /// Whether a Thing Model's placeholder stands here in place of a value.
    fn is_placeholder(&self, value: &Value) -> bool {
        self.model && value.as_str().is_some_and(thing_model::has_placeholder)
    }

    /// A member that must be an object; a placeholder may stand for it in a Thing Model.
    fn object(&mut self, parent: &'v Object, name: &str, at: &Pointer<'_>, clause: &str) -> Option<&'v Object> {
        let value = parent.get(name)?;
        match value {
            Value::Object(map) => Some(map),
            _ if self.is_placeholder(value) => None,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.mistyped(&at.name(name), &format!("`{name}`"), "an object", value, clause);
                None
            }
        }
    }

    /// A member that must be an array.
    fn array(&mut self, parent: &'v Object, name: &str, at: &Pointer<'_>, clause: &str) -> Option<&'v Vec<Value>> {
        let value = parent.get(name)?;
        match value {
            Value::Array(items) => Some(items),
            _ if self.is_placeholder(value) => None,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                self.mistyped(&at.name(name), &format!("`{name}`"), "an array", value, clause);
                None
            }
        }
    }

    /// A member that must be a scalar of one kind.
    fn scalar(&mut self, parent: &'v Object, name: &str, want: Want, at: &Pointer<'_>, clause: &str) -> Option<&'v Value> {
        let value = parent.get(name)?;
        let (sound, expected) = match want {
            Want::Text => (value.is_string(), "a string"),
            Want::Boolean => (value.is_boolean(), "true or false"),
            Want::Number => (value.is_number(), "a number"),
            Want::Unsigned => (value.is_u64(), "an integer, 0 or more"),
        };
        if sound {
            return Some(value);
        }
        if !self.is_placeholder(value) {
            self.mistyped(&at.name(name), &format!("`{name}`"), expected, value, clause);
        }
        None
    }

    fn text(&mut self, parent: &'v Object, name: &str, at: &Pointer<'_>, clause: &str) -> Option<&'v str> {
        self.scalar(parent, name, Want::Text, at, clause).and_then(Value::as_str)
    }

    /// A string or a non-empty array of strings.
    fn text_or_texts(&mut self, value: &'v Value, at: &Pointer<'_>, what: &str, clause: &str) -> Vec<(Option<usize>, &'v str)> {
        match value {
            Value::String(one) => vec![(None, one.as_str())],
            Value::Array(many) => {
                let mut texts = Vec::with_capacity(many.len());
                for (i, item) in many.iter().enumerate() {
                    match item.as_str() {
                        Some(text) => texts.push((Some(i), text)),
                        None => self.mistyped(&at.index(i), &format!("an item of {what}"), "a string", item, clause),
                    }
                }
                texts
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.mistyped(at, what, "a string or an array of strings", value, clause);
                Vec::new()
            }
        }
    }

    /// A member that is an address.
    fn address(&mut self, parent: &'v Object, name: &str, must_be_absolute: bool, at: &Pointer<'_>, clause: &str) {
        let Some(text) = self.text(parent, name, at, clause) else { return };
        let at = at.name(name);
        if self.model && text.contains("{{") {
            return;
        }
        let literal = match uri::template(text) {
            Ok(template) if name != "id" => template.literal,
            Ok(_) | Err(_) => text.to_owned(),
        };
        let judged = if must_be_absolute { uri::absolute(&literal, Charset::Iri) } else { uri::reference(&literal, Charset::Iri) };
        if let Err(why) = judged {
            let what = if must_be_absolute { "a URI with a scheme" } else { "a URI reference" };
            self.findings.push(
                Finding::error("any-uri", format!("`{name}` is not {what}: {why}"))
                    .at(at.to_string())
                    .expected(format!("{what} (RFC 3986)"))
                    .observed(text)
                    .clause(format!("W3C WoT TD 1.1, {clause}")),
            );
        }
    }

    fn thing(&mut self, thing: &'v Object) {
        let root = Pointer::ROOT;
        self.context(thing, &root);
        self.types(thing, &root);
        if self.model {
            thing_model::judge(self, thing);
        } else {
            self.mandatory(thing);
            thing_model::left_over(self, thing);
        }
        self.known_terms(thing, &[THING], &root, "Thing");
        self.human_readable(thing, &root);
        self.address(thing, "id", true, &root, "td-vocab-id--Thing");
        self.address(thing, "base", !self.model, &root, "td-vocab-base--Thing");
        self.address(thing, "support", true, &root, "td-vocab-support--Thing");
        self.has_base = thing.contains_key("base");
        self.profile(thing, &root);
        self.moments(thing, &root);
        self.version(thing, &root);
        if let Some(definitions) = self.object(thing, "schemaDefinitions", &root, "td-objects_schemaDefinitions") {
            self.schemas = definitions.keys().map(String::as_str).collect();
            let at = root.name("schemaDefinitions");
            for (name, schema) in definitions {
                self.data_schema(schema, &at.name(name));
            }
        }
        self.security_definitions(thing, &root);
        self.thing_variables = self.uri_variables(thing, &root);
        self.affordances(thing, "properties", Kind::Property);
        self.affordances(thing, "actions", Kind::Action);
        self.affordances(thing, "events", Kind::Event);
        if let Some(forms) = self.array(thing, "forms", &root, "td-arrays_forms") {
            let at = root.name("forms");
            if forms.is_empty() {
                self.error("forms-empty", &at, "`forms` is an empty array", "td-arrays");
            }
            for (i, form) in forms.iter().enumerate() {
                self.form(form, &at.index(i), Kind::Thing, thing, &BTreeSet::new());
            }
        }
        self.links(thing, &root);
    }

    fn mandatory(&mut self, thing: &'v Object) {
        for (name, clause) in [
            ("title", "td-vocab-title--Thing"),
            ("security", "td-vocab-security--Thing"),
            ("securityDefinitions", "td-vocab-securityDefinitions--Thing"),
        ] {
            if !thing.contains_key(name) {
                self.missing(name, "the Thing", &Pointer::ROOT, clause);
            }
        }
    }

    fn missing(&mut self, name: &str, of: &str, at: &Pointer<'_>, clause: &str) {
        self.findings.push(
            Finding::error("mandatory", format!("`{name}` is missing; {of} must have it"))
                .at(at.to_string())
                .expected(format!("a member `{name}`"))
                .clause(format!("W3C WoT TD 1.1, {clause}")),
        );
    }

    /// Section 5.3.1.1, `@context`: the TD context first, or right behind that of TD 1.0.
    fn context(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        let clause = "td-context-ns-thing-mandatory";
        let at = root.name("@context");
        let Some(context) = thing.get("@context") else {
            self.missing("@context", "a Thing Description", root, clause);
            return;
        };
        let entries: Vec<&Value> = match context {
            Value::String(_) => vec![context],
            Value::Array(entries) => entries.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.mistyped(&at, "`@context`", "a string or an array", context, clause);
                return;
            }
        };
        let text = |i: usize| entries.get(i).and_then(|v| v.as_str());
        let sound = match (text(0), text(1)) {
            (Some(TD_1_1), _) => !entries.iter().skip(1).any(|v| v.as_str() == Some(TD_1_0)),
            (Some(TD_1_0), _) => !entries.iter().skip(2).any(|v| v.as_str() == Some(TD_1_1)),
            _ => false,
        };
        if !sound {
            self.findings.push(
                Finding::error("context", "the context of the Thing Description is missing, or not where it must stand")
                    .at(at.to_string())
                    .expected(format!("{TD_1_1} as the only or first entry, or right behind {TD_1_0}"))
                    .observed(&context.to_string())
                    .clause(format!("W3C WoT TD 1.1, {clause}")),
            );
        }
        for (i, entry) in entries.iter().enumerate() {
            let at = at.index(i);
            match entry {
                Value::String(iri) if iri == TD_1_1 || iri == TD_1_0 => {}
                Value::String(iri) => {
                    self.open_vocabulary = true;
                    if sound && let Err(why) = uri::reference(iri, Charset::Iri) {
                        self.error("any-uri", &at, format!("an entry of `@context` is not a URI: {why}"), "td-context-ns-thing-optional");
                    }
                }
                Value::Object(map) => self.own_context(map, &at),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    self.mistyped(&at, "an entry of `@context`", "a string or an object", entry, "td-context-ns-thing-optional");
                }
            }
        }
    }

    fn own_context(&mut self, map: &'v Object, at: &Pointer<'_>) {
        for (name, value) in map {
            let at = at.name(name);
            match (name.as_str(), value) {
                ("@language", Value::String(tag)) => {
                    if let Err(why) = language_tag::well_formed(tag) {
                        self.error("language-tag", &at, format!("`@language` is not a language tag: {why}"), "td-context-default-language");
                    }
                }
                ("@language", Value::Null) => {}
                ("@language", _) => self.mistyped(&at, "`@language`", "a language tag", value, "td-context-default-language"),
                ("@import", _) => self.open_vocabulary = true,
                (_, Value::String(iri)) => {
                    self.terms.insert(name);
                    if !name.starts_with('@') && !iri.contains(':') && !iri.starts_with('@') {
                        let clause = "td-context-ns-thing-map-of-namespaces";
                        self.error(
                            "any-uri",
                            &at,
                            format!("the prefix `{}` does not stand for an absolute URI", name.escape_debug()),
                            clause,
                        );
                    }
                }
                // A term's definition in full, as JSON-LD 1.1 section 9.15 has it.
                (_, Value::Object(_) | Value::Null | Value::Bool(_)) => {
                    self.terms.insert(name);
                }
                (_, Value::Number(_) | Value::Array(_)) => {
                    let clause = "td-context-ns-thing-map-of-namespaces";
                    self.mistyped(&at, &format!("`{}`", name.escape_debug()), "a URI or a term's definition", value, clause);
                }
            }
        }
    }

    /// `@type`, of any class that has it.
    fn types(&mut self, map: &'v Object, at: &Pointer<'_>) {
        let Some(value) = map.get("@type") else { return };
        let at = at.name("@type");
        for (_, name) in self.text_or_texts(value, &at, "`@type`", "td-vocab-at-type--Thing") {
            if name.is_empty() {
                self.error("type-empty", &at, "an empty type in `@type`", "td-vocab-at-type--Thing");
            }
        }
    }

    /// `title`, `titles`, `description`, `descriptions`.
    fn human_readable(&mut self, map: &'v Object, at: &Pointer<'_>) {
        for name in ["title", "description"] {
            self.text(map, name, at, "td-string-type");
        }
        for name in ["titles", "descriptions"] {
            let Some(languages) = self.object(map, name, at, "td-multi-languages") else { continue };
            let at = at.name(name);
            for (tag, value) in languages {
                let at = at.name(tag);
                if let Err(why) = language_tag::well_formed(tag) {
                    let message = format!("`{}` is not a language tag: {why}", tag.escape_debug());
                    self.error("language-tag", &at, message, "td-multilanguage-language-tag");
                } else if !language_tag::is_known(tag) {
                    self.warning("language-unknown", &at, "no language is registered under this tag", "td-multilanguage-language-tag");
                }
                if !value.is_string() {
                    self.mistyped(&at, "a text in a language", "a string", value, "td-multilanguage-value");
                }
            }
            let tags: BTreeSet<&str> = languages.keys().map(String::as_str).collect();
            match &self.languages {
                None => self.languages = Some(tags),
                Some(first) if *first != tags && !self.languages_differ => {
                    self.languages_differ = true;
                    let message = "the languages here are not those of the other texts of this document";
                    self.warning("languages-differ", &at, message, "td-multi-languages-consistent");
                }
                Some(_) => {}
            }
        }
    }

    /// Warns of words that no vocabulary of the document defines: most are slips of the pen.
    fn known_terms(&mut self, map: &'v Object, known: &[&[&str]], at: &Pointer<'_>, class: &str) {
        for name in map.keys() {
            if name.starts_with(['@', '$']) || known.iter().any(|list| list.contains(&name.as_str())) || self.terms.contains(name.as_str())
            {
                continue;
            }
            if let Some((prefix, _)) = name.split_once(':') {
                self.known_prefix(prefix, &at.name(name));
            } else if !self.open_vocabulary {
                let message =
                    format!("`{}` is not a word of the vocabulary for {class}, nor of the document's own context", name.escape_debug());
                self.warning("unknown-term", &at.name(name), message, "section 5.3");
            }
        }
    }

    fn known_prefix(&mut self, prefix: &str, at: &Pointer<'_>) {
        if self.open_vocabulary
            || self.terms.contains(prefix)
            || vocabulary::PREFIXES.contains(&prefix)
            || !self.reported_prefixes.insert(prefix.to_owned())
        {
            return;
        }
        let message = format!("the prefix `{}` is defined nowhere in the document", prefix.escape_debug());
        self.warning("prefix-undefined", at, message, "td-default-context-expansion");
    }

    fn profile(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        let Some(value) = thing.get("profile") else { return };
        let at = root.name("profile");
        let clause = "td-vocab-profile--Thing";
        for (_, text) in self.text_or_texts(value, &at, "`profile`", clause) {
            if !self.is_placeholder(value)
                && let Err(why) = uri::absolute(text, Charset::Iri)
            {
                self.error("any-uri", &at, format!("`profile` is not a URI: {why}"), clause);
            }
        }
        if value.as_array().is_some_and(Vec::is_empty) {
            self.error("profile-empty", &at, "`profile` is an empty array", clause);
        }
    }

    fn moments(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        let mut read = |name: &str| {
            let text = self.text(thing, name, root, "td-datetime-type")?;
            if self.model && thing_model::has_placeholder(text) {
                return None;
            }
            match date_time::date_time(text) {
                Ok(moment) => Some(moment.unix_seconds()),
                Err(why) => {
                    self.findings.push(
                        Finding::error("date-time", format!("`{name}` is not a date and time with offset: {why}"))
                            .at(root.name(name).to_string())
                            .expected("a date-time of RFC 3339")
                            .observed(text)
                            .clause("W3C WoT TD 1.1, td-datetime-type"),
                    );
                    None
                }
            }
        };
        if let (Some(created), Some(modified)) = (read("created"), read("modified"))
            && modified < created
        {
            self.warning(
                "modified-before-created",
                &root.name("modified"),
                "it was modified before it was created",
                "td-vocab-modified--Thing",
            );
        }
    }

    fn version(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        let Some(version) = self.object(thing, "version", root, "td-objects_version") else { return };
        let at = root.name("version");
        self.text(version, "instance", &at, "td-vocab-instance--VersionInfo");
        self.text(version, "model", &at, "td-vocab-model--VersionInfo");
        self.known_terms(version, &[VERSION], &at, "VersionInfo");
        match (self.model, version.contains_key("instance")) {
            (false, false) => self.missing("instance", "the version", &at, "td-vocab-instance--VersionInfo"),
            (true, true) => {
                self.error(
                    "tm-version-instance",
                    &at.name("instance"),
                    "a Thing Model has no `instance` in its version",
                    "tm-versioning-2",
                );
            }
            _ => {}
        }
    }

    fn affordances(&mut self, thing: &'v Object, name: &str, kind: Kind) {
        let Some(map) = self.object(thing, name, &Pointer::ROOT, "td-objects") else { return };
        let at = Pointer::ROOT.name(name);
        for (name, value) in map {
            let at = at.name(name);
            match value {
                Value::Object(affordance) => self.affordance(affordance, &at, kind),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    self.mistyped(&at, "an interaction", "an object", value, "td-class-type")
                }
            }
        }
    }

    fn affordance(&mut self, affordance: &'v Object, at: &Pointer<'_>, kind: Kind) {
        self.types(affordance, at);
        self.human_readable(affordance, at);
        let own = self.uri_variables(affordance, at);
        let known: &[&[&str]] = match kind {
            Kind::Property => &[AFFORDANCE, PROPERTY, DATA_SCHEMA],
            Kind::Action => &[AFFORDANCE, ACTION],
            Kind::Event => &[AFFORDANCE, EVENT],
            Kind::Thing => &[],
        };
        self.known_terms(affordance, known, at, kind.class());
        match kind {
            Kind::Property => {
                self.scalar(affordance, "observable", Want::Boolean, at, "td-vocab-observable--PropertyAffordance");
                self.schema_members(affordance, at, true);
            }
            Kind::Action => {
                for name in ["safe", "idempotent", "synchronous"] {
                    self.scalar(affordance, name, Want::Boolean, at, "td-boolean-type");
                }
                for name in ["input", "output"] {
                    if let Some(schema) = affordance.get(name) {
                        self.data_schema(schema, &at.name(name));
                    }
                }
            }
            Kind::Event => {
                for name in ["subscription", "data", "dataResponse", "cancellation"] {
                    if let Some(schema) = affordance.get(name) {
                        self.data_schema(schema, &at.name(name));
                    }
                }
            }
            Kind::Thing => {}
        }
        let clause = "td-vocab-forms--InteractionAffordance";
        match affordance.get("forms") {
            None if !self.model => self.missing("forms", "an interaction", at, clause),
            None => {}
            Some(_) => {
                let Some(forms) = self.array(affordance, "forms", at, clause) else { return };
                let at = at.name("forms");
                if forms.is_empty() {
                    self.error("forms-empty", &at, "`forms` is an empty array", clause);
                }
                for (i, form) in forms.iter().enumerate() {
                    self.form(form, &at.index(i), kind, affordance, &own);
                }
            }
        }
    }

    /// `uriVariables`: data schemas that fit into an address. Gives their names.
    fn uri_variables(&mut self, parent: &'v Object, at: &Pointer<'_>) -> BTreeSet<&'v str> {
        let Some(variables) = self.object(parent, "uriVariables", at, "td-objects_uriVariables") else { return BTreeSet::new() };
        let at = at.name("uriVariables");
        for (name, schema) in variables {
            let at = at.name(name);
            self.data_schema(schema, &at);
            if let Some(kind @ ("object" | "array")) = schema.get("type").and_then(Value::as_str) {
                let message = format!("a URI variable of type {kind} cannot be written into an address");
                self.error("uri-variable-type", &at.name("type"), message, "td-vocab-uriVariables--InteractionAffordance");
            }
            if let Some(scheme) = self.security_variables.get(name.as_str()) {
                let message = format!("the security scheme `{}` uses this name as well", scheme.escape_debug());
                self.error("uri-variable-distinct", &at, message, "td-security-uri-variables-distinct");
            }
        }
        variables.keys().map(String::as_str).collect()
    }

    fn links(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        let Some(links) = self.array(thing, "links", root, "td-arrays_links") else { return };
        let at = root.name("links");
        let mut types = 0;
        for (i, link) in links.iter().enumerate() {
            let at = at.index(i);
            let Value::Object(link) = link else {
                self.mistyped(&at, "a link", "an object", link, "td-links");
                continue;
            };
            self.known_terms(link, &[LINK], &at, "Link");
            if link.contains_key("href") {
                self.address(link, "href", false, &at, "td-vocab-href--Link");
            } else if !self.model {
                self.missing("href", "a link", &at, "td-vocab-href--Link");
            }
            self.address(link, "anchor", false, &at, "td-vocab-anchor--Link");
            if let Some(text) = self.text(link, "type", &at, "td-vocab-type--Link") {
                self.media_type(text, &at.name("type"), "td-vocab-type--Link");
            }
            if let Some(value) = link.get("hreflang") {
                let at = at.name("hreflang");
                for (_, tag) in self.text_or_texts(value, &at, "`hreflang`", "td-vocab-hreflang--Link") {
                    if let Err(why) = language_tag::well_formed(tag) {
                        self.error("language-tag", &at, format!("`hreflang` is not a language tag: {why}"), "td-vocab-hreflang--Link");
                    }
                }
            }
            let rel = self.text(link, "rel", &at, "td-vocab-rel--Link");
            if rel == Some("type") {
                types += 1;
                if types > 1 {
                    self.error("link-rel-type", &at.name("rel"), "a second link with the relation `type`", "tm-rel-type-maximum");
                }
            }
            if rel == Some("tm:extends") && !self.model {
                let clause = "tm-td-generation-processor-extends";
                self.error("tm-extends-in-td", &at.name("rel"), "a Thing Description does not extend a Thing Model", clause);
            }
            if let Some(sizes) = self.text(link, "sizes", &at, "td-vocab-sizes--Link") {
                let at = at.name("sizes");
                if rel != Some("icon") {
                    self.error("link-sizes", &at, "`sizes` belongs to links with the relation `icon` only", "td-vocab-sizes--Link");
                } else if !is_placeholder_or(self.model, sizes, are_sizes) {
                    self.error("link-sizes", &at, "`sizes` is not written as height x width, such as 16x16", "td-vocab-sizes--Link");
                }
            }
        }
    }

    /// A media type by RFC 6838, section 4.2, with parameters.
    fn media_type(&mut self, text: &str, at: &Pointer<'_>, clause: &str) {
        if is_placeholder_or(self.model, text, super::is_media_type) {
            return;
        }
        self.findings.push(
            Finding::error("media-type", "it is not a media type")
                .at(at.to_string())
                .expected("type/subtype, with parameters or without")
                .observed(text)
                .clause(format!("W3C WoT TD 1.1, {clause}")),
        );
    }
}

/// Whether the text is sound, or holds a Thing Model's placeholder.
fn is_placeholder_or(model: bool, text: &str, sound: impl Fn(&str) -> bool) -> bool {
    (model && thing_model::has_placeholder(text)) || sound(text)
}

fn are_sizes(text: &str) -> bool {
    let number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    !text.trim().is_empty()
        && text
            .split_ascii_whitespace()
            .all(|size| size.split_once(['x', 'X']).is_some_and(|(height, width)| number(height) && number(width)))
}

/// Where a form stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thing,
    Property,
    Action,
    Event,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Thing => "Thing",
            Self::Property => "PropertyAffordance",
            Self::Action => "ActionAffordance",
            Self::Event => "EventAffordance",
        }
    }
}

/// Shows what stands there, for a message.
fn quoted(value: &Value) -> String {
    format!("`{}`", crate::verdict::Untrusted::new(&shown(value)))
}

#[cfg(test)]
mod tests;
