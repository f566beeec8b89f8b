//! Forms, uploads and plain text, under OpenAPI 3.0: a help desk.

use std::collections::BTreeMap;

use probity::api::exchange::{ApiRequest, ApiResponse};
use serde_json::{Value, json};

use super::{Asked, Service, answer, bare, reply, with};

pub(crate) struct Forms {
    fault: String,
    tickets: BTreeMap<String, Value>,
    memos: BTreeMap<String, Vec<u8>>,
    files: BTreeMap<String, Vec<Value>>,
    next: u32,
}

impl Forms {
    pub(crate) fn new(fault: &str) -> Self {
        let id = "0b9d5c0a-4b7e-4a53-9c1e-000000000000".to_owned();
        let ticket = json!({ "ticketId": id, "subject": "The strap is worn", "urgent": false, "level": 1, "note": null });
        Self { fault: fault.into(), tickets: [(id, ticket)].into(), memos: BTreeMap::new(), files: BTreeMap::new(), next: 1 }
    }
    fn uuid(&mut self) -> String {
        self.next += 1;
        format!("0b9d5c0a-4b7e-4a53-9c1e-{:012x}", self.next)
    }
}

fn refused(status: u16, message: &str) -> ApiResponse {
    reply(status, &json!({ "code": format!("E{status}"), "message": message }))
}

