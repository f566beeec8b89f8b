//! A document that the vendor hands in: there, readable by machine, and saying what it must say.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use time::Date;

use super::schema::Schema;
use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::document::{Source, push_token, tokens};
use crate::probe::ProbeError;
use crate::target::{Effect, day};
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Reads a document that the target file names under `documents`, a file or an address, and judges
/// what it says by a JSON Schema and by rules for single fields. What passes is graded `documented`:
/// the document says so; nobody looked whether it is so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// The document's name: the key under `documents` in the target file.
    name: String,
    /// What the document is, in a few words for people.
    asks: String,
    /// Whether only presence is judged, for documents that are for people to read.
    #[serde(default)]
    for_people: bool,
    /// A JSON Schema that a JSON or YAML document must keep.
    #[serde(default)]
    schema: Option<Schema>,
    /// Rules that a schema cannot express: dates, and agreement with the product that is assessed.
    #[serde(default)]
    fields: Vec<FieldRule>,
}

/// A rule for one field of a document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FieldRule {
    /// The field, as a JSON Pointer in which `*` stands for each item of a list or mapping.
    at: String,
    /// Whether the field may be absent; where it is there, it keeps the rule.
    #[serde(default)]
    optional: bool,
    /// What of the target file it must equal.
    #[serde(default)]
    same_as: Option<ProductField>,
    /// The words it may be.
    #[serde(default)]
    one_of: Vec<String>,
    /// The words that the fields must give together, for a pointer with `*`.
    #[serde(default)]
    together: Vec<String>,
    /// The words that the list must hold, each.
    #[serde(default)]
    includes: Vec<String>,
    /// The smallest number allowed.
    #[serde(default)]
    minimum: Option<f64>,
    /// The largest number allowed.
    #[serde(default)]
    maximum: Option<f64>,
    /// Whether it is a day, and which side of today it lies on.
    #[serde(default)]
    day: Option<DayRule>,
    /// The most days that may have passed since the day that it names.
    #[serde(default)]
    max_age_days: Option<u32>,
    /// The least years that it must lie after the day in another field.
    #[serde(default)]
    years_after: Option<YearsAfter>,
}

/// What a field must equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProductField {
    /// The product's name in the target file.
    ProductName,
    /// The product's version in the target file.
    ProductVersion,
    /// The product's model in the target file.
    ProductModel,
    /// The vendor's name in the target file.
    VendorName,
}

/// Which day a field names: `YYYY-MM-DD`, or a moment that begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DayRule {
    /// Any day.
    Any,
    /// Today or a day before.
    Past,
    /// Today or a day to come.
    Future,
}

/// A day that lies some years after another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct YearsAfter {
    /// The other field, as a JSON Pointer.
    at: String,
    /// How many years.
    years: u32,
}

impl Kind for Document {
    const NAME: &'static str = "document";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = DocumentSeen;

    async fn observe(&self, probes: &Probes) -> Result<DocumentSeen, ProbeError> {
        probes.document(&self.name).await
    }

    fn judge(&self, seen: &DocumentSeen, facts: &Facts<'_>) -> Verdict {
        let (location, text) = match seen.text(&self.name) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        if text.trim().is_empty() {
            return Verdict::failed(format!("{}: the document is empty", self.asks));
        }
        if self.for_people {
            return Verdict::passed(format!("{}: the document is there", self.asks)).note("its content is for people to judge");
        }
        let source = match Source::read(location, text.as_bytes()) {
            Ok(source) => source,
            Err(error) => {
                let finding = Finding::error("syntax", format!("it is neither JSON nor YAML: {}", error.message)).position(Some(error.position));
                return Verdict::from_findings(&[finding], &self.asks);
            }
        };
        if !matches!(source.value(), Value::Object(_) | Value::Array(_)) {
            return Verdict::from_findings(&[Finding::error("syntax", "it is plain text and holds no fields").expected("a JSON or YAML document with fields")], &self.asks);
        }
        let mut findings = self.schema.as_ref().map(|schema| schema.findings(&source)).unwrap_or_default();
        for rule in &self.fields {
            rule.judge(&source, facts, &mut findings);
        }
        for duplicate in source.duplicates() {
            findings.push(Finding::warning("duplicate-key", format!("the key `{}` stands twice; the last one counts", duplicate.key)).at(duplicate.object.clone()));
        }
        if self.schema.is_none() && self.fields.is_empty() {
            return Verdict::cant_tell(Cause::Bug, "the profile asks nothing of this document");
        }
        Verdict::from_findings(&findings, &self.asks)
    }
}

