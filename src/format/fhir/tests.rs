//! The engine on a small package made by hand: each rule broken alone, and silent on sound input.

use std::io::Write as _;

use serde_json::{Value, json};

use super::package::{PackageInfo, PackageSource, Shelf};
use super::{Definitions, Options, Validator, judge_lines};
use crate::document::Source;
use crate::verdict::{Finding, Severity};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A StructureDefinition from rows `path min max types`, where a type is `Reference(Patient)`, or a
/// code, several divided by `|`.
fn define(name: &str, base: &str, kind: &str, rows: &[&str]) -> Value {
    let mut elements = vec![json!({"id": name, "path": name, "min": 0, "max": "*", "base": {"max": "*"}})];
    for row in rows {
        let parts: Vec<&str> = row.split(' ').collect();
        let path = format!("{name}.{}", parts[0]);
        let types: Vec<Value> = parts.get(3).map_or(vec![], |t| {
            t.split('|')
                .map(|t| match t.split_once('(') {
                    Some((code, target)) => json!({"code": code, "targetProfile": [format!("{CORE}{}", target.trim_end_matches(')'))]}),
                    None => json!({"code": t}),
                })
                .collect()
        });
        let mut element = json!({"id": path, "path": path, "min": parts[1].parse::<u32>().unwrap(), "max": parts[2], "base": {"max": parts[2]}, "type": types});
        for extra in &parts[4..] {
            if let Some(set) = extra.strip_prefix("required=") {
                element["binding"] = json!({"strength": "required", "valueSet": set});
            }
            if let Some(target) = extra.strip_prefix("ref=") {
                element["contentReference"] = json!(target);
                element.as_object_mut().unwrap().remove("type");
            }
        }
        elements.push(element);
    }
    json!({"resourceType": "StructureDefinition", "url": format!("{CORE}{name}"), "version": "4.0.1", "name": name, "type": name, "kind": kind,
        "abstract": matches!(name, "Resource" | "DomainResource" | "Element"), "fhirVersion": "4.0.1",
        "derivation": "specialization", "baseDefinition": if base.is_empty() { String::new() } else { format!("{CORE}{base}") },
        "snapshot": {"element": elements}})
}

fn rule(definition: &mut Value, element: usize, key: &str, expression: &str) {
    definition["snapshot"]["element"][element]["constraint"] =
        json!([{"key": key, "severity": "error", "human": "a rule", "expression": expression}]);
}

const RESOURCE: [&str; 3] = ["id 0 1 string", "meta 0 1 Meta", "language 0 1 code"];
const DOMAIN: [&str; 5] = [
    "text 0 1 Narrative",
    "contained 0 * Resource",
    "extension 0 * Extension",
    "modifierExtension 0 * Extension",
    "identifier 0 * Identifier",
];

fn resource(name: &str, rows: &[&str]) -> Value {
    let all: Vec<&str> = RESOURCE.iter().chain(&DOMAIN).chain(rows).copied().collect();
    define(name, "DomainResource", "resource", &all)
}

fn datatype(name: &str, rows: &[&str]) -> Value {
    let all: Vec<&str> = ["id 0 1 string", "extension 0 * Extension"].iter().chain(rows).copied().collect();
    define(name, "Element", "complex-type", &all)
}

