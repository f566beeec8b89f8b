use proptest::prelude::*;
use serde_json::{Value, json};

use super::{is_email, is_uuid, judge, judge_as, time_of_day};
use crate::format::mutation::{assert_one, changed, pointers};
use crate::verdict::Severity;

const SERVICE: &str = r#"{
  "id": "0f6c2b1e-0000-4000-8000-000000000001", "name": "Meals at home", "status": "active",
  "description": "Warm meals", "url": "https://meals.example/", "email": "office@meals.example",
  "minimum_age": 60, "maximum_age": 120, "assured_date": "2026-10-01", "last_modified": "2026-10-01T10:00:00.123Z",
  "organization_id": "0f6c2b1e-0000-4000-8000-000000000002",
  "organization": {"id": "0f6c2b1e-0000-4000-8000-000000000002", "name": "Meals", "description": "A charity", "website": "https://meals.example/"},
  "phones": [{"id": "0f6c2b1e-0000-4000-8000-000000000003", "number": "+48 22 000 00 00", "service_id": "0f6c2b1e-0000-4000-8000-000000000001"}],
  "languages": [{"id": "0f6c2b1e-0000-4000-8000-000000000004", "name": "Polish", "code": "pl"}],
  "schedules": [{"id": "0f6c2b1e-0000-4000-8000-000000000005", "freq": "WEEKLY", "byday": "MO,WE", "interval": 1, "valid_from": "2026-01-01",
    "valid_to": "2026-12-31", "opens_at": "10:00+01:00", "closes_at": "14:00:00+01:00"}],
  "cost_options": [{"id": "0f6c2b1e-0000-4000-8000-000000000006", "currency": "PLN", "amount": 12.5}],
  "service_at_locations": [{"id": "0f6c2b1e-0000-4000-8000-000000000007", "location": {
    "id": "0f6c2b1e-0000-4000-8000-000000000008", "location_type": "physical", "latitude": 52.2, "longitude": 21.0,
    "addresses": [{"id": "0f6c2b1e-0000-4000-8000-000000000009", "address_1": "Main Street 1", "city": "Warszawa", "state_province": "MZ",
      "postal_code": "00-001", "country": "PL", "address_type": "physical"}]}}],
  "attributes": [{"id": "0f6c2b1e-0000-4000-8000-000000000010", "taxonomy_term": {"id": "0f6c2b1e-0000-4000-8000-000000000011", "name": "Meals", "description": "Meals", "language": "eng"}}],
  "extra_of_a_profile": {"anything": 1}
}"#;

fn page() -> String {
    let service: Value = serde_json::from_str(SERVICE).unwrap();
    json!({"total_items": 11, "total_pages": 11, "page_number": 1, "size": 1, "first_page": true, "last_page": false, "empty": false, "contents": [service]}).to_string()
}

#[test]
fn sound_documents_are_silent() {
    assert_eq!(judge("t", SERVICE.as_bytes()), []);
    assert_eq!(judge("t", page().as_bytes()), []);
    let root = br#"{"version": "3.0", "profile": "https://docs.example/hsds", "openapi_url": "https://api.example/openapi.json"}"#;
    assert_eq!(judge("t", root), []);
}

