//! Bodies that are wrong in one way each, proven wrong by the schema's validator.

use serde_json::{Map, Value, json};

use super::Flat;
use super::value::number;
use crate::api::description::{Description, Direction, Spot};

/// A value that breaks one rule of its schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mutation {
    /// The whole value.
    pub(crate) value: Value,
    /// JSON Pointer of what is wrong in it.
    pub(crate) at: String,
    /// The keyword that is broken.
    pub(crate) keyword: &'static str,
    /// Where the keyword is written.
    pub(crate) schema: Option<Spot>,
    /// What is wrong, in words.
    pub(crate) what: String,
    /// Whether accepting it is a fault for certain. Of most formats JSON Schema says that they are
    /// annotations, so that accepting is unwise at most.
    pub(crate) firm: bool,
}

/// Levels into which a value is followed.
const MAX_DEPTH: usize = 4;
/// The longest text and list that is sent to be refused.
const MAX_TEXT: u64 = 20_000;
const MAX_LIST: u64 = 200;
/// Branches of a choice that are looked through.
const MAX_BRANCHES: usize = 8;

/// Every way of being wrong in one thing, starting from a value that fits. In the order of the schema.
pub(crate) fn mutations(description: &Description, schema: &Spot, base: &Value) -> Vec<Mutation> {
    let Ok(validator) = description.validator(schema, Direction::Request) else { return Vec::new() };
    let mut walk = Walk { description, base, found: Vec::new() };
    walk.visit(std::slice::from_ref(schema), base, &mut String::new(), 0);
    let mut seen: Vec<Value> = Vec::new();
    walk.found
        .into_iter()
        .filter(|m| !validator.is_valid(&m.value))
        .filter(|m| {
            let new = !seen.contains(&m.value);
            if new {
                seen.push(m.value.clone());
            }
            new
        })
        .collect()
}

/// Whether a value has what a branch requires, with the constants and listed values that tell branches apart.
fn suits(description: &Description, flat: &Flat, value: &Value) -> bool {
    let Some(map) = value.as_object() else { return true };
    flat.required.keys().all(|name| map.contains_key(name))
        && flat.properties.iter().all(|(name, spots)| {
            let listed = Flat::of(description, spots, 0).values;
            map.get(name).is_none_or(|value| listed.is_none_or(|(values, _)| values.contains(value)))
        })
}

struct Walk<'a> {
    description: &'a Description,
    base: &'a Value,
    found: Vec<Mutation>,
}

