//! Reading a bundle, whole or partial.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::Manifest;
use super::store::Files;
use super::v1::{AssessmentV1, ResultV1};
use super::writer::Head;
use super::{ASSESSMENT, BundleError, EXCHANGES, FORMAT, FORMAT_VERSION, JOURNAL, MANIFEST, OBSERVATIONS, PROFILE, RESULTS, TARGET};
use super::{exchange, is_sha256, sha256};
use crate::assess::{Assessment, CheckResult, Completion, Traffic, digest};
use crate::document::Mistake;
use crate::profile::Profile;
use crate::target::Target;

/// A bundle that was read.
#[derive(Debug)]
pub struct Bundle {
    pub(super) files: Files,
    assessment: Assessment,
    sealed: bool,
}

impl Bundle {
    /// Reads a bundle from a folder or a zip file. One that was not sealed is read as far as it goes:
    /// results so far, and the remainder `untested`.
    ///
    /// # Errors
    /// No bundle, a hostile one, or one whose files cannot be understood.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let files = Files::open(path)?;
        let sealed = files.has(MANIFEST);
        let assessment = if files.has(ASSESSMENT) {
            let v1: AssessmentV1 = json(&files, ASSESSMENT)?;
            Assessment::from(v1)
        } else {
            partial(&files)?
        };
        Ok(Self { files, assessment, sealed })
    }

    /// The assessment.
    pub fn assessment(&self) -> &Assessment {
        &self.assessment
    }
    /// Whether the bundle was brought to its end: it has its manifest.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }
    /// The SHA-256 of the manifest, and so of everything: what to compare when the bundle came by one
    /// way and its fingerprint by another.
    pub fn fingerprint(&self) -> Option<String> {
        Some(sha256(&self.files.read(MANIFEST).ok()?))
    }

    /// The profile as it was in force.
    ///
    /// # Errors
    /// The file is missing, or what is wrong in it.
    pub fn profile(&self) -> Result<Profile, Vec<Mistake>> {
        let wrong = |why: String| vec![Mistake::new(PROFILE, why)];
        let bytes = self.files.read(PROFILE).map_err(|e| wrong(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| wrong(e.to_string()))?;
        Profile::parse(vec![(PROFILE.into(), text)])
    }
    /// The target file.
    ///
    /// # Errors
    /// The file is missing or no target file.
    pub fn target(&self) -> Result<Target, BundleError> {
        json(&self.files, TARGET)
    }
    /// What a result rests on, by the hash that the result names.
    ///
    /// # Errors
    /// It is missing, or is not what its name says.
    pub fn observation(&self, hash: &str) -> Result<Value, BundleError> {
        let name = file_name(OBSERVATIONS, hash)?;
        let kept: Value = json(&self.files, &name)?;
        if digest(&kept) == hash {
            return Ok(kept);
        }
        let whole = exchange::put_back(kept, &mut |hash| {
            let name = file_name(EXCHANGES, hash)?;
            let exchange: Value = json(&self.files, &name)?;
            if digest(&exchange) == hash { Ok(exchange) } else { Err(BundleError::damaged(&name, "its content is not what its name says")) }
        })?;
        if digest(&whole) == hash { Ok(whole) } else { Err(BundleError::damaged(&name, "its content is not what its name says")) }
    }

    /// Writes the bundle as a zip file: the same bytes for the same bundle.
    ///
    /// # Errors
    /// The file exists, the system refuses, or a file cannot be read.
    pub fn pack(&self, to: &Path) -> Result<(), BundleError> {
        let file = File::create_new(to).map_err(BundleError::io("cannot write", to))?;
        let packed = |error: zip::result::ZipError| BundleError::Io { what: "cannot write", path: to.to_owned(), source: error.into() };
        let mut zip = ZipWriter::new(std::io::BufWriter::new(file));
        // No clock: the time of a file says nothing that the bundle does not say itself.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        for name in self.files.sizes().keys() {
            zip.start_file(name, options).map_err(packed)?;
            self.files.copy_to(name, &mut zip)?.map_err(BundleError::io("cannot write", to))?;
        }
        zip.finish().map_err(packed)?.flush().map_err(BundleError::io("cannot write", to))
    }

    pub(super) fn manifest(&self) -> Result<Manifest, BundleError> {
        json(&self.files, MANIFEST)
    }
    /// The results as they were written while running.
    pub(super) fn recorded(&self) -> Result<Vec<CheckResult>, BundleError> {
        Ok(results(&self.files)?.1)
    }
}