fn core() -> Vec<Value> {
    let mut out = vec![
        define("Element", "", "complex-type", &["id 0 1 string", "extension 0 * Extension"]),
        define(
            "BackboneElement",
            "Element",
            "complex-type",
            &["id 0 1 string", "extension 0 * Extension", "modifierExtension 0 * Extension"],
        ),
        define("Resource", "", "resource", &RESOURCE),
        define("DomainResource", "Resource", "resource", &RESOURCE.iter().chain(&DOMAIN).copied().collect::<Vec<_>>()),
    ];
    for name in [
        "string",
        "code",
        "id",
        "uri",
        "boolean",
        "integer",
        "positiveInt",
        "decimal",
        "date",
        "dateTime",
        "instant",
        "base64Binary",
        "xhtml",
        "canonical",
    ] {
        out.push(define(name, "Element", "primitive-type", &["id 0 1 string", "extension 0 * Extension"]));
    }
    let mut period = datatype("Period", &["start 0 1 dateTime", "end 0 1 dateTime"]);
    rule(&mut period, 0, "per-1", "start.hasValue().not() or end.hasValue().not() or (start <= end)");
    out.extend([
        period,
        datatype("Extension", &["url 1 1 uri", "value[x] 0 1 string|code|boolean|Coding|Period"]),
        datatype("Meta", &["versionId 0 1 id", "profile 0 * canonical"]),
        datatype("Narrative", &["status 1 1 code", "div 1 1 xhtml"]),
        datatype("Coding", &["system 0 1 uri", "version 0 1 string", "code 0 1 code", "display 0 1 string"]),
        datatype("CodeableConcept", &["coding 0 * Coding", "text 0 1 string"]),
        datatype("Quantity", &["value 0 1 decimal", "unit 0 1 string", "system 0 1 uri", "code 0 1 code"]),
        datatype("Identifier", &["system 0 1 uri", "value 0 1 string"]),
        datatype("Reference", &["reference 0 1 string", "type 0 1 uri", "display 0 1 string"]),
        datatype("Attachment", &["contentType 0 1 code", "data 0 1 base64Binary", "size 0 1 integer", "hash 0 1 base64Binary"]),
        resource("Organization", &["name 0 1 string"]),
        resource("Patient", &[
            "active 0 1 boolean",
            "gender 0 1 code required=http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1",
            "birthDate 0 1 date",
            "nickname 0 * string",
            "period 0 1 Period",
            "photo 0 1 Attachment",
            "rank 0 1 positiveInt",
            "managingOrganization 0 1 Reference(Organization)",
        ]),
        resource("Observation", &[
            "status 1 1 code",
            "code 1 1 CodeableConcept",
            "subject 0 1 Reference(Patient)",
            "value[x] 0 1 Quantity|string|boolean",
            "component 0 * BackboneElement",
            "component.id 0 1 string",
            "component.extension 0 * Extension",
            "component.code 1 1 CodeableConcept",
            "component.value[x] 0 1 Quantity|string",
            "component.part 0 * x ref=#Observation.component",
        ]),
        resource("Questionnaire", &[
            "url 0 1 uri",
            "item 0 * BackboneElement",
            "item.linkId 1 1 string",
            "item.enableWhen 0 * BackboneElement",
            "item.enableWhen.question 1 1 string",
            "item.item 0 * x ref=#Questionnaire.item",
        ]),
        resource("QuestionnaireResponse", &[
            "questionnaire 0 1 canonical",
            "item 0 * BackboneElement",
            "item.linkId 1 1 string",
            "item.item 0 * x ref=#QuestionnaireResponse.item",
        ]),
        define("Bundle", "Resource", "resource", &[
            "id 0 1 string", "meta 0 1 Meta", "language 0 1 code", "type 1 1 code",
            "entry 0 * BackboneElement", "entry.fullUrl 0 1 uri", "entry.resource 0 1 Resource",
        ]),
        json!({"resourceType": "CodeSystem", "url": "http://hl7.org/fhir/administrative-gender", "version": "4.0.1", "content": "complete",
            "concept": [{"code": "male", "display": "Male"}, {"code": "female", "display": "Female"}]}),
        json!({"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/administrative-gender", "version": "4.0.1",
            "compose": {"include": [{"system": "http://hl7.org/fhir/administrative-gender"}]}}),
        json!({"resourceType": "StructureDefinition", "url": "http://example.org/nickname-of", "version": "1.0", "name": "N", "type": "Extension",
            "kind": "complex-type", "abstract": false, "derivation": "constraint", "baseDefinition": format!("{CORE}Extension"),
            "context": [{"type": "element", "expression": "Patient"}],
            "differential": {"element": [
                {"id": "Extension", "path": "Extension"},
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": "http://example.org/nickname-of"},
                {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]},
            ]}}),
        json!({"resourceType": "StructureDefinition", "url": "http://example.org/visit", "version": "1.0", "name": "V", "type": "Extension",
            "kind": "complex-type", "abstract": false, "derivation": "constraint", "baseDefinition": format!("{CORE}Extension"),
            "context": [{"type": "element", "expression": "Patient"}],
            "differential": {"element": [
                {"id": "Extension", "path": "Extension"},
                {"id": "Extension.extension", "path": "Extension.extension", "slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}},
                {"id": "Extension.extension:by", "path": "Extension.extension", "sliceName": "by", "min": 0, "max": "1"},
                {"id": "Extension.extension:by.url", "path": "Extension.extension.url", "fixedUri": "by"},
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": "http://example.org/visit"},
            ]}}),
        json!({"resourceType": "StructureDefinition", "url": "http://example.org/of-a-patient", "version": "1.0", "name": "O", "type": "Observation",
            "kind": "resource", "abstract": false, "derivation": "constraint", "baseDefinition": format!("{CORE}Observation"),
            "differential": {"element": [{"id": "Observation", "path": "Observation", "constraint": [
                {"key": "own-2", "severity": "error", "human": "own", "expression": "subject.exists() implies subject.resolve() is Patient"}]}]}}),
        // A profile without snapshot: a pattern, a prohibited element, a required slice and a narrowed choice.
        json!({"resourceType": "StructureDefinition", "url": "http://example.org/pressure", "version": "1.0", "name": "P", "type": "Observation",
            "kind": "resource", "abstract": false, "derivation": "constraint", "baseDefinition": format!("{CORE}Observation"),
            "differential": {"element": [
                {"id": "Observation", "path": "Observation", "constraint": [{"key": "own-1", "severity": "error", "human": "own", "expression": "status != 'draft'"}]},
                {"id": "Observation.code", "path": "Observation.code", "patternCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}},
                {"id": "Observation.language", "path": "Observation.language", "max": "0"},
                {"id": "Observation.value[x]", "path": "Observation.value[x]", "type": [{"code": "string"}]},
                {"id": "Observation.component", "path": "Observation.component", "slicing":
                    {"discriminator": [{"type": "pattern", "path": "code"}], "rules": "closed", "ordered": true}},
                {"id": "Observation.component:upper", "path": "Observation.component", "sliceName": "upper", "min": 1, "max": "1"},
                {"id": "Observation.component:upper.code", "path": "Observation.component.code",
                    "patternCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}},
                {"id": "Observation.component:upper.valueQuantity", "path": "Observation.component.valueQuantity", "min": 1},
                {"id": "Observation.component:upper.valueQuantity.code", "path": "Observation.component.valueQuantity.code", "fixedCode": "mm[Hg]"},
                {"id": "Observation.component:lower", "path": "Observation.component", "sliceName": "lower", "min": 0, "max": "1"},
                {"id": "Observation.component:lower.code", "path": "Observation.component.code",
                    "patternCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}},
            ]}}),
    ]);
    out
}

pub(super) fn definitions() -> Definitions {
    let info = PackageInfo { name: "small.core".into(), version: "4.0.1".into(), ..PackageInfo::default() };
    Definitions::from_resources(info, core()).unwrap()
}

pub(super) fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "p1",
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Anna</div>"},
        "contained": [{"resourceType": "Organization", "id": "o1", "name": "Home care"}],
        "extension": [{"url": "http://example.org/nickname-of", "valueString": "Ann"}],
        "active": true, "gender": "female", "_gender": {"id": "g"}, "birthDate": "1930-02-28", "nickname": ["A", null], "_nickname": [null, {"extension": [{"url": "http://example.org/other", "valueString": "x"}]}],
        "period": {"start": "2020-01-01", "end": "2021"}, "rank": 1,
        "photo": {"contentType": "text/plain", "data": "aGVsbG8=", "size": 5, "hash": "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
        "managingOrganization": {"reference": "#o1"}
    })
}

fn pressure() -> Value {
    let code = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code}]});
    json!({
        "resourceType": "Observation", "meta": {"profile": ["http://example.org/pressure"]}, "status": "final", "code": code("85354-9"),
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">120</div>"},
        "component": [
            {"code": code("8480-6"), "valueQuantity": {"value": 120, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
            {"code": code("8462-4"), "part": [{"code": {"text": "half"}}]}
        ]
    })
}

