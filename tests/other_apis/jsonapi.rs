//! JSON:API bodies, entity tags that must be given, pages by number, rules beyond the schema: home devices.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, answer, bare, fits, with};

pub(crate) struct Devices {
    fault: String,
    devices: BTreeMap<u32, (Value, u32)>,
    next: u32,
}

const JSON: &str = "application/vnd.api+json";

fn schema(all: bool) -> Value {
    let required: &[&str] = if all { &["label", "room", "lowest", "highest"] } else { &[] };
    json!({ "type": "object", "additionalProperties": false, "required": ["data"], "properties": { "data": {
        "type": "object", "additionalProperties": false, "required": ["type", "attributes"], "properties": {
            "type": { "const": "devices" },
            "attributes": { "type": "object", "additionalProperties": false, "required": required, "properties": {
                "label": { "type": "string", "minLength": 1, "maxLength": 30 },
                "room": { "type": "string", "enum": ["kitchen", "bath", "bedroom", "hall"] },
                "lowest": { "type": "integer", "minimum": -40, "maximum": 85 },
                "highest": { "type": "integer", "minimum": -40, "maximum": 85 } } } } } } })
}

impl Devices {
    pub(crate) fn new(fault: &str) -> Self {
        let attributes = |n: u32| json!({ "label": format!("Device {n}"), "room": "hall", "lowest": 5, "highest": 30 });
        Self { fault: fault.into(), devices: (1..=5).map(|n| (n, (attributes(n), 1))).collect(), next: 6 }
    }
    fn shown(&self, id: u32, attributes: &Value) -> Value {
        let mut attributes = attributes.clone();
        if self.fault == "attribute-of-another-type" {
            attributes["lowest"] = json!("cold");
        }
        json!({ "type": "devices", "id": id.to_string(), "attributes": attributes, "links": { "self": format!("/iot/devices/{id}") } })
    }
    fn one(&self, status: u16, id: u32) -> ApiResponse {
        let (attributes, version) = &self.devices[&id];
        let body = json!({ "data": self.shown(id, attributes) });
        with(answer(status, JSON, body.to_string()), "ETag", &format!("\"{id}-{version}\""))
    }
}

fn refused(status: u16, detail: &str) -> ApiResponse {
    answer(status, JSON, json!({ "errors": [{ "status": status.to_string(), "detail": detail }] }).to_string())
}

impl Service for Devices {
    fn description(&self) -> &'static str {
        r##"
openapi: 3.1.0
info: {title: Devices of a home, version: 1.2.0}
servers: [{url: /iot}]
security: [{token: []}]
paths:
  /devices:
    get:
      operationId: listDevices
      parameters:
        - {name: 'page[number]', in: query, schema: {type: integer, minimum: 1, default: 1}}
        - {name: 'page[size]', in: query, schema: {type: integer, minimum: 1, maximum: 25, default: 10}}
        - {name: filter, in: query, style: deepObject, explode: true, schema: {type: object, properties: {room: {$ref: '#/components/schemas/Room'}}}}
      responses:
        '200':
          description: A page
          content:
            application/vnd.api+json:
              schema:
                type: object
                required: [data, links]
                properties:
                  data: {type: array, items: {$ref: '#/components/schemas/Device'}}
                  links: {type: object, properties: {next: {type: [string, 'null']}}}
        '400': {$ref: '#/components/responses/Refused'}
        '401': {$ref: '#/components/responses/Refused'}
    post:
      operationId: addDevice
      requestBody:
        required: true
        content:
          application/vnd.api+json:
            schema: {$ref: '#/components/schemas/DeviceToBe'}
      responses:
        '201':
          description: Added
          headers: {Location: {required: true, schema: {type: string}}, ETag: {required: true, schema: {type: string}}}
          content: {application/vnd.api+json: {schema: {$ref: '#/components/schemas/OneDevice'}}}
        '400': {$ref: '#/components/responses/Refused'}
        '401': {$ref: '#/components/responses/Refused'}
        '415': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
  /devices/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: '^[1-9][0-9]{0,8}$'}}]
    get:
      operationId: readDevice
      responses:
        '200':
          description: One
          headers: {ETag: {required: true, schema: {type: string}}}
          content: {application/vnd.api+json: {schema: {$ref: '#/components/schemas/OneDevice'}}}
        '400': {$ref: '#/components/responses/Refused'}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
    patch:
      operationId: changeDevice
      parameters: [{$ref: '#/components/parameters/IfMatch'}]
      requestBody:
        required: true
        content: {application/vnd.api+json: {schema: {$ref: '#/components/schemas/DeviceChange'}}}
      responses:
        '200': {description: Changed, content: {application/vnd.api+json: {schema: {$ref: '#/components/schemas/OneDevice'}}}}
        '400': {$ref: '#/components/responses/Refused'}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '412': {$ref: '#/components/responses/Refused'}
        '415': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
        '428': {$ref: '#/components/responses/Refused'}
    delete:
      operationId: removeDevice
      parameters: [{$ref: '#/components/parameters/IfMatch'}]
      responses:
        '204': {description: Removed}
        '400': {$ref: '#/components/responses/Refused'}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '412': {$ref: '#/components/responses/Refused'}
        '428': {$ref: '#/components/responses/Refused'}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  parameters:
    IfMatch: {name: If-Match, in: header, required: true, schema: {type: string}}
  responses:
    Refused:
      description: Refused
      content:
        application/vnd.api+json:
          schema: {type: object, required: [errors], properties: {errors: {type: array, items: {type: object, properties: {status: {type: string}, detail: {type: string}}}}}}
  schemas:
    Room: {type: string, enum: [kitchen, bath, bedroom, hall]}
    Attributes:
      type: object
      additionalProperties: false
      properties:
        label: {type: string, minLength: 1, maxLength: 30}
        room: {$ref: '#/components/schemas/Room'}
        lowest: {type: integer, minimum: -40, maximum: 85, description: Below the highest}
        highest: {type: integer, minimum: -40, maximum: 85}
    DeviceToBe:
      type: object
      additionalProperties: false
      required: [data]
      properties:
        data:
          type: object
          additionalProperties: false
          required: [type, attributes]
          properties:
            type: {const: devices}
            attributes: {allOf: [{$ref: '#/components/schemas/Attributes'}, {required: [label, room, lowest, highest]}]}
      examples: [{data: {type: devices, attributes: {label: Fridge, room: kitchen, lowest: 2, highest: 9}}}]
    DeviceChange:
      type: object
      additionalProperties: false
      required: [data]
      properties:
        data: {type: object, additionalProperties: false, required: [type, attributes], properties: {type: {const: devices}, attributes: {$ref: '#/components/schemas/Attributes'}}}
      examples: [{data: {type: devices, attributes: {label: Cooler}}}]
    Device:
      type: object
      required: [type, id, attributes]
      properties:
        type: {const: devices}
        id: {type: string}
        attributes: {$ref: '#/components/schemas/Attributes'}
        links: {type: object, properties: {self: {type: string}}}
    OneDevice: {type: object, required: [data], properties: {data: {$ref: '#/components/schemas/Device'}}}
