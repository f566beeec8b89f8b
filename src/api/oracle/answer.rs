//! An answer as one of its operation: status, media type, header fields, schema.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Bench, Taint, Told, called, shown};
use crate::api::description::{Direction, Media, Operation, Response, Spot, Violation};
use crate::api::exchange::{ApiResponse, essence, is_json};
use crate::api::generate::reads_as;
use crate::api::plan::{PlannedRequest, Purpose};
use crate::verdict::Severity;

/// Statuses that any HTTP service may give and that few descriptions name.
const GENERIC: [u16; 11] = [405, 406, 408, 413, 414, 415, 417, 421, 431, 501, 503];

pub(super) fn judge(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: &Operation, truncated: bool) {
    // The answer to a method that the path does not have is no answer of this operation.
    if matches!(request.purpose, Purpose::OtherMethod { .. }) {
        return;
    }
    let Some(described) = operation.response(response.status) else {
        undocumented(bench, request, response, operation);
        return;
    };
    header_fields(bench, request, response, described);
    body(bench, request, response, operation, described, truncated);
}

fn undocumented(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: &Operation) {
    let status = response.status;
    // That a service fails is told as what it is, whether or not it is documented.
    if response.is_server_error() && status != 501 && status != 503 {
        return;
    }
    let known: Vec<String> = operation.responses.iter().map(|r| r.key.to_string()).collect();
    let told =
        Told::new(request, format!("one of the documented statuses {}", known.join(", ")), shown(response)).at(Some(&operation.spot));
    let generic = GENERIC.contains(&status);
    let told = if generic { told.weighing(Severity::Warning) } else { told };
    bench.tell("status-undocumented", status.to_string(), format!("{status} is not documented"), told);
}

fn header_fields(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, described: &Response) {
    for header in &described.headers {
        let name = header.name.to_ascii_lowercase();
        // OpenAPI 3: a header named Content-Type is ignored.
        if name == "content-type" {
            continue;
        }
        let Some(value) = response.header(&header.name) else {
            let (rule, what) = if header.required { ("header-missing", "required") } else { ("header-absent", "described") };
            let told = Told::new(request, format!("the header field `{}`", header.name), format!("{} without it", response.status))
                .at(Some(&header.spot));
            bench.tell(
                rule,
                format!("{name} {}", described.key),
                format!("the {what} header field `{}` is not sent with {}", header.name, described.key),
                told,
            );
            continue;
        };
        if let Some(schema) = &header.schema
            && reads_as(bench.description, schema, value, Direction::Response) == Some(false)
        {
            let told = Told::new(request, format!("a value of `{}` that fits its schema", header.name), value.to_owned()).at(Some(schema));
            bench.tell(
                "header-schema",
                format!("{name} {}", schema.pointer),
                format!("the header field `{}` does not fit its schema", header.name),
                told,
            );
        }
    }
}

fn body(
    bench: &mut Bench<'_>,
    request: &PlannedRequest,
    response: &ApiResponse,
    operation: &Operation,
    described: &Response,
    truncated: bool,
) {
    let bodiless = request.method == "HEAD" || matches!(response.status, 204 | 205 | 304);
    if bodiless {
        return;
    }
    let declared: Vec<&str> = described.content.iter().map(|m| m.media_type.as_str()).collect();
    if described.content.is_empty() {
        if !response.body.is_empty() {
            let told =
                Told::new(request, format!("no body, for {} describes none", described.key), shown(response)).at(Some(&described.spot));
            let key = format!("{} {}", operation.name, described.key);
            bench.tell(
                "body-undescribed",
                key,
                format!("{} {} has a body that is not described", called(Some(operation), request), response.status),
                told,
            );
        }
        return;
    }
    if response.body.is_empty() {
        let told = Told::new(request, format!("a body of {}", declared.join(" or ")), format!("{} without a body", response.status))
            .at(Some(&described.spot));
        let key = format!("empty {} {}", operation.name, described.key);
        bench.tell("response-schema", key, format!("{} {} has no body", called(Some(operation), request), response.status), told);
        return;
    }
    let media_type = response.media_type();
    let matching = media_type.as_deref().and_then(|media_type| described.content.iter().find(|m| matches(&m.media_type, media_type)));
    match (&media_type, matching) {
        (None, _) => {
            let told = Told::new(request, format!("a Content-Type of {}", declared.join(" or ")), shown(response));
            bench.tell("media-type-missing", "", "answers with a body do not say their media type", told);
        }
        (Some(media_type), None) => {
            let told =
                Told::new(request, format!("a Content-Type of {}", declared.join(" or ")), shown(response)).at(Some(&described.spot));
            let what = if response.status < 400 { "successes" } else { "errors" };
            bench.tell(
                "media-type-undocumented",
                format!("{media_type} {what}"),
                format!("{what} are answered as {media_type}, which is not documented"),
                told,
            );
        }
        (Some(_), Some(_)) => {}
    }
    // A wrong label does not hide what is in the body.
    let media = matching.or_else(|| described.content.iter().find(|m| is_json(&m.media_type)));
    if let (Some(media), false) = (media, truncated) {
        content(bench, request, response, operation, media, matching.is_some());
    }
}

