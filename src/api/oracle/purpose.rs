//! An answer as one to its purpose.

use serde_json::Value;

use super::{Bench, Told, called, shown};
use crate::api::description::{Description, Operation, is_safe};
use crate::api::exchange::ApiResponse;
use crate::api::plan::{
    Next, PlannedRequest, Purpose, UntestedCause, id_in, id_text, ids_of, list_of, may_be_second, next_page, paging_of,
};
use crate::verdict::Severity;

/// The members of an object.
type Members = serde_json::Map<String, Value>;

pub(super) fn judge(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    if response.is_server_error() && !(response.status == 501 && matches!(request.purpose, Purpose::OtherMethod { .. })) {
        server_error(bench, request, response, operation);
        return;
    }
    if request.purpose.is_valid() {
        if response.status >= 400 {
            refused(bench, request, response, operation);
        } else {
            accepted(bench, request, response, operation);
        }
        return;
    }
    match &request.purpose {
        Purpose::Wrong { .. } | Purpose::Missing { .. } | Purpose::NoBody | Purpose::BrokenBody => {
            wrong(bench, request, response, operation)
        }
        Purpose::MediaType { sent } => media_type(bench, request, response, operation, sent.as_deref()),
        Purpose::OtherMethod { declared } => other_method(bench, request, response, operation, declared),
        Purpose::NoCredential | Purpose::WrongCredential => credential(bench, request, response, operation),
        Purpose::UnknownId => unknown_id(bench, request, response, operation),
        Purpose::ReadDeleted | Purpose::UseDeleted | Purpose::DeleteAgain => deleted(bench, request, response, operation),
        Purpose::Accept { asked, offered } => accept(bench, request, response, operation, asked, *offered),
        Purpose::OtherAccount => other_account(bench, request, response),
        Purpose::Odd { .. }
        | Purpose::Plain
        | Purpose::Create { .. }
        | Purpose::Bounds { .. }
        | Purpose::ReadBack { .. }
        | Purpose::ListCreated { .. }
        | Purpose::Link { .. }
        | Purpose::Update
        | Purpose::ReadUpdate { .. }
        | Purpose::Repeat { .. }
        | Purpose::RepeatKey { .. }
        | Purpose::Delete
        | Purpose::ListDeleted { .. }
        | Purpose::Whole { .. }
        | Purpose::Page { .. }
        | Purpose::Cleanup => {}
    }
}

/// The part of an operation that a purpose touches, to tell causes apart.
fn touched(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Wrong { place, .. } | Purpose::Missing { place, .. } => place,
        Purpose::NoBody | Purpose::BrokenBody => "body",
        Purpose::Odd { .. } => "unusual text",
        Purpose::MediaType { .. } => "media type",
        Purpose::OtherMethod { .. } => "method",
        Purpose::NoCredential | Purpose::WrongCredential | Purpose::OtherAccount => "credential",
        Purpose::UnknownId => "id",
        Purpose::Accept { .. } => "Accept",
        Purpose::ReadDeleted | Purpose::UseDeleted | Purpose::DeleteAgain => "deleted thing",
        Purpose::Plain
        | Purpose::Create { .. }
        | Purpose::Bounds { .. }
        | Purpose::ReadBack { .. }
        | Purpose::ListCreated { .. }
        | Purpose::Link { .. }
        | Purpose::Update
        | Purpose::ReadUpdate { .. }
        | Purpose::Repeat { .. }
        | Purpose::RepeatKey { .. }
        | Purpose::Delete
        | Purpose::ListDeleted { .. }
        | Purpose::Whole { .. }
        | Purpose::Page { .. }
        | Purpose::Cleanup => "valid request",
    }
}

fn server_error(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let part = touched(&request.purpose);
    let how = if part == "valid request" { "a valid request".to_owned() } else { format!("a request with a wrong {part}") };
    let how = match part {
        "deleted thing" => "a request about a deleted thing".to_owned(),
        "method" => "a method that the path does not have".to_owned(),
        "unusual text" => "unusual text that the description allows".to_owned(),
        _ => how,
    };
    let told = Told::new(request, request.expects(), shown(response));
    let key = format!("{} {part}", request.operation);
    bench.tell("server-error", key, format!("{} fails with {} on {how}", called(operation, request), response.status), told);
}

