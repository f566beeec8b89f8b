//! Values of FHIRPath: from FHIR's primitives, compared, and calculated with.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever an operation is not defined for is one and the same error")]

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::decimal::Decimal;
use super::eval::{Item, Stop};
use super::node::Node;
use super::parse::Operator;
use crate::format::fhir::temporal::{Precision, Sort, Temporal};

/// A FHIR primitive or quantity as a value of FHIRPath; anything else as it is.
pub(super) fn value_of<'a>(item: &Item<'a>) -> Item<'a> {
    let Item::Node(node) = item else { return item.clone() };
    match (node.of, node.value) {
        (_, Value::Bool(b)) => Item::Bool(*b),
        (_, Value::Number(n)) => match n.as_i64() {
            Some(i) if node.of != "decimal" => Item::Int(i),
            _ => Decimal::parse(&n.to_string()).map_or_else(|| item.clone(), Item::Decimal),
        },
        ("date", Value::String(s)) => Temporal::date(s).map_or(Item::Text(Cow::Borrowed(s)), Item::Temporal),
        ("dateTime" | "instant", Value::String(s)) => Temporal::date_time(s).map_or(Item::Text(Cow::Borrowed(s)), Item::Temporal),
        ("time", Value::String(s)) => Temporal::time(s).map_or(Item::Text(Cow::Borrowed(s)), Item::Temporal),
        ("integer64", Value::String(s)) => s.parse().map_or(Item::Text(Cow::Borrowed(s)), Item::Int),
        (_, Value::String(s)) => Item::Text(Cow::Borrowed(s)),
        ("Quantity" | "Age" | "Duration" | "Count" | "Distance" | "SimpleQuantity", Value::Object(object)) => {
            let value = object.get("value").and_then(|v| Decimal::parse(&v.to_string()));
            let unit = object.get("code").or(object.get("unit")).and_then(Value::as_str).unwrap_or("1");
            match value.filter(|_| !object.contains_key("comparator")) {
                Some(value) => Item::Quantity(value, Cow::Borrowed(unit)),
                None => item.clone(),
            }
        }
        _ => item.clone(),
    }
}

/// The text of a value, as `toString()` gives it.
pub(super) fn text_of<'a>(item: &Item<'a>) -> Option<Cow<'a, str>> {
    match value_of(item) {
        Item::Text(text) => Some(text),
        Item::Bool(b) => Some(Cow::Borrowed(if b { "true" } else { "false" })),
        Item::Int(n) => Some(Cow::Owned(n.to_string())),
        Item::Decimal(n) => Some(Cow::Owned(n.to_string())),
        Item::Temporal(t) => match item {
            // As it was written, with every digit of its fraction.
            Item::Node(Node { value: Value::String(s), .. }) => Some(Cow::Borrowed(s)),
            _ => Some(Cow::Owned(t.to_string())),
        },
        Item::Quantity(value, unit) => Some(Cow::Owned(if calendar(&unit).is_some_and(|(_, word)| word) {
            format!("{value} {unit}")
        } else {
            format!("{value} '{unit}'")
        })),
        Item::Node(_) | Item::Type(..) => None,
    }
}

/// Whether two items are equal; `None` where precision or units leave it open.
pub(super) fn same(a: &Item<'_>, b: &Item<'_>) -> Option<bool> {
    match (value_of(a), value_of(b)) {
        (Item::Node(a), Item::Node(b)) => Some(std::ptr::eq(a.value, b.value) || equal_json(a.value, b.value)),
        (Item::Bool(a), Item::Bool(b)) => Some(a == b),
        (Item::Text(a), Item::Text(b)) => Some(a == b),
        (Item::Type(s, a), Item::Type(t, b)) => Some(s == t && a == b),
        (Item::Temporal(a), Item::Temporal(b)) if (a.sort == Sort::Time) != (b.sort == Sort::Time) => Some(false),
        (Item::Temporal(a), Item::Temporal(b)) => a.compare(b).map(|order| order == Ordering::Equal),
        (Item::Quantity(a, unit), Item::Quantity(b, other)) => quantities(a, &unit, b, &other, false).map(|o| o == Ordering::Equal),
        (Item::Int(a), Item::Int(b)) => Some(a == b),
        (a, b) => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => Some(false),
        },
    }
}

