//! How the kinds that try a FHIR service ask it: politely, about the test person only.
//!
//! A service is tried by what it claims in its CapabilityStatement. Which person may be asked about is
//! named in the target file, as the fixture `fhir-person`; every question is for that person's
//! resources, so that nothing of anybody else is read. What was asked once in a run is remembered by the
//! door, so several kinds share the same answers, and each kind has a budget of questions: what does not
//! fit is told as not tried.

mod claim;
mod resource;

pub(super) use claim::{Claimed, ClaimedType};
pub(super) use resource::{body, entries, is_about, link, matches, outcome_fault, resource};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Probes;
use super::answer::{Answer, StatusPattern};
use crate::probe::{ProbeError, Request};
use crate::target::Target;
use crate::verdict::{Cause, Evidence, Finding, Place, Severity, Verdict};

/// The media type of FHIR in JSON.
pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// The largest answer that is read; a page of resources may be large.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// What was asked of a service, and what came of it. `Q` says what a question was for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Talk<Q> {
    /// What the target file does not provide, so that nothing could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<String>,
    /// The answer to `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Box<Answer>>,
    /// The test person, as `Patient/ID`.
    #[serde(default)]
    pub(super) person: String,
    /// The questions, in their order.
    #[serde(default = "Vec::new")]
    pub(super) turns: Vec<Turn<Q>>,
    /// What was not tried, and why; for people.
    #[serde(default)]
    pub(super) left: Vec<String>,
}

// By hand: a derived one would want a default of `Q`.
impl<Q> Default for Talk<Q> {
    fn default() -> Self {
        Self { missing: None, metadata: None, person: String::new(), turns: Vec::new(), left: Vec::new() }
    }
}

/// One question with its answer, or with what kept it from being answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::check) struct Turn<Q> {
    /// What it was for.
    pub(super) asked: Q,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Box<Answer>>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trouble: Option<String>,
}

impl<Q> Talk<Q> {
    /// A talk that could not begin.
    #[cfg(test)]
    pub(super) fn missing(what: impl Into<String>) -> Self {
        Self { missing: Some(what.into()), ..Self::default() }
    }
    /// What the service claims, or the verdict where that cannot be known. That the statement is there
    /// and right is another check's question.
    pub(super) fn claimed(&self) -> Result<Claimed, Box<Verdict>> {
        if let Some(missing) = &self.missing {
            return Err(Box::new(Verdict::untested(Cause::Missing, missing.clone())));
        }
        let Some(answer) = &self.metadata else {
            return Err(Box::new(Verdict::untested(Cause::Missing, "the service was not asked what it claims")));
        };
        if let Some(verdict) = answer.tells_nothing(&[StatusPattern::SUCCESS]) {
            return Err(Box::new(verdict));
        }
        Claimed::of(answer).ok_or_else(|| {
            let reason = "the service does not say what it does, so there is nothing to hold it to: no CapabilityStatement at `metadata`";
            Box::new(Verdict::cant_tell(Cause::Target, reason).with(answer.status_evidence("a CapabilityStatement")))
        })
    }
    /// The verdict of the findings, with what was tried and what was not.
    pub(super) fn verdict(&self, findings: &[Finding], asks: &str, tried: &str) -> Verdict {
        let mut verdict = Verdict::from_findings(findings, asks);
        if !findings.iter().any(|f| f.severity != Severity::Warning) {
            let said = format!("{asks}: {tried}");
            verdict = Verdict { reason: Verdict::passed(said).reason, ..verdict };
            let answers = self.turns.iter().filter_map(|t| t.answer.as_deref()).take(5);
            verdict = verdict.with_all(answers.map(|a| a.status_evidence("an answer as the standard asks for it")));
        }
        for left in self.left.iter().take(12) {
            verdict = verdict.note(format!("not tried: {left}"));
        }
        if self.left.len() > 12 {
            verdict = verdict.note(format!("{} more were not tried", self.left.len() - 12));
        }
        verdict
    }
}

impl<Q> Turn<Q> {
    /// The answer, or the open question where there is none that can be judged. `accepted` are the
    /// statuses that would mean something.
    pub(super) fn answered(&self, accepted: &[StatusPattern]) -> Result<&Answer, Finding> {
        let Some(answer) = self.answer.as_deref() else {
            let why = self.trouble.clone().unwrap_or_default();
            return Err(Finding::open("no-answer", format!("a question was not answered: {why}")));
        };
        if answer.withheld.is_none()
            && matches!(answer.status, 401 | 403)
            && answer.shown.is_none()
            && !StatusPattern::any(accepted, answer.status)
        {
            let message = "the service wants a credential, and the target file names none for this endpoint";
            return Err(told(answer, Finding::open("credential", message)).expected("a credential of the test person under `credentials`"));
        }
        if let Some(verdict) = answer.tells_nothing(accepted) {
            return Err(told(answer, Finding::open("no-answer", verdict.reason)));
        }
        match answer.unfinished() {
            Some(verdict) => Err(told(answer, Finding::open("no-answer", verdict.reason))),
            None => Ok(answer),
        }
    }
}