/// A valid request was refused.
fn refused(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let status = response.status;
    let name = &request.operation;
    match (&request.purpose, status) {
        (_, 401 | 403) if !request.secrets.is_empty() => {
            let needs = "a credential that may do this: the one given was refused";
            bench.note(name, &format!("{}: {status}", request.why), needs, UntestedCause::Missing);
        }
        (_, 401 | 403) => {
            let needs = "a credential, though the description asks for none here";
            bench.note(name, &format!("{}: {status}", request.why), needs, UntestedCause::Missing);
        }
        (Purpose::ReadBack { .. } | Purpose::Link { .. }, 404 | 410) if request.guess => {
            bench.note(name, &format!("{}: {status}", request.why), "an id that the answer to a creation says", UntestedCause::Missing);
        }
        (Purpose::ReadBack { .. }, 404 | 410) => {
            let told = Told::new(request, request.expects(), shown(response));
            bench.tell("created-found", name.clone(), format!("{}: what was just created is not found", called(operation, request)), told);
        }
        // That it is not found was told when it had just been made.
        (_, 404 | 410) if bench.has_told("created-found", name) => {}
        // A part of a thing that it need not have.
        (Purpose::Link { declared: false, .. }, 404 | 410) => {
            bench.note(name, &format!("{}: {status}", request.why), "a thing that has this", UntestedCause::Missing);
        }
        (Purpose::Link { name: link, .. }, 404 | 410) => {
            let told = Told::new(request, request.expects(), shown(response));
            bench.tell(
                "link-works",
                format!("{name} {link}"),
                format!("the link `{link}` to {} leads to nothing", called(operation, request)),
                told,
            );
        }
        (Purpose::Repeat { .. }, 408 | 409 | 412 | 423 | 428) => {
            bench.note(name, &format!("{}: {status}", request.why), "a state of the service that allows it", UntestedCause::Missing);
        }
        (Purpose::Repeat { first }, _) => {
            let told = Told::new(request, format!("{first} or another success, as the first time"), shown(response));
            bench.tell("idempotent", name.clone(), format!("{} cannot be repeated", called(operation, request)), told);
        }
        // Refusing a repetition is one way of making nothing new.
        (Purpose::RepeatKey { .. }, 409 | 422) => {}
        (Purpose::Cleanup, 404 | 410) => {}
        // An inner value of a part, tried to tell an end from a rule beyond the schema.
        (Purpose::Bounds { end: "inner", parts, single: true }, _) => {
            bench.inner_refused.extend(parts.iter().map(|part| (name.clone(), part.clone())));
        }
        // A part of a thing that it need not have.
        (_, 404 | 410) if is_safe(&request.method) && operation.is_some_and(is_part) => {
            bench.note(name, &format!("{}: {status}", request.why), "a thing that has this", UntestedCause::Missing);
        }
        (_, 404 | 409 | 410 | 412 | 423 | 428) if request.guess => {
            bench.note(name, &format!("{}: {status}", request.why), "data that exists: an id or a fixture", UntestedCause::Missing);
        }
        (_, 409 | 412 | 423 | 428) => {
            bench.note(name, &format!("{}: {status}", request.why), "a state of the service that allows it", UntestedCause::Missing);
        }
        (_, _) if request.guess => {
            bench.note(
                name,
                &format!("{}: {status}", request.why),
                "data that the service accepts: an example in the description or a fixture",
                UntestedCause::Missing,
            );
        }
        (Purpose::Bounds { end, parts, single: false }, _) if parts.len() > 1 => {
            bench.held.push((name.clone(), end, request.clone(), response.clone()));
        }
        // Both are documented, so what is well-formed and breaks a rule of the trade has a status of its own.
        (_, 422) if operation.is_some_and(documents_400_and_422) => {
            let needs = "data that keeps the rules that the description does not express: an example or a fixture";
            bench.note(name, &format!("{}: {status}", request.why), needs, UntestedCause::Missing);
        }
        (Purpose::Create { variant }, _) if !(*variant == "plain" && request.documented) => {
            bench.held.push((name.clone(), variant, request.clone(), response.clone()));
        }
        (Purpose::Update | Purpose::Plain, _) if !request.documented => {
            bench.held.push((name.clone(), "plain", request.clone(), response.clone()));
        }
        (Purpose::Bounds { end, parts, .. }, _) => match parts.first() {
            // Whether it is the end that is refused, or the part, is known when the inner value was tried.
            Some(_) => bench.singles.push((request.clone(), response.clone())),
            None => bench.held.push((name.clone(), end, request.clone(), response.clone())),
        },
        (_, _) => refused_valid(bench, request, response, "a valid request"),
    }
}