/// Deep equality where the order of members does not matter.
fn equal_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

pub(super) fn alike(a: &Item<'_>, b: &Item<'_>) -> bool {
    match (value_of(a), value_of(b)) {
        (Item::Text(a), Item::Text(b)) => {
            let plain = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            plain(&a) == plain(&b)
        }
        (Item::Temporal(a), Item::Temporal(b)) => a.compare(b) == Some(Ordering::Equal),
        (Item::Quantity(a, unit), Item::Quantity(b, other)) => quantities(a, &unit, b, &other, true) == Some(Ordering::Equal),
        (Item::Node(a), Item::Node(b)) => alike_json(a.value, b.value),
        (a, b) => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => {
                let places = a.trim().scale().min(b.trim().scale());
                a.round(places) == b.round(places)
            }
            _ => same(&a, &b) == Some(true),
        },
    }
}

fn alike_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let count = |m: &serde_json::Map<String, Value>| m.keys().filter(|k| *k != "id").count();
            count(a) == count(b) && a.iter().filter(|(k, _)| *k != "id").all(|(k, v)| b.get(k).is_some_and(|w| alike_json(v, w)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| alike_json(x, y))),
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        _ => equal_json(a, b),
    }
}

pub(super) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Int(n) => Some(Decimal::int(*n)),
        Item::Decimal(d) => Some(*d),
        _ => None,
    }
}

/// The order of two values; an error where they have none.
pub(super) fn compare(a: &Item<'_>, b: &Item<'_>) -> std::result::Result<Option<Ordering>, Stop> {
    match (a, b) {
        (Item::Text(a), Item::Text(b)) => Ok(Some(a.cmp(b))),
        (Item::Temporal(a), Item::Temporal(b)) => Ok(a.compare(*b)),
        (Item::Temporal(a), Item::Text(b)) => Temporal::literal(b).map(|b| a.compare(b)).ok_or(Stop),
        (Item::Text(a), Item::Temporal(b)) => Temporal::literal(a).map(|a| a.compare(*b)).ok_or(Stop),
        (Item::Quantity(a, unit), Item::Quantity(b, other)) => Ok(quantities(*a, unit, *b, other, false)),
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => Ok(a.partial_cmp(&b)),
            _ => Err(Stop),
        },
    }
}

/// A unit of the calendar: what it counts, and whether it is the word rather than the UCUM code.
pub(super) fn calendar(unit: &str) -> Option<(Precision, bool)> {
    let word = unit.strip_suffix('s').filter(|w| w.len() > 2).unwrap_or(unit);
    Some(match word {
        "year" => (Precision::Year, true),
        "month" => (Precision::Month, true),
        "day" | "week" => (Precision::Day, true),
        "hour" => (Precision::Hour, true),
        "minute" => (Precision::Minute, true),
        "second" => (Precision::Second, true),
        "millisecond" => (Precision::Millisecond, true),
        "a" => (Precision::Year, false),
        "mo" => (Precision::Month, false),
        "wk" | "d" => (Precision::Day, false),
        "h" => (Precision::Hour, false),
        "min" => (Precision::Minute, false),
        "s" => (Precision::Second, false),
        "ms" => (Precision::Millisecond, false),
        _ => return None,
    })
}

fn ucum_code(unit: &str) -> &str {
    match unit.strip_suffix('s').filter(|w| w.len() > 2).unwrap_or(unit) {
        "year" => "a",
        "month" => "mo",
        "week" => "wk",
        "day" => "d",
        "hour" => "h",
        "minute" => "min",
        "second" => "s",
        "millisecond" => "ms",
        _ => unit,
    }
}

