//! Whether a FHIR service hands out the data of a group of people as it claims: FHIR Bulk Data Access.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, StatusPattern};
use super::fhir::{Client, FHIR_JSON, Reply, Talk, begin, default, outcome_fault, recommended, references, status, told};
use super::{Facts, Kind, On, Probes};
use crate::format::date_time::date_time;
use crate::probe::{MOST_BODY_BYTES, ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Where the service claims bulk export, exports the group of test persons that the target file names as
/// the fixture `fhir-group`: kick-off, status until it is done, manifest, each file of NDJSON, and at the
/// end the deletion, after which the status is gone. An export makes the service work and leaves files
/// behind until they are deleted, so it needs consent to writing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirBulkExport {
    /// How often the status is asked for.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    most_polls: u32,
    /// The longest pause between two of these questions, in seconds; a shorter `Retry-After` is kept.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 60))]
    longest_pause: u32,
    /// How many files are read.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    most_files: u32,
    /// Whether what the standard recommends (SHOULD) is demanded too.
    #[serde(default)]
    recommendations: bool,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
}

fn ten() -> u32 {
    10
}
fn five() -> u32 {
    5
}

/// A step of the export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The wish for an export.
    KickOff,
    /// How far it is.
    Status,
    /// A file with resources of this type.
    File {
        /// The type.
        of: String,
        /// How many there are, where the manifest says so.
        count: Option<u64>,
    },
    /// The deletion.
    Delete,
    /// The status after the deletion.
    Gone,
}

const KICK_OFF: &str = "FHIR Bulk Data Access 2.0.0, export, bulk data kick-off request";
const STATUS: &str = "FHIR Bulk Data Access 2.0.0, export, bulk data status request";
const FILE: &str = "FHIR Bulk Data Access 2.0.0, export, bulk data output file request";
const DELETE: &str = "FHIR Bulk Data Access 2.0.0, export, bulk data delete request";
const NDJSON: &str = "application/fhir+ndjson";

