//! Whether a FHIR service gives a person's health data to somebody who shows no credential.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::StatusPattern;
use super::fhir::{Client, Talk, begin, default, json, matches, seen_at, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Severity, Verdict};

/// Reads and searches the test person's resources with the credential, and again without any. The first
/// is the positive control. Without a credential none of them may be given. Where the target file names
/// no credential, they are asked for without one only: a refusal then shows nothing. The CapabilityStatement
/// itself is public.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirAuthorization {
    /// Whether refusal is demanded only of a service that claims a way of letting clients in, by its
    /// CapabilityStatement.
    #[serde(default)]
    where_claimed: bool,
    /// The credential of the positive control, by its name in the target file.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked; what does not fit is told as not tried.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

/// One question, asked twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Door {
    /// The path below the service's address.
    path: String,
    /// Whether the credential was shown.
    with: bool,
}

const CLAUSE: &str = "HL7 FHIR R4, security (security.html#http); RFC 9110, sections 15.5.2 and 15.5.4";

impl Kind for FhirAuthorization {
    const NAME: &'static str = "fhir-authorization";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Door>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Door>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        let mut paths = Vec::new();
        for of in &known.claimed.types {
            paths.extend(known.reference(&of.of).filter(|_| of.does("read")));
            let some = known.resources.get(&of.of).is_some_and(|r| !r.is_empty());
            paths.extend(of.of_person(&known.person).filter(|_| some));
        }
        if !client.has_credential() {
            // Without a positive control a refusal shows nothing; what is given shows enough.
            paths.push(known.person.clone());
            paths.dedup();
            for path in paths {
                let reply = client.get_bare(&path, "see whether a person's data need a credential").await?;
                talk.turns.extend(reply.turn(Door { path, with: false }));
            }
            return Ok(talk);
        }
        for path in paths {
            let with = client.get(&path, "see whether a person's data need a credential").await?;
            let without = client.get_bare(&path, "see whether a person's data need a credential").await?;
            let turns = (with.turn(Door { path: path.clone(), with: true }), without.turn(Door { path: path.clone(), with: false }));
            match turns {
                (Some(with), Some(without)) => talk.turns.extend([with, without]),
                (Some(_) | None, Some(_) | None) => talk.left.push(format!("{path}: the budget of questions is used up")),
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Door>, _: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if self.where_claimed && !claimed.security {
            return Verdict::inapplicable("the service claims no way of letting clients in");
        }
        if seen.turns.is_empty() {
            return Verdict::untested(Cause::Missing, "nothing of the test person is known that could be asked for");
        }
        let mut findings = Vec::new();
        let mut refused = 0;
        let mut bare_refusal = None;
        let mut control = None;
        let mut uncontrolled = Vec::new();
        for without in &seen.turns {
            if without.asked.with {
                control = Some(without);
                continue;
            }
            let with = control.take().filter(|with| with.asked.path == without.asked.path);
            match with.map(|with| with.answered(&[StatusPattern::SUCCESS])) {
                Some(Err(finding)) => {
                    findings.push(finding);
                    continue;
                }
                Some(Ok(answer)) if answer.status != 200 => {
                    let message = format!("the positive control did not succeed: status {} with the credential", answer.status);
                    uncontrolled.push(told(answer, Finding::open("control", message)).expected("status 200 with the credential"));
                    continue;
                }
                Some(Ok(_)) | None => {}
            }
            let all = [StatusPattern::SUCCESS];
            let bare = match (&without.answer, without.answered(&all)) {
                (Some(answer), _) if matches!(answer.status, 401 | 403) => answer.as_ref(),
                (_, Ok(answer)) => answer,
                (_, Err(finding)) => {
                    findings.push(finding);
                    continue;
                }
            };
            match bare.status {
                300..=399 | 401 | 403 | 404 if with.is_none() => {}
                // To lead to a log-in page is a refusal, though not one that a program understands.
                300..=399 => {
                    refused += 1;
                    let finding = Finding::warning("fhir-redirect", "without a credential it leads elsewhere; a program is told more by 401");
                    findings.push(told(bare, finding).observed(&format!("status {}", bare.status)));
                }
                401 | 403 | 404 => {
                    refused += 1;
                    if bare.status == 401 && bare.header("www-authenticate").is_none() {
                        let finding = Finding::warning("www-authenticate", "an answer 401 must name how to authenticate");
                        findings.push(told(bare, finding).clause("RFC 9110, section 15.5.2"));
                    }
                    bare_refusal.get_or_insert(bare);
                }
                200..=299 => {
                    let given = json(bare).is_some_and(|v| match v.get("resourceType").and_then(serde_json::Value::as_str) {
                        Some("Bundle") => !matches(&v).is_empty(),
                        Some("OperationOutcome") | None => false,
                        Some(_) => true,
                    });
                    if !given && with.is_some() {
                        refused += 1;
                    }
                    let finding = if given {
                        Finding::error("fhir-open", "a person's data are given to somebody without a credential")
                    } else {
                        Finding::warning("fhir-open-empty", "without a credential the answer is a success that holds nothing")
                    };
                    findings.push(told(bare, finding).expected("401 or 403 without a credential").observed(&format!("status {}", bare.status)).clause(CLAUSE));
                }
                _ => {
                    let finding = Finding::open("refusal", format!("status {} without a credential is neither a refusal nor an answer", bare.status));
                    findings.push(told(bare, finding).clause(CLAUSE));
                }
            }
        }
        // One path that cannot be read with the credential is another check's matter; none at all leaves nothing to tell.
        if refused == 0 {
            findings.append(&mut uncontrolled);
        }
        if refused == 0 && !findings.iter().any(|f| f.severity != Severity::Warning) {
            let name = self.credential.as_deref().unwrap_or("none");
            let why = format!("the target file names no credential `{name}` for this endpoint, so there is no positive control: a refusal without it shows nothing");
            return Verdict::untested(Cause::Missing, why);
        }
        let verdict = seen.verdict(&findings, "access without a credential", &format!("{refused} reads and searches give nothing"));
        match bare_refusal {
            Some(answer) => verdict.with(seen_at(answer, "401 or 403 without a credential", &format!("status {}", answer.status)).clause(CLAUSE)),
            None => verdict,
        }
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
    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p-1"}"#;

    fn judge(check: &str, with: u16, without: Answer) -> Verdict {
        let check: FhirAuthorization = kind(check);
        let mut control = answer(with, &FHIR, PATIENT);
        control.shown = Some("fhir-reader".into());
        let turn = |with, answer| Turn { asked: Door { path: "Patient/p-1".into(), with }, answer: Some(Box::new(answer)), trouble: None };
        let metadata = answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#);
        let talk = Talk { metadata: Some(Box::new(metadata)), turns: vec![turn(true, control), turn(false, without)], ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn nobody_gets_data_without_a_credential() {
        for status in [302, 401, 403, 404] {
            assert_eq!(judge("{}", 200, answer(status, &FHIR, "{}")).outcome, Outcome::Passed, "{status}");
        }
        assert_eq!(judge("{}", 200, answer(200, &FHIR, PATIENT)).outcome, Outcome::Failed);
        let empty = r#"{"resourceType":"Bundle","type":"searchset","total":0}"#;
        assert_eq!(judge("{}", 200, answer(200, &FHIR, empty)).outcome, Outcome::Passed);
        let full = r#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient"}}]}"#;
        assert_eq!(judge("{}", 200, answer(200, &FHIR, full)).outcome, Outcome::Failed);
        assert_eq!(judge("{where-claimed: true}", 200, answer(200, &FHIR, PATIENT)).outcome, Outcome::Inapplicable);
    }

    #[test]
    fn without_a_control_nothing_is_shown() {
        assert_eq!(judge("{}", 401, answer(401, &FHIR, "{}")).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", 404, answer(401, &FHIR, "{}")).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", 200, answer(503, &FHIR, "")).outcome, Outcome::CantTell);
        let check: FhirAuthorization = kind("{}");
        let target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("api") };
        assert_eq!(check.judge(&Talk::missing("no person"), &facts).outcome, Outcome::Untested);
        // Without a credential: what is refused shows nothing, what is given does.
        for (status, body, outcome) in [(401, "{}", Outcome::Untested), (404, "{}", Outcome::Untested), (200, PATIENT, Outcome::Failed)] {
            let asked = Door { path: "Patient/p-1".into(), with: false };
            let turns = vec![Turn { asked, answer: Some(Box::new(answer(status, &FHIR, body))), trouble: None }];
            let metadata = answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#);
            let talk = Talk { metadata: Some(Box::new(metadata)), turns, ..Talk::default() };
            assert_eq!(check.judge(&talk, &facts).outcome, outcome, "{status}");
        }
    }
}
