use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::api::exchange::ApiResponse;
use crate::document::Source;

fn read(value: &Value) -> Description {
    Description::read(Source::json("openapi.json", value.to_string().as_bytes()).unwrap(), Vec::new()).unwrap()
}

/// Answers each request by a function of method and path.
fn drive(
    description: &Description,
    options: &PlanOptions,
    mut serve: impl FnMut(&PlannedRequest) -> ApiResponse,
) -> (Vec<PlannedRequest>, Vec<Untested>) {
    let mut plan = Plan::new(description, options);
    let mut sent: Vec<PlannedRequest> = Vec::new();
    let mut last = None;
    while let Some(planned) = plan.next(last.as_ref()) {
        last = Some(ApiExchange { id: planned.id.clone(), response: Some(serve(&planned)), ..ApiExchange::default() });
        sent.push(planned);
        assert!(sent.len() < 2000, "the plan does not end");
    }
    (sent, plan.untested().cloned().collect())
}

fn ok(body: &Value) -> ApiResponse {
    ApiResponse { status: 200, headers: vec![("Content-Type".into(), "application/json".into())], body: body.to_string().into_bytes() }
}

fn options(writes: bool) -> PlanOptions {
    PlanOptions { base: "http://h/api".into(), writes, wrong: true, ..PlanOptions::default() }
}

#[test]
fn dangerous_operations_are_left_alone_unless_named() {
    let description = read(&json!({ "openapi": "3.1.0", "info": {}, "paths": {
        "/tools/shutdown": { "post": { "operationId": "shutdownHost", "responses": { "204": {} } } },
        "/backup/restart": { "get": { "operationId": "restart", "responses": { "200": {} } } },
        "/lamps": { "post": { "operationId": "addLamp", "responses": { "201": {} } } }
    } }));
    let serve = |_: &PlannedRequest| ApiResponse { status: 204, ..ApiResponse::default() };
    let (sent, untested) = drive(&description, &options(true), serve);
    assert!(sent.iter().all(|r| r.operation == "addLamp"), "{:?}", sent.iter().map(|r| &r.id).collect::<Vec<_>>());
    assert_eq!(untested.iter().filter(|u| u.needs.contains("smells of power")).count(), 2);
    let named = PlanOptions { allowed: ["shutdownHost".to_owned()].into(), ..options(true) };
    let (sent, _) = drive(&description, &named, serve);
    assert!(sent.iter().any(|r| r.url == "http://h/api/tools/shutdown" && r.method == "POST"));
}

#[test]
fn only_what_the_run_made_or_the_target_offers_is_changed() {
    let description = read(&json!({ "openapi": "3.1.0", "info": {}, "paths": {
        "/lamps": { "get": { "operationId": "list", "responses": { "200": { "content": { "application/json": { "schema": { "type": "array" } } } } } } },
        "/lamps/{id}": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "get": { "operationId": "read", "responses": { "200": {} } },
            "put": { "operationId": "change", "requestBody": { "content": { "application/json": { "schema": { "type": "object", "properties": { "on": { "type": "boolean" } } } } } }, "responses": { "200": {} } },
            "delete": { "operationId": "remove", "responses": { "204": {} } }
        }
    } }));
    let serve = |r: &PlannedRequest| {
        if r.url.ends_with("/lamps") { ok(&json!([{ "id": 7 }, { "id": 8 }])) } else { ok(&json!({ "id": 7, "on": true })) }
    };
    let (sent, untested) = drive(&description, &options(true), serve);
    assert!(
        sent.iter()
            .all(|r| matches!(r.method.as_str(), "GET" | "PATCH" | "POST" | "PUT")
                && (r.effect == Effect::Reads || !r.url.contains("/lamps/"))),
        "{:?}",
        sent.iter().map(|r| &r.id).collect::<Vec<_>>()
    );
    assert!(sent.iter().any(|r| r.url == "http://h/api/lamps/7"));
    assert!(untested.iter().any(|u| u.operation == "change") && untested.iter().any(|u| u.operation == "remove"));
    let offered = PlanOptions { known: [("id".to_owned(), json!(8))].into(), ..options(true) };
    let (sent, _) = drive(&description, &offered, serve);
    let changed: BTreeSet<&str> =
        sent.iter().filter(|r| r.effect != Effect::Reads && r.url.contains("/lamps/")).map(|r| r.url.as_str()).collect();
    assert!(changed.contains("http://h/api/lamps/8") && !changed.contains("http://h/api/lamps/7"), "{changed:?}");
    assert!(sent.iter().all(|r| r.method != "DELETE" || r.purpose != Purpose::Delete));
}

