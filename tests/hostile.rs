//! Hostile targets, at the level of a whole assessment: it ends in bounded time, what the hostility
//! touches cannot be told and says why, everything else is told as ever, and every report is valid and
//! harmless. And: a secret given to Probity stands nowhere in what it writes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use probity::assess::{Assessment, Options, Selection, run};
use probity::bundle::{Place, record};
use probity::demo::Vendor;
use probity::probe::{Door, Interrupt, Limits};
use probity::profile::Profile;
use probity::report::{Format, RenderOptions, render};
use probity::verdict::Outcome;
use time::OffsetDateTime;

/// A folder of this test alone, taken away when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("probity-hostile-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Short times, so that a target that never ends does not keep the test.
fn limits() -> Limits {
    Limits { exchange_ms: 700, ..Limits::default() }
}

fn options() -> Options {
    Options {
        selection: Selection { tier: 3, ..Selection::default() },
        now: OffsetDateTime::now_utc(),
        waivers: Vec::new(),
        interrupt: Interrupt::new(),
    }
}

/// The sound vendor with these changes, assessed.
async fn assess(changes: &str) -> Assessment {
    let text = format!("like: sound\ndefect: It is hostile.\nundetermined: [any]\nchange:\n{changes}");
    let vendor = Vendor::parse("hostile", &text).unwrap();
    let folder = Folder::new();
    let running = vendor.start(&folder.0, OffsetDateTime::now_utc()).await.unwrap();
    let door = Door::open(running.opening(limits()).unwrap()).await.unwrap();
    let profile = Profile::load("eu-core").unwrap();
    run(&profile, &Arc::new(running.target.clone()), &door, &options(), |_| {}).await
}