/// A finding at an answer.
pub(super) fn told(answer: &Answer, finding: Finding) -> Finding {
    finding.at(answer.question())
}

/// A finding about the status of an answer.
pub(super) fn status(answer: &Answer, rule: &str, message: impl Into<String>, expected: &str) -> Finding {
    told(answer, Finding::error(rule, message)).expected(expected).observed(&format!("status {}", answer.status))
}

/// A finding of what the standard recommends: an error only where recommendations are demanded.
pub(super) fn recommended(demanded: bool, finding: Finding) -> Finding {
    if demanded { finding } else { Finding { severity: Severity::Warning, ..finding } }
}

/// The references of a fixture of the target file: `Type/id`, or a bare id for `assumed`.
pub(super) fn references(target: &Target, fixture: &str, assumed: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = match target.fixtures.get(fixture) {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) | None => Vec::new(),
    };
    words
        .into_iter()
        .map(|word| {
            let whole = if word.contains('/') { word } else { format!("{assumed}/{word}") };
            if is_reference(&whole) { Ok(whole) } else { Err(format!("the fixture `{fixture}` is no reference such as {assumed}/123")) }
        })
        .collect()
}

/// `Type/id` in the letters that FHIR allows (R4, datatypes, id).
pub(super) fn is_reference(text: &str) -> bool {
    text.split_once('/').is_some_and(|(of, id)| is_type(of) && is_id(id))
}

fn is_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && !matches!(text, "." | "..")
}

/// Percent-encodes a value of a query: everything that is not unreserved (RFC 3986, section 2.3).
pub(super) fn query_value(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// A client of the endpoint that is asked.
pub(super) struct Client<'p> {
    probes: &'p Probes,
    credential: Option<String>,
    left: u32,
}

/// What a question came to.
pub(super) enum Reply {
    /// An answer.
    Answered(Box<Answer>),
    /// The target gave none.
    Trouble(String),
    /// The budget is used up; nothing was asked.
    Spent,
}

impl Reply {
    /// As a turn of a talk; nothing where nothing was asked.
    pub(super) fn turn<Q>(self, asked: Q) -> Option<Turn<Q>> {
        match self {
            Self::Answered(answer) => Some(Turn { asked, answer: Some(answer), trouble: None }),
            Self::Trouble(why) => Some(Turn { asked, answer: None, trouble: Some(why) }),
            Self::Spent => None,
        }
    }
}

