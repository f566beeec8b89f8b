//! Advisories in CSAF 2.0 (OASIS): the structure that section 3 demands and the mandatory tests of
//! section 6.1, but for 6.1.11 as far as it needs the list of weaknesses.
//!
//! Each test is a rule of its own and named by its clause. Of 6.1.11 (weaknesses) the form of the identifier
//! is tested, not whether its name is that of the list. Scores are tested by their base and temporal
//! equations; environmental ones are not computed.

mod content;
mod cvss;
mod product_tree;
mod provider;
mod tracking;

pub use product_tree::ProductTree;
pub use provider::judge as judge_provider;

use product_tree::list;
use serde_json::Value;
use url::Url;

use crate::document::Source;
use crate::verdict::Finding;

/// The name that a document with this identifier has as a file (section 5.1).
pub fn file_name_of(id: &str) -> String {
    let mut name = String::new();
    for c in id.to_lowercase().chars() {
        let kept = matches!(c, '+' | '-' | 'a'..='z' | '0'..='9');
        if kept {
            name.push(c);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    name + ".json"
}

/// The most findings that are kept of one document.
const MAX_FINDINGS: usize = 200;

/// The profiles of section 4.
const PROFILES: [&str; 5] =
    ["csaf_base", "csaf_security_incident_response", "csaf_informational_advisory", "csaf_security_advisory", "csaf_vex"];

/// Judges a document.
pub fn judge(source: &Source) -> Vec<Finding> {
    let value = source.value();
    let mut findings = Vec::new();
    for duplicate in source.duplicates() {
        findings.push(
            Finding::error("duplicate-key", "an object has the same key twice").at(duplicate.object.clone()).observed(&duplicate.key),
        );
    }
    let Some(document) = value.get("document").filter(|d| d.is_object()) else {
        findings
            .push(Finding::error("not-csaf", "the document is no advisory in CSAF").expected("document").clause("CSAF 2.0, section 3.2.1"));
        return findings;
    };
    judge_document(document, &mut findings);
    tracking::judge(document, &mut findings);
    let tree = ProductTree::read(value);
    content::judge(value, &tree, &mut findings);
    findings.truncate(MAX_FINDINGS);
    for finding in findings.iter_mut().filter(|f| !f.path.is_empty()) {
        finding.position = source.position(&finding.path);
    }
    findings
}

fn judge_document(document: &Value, findings: &mut Vec<Finding>) {
    let text = |key: &str| document.get(key).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    match text("csaf_version") {
        Some("2.0") => {}
        Some("2.1") => findings.push(
            Finding::open("csaf-version", "the document is in CSAF 2.1, which is not known here")
                .at("/document/csaf_version")
                .expected("2.0"),
        ),
        other => findings.push(
            Finding::error("csaf-version", "the document does not say that it is CSAF 2.0")
                .at("/document/csaf_version")
                .expected("2.0")
                .observed(other.unwrap_or_default())
                .clause("CSAF 2.0, section 3.2.1.4"),
        ),
    }
    match text("category") {
        None => findings.push(
            Finding::error("category", "the document does not say of which kind it is")
                .at("/document/category")
                .expected("such as csaf_vex")
                .clause("CSAF 2.0, section 3.2.1.3"),
        ),
        Some(category) => judge_category(category, findings),
    }
    if text("title").is_none() {
        findings.push(Finding::error("title", "the document has no title").at("/document/title").clause("CSAF 2.0, section 3.2.1.11"));
    }
    judge_publisher(document.get("publisher"), "/document/publisher", findings);
    if let Some(label) = document.pointer("/distribution/tlp/label") {
        if !matches!(label.as_str(), Some("AMBER" | "GREEN" | "RED" | "WHITE")) {
            findings.push(
                Finding::error("tlp", "the label is none of the Traffic Light Protocol")
                    .at("/document/distribution/tlp/label")
                    .expected("WHITE, GREEN, AMBER or RED")
                    .observed(label.as_str().unwrap_or_default())
                    .clause("CSAF 2.0, section 3.2.1.5.2"),
            );
        }
    } else {
        findings.push(
            Finding::warning("tlp-missing", "the document does not say who may read it")
                .at("/document")
                .expected("distribution.tlp.label")
                .clause("CSAF 2.0, section 6.2.10"),
        );
    }
    for key in ["lang", "source_lang"] {
        if let Some(tag) = text(key).filter(|t| oxilangtag::LanguageTag::parse(*t).is_err()) {
            findings.push(
                Finding::error("language", "a language is not a language tag")
                    .at(format!("/document/{key}"))
                    .expected("a tag of BCP 47")
                    .observed(tag)
                    .clause("CSAF 2.0, section 6.1.12"),
            );
        }
    }
    let category = document.pointer("/publisher/category").and_then(Value::as_str);
    if category == Some("translator") && text("source_lang").is_none() {
        findings.push(
            Finding::error("translator", "a translation does not name the language of its source")
                .at("/document")
                .expected("source_lang")
                .clause("CSAF 2.0, section 6.1.15"),
        );
    }
    if text("source_lang").is_some() && text("source_lang") == text("lang") {
        findings.push(
            Finding::error("translation", "a translation is in the language of its source")
                .at("/document/source_lang")
                .clause("CSAF 2.0, section 6.1.28"),
        );
    }
}

/// A category of one's own must not look like a profile (6.1.26).
fn judge_category(category: &str, findings: &mut Vec<Finding>) {
    if PROFILES.contains(&category) {
        return;
    }
    let letters = |text: &str| text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect::<String>();
    let own = letters(category);
    let reserved = category.to_ascii_lowercase().starts_with("csaf_")
        || PROFILES.iter().skip(1).any(|p| letters(p.trim_start_matches("csaf_")) == own.trim_start_matches("csaf"));
    if reserved {
        findings.push(
            Finding::error("category-reserved", "the kind of the document looks like a profile and is none")
                .at("/document/category")
                .expected("a profile of section 4, or another word")
                .observed(category)
                .clause("CSAF 2.0, section 6.1.26"),
        );
    }
}

/// The publisher, which advisories and provider metadata share.
fn judge_publisher(publisher: Option<&Value>, pointer: &str, findings: &mut Vec<Finding>) {
    let clause = "CSAF 2.0, section 3.2.1.8";
    let Some(publisher) = publisher.filter(|p| p.is_object()) else {
        findings.push(
            Finding::error("publisher", "the document does not say who publishes it")
                .at(pointer)
                .expected("category, name and namespace")
                .clause(clause),
        );
        return;
    };
    let text = |key: &str| publisher.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut tell = |key: &str, expected: &str| {
        findings.push(
            Finding::error("publisher", format!("the publisher's {key} is missing or not valid"))
                .at(format!("{pointer}/{key}"))
                .expected(expected)
                .observed(text(key))
                .clause(clause),
        );
    };
    if !matches!(text("category"), "coordinator" | "discoverer" | "other" | "translator" | "user" | "vendor") {
        tell("category", "vendor, coordinator, discoverer, translator, user or other");
    }
    if text("name").trim().is_empty() {
        tell("name", "a name");
    }
    if Url::parse(text("namespace")).is_err() {
        tell("namespace", "an absolute URI");
    }
}

#[cfg(test)]
mod tests;
