use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::judge;
use crate::format::mutation::{assert_one, changed, pointers};
use crate::verdict::{Finding, Severity};

const BED: &str = r#"{
  "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld",
  "id": "urn:ngsi-ld:Bed:1", "type": "Bed", "scope": "/ward/3",
  "occupied": {"type": "Property", "value": true, "observedAt": "2026-11-22T10:00:00.000Z",
    "confidence": {"type": "Property", "value": 0.9}},
  "temperature": {"type": "Property", "value": 36.6, "unitCode": "CEL", "providedBy": {"type": "Relationship", "object": "urn:ngsi-ld:Sensor:1"}},
  "weight": [{"type": "Property", "value": 70, "datasetId": "urn:scale:a"}, {"type": "Property", "value": 71}],
  "stands": {"type": "Relationship", "object": "urn:ngsi-ld:Room:7"},
  "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [[[21, 52], [21.1, 52], [21.1, 52.1], [21, 52]]]}},
  "label": {"type": "LanguageProperty", "languageMap": {"en": "Bed", "de": "Bett", "@none": "B"}},
  "category": {"type": "VocabProperty", "vocab": "furniture"},
  "raw": {"type": "JsonProperty", "json": {"a": null}}
}"#;

fn judged(text: &str) -> Vec<Finding> {
    judge("t", text.as_bytes(), &BTreeMap::new())
}

#[test]
fn sound_entities_are_silent_in_all_three_forms() {
    assert_eq!(judged(BED), []);
    let concise = json!({"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", "id": "urn:ngsi-ld:Bed:1", "type": "Bed",
        "occupied": {"value": true, "observedAt": "2026-11-22T10:00:00Z"}, "name": "Bed 1", "stands": {"object": "urn:ngsi-ld:Room:7"},
        "location": {"type": "Point", "coordinates": [21, 52]}});
    assert_eq!(judged(&concise.to_string()), []);
    let simplified = json!({"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", "id": "urn:ngsi-ld:Bed:1", "type": ["Bed", "Device"],
        "occupied": true, "address": {"street": "Main", "type": "PostalAddress"}, "stands": "urn:ngsi-ld:Room:7"});
    assert_eq!(judged(&simplified.to_string()), []);
    let subscription = json!({"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", "id": "urn:ngsi-ld:Subscription:1", "type": "Subscription",
        "entities": [{"type": "Bed"}], "notification": {"endpoint": {"uri": "https://hub.example/in"}}});
    assert_eq!(judged(&subscription.to_string()), []);
}

#[test]
fn each_fault_has_its_own_rule_and_place() {
    for (pointer, value, rule, place) in [
        ("/id", Value::Null, "required", ""),
        ("/id", json!("Bed1"), "uri", "/id"),
        ("/type", Value::Null, "required", ""),
        ("/type", json!([]), "entity-type", "/type"),
        ("/type", json!(1), "type", "/type"),
        ("/type", json!("Hospital Bed"), "entity-type", "/type"),
        ("/scope", json!("ward"), "scope", "/scope"),
        ("/bad name", json!({"type": "Property", "value": 1}), "attribute-name", "/bad name"),
        ("/occupied/type", json!("Boolean"), "attribute-type", "/occupied/type"),
        ("/occupied/value", Value::Null, "required", "/occupied"),
        ("/occupied/object", json!("urn:x:y"), "attribute-value", "/occupied/object"),
        ("/occupied/observedAt", json!("2026-11-22T10:00:00"), "date-time", "/occupied/observedAt"),
        ("/occupied/observedAt", json!("2026-11-22T10:00:00+01:00"), "date-time", "/occupied/observedAt"),
        ("/occupied/observedAt", json!("2026-02-30T10:00:00Z"), "date-time", "/occupied/observedAt"),
        ("/occupied/confidence/type", json!("Number"), "attribute-type", "/occupied/confidence/type"),
        ("/temperature/unitCode", json!("Celsius"), "unit-code", "/temperature/unitCode"),
        ("/temperature/providedBy/object", json!("sensor"), "uri", "/temperature/providedBy/object"),
        ("/weight/0/datasetId", json!("a b"), "uri", "/weight/0/datasetId"),
        ("/weight/1/datasetId", json!("urn:scale:a"), "dataset", "/weight/1"),
        ("/stands/object", json!(["urn:a:b", "c"]), "uri", "/stands/object/1"),
        ("/stands/object", json!([]), "attribute-value", "/stands/object"),
        ("/stands/object", Value::Null, "required", "/stands"),
        ("/stands/unitCode", json!("CEL"), "unit-code", "/stands/unitCode"),
        ("/location/value", json!("here"), "geometry", "/location/value"),
        ("/location/value/type", json!("Circle"), "geometry", "/location/value"),
        ("/location/value/coordinates/0/0", json!([21, 152]), "geometry", "/location/value/coordinates"),
        ("/location/value/coordinates", json!([21, 52]), "geometry", "/location/value/coordinates"),
        ("/label/languageMap/d", json!("Bett"), "language-tag", "/label/languageMap/d"),
        ("/label/languageMap/de", json!(1), "type", "/label/languageMap/de"),
        ("/label/languageMap", json!("Bett"), "type", "/label/languageMap"),
        ("/category/vocab", json!({}), "type", "/category/vocab"),
    ] {
        let context = format!("{pointer} = {value}");
        let mut findings = judged(&changed(BED, pointer, value));
        if place == "/location/value/coordinates" {
            findings.dedup_by(|a, b| a.rule == b.rule);
        }
        assert_one(&findings, Severity::Error, rule, place, &context);
    }
    let null = BED.replace("\"value\": true", "\"value\": null");
    assert_one(&judged(&null), Severity::Error, "null", "/occupied/value", "null");
    let null = BED.replace("\"scope\": \"/ward/3\"", "\"colour\": null");
    assert_one(&judged(&null), Severity::Error, "null", "/colour", "null attribute");
}

