//! What an answer of a FHIR service holds: a resource, a Bundle, an OperationOutcome.

use serde_json::Value;

use super::super::answer::Answer;
use super::told;
use crate::document::Source;
use crate::verdict::Finding;

const MEDIA_TYPES: &str = "HL7 FHIR R4, RESTful API, content types (http.html#mime-type)";

/// The body as JSON under FHIR's media type, or what is wrong with it.
pub(in crate::check) fn body(answer: &Answer) -> Result<Value, Finding> {
    let media_type = answer.media_type();
    if media_type != super::FHIR_JSON {
        let seen = answer.header("content-type").unwrap_or("none");
        let finding = Finding::error("fhir-media-type", "the media type is not that of FHIR in JSON");
        return Err(told(answer, finding).expected(super::FHIR_JSON).observed(seen).clause(MEDIA_TYPES));
    }
    let Some(text) = answer.text.as_deref() else {
        return Err(told(answer, Finding::error("fhir-utf-8", "the answer is not UTF-8"))
            .expected("JSON in UTF-8")
            .clause("RFC 8259, section 8.1"));
    };
    Source::json(answer.question(), text.as_bytes()).map(|source| source.value().clone()).map_err(|error| {
        told(answer, Finding::error("fhir-json", format!("the answer is not JSON: {}", error.message)))
            .position(Some(error.position))
            .clause("RFC 8259")
    })
}

/// The resource of this type, or what came instead.
pub(in crate::check) fn resource(answer: &Answer, of: &str) -> Result<Value, Finding> {
    let value = body(answer)?;
    let came = value.get("resourceType").and_then(Value::as_str).unwrap_or("no resourceType");
    if came == of {
        return Ok(value);
    }
    let finding = Finding::error("fhir-resource-type", "another kind of resource came than the one that was asked for");
    Err(told(answer, finding).expected(of.to_owned()).observed(came).clause("HL7 FHIR R4, RESTful API (http.html)"))
}

/// The entries of a Bundle.
pub(in crate::check) fn entries(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle.get("entry").and_then(Value::as_array).into_iter().flatten()
}

/// The resources of a search that matched; those that were included beside them, and what is told about
/// the search, are left out.
pub(in crate::check) fn matches(bundle: &Value) -> Vec<&Value> {
    let matched = |entry: &&Value| {
        let mode = entry.pointer("/search/mode").and_then(Value::as_str);
        let kind = entry.pointer("/resource/resourceType").and_then(Value::as_str);
        mode.map_or(kind != Some("OperationOutcome"), |mode| mode == "match")
    };
    entries(bundle).filter(matched).filter_map(|entry| entry.get("resource")).collect()
}

/// The address of a Bundle's link.
pub(in crate::check) fn link<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    let links = bundle.get("link").and_then(Value::as_array).into_iter().flatten();
    links.filter(|l| l.get("relation").and_then(Value::as_str) == Some(relation)).find_map(|l| l.get("url").and_then(Value::as_str))
}

/// Whether a resource is about the person: by what it says itself; nothing where it says nothing.
pub(in crate::check) fn is_about(resource: &Value, person: &str) -> Option<bool> {
    let of = resource.get("resourceType").and_then(Value::as_str)?;
    if person.split('/').next() == Some(of) {
        return resource.get("id").and_then(Value::as_str).map(|id| person.split('/').nth(1) == Some(id));
    }
    let kind = person.split('/').next()?;
    let named: Vec<&str> = ["subject", "patient", "beneficiary", "for"]
        .iter()
        .filter_map(|key| resource.get(*key)?.get("reference")?.as_str())
        .filter(|reference| reference.split('/').any(|part| part == kind))
        .collect();
    // A version behind the id does not change whom it means.
    let means = |reference: &&str| {
        let bare = reference.split("/_history/").next().unwrap_or(reference);
        bare == person || bare.ends_with(&format!("/{person}"))
    };
    (!named.is_empty()).then(|| named.iter().any(means))
}

/// What keeps an answer from being an OperationOutcome with an issue.
pub(in crate::check) fn outcome_fault(answer: &Answer) -> Option<Finding> {
    const CLAUSE: &str = "HL7 FHIR R4, OperationOutcome (operationoutcome.html)";
    let value = match resource(answer, "OperationOutcome") {
        Ok(value) => value,
        Err(finding) => {
            return Some(Finding {
                message: format!("an error is no OperationOutcome: {}", finding.message),
                rule: "fhir-outcome".into(),
                ..finding
            });
        }
    };
    let issues: Vec<&Value> = value.get("issue").and_then(Value::as_array).into_iter().flatten().collect();
    let fault = |message: &str, expected: &str| told(answer, Finding::error("fhir-outcome", message)).expected(expected).clause(CLAUSE);
    if issues.is_empty() {
        return Some(fault("the OperationOutcome has no issue", "at least one issue"));
    }
    let is = |issue: &&Value, key: &str| issue.get(key).is_some_and(|v| v.as_str().is_some_and(|t| !t.is_empty()));
    let bare = issues.iter().any(|issue| !is(issue, "severity") || !is(issue, "code"));
    bare.then(|| fault("an issue of the OperationOutcome lacks its severity or code", "severity and code of each issue"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::answer::tests::answer;
    use super::*;

    #[test]
    fn whom_a_resource_is_about_is_read_from_it() {
        let person = "Patient/p-1";
        for (resource, about) in [
            (json!({"resourceType": "Patient", "id": "p-1"}), Some(true)),
            (json!({"resourceType": "Patient", "id": "p-2"}), Some(false)),
            (json!({"resourceType": "Observation", "subject": {"reference": "https://a.example/fhir/Patient/p-1/_history/2"}}), Some(true)),
            (json!({"resourceType": "Observation", "subject": {"reference": "Patient/p-11"}}), Some(false)),
            (json!({"resourceType": "Observation", "subject": {"reference": "Group/g"}}), None),
            (json!({"resourceType": "Device", "patient": {"reference": "Patient/p-1"}}), Some(true)),
            (json!({"resourceType": "Device"}), None),
        ] {
            assert_eq!(is_about(&resource, person), about, "{resource}");
        }
    }

    #[test]
    fn outcomes_need_an_issue_with_severity_and_code() {
        let judged = |status, kind: &str, body: &str| outcome_fault(&answer(status, &[("Content-Type", kind)], body));
        let fhir = "application/fhir+json; charset=utf-8";
        assert!(judged(404, fhir, r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#).is_none());
        for (kind, body) in [
            (fhir, r#"{"resourceType":"OperationOutcome"}"#),
            (fhir, r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}"#),
            (fhir, r#"{"error":"not found"}"#),
            ("text/html", "<h1>Not found</h1>"),
        ] {
            assert_eq!(judged(404, kind, body).unwrap().rule, "fhir-outcome");
        }
    }

    #[test]
    fn matches_leave_out_what_was_included() {
        let bundle = json!({"entry": [{"search": {"mode": "match"}, "resource": {"id": "1"}}, {"search": {"mode": "include"}, "resource": {"id": "2"}},
            {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome"}}, {"resource": {"id": "3"}}]});
        assert_eq!(matches(&bundle).len(), 2);
    }
}
