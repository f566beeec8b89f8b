//! A bundle from its beginning to its end, and what can happen to it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use time::macros::datetime;

use super::{Bundle, BundleError, Opening, Writer};
use crate::assess::{Assessment, Completion, Event, Options, Plan, Selection, Traffic, digest, judge_again};
use crate::check::Facts;
use crate::profile::Profile;
use crate::target::Target;
use crate::verdict::{Cause, Outcome, Redactor};

const PROFILE: &str = r"
profile: test
version: 1.0.0
title: Test profile
summary: For tests.
pillars:
  - {id: one, title: One, title-status: assumed, summary: First.}
  - {id: two, title: Two, title-status: assumed, summary: Second.}
facts:
  voice: {ask: 'Does it carry voice?', type: flag}
  radio: {ask: 'Does it have a radio?', type: flag}
parameters:
  days: {value: 400, meaning: 'days at most', direction: lower}
requirements:
  - {id: A-1, pillar: one, title: t, statement: s, why: w, level: MUST, tier: 1, remedy: r, sources: [{standard: x}], checks: [{attestation: {subject: risk, asks: that, valid-days: $days}}, {attestation: {subject: old, asks: that}}]}
  - {id: A-2, pillar: one, title: t, statement: s, why: w, level: SHOULD, tier: 1, remedy: r, sources: [{standard: x}], applies: voice, checks: [{attestation: {subject: risk, asks: that}}]}
  - {id: B-1, pillar: two, title: t, statement: s, why: w, level: MUST, tier: 1, remedy: r, sources: [{standard: x}], applies: radio, checks: [{attestation: {subject: risk, asks: that}}]}
  - {id: B-2, pillar: two, title: t, statement: s, why: w, level: MUST, tier: 1, remedy: r, sources: [{standard: x}], checks: [{attestation: {subject: none, asks: that}}]}
";

const TARGET: &str = r"
target: 1
product: {name: 'Hub <b>', version: '2.1', vendor: {name: V}}
facts: {voice: false}
endpoints: {api: {url: 'https://a.test/'}}
attestations:
  risk: {statement: We did., person: Eva Example, role: safety officer, date: 2026-01-10, expires: 2027-01-09}
  old: {statement: We did., person: Eva Example, role: safety officer, date: 2024-01-10, expires: 2025-01-09}
fixtures: {note: 'the code is hunter22-secret'}
";

struct Run {
    profile: Profile,
    target: Target,
    options: Options,
    plan: Plan,
}

impl Run {
    fn new() -> Self {
        let profile = Profile::parse(vec![("p.yaml".into(), PROFILE.into())]).unwrap();
        let target = Target::parse("t.yaml", TARGET).unwrap();
        let options = Options {
            selection: Selection::default(),
            now: datetime!(2026-11-22 09:00:00.123456789 +01:00),
            waivers: Vec::new(),
            interrupt: crate::probe::Interrupt::new(),
        };
        let plan = Plan::new(&profile, &target, &options.selection, options.now);
        Self { profile, target, options, plan }
    }
    fn writer(&self, folder: &Path, redactor: &Redactor, force: bool) -> Result<Writer, BundleError> {
        Writer::create(folder, &Opening { profile: &self.profile, target: &self.target, options: &self.options, redactor, force })
    }
    /// Tells the writer the first `count` results, as a run would.
    fn write(&self, writer: &mut Writer, count: usize) -> Assessment {
        let mut assessment = writer.unasked();
        assessment.completion = Completion::Complete;
        assessment.requirements = self.plan.requirements.clone();
        writer.listen(&Event::Planned(&self.plan));
        for (index, step) in self.plan.steps.iter().take(count).enumerate() {
            // The second one is a kind of observation with exchanges; judged, it cannot be told.
            let observation = match index {
                1 => {
                    json!({ "a": { "$exchange": { "status": 200, "body": "é\u{202e}hunter22-observed" } }, "b": { "$exchange": { "status": 404 } } })
                }
                _ => json!("not-named"),
            };
            let (verdict, observation) = match &step.known {
                Some(known) => (known.clone(), None),
                None => {
                    let facts = Facts { now: self.options.now, target: &self.target, endpoint: step.endpoint.as_deref() };
                    (judge_again(&step.check, &observation, &facts), Some(observation))
                }
            };
            let mut result = step.result(verdict);
            result.observation = observation.as_ref().map(digest);
            result.milliseconds = 5;
            writer.listen(&Event::Result { result: &result, observation: observation.as_ref() });
            writer.journal().record(&json!({ "number": index, "bytes_out": 10, "bytes_in": 100, "ending": "answered" }));
            assessment.results.push(result);
        }
        assessment.finished = self.options.now + time::Duration::seconds(3);
        assessment.traffic = Traffic { connections: 3, sent: 30, received: 300 };
        assessment
    }
    fn whole(&self, folder: &Path) -> Assessment {
        let mut writer = self.writer(folder, &Redactor::default(), false).unwrap();
        let assessment = self.write(&mut writer, usize::MAX);
        let concluded = writer.conclude(&assessment).unwrap();
        assert_eq!(to_json(&concluded), to_json(&assessment));
        writer.attach("report.html", b"<!doctype html>").unwrap();
        assert_eq!(writer.seal().unwrap(), Bundle::read(folder).unwrap().fingerprint().unwrap());
        assessment
    }
}

