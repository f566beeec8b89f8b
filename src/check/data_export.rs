//! The export of the test person's data: it arrives, can be read, and nothing that was seeded is lost.

use std::io::{Cursor, Read};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::answer::{Answer, Answers};
use super::answer_format::{MediaTypes, body};
use super::{Facts, Kind, On, Probes};
use crate::format::export::{Export, ExportForm};
use crate::probe::{Exchange, ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Outcome, Untrusted, Verdict};

/// An export that is being prepared is asked for again at most this often; a limit of ours.
const MAX_ASKS: u32 = 20;

/// The longest that an export is waited for, in seconds; a limit of ours, so that a profile cannot hold a run up.
const MAX_WAIT: u64 = 600;

/// Files that are read from one archive, and the bytes they may have together; limits of ours.
const MAX_FILES: usize = 200;
const MAX_UNPACKED: u64 = 64 << 20;

/// Fetches the export of the test person's data, waits where it is being prepared, and looks in it for every
/// record that the vendor says it seeded: the list of records that the target file names among its fixtures,
/// each with its key first. Values are compared by what they mean, whatever the export calls them and however
/// it arranges them. JSON, NDJSON, CSV, XML and a ZIP archive of these are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataExport {
    /// The path; from the root of the origin with `/` in front, else from the endpoint's address.
    /// `{name}` stands for a fixture of the target file, a word or a list of words.
    #[serde(default = "default_path")]
    path: String,
    /// The fixture of the target file that lists the seeded records.
    #[serde(default = "default_records")]
    records: String,
    /// The media types that are asked for and accepted.
    media_types: Vec<String>,
    /// How many seconds an export that is being prepared (status 202) is waited for, up to 600.
    #[serde(default = "default_wait")]
    wait_seconds: u16,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

fn default_path() -> String {
    "{export}".into()
}

fn default_records() -> String {
    "export-records".into()
}

fn default_wait() -> u16 {
    30
}

/// What came of asking for an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExportSeen {
    #[serde(flatten)]
    answers: Answers,
    /// The files of archives among the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<ExportFile>,
    /// How many seconds were spent waiting for exports that were being prepared.
    #[serde(default)]
    waited: u64,
}

/// One file of an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ExportFile {
    /// Which answer's archive holds it.
    answer: usize,
    name: String,
    /// Its text, where it is UTF-8 of a form that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

impl Kind for DataExport {
    const NAME: &'static str = "data-export";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = ExportSeen;

    async fn observe(&self, probes: &Probes) -> Result<ExportSeen, ProbeError> {
        let mut seen = ExportSeen { answers: Answers::default(), files: Vec::new(), waited: 0 };
        let paths = match super::answer::paths(&self.path, probes.target()) {
            Ok(paths) => paths,
            Err(missing) => return Ok(ExportSeen { answers: Answers::missing(missing), ..seen }),
        };
        for path in paths {
            let exchange = self.fetch(probes, probes.address(&path)?, &mut seen.waited).await?;
            if exchange.media_type().is_some_and(|kind| kind == "application/zip") && exchange.is_whole() {
                seen.files.extend(unpack(seen.answers.answers.len(), exchange.body()));
            }
            seen.answers.answers.push(Answer::from(&*exchange));
        }
        Ok(seen)
    }

    fn judge(&self, seen: &ExportSeen, facts: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.answers.unasked() {
            return verdict;
        }
        let asks = "the export of the test person's data";
        let mut export = Export::default();
        let mut findings = Vec::new();
        for (i, answer) in seen.answers.answers.iter().enumerate() {
            if answer.status == 202 {
                let said = answer.header("retry-after").map(|value| format!(", and the service says to come back in {} seconds", Untrusted::new(value)));
                let reason = format!("{asks} is being prepared; after {} seconds it was not there{}", seen.waited, said.unwrap_or_default());
                return Verdict::cant_tell(Cause::Target, reason).with(answer.status_evidence("status 200 with the export"));
            }
            if answer.media_type() == "application/zip" && (200..300).contains(&answer.status) && answer.cut.is_none() {
                if !self.media_types.iter().any(|kind| kind == "application/zip") {
                    return Verdict::failed(format!("{asks}: the media type is not {}", self.media_types.join(" or "))).with(answer.status_evidence("another media type"));
                }
                for file in seen.files.iter().filter(|file| file.answer == i) {
                    let form = ExportForm::of_name(&file.name);
                    match (&file.text, &file.trouble, form) {
                        (Some(text), _, Some(form)) => findings.extend(export.read(form, &file.name, text).into_iter().map(|f| super::answer_format::within(f, &file.name))),
                        (_, Some(trouble), _) => findings.push(Finding::open("archive", "a file of the archive was not read").at(file.name.clone()).observed(trouble)),
                        // Pictures and papers beside the data are welcome.
                        (None, None, _) | (Some(_), None, None) => {}
                    }
                }
                continue;
            }
            let text = match body(answer, asks, MediaTypes::Named(&self.media_types)) {
                Ok(text) => text,
                Err(verdict) => return *verdict,
            };
            let Some(form) = ExportForm::of_media_type(&answer.media_type()) else {
                return Verdict::cant_tell(Cause::Limit, format!("{asks} is {}, which this program does not read", answer.media_type()))
                    .with(answer.status_evidence("JSON, NDJSON, CSV, XML or a ZIP archive of these"));
            };
            let question = answer.question();
            findings.extend(export.read(form, &question, text).into_iter().map(|f| super::answer_format::within(f, &question)));
        }
        let unreadable = Verdict::from_findings(&findings, asks);
        if !matches!(unreadable.outcome, Outcome::Passed) {
            return unreadable;
        }
        let records = match self.seeded(facts) {
            Ok(records) => records,
            Err(verdict) => return *verdict,
        };
        let verdict = if export.is_empty() {
            Verdict::failed(format!("{asks} holds no data"))
        } else {
            findings.extend(export.losses(&records));
            Verdict::from_findings(&findings, asks)
        };
        let evidence = seen.answers.answers.iter().take(5).map(|a| a.status_evidence(format!("an export with all {} records", records.len())));
        verdict.with_all(evidence)
    }
}

