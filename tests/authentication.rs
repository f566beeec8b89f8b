//! Services that ask for a credential in different ways: one that looks at it passes, one that takes any
//! value in its place fails, and what cannot be told is not told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use probity::assess::{Options, Selection, opening, run};
use probity::probe::{Door, Interrupt, Limits};
use probity::profile::Profile;
use probity::target::Target;
use probity::verdict::Outcome;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "k7-secret-value";
const PROFILE: &str = "profile: p\nversion: 1.0.0\ntitle: t\nsummary: s\nlicence: CC-BY-4.0\npillars: [{id: security, title: Security, title-status: confirmed, summary: s}]\nrequirements:\n  - {id: A-1, pillar: security, title: t, statement: s, why: w, level: MUST, tier: 1, sources: [{standard: S}], remedy: r, limits: l, checks: [{unauthenticated-access: {paths: [/data], credential: reader}}, {authentication-enforced: {paths: [/data], credential: reader}}]}\n";

const DATA: &str = r#"{"devices":[{"id":1,"room":"hall"},{"id":2,"room":"bath"}]}"#;

/// What a service makes of a request that it does not open to.
#[derive(Clone, Copy)]
enum Denial {
    Plain,
    Soft,
    Shell,
}

/// Serves `/data` to requests whose head `opens` likes.
async fn service(opens: impl Fn(&str) -> bool + Send + Sync + 'static, denial: Denial) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let count = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let data = head.starts_with("GET /data");
            let (status, kind, body) = match denial {
                _ if data && opens(&head) => ("200 OK", "application/json", DATA),
                Denial::Shell => ("200 OK", "text/html", "<!doctype html><title>App</title><div id=root></div><script src=a.js></script>"),
                _ if !data => ("404 Not Found", "application/json", "{}"),
                Denial::Plain => ("401 Unauthorized\r\nWWW-Authenticate: Bearer", "application/json", "{}"),
                Denial::Soft => ("200 OK", "application/json", r#"{"success":false,"error":"unauthorized"}"#),
            };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
    });
    port
}

/// The outcomes of both checks.
async fn assess(port: u16, credential: &str, secret: &str) -> (Outcome, Outcome) {
    let text = format!(
        "target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints: {{api: {{url: 'http://127.0.0.1:{port}/'}}}}\ncredentials: {{reader: {{endpoint: api, env: READER, {credential}}}}}\n"
    );
    let target = Target::parse("t.yaml", &text).unwrap();
    let (open, problems) = opening(&target, Limits::default(), |_| Some(secret.to_owned()));
    assert!(problems.is_empty(), "{problems:?}");
    let door = Door::open(open).await.unwrap();
    let options =
        Options { selection: Selection::default(), now: OffsetDateTime::now_utc(), waivers: Vec::new(), interrupt: Interrupt::new() };
    let profile = Profile::parse(vec![("p.yaml".into(), PROFILE.into())]).unwrap();
    let assessment = run(&profile, &Arc::new(target), &door, &options, |_| {}).await;
    (assessment.results[0].outcome(), assessment.results[1].outcome())
}

/// A way to show a credential: how the target file names it, the secret, and where in the head it stands.
struct Make {
    name: &'static str,
    credential: &'static str,
    secret: String,
    /// The beginning of the line or query in which the value stands.
    place: &'static str,
    /// The value as it is sent.
    value: String,
}

fn makes() -> Vec<Make> {
    let make =
        |name, credential, secret: &str, place, value: &str| Make { name, credential, secret: secret.into(), place, value: value.into() };
    vec![
        make("bearer", "scheme: bearer", SECRET, "Authorization: Bearer ", SECRET),
        make("key in a header", "scheme: header, name: X-API-Key", SECRET, "X-API-Key: ", SECRET),
        make(
            "key after a scheme of its own",
            "scheme: header, name: Authorization",
            &format!("ApiKey {SECRET}"),
            "Authorization: ApiKey ",
            SECRET,
        ),
        make("key in the query", "scheme: query, name: key", SECRET, "GET /data?key=", SECRET),
        make(
            "name and password",
            "scheme: basic, user: reader",
            SECRET,
            "Authorization: Basic ",
            &STANDARD.encode(format!("reader:{SECRET}")),
        ),
        make("session in a cookie", "scheme: header, name: Cookie", &format!("sid={SECRET}"), "Cookie: sid=", SECRET),
    ]
}

#[tokio::test]
async fn who_looks_at_the_credential_passes_and_who_takes_any_fails() {
    for make in makes() {
        let (place, value) = (make.place, make.value.clone());
        let shown = move |head: &str| {
            let at = head.find(place)? + place.len();
            head[at..].split([' ', '\r', ';', '&']).next().map(str::to_owned).filter(|v| !v.is_empty())
        };
        let strict = service(move |head| shown(head).as_deref() == Some(&value), Denial::Plain).await;
        assert_eq!(assess(strict, make.credential, &make.secret).await, (Outcome::Passed, Outcome::Passed), "{}", make.name);
        let lax = service(move |head| shown(head).is_some(), Denial::Plain).await;
        assert_eq!(assess(lax, make.credential, &make.secret).await, (Outcome::Passed, Outcome::Failed), "{}: any value opens", make.name);
        let open = service(|_| true, Denial::Plain).await;
        assert_eq!(
            assess(open, make.credential, &make.secret).await,
            (Outcome::Failed, Outcome::Failed),
            "{}: nothing is asked",
            make.name
        );
        let closed = service(|_| false, Denial::Plain).await;
        assert_eq!(
            assess(closed, make.credential, &make.secret).await,
            (Outcome::CantTell, Outcome::CantTell),
            "{}: no control",
            make.name
        );
    }
}

#[tokio::test]
async fn soft_denials_and_shells_cannot_be_told() {
    let opens = |head: &str| head.contains(&format!("Bearer {SECRET}"));
    for denial in [Denial::Soft, Denial::Shell] {
        let port = service(opens, denial).await;
        assert_eq!(assess(port, "scheme: bearer", SECRET).await, (Outcome::CantTell, Outcome::CantTell));
    }
}