impl FieldRule {
    fn judge(&self, source: &Source, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        collect(source.value(), &tokens(&self.at).collect::<Vec<_>>(), &mut String::new(), &mut found);
        if found.is_empty() && !self.optional {
            // An empty list has no items that could break a rule; an absent list is absent.
            let listed = self.at.split("/*").next().unwrap_or_default();
            if !self.at.contains("/*") || source.value().pointer(listed).is_none() {
                findings.push(
                    Finding::error("missing", format!("`{}` is missing", self.at)).at(self.at.clone()).expected(format!("`{}` is given", self.at)),
                );
                return;
            }
        }
        if !self.together.is_empty() {
            let given: Vec<String> = found.iter().filter_map(|(_, value)| value.map(shown)).collect();
            for missing in self.together.iter().filter(|word| !given.contains(word)) {
                findings.push(Finding::error("together", format!("none of `{}` is `{missing}`", self.at)).at(self.at.clone()).expected(missing.clone()));
            }
        }
        for (pointer, value) in found {
            let Some(value) = value else {
                if !self.optional {
                    findings.push(Finding::error("missing", format!("`{pointer}` is missing")).at(pointer.clone()).expected(format!("`{pointer}` is given")));
                }
                continue;
            };
            if let Some((rule, expected)) = self.fault(value, source.value(), facts) {
                findings.push(
                    Finding::error(rule, format!("`{pointer}`: {expected}"))
                        .position(source.position(&pointer))
                        .at(pointer)
                        .expected(expected)
                        .observed(&shown(value)),
                );
            }
        }
    }

    /// The rule that the value breaks, and what is expected.
    fn fault(&self, value: &Value, whole: &Value, facts: &Facts<'_>) -> Option<(&'static str, String)> {
        let text = shown(value);
        if let Some(field) = self.same_as {
            let product = &facts.target.product;
            let (what, expected) = match field {
                ProductField::ProductName => ("product", product.name.as_str()),
                ProductField::ProductVersion => ("version", product.version.as_str()),
                ProductField::ProductModel => ("model", product.model.as_deref().unwrap_or_default()),
                ProductField::VendorName => ("vendor", product.vendor.name.as_str()),
            };
            if text != expected {
                return Some(("same-as", format!("the {what} that is assessed, {expected}")));
            }
        }
        if !self.one_of.is_empty() && !self.one_of.contains(&text) {
            return Some(("one-of", format!("one of {}", self.one_of.join(", "))));
        }
        if !self.includes.is_empty() {
            let words: Vec<String> = value.as_array().map(|items| items.iter().map(shown).collect()).unwrap_or_default();
            if let Some(missing) = self.includes.iter().find(|w| !words.contains(w)) {
                return Some(("includes", format!("a list with `{missing}` in it")));
            }
        }
        if self.minimum.is_some() || self.maximum.is_some() {
            let (least, most) = (self.minimum.unwrap_or(f64::NEG_INFINITY), self.maximum.unwrap_or(f64::INFINITY));
            if value.as_f64().is_none_or(|n| !(least..=most).contains(&n)) {
                let words = match (self.minimum, self.maximum) {
                    (Some(least), Some(most)) => format!("a number from {least} to {most}"),
                    (Some(least), None) => format!("a number of {least} or more"),
                    (None, Some(most)) => format!("a number of {most} or less"),
                    (None, None) => "a number".into(),
                };
                return Some(("range", words));
            }
        }
        self.day_fault(&text, whole, facts)
    }

