//! The resources of the sample FHIR service, and by what they are found. All persons are made up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// When everything was changed last.
pub(super) const CHANGED: &str = "2026-11-01T10:00:00Z";
/// The same, as HTTP writes it.
pub(super) const CHANGED_HTTP: &str = "Sun, 01 Nov 2026 10:00:00 GMT";
/// The test person.
const PERSON: &str = "Patient/r-1001";

const LOINC: &str = "http://loinc.org";
const MDC: &str = "urn:iso:std:iso:11073:10101";

/// Every resource by its reference.
pub(super) fn resources(quirks: &BTreeSet<String>) -> BTreeMap<String, Value> {
    let has = |quirk: &str| quirks.contains(quirk);
    let quantity = |value: f64, unit: &str| json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit});
    let observation = |id: &str, person: &str, codes: &[(&str, &str)], value: Value| {
        let codings: Vec<Value> = codes.iter().map(|(system, code)| json!({"system": system, "code": code})).collect();
        let mut observation = json!({"resourceType": "Observation", "id": id, "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": codings}, "subject": {"reference": person}, "effectiveDateTime": "2026-10-30T08:15:00+01:00",
            "device": {"reference": "Device/d-7"}});
        if let (Some(map), Value::Object(value)) = (observation.as_object_mut(), value) {
            map.extend(value);
        }
        observation
    };
    let mut all = vec![
        json!({"resourceType": "Patient", "id": "r-1001", "active": true, "gender": "female", "birthDate": "1944-05-17",
            "identifier": [{"system": "https://brightbell.example/residents", "value": "r-1001"}],
            "name": [{"family": "Fixture", "given": ["Test"]}]}),
        json!({"resourceType": "Patient", "id": "r-2002", "active": true, "gender": "male", "birthDate": "1939-02-03",
            "identifier": [{"system": "https://brightbell.example/residents", "value": "r-2002"}],
            "name": [{"family": "Neighbour", "given": ["Test"]}]}),
        json!({"resourceType": "Device", "id": "d-7", "status": "active", "identifier": [{"system": "https://brightbell.example/devices", "value": "d-7"}],
            "patient": {"reference": PERSON}}),
        json!({"resourceType": "ServiceRequest", "id": "s-1", "status": "active", "intent": "order", "subject": {"reference": PERSON},
            "code": {"text": "Telecare at home"}, "authoredOn": "2026-09-01"}),
        json!({"resourceType": "CareTeam", "id": "c-1", "status": "active", "subject": {"reference": PERSON}, "name": "Evening team"}),
        json!({"resourceType": "Group", "id": "g-test", "type": "person", "actual": true, "member": [{"entity": {"reference": PERSON}}]}),
        observation(
            "o-1",
            PERSON,
            &[(MDC, "188736"), (LOINC, "29463-7")],
            json!({"valueQuantity": quantity(64.2, if has("fhir-weight-in-seconds") { "s" } else { "kg" })}),
        ),
        observation("o-2", PERSON, &[(MDC, "149530"), (LOINC, "8867-4")], json!({"valueQuantity": quantity(71.0, "/min")})),
        observation("o-3", PERSON, &[(MDC, "150456"), (LOINC, "59408-5")], json!({"valueQuantity": quantity(97.0, "%")})),
        observation("o-4", PERSON, &[(MDC, "150364"), (LOINC, "8310-5")], json!({"valueQuantity": quantity(36.6, "Cel")})),
        observation(
            "o-5",
            PERSON,
            &[(LOINC, "85354-9")],
            json!({"component": [
            {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": quantity(128.0, "mm[Hg]")},
            {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]}, "valueQuantity": quantity(79.0, "mm[Hg]")}]}),
        ),
        observation("o-6", PERSON, &[(MDC, "8519681")], json!({"valueCodeableConcept": {"text": "a fall was detected"}})),
        observation("o-9", "Patient/r-2002", &[(MDC, "188736"), (LOINC, "29463-7")], json!({"valueQuantity": quantity(80.1, "kg")})),
    ];
    for resource in &mut all {
        let Some(map) = resource.as_object_mut() else { continue };
        let mut meta = json!({"versionId": "1", "lastUpdated": CHANGED});
        if map.get("resourceType").is_some_and(|t| t == "Patient") {
            meta = json!({"versionId": "1", "lastUpdated": CHANGED, "profile": ["https://brightbell.example/fhir/StructureDefinition/resident"]});
        }
        map.insert("meta".into(), meta);
        let id = map.get("id").and_then(Value::as_str).unwrap_or_default();
        if id == "o-2" && has("fhir-device-unknown") {
            map.shift_remove("device");
        } else if id == "r-1001" && has("fhir-person-without-name") {
            map.shift_remove("name");
        }
    }
    all.into_iter()
        .map(|r| (format!("{}/{}", r["resourceType"].as_str().unwrap_or_default(), r["id"].as_str().unwrap_or_default()), r))
        .collect()
}