/// Every report of an assessment can be made, is of its format, and holds nothing that acts.
fn reports(assessment: &Assessment) {
    for format in Format::ALL {
        let bytes = render(format, assessment, &RenderOptions::default()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let acts = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert!(!text.contains(acts), "{format:?} holds a character that acts");
        match format {
            Format::Json | Format::Sarif | Format::Gitlab => drop(serde_json::from_str::<serde_json::Value>(&text).unwrap()),
            Format::Junit => drop(roxmltree::Document::parse(&text).unwrap()),
            Format::Html | Format::Markdown => {
                assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{format:?} holds markup of the target");
            }
            Format::Text | Format::Github => {}
        }
    }
}

/// What the hostility touches is told as it should be, and nothing else is touched.
fn touched(assessment: &Assessment, ids: &[&str], outcomes: &[Outcome]) {
    for view in assessment.requirement_views() {
        let id = view.text.id.as_str();
        if ids.contains(&id) {
            assert!(outcomes.contains(&view.outcome), "{id} is {}: {}", view.outcome, view.results[0].verdict.reason);
            let worst = view.results.iter().find(|r| r.outcome() == view.outcome).unwrap();
            assert!(worst.verdict.reason.len() > 20, "{id} says only `{}`", worst.verdict.reason);
        } else {
            assert!(
                matches!(view.outcome, Outcome::Passed | Outcome::Inapplicable),
                "{id} is {} and has nothing to do with it: {:?}",
                view.outcome,
                view.results.iter().map(|r| &r.verdict.reason).collect::<Vec<_>>()
            );
        }
    }
    reports(assessment);
}

const ITEM: &str = "/services/api/routes/GET ~1v1~1residents~1r-1001";

/// The test item answers with a route; the item is what TEC-06 and, as a protected path, SEC-08 look at.
async fn item(route: &str) -> Assessment {
    assess(&format!("  - {{op: replace, path: \"{ITEM}\", value: {route}}}\n")).await
}

#[tokio::test]
async fn a_body_without_end() {
    let assessment =
        item("{needs: PROBITY_DEMO_TOKEN, headers: {Content-Type: application/json}, text: '[', repeat: {text: '\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",'}}")
            .await;
    touched(&assessment, &["TEC-06"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn a_body_of_one_byte_at_a_time() {
    let assessment =
        item("{needs: PROBITY_DEMO_TOKEN, headers: {Content-Type: application/json}, text: '[', repeat: {text: ' ', pause-ms: 40}}").await;
    touched(&assessment, &["TEC-06"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn a_head_without_end() {
    let assessment = item("{needs: PROBITY_DEMO_TOKEN, raw: 'HTTP/1.1 200 OK\\r\\n', repeat: {text: 'X-Field: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\r\\n'}}").await;
    touched(&assessment, &["TEC-06", "SEC-08", "SEC-09"], &[Outcome::CantTell, Outcome::Passed]);
    assert!(assessment.requirement_views().iter().any(|v| v.text.id == "TEC-06" && v.outcome == Outcome::CantTell));
}

#[tokio::test]
async fn compressed_beyond_all_measure() {
    let assessment =
        item("{needs: PROBITY_DEMO_TOKEN, encoding: gzip, generated: {text: '                                ', times: 600000}}").await;
    touched(&assessment, &["TEC-06"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn compressed_twice() {
    let assessment = item("{needs: PROBITY_DEMO_TOKEN, encoding: gzip-twice, generated: {text: '        ', times: 100000}}").await;
    touched(&assessment, &["TEC-06"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn nested_two_hundred_thousand_times() {
    let assessment = item("{needs: PROBITY_DEMO_TOKEN, generated: {text: '[', times: 200000}}").await;
    touched(&assessment, &["TEC-06"], &[Outcome::Failed, Outcome::CantTell]);
}

#[tokio::test]
async fn duplicate_keys_and_text_that_acts() {
    let assessment = item(
        "{needs: PROBITY_DEMO_TOKEN, headers: {Content-Type: application/json}, text: '{\"at\":\"2026-11-22 10:00\",\"at\":\"2026-11-22 11:00\",\"\\e[2J<script>alert(1)</script>\\u202e\":\"2026-11-22 10:00\",\"=cmd|calc\":\"2026-11-22 10:00\"}'}",
    )
    .await;
    touched(&assessment, &["TEC-06"], &[Outcome::Failed]);
}

#[tokio::test]
async fn headers_that_act() {
    let header = "\\x1b[2J\\xe2\\x80\\xae<script>alert(1)</script>=cmd|'/c calc'!A1\\x07";
    let assessment = assess(&format!(
        "  - {{op: replace, path: /services/web/headers/X-Content-Type-Options, value: \"{}\"}}\n  - {{op: add, path: /services/web/headers/X-Frame, value: \"{}\"}}\n",
        header.replace('\\', "\\\\"),
        header.replace('\\', "\\\\")
    ))
    .await;
    touched(&assessment, &["SEC-07"], &[Outcome::Failed]);
}

#[tokio::test]
async fn pages_that_act() {
    let html = "<!doctype html><html lang=en><head><title><script>alert(1)</script>\\e[2J</title></head><body><main><h1>x</h1><img src=x onerror=alert(1)><input name='<script>alert(2)</script>'></main>";
    let assessment = assess(&format!("  - {{op: replace, path: \"/services/web/routes/GET ~1login/html\", value: \"{html}\"}}\n")).await;
    touched(&assessment, &["ACC-07"], &[Outcome::Failed]);
}

#[tokio::test]
async fn redirects_to_where_nobody_should_go() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:22/",
        "http://[::1]:25/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "gopher://localhost/",
        "http://localhost:1/",
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "http://",
    ] {
        let assessment =
            assess(&format!("  - {{op: replace, path: \"/services/web/routes/GET ~1privacy\", value: {{status: 302, headers: {{Location: \"{location}\"}}}}}}\n")).await;
        touched(&assessment, &["ETH-08"], &[Outcome::CantTell, Outcome::Untested, Outcome::Failed]);
        let text = serde_json::to_string(&assessment).unwrap();
        assert!(!text.contains("root:x:0:0") && !text.contains("ami-id"));
    }
}

#[tokio::test]
async fn a_redirect_to_itself() {
    let assessment =
        assess("  - {op: replace, path: \"/services/web/routes/GET ~1privacy\", value: {status: 302, headers: {Location: /privacy}}}\n")
            .await;
    touched(&assessment, &["ETH-08"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn answers_that_are_no_http() {
    for raw in [
        "\\x00\\x01\\x02",
        "SSH-2.0-OpenSSH_9.6\\r\\n",
        "HTTP/1.1 99999 \\r\\n\\r\\n",
        "HTTP/1.1 200 OK\\r\\nContent-Length: -5\\r\\n\\r\\nx",
        "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nContent-Length: 7\\r\\n\\r\\nxxxxx",
        "",
    ] {
        let assessment = item(&format!("{{needs: PROBITY_DEMO_TOKEN, raw: '{raw}'}}")).await;
        touched(&assessment, &["TEC-06", "SEC-08", "SEC-09"], &[Outcome::CantTell, Outcome::Failed, Outcome::Passed]);
        assert!(assessment.requirement_views().iter().any(|v| v.text.id == "TEC-06" && v.outcome != Outcome::Passed), "{raw}");
    }
}

#[tokio::test]
async fn a_listener_that_says_nothing() {
    let assessment = assess("  - {op: replace, path: /services/plain/scheme, value: silent}\n").await;
    touched(&assessment, &["SEC-06", "SEC-14"], &[Outcome::CantTell]);
}

#[tokio::test]
async fn a_service_that_says_nothing_at_all() {
    let assessment = assess("  - {op: replace, path: /services/api/scheme, value: silent}\n").await;
    assert!(assessment.requirement_views().iter().all(|v| v.outcome != Outcome::Failed || v.text.id == "SEC-06"), "silence is no failure");
    reports(&assessment);
}

#[tokio::test]
async fn a_certificate_of_fifteen_mebibytes() {
    let assessment = assess("  - {op: add, path: /services/api/tls, value: {padding: 15000000}}\n").await;
    assert!(assessment.requirement_views().iter().all(|v| v.outcome != Outcome::Failed), "a handshake that fails is no failure here");
    reports(&assessment);
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The forms in which a secret could come back.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let percent: String =
        secret.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    vec![
        secret.into(),
        percent.to_lowercase().into_bytes(),
        percent.into_bytes(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes(),
        serde_json::to_string(secret).unwrap().trim_matches('"').into(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        secret.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(),
    ]
}

#[tokio::test]
async fn a_secret_stands_nowhere_in_what_is_written() {
    let secret = "s3cr3t/+&<x>~'token=%7Eq";
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let echo = format!("{secret} {base64} {percent}");
    // The target throws the secret back in every way it can: headers, bodies, addresses, errors, pages.
    let text = format!(
        "like: sound\ndefect: It throws the secret back.\nundetermined: [any]\nchange:\n\
         \x20 - {{op: replace, path: /secrets/PROBITY_DEMO_TOKEN, value: {s}}}\n\
         \x20 - {{op: add, path: \"{ITEM}/json/echo\", value: {e}}}\n\
         \x20 - {{op: add, path: \"{ITEM}/json/when\", value: {t}}}\n\
         \x20 - {{op: add, path: /services/api/headers/X-Echo, value: {e}}}\n\
         \x20 - {{op: add, path: /services/api/fallback/json/detail, value: {d}}}\n\
         \x20 - {{op: replace, path: /services/web/headers/Referrer-Policy, value: {e}}}\n\
         \x20 - {{op: replace, path: \"/services/web/routes/GET ~1privacy\", value: {{status: 302, headers: {{Location: {l}}}}}}}\n",
        s = serde_json::json!(secret),
        e = serde_json::json!(echo),
        t = serde_json::json!(format!("2026-11-22 10:00 {echo}")),
        d = serde_json::json!(format!("Traceback (most recent call last) {echo}")),
        l = serde_json::json!(format!("/somewhere?token={percent}")),
    );
    let vendor = Vendor::parse("echo", &text).unwrap();
    let folder = Folder::new();
    let running = vendor.start(&folder.0.join("vendor"), OffsetDateTime::now_utc()).await.unwrap();
    let profile = Profile::load("eu-core").unwrap();
    let bundle = folder.0.join("bundle");
    let recorded = record(
        &profile,
        &Arc::new(running.target.clone()),
        running.opening(limits()).unwrap(),
        &options(),
        Place { folder: &bundle, force: true },
        |_| {},
        |assessment| {
            Format::ALL.iter().map(|f| (format!("report.{f:?}"), render(*f, assessment, &RenderOptions::default()).unwrap())).collect()
        },
    )
    .await
    .unwrap();
    assert!(
        recorded.assessment.requirement_views().iter().any(|v| v.text.id == "SEC-08" && v.outcome == Outcome::Passed),
        "the secret was used"
    );
    let mut written = Vec::new();
    files(&bundle, &mut written);
    assert!(written.len() > 20, "only {} files", written.len());
    let mut bytes = 0;
    for path in written {
        let content = std::fs::read(&path).unwrap();
        bytes += content.len();
        for form in forms(secret) {
            let found = content.windows(form.len()).position(|w| w == form);
            assert!(found.is_none(), "{} holds the secret as {}", path.display(), String::from_utf8_lossy(&form));
        }
    }
    assert!(bytes > 100_000, "only {bytes} bytes were looked at");
}
