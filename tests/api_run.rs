//! A whole API run over loopback: stopped in the middle, out of budget, recorded, exported, rehearsed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use probity::assess::{Assessment, Completion, Options, Selection, run};
use probity::bundle::{Bundle, Place, record};
use probity::demo::{Running, Vendor};
use probity::probe::{Door, Interrupt, Limits, Request};
use probity::profile::Profile;
use probity::report::{ApiExport, export};
use probity::verdict::Outcome;
use serde_json::Value;
use time::OffsetDateTime;

const PROFILE: &str = "
profile: api-run
version: 1.0.0
title: Holding an API to its description
summary: What the tests of a run ask.
licence: CC-BY-4.0
pillars:
  - {id: api, title: API, title-status: confirmed, summary: The interface.}
requirements:
  - id: API-01
    pillar: api
    title: The service does what its description says
    statement: The service does what its description says.
    why: Partners build against it.
    level: MUST
    tier: 1
    sources: [{standard: OpenAPI Specification, edition: '3.1.1', clause: '4.8'}]
    checks:
CHECKS    remedy: Change one of the two.
";

const ALL: &str = "      - api-behaviour: {}
        on: api
      - api-behaviour: {rules: [server-error]}
        on: api
      - api-answers: {}
        on: api
";

fn profile(checks: &str) -> Profile {
    Profile::parse(vec![("profile.yaml".into(), PROFILE.replace("CHECKS", checks))]).unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("probity-api-run-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn vendor(folder: &Path) -> Running {
    Vendor::load("sound").unwrap().start(folder, OffsetDateTime::now_utc()).await.unwrap()
}

/// What there is behind the API.
async fn inventory(running: &Running) -> String {
    let door = Door::open(running.opening(Limits::default()).unwrap()).await.unwrap();
    let base = running.target.endpoints["api"].url.join("/v1/").unwrap();
    let mut all = String::new();
    for path in ["residents?limit=50", "alarms?limit=100"] {
        let exchange = door.ask_again(&Request::get(base.join(path).unwrap(), "look").credential("reader")).await.unwrap();
        assert_eq!(exchange.status(), 200, "{path}");
        all.push_str(exchange.text().unwrap());
    }
    all
}

fn options(interrupt: &Interrupt) -> Options {
    Options {
        selection: Selection { tier: 3, ..Selection::default() },
        now: OffsetDateTime::now_utc(),
        waivers: Vec::new(),
        interrupt: interrupt.clone(),
    }
}

/// Runs until so many exchanges were seen, then throws the switch.
async fn stopped_after(running: &Running, count: usize, limits: Limits) -> (Assessment, usize) {
    let interrupt = Interrupt::new();
    let mut opening = running.opening(limits).unwrap();
    opening.interrupt = interrupt.clone();
    let (seen, switch) = (Arc::new(AtomicUsize::new(0)), interrupt.clone());
    let counter = Arc::clone(&seen);
    opening.exchanges = Arc::new(move |_| {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 == count {
            switch.throw();
        }
    });
    let door = Door::open(opening).await.unwrap();
    let assessment = run(
        &profile("      - api-behaviour: {}\n        on: api\n"),
        &Arc::new(running.target.clone()),
        &door,
        &options(&interrupt),
        |_| {},
    )
    .await;
    (assessment, seen.load(Ordering::SeqCst))
}

#[tokio::test]
async fn what_a_stopped_run_made_is_taken_away() {
    let folder = folder("stopped");
    let running = vendor(&folder).await;
    let before = inventory(&running).await;
    let (mut cleaned, mut at) = (0, 8);
    // Somewhere in each of making, changing, refusing, paging and deleting.
    while at < 400 {
        let (assessment, asked) = stopped_after(&running, at, Limits::default()).await;
        assert_eq!(inventory(&running).await.len(), before.len(), "stopped after {at}");
        let first = &assessment.results[0].verdict;
        if asked <= at {
            assert_eq!((first.outcome, assessment.completion), (Outcome::Passed, Completion::Complete));
            break;
        }
        assert_eq!(assessment.completion, Completion::Interrupted);
        assert_eq!(first.outcome, Outcome::CantTell, "stopped after {at}: {first:?}");
        assert!(!first.notes.iter().any(|note| note.starts_with("left behind")), "{:?}", first.notes);
        cleaned += asked - at;
        at += 47;
    }
    assert!(cleaned > 20, "only {cleaned} requests took something away");
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn what_a_run_without_budget_made_is_taken_away() {
    let folder = folder("budget");
    let running = vendor(&folder).await;
    let before = inventory(&running).await;
    let limits = Limits { connections_per_endpoint: 40, ..Limits::default() };
    let (assessment, _) = stopped_after(&running, usize::MAX, limits).await;
    let first = &assessment.results[0].verdict;
    assert!(first.reason.contains("connections allowed"), "{}", first.reason);
    assert_eq!(inventory(&running).await.len(), before.len());
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn a_run_is_kept_once_judged_again_and_exported() {
    let folder = folder("exported");
    let running = vendor(&folder).await;
    let interrupt = Interrupt::new();
    let place = folder.join("bundle");
    let opening = running.opening(Limits::default()).unwrap();
    let target = Arc::new(running.target.clone());
    let recorded =
        record(&profile(ALL), &target, opening, &options(&interrupt), Place { folder: &place, force: false }, |_| {}, |_| Vec::new())
            .await
            .unwrap();
    for result in &recorded.assessment.results {
        assert_eq!(result.outcome(), Outcome::Passed, "{}: {}", result.kind, result.verdict.reason);
    }
    println!("{} connections", recorded.assessment.traffic.connections);
    let bundle = Bundle::read(&place).unwrap();
    assert!(bundle.replay().unwrap().is_same());
    assert!(bundle.verify().is_sound());
    // The description stands in one file, whoever rests on it; the two checks of one run share its record.
    let holding = |below: &str| {
        let files = std::fs::read_dir(place.join(below)).unwrap();
        files.filter(|f| std::fs::read_to_string(f.as_ref().unwrap().path()).unwrap().contains("Sample telecare platform")).count()
    };
    assert_eq!((holding("observations"), holding("exchanges")), (0, 1));
    assert_eq!(std::fs::read_dir(place.join("observations")).unwrap().count(), 2);

    let bytes = export(&bundle, ApiExport::Har, None).unwrap();
    let har: Value = serde_json::from_slice(&bytes).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    assert!(entries.len() > 200);
    for entry in entries {
        // What HAR 1.2 demands of every entry, request and response.
        for part in ["startedDateTime", "time", "request", "response", "cache", "timings"] {
            assert!(entry.get(part).is_some(), "{part}");
        }
        for part in ["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"] {
            assert!(entry["request"].get(part).is_some(), "{part}");
        }
        for part in ["status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"] {
            assert!(entry["response"].get(part).is_some(), "{part}");
        }
        assert!(entry["request"]["url"].as_str().unwrap().starts_with("http"));
    }
    let wfc = export(&bundle, ApiExport::Wfc, Some("api")).unwrap();
    let report: Value = serde_json::from_slice(&wfc).unwrap();
    assert_eq!(report["totalTests"].as_u64(), Some(entries.len() as u64));
    for secret in running.secrets.values() {
        for file in [&bytes, &wfc] {
            assert!(!file.windows(secret.len()).any(|w| w == secret.as_bytes()), "a secret is in an export");
        }
    }
    assert!(export(&bundle, ApiExport::Har, Some("web")).unwrap_err().to_string().contains("there is one of api"));
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_dry_run_shows_every_request_of_a_description_at_hand() {
    let folder = folder("rehearsed");
    std::fs::write(folder.join("openapi.yaml"), probity::api::sample::description()).unwrap();
    std::fs::write(folder.join("profile.yaml"), PROFILE.replace("CHECKS", ALL)).unwrap();
    let target = |documents: &str| {
        format!(
            "target: 1\nproduct: {{name: P, version: '1', vendor: {{name: V}}}}\nendpoints: {{api: {{url: 'http://127.0.0.1:9'}}}}\n{documents}\
             consent: {{owner: V, contact: v@example.org, window: {{from: 2020-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z}}, environment: lab, \
             highest-effect: intrusive, spared-operations: [replaceResident]}}\n"
        )
    };
    let dry = |documents: &str, more: &[&str]| {
        std::fs::write(folder.join("target.yaml"), target(documents)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
        command.current_dir(&folder).args(["assess", "target.yaml", "--profile", "profile.yaml", "--dry-run"]).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let local = "documents: {api-description: openapi.yaml}\n";
    let text = dry(local, &[]);
    assert!(text.contains("API run on api") && text.contains("reading and writing, also what must be refused"), "{text}");
    assert!(text.contains("creates  POST    http://127.0.0.1:9/v1/residents") && text.contains("expects 415"), "{text}");
    assert!(text.contains("not tested: replaceResident") && text.contains("nothing was sent"), "{text}");
    assert!(!text.contains("PUT     http://127.0.0.1:9/v1/residents/"), "{text}");
    let json: Value = serde_json::from_str(&dry(local, &["--format", "json"])).unwrap();
    let requests = json["apiRuns"][0]["requests"]["plan"]["requests"].as_array().unwrap();
    assert!(requests.len() > 200 && requests.iter().all(|r| r["why"].is_string() && r["expects"].is_string()), "{json}");
    assert_eq!(json["apiRuns"].as_array().unwrap().len(), 2);
    // Without the description there is no plan of requests, and this is said.
    let text = dry("", &[]);
    assert!(text.contains("--fetch-description") && text.contains("nothing was sent"), "{text}");
    let text = dry("", &["--fetch-description"]);
    assert!(text.contains("no request is planned") && text.contains("refused the connection"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}