    fn day_fault(&self, text: &str, whole: &Value, facts: &Facts<'_>) -> Option<(&'static str, String)> {
        if self.day.is_none() && self.max_age_days.is_none() && self.years_after.is_none() {
            return None;
        }
        let today = facts.now.date();
        let Some(named) = day_of(text) else { return Some(("day", "a day, written YYYY-MM-DD".into())) };
        match self.day {
            Some(DayRule::Past) if named > today => return Some(("day", format!("a day that has come by {today}"))),
            Some(DayRule::Future) if named < today => return Some(("day", format!("a day that has not passed on {today}"))),
            Some(DayRule::Past | DayRule::Future | DayRule::Any) | None => {}
        }
        if let Some(days) = self.max_age_days
            && (today - named).whole_days() > i64::from(days)
        {
            return Some(("age", format!("a day at most {days} days before {today}")));
        }
        if let Some(YearsAfter { at, years }) = &self.years_after {
            let Some(begin) = whole.pointer(at).map(shown).as_deref().and_then(day_of) else {
                return Some(("years-after", format!("a day in `{at}` to count from")));
            };
            let least = i32::try_from(*years).ok().and_then(|years| in_years(begin, years))?;
            if named < least {
                return Some(("years-after", format!("{least} or later, {years} years after `{at}`")));
            }
        }
        None
    }
}

/// Each value that a pointer with `*` leads to; none where the last step is missing.
fn collect<'a>(value: &'a Value, path: &[String], pointer: &mut String, found: &mut Vec<(String, Option<&'a Value>)>) {
    /// The most fields that one rule looks at, whatever a document holds.
    const MAX_FIELDS: usize = 10_000;
    if found.len() >= MAX_FIELDS {
        return;
    }
    let Some((first, rest)) = path.split_first() else {
        found.push((pointer.clone(), (!value.is_null()).then_some(value)));
        return;
    };
    let length = pointer.len();
    let mut step = |token: &str, value: &'a Value, found: &mut Vec<(String, Option<&'a Value>)>| {
        push_token(pointer, token);
        collect(value, rest, pointer, found);
        pointer.truncate(length);
    };
    match value {
        Value::Array(items) if first == "*" => items.iter().enumerate().for_each(|(i, item)| step(&i.to_string(), item, found)),
        Value::Object(map) if first == "*" => map.iter().for_each(|(key, item)| step(key, item, found)),
        Value::Array(items) => match first.parse::<usize>().ok().and_then(|i| items.get(i)) {
            Some(item) => step(first, item, found),
            None => absent(path, pointer, found),
        },
        Value::Object(map) => match map.get(first) {
            Some(item) => step(first, item, found),
            None => absent(path, pointer, found),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => absent(path, pointer, found),
    }
}