fn errors(findings: &[Finding]) -> Vec<(String, String)> {
    findings.iter().filter(|f| f.severity == Severity::Error).map(|f| (f.rule.clone(), f.path.clone())).collect()
}

/// Replaces the value of a pointer, or adds it; null removes it.
fn change(resource: &mut Value, pointer: &str, value: Value) {
    let (above, key) = pointer.rsplit_once('/').unwrap();
    let holder = resource.pointer_mut(above).unwrap();
    match holder {
        Value::Object(object) if value.is_null() => drop(object.remove(key)),
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("{pointer}"),
    }
}

fn broken_alone(sound: &Value, cases: &[(&str, Value, &str, &str)]) {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let found = validator.validate(sound, &[]);
    assert!(!found.iter().any(|f| f.severity != Severity::Warning), "{found:#?}");
    for (pointer, value, rule, path) in cases {
        let mut broken = sound.clone();
        change(&mut broken, pointer, value.clone());
        let found = validator.validate(&broken, &[]);
        assert_eq!(errors(&found), [((*rule).to_owned(), (*path).to_owned())], "{pointer} {value}");
    }
}

#[test]
fn each_rule_of_the_base_is_broken_alone() {
    broken_alone(
        &patient(),
        &[
            ("/shoeSize", json!(40), "unknown-element", "Patient.shoeSize"),
            ("/resourceType", json!("Persona"), "resource-type", "Persona"),
            ("/id", json!("p_1"), "resource-id", "Patient.id"),
            ("/active", json!("true"), "primitive-kind", "Patient.active"),
            ("/active", json!([true]), "json-array", "Patient.active"),
            ("/active", json!(null), "", ""),
            ("/gender", json!("unheard-of"), "binding-required", "Patient.gender"),
            ("/gender", json!(" male"), "", ""),
            ("/birthDate", json!("1930-02-30"), "primitive-format", "Patient.birthDate"),
            ("/nickname", json!([]), "", ""),
            ("/nickname", json!("A"), "", ""),
            ("/period/end", json!("2019"), "per-1", "Patient.period"),
            ("/period/start", json!("2021-03"), "per-1", "Patient.period"),
            ("/period", json!({}), "ele-1", "Patient.period"),
            ("/rank", json!(0), "primitive-format", "Patient.rank"),
            ("/photo/size", json!(6), "attachment-size", "Patient.photo.size"),
            ("/photo/hash", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "attachment-hash", "Patient.photo.hash"),
            ("/managingOrganization", json!({"reference": "Patient/1"}), "", ""),
            ("/text/div", json!("<div>Anna</div>"), "narrative-namespace", "Patient.text.div"),
            ("/text/status", json!(null), "cardinality-min", "Patient.text"),
            ("/extension/0/valueBoolean", json!(true), "", ""),
            (
                "/extension/0",
                json!({"url": "http://example.org/nickname-of", "valueBoolean": true}),
                "type",
                "Patient.extension[0].valueBoolean",
            ),
            ("/extension/0", json!({"url": "http://example.org/nickname-of"}), "", ""),
            ("/extension/0/url", json!("nickname"), "extension-url", "Patient.extension[0].url"),
            ("/contained/0/meta", json!({"versionId": "1"}), "dom-4", "Patient.contained[0].meta"),
            ("/contained/0/id", json!(null), "", ""),
            ("/period/id", json!("a b"), "element-id", "Patient.period.id"),
            ("/period/id", json!("g"), "element-id", "Patient.period.id"),
            ("/identifier", json!([{"system": "register", "value": "1"}]), "identifier-system", "Patient.identifier[0].system"),
            (
                "/extension/-",
                json!({"url": "http://example.org/visit", "extension": [{"url": "by", "valueString": "x"}, {"url": "who", "valueString": "x"}]}),
                "extension-part",
                "Patient.extension[1].extension[1].url",
            ),
        ]
        .into_iter()
        .filter(|(_, _, rule, _)| !rule.is_empty())
        .collect::<Vec<_>>(),
    );
}

