//! Definitions small enough to start with on every run: one resource type and what it is made of.

use probity::format::fhir::PackageInfo;
use serde_json::{Value, json};

fn define(name: &str, kind: &str, base: &str, rows: &[(&str, u32, &str, &str)]) -> Value {
    let mut elements = vec![json!({"id": name, "path": name, "min": 0, "max": "*", "base": {"path": name, "min": 0, "max": "*"}})];
    for (path, min, max, of) in rows {
        let types: Vec<Value> = of.split('|').map(|code| json!({"code": code})).collect();
        let path = format!("{name}.{path}");
        elements.push(json!({"id": path, "path": path, "min": min, "max": max, "base": {"path": path, "min": min, "max": max}, "type": types}));
    }
    json!({
        "resourceType": "StructureDefinition", "url": format!("http://hl7.org/fhir/StructureDefinition/{name}"), "version": "4.0.1",
        "fhirVersion": "4.0.1", "type": name, "kind": kind, "abstract": false, "derivation": "specialization",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{base}"), "snapshot": {"element": elements}
    })
}

/// The definitions, with an invariant on the resource type.
pub fn definitions(invariant: &str) -> Vec<Value> {
    let system = "http://hl7.org/fhirpath/System.String";
    let mut thing = define(
        "Thing",
        "resource",
        "Resource",
        &[
            ("id", 0, "1", system),
            ("text", 0, "1", "Narrative"),
            ("contained", 0, "*", "Resource"),
            ("extension", 0, "*", "Extension"),
            ("status", 1, "1", "code"),
            ("name", 0, "*", "string"),
            ("when", 0, "1", "dateTime"),
            ("count", 0, "1", "integer"),
            ("size", 0, "1", "decimal"),
            ("value[x]", 0, "1", "Quantity|string|Reference|boolean"),
            ("code", 0, "1", "Coding"),
            ("part", 0, "*", "BackboneElement"),
            ("part.id", 0, "1", system),
            ("part.link", 0, "*", "uri"),
        ],
    );
    thing["snapshot"]["element"][0]["constraint"] =
        json!([{"key": "x-1", "severity": "error", "human": "x", "expression": invariant}]);
    let mut all = vec![
        define("Element", "complex-type", "Base", &[("id", 0, "1", system), ("extension", 0, "*", "Extension")]),
        define("BackboneElement", "complex-type", "Element", &[("id", 0, "1", system)]),
        define("Resource", "resource", "Base", &[("id", 0, "1", system)]),
        define("Extension", "complex-type", "Element", &[("id", 0, "1", system), ("url", 1, "1", system), ("value[x]", 0, "1", "string|Coding")]),
        define("Narrative", "complex-type", "Element", &[("status", 1, "1", "code"), ("div", 1, "1", "xhtml")]),
        define("Coding", "complex-type", "Element", &[("system", 0, "1", "uri"), ("code", 0, "1", "code"), ("display", 0, "1", "string")]),
        define("Quantity", "complex-type", "Element", &[("value", 0, "1", "decimal"), ("system", 0, "1", "uri"), ("code", 0, "1", "code")]),
        define("Reference", "complex-type", "Element", &[("reference", 0, "1", "string"), ("type", 0, "1", "uri")]),
        thing,
    ];
    for primitive in ["string", "code", "uri", "dateTime", "integer", "decimal", "boolean", "xhtml"] {
        all.push(define(primitive, "primitive-type", "Element", &[]));
    }
    all
}

/// What the package says about itself.
pub fn info() -> PackageInfo {
    PackageInfo { name: "fuzz".to_owned(), version: "1.0.0".to_owned(), ..PackageInfo::default() }
}
