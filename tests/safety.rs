//! What Probity does to a target is what the target's owner opened, and no more: modes, rates, silence,
//! liveness, and the journal. The servers here count what reaches them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use probity::assess::{Assessment, Completion, Options, Plan, Selection, opening, run};
use probity::probe::{Door, Ending, Interrupt, JournalEntry, Limits};
use probity::profile::Profile;
use probity::report::{Format, RenderOptions, render};
use probity::target::{Mode, Target};
use probity::verdict::{Cause, Outcome};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn profile(checks: &[&str]) -> Profile {
    let mut text = "profile: p\nversion: 1.0.0\ntitle: t\nsummary: s\nlicence: CC-BY-4.0\npillars: [{id: security, title: Security, title-status: confirmed, summary: s}]\nrequirements:\n".to_owned();
    for (index, check) in checks.iter().enumerate() {
        text += &format!(
            "  - {{id: A-{index:02}, pillar: security, title: t{index}, statement: s, why: w, level: MUST, tier: 1, sources: [{{standard: S, edition: '1', clause: '1'}}], remedy: r, limits: l, checks: [{{{check}}}]}}\n"
        );
    }
    Profile::parse(vec![("p.yaml".into(), text)]).unwrap()
}

fn target(endpoints: &str, consent: &str) -> Target {
    let text = format!("target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints: {{{endpoints}}}\n{consent}\n");
    Target::parse("t.yaml", &text).unwrap()
}

fn consent(environment: &str, mode: &str) -> String {
    format!(
        "consent: {{owner: o, contact: c, environment: {environment}, mode: {mode}, window: {{from: 2020-01-01T00:00:00Z, until: 2099-01-01T00:00:00Z}}}}"
    )
}

fn options(mode: Option<Mode>) -> Options {
    let selection = Selection { mode, ..Selection::default() };
    Options { selection, now: OffsetDateTime::now_utc(), waivers: Vec::new(), interrupt: Interrupt::new() }
}

/// Assesses, and gives the journal too.
async fn assess(profile: &Profile, target: Target, limits: Limits) -> (Assessment, Vec<JournalEntry>) {
    let journal = Arc::new(Mutex::new(Vec::new()));
    let (mut open, problems) = opening(&target, limits, |_| None);
    assert!(problems.is_empty(), "{problems:?}");
    let sink = Arc::clone(&journal);
    open.journal = Arc::new(move |entry: &JournalEntry| sink.lock().unwrap().push(entry.clone()));
    let door = Door::open(open).await.unwrap();
    let assessment = run(profile, &Arc::new(target), &door, &options(None), |_| {}).await;
    let entries = journal.lock().unwrap().clone();
    (assessment, entries)
}

/// A server that counts connections and lets `answer` decide what is sent back to each, by its number.
async fn server(answer: impl Fn(usize) -> Option<&'static str> + Send + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            match answer(counted.fetch_add(1, Ordering::SeqCst)) {
                Some(text) => {
                    let mut head = [0; 4096];
                    if stream.read(&mut head).await.unwrap_or(0) > 0 {
                        stream.write_all(text.as_bytes()).await.ok();
                    }
                    stream.shutdown().await.ok();
                }
                // Kept open, and never a word.
                None => silent.push(stream),
            }
        }
    });
    (address, count)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

const EACH_EFFECT: [&str; 3] =
    ["http-status: {path: /, accept: [200], asks: it answers}", "sip-registration: {}, on: any", "default-credentials: {}"];

#[test]
fn each_mode_opens_its_checks_and_the_others_say_how_to_open_them() {
    let profile = profile(&EACH_EFFECT);
    let asked = |consent: &str, mode: Option<Mode>| {
        let target = target("api: {url: 'http://127.0.0.1:9/'}", consent);
        let plan = Plan::new(&profile, &target, &options(mode).selection, OffsetDateTime::now_utc());
        plan.steps.iter().map(|s| s.known.clone()).collect::<Vec<_>>()
    };
    let count = |consent: &str, mode| asked(consent, mode).iter().filter(|k| k.is_none()).count();
    assert_eq!(count("", None), 1);
    assert_eq!(count(&consent("lab", "passive"), None), 1);
    assert_eq!(count(&consent("lab", "standard"), None), 2);
    assert_eq!(count(&consent("lab", "lab"), None), 3);
    assert_eq!(count(&consent("test", "lab"), None), 3);
    assert_eq!(count(&consent("production", "lab"), None), 1, "in production nothing beyond reading is done");
    // The command line takes away, and never adds.
    assert_eq!(count(&consent("lab", "lab"), Some(Mode::Passive)), 1);
    assert_eq!(count(&consent("lab", "lab"), Some(Mode::Standard)), 2);
    assert_eq!(count("", Some(Mode::Lab)), 1);
    let told = asked("", None)[2].clone().unwrap();
    assert_eq!((told.outcome, told.cause), (Outcome::Untested, Some(Cause::Consent)));
    assert_eq!(
        told.reason,
        "not allowed: it tries wrong passwords, malformed input or many requests, and the target file has no consent block. The owner opens it with `mode: lab` in the consent block of the target file (`probity explain consent`)"
    );
    let searches = asked(&consent("lab", "passive"), None)[1].clone().unwrap();
    assert!(
        searches.reason.contains("the consent block allows passive at most") && searches.reason.contains("`mode: standard`"),
        "{}",
        searches.reason
    );
    let narrowed = asked(&consent("lab", "lab"), Some(Mode::Passive))[2].clone().unwrap();
    assert_eq!((narrowed.outcome, narrowed.cause), (Outcome::Untested, Some(Cause::Selection)));
}

