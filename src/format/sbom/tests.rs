use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{Demand, Depth, PartsList, Product, judge};
use crate::verdict::Severity;

const NOW: OffsetDateTime = datetime!(2026-11-22 09:00 UTC);
const DEMAND: Demand = Demand { depth: Depth::All, longest_age: Some(Duration::days(365)) };
const PRODUCT: Product<'_> = Product { name: Some("Care Hub"), version: Some("2.4.1") };

fn sha512() -> String {
    "ab".repeat(64)
}

fn cyclonedx() -> Value {
    let component = |name: &str, version: &str| {
        json!({
            "type": "library", "bom-ref": format!("ref-{name}"), "name": name, "version": version, "supplier": {"name": "Example"},
            "purl": format!("pkg:cargo/{name}@{version}"), "hashes": [{"alg": "SHA-512", "content": sha512()}],
            "licenses": [{"expression": "MIT OR Apache-2.0"}]
        })
    };
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", "version": 1,
        "metadata": {
            "timestamp": "2026-10-01T08:00:00Z",
            "authors": [{"name": "Anna Example"}],
            "tools": {"components": [{"type": "application", "name": "sbom-maker"}]},
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "firmware", "bom-ref": "ref-hub", "name": "care-hub", "version": "v2.4.1", "supplier": {"name": "Example"},
                "purl": "pkg:generic/care-hub@2.4.1", "hashes": [{"alg": "SHA-512", "content": sha512()}], "licenses": [{"license": {"name": "Own"}}]
            }
        },
        "components": [component("alpha", "1.0.0"), component("beta", "2.0.0")],
        "dependencies": [{"ref": "ref-hub", "dependsOn": ["ref-alpha"]}, {"ref": "ref-alpha", "dependsOn": ["ref-beta"]}, {"ref": "ref-beta"}]
    })
}

fn spdx2() -> Value {
    let package = |name: &str, version: &str, kind: &str| {
        json!({
            "SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version, "supplier": "Organization: Example", "downloadLocation": "NOASSERTION",
            "licenseConcluded": "MIT", "licenseDeclared": "NOASSERTION", "checksums": [{"algorithm": "SHA512", "checksumValue": sha512()}],
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": format!("pkg:{kind}/{name}@{version}")}]
        })
    };
    json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "care-hub", "documentNamespace": "https://example.org/spdx/care-hub-2.4.1",
        "creationInfo": {"created": "2026-10-01T08:00:00Z", "creators": ["Organization: Example", "Tool: sbom-maker-1.0"], "comment": "build"},
        "packages": [package("care-hub", "2.4.1", "generic"), package("alpha", "1.0.0", "cargo"), package("beta", "2.0.0", "cargo")],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-care-hub"},
            {"spdxElementId": "SPDXRef-care-hub", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-alpha"},
            {"spdxElementId": "SPDXRef-beta", "relationshipType": "DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-alpha"},
            {"spdxElementId": "SPDXRef-beta", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "NONE"}
        ]
    })
}

fn spdx3() -> Value {
    let package = |name: &str, version: &str, kind: &str| {
        json!({
            "type": "software_Package", "spdxId": format!("https://example.org/{name}"), "creationInfo": "_:c", "name": name, "software_packageVersion": version,
            "suppliedBy": "https://example.org/org", "software_packageUrl": format!("pkg:{kind}/{name}@{version}"),
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha512", "hashValue": sha512()}]
        })
    };
    let relationship = |from: &str, kind: &str, to: &[&str]| {
        json!({
            "type": "Relationship", "spdxId": format!("https://example.org/{from}-{kind}"), "creationInfo": "_:c", "from": format!("https://example.org/{from}"),
            "relationshipType": kind, "to": to.iter().map(|t| format!("https://example.org/{t}")).collect::<Vec<_>>()
        })
    };
    json!({
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2026-10-01T08:00:00Z", "createdBy": ["https://example.org/org"], "createdUsing": ["https://example.org/tool"]},
            {"type": "Organization", "spdxId": "https://example.org/org", "creationInfo": "_:c", "name": "Example"},
            {"type": "Tool", "spdxId": "https://example.org/tool", "creationInfo": "_:c", "name": "sbom-maker"},
            {"type": "SpdxDocument", "spdxId": "https://example.org/doc", "creationInfo": "_:c", "rootElement": ["https://example.org/sbom"]},
            {"type": "software_Sbom", "spdxId": "https://example.org/sbom", "creationInfo": "_:c", "rootElement": ["https://example.org/care-hub"], "software_sbomType": ["build"]},
            package("care-hub", "2.4.1", "generic"), package("alpha", "1.0.0", "cargo"), package("beta", "2.0.0", "cargo"),
            {"type": "simplelicensing_LicenseExpression", "spdxId": "https://example.org/mit", "creationInfo": "_:c", "simplelicensing_licenseExpression": "MIT"},
            relationship("care-hub", "hasConcludedLicense", &["mit"]), relationship("alpha", "hasConcludedLicense", &["mit"]), relationship("beta", "hasConcludedLicense", &["mit"]),
            relationship("care-hub", "dependsOn", &["alpha"]), relationship("alpha", "dependsOn", &["beta"])
        ]
    })
}