impl Service for Forms {
    fn description(&self) -> &'static str {
        r##"
openapi: 3.0.3
info: {title: Help desk, version: 2.0.0}
servers: [{url: /api/v2}]
security: [{key: []}]
paths:
  /tickets:
    get:
      operationId: listTickets
      parameters:
        - {name: level, in: query, schema: {type: integer, minimum: 1, maximum: 3}}
        - {name: state, in: query, style: form, explode: false, schema: {type: array, items: {type: string, enum: [open, closed]}}}
      responses:
        '200': {description: All, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Ticket'}}}}}
        '4XX': {$ref: '#/components/responses/Refused'}
    post:
      operationId: addTicket
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [subject, level]
              properties:
                subject: {type: string, minLength: 1, maxLength: 60}
                level: {type: integer, minimum: 1, maximum: 3}
                urgent: {type: boolean}
      responses:
        '201': {description: Added, content: {application/json: {schema: {$ref: '#/components/schemas/Ticket'}}}}
        default: {$ref: '#/components/responses/Refused'}
  /tickets/{ticketId}:
    parameters: [{name: ticketId, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: readTicket
      responses:
        '200': {description: One, content: {application/json: {schema: {$ref: '#/components/schemas/Ticket'}}}}
        '4XX': {$ref: '#/components/responses/Refused'}
    delete:
      operationId: removeTicket
      responses:
        '204': {description: Removed}
        '4XX': {$ref: '#/components/responses/Refused'}
  /tickets/{ticketId}/memo:
    parameters: [{name: ticketId, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: readMemo
      responses:
        '200': {description: The memo, content: {text/plain: {schema: {type: string}}}}
        '4XX': {$ref: '#/components/responses/Refused'}
    put:
      operationId: writeMemo
      requestBody: {required: true, content: {text/plain: {schema: {type: string, maxLength: 500}}}}
      responses:
        '204': {description: Written}
        '4XX': {$ref: '#/components/responses/Refused'}
  /tickets/{ticketId}/files:
    parameters: [{name: ticketId, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: listFiles
      responses:
        '200': {description: Files, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/File'}}}}}
        '4XX': {$ref: '#/components/responses/Refused'}
    post:
      operationId: addFile
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [title, file]
              properties:
                title: {type: string, minLength: 1, maxLength: 40}
                file: {type: string, format: binary}
      responses:
        '201': {description: Kept, content: {application/json: {schema: {$ref: '#/components/schemas/File'}}}}
        '4XX': {$ref: '#/components/responses/Refused'}
components:
  securitySchemes: {key: {type: apiKey, in: query, name: key}}
  responses:
    Refused: {description: Refused, content: {application/json: {schema: {$ref: '#/components/schemas/Refusal'}}}}
  schemas:
    Ticket:
      type: object
      required: [ticketId, subject, urgent, level, note]
      properties:
        ticketId: {type: string, format: uuid}
        subject: {type: string}
        urgent: {type: boolean}
        level: {type: integer}
        note: {type: string, nullable: true}
    File: {type: object, required: [name, bytes], properties: {name: {type: string}, bytes: {type: integer}}}
    Refusal: {type: object, required: [code, message], properties: {code: {type: string}, message: {type: string}}}
"##
    }

    fn base(&self) -> &'static str {
        "/api/v2"
    }

    fn show_secret(&self, request: &mut ApiRequest) {
        request.url.push_str(if request.url.contains('?') { "&key=sesame" } else { "?key=sesame" });
    }

    fn answer(&mut self, asked: &Asked) -> ApiResponse {
        let fault = self.fault.clone();
        let (method, path) = asked.route();
        let allowed = match path.as_slice() {
            ["tickets"] | ["tickets", _, "files"] => "GET, POST",
            ["tickets", _, "memo"] => "GET, PUT",
            ["tickets", _] => "GET, DELETE",
            _ => return refused(404, "nothing here"),
        };
        if !allowed.split(", ").any(|m| m == method) {
            return with(refused(405, "not this way"), "Allow", allowed);
        }
        if asked.value("key") != Some("sesame") {
            return with(refused(401, "a key is needed"), "WWW-Authenticate", "Key");
        }
        if let Some(id) = path.get(1) {
            let hex = id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            if !hex {
                return refused(400, "the id is a UUID");
            }
            let kept = fault == "files-without-ticket" && path.get(2) == Some(&"files") && self.files.contains_key(*id);
            if !self.tickets.contains_key(*id) && !kept {
                return refused(404, "no such ticket");
            }
        }
        match (method, path.as_slice()) {
            ("GET", ["tickets"]) => {
                let level = asked.value("level").map(str::parse::<u8>);
                if level.as_ref().is_some_and(|l| !l.as_ref().is_ok_and(|n| (1..=3).contains(n))) {
                    return refused(400, "level is 1 to 3");
                }
                if asked.value("state").is_some_and(|s| !s.split(',').all(|one| matches!(one, "open" | "closed"))) {
                    return refused(400, "state is open or closed");
                }
                reply(200, &self.tickets.values().cloned().collect())
            }
            ("POST", ["tickets"]) => {
                let lax = fault == "json-taken-as-form" && asked.media_type() == "text/plain";
                if asked.media_type() != "application/x-www-form-urlencoded" && !lax {
                    return refused(415, "a form is needed");
                }
                let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
                let (Some(subject), Some(level)) = (form.get("subject"), form.get("level").and_then(|l| l.parse::<u8>().ok())) else {
                    return refused(422, "subject and level are needed");
                };
                if subject.chars().count() == 60 && fault == "long-subject-fails" {
                    return refused(500, "oh");
                }
                let urgent = form.get("urgent").map_or(Some(false), |u| u.parse::<bool>().ok());
                let (Some(urgent), true, true) = (urgent, (1..=60).contains(&subject.chars().count()), (1..=3).contains(&level)) else {
                    return refused(422, "that does not fit");
                };
                let id = self.uuid();
                let ticket = json!({ "ticketId": id, "subject": subject, "urgent": urgent, "level": level, "note": null });
                self.tickets.insert(id, ticket.clone());
                reply(201, &ticket)
            }
            ("GET", ["tickets", id]) => reply(200, &self.tickets[*id]),
            ("DELETE", ["tickets", id]) => {
                self.tickets.remove(*id);
                self.memos.remove(*id);
                if fault != "files-without-ticket" {
                    self.files.remove(*id);
                }
                bare(204)
            }
            ("GET", ["tickets", id, "memo"]) => match self.memos.get(*id) {
                Some(text) if fault == "memo-as-json" => answer(200, "application/json", text.clone()),
                Some(text) => answer(200, "text/plain; charset=utf-8", text.clone()),
                None => refused(404, "no memo yet"),
            },
            ("PUT", ["tickets", id, "memo"]) => {
                if asked.media_type() != "text/plain" {
                    return refused(415, "plain text is needed");
                }
                if asked.body.is_empty() || String::from_utf8_lossy(&asked.body).chars().count() > 500 {
                    return refused(422, "1 to 500 characters");
                }
                self.memos.insert((*id).to_owned(), asked.body.clone());
                bare(204)
            }
            ("GET", ["tickets", id, "files"]) => reply(200, &self.files.get(*id).cloned().unwrap_or_default().into()),
            ("POST", ["tickets", id, "files"]) => {
                if asked.media_type() != "multipart/form-data" {
                    return refused(415, "multipart is needed");
                }
                let text = String::from_utf8_lossy(&asked.body).into_owned();
                let part = |name: &str| {
                    let at = text.find(&format!("name=\"{name}\""))?;
                    Some(text[at..].split("\r\n\r\n").nth(1)?.split("\r\n--").next()?.to_owned())
                };
                let (Some(title), Some(file)) = (part("title"), part("file")) else { return refused(422, "title and file are needed") };
                if !(1..=40).contains(&title.chars().count()) {
                    return refused(422, "the title has 1 to 40 characters");
                }
                let kept = json!({ "name": title, "bytes": file.len() });
                self.files.entry((*id).to_owned()).or_default().push(kept.clone());
                reply(201, &kept)
            }
            _ => refused(404, "nothing here"),
        }
    }
}
