//! Rules about names and about dates; rulesets differ in them, so none is chosen by itself.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::operations::offered;
use super::{Desk, is_http, is_swagger};
use crate::api::description::{ParameterPlace, SchemeKind, Spot};
use crate::verdict::Untrusted;

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|p| p.is_match(text))
}

static CAMEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[$_@]?[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)*\z").ok());
static QUERY_CAMEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\$?[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)*\z").ok());
static SNAKE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[$_@]?[a-z][a-z0-9]*(?:_[a-z0-9]+)*\z").ok());
static PASCAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[A-Z][A-Za-z0-9]*\z").ok());
static KEBAB_SEGMENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A(?:_?[a-z0-9]+(?:[.-][a-z0-9]+)*|\{[^{}]+\})\z").ok());
static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[A-Z][A-Za-z0-9]*(?:-[A-Z0-9][A-Za-z0-9]*)*\z").ok());

pub(super) fn paths_kebab_case(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let paths = desk.description.root().get("paths").and_then(Value::as_object);
    for (path, _) in paths.into_iter().flatten().filter(|(path, _)| path.starts_with('/')) {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        // Only what is done with a thing, the last segment, may begin with `_`.
        let bad = |(index, s): &(usize, &str)| !fits(&KEBAB_SEGMENT, s) || (s.starts_with('_') && index + 1 < segments.len());
        if let Some((_, bad)) = segments.iter().copied().enumerate().find(bad) {
            desk.at(&Spot::root("/paths").child(path), "a segment of the path is not lower case with hyphens").observed =
                Some(Untrusted::new(bad));
        }
    }
}

pub(super) fn paths_no_extension(desk: &mut Desk<'_>) {
    static EXTENSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\.(?i:json|xml|html|csv|php|aspx?|jsp)(?:/|\z)").ok());
    if !is_http(desk) {
        return;
    }
    let paths = desk.description.root().get("paths").and_then(Value::as_object);
    for (path, _) in paths.into_iter().flatten() {
        let document = path.ends_with("/openapi.json") || path.ends_with("/openapi.yaml");
        if !document && EXTENSION.as_ref().is_some_and(|e| e.is_match(path)) {
            desk.at(&Spot::root("/paths").child(path), "the path has a file name extension");
        }
    }
}

/// Names of query parameters, and of keys that are sent in the query.
fn query_names(desk: &Desk<'_>) -> std::collections::BTreeMap<Spot, String> {
    let parameters = offered(desk).flat_map(|o| &o.parameters).filter(|p| p.place == ParameterPlace::Query);
    let mut names: std::collections::BTreeMap<Spot, String> = parameters.map(|p| (p.spot.clone(), p.name.clone())).collect();
    for scheme in desk.description.schemes().values() {
        if let SchemeKind::QueryKey(name) = &scheme.kind {
            names.insert(scheme.spot.clone(), name.clone());
        }
    }
    names
}