#[test]
fn rules_that_touch_two_things_name_both() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    for (pointer, value, rules) in [
        ("/nickname", json!([]), &["element-empty", "json-array"][..]),
        ("/nickname", json!("A"), &["json-array"]),
        ("/gender", json!(" male"), &["primitive-format", "binding-required"]),
        ("/managingOrganization", json!({"reference": "Patient/1"}), &["reference-target", "dom-3"]),
        ("/managingOrganization", json!({"reference": "#o2"}), &["ref-1", "dom-3"]),
        ("/extension/0/valueBoolean", json!(true), &["choice-one", "cardinality-max", "type"]),
        ("/extension/0", json!({"url": "http://example.org/nickname-of"}), &["ext-1", "cardinality-min"]),
        ("/contained/0/id", json!(null), &["ref-1", "contained-id"]),
    ] {
        let mut broken = patient();
        change(&mut broken, pointer, value.clone());
        let found: Vec<String> = errors(&validator.validate(&broken, &[])).into_iter().map(|(rule, _)| rule).collect();
        assert!(
            rules.iter().all(|r| found.iter().any(|f| f == r)) && found.iter().all(|f| rules.contains(&f.as_str())),
            "{pointer}: {found:?}"
        );
    }
}

#[test]
fn each_rule_of_a_profile_is_broken_alone() {
    let other = json!({"coding": [{"system": "http://loinc.org", "code": "1-8"}]});
    let upper = pressure()["component"][0].clone();
    broken_alone(
        &pressure(),
        &[
            ("/code/coding/0/code", json!("1-8"), "pattern-value", "Observation.code"),
            ("/code/coding/-", json!({"system": "register", "code": "x"}), "coding-system", "Observation.code.coding[1].system"),
            ("/language", json!("de"), "cardinality-max", "Observation.language"),
            ("/valueBoolean", json!(true), "type", "Observation.valueBoolean"),
            ("/status", json!("draft"), "own-1", "Observation"),
            ("/component/1/code", other, "slice-closed", "Observation.component[1]"),
            ("/component/1", upper, "cardinality-max", "Observation.component"),
            ("/component/0/valueQuantity", json!(null), "cardinality-min", "Observation.component[0]"),
            ("/component/0/valueQuantity/code", json!("kPa"), "fixed-value", "Observation.component[0].valueQuantity.code"),
            ("/component/1/part/0/code", json!(null), "ele-1", "Observation.component[1].part[0]"),
        ],
    );
    let definitions = definitions();
    let mut swapped = pressure();
    swapped["component"].as_array_mut().unwrap().reverse();
    let found = Validator::new(&definitions, Options::default()).validate(&swapped, &[]);
    assert_eq!(errors(&found), [("slice-order".to_owned(), "Observation.component[1]".to_owned())]);
}

