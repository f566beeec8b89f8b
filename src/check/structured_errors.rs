//! Errors that a program can read and that tell a stranger nothing.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, Answers};
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::header::stack_trace;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Finding, Grade, Verdict};

/// The path that nobody serves. Always the same, so that a run can be repeated.
const NOWHERE: &str = "probity-8f2c61-no-such-path";

/// Asks for a path that does not exist, and for paths with an id that cannot be, as any mistyped link
/// would. The answer must be an error of the client's kind (4xx), in the structure of RFC 9457 or as a
/// FHIR OperationOutcome, and show nothing of the program inside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StructuredErrors {
    /// Further paths that must give an error, such as one with an id that cannot be; `{name}` stands
    /// for a fixture of the target file.
    #[serde(default)]
    malformed: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

impl Kind for StructuredErrors {
    const NAME: &'static str = "structured-errors";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let mut templates = vec![NOWHERE.to_owned()];
        templates.extend(self.malformed.iter().cloned());
        probes
            .ask_each(&templates, |url| {
                let request = Request::get(url, "see how an error is reported").header("Accept", "application/problem+json, application/fhir+json, application/json");
                match self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                    Some(name) => request.credential(name),
                    None => request,
                }
            })
            .await
    }

    fn judge(&self, seen: &Answers, facts: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let host = facts.endpoint().and_then(|e| e.url.host_str()).unwrap_or_default();
        let mut findings = Vec::new();
        for answer in &seen.answers {
            if let Some(verdict) = answer.tells_nothing(&[]) {
                return verdict;
            }
            if let Some(verdict) = answer.unreadable() {
                return verdict;
            }
            findings.extend(faults(answer, host));
        }
        let mut verdict = Verdict::from_findings(&findings, "errors");
        if findings.is_empty() {
            verdict = verdict.with_all(seen.answers.iter().take(5).map(|a| a.status_evidence("an error of the client's kind, in a known structure")));
        }
        verdict
    }
}

fn faults(answer: &Answer, host: &str) -> Vec<Finding> {
    let text = answer.text.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    let at = |finding: Finding| finding.at(answer.question());
    if !(400..500).contains(&answer.status) {
        found.push(at(Finding::error("client-error", format!("a question that cannot be answered gives status {}", answer.status)).expected("a status 4xx").observed(&answer.status.to_string()).clause("RFC 9110, section 15.5")));
    }
    found.extend(stack_trace::judge(answer.status, text, host).into_iter().map(at));
    if (400..500).contains(&answer.status) {
        found.extend(structure(answer, text).map(|f| if f.path.is_empty() { at(f) } else { f }));
    }
    found
}

/// What is wrong with the structure of an error.
fn structure(answer: &Answer, text: &str) -> Option<Finding> {
    let media_type = answer.media_type();
    let wanted = "application/problem+json (RFC 9457) or a FHIR OperationOutcome";
    if media_type == "application/problem+xml" {
        return None;
    }
    if !answer.is_json() {
        let seen = answer.header("content-type").unwrap_or("no media type");
        return Some(Finding::error("structure", "the error is not in a structure that a program can read").expected(wanted).observed(seen).clause("RFC 9457, section 3"));
    }
    let source = match Source::json(answer.question(), text.as_bytes()) {
        Ok(source) => source,
        Err(error) => return Some(Finding::error("json", format!("the error is not JSON: {}", error.message)).position(Some(error.position)).clause("RFC 8259")),
    };
    let value = source.value();
    if value.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome") {
        let issues = value.get("issue").and_then(Value::as_array).is_some_and(|i| !i.is_empty());
        return (!issues).then(|| Finding::error("issue", "the OperationOutcome has no issue").expected("at least one issue").clause("HL7 FHIR R4, OperationOutcome"));
    }
    if media_type != "application/problem+json" {
        return Some(Finding::error("structure", "the error is JSON of a structure of its own").expected(wanted).observed(&media_type).clause("RFC 9457, section 3"));
    }
    let fault = |member: &str, expected: &str| {
        Some(
            Finding::error("member", format!("the member `{member}` of the problem is wrong"))
                .expected(expected.to_owned())
                .observed(&value.get(member).map(Value::to_string).unwrap_or_default())
                .position(source.position(&format!("/{member}")))
                .clause("RFC 9457, section 3.1"),
        )
    };
    if !value.is_object() {
        return Some(Finding::error("structure", "the problem is no JSON object").expected("an object").clause("RFC 9457, section 3"));
    }
    for member in ["type", "title", "detail", "instance"] {
        if value.get(member).is_some_and(|v| !v.is_string()) {
            return fault(member, "text");
        }
    }
    match value.get("status") {
        Some(status) if status.as_u64() != Some(u64::from(answer.status)) => fault("status", &format!("the status of the answer, {}", answer.status)),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    const PROBLEM: [(&str, &str); 1] = [("Content-Type", "application/problem+json")];
    const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

    fn judge(seen: Vec<Answer>) -> Verdict {
        let check: StructuredErrors = kind("{malformed: ['x/%20']}");
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn problems_and_operation_outcomes_pass() {
        for seen in [
            answer(404, &PROBLEM, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}"),
            answer(400, &PROBLEM, "{}"),
            answer(404, &[("Content-Type", "application/fhir+json")], "{\"resourceType\":\"OperationOutcome\",\"issue\":[{}]}"),
            answer(404, &[("Content-Type", "application/problem+xml")], "<problem/>"),
            answer(404, &PROBLEM, "{\"title\":\"Not found\",\"detail\":\"We looked at every line 12 in the warning list.\"}"),
        ] {
            let verdict = judge(vec![seen]);
            assert_eq!(verdict.outcome, Outcome::Passed, "{}", verdict.reason);
        }
    }

    #[test]
    fn each_fault_is_named() {
        for (seen, why) in [
            (answer(500, &PROBLEM, "{}"), "status 500"),
            (answer(200, &JSON, "{}"), "status 200"),
            (answer(404, &[("Content-Type", "text/html")], "<h1>"), "structure"),
            (answer(404, &JSON, "{\"error\":\"x\"}"), "structure of its own"),
            (answer(404, &PROBLEM, "{"), "not JSON"),
            (answer(404, &PROBLEM, "[]"), "no JSON object"),
            (answer(404, &PROBLEM, "{\"status\":400}"), "`status`"),
            (answer(404, &PROBLEM, "{\"title\":1}"), "`title`"),
            (answer(404, &PROBLEM, "{\"detail\":\"at com.acme.Door.open(Door.java:12)\"}"), "stack trace of Java"),
            (answer(404, &PROBLEM, "{\"detail\":\"Traceback (most recent call last):\\n  File \\\"/srv/a.py\\\", line 3\"}"), "Python"),
            (answer(404, &PROBLEM, "{\"detail\":\"ORA-00933: SQL command not properly ended\"}"), "database"),
            (answer(404, &PROBLEM, "{\"detail\":\"at next (/srv/app/node_modules/x.js:10:3)\"}"), "Node.js"),
            (answer(404, &[("Content-Type", "application/fhir+json")], "{\"resourceType\":\"OperationOutcome\",\"issue\":[]}"), "no issue"),
        ] {
            let verdict = judge(vec![seen]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn a_busy_server_cannot_be_told() {
        assert_eq!(judge(vec![answer(429, &[], "")]).outcome, Outcome::CantTell);
        assert_eq!(judge(vec![]).outcome, Outcome::Untested);
    }
}
