//! How a FHIR service tells that something is wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, StatusPattern};
use super::fhir::{Client, FHIR_JSON, Talk, begin, default, outcome_fault, query_value, recommended, status};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Asks a FHIR service for what cannot be: a Patient under an id that nobody has, a type of resource that
/// does not exist, and the test person by a parameter that does not exist and, where a date can be
/// searched for, by a date that is none, each with `Prefer: handling=strict`. The first two must be
/// answered by 404, the others by 400, each with an OperationOutcome.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirErrors {
    /// Whether what the standard recommends (SHOULD) is demanded too: the OperationOutcome, and that the
    /// wish for strictness is granted.
    #[serde(default)]
    recommendations: bool,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
}

/// What was asked for that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// A resource under an id that nobody has.
    Id,
    /// A type that does not exist.
    Type,
    /// A parameter that does not exist, strictly.
    Parameter,
    /// A date that is none, strictly.
    Date,
}

/// An id that nobody has. Always the same, so that a run can be repeated.
const NOBODY: &str = "probity-8f2c61-nobody";
const CODES: &str = "HL7 FHIR R4, RESTful API, read and status codes (http.html#read)";
const STRICT: &str = "HL7 FHIR R4, search, handling errors (search.html#errors)";

impl Kind for FhirErrors {
    const NAME: &'static str = "fhir-errors";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Wrong>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Wrong>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), default::most_questions());
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, false).await? else { return Ok(talk) };
        let of = known.person.split('/').next().unwrap_or_default();
        let readable = known.claimed.of_type(of).is_some_and(|t| t.does("read"));
        let mut questions = vec![(Wrong::Type, format!("ProbityNothing/{NOBODY}"))];
        if readable {
            questions.insert(0, (Wrong::Id, format!("{of}/{NOBODY}")));
        } else {
            talk.left.push(format!("an unknown id: the service claims no read of {of}"));
        }
        // The most telling type: one that can be searched by a date, else any that can be searched for the person.
        let dated = |t: &&super::fhir::ClaimedType| t.parameters.iter().any(|(_, kind)| kind == "date") && t.of_person(&known.person).is_some();
        let types = &known.claimed.types;
        match types.iter().find(dated).or_else(|| types.iter().find(|t| t.of_person(&known.person).is_some())) {
            Some(of) => {
                let restricted = of.of_person(&known.person).unwrap_or_default();
                questions.push((Wrong::Parameter, format!("{restricted}&probity-no-such-parameter=1")));
                match of.parameters.iter().find(|(_, kind)| kind == "date") {
                    Some((name, _)) => questions.push((Wrong::Date, format!("{restricted}&{name}={}", query_value("no date")))),
                    None => talk.left.push("a malformed date: no search by a date is claimed".into()),
                }
            }
            None => talk.left.push("malformed searches: no claimed search can be restricted to the test person".into()),
        }
        for (wrong, path) in questions {
            let mut request = client.request(&path, "see how an error is told", true)?.header("Accept", FHIR_JSON);
            if matches!(wrong, Wrong::Parameter | Wrong::Date) {
                request = request.header("Prefer", "handling=strict");
            }
            talk.turns.extend(client.send(&request).await?.turn(wrong));
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Wrong>, _: &Facts<'_>) -> Verdict {
        if let Err(verdict) = seen.claimed() {
            return *verdict;
        }
        if seen.turns.is_empty() {
            return Verdict::untested(Cause::Missing, "there was nothing to ask for");
        }
        let mut findings = Vec::new();
        for turn in &seen.turns {
            match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => self.judge_one(turn.asked, answer, &mut findings),
                // Who may not see what does not exist is answered as if it were forbidden.
                Err(_) if turn.asked == Wrong::Id && turn.answer.as_deref().is_some_and(|a| a.status == 403 && a.withheld.is_none()) => {}
                Err(finding) => findings.push(finding),
            }
        }
        seen.verdict(&findings, "errors", "each is an error of the client's kind with an OperationOutcome")
    }
}

impl FhirErrors {
    fn judge_one(&self, wrong: Wrong, answer: &Answer, out: &mut Vec<Finding>) {
        let (right, words, expected): (&[u16], _, _) = match wrong {
            Wrong::Id => (&[404, 410], "a resource that does not exist", "status 404"),
            Wrong::Type => (&[404], "a type of resource that does not exist", "status 404"),
            Wrong::Parameter => (&[400, 422], "a parameter that does not exist", "status 400, as `Prefer: handling=strict` asks for"),
            Wrong::Date => (&[400, 422], "a date that is none", "status 400, as `Prefer: handling=strict` asks for"),
        };
        if !right.contains(&answer.status) {
            let rule = if answer.status >= 500 { "fhir-error-breaks" } else { "fhir-error-status" };
            let clause = if matches!(wrong, Wrong::Id | Wrong::Type) { CODES } else { STRICT };
            let finding = status(answer, rule, format!("{words} is answered with status {}", answer.status), expected).clause(clause);
            // What is not there must not be given, and nothing may break; which code says so is advice for the rest.
            let must = answer.status >= 500 || (wrong == Wrong::Id && answer.status < 400);
            out.push(recommended(must || self.recommendations, finding));
            if answer.status < 400 {
                return;
            }
        }
        if let Some(finding) = outcome_fault(answer) {
            out.push(recommended(self.recommendations, finding));
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];
    const OUTCOME: &str = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid"}]}"#;

    fn judge(check: &str, wrong: Wrong, seen: Answer) -> Verdict {
        let check: FhirErrors = kind(check);
        let turn = Turn { asked: wrong, answer: Some(Box::new(seen)), trouble: None };
        let metadata = answer(200, &FHIR, r#"{"resourceType":"CapabilityStatement"}"#);
        let talk = Talk { metadata: Some(Box::new(metadata)), turns: vec![turn], ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn errors_are_told_as_the_standard_asks() {
        let strict = "{recommendations: true}";
        for (wrong, status) in [(Wrong::Id, 404), (Wrong::Id, 410), (Wrong::Type, 404), (Wrong::Parameter, 400), (Wrong::Date, 400)] {
            assert_eq!(judge(strict, wrong, answer(status, &FHIR, OUTCOME)).outcome, Outcome::Passed, "{wrong:?} {status}");
        }
        for (wrong, seen, why) in [
            (Wrong::Id, answer(200, &FHIR, "{}"), "status 200"),
            (Wrong::Id, answer(500, &FHIR, OUTCOME), "status 500"),
            (Wrong::Type, answer(200, &FHIR, "{}"), "status 200"),
            (Wrong::Parameter, answer(200, &FHIR, "{}"), "status 200"),
            (Wrong::Date, answer(404, &FHIR, OUTCOME), "status 404"),
            (Wrong::Id, answer(404, &[("Content-Type", "text/html")], "<h1>"), "no OperationOutcome"),
        ] {
            let verdict = judge(strict, wrong, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn recommendations_are_notes_where_they_are_not_demanded() {
        let seen = judge("{}", Wrong::Parameter, answer(200, &FHIR, "{}"));
        assert_eq!((seen.outcome, seen.notes.len()), (Outcome::Passed, 1));
        assert_eq!(judge("{}", Wrong::Id, answer(500, &FHIR, OUTCOME)).outcome, Outcome::Failed);
        assert_eq!(judge("{}", Wrong::Id, answer(401, &FHIR, "{}")).outcome, Outcome::CantTell);
        let mut hidden = answer(403, &FHIR, OUTCOME);
        hidden.shown = Some("fhir-reader".into());
        assert_eq!(judge("{}", Wrong::Id, hidden).outcome, Outcome::Passed);
    }
}