/// Tells a refusal of one part at an end, unless the part is refused inside its bounds as well.
pub(super) fn refused_single(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse) {
    let Purpose::Bounds { end, parts, .. } = &request.purpose else { return };
    let part = parts.first().map_or("", String::as_str);
    bench.parted.insert((request.operation.clone(), end));
    if bench.inner_refused.contains(&(request.operation.clone(), part.to_owned())) {
        let needs = "data that keeps the rules that the description does not express: an example or a fixture";
        bench.note(&request.operation, &format!("{}: {}", request.why, response.status), needs, UntestedCause::Missing);
        return;
    }
    refused_valid(bench, request, response, &format!("`{part}` at its {end} value"));
}

/// Whether an operation is about a part of a thing, not about a thing or a list of all: `/alarms/{}/events`.
fn is_part(operation: &Operation) -> bool {
    operation.path.contains('{') && !operation.path.trim_end_matches('/').ends_with('}')
}

/// Tells that something valid was refused.
pub(super) fn refused_valid(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, what: &str) {
    let description = bench.description;
    let operation = description.operation(&request.operation);
    let told = Told::new(request, request.expects(), shown(response)).at(operation.map(|o| &o.spot));
    let key = format!("{} {what}", request.operation);
    bench.tell("valid-refused", key, format!("{} refuses {what}", called(operation, request)), told);
}

/// Tells that valid parts are refused together.
pub(super) fn refused_together(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, what: &str) {
    let description = bench.description;
    let operation = description.operation(&request.operation);
    let told = Told::new(request, request.expects(), shown(response)).at(operation.map(|o| &o.spot)).weighing(Severity::Warning);
    bench.tell("valid-refused", format!("{} {what}", request.operation), format!("{} refuses {what}", called(operation, request)), told);
}

/// A valid request was accepted; what follows from it?
#[expect(clippy::wildcard_enum_match_arm, reason = "only some purposes ask for more; a new one says so in `judge`")]
fn accepted(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let body = response.json();
    match &request.purpose {
        Purpose::Bounds { end, single: true, .. } => {
            bench.alone.insert((request.operation.clone(), end));
        }
        Purpose::ReadBack { sent: Some(sent) } => kept(bench, request, operation, sent, body.as_ref(), "created-kept", "created"),
        Purpose::ReadUpdate { sent } => kept(bench, request, operation, sent, body.as_ref(), "change-kept", "changed"),
        Purpose::ListCreated { id } => {
            let listed = operation.map(|o| ids_of(o, response)).unwrap_or_default();
            if response.is_success() && !has_id(&listed, id) && listed.len() < 20 {
                let told = Told::new(request, "a list with what was just created", format!("{} other items", listed.len()));
                bench.tell(
                    "created-found",
                    request.operation.clone(),
                    format!("{}: what was just created is not listed", called(operation, request)),
                    told,
                );
            }
        }
        Purpose::ListDeleted { id } => {
            let listed = operation.map(|o| ids_of(o, response)).unwrap_or_default();
            if has_id(&listed, id) {
                let told = Told::new(request, "a list without what was just deleted", "it is still listed");
                bench.tell(
                    "deleted-unlisted",
                    request.operation.clone(),
                    format!("{} lists what was deleted", called(operation, request)),
                    told,
                );
            }
        }
        Purpose::RepeatKey { first } => {
            let id = body.as_ref().and_then(|b| id_in(b, "id")).and_then(id_text);
            if id.as_ref().is_some_and(|id| id != first) {
                let told = Told::new(request, "the thing of the first request", "another thing was made");
                bench.tell(
                    "idempotent",
                    request.operation.clone(),
                    format!("{} makes another thing under the same Idempotency-Key", called(operation, request)),
                    told,
                );
            }
        }
        Purpose::Page { .. } => page(bench, request, response, operation),
        _ => {}
    }
}

/// Whether an id is among those of a list, which may be addresses.
fn has_id(listed: &[String], id: &str) -> bool {
    listed.iter().any(|one| one == id || one.rsplit('/').next() == Some(id))
}

