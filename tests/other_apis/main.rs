//! APIs that other people might have written: of other shapes than the sample API, and sound. None of them
//! may be told a fault. Each has faults that can be switched on, and each of those must be told by its rule
//! and by no other.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bookings;
mod forms;
mod hal;
mod jsonapi;
mod legacy;
mod limited;

use std::collections::{BTreeMap, BTreeSet};

use probity::api::description::Description;
use probity::api::exchange::{ApiExchange, ApiRequest, ApiResponse};
use probity::api::oracle::{JudgeOptions, Judgement, judge};
use probity::api::plan::{Plan, PlanOptions};
use probity::document::Source;
use probity::verdict::Severity;
use serde_json::{Value, json};

/// A request as a service sees it.
pub(crate) struct Asked {
    method: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    fn media_type(&self) -> &str {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap().trim()
    }
    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
    /// Method and path with `_` for nothing: matched against.
    fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.path.iter().map(String::as_str).collect())
    }
}

/// A service in memory.
pub(crate) trait Service {
    /// Its description.
    fn description(&self) -> &'static str;
    /// The base address below the host.
    fn base(&self) -> &'static str;
    /// Puts the secret into a request, as the door would.
    fn show_secret(&self, _: &mut ApiRequest) {}
    fn answer(&mut self, asked: &Asked) -> ApiResponse;
}