impl Kind for FhirBulkExport {
    const NAME: &'static str = "fhir-bulk-export";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Writes;
    const ON: On = On::Http;
    type Observation = Talk<Step>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Step>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), default::most_questions());
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, false).await? else { return Ok(talk) };
        if !known.claimed.exports() {
            return Ok(talk);
        }
        let group = match references(probes.target(), "fhir-group", "Group").map(|found| found.into_iter().next()) {
            Ok(Some(group)) => group,
            Ok(None) => {
                talk.left.push("the export: the target file names no group of test persons; write `fhir-group: Group/ID` under `fixtures`".into());
                return Ok(talk);
            }
            Err(why) => {
                talk.left.push(why);
                return Ok(talk);
            }
        };
        let path = format!("{group}/$export");
        let request = client.request(&path, "export the test group", true)?.header("Accept", FHIR_JSON).header("Prefer", "respond-async");
        let reply = client.send_again(&request).await?;
        let job = match &reply {
            Reply::Answered(answer) => answer.header("content-location").map(str::to_owned),
            Reply::Trouble(_) | Reply::Spent => None,
        };
        talk.turns.extend(reply.turn(Step::KickOff));
        let Some(job) = job else { return Ok(talk) };
        // From here on there is something to clean up, whatever goes wrong.
        let done = self.export(&mut client, &job, &mut talk).await;
        let delete = Request { method: "DELETE".into(), ..client.request(&job, "delete the export", true)? };
        talk.turns.extend(client.send_again(&delete).await?.turn(Step::Delete));
        let gone = client.request(&job, "see that the export is gone", true)?.header("Accept", "application/json");
        talk.turns.extend(client.send_again(&gone).await?.turn(Step::Gone));
        done.map(|()| talk)
    }

    fn judge(&self, seen: &Talk<Step>, _: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if !claimed.exports() {
            return Verdict::inapplicable("the service claims no bulk export");
        }
        if seen.turns.is_empty() {
            return Verdict::untested(Cause::Missing, seen.left.first().cloned().unwrap_or_else(|| "no export was tried".into()));
        }
        let mut findings = Vec::new();
        let (mut done, mut persons) = (false, None);
        for turn in &seen.turns {
            let answer = match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => answer,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            match &turn.asked {
                Step::KickOff => kick_off(answer, &mut findings),
                Step::Status if answer.status == 202 => {}
                Step::Status => {
                    done = true;
                    manifest(answer, &mut findings);
                }
                Step::File { of, count } => {
                    let found = file(answer, of, *count, &mut findings);
                    if of == "Patient" {
                        persons.get_or_insert_with(Vec::new).extend(found);
                    }
                }
                Step::Delete if answer.status != 202 => {
                    findings.push(status(answer, "bulk-delete", "the deletion of the export is not accepted", "status 202").clause(DELETE));
                }
                Step::Delete => {}
                Step::Gone if answer.status != 404 => {
                    findings.push(status(answer, "bulk-gone", "after its deletion the export is still there", "status 404").clause(DELETE));
                }
                Step::Gone => findings.extend(outcome_fault(answer).map(|f| recommended(self.recommendations, f))),
            }
        }
        let kicked = seen.turns.first().and_then(|t| t.answer.as_deref()).filter(|a| a.status == 202);
        if let Some(answer) = kicked.filter(|_| !done && findings.is_empty()) {
            findings.push(told(answer, Finding::open("bulk-slow", format!("the export was not done after {} questions for its status", self.most_polls))));
        }
        if let (Some(persons), Some(answer)) = (&persons, kicked)
            && let Some(id) = seen.person.strip_prefix("Patient/")
            && !persons.iter().any(|p| p == id)
        {
            let finding = Finding::error("bulk-person", "the test person is not among the exported");
            findings.push(told(answer, finding).expected(seen.person.clone()).observed(&format!("{} others", persons.len())).clause(FILE));
        }
        let files = seen.turns.iter().filter(|t| matches!(t.asked, Step::File { .. })).count();
        seen.verdict(&findings, "bulk export", &format!("kick-off, manifest, {files} files and deletion are as the standard asks"))
    }
}

impl FhirBulkExport {
    /// Waits until the export is done and reads its files.
    async fn export(&self, client: &mut Client<'_>, job: &str, talk: &mut Talk<Step>) -> Result<(), ProbeError> {
        let mut manifest = None;
        for _ in 0..self.most_polls {
            let request = client.request(job, "see how far the export is", true)?.header("Accept", "application/json");
            let reply = client.send_again(&request).await?;
            let (status, wait) = match &reply {
                Reply::Answered(answer) => {
                    manifest = Some(answer.clone()).filter(|a| a.status == 200);
                    (answer.status, answer.header("retry-after").and_then(|v| v.trim().parse::<u32>().ok()))
                }
                Reply::Trouble(_) | Reply::Spent => (0, None),
            };
            talk.turns.extend(reply.turn(Step::Status));
            if status != 202 {
                break;
            }
            let pause = wait.unwrap_or(1).min(self.longest_pause);
            tokio::time::sleep(Duration::from_secs(u64::from(pause))).await;
        }
        let Some(manifest) = manifest.and_then(|m| super::fhir::json(&m)) else { return Ok(()) };
        let with_credential = manifest.get("requiresAccessToken").and_then(Value::as_bool) != Some(false);
        let output = manifest.get("output").and_then(Value::as_array).into_iter().flatten();
        for (n, item) in output.enumerate() {
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            let (Some(of), Some(address)) = (text("type"), text("url")) else { continue };
            if n >= self.most_files as usize {
                talk.left.push(format!("a file of {of}: {} files were read", self.most_files));
                continue;
            }
            let Ok(request) = client.request(address, "read an exported file", with_credential) else {
                talk.left.push(format!("a file of {of}: its address cannot be asked"));
                continue;
            };
            let request = request.header("Accept", NDJSON).max_body(MOST_BODY_BYTES).gzip();
            let step = Step::File { of: of.to_owned(), count: item.get("count").and_then(Value::as_u64) };
            talk.turns.extend(client.send_again(&request).await?.turn(step));
        }
        Ok(())
    }
}

