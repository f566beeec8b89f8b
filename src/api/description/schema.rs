//! Schema Objects of every edition as JSON Schema 2020-12, rewritten once.
//!
//! The rewritten schemas stand at the same JSON Pointers as the originals, so that every `$ref` stays
//! as it is and every error leads back to the text. Everything that is not a schema, and every
//! annotation, is left out of the copy: it is small beside the original.
//!
//! What cannot be carried over is dropped and told, never guessed: keywords whose value has the wrong
//! type, patterns that need look-around (our engine is linear on purpose), references that lead
//! nowhere, schemas that refer to themselves without ever reaching a part of the instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Keyword, PatternOptions, Registry, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::reference::{Documents, fragment, percent_decoded};
use super::{Edition, ReferenceError, Spot};

/// Applicators that look at the same instance: what they cost multiplies.
const IN_PLACE: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value maps names to schemas.
pub(crate) const SCHEMA_MAPS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Keywords whose value is one schema.
pub(crate) const SCHEMA_ONE: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
pub(crate) const SCHEMA_LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// The most subschemas that one instance value may be held against; more is an attack or a mistake.
const MAX_IN_PLACE: u32 = 4096;
/// The largest compiled regular expression, in bytes.
const MAX_PATTERN: usize = 1 << 20;
/// Compiled validators that are kept.
const MAX_KEPT: usize = 256;

/// Names that readers and writers see differently.
const REQUIRED_IN_RESPONSE: &str = "x-probity-required-in-response";
const REQUIRED_IN_REQUEST: &str = "x-probity-required-in-request";
/// Properties that an answer leaves out.
pub(crate) const WRITE_ONLY: &str = "x-probity-absent-in-response";
/// Properties that a request leaves out.
pub(crate) const READ_ONLY: &str = "x-probity-read-only";

/// Who sends the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The client: `readOnly` properties are not required.
    Request,
    /// The service: `writeOnly` properties must be absent.
    Response,
}

/// One way in which an instance breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// JSON Pointer into the instance.
    pub instance: String,
    /// The keyword that is broken.
    pub keyword: String,
    /// Where the keyword is written.
    pub schema: Option<Spot>,
    /// What is wrong, without the instance's value.
    pub message: String,
}

/// Something that had to be left out of the rewritten schemas.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dropped {
    pub(super) spot: Spot,
    pub(super) what: DroppedWhat,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DroppedWhat {
    Pattern(String),
    Reference(String),
    NotSupplied(String),
    Endless,
    TooWide,
}

/// The rewritten schemas of a description.
pub(super) struct Schemas {
    documents: Vec<Arc<Value>>,
    registry: Option<Registry<'static>>,
    kept: Mutex<BTreeMap<(Spot, Direction), Arc<Validator>>>,
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schemas({} documents)", self.documents.len())
    }
}

/// A schema that no document has as one: the fields of a form (Swagger 2.0).
pub(super) struct Form {
    pub(super) fields: Vec<(String, bool, Spot)>,
}

impl Schemas {
    /// Rewrites the schemas at these places and everything they refer to.
    pub(super) fn new(edition: Edition, documents: &Documents, roots: &[Spot], forms: &[Form]) -> (Self, Vec<Dropped>) {
        let mut rewriter = Rewriter {
            edition,
            documents,
            copies: vec![json!({ SPINE: true }); documents.count() + 1],
            seen: BTreeSet::new(),
            pending: Vec::new(),
            patterns: BTreeMap::new(),
            dropped: Vec::new(),
        };
        rewriter.run(roots);
        rewriter.forms(forms);
        rewriter.cut_endless(roots);
        let Rewriter { copies, dropped, .. } = rewriter;
        let documents: Vec<Arc<Value>> = copies.into_iter().map(Arc::new).collect();
        let registry = registry(&documents);
        (Self { documents, registry, kept: Mutex::new(BTreeMap::new()) }, dropped)
    }

    /// The rewritten schema at a place.
    pub(super) fn get(&self, spot: &Spot) -> Option<&Value> {
        self.documents.get(spot.document)?.pointer(&spot.pointer)
    }

    /// The place of a form's schema.
    pub(super) fn form(documents: &Documents, index: usize) -> Spot {
        Spot { document: documents.count(), pointer: format!("/{index}") }
    }

