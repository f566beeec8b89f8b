//! Writing a bundle while a run goes on.
//!
//! What is known at the start is written at the start; results, observations and connections are
//! written as they come, each by one write to the system, so that a killed process loses nothing that
//! it had. Trouble with the disk does not stop the run: it is kept and told at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Sum};
use super::v1::{AssessmentV1, ResultV1, ToolV1};
use super::withhold::{is_marked, mark, withhold};
use super::{
    ASSESSMENT, BundleError, EXCHANGES, FORMAT, FORMAT_VERSION, JOURNAL, MANIFEST, OBSERVATIONS, PROFILE, README, RESULTS, TARGET,
    exchange, hex, is_sha256, json, readme, sha256,
};
use crate::assess::{Assessment, CheckResult, Completion, Event, Options, Plan, ProfileReference, Tool, Traffic, digest};
use crate::profile::Profile;
use crate::target::Target;
use crate::verdict::{Cause, Redactor, Verdict};

/// What a bundle is about.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The profile that is asked, overlays applied.
    pub profile: &'a Profile,
    /// The target.
    pub target: &'a Target,
    /// How the run is made.
    pub options: &'a Options,
    /// The secrets that no file may hold.
    pub redactor: &'a Redactor,
    /// Whether an earlier bundle in the folder is replaced.
    pub force: bool,
}

/// The first line of `results.jsonl`: the assessment as it would be if nothing were asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// Always `probity-bundle`.
    pub(super) format: String,
    /// Version of the layout.
    pub(super) format_version: u32,
    /// One result for each step of the plan: known without asking, or not yet tested.
    pub(super) unasked: AssessmentV1,
}

/// Writes one bundle.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    redactor: Redactor,
    head: Assessment,
    results: Appended,
    journal: JournalWriter,
    sums: BTreeMap<String, Sum>,
    redacted: BTreeSet<String>,
    /// The hash of each observation that was changed, and what it is now.
    changed: BTreeMap<String, String>,
    trouble: Option<BundleError>,
}

/// Writes the journal of a bundle; for the door's sink, from any thread.
#[derive(Debug, Clone)]
pub struct JournalWriter {
    shared: Arc<Mutex<Journal>>,
}

#[derive(Debug)]
struct Journal {
    file: Appended,
    redactor: Redactor,
    redacted: bool,
    trouble: Option<BundleError>,
}

/// A file that grows by lines.
#[derive(Debug)]
struct Appended {
    file: File,
    path: PathBuf,
    hash: Sha256,
    size: u64,
}