/// Whether what was sent is read again. Compared are values that a service has no reason to write in
/// another way: numbers, truth values, and text without a format.
fn kept(
    bench: &mut Bench<'_>,
    request: &PlannedRequest,
    operation: Option<&Operation>,
    sent: &Value,
    read: Option<&Value>,
    rule: &str,
    word: &str,
) {
    let (Some(sent), Some(read)) = (sent.as_object(), read) else { return };
    // Some services wrap a single thing.
    let wrapped = ["data", "item", "result"].iter().find_map(|key| read.get(*key).filter(|v| v.is_object()));
    let Some(read) = wrapped.filter(|_| sent.keys().all(|k| read.get(k).is_none())).unwrap_or(read).as_object() else { return };
    let broken = broken_properties(bench.description, operation, read);
    let mut pending: Vec<(String, &Members, &Members)> = vec![(String::new(), sent, read)];
    while let Some((at, sent, read)) = pending.pop() {
        for (name, value) in sent {
            let Some(got) = read.get(name) else { continue };
            let mut place = at.clone();
            crate::document::push_token(&mut place, name);
            // A value that breaks its schema was told as that.
            if broken.iter().any(|p| p == &place || p.starts_with(&format!("{place}/"))) {
                continue;
            }
            if let (Value::Object(value), Value::Object(got)) = (value, got) {
                pending.push((place, value, got));
                continue;
            }
            if !differs(value, got) {
                continue;
            }
            let script = value.as_str().is_some_and(|t| !t.is_ascii());
            let text = if script { " in other scripts" } else { "" };
            let told = Told::new(request, format!("`{name}` as it was sent"), format!("`{name}` is another"));
            let key = format!("{} {}", request.operation, if script { "script" } else { place.as_str() });
            let cause = format!("{}: what was {word} is read with another value{text} of `{name}`", called(operation, request));
            bench.tell(rule, key, cause, told);
        }
    }
}

/// Whether what is read is another value than was sent, not the same in another form.
fn differs(value: &Value, got: &Value) -> bool {
    match (value, got) {
        (Value::String(a), Value::String(b)) => !formatted(a) && comparable(a) != comparable(b),
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() > 1e-6 * a.abs().max(1.0)),
        (Value::Bool(a), Value::Bool(b)) => a != b,
        (Value::String(_) | Value::Number(_) | Value::Bool(_), Value::Null) => true,
        _ => false,
    }
}

