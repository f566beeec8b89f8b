//! Conversions, mathematics and patterns of FHIRPath's functions.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever a function is not defined for is one and the same error")]

use std::borrow::Cow;

use regex::Regex;

use super::decimal::Decimal;
use super::eval::{Item, Result, Stop};
use super::functions::bool_item;
use super::parse::Function;
use super::values::{number, text_of, value_of};
use crate::format::fhir::temporal::{Precision, Sort, Temporal};

/// Most memory a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// `$1` stands for a group in FHIRPath; `regex` would read `$1x` as the name `1x`.
pub(super) fn regex_replacement(to: &str) -> String {
    let mut out = String::new();
    let mut chars = to.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && chars.peek().is_some_and(char::is_ascii_digit) {
            out.push('{');
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                out.push(digit);
            }
            out.push('}');
        } else if c == '$' && chars.peek().is_some_and(|c| *c == '{') {
        } else if c == '$' {
            out.push('$');
        }
    }
    out
}

/// Compiles a pattern as FHIR means it: `\s`, `\d` and `\w` are ASCII, `.` matches a line break.
/// A pattern with look-around or back-references is not regular and cannot be judged in linear time.
pub(in crate::format::fhir) fn compile(source: &str, full: bool, flags: &str) -> Option<Regex> {
    let mut out = String::with_capacity(source.len() + 16);
    let mut in_class = false;
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                's' if in_class => out.push_str(r" \t\n\r\x0B\x0C"),
                's' => out.push_str(r"[ \t\n\r\x0B\x0C]"),
                'S' => out.push_str(r"[^ \t\n\r\x0B\x0C]"),
                'd' if in_class => out.push_str("0-9"),
                'd' => out.push_str("[0-9]"),
                'w' if in_class => out.push_str("0-9A-Za-z_"),
                'w' => out.push_str("[0-9A-Za-z_]"),
                // Escapes that other dialects allow and this one does not.
                c @ ('/' | '"' | '\'' | '@' | ',' | ':' | ';' | '!' | '%' | '_' | '`' | '=' | '<' | '>' | ' ') => out.push(c),
                c => {
                    out.push('\\');
                    out.push(c);
                }
            },
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push(c);
                // A bracket or caret that opens a class belongs to it.
                let rest = chars.as_str();
                let rest_after = rest.strip_prefix('^').unwrap_or(rest);
                if rest.starts_with('^') {
                    out.push('^');
                    chars.next();
                }
                if rest_after.starts_with(']') {
                    out.push_str(r"\]");
                    chars.next();
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            ']' => out.push_str(r"\]"),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    let source = if full { format!("^(?:{out})$") } else { out };
    regex::RegexBuilder::new(&source)
        .dot_matches_new_line(true)
        .multi_line(flags.contains('m'))
        .case_insensitive(flags.contains('i'))
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .ok()
}

pub(super) fn converts<'a>(function: Function, focus: &[Item<'a>]) -> Result<'a> {
    match focus {
        [] => Ok(Vec::new()),
        [one] => Ok(bool_item(convert(function, one).is_some())),
        _ => Err(Stop),
    }
}