impl DataExport {
    /// Asks until the export is there or the patience of the profile is at its end.
    async fn fetch(&self, probes: &Probes, url: Url, waited: &mut u64) -> Result<std::sync::Arc<Exchange>, ProbeError> {
        let patience = u64::from(self.wait_seconds).min(MAX_WAIT);
        let with = |url: Url| {
            let request = Request::get(url, "fetch the export of the test person's data").header("Accept", self.media_types.join(", ")).gzip();
            match self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                Some(name) => request.credential(name),
                None => request,
            }
        };
        let mut exchange = probes.door().ask(&with(url.clone())).await?;
        // Where it will be is said once, by the answer that took the order.
        let place = [exchange.header("content-location"), exchange.header("location")].into_iter().flatten().find_map(|place| url.join(place).ok());
        let url = place.filter(|place| place.origin() == url.origin()).unwrap_or(url);
        for _ in 0..MAX_ASKS {
            if exchange.status() != 202 || *waited >= patience {
                break;
            }
            let pause = exchange.header("retry-after").and_then(|value| value.parse::<u64>().ok()).unwrap_or(1).max(1);
            // Who is told that it will take longer than can be waited need not wait.
            if pause > patience - *waited {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
            *waited += pause;
            exchange = probes.door().ask_again(&with(url.clone())).await?;
        }
        Ok(exchange)
    }

    /// The records that the vendor says it seeded.
    fn seeded(&self, facts: &Facts<'_>) -> Result<Vec<Map<String, Value>>, Box<Verdict>> {
        let name = &self.records;
        let Some(value) = facts.target.fixtures.get(name) else {
            let reason = format!("the export can be read; the target file does not list the seeded records as `{name}` under `fixtures`, so nobody can tell whether it is whole");
            return Err(Box::new(Verdict::untested(Cause::Missing, reason)));
        };
        let records: Option<Vec<Map<String, Value>>> = value.as_array().map(|list| list.iter().filter_map(Value::as_object).cloned().collect());
        records.filter(|records| !records.is_empty() && records.iter().all(|record| !record.is_empty())).ok_or_else(|| {
            Box::new(Verdict::untested(Cause::Missing, format!("`{name}` under `fixtures` is no list of records, each with its key first")))
        })
    }
}

