//! Values that fit a schema.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use super::Flat;
use super::pattern::matching;
use crate::api::description::{Description, Direction, Spot};

/// Which of the many values that fit is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    /// Every property, plain values, examples of the description where there are any.
    Typical,
    /// Required properties only, each constraint at its lower end.
    Smallest,
    /// Every property, each constraint at its upper end.
    Largest,
    /// Every property, free text in other scripts than Latin.
    Script,
}

/// Text beyond ASCII that a social-care service in Europe must keep: letters with marks of several
/// languages, and a script without capitals.
pub(crate) const SCRIPT: &str = "Zażółć gęślą Grüße Ñandú Ελλάδα 東京";

/// The largest text and list that is made to reach an upper end.
const MAX_TEXT: u64 = 4096;
const MAX_LIST: u64 = 20;
/// Levels of objects below which optional properties are left out, and below which nothing is made.
const MAX_OPTIONAL_DEPTH: usize = 3;
const MAX_DEPTH: usize = 10;

/// Makes values for requests.
pub(crate) struct Maker<'a> {
    pub(crate) description: &'a Description,
    /// Values for names, such as ids of things that exist.
    pub(crate) known: &'a BTreeMap<String, Value>,
    /// Differs from one value to the next, so that what must be unique is.
    pub(crate) serial: usize,
    /// Which value of an enumeration, and which branch of a choice, counted from 0.
    pub(crate) choice: usize,
    /// Who would send it.
    pub(crate) direction: Direction,
}