"##
    }

    fn base(&self) -> &'static str {
        "/iot"
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.headers.push(("Authorization".into(), "Bearer sesame".into()));
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        let fault = self.fault.clone();
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["devices"] => "GET, POST",
            ["devices", _] => "GET, PATCH, DELETE",
            _ => return refused(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(refused(405, "not this way"), "Allow", allowed);
        }
        if asked.header("authorization") != Some("Bearer sesame") {
            return with(refused(401, "a token is needed"), "WWW-Authenticate", "Bearer");
        }
        let Some(id) = path.get(1) else {
            return if method == "GET" { self.list(asked) } else { self.add(asked) };
        };
        let Some(id) = id.parse::<u32>().ok().filter(|_| !id.starts_with('0') && id.len() < 10) else {
            return refused(400, "ids are numbers");
        };
        let Some((_, version)) = self.devices.get(&id).cloned() else { return refused(404, "no such device") };
        if method == "GET" {
            return self.one(200, id);
        }
        match asked.header("if-match") {
            None if fault == "no-tag-needed" => {}
            None => return refused(428, "If-Match is needed"),
            Some(tag) if tag == format!("\"{id}-{version}\"") || tag == "*" => {}
            Some(_) => return refused(412, "it was changed meanwhile"),
        }
        if method == "DELETE" {
            self.devices.remove(&id);
            return bare(204);
        }
        let Some(body) = self.body(asked, false) else {
            return refused(if asked.media_type() == JSON { 400 } else { 415 }, "that does not fit");
        };
        let (attributes, version) = self.devices.get_mut(&id).unwrap();
        let mut changed = attributes.clone();
        for (name, value) in body["data"]["attributes"].as_object().unwrap() {
            changed[name] = value.clone();
        }
        if changed["lowest"].as_i64() >= changed["highest"].as_i64() {
            return refused(422, "the lowest is below the highest");
        }
        *attributes = changed;
        *version += 1;
        self.one(200, id)
    }
}

impl Devices {
    fn body(&self, asked: &Asked, all: bool) -> Option<Value> {
        asked.json().filter(|body| asked.media_type() == JSON && fits(&schema(all), body))
    }

    fn add(&mut self, asked: &Asked) -> ApiResponse {
        let Some(body) = self.body(asked, true) else {
            return refused(if asked.media_type() == JSON { 400 } else { 415 }, "that does not fit");
        };
        let mut attributes = body["data"]["attributes"].clone();
        if attributes["lowest"].as_i64() >= attributes["highest"].as_i64() {
            return refused(422, "the lowest is below the highest");
        }
        if self.fault == "room-not-kept" {
            attributes["room"] = json!("hall");
        }
        let id = self.next;
        self.next += 1;
        self.devices.insert(id, (attributes, 1));
        with(self.one(201, id), "Location", &format!("/iot/devices/{id}"))
    }

    fn list(&self, asked: &Asked) -> ApiResponse {
        let number = |name: &str, most: usize, default: usize| match asked.value(name) {
            None => Some(default),
            Some(text) => text.parse::<usize>().ok().filter(|n| (1..=most).contains(n)),
        };
        let (Some(page), Some(size)) = (number("page[number]", usize::MAX, 1), number("page[size]", 25, 10)) else {
            return refused(400, "pages are numbers");
        };
        let room = asked.value("filter[room]");
        if room.is_some_and(|room| !["kitchen", "bath", "bedroom", "hall"].contains(&room)) {
            return refused(400, "no such room");
        }
        let all: Vec<Value> = self
            .devices
            .iter()
            .filter(|(_, (a, _))| room.is_none_or(|room| a["room"] == room))
            .map(|(id, (a, _))| self.shown(*id, a))
            .collect();
        let skipped = (page - 1).saturating_mul(size);
        let data: Vec<Value> = all.iter().skip(skipped).take(size).cloned().collect();
        let more = all.len() > skipped.saturating_add(size);
        let again = self.fault == "next-page-again" && page > 1;
        let next = if again { Some(1) } else { more.then_some(page + 1) };
        let next = next.map(|n| format!("/iot/devices?page%5Bnumber%5D={n}&page%5Bsize%5D={size}"));
        answer(200, JSON, json!({ "data": data, "links": { "next": next } }).to_string())
    }
}
