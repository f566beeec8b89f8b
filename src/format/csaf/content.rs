//! Products and vulnerabilities of a CSAF document: what is named must be defined, and what is said of
//! a product must not contradict itself; then what the document's profile demands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ProductTree, list};
use crate::format::sbom::{Cpe, PackageUrl};
use crate::verdict::Finding;

/// Groups of statuses that exclude each other (section 6.1.6).
const STATUSES: [(&str, &[&str]); 4] = [
    ("affected", &["first_affected", "known_affected", "last_affected"]),
    ("not affected", &["known_not_affected"]),
    ("fixed", &["first_fixed", "fixed"]),
    ("under investigation", &["under_investigation"]),
];

pub(super) fn judge(value: &Value, tree: &ProductTree, findings: &mut Vec<Finding>) {
    judge_tree(tree, findings);
    let defined: BTreeSet<&str> = tree.defined.iter().map(|(id, _)| id.as_str()).collect();
    let groups: BTreeSet<&str> = tree.groups.iter().map(|(id, _, _)| id.as_str()).collect();
    let mut used = Vec::new();
    for (id, pointer, members) in &tree.groups {
        used.extend(members.iter().map(|m| (m.clone(), format!("{pointer}/product_ids"))));
        let _ = id;
    }
    for (_, parts, pointer) in &tree.relationships {
        used.extend(parts.iter().map(|p| (p.clone(), pointer.clone())));
    }
    let mut used_groups = Vec::new();
    let vulnerabilities = list(value, "vulnerabilities");
    for (i, vulnerability) in vulnerabilities.iter().enumerate() {
        collect(vulnerability, &format!("/vulnerabilities/{i}"), &mut used, &mut used_groups);
    }
    for (id, pointer) in used.iter().filter(|(id, _)| !defined.contains(id.as_str())) {
        findings.push(
            Finding::error("product-undefined", "a product is named that is not defined")
                .at(pointer.clone())
                .observed(id)
                .clause("CSAF 2.0, section 6.1.1"),
        );
    }
    for (id, pointer) in used_groups.iter().filter(|(id, _)| !groups.contains(id.as_str())) {
        findings.push(
            Finding::error("group-undefined", "a group of products is named that is not defined")
                .at(pointer.clone())
                .observed(id)
                .clause("CSAF 2.0, section 6.1.4"),
        );
    }
    let mut cves: BTreeSet<&str> = BTreeSet::new();
    for (i, vulnerability) in vulnerabilities.iter().enumerate() {
        let pointer = format!("/vulnerabilities/{i}");
        if let Some(cve) = vulnerability.get("cve").and_then(Value::as_str) {
            if !cves.insert(cve) {
                findings.push(
                    Finding::error("cve-repeated", "two vulnerabilities have the same CVE")
                        .at(format!("{pointer}/cve"))
                        .observed(cve)
                        .clause("CSAF 2.0, section 6.1.23"),
                );
            }
            if !is_cve(cve) {
                findings.push(
                    Finding::error("cve", "an identifier is not one of CVE")
                        .at(format!("{pointer}/cve"))
                        .expected("CVE-year-number")
                        .observed(cve)
                        .clause("CSAF 2.0, section 3.2.3.2"),
                );
            }
        }
        judge_vulnerability(vulnerability, &pointer, tree, findings);
        super::cvss::judge(vulnerability, &pointer, findings);
        judge_weakness(vulnerability, &pointer, findings);
    }
    judge_profile(value, vulnerabilities, tree, findings);
}

fn is_cve(text: &str) -> bool {
    let mut parts = text.split('-');
    let digits = |t: Option<&str>, least: usize| t.is_some_and(|t| t.len() >= least && t.bytes().all(|b| b.is_ascii_digit()));
    parts.next() == Some("CVE") && digits(parts.next(), 4) && digits(parts.next(), 4) && parts.next().is_none()
}

