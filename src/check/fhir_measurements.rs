//! Whether measurements of personal devices carry the codes, units, device and moment that others can use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::StatusPattern;
use super::fhir::{Client, Talk, begin, default, matches, references, resource, status, told};
use super::{Facts, Kind, On, Probes};
use crate::format::fhir::device_observation::{self, DeviceDemands};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Severity, Verdict};

/// Reads the test person's measurements: the Observations that the target file names as the fixture
/// `fhir-measurements`, else those that a search for the person gives and that say themselves that a
/// device measured. Each has an MDC or LOINC code, a UCUM unit of the right kind, a reference to the
/// device and to the person, and a moment with its offset.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirMeasurements {
    /// Code systems, one of which each code must be of; MDC and LOINC, where nothing is said.
    #[serde(default = "code_systems")]
    code_systems: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked; what does not fit is told as not tried.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

fn code_systems() -> Vec<String> {
    vec![device_observation::MDC.to_owned(), device_observation::LOINC.to_owned()]
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// An Observation that the target file names.
    Named(String),
    /// The person's Observations.
    All,
}

impl Kind for FhirMeasurements {
    const NAME: &'static str = "fhir-measurements";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Asked>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Asked>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, false).await? else { return Ok(talk) };
        match references(probes.target(), "fhir-measurements", "Observation") {
            Err(why) => talk.left.push(why),
            Ok(named) if named.is_empty() => {
                let search = known.claimed.of_type("Observation").and_then(|t| t.of_person(&known.person));
                match search {
                    Some(path) => talk.turns.extend(client.get(&path, "find the test person's measurements").await?.turn(Asked::All)),
                    None => talk.left.push("measurements: no claimed search gives the test person's Observations; name some as `fhir-measurements`".into()),
                }
            }
            Ok(named) => {
                for reference in named {
                    talk.turns.extend(client.get(&reference, "read a measurement").await?.turn(Asked::Named(reference)));
                }
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Asked>, _: &Facts<'_>) -> Verdict {
        if let Err(verdict) = seen.claimed() {
            return *verdict;
        }
        let demands = DeviceDemands { code_systems: self.code_systems.clone(), ..DeviceDemands::default() };
        let (mut findings, mut judged) = (Vec::new(), 0usize);
        for turn in &seen.turns {
            let answer = match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => answer,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let of = if turn.asked == Asked::All { "Bundle" } else { "Observation" };
            if answer.status != 200 {
                let finding = status(answer, "fhir-fixture", "the measurements cannot be read", "status 200");
                findings.push(Finding { severity: Severity::Open, ..finding });
                continue;
            }
            let value = match resource(answer, of) {
                Ok(value) => value,
                Err(finding) => {
                    findings.push(Finding { severity: Severity::Open, ..finding });
                    continue;
                }
            };
            let observations: Vec<&Value> = match turn.asked {
                Asked::Named(_) => vec![&value],
                Asked::All => matches(&value).into_iter().filter(|o| device_observation::is_of_device(o)).collect(),
            };
            for observation in observations {
                judged += 1;
                let id = observation.get("id").and_then(Value::as_str).unwrap_or("without id");
                let name = format!("Observation/{id}");
                let found = device_observation::judge(observation, &demands);
                findings.extend(found.into_iter().map(|f| Finding { path: format!("{name} {}", f.path), ..f }));
            }
            if judged == 0 && turn.asked == Asked::All && findings.is_empty() {
                let finding = told(answer, Finding::warning("measurements", "none of the Observations says that a device measured"));
                findings.push(finding);
            }
        }
        if judged == 0 && !findings.iter().any(|f| f.severity != Severity::Warning) {
            let why = "the test person has no measurement of a device; seed one, or name some as `fhir-measurements` under `fixtures`";
            let verdict = Verdict::untested(Cause::Missing, why);
            return seen.left.iter().fold(verdict, |v, left| v.note(format!("not tried: {left}")));
        }
        seen.verdict(&findings, "measurements", &format!("{judged} have code, unit, device, person and moment"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

    fn weight() -> Value {
        json!({"resourceType": "Observation", "id": "o-1", "code": {"coding": [{"system": device_observation::MDC, "code": "188736"}]},
            "subject": {"reference": "Patient/p-1"}, "device": {"reference": "Device/d-1"}, "effectiveDateTime": "2026-11-01T10:00:00+01:00",
            "valueQuantity": {"value": 70.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}})
    }
    fn judge(asked: Asked, seen: Answer) -> Verdict {
        let check: FhirMeasurements = kind("{}");
        let metadata = answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#);
        let turns = vec![Turn { asked, answer: Some(Box::new(seen)), trouble: None }];
        let talk = Talk { metadata: Some(Box::new(metadata)), turns, ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn all(observation: &Value) -> Verdict {
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": observation}]});
        judge(Asked::All, answer(200, &FHIR, &bundle.to_string()))
    }

    #[test]
    fn measurements_are_whole_or_fail_for_their_reason() {
        assert_eq!(all(&weight()).outcome, Outcome::Passed);
        for (pointer, value, why) in [
            ("/valueQuantity/code", json!("Cel"), "kind of unit"),
            ("/device", json!({}), "which device"),
            ("/effectiveDateTime", json!("2026-11-01"), "moment"),
            ("/subject", json!({}), "whom"),
        ] {
            let mut broken = weight();
            *broken.pointer_mut(pointer).unwrap() = value;
            let verdict = all(&broken);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn what_no_device_measured_is_left_alone_unless_it_is_named() {
        let by_hand = json!({"resourceType": "Observation", "id": "o-2", "code": {"text": "mood"}, "valueString": "well"});
        assert_eq!(all(&by_hand).outcome, Outcome::Untested);
        assert_eq!(judge(Asked::Named("Observation/o-2".into()), answer(200, &FHIR, &by_hand.to_string())).outcome, Outcome::Failed);
        assert_eq!(judge(Asked::All, answer(404, &FHIR, "{}")).outcome, Outcome::CantTell);
    }
}
