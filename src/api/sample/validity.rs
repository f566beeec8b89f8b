//! What the sample service takes: checks by hand, so that the service does not share the tester's
//! understanding of a schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a field must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Must {
    Text { least: usize, most: usize },
    Listed(&'static [&'static str]),
    Date,
    Telephone { or_null: bool },
    Digits(usize),
    ResidentId,
    Whole { least: i64, most: i64 },
    Temperature,
    Sensors,
    Position,
}

/// A field of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) must: Must,
}

const fn field(name: &'static str, required: bool, must: Must) -> Field {
    Field { name, required, must }
}

/// A name that is not looked at.
pub(super) const ANY_NAME: Field = field("name", false, Must::Text { least: 0, most: usize::MAX });

pub(super) const RESIDENT: &[Field] = &[
    field("name", true, Must::Text { least: 2, most: 80 }),
    field("birthDate", true, Must::Date),
    field("livingSituation", true, Must::Listed(&["alone", "couple", "family", "sheltered"])),
    field("phone", false, Must::Telephone { or_null: true }),
    field("notes", false, Must::Text { least: 0, most: 500 }),
    field("accessCode", false, Must::Digits(6)),
];

pub(super) const CONTACT: &[Field] = &[
    field("name", true, Must::Text { least: 1, most: 60 }),
    field("phone", true, Must::Telephone { or_null: false }),
    field("relation", true, Must::Listed(&["child", "partner", "neighbour", "carer"])),
    field("rank", false, Must::Whole { least: 1, most: 10 }),
];

pub(super) const ALARM: &[Field] = &[
    field("residentId", true, Must::ResidentId),
    field("kind", true, Must::Listed(&["button", "fall", "smoke", "inactivity", "door"])),
    field("priority", true, Must::Whole { least: 1, most: 5 }),
    field("temperature", false, Must::Temperature),
    field("note", false, Must::Text { least: 0, most: 200 }),
    field("sensors", false, Must::Sensors),
    field("position", false, Must::Position),
];

pub(super) const ALARM_CHANGE: &[Field] =
    &[field("state", false, Must::Listed(&["open", "acknowledged", "closed"])), field("note", false, Must::Text { least: 0, most: 200 })];

/// What is wrong with a body, in words.
pub(super) fn check(body: &Map<String, Value>, fields: &[Field], quirks: &BTreeSet<String>) -> Result<(), String> {
    let has = |quirk: &str| quirks.contains(quirk);
    for name in body.keys() {
        if !fields.iter().any(|f| f.name == name) && !has("takes-unknown-property") {
            return Err(format!("{name} is not known"));
        }
    }
    for field in fields {
        match body.get(field.name) {
            None if field.required && !(has("takes-missing-property") && field.name == "birthDate") => {
                return Err(format!("{} is needed", field.name));
            }
            Some(value) if !fits(field, value, quirks) => return Err(format!("{} is not what it must be", field.name)),
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn fits(field: &Field, value: &Value, quirks: &BTreeSet<String>) -> bool {
    let has = |quirk: &str| quirks.contains(quirk);
    match field.must {
        Must::Text { least, most } => value.as_str().is_some_and(|text| {
            let count = text.chars().count();
            let named = field.name == "name" && most == 80;
            let low = count >= least || (named && has("takes-too-short") && count > 0);
            let high = count <= most || (named && has("takes-too-long"));
            let refused = named && ((has("refuses-longest") && count == 80) || (has("refuses-scripts") && !text.is_ascii()));
            low && high && !refused
        }),
        Must::Listed(values) => {
            value.as_str().is_some_and(|text| values.contains(&text) || (field.name == "livingSituation" && has("takes-unlisted-value")))
        }
        Must::Date => value.as_str().is_some_and(|text| is_date(text) || has("takes-impossible-date")),
        Must::Telephone { or_null } => match value {
            Value::Null => or_null,
            Value::String(text) => is_telephone(text) || (or_null && has("takes-wrong-pattern")),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
        },
        Must::Digits(count) => value.as_str().is_some_and(|text| text.len() == count && text.bytes().all(|b| b.is_ascii_digit())),
        Must::ResidentId => {
            value.as_str().and_then(|t| t.strip_prefix("res-")).is_some_and(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()))
        }
        Must::Whole { least, most } => {
            let priority = field.name == "priority";
            match value.as_i64() {
                Some(number) => {
                    let low = number >= least || (priority && has("takes-below-minimum"));
                    let high = number <= most || (priority && has("takes-above-maximum"));
                    low && high && !(priority && has("refuses-lowest") && number == least)
                }
                None => priority && has("takes-wrong-type") && value.is_string(),
            }
        }
        Must::Temperature => value.as_f64().is_some_and(|t| t >= -40.0 && (t < 100.0 || (has("takes-exclusive-maximum") && t <= 100.0))),
        Must::Sensors => value.as_array().is_some_and(|items| {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.is_some_and(|texts| {
                let sized = texts.iter().all(|t| (2..=12).contains(&t.chars().count()));
                let different = texts.iter().collect::<BTreeSet<_>>().len() == texts.len();
                let most = if has("takes-too-many-items") { 50 } else { 4 };
                // Five sensors that are made by repeating some are refused for that alone otherwise.
                (1..=most).contains(&texts.len()) && sized && (different || has("takes-same-item-twice") || texts.len() > 4)
            })
        }),
        Must::Position => value.as_object().is_some_and(|map| {
            let room = map
                .get("room")
                .map_or_else(|| has("takes-nested-fault"), |r| r.as_str().is_some_and(|t| (1..=30).contains(&t.chars().count())));
            let floor = map.get("floor").is_none_or(|f| f.as_i64().is_some_and(|n| (-2..=60).contains(&n)));
            room && floor
        }),
    }
}

fn is_telephone(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0'))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, length: usize| (part.len() == length).then(|| part.parse::<u32>().ok()).flatten();
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}