impl<'p> Client<'p> {
    /// A client that shows the credential of this name where the target file has it for the endpoint.
    pub(super) fn new(probes: &'p Probes, credential: Option<&str>, most: u32) -> Self {
        Self { probes, credential: credential.filter(|name| probes.has_credential(name)).map(str::to_owned), left: most }
    }
    /// Whether a credential is shown.
    pub(super) fn has_credential(&self) -> bool {
        self.credential.is_some()
    }
    /// The question as a request.
    pub(super) fn request(&self, path: &str, purpose: &str, with_credential: bool) -> Result<Request, ProbeError> {
        let request = Request::get(self.probes.address(path)?, purpose).keep_alive().max_body(MAX_ANSWER);
        Ok(match self.credential.as_deref().filter(|_| with_credential) {
            Some(name) => request.credential(name),
            None => request,
        })
    }
    /// Asks for FHIR in JSON.
    pub(super) async fn get(&mut self, path: &str, purpose: &str) -> Result<Reply, ProbeError> {
        let request = self.request(path, purpose, true)?.header("Accept", FHIR_JSON);
        self.send(&request).await
    }
    /// Asks for FHIR in JSON and shows no credential.
    pub(super) async fn get_bare(&mut self, path: &str, purpose: &str) -> Result<Reply, ProbeError> {
        let request = self.request(path, purpose, false)?.header("Accept", FHIR_JSON);
        self.send(&request).await
    }
    /// Sends a request; silence of the target is a reply like any other, because one slow search says
    /// nothing about the next.
    pub(super) async fn send(&mut self, request: &Request) -> Result<Reply, ProbeError> {
        self.sent(request, false).await
    }
    /// Sends a request even if it was sent before.
    pub(super) async fn send_again(&mut self, request: &Request) -> Result<Reply, ProbeError> {
        self.sent(request, true).await
    }
    async fn sent(&mut self, request: &Request, again: bool) -> Result<Reply, ProbeError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(Reply::Spent) };
        self.left = left;
        let door = self.probes.door();
        match if again { door.ask_again(request).await } else { door.ask(request).await } {
            Ok(exchange) => Ok(Reply::Answered(Box::new(Answer::from(&*exchange)))),
            Err(error @ ProbeError::StoppedAnswering { .. }) => Err(error),
            Err(error) if error.cause() == Cause::Target || matches!(error, ProbeError::OutOfScope { .. }) => {
                Ok(Reply::Trouble(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }
    /// Asks what the service claims. Metadata are public, so no credential is shown.
    pub(super) async fn metadata(&mut self) -> Result<Option<Box<Answer>>, ProbeError> {
        let request = Request::get(self.probes.address("metadata")?, "read what the service claims")
            .header("Accept", FHIR_JSON)
            .keep_alive()
            .max_body(MAX_ANSWER)
            .gzip();
        // The first question of all: silence here is silence of the service.
        let exchange = self.probes.door().ask(&request).await?;
        self.left = self.left.saturating_sub(1);
        Ok(Some(Box::new(Answer::from(&*exchange))))
    }
}

/// What is known of the test person after a first look.
pub(super) struct Known {
    /// What the service claims.
    pub(super) claimed: Claimed,
    /// The person, as `Patient/ID`.
    pub(super) person: String,
    /// The person's resources by type, as a search gave them; the person among them.
    pub(super) resources: BTreeMap<String, Vec<Value>>,
    /// References that the target file names besides.
    pub(super) named: Vec<String>,
}

impl Known {
    /// The reference of a resource of this type: one that the target file names, else the first found.
    pub(super) fn reference(&self, of: &str) -> Option<String> {
        let named = self.named.iter().find(|r| r.split('/').next() == Some(of)).cloned();
        let found = || {
            let resources = self.resources.get(of)?;
            let id = resources.iter().find_map(|r| r.get("id").and_then(Value::as_str).filter(|id| is_id(id)))?;
            Some(format!("{of}/{id}"))
        };
        if self.person.split('/').next() == Some(of) { Some(self.person.clone()) } else { named.or_else(found) }
    }
}

/// Begins a talk: what the service claims, who the test person is, and with `look` which resources the
/// person has. Nothing where the talk cannot go on; the talk then says why.
pub(super) async fn begin<Q>(client: &mut Client<'_>, talk: &mut Talk<Q>, look: bool) -> Result<Option<Known>, ProbeError> {
    let target = client.probes.target();
    let person = match references(target, "fhir-person", "Patient").map(|found| found.into_iter().next()) {
        Ok(Some(person)) => person,
        Ok(None) => {
            talk.missing = Some(
                "the target file names no test person: write `fhir-person: Patient/ID` under `fixtures`; nothing of anybody else is read"
                    .into(),
            );
            return Ok(None);
        }
        Err(why) => {
            talk.missing = Some(why);
            return Ok(None);
        }
    };
    let named = match references(target, "fhir-resources", "Patient") {
        Ok(named) => named,
        Err(why) => {
            talk.missing = Some(why);
            return Ok(None);
        }
    };
    talk.person.clone_from(&person);
    talk.metadata = client.metadata().await?;
    let Some(claimed) = talk.metadata.as_deref().and_then(Claimed::of) else { return Ok(None) };
    let mut known = Known { claimed, person, resources: BTreeMap::new(), named };
    if look {
        for of in &known.claimed.types {
            let Some(query) = of.of_person(&known.person) else { continue };
            let reply = client.get(&query, "find the test person's resources").await?;
            let Reply::Answered(answer) = reply else { continue };
            let found: Vec<Value> = json(&answer).map(|bundle| matches(&bundle).into_iter().cloned().collect()).unwrap_or_default();
            // Only what is about the person, so that nobody else is read on the strength of a wrong answer.
            let found = found
                .into_iter()
                .filter(|r| r.get("resourceType").and_then(Value::as_str) == Some(&of.of) && is_about(r, &known.person) != Some(false));
            known.resources.insert(of.of.clone(), found.collect());
        }
    }
    Ok(Some(known))
}

/// The body as JSON, whatever it is called.
pub(super) fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_str(answer.text.as_deref()?).ok()
}

/// Evidence of something at a place, for verdicts that are not made of findings.
pub(super) fn seen_at(answer: &Answer, expected: &str, observed: &str) -> Evidence {
    Evidence::expected(expected).observed(observed).at(Place::of(&answer.question()))
}

/// What every kind of this family takes where nothing is said.
pub(super) mod default {
    /// The credential's name.
    pub(in crate::check) fn credential() -> Option<String> {
        Some("fhir-reader".to_owned())
    }
    /// The most questions that one check asks.
    pub(in crate::check) fn most_questions() -> u32 {
        60
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::target;
    use super::*;

    #[test]
    fn references_are_read_from_fixtures_and_nothing_else_is() {
        let target = target("fixtures: {one: p-1, several: [Device/d-1, Observation/o.2], bad: 'Patient/../x', worse: 'Patient/a?b'}\n");
        assert_eq!(references(&target, "one", "Patient").unwrap(), ["Patient/p-1"]);
        assert_eq!(references(&target, "several", "Patient").unwrap(), ["Device/d-1", "Observation/o.2"]);
        assert_eq!(references(&target, "none", "Patient").unwrap(), [""; 0]);
        for bad in ["bad", "worse"] {
            assert!(references(&target, bad, "Patient").is_err());
        }
        assert!(!is_reference("Patient/..") && !is_reference("patient/1") && is_reference("Patient/1"));
    }

    #[test]
    fn values_of_queries_are_encoded() {
        assert_eq!(query_value("http://loinc.org|29463-7"), "http%3A%2F%2Floinc.org%7C29463-7");
    }
}