/// The files of an archive that can be read, within limits.
fn unpack(answer: usize, bytes: &[u8]) -> Vec<ExportFile> {
    let file = |name: &str, text: Option<String>, trouble: Option<String>| ExportFile { answer, name: name.to_owned(), text, trouble };
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return vec![file("the archive", None, Some(error.to_string()))],
    };
    let mut files = Vec::new();
    let mut left = MAX_UNPACKED;
    for i in 0..archive.len() {
        if i >= MAX_FILES {
            files.push(file("the archive", None, Some(format!("more than {MAX_FILES} files"))));
            break;
        }
        let mut entry = match archive.by_index(i) {
            Ok(entry) => entry,
            Err(error) => {
                files.push(file("a file", None, Some(error.to_string())));
                continue;
            }
        };
        let name = entry.name().map_or_else(|_| "a file".to_owned(), std::borrow::Cow::into_owned);
        if entry.is_dir() || ExportForm::of_name(&name).is_none() {
            continue;
        }
        let mut content = Vec::new();
        // What an archive says of sizes is not believed.
        let read = entry.by_ref().take(left + 1).read_to_end(&mut content);
        let length = content.len() as u64;
        files.push(match (read, String::from_utf8(content)) {
            (Err(error), _) => file(&name, None, Some(error.to_string())),
            (Ok(_), _) if length > left => file(&name, None, Some(format!("more than {MAX_UNPACKED} bytes are packed"))),
            (Ok(_), Err(_)) => file(&name, None, Some("not UTF-8".into())),
            (Ok(_), Ok(text)) => file(&name, Some(text), None),
        });
        left = left.saturating_sub(length);
    }
    files
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;

    const CHECK: &str = "{media-types: [application/json, text/csv, application/zip, application/pdf]}";
    const FIXTURES: &str = "fixtures: {export-records: [{id: r-1, name: Grüße}, {id: a-1, at: '2026-11-02T02:30:00+01:00', value: 71.5}]}\n";
    const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
    const ZIP: [(&str, &str); 1] = [("Content-Type", "application/zip")];
    const SOUND: &str = r#"{"who": {"id": "r-1", "name": "Grüße"}, "what": [{"id": "a-1", "at": "2026-11-02T01:30:00Z", "value": 71.50}]}"#;

    fn judged(fixtures: &str, answer: Answer, files: Vec<ExportFile>) -> Verdict {
        let check: DataExport = kind(CHECK);
        let seen = ExportSeen { answers: answers(vec![answer]), files, waited: 3 };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(fixtures), endpoint: Some("api") })
    }

    #[test]
    fn whole_exports_pass_and_each_defect_fails_for_its_reason() {
        let sound = judged(FIXTURES, answer(200, &JSON, SOUND), vec![]);
        assert_eq!(sound.outcome, Outcome::Passed, "{sound:?}");
        for (text, why) in [
            (SOUND.replace("a-1", "a-2"), "`a-1` is not in the export"),
            (SOUND.replace("71.50", "71"), "its value is not as it was"),
            (SOUND.replace("Grüße", "Gr??e"), "its name is not as it was"),
            (SOUND.replace("]}", "]"), "cannot be read"),
            ("{}".to_owned(), "holds no data"),
        ] {
            let verdict = judged(FIXTURES, answer(200, &JSON, &text), vec![]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judged(FIXTURES, answer(404, &JSON, ""), vec![]).outcome, Outcome::Failed);
        assert_eq!(judged(FIXTURES, answer(200, &[("Content-Type", "image/png")], ""), vec![]).outcome, Outcome::Failed);
    }

    #[test]
    fn trouble_is_not_failure() {
        assert_eq!(judged(FIXTURES, answer(202, &JSON, ""), vec![]).outcome, Outcome::CantTell);
        assert_eq!(judged(FIXTURES, answer(503, &JSON, ""), vec![]).outcome, Outcome::CantTell);
        assert_eq!(judged("", answer(200, &JSON, SOUND), vec![]).outcome, Outcome::Untested);
        assert_eq!(judged("fixtures: {export-records: []}\n", answer(200, &JSON, SOUND), vec![]).outcome, Outcome::Untested);
        assert_eq!(judged(FIXTURES, answer(200, &[("Content-Type", "application/pdf")], "%PDF"), vec![]).outcome, Outcome::CantTell);
    }

    #[test]
    fn archives_are_read_with_limits() {
        let pack = |files: &[(&str, &[u8])]| {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, bytes) in files {
                zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
            }
            zip.finish().unwrap().into_inner()
        };
        let table = "id,at,value\r\na-1,2026-11-02T02:30:00+01:00,71.5\r\n";
        let files = unpack(0, &pack(&[("who.json", r#"{"id": "r-1", "name": "Grüße"}"#.as_bytes()), ("a/alarms.csv", table.as_bytes()), ("photo.png", b"\x89PNG")]));
        assert_eq!(files.len(), 2);
        let verdict = judged(FIXTURES, answer(200, &ZIP, ""), files);
        assert_eq!(verdict.outcome, Outcome::Passed, "{verdict:?}");
        let latin = unpack(0, &pack(&[("who.json", b"{\"id\": \"r-1\", \"name\": \"Gr\xfc\xdfe\"}")]));
        assert_eq!(judged(FIXTURES, answer(200, &ZIP, ""), latin).outcome, Outcome::CantTell);
        assert_eq!(judged(FIXTURES, answer(200, &ZIP, ""), unpack(0, b"PK no archive")).outcome, Outcome::CantTell);
        let bomb = unpack(0, &pack(&[("a.json", &vec![b' '; usize::try_from(MAX_UNPACKED).unwrap() + 2])]));
        assert!(bomb[0].trouble.as_deref().unwrap().contains("bytes"));
    }
}
