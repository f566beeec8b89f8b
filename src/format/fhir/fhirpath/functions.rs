//! The functions of FHIRPath N1 and those that FHIR adds.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever an operation is not defined for is one and the same error")]

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

use base64::Engine as _;
use regex::Regex;
use serde_json::Value;

use super::convert::{boundary, compile, convert, converts, math, regex_replacement, temporal_digits};
use super::eval::{Item, Items, Result, Run, Scope, Stop, reference_of, system_type, truth};
use super::node::Node;
use super::parse::{Expr, Function, type_of};
use super::values::{same, text_of, value_of};
use crate::format::fhir::narrative;

pub(super) fn bool_item<'a>(b: bool) -> Items<'a> {
    vec![Item::Bool(b)]
}

fn text_item<'a>(text: impl Into<Cow<'a, str>>) -> Items<'a> {
    vec![Item::Text(text.into())]
}

impl<'a> Run<'_, 'a, '_> {
    pub(super) fn call<'i>(
        &self,
        function: Function,
        arguments: &'a [Expr],
        pattern: &'a OnceLock<Option<Regex>>,
        focus: &'i [Item<'a>],
        scope: Scope<'i, 'a>,
    ) -> Result<'a> {
        use Function as F;
        let argument = |n: usize| arguments.get(n).ok_or(Stop);
        // An argument that is a value is evaluated where the function stands, not on its focus.
        let value = |n: usize| -> Result<'a> { self.eval(argument(n)?, scope.focus, scope) };
        let each = |n: usize, items: &[Item<'a>], index: usize| -> Result<'a> {
            let inner = Scope { focus: items, index: i64::try_from(index).ok(), total: scope.total };
            self.eval(argument(n)?, items, inner)
        };
        self.step(1 + focus.len())?;
        Ok(match function {
            F::Empty => bool_item(focus.is_empty()),
            F::Not => truth(focus)?.map(|b| Item::Bool(!b)).into_iter().collect(),
            F::Exists if arguments.is_empty() => bool_item(!focus.is_empty()),
            F::Exists | F::All => {
                let wanted = function == F::Exists;
                for (n, item) in focus.iter().enumerate() {
                    let holds = truth(&each(0, std::slice::from_ref(item), n)?)?.unwrap_or(false);
                    if holds == wanted {
                        return Ok(bool_item(wanted));
                    }
                }
                bool_item(!wanted)
            }
            F::Where => {
                let mut out = Vec::new();
                for (n, item) in focus.iter().enumerate() {
                    if truth(&each(0, std::slice::from_ref(item), n)?)?.unwrap_or(false) {
                        out.push(item.clone());
                    }
                }
                out
            }
            F::Select => {
                let mut out = Vec::new();
                for (n, item) in focus.iter().enumerate() {
                    out.extend(each(0, std::slice::from_ref(item), n)?);
                    self.step(out.len() / 64)?;
                }
                out
            }
            F::Repeat | F::RepeatAll => {
                let mut out: Items<'a> = Vec::new();
                let mut next = focus.to_vec();
                while !next.is_empty() {
                    let mut found = Vec::new();
                    for (n, item) in next.iter().enumerate() {
                        found.extend(each(0, std::slice::from_ref(item), n)?);
                    }
                    self.step(found.len() + 1)?;
                    if function == F::Repeat {
                        let known = out.len();
                        let all = self.distinct(out.drain(..).chain(found))?;
                        next = all.get(known..).unwrap_or_default().to_vec();
                        out = all;
                    } else {
                        next.clone_from(&found);
                        out.extend(found);
                    }
                }
                out
            }
            F::AllTrue | F::AnyTrue | F::AllFalse | F::AnyFalse => {
                let wanted = matches!(function, F::AllTrue | F::AnyTrue);
                let mut values = Vec::with_capacity(focus.len());
                for item in focus {
                    match value_of(item) {
                        Item::Bool(b) => values.push(b == wanted),
                        _ => return Err(Stop),
                    }
                }
                bool_item(if matches!(function, F::AllTrue | F::AllFalse) { values.iter().all(|b| *b) } else { values.iter().any(|b| *b) })
            }
            F::SubsetOf | F::SupersetOf => {
                let other = value(0)?;
                let (small, large) = if function == F::SubsetOf { (focus, other.as_slice()) } else { (other.as_slice(), focus) };
                self.step(small.len().saturating_mul(large.len()))?;
                bool_item(small.iter().all(|a| large.iter().any(|b| same(a, b) == Some(true))))
            }
            F::Count => vec![Item::Int(i64::try_from(focus.len()).unwrap_or(i64::MAX))],
            F::Distinct => self.distinct(focus.iter().cloned())?,
            F::IsDistinct => bool_item(self.distinct(focus.iter().cloned())?.len() == focus.len()),
            F::OfType | F::As => {
                let name = type_of(argument(0)?).ok_or(Stop)?;
                self.only(focus.to_vec(), &name)?
            }
            F::Is => {
                let name = type_of(argument(0)?).ok_or(Stop)?;
                match focus {
                    [] => Vec::new(),
                    [one] => bool_item(self.is_type(one, &name)?),
                    _ => return Err(Stop),
                }
            }
            F::Single => match focus {
                [] => Vec::new(),
                [one] => vec![one.clone()],
                _ => return Err(Stop),
            },
            F::First => focus.first().cloned().into_iter().collect(),
            F::Last => focus.last().cloned().into_iter().collect(),
            F::Tail => focus.iter().skip(1).cloned().collect(),
            F::Skip | F::Take => {
                let n = match self.whole(&value(0)?)? {
                    Some(n) => usize::try_from(n).unwrap_or(0),
                    None => return Ok(Vec::new()),
                };
                if function == F::Skip { focus.iter().skip(n).cloned().collect() } else { focus.iter().take(n).cloned().collect() }
            }
            F::Intersect => {
                let other = value(0)?;
                self.step(focus.len().saturating_mul(other.len()))?;
                self.distinct(focus.iter().filter(|a| other.iter().any(|b| same(a, b) == Some(true))).cloned())?
            }
            F::Exclude => {
                let other = value(0)?;
                self.step(focus.len().saturating_mul(other.len()))?;
                focus.iter().filter(|a| !other.iter().any(|b| same(a, b) == Some(true))).cloned().collect()
            }
            F::Union => self.distinct(focus.iter().cloned().chain(value(0)?))?,
            F::Combine => focus.iter().cloned().chain(value(0)?).collect(),
            F::Coalesce => {
                for n in 0..arguments.len() {
                    let items = value(n)?;
                    if !items.is_empty() {
                        return Ok(items);
                    }
                }
                Vec::new()
            }
            F::Iif => {
                if focus.len() > 1 {
                    return Err(Stop);
                }
                // Without a focus the outer one stands.
                let inner = Scope { focus: if focus.is_empty() { scope.focus } else { focus }, ..scope };
                let test = if focus.is_empty() {
                    self.eval(argument(0)?, focus, Scope { focus, ..scope })?
                } else {
                    self.eval(argument(0)?, focus, inner)?
                };
                let chosen = match truth(&test)? {
                    Some(true) => Some(argument(1)?),
                    _ => arguments.get(2),
                };
                match chosen {
                    Some(chosen) if focus.is_empty() => self.eval(chosen, focus, Scope { focus, ..scope })?,
                    Some(chosen) => self.eval(chosen, focus, inner)?,
                    None => Vec::new(),
                }
            }
            F::ToBoolean | F::ToInteger | F::ToLong | F::ToDecimal | F::ToText | F::ToDate | F::ToDateTime | F::ToTime | F::ToQuantity => {
                match focus {
                    [] => Vec::new(),
                    [one] => convert(function, one).into_iter().collect(),
                    _ => return Err(Stop),
                }
            }
            F::ConvertsToBoolean => converts(F::ToBoolean, focus)?,
            F::ConvertsToInteger => converts(F::ToInteger, focus)?,
            F::ConvertsToLong => converts(F::ToLong, focus)?,
            F::ConvertsToDecimal => converts(F::ToDecimal, focus)?,
            F::ConvertsToText => converts(F::ToText, focus)?,
            F::ConvertsToDate => converts(F::ToDate, focus)?,
            F::ConvertsToDateTime => converts(F::ToDateTime, focus)?,
            F::ConvertsToTime => converts(F::ToTime, focus)?,
            F::ConvertsToQuantity => converts(F::ToQuantity, focus)?,
            F::Abs | F::Ceiling | F::Floor | F::Truncate | F::Round | F::Exp | F::Ln | F::Log | F::Power | F::Sqrt => match focus {
                [] => Vec::new(),
                [one] => {
                    let other = if arguments.is_empty() { Vec::new() } else { value(0)? };
                    math(function, &value_of(one), other.first().map(value_of).as_ref(), !arguments.is_empty())?.into_iter().collect()
                }
                _ => return Err(Stop),
            },
            F::Join => {
                let separator = if arguments.is_empty() { Cow::Borrowed("") } else { self.text(&value(0)?)?.unwrap_or_default() };
                let mut parts = Vec::with_capacity(focus.len());
                for item in focus {
                    match value_of(item) {
                        Item::Text(text) => parts.push(text),
                        _ => return Err(Stop),
                    }
                }
                if parts.is_empty() { Vec::new() } else { text_item(parts.join(&separator)) }
            }
            F::IndexOf
            | F::LastIndexOf
            | F::Substring
            | F::StartsWith
            | F::EndsWith
            | F::Contains
            | F::Upper
            | F::Lower
            | F::Replace
            | F::Matches
            | F::MatchesFull
            | F::ReplaceMatches
            | F::Length
            | F::ToChars
            | F::Trim
            | F::Split
            | F::Encode
            | F::Decode
            | F::Escape
            | F::Unescape => match self.text(focus)? {
                None => Vec::new(),
                Some(text) => {
                    let mut given = Vec::with_capacity(arguments.len());
                    for n in 0..arguments.len() {
                        given.push(value(n)?);
                    }
                    self.strings(function, text, &given, pattern, arguments)?
                }
            },
            F::Children => {
                let mut found = Vec::new();
                for item in focus {
                    if let Item::Node(node) = item {
                        node.all_children(self.env.definitions, &mut found);
                    }
                }
                self.step(found.len())?;
                found.into_iter().map(Item::Node).collect()
            }
            F::Descendants => {
                let mut out = Vec::new();
                let mut open: Vec<Node<'a>> =
                    focus.iter().rev().filter_map(|i| if let Item::Node(n) = i { Some(*n) } else { None }).collect();
                let mut inner = Vec::new();
                while let Some(node) = open.pop() {
                    node.all_children(self.env.definitions, &mut inner);
                    self.step(inner.len() + 1)?;
                    out.extend(inner.iter().copied().map(Item::Node));
                    open.extend(inner.drain(..).rev());
                }
                out
            }
            F::Trace => focus.to_vec(),
            // A judge has no clock.
            F::Now | F::Today | F::TimeOfDay => return Err(Stop),
            F::Type => focus
                .iter()
                .map(|item| match item {
                    Item::Node(node) => Item::Type("FHIR", Cow::Borrowed(node.of)),
                    other => Item::Type("System", Cow::Borrowed(system_type(other))),
                })
                .collect(),
            F::Extension => {
                let url = self.text(&value(0)?)?;
                let Some(url) = url else { return Ok(Vec::new()) };
                let mut found = Vec::new();
                for item in focus {
                    if let Item::Node(node) = item {
                        node.children(self.env.definitions, "extension", &mut found);
                    }
                }
                found.into_iter().filter(|n| n.text("url") == Some(&*url)).map(Item::Node).collect()
            }
            F::HasValue => match focus {
                [Item::Node(node)] => bool_item(node.is_primitive() && !node.value.is_null() && !node.value.is_object()),
                [_] => bool_item(true),
                _ => bool_item(false),
            },
            F::GetValue => match focus {
                [Item::Node(node)] if !node.is_primitive() => Vec::new(),
                [one] => match value_of(one) {
                    Item::Node(_) => Vec::new(),
                    value => vec![value],
                },
                _ => Vec::new(),
            },
            F::Resolve => {
                let mut out = Vec::new();
                for item in focus {
                    if let Some(reference) = reference_of(item) {
                        // What is not at hand cannot be judged, so an invariant about it has no answer.
                        let node = self.env.around.resolve(self.env.root, &reference).ok_or(Stop)?;
                        out.push(Item::Node(node));
                    }
                }
                out
            }
            F::MemberOf => match (focus, self.text(&value(0)?)?) {
                ([Item::Node(node)], Some(set)) => bool_item(self.env.around.member_of(*node, &set).ok_or(Stop)?),
                ([], _) => Vec::new(),
                _ => return Err(Stop),
            },
            F::ConformsTo => match (focus, self.text(&value(0)?)?) {
                ([Item::Node(node)], Some(profile)) => bool_item(self.env.around.conforms(*node, &profile).ok_or(Stop)?),
                ([], _) => Vec::new(),
                _ => return Err(Stop),
            },
            F::HtmlChecks => bool_item(focus.iter().all(|item| text_of(item).is_none_or(|text| narrative::faults(&text).is_empty()))),
            F::LowBoundary | F::HighBoundary => {
                let digits = if arguments.is_empty() { None } else { self.whole(&value(0)?)? };
                match focus {
                    [] => Vec::new(),
                    [one] => boundary(&value_of(one), digits, function == F::HighBoundary)?.into_iter().collect(),
                    _ => return Err(Stop),
                }
            }
            F::Precision => match focus {
                [] => Vec::new(),
                [one] => vec![Item::Int(match value_of(one) {
                    Item::Decimal(d) => i64::from(d.scale()),
                    Item::Int(_) => 0,
                    Item::Temporal(t) => temporal_digits(&t),
                    _ => return Err(Stop),
                })],
                _ => return Err(Stop),
            },
            F::Comparable => {
                let other = value(0)?;
                match (focus.first().map(value_of), other.first().map(value_of)) {
                    (Some(Item::Quantity(_, a)), Some(Item::Quantity(_, b))) => {
                        bool_item(a == b || (a.len() < 100 && b.len() < 100 && octofhir_ucum::is_comparable(&a, &b).unwrap_or(false)))
                    }
                    (None, _) | (_, None) => Vec::new(),
                    _ => return Err(Stop),
                }
            }
            F::Aggregate => {
                let mut total = if arguments.len() > 1 { value(1)? } else { Vec::new() };
                for (n, item) in focus.iter().enumerate() {
                    let items = std::slice::from_ref(item);
                    let inner = Scope { focus: items, index: i64::try_from(n).ok(), total: Some(&total) };
                    total = self.eval(argument(0)?, items, inner)?;
                }
                total
            }
            F::Sort => {
                let mut keyed = Vec::with_capacity(focus.len());
                for (n, item) in focus.iter().enumerate() {
                    let items = std::slice::from_ref(item);
                    let mut keys = Vec::new();
                    for argument in arguments {
                        let (negative, expr) = match argument {
                            Expr::Negate(inner) => (true, &**inner),
                            other => (false, other),
                        };
                        let inner = Scope { focus: items, index: i64::try_from(n).ok(), total: scope.total };
                        keys.push((negative, self.eval(expr, items, inner)?.first().map(value_of)));
                    }
                    if keys.is_empty() {
                        keys.push((false, Some(value_of(item))));
                    }
                    keyed.push((keys, item.clone()));
                }
                keyed.sort_by(|(a, _), (b, _)| {
                    for ((down, x), (_, y)) in a.iter().zip(b) {
                        let order = match (x, y) {
                            (Some(x), Some(y)) => super::values::compare(x, y).ok().flatten().unwrap_or(Ordering::Equal),
                            (None, Some(_)) => Ordering::Less,
                            (Some(_), None) => Ordering::Greater,
                            (None, None) => Ordering::Equal,
                        };
                        if order != Ordering::Equal {
                            return if *down { order.reverse() } else { order };
                        }
                    }
                    Ordering::Equal
                });
                keyed.into_iter().map(|(_, item)| item).collect()
            }
            F::ElementDefinition | F::Slice | F::CheckModifiers | F::Subsumes | F::SubsumedBy => return Err(Stop),
        })
    }

    /// The one text of a collection.
    fn text(&self, items: &[Item<'a>]) -> std::result::Result<Option<Cow<'a, str>>, Stop> {
        match items {
            [] => Ok(None),
            [one] => match value_of(one) {
                Item::Text(text) => Ok(Some(text)),
                // Dates and the like of FHIR are texts to the functions of texts.
                Item::Temporal(_) if matches!(one, Item::Node(_)) => text_of(one).map(Some).ok_or(Stop),
                _ => Err(Stop),
            },
            _ => Err(Stop),
        }
    }

    fn whole(&self, items: &[Item<'a>]) -> std::result::Result<Option<i64>, Stop> {
        match items {
            [] => Ok(None),
            [one] => match value_of(one) {
                Item::Int(n) => Ok(Some(n)),
                _ => Err(Stop),
            },
            _ => Err(Stop),
        }
    }

    fn strings(
        &self,
        function: Function,
        text: Cow<'a, str>,
        given: &[Items<'a>],
        pattern: &'a OnceLock<Option<Regex>>,
        arguments: &'a [Expr],
    ) -> Result<'a> {
        use Function as F;
        self.step(text.len() / 64)?;
        let argument =
            |n: usize| -> std::result::Result<Option<Cow<'a, str>>, Stop> { given.get(n).map_or(Ok(None), |items| self.text(items)) };
        let pattern = |full: bool, flags: bool| -> std::result::Result<Option<Cow<'a, Regex>>, Stop> {
            let Some(source) = argument(0)? else { return Ok(None) };
            let flags = if flags { argument(arguments.len() - 1)? } else { None };
            // A pattern that is written in the expression is compiled once.
            if matches!(arguments.first(), Some(Expr::Text(_))) {
                let made = pattern.get_or_init(|| compile(&source, full, flags.as_deref().unwrap_or_default()));
                return made.as_ref().map(|r| Some(Cow::Borrowed(r))).ok_or(Stop);
            }
            compile(&source, full, flags.as_deref().unwrap_or_default()).map(|r| Some(Cow::Owned(r))).ok_or(Stop)
        };
        Ok(match function {
            F::Length => vec![Item::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))],
            F::Upper => text_item(text.to_uppercase()),
            F::Lower => text_item(text.to_lowercase()),
            F::Trim => text_item(text.trim().to_owned()),
            F::ToChars => text.chars().map(|c| Item::Text(Cow::Owned(c.to_string()))).collect(),
            F::StartsWith => argument(0)?.map(|a| Item::Bool(text.starts_with(&*a))).into_iter().collect(),
            F::EndsWith => argument(0)?.map(|a| Item::Bool(text.ends_with(&*a))).into_iter().collect(),
            F::Contains => argument(0)?.map(|a| Item::Bool(text.contains(&*a))).into_iter().collect(),
            F::IndexOf | F::LastIndexOf => match argument(0)? {
                None => Vec::new(),
                Some(part) => {
                    let found = if function == F::IndexOf { text.find(&*part) } else { text.rfind(&*part) };
                    let at = found.and_then(|at| text.get(..at)).map_or(-1, |before| i64::try_from(before.chars().count()).unwrap_or(-1));
                    vec![Item::Int(at)]
                }
            },
            F::Substring => {
                let Some(start) = self.whole(given.first().map_or(&[], Vec::as_slice))? else { return Ok(Vec::new()) };
                let length = match given.get(1) {
                    Some(items) => match self.whole(items)? {
                        Some(n) => usize::try_from(n).unwrap_or(0),
                        None => usize::MAX,
                    },
                    None => usize::MAX,
                };
                let Ok(start) = usize::try_from(start) else { return Ok(Vec::new()) };
                if start >= text.chars().count() {
                    return Ok(Vec::new());
                }
                text_item(text.chars().skip(start).take(length).collect::<String>())
            }
            F::Replace => match (argument(0)?, argument(1)?) {
                (Some(from), Some(to)) if text.len().saturating_mul(to.len() + 1) < 1 << 24 => text_item(text.replace(&*from, &to)),
                (Some(_), Some(_)) => return Err(Stop),
                _ => Vec::new(),
            },
            F::Matches => pattern(false, arguments.len() > 1)?.map(|p| Item::Bool(p.is_match(&text))).into_iter().collect(),
            F::MatchesFull => pattern(true, arguments.len() > 1)?.map(|p| Item::Bool(p.is_match(&text))).into_iter().collect(),
            F::ReplaceMatches => match (pattern(false, arguments.len() > 2)?, argument(1)?) {
                (Some(pattern), Some(to)) => {
                    if pattern.as_str().is_empty() {
                        return Ok(text_item(text));
                    }
                    let to = regex_replacement(&to);
                    text_item(pattern.replace_all(&text, to.as_str()).into_owned())
                }
                _ => Vec::new(),
            },
            F::Split => match argument(0)? {
                Some(separator) if separator.is_empty() => text.chars().map(|c| Item::Text(Cow::Owned(c.to_string()))).collect(),
                Some(separator) => text.split(&*separator).map(|part| Item::Text(Cow::Owned(part.to_owned()))).collect(),
                None => Vec::new(),
            },
            F::Encode | F::Decode => {
                let encode = function == F::Encode;
                match argument(0)?.as_deref() {
                    None => Vec::new(),
                    Some("hex") if encode => text_item(text.bytes().map(|b| format!("{b:02x}")).collect::<String>()),
                    Some("hex") => {
                        let digits: Option<Vec<u8>> =
                            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect();
                        text_item(digits.and_then(|d| String::from_utf8(d).ok()).ok_or(Stop)?)
                    }
                    Some(kind @ ("base64" | "urlbase64")) => {
                        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
                        let engine = if kind == "base64" { &STANDARD } else { &URL_SAFE };
                        if encode {
                            text_item(engine.encode(text.as_bytes()))
                        } else {
                            text_item(engine.decode(text.as_bytes()).ok().and_then(|d| String::from_utf8(d).ok()).ok_or(Stop)?)
                        }
                    }
                    Some(_) => return Err(Stop),
                }
            }
            F::Escape => match argument(0)?.as_deref() {
                Some("html") => text_item(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")),
                Some("json") => {
                    let quoted = Value::String(text.into_owned()).to_string();
                    text_item(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned())
                }
                _ => return Err(Stop),
            },
            F::Unescape => match argument(0)?.as_deref() {
                Some("html") => text_item(text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")),
                Some("json") => text_item(serde_json::from_str::<String>(&format!("\"{text}\"")).map_err(|_| Stop)?),
                _ => return Err(Stop),
            },
            _ => return Err(Stop),
        })
    }
}
