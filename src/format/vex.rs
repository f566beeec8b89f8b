//! A maker's statements about vulnerabilities (VEX), in three forms: the VEX profile of CSAF 2.0,
//! OpenVEX 0.2, and the `vulnerabilities` of CycloneDX. All become one list of [`Statement`]s.

use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::document::{Source, push_token};
use crate::format::csaf::ProductTree;
use crate::format::sbom::PackageUrl;
use crate::verdict::Finding;

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The vulnerability does not concern the product.
    NotAffected,
    /// It does.
    Affected,
    /// It did, and is mended.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
}

/// One statement about one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Ids of the vulnerability.
    pub names: Vec<String>,
    /// Package URLs, CPE names, references and names of what it is about; nothing: the whole product.
    pub products: Vec<String>,
    /// What is said.
    pub status: Status,
    /// A reason is given.
    pub justified: bool,
    /// When it was said, in seconds since 1970.
    pub timestamp: i64,
    /// Where it stands, a JSON Pointer.
    pub pointer: String,
}

impl Statement {
    /// Whether it is about a vulnerability of one of these names.
    pub fn is_about(&self, names: &[&str]) -> bool {
        self.names.iter().any(|own| names.iter().any(|n| n.eq_ignore_ascii_case(own)))
    }

    /// Whether it covers a part, by the part's package URL or reference, or as the whole product.
    pub fn covers(&self, purl: &str, reference: &str, product: &[String]) -> bool {
        let same = |stated: &str, own: &str| !own.is_empty() && (stated == own || same_package(stated, own));
        self.products.is_empty()
            || self.products.iter().any(|stated| {
                let local = stated.starts_with("urn:cdx:").then(|| stated.rsplit_once('#').map(|(_, r)| r)).flatten().unwrap_or(stated);
                same(stated, purl)
                    || (!reference.is_empty() && local == reference)
                    || product.iter().any(|own| same(stated, own) || own == local)
            })
    }
}

/// A package URL without a version means every version.
fn same_package(stated: &str, own: &str) -> bool {
    match (PackageUrl::read(stated), PackageUrl::read(own)) {
        (Ok(a), Ok(b)) => {
            a.kind == b.kind && a.namespace == b.namespace && a.name == b.name && (a.version.is_none() || a.version == b.version)
        }
        _ => false,
    }
}

/// Reads the statements of a document, in whichever form, with what is wrong with them.
pub fn read(source: &Source) -> (Vec<Statement>, Vec<Finding>) {
    let value = source.value();
    let mut reader = Reader { statements: Vec::new(), findings: Vec::new() };
    if value.pointer("/document/csaf_version").is_some() {
        reader.csaf(value);
    } else if value.get("bomFormat").is_some() {
        reader.cyclonedx(value);
    } else if value.get("@context").and_then(Value::as_str).is_some_and(|c| c.starts_with("https://openvex.dev/ns"))
        || value.get("statements").is_some()
    {
        reader.openvex(value);
    } else {
        reader.findings.push(
            Finding::error("not-vex", "the document is in none of the forms of statements about vulnerabilities")
                .expected("CSAF, OpenVEX or CycloneDX"),
        );
    }
    for finding in reader.findings.iter_mut().filter(|f| !f.path.is_empty()) {
        finding.position = source.position(&finding.path);
    }
    (reader.statements, reader.findings)
}

struct Reader {
    statements: Vec<Statement>,
    findings: Vec<Finding>,
}

const OPENVEX: &str = "OpenVEX 0.2.0";
const CYCLONEDX: &str = "ECMA-424, vulnerabilities";

impl Reader {
    fn error(&mut self, rule: &str, message: &str, at: &str, expected: &str, clause: &str) {
        self.findings.push(Finding::error(rule, message).at(at).expected(expected).clause(clause));
    }