/// A fresh folder below the build's own.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tmp/bundle").join(format!("{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn to_json(assessment: &Assessment) -> Value {
    serde_json::to_value(assessment).unwrap()
}

#[test]
fn a_bundle_gives_back_what_was_put_in_and_judges_the_same() {
    let run = Run::new();
    let at = folder("whole");
    let assessment = run.whole(&at.join("b"));
    let zip = at.join("b.zip");
    Bundle::read(&at.join("b")).unwrap().pack(&zip).unwrap();
    for path in [at.join("b"), zip] {
        let bundle = Bundle::read(&path).unwrap();
        assert!(bundle.is_sealed());
        assert_eq!(to_json(bundle.assessment()), to_json(&assessment));
        assert_eq!(bundle.assessment().results.len(), run.plan.steps.len());
        let verification = bundle.verify();
        assert_eq!(verification.problems, Vec::<String>::new());
        assert!(verification.files > 8 && verification.observations == 2, "{verification:?}");
        let replay = bundle.replay().unwrap();
        assert_eq!(replay.differences, Vec::new());
        assert_eq!((replay.judged, replay.known, replay.unseen), (3, 2, 0));
    }
    // The same bundle gives the same bytes.
    let again = at.join("again.zip");
    Bundle::read(&at.join("b.zip")).unwrap().pack(&again).unwrap();
    assert_eq!(fs::read(at.join("b.zip")).unwrap(), fs::read(again).unwrap());
    assert_eq!(fs::read_dir(at.join("b/exchanges")).unwrap().count(), 2);
    // A JSON text that moves no cursor and turns nothing around.
    for name in ["assessment.json", "results.jsonl"] {
        let text = fs::read_to_string(at.join("b").join(name)).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && crate::verdict::is_harmful(c)));
    }
}

#[test]
fn every_prefix_of_a_run_is_read_and_its_remainder_is_untested() {
    let run = Run::new();
    let at = folder("prefix");
    for count in 0..=run.plan.steps.len() {
        let path = at.join(count.to_string());
        let mut writer = run.writer(&path, &Redactor::default(), false).unwrap();
        let assessment = run.write(&mut writer, count);
        drop(writer);
        // A line that was torn by the kill.
        fs::OpenOptions::new().append(true).open(path.join("results.jsonl")).unwrap().write_all(b"{\"requirement\":\"B-").unwrap();
        let bundle = Bundle::read(&path).unwrap();
        assert!(!bundle.is_sealed());
        let read = bundle.assessment();
        assert_eq!(read.completion, Completion::Interrupted);
        assert_eq!(read.results.len(), run.plan.steps.len());
        assert_eq!(read.results.get(..count), assessment.results.get(..count));
        assert_eq!(read.traffic, Traffic { connections: count as u64, sent: count as u64 * 10, received: count as u64 * 100 });
        for (step, result) in run.plan.steps.iter().zip(&read.results).skip(count) {
            match &step.known {
                Some(known) => assert_eq!(&result.verdict, known),
                None => assert_eq!((result.outcome(), result.verdict.cause), (Outcome::Untested, Some(Cause::Interrupted))),
            }
        }
        assert!(bundle.replay().unwrap().is_same());
        let problems = bundle.verify().problems;
        assert!(matches!(problems.as_slice(), [one] if one.contains("no manifest")), "{problems:?}");
    }
}

