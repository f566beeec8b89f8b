//! A service that asks for pauses, with times in many forms, maps, and parts that only one side writes: readings.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, bare, fits, numbered, problem, reply, with};

pub(crate) struct Readings {
    fault: String,
    meters: BTreeMap<String, Value>,
    next: u32,
    asked: u32,
}

impl Readings {
    pub(crate) fn new(fault: &str) -> Self {
        Self { fault: fault.into(), meters: BTreeMap::new(), next: 1, asked: 0 }
    }
}

impl Service for Readings {
    fn description(&self) -> &'static str {
        r##"
openapi: 3.0.2
info: {title: Meters, version: 1.0.0}
security: [{key: []}]
paths:
  /home/meters:
    get:
      operationId: meters
      parameters:
        - {name: q, in: query, schema: {type: string}}
        - {name: since, in: query, schema: {type: string, format: date-time}}
        - {name: X-Request-ID, in: header, schema: {type: string, format: uuid}}
        - {name: Accept-Language, in: header, schema: {type: string, pattern: '^[a-z]{2}$'}}
      responses:
        '200': {description: All, content: {application/json: {schema: {type: object, required: [meters], properties: {meters: {type: array, items: {$ref: '#/components/schemas/Meter'}}}}}, application/vnd.meters.v2+json: {schema: {type: object}}}}
        default: {$ref: '#/components/responses/Problem'}
    post:
      operationId: addMeter
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Meter'}}}}
      responses:
        '201': {description: Added, content: {application/json: {schema: {$ref: '#/components/schemas/Meter'}}}}
        default: {$ref: '#/components/responses/Problem'}
  /home/meters/{uid}:
    parameters: [{name: uid, in: path, required: true, schema: {type: string}}]
    get:
      operationId: meter
      responses:
        '200': {description: One, content: {application/json: {schema: {$ref: '#/components/schemas/Meter'}}}}
        default: {$ref: '#/components/responses/Problem'}
    delete:
      operationId: dropMeter
      responses:
        '204': {description: Gone}
        default: {$ref: '#/components/responses/Problem'}
  /home/settings:
    get:
      operationId: settings
      responses:
        '200': {description: Settings, content: {application/json: {schema: {type: object, additionalProperties: true}}}}
        default: {$ref: '#/components/responses/Problem'}
    put:
      operationId: changeSettings
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses:
        '204': {description: Changed}
        default: {$ref: '#/components/responses/Problem'}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  responses:
    Problem: {description: Refused, content: {application/problem+json: {schema: {type: object}}}}
  schemas:
    Meter:
      type: object
      required: [uid, label, installed, pin]
      properties:
        uid: {type: string, readOnly: true}
        label: {type: string, maxLength: 25, pattern: '^[^<>]*$'}
        installed: {type: string, format: date-time}
        rests: {type: string, format: time, nullable: true}
        every: {type: string, format: duration}
        page: {type: string, format: uri, readOnly: true}
        pin: {type: string, writeOnly: true, pattern: '^[0-9]{4}$'}
        tags: {type: object, additionalProperties: {type: string, maxLength: 20}}
        factor: {type: number, format: double, minimum: 0.5, maximum: 2}
"##
    }

    fn base(&self) -> &'static str {
        ""
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.headers.push(("X-Key".into(), "sesame".into()));
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        self.asked += 1;
        if self.asked.is_multiple_of(11) {
            return with(problem(429, "slower, please"), "Retry-After", "0");
        }
        if self.asked.is_multiple_of(37) {
            return with(problem(503, "one moment"), "Retry-After", "0");
        }
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["home", "meters"] => "GET, HEAD, POST",
            ["home", "meters", _] => "DELETE, GET, HEAD",
            ["home", "settings"] => "GET, PUT",
            _ => return problem(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(problem(405, "not this way"), "Allow", allowed);
        }
        if asked.header("x-key") != Some("sesame") {
            return problem(401, "a key is needed");
        }
        let shown = |meter: &Value| {
            let mut meter = meter.clone();
            let pin = meter.as_object_mut().unwrap().remove("pin");
            if self.fault == "secret-shown" {
                meter["pin"] = pin.unwrap();
            }
            if self.fault == "moment-in-words" {
                meter["installed"] = json!("last spring");
            }
            meter["firmware"] = json!({ "line": "a" });
            meter
        };
        match (method, path.as_slice()) {
            (_, ["home", "settings"]) => {
                assert_eq!(method, "GET", "what the run did not make was changed");
                reply(200, &json!({ "unit": "m3" }))
            }
            ("GET", ["home", "meters"]) => {
                let moment = json!({ "type": "string", "format": "date-time" });
                if asked.value("since").is_some_and(|since| !fits(&moment, &json!(since))) {
                    return problem(400, "since is a moment");
                }
                let all: Vec<Value> = self.meters.values().map(shown).collect();
                let v2 = asked.header("accept") == Some("application/vnd.meters.v2+json");
                let mut response = reply(200, &json!({ "meters": all }));
                if v2 {
                    response.headers = vec![("Content-Type".into(), "application/vnd.meters.v2+json".into())];
                }
                response
            }
            ("POST", ["home", "meters"]) => {
                if asked.media_type() != "application/json" {
                    return problem(415, "JSON is needed");
                }
                let schema = json!({ "type": "object", "required": ["label", "installed", "pin"], "properties": {
                    "label": { "type": "string", "maxLength": 25, "pattern": "^[^<>]*$" }, "installed": { "type": "string", "format": "date-time" },
                    "rests": { "type": ["string", "null"], "format": "time" }, "every": { "type": "string", "format": "duration" },
                    "pin": { "type": "string", "pattern": "^[0-9]{4}$" }, "tags": { "type": "object", "additionalProperties": { "type": "string", "maxLength": 20 } },
                    "factor": { "type": "number", "minimum": 0.5, "maximum": 2 } } });
                let Some(mut meter) = asked.json().filter(|b| fits(&schema, b)) else { return problem(400, "that does not fit") };
                let uid = numbered("m-", self.next);
                self.next += 1;
                meter["uid"] = json!(uid);
                meter["page"] = json!(format!("https://meters.example/{uid}"));
                // Labels are kept in capitals, without blanks at their ends.
                meter["label"] = json!(meter["label"].as_str().unwrap().trim().to_uppercase());
                let answer = reply(201, &shown(&meter));
                self.meters.insert(uid, meter);
                answer
            }
            (_, ["home", "meters", uid]) => {
                if !self.meters.contains_key(*uid) {
                    return problem(404, &format!("there is nothing at /home/meters/{uid}"));
                }
                if method == "DELETE" {
                    self.meters.remove(*uid);
                    return bare(204);
                }
                reply(200, &shown(&self.meters[*uid]))
            }
            _ => problem(404, "nothing here"),
        }
    }
}