#[test]
fn items_that_other_items_name_are_there() {
    let text = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"});
    let questionnaire = json!({
        "resourceType": "Questionnaire", "id": "q", "text": text,
        "item": [{"linkId": "1", "item": [{"linkId": "1.1"}]}, {"linkId": "2", "enableWhen": [{"question": "1.1"}]}]
    });
    let place = "Questionnaire.item[1].enableWhen[0].question";
    broken_alone(
        &questionnaire,
        &[
            ("/item/1/enableWhen/0/question", json!("3"), "questionnaire-condition", place),
            ("/item/1/enableWhen/0/question", json!("2"), "questionnaire-condition", place),
        ],
    );
    let mut inner = questionnaire;
    inner.as_object_mut().unwrap().remove("text");
    let response = json!({
        "resourceType": "QuestionnaireResponse", "text": text, "contained": [inner], "questionnaire": "#q",
        "item": [{"linkId": "1", "item": [{"linkId": "1.1"}]}]
    });
    let place = "QuestionnaireResponse.item[0].item[0].linkId";
    broken_alone(&response, &[("/item/0/item/0/linkId", json!("9"), "questionnaire-item", place)]);
    // Without its questionnaire at hand nothing is said of its items.
    let alone =
        json!({"resourceType": "QuestionnaireResponse", "text": text, "questionnaire": "http://example.org/q", "item": [{"linkId": "9"}]});
    broken_alone(&alone, &[]);
}

