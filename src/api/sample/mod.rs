//! A sample API in telecare terms: a description and a service in memory, to prove the tester with.
//!
//! Without quirks the service does what its description says. Each quirk is one seeded fault; the
//! list of them is [`QUIRKS`]. The service is a function from request to answer: no network, no clock.
//! Every person in it is made up.

mod validity;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::description::percent_decoded;
use super::exchange::{ApiRequest, ApiResponse, essence, is_json};
use validity::{ALARM, ALARM_CHANGE, CONTACT, RESIDENT};

/// The token that the service knows.
pub const TOKEN: &str = "sample-platform-token";

/// The version that the service says it has.
const VERSION: &str = "1.0.0";

/// The token of another customer of the service, who has no residents here.
pub const OTHER_TOKEN: &str = "sample-platform-other-token";

/// Texts that belong to the made-up persons whom the service begins with.
pub const PERSON: [&str; 3] = ["Wilhelmina Fixture", "+3225550177", "Fixturestraat 12"];

/// The seeded faults: name, and what is wrong.
pub const QUIRKS: &[(&str, &str)] = &[
    ("fails-on-one-kind", "reading an alarm of the kind `inactivity` fails with 500"),
    ("fails-on-unknown-id", "reading a resident who does not exist fails with 500"),
    ("fails-on-broken-body", "a body that is not JSON fails with 500"),
    ("fails-on-media-type", "a body under another media type fails with 500"),
    ("created-as-200", "creating a resident answers 200 instead of 201"),
    ("unauthorized-as-403", "a missing token is answered with 403, which is not documented"),
    ("labels-json-as-text", "alarms are answered as text/plain"),
    ("no-media-type", "alarms are answered without Content-Type"),
    ("no-location", "creating a resident answers without Location"),
    ("rate-limit-in-words", "RateLimit-Limit is not a number"),
    ("property-missing", "a resident is answered without birthDate"),
    ("number-as-text", "the priority of an alarm is answered as text"),
    ("value-not-listed", "the state of an alarm is answered as a value that is not listed"),
    ("null-unexpected", "the kind of an alarm is answered as null"),
    ("date-in-words", "the birth date of a resident is answered in another form"),
    ("undeclared-property", "residents are answered with an internal risk score"),
    ("write-only-shown", "residents are answered with their access code"),
    ("json-with-comma", "alarms are answered as JSON with a comma too many"),
    ("error-schema-broken", "problem details lack their title"),
    ("takes-too-long", "a name longer than 80 is accepted"),
    ("takes-too-short", "a name of one letter is accepted"),
    ("takes-below-minimum", "the priority 0 is accepted"),
    ("takes-above-maximum", "the priority 6 is accepted"),
    ("takes-exclusive-maximum", "the temperature 100 is accepted"),
    ("takes-unlisted-value", "a living situation that is not listed is accepted"),
    ("takes-wrong-pattern", "a telephone number of another form is accepted"),
    ("takes-wrong-type", "a priority that is no number is accepted"),
    ("takes-impossible-date", "a birth date that does not exist is accepted"),
    ("takes-missing-property", "a resident without birth date is accepted"),
    ("takes-unknown-property", "properties that are not described are accepted"),
    ("takes-too-many-items", "five sensors are accepted"),
    ("takes-same-item-twice", "the same sensor twice is accepted"),
    ("takes-nested-fault", "a position without room is accepted"),
    ("takes-fault-on-replace", "replacing a resident does not look at the name"),
    ("takes-query-out-of-range", "a limit of 0 or 51 is accepted"),
    ("takes-query-in-words", "a limit that is no number is accepted"),
    ("takes-no-body", "a request without body is accepted"),
    ("takes-no-header", "an alarm without Care-Unit is accepted"),
    ("takes-wrong-header", "a Care-Unit of another form is accepted"),
    ("takes-any-media-type", "a body under text/plain is accepted"),
    ("refuses-longest", "a name of 80 is refused"),
    ("refuses-lowest", "the priority 1 is refused"),
    ("refuses-scripts", "a name in other scripts is refused"),
    ("refuses-largest-page", "a limit of 50 is refused"),
    ("mangles-scripts", "text in other scripts is not kept"),
    ("method-served", "PATCH on the list of residents is served"),
    ("method-not-found", "a method that a path does not have is answered with 404"),
    ("no-allow", "405 does not name the methods"),
    ("allow-wrong", "405 names a method too few"),
    ("open-operation", "reading an alarm works without a token"),
    ("any-token", "any token will do"),
    ("soft-not-found", "a resident who does not exist is answered with 200 and an excuse"),
    ("deleted-readable", "a deleted resident can still be read"),
    ("deleted-listed", "a deleted resident is still listed"),
    ("deleted-contacts", "the contacts of a deleted resident can still be read"),
    ("delete-twice-fails", "deleting what is deleted fails with 500"),
    ("created-lost", "a resident who was created is not found"),
    ("created-unlisted", "a contact who was added is not listed"),
    ("created-changed", "the notes of a resident are not kept"),
    ("change-lost", "replacing a resident changes nothing"),
    ("replace-once", "replacing a resident by the same once more is refused"),
    ("pages-overlap", "the last resident of a page is the first of the next"),
    ("pages-loop", "the last page of residents leads to the first"),
    ("pages-lose", "a resident between two pages is lost"),
    ("page-size-ignored", "the limit of alarms is ignored"),
    ("error-page", "errors are HTML"),
    ("error-trace", "errors show a stack trace"),
    ("error-sql", "errors show SQL"),
    ("error-address", "errors show an internal address"),
    ("error-person", "not finding a resident's contacts shows another resident"),
    ("error-status", "problem details tell another status"),
    ("other-account-reads", "residents are shown to another customer"),
    ("labels-as-asked", "answers are labelled with whatever is asked for"),
];

