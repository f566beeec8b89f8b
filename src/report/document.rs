//! What was found in files that were judged without a target, for `probity check`.

use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::format::FileReport;
use crate::verdict::{Finding, Outcome, Severity, Untrusted};

/// A form in which findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// One line for each finding, as compilers write them.
    Text,
    /// The reports as they are.
    Json,
    /// SARIF 2.1.0, for editors and code scanning.
    Sarif,
    /// A FHIR OperationOutcome.
    OperationOutcome,
}

impl DocumentFormat {
    /// All of them, in the order that listings use.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Sarif, Self::OperationOutcome];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::OperationOutcome => "operation-outcome",
        }
    }
}

impl FromStr for DocumentFormat {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|f| f.as_str() == name)
            .ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// Writes what was found in files.
pub fn render_documents(format: DocumentFormat, files: &[FileReport]) -> String {
    match format {
        DocumentFormat::Text => text(files),
        DocumentFormat::Json => pretty(&json!({ "files": files.iter().map(file).collect::<Vec<_>>() })),
        DocumentFormat::Sarif => pretty(&sarif(files)),
        DocumentFormat::OperationOutcome => {
            let all: Vec<Finding> = files.iter().flat_map(|f| f.findings.iter().cloned()).collect();
            pretty(&crate::format::fhir::operation_outcome(&all))
        }
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn file(report: &FileReport) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("outcome".into(), report.outcome().as_str().into());
    }
    value
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Open => "open",
        Severity::Warning => "warning",
    }
}

fn text(files: &[FileReport]) -> String {
    let mut out = String::new();
    for report in files {
        let name = Untrusted::new(&report.name);
        for finding in &report.findings {
            let place = finding.position.map(|p| format!(":{p}")).unwrap_or_default();
            let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", Untrusted::new(&finding.path)) };
            let _ = writeln!(out, "{name}{place}: {}: {path}{} [{}]", word(finding.severity), finding.message, finding.rule);
            if !finding.expected.is_empty() {
                let _ = writeln!(out, "    expected: {}", finding.expected);
            }
            if let Some(observed) = &finding.observed {
                let _ = writeln!(out, "    got:      {observed}");
            }
            if !finding.clause.is_empty() {
                let _ = writeln!(out, "    clause:   {}", finding.clause);
            }
        }
        let hidden = (report.errors + report.open + report.warnings).saturating_sub(report.findings.len() as u64);
        if hidden > 0 {
            let _ = writeln!(out, "{name}: {hidden} further findings are not shown");
        }
        let kind = report.format.map_or("format unknown", |f| f.as_str());
        let verdict = match report.outcome() {
            Outcome::Passed => "no fault found",
            Outcome::Failed => "faulty",
            Outcome::CantTell => "cannot be told",
            Outcome::Inapplicable | Outcome::Untested => "nothing was judged",
        };
        let (documents, errors, open, warnings) = (report.documents, report.errors, report.open, report.warnings);
        let plural = if documents == 1 { "" } else { "s" };
        let _ =
            writeln!(out, "{name}: {verdict} ({kind}, {documents} document{plural}; {errors} errors, {open} open, {warnings} warnings)");
    }
    out
}

fn sarif(files: &[FileReport]) -> Value {
    let mut rules: Vec<&str> = files.iter().flat_map(|f| f.findings.iter().map(|f| f.rule.as_str())).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<Value> = files
        .iter()
        .flat_map(|report| report.findings.iter().map(move |finding| (report, finding)))
        .map(|(report, finding)| {
            let (kind, level) = match finding.severity {
                Severity::Error => ("fail", "error"),
                Severity::Open => ("review", "none"),
                Severity::Warning => ("fail", "warning"),
            };
            let mut location = json!({ "artifactLocation": { "uri": uri(&report.name) } });
            if let (Some(position), Some(map)) = (finding.position, location.as_object_mut()) {
                map.insert("region".into(), json!({ "startLine": position.line, "startColumn": position.column }));
            }
            let mut text = Untrusted::new(&finding.message).to_string();
            if !finding.expected.is_empty() {
                let _ = write!(text, "; expected {}", Untrusted::new(&finding.expected));
            }
            if let Some(observed) = &finding.observed {
                let _ = write!(text, "; got {observed}");
            }
            let mut place = json!({ "physicalLocation": location });
            if let (false, Some(map)) = (finding.path.is_empty(), place.as_object_mut()) {
                map.insert("logicalLocations".into(), json!([{ "fullyQualifiedName": Untrusted::new(&finding.path) }]));
            }
            json!({
                "ruleId": finding.rule, "kind": kind, "level": level, "message": { "text": text }, "locations": [place],
            })
        })
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"), "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Position;
    use crate::format::Format;

    fn report() -> FileReport {
        let finding = Finding::error("cardinality", "too few\u{1b}[2J")
            .at("/a")
            .position(Some(Position { line: 3, column: 7 }))
            .expected("one")
            .observed("<none>\u{202e}");
        FileReport {
            name: "a b.json".into(),
            format: Some(Format::Json),
            documents: 1,
            bytes: 9,
            errors: 1,
            findings: vec![finding],
            ..FileReport::default()
        }
    }

    #[test]
    fn text_names_file_line_column_rule_and_both_sides() {
        let text = render_documents(DocumentFormat::Text, &[report()]);
        assert!(text.starts_with("a b.json:3:7: error: /a: too few"), "{text}");
        assert!(text.contains("expected: one") && text.contains("got:      <none>\\u{202e}"), "{text}");
        assert!(text.ends_with("a b.json: faulty (json, 1 document; 1 errors, 0 open, 0 warnings)\n"), "{text}");
    }

    #[test]
    fn sarif_and_json_are_json_with_place_and_outcome() {
        let sarif: Value = serde_json::from_str(&render_documents(DocumentFormat::Sarif, &[report()])).unwrap();
        let result = &sarif["runs"][0]["results"][0];
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.json");
        assert_eq!((result["kind"].as_str(), result["level"].as_str()), (Some("fail"), Some("error")));
        let json: Value = serde_json::from_str(&render_documents(DocumentFormat::Json, &[report()])).unwrap();
        assert_eq!(json["files"][0]["outcome"], "failed");
    }
}
