//! Swagger 2.0 with Basic authentication, lists in every collection format, things that are gone but known: visits.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, fits, reply, with};

pub(crate) struct Visits {
    fault: String,
    visits: BTreeMap<u32, Value>,
    gone: BTreeMap<u32, Value>,
    next: u32,
}

impl Visits {
    pub(crate) fn new(fault: &str) -> Self {
        let visit = json!({ "number": 1, "carer": "C. Example", "minutes": 20, "day": "2026-02-02", "tasks": ["meal"] });
        Self { fault: fault.into(), visits: [(1, visit)].into(), gone: BTreeMap::new(), next: 2 }
    }
}

fn refused(status: u16, message: &str) -> ApiResponse {
    reply(status, &json!({ "error": message }))
}

impl Service for Visits {
    fn description(&self) -> &'static str {
        r##"
swagger: '2.0'
info: {title: Visits, version: '3'}
basePath: /care/v3
consumes: [application/json]
produces: [application/json]
securityDefinitions: {login: {type: basic}}
security: [{login: []}]
definitions:
  Visit:
    type: object
    required: [carer, minutes, day]
    properties:
      number: {type: integer, readOnly: true}
      carer: {type: string, minLength: 2, maxLength: 50}
      minutes: {type: integer, minimum: 5, maximum: 480, exclusiveMaximum: true}
      day: {type: string, format: date}
      tasks: {type: array, uniqueItems: true, maxItems: 5, items: {type: string, enum: [meal, washing, medicine, company]}}
  Refusal: {type: object, required: [error], properties: {error: {type: string}}}
responses:
  Refused: {description: Refused, schema: {$ref: '#/definitions/Refusal'}}
paths:
  /visits:
    get:
      operationId: visits
      parameters:
        - {name: tasks, in: query, type: array, collectionFormat: pipes, items: {type: string, enum: [meal, washing, medicine, company]}}
        - {name: days, in: query, type: array, collectionFormat: multi, items: {type: string, format: date}}
        - {name: shorter, in: query, type: integer, minimum: 1}
      responses:
        200: {description: Visits, schema: {type: array, items: {$ref: '#/definitions/Visit'}}}
        default: {$ref: '#/responses/Refused'}
    post:
      operationId: addVisit
      parameters: [{name: visit, in: body, required: true, schema: {$ref: '#/definitions/Visit'}}]
      responses:
        200: {description: The visit, schema: {$ref: '#/definitions/Visit'}}
        default: {$ref: '#/responses/Refused'}
  /visits/{number}:
    parameters: [{name: number, in: path, required: true, type: integer}]
    get:
      operationId: visit
      responses:
        200: {description: The visit, schema: {$ref: '#/definitions/Visit'}}
        404: {$ref: '#/responses/Refused'}
        default: {$ref: '#/responses/Refused'}
    put:
      operationId: replaceVisit
      parameters: [{name: visit, in: body, required: true, schema: {$ref: '#/definitions/Visit'}}]
      responses:
        200: {description: The visit, schema: {$ref: '#/definitions/Visit'}}
        404: {$ref: '#/responses/Refused'}
        default: {$ref: '#/responses/Refused'}
    delete:
      operationId: cancelVisit
      responses:
        200: {description: The visit as it was, schema: {$ref: '#/definitions/Visit'}}
        404: {$ref: '#/responses/Refused'}
        default: {$ref: '#/responses/Refused'}
"##
    }

    fn base(&self) -> &'static str {
        "/care/v3"
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.headers.push(("Authorization".into(), "Basic c2VzYW1lOm9wZW4=".into()));
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        let fault = self.fault.clone();
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["visits"] => "GET, POST",
            ["visits", _] => "GET, PUT, DELETE, HEAD, OPTIONS",
            _ => return refused(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(refused(405, "not this way"), "Allow", allowed);
        }
        if asked.header("authorization") != Some("Basic c2VzYW1lOm9wZW4=") {
            return with(refused(401, "log in"), "WWW-Authenticate", "Basic realm=\"care\"");
        }
        let id = match path.get(1).map(|id| id.parse::<u32>()) {
            Some(Err(_)) => return refused(400, "the number of a visit is a number"),
            Some(Ok(id)) if !self.visits.contains_key(&id) => {
                // What was cancelled is known to be gone.
                return refused(if self.gone.contains_key(&id) { 410 } else { 404 }, "no such visit");
            }
            Some(Ok(id)) => id,
            None => 0,
        };
        if matches!(method, "POST" | "PUT") {
            if asked.media_type() != "application/json" {
                return refused(415, "JSON is needed");
            }
            let least = if fault == "minutes-unchecked" { -1000 } else { 5 };
            let schema = json!({ "type": "object", "required": ["carer", "minutes", "day"], "properties": {
                "carer": { "type": "string", "minLength": 2, "maxLength": 50 },
                "minutes": { "type": "integer", "minimum": least, "exclusiveMaximum": 480 }, "day": { "type": "string", "format": "date" },
                "tasks": { "type": "array", "uniqueItems": true, "maxItems": 5, "items": { "enum": ["meal", "washing", "medicine", "company"] } } } });
            let Some(mut visit) = asked.json().filter(|b| fits(&schema, b)) else { return refused(400, "that does not fit") };
            let number = if method == "PUT" { id } else { self.next };
            self.next += u32::from(method == "POST");
            visit["number"] = json!(number);
            self.visits.insert(number, visit.clone());
            return reply(200, &visit);
        }
        if method == "DELETE" {
            let visit = if fault == "delete-does-nothing" { self.visits.get(&id).cloned() } else { self.visits.remove(&id) };
            self.gone.insert(id, visit.clone().unwrap());
            return reply(200, &visit.unwrap());
        }
        if id > 0 {
            return reply(200, &self.visits[&id]);
        }
        let tasks: Vec<&str> = asked.value("tasks").map(|t| t.split('|').collect()).unwrap_or_default();
        let days: Vec<&str> = asked.query.iter().filter(|(n, _)| n == "days").map(|(_, v)| v.as_str()).collect();
        let date = json!({ "type": "string", "format": "date" });
        if !tasks.iter().all(|t| ["meal", "washing", "medicine", "company"].contains(t)) || !days.iter().all(|d| fits(&date, &json!(d))) {
            return refused(400, "that does not fit");
        }
        if asked.value("shorter").is_some_and(|s| !s.parse::<u32>().is_ok_and(|n| n > 0)) {
            return refused(400, "a number is needed");
        }
        reply(200, &self.visits.values().cloned().collect())
    }
}