/// The service.
#[derive(Debug, Clone)]
pub struct SampleApi {
    /// The faults that it has, by name.
    pub quirks: BTreeSet<String>,
    residents: BTreeMap<u32, Map<String, Value>>,
    contacts: BTreeMap<u32, Vec<Map<String, Value>>>,
    alarms: BTreeMap<u32, Map<String, Value>>,
    dead: BTreeMap<u32, Map<String, Value>>,
    hidden: BTreeSet<u32>,
    next: u32,
    replaced: BTreeMap<u32, Value>,
}

/// An answer on its way.
type Answer = Result<ApiResponse, ApiResponse>;

impl Default for SampleApi {
    fn default() -> Self {
        Self::new([])
    }
}

/// The description of the service, in YAML.
pub fn description() -> &'static str {
    include_str!("description.yaml")
}

impl SampleApi {
    /// A service with these faults; names that are none are ignored.
    pub fn new<'a>(quirks: impl IntoIterator<Item = &'a str>) -> Self {
        let mut api = Self {
            quirks: quirks.into_iter().map(str::to_owned).collect(),
            residents: BTreeMap::new(),
            contacts: BTreeMap::new(),
            alarms: BTreeMap::new(),
            dead: BTreeMap::new(),
            hidden: BTreeSet::new(),
            next: 1,
            replaced: BTreeMap::new(),
        };
        for (name, phone) in [("Wilhelmina Fixture", "+3225550177"), ("Bruno Fixture", "+3225550188")] {
            let id = api.number();
            let resident = json!({ "id": resident_id(id), "name": name, "birthDate": "1941-02-03", "livingSituation": "alone", "phone": phone,
                "notes": "Lives at Fixturestraat 12", "accessCode": "111111" });
            api.residents.insert(id, resident.as_object().cloned().unwrap_or_default());
        }
        let id = api.number();
        let alarm = json!({ "id": id, "residentId": "res-0001", "kind": "fall", "priority": 2, "state": "closed", "raisedAt": "2026-03-01T08:00:00Z" });
        api.alarms.insert(id, alarm.as_object().cloned().unwrap_or_default());
        api
    }

    fn has(&self, quirk: &str) -> bool {
        self.quirks.contains(quirk)
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// The answer to a request. The address may be whole or begin with the path; `/v1` may stand
    /// before it or not.
    pub fn respond(&mut self, request: &ApiRequest) -> ApiResponse {
        let after_host = request
            .url
            .split_once("://")
            .map_or(request.url.as_str(), |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
        let (path, query) = after_host.split_once('?').unwrap_or((after_host, ""));
        let path = path.strip_prefix("/v1").unwrap_or(path);
        // An address with a slash at its end is another address, and there is nothing at it.
        let segments: Vec<String> = path.strip_prefix('/').unwrap_or(path).split('/').map(percent_decoded).collect();
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut response = match self.route(request, &segments, &query) {
            Ok(response) | Err(response) => response,
        };
        response.headers.push(("API-Version".into(), VERSION.into()));
        if self.has("labels-as-asked")
            && response.is_success()
            && let Some(asked) = request.header("accept").filter(|a| !a.contains(',') && !a.contains('*'))
        {
            response.headers.retain(|(n, _)| n != "Content-Type");
            response.headers.push(("Content-Type".into(), asked.to_owned()));
        }
        response
    }

    fn route(&mut self, request: &ApiRequest, segments: &[String], query: &[(String, String)]) -> Answer {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let methods: &[&str] = match parts.as_slice() {
            ["status"] => &["GET"],
            ["residents"] | ["alarms"] | ["residents", _, "contacts"] => &["GET", "POST"],
            ["residents", _] => &["GET", "PUT", "DELETE"],
            ["alarms", _] => &["GET", "PATCH", "DELETE"],
            _ => return Err(self.problem(404, "there is nothing here")),
        };
        let method = request.method.as_str();
        if parts.as_slice() == ["status"] && method == "GET" {
            let limit = if self.has("rate-limit-in-words") { "sixty" } else { "60" };
            return Ok(with(self.json(200, &json!({ "status": "up", "version": "1.0.0" })), "RateLimit-Limit", limit));
        }
        if !methods.contains(&method) {
            return self.other_method(method, &parts, methods);
        }
        let stranger = self.authenticate(request, method, &parts)?;
        if stranger && !(self.has("other-account-reads") && matches!(parts.as_slice(), ["residents", _])) {
            return Err(self.problem(404, "there is no such thing"));
        }
        match (method, parts.as_slice()) {
            ("GET", ["residents"]) => self.list_residents(query),
            ("POST", ["residents"]) => self.create_resident(request),
            ("GET", ["residents", id]) => self.read_resident(id),
            ("PUT", ["residents", id]) => self.replace_resident(request, id),
            ("DELETE", ["residents", id]) => self.delete_resident(id),
            ("GET", ["residents", id, _]) => self.list_contacts(id),
            ("POST", ["residents", id, _]) => self.add_contact(request, id),
            ("GET", ["alarms"]) => self.list_alarms(query),
            ("POST", ["alarms"]) => self.raise_alarm(request),
            ("GET", ["alarms", id]) => self.read_alarm(id),
            ("PATCH", ["alarms", id]) => self.change_alarm(request, id),
            ("DELETE", ["alarms", id]) => self.delete_alarm(id),
            _ => Err(self.problem(404, "there is nothing here")),
        }
    }

    fn other_method(&self, method: &str, parts: &[&str], methods: &[&str]) -> Answer {
        if self.has("method-served") && method == "PATCH" && parts == ["residents"] {
            return Ok(self.json(200, &json!({ "items": [], "nextCursor": null })));
        }
        if self.has("method-not-found") {
            return Err(self.problem(404, "there is nothing here"));
        }
        let response = self.problem(405, "the path does not have this method");
        if self.has("no-allow") {
            return Err(response);
        }
        let named = if self.has("allow-wrong") { methods.get(1..).unwrap_or_default() } else { methods };
        Err(with(response, "Allow", &named.join(", ")))
    }

    /// Whether it is another customer who asks.
    fn authenticate(&self, request: &ApiRequest, method: &str, parts: &[&str]) -> Result<bool, ApiResponse> {
        let token = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let open = self.has("open-operation") && method == "GET" && matches!(parts, ["alarms", _]);
        let any = self.has("any-token") && token.is_some();
        if token == Some(TOKEN) || open || any {
            return Ok(false);
        }
        if token == Some(OTHER_TOKEN) {
            return Ok(true);
        }
        if self.has("unauthorized-as-403") {
            return Err(self.problem(403, "a token is needed"));
        }
        Err(with(self.problem(401, "a token is needed"), "WWW-Authenticate", "Bearer"))
    }

    fn json(&self, status: u16, value: &Value) -> ApiResponse {
        ApiResponse { status, headers: vec![("Content-Type".into(), "application/json".into())], body: value.to_string().into_bytes() }
    }

    fn problem(&self, status: u16, detail: &str) -> ApiResponse {
        if self.has("error-page") {
            let page = format!("<html><body><h1>Error {status}</h1></body></html>");
            return ApiResponse { status, headers: vec![("Content-Type".into(), "text/html".into())], body: page.into_bytes() };
        }
        let told = if self.has("error-status") { 500 } else { status };
        let mut detail = detail.to_owned();
        if self.has("error-trace") && status == 400 {
            detail.push_str("\nTraceback (most recent call last):\n  File \"/srv/platform/app.py\", line 88, in handle");
        }
        if self.has("error-sql") && status == 404 {
            detail.push_str(": SELECT id, name FROM residents WHERE id = $1");
        }
        if self.has("error-address") && status == 404 {
            detail.push_str(" at 10.20.0.14");
        }
        let mut problem = json!({ "type": "about:blank", "title": "The request was refused", "status": told, "detail": detail });
        if self.has("error-schema-broken")
            && let Some(map) = problem.as_object_mut()
        {
            map.shift_remove("title");
        }
        ApiResponse {
            status,
            headers: vec![("Content-Type".into(), "application/problem+json".into())],
            body: problem.to_string().into_bytes(),
        }
    }

    fn failure(&self) -> ApiResponse {
        let problem = json!({ "type": "about:blank", "title": "The platform failed", "status": 500 });
        ApiResponse {
            status: 500,
            headers: vec![("Content-Type".into(), "application/problem+json".into())],
            body: problem.to_string().into_bytes(),
        }
    }

    /// The body as an object, if its media type is one of those that are taken.
    fn body(&self, request: &ApiRequest, media_type: &str) -> Result<Map<String, Value>, ApiResponse> {
        let sent = request.header("content-type").map(essence);
        let right = sent
            .as_deref()
            .is_some_and(|sent| sent == media_type || (media_type == "application/json" && is_json(sent) && sent == "application/json"));
        if !right && self.has("fails-on-media-type") && sent.is_some() {
            return Err(self.failure());
        }
        if request.body.is_empty() {
            return if self.has("takes-no-body") { Ok(Map::new()) } else { Err(self.problem(400, "a body is needed")) };
        }
        let lenient = self.has("takes-any-media-type") && sent.is_some();
        if !right && !lenient {
            return Err(self.problem(415, "the body must be JSON"));
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => Ok(body),
            Ok(_) => Err(self.problem(400, "the body must be an object")),
            Err(_) if self.has("fails-on-broken-body") => Err(self.failure()),
            Err(_) => Err(self.problem(400, "the body is not JSON")),
        }
    }

    fn checked(&self, body: &Map<String, Value>, fields: &[validity::Field]) -> Result<(), ApiResponse> {
        if body.is_empty() && self.has("takes-no-body") {
            return Ok(());
        }
        validity::check(body, fields, &self.quirks).map_err(|why| self.problem(400, &why))
    }

    fn resident_number(&self, id: &str) -> Result<u32, ApiResponse> {
        let digits = id.strip_prefix("res-").filter(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|d| d.parse().ok()).ok_or_else(|| self.problem(400, "the id must look like res-0000"))
    }

    fn shown(&self, resident: &Map<String, Value>) -> Value {
        let mut shown = resident.clone();
        if !self.has("write-only-shown") {
            shown.shift_remove("accessCode");
        }
        if self.has("undeclared-property") {
            shown.insert("riskScore".into(), json!(7));
        }
        if self.has("property-missing") {
            shown.shift_remove("birthDate");
        }
        if self.has("date-in-words") {
            shown.insert("birthDate".into(), json!("17 May 1944"));
        }
        if self.has("mangles-scripts") {
            for value in shown.values_mut() {
                if let Value::String(text) = value {
                    *text = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
                }
            }
        }
        Value::Object(shown)
    }

    fn count(&self, query: &[(String, String)], name: &str, least: i64, most: i64, default: i64) -> Result<usize, ApiResponse> {
        let Some((_, text)) = query.iter().find(|(n, _)| n == name) else { return Ok(usize::try_from(default).unwrap_or(0)) };
        let number = match text.parse::<i64>() {
            Ok(number) => number,
            Err(_) if self.has("takes-query-in-words") => default,
            Err(_) => return Err(self.problem(400, &format!("{name} must be a whole number"))),
        };
        let lenient = self.has("takes-query-out-of-range") && name == "limit";
        let strict = self.has("refuses-largest-page") && most == 50 && number == 50;
        if (!(least..=most).contains(&number) && !lenient) || strict {
            return Err(self.problem(400, &format!("{name} must be between {least} and {most}")));
        }
        Ok(usize::try_from(number.clamp(least, most)).unwrap_or(0))
    }

    fn list_residents(&self, query: &[(String, String)]) -> Answer {
        let limit = self.count(query, "limit", 1, 50, 20)?;
        let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let situations = ["alone", "couple", "family", "sheltered"];
        if value("livingSituation").is_some_and(|s| !situations.contains(&s)) {
            return Err(self.problem(400, "the living situation is not one of those that are known"));
        }
        if value("cursor").is_some_and(|c| c.chars().count() > 40) {
            return Err(self.problem(400, "the cursor is too long"));
        }
        let start = match value("cursor") {
            Some(cursor) => cursor
                .strip_prefix("from-")
                .and_then(|n| n.parse::<u32>().ok())
                .ok_or_else(|| self.problem(400, "the cursor is not known"))?,
            None => 0,
        };
        let listed: Vec<(&u32, &Map<String, Value>)> = self
            .residents
            .iter()
            .chain(self.dead.iter().filter(|_| self.has("deleted-listed")))
            .filter(|(_, r)| value("livingSituation").is_none_or(|s| r.get("livingSituation").and_then(Value::as_str) == Some(s)))
            .filter(|(id, _)| **id >= start)
            .collect();
        let page: Vec<Value> = listed.iter().take(limit).map(|(_, r)| self.shown(r)).collect();
        let more = listed.get(limit).map(|(id, _)| **id);
        let last = listed.get(limit.saturating_sub(1)).map(|(id, _)| **id);
        let next = match more {
            Some(_) if self.has("pages-overlap") && limit > 1 => last,
            Some(id) if self.has("pages-lose") => Some(id + 1),
            Some(id) => Some(id),
            None if self.has("pages-loop") && start > 0 => Some(1),
            None => None,
        };
        Ok(with(self.json(200, &json!({ "items": page, "nextCursor": next.map(|id| format!("from-{id}")) })), "RateLimit-Limit", "60"))
    }

    fn create_resident(&mut self, request: &ApiRequest) -> Answer {
        let mut resident = self.body(request, "application/json")?;
        self.checked(&resident, RESIDENT)?;
        let number = self.number();
        let id = resident_id(number);
        resident.insert("id".into(), json!(id));
        for (name, value) in [("name", json!("Fixture Person")), ("birthDate", json!("1944-05-17")), ("livingSituation", json!("alone"))] {
            resident.entry(name).or_insert(value);
        }
        if self.has("created-changed") {
            resident.shift_remove("notes");
            resident.insert("notes".into(), json!(""));
        }
        if self.has("created-lost") {
            self.hidden.insert(number);
        }
        let shown = self.shown(&resident);
        self.residents.insert(number, resident);
        let status = if self.has("created-as-200") { 200 } else { 201 };
        let response = self.json(status, &shown);
        Ok(if self.has("no-location") { response } else { with(response, "Location", &format!("/v1/residents/{id}")) })
    }

    fn resident(&self, id: &str) -> Result<(u32, &Map<String, Value>), ApiResponse> {
        let number = self.resident_number(id)?;
        let known = self.residents.get(&number).filter(|_| !self.hidden.contains(&number));
        let dead = self.dead.get(&number).filter(|_| self.has("deleted-readable"));
        known.or(dead).map(|resident| (number, resident)).ok_or_else(|| self.problem(404, "there is no such resident"))
    }

    fn read_resident(&self, id: &str) -> Answer {
        match self.resident(id) {
            Ok((_, resident)) => Ok(self.json(200, &self.shown(resident))),
            Err(error) if error.status == 404 && self.has("fails-on-unknown-id") => Err(self.failure()),
            Err(error) if error.status == 404 && self.has("soft-not-found") => {
                Ok(self.json(200, &json!({ "id": id, "name": "not found", "birthDate": "1900-01-01", "livingSituation": "alone" })))
            }
            Err(error) => Err(error),
        }
    }

    fn replace_resident(&mut self, request: &ApiRequest, id: &str) -> Answer {
        let number = self.resident_number(id)?;
        let mut resident = self.body(request, "application/json")?;
        if self.has("takes-fault-on-replace") {
            let without: Vec<validity::Field> = RESIDENT.iter().filter(|f| f.name != "name").copied().chain([validity::ANY_NAME]).collect();
            self.checked(&resident, &without)?;
        } else {
            self.checked(&resident, RESIDENT)?;
        }
        if !self.residents.contains_key(&number) {
            return Err(self.problem(404, "there is no such resident"));
        }
        let whole = Value::Object(resident.clone());
        if self.has("replace-once") && self.replaced.insert(number, whole.clone()).as_ref() == Some(&whole) {
            return Err(self.problem(400, "nothing would change"));
        }
        resident.insert("id".into(), json!(id));
        for (name, value) in [("name", json!("Fixture Person")), ("birthDate", json!("1944-05-17")), ("livingSituation", json!("alone"))] {
            resident.entry(name).or_insert(value);
        }
        let shown = self.shown(&resident);
        if !self.has("change-lost") {
            self.residents.insert(number, resident);
        }
        Ok(self.json(200, &shown))
    }

    fn delete_resident(&mut self, id: &str) -> Answer {
        let number = self.resident_number(id)?;
        match self.residents.remove(&number) {
            Some(resident) => {
                self.dead.insert(number, resident);
                if !self.has("deleted-contacts") {
                    self.contacts.remove(&number);
                }
                self.alarms.retain(|_, alarm| alarm.get("residentId").and_then(Value::as_str) != Some(id));
                Ok(ApiResponse { status: 204, ..ApiResponse::default() })
            }
            None if self.has("delete-twice-fails") && self.dead.contains_key(&number) => Err(self.failure()),
            None => Err(self.problem(404, "there is no such resident")),
        }
    }

    fn list_contacts(&self, id: &str) -> Answer {
        let number = self.resident_number(id)?;
        let left = self.has("deleted-contacts") && self.contacts.get(&number).is_some_and(|c| !c.is_empty());
        if !self.residents.contains_key(&number) && !left {
            let detail = if self.has("error-person") {
                "there is no such resident; did you mean Wilhelmina Fixture?"
            } else {
                "there is no such resident"
            };
            return Err(self.problem(404, detail));
        }
        let contacts = self.contacts.get(&number).cloned().unwrap_or_default();
        Ok(self.json(200, &json!(contacts)))
    }

    fn add_contact(&mut self, request: &ApiRequest, id: &str) -> Answer {
        let number = self.resident_number(id)?;
        if !self.residents.contains_key(&number) {
            return Err(self.problem(404, "there is no such resident"));
        }
        let mut contact = self.body(request, "application/json")?;
        self.checked(&contact, CONTACT)?;
        let own = self.number();
        contact.insert("id".into(), json!(format!("con-{own}")));
        for (name, value) in
            [("name", json!("Fixture Contact")), ("phone", json!("+3225550100")), ("relation", json!("carer")), ("rank", json!(1))]
        {
            contact.entry(name).or_insert(value);
        }
        let response = self.json(201, &Value::Object(contact.clone()));
        if !self.has("created-unlisted") {
            let list = self.contacts.entry(number).or_default();
            list.push(contact);
            // A list has at most fifty.
            list.truncate(50);
        }
        Ok(response)
    }

    fn alarm_number(&self, id: &str) -> Result<u32, ApiResponse> {
        let number = id.parse::<u32>().ok().filter(|n| (1..=999_999).contains(n));
        number.ok_or_else(|| self.problem(400, "the id must be a number from 1 to 999999"))
    }

    fn shown_alarm(&self, alarm: &Map<String, Value>) -> Value {
        let mut shown = alarm.clone();
        if self.has("number-as-text")
            && let Some(priority) = shown.get_mut("priority")
        {
            *priority = json!(priority.to_string());
        }
        if self.has("value-not-listed") {
            shown.insert("state".into(), json!("pending"));
        }
        if self.has("null-unexpected") {
            shown.insert("kind".into(), Value::Null);
        }
        Value::Object(shown)
    }

    fn alarm_answer(&self, value: &Value) -> ApiResponse {
        let mut response = self.json(200, value);
        if self.has("labels-json-as-text") {
            response.headers = vec![("Content-Type".into(), "text/plain".into())];
        }
        if self.has("no-media-type") {
            response.headers.clear();
        }
        if self.has("json-with-comma") {
            response.body.pop();
            response.body.extend_from_slice(b",}");
        }
        response
    }

    fn list_alarms(&self, query: &[(String, String)]) -> Answer {
        let limit = self.count(query, "limit", 1, 100, 50)?;
        let offset = self.count(query, "offset", 0, 100_000, 0)?;
        let open = match query.iter().find(|(n, _)| n == "open").map(|(_, v)| v.as_str()) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(self.problem(400, "open must be true or false")),
            None => None,
        };
        let limit = if self.has("page-size-ignored") { 100 } else { limit };
        let listed =
            self.alarms.values().filter(|a| open.is_none_or(|open| (a.get("state").and_then(Value::as_str) == Some("open")) == open));
        let page: Vec<Value> = listed.skip(offset).take(limit).map(|a| self.shown_alarm(a)).collect();
        Ok(self.json(200, &json!(page)))
    }

    fn raise_alarm(&mut self, request: &ApiRequest) -> Answer {
        let unit = request.header("care-unit");
        let right = unit.is_some_and(|u| {
            u.len() == 4 && u.bytes().take(2).all(|b| b.is_ascii_uppercase()) && u.bytes().skip(2).all(|b| b.is_ascii_digit())
        });
        let lenient = (unit.is_none() && self.has("takes-no-header")) || (unit.is_some() && self.has("takes-wrong-header"));
        if !right && !lenient {
            return Err(self.problem(400, "Care-Unit must be two capitals and two digits"));
        }
        let mut alarm = self.body(request, "application/json")?;
        self.checked(&alarm, ALARM)?;
        let resident = alarm.get("residentId").and_then(Value::as_str).unwrap_or("res-0001").to_owned();
        let number = self.resident_number(&resident)?;
        if !self.residents.contains_key(&number) {
            return Err(self.problem(404, "there is no such resident"));
        }
        let id = self.number();
        for (name, value) in [
            ("id", json!(id)),
            ("residentId", json!(resident)),
            ("kind", json!("button")),
            ("priority", json!(1)),
            ("state", json!("open")),
            ("raisedAt", json!("2026-03-01T09:00:00Z")),
        ] {
            alarm.entry(name).or_insert(value);
        }
        let shown = self.shown_alarm(&alarm);
        self.alarms.insert(id, alarm);
        let response = self.json(201, &shown);
        Ok(with(response, "Location", &format!("/v1/alarms/{id}")))
    }

    fn read_alarm(&self, id: &str) -> Answer {
        let number = self.alarm_number(id)?;
        let Some(alarm) = self.alarms.get(&number) else { return Err(self.problem(404, "there is no such alarm")) };
        if self.has("fails-on-one-kind") && alarm.get("kind").and_then(Value::as_str) == Some("inactivity") {
            return Err(self.failure());
        }
        Ok(self.alarm_answer(&self.shown_alarm(alarm)))
    }

    fn change_alarm(&mut self, request: &ApiRequest, id: &str) -> Answer {
        let number = self.alarm_number(id)?;
        let change = self.body(request, "application/merge-patch+json")?;
        self.checked(&change, ALARM_CHANGE)?;
        if change.is_empty() && !(self.has("takes-no-body") && request.body.is_empty()) {
            return Err(self.problem(400, "the change is empty"));
        }
        let missing = self.problem(404, "there is no such alarm");
        let Some(alarm) = self.alarms.get_mut(&number) else { return Err(missing) };
        alarm.extend(change);
        let alarm = alarm.clone();
        Ok(self.json(200, &self.shown_alarm(&alarm)))
    }

    fn delete_alarm(&mut self, id: &str) -> Answer {
        let number = self.alarm_number(id)?;
        match self.alarms.remove(&number) {
            Some(_) => Ok(ApiResponse { status: 204, ..ApiResponse::default() }),
            None => Err(self.problem(404, "there is no such alarm")),
        }
    }
}

fn resident_id(number: u32) -> String {
    format!("res-{number:04}")
}

fn with(mut response: ApiResponse, name: &str, value: &str) -> ApiResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}