#[test]
fn a_path_never_gets_null_and_a_text_is_never_wrong_by_being_text() {
    let description = read(&json!({ "openapi": "3.1.0", "info": {}, "paths": {
        "/lamps": { "get": { "operationId": "list", "parameters": [
            { "name": "q", "in": "query", "schema": { "type": "string" } }, { "name": "on", "in": "query", "schema": { "type": ["boolean", "null"] } }],
            "responses": { "200": { "content": { "application/json": { "schema": { "type": "array" } } } } } } },
        "/lamps/{name}": { "get": { "operationId": "read", "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }], "responses": { "200": {} } } }
    } }));
    let (sent, _) = drive(&description, &options(false), |r| {
        if r.url.contains("/lamps/") { ok(&json!({})) } else { ok(&json!([{ "name": "desk lamp/1" }])) }
    });
    assert!(sent.iter().any(|r| r.url == "http://h/api/lamps/desk%20lamp%2F1"));
    let wrong: Vec<&str> = sent.iter().filter(|r| matches!(r.purpose, Purpose::Wrong { .. })).map(|r| r.url.as_str()).collect();
    assert_eq!(wrong, ["http://h/api/lamps?on=perhaps"]);
    assert!(sent.iter().all(|r| !["null", "None", "undefined"].iter().any(|w| r.url.contains(w))));
}

#[test]
fn a_service_that_answers_nonsense_does_not_keep_us() {
    let description = read(&json!({ "swagger": "2.0", "info": {}, "paths": {
        "/a": { "get": { "parameters": [{ "name": "page", "in": "query", "type": "integer" }, { "name": "limit", "in": "query", "type": "integer" }], "responses": { "200": {} } },
            "post": { "parameters": [{ "in": "body", "name": "b", "schema": { "type": "object", "properties": { "x": { "type": "string", "maxLength": 5 } } } }], "responses": { "201": {} } } },
        "/a/{id}": { "get": { "parameters": [{ "name": "id", "in": "path", "type": "string", "required": true }], "responses": { "200": {} } }, "delete": { "responses": { "204": {} } } }
    } }));
    for (status, body) in [
        (200, "[1,2,3]"),
        (200, "{\"id\":{}}"),
        (201, "{\"id\":\"../..\"}"),
        (200, "<html>"),
        (500, ""),
        (302, ""),
        (404, "{}"),
        (200, "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]"),
    ] {
        let headers = vec![
            ("Location".to_owned(), "https://elsewhere.example/a/1".to_owned()),
            ("Link".to_owned(), "</api/a?page=1>; rel=\"next\"".to_owned()),
        ];
        let (sent, _) =
            drive(&description, &options(true), |_| ApiResponse { status, headers: headers.clone(), body: body.as_bytes().to_vec() });
        assert!(sent.iter().all(|r| r.url.starts_with("http://h/")), "{:?}", sent.iter().map(|r| &r.url).collect::<Vec<_>>());
    }
}

#[test]
fn the_limit_of_requests_is_kept_and_told() {
    let description = read(&json!({ "openapi": "3.1.0", "info": {}, "paths": {
        "/a": { "get": { "parameters": [{ "name": "n", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 9 } }], "responses": { "200": {} } } } } }));
    let short = PlanOptions { max_requests: 2, ..options(false) };
    let (sent, untested) = drive(&description, &short, |_| ok(&json!({})));
    assert_eq!(sent.len(), 2);
    assert!(untested.iter().any(|u| u.cause == UntestedCause::Limit));
}

#[test]
fn a_rehearsal_shows_every_request_without_a_service() {
    let description =
        Description::read(Source::yaml("openapi.yaml", crate::api::sample::description().as_bytes()).unwrap(), Vec::new()).unwrap();
    let options = PlanOptions { credentials: [("token".to_owned(), "reader".to_owned())].into(), ..options(true) };
    let (planned, untested) = rehearse(&description, &options);
    assert_eq!(untested, Vec::new());
    let operations: BTreeSet<&str> = planned.iter().map(|r| r.operation.as_str()).collect();
    assert_eq!(operations.len(), 13);
    assert!((200..400).contains(&planned.len()), "{}", planned.len());
    assert_eq!(planned, rehearse(&description, &options).0);
    assert!(planned[0].line().starts_with("reads    GET     http://h/api/status"), "{}", planned[0].line());
}