/// A text without what services put in order: blanks and capitals.
fn comparable(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Whether an operation tells malformed requests and those that break a rule of the trade apart.
fn documents_400_and_422(operation: &Operation) -> bool {
    let has = |code| operation.responses.iter().any(|r| r.key == crate::api::description::ResponseKey::Code(code));
    has(400) && has(422)
}

/// Where an answer of an operation breaks the schema of its success.
fn broken_properties(description: &Description, operation: Option<&Operation>, read: &Members) -> Vec<String> {
    let schema = operation.and_then(|o| o.response(200)).and_then(|r| r.content.iter().find_map(|m| m.schema.clone()));
    let Some(schema) = schema else { return Vec::new() };
    let found = description.violations(&schema, crate::api::description::Direction::Response, &Value::Object(read.clone()));
    found.unwrap_or_default().into_iter().map(|v| v.instance).filter(|place| !place.is_empty()).collect()
}

/// Whether a text looks like one that services write in a form of their own: dates, addresses, codes.
fn formatted(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let dated = text.len() >= 10 && digits >= 6 && (text.contains('-') || text.contains(':'));
    dated || text.contains('@') || text.contains("://") || text.starts_with('+')
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only some purposes ask for more; a new one says so in `judge`")]
fn wrong(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    if !response.is_success() {
        return;
    }
    let call = called(operation, request);
    let told = Told::new(request, "a refusal, 4xx", shown(response));
    match &request.purpose {
        Purpose::Wrong { place, name, keyword, schema, what, firm } => {
            let severity = if *firm { Severity::Error } else { Severity::Warning };
            let key = match schema {
                Some(spot) => format!("{}#{} {}", spot.document, spot.pointer, if *keyword == "required" { what } else { "" }),
                None => format!("{} {place} {name} {keyword}", request.operation),
            };
            let told = told.at(schema.as_ref()).weighing(severity);
            bench.tell("wrong-accepted", key, format!("accepted although {what} ({place})"), told);
        }
        Purpose::Missing { place, name } => {
            bench.tell(
                "missing-accepted",
                format!("{} {place} {name}", request.operation),
                format!("{call} is accepted without the required {place} parameter `{name}`"),
                told,
            );
        }
        Purpose::NoBody => {
            bench.tell(
                "missing-accepted",
                format!("{} body", request.operation),
                format!("{call} is accepted without the required body"),
                told,
            );
        }
        Purpose::BrokenBody => {
            bench.tell(
                "wrong-accepted",
                format!("{} broken", request.operation),
                format!("{call} is accepted with a body that is cut off"),
                told,
            );
        }
        _ => {}
    }
}

fn media_type(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>, sent: Option<&str>) {
    if response.status == 415 || matches!(response.status, 401 | 403) {
        return;
    }
    let call = called(operation, request);
    let told = Told::new(request, "415", shown(response));
    match sent {
        Some(sent) if response.is_success() => {
            // Who needs no body may pass over any.
            let needed = operation.and_then(|o| o.body.as_ref()).is_some_and(|b| b.required);
            let told = if needed { told } else { told.weighing(Severity::Warning) };
            bench.tell("media-type-enforced", request.operation.clone(), format!("{call} takes a body under the media type {sent}"), told);
        }
        Some(_) => {
            let told = told.weighing(Severity::Warning);
            bench.tell(
                "media-type-enforced",
                format!("status {}", response.status),
                format!("a body under a wrong media type is refused with {}", response.status),
                told,
            );
        }
        // A service may look what a body is that does not say it (RFC 9110, section 8.3).
        None if response.is_success() => {
            let told = told.weighing(Severity::Warning);
            bench.tell("media-type-enforced", "none", "bodies under no media type are taken", told);
        }
        None => {}
    }
}

fn other_method(
    bench: &mut Bench<'_>,
    request: &PlannedRequest,
    response: &ApiResponse,
    operation: Option<&Operation>,
    declared: &[String],
) {
    let path = operation.map_or("", |o| o.path.as_str());
    match response.status {
        405 => allow(bench, request, response, path, declared),
        401 | 403 | 501 => {}
        404 if request.guess => {}
        status => {
            let told = Told::new(request, request.expects(), shown(response));
            let served = response.is_success();
            // Of a method that few services know, not being found says little.
            let told = if !served && request.method == "PROPFIND" { told.weighing(Severity::Warning) } else { told };
            let (key, cause) = if served {
                (format!("{} {path}", request.method), format!("{} {path} is not described and is served", request.method))
            } else {
                (format!("status {status}"), format!("a method that a path does not have is refused with {status}, not 405"))
            };
            bench.tell("method-refused", key, cause, told);
        }
    }
}

fn allow(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, path: &str, declared: &[String]) {
    let values: Vec<&str> = response.header_all("allow").collect();
    if values.is_empty() {
        let told = Told::new(request, format!("Allow: {}", declared.join(", ")), "405 without Allow");
        bench.tell("allow-header", "missing", "405 does not name the methods that there are", told);
        return;
    }
    let allowed: Vec<String> =
        values.iter().flat_map(|v| v.split(',')).map(|m| m.trim().to_ascii_uppercase()).filter(|m| !m.is_empty()).collect();
    let missing: Vec<&String> = declared.iter().filter(|m| !allowed.contains(m)).collect();
    let extra: Vec<&String> =
        allowed.iter().filter(|m| !declared.contains(m) && !matches!(m.as_str(), "HEAD" | "OPTIONS" | "TRACE")).collect();
    if !missing.is_empty() || allowed.contains(&request.method) {
        let told = Told::new(request, format!("Allow: {}", declared.join(", ")), format!("Allow: {}", values.join(", ")));
        bench.tell("allow-header", format!("wrong {path}"), format!("Allow of {path} is not what the path has"), told);
    } else if !extra.is_empty() {
        let told = Told::new(request, format!("Allow: {}", declared.join(", ")), format!("Allow: {}", values.join(", ")))
            .weighing(Severity::Warning);
        bench.tell("allow-header", format!("extra {path}"), format!("Allow of {path} names methods that are not described"), told);
    }
}

fn credential(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let call = called(operation, request);
    if response.is_success() {
        let told = Told::new(request, "401", shown(response));
        if request.purpose == Purpose::NoCredential {
            bench.tell("credential-required", request.operation.clone(), format!("{call} works without a credential"), told);
        } else {
            bench.tell("credential-checked", request.operation.clone(), format!("{call} works with a credential that nobody has"), told);
        }
        return;
    }
    if response.status == 401 && response.header("www-authenticate").is_none() {
        let told = Told::new(request, "the header field `WWW-Authenticate`", "401 without it");
        bench.tell("challenge", "", "401 does not say how to authenticate", told);
    }
    // A refusal for another reason says nothing about the credential, unless the same request works with one.
    if !matches!(response.status, 401 | 403 | 404) && !bench.accepted.contains(&request.operation) {
        bench.note(
            &request.operation,
            &format!("{}: {}", request.why, response.status),
            "a valid request that the service accepts",
            UntestedCause::Target,
        );
    }
}

fn unknown_id(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let call = called(operation, request);
    let told = Told::new(request, "404", shown(response));
    let upsert = request.method == "PUT"
        && (response.status == 201
            || operation.is_some_and(|o| o.response(201).is_some_and(|r| r.key != crate::api::description::ResponseKey::Default)));
    let empty = response.json().is_some_and(|b| list_of(&b).is_some_and(Vec::is_empty));
    // An empty list about nothing, or an operation that nowhere says that something may be missing.
    let silent = !operation.is_some_and(|o| {
        let covers = |status| o.response(status).is_some_and(|r| r.key != crate::api::description::ResponseKey::Default);
        covers(404) || covers(410)
    });
    let told = if empty || silent { told.weighing(Severity::Warning) } else { told };
    // Deleting what is not there changes nothing; saying so with success is allowed.
    if response.is_success() && request.method != "DELETE" && !upsert {
        bench.tell(
            "unknown-refused",
            request.operation.clone(),
            format!("{call} answers {} for what does not exist", response.status),
            told,
        );
    } else if response.is_client_error() && !matches!(response.status, 404 | 410 | 401 | 403) {
        let told = told.weighing(Severity::Warning);
        bench.tell(
            "unknown-refused",
            format!("status {}", response.status),
            format!("what does not exist is refused with {}, not 404", response.status),
            told,
        );
    }
}

fn deleted(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    if !response.is_success() || request.purpose == Purpose::DeleteAgain {
        return;
    }
    let call = called(operation, request);
    let told = Told::new(request, "404 or 410", shown(response));
    let empty = response.json().is_some_and(|b| list_of(&b).is_some_and(Vec::is_empty));
    if request.purpose == Purpose::UseDeleted && request.method == "GET" && empty {
        // An empty list about nothing is odd, and shows nothing.
        let told = told.weighing(Severity::Warning);
        bench.tell(
            "deleted-gone",
            format!("empty {}", request.operation),
            format!("{call} answers with an empty list for what was deleted"),
            told,
        );
        return;
    }
    if request.purpose == Purpose::ReadDeleted && response.json().is_some_and(|body| says_deleted(&body)) {
        // It is kept as a record of what was, and says so.
        let told = told.weighing(Severity::Warning);
        bench.tell("deleted-gone", format!("marked {}", request.operation), format!("{call} reads what was deleted, marked as such"), told);
        return;
    }
    let what = if request.purpose == Purpose::ReadDeleted { "still reads" } else { "still uses" };
    bench.tell("deleted-gone", request.operation.clone(), format!("{call} {what} what was deleted"), told);
}

/// Whether a thing says of itself that it was deleted.
fn says_deleted(body: &Value) -> bool {
    let thing = ["data", "item", "result"].iter().find_map(|key| body.get(*key).filter(|v| v.is_object())).unwrap_or(body);
    thing.as_object().into_iter().flatten().any(|(name, value)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "deleted" | "isdeleted" | "archived" | "isarchived" | "removed" => value == &Value::Bool(true),
            "active" | "isactive" | "enabled" => value == &Value::Bool(false),
            "deletedat" | "archivedat" | "removedat" => !value.is_null(),
            "status" | "state" | "lifecycle" => value.as_str().is_some_and(|text| {
                let text = text.to_ascii_lowercase();
                ["deleted", "removed", "archived", "inactive", "cancelled", "canceled", "revoked", "closed", "deactivated"]
                    .contains(&text.as_str())
            }),
            _ => false,
        }
    })
}