fn rules(document: &Value, severity: Severity) -> Vec<String> {
    let bytes = serde_json::to_vec_pretty(document).unwrap();
    let (_, findings) = judge("sbom", &bytes, &PRODUCT, NOW, &DEMAND);
    findings.into_iter().filter(|f| f.severity == severity).map(|f| f.rule).collect()
}

/// The document with the value at a pointer replaced, or taken away.
fn with(mut document: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let holder = document.pointer_mut(parent).unwrap();
    match (holder, value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key.to_owned(), value)),
        (Value::Object(map), None) => drop(map.remove(key).unwrap()),
        (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
        (Value::Array(items), None) => drop(items.remove(key.parse().unwrap())),
        (other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)), _) => panic!("{other}"),
    }
    document
}

#[test]
fn sound_lists_of_all_formats_are_silent() {
    for document in [cyclonedx(), spdx2(), spdx3()] {
        assert_eq!(rules(&document, Severity::Error), Vec::<String>::new());
        assert_eq!(rules(&document, Severity::Warning), Vec::<String>::new());
        assert_eq!(rules(&document, Severity::Open), Vec::<String>::new());
    }
}

#[test]
fn each_defect_of_cyclonedx_has_its_rule() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("/bomFormat", Some(json!("Cyclone")), "bom-format"),
        ("/specVersion", Some(json!("1.1")), "spec-version"),
        ("/serialNumber", Some(json!("123")), "serial-number"),
        ("/metadata/timestamp", None, "timestamp"),
        ("/metadata/timestamp", Some(json!("1.10.2026")), "timestamp"),
        ("/metadata/timestamp", Some(json!("2028-10-01T08:00:00Z")), "timestamp-future"),
        ("/metadata/component/version", Some(json!("2.4.0")), "primary-version"),
        ("/metadata/component/name", Some(json!("pill dispenser")), "primary-name"),
        ("/components/0/version", None, "component-version"),
        ("/components/0/version", Some(json!("NOASSERTION")), "component-version"),
        ("/components/0/version", Some(json!(1)), "wrong-type"),
        ("/components/0/supplier", None, "component-supplier"),
        ("/components/0/supplier/name", Some(json!(" ")), "component-supplier"),
        ("/components/0/name", Some(json!("")), "component-name"),
        ("/components/0/purl", None, "component-identifier"),
        ("/components/0/purl", Some(json!("alpha@1.0.0")), "purl"),
        ("/components/0/cpe", Some(json!("cpe:2.3:a:alpha")), "cpe"),
        ("/components/0/type", None, "component-type"),
        ("/components/0/type", Some(json!("thing")), "component-type"),
        ("/components/0/scope", Some(json!("always")), "component-scope"),
        ("/components/0/hashes/0/alg", Some(json!("SHA512")), "hash-algorithm"),
        ("/components/0/hashes/0/content", Some(json!("abc")), "hash"),
        ("/components/1/bom-ref", Some(json!("ref-alpha")), "reference-repeated"),
        ("/dependencies/1/dependsOn/0", Some(json!("ref-gamma")), "graph-dangling"),
        ("/dependencies", None, "graph-empty"),
        ("/dependencies/0/dependsOn", Some(json!([])), "graph-apart"),
        ("/dependencies/1/dependsOn", Some(json!([])), "graph-apart"),
        ("/dependencies/0", None, "graph-without-product"),
        ("/components", Some(json!("none")), "wrong-type"),
    ];
    for (pointer, value, rule) in cases {
        let broken = with(cyclonedx(), pointer, value.clone());
        let found = rules(&broken, Severity::Error);
        assert!(found.iter().any(|r| r == rule), "{pointer} {value:?}: {found:?}");
        // A type that is wrong, a reference that is not there, take other statements with them.
        if !matches!(rule, "wrong-type" | "graph-dangling" | "reference-repeated") {
            assert_eq!(found, [rule], "{pointer} {value:?}");
        }
    }
    let nobody = with(with(cyclonedx(), "/metadata/authors", None), "/metadata/tools", None);
    assert_eq!(rules(&nobody, Severity::Error), ["author"]);
    let no_primary = with(cyclonedx(), "/metadata/component", None);
    assert!(rules(&no_primary, Severity::Error).contains(&"primary-missing".to_owned()));
    let empty = with(with(cyclonedx(), "/components", Some(json!([]))), "/dependencies", Some(json!([{"ref": "ref-hub"}])));
    assert_eq!(rules(&empty, Severity::Error), ["no-parts"]);
}