/// The assessment of a run that was stopped: what it had, and the rest as its plan left it.
fn partial(files: &Files) -> Result<Assessment, BundleError> {
    let (head, recorded) = results(files)?;
    let mut assessment = Assessment::from(head.unasked);
    if recorded.len() > assessment.results.len() {
        return Err(BundleError::damaged(RESULTS, "it has more results than its plan"));
    }
    for (planned, result) in assessment.results.iter_mut().zip(recorded) {
        if (&planned.requirement, planned.check, &planned.endpoint) != (&result.requirement, result.check, &result.endpoint) {
            return Err(BundleError::damaged(
                RESULTS,
                format!("a result for {} stands where its plan has {}", result.requirement, planned.requirement),
            ));
        }
        let asked = std::time::Duration::from_millis(result.milliseconds);
        assessment.finished = assessment.finished.checked_add(asked.try_into().unwrap_or_default()).unwrap_or(assessment.finished);
        *planned = result;
    }
    assessment.completion = Completion::Interrupted;
    assessment.traffic = traffic(files);
    Ok(assessment)
}

/// The plan and the results of `results.jsonl`; a last line that was torn is left out.
fn results(files: &Files) -> Result<(Head, Vec<CheckResult>), BundleError> {
    let bytes = files.read(RESULTS)?;
    let wrong = |number: usize, why: String| BundleError::damaged(RESULTS, format!("line {number}: {why}"));
    let mut lines = whole_lines(&bytes).enumerate().map(|(index, line)| (index + 1, line));
    let Some((_, first)) = lines.next() else {
        return Err(BundleError::damaged(RESULTS, "the run was stopped before it had a plan"));
    };
    let head: Head = serde_json::from_slice(first).map_err(|e| wrong(1, e.to_string()))?;
    if head.format != FORMAT || head.format_version != FORMAT_VERSION {
        return Err(wrong(1, format!("format {} {}, expected {FORMAT} {FORMAT_VERSION}", head.format, head.format_version)));
    }
    let mut results = Vec::new();
    for (number, line) in lines {
        let result: ResultV1 = serde_json::from_slice(line).map_err(|e| wrong(number, e.to_string()))?;
        results.push(CheckResult::from(result));
    }
    Ok((head, results))
}

/// What went over the wire, by the journal; what is not there is not counted.
fn traffic(files: &Files) -> Traffic {
    let mut traffic = Traffic::default();
    let Ok(bytes) = files.read(JOURNAL) else { return traffic };
    for entry in whole_lines(&bytes).filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
        let number = |name: &str| entry.get(name).and_then(Value::as_u64).unwrap_or_default();
        traffic.sent = traffic.sent.saturating_add(number("bytes_out"));
        traffic.received = traffic.received.saturating_add(number("bytes_in"));
        let new =
            entry.get("reused").and_then(Value::as_bool) != Some(true) && entry.get("ending").and_then(Value::as_str) != Some("not-tried");
        traffic.connections += u64::from(new);
    }
    traffic
}

/// The lines that have their end.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

fn file_name(folder: &str, hash: &str) -> Result<String, BundleError> {
    if is_sha256(hash) { Ok(format!("{folder}/{hash}.json")) } else { Err(BundleError::damaged(folder, "a reference that is no SHA-256")) }
}

fn json<T: DeserializeOwned>(files: &Files, name: &str) -> Result<T, BundleError> {
    serde_json::from_slice(&files.read(name)?).map_err(|e| BundleError::damaged(name, e))
}