    /// The place that a `$ref` in a rewritten schema means.
    pub(super) fn target(&self, document: usize, reference: &str) -> Option<Spot> {
        let (address, fragment) = reference.split_once('#')?;
        let document = if address.is_empty() { document } else { address.strip_prefix(URN)?.parse().ok()? };
        Some(Spot { document, pointer: percent_decoded(fragment) })
    }

    pub(super) fn validator(&self, spot: &Spot, direction: Direction) -> Result<Arc<Validator>, String> {
        let key = (spot.clone(), direction);
        let lock = || self.kept.lock().map_err(|_| "an earlier validation ended badly".to_owned());
        if let Some(found) = lock()?.get(&key) {
            return Ok(Arc::clone(found));
        }
        let validator = Arc::new(self.compile(spot, direction)?);
        let mut kept = lock()?;
        if kept.len() >= MAX_KEPT {
            kept.pop_first();
        }
        kept.insert(key, Arc::clone(&validator));
        Ok(validator)
    }

    /// Compiles without keeping: for judges that pass over a whole description once.
    pub(super) fn compile(&self, spot: &Spot, direction: Direction) -> Result<Validator, String> {
        let registry = self.registry.as_ref().ok_or("the schemas of this description could not be prepared")?;
        let mut options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(registry)
            .with_base_uri(format!("{URN}question"))
            .should_validate_formats(true)
            .with_pattern_options(pattern_options());
        match direction {
            Direction::Request => options = options.with_keyword(REQUIRED_IN_REQUEST, |_, names, _| Ok(Box::new(Required(texts(names))))),
            Direction::Response => {
                options = options
                    .with_keyword(REQUIRED_IN_RESPONSE, |_, names, _| Ok(Box::new(Required(texts(names)))))
                    .with_keyword(WRITE_ONLY, |_, names, _| Ok(Box::new(Absent(texts(names)))));
            }
        }
        options.build(&json!({ "$ref": address(spot) })).map_err(|error| error.to_string())
    }
}

const URN: &str = "urn:probity:";

fn address(spot: &Spot) -> String {
    format!("{URN}{}#{}", spot.document, fragment(&spot.pointer))
}

fn registry(documents: &[Arc<Value>]) -> Option<Registry<'static>> {
    let mut builder = Registry::new().draft(Draft::Draft202012);
    for (index, document) in documents.iter().enumerate() {
        builder = builder.add(format!("{URN}{index}"), Arc::clone(document)).ok()?;
    }
    builder.prepare().ok()
}

fn pattern_options() -> PatternOptions<jsonschema::Regex> {
    PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The violations of one instance, without the instance's values.
pub(super) fn violations(validator: &Validator, instance: &Value) -> Vec<Violation> {
    /// More than these say nothing new about one instance.
    const MAX_SHOWN: usize = 50;
    let mut found: Vec<Violation> = validator
        .iter_errors(instance)
        .take(MAX_SHOWN)
        .map(|error| {
            let schema = error.absolute_keyword_location().and_then(|uri| {
                let text = uri.as_str();
                let (address, fragment) = text.split_once('#')?;
                let document = address.strip_prefix(URN)?.parse().ok()?;
                Some(Spot { document, pointer: percent_decoded(fragment) })
            });
            Violation {
                instance: error.instance_path().as_str().to_owned(),
                keyword: error.kind().keyword().to_owned(),
                schema,
                message: error.masked().to_string(),
            }
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

struct Required(Vec<String>);

impl<'i> Keyword<'i> for Required {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match instance.as_object().and_then(|object| self.0.iter().find(|name| !object.contains_key(*name))) {
            Some(name) => Err(ValidationError::custom(format!("\"{name}\" is a required property"))),
            None => Ok(()),
        }
    }
    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_object().is_none_or(|object| self.0.iter().all(|name| object.contains_key(name)))
    }
}

struct Absent(Vec<String>);

impl<'i> Keyword<'i> for Absent {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match instance.as_object().and_then(|object| self.0.iter().find(|name| object.contains_key(*name))) {
            Some(name) => Err(ValidationError::custom(format!("\"{name}\" is writeOnly and must not be sent"))),
            None => Ok(()),
        }
    }
    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_object().is_none_or(|object| !self.0.iter().any(|name| object.contains_key(name)))
    }
}

struct Rewriter<'a> {
    edition: Edition,
    documents: &'a Documents,
    copies: Vec<Value>,
    seen: BTreeSet<Spot>,
    pending: Vec<Spot>,
    patterns: BTreeMap<String, bool>,
    dropped: Vec<Dropped>,
}