pub(super) fn convert<'a>(function: Function, item: &Item<'a>) -> Option<Item<'a>> {
    use Function as F;
    let value = value_of(item);
    match function {
        F::ToText => text_of(item).map(Item::Text),
        F::ToBoolean => match value {
            Item::Bool(_) => Some(value),
            Item::Int(0) => Some(Item::Bool(false)),
            Item::Int(1) => Some(Item::Bool(true)),
            Item::Decimal(d) if d == Decimal::int(1) => Some(Item::Bool(true)),
            Item::Decimal(d) if d == Decimal::int(0) => Some(Item::Bool(false)),
            Item::Text(text) => match text.to_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(Item::Bool(true)),
                "false" | "f" | "no" | "n" | "0" | "0.0" => Some(Item::Bool(false)),
                _ => None,
            },
            _ => None,
        },
        F::ToInteger | F::ToLong => match value {
            Item::Int(_) => Some(value),
            Item::Bool(b) => Some(Item::Int(i64::from(b))),
            Item::Text(text) => text.strip_prefix('+').unwrap_or(&text).parse().ok().map(Item::Int),
            _ => None,
        },
        F::ToDecimal => match value {
            Item::Int(n) => Some(Item::Decimal(Decimal::int(n))),
            Item::Decimal(_) => Some(value),
            Item::Bool(b) => Some(Item::Decimal(Decimal::int(i64::from(b)))),
            Item::Text(text) if !text.contains(['e', 'E']) => Decimal::parse(&text).map(Item::Decimal),
            _ => None,
        },
        F::ToDate => match value {
            Item::Temporal(t) if t.sort == Sort::Date => Some(Item::Temporal(t)),
            Item::Temporal(t) if t.sort == Sort::DateTime => {
                Some(Item::Temporal(Temporal { sort: Sort::Date, precision: t.precision.min(Precision::Day), offset: None, ..t }))
            }
            Item::Text(text) => {
                Temporal::literal(text.split('T').next()?).filter(|_| Temporal::literal(&text).is_some()).map(Item::Temporal)
            }
            _ => None,
        },
        F::ToDateTime => match value {
            Item::Temporal(t) if t.sort != Sort::Time => Some(Item::Temporal(Temporal { sort: Sort::DateTime, ..t })),
            Item::Text(text) => {
                Temporal::literal(&text).filter(|t| t.sort != Sort::Time).map(|t| Item::Temporal(Temporal { sort: Sort::DateTime, ..t }))
            }
            _ => None,
        },
        F::ToTime => match value {
            Item::Temporal(t) if t.sort == Sort::Time => Some(Item::Temporal(t)),
            Item::Text(text) => Temporal::literal(&format!("T{}", text.strip_prefix('T').unwrap_or(&text))).map(Item::Temporal),
            _ => None,
        },
        F::ToQuantity => match value {
            Item::Quantity(..) => Some(value),
            Item::Int(n) => Some(Item::Quantity(Decimal::int(n), Cow::Borrowed("1"))),
            Item::Decimal(d) => Some(Item::Quantity(d, Cow::Borrowed("1"))),
            Item::Bool(b) => Some(Item::Quantity(Decimal::int(i64::from(b)), Cow::Borrowed("1"))),
            Item::Text(text) => {
                let (amount, unit) = match text.trim().split_once(char::is_whitespace) {
                    Some((amount, unit)) => (amount.to_owned(), unit.trim().to_owned()),
                    None => (text.trim().to_owned(), String::new()),
                };
                let amount = Decimal::parse(&amount)?;
                let unit = match unit.as_str() {
                    "" => "1".to_owned(),
                    unit => match unit.strip_prefix('\'').and_then(|u| u.strip_suffix('\'')) {
                        Some(code) => code.to_owned(),
                        None if super::values::calendar(unit).is_some_and(|(_, word)| word) => unit.to_owned(),
                        None => return None,
                    },
                };
                Some(Item::Quantity(amount, Cow::Owned(unit)))
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn math<'a>(
    function: Function,
    item: &Item<'a>,
    other: Option<&Item<'a>>,
    given: bool,
) -> std::result::Result<Option<Item<'a>>, Stop> {
    use Function as F;
    if let (F::Abs, Item::Quantity(value, unit)) = (function, item) {
        let value = if value.is_negative() { value.negate() } else { *value };
        return Ok(Some(Item::Quantity(value, unit.clone())));
    }
    let n = number(item).ok_or(Stop)?;
    if given && other.is_none() {
        return Ok(None);
    }
    let float = |f: f64| Decimal::from_float(f).map(Item::Decimal);
    Ok(match function {
        F::Abs => match item {
            Item::Int(n) => n.checked_abs().map(Item::Int),
            _ => Some(Item::Decimal(if n.is_negative() { n.negate() } else { n })),
        },
        F::Ceiling => n.ceiling().map(Item::Int),
        F::Floor => n.floor().map(Item::Int),
        F::Truncate => n.truncate().map(Item::Int),
        F::Round => {
            let places = match other {
                None => 0,
                Some(Item::Int(p)) => u32::try_from(*p).map_err(|_| Stop)?,
                Some(_) => return Err(Stop),
            };
            n.round(places).map(Item::Decimal)
        }
        F::Exp => float(n.float().exp()),
        F::Ln => float(n.float().ln()),
        F::Log => float(n.float().log(other.and_then(number).ok_or(Stop)?.float())),
        F::Sqrt => float(n.float().sqrt()),
        F::Power => {
            let exponent = other.and_then(number).ok_or(Stop)?;
            match (item, other) {
                (Item::Int(base), Some(Item::Int(e))) if *e >= 0 => base.checked_pow(u32::try_from(*e).map_err(|_| Stop)?).map(Item::Int),
                _ => float(n.float().powf(exponent.float())),
            }
        }
        _ => return Err(Stop),
    })
}

/// Digits that a date or time is written with, as `precision()` counts them.
pub(super) fn temporal_digits(t: &Temporal) -> i64 {
    let clock = match t.precision {
        Precision::Year => 4,
        Precision::Month => 6,
        Precision::Day => 8,
        Precision::Hour => 10,
        Precision::Minute => 12,
        Precision::Second => 14,
        Precision::Millisecond => 17,
    };
    if t.sort == Sort::Time { clock - 8 } else { clock }
}

pub(super) fn boundary<'a>(item: &Item<'a>, digits: Option<i64>, high: bool) -> std::result::Result<Option<Item<'a>>, Stop> {
    let places = |default: u32| match digits {
        None => Ok(Some(default)),
        Some(n) => Ok::<_, Stop>(u32::try_from(n).ok().filter(|n| *n <= 28)),
    };
    Ok(match item {
        Item::Int(_) | Item::Decimal(_) => {
            let n = number(item).ok_or(Stop)?;
            places(8)?.and_then(|p| n.boundary(p, high)).map(Item::Decimal)
        }
        Item::Quantity(value, unit) => places(8)?.and_then(|p| value.boundary(p, high)).map(|v| Item::Quantity(v, unit.clone())),
        Item::Temporal(t) => {
            let wanted = digits.map(|d| if t.sort == Sort::Time { d + 8 } else { d });
            let precision = match wanted {
                None if t.sort == Sort::Date => Precision::Day,
                None | Some(17) => Precision::Millisecond,
                Some(4) => Precision::Year,
                Some(6) => Precision::Month,
                Some(8) => Precision::Day,
                Some(10) => Precision::Hour,
                Some(12) => Precision::Minute,
                Some(14) => Precision::Second,
                Some(_) => return Ok(None),
            };
            Some(Item::Temporal(t.boundary(precision, high)))
        }
        _ => return Err(Stop),
    })
}
