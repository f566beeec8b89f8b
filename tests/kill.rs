//! A run that is killed in the middle leaves a bundle that can be read.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use probity::assess::{CheckResult, Completion, Event, Options, Plan, Selection};
use probity::bundle::{Bundle, Opening, Writer};
use probity::profile::Profile;
use probity::target::Target;
use probity::verdict::{Cause, Outcome, Redactor, Verdict};
use serde_json::json;
use time::macros::datetime;

/// How many requirements the profile has, and how many results come before the kill.
const ALL: usize = 40;
const BEFORE: usize = 17;

fn profile() -> Profile {
    let requirement = |n: usize| {
        format!(
            "  - {{id: R-{n}, pillar: one, title: t, statement: s, why: w, level: MUST, tier: 1, remedy: r, sources: [{{standard: x}}], checks: [{{attestation: {{subject: s{n}, asks: that}}}}]}}\n"
        )
    };
    let head = "profile: test\nversion: 1.0.0\ntitle: T\nsummary: S\npillars: [{id: one, title: One, title-status: assumed, summary: S}]\nrequirements:\n";
    Profile::parse(vec![("p.yaml".into(), head.to_owned() + &(0..ALL).map(requirement).collect::<String>())]).unwrap()
}

/// Writes `BEFORE` results, says so, and goes on for ever.
fn endless(folder: &Path) {
    let (profile, target) = (profile(), Target::parse("t.yaml", "target: 1\nproduct: {name: a, version: 1, vendor: {name: v}}\n").unwrap());
    let options = Options { selection: Selection::default(), now: datetime!(2026-11-22 09:00 UTC), waivers: Vec::new() };
    let opening = Opening { profile: &profile, target: &target, options: &options, redactor: &Redactor::default(), force: false };
    let mut writer = Writer::create(folder, &opening).unwrap();
    let plan = Plan::new(&profile, &target, &options.selection, options.now);
    writer.listen(&Event::Planned(&plan));
    for (index, step) in plan.steps.iter().enumerate().take(BEFORE) {
        let observation = json!({ "seen": index });
        let result = CheckResult {
            requirement: step.requirement.clone(),
            check: step.index,
            kind: step.check.check.kind().into(),
            endpoint: None,
            grade: step.check.check.grade(),
            effect: step.check.check.effect(),
            verdict: Verdict::passed("so it is"),
            observation: None,
            milliseconds: 1,
        };
        writer.listen(&Event::Result { result: &result, observation: Some(&observation) });
        writer.journal().record(&json!({ "number": index, "bytes_out": 1, "bytes_in": 2 }));
    }
    println!("written");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_run_leaves_what_it_had() {
    if let Some(folder) = std::env::var_os("PROBITY_TEST_ENDLESS") {
        endless(Path::new(&folder));
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_run_leaves_what_it_had", "--nocapture"])
        .env("PROBITY_TEST_ENDLESS", &folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map(Result::unwrap).find(|line| line.ends_with("written")).expect("the child says that it has written");
    child.kill().unwrap();
    child.wait().unwrap();

    let bundle = Bundle::read(&folder).unwrap();
    assert!(!bundle.is_sealed());
    let assessment = bundle.assessment();
    assert_eq!((assessment.completion, assessment.results.len()), (Completion::Interrupted, ALL));
    for (index, result) in assessment.results.iter().enumerate() {
        if index < BEFORE {
            assert_eq!(result.outcome(), Outcome::Passed);
            assert_eq!(bundle.observation(result.observation.as_deref().unwrap()).unwrap(), json!({ "seen": index }));
        } else {
            assert_eq!((result.outcome(), result.verdict.cause), (Outcome::Untested, Some(Cause::Interrupted)));
        }
    }
    assert_eq!(assessment.traffic.connections, BEFORE as u64);
    assert_eq!(assessment.verdict().as_str(), "not determined");
    std::fs::remove_dir_all(&folder).unwrap();
}