#[test]
fn what_newer_guides_ask_is_a_warning() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("/metadata/tools", None, "tool"),
        ("/metadata/lifecycles", None, "generation-context"),
        ("/metadata/timestamp", Some(json!("2024-01-01T00:00:00Z")), "old"),
        ("/metadata/authors", None, "author-is-a-tool"),
        ("/components/0/hashes", None, "component-hash"),
        ("/components/0/hashes/0", Some(json!({"alg": "SHA-1", "content": "ab".repeat(20)})), "component-hash-sha512"),
        ("/components/0/licenses", None, "component-licence"),
        ("/components/0/licenses/0/expression", Some(json!("The MIT License")), "licence-expression"),
        ("/components/0/purl", Some(json!("pkg:cargo/alpha@9.9.9")), "purl-version"),
        ("/metadata/component/purl", None, "component-identifier"),
    ];
    for (pointer, value, rule) in cases {
        let changed = with(cyclonedx(), pointer, value);
        assert_eq!(rules(&changed, Severity::Warning), [rule], "{pointer}");
        assert_eq!(rules(&changed, Severity::Error), Vec::<String>::new(), "{pointer}");
    }
}

#[test]
fn each_defect_of_spdx_2_has_its_rule() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("/spdxVersion", Some(json!("SPDX-2.1")), "spec-version"),
        ("/dataLicense", Some(json!("MIT")), "data-licence"),
        ("/SPDXID", Some(json!("SPDXRef-doc")), "document-id"),
        ("/documentNamespace", Some(json!("care-hub")), "document-namespace"),
        ("/name", None, "document-name"),
        ("/creationInfo/created", None, "timestamp"),
        ("/creationInfo/creators/0", Some(json!("Example")), "creator"),
        ("/packages/1/supplier", Some(json!("NOASSERTION")), "component-supplier"),
        ("/packages/1/versionInfo", None, "component-version"),
        ("/packages/1/externalRefs", None, "component-identifier"),
        ("/packages/1/downloadLocation", None, "download-location"),
        ("/packages/0/versionInfo", Some(json!("2.4.2")), "primary-version"),
        ("/relationships/2/relatedSpdxElement", None, "relationship"),
        ("/relationships/0", None, "primary-missing"),
    ];
    for (pointer, value, rule) in cases {
        let found = rules(&with(spdx2(), pointer, value.clone()), Severity::Error);
        assert!(found.iter().any(|r| r == rule), "{pointer} {value:?}: {found:?}");
        if rule != "relationship" && rule != "primary-version" {
            assert_eq!(found, [rule], "{pointer} {value:?}");
        }
    }
    let described = with(with(spdx2(), "/relationships/0", None), "/documentDescribes", Some(json!(["SPDXRef-care-hub"])));
    assert_eq!(rules(&described, Severity::Error), Vec::<String>::new());
}

#[test]
fn each_defect_of_spdx_3_has_its_rule() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("/@graph/6/spdxId", None, "element-id"),
        ("/@context", Some(json!("https://example.org")), "context"),
        ("/@graph/0/created", None, "timestamp"),
        ("/@graph/6/suppliedBy", None, "component-supplier"),
        ("/@graph/6/software_packageVersion", None, "component-version"),
        ("/@graph/6/software_packageUrl", None, "component-identifier"),
        ("/@graph/4/rootElement", None, "primary-missing"),
        ("/@graph/12/to", Some(json!([])), "graph-apart"),
        ("/@graph/12/from", None, "relationship"),
    ];
    for (pointer, value, rule) in cases {
        let found = rules(&with(spdx3(), pointer, value.clone()), Severity::Error);
        assert!(found.iter().any(|r| r == rule), "{pointer} {value:?}: {found:?}");
    }
    let none = with(spdx3(), "/@graph/0", None);
    assert!(rules(&none, Severity::Error).contains(&"creation-info".to_owned()));
}

#[test]
fn a_shallow_demand_only_warns_of_deep_parts() {
    let shallow = with(cyclonedx(), "/components/1/supplier", None);
    let bytes = serde_json::to_vec(&shallow).unwrap();
    let (_, findings) = judge("sbom", &bytes, &PRODUCT, NOW, &Demand { depth: Depth::TopLevel, ..DEMAND });
    assert_eq!(findings.iter().map(|f| (f.rule.as_str(), f.severity)).collect::<Vec<_>>(), [("component-supplier", Severity::Warning)]);
}

