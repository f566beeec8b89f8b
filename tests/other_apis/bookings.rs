//! Rules that no schema says: one end before the other, known codes, a quota, states that allow one step: bookings.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, fits, reply, with};

pub(crate) struct Bookings {
    fault: String,
    bookings: BTreeMap<u32, Value>,
    next: u32,
}

impl Bookings {
    pub(crate) fn new(fault: &str) -> Self {
        Self { fault: fault.into(), bookings: BTreeMap::new(), next: 1 }
    }
    fn refused(&self, status: u16, what: &str) -> ApiResponse {
        let mut body = json!({ "message": what, "fields": [] });
        if self.fault == "trace-in-refusals" && status == 422 {
            body["message"] = json!(format!("{what}\n    at bookings.Rules.check(Rules.java:88)\n    at bookings.Api.add(Api.java:12)"));
        }
        reply(status, &body)
    }
}

/// The most bookings at a time.
const QUOTA: usize = 12;

impl Service for Bookings {
    fn description(&self) -> &'static str {
        r##"
openapi: 3.1.0
info: {title: Bookings of a day centre, version: 1.0.0}
servers: [{url: /centre}]
security: [{token: []}]
paths:
  /bookings:
    get:
      operationId: bookings
      parameters:
        - {name: from, in: query, schema: {type: string, format: date}}
        - {name: until, in: query, schema: {type: string, format: date}}
      responses:
        '200': {description: All, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Booking'}}}}}
        '401': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
    post:
      operationId: book
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/BookingToBe'}
            example: {purpose: Lunch, start: '2027-03-01T11:00:00Z', end: '2027-03-01T13:00:00Z', seats: 1, country: BE}
      responses:
        '201': {description: Booked, content: {application/json: {schema: {$ref: '#/components/schemas/Booking'}}}}
        '401': {$ref: '#/components/responses/Refused'}
        '409': {$ref: '#/components/responses/Refused'}
        '415': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
  /bookings/{bookingId}:
    parameters: [{name: bookingId, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      operationId: booking
      responses:
        '200': {description: One, content: {application/json: {schema: {$ref: '#/components/schemas/Booking'}}}}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
    delete:
      operationId: unbook
      responses:
        '204': {description: Undone}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '409': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
  /bookings/{bookingId}/confirmation:
    parameters: [{name: bookingId, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      operationId: confirmation
      responses:
        '200': {description: When, content: {application/json: {schema: {type: object, properties: {at: {type: string, format: date-time}}}}}}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
    post:
      operationId: confirm
      responses:
        '200': {description: Confirmed, content: {application/json: {schema: {$ref: '#/components/schemas/Booking'}}}}
        '401': {$ref: '#/components/responses/Refused'}
        '404': {$ref: '#/components/responses/Refused'}
        '409': {$ref: '#/components/responses/Refused'}
        '422': {$ref: '#/components/responses/Refused'}
components:
  securitySchemes: {token: {type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://login.example/token', scopes: {}}}}}
  responses:
    Refused: {description: Refused, content: {application/json: {schema: {type: object, required: [message, fields], properties: {message: {type: string}, fields: {type: array, items: {type: string}}}}}}}
  schemas:
    BookingToBe:
      type: object
      required: [purpose, start, end, seats]
      properties:
        purpose: {type: string, minLength: 1, maxLength: 50}
        start: {type: string, format: date-time}
        end: {type: string, format: date-time}
        seats: {type: integer, minimum: 1, maximum: 8}
        country: {type: string, minLength: 2, maxLength: 2}
        companions: {type: integer, minimum: 0, maximum: 8, description: Not more than seats}
    Booking:
      allOf:
        - {$ref: '#/components/schemas/BookingToBe'}
        - {type: object, required: [id, state], properties: {id: {type: integer}, state: {type: string, enum: [open, confirmed]}}}
"##
    }

    fn base(&self) -> &'static str {
        "/centre"
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.headers.push(("Authorization".into(), "Bearer sesame".into()));
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["bookings"] | ["bookings", _, "confirmation"] => "GET, POST",
            ["bookings", _] => "GET, DELETE",
            _ => return self.refused(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(self.refused(405, "not this way"), "Allow", allowed);
        }
        let open = self.fault == "open-to-anybody" && path.len() == 1 && method == "GET";
        if asked.header("authorization") != Some("Bearer sesame") && !open {
            return with(self.refused(401, "a token is needed"), "WWW-Authenticate", "Bearer");
        }
        let id = match path.get(1).map(|id| id.parse::<u32>().ok().filter(|id| *id > 0)) {
            Some(None) => return self.refused(422, "ids are numbers"),
            Some(Some(id)) if !self.bookings.contains_key(&id) => return self.refused(404, "no such booking"),
            Some(Some(id)) => id,
            None => 0,
        };
        match (method, path.as_slice()) {
            ("GET", ["bookings"]) => {
                let date = json!({ "type": "string", "format": "date" });
                let ends: Vec<Option<&str>> = vec![asked.value("from"), asked.value("until")];
                if ends.iter().flatten().any(|day| !fits(&date, &json!(day))) {
                    return self.refused(422, "days are needed");
                }
                if let [Some(from), Some(until)] = ends.as_slice()
                    && from >= until
                {
                    return self.refused(422, "from is before until");
                }
                reply(200, &self.bookings.values().cloned().collect())
            }
            ("POST", ["bookings"]) => {
                if asked.media_type() != "application/json" {
                    return self.refused(415, "JSON is needed");
                }
                let schema = json!({ "type": "object", "required": ["purpose", "start", "end", "seats"], "properties": {
                    "purpose": { "type": "string", "minLength": 1, "maxLength": 50 }, "start": { "type": "string", "format": "date-time" },
                    "end": { "type": "string", "format": "date-time" }, "seats": { "type": "integer", "minimum": 1, "maximum": 8 },
                    "country": { "type": "string", "minLength": 2, "maxLength": 2 }, "companions": { "type": "integer", "minimum": 0, "maximum": 8 } } });
                let Some(mut booking) = asked.json().filter(|b| fits(&schema, b)) else { return self.refused(422, "that does not fit") };
                if booking["start"].as_str() >= booking["end"].as_str() {
                    return self.refused(422, "the start is before the end");
                }
                if !booking["country"].is_null() && !["BE", "NL", "FR"].contains(&booking["country"].as_str().unwrap()) {
                    return self.refused(422, "no such country");
                }
                if booking["companions"].as_i64() > booking["seats"].as_i64() {
                    return self.refused(422, "more companions than seats");
                }
                let long = booking["purpose"].as_str().unwrap().chars().count() == 50;
                if long && self.fault == "longest-purpose-refused" {
                    return self.refused(422, "too long");
                }
                if self.bookings.len() >= QUOTA {
                    return self.refused(409, "the day is full");
                }
                let id = self.next;
                self.next += 1;
                booking["id"] = json!(id);
                booking["state"] = json!("open");
                self.bookings.insert(id, booking.clone());
                reply(201, &booking)
            }
            ("GET", ["bookings", _]) => reply(200, &self.bookings[&id]),
            ("DELETE", ["bookings", _]) => {
                self.bookings.remove(&id);
                super::bare(204)
            }
            ("GET", ["bookings", _, _]) if self.bookings[&id]["state"] == "open" => self.refused(404, "not confirmed yet"),
            ("GET", ["bookings", _, _]) => reply(200, &json!({ "at": "2026-05-05T09:00:00Z" })),
            ("POST", ["bookings", _, _]) if self.bookings[&id]["state"] == "confirmed" => self.refused(409, "it is confirmed"),
            _ => {
                let booking = self.bookings.get_mut(&id).unwrap();
                booking["state"] = json!("confirmed");
                reply(200, booking)
            }
        }
    }
}
