//! Any text as an invariant of FHIRPath, evaluated on a fixed resource.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::fhir::{Definitions, Options, Validator};
use serde_json::json;

mod fhir_core;

fuzz_target!(|text: &str| {
    let definitions = Definitions::from_resources(fhir_core::info(), fhir_core::definitions(text)).expect("definitions");
    let resource = json!({
        "resourceType": "Thing", "id": "a", "status": "on", "name": ["b", "c"], "when": "2024-02-29T10:00:00Z", "count": 3, "size": 1.50,
        "valueQuantity": {"value": 2, "system": "http://unitsofmeasure.org", "code": "kg"},
        "contained": [{"resourceType": "Thing", "id": "i", "status": "off"}],
        "part": [{"link": ["http://a.b/c", "#i"]}, {"id": "p", "link": ["x"]}]
    });
    Validator::new(&definitions, Options::default()).validate(&resource, &[]);
});
