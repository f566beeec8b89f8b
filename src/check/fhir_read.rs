//! Whether a FHIR service gives the resources that it says can be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::StatusPattern;
use super::fhir::{Client, Talk, begin, default, resource, status, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Tries each read that the CapabilityStatement claims, on a resource of the test person: the fixture
/// `fhir-person`, those of `fhir-resources`, and what a search for that person gives. The resource must
/// come under its media type, with its type and id. Nobody else's resource is asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirRead {
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked; what does not fit is told as not tried.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

/// What was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Read {
    /// `Type/id`.
    reference: String,
    /// Whether the service itself named the resource, in a search just before.
    found: bool,
}

const CLAUSE: &str = "HL7 FHIR R4, RESTful API, read (http.html#read)";

impl Kind for FhirRead {
    const NAME: &'static str = "fhir-read";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Read>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Read>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        for of in known.claimed.types.iter().filter(|t| t.does("read")) {
            let Some(reference) = known.reference(&of.of) else {
                talk.left.push(format!("{}: no resource of the test person is known; name one under `fhir-resources`", of.of));
                continue;
            };
            let found = reference != known.person && !known.named.contains(&reference);
            let reply = client.get(&reference, "try a claimed read").await?;
            match reply.turn(Read { reference, found }) {
                Some(turn) => talk.turns.push(turn),
                None => talk.left.push(format!("{}: the budget of questions is used up", of.of)),
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Read>, _: &Facts<'_>) -> Verdict {
        const ASKS: &str = "claimed reads";
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if !claimed.types.iter().any(|t| t.does("read")) {
            return Verdict::inapplicable("the service claims no read");
        }
        if seen.turns.is_empty() {
            let verdict = Verdict::untested(Cause::Missing, "no claimed read could be tried: no resource of the test person is known");
            return seen.left.iter().take(12).fold(verdict, |v, left| v.note(format!("not tried: {left}")));
        }
        let mut findings = Vec::new();
        for turn in &seen.turns {
            let Read { reference, found } = &turn.asked;
            let (of, id) = reference.split_once('/').unwrap_or_default();
            let answer = match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => answer,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            match answer.status {
                200 => {}
                // Of a fixture it may be the target file that is wrong.
                404 | 410 if !found => {
                    let message = format!("the test person's {reference} is not there; the target file may name a wrong one");
                    findings.push(told(answer, Finding::open("fhir-fixture", message)));
                    continue;
                }
                _ => {
                    findings.push(status(answer, "fhir-read", format!("a claimed read of {of} does not give the resource"), "status 200").clause(CLAUSE));
                    continue;
                }
            }
            match resource(answer, of) {
                Err(finding) => findings.push(finding),
                Ok(value) => {
                    let came = value.get("id").and_then(Value::as_str).unwrap_or("no id");
                    if came != id {
                        let finding = Finding::error("fhir-read-id", format!("another {of} came than the one that was asked for"));
                        findings.push(told(answer, finding).expected(id.to_owned()).observed(came).clause(CLAUSE));
                    }
                }
            }
        }
        let tried: Vec<&str> = seen.turns.iter().map(|t| t.asked.reference.split('/').next().unwrap_or_default()).collect();
        seen.verdict(&findings, ASKS, &format!("{} give the resource", tried.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];
    const METADATA: &str = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","resource":[{"type":"Patient","interaction":[{"code":"read"}]}]}]}"#;

    fn judge(found: bool, seen: Answer) -> Verdict {
        let check: FhirRead = kind("{}");
        let turn = Turn { asked: Read { reference: "Patient/p-1".into(), found }, answer: Some(Box::new(seen)), trouble: None };
        let talk = Talk { metadata: Some(Box::new(answer(200, &FHIR, METADATA))), turns: vec![turn], ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn reads_give_the_resource_or_fail_for_their_reason() {
        let sound = r#"{"resourceType":"Patient","id":"p-1"}"#;
        assert_eq!(judge(false, answer(200, &FHIR, sound)).outcome, Outcome::Passed);
        for (seen, why) in [
            (answer(200, &FHIR, &sound.replace("p-1", "p-2")), "another Patient"),
            (answer(200, &FHIR, r#"{"resourceType":"Bundle"}"#), "another kind"),
            (answer(200, &[("Content-Type", "application/json")], sound), "media type"),
            (answer(200, &FHIR, "{"), "not JSON"),
            (answer(501, &FHIR, "{}"), "does not give"),
            (answer(500, &FHIR, "{}"), "does not give"),
        ] {
            let verdict = judge(false, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge(true, answer(404, &FHIR, "{}")).outcome, Outcome::Failed);
    }

    #[test]
    fn trouble_is_not_failure() {
        for status in [401, 403, 404, 429, 503] {
            assert_eq!(judge(false, answer(status, &FHIR, "{}")).outcome, Outcome::CantTell, "{status}");
        }
        let check: FhirRead = kind("{}");
        let target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("api") };
        assert_eq!(check.judge(&Talk::missing("no person"), &facts).outcome, Outcome::Untested);
        let nothing = Talk { metadata: Some(Box::new(answer(200, &FHIR, METADATA))), ..Talk::default() };
        assert_eq!(check.judge(&nothing, &facts).outcome, Outcome::Untested);
        let none = Talk { metadata: Some(Box::new(answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#))), ..Talk::default() };
        assert_eq!(check.judge(&none, &facts).outcome, Outcome::Inapplicable);
        let page = Talk { metadata: Some(Box::new(answer(200, &FHIR, "<html>"))), ..Talk::default() };
        assert_eq!(check.judge(&page, &facts).outcome, Outcome::CantTell);
    }
}
