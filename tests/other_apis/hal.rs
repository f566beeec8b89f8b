//! HAL bodies, a choice with a discriminator, cursors, a session cookie, jobs that are taken in hand: sensors.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, answer, bare, fits, problem, with};

pub(crate) struct Sensors {
    fault: String,
    sensors: BTreeMap<u32, Value>,
    exports: BTreeMap<u32, Value>,
    next: u32,
}

const HAL: &str = "application/hal+json";

fn schema(lax: bool) -> Value {
    let smoke: &[&str] = if lax { &["kind"] } else { &["kind", "threshold"] };
    json!({ "type": "object", "required": ["kind"], "properties": { "place": { "type": ["string", "null"], "maxLength": 40 } }, "oneOf": [
        { "required": ["kind", "sensitivity"], "properties": { "kind": { "const": "motion" }, "sensitivity": { "type": "integer", "minimum": 1, "maximum": 10 } } },
        { "required": smoke, "properties": { "kind": { "const": "smoke" }, "threshold": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 } } } ] })
}

impl Sensors {
    pub(crate) fn new(fault: &str) -> Self {
        let sensor = |n: u32| json!({ "kind": "motion", "sensitivity": n, "place": null });
        Self { fault: fault.into(), sensors: (1..=4).map(|n| (n, sensor(n))).collect(), exports: BTreeMap::new(), next: 10 }
    }
    fn shown(&self, id: u32) -> Value {
        let mut shown = self.sensors[&id].clone();
        shown["_links"] = json!({ "self": { "href": format!("/hal/sensors/s{id}") } });
        shown
    }
}

fn hal(status: u16, value: &Value) -> ApiResponse {
    answer(status, HAL, value.to_string())
}

impl Service for Sensors {
    fn description(&self) -> &'static str {
        r##"
openapi: 3.1.0
info: {title: Sensors, version: 0.9.0}
servers: [{url: /hal}]
security: [{session: []}]
paths:
  /sensors:
    get:
      operationId: listSensors
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 50}}
        - {name: after, in: query, schema: {type: string}}
      responses:
        '200':
          description: A page
          content:
            application/hal+json:
              schema:
                type: object
                required: [_embedded, _links]
                properties:
                  _embedded: {type: object, properties: {sensors: {type: array, items: {$ref: '#/components/schemas/Sensor'}}}}
                  _links: {$ref: '#/components/schemas/Links'}
        default: {$ref: '#/components/responses/Problem'}
    post:
      operationId: addSensor
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/SensorToBe'}}}}
      responses:
        '201':
          description: Added
          headers: {Location: {schema: {type: string}}}
        default: {$ref: '#/components/responses/Problem'}
  /sensors/{sensor}:
    parameters: [{name: sensor, in: path, required: true, schema: {type: string, pattern: '^s[0-9]+$'}}]
    get:
      operationId: readSensor
      responses:
        '200': {description: One, content: {application/hal+json: {schema: {$ref: '#/components/schemas/Sensor'}}}}
        default: {$ref: '#/components/responses/Problem'}
    head:
      operationId: peekSensor
      responses:
        '200': {description: It is there}
        '401': {description: No session}
        '404': {description: It is not}
        '400': {description: That is no id}
    put:
      operationId: replaceSensor
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/SensorToBe'}}}}
      responses:
        '201': {description: Made}
        '204': {description: Replaced}
        default: {$ref: '#/components/responses/Problem'}
    delete:
      operationId: removeSensor
      responses:
        '204': {description: Removed}
        default: {$ref: '#/components/responses/Problem'}
  /exports:
    post:
      operationId: startExport
      requestBody: {required: false, content: {application/json: {schema: {type: object, properties: {format: {type: string, enum: [csv, ndjson, xml]}}}}}}
      responses:
        '202':
          description: Taken in hand
          headers: {Location: {required: true, schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Export'}}}
        default: {$ref: '#/components/responses/Problem'}
  /exports/{exportId}:
    get:
      operationId: readExport
      parameters: [{name: exportId, in: path, required: true, schema: {type: integer}}]
      responses:
        '200': {description: How far it is, content: {application/json: {schema: {$ref: '#/components/schemas/Export'}}}}
        default: {$ref: '#/components/responses/Problem'}
components:
  securitySchemes: {session: {type: apiKey, in: cookie, name: sid}}
  responses:
    Problem: {description: Refused, content: {application/problem+json: {schema: {type: object, properties: {title: {type: string}, status: {type: integer}}}}}}
  schemas:
    Links: {type: object, additionalProperties: {type: object, properties: {href: {type: string}}}}
    Motion:
      type: object
      required: [kind, sensitivity]
      properties: {kind: {const: motion}, sensitivity: {type: integer, minimum: 1, maximum: 10}, place: {type: [string, 'null'], maxLength: 40}, _links: {$ref: '#/components/schemas/Links', readOnly: true}}
    Smoke:
      type: object
      required: [kind, threshold]
      properties: {kind: {const: smoke}, threshold: {type: number, exclusiveMinimum: 0, maximum: 1}, place: {type: [string, 'null'], maxLength: 40}, _links: {$ref: '#/components/schemas/Links', readOnly: true}}
    SensorToBe:
      oneOf: [{$ref: '#/components/schemas/Motion'}, {$ref: '#/components/schemas/Smoke'}]
      discriminator: {propertyName: kind, mapping: {motion: '#/components/schemas/Motion', smoke: '#/components/schemas/Smoke'}}
    Sensor:
      oneOf: [{$ref: '#/components/schemas/Motion'}, {$ref: '#/components/schemas/Smoke'}]
      discriminator: {propertyName: kind, mapping: {motion: '#/components/schemas/Motion', smoke: '#/components/schemas/Smoke'}}
    Export: {type: object, required: [id, state], properties: {id: {type: integer}, state: {type: string, enum: [waiting, done]}, format: {type: string}}}
"##
    }

    fn base(&self) -> &'static str {
        "/hal"
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.headers.push(("Cookie".into(), "sid=sesame".into()));
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        let mut response = self.route(asked);
        if asked.method == "HEAD" {
            response.body.clear();
        }
        response
    }
}