impl Walk<'_> {
    fn tell(&mut self, at: &str, value: Value, keyword: &'static str, schema: Option<Spot>, what: String) {
        self.tell_as(at, value, keyword, schema, what, true);
    }

    fn tell_as(&mut self, at: &str, value: Value, keyword: &'static str, schema: Option<Spot>, what: String, firm: bool) {
        let mut whole = self.base.clone();
        if let Some(slot) = whole.pointer_mut(at) {
            *slot = value;
            self.found.push(Mutation { value: whole, at: at.to_owned(), keyword, schema, what, firm });
        }
    }

    fn visit(&mut self, spots: &[Spot], value: &Value, at: &mut String, depth: usize) {
        let mut flat = Flat::of(self.description, spots, 0);
        // Of several branches the one that the value was made for.
        for branch in 1..flat.branches.min(MAX_BRANCHES) {
            if suits(self.description, &flat, value) {
                break;
            }
            flat = Flat::of(self.description, spots, branch);
        }
        let name = if at.is_empty() { "the body".to_owned() } else { format!("`{}`", at.trim_start_matches('/')) };
        self.wrong_type(&flat, at, &name);
        if let Some((values, spot)) = &flat.values {
            let other = match values.first() {
                Some(Value::Number(_)) => json!(-987_654),
                Some(_) | None => json!("none-of-these"),
            };
            if values.first().is_none_or(|v| v.is_string() || v.is_number()) {
                self.tell(at, other, "enum", Some(spot.clone()), format!("{name} is none of the values that are listed"));
            }
        }
        match value {
            Value::String(text) if flat.values.is_none() => self.texts(&flat, text, at, &name),
            Value::Number(n) if flat.values.is_none() => self.numbers(&flat, n.as_f64().unwrap_or(0.0), at, &name),
            Value::Array(items) => {
                self.lists(&flat, items, at, &name);
                if let (Some(first), true) = (items.first(), depth < MAX_DEPTH && !flat.items.is_empty()) {
                    let length = at.len();
                    at.push_str("/0");
                    self.visit(&flat.items, first, at, depth + 1);
                    at.truncate(length);
                }
            }
            Value::Object(map) => self.objects(&flat, map, at, &name, depth),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => {}
        }
    }

    fn wrong_type(&mut self, flat: &Flat, at: &str, name: &str) {
        let candidates = [
            ("string", json!(true)),
            ("string", json!(17)),
            ("number", json!("seventeen")),
            ("boolean", json!("perhaps")),
            ("object", json!("text")),
            ("array", json!("text")),
        ];
        let kind = match flat.main_type() {
            "integer" => "number",
            other => other,
        };
        let Some((_, wrong)) = candidates.into_iter().find(|(of, value)| *of == kind && !flat.allows(super::value::type_of(value))) else {
            return;
        };
        if flat.type_at.is_some() {
            self.tell(at, wrong, "type", flat.type_at.clone(), format!("{name} is not of the type `{kind}`"));
        }
    }

    fn texts(&mut self, flat: &Flat, text: &str, at: &str, name: &str) {
        if let Some((least, spot)) = &flat.min_length
            && *least > 0
        {
            let short: String = text.chars().take(usize::try_from(*least - 1).unwrap_or(0)).collect();
            self.tell(at, json!(short), "minLength", Some(spot.clone()), format!("{name} is shorter than {least}"));
        }
        if let Some((most, spot)) = &flat.max_length
            && *most < MAX_TEXT
        {
            let length = usize::try_from(*most + 1).unwrap_or(usize::MAX);
            let pattern = flat.patterns.first().and_then(|(p, _)| super::pattern::matching(p, length, 0));
            let source = if text.is_empty() { "x" } else { text };
            let long = pattern
                .filter(|t| t.chars().count() == length)
                .unwrap_or_else(|| source.chars().filter(|c| *c != ' ').cycle().take(length).collect());
            self.tell(at, json!(long), "maxLength", Some(spot.clone()), format!("{name} is longer than {most}"));
        }
        if let Some((pattern, spot)) = flat.patterns.first() {
            let length = text.chars().count().max(1);
            let misses = |t: &String| regex::Regex::new(pattern).is_ok_and(|p| !p.is_match(t));
            let candidates = ["!", "~", "a", "A", "0", " ", "\u{e9}"].map(|c| c.repeat(length));
            if let Some(wrong) = candidates.into_iter().find(misses) {
                self.tell(at, json!(wrong), "pattern", Some(spot.clone()), format!("{name} does not match the pattern"));
            }
        }
        if let Some((format, spot)) = &flat.format
            && let Some((wrong, firm)) = wrong_format(format)
        {
            self.tell_as(at, json!(wrong), "format", Some(spot.clone()), format!("{name} is not a {format}"), firm);
        }
    }

    fn numbers(&mut self, flat: &Flat, n: f64, at: &str, name: &str) {
        let step = flat.multiple_of.as_ref().map_or(1.0, |(n, _)| *n);
        let bounds = [
            (&flat.minimum, "minimum", -step, "below"),
            (&flat.maximum, "maximum", step, "above"),
            (&flat.exclusive_minimum, "exclusiveMinimum", 0.0, "not above"),
            (&flat.exclusive_maximum, "exclusiveMaximum", 0.0, "not below"),
        ];
        for (bound, keyword, distance, word) in bounds {
            if let Some((limit, spot)) = bound {
                self.tell(at, number(limit + distance), keyword, Some(spot.clone()), format!("{name} is {word} {limit}"));
            }
        }
        if let Some((step, spot)) = &flat.multiple_of {
            self.tell(at, number(n + step / 2.0), "multipleOf", Some(spot.clone()), format!("{name} is not a multiple of {step}"));
        }
        if flat.whole() {
            self.tell(at, number(n + 0.5), "type", flat.type_at.clone(), format!("{name} is not a whole number"));
        }
    }

    fn lists(&mut self, flat: &Flat, items: &[Value], at: &str, name: &str) {
        if let Some((least, spot)) = &flat.min_items
            && *least > 0
        {
            let fewer: Vec<Value> = items.iter().take(usize::try_from(*least - 1).unwrap_or(0)).cloned().collect();
            self.tell(at, json!(fewer), "minItems", Some(spot.clone()), format!("{name} has fewer than {least} items"));
        }
        if let Some((most, spot)) = &flat.max_items
            && *most < MAX_LIST
            && !items.is_empty()
        {
            let more: Vec<Value> = items.iter().cycle().take(usize::try_from(*most + 1).unwrap_or(0)).cloned().collect();
            self.tell(at, json!(more), "maxItems", Some(spot.clone()), format!("{name} has more than {most} items"));
        }
        if let (Some(spot), Some(first)) = (&flat.unique, items.first()) {
            let twice = json!([first, first]);
            self.tell(at, twice, "uniqueItems", Some(spot.clone()), format!("{name} has the same item twice"));
        }
    }

    fn objects(&mut self, flat: &Flat, map: &Map<String, Value>, at: &mut String, name: &str, depth: usize) {
        for (required, spot) in &flat.required {
            if map.contains_key(required) {
                if let Some(spots) = flat.properties.get(required) {
                    let inner = Flat::of(self.description, spots, 0);
                    if inner.type_at.is_some() && !inner.allows("null") {
                        let mut none = map.clone();
                        none.insert(required.clone(), Value::Null);
                        let what = format!("`{required}` is null in {name}");
                        self.tell(at, Value::Object(none), "type", inner.type_at.clone(), what);
                    }
                }
                let mut less = map.clone();
                less.shift_remove(required);
                self.tell(at, Value::Object(less), "required", Some(spot.clone()), format!("`{required}` is missing in {name}"));
            }
        }
        if let Some(spot) = &flat.closed {
            let mut more = map.clone();
            more.insert("probityUnknown".into(), json!("text"));
            self.tell(
                at,
                Value::Object(more),
                "additionalProperties",
                Some(spot.clone()),
                format!("{name} has a property that is not described"),
            );
        }
        if flat.min_properties > 0 {
            let fewer: Map<String, Value> =
                map.iter().take(usize::try_from(flat.min_properties - 1).unwrap_or(0)).map(|(k, v)| (k.clone(), v.clone())).collect();
            let what = format!("{name} has fewer than {} properties", flat.min_properties);
            let spot = flat.parts.first().map(|spot| spot.child("minProperties"));
            self.tell(at, Value::Object(fewer), "minProperties", spot, what);
        }
        if depth >= MAX_DEPTH {
            return;
        }
        for property in &flat.order {
            if let (Some(value), Some(spots)) = (map.get(property), flat.properties.get(property)) {
                let length = at.len();
                crate::document::push_token(at, property);
                self.visit(spots, value, at, depth + 1);
                at.truncate(length);
            }
        }
    }
}

/// Text that is not of a format, and whether accepting it is a fault for certain. `date` and
/// `date-time` are data types of OpenAPI; a UUID has one form (RFC 9562).
pub(crate) fn wrong_format(format: &str) -> Option<(&'static str, bool)> {
    Some(match format {
        "date" => ("2026-13-45", true),
        "date-time" => ("yesterday at noon", true),
        "uuid" => ("not-a-uuid", true),
        "time" | "time-local" => ("25:61:61", false),
        "email" | "idn-email" => ("no at sign", false),
        "uri" | "url" => ("not a uri", false),
        "ipv4" => ("999.0.2.1", false),
        "ipv6" => ("2001::zz", false),
        "hostname" => ("-not a host-", false),
        "duration" => ("half an hour", false),
        _ => return None,
    })
}