fn kick_off(answer: &Answer, out: &mut Vec<Finding>) {
    if answer.status != 202 {
        out.push(status(answer, "bulk-kick-off", "the claimed export does not begin", "status 202").clause(KICK_OFF));
    } else if answer.header("content-location").is_none_or(|l| url::Url::parse(l).is_err()) {
        let finding = Finding::error("bulk-kick-off", "the answer to the kick-off does not say where the status is");
        let seen = answer.header("content-location").unwrap_or("none");
        out.push(told(answer, finding).expected("Content-Location with an absolute address").observed(seen).clause(KICK_OFF));
    }
}

fn manifest(answer: &Answer, out: &mut Vec<Finding>) {
    if answer.status != 200 {
        out.push(status(answer, "bulk-status", "the export does not come to its end", "status 200 with a manifest").clause(STATUS));
        return;
    }
    let error = |message: &str, expected: &str| told(answer, Finding::error("bulk-manifest", message)).expected(expected).clause(STATUS);
    let Some(value) = super::fhir::json(answer).filter(|_| answer.is_json()) else {
        out.push(error("the manifest is not JSON", "application/json").observed(answer.header("content-type").unwrap_or("none")));
        return;
    };
    let moment = value.get("transactionTime").and_then(Value::as_str);
    if moment.is_none_or(|m| date_time(m).is_err()) {
        out.push(error("the manifest does not tell the moment of its data", "transactionTime as an instant").observed(moment.unwrap_or("none")));
    }
    if value.get("request").and_then(Value::as_str).is_none_or(str::is_empty) {
        out.push(error("the manifest does not tell which request it answers", "request"));
    }
    if value.get("requiresAccessToken").and_then(Value::as_bool).is_none() {
        out.push(error("the manifest does not tell whether its files need a credential", "requiresAccessToken as true or false"));
    }
    for key in ["output", "error"] {
        if value.get(key).and_then(Value::as_array).is_none() {
            out.push(error(&format!("the manifest has no list `{key}`"), &format!("{key}, empty where there is nothing")));
        }
    }
    let whole = |item: &Value| ["type", "url"].iter().all(|key| item.get(*key).is_some_and(Value::is_string));
    if value.get("output").and_then(Value::as_array).is_some_and(|items| !items.iter().all(whole)) {
        out.push(error("an output of the manifest lacks its type or address", "type and url of each output"));
    }
}