#[test]
fn a_bundle_cut_anywhere_is_read_or_refused_and_never_conformant() {
    let run = Run::new();
    let at = folder("cut");
    run.whole(&at.join("b"));
    fs::remove_file(at.join("b/manifest.json")).unwrap();
    fs::remove_file(at.join("b/assessment.json")).unwrap();
    let whole = fs::read(at.join("b/results.jsonl")).unwrap();
    for length in (0..whole.len()).step_by(97) {
        fs::write(at.join("b/results.jsonl"), whole.get(..length).unwrap()).unwrap();
        if let Ok(bundle) = Bundle::read(&at.join("b")) {
            assert_eq!(bundle.assessment().results.len(), run.plan.steps.len());
            assert_ne!(bundle.assessment().verdict().as_str(), "conformant");
        }
    }
}

#[test]
fn whatever_is_changed_is_noticed() {
    let run = Run::new();
    let at = folder("changed");
    let changed = |name: &str, change: &dyn Fn(&Path)| {
        let path = at.join(name);
        run.whole(&path);
        change(&path);
        Bundle::read(&path).unwrap()
    };
    let swap = |path: PathBuf, from: &str, to: &str| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    let problems = changed("file", &|p| swap(p.join("README.txt"), "Hub", "Hob")).verify().problems;
    assert_eq!(problems, ["\"README.txt\" was changed"]);
    let problems = changed("extra", &|p| fs::write(p.join("certificate.html"), "x").unwrap()).verify().problems;
    assert_eq!(problems, ["\"certificate.html\" does not belong to the bundle"]);
    let problems = changed("missing", &|p| fs::remove_file(p.join("journal.jsonl")).unwrap()).verify().problems;
    assert_eq!(problems, ["\"journal.jsonl\" is missing"]);
    // An outcome that was made better: the sums, the record, the roll-up and the replay all say so.
    let bundle = changed("outcome", &|p| {
        swap(p.join("assessment.json"), "\"outcome\": \"cantTell\",\n      \"reason\"", "\"outcome\": \"passed\",\n      \"reason\"")
    });
    let problems = bundle.verify().problems;
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(bundle.replay().unwrap().differences.len(), 1);
    // A threshold that was made easier in the profile.
    let bundle = changed("profile", &|p| swap(p.join("profile.json"), "\"valid-days\": 400", "\"valid-days\": 4"));
    assert_eq!(bundle.replay().unwrap().differences.len(), 1);
    // An observation under another's name.
    let bundle = changed("observation", &|p| {
        let file = fs::read_dir(p.join("observations")).unwrap().next().unwrap().unwrap().path();
        fs::write(file, "\"hashed\"").unwrap();
    });
    assert_eq!(bundle.verify().problems.len(), 2);
    assert!(!bundle.replay().unwrap().is_same());
    // A result that was taken away everywhere it could be.
    let bundle = changed("fewer", &|p| {
        let text = fs::read_to_string(p.join("assessment.json")).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value.get_mut("results").unwrap().as_array_mut().unwrap().remove(1);
        fs::write(p.join("assessment.json"), value.to_string()).unwrap();
    });
    assert!(bundle.replay().unwrap().differences.iter().any(|d| d.why.contains("no result for it")));
}