#[test]
fn contexts_are_asked_for_and_never_fetched() {
    let without = changed(BED, "/@context", Value::Null);
    assert_one(&judged(&without), Severity::Warning, "context-missing", "", "no context");
    let foreign = changed(
        BED,
        "/@context",
        json!(["https://vendor.example/c.jsonld", "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"]),
    );
    assert_one(&judged(&foreign), Severity::Warning, "context-not-at-hand", "/@context/0", "not at hand");
    let supplied = BTreeMap::from([(
        "https://vendor.example/c.jsonld".to_owned(),
        json!({"@context": {"occupied": "https://vendor.example/occupied"}}),
    )]);
    assert_eq!(judge("t", foreign.as_bytes(), &supplied), []);
}

#[test]
fn lists_notifications_and_registrations() {
    let entity: Value = serde_json::from_str(BED).unwrap();
    let mut broken = entity.clone();
    broken["id"] = json!("x");
    assert_one(&judged(&json!([entity, broken]).to_string()), Severity::Error, "uri", "/1/id", "in a list");
    let context = json!("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld");
    let notification = json!({"@context": context, "id": "urn:n:1", "type": "Notification", "subscriptionId": "urn:s:1", "notifiedAt": "2026-11-22T10:00:00Z", "data": [broken]});
    assert_one(&judged(&notification.to_string()), Severity::Error, "uri", "/data/0/id", "in a notification");
    let registration = json!({"@context": context, "id": "urn:r:1", "type": "ContextSourceRegistration", "information": [], "endpoint": "https://hub.example/"});
    assert_one(&judged(&registration.to_string()), Severity::Error, "required", "", "a registration");
    let subscription = json!({"@context": context, "type": "Subscription", "entities": [], "notification": {"endpoint": {"uri": "hub"}}});
    assert_one(&judged(&subscription.to_string()), Severity::Error, "uri", "/notification/endpoint/uri", "a subscription");
}

proptest! {
    #[test]
    fn a_number_where_none_belongs_is_named_at_its_place(pick in 0usize..10_000) {
        let mut all = Vec::new();
        pointers(&serde_json::from_str(BED).unwrap(), String::new(), &mut all);
        let bound = ["/id", "/type", "/scope", "/observedAt", "/unitCode", "/object", "/datasetId", "/languageMap", "/languageMap/en", "/vocab", "/location/value"];
        all.retain(|pointer| bound.iter().any(|end| pointer.ends_with(end)) && !pointer.contains("coordinates"));
        let pointer = &all[pick % all.len()];
        let findings = judged(&changed(BED, pointer, json!(-17)));
        prop_assert!(findings.iter().any(|f| f.severity == Severity::Error && (f.path == *pointer || pointer.starts_with(&f.path))), "{pointer}: {findings:#?}");
    }

    #[test]
    fn no_json_makes_it_panic(text in "[\\[\\]{}\",:a-z@0-9 ]{0,200}") {
        judged(&text);
        judged(&format!("{{\"a\":{{\"type\":\"GeoProperty\",\"value\":{text}}}}}"));
    }
}
