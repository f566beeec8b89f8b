//! What a FHIR service says it can do: its CapabilityStatement.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answers, StatusPattern};
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::fhir::capability::{self, CapabilityDemands, ResourceDemand};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Verdict};

/// Fetches the CapabilityStatement of a FHIR service and judges what it claims: version, formats,
/// roles, and what it does with each type of resource. Whether it does what it claims is for others.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirCapability {
    /// What is judged, in a few words for people.
    asks: String,
    /// The path below the service's address. `metadata`, where none is named.
    #[serde(default = "metadata")]
    path: String,
    /// FHIR versions, one of which it has; `4.0` stands for `4.0.1` too.
    #[serde(default)]
    fhir_versions: Vec<String>,
    /// Formats that it has all; `json` stands for `application/fhir+json`.
    #[serde(default)]
    formats: Vec<String>,
    /// Canonical addresses of roles, one of which it instantiates.
    #[serde(default)]
    instantiates: Vec<String>,
    /// Canonical addresses of implementation guides that it names all.
    #[serde(default)]
    implementation_guides: Vec<String>,
    /// Types of resources with the interactions and search parameters that it claims for each.
    #[serde(default)]
    resources: Vec<ResourceDemand>,
}

fn metadata() -> String {
    "metadata".to_owned()
}

/// The one JSON document that was asked for, or why there is none to judge.
pub(super) fn json_answer(seen: &Answers, asks: &str, clause: &str) -> Result<Source, Box<Verdict>> {
    if let Some(verdict) = seen.unasked() {
        return Err(Box::new(verdict));
    }
    let Some(answer) = seen.answers.first() else {
        return Err(Box::new(Verdict::untested(Cause::Missing, "there was nothing to ask for")));
    };
    if let Some(verdict) = answer.tells_nothing(&[StatusPattern::SUCCESS]) {
        return Err(Box::new(verdict));
    }
    if !(200..300).contains(&answer.status) {
        let failed = Verdict::failed(format!("{asks}: it is not there, status {}", answer.status));
        return Err(Box::new(failed.with(answer.status_evidence("status 200").clause(clause))));
    }
    if let Some(verdict) = answer.unfinished() {
        return Err(Box::new(verdict));
    }
    if !answer.is_json() {
        let evidence = Evidence::expected("a media type of JSON")
            .observed(answer.header("content-type").unwrap_or("none"))
            .at(answer.header_place("Content-Type"))
            .clause(clause);
        return Err(Box::new(Verdict::failed(format!("{asks}: the media type is not JSON")).with(evidence)));
    }
    let fault = |finding: Finding| Box::new(Verdict::from_findings(&[finding], asks));
    let Some(text) = answer.text.as_deref() else {
        return Err(fault(
            Finding::error("utf-8", "it is not UTF-8").at(answer.question()).expected("JSON in UTF-8").clause("RFC 8259, section 8.1"),
        ));
    };
    Source::json(answer.question(), text.as_bytes()).map_err(|error| {
        fault(Finding::error("json", format!("it is not JSON: {}", error.message)).position(Some(error.position)).clause("RFC 8259"))
    })
}

impl Kind for FhirCapability {
    const NAME: &'static str = "fhir-capability";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        // Metadata are public: a client reads them before it can have a credential.
        let ask = |url| Request::get(url, self.asks.clone()).header("Accept", "application/fhir+json").gzip();
        probes.ask_each(std::slice::from_ref(&self.path), ask).await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        let source = match json_answer(seen, &self.asks, "http://hl7.org/fhir/R4/http.html#capabilities") {
            Ok(source) => source,
            Err(verdict) => return *verdict,
        };
        let demands = CapabilityDemands {
            fhir_versions: self.fhir_versions.clone(),
            formats: self.formats.clone(),
            instantiates: self.instantiates.clone(),
            implementation_guides: self.implementation_guides.clone(),
            resources: self.resources.clone(),
        };
        Verdict::from_findings(&capability::judge(source.value(), &demands, None), &self.asks)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    const CHECK: &str = "{asks: the metadata, fhir-versions: ['4.0'], formats: [json], resources: [{type: Observation, interactions: [read], search-parameters: [patient]}]}";
    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json; charset=utf-8")];
    const SOUND: &str = r#"{"resourceType":"CapabilityStatement","kind":"instance","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server",
        "resource":[{"type":"Observation","interaction":[{"code":"read"},{"code":"search-type"}],"searchParam":[{"name":"patient"}]}]}]}"#;

    fn judge(seen: Vec<Answer>) -> Verdict {
        let check: FhirCapability = kind(CHECK);
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn sound_metadata_pass_and_others_fail_for_their_reason() {
        assert_eq!(judge(vec![answer(200, &FHIR, SOUND)]).outcome, Outcome::Passed);
        for (seen, why) in [
            (answer(200, &FHIR, &SOUND.replace("4.0.1", "5.0.0")), "another FHIR version"),
            (answer(200, &FHIR, &SOUND.replace("\"patient\"", "\"x\"")), "search of Observation by patient"),
            (answer(200, &FHIR, "{\"resourceType\":\"OperationOutcome\"}"), "no CapabilityStatement"),
            (answer(200, &FHIR, "<html>"), "not JSON"),
            (answer(200, &[("Content-Type", "text/html")], SOUND), "media type"),
            (answer(404, &FHIR, "{}"), "not there"),
        ] {
            let verdict = judge(vec![seen]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn trouble_is_not_failure() {
        assert_eq!(judge(vec![]).outcome, Outcome::Untested);
        assert_eq!(judge(vec![answer(503, &FHIR, "")]).outcome, Outcome::CantTell);
    }
}
