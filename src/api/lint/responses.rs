//! Rules about what operations answer.

use std::collections::BTreeSet;

use serde_json::Value;

use super::operations::{called, offered};
use super::{Desk, is_http, is_swagger};
use crate::api::description::{Operation, Response, ResponseKey, Spot};
use crate::api::exchange::{essence, is_json};
use crate::verdict::Untrusted;

fn is_success(key: ResponseKey) -> bool {
    matches!(key, ResponseKey::Code(200..=299) | ResponseKey::Range(2))
}

fn is_redirection(key: ResponseKey) -> bool {
    matches!(key, ResponseKey::Code(300..=399) | ResponseKey::Range(3))
}

fn is_error(key: ResponseKey) -> bool {
    matches!(key, ResponseKey::Code(400..=599) | ResponseKey::Range(4 | 5) | ResponseKey::Default)
}

/// Responses once each, with the first operation that has them.
fn each(desk: &mut Desk<'_>, which: fn(ResponseKey) -> bool, mut judge: impl FnMut(&mut Desk<'_>, &Operation, &Response)) {
    let mut told = BTreeSet::new();
    for operation in offered(desk) {
        for response in operation.responses.iter().filter(|r| which(r.key)) {
            if told.insert(response.spot.clone()) {
                judge(desk, operation, response);
            }
        }
    }
}

pub(super) fn success(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        let documented = operation.responses.iter().any(|r| is_success(r.key) || is_redirection(r.key) || r.key == ResponseKey::Code(101));
        if !documented {
            desk.at(&operation.spot.child("responses"), format!("{} documents no success", called(operation))).expected =
                "a response 2xx".into();
        }
    }
}

pub(super) fn error(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if !operation.responses.iter().any(|r| is_error(r.key)) {
            let finding = desk.at(&operation.spot.child("responses"), format!("{} documents no error", called(operation)));
            finding.expected = "a response 4xx, 5xx or `default`".into();
        }
    }
}

fn without_schema(desk: &mut Desk<'_>, response: &Response, what: &str) {
    for media in &response.content {
        let value = desk.description.value(&media.spot);
        // Files and streams have no schema of their whole.
        let file = is_swagger(desk) && value.and_then(|v| v.pointer("/schema/type")).and_then(Value::as_str) == Some("file");
        let stream = value.is_some_and(|v| v.get("itemSchema").is_some());
        let essence = essence(&media.media_type);
        let binary = essence == "application/octet-stream" || ["image/", "audio/", "video/"].iter().any(|p| essence.starts_with(p));
        if media.schema.is_none() && !file && !stream && !binary {
            desk.at(&media.spot, format!("{what} {} has no schema", response.key)).observed = Some(Untrusted::new(&media.media_type));
        }
    }
    // Swagger 2.0 writes no media type where there is no schema; the body is told by examples only.
    if response.content.is_empty()
        && desk.description.value(&response.spot).is_some_and(|v| v.get("examples").is_some_and(Value::is_object))
    {
        desk.at(&response.spot, format!("{what} {} has examples and no schema", response.key));
    }
}

pub(super) fn success_schema(desk: &mut Desk<'_>) {
    each(desk, is_success, |desk, operation, response| {
        without_schema(desk, response, "the success");
        // A GET whose success says nothing about its body tells its reader nothing.
        if operation.method == "GET"
            && response.content.is_empty()
            && matches!(response.key, ResponseKey::Code(200) | ResponseKey::Range(2))
        {
            desk.at(&response.spot, format!("the success {} of {} describes no body", response.key, called(operation)));
        }
    });
}

pub(super) fn error_schema(desk: &mut Desk<'_>) {
    each(desk, is_error, |desk, _, response| {
        without_schema(desk, response, "the error");
        let value = desk.description.value(&response.spot);
        if response.content.is_empty() && value.is_some_and(|v| v.get("examples").is_none()) {
            desk.at(&response.spot, format!("the error {} describes no body", response.key));
        }
    });
}

pub(super) fn no_content(desk: &mut Desk<'_>) {
    each(
        desk,
        |key| matches!(key, ResponseKey::Code(204 | 205 | 304)),
        |desk, _, response| {
            if !response.content.is_empty() {
                desk.at(&response.spot, format!("{} cannot have a body, and one is described", response.key));
            }
        },
    );
}

fn missing(desk: &mut Desk<'_>, operation: &Operation, code: u16) {
    if operation.response(code).is_none() {
        desk.at(&operation.spot.child("responses"), format!("{} does not document {code}", called(operation))).expected =
            format!("a response {code}");
    }
}

pub(super) fn unauthorized(desk: &mut Desk<'_>) {
    for operation in offered(desk).filter(|o| o.needs_credential()) {
        missing(desk, operation, 401);
    }
}

pub(super) fn not_found(desk: &mut Desk<'_>) {
    for operation in offered(desk).filter(|o| o.path.contains('{')) {
        missing(desk, operation, 404);
    }
}