#[test]
fn a_file_needs_no_version_and_a_stated_gap_is_forgiven() {
    let file = json!({"type": "file", "bom-ref": "f", "name": "boot.bin", "hashes": [{"alg": "SHA-512", "content": sha512()}], "licenses": [{"license": {"id": "MIT"}}]});
    let mut document = cyclonedx();
    document["components"].as_array_mut().unwrap().push(file);
    assert_eq!(rules(&document, Severity::Error), Vec::<String>::new());
    let apart = with(cyclonedx(), "/dependencies/1/dependsOn", Some(json!([])));
    let stated = with(apart, "/compositions", Some(json!([{"aggregate": "incomplete"}])));
    assert_eq!((rules(&stated, Severity::Error), rules(&stated, Severity::Warning)), (Vec::new(), vec!["graph-apart".to_owned()]));
}

#[test]
fn a_package_may_be_told_by_its_files_and_only_a_document_describes() {
    let mut package = spdx2();
    let only = package["packages"][0].clone();
    package["packages"] = json!([only]);
    package["files"] = json!([{"SPDXID": "SPDXRef-file", "fileName": "./boot.bin"}]);
    package["relationships"] = json!([
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-care-hub"},
        {"spdxElementId": "SPDXRef-care-hub", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-file"}
    ]);
    assert_eq!(rules(&package, Severity::Error), Vec::<String>::new());
    let mut other = spdx3();
    let told = json!({"type": "Relationship", "spdxId": "https://example.org/d", "creationInfo": "_:c", "from": "https://example.org/beta", "relationshipType": "describes", "to": ["https://example.org/alpha"]});
    other["@graph"].as_array_mut().unwrap().push(told);
    assert_eq!(rules(&other, Severity::Error), Vec::<String>::new());
}

#[test]
fn what_is_no_list_is_one_finding() {
    let one = |bytes: &[u8]| {
        let (list, findings) = judge("sbom", bytes, &PRODUCT, NOW, &DEMAND);
        assert!(list.is_none() && findings.len() == 1, "{findings:?}");
        (findings[0].rule.clone(), findings[0].severity)
    };
    assert_eq!(one(b"{"), ("not-json".into(), Severity::Error));
    assert_eq!(one(b"{\"name\": 1}"), ("not-an-sbom".into(), Severity::Error));
    assert_eq!(one(b"[]"), ("not-an-sbom".into(), Severity::Error));
    assert_eq!(one(b"<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>"), ("xml-not-read".into(), Severity::Open));
    assert_eq!(one(b"SPDXVersion: SPDX-2.3\n"), ("tag-value-not-read".into(), Severity::Open));
}

#[test]
fn findings_name_their_place_and_are_counted_when_there_are_many() {
    let mut document = cyclonedx();
    let bare = document["components"][0].clone();
    let many: Vec<Value> = (0..50)
        .map(|i| {
            let mut part = with(bare.clone(), "/supplier", None);
            part["bom-ref"] = json!(format!("r{i}"));
            part
        })
        .collect();
    let refs: Vec<Value> = many.iter().map(|p| p["bom-ref"].clone()).collect();
    document["components"] = json!(many);
    document["dependencies"] = json!([{"ref": "ref-hub", "dependsOn": refs}]);
    let (_, findings) = judge("sbom", &serde_json::to_vec_pretty(&document).unwrap(), &PRODUCT, NOW, &DEMAND);
    assert_eq!(findings.len(), 20);
    assert!(findings[0].position.is_some() && findings[19].message.ends_with("and 30 more of this kind"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    /// Whatever is put in the place of whatever: findings, never a panic.
    #[test]
    fn any_value_anywhere_gives_findings(which in 0_usize..3, place in 0_usize..400, kind in 0_usize..7) {
        let mut document = [cyclonedx(), spdx2(), spdx3()][which].clone();
        let mut pointers = Vec::new();
        collect(&document, String::new(), &mut pointers);
        let pointer = pointers[place % pointers.len()].clone();
        let value = [json!(null), json!(0), json!(""), json!([]), json!({}), json!([[1]]), json!(true)][kind].clone();
        if let Some(slot) = document.pointer_mut(&pointer) {
            *slot = value;
        }
        let _ = rules(&document, Severity::Error);
    }
}

fn collect(value: &Value, pointer: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| collect(v, super::child(&pointer, k), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| collect(v, format!("{pointer}/{i}"), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    out.push(pointer);
}

#[test]
fn the_reading_is_the_same_in_all_formats() {
    let read = |document: &Value| {
        let source = crate::document::Source::json("s", &serde_json::to_vec(document).unwrap()).unwrap();
        PartsList::read(&source).0.unwrap()
    };
    for document in [cyclonedx(), spdx2(), spdx3()] {
        let list = read(&document);
        assert_eq!(list.parts.len(), 3);
        assert_eq!(list.primary, Some(0));
        assert_eq!(list.authors.len(), 1);
        assert_eq!(list.parts[1].purls, ["pkg:cargo/alpha@1.0.0"]);
    }
}