impl Rewriter<'_> {
    fn run(&mut self, roots: &[Spot]) {
        self.pending = roots.iter().rev().cloned().collect();
        while let Some(spot) = self.pending.pop() {
            if !self.seen.insert(spot.clone()) {
                continue;
            }
            let documents = self.documents;
            let Some(original) = documents.value(&spot) else { continue };
            if self.copies.get(spot.document).is_some_and(|copy| copy.pointer(&spot.pointer).is_some_and(|v| !is_spine(v))) {
                continue;
            }
            let mut at = spot.clone();
            let schema = self.schema(original, &mut at, &BTreeSet::new());
            if let Some(copy) = self.copies.get_mut(spot.document) {
                insert(copy, &spot.pointer, schema);
            }
        }
    }

    fn forms(&mut self, forms: &[Form]) {
        let mut schemas = Map::new();
        for (index, form) in forms.iter().enumerate() {
            let properties: Map<String, Value> =
                form.fields.iter().map(|(name, _, spot)| (name.clone(), json!({ "$ref": address(spot) }))).collect();
            let required: Vec<&String> = form.fields.iter().filter(|(_, required, _)| *required).map(|(name, _, _)| name).collect();
            schemas.insert(index.to_string(), json!({ "type": "object", "properties": properties, "required": required }));
        }
        if let Some(last) = self.copies.last_mut() {
            *last = Value::Object(schemas);
        }
    }

    /// One schema and its subschemas. `read_only` are names that a sibling branch of an `allOf` makes
    /// readOnly.
    fn schema(&mut self, original: &Value, at: &mut Spot, read_only: &BTreeSet<String>) -> Value {
        let object = match original {
            Value::Object(object) => object,
            Value::Bool(allowed) => return Value::Bool(*allowed),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => return Value::Bool(true),
        };
        if let Some(reference) = object.get("$ref") {
            let referred = self.reference(reference, at);
            if !self.edition.is_json_schema() {
                // Siblings of `$ref` are ignored before 3.1; `nullable` is read all the same, because
                // a service that means it would otherwise be blamed for what its document says badly.
                return if is_nullable(self.edition, object) { json!({ "anyOf": [{ "type": "null" }, referred] }) } else { referred };
            }
            let mut out = self.keywords(object, at, read_only);
            if let Value::Object(referred) = referred {
                out.extend(referred);
            }
            return Value::Object(out);
        }
        let mut out = self.keywords(object, at, read_only);
        if is_nullable(self.edition, object) {
            match out.get_mut("type") {
                Some(Value::Array(types)) if !types.contains(&json!("null")) => types.push(json!("null")),
                Some(Value::Array(_)) => {}
                Some(one) => *one = json!([one.take(), "null"]),
                None => {
                    if IN_PLACE.iter().any(|key| out.contains_key(*key)) {
                        return json!({ "anyOf": [{ "type": "null" }, out] });
                    }
                }
            }
            if let Some(Value::Array(values)) = out.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
        }
        Value::Object(out)
    }

    fn reference(&mut self, reference: &Value, at: &Spot) -> Value {
        let Some(text) = reference.as_str() else { return json!({}) };
        let dropped = |what| Dropped { spot: at.clone(), what };
        match self.documents.target(at.document, text) {
            Ok(target) if self.documents.value(&target).is_some() => {
                let reference = if target.document == at.document { format!("#{}", fragment(&target.pointer)) } else { address(&target) };
                self.pending.push(target);
                json!({ "$ref": reference })
            }
            Err(ReferenceError::NotSupplied(address)) => {
                self.dropped.push(dropped(DroppedWhat::NotSupplied(address)));
                json!({})
            }
            Ok(_) | Err(_) => {
                self.dropped.push(dropped(DroppedWhat::Reference(text.to_owned())));
                json!({})
            }
        }
    }

    fn keywords(&mut self, object: &Map<String, Value>, at: &mut Spot, read_only: &BTreeSet<String>) -> Map<String, Value> {
        let mut out = Map::new();
        let (own_read_only, write_only) = self.directions(object, at);
        let mut all_read_only = read_only.clone();
        all_read_only.extend(own_read_only.iter().cloned());
        for branch in object.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            if let Some(branch) = self.plain(branch, at) {
                all_read_only.extend(self.directions(branch, at).0);
            }
        }
        for (key, value) in object {
            let length = at.pointer.len();
            crate::document::push_token(&mut at.pointer, key);
            match key.as_str() {
                "type" => {
                    if let Some(types) = types(value) {
                        out.insert(key.clone(), types);
                    }
                }
                "enum" if value.as_array().is_some_and(|v| !v.is_empty()) => {
                    out.insert(key.clone(), value.clone());
                }
                "const" => {
                    out.insert(key.clone(), value.clone());
                }
                "multipleOf" if value.as_f64().is_some_and(|n| n > 0.0) => {
                    out.insert(key.clone(), value.clone());
                }
                "minimum" | "maximum" if value.is_number() => {
                    let exclusive = if key == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
                    if object.get(exclusive) == Some(&Value::Bool(true)) {
                        out.insert(exclusive.to_owned(), value.clone());
                    } else {
                        out.insert(key.clone(), value.clone());
                    }
                }
                "exclusiveMinimum" | "exclusiveMaximum" if value.is_number() => {
                    out.insert(key.clone(), value.clone());
                }
                "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" | "minContains" | "maxContains" => {
                    if let Some(count) = count(value) {
                        out.insert(key.clone(), count);
                    }
                }
                "uniqueItems" if value.is_boolean() => {
                    out.insert(key.clone(), value.clone());
                }
                "format" if value.is_string() => {
                    out.insert(key.clone(), value.clone());
                }
                "pattern" => {
                    if let Some(pattern) = value.as_str() {
                        if self.can_check(pattern) {
                            out.insert(key.clone(), value.clone());
                        } else {
                            self.dropped.push(Dropped { spot: at.clone(), what: DroppedWhat::Pattern(pattern.to_owned()) });
                        }
                    }
                }
                "required" => self.required(value, &all_read_only, &write_only, &mut out),
                "dependentRequired" if value.as_object().is_some_and(|m| m.values().all(Value::is_array)) => {
                    out.insert(key.clone(), value.clone());
                }
                "items" if value.is_array() => {
                    // The form of drafts before 2020-12.
                    let items = self.list(value, at, &BTreeSet::new());
                    out.insert("prefixItems".into(), items);
                }
                "patternProperties" => {
                    let map = self.map(value, at);
                    let map: Map<String, Value> = map.into_iter().filter(|(pattern, _)| self.can_check(pattern)).collect();
                    out.insert(key.clone(), Value::Object(map));
                }
                _ if SCHEMA_MAPS.contains(&key.as_str()) => {
                    let map = self.map(value, at);
                    out.insert(key.clone(), Value::Object(map));
                }
                _ if SCHEMA_LISTS.contains(&key.as_str()) => {
                    let names = if key == "allOf" { all_read_only.clone() } else { BTreeSet::new() };
                    let list = self.list(value, at, &names);
                    if list.as_array().is_some_and(|l| !l.is_empty()) {
                        out.insert(key.clone(), list);
                    }
                }
                _ if SCHEMA_ONE.contains(&key.as_str()) && (value.is_object() || value.is_boolean()) => {
                    let schema = self.schema(value, at, &BTreeSet::new());
                    out.insert(key.clone(), schema);
                }
                _ => {}
            }
            at.pointer.truncate(length);
        }
        if !own_read_only.is_empty() {
            out.insert(READ_ONLY.into(), json!(own_read_only));
        }
        if !write_only.is_empty() {
            out.insert(WRITE_ONLY.into(), json!(write_only));
        }
        out
    }

    /// Splits `required` by direction (OpenAPI 3, "Schema Object": readOnly and writeOnly).
    fn required(&self, value: &Value, read_only: &BTreeSet<String>, write_only: &BTreeSet<String>, out: &mut Map<String, Value>) {
        let mut always: BTreeSet<String> = texts(value).into_iter().collect();
        let mut take = |names: &BTreeSet<String>| -> BTreeSet<String> {
            let taken: BTreeSet<String> = always.intersection(names).cloned().collect();
            always.retain(|name| !taken.contains(name));
            taken
        };
        let in_response = take(read_only);
        let in_request = take(write_only);
        for (key, names) in [(REQUIRED_IN_RESPONSE, in_response), (REQUIRED_IN_REQUEST, in_request), ("required", always)] {
            if !names.is_empty() {
                out.insert(key.into(), json!(names));
            }
        }
    }

    /// Names of properties that are readOnly, and that are writeOnly.
    fn directions(&self, object: &Map<String, Value>, at: &Spot) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut found = (BTreeSet::new(), BTreeSet::new());
        for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let marked = |key: &str| {
                let yes = |v: &Value| v.get(key) == Some(&Value::Bool(true));
                yes(property)
                    || property
                        .get("$ref")
                        .and_then(Value::as_str)
                        .is_some_and(|r| self.documents.resolve(at.document, r).is_ok_and(|(_, target)| yes(target)))
                    || property.get("allOf").and_then(Value::as_array).into_iter().flatten().any(yes)
            };
            if marked("readOnly") {
                found.0.insert(name.clone());
            } else if marked("writeOnly") {
                found.1.insert(name.clone());
            }
        }
        found
    }

    /// An object behind at most a chain of references.
    fn plain<'v>(&'v self, value: &'v Value, at: &Spot) -> Option<&'v Map<String, Value>> {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.documents.resolve(at.document, reference).ok().and_then(|(_, v)| v.as_object()),
            None => value.as_object(),
        }
    }

    fn map(&mut self, value: &Value, at: &mut Spot) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, schema) in value.as_object().into_iter().flatten() {
            let length = at.pointer.len();
            crate::document::push_token(&mut at.pointer, name);
            out.insert(name.clone(), self.schema(schema, at, &BTreeSet::new()));
            at.pointer.truncate(length);
        }
        out
    }

    fn list(&mut self, value: &Value, at: &mut Spot, read_only: &BTreeSet<String>) -> Value {
        let mut out = Vec::new();
        for (index, schema) in value.as_array().into_iter().flatten().enumerate() {
            let length = at.pointer.len();
            crate::document::push_token(&mut at.pointer, &index.to_string());
            out.push(self.schema(schema, at, read_only));
            at.pointer.truncate(length);
        }
        Value::Array(out)
    }

    fn can_check(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.patterns.get(pattern) {
            return *known;
        }
        let ok = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(pattern_options())
            .build(&json!({ "pattern": pattern }))
            .is_ok();
        self.patterns.insert(pattern.to_owned(), ok);
        ok
    }

    /// Cuts references that lead back without consuming a part of the instance, and schemas that
    /// would be held against one value too many times.
    fn cut_endless(&mut self, roots: &[Spot]) {
        let mut walk = InPlace { copies: &self.copies, costs: BTreeMap::new(), open: BTreeSet::new(), cut: Vec::new() };
        let mut pending: Vec<Spot> = roots.to_vec();
        pending.extend(self.seen.iter().cloned());
        for spot in pending {
            walk.target(&spot, 0);
        }
        // Schemas below a root are reached from it by keywords that consume; each is a start of its own.
        for document in 0..self.copies.len() {
            if let Some(copy) = self.copies.get(document) {
                walk.everywhere(copy, &mut Spot { document, pointer: String::new() });
            }
        }
        let cut = walk.cut;
        for (spot, what) in cut {
            if let Some(schema) = self.copies.get_mut(spot.document).and_then(|copy| copy.pointer_mut(&spot.pointer)) {
                *schema = json!({});
            }
            self.dropped.push(Dropped { spot, what });
        }
        self.dropped.sort();
        self.dropped.dedup();
    }
}