    fn openvex(&mut self, document: &Value) {
        for (key, expected) in [
            ("@context", "https://openvex.dev/ns/v0.2.0"),
            ("@id", "an IRI"),
            ("author", "who says it"),
            ("timestamp", "a date and time of RFC 3339"),
        ] {
            if text(document, key).is_none_or(|t| t.trim().is_empty()) {
                self.error("vex-member", &format!("the document has no {key}"), "", expected, OPENVEX);
            }
        }
        if document.get("version").and_then(Value::as_u64).is_none_or(|n| n == 0) {
            self.error("vex-member", "the document has no version of its own", "/version", "a whole number from 1", OPENVEX);
        }
        let stamp = text(document, "timestamp");
        if let Some(stamp) = stamp.filter(|t| moment(t).is_none()) {
            self.findings.push(
                Finding::error("vex-timestamp", "a moment is not a date and time")
                    .at("/timestamp")
                    .expected("RFC 3339")
                    .observed(stamp)
                    .clause(OPENVEX),
            );
        }
        let statements = list(document, "statements");
        if statements.is_empty() {
            self.error("vex-empty", "the document says nothing about any vulnerability", "", "statements", OPENVEX);
        }
        for (i, statement) in statements.iter().enumerate() {
            let pointer = format!("/statements/{i}");
            let mut names = Vec::new();
            match statement.get("vulnerability") {
                Some(Value::String(name)) => names.push(name.clone()),
                Some(vulnerability @ Value::Object(_)) => {
                    names.extend(["name", "@id"].iter().filter_map(|k| text(vulnerability, k)).map(str::to_owned));
                    names.extend(strings(vulnerability, "aliases"));
                }
                None | Some(_) => {}
            }
            if names.is_empty() {
                self.error(
                    "vex-vulnerability",
                    "a statement does not say which vulnerability it is about",
                    &pointer,
                    "vulnerability.name",
                    OPENVEX,
                );
            }
            let mut products = Vec::new();
            for product in list(statement, "products") {
                let inner = list(product, "subcomponents");
                if inner.is_empty() {
                    openvex_names(product, &mut products);
                }
                inner.iter().for_each(|p| openvex_names(p, &mut products));
            }
            if products.is_empty() {
                self.error("vex-product", "a statement does not say which product it is about", &pointer, "products", OPENVEX);
                continue;
            }
            let status = match text(statement, "status") {
                Some("not_affected") => Status::NotAffected,
                Some("affected") => Status::Affected,
                Some("fixed") => Status::Fixed,
                Some("under_investigation") => Status::UnderInvestigation,
                other => {
                    let finding = Finding::error("vex-status", "a statement has no known status")
                        .at(pointer.clone())
                        .expected("not_affected, affected, fixed or under_investigation");
                    self.findings.push(finding.observed(other.unwrap_or_default()).clause(OPENVEX));
                    continue;
                }
            };
            let said = |key: &str| text(statement, key).is_some_and(|t| !t.trim().is_empty());
            let justification = text(statement, "justification");
            if let Some(other) = justification.filter(|j| !JUSTIFICATIONS.contains(j)) {
                self.findings.push(
                    Finding::error("vex-justification", "a reason is not one of the known ones")
                        .at(format!("{pointer}/justification"))
                        .expected(JUSTIFICATIONS.join(", "))
                        .observed(other)
                        .clause(OPENVEX),
                );
            }
            let justified = justification.is_some_and(|j| JUSTIFICATIONS.contains(&j)) || said("impact_statement");
            if status == Status::NotAffected && !justified && justification.is_none() {
                self.error(
                    "vex-unjustified",
                    "a product is said not to be affected, without a reason",
                    &pointer,
                    "justification or impact_statement",
                    OPENVEX,
                );
            }
            if status == Status::Affected && !said("action_statement") {
                self.error("vex-no-action", "a product is said to be affected, and not what to do", &pointer, "action_statement", OPENVEX);
            }
            let timestamp = text(statement, "timestamp").or(stamp).and_then(moment).unwrap_or_default();
            self.statements.push(Statement { names, products, status, justified, timestamp, pointer });
        }
    }

