use serde_json::{Value, json};

use super::judge;
use crate::document::Source;
use crate::verdict::Severity;

fn vex() -> Value {
    let product = |id: &str, name: &str| json!({"product_id": id, "name": name, "product_identification_helper": {"purl": format!("pkg:generic/{id}@1"), "cpe": format!("cpe:2.3:a:example:{id}:1:*:*:*:*:*:*:*")}});
    json!({
        "document": {
            "category": "csaf_vex", "csaf_version": "2.0", "title": "Hub", "lang": "en", "distribution": {"tlp": {"label": "WHITE"}},
            "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
            "tracking": {
                "id": "EX-2026-1", "status": "final", "version": "2.0.0", "initial_release_date": "2026-10-01T00:00:00Z", "current_release_date": "2026-11-01T00:00:00Z",
                "revision_history": [
                    {"number": "1.0.0", "date": "2026-10-01T00:00:00Z", "summary": "first"},
                    {"number": "2.0.0", "date": "2026-11-01T00:00:00Z", "summary": "second"}
                ]
            }
        },
        "product_tree": {
            "branches": [{"category": "vendor", "name": "Example", "branches": [{"category": "product_version", "name": "1.0", "product": product("hub", "Hub")}]}],
            "full_product_names": [product("lib", "Library")],
            "relationships": [{"category": "default_component_of", "product_reference": "lib", "relates_to_product_reference": "hub", "full_product_name": {"product_id": "hub:lib", "name": "Library in Hub"}}],
            "product_groups": [{"group_id": "all", "product_ids": ["hub", "hub:lib"]}]
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2026-0001", "notes": [{"category": "description", "text": "x"}], "product_status": {"known_not_affected": ["hub:lib"]},
                "flags": [{"label": "component_not_present", "group_ids": ["all"]}]
            },
            {
                "cve": "CVE-2026-0002", "notes": [{"category": "description", "text": "x"}], "product_status": {"known_affected": ["hub"], "fixed": ["lib"]},
                "remediations": [{"category": "mitigation", "details": "unplug", "product_ids": ["hub"]}]
            }
        ]
    })
}

fn rules(document: &Value) -> Vec<String> {
    judge(&Source::json("c", document.to_string().as_bytes()).unwrap())
        .into_iter()
        .filter(|f| f.severity == Severity::Error)
        .map(|f| f.rule)
        .collect()
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = vex();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(map) if value.is_null() => drop(map.remove(key).unwrap()),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => panic!("{other}"),
    }
    document
}

#[test]
fn a_sound_statement_is_silent() {
    assert_eq!(judge(&Source::json("c", vex().to_string().as_bytes()).unwrap()), []);
}