#[tokio::test]
async fn two_silences_in_a_row_and_the_device_is_left_in_peace_and_the_report_says_so_first() {
    let checks = ["/", "/a", "/b", "/c", "/d"].map(|path| format!("http-status: {{path: {path}, accept: [200], asks: it answers}}"));
    let profile = profile(&checks.iter().map(String::as_str).collect::<Vec<_>>());
    // It answers once and then never again.
    let (address, count) = server(|number| (number == 0).then_some(OK)).await;
    let limits = Limits { exchange_ms: 300, ..Limits::default() };
    let (assessment, _) = assess(&profile, target(&format!("api: {{url: 'http://{address}/'}}"), ""), limits).await;
    assert_eq!(count.load(Ordering::SeqCst), 3, "one answer, two silences, and no more");
    assert_eq!(assessment.completion, Completion::StoppedAnswering);
    let outcomes: Vec<Outcome> = assessment.results.iter().map(|r| r.outcome()).collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::CantTell, Outcome::CantTell, Outcome::CantTell, Outcome::CantTell]);
    let text = String::from_utf8(render(Format::Text, &assessment, &RenderOptions::default()).unwrap()).unwrap();
    let said =
        text.find("The device stopped answering, so it was left in peace; 2 checks were not asked.").unwrap_or_else(|| panic!("{text}"));
    assert!(said < text.find("A-00").unwrap_or(usize::MAX), "{text}");
}

#[tokio::test]
async fn after_a_check_that_does_more_than_read_a_dead_endpoint_is_left_in_peace() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // It dies of the first knock, and the knock learns of it.
        drop(listener);
        stream.write_all(b"bye").await.ok();
    });
    let profile = profile(&["open-ports: {}", "open-ports: {ports: [1]}"]);
    let target = target(
        &format!("hub: {{url: 'tcp://{address}'}}"),
        &format!("{}\nfixtures: {{further-ports: [{}]}}", consent("lab", "standard"), address.port()),
    );
    let (assessment, journal) = assess(&profile, target, Limits::default()).await;
    assert_eq!(assessment.completion, Completion::StoppedAnswering);
    let purposes: Vec<&str> = journal.iter().map(|e| e.purpose.as_str()).collect();
    assert_eq!(purposes, ["see which ports are open", "see whether it still answers"], "and nothing after that");
    assert_eq!(journal[1].ending, Ending::NotOpened);
}

#[tokio::test]
async fn the_journal_has_every_connection() {
    let (address, count) = server(|_| Some(OK)).await;
    let profile = profile(&[
        "http-status: {path: /, accept: [200], asks: it answers}",
        "http-status: {path: /a, accept: [200], asks: it answers}",
        "information-disclosure: {}",
        "open-ports: {}",
    ]);
    let consent = format!("{}\nfixtures: {{further-ports: [{}]}}", consent("lab", "standard"), address.port());
    let (assessment, journal) = assess(&profile, target(&format!("api: {{url: 'http://{address}/'}}"), &consent), Limits::default()).await;
    assert_eq!(assessment.completion, Completion::Complete);
    assert_eq!(journal.len(), count.load(Ordering::SeqCst));
    assert_eq!(journal.len() as u64, assessment.traffic.connections);
    for (index, entry) in journal.iter().enumerate() {
        assert_eq!(entry.number, index as u64 + 1);
        assert!(!entry.purpose.is_empty() && entry.address.as_deref() == Some(&address.to_string()));
        OffsetDateTime::parse(&entry.time, &time::format_description::well_known::Rfc3339).unwrap();
    }
    assert!(journal.iter().any(|e| e.bytes_out > 0 && e.bytes_in > 0));
}
