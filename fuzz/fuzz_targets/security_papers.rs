//! security.txt, parts lists, advisories, statements, conformance statements and manifests on any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::document::Source;
use probity::format::sbom::{Demand, Depth, Product};
use probity::format::security_txt::Retrieval;
use probity::format::vulnerability::Snapshot;
use probity::format::{csaf, sbom, security_txt, update_manifest, vex, vulnerability};

const HERE: &str = "https://example.org/.well-known/security.txt";

fuzz_target!(|data: &[u8]| {
    let now = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    let retrieval = Retrieval { asked: HERE, answered: HERE, content_type: Some("text/plain; charset=utf-8") };
    security_txt::judge(data, &retrieval, now, time::Duration::days(366));
    let demand = Demand { depth: Depth::All, longest_age: None };
    let (list, _) = sbom::judge("fuzz", data, &Product { name: Some("x"), version: Some("1") }, now, &demand);
    let Ok(source) = Source::read("fuzz", data) else { return };
    csaf::judge(&source);
    csaf::judge_provider(&source, HERE, now);
    let (statements, _) = vex::read(&source);
    update_manifest::judge(&source, HERE);
    if let (Some(list), Ok(text)) = (list, std::str::from_utf8(data)) {
        vulnerability::judge(&list, &Snapshot::read(text), &statements, now, None);
    }
});