#[test]
fn an_address_tells_the_type_that_a_rule_asks_for() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    for (address, rules) in [
        ("Patient/1", &[][..]),
        ("http://example.org/fhir/Patient/1", &[]),
        // What the address does not tell is not known, and breaks no rule.
        ("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", &[]),
        ("Organization/1", &["reference-target", "own-2"]),
    ] {
        let mut resource = pressure();
        change(&mut resource, "/subject", json!({"reference": address}));
        let found: Vec<String> =
            errors(&validator.validate(&resource, &["http://example.org/of-a-patient"])).into_iter().map(|(r, _)| r).collect();
        assert_eq!(found, rules, "{address}");
    }
}

#[test]
fn what_is_not_at_hand_is_open() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let mut resource = patient();
    change(&mut resource, "/meta", json!({"profile": ["http://example.org/unheard-of"]}));
    change(&mut resource, "/modifierExtension", json!([{"url": "http://example.org/unheard-of", "valueString": "x"}]));
    let found = validator.validate(&resource, &["http://example.org/asked"]);
    let open: Vec<&str> = found.iter().filter(|f| f.severity == Severity::Open).map(|f| f.rule.as_str()).collect();
    assert_eq!(open, ["modifier-extension-unknown", "profile-unknown", "profile-unknown"]);
    assert!(errors(&found).is_empty(), "{found:#?}");
}

#[test]
fn bundles_resolve_within_and_name_duplicates() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let entry = |url: &str, resource: Value| json!({"fullUrl": url, "resource": resource});
    let mut observation = pressure();
    observation["id"] = json!("b");
    observation["subject"] = json!({"reference": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"});
    let sound = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        entry("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", patient()),
        entry("http://x.org/fhir/Observation/b", observation),
    ]});
    assert!(errors(&validator.validate(&sound, &[])).is_empty());
    for (pointer, value, rule, path) in [
        ("/entry/1/fullUrl", json!("Observation/b"), "bundle-full-url", "Bundle.entry[1].fullUrl"),
        ("/entry/1/fullUrl", json!("http://x.org/fhir/Observation/c"), "bundle-full-url", "Bundle.entry[1].fullUrl"),
        (
            "/entry/0/resource",
            json!({"resourceType": "Organization", "name": "x"}),
            "reference-target",
            "Bundle.entry[1].resource.subject.reference",
        ),
        ("/entry/-", sound["entry"][1].clone(), "bundle-duplicate", "Bundle.entry[2].fullUrl"),
    ] {
        let mut broken = sound.clone();
        change(&mut broken, pointer, value);
        assert_eq!(errors(&validator.validate(&broken, &[])), [(rule.to_owned(), path.to_owned())], "{pointer}");
    }
}