#[test]
fn each_fault_has_its_own_rule_and_place() {
    let (error, warning) = (Severity::Error, Severity::Warning);
    for (pointer, value, severity, rule, place) in [
        ("/id", Value::Null, error, "required", ""),
        ("/id", json!("service-1"), error, "uuid", "/id"),
        ("/name", Value::Null, error, "required", ""),
        ("/name", json!(""), error, "empty", "/name"),
        ("/name", json!(7), error, "type", "/name"),
        ("/status", json!("open"), error, "value", "/status"),
        ("/url", json!("meals.example"), error, "uri", "/url"),
        ("/email", json!("office at meals"), error, "email", "/email"),
        ("/minimum_age", json!("60"), error, "type", "/minimum_age"),
        ("/minimum_age", json!(130), error, "age-order", "/minimum_age"),
        ("/assured_date", json!("01.10.2026"), error, "date", "/assured_date"),
        ("/last_modified", json!("2026-10-01T10:00:00"), error, "date-time", "/last_modified"),
        ("/organization_id", json!("0f6c2b1e-0000-4000-8000-00000000000f"), error, "reference", "/organization/id"),
        ("/organization/description", Value::Null, error, "required", "/organization"),
        ("/phones", json!({}), error, "type", "/phones"),
        ("/phones/0/number", Value::Null, error, "required", "/phones/0"),
        ("/phones/0/number", json!("call us"), warning, "phone", "/phones/0/number"),
        ("/phones/0/service_id", json!("0f6c2b1e-0000-4000-8000-00000000000f"), error, "reference", "/phones/0/service_id"),
        ("/phones/0/id", json!("0f6c2b1e-0000-4000-8000-000000000001"), warning, "id-shared", "/phones/0/id"),
        ("/languages/0/code", json!("polish language"), error, "language-tag", "/languages/0/code"),
        ("/languages/0/code", json!("xx"), warning, "language-unknown", "/languages/0/code"),
        ("/schedules/0/byday", json!("MO,XX"), error, "recurrence", "/schedules/0/byday"),
        ("/schedules/0/byday", json!("1MO"), warning, "schedule-combination", "/schedules/0"),
        ("/schedules/0/freq", json!("DAILY"), error, "value", "/schedules/0/freq"),
        ("/schedules/0/freq", Value::Null, warning, "schedule-without-freq", "/schedules/0"),
        ("/schedules/0/interval", json!(0), error, "recurrence", "/schedules/0/interval"),
        ("/schedules/0/valid_to", json!("2025-12-31"), error, "date-order", "/schedules/0/valid_to"),
        ("/schedules/0/opens_at", json!("10 o'clock"), error, "time", "/schedules/0/opens_at"),
        ("/schedules/0/opens_at", json!("10:00:00"), warning, "time-zone", "/schedules/0/opens_at"),
        ("/cost_options/0/currency", json!("złoty"), error, "currency", "/cost_options/0/currency"),
        (
            "/service_at_locations/0/location/location_type",
            json!("virtual"),
            warning,
            "virtual-without-url",
            "/service_at_locations/0/location",
        ),
        ("/service_at_locations/0/location/location_type", Value::Null, error, "required", "/service_at_locations/0/location"),
        ("/service_at_locations/0/location/latitude", json!(152.2), warning, "coordinate", "/service_at_locations/0/location/latitude"),
        (
            "/service_at_locations/0/location/addresses/0/country",
            json!("Poland"),
            error,
            "country",
            "/service_at_locations/0/location/addresses/0/country",
        ),
        (
            "/service_at_locations/0/location/addresses/0/country",
            json!("pl"),
            warning,
            "country-form",
            "/service_at_locations/0/location/addresses/0/country",
        ),
        (
            "/service_at_locations/0/location/addresses/0/city",
            Value::Null,
            error,
            "required",
            "/service_at_locations/0/location/addresses/0",
        ),
        ("/attributes/0/taxonomy_term/name", Value::Null, error, "required", "/attributes/0/taxonomy_term"),
    ] {
        let context = format!("{pointer} = {value}");
        assert_one(&judge("t", changed(SERVICE, pointer, value).as_bytes()), severity, rule, place, &context);
    }
}

#[test]
fn pages_must_count_right() {
    for (pointer, value, rule, place) in [
        ("/total_items", Value::Null, "required", ""),
        ("/total_items", json!("11"), "type", "/total_items"),
        ("/total_items", json!(0), "page-count", "/total_items"),
        ("/empty", json!(true), "page-flag", "/empty"),
        ("/first_page", json!(false), "page-flag", "/first_page"),
        ("/last_page", json!(true), "page-flag", "/last_page"),
        ("/contents", json!({}), "type", "/contents"),
        ("/contents/0/status", json!("on"), "value", "/contents/0/status"),
    ] {
        let context = format!("{pointer} = {value}");
        assert_one(&judge("t", changed(&page(), pointer, value).as_bytes()), Severity::Error, rule, place, &context);
    }
    let service: Value = serde_json::from_str(SERVICE).unwrap();
    let twice = changed(&page(), "/contents", json!([service, service]));
    assert_one(&judge("t", twice.as_bytes()), Severity::Error, "id-twice", "/contents/1/id", "twice");
    assert_one(&judge("t", b"[]"), Severity::Error, "type", "", "a bare list");
    let root = br#"{"version": "2.0", "profile": "x", "openapi_url": "https://api.example/openapi.json"}"#;
    assert_eq!(judge_as(Some("root"), "t", root).iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["version", "uri"]);
}

#[test]
fn forms() {
    assert!(is_uuid("ac148810-d857-441c-9679-408f346de14b") && !is_uuid("ac148810d857441c9679408f346de14b"));
    assert!(
        is_email("a.b+c@example.org") && is_email("ä@bücher.example") && !is_email("a@") && !is_email("a b@c.de") && !is_email("a@-b.de")
    );
    assert_eq!(
        (time_of_day("09:00-05:00"), time_of_day("10:00:00"), time_of_day("25:00"), time_of_day("9:00")),
        (Some(true), Some(false), None, None)
    );
}

proptest! {
    #[test]
    fn a_value_of_the_wrong_type_is_named_at_its_place(pick in 0usize..10_000) {
        let sound: Value = serde_json::from_str(SERVICE).unwrap();
        let mut all = Vec::new();
        pointers(&sound, String::new(), &mut all);
        all.retain(|pointer| !pointer.starts_with("/extra_of_a_profile"));
        let pointer = &all[pick % all.len()];
        let wrong = if sound.pointer(pointer).unwrap().is_number() { json!("x") } else { json!(-17) };
        let findings = judge("service.json", changed(SERVICE, pointer, wrong).as_bytes());
        prop_assert!(findings.iter().any(|f| f.severity == Severity::Error && f.path == *pointer), "{pointer}: {findings:#?}");
    }

    #[test]
    fn no_json_makes_it_panic(text in "[\\[\\]{}\",:a-z_0-9 ]{0,200}") {
        judge("t", text.as_bytes());
        judge_as(Some("service"), "t", format!("{{\"schedules\":[{{{text}}}]}}").as_bytes());
    }
}