/// Whether the service searches this type by this parameter.
pub(super) fn is_parameter(of: &str, name: &str) -> bool {
    let known: &[&str] = match of {
        "Patient" => &["identifier", "family", "birthdate", "gender"],
        "Observation" => &["patient", "code", "category", "date", "status"],
        "Device" => &["patient", "identifier", "status"],
        "ServiceRequest" => &["patient", "status", "authored"],
        "CareTeam" => &["patient", "status"],
        _ => &[],
    };
    name == "_id" || name == "_lastUpdated" || known.contains(&name)
}

/// Whether a value of a search is a date, with its prefix or without.
pub(super) fn is_date(value: &str) -> bool {
    let bare = bare(value);
    bare.len() >= 4
        && bare.bytes().take(4).all(|b| b.is_ascii_digit())
        && bare.bytes().all(|b| b.is_ascii_digit() || b"-T:Z+.".contains(&b))
}

fn bare(value: &str) -> &str {
    ["eq", "ne", "lt", "gt", "le", "ge"].iter().find_map(|prefix| value.strip_prefix(prefix)).unwrap_or(value)
}

/// Whether a resource has the value for a parameter.
pub(super) fn has(resource: &Value, name: &str, value: &str) -> bool {
    let at = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let token = |item: &Value, key: &str| {
        let (system, code) = (item["system"].as_str().unwrap_or_default(), item[key].as_str().unwrap_or_default());
        value == code || value == format!("{system}|{code}")
    };
    let any = |pointer: &str, key: &str| {
        resource.pointer(pointer).and_then(Value::as_array).is_some_and(|items| items.iter().any(|i| token(i, key)))
    };
    let dated = |moment: String| {
        let wanted = bare(value);
        match value.get(..2) {
            Some("lt" | "le") => moment.as_str() < wanted,
            Some("gt" | "ge") => moment.as_str() >= wanted,
            Some(_) | None => moment.starts_with(wanted),
        }
    };
    match name {
        "_id" => at("/id") == value,
        "patient" => [at("/subject/reference"), at("/patient/reference")].iter().any(|r| r == value || *r == format!("Patient/{value}")),
        "identifier" => any("/identifier", "value"),
        "code" => any("/code/coding", "code"),
        "category" => any("/category/0/coding", "code"),
        "status" | "gender" => at(&format!("/{name}")) == value,
        "family" => at("/name/0/family").to_lowercase().starts_with(&value.to_lowercase()),
        "birthdate" => dated(at("/birthDate")),
        "date" => dated(at("/effectiveDateTime")),
        "authored" => dated(at("/authoredOn")),
        "_lastUpdated" => dated(at("/meta/lastUpdated")),
        _ => false,
    }
}

/// Whether a resource is the test person's, or the person.
pub(super) fn is_of_the_person(resource: &Value) -> bool {
    resource["id"] == "r-1001" || [&resource["subject"], &resource["patient"]].iter().any(|r| r["reference"] == PERSON)
}