/// An answer.
pub(crate) fn answer(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> ApiResponse {
    ApiResponse { status, headers: vec![("Content-Type".into(), media_type.into())], body: body.into() }
}
/// An answer of JSON.
pub(crate) fn reply(status: u16, value: &Value) -> ApiResponse {
    answer(status, "application/json", value.to_string())
}
/// An answer without a body.
pub(crate) fn bare(status: u16) -> ApiResponse {
    ApiResponse { status, ..ApiResponse::default() }
}
/// An answer with one more header field.
pub(crate) fn with(mut response: ApiResponse, name: &str, value: &str) -> ApiResponse {
    response.headers.push((name.into(), value.into()));
    response
}
/// Whether a value fits a schema that the service has of its own.
pub(crate) fn fits(schema: &Value, value: &Value) -> bool {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap().is_valid(value)
}

/// What came of a run.
pub(crate) struct Held {
    judgement: Judgement,
    requests: usize,
}

impl Held {
    fn told(&self, severity: Severity) -> Vec<String> {
        let groups = self.judgement.groups.iter().filter(|g| g.severity == severity);
        groups
            .map(|g| format!("{}: {} e.g. {} {} {}", g.rule, g.cause, g.samples[0].request, g.samples[0].got, g.samples[0].repeat))
            .collect()
    }
    fn rules(&self) -> BTreeSet<&str> {
        self.judgement.groups.iter().filter(|g| g.severity == Severity::Error).map(|g| g.rule).collect()
    }
}

/// Holds a service to its description.
pub(crate) fn hold(service: &mut dyn Service) -> Held {
    let description = Description::read(Source::yaml("openapi.yaml", service.description().as_bytes()).unwrap(), Vec::new()).unwrap();
    let credentials: BTreeMap<String, String> = description.schemes().keys().map(|name| (name.clone(), "secret".to_owned())).collect();
    let base = format!("http://127.0.0.1:8080{}", service.base());
    let options = PlanOptions { base: base.clone(), credentials, writes: true, wrong: true, ..PlanOptions::default() };
    let mut plan = Plan::new(&description, &options);
    let mut exchanges: Vec<ApiExchange> = Vec::new();
    while let Some(planned) = plan.next(exchanges.last()) {
        let mut request = ApiRequest {
            method: planned.method.clone(),
            url: planned.url.clone(),
            headers: planned.headers.clone(),
            body: planned.body.clone(),
        };
        if !planned.secrets.is_empty() {
            service.show_secret(&mut request);
        }
        let url = url::Url::parse(&request.url).unwrap();
        let below = url.path().strip_prefix(service.base()).unwrap_or("/nothing");
        let decoded =
            |s: &str| url::form_urlencoded::parse(format!("x={}", s.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned();
        let asked = Asked {
            method: request.method.clone(),
            path: below.split('/').filter(|s| !s.is_empty()).map(decoded).collect(),
            query: url.query_pairs().into_owned().collect(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        let response = Some(service.answer(&asked));
        exchanges.push(ApiExchange { id: planned.id, request, response, trouble: None });
        assert!(exchanges.len() < 1000, "the plan does not end");
    }
    let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
    Held { judgement, requests: exchanges.len() }
}

fn service(name: &str, fault: &str) -> Box<dyn Service> {
    match name {
        "forms" => Box::new(forms::Forms::new(fault)),
        "jsonapi" => Box::new(jsonapi::Devices::new(fault)),
        "hal" => Box::new(hal::Sensors::new(fault)),
        "legacy" => Box::new(legacy::Visits::new(fault)),
        "limited" => Box::new(limited::Readings::new(fault)),
        "bookings" => Box::new(bookings::Bookings::new(fault)),
        other => panic!("no service {other}"),
    }
}

const SERVICES: [&str; 6] = ["forms", "jsonapi", "hal", "legacy", "limited", "bookings"];

#[test]
fn sound_services_of_any_shape_are_told_no_fault() {
    let mut wrong = Vec::new();
    for name in SERVICES {
        let held = hold(service(name, "").as_mut());
        let accepted = held.judgement.tested.len();
        println!("{name}: {} requests, {accepted} of {} operations tested", held.requests, held.judgement.operations);
        for told in held.told(Severity::Warning) {
            println!("  warning {told}");
        }
        for untested in &held.judgement.untested {
            println!("  untested {} {} (needs {})", untested.operation, untested.what, untested.needs);
        }
        wrong.extend(held.told(Severity::Error).into_iter().map(|told| format!("{name}: {told}")));
        // Silence about a service that was not reached would prove nothing.
        assert!(accepted * 4 >= held.judgement.operations * 3, "{name}: {accepted} of {}", held.judgement.operations);
        assert!(held.requests >= 8 * held.judgement.operations, "{name}: {} requests", held.requests);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_in_services_of_other_shapes_are_told_by_their_rule_alone() {
    let mut wrong = Vec::new();
    for (name, fault, rules) in FAULTS {
        let held = hold(service(name, fault).as_mut());
        if held.rules() != rules.iter().copied().collect() {
            wrong.push(format!("{name} {fault}: {:#?}", held.told(Severity::Error)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), FAULTS.len(), wrong.join("\n"));
}

#[test]
fn the_same_is_said_ten_times_of_ten() {
    let first = hold(service("jsonapi", "stale-tag-taken").as_mut());
    for _ in 0..9 {
        assert_eq!(hold(service("jsonapi", "stale-tag-taken").as_mut()).judgement, first.judgement);
    }
}

/// Service, fault, and the rules that tell it.
const FAULTS: &[(&str, &str, &[&str])] = &[
    ("forms", "long-subject-fails", &["server-error"]),
    ("forms", "json-taken-as-form", &["media-type-enforced"]),
    ("forms", "memo-as-json", &["media-type-undocumented"]),
    ("forms", "files-without-ticket", &["deleted-gone"]),
    ("jsonapi", "no-tag-needed", &["missing-accepted"]),
    ("jsonapi", "next-page-again", &["page-loop"]),
    ("jsonapi", "room-not-kept", &["created-kept"]),
    ("jsonapi", "attribute-of-another-type", &["response-schema"]),
    // What was wrongly taken is answered, and breaks the description there as well.
    ("hal", "smoke-without-threshold", &["wrong-accepted", "response-schema"]),
    ("hal", "export-fails", &["server-error"]),
    ("hal", "sensor-lost-from-pages", &["page-loss"]),
    ("legacy", "minutes-unchecked", &["wrong-accepted"]),
    // In the list a visit is known by its number alone, which is not taken for an id there.
    ("legacy", "delete-does-nothing", &["deleted-gone"]),
    ("limited", "secret-shown", &["response-schema"]),
    ("limited", "moment-in-words", &["response-schema"]),
    ("bookings", "trace-in-refusals", &["error-internals"]),
    ("bookings", "longest-purpose-refused", &["valid-refused"]),
    ("bookings", "open-to-anybody", &["credential-required", "credential-checked"]),
];

/// The number of something that was created.
pub(crate) fn numbered(prefix: &str, number: u32) -> String {
    format!("{prefix}{number}")
}

/// Problem details.
pub(crate) fn problem(status: u16, detail: &str) -> ApiResponse {
    answer(status, "application/problem+json", json!({ "title": "Refused", "status": status, "detail": detail }).to_string())
}