/// Judges a file line by line, and gives the ids in it.
fn file(answer: &Answer, of: &str, count: Option<u64>, out: &mut Vec<Finding>) -> Vec<String> {
    let error = |rule: &str, message: String, expected: &str| told(answer, Finding::error(rule, message)).expected(expected).clause(FILE);
    if answer.status != 200 {
        out.push(status(answer, "bulk-file", format!("a file of {of} cannot be read"), "status 200").clause(FILE));
        return Vec::new();
    }
    if answer.media_type() != NDJSON {
        out.push(error("bulk-file-type", "the media type of a file is not that of NDJSON".into(), NDJSON).observed(&answer.media_type()));
    }
    let Some(text) = answer.text.as_deref() else {
        out.push(error("bulk-file", format!("a file of {of} is not UTF-8"), "UTF-8"));
        return Vec::new();
    };
    let (mut ids, mut lines) = (Vec::new(), 0u64);
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        lines += 1;
        let value: Option<Value> = serde_json::from_str(line).ok();
        let came = value.as_ref().and_then(|v| v.get("resourceType")?.as_str());
        if came != Some(of) {
            let seen = came.unwrap_or("no resource");
            out.push(error("bulk-line", format!("line {} of a file of {of} is something else", n + 1), of).observed(seen));
            return ids;
        }
        ids.extend(value.as_ref().and_then(|v| v.get("id")?.as_str()).map(str::to_owned));
    }
    if let Some(count) = count.filter(|count| *count != lines) {
        out.push(error("bulk-count", format!("a file of {of} has another number of lines than the manifest says"), &count.to_string()).observed(&lines.to_string()));
    }
    ids
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const METADATA: &str = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","operation":[{"name":"export","definition":"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}]}]}"#;
    const MANIFEST: &str = r#"{"transactionTime":"2026-11-22T10:00:00Z","request":"https://a.example/x","requiresAccessToken":true,"output":[{"type":"Patient","url":"https://a.example/f"}],"error":[]}"#;
    const LINES: &str = "{\"resourceType\":\"Patient\",\"id\":\"p-1\"}\n{\"resourceType\":\"Patient\",\"id\":\"p-2\"}\n";

    fn sound() -> Vec<(Step, Answer)> {
        let gone = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#;
        vec![
            (Step::KickOff, answer(202, &[("Content-Location", "https://api.test/job/1")], "")),
            (Step::Status, answer(202, &[("Retry-After", "1")], "")),
            (Step::Status, answer(200, &[("Content-Type", "application/json")], MANIFEST)),
            (Step::File { of: "Patient".into(), count: Some(2) }, answer(200, &[("Content-Type", NDJSON)], LINES)),
            (Step::Delete, answer(202, &[], "")),
            (Step::Gone, answer(404, &[("Content-Type", FHIR_JSON)], gone)),
        ]
    }
    fn judge(metadata: &str, steps: Vec<(Step, Answer)>) -> Verdict {
        let check: FhirBulkExport = kind("{}");
        let metadata = answer(200, &[("Content-Type", FHIR_JSON)], metadata);
        let turns = steps.into_iter().map(|(asked, seen)| Turn { asked, answer: Some(Box::new(seen)), trouble: None }).collect();
        let talk = Talk { metadata: Some(Box::new(metadata)), person: "Patient/p-1".into(), turns, ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn with(step: usize, seen: Answer) -> Verdict {
        let mut steps = sound();
        steps[step].1 = seen;
        judge(METADATA, steps)
    }

    #[test]
    fn exports_are_as_the_standard_asks_or_fail_for_their_reason() {
        assert_eq!(judge(METADATA, sound()).outcome, Outcome::Passed, "{}", judge(METADATA, sound()).reason);
        let json = [("Content-Type", "application/json")];
        let lines = |text: &str| answer(200, &[("Content-Type", NDJSON)], text);
        for (step, seen, why) in [
            (0, answer(200, &json, "{}"), "does not begin"),
            (0, answer(202, &[], ""), "where the status is"),
            (2, answer(500, &json, "{}"), "come to its end"),
            (2, answer(200, &json, &MANIFEST.replace("2026-11-22T10:00:00Z", "yesterday")), "moment"),
            (2, answer(200, &json, &MANIFEST.replace("true", "\"yes\"")), "credential"),
            (2, answer(200, &json, &MANIFEST.replace(",\"error\":[]", "")), "no list `error`"),
            (3, answer(200, &json, LINES), "media type"),
            (3, lines(&LINES.replace("}\n{", "},\n{")), "line 1"),
            (3, lines(&LINES.replacen("Patient", "Device", 1)), "line 1"),
            (3, lines(LINES.lines().next().unwrap()), "number of lines"),
            (3, lines(&LINES.replace("p-1", "p-3")), "test person"),
            (4, answer(405, &json, "{}"), "deletion"),
            (5, answer(200, &json, MANIFEST), "still there"),
        ] {
            let verdict = with(step, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn what_is_not_claimed_or_not_done_is_no_failure() {
        assert_eq!(judge(r#"{"resourceType":"CapabilityStatement"}"#, sound()).outcome, Outcome::Inapplicable);
        assert_eq!(judge(METADATA, Vec::new()).outcome, Outcome::Untested);
        let mut slow = sound();
        slow.remove(3);
        slow.remove(2);
        assert_eq!(judge(METADATA, slow).outcome, Outcome::CantTell);
        assert_eq!(with(0, answer(503, &[], "")).outcome, Outcome::CantTell);
    }
}