/// Whether a declared media type or range covers one.
fn matches(declared: &str, media_type: &str) -> bool {
    let declared = essence(declared);
    if declared == "*/*" || declared == media_type {
        return true;
    }
    declared.strip_suffix("/*").is_some_and(|kind| media_type.split('/').next() == Some(kind))
}

fn content(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: &Operation, media: &Media, labelled: bool) {
    let actual = response.media_type().unwrap_or_default();
    let json_expected = is_json(&media.media_type) || is_json(&actual);
    let value = match response.json() {
        Some(value) => value,
        None if json_expected => {
            if labelled {
                let told = Told::new(request, "a body that is JSON", shown(response));
                bench.tell(
                    "body-unreadable",
                    operation.name.clone(),
                    format!("{}: the body is not JSON", called(Some(operation), request)),
                    told,
                );
            }
            return;
        }
        None => json!(String::from_utf8_lossy(&response.body)),
    };
    // Of what is not JSON only text as a whole can be held against a schema: no stream of events, no table.
    let is_text = media.schema.as_ref().is_some_and(|schema| {
        let flat = crate::api::generate::Flat::of(bench.description, std::slice::from_ref(schema), 0);
        flat.main_type() == "string" && flat.format.as_ref().is_none_or(|(format, _)| format != "binary")
    });
    let comparable = json_expected || (is_text && essence(&media.media_type).starts_with("text/"));
    if !comparable {
        return;
    }
    let value = if json_expected { value } else { json!(String::from_utf8_lossy(&response.body)) };
    let Some(schema) = &media.schema else { return };
    match bench.description.violations(schema, Direction::Response, &value) {
        Ok(violations) => {
            let mistyped: BTreeSet<String> = violations.iter().filter(|v| v.keyword == "type").map(|v| v.instance.clone()).collect();
            for violation in violations {
                // What is of the wrong type breaks every other keyword too.
                if violation.keyword != "type" && mistyped.contains(&violation.instance) {
                    continue;
                }
                if is_ours(bench, &violation, &value) {
                    continue;
                }
                let place = general(&violation.instance);
                let word = match violation.keyword.as_str() {
                    "x-probity-required-in-response" => "required",
                    "x-probity-absent-in-response" => "writeOnly",
                    other => other,
                };
                let key = match &violation.schema {
                    // Of several names that one list requires, each is a cause of its own.
                    Some(spot) => {
                        format!("{}#{} {}", spot.document, spot.pointer, if word == "required" { violation.message.as_str() } else { "" })
                    }
                    None => format!("{} {} {place} {word}", operation.name, response.status),
                };
                let shown_place = if place.is_empty() { "the body".to_owned() } else { format!("`{place}`") };
                let got = value.pointer(&violation.instance).map_or_else(String::new, short);
                let told =
                    Told::new(request, format!("{shown_place} as its schema says ({word})"), format!("{}: {got}", violation.message))
                        .at(violation.schema.as_ref());
                let told = if is_open(bench, &violation) { told.weighing(Severity::Warning) } else { told };
                bench.tell("response-schema", key, format!("{shown_place} in answers breaks its schema ({word})"), told);
            }
        }
        Err(why) => {
            bench.note(
                &operation.name,
                &format!("the schema of {} answers", response.status),
                &why,
                crate::api::plan::UntestedCause::Description,
            );
        }
    }
    // Problem details may be extended (RFC 9457, section 3.2).
    if !actual.starts_with("application/problem") {
        let mut found: BTreeSet<(String, String)> = BTreeSet::new();
        undeclared(bench, std::slice::from_ref(schema), &value, "", 0, &mut found);
        for (place, name) in found {
            // We sent it, and the service took it; that was told.
            if name == "probityUnknown" {
                continue;
            }
            let told = Told::new(
                request,
                "only properties that are described",
                format!("`{name}` in {}", if place.is_empty() { "the body" } else { &place }),
            )
            .at(Some(schema));
            bench.tell(
                "property-undeclared",
                format!("{} {place}/{name}", schema.pointer),
                format!("the property `{name}` is not described"),
                told,
            );
        }
    }
}