#[test]
fn findings_have_their_place_in_the_text() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let text = b"{\"resourceType\": \"Patient\",\n \"active\": true,\n \"nickname\": [\"a\", \"\"],\n \"active\": true}";
    let found = validator.validate_source(&Source::json("p", text).unwrap(), &[]);
    let places: Vec<(String, String)> =
        found.iter().filter(|f| f.severity == Severity::Error).map(|f| (f.rule.clone(), f.position.unwrap().to_string())).collect();
    assert_eq!(places, [("duplicate-key".to_owned(), "4:12".to_owned()), ("primitive-format".to_owned(), "3:20".to_owned())]);
}

#[test]
fn xml_is_judged_like_json() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let sound = r##"<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>A</p></div></text>
<contained><Organization><id value="o1"/><name value="x"/></Organization></contained>
<extension url="http://example.org/nickname-of"><valueString value="Ann"/></extension>
<active value="true"/><gender value="male"><extension url="http://example.org/y"><valueString value="x"/></extension></gender><nickname value="a"/><nickname id="n2" value="b"/>
<managingOrganization><reference value="#o1"/></managingOrganization></Patient>"##;
    let rules = |text: &str| -> Vec<(String, String)> { errors(&validator.validate_bytes("p", text.as_bytes(), &[]).unwrap()) };
    assert_eq!(rules(sound), []);
    for (from, to, rule, path) in [
        ("<active value=\"true\"/>", "<active value=\"yes\"/>", "primitive-kind", "Patient.active"),
        ("<nickname value=\"a\"/>", "<nicknam value=\"a\"/>", "unknown-element", "Patient.nicknam"),
        ("<active value=\"true\"/>", "<active value=\"true\" x=\"1\"/>", "xml-attribute", "Patient.active"),
        ("<active value=\"true\"/>", "<active value=\"true\"/>text", "xml-text", "Patient"),
        ("<id value=\"p1\"/><text>", "<text>", "", ""),
        (
            "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p1\"/>",
            "<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/><id value=\"p1\"/>",
            "xml-order",
            "Patient.id",
        ),
    ] {
        let found = rules(&sound.replacen(from, to, 1));
        if rule.is_empty() {
            assert_eq!(found, []);
        } else {
            assert!(found.contains(&(rule.to_owned(), path.to_owned())), "{from}: {found:?}");
        }
    }
    assert!(validator.validate_bytes("p", b"<!DOCTYPE a [<!ENTITY b \"c\">]><Patient/>", &[]).is_err());
    let deep = format!("<Patient xmlns=\"http://hl7.org/fhir\">{}", "<extension>".repeat(100_000));
    assert!(validator.validate_bytes("p", deep.as_bytes(), &[]).is_err());
}

#[test]
fn lines_are_judged_one_by_one() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    let text = format!("{}\n\n{{\"resourceType\":\"Patient\",\"id\":\"x\",\"rank\":0}}\nnot json\n", patient());
    let mut seen = Vec::new();
    let count = judge_lines(&validator, "p.ndjson", text.as_bytes(), &[], |line| {
        let first = line.findings.iter().find(|f| f.severity == Severity::Error);
        seen.push((line.line, line.id.clone(), first.map(|f| (f.rule.clone(), f.position.unwrap().line))));
    });
    assert_eq!(count.unwrap(), 3);
    assert_eq!(
        seen,
        [(1, "p1".into(), None), (3, "x".into(), Some(("primitive-format".into(), 3))), (4, String::new(), Some(("json".into(), 4)))]
    );
}

#[test]
fn hostile_input_is_bounded() {
    let definitions = definitions();
    let validator = Validator::new(&definitions, Options::default());
    for value in
        [json!(null), json!([]), json!("Patient"), json!({}), json!({"resourceType": 5}), json!({"resourceType": "DomainResource"})]
    {
        assert_eq!(errors(&validator.validate(&value, &[])).len(), 1, "{value}");
    }
    let mut many = patient();
    for n in 0..3000 {
        many[format!("x{n}")] = json!(1);
    }
    let found = validator.validate(&many, &[]);
    assert_eq!(errors(&found).len(), 500);
    let mut deep = json!({"url": "http://x.org", "valueString": "x"});
    for _ in 0..200 {
        deep = json!({"url": "http://x.org/y", "extension": [deep]});
    }
    let mut nested = patient();
    nested["extension"] = json!([deep]);
    assert!(errors(&validator.validate(&nested, &[])).is_empty());
}

