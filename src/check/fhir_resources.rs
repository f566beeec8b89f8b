//! Whether the resources that a FHIR service gives keep the definitions and the profiles.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::StatusPattern;
use super::fhir::{Client, Talk, begin, body, default, told};
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::fhir::{Options, Validator};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Place, Severity, Verdict};

/// Reads the test person and one resource of each claimed type, and judges each by the definitions of
/// FHIR, by the profiles that it names itself (`meta.profile`), by the profile that the CapabilityStatement
/// claims for all resources of its type, and by those named here. Definitions come from packages that
/// the target file names under `packages`; without them nothing can be told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirResources {
    /// The types that are judged; every claimed one, where nothing is said.
    #[serde(default)]
    types: Vec<String>,
    /// Profiles that resources of a type must keep, by their canonical addresses.
    #[serde(default)]
    profiles: BTreeMap<String, Vec<String>>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked; what does not fit is told as not tried.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

const WITHOUT: &str = "no FHIR definitions are at hand, so the resources were not judged: name packages under `packages` in the target file, such as {id: hl7.fhir.r4.core, version: 4.0.1}";

/// The verdict where there are no definitions to judge by. Told apart from every other in a replay.
pub(super) fn without_definitions() -> Verdict {
    Verdict::cant_tell(Cause::Missing, WITHOUT)
        .with(Evidence::expected("packages of FHIR definitions").observed("none").at(Place::part_of("target file", "packages")))
}

impl Kind for FhirResources {
    const NAME: &'static str = "fhir-resources";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<String>;

    fn needs_definitions(&self) -> bool {
        true
    }

    async fn observe(&self, probes: &Probes) -> Result<Talk<String>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        let wanted = |of: &str| self.types.is_empty() || self.types.iter().any(|t| t == of);
        let mut references: Vec<String> = known.named.iter().filter(|r| wanted(r.split('/').next().unwrap_or_default())).cloned().collect();
        for of in known.claimed.types.iter().filter(|t| t.does("read") && wanted(&t.of)) {
            match known.reference(&of.of) {
                Some(reference) if !references.contains(&reference) => references.push(reference),
                Some(_) => {}
                None => talk.left.push(format!("{}: no resource of the test person is known", of.of)),
            }
        }
        for reference in references {
            match client.get(&reference, "read a resource to judge it").await?.turn(reference.clone()) {
                Some(turn) => talk.turns.push(turn),
                None => talk.left.push(format!("{reference}: the budget of questions is used up")),
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<String>, facts: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if seen.turns.is_empty() {
            return Verdict::untested(Cause::Missing, "no resource of the test person is known, so there was none to judge");
        }
        let Some(definitions) = facts.target.definitions.as_deref() else { return without_definitions() };
        let validator = Validator::new(definitions, Options::default());
        let mut findings = Vec::new();
        for turn in &seen.turns {
            let answer = match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) if answer.status == 200 => answer,
                Ok(answer) => {
                    let finding = Finding::open("fhir-fixture", format!("{} cannot be read, so it was not judged", turn.asked));
                    findings.push(told(answer, finding).observed(&format!("status {}", answer.status)));
                    continue;
                }
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            // What is no resource at all is the matter of other checks.
            if let Err(finding) = body(answer) {
                findings.push(Finding { severity: Severity::Open, ..finding });
                continue;
            }
            let of = turn.asked.split('/').next().unwrap_or_default();
            let mut profiles: Vec<&str> = self.profiles.get(of).into_iter().flatten().map(String::as_str).collect();
            profiles.extend(claimed.of_type(of).and_then(|t| t.profile.as_deref()));
            let Ok(source) = Source::json(answer.question(), answer.text.as_deref().unwrap_or_default().as_bytes()) else { continue };
            findings.extend(validator.validate_source(&source, &profiles).into_iter().map(|f| Finding { path: format!("{} {}", turn.asked, f.path), ..f }));
        }
        let judged: Vec<&str> = seen.turns.iter().map(|t| t.asked.as_str()).collect();
        let mut verdict = seen.verdict(&findings, "resources", &format!("{} keep their definitions and profiles", judged.join(", ")));
        for package in &facts.target.packages {
            verdict = verdict.note(format!("judged by {package}"));
        }
        for note in definitions.notes() {
            verdict = verdict.note(note.clone());
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::format::fhir::{Definitions, PackageInfo};
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

    fn definitions() -> Arc<Definitions> {
        let define = |name: &str, kind: &str, rows: &[(&str, u32, &str)]| {
            let mut elements = vec![json!({"id": name, "path": name, "min": 0, "max": "*", "base": {"max": "*"}})];
            elements.extend(rows.iter().map(|(row, min, of)| {
                json!({"id": format!("{name}.{row}"), "path": format!("{name}.{row}"), "min": min, "max": "1", "base": {"max": "1"}, "type": [{"code": of}]})
            }));
            json!({"resourceType": "StructureDefinition", "url": format!("http://hl7.org/fhir/StructureDefinition/{name}"), "version": "4.0.1",
                "type": name, "kind": kind, "abstract": false, "fhirVersion": "4.0.1", "derivation": "specialization", "snapshot": {"element": elements}})
        };
        let all = [
            define("Element", "complex-type", &[]),
            define("string", "primitive-type", &[]),
            define("date", "primitive-type", &[]),
            define("Patient", "resource", &[("id", 0, "string"), ("birthDate", 1, "date")]),
        ];
        Arc::new(Definitions::from_resources(PackageInfo::default(), all).unwrap())
    }

    fn judge(seen: Answer, at_hand: bool) -> Verdict {
        let check: FhirResources = kind("{types: [Patient]}");
        let metadata = answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#);
        let turns = vec![Turn { asked: "Patient/p-1".to_owned(), answer: Some(Box::new(seen)), trouble: None }];
        let talk = Talk { metadata: Some(Box::new(metadata)), turns, ..Talk::default() };
        let mut target = target("");
        target.definitions = at_hand.then(definitions);
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("api") })
    }

    #[test]
    fn resources_are_judged_by_what_is_at_hand() {
        let sound = r#"{"resourceType":"Patient","id":"p-1","birthDate":"1950-01-31"}"#;
        let verdict = judge(answer(200, &FHIR, sound), true);
        assert_eq!(verdict.outcome, Outcome::Passed, "{}", verdict.reason);
        for broken in [r#"{"resourceType":"Patient","id":"p-1"}"#, &sound.replace("-31", "-32"), &sound.replace("birthDate", "birthday")] {
            assert_eq!(judge(answer(200, &FHIR, broken), true).outcome, Outcome::Failed, "{broken}");
        }
        let without = judge(answer(200, &FHIR, sound), false);
        assert_eq!(without.outcome, Outcome::CantTell);
        assert!(without.reason.contains("`packages`"));
        assert_eq!(judge(answer(404, &FHIR, "{}"), true).outcome, Outcome::CantTell);
    }
}