/// Notes a field that is not there; below a list that is not there, nothing is noted.
fn absent(path: &[String], pointer: &str, found: &mut Vec<(String, Option<&Value>)>) {
    if !path.iter().any(|token| token == "*") {
        let mut pointer = pointer.to_owned();
        path.iter().for_each(|token| push_token(&mut pointer, token));
        found.push((pointer, None));
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The day that a text names: `YYYY-MM-DD`, or a moment that begins with it.
fn day_of(text: &str) -> Option<Date> {
    match text.get(10..) {
        None | Some("") => day(text),
        Some(rest) if rest.starts_with(['T', 't', ' ']) => day(text.get(..10)?),
        Some(_) => None,
    }
}

/// The same day some years on; 29 February becomes 28 February.
fn in_years(date: Date, years: i32) -> Option<Date> {
    let year = date.year().checked_add(years)?;
    date.replace_year(year).or_else(|_| Date::from_calendar_date(year, time::Month::February, 28)).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(check: &str, text: &str) -> Verdict {
        let check: Document = kind(check);
        let seen = DocumentSeen::Read { location: "m.yaml".into(), text: text.into(), sha256: "0".repeat(64) };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }
    fn outcome(check: &str, text: &str) -> Outcome {
        judge(check, text).outcome
    }

    #[test]
    fn what_is_not_handed_in_is_untested_and_what_cannot_be_read_cannot_be_told() {
        let check: Document = kind("{name: m, asks: the manifest, schema: {type: object}}");
        let facts_target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &facts_target, endpoint: None };
        assert_eq!(check.judge(&DocumentSeen::NotNamed, &facts).outcome, Outcome::Untested);
        let unreadable = DocumentSeen::Unreadable { location: "m".into(), why: "no such file".into() };
        assert_eq!(check.judge(&unreadable, &facts).outcome, Outcome::CantTell);
        let fetched = |status| DocumentSeen::Answered { location: "https://api.test/m".into(), answer: Box::new(answer(status, &[], "a: 1")), stopped: None };
        assert_eq!(check.judge(&fetched(200), &facts).outcome, Outcome::Passed);
        assert_eq!(check.judge(&fetched(404), &facts).outcome, Outcome::Failed);
        assert_eq!(check.judge(&fetched(503), &facts).outcome, Outcome::CantTell);
    }

    #[test]
    fn schemas_and_syntax_fail_with_their_reason() {
        let check = "{name: m, asks: the manifest, schema: {type: object, required: [a]}}";
        assert_eq!(outcome(check, "a: 1"), Outcome::Passed);
        assert!(judge(check, "b: 1").reason.contains("`/a` is missing"));
        assert!(judge(check, "{\"a\": ").reason.contains("neither JSON nor YAML"));
        assert!(judge(check, "hello").reason.contains("holds no fields"));
        assert_eq!(outcome(check, "  \n"), Outcome::Failed);
        assert_eq!(outcome("{name: m, asks: the report, for-people: true}", "hello"), Outcome::Passed);
    }

    #[test]
    fn fields_keep_their_rules() {
        for (rule, good, bad) in [
            ("{at: /v, same-as: product-version}", "v: 2.1.0", "v: 2.1"),
            ("{at: /v, same-as: product-name}", "v: Bell", "v: Ball"),
            ("{at: /v, one-of: [a, b]}", "v: b", "v: c"),
            ("{at: /v, includes: [en, de]}", "v: [de, en, pl]", "v: [en]"),
            ("{at: /v, minimum: 99.5}", "v: 99.9", "v: 99"),
            ("{at: /v, maximum: 30}", "v: 30", "v: many"),
            ("{at: /v, day: past}", "v: 2026-11-22", "v: 2026-11-23"),
            ("{at: /v, day: future}", "v: '2026-11-22T10:00:00Z'", "v: 2026-11-21"),
            ("{at: /v, day: any}", "v: 2020-02-29", "v: 2021-02-29"),
            ("{at: /v, max-age-days: 365}", "v: 2025-11-22", "v: 2025-11-21"),
            ("{at: /v, years-after: {at: /w, years: 5}}", "v: 2029-02-28\nw: 2024-02-29", "v: 2029-02-27\nw: 2024-02-29"),
            ("{at: /v, years-after: {at: /w, years: 5}}", "v: 2029-02-28\nw: 2024-02-29", "v: 2029-02-27"),
            ("{at: '/v/*/x', one-of: [a]}", "v: [{x: a}, {x: a}]", "v: [{x: a}, {y: a}]"),
            ("{at: '/v/*/x', one-of: [a]}", "v: []", "w: []"),
            ("{at: '/v/*/x', together: [a, b]}", "v: [{x: b}, {x: c}, {x: a}]", "v: [{x: a}, {x: c}]"),
            ("{at: '/v/*/x', together: [a]}", "v: [{x: a}]", "v: []"),
            ("{at: '/v/*/x', optional: true, one-of: [a]}", "v: [{y: a}]", "v: [{x: b}]"),
        ] {
            let check = format!("{{name: m, asks: m, fields: [{rule}]}}");
            assert_eq!(outcome(&check, good), Outcome::Passed, "{rule} {good}");
            assert_eq!(outcome(&check, bad), Outcome::Failed, "{rule} {bad}");
        }
        assert_eq!(outcome("{name: m, asks: m, fields: [{at: /v, day: past}]}", "v: null"), Outcome::Failed);
        assert_eq!(outcome("{name: m, asks: m, fields: [{at: /v, optional: true, day: past}]}", "w: 1"), Outcome::Passed);
    }

    #[test]
    fn hostile_documents_end_in_words() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        let verdict = judge("{name: m, asks: m, schema: {type: object}}", &deep);
        assert_eq!(verdict.outcome, Outcome::Failed);
        let verdict = judge("{name: m, asks: m, fields: [{at: /v, one-of: [a]}]}", "v: \"\\e[2J\"");
        assert!(!serde_json::to_string(&verdict).unwrap().contains('\u{1b}'));
    }
}