pub(super) fn query_camel_case(desk: &mut Desk<'_>) {
    for (spot, name) in query_names(desk) {
        if !fits(&QUERY_CAMEL, &name) {
            desk.at(&spot.child("name"), "the name of the query parameter is not lowerCamelCase").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn query_snake_case(desk: &mut Desk<'_>) {
    for (spot, name) in query_names(desk) {
        if !fits(&SNAKE, &name) {
            desk.at(&spot.child("name"), "the name of the query parameter is not snake_case").observed = Some(Untrusted::new(&name));
        }
    }
}

fn header_names(desk: &Desk<'_>) -> std::collections::BTreeMap<Spot, String> {
    let sent =
        offered(desk).flat_map(|o| &o.parameters).filter(|p| p.place == ParameterPlace::Header).map(|p| (p.spot.clone(), p.name.clone()));
    let answered = offered(desk).flat_map(|o| &o.responses).flat_map(|r| &r.headers).map(|h| (h.spot.clone(), h.name.clone()));
    sent.chain(answered).collect()
}

pub(super) fn header_kebab_case(desk: &mut Desk<'_>) {
    for (spot, name) in header_names(desk) {
        if !fits(&HEADER, &name) && !matches!(name.as_str(), "ETag" | "WWW-Authenticate") {
            desk.at(&spot, "the name of the header field does not have capitals and hyphens").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn no_x_headers(desk: &mut Desk<'_>) {
    for (spot, name) in header_names(desk) {
        if name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-")) {
            desk.at(&spot, "the name of the header field begins with `X-`").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn schema_pascal_case(desk: &mut Desk<'_>) {
    let folder = Spot::root(if is_swagger(desk) { "/definitions" } else { "/components/schemas" });
    let names: Vec<String> =
        desk.description.value(&folder).and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
    for name in names {
        if !fits(&PASCAL, &name) {
            desk.at(&folder.child(&name), "the name of the schema is not UpperCamelCase").observed = Some(Untrusted::new(&name));
        }
    }
}

/// Visits every property of every schema.
fn each_property(desk: &mut Desk<'_>, mut judge: impl FnMut(&Spot, &str, &Value) -> Option<(Spot, String, String)>) {
    let mut found = Vec::new();
    desk.description.each_schema(&mut |spot, schema| {
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            found.extend(judge(&spot.path(&["properties", name]), name, property));
        }
    });
    for (spot, message, observed) in found {
        desk.at(&spot, message).observed = Some(Untrusted::new(&observed));
    }
}

pub(super) fn property_camel_case(desk: &mut Desk<'_>) {
    each_property(desk, |spot, name, _| {
        (!fits(&CAMEL, name)).then(|| (spot.clone(), "the name of the property is not lowerCamelCase".into(), name.to_owned()))
    });
}

pub(super) fn property_snake_case(desk: &mut Desk<'_>) {
    each_property(desk, |spot, name, _| {
        (!fits(&SNAKE, name)).then(|| (spot.clone(), "the name of the property is not snake_case".into(), name.to_owned()))
    });
}

/// Whether a name is written in one of the two styles and could not be in the other.
fn is_snake(name: &str) -> bool {
    name.trim_start_matches('_').contains('_')
}

fn is_camel(name: &str) -> bool {
    !name.contains('_') && fits(&CAMEL, name) && name.chars().any(char::is_uppercase)
}

pub(super) fn property_one_style(desk: &mut Desk<'_>) {
    let (mut snake, mut camel) = (0usize, 0usize);
    desk.description.each_schema(&mut |_, schema| {
        for (name, _) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            snake += usize::from(is_snake(name));
            camel += usize::from(is_camel(name));
        }
    });
    if snake == 0 || camel == 0 {
        return;
    }
    // The rarer style is told.
    let told: fn(&str) -> bool = if snake <= camel { is_snake } else { is_camel };
    let other = if snake <= camel { "lowerCamelCase" } else { "snake_case" };
    each_property(desk, |spot, name, _| {
        told(name).then(|| (spot.clone(), format!("the name is written in another style than most, which are {other}"), name.to_owned()))
    });
}

pub(super) fn paging_names(desk: &mut Desk<'_>) {
    let allowed = desk.parameters.paging_names.clone();
    for (spot, name) in query_names(desk) {
        let plain = name.to_ascii_lowercase().replace('-', "_");
        if super::responses::PAGING.contains(&plain.as_str()) && !allowed.contains(&name) {
            let finding = desk.at(&spot.child("name"), "the query parameter for paging has another name than the agreed ones");
            finding.observed = Some(Untrusted::new(&name));
            finding.expected = format!("one of {}", allowed.join(", "));
        }
    }
}

fn format_of(property: &Value) -> Option<&str> {
    property.get("format").and_then(Value::as_str)
}

pub(super) fn date_time_zone(desk: &mut Desk<'_>) {
    each_property(desk, |spot, _, property| {
        (format_of(property) == Some("date-time-local"))
            .then(|| (spot.child("format"), "the point in time has no time zone; use `date-time`".into(), "date-time-local".into()))
    });
}

pub(super) fn time_local(desk: &mut Desk<'_>) {
    each_property(desk, |spot, _, property| {
        (format_of(property) == Some("time"))
            .then(|| (spot.child("format"), "the time of day has a time zone without a date; use `time-local`".into(), "time".into()))
    });
}

/// Whether a name says that its value is a date: `date`, `birthDate`, `birth_date`, and in Dutch.
fn is_date_name(name: &str) -> bool {
    matches!(name, "date" | "datum") || ["Date", "_date", "_Date", "Datum", "_datum", "_Datum"].iter().any(|end| name.ends_with(end))
}

pub(super) fn dates_have_format(desk: &mut Desk<'_>) {
    each_property(desk, |spot, name, property| {
        let says = property.get("format").is_some() || ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| property.get(*key).is_some());
        (is_date_name(name) && !says)
            .then(|| (spot.clone(), "the property is a date and has no format; use `date`".into(), name.to_owned()))
    });
}

pub(super) fn dates_are_dates(desk: &mut Desk<'_>) {
    each_property(desk, |spot, name, property| {
        (is_date_name(name) && format_of(property) == Some("date-time"))
            .then(|| (spot.child("format"), "the property is a date and has the format of a point in time".into(), name.to_owned()))
    });
}
