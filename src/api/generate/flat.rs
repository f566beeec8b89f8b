//! What a schema asks of one instance, folded over its references and its `allOf`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::description::{Description, READ_ONLY, Spot, WRITE_ONLY};

/// How far references and compositions are followed.
const MAX_PARTS: usize = 200;

/// All types of JSON Schema.
const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "object", "array", "null"];

/// A bound with the place it is written at.
pub(crate) type Bound<T> = Option<(T, Spot)>;

/// What one instance must keep. Compositions that cannot be folded exactly (`not`, `if`) are left to
/// the validator, which has the last word on every value that is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flat {
    pub(crate) types: BTreeSet<&'static str>,
    pub(crate) type_at: Option<Spot>,
    pub(crate) values: Option<(Vec<Value>, Spot)>,
    pub(crate) minimum: Bound<f64>,
    pub(crate) maximum: Bound<f64>,
    pub(crate) exclusive_minimum: Bound<f64>,
    pub(crate) exclusive_maximum: Bound<f64>,
    pub(crate) multiple_of: Bound<f64>,
    pub(crate) min_length: Bound<u64>,
    pub(crate) max_length: Bound<u64>,
    pub(crate) patterns: Vec<(String, Spot)>,
    pub(crate) format: Option<(String, Spot)>,
    pub(crate) min_items: Bound<u64>,
    pub(crate) max_items: Bound<u64>,
    pub(crate) unique: Option<Spot>,
    pub(crate) items: Vec<Spot>,
    pub(crate) properties: BTreeMap<String, Vec<Spot>>,
    /// The order in which properties are written.
    pub(crate) order: Vec<String>,
    pub(crate) required: BTreeMap<String, Spot>,
    /// Unknown properties are refused.
    pub(crate) closed: Option<Spot>,
    /// The schema of unknown properties, where there is one.
    pub(crate) additional: Vec<Spot>,
    pub(crate) min_properties: u64,
    pub(crate) read_only: BTreeSet<String>,
    pub(crate) write_only: BTreeSet<String>,
    /// The schemas that were folded, the outermost first.
    pub(crate) parts: Vec<Spot>,
    /// Branches of the first `oneOf` or `anyOf` that was met, `null` left out.
    pub(crate) branches: usize,
}

impl Flat {
    /// Folds the schemas at these places, which all apply; `branch` picks one where there is a choice.
    pub(crate) fn of(description: &Description, spots: &[Spot], branch: usize) -> Self {
        let mut flat = Self { types: TYPES.into_iter().collect(), ..Self::default() };
        let mut seen = BTreeSet::new();
        let mut pending: Vec<Spot> = spots.iter().rev().cloned().collect();
        while let Some(spot) = pending.pop() {
            if seen.len() >= MAX_PARTS || !seen.insert(spot.clone()) {
                continue;
            }
            let Some(schema) = description.schema(&spot) else { continue };
            let mut next = flat.fold(description, &spot, schema, branch);
            next.reverse();
            pending.extend(next);
        }
        flat
    }