#[test]
fn each_mandatory_test_has_its_rule() {
    let t = "/document/tracking";
    let cases: Vec<(String, Value, &str)> = vec![
        ("/vulnerabilities/1/product_status/fixed/-".into(), json!("hubb"), "product-undefined"),
        ("/vulnerabilities/1/remediations/0/group_ids".into(), json!(["none"]), "group-undefined"),
        ("/product_tree/full_product_names/-".into(), json!({"product_id": "lib", "name": "Again"}), "product-repeated"),
        ("/product_tree/relationships/0/product_reference".into(), json!("hub:lib"), "product-circular"),
        ("/product_tree/product_groups/-".into(), json!({"group_id": "all", "product_ids": ["hub"]}), "group-repeated"),
        ("/vulnerabilities/1/product_status/fixed".into(), json!(["hub"]), "status-contradiction"),
        ("/document/lang".into(), json!("english!"), "language"),
        ("/product_tree/full_product_names/0/product_identification_helper/purl".into(), json!("lib@1"), "purl"),
        (format!("{t}/revision_history/1/date"), json!("2026-09-01T00:00:00Z"), "revisions-unsorted"),
        ("/document/publisher/category".into(), json!("translator"), "translator"),
        ("/document/source_lang".into(), json!("en"), "translation"),
        (format!("{t}/version"), json!("1.0.0"), "version-not-latest"),
        (format!("{t}/revision_history/0/number"), json!("0.9.0"), "revision-zero"),
        (format!("{t}/revision_history/0/number"), json!("1.0.0-rc1"), "revision-pre-release"),
        (format!("{t}/revision_history/0/number"), json!("2.0.0"), "revision-repeated"),
        (format!("{t}/revision_history/0/number"), json!("1"), "version-mixed"),
        (format!("{t}/revision_history/0/number"), json!("one"), "revision"),
        (format!("{t}/revision_history/0/summary"), Value::Null, "revision"),
        ("/vulnerabilities/1/cve".into(), json!("CVE-2026-0001"), "cve-repeated"),
        ("/vulnerabilities/1/cve".into(), json!("CVE-26-1"), "cve"),
        ("/document/category".into(), json!("csaf_veks"), "category-reserved"),
        ("/document/category".into(), json!("Security_Advisory"), "category-reserved"),
        ("/vulnerabilities/1/remediations/-".into(), json!({"category": "none_available", "details": "x"}), "remediation-without-product"),
        ("/vulnerabilities/0/flags/-".into(), json!({"label": "component_not_present"}), "flag-without-product"),
        ("/vulnerabilities/0/flags/-".into(), json!({"label": "vulnerable_code_not_present", "product_ids": ["hub"]}), "flags-several"),
        ("/product_tree/branches/0/branches/0/name".into(), json!("1.0 and earlier"), "version-range"),
        ("/product_tree".into(), Value::Null, ""),
        ("/vulnerabilities/0/notes".into(), json!([]), "profile-vulnerability-notes"),
        ("/vulnerabilities/0/cve".into(), Value::Null, "vex-vulnerability"),
        ("/vulnerabilities/0/flags".into(), json!([]), "vex-unjustified"),
        ("/vulnerabilities/1/remediations".into(), json!([]), "vex-no-action"),
        ("/vulnerabilities".into(), json!([]), "profile-no-vulnerabilities"),
        ("/document/csaf_version".into(), json!("1.2"), "csaf-version"),
        ("/document/title".into(), Value::Null, "title"),
        ("/document/distribution/tlp/label".into(), json!("BLUE"), "tlp"),
        ("/document/publisher".into(), Value::Null, "publisher"),
        ("/document/publisher/namespace".into(), json!("example"), "publisher"),
        (format!("{t}/status"), json!("done"), "tracking-status"),
        (format!("{t}/current_release_date"), json!("November"), "tracking-date"),
        (format!("{t}/initial_release_date"), json!("2027-01-01T00:00:00Z"), "tracking-order"),
        (t.to_owned(), Value::Null, "tracking"),
        ("/document".into(), Value::Null, "not-csaf"),
    ];
    for (pointer, value, rule) in cases {
        let found = rules(&with(&pointer, value.clone()));
        if rule.is_empty() {
            assert!(found.contains(&"profile-products".to_owned()) && found.contains(&"product-undefined".to_owned()), "{found:?}");
        } else {
            assert!(found.iter().any(|r| r == rule), "{pointer} {value}: {found:?}");
            if !matches!(
                rule,
                "group-undefined" | "product-circular" | "revisions-unsorted" | "revision" | "revision-zero" | "revision-repeated"
            ) {
                assert_eq!(found, [rule], "{pointer} {value}");
            }
        }
    }
}

#[test]
fn drafts_and_whole_numbers_are_allowed() {
    let mut draft = vex();
    draft["document"]["tracking"] = json!({
        "id": "EX-1", "status": "draft", "version": "0.2.0-rc1", "initial_release_date": "2026-10-01T00:00:00Z", "current_release_date": "2026-10-02T00:00:00Z",
        "revision_history": [{"number": "0.1.0", "date": "2026-10-01T00:00:00Z", "summary": "a"}, {"number": "0.2.0", "date": "2026-10-02T00:00:00Z", "summary": "b"}]
    });
    assert_eq!(rules(&draft), Vec::<String>::new());
    let mut whole = vex();
    whole["document"]["tracking"]["version"] = json!("3");
    whole["document"]["tracking"]["revision_history"] = json!([{"number": "1", "date": "2026-10-01T00:00:00Z", "summary": "a"}, {"number": "3", "date": "2026-10-02T00:00:00Z", "summary": "b"}]);
    assert_eq!(rules(&whole), ["revision-missing"]);
    whole["document"]["tracking"]["version"] = json!("0");
    whole["document"]["tracking"]["revision_history"] = json!([{"number": "0", "date": "2026-10-01T00:00:00Z", "summary": "a"}]);
    assert_eq!(rules(&whole), ["revision-zero", "version-not-draft"]);
}

#[test]
fn other_profiles_have_their_demands() {
    let advisory = with("/document/category", json!("csaf_security_advisory"));
    assert_eq!(rules(&advisory), Vec::<String>::new());
    let informational = with("/document/category", json!("csaf_informational_advisory"));
    assert_eq!(rules(&informational), ["profile-notes", "profile-references", "profile-vulnerabilities"]);
    let base = with("/document/category", json!("csaf_base"));
    assert_eq!(rules(&base), Vec::<String>::new());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
    #[test]
    fn any_value_anywhere_gives_findings(place in 0_usize..200, kind in 0_usize..6) {
        let mut document = vex();
        let mut pointers = Vec::new();
        collect(&document, String::new(), &mut pointers);
        let pointer = pointers[place % pointers.len()].clone();
        if let Some(slot) = document.pointer_mut(&pointer) {
            *slot = [json!(null), json!(0), json!(""), json!([]), json!({}), json!([[1]])][kind].clone();
        }
        let _ = rules(&document);
    }
}

fn collect(value: &Value, pointer: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| collect(v, format!("{pointer}/{k}"), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| collect(v, format!("{pointer}/{i}"), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    out.push(pointer);
}