fn archive(entries: &[(&str, &[u8], tar::EntryType)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content, kind) in entries {
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("probity-fhir-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn put(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn packages_are_read_cached_and_guarded() {
    let folder = Folder::new("packages");
    let cache = folder.0.join("cache");
    let file = tar::EntryType::Regular;
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": core().into_iter().map(|r| json!({"resource": r})).collect::<Vec<_>>()});
    let bundle = bundle.to_string();
    let about = br#"{"name": "small.core", "version": "4.0.1", "fhirVersions": ["4.0.1"]}"#;
    let tgz = folder.put(
        "small.tgz",
        &archive(&[
            ("package/package.json", about, file),
            ("package/all.json", bundle.as_bytes(), file),
            ("package/example/x.json", b"{", file),
        ]),
    );
    let source = [PackageSource::new(tgz)];
    let fresh = Definitions::load(&source, Some(&cache)).unwrap();
    let index = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let cached = Definitions::load(&source, Some(&cache)).unwrap();
    std::fs::write(&index, b"PBFHIR99 damaged").unwrap();
    let rebuilt = Definitions::load(&source, Some(&cache)).unwrap();
    assert!(std::fs::metadata(&index).unwrap().len() > 1000);
    for definitions in [&fresh, &cached, &rebuilt] {
        assert_eq!(definitions.fhir_version(), "4.0.1");
        assert!(
            definitions.has_profile("http://example.org/pressure|1.0")
                && definitions.has_resource("Patient")
                && !definitions.has_resource("Period")
        );
        assert!(errors(&Validator::new(definitions, Options::default()).validate(&pressure(), &[])).is_empty());
    }
    // The same as a folder of the package cache, with a guide that was built with other versions.
    for (n, resource) in core().iter().enumerate() {
        folder.put(
            &format!("packages/small.core#4.0.1/package/{}-{n}.json", resource["resourceType"].as_str().unwrap()),
            resource.to_string().as_bytes(),
        );
    }
    folder.put("packages/small.core#4.0.1/package/package.json", about);
    folder.put("guide/package.json", br#"{"name": "guide", "version": "1.0", "canonical": "http://example.org/fhir", "dependencies": {"small.core": "4.0.2", "hl7.other": "1"}}"#);
    let found = PackageSource::in_package_cache(&folder.0.join("packages"), "small.core", "4.0.1").unwrap();
    let both = Definitions::load(&[found, PackageSource::new(folder.0.join("guide"))], None).unwrap();
    assert_eq!(both.notes().len(), 2, "{:?}", both.notes());
    assert!(both.notes().iter().any(|n| n == "guide 1.0 was built with small.core 4.0.2; used 4.0.1"));
    assert!(PackageSource::in_package_cache(&folder.0, "../packages", "1").is_none());

    for (name, entries) in [
        ("link", vec![("package/a.json", &b""[..], tar::EntryType::Symlink)]),
        ("outside", vec![("package/../../a.json", &b"{}"[..], file)]),
    ] {
        let path = folder.put(&format!("{name}.tgz"), &archive(&entries));
        assert!(matches!(Shelf::load(&PackageSource::new(path), None), Err(super::PackageError::Refused { .. })), "{name}");
    }
    let cut = archive(&[("package/all.json", bundle.as_bytes(), file)]);
    let path = folder.put("cut.tgz", &cut[..cut.len() / 2]);
    assert!(Shelf::load(&PackageSource::new(path), None).is_err());
    assert!(matches!(Definitions::load(&[PackageSource::new(folder.0.join("guide"))], None), Err(super::PackageError::NoCore)));
    assert!(Definitions::load(&[PackageSource::new(folder.0.join("nothing.tgz"))], None).is_err());
}