fn other_account(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse) {
    if response.is_success() {
        // Where any credential will do, that is the cause; it is known at the end.
        bench.open_to_others.push((request.clone(), response.clone()));
    } else if response.status == 401 {
        bench.note(&request.operation, &request.why, "a credential of the other account that is accepted", UntestedCause::Missing);
    }
}

/// Tells what another account was shown.
pub(super) fn open_to_others(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse) {
    let name = &request.operation;
    if bench.has_told("credential-required", name) || bench.has_told("credential-checked", name) {
        return;
    }
    let description = bench.description;
    let told = Told::new(request, request.expects(), shown(response));
    let cause = format!("{} shows another account what the first one made", called(description.operation(name), request));
    bench.tell("account-separated", name.clone(), cause, told);
}

fn accept(
    bench: &mut Bench<'_>,
    request: &PlannedRequest,
    response: &ApiResponse,
    operation: Option<&Operation>,
    asked: &str,
    offered: bool,
) {
    if offered {
        let got = response.media_type();
        if response.is_success() && got.as_deref() != Some(asked) {
            let told = Told::new(request, request.expects(), shown(response)).weighing(Severity::Warning);
            let cause = format!("{} does not answer as {asked} when it is asked for, though it is described", called(operation, request));
            bench.tell("not-acceptable", format!("{} {asked}", request.operation), cause, told);
        }
        return;
    }
    // Disregarding Accept is allowed (RFC 9110, section 12.5.1); pretending to have what was asked for is not.
    if response.is_success() && response.media_type().as_deref() == Some(asked) {
        let told = Told::new(request, request.expects(), shown(response));
        bench.tell(
            "not-acceptable",
            request.operation.clone(),
            format!("{} labels its answer with whatever is asked for", called(operation, request)),
            told,
        );
    }
}

