//! Any bytes as the archive of a package, and any JSON as one of its definitions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::fhir::{Definitions, Options, PackageSource, Validator};
use serde_json::{Value, json};

mod fhir_core;

fuzz_target!(|data: &[u8]| {
    if let Ok(mut value) = serde_json::from_slice::<Value>(data) {
        if let Some(object) = value.as_object_mut() {
            object.entry("resourceType").or_insert_with(|| json!("StructureDefinition"));
            object.insert("url".to_owned(), json!("http://fuzz.example/profile"));
            object.entry("type").or_insert_with(|| json!("Thing"));
        }
        let all = fhir_core::definitions("true").into_iter().chain([value]);
        if let Ok(definitions) = Definitions::from_resources(fhir_core::info(), all) {
            let resource = json!({"resourceType": "Thing", "status": "on", "name": ["b"], "part": [{"link": ["x"]}], "valueString": "v"});
            Validator::new(&definitions, Options::default()).validate(&resource, &["http://fuzz.example/profile"]);
        }
        return;
    }
    let path = std::env::temp_dir().join(format!("probity-fuzz-{}.tgz", std::process::id()));
    if std::fs::write(&path, data).is_ok() {
        let _ = Definitions::load(&[PackageSource::new(&path)], None);
    }
});
