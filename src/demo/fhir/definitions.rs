//! A small set of FHIR definitions for the sample vendor: the few types that it uses, as far as it uses
//! them, and a profile of its own. Names and cardinalities of elements are those of FHIR R4; a product
//! under test is judged by the packages that HL7 publishes.

use serde_json::{Value, json};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Each type: kind and name, then its elements as `name minimum maximum types`.
const TYPES: &str = "
complex-type Element: id 0 1 string; extension 0 * Extension
complex-type BackboneElement: id 0 1 string; extension 0 * Extension; modifierExtension 0 * Extension
resource Resource: id 0 1 string; meta 0 1 Meta; language 0 1 code
resource DomainResource: id 0 1 string; meta 0 1 Meta; language 0 1 code; extension 0 * Extension
primitive-type string:
primitive-type code:
primitive-type id:
primitive-type uri:
primitive-type canonical:
primitive-type boolean:
primitive-type decimal:
primitive-type date:
primitive-type dateTime:
primitive-type instant:
complex-type Extension: id 0 1 string; url 1 1 uri; value[x] 0 1 string,code,boolean
complex-type Meta: id 0 1 string; versionId 0 1 id; lastUpdated 0 1 instant; profile 0 * canonical
complex-type Coding: id 0 1 string; system 0 1 uri; version 0 1 string; code 0 1 code; display 0 1 string; userSelected 0 1 boolean
complex-type CodeableConcept: id 0 1 string; coding 0 * Coding; text 0 1 string
complex-type Identifier: id 0 1 string; use 0 1 code; type 0 1 CodeableConcept; system 0 1 uri; value 0 1 string
complex-type HumanName: id 0 1 string; use 0 1 code; text 0 1 string; family 0 1 string; given 0 * string
complex-type Quantity: id 0 1 string; value 0 1 decimal; comparator 0 1 code; unit 0 1 string; system 0 1 uri; code 0 1 code
complex-type Reference: id 0 1 string; reference 0 1 string; type 0 1 uri; identifier 0 1 Identifier; display 0 1 string
resource Device: id 0 1 string; meta 0 1 Meta; identifier 0 * Identifier; status 0 1 code; patient 0 1 Reference
resource Patient: id 0 1 string; meta 0 1 Meta; language 0 1 code; identifier 0 * Identifier; active 0 1 boolean; name 0 * HumanName; gender 0 1 code; birthDate 0 1 date
resource Observation: id 0 1 string; meta 0 1 Meta; language 0 1 code; identifier 0 * Identifier; status 1 1 code; category 0 * CodeableConcept; code 1 1 CodeableConcept; subject 0 1 Reference; effective[x] 0 1 dateTime,instant; value[x] 0 1 Quantity,CodeableConcept,string,boolean; dataAbsentReason 0 1 CodeableConcept; device 0 1 Reference; component 0 * BackboneElement; component.id 0 1 string; component.code 1 1 CodeableConcept; component.value[x] 0 1 Quantity,CodeableConcept,string
";

/// The definitions as a Bundle.
pub(in crate::demo) fn definitions() -> Value {
    let mut all: Vec<Value> = TYPES.lines().filter_map(define).collect();
    all.push(json!({"resourceType": "StructureDefinition", "url": "https://brightbell.example/fhir/StructureDefinition/resident", "version": "1.0.0",
        "name": "Resident", "status": "active", "type": "Patient", "kind": "resource", "abstract": false, "derivation": "constraint",
        "fhirVersion": "4.0.1", "baseDefinition": format!("{CORE}Patient"),
        "differential": {"element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.name", "path": "Patient.name", "min": 1},
            {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1},
        ]}}));
    let entries: Vec<Value> = all.into_iter().map(|d| json!({"fullUrl": d["url"], "resource": d})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
}

fn define(line: &str) -> Option<Value> {
    let (head, rows) = line.split_once(':')?;
    let (kind, name) = head.split_once(' ')?;
    let mut elements = vec![json!({"id": name, "path": name, "min": 0, "max": "*", "base": {"path": name, "min": 0, "max": "*"}})];
    for row in rows.split(';').map(str::trim).filter(|row| !row.is_empty()) {
        let mut words = row.split(' ');
        let (path, min, max) = (format!("{name}.{}", words.next()?), words.next()?.parse::<u32>().ok()?, words.next()?);
        let types: Vec<Value> = words.next()?.split(',').map(|code| json!({ "code": code })).collect();
        elements
            .push(json!({"id": path, "path": path, "min": min, "max": max, "base": {"path": path, "min": min, "max": max}, "type": types}));
    }
    let base = match (kind, name) {
        (_, "Element" | "Resource") => None,
        ("resource", "DomainResource") => Some("Resource"),
        ("resource", _) => Some("DomainResource"),
        _ => Some("Element"),
    };
    let mut definition = json!({"resourceType": "StructureDefinition", "url": format!("{CORE}{name}"), "version": "4.0.1", "name": name,
        "status": "active", "type": name, "kind": kind, "abstract": matches!(name, "Element" | "BackboneElement" | "Resource" | "DomainResource"),
        "fhirVersion": "4.0.1", "derivation": "specialization", "snapshot": {"element": elements}});
    if let (Some(map), Some(base)) = (definition.as_object_mut(), base) {
        map.insert("baseDefinition".into(), json!(format!("{CORE}{base}")));
    }
    Some(definition)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::resources::resources;
    use super::*;
    use crate::format::fhir::{Definitions, Options, PackageInfo, Validator};
    use crate::verdict::Severity;

    #[test]
    fn the_sample_resources_keep_the_sample_definitions() {
        let bundle = definitions();
        let all = bundle["entry"].as_array().unwrap().iter().map(|e| e["resource"].clone());
        let definitions = Definitions::from_resources(PackageInfo::default(), all).unwrap();
        let validator = Validator::new(&definitions, Options::default());
        for (reference, resource) in resources(&BTreeSet::new()) {
            if reference.starts_with("Patient/") || reference.starts_with("Observation/") {
                let findings = validator.validate(&resource, &[]);
                assert!(findings.iter().all(|f| f.severity == Severity::Warning), "{reference}: {findings:?}");
            }
        }
        let mut nameless = resources(&BTreeSet::new())["Patient/r-1001"].clone();
        nameless.as_object_mut().unwrap().remove("name");
        let findings = validator.validate(&nameless, &[]);
        assert!(findings.iter().any(|f| f.severity == Severity::Error), "{findings:?}");
    }
}