fn page(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    let (Purpose::Page { seen, size, number, whole, visited }, Some(operation)) = (&request.purpose, operation) else { return };
    let ids = ids_of(operation, response);
    let call = called(Some(operation), request);
    let name = request.operation.clone();
    let count = response.json().as_ref().and_then(list_of).map_or(0, Vec::len);
    if let Some(size) = size
        && count > *size
    {
        let told = Told::new(request, format!("at most {size} items"), format!("{count} items"));
        bench.tell("page-size", name, format!("{call} answers with more items than were asked for"), told);
        // Where pages begin and end is then anybody's guess.
        return;
    }
    let again = ids.iter().filter(|id| seen.contains(id)).count();
    let twice = ids.iter().enumerate().filter(|(i, id)| ids.iter().take(*i).any(|other| other == *id)).count();
    let all_again = !ids.is_empty() && again == ids.len();
    if all_again {
        let told = Told::new(request, "items that no page before had", format!("page {number} has only items of pages before"));
        bench.tell("page-loop", name.clone(), format!("{call}: going on leads back"), told);
    } else if again + twice > 0 {
        let told = Told::new(
            request,
            "items that no page before had",
            format!("{again} of {} items of page {number} stood on a page before", ids.len()),
        );
        bench.tell("page-overlap", name.clone(), format!("{call}: pages overlap"), told);
    }
    let how = paging_of(bench.description, operation);
    if *number == 1 && may_be_second(&how, &ids, whole.as_deref()) {
        return;
    }
    match next_page(&how, *size, response) {
        Next::Address(address) => {
            let here = url::Url::parse(&request.url).ok();
            let next = here.as_ref().and_then(|h| h.join(&address).ok());
            if let (Some(here), Some(next)) = (&here, &next) {
                if next.origin() != here.origin() {
                    let told = Told::new(request, "a next page of this service", next.to_string()).weighing(Severity::Warning);
                    bench.tell("page-loop", format!("elsewhere {name}"), format!("{call}: the next page is at another host"), told);
                } else if (next == here) || visited.iter().any(|v| url::Url::parse(v).ok().as_ref() == Some(next)) {
                    let told = Told::new(request, "a next page that was not read yet", next.to_string());
                    bench.tell("page-loop", name, format!("{call}: going on leads back"), told);
                }
            }
        }
        Next::End if !all_again => {
            let Some(whole) = whole else { return };
            let lost: Vec<&String> = whole.iter().filter(|id| !seen.contains(id) && !ids.contains(id)).collect();
            if !lost.is_empty() {
                let told = Told::new(
                    request,
                    format!("{} items on all pages together", whole.len()),
                    format!("{} of them are on no page", lost.len()),
                );
                bench.tell("page-loss", name, format!("{call}: items are on no page"), told);
            }
        }
        Next::Cursor(_) | Next::Count | Next::End => {}
    }
}