impl Maker<'_> {
    /// A value that the validator of the first schema accepts.
    pub(crate) fn make(&self, spots: &[Spot], variant: Variant) -> Option<Value> {
        let first = spots.first()?;
        let validator = self.description.validator(first, self.direction).ok()?;
        // Another branch of a choice may do where the first one does not.
        for branch in 0..4 {
            let maker = Maker { choice: self.choice + branch, ..*self };
            if let Some(value) = maker.value(spots, variant, "", 0)
                && validator.is_valid(&value)
            {
                return Some(value);
            }
        }
        None
    }

    fn value(&self, spots: &[Spot], variant: Variant, name: &str, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let flat = Flat::of(self.description, spots, self.choice);
        if let Some((values, _)) = &flat.values {
            let real: Vec<&Value> = values.iter().filter(|v| !v.is_null() && flat.allows(type_of(v))).collect();
            return match real.len() {
                0 => values.first().cloned(),
                count => real.get(self.choice % count).map(|v| (*v).clone()),
            };
        }
        let kind = flat.main_type();
        if let Some(value) = self.known.get(name)
            && !matches!(kind, "object" | "array")
            && self.fits(spots, value)
        {
            return Some(value.clone());
        }
        let scalar = !matches!(kind, "object" | "array");
        let wants_example = variant == Variant::Typical && (self.serial == 0 || !scalar || kind == "boolean" || flat.format.is_some());
        if wants_example && let Some(example) = self.example(&flat, spots) {
            return Some(example);
        }
        match kind {
            "object" => self.object(&flat, variant, depth),
            "array" => self.array(&flat, variant, name, depth),
            "string" => self.text(&flat, variant, name, spots),
            "integer" | "number" => self.number(&flat, variant),
            "boolean" => Some(Value::Bool(self.serial.is_multiple_of(2))),
            _ => Some(Value::Null),
        }
    }

    fn fits(&self, spots: &[Spot], value: &Value) -> bool {
        spots.iter().all(|spot| self.description.validator(spot, self.direction).is_ok_and(|v| v.is_valid(value)))
    }

    /// Whether a property is the other side's to send.
    fn leaves_out(&self, flat: &Flat, name: &str) -> bool {
        match self.direction {
            Direction::Request => flat.read_only.contains(name),
            Direction::Response => flat.write_only.contains(name),
        }
    }

    /// An example that the description gives for the schema as a whole, where it fits.
    fn example(&self, flat: &Flat, spots: &[Spot]) -> Option<Value> {
        for spot in &flat.parts {
            let Some(written) = self.description.value(spot) else { continue };
            let list = written.get("examples").and_then(Value::as_array).and_then(|l| l.get(self.serial % l.len().max(1)));
            for example in [written.get("example"), list, written.get("default")].into_iter().flatten() {
                let mut example = example.clone();
                if let Value::Object(map) = &mut example {
                    map.retain(|name, _| !self.leaves_out(flat, name));
                    for (name, value) in map.iter_mut() {
                        if let Some(known) = self.known.get(name)
                            && type_of(known) == type_of(value)
                        {
                            value.clone_from(known);
                        }
                    }
                }
                if !example.is_null() && self.fits(spots, &example) {
                    return Some(example);
                }
            }
        }
        None
    }

    fn object(&self, flat: &Flat, variant: Variant, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        for name in &flat.order {
            let required = flat.required.contains_key(name);
            let wanted = required || (variant != Variant::Smallest && depth < MAX_OPTIONAL_DEPTH);
            if !wanted || self.leaves_out(flat, name) {
                continue;
            }
            let spots = flat.properties.get(name)?;
            match self.value(spots, variant, name, depth + 1) {
                Some(value) => {
                    map.insert(name.clone(), value);
                }
                None if required => return None,
                None => {}
            }
        }
        for name in flat.required.keys() {
            if !map.contains_key(name) && !self.leaves_out(flat, name) {
                let value =
                    if flat.additional.is_empty() { json!("text") } else { self.value(&flat.additional, variant, name, depth + 1)? };
                map.insert(name.clone(), value);
            }
        }
        for name in &flat.order {
            if (map.len() as u64) < flat.min_properties && !map.contains_key(name) && !self.leaves_out(flat, name) {
                let value = self.value(flat.properties.get(name)?, variant, name, depth + 1)?;
                map.insert(name.clone(), value);
            }
        }
        Some(Value::Object(map))
    }

    fn array(&self, flat: &Flat, variant: Variant, name: &str, depth: usize) -> Option<Value> {
        let least = flat.min_items.as_ref().map_or(0, |(n, _)| *n);
        let most = flat.max_items.as_ref().map_or(u64::MAX, |(n, _)| *n);
        let count = match variant {
            Variant::Smallest => least,
            Variant::Largest if most <= MAX_LIST => most,
            Variant::Typical | Variant::Largest | Variant::Script => least.max(1).min(most),
        };
        let mut items: Vec<Value> = Vec::new();
        for index in 0..usize::try_from(count).ok()? {
            let maker = Maker { serial: self.serial + index, choice: self.choice + index, ..*self };
            let item = if flat.items.is_empty() { json!("text") } else { maker.value(&flat.items, variant, name, depth + 1)? };
            if flat.unique.is_some() && items.contains(&item) {
                if (items.len() as u64) < least {
                    return None;
                }
                break;
            }
            items.push(item);
        }
        Some(Value::Array(items))
    }

    fn text(&self, flat: &Flat, variant: Variant, name: &str, spots: &[Spot]) -> Option<Value> {
        let least = flat.min_length.as_ref().map_or(0, |(n, _)| *n);
        let most = flat.max_length.as_ref().map_or(u64::MAX, |(n, _)| *n);
        let wanted = usize::try_from(match variant {
            Variant::Largest if most <= MAX_TEXT => most,
            Variant::Smallest | Variant::Typical | Variant::Largest | Variant::Script => least,
        })
        .ok()?;
        let mut candidates: Vec<String> = Vec::new();
        if let Some((format, _)) = &flat.format
            && let Some(sample) = format_sample(format, self.serial)
        {
            candidates.push(sample);
        }
        if let Some((pattern, _)) = flat.patterns.first() {
            candidates.extend(matching(pattern, wanted, self.serial));
            candidates.extend(matching(pattern, usize::try_from(least).ok()?, self.serial));
        }
        let free = flat.format.is_none() && flat.patterns.is_empty();
        let base = match variant {
            Variant::Script if free => SCRIPT.to_owned(),
            // Even the smallest text is one that can be read, unless it must be empty.
            Variant::Smallest if free => "Fixture".to_owned(),
            Variant::Typical | Variant::Smallest | Variant::Largest | Variant::Script => named_sample(name, self.serial),
        };
        let fit = |text: &str, length: usize| -> String { text.chars().cycle().take(length).collect() };
        let length = base.chars().count();
        let target = match variant {
            Variant::Smallest => usize::try_from(least).ok()?,
            Variant::Largest if most <= MAX_TEXT => usize::try_from(most).ok()?,
            Variant::Typical | Variant::Largest | Variant::Script => {
                length.clamp(usize::try_from(least).ok()?, usize::try_from(most.min(MAX_TEXT)).ok()?.max(usize::try_from(least).ok()?))
            }
        };
        if least <= MAX_TEXT {
            // Blanks at an end are cut by many services, and rightly so; they are not what is asked here.
            let text = fit(&base, target);
            let solid = if text.ends_with(' ') || text.starts_with(' ') { text.replace(' ', "x") } else { text };
            candidates.push(solid);
        }
        candidates.into_iter().map(Value::String).find(|value| self.fits(spots, value))
    }

    fn number(&self, flat: &Flat, variant: Variant) -> Option<Value> {
        let whole = flat.whole();
        let step = flat.multiple_of.as_ref().map_or(if whole { 1.0 } else { 0.5 }, |(n, _)| *n);
        let low = match (&flat.minimum, &flat.exclusive_minimum) {
            (Some((n, _)), Some((e, _))) if e >= n => Some(e + step),
            (None, Some((e, _))) => Some(e + step),
            (minimum, _) => minimum.as_ref().map(|(n, _)| *n),
        };
        let high = match (&flat.maximum, &flat.exclusive_maximum) {
            (Some((n, _)), Some((e, _))) if e <= n => Some(e - step),
            (None, Some((e, _))) => Some(e - step),
            (maximum, _) => maximum.as_ref().map(|(n, _)| *n),
        };
        let wanted = match (variant, low, high) {
            (Variant::Largest, _, Some(high)) => high,
            (Variant::Smallest, Some(low), _) => low,
            (_, Some(low), Some(high)) => {
                // Somewhere inside, differing by the serial, so that a bound is not met by chance.
                let inside = low + ((high - low) / 2.0).floor();
                (inside + (self.serial as f64)).min(high)
            }
            (_, Some(low), None) => low + 1.0 + self.serial as f64,
            (_, None, Some(high)) => high - 1.0 - self.serial as f64,
            (_, None, None) => 1.0 + self.serial as f64,
        };
        let round = if flat.multiple_of.is_some() || whole {
            let unit = if flat.multiple_of.is_some() { step } else { 1.0 };
            let down = (wanted / unit).floor() * unit;
            if low.is_some_and(|low| down < low) { down + unit } else { down }
        } else {
            wanted
        };
        Some(number(round))
    }
}