    fn cyclonedx(&mut self, bom: &Value) {
        let purls: Vec<(String, String)> = components(bom);
        for (i, vulnerability) in list(bom, "vulnerabilities").iter().enumerate() {
            let pointer = format!("/vulnerabilities/{i}");
            let mut names: Vec<String> = text(vulnerability, "id").map(str::to_owned).into_iter().collect();
            names.extend(list(vulnerability, "references").iter().filter_map(|r| text(r, "id")).map(str::to_owned));
            if names.is_empty() {
                self.error("vex-vulnerability", "a statement does not say which vulnerability it is about", &pointer, "id", CYCLONEDX);
            }
            let Some(analysis) = vulnerability.get("analysis") else { continue };
            let status = match text(analysis, "state") {
                Some("resolved" | "resolved_with_pedigree") => Status::Fixed,
                Some("exploitable") => Status::Affected,
                Some("in_triage") => Status::UnderInvestigation,
                Some("false_positive" | "not_affected") => Status::NotAffected,
                other => {
                    if let Some(other) = other {
                        let finding = Finding::error("vex-status", "a statement has no known status")
                            .at(format!("{pointer}/analysis"))
                            .expected("a state of the standard");
                        self.findings.push(finding.observed(other).clause(CYCLONEDX));
                    }
                    continue;
                }
            };
            let justified = ["justification", "detail"].iter().any(|k| text(analysis, k).is_some_and(|t| !t.trim().is_empty()))
                || text(analysis, "state") == Some("false_positive");
            if status == Status::NotAffected && !justified {
                self.error(
                    "vex-unjustified",
                    "a product is said not to be affected, without a reason",
                    &format!("{pointer}/analysis"),
                    "justification",
                    CYCLONEDX,
                );
            }
            let mut products = Vec::new();
            for affected in list(vulnerability, "affects") {
                let Some(reference) = text(affected, "ref") else { continue };
                let local =
                    reference.starts_with("urn:cdx:").then(|| reference.rsplit_once('#').map(|(_, r)| r)).flatten().unwrap_or(reference);
                products.push(local.to_owned());
                products.extend(purls.iter().filter(|(r, _)| r == local).map(|(_, p)| p.clone()));
            }
            let timestamp = text(analysis, "lastUpdated")
                .or_else(|| text(vulnerability, "updated"))
                .or_else(|| bom.pointer("/metadata/timestamp").and_then(Value::as_str));
            self.statements.push(Statement {
                names,
                products,
                status,
                justified,
                timestamp: timestamp.and_then(moment).unwrap_or_default(),
                pointer,
            });
        }
    }

    /// The structure of a CSAF document is judged by [`crate::format::csaf::judge`]; only what is said is read here.
    fn csaf(&mut self, document: &Value) {
        let tree = ProductTree::read(document);
        let timestamp =
            document.pointer("/document/tracking/current_release_date").and_then(Value::as_str).and_then(moment).unwrap_or_default();
        for (i, vulnerability) in list(document, "vulnerabilities").iter().enumerate() {
            let mut names: Vec<String> = text(vulnerability, "cve").map(str::to_owned).into_iter().collect();
            names.extend(list(vulnerability, "ids").iter().filter_map(|id| text(id, "text")).map(str::to_owned));
            let Some(statuses) = vulnerability.get("product_status").and_then(Value::as_object) else { continue };
            for (key, products) in statuses {
                let status = match key.as_str() {
                    "fixed" | "first_fixed" => Status::Fixed,
                    "known_affected" | "first_affected" | "last_affected" => Status::Affected,
                    "known_not_affected" => Status::NotAffected,
                    "under_investigation" => Status::UnderInvestigation,
                    _ => continue,
                };
                for id in products.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let mut pointer = format!("/vulnerabilities/{i}/product_status");
                    push_token(&mut pointer, key);
                    self.statements.push(Statement {
                        names: names.clone(),
                        products: tree.names(id),
                        status,
                        justified: tree.is_justified(vulnerability, id),
                        timestamp,
                        pointer,
                    });
                }
            }
        }
    }
}

/// The reasons of OpenVEX, which are the flags of CSAF too.
pub const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