pub(super) fn invalid_input(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        let reads = matches!(operation.method.as_str(), "GET" | "DELETE");
        let writes = matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH");
        let stated = operation.responses.iter().any(|r| r.key == ResponseKey::Code(400));
        if !stated && (writes || (reads && !operation.parameters.is_empty())) {
            let finding =
                desk.at(&operation.spot.child("responses"), format!("{} takes input and does not document 400", called(operation)));
            finding.expected = "a response 400".into();
        }
    }
}

fn is_problem(media_type: &str) -> bool {
    matches!(essence(media_type).as_str(), "application/problem+json" | "application/problem+xml")
}

pub(super) fn problem_details(desk: &mut Desk<'_>) {
    each(
        desk,
        |key| is_error(key) && key != ResponseKey::Default,
        |desk, _, response| {
            // FHIR has an error format of its own.
            let fhir = response.content.iter().any(|m| essence(&m.media_type).starts_with("application/fhir"));
            if !response.content.is_empty() && !fhir && !response.content.iter().any(|m| is_problem(&m.media_type)) {
                let finding =
                    desk.at(&response.spot.child("content"), format!("the error {} is not a problem details document", response.key));
                finding.expected = "`application/problem+json` or `application/problem+xml`".into();
                let shown: Vec<&str> = response.content.iter().map(|m| m.media_type.as_str()).collect();
                finding.observed = Some(Untrusted::new(&shown.join(", ")));
            }
        },
    );
}

/// The names of the properties of a schema, through references and `allOf`.
pub(super) fn property_names(desk: &Desk<'_>, spot: &Spot) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut pending = vec![spot.clone()];
    let mut seen = BTreeSet::new();
    while let Some(spot) = pending.pop() {
        if !seen.insert(spot.clone()) || seen.len() > 200 {
            continue;
        }
        let Some(schema) = desk.description.schema(&spot) else { continue };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
            && let Some(target) = desk.description.schema_target(spot.document, reference)
        {
            pending.push(target);
        }
        names.extend(schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()));
        for key in ["allOf", "oneOf", "anyOf"] {
            let count = schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            pending.extend((0..count).map(|index| spot.path(&[key, &index.to_string()])));
        }
    }
    names
}

pub(super) fn problem_members(desk: &mut Desk<'_>) {
    let mut told = BTreeSet::new();
    each(
        desk,
        |key| is_error(key) && key != ResponseKey::Default,
        |desk, _, response| {
            for media in response.content.iter().filter(|m| is_problem(&m.media_type)) {
                let Some(schema) = &media.schema else { continue };
                let names = property_names(desk, schema);
                let missing: Vec<String> = desk.parameters.problem_members.iter().filter(|m| !names.contains(*m)).cloned().collect();
                if !missing.is_empty() && told.insert(schema.clone()) {
                    let finding = desk.at(schema, format!("the problem details have no `{}`", missing.join("`, `")));
                    finding.expected = format!("`{}`", missing.join("`, `"));
                }
            }
        },
    );
}

pub(super) fn created_location(desk: &mut Desk<'_>) {
    each(
        desk,
        |key| key == ResponseKey::Code(201),
        |desk, operation, response| {
            if operation.method == "POST" && !response.headers.iter().any(|h| h.name.eq_ignore_ascii_case("location")) {
                desk.at(&response.spot, "201 does not document where the created thing is").expected = "the header field `Location`".into();
            }
        },
    );
}

pub(super) fn version_header(desk: &mut Desk<'_>) {
    let name = desk.parameters.version_header.clone();
    each(
        desk,
        |key| is_success(key) || is_redirection(key),
        |desk, _, response| {
            if !response.headers.iter().any(|h| h.name.eq_ignore_ascii_case(&name)) {
                let spot = response.spot.child("headers");
                let finding = desk.at(&spot, format!("the response {} does not tell the version of the API", response.key));
                finding.expected = format!("the header field `{name}`");
            }
        },
    );
}

/// Names of query parameters that page.
pub(crate) const PAGING: [&str; 24] = [
    "page",
    "pagenumber",
    "page_number",
    "pageno",
    "page[number]",
    "page[size]",
    "pagesize",
    "page_size",
    "perpage",
    "per_page",
    "limit",
    "size",
    "offset",
    "skip",
    "top",
    "$top",
    "$skip",
    "start",
    "startindex",
    "count",
    "_count",
    "cursor",
    "after",
    "pagetoken",
];