/// A number, whole where it is whole.
pub(crate) fn number(n: f64) -> Value {
    if n.fract() == 0.0 && n.abs() < 9e15 {
        return json!(n as i64);
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

/// The name of a value's type; whole numbers are `integer`.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value of a format; the addresses and names are those reserved for documentation.
fn format_sample(format: &str, serial: usize) -> Option<String> {
    Some(match format {
        "date" => format!("2026-03-{:02}", 1 + serial % 28),
        "date-time" => format!("2026-03-{:02}T09:30:00Z", 1 + serial % 28),
        "time" => format!("09:30:{:02}Z", serial % 60),
        "time-local" => format!("09:30:{:02}", serial % 60),
        "duration" => "PT30M".into(),
        "uuid" => format!("6f1d5c0a-4b7e-4a53-9c1e-{serial:012x}"),
        "email" | "idn-email" => format!("fixture{serial}@example.org"),
        "uri" | "url" | "iri" => format!("https://example.org/fixture/{serial}"),
        "uri-reference" | "iri-reference" => format!("/fixture/{serial}"),
        "hostname" | "idn-hostname" => format!("host{serial}.example.org"),
        "ipv4" => format!("192.0.2.{}", 1 + serial % 250),
        "ipv6" => format!("2001:db8::{:x}", 1 + serial),
        "byte" => "Zml4dHVyZQ==".into(),
        "json-pointer" => "/fixture".into(),
        "regex" => "^fixture$".into(),
        _ => return None,
    })
}

/// Text that suits a property of this name.
fn named_sample(name: &str, serial: usize) -> String {
    let lower = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["phone", "mobile", "msisdn"]) {
        format!("+322555{:04}", 100 + serial)
    } else if says(&["email", "mail"]) {
        format!("fixture{serial}@example.org")
    } else if says(&["language", "locale"]) {
        "en".into()
    } else if says(&["country"]) {
        "BE".into()
    } else if says(&["currency"]) {
        "EUR".into()
    } else if says(&["timezone", "time_zone"]) {
        "Europe/Brussels".into()
    } else if serial == 0 {
        "Fixture".into()
    } else {
        // The number comes first, so that it survives being cut.
        format!("F{serial} fixture")
    }
}