impl Writer {
    /// Makes the folder and writes what is known before the run.
    ///
    /// # Errors
    /// The folder holds something, or the system refuses.
    pub fn create(folder: &Path, opening: &Opening<'_>) -> Result<Self, BundleError> {
        empty(folder, opening.force)?;
        for name in [OBSERVATIONS, EXCHANGES] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(BundleError::io("cannot make", &path))?;
        }
        let (profile, target, options) = (opening.profile, opening.target, opening.options);
        let tool = Tool::this();
        let readme = readme::readme(&tool, profile, target);
        let journal =
            Journal { file: Appended::create(folder.join(JOURNAL))?, redactor: opening.redactor.clone(), redacted: false, trouble: None };
        let mut writer = Self {
            folder: folder.to_owned(),
            redactor: opening.redactor.clone(),
            head: Assessment {
                tool,
                profile: ProfileReference {
                    id: profile.id.clone(),
                    version: profile.version.clone(),
                    title: profile.title.clone(),
                    sha256: profile.sha256.clone(),
                    overlays: profile.overlays.clone(),
                },
                tier: options.selection.tier,
                only: options.selection.only.clone(),
                target: target.clone(),
                started: options.now,
                finished: options.now,
                completion: Completion::Interrupted,
                pillars: profile.pillars.clone(),
                requirements: Vec::new(),
                results: Vec::new(),
                waivers: options.waivers.clone(),
                equivalents: profile.equivalents.clone(),
                traffic: Traffic::default(),
            },
            results: Appended::create(folder.join(RESULTS))?,
            journal: JournalWriter { shared: Arc::new(Mutex::new(journal)) },
            sums: BTreeMap::new(),
            redacted: BTreeSet::new(),
            changed: BTreeMap::new(),
            trouble: None,
        };
        let readme = opening.redactor.text(&readme);
        writer.file(README, readme.as_bytes())?;
        writer.json(PROFILE, profile.to_value())?;
        writer.json(TARGET, to_value(TARGET, target)?)?;
        Ok(writer)
    }

    #[cfg(test)]
    pub(super) fn unasked(&self) -> Assessment {
        self.head.clone()
    }

    /// The writer of the journal.
    pub fn journal(&self) -> JournalWriter {
        self.journal.clone()
    }

    /// Hears what happens in a run. Trouble is kept for [`Writer::conclude`].
    pub fn listen(&mut self, event: &Event<'_>) {
        let done = match event {
            Event::Planned(plan) => self.planned(plan),
            Event::Result { result, observation } => self.result(result, *observation),
            Event::Pillar(_) | Event::Asking { .. } | Event::Finished(_) => Ok(()),
        };
        if let Err(error) = done {
            self.trouble.get_or_insert(error);
        }
    }

    /// Writes the plan.
    fn planned(&mut self, plan: &Plan) -> Result<(), BundleError> {
        self.head.requirements = plan.requirements.clone();
        self.head.results = plan
            .steps
            .iter()
            .map(|step| step.result(step.known.clone().unwrap_or_else(|| Verdict::untested(Cause::Interrupted, NOT_REACHED))))
            .collect();
        let head = Head { format: FORMAT.into(), format_version: FORMAT_VERSION, unasked: AssessmentV1::from(&self.head) };
        self.head.results.clear();
        self.line(&to_value(RESULTS, &head)?).map(|_| ())
    }

    /// Writes a result and what it rests on.
    fn result(&mut self, result: &CheckResult, observation: Option<&Value>) -> Result<(), BundleError> {
        let mut result = result.clone();
        if let Some(observation) = observation {
            let (kept, found) = withhold(&self.redactor, observation.clone());
            let hash = digest(&kept);
            if found {
                self.changed.insert(digest(observation), hash.clone());
                self.redacted.insert(format!("{OBSERVATIONS}/{hash}.json"));
                mark(&mut result.verdict);
            }
            self.observation(&hash, &kept)?;
            result.observation = Some(hash);
        }
        self.line(&to_value(RESULTS, &ResultV1::from(&result))?).map(|_| ())
    }

    /// Writes the assessment and gives it back as it was written: without secrets, and with a note on
    /// each result from which one was taken. Reports are made from that.
    ///
    /// # Errors
    /// Whatever went wrong with the system since the bundle was begun.
    pub fn conclude(&mut self, assessment: &Assessment) -> Result<Assessment, BundleError> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        let mut assessment = assessment.clone();
        for result in &mut assessment.results {
            if let Some(hash) = result.observation.as_ref().and_then(|hash| self.changed.get(hash)) {
                result.observation = Some(hash.clone());
                mark(&mut result.verdict);
            }
        }
        let found = {
            let mut journal = self.journal.lock();
            if let Some(trouble) = journal.trouble.take() {
                return Err(trouble);
            }
            journal.redacted
        };
        if found {
            self.redacted.insert(JOURNAL.into());
        }
        let value = to_value(ASSESSMENT, &AssessmentV1::from(&assessment))?;
        let (value, found) = withhold(&self.redactor, value);
        if found {
            self.redacted.insert(ASSESSMENT.into());
            let read: AssessmentV1 = serde_json::from_value(value).map_err(|e| BundleError::damaged(ASSESSMENT, e))?;
            assessment = read.into();
        }
        // A secret that no result is to blame for must still be seen by whoever reads the report.
        if !self.redacted.is_empty()
            && !assessment.results.iter().any(|result| is_marked(&result.verdict))
            && let Some(first) = assessment.results.first_mut()
        {
            mark(&mut first.verdict);
        }
        self.json(ASSESSMENT, to_value(ASSESSMENT, &AssessmentV1::from(&assessment))?)?;
        Ok(assessment)
    }

    /// Adds a file that was made from the concluded assessment, such as a report, under a plain name.
    ///
    /// # Errors
    /// The name is taken or no plain name, or the system refuses.
    pub fn attach(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let plain = !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let ours = [README, PROFILE, TARGET, RESULTS, JOURNAL, ASSESSMENT, MANIFEST, OBSERVATIONS, EXCHANGES].contains(&name);
        if !plain || ours || name.is_empty() || name.len() > 100 || self.sums.contains_key(name) {
            return Err(BundleError::Refused(format!("a file cannot be added as {name:?}")));
        }
        if self.redactor.finds(bytes) {
            self.redacted.insert(name.to_owned());
            let clean = self.redactor.bytes(bytes);
            return self.file(name, &clean);
        }
        self.file(name, bytes)
    }

    /// Writes the manifest and gives its SHA-256: the fingerprint of the bundle.
    ///
    /// # Errors
    /// The system refuses.
    pub fn seal(mut self) -> Result<String, BundleError> {
        self.sums.insert(RESULTS.into(), self.results.sum());
        {
            let journal = self.journal.lock();
            self.sums.insert(JOURNAL.into(), journal.file.sum());
        }
        let tool = ToolV1 { name: self.head.tool.name.clone(), version: self.head.tool.version.clone() };
        let manifest = Manifest::new(tool, self.redacted.iter().cloned().collect(), self.sums.clone());
        let bytes = json::pretty(&manifest).map_err(|e| BundleError::damaged(MANIFEST, e))?;
        self.file(MANIFEST, &bytes)?;
        Ok(sha256(&bytes))
    }

    fn observation(&mut self, hash: &str, observation: &Value) -> Result<(), BundleError> {
        let name = format!("{OBSERVATIONS}/{hash}.json");
        if self.sums.contains_key(&name) {
            return Ok(());
        }
        let (kept, exchanges) = exchange::take_out(observation);
        for (hash, exchange) in exchanges {
            let name = format!("{EXCHANGES}/{hash}.json");
            if !self.sums.contains_key(&name) {
                self.file(&name, exchange.to_string().as_bytes())?;
            }
        }
        self.file(&name, kept.to_string().as_bytes())
    }

    fn line(&mut self, value: &Value) -> Result<bool, BundleError> {
        let (value, found) = withhold(&self.redactor, value.clone());
        if found {
            self.redacted.insert(RESULTS.into());
        }
        self.results.line(&value)?;
        Ok(found)
    }

    fn json(&mut self, name: &str, value: Value) -> Result<(), BundleError> {
        let (value, found) = withhold(&self.redactor, value);
        if found {
            self.redacted.insert(name.to_owned());
        }
        let bytes = json::pretty(&value).map_err(|e| BundleError::damaged(name, e))?;
        self.file(name, &bytes)
    }

    /// Writes a file as a whole: a reader sees all of it or nothing.
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let path = self.folder.join(name);
        let partial = path.with_extension("partial");
        fs::write(&partial, bytes).map_err(BundleError::io("cannot write", &partial))?;
        fs::rename(&partial, &path).map_err(BundleError::io("cannot write", &path))?;
        self.sums.insert(name.to_owned(), Sum { size: bytes.len() as u64, sha256: sha256(bytes) });
        Ok(())
    }
}