pub(super) fn pagination(desk: &mut Desk<'_>) {
    for operation in offered(desk).filter(|o| o.method == "GET" && !o.path.ends_with('}')) {
        let list = operation.responses.iter().filter(|r| is_success(r.key)).find_map(|r| {
            r.content.iter().filter(|m| is_json(&m.media_type)).filter_map(|m| m.schema.clone()).find(|s| is_list(desk, s)).map(|s| (r, s))
        });
        let Some((response, schema)) = list else { continue };
        let by_parameter = operation.parameters.iter().any(|p| {
            let name = p.name.to_ascii_lowercase().replace('-', "_");
            PAGING.contains(&name.as_str()) || name.contains("cursor") || name.contains("page")
        });
        let by_header = response.headers.iter().any(|h| h.name.eq_ignore_ascii_case("link"));
        let by_member = property_names(desk, &schema).iter().any(|n| n.to_ascii_lowercase().contains("next"));
        if !by_parameter && !by_header && !by_member {
            desk.at(&operation.spot, format!("{} answers with a list and documents no way to page", called(operation)));
        }
    }
}

/// The schema that references lead to.
fn followed(desk: &Desk<'_>, spot: &Spot) -> Option<Spot> {
    let mut spot = spot.clone();
    for _ in 0..16 {
        let schema = desk.description.schema(&spot)?;
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => spot = desk.description.schema_target(spot.document, reference)?,
            None => return Some(spot),
        }
    }
    None
}

pub(super) fn list_in_object(desk: &mut Desk<'_>) {
    each(desk, is_success, |desk, _, response| {
        for media in response.content.iter().filter(|m| is_json(&m.media_type)) {
            let list =
                media.schema.as_ref().and_then(|s| followed(desk, s)).filter(|s| {
                    desk.description.schema(s).is_some_and(|schema| schema.get("type").and_then(Value::as_str) == Some("array"))
                });
            if list.is_some() {
                let finding =
                    desk.at(&media.spot.child("schema"), format!("the success {} is a list, to which nothing can be added", response.key));
                finding.expected = "an object that holds the list".into();
            }
        }
    });
}

/// Every media type that a request or response is described with, once for each place.
fn media_types(desk: &Desk<'_>) -> Vec<(Spot, String)> {
    let bodies = offered(desk).filter_map(|o| o.body.as_ref()).flat_map(|b| &b.content);
    let answers = offered(desk).flat_map(|o| &o.responses).flat_map(|r| &r.content);
    let all: BTreeSet<(Spot, String)> = bodies.chain(answers).map(|m| (m.spot.clone(), m.media_type.clone())).collect();
    all.into_iter().collect()
}

pub(super) fn media_types_valid(desk: &mut Desk<'_>) {
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    for (spot, media_type) in media_types(desk) {
        let plain = media_type.split(';').next().unwrap_or_default().trim();
        if !plain.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub)) {
            desk.at(&spot, "the name is not that of a media type").observed = Some(Untrusted::new(&media_type));
        }
    }
}

pub(super) fn media_types_registered(desk: &mut Desk<'_>) {
    for (spot, media_type) in media_types(desk) {
        let essence = essence(&media_type);
        let sub = essence.split_once('/').map_or("", |(_, sub)| sub);
        // Forms are older than the rule, and registered all the same.
        if (sub.starts_with("x.") || sub.starts_with("x-")) && essence != "application/x-www-form-urlencoded" {
            desk.at(&spot, "the media type is one of our own, which nobody else knows").observed = Some(Untrusted::new(&media_type));
        }
    }
}

/// Whether a schema is a list: an array, or an object that wraps one under a usual name.
fn is_list(desk: &Desk<'_>, spot: &Spot) -> bool {
    let mut spot = spot.clone();
    for _ in 0..16 {
        let Some(schema) = desk.description.schema(&spot) else { return false };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match desk.description.schema_target(spot.document, reference) {
                Some(target) => spot = target,
                None => return false,
            }
            continue;
        }
        if schema.get("type").and_then(Value::as_str) == Some("array") {
            // A list that the schema itself bounds needs no pages.
            return schema.get("maxItems").and_then(Value::as_u64).is_none_or(|max| max > 100);
        }
        return ["items", "results", "data", "content", "entries", "entry", "records"]
            .iter()
            .any(|name| schema.pointer(&format!("/properties/{name}/type")).and_then(Value::as_str) == Some("array"));
    }
    false
}

pub(super) fn rate_limit(desk: &mut Desk<'_>) {
    if !is_http(desk) || offered(desk).next().is_none() {
        return;
    }
    let names = &desk.parameters.rate_limit_headers;
    let documented = offered(desk)
        .flat_map(|o| &o.responses)
        .any(|r| r.key == ResponseKey::Code(429) || r.headers.iter().any(|h| names.iter().any(|n| n.eq_ignore_ascii_case(&h.name))));
    if !documented {
        desk.at(&Spot::root("/paths"), "no response documents a limit of rate").expected =
            "a response 429, or header fields such as `RateLimit`".into();
    }
}

pub(super) fn content_json(desk: &mut Desk<'_>) {
    each(
        desk,
        |_| true,
        |desk, _, response| {
            for media in &response.content {
                if !is_json(&media.media_type) {
                    desk.at(&media.spot, "the body is not JSON").observed = Some(Untrusted::new(&media.media_type));
                }
            }
        },
    );
}