#[test]
fn nothing_but_an_earlier_bundle_is_ever_replaced() {
    let run = Run::new();
    let at = folder("force");
    fs::write(at.join("thesis.txt"), "years of work").unwrap();
    let error = run.writer(&at, &Redactor::default(), true).unwrap_err();
    assert!(matches!(error, BundleError::Occupied { earlier: false, .. }), "{error}");
    let path = at.join("b");
    run.whole(&path);
    let error = run.writer(&path, &Redactor::default(), false).unwrap_err();
    assert!(error.to_string().contains("--force"), "{error}");
    run.writer(&path, &Redactor::default(), true).unwrap();
    assert!(!path.join("report.html").exists() && fs::read_dir(path.join("observations")).unwrap().count() == 0);
    // A stranger's file in it stops the replacement, and stays.
    fs::write(path.join("thesis.txt"), "years of work").unwrap();
    assert!(run.writer(&path, &Redactor::default(), true).is_err());
    assert_eq!(fs::read_to_string(path.join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn no_file_holds_a_secret_and_the_reader_is_told() {
    let run = Run::new();
    let at = folder("secret");
    let redactor = Redactor::new(["hunter22-secret", "hunter22-observed"]);
    let mut writer = run.writer(&at, &redactor, false).unwrap();
    let assessment = run.write(&mut writer, usize::MAX);
    writer.journal().record(&json!({ "purpose": "hunter22-secret" }));
    let concluded = writer.conclude(&assessment).unwrap();
    writer.attach("report.txt", b"hunter22-secret").unwrap();
    writer.seal().unwrap();
    let mut open = vec![at.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                assert!(!redactor.finds(&fs::read(entry.path()).unwrap()), "{:?}", entry.path());
            }
        }
    }
    assert!(concluded.results.iter().any(|r| r.verdict.notes.iter().any(|n| n.starts_with("SECRET REMOVED"))));
    let bundle = Bundle::read(&at).unwrap();
    assert_eq!(to_json(bundle.assessment()), to_json(&concluded));
    let verification = bundle.verify();
    assert_eq!(verification.problems, Vec::<String>::new());
    assert!(verification.notes.len() >= 5, "{:?}", verification.notes);
    assert!(bundle.replay().unwrap().is_same());
}

#[test]
fn hostile_zip_files_are_refused() {
    use zip::write::SimpleFileOptions;
    let at = folder("hostile");
    let options = SimpleFileOptions::default();
    let make = |name: &str, entries: &[(&str, &[u8])]| {
        let path = at.join(name);
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (entry, bytes) in entries {
            zip.start_file(*entry, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    };
    for (index, name) in ["../../evil", "/etc/evil", "a/../../evil", "c:evil", "a\\b", "a//b", "x\u{1b}[2J"].iter().enumerate() {
        let path = make(&format!("name-{index}.zip"), &[("manifest.json", b"{}"), (name, b"x")]);
        let error = Bundle::read(&path).unwrap_err();
        assert!(matches!(error, BundleError::Refused(_)), "{name}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let path = at.join("link.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.add_symlink("manifest.json", "/etc/passwd", options).unwrap();
    zip.finish().unwrap();
    assert!(matches!(Bundle::read(&path).unwrap_err(), BundleError::Refused(_)));
    // 70 MB of nothing in 70 kB.
    let path = make("bomb.zip", &[("manifest.json", b"{}"), ("assessment.json", &vec![b' '; 70_000_000])]);
    assert!(matches!(Bundle::read(&path).unwrap_err(), BundleError::Refused(_)));
    // Truncated, empty, no zip at all, no bundle.
    let whole = fs::read(make("whole.zip", &[("manifest.json", b"{}"), ("x", b"y")])).unwrap();
    for length in 0..whole.len() {
        fs::write(at.join("cut.zip"), whole.get(..length).unwrap()).unwrap();
        assert!(Bundle::read(&at.join("cut.zip")).is_err());
    }
    assert!(matches!(Bundle::read(&make("other.zip", &[("x", b"y")])).unwrap_err(), BundleError::NotABundle { .. }));
    assert!(Bundle::read(&at.join("absent")).is_err());
}

#[cfg(unix)]
#[test]
fn links_out_of_a_folder_are_refused() {
    let run = Run::new();
    let at = folder("links");
    run.whole(&at.join("b"));
    std::os::unix::fs::symlink("/etc/passwd", at.join("b/observations/link.json")).unwrap();
    assert!(matches!(Bundle::read(&at.join("b")).unwrap_err(), BundleError::Refused(_)));
}

/// Tells three results, says so, and goes on for ever.
fn endless(folder: &Path) {
    let run = Run::new();
    let mut writer = run.writer(folder, &Redactor::default(), false).unwrap();
    run.write(&mut writer, 3);
    println!("written");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_run_leaves_what_it_had() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};
    if let Some(folder) = std::env::var_os("PROBITY_TEST_ENDLESS") {
        endless(Path::new(&folder));
    }
    let at = folder("killed");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bundle::tests::a_killed_run_leaves_what_it_had", "--nocapture"])
        .env("PROBITY_TEST_ENDLESS", at.join("b"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("written")));
    child.kill().unwrap();
    child.wait().unwrap();

    let bundle = Bundle::read(&at.join("b")).unwrap();
    let run = Run::new();
    let expected = run.write(&mut run.writer(&at.join("same"), &Redactor::default(), false).unwrap(), 3);
    assert!(!bundle.is_sealed());
    assert_eq!(bundle.assessment().completion, Completion::Interrupted);
    assert_eq!(bundle.assessment().results.get(..3), Some(expected.results.as_slice()));
    assert_eq!(bundle.assessment().results.len(), run.plan.steps.len());
    assert!(bundle.replay().unwrap().is_same());
}