    /// Takes in one schema and gives the places of those that apply to the same instance.
    fn fold(&mut self, description: &Description, spot: &Spot, schema: &Value, branch: usize) -> Vec<Spot> {
        let mut next = Vec::new();
        let Some(object) = schema.as_object() else { return next };
        self.parts.push(spot.clone());
        if let Some(target) =
            object.get("$ref").and_then(Value::as_str).and_then(|reference| description.schema_target(spot.document, reference))
        {
            next.push(target);
        }
        let number = |key: &str| object.get(key).and_then(Value::as_f64).map(|n| (n, spot.child(key)));
        let count = |key: &str| object.get(key).and_then(Value::as_u64).map(|n| (n, spot.child(key)));
        if let Some(types) = object.get("type") {
            let named = |name: &str| match types {
                Value::String(one) => one == name,
                Value::Array(list) => list.iter().any(|t| t == name),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
            };
            self.types.retain(|name| named(name) || (*name == "integer" && named("number")));
            self.type_at = Some(spot.child("type"));
        }
        let values = match (object.get("const"), object.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => Some((vec![value.clone()], spot.child("const"))),
            (None, Some(values)) => Some((values.clone(), spot.child("enum"))),
            (None, None) => None,
        };
        if let Some((mut values, at)) = values {
            if let Some((earlier, _)) = &self.values {
                values.retain(|v| earlier.contains(v));
            }
            self.values = Some((values, at));
        }
        higher(&mut self.minimum, number("minimum"));
        higher(&mut self.exclusive_minimum, number("exclusiveMinimum"));
        lower(&mut self.maximum, number("maximum"));
        lower(&mut self.exclusive_maximum, number("exclusiveMaximum"));
        if let Some(step) = number("multipleOf") {
            self.multiple_of = Some(step);
        }
        higher(&mut self.min_length, count("minLength"));
        lower(&mut self.max_length, count("maxLength"));
        higher(&mut self.min_items, count("minItems"));
        lower(&mut self.max_items, count("maxItems"));
        if let Some(pattern) = object.get("pattern").and_then(Value::as_str) {
            self.patterns.push((pattern.to_owned(), spot.child("pattern")));
        }
        if let Some(format) = object.get("format").and_then(Value::as_str) {
            self.format = Some((format.to_owned(), spot.child("format")));
        }
        if object.get("uniqueItems") == Some(&Value::Bool(true)) {
            self.unique = Some(spot.child("uniqueItems"));
        }
        if object.contains_key("items") {
            self.items.push(spot.child("items"));
        }
        for name in object.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
            if !self.properties.contains_key(name) {
                self.order.push(name.clone());
            }
            self.properties.entry(name.clone()).or_default().push(spot.path(&["properties", name]));
        }
        for key in ["required", "x-probity-required-in-request", "x-probity-required-in-response"] {
            for name in object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                self.required.insert(name.to_owned(), spot.child("required"));
            }
        }
        match object.get("additionalProperties").or_else(|| object.get("unevaluatedProperties")) {
            Some(Value::Bool(false)) => self.closed = Some(spot.child("additionalProperties")),
            Some(Value::Object(_)) => self.additional.push(spot.child("additionalProperties")),
            Some(Value::Null | Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {}
        }
        if let Some(least) = object.get("minProperties").and_then(Value::as_u64) {
            self.min_properties = self.min_properties.max(least);
        }
        let names = |key: &str| -> Vec<String> {
            object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)).collect()
        };
        self.write_only.extend(names(WRITE_ONLY));
        self.read_only
            .extend(object.get(READ_ONLY).and_then(Value::as_array).into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)));
        let all = object.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
        next.extend((0..all).map(|index| spot.path(&["allOf", &index.to_string()])));
        for key in ["oneOf", "anyOf"] {
            let Some(list) = object.get(key).and_then(Value::as_array) else { continue };
            let real: Vec<usize> =
                list.iter().enumerate().filter(|(_, s)| s.get("type").and_then(Value::as_str) != Some("null")).map(|(i, _)| i).collect();
            if self.branches == 0 {
                self.branches = real.len();
            }
            if !real.is_empty()
                && let Some(index) = real.get(branch % real.len())
            {
                next.push(spot.path(&[key, &index.to_string()]));
            }
        }
        next
    }

    /// Whether a value of this type may be sent.
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    /// The type that values are made of: the only one, or the plainest of several.
    pub(crate) fn main_type(&self) -> &'static str {
        if self.types.len() == TYPES.len() {
            // Nothing is said about the type: what else is said tells it.
            if !self.properties.is_empty() || !self.required.is_empty() {
                return "object";
            }
            if !self.items.is_empty() {
                return "array";
            }
            if self.minimum.is_some() || self.maximum.is_some() {
                return "integer";
            }
            return "string";
        }
        ["object", "array", "string", "number", "integer", "boolean"].into_iter().find(|name| self.types.contains(name)).unwrap_or("null")
    }

    /// Whether only whole numbers fit.
    pub(crate) fn whole(&self) -> bool {
        self.types.contains("integer") && !self.types.contains("number")
    }
}

fn higher<T: PartialOrd>(slot: &mut Bound<T>, new: Bound<T>) {
    if let Some((value, at)) = new
        && slot.as_ref().is_none_or(|(old, _)| value > *old)
    {
        *slot = Some((value, at));
    }
}

fn lower<T: PartialOrd>(slot: &mut Bound<T>, new: Bound<T>) {
    if let Some((value, at)) = new
        && slot.as_ref().is_none_or(|(old, _)| value < *old)
    {
        *slot = Some((value, at));
    }
}
