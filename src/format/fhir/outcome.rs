//! Findings as an OperationOutcome, the form in which FHIR tells of faults.

use serde_json::{Value, json};

use crate::verdict::{Finding, Severity};

/// The findings as an OperationOutcome. Without any it says that all is well, because an
/// OperationOutcome has at least one issue.
pub fn operation_outcome(findings: &[Finding]) -> Value {
    let issues: Vec<Value> = findings.iter().map(issue).collect();
    if issues.is_empty() {
        let well = json!({"severity": "information", "code": "informational", "diagnostics": "No fault found"});
        return json!({"resourceType": "OperationOutcome", "issue": [well]});
    }
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

fn issue(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Open => "information",
        Severity::Warning => "warning",
    };
    let mut diagnostics = finding.message.clone();
    if !finding.expected.is_empty() {
        diagnostics.push_str(&format!("; expected {}", finding.expected));
    }
    if let Some(observed) = &finding.observed {
        diagnostics.push_str(&format!("; got {observed}"));
    }
    if !finding.clause.is_empty() {
        diagnostics.push_str(&format!(" ({})", finding.clause));
    }
    if let Some(position) = finding.position {
        diagnostics.push_str(&format!(" at line {}, column {}", position.line, position.column));
    }
    let mut issue = json!({
        "severity": severity,
        "code": code(&finding.rule, finding.severity),
        "details": {"text": finding.rule},
        "diagnostics": diagnostics,
    });
    if let (Some(issue), false) = (issue.as_object_mut(), finding.path.is_empty()) {
        issue.insert("expression".to_owned(), json!([finding.path]));
    }
    issue
}

/// The code of the value set issue-type that fits a rule.
fn code(rule: &str, severity: Severity) -> &'static str {
    match rule {
        _ if severity == Severity::Open => "incomplete",
        "cardinality-min" => "required",
        "primitive-format" | "primitive-kind" | "max-length" | "value-range" | "fixed-value" | "pattern-value" | "ucum" => "value",
        "binding-required" | "binding-extensible" | "code-unknown" | "display" | "coding-system" => "code-invalid",
        "bundle-duplicate" | "duplicate-key" => "duplicate",
        _ if rule.starts_with("extension") => "extension",
        "unknown-element" | "json-array" | "json-null" | "resource-type" | "element-empty" | "narrative-xml" | "cardinality-max" => {
            "structure"
        }
        "reference-target" | "ref-1" | "bundle-document" => "not-found",
        _ => "invariant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_become_issues() {
        let findings = [Finding::error("cardinality-min", "status is missing").at("Observation").expected("status")];
        let outcome = operation_outcome(&findings);
        assert_eq!(outcome["issue"][0]["code"], "required");
        assert_eq!(outcome["issue"][0]["expression"][0], "Observation");
        assert_eq!(operation_outcome(&[])["issue"][0]["severity"], "information");
    }
}