/// What a schema costs on one instance value, over `$ref` and the applicators that stay in place.
struct InPlace<'a> {
    copies: &'a [Value],
    costs: BTreeMap<Spot, u32>,
    open: BTreeSet<Spot>,
    cut: Vec<(Spot, DroppedWhat)>,
}

impl InPlace<'_> {
    fn target(&mut self, spot: &Spot, depth: usize) -> Option<u32> {
        /// References in a row that stay on one instance value.
        const MAX_CHAIN: usize = 64;
        if let Some(cost) = self.costs.get(spot) {
            return Some(*cost);
        }
        if depth > MAX_CHAIN || self.open.contains(spot) {
            return None;
        }
        let copies = self.copies;
        let schema = copies.get(spot.document)?.pointer(&spot.pointer)?;
        self.open.insert(spot.clone());
        let cost = self.cost(schema, &mut spot.clone(), depth);
        self.open.remove(spot);
        self.costs.insert(spot.clone(), cost);
        Some(cost)
    }

    fn cost(&mut self, schema: &Value, at: &mut Spot, depth: usize) -> u32 {
        let mut cost = 1u32;
        let Some(object) = schema.as_object() else { return cost };
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let target = reference.split_once('#').and_then(|(address, fragment)| {
                let document = if address.is_empty() { at.document } else { address.strip_prefix(URN)?.parse().ok()? };
                Some(Spot { document, pointer: percent_decoded(fragment) })
            });
            if let Some(target) = target {
                match self.target(&target, depth + 1) {
                    Some(more) => cost = cost.saturating_add(more),
                    None => self.cut.push((at.clone(), DroppedWhat::Endless)),
                }
            }
        }
        for key in ["not", "if", "then", "else"] {
            if let Some(sub) = object.get(key) {
                let length = at.pointer.len();
                crate::document::push_token(&mut at.pointer, key);
                cost = cost.saturating_add(self.cost(sub, at, depth));
                at.pointer.truncate(length);
            }
        }
        for key in IN_PLACE {
            for (index, sub) in object.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let length = at.pointer.len();
                at.pointer.push_str(&format!("/{key}/{index}"));
                cost = cost.saturating_add(self.cost(sub, at, depth));
                at.pointer.truncate(length);
            }
        }
        for (name, sub) in object.get("dependentSchemas").and_then(Value::as_object).into_iter().flatten() {
            let length = at.pointer.len();
            at.pointer.push_str("/dependentSchemas");
            crate::document::push_token(&mut at.pointer, name);
            cost = cost.saturating_add(self.cost(sub, at, depth));
            at.pointer.truncate(length);
        }
        if cost > MAX_IN_PLACE {
            self.cut.push((at.clone(), DroppedWhat::TooWide));
            return 1;
        }
        cost
    }

    /// Starts at every schema that holds a reference or an in-place applicator.
    fn everywhere(&mut self, value: &Value, at: &mut Spot) {
        match value {
            Value::Object(object) => {
                if IN_PLACE.iter().chain(&["$ref", "not", "if"]).any(|key| object.contains_key(*key)) && !self.costs.contains_key(at) {
                    self.cost(value, &mut at.clone(), 0);
                }
                for (key, sub) in object {
                    if sub.is_object() || sub.is_array() {
                        let length = at.pointer.len();
                        crate::document::push_token(&mut at.pointer, key);
                        self.everywhere(sub, at);
                        at.pointer.truncate(length);
                    }
                }
            }
            Value::Array(items) => {
                for (index, sub) in items.iter().enumerate() {
                    if sub.is_object() {
                        let length = at.pointer.len();
                        at.pointer.push_str(&format!("/{index}"));
                        self.everywhere(sub, at);
                        at.pointer.truncate(length);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn is_nullable(edition: Edition, object: &Map<String, Value>) -> bool {
    let yes = |key: &str| object.get(key) == Some(&Value::Bool(true));
    match edition {
        Edition::OpenApi30 => yes("nullable"),
        Edition::Swagger20 => yes("x-nullable"),
        Edition::OpenApi31 | Edition::OpenApi32 | Edition::AsyncApi2 | Edition::AsyncApi3 => false,
    }
}

/// `type` with the names that JSON Schema knows; `None` when nothing is left, as with `file`.
fn types(value: &Value) -> Option<Value> {
    const KNOWN: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    match value {
        Value::String(name) => KNOWN.contains(&name.as_str()).then(|| value.clone()),
        Value::Array(names) => {
            let mut known: Vec<Value> = Vec::new();
            for name in names {
                if name.as_str().is_some_and(|n| KNOWN.contains(&n)) && !known.contains(name) {
                    known.push(name.clone());
                }
            }
            (known.len() == names.len() && !known.is_empty()).then_some(Value::Array(known))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// A count as an integer: `5.0` is allowed by JSON Schema and by nothing else.
fn count(value: &Value) -> Option<Value> {
    if value.is_u64() {
        return Some(value.clone());
    }
    let number = value.as_f64()?;
    (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then(|| json!(number as u64))
}

/// An object that only leads to schemas further down.
fn is_spine(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.get(SPINE).is_some())
}

/// Marks objects that are on the way to a schema, so that they are not taken for one.
const SPINE: &str = "x-probity-spine";

/// Puts a schema at a pointer, making what is needed on the way.
fn insert(tree: &mut Value, pointer: &str, schema: Value) {
    let mut here = tree;
    for token in crate::document::tokens(pointer) {
        if let Value::Array(items) = here {
            match token.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => {
                    here = item;
                    continue;
                }
                None => return,
            }
        }
        let Value::Object(map) = here else { return };
        here = map.entry(token).or_insert_with(|| json!({ SPINE: true }));
    }
    // What was put further down before is part of the whole and stands in it again.
    *here = schema;
}
