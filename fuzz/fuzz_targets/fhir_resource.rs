//! The FHIR validator on any bytes, as JSON and as XML, one document and one a line.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use probity::format::fhir::{Definitions, Options, Validator, judge_lines};

mod fhir_core;

static DEFINITIONS: OnceLock<Definitions> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let definitions = DEFINITIONS.get_or_init(|| {
        let invariant = "status.exists() and (name.count() < 3 or part.link.where($this.startsWith('a')).empty())";
        Definitions::from_resources(fhir_core::info(), fhir_core::definitions(invariant)).expect("definitions")
    });
    let validator = Validator::new(definitions, Options::default());
    let _ = validator.validate_bytes("fuzz", data, &[]);
    let _ = validator.validate_xml("fuzz", data, &[]);
    let _ = judge_lines(&validator, "fuzz", data, &[], |_| {});
});