fn quantities(a: Decimal, unit: &str, b: Decimal, other: &str, loosely: bool) -> Option<Ordering> {
    if unit == other {
        return a.partial_cmp(&b);
    }
    // A calendar year is not always as long as UCUM's.
    if let (Some((x, word)), Some((y, other_word))) = (calendar(unit), calendar(other))
        && word != other_word
        && !loosely
        && (x <= Precision::Month || y <= Precision::Month)
    {
        return None;
    }
    let (left, right) = (ucum_code(unit), ucum_code(other));
    if left == right {
        return a.partial_cmp(&b);
    }
    if left.len() > 100 || right.len() > 100 || !octofhir_ucum::is_comparable(left, right).unwrap_or(false) {
        return None;
    }
    let (from, to) = (octofhir_ucum::analyse(left).ok()?, octofhir_ucum::analyse(right).ok()?);
    let base = |value: Decimal, unit: &octofhir_ucum::UnitAnalysis| {
        value.float() * unit.factor.to_f64() * unit.scale.to_f64() + unit.offset.to_f64()
    };
    let (x, y) = (base(a, &from), base(b, &to));
    if (x - y).abs() <= 1e-9 * x.abs().max(y.abs()) { Some(Ordering::Equal) } else { x.partial_cmp(&y) }
}

pub(super) fn arithmetic<'a>(operator: Operator, a: Item<'a>, b: Item<'a>) -> std::result::Result<Option<Item<'a>>, Stop> {
    match (&a, &b) {
        (Item::Text(x), Item::Text(y)) if operator == Operator::Plus => return Ok(Some(Item::Text(Cow::Owned(format!("{x}{y}"))))),
        (Item::Temporal(t), Item::Quantity(amount, unit)) => {
            let (precision, word) = calendar(unit).ok_or(Stop)?;
            if !word && precision <= Precision::Month {
                return Err(Stop);
            }
            let mut whole = amount.truncate().ok_or(Stop)?;
            let mut precision = precision;
            if precision == Precision::Second && amount.trim().scale() > 0 {
                whole = amount.times(Decimal::int(1000)).and_then(Decimal::truncate).ok_or(Stop)?;
                precision = Precision::Millisecond;
            }
            if ucum_code(unit) == "wk" {
                whole = whole.checked_mul(7).ok_or(Stop)?;
            }
            let whole = match operator {
                Operator::Plus => whole,
                Operator::Minus => -whole,
                _ => return Err(Stop),
            };
            return Ok(t.add(whole, precision).map(Item::Temporal));
        }
        (Item::Quantity(x, unit), Item::Quantity(y, other)) => {
            return match operator {
                Operator::Plus | Operator::Minus if unit == other => {
                    let sum = if operator == Operator::Plus { x.plus(*y) } else { x.minus(*y) };
                    Ok(sum.map(|s| Item::Quantity(s, unit.clone())))
                }
                Operator::Times | Operator::Over => {
                    let value = if operator == Operator::Times { x.times(*y) } else { x.over(*y) };
                    let joined = match (operator, &**unit, &**other) {
                        (_, u, "1") => u.to_owned(),
                        (Operator::Over, u, o) if u == o => "1".to_owned(),
                        (Operator::Times, "1", o) => o.to_owned(),
                        (Operator::Times, u, o) if u == o => format!("{u}2"),
                        (Operator::Times, u, o) => format!("{u}.{o}"),
                        (_, u, o) => format!("{u}/{o}"),
                    };
                    Ok(value.map(|v| Item::Quantity(v, Cow::Owned(joined))))
                }
                _ => Err(Stop),
            };
        }
        _ => {}
    }
    if let (Item::Int(x), Item::Int(y)) = (&a, &b) {
        let (x, y) = (*x, *y);
        let whole = match operator {
            Operator::Plus => x.checked_add(y),
            Operator::Minus => x.checked_sub(y),
            Operator::Times => x.checked_mul(y),
            Operator::Div => x.checked_div(y),
            Operator::Mod => x.checked_rem(y),
            _ => return Ok(Decimal::int(x).over(Decimal::int(y)).map(Item::Decimal)),
        };
        return Ok(whole.map(Item::Int));
    }
    let (Some(x), Some(y)) = (number(&a), number(&b)) else { return Err(Stop) };
    Ok(match operator {
        Operator::Plus => x.plus(y).map(Item::Decimal),
        Operator::Minus => x.minus(y).map(Item::Decimal),
        Operator::Times => x.times(y).map(Item::Decimal),
        Operator::Over => x.over(y).map(Item::Decimal),
        Operator::Div => x.quotient(y).map(Item::Int),
        Operator::Mod => x.remainder(y).map(Item::Decimal),
        _ => return Err(Stop),
    })
}