/// Why a step of a stopped run has no result.
const NOT_REACHED: &str = "the run was stopped before this was asked";

impl JournalWriter {
    /// Writes one entry. Trouble is kept for [`Writer::conclude`].
    pub fn record(&self, entry: &impl Serialize) {
        let mut journal = self.lock();
        let done = to_value(JOURNAL, entry).and_then(|value| {
            let (value, found) = withhold(&journal.redactor, value);
            journal.redacted |= found;
            journal.file.line(&value)
        });
        if let Err(error) = done {
            journal.trouble.get_or_insert(error);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appended {
    fn create(path: PathBuf) -> Result<Self, BundleError> {
        let file =
            OpenOptions::new().create(true).truncate(true).write(true).open(&path).map_err(BundleError::io("cannot write", &path))?;
        Ok(Self { file, path, hash: Sha256::new(), size: 0 })
    }
    /// One write for one line, so that at most the last line can be torn.
    fn line(&mut self, value: &Value) -> Result<(), BundleError> {
        let bytes = json::line(value).map_err(|e| BundleError::damaged(&self.path.display().to_string(), e))?;
        self.file.write_all(&bytes).map_err(BundleError::io("cannot write", &self.path))?;
        self.hash.update(&bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
    fn sum(&self) -> Sum {
        Sum { size: self.size, sha256: hex(&self.hash.clone().finalize()) }
    }
}

fn to_value(name: &str, value: &impl Serialize) -> Result<Value, BundleError> {
    serde_json::to_value(value).map_err(|e| BundleError::damaged(name, e))
}

/// Makes sure that the folder is there and empty. Of an earlier bundle only its own files are removed.
fn empty(folder: &Path, force: bool) -> Result<(), BundleError> {
    fs::create_dir_all(folder).map_err(BundleError::io("cannot make", folder))?;
    if is_empty(folder)? {
        return Ok(());
    }
    let earlier = is_bundle(folder);
    if !earlier || !force {
        return Err(BundleError::Occupied { path: folder.to_owned(), earlier });
    }
    let attached: Vec<String> = fs::read(folder.join(MANIFEST))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok())
        .map(|manifest| manifest.files.into_keys().filter(|name| !name.contains(['/', '\\']) && name != "..").collect())
        .unwrap_or_default();
    let own = [README, PROFILE, TARGET, RESULTS, JOURNAL, ASSESSMENT].map(str::to_owned);
    // The manifest goes first: what is left after a crash in here is not taken for a whole bundle.
    for name in [MANIFEST.to_owned()].into_iter().chain(attached).chain(own) {
        for path in [folder.join(&name), folder.join(&name).with_extension("partial")] {
            if fs::symlink_metadata(&path).is_ok() {
                fs::remove_file(&path).map_err(BundleError::io("cannot remove", &path))?;
            }
        }
    }
    for name in [OBSERVATIONS, EXCHANGES] {
        let below = folder.join(name);
        for entry in fs::read_dir(&below).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.strip_suffix(".json").or(name.strip_suffix(".partial")).is_some_and(is_sha256) {
                fs::remove_file(entry.path()).map_err(BundleError::io("cannot remove", &entry.path()))?;
            }
        }
        // Refuses when something else is in it.
        match fs::remove_dir(&below) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(BundleError::io("cannot remove", &below)(error)),
            Ok(()) | Err(_) => {}
        }
    }
    if is_empty(folder)? { Ok(()) } else { Err(BundleError::Occupied { path: folder.to_owned(), earlier: false }) }
}

fn is_empty(folder: &Path) -> Result<bool, BundleError> {
    Ok(fs::read_dir(folder).map_err(BundleError::io("cannot list", folder))?.next().is_none())
}

fn is_bundle(folder: &Path) -> bool {
    use std::io::Read as _;
    let marks = [format!("\"format\": \"{FORMAT}\""), format!("\"format\":\"{FORMAT}\"")];
    [MANIFEST, RESULTS].into_iter().any(|name| {
        let mut start = Vec::new();
        let read = File::open(folder.join(name)).and_then(|file| file.take(200).read_to_end(&mut start));
        read.is_ok() && marks.iter().any(|mark| start.windows(mark.len()).any(|w| w == mark.as_bytes()))
    })
}