fn openvex_names(product: &Value, names: &mut Vec<String>) {
    match product {
        Value::String(name) => names.push(name.clone()),
        Value::Object(_) => {
            names.extend(text(product, "@id").map(str::to_owned));
            names.extend(
                product
                    .get("identifiers")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .filter_map(|(_, v)| v.as_str())
                    .map(str::to_owned),
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
}

/// References and package URLs of all components of a CycloneDX document.
fn components(bom: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut stack: Vec<&Value> = list(bom, "components").iter().chain(bom.pointer("/metadata/component")).collect();
    while let Some(component) = stack.pop() {
        if let (Some(reference), Some(purl)) = (text(component, "bom-ref"), text(component, "purl")) {
            found.push((reference.to_owned(), purl.to_owned()));
        }
        stack.extend(list(component, "components"));
    }
    found
}

fn moment(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The order of two statements in time, for callers that sort them.
pub fn by_time(a: &Statement, b: &Statement) -> Ordering {
    a.timestamp.cmp(&b.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(document: &Value) -> Vec<String> {
        read(&Source::json("v", document.to_string().as_bytes()).unwrap()).1.into_iter().map(|f| f.rule).collect()
    }

    fn openvex() -> Value {
        json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex/1", "author": "Example", "timestamp": "2026-11-01T00:00:00Z", "version": 1,
            "statements": [
                {"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:generic/hub@2", "subcomponents": [{"@id": "pkg:cargo/x@1.0.0"}]}], "status": "not_affected", "justification": "component_not_present"},
                {"vulnerability": {"name": "CVE-2026-0002"}, "products": [{"identifiers": {"purl": "pkg:generic/hub@2"}}], "status": "affected", "action_statement": "Update to 2.1"}
            ]
        })
    }

    #[test]
    fn openvex_is_read_and_each_fault_has_its_rule() {
        assert_eq!(rules(&openvex()), Vec::<String>::new());
        let (statements, _) = read(&Source::json("v", openvex().to_string().as_bytes()).unwrap());
        assert!(statements[0].covers("pkg:cargo/x@1.0.0", "", &[]) && !statements[0].covers("pkg:cargo/x@1.0.1", "", &[]));
        assert!(statements[1].covers("pkg:cargo/y@1", "", &["pkg:generic/hub@2".into()]));
        let cases: [(&str, Value, &str); 9] = [
            ("/author", json!(""), "vex-member"),
            ("/version", json!(0), "vex-member"),
            ("/timestamp", json!("yesterday"), "vex-timestamp"),
            ("/statements", json!([]), "vex-empty"),
            ("/statements/0/justification", json!("we think so"), "vex-justification"),
            ("/statements/0/justification", json!(null), "vex-unjustified"),
            ("/statements/0/status", json!("safe"), "vex-status"),
            ("/statements/1/action_statement", json!(""), "vex-no-action"),
            ("/statements/1/products", json!([]), "vex-product"),
        ];
        for (pointer, value, rule) in cases {
            let mut broken = openvex();
            *broken.pointer_mut(pointer).unwrap() = value;
            assert_eq!(rules(&broken), [rule], "{pointer}");
        }
        assert_eq!(rules(&json!({"a": 1})), ["not-vex"]);
    }

    #[test]
    fn cyclonedx_is_read() {
        let bom = json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"timestamp": "2026-11-01T00:00:00Z"},
            "components": [{"bom-ref": "r1", "purl": "pkg:cargo/x@1.0.0"}],
            "vulnerabilities": [
                {"id": "CVE-2026-0001", "analysis": {"state": "not_affected", "justification": "code_not_reachable"}, "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#r1"}]},
                {"id": "CVE-2026-0002", "analysis": {"state": "not_affected"}, "affects": [{"ref": "r1"}]},
                {"id": "CVE-2026-0003"}
            ]
        });
        let (statements, findings) = read(&Source::json("v", bom.to_string().as_bytes()).unwrap());
        assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["vex-unjustified"]);
        assert_eq!(statements.len(), 2);
        assert!(statements[0].covers("pkg:cargo/x@1.0.0", "", &[]) && statements[0].justified && !statements[1].justified);
    }
}