impl Sensors {
    fn route(&mut self, asked: &Asked) -> ApiResponse {
        let fault = self.fault.clone();
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["sensors"] => "GET, POST",
            ["sensors", _] => "GET, HEAD, PUT, DELETE",
            ["exports"] => "POST",
            ["exports", _] => "GET, HEAD",
            _ => return problem(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(problem(405, "not this way"), "Allow", allowed);
        }
        if asked.header("cookie") != Some("sid=sesame") {
            return with(problem(401, "a session is needed"), "WWW-Authenticate", "Cookie");
        }
        match (method, path.as_slice()) {
            ("GET", ["sensors"]) => {
                let limit = match asked.value("limit") {
                    None => 20,
                    Some(text) => match text.parse::<usize>().ok().filter(|n| (1..=50).contains(n)) {
                        Some(limit) => limit,
                        None => return problem(400, "limit is 1 to 50"),
                    },
                };
                // A cursor that nobody gave out begins at the beginning.
                let after = asked.value("after").and_then(|a| a.parse::<u32>().ok()).unwrap_or(0);
                let ids: Vec<u32> = self.sensors.keys().copied().filter(|id| *id > after).collect();
                let mut page: Vec<u32> = ids.iter().copied().take(limit).collect();
                let next = (ids.len() > limit).then(|| page.last().copied()).flatten();
                if fault == "sensor-lost-from-pages" && limit < 5 {
                    page.pop();
                }
                let mut links = json!({ "self": { "href": "/hal/sensors" } });
                if let Some(next) = next {
                    links["next"] = json!({ "href": format!("/hal/sensors?limit={limit}&after={next}") });
                }
                // Ids stand in the links alone.
                let mut sensors: Vec<Value> = Vec::new();
                for id in page {
                    let mut shown = self.shown(id);
                    shown["sensor"] = json!(format!("s{id}"));
                    sensors.push(shown);
                }
                hal(200, &json!({ "_embedded": { "sensors": sensors }, "_links": links }))
            }
            ("POST", ["exports"]) => {
                let body = if asked.body.is_empty() { Some(json!({})) } else { asked.json() };
                if !asked.body.is_empty() && asked.media_type() != "application/json" {
                    return problem(415, "JSON is needed");
                }
                let schema = json!({ "type": "object", "properties": { "format": { "enum": ["csv", "ndjson", "xml"] } } });
                let Some(body) = body.filter(|b| fits(&schema, b)) else { return problem(400, "that does not fit") };
                if fault == "export-fails" && body["format"] == "ndjson" {
                    return problem(500, "oh");
                }
                self.next += 1;
                let export = json!({ "id": self.next, "state": "waiting" });
                self.exports.insert(self.next, export.clone());
                with(answer(202, "application/json", export.to_string()), "Location", &format!("/hal/exports/{}", self.next))
            }
            (_, ["exports", id]) => match id.parse::<u32>().map(|id| self.exports.get(&id)) {
                Ok(Some(export)) => answer(200, "application/json", export.to_string()),
                Ok(None) => problem(404, "no such export"),
                Err(_) => problem(400, "ids are numbers"),
            },
            ("POST", ["sensors"]) | ("PUT", ["sensors", _]) => {
                if asked.media_type() != "application/json" {
                    return problem(415, "JSON is needed");
                }
                let schema = schema(fault == "smoke-without-threshold");
                let Some(body) = asked.json().filter(|b| fits(&schema, b)) else { return problem(400, "that does not fit") };
                let Some(id) = path.get(1) else {
                    self.next += 1;
                    self.sensors.insert(self.next, body);
                    return with(bare(201), "Location", &format!("/hal/sensors/s{}", self.next));
                };
                let Some(id) = number(id) else { return problem(400, "ids look like s1") };
                let new = self.sensors.insert(id, body).is_none();
                bare(if new { 201 } else { 204 })
            }
            (_, ["sensors", id]) => {
                let Some(id) = number(id) else { return problem(400, "ids look like s1") };
                if !self.sensors.contains_key(&id) {
                    return problem(404, "no such sensor");
                }
                if method == "DELETE" {
                    self.sensors.remove(&id);
                    return bare(204);
                }
                hal(200, &self.shown(id))
            }
            _ => problem(404, "nothing here"),
        }
    }
}

fn number(id: &str) -> Option<u32> {
    id.strip_prefix('s')?.parse().ok()
}