/// The form of a weakness; its name is not looked up.
fn judge_weakness(vulnerability: &Value, pointer: &str, findings: &mut Vec<Finding>) {
    let Some(weakness) = vulnerability.get("cwe") else { return };
    let text = |key: &str| weakness.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = text("id").strip_prefix("CWE-").unwrap_or_default();
    let sound = (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    if !sound || text("name").trim().is_empty() {
        findings.push(
            Finding::error("cwe", "a weakness has no identifier or no name of the list of weaknesses")
                .at(format!("{pointer}/cwe"))
                .expected("id such as CWE-79, and name")
                .observed(text("id"))
                .clause("CSAF 2.0, section 6.1.11"),
        );
    }
}

fn judge_tree(tree: &ProductTree, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for (id, pointer) in &tree.defined {
        if id.is_empty() {
            findings.push(
                Finding::error("product-id", "a product has no identifier")
                    .at(pointer.clone())
                    .expected("product_id")
                    .clause("CSAF 2.0, section 3.1.3"),
            );
        } else if !seen.insert(id) {
            findings.push(
                Finding::error("product-repeated", "two products have the same identifier")
                    .at(pointer.clone())
                    .observed(id)
                    .clause("CSAF 2.0, section 6.1.2"),
            );
        }
    }
    let mut groups = BTreeSet::new();
    for (id, pointer, _) in &tree.groups {
        if !groups.insert(id) {
            findings.push(
                Finding::error("group-repeated", "two groups of products have the same identifier")
                    .at(pointer.clone())
                    .observed(id)
                    .clause("CSAF 2.0, section 6.1.5"),
            );
        }
    }
    let parts: BTreeMap<&str, &[String; 2]> = tree.relationships.iter().map(|(id, parts, _)| (id.as_str(), parts)).collect();
    for (id, _, pointer) in &tree.relationships {
        let mut stack: Vec<&str> = parts.get(id.as_str()).into_iter().flat_map(|p| p.iter().map(String::as_str)).collect();
        let mut visited = BTreeSet::new();
        while let Some(at) = stack.pop() {
            if at == id {
                findings.push(
                    Finding::error("product-circular", "a combined product is a part of itself")
                        .at(pointer.clone())
                        .observed(id)
                        .clause("CSAF 2.0, section 6.1.3"),
                );
                break;
            }
            if visited.insert(at) {
                stack.extend(parts.get(at).into_iter().flat_map(|p| p.iter().map(String::as_str)));
            }
        }
    }
    for (purl, pointer) in &tree.purls {
        if let Err(message) = PackageUrl::read(purl) {
            findings.push(Finding::error("purl", message).at(pointer.clone()).observed(purl).clause("CSAF 2.0, section 6.1.13"));
        }
    }
    for (cpe, pointer) in &tree.cpes {
        if let Err(message) = Cpe::read(cpe) {
            findings.push(Finding::error("cpe", message).at(pointer.clone()).observed(cpe).clause("CSAF 2.0, section 3.1.3.3.1"));
        }
    }
    for (name, pointer) in &tree.versions {
        let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
        let signs = name.contains(['<', '>']) || name.starts_with("vers:");
        let says = |word: &str| words.iter().any(|w| w == word);
        if signs || ["after", "all", "before", "earlier", "later", "prior", "versions"].iter().any(|w| says(w)) {
            findings.push(
                Finding::error("version-range", "the name of one version is a range of versions")
                    .at(pointer.clone())
                    .observed(name)
                    .clause("CSAF 2.0, section 6.1.31"),
            );
        }
    }
    for (algorithms, pointer) in &tree.hashes {
        let unique: BTreeSet<&String> = algorithms.iter().collect();
        if unique.len() < algorithms.len() {
            findings.push(
                Finding::error("hash-repeated", "a file has two hashes of the same algorithm")
                    .at(pointer.clone())
                    .clause("CSAF 2.0, section 6.1.25"),
            );
        }
    }
}

/// All product and group ids that a vulnerability names, with their places.
fn collect(value: &Value, pointer: &str, products: &mut Vec<(String, String)>, groups: &mut Vec<(String, String)>) {
    let mut stack = vec![(value, pointer.to_owned())];
    while let Some((value, pointer)) = stack.pop() {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let at = format!("{pointer}/{key}");
                    let strings = || inner.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                    match key.as_str() {
                        "product_ids" | "products" => products.extend(strings().map(|s| (s, at.clone()))),
                        "group_ids" => groups.extend(strings().map(|s| (s, at.clone()))),
                        "product_status" => {
                            for (status, ids) in inner.as_object().into_iter().flatten() {
                                products.extend(
                                    ids.as_array()
                                        .into_iter()
                                        .flatten()
                                        .filter_map(Value::as_str)
                                        .map(|s| (s.to_owned(), format!("{at}/{status}"))),
                                );
                            }
                        }
                        _ => stack.push((inner, at)),
                    }
                }
            }
            Value::Array(items) => stack.extend(items.iter().enumerate().map(|(i, inner)| (inner, format!("{pointer}/{i}")))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn status_ids(vulnerability: &Value, keys: &[&str]) -> BTreeSet<String> {
    let status = vulnerability.get("product_status").unwrap_or(&Value::Null);
    keys.iter().flat_map(|k| list(status, k)).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn judge_vulnerability(vulnerability: &Value, pointer: &str, tree: &ProductTree, findings: &mut Vec<Finding>) {
    let sets: Vec<(&str, BTreeSet<String>)> = STATUSES.iter().map(|(name, keys)| (*name, status_ids(vulnerability, keys))).collect();
    for (i, (name, set)) in sets.iter().enumerate() {
        for (other, second) in sets.iter().skip(i + 1) {
            if let Some(id) = set.intersection(second).next() {
                findings.push(
                    Finding::error("status-contradiction", format!("a product is said to be {name} and {other}"))
                        .at(format!("{pointer}/product_status"))
                        .observed(id)
                        .clause("CSAF 2.0, section 6.1.6"),
                );
            }
        }
    }
    let mut scored: BTreeSet<(String, String)> = BTreeSet::new();
    for (i, score) in list(vulnerability, "scores").iter().enumerate() {
        for version in ["cvss_v2", "cvss_v3"] {
            let Some(number) = score.get(version).map(|s| s.get("version").and_then(Value::as_str).unwrap_or_default().to_owned()) else {
                continue;
            };
            for id in list(score, "products").iter().filter_map(Value::as_str) {
                if !scored.insert((format!("{version}{number}"), id.to_owned())) {
                    findings.push(
                        Finding::error("score-repeated", "a product has two scores of the same version")
                            .at(format!("{pointer}/scores/{i}"))
                            .observed(id)
                            .clause("CSAF 2.0, section 6.1.7"),
                    );
                }
            }
        }
    }
    let names_products = |entry: &Value| !list(entry, "product_ids").is_empty() || !list(entry, "group_ids").is_empty();
    for (i, remediation) in list(vulnerability, "remediations").iter().enumerate() {
        if !names_products(remediation) {
            findings.push(
                Finding::error("remediation-without-product", "a remedy does not say for which product it is")
                    .at(format!("{pointer}/remediations/{i}"))
                    .clause("CSAF 2.0, section 6.1.29"),
            );
        }
    }
    let mut flagged: BTreeSet<String> = BTreeSet::new();
    for (i, flag) in list(vulnerability, "flags").iter().enumerate() {
        let at = format!("{pointer}/flags/{i}");
        if !names_products(flag) {
            findings.push(
                Finding::error("flag-without-product", "a reason does not say for which product it holds")
                    .at(at.clone())
                    .clause("CSAF 2.0, section 6.1.32"),
            );
        }
        let groups: Vec<String> = list(flag, "group_ids").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let mut ids = tree.members(&groups);
        ids.extend(list(flag, "product_ids").iter().filter_map(Value::as_str).map(str::to_owned));
        if let Some(id) = ids.iter().find(|id| flagged.contains(*id)) {
            findings.push(
                Finding::error("flags-several", "a product has two reasons for not being affected")
                    .at(at)
                    .observed(id)
                    .clause("CSAF 2.0, section 6.1.33"),
            );
        }
        flagged.extend(ids);
    }
    let mut involved: BTreeSet<(String, String)> = BTreeSet::new();
    for (i, involvement) in list(vulnerability, "involvements").iter().enumerate() {
        let text = |key: &str| involvement.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if !involved.insert((text("party"), text("date"))) {
            findings.push(
                Finding::error("involvement-repeated", "a party has two statuses at the same moment")
                    .at(format!("{pointer}/involvements/{i}"))
                    .clause("CSAF 2.0, section 6.1.24"),
            );
        }
    }
}

/// What the profiles of section 4 demand (tests 6.1.27.1 to 6.1.27.11).
fn judge_profile(value: &Value, vulnerabilities: &[Value], tree: &ProductTree, findings: &mut Vec<Finding>) {
    let category = value.pointer("/document/category").and_then(Value::as_str).unwrap_or_default();
    let is = |list: &[&str]| list.contains(&category);
    let mut tell = |rule: &str, message: &str, at: &str, expected: &str, test: u8| {
        findings.push(Finding::error(rule, message).at(at).expected(expected).clause(format!("CSAF 2.0, section 6.1.27.{test}")));
    };
    if is(&["csaf_informational_advisory", "csaf_security_incident_response"]) {
        let document = value.get("document").unwrap_or(&Value::Null);
        let told = |n: &Value| matches!(n.get("category").and_then(Value::as_str), Some("description" | "details" | "general" | "summary"));
        if !list(document, "notes").iter().any(told) {
            tell(
                "profile-notes",
                "a document of this kind has no note that tells what happened",
                "/document",
                "a note of category description, details, general or summary",
                1,
            );
        }
        let external = |r: &Value| r.get("category").and_then(Value::as_str) == Some("external");
        if !list(document, "references").iter().any(external) {
            tell(
                "profile-references",
                "a document of this kind refers to nothing else",
                "/document",
                "a reference of category external",
                2,
            );
        }
    }
    if is(&["csaf_informational_advisory"]) && value.get("vulnerabilities").is_some() {
        tell("profile-vulnerabilities", "a document of this kind speaks of vulnerabilities", "/vulnerabilities", "no vulnerabilities", 3);
    }
    if !is(&["csaf_security_advisory", "csaf_vex"]) {
        return;
    }
    if value.get("product_tree").is_none() {
        tell("profile-products", "a document of this kind names no products", "", "product_tree", 4);
    }
    if vulnerabilities.is_empty() {
        tell("profile-no-vulnerabilities", "a document of this kind speaks of no vulnerability", "", "vulnerabilities", 11);
    }
    for (i, vulnerability) in vulnerabilities.iter().enumerate() {
        let at = format!("/vulnerabilities/{i}");
        if list(vulnerability, "notes").is_empty() {
            tell("profile-vulnerability-notes", "a vulnerability is not described", &at, "notes", 5);
        }
        if is(&["csaf_security_advisory"]) {
            if vulnerability.get("product_status").is_none() {
                tell("profile-status", "it is not said which products a vulnerability concerns", &at, "product_status", 6);
            }
            continue;
        }
        let any = |keys: &[&str]| !status_ids(vulnerability, keys).is_empty();
        if !any(&["fixed", "known_affected", "known_not_affected", "under_investigation"]) {
            tell(
                "vex-status",
                "it is not said whether the products are affected",
                &at,
                "fixed, known_affected, known_not_affected or under_investigation",
                7,
            );
        }
        if vulnerability.get("cve").is_none() && list(vulnerability, "ids").is_empty() {
            tell("vex-vulnerability", "a vulnerability has no identifier", &at, "cve or ids", 8);
        }
        for id in status_ids(vulnerability, &["known_not_affected"]) {
            if !tree.is_justified(vulnerability, &id) {
                tell("vex-unjustified", "a product is said not to be affected, without a reason", &at, "a flag or an impact statement", 9);
            }
        }
        for id in status_ids(vulnerability, &["known_affected"]) {
            let remedied = list(vulnerability, "remediations").iter().any(|r| {
                let groups: Vec<String> = list(r, "group_ids").iter().filter_map(Value::as_str).map(str::to_owned).collect();
                list(r, "product_ids").iter().any(|p| p.as_str() == Some(&id)) || tree.members(&groups).contains(&id)
            });
            if !remedied {
                tell("vex-no-action", "a product is said to be affected, and not what to do", &at, "a remediation", 10);
            }
        }
    }
}