/// Whether a violation may be the description's fault as well: a format that JSON Schema takes as a remark
/// (only dates, times of day and UUIDs have one form), or one value that several of `oneOf` take.
fn is_open(bench: &Bench<'_>, violation: &Violation) -> bool {
    if violation.keyword == "oneOf" {
        return violation.message.contains("more than one");
    }
    let format = violation.schema.as_ref().and_then(|spot| bench.description.value(spot)).and_then(Value::as_str);
    violation.keyword == "format" && !format.is_some_and(|f| matches!(f, "date" | "date-time" | "uuid"))
}

/// Whether a violation is nothing but a wrong value of ours coming back.
fn is_ours(bench: &Bench<'_>, violation: &Violation, value: &Value) -> bool {
    let name = violation.instance.rsplit('/').find(|t| !t.is_empty() && !t.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default();
    let seen = value.pointer(&violation.instance);
    bench.taints.iter().any(|taint| match taint {
        Taint::Value(tainted, wrong) => {
            tainted == name && (seen == Some(wrong) || wrong.as_array().is_some_and(|items| seen.is_some_and(|s| items.contains(s))))
        }
        Taint::Missing(tainted) => violation.keyword.contains("required") && violation.message.contains(&format!("\"{tainted}\"")),
    })
}

/// An instance's pointer with `*` for indices.
fn general(pointer: &str) -> String {
    let parts: Vec<&str> =
        pointer.split('/').map(|t| if !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()) { "*" } else { t }).collect();
    parts.join("/")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 120 { format!("{}…", text.chars().take(120).collect::<String>()) } else { text }
}

/// What schemas together say about the properties of an object.
#[derive(Default)]
struct Described {
    properties: std::collections::BTreeMap<String, Vec<Spot>>,
    items: Vec<Spot>,
    /// More properties are allowed in words.
    open: bool,
}

/// Properties that no schema describes, where the schemas describe any.
fn undeclared(bench: &Bench<'_>, spots: &[Spot], value: &Value, at: &str, depth: usize, found: &mut BTreeSet<(String, String)>) {
    if depth > 12 {
        return;
    }
    let mut described = Described::default();
    let mut seen = BTreeSet::new();
    for spot in spots {
        gather(bench, spot, &mut described, &mut seen);
    }
    match value {
        Value::Object(map) => {
            for (name, sub) in map {
                match described.properties.get(name) {
                    Some(spots) => undeclared(bench, spots, sub, &format!("{at}/{name}"), depth + 1, found),
                    None if described.open || described.properties.is_empty() => {}
                    None => {
                        found.insert((at.to_owned(), name.clone()));
                    }
                }
            }
        }
        Value::Array(items) => {
            // Items are alike; a few of them tell.
            for item in items.iter().take(20) {
                undeclared(bench, &described.items, item, &format!("{at}/*"), depth + 1, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn gather(bench: &Bench<'_>, spot: &Spot, described: &mut Described, seen: &mut BTreeSet<Spot>) {
    if seen.len() > 200 || !seen.insert(spot.clone()) {
        return;
    }
    let Some(object) = bench.description.schema(spot).and_then(Value::as_object) else {
        return;
    };
    if let Some(target) =
        object.get("$ref").and_then(Value::as_str).and_then(|reference| bench.description.schema_target(spot.document, reference))
    {
        gather(bench, &target, described, seen);
    }
    for name in object.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(n, _)| n) {
        described.properties.entry(name.clone()).or_default().push(spot.path(&["properties", name]));
    }
    if object.contains_key("items") {
        described.items.push(spot.child("items"));
    }
    let opens = |key: &str| object.get(key).is_some_and(|v| v != &Value::Bool(false));
    described.open |= opens("additionalProperties") || opens("unevaluatedProperties") || object.contains_key("patternProperties");
    // `false` is the validator's to tell.
    described.open |= object.get("additionalProperties") == Some(&Value::Bool(false));
    for key in ["allOf", "anyOf", "oneOf"] {
        for index in 0..object.get(key).and_then(Value::as_array).map_or(0, Vec::len) {
            gather(bench, &spot.path(&[key, &index.to_string()]), described, seen);
        }
    }
    for key in ["if", "then", "else"] {
        if object.contains_key(key) {
            gather(bench, &spot.child(key), described, seen);
        }
    }
}
