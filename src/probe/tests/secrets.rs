//! A secret reaches its own origin and nothing else: no other origin, no record, no error.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tokio::io::AsyncWriteExt as _;

use super::{Certificate, Opened, Server, close_secure, finish, request_of};
use crate::probe::{Credential, CredentialKind, CredentialUse, Door, Endpoint, Opening, Origin, ProbeError, Request, Secret, Withholding};

const SECRET: &str = "pa$$ w\"rd/+ä&<1>";

fn credential(origin: &Origin, kind: CredentialKind) -> Credential {
    Credential { name: "main".to_owned(), origin: origin.clone(), kind, secret: Secret::new(SECRET) }
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Every form in which a secret may come back.
fn forms() -> Vec<String> {
    let mut forms = vec![SECRET.to_owned(), percent(SECRET), percent(SECRET).replace('+', "%20"), percent(SECRET).to_lowercase()];
    for before in ["", "u", "us", "user:"] {
        forms.push(STANDARD.encode(format!("{before}{SECRET}")));
        forms.push(URL_SAFE_NO_PAD.encode(format!("{before}{SECRET} and more")));
    }
    forms.push(serde_json::to_string(SECRET).unwrap().trim_matches('"').to_owned());
    forms.push(SECRET.bytes().map(|b| format!("{b:02x}")).collect());
    forms
}

/// Anything that is written must hold none of them.
fn assert_clean(what: &str, written: &str) {
    for form in forms() {
        assert!(!written.contains(&form), "{what} holds {form}: {written}");
        // As it would stand inside a JSON string.
        let escaped = serde_json::to_string(&form).unwrap();
        assert!(!written.contains(escaped.trim_matches('"')), "{what} holds {escaped}: {written}");
    }
}

/// A server that gives back all that it got, in every form, in every part of its answer.
async fn echoing(status: &'static str) -> Server {
    Server::start(move |mut stream| async move {
        let request = request_of(&mut stream).await;
        let mut body = forms().join("\n");
        body.push_str(&request);
        let fields: String = forms().iter().map(|form| format!("X-Echo: {form}\r\nX-{form}: a\r\n{form}\r\n")).collect();
        let location = format!("Location: /next?k={}\r\nSet-Cookie: sid={SECRET}; Secure\r\n", percent(SECRET));
        let chunks: String = body.as_bytes().chunks(7).map(|c| format!("{:x}\r\n{}\r\n", c.len(), c.escape_ascii_lossless())).collect();
        let answer = format!(
            "HTTP/1.1 {status} {SECRET}\r\n{location}{fields}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\nX-Trailer: {SECRET}\r\n\r\n"
        );
        // Chunks hold bytes, which the text above stands for one to one.
        drop(stream.write_all(&from_lossless(&answer)).await);
        finish(stream).await;
    })
    .await
}

/// Bytes that may be a part of a character, as text and back: what is not ASCII travels in a private range.
trait Lossless {
    fn escape_ascii_lossless(&self) -> String;
}
impl Lossless for [u8] {
    fn escape_ascii_lossless(&self) -> String {
        self.iter().map(|b| if b.is_ascii() { char::from(*b) } else { char::from_u32(0xe000 + u32::from(*b)).unwrap() }).collect()
    }
}
fn from_lossless(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for c in text.chars() {
        match u32::from(c) {
            code @ 0xe000..=0xe0ff => bytes.push((code - 0xe000) as u8),
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[tokio::test]
async fn a_secret_that_is_echoed_in_every_form_is_recorded_in_none() {
    for status in ["200", "302", "401"] {
        let server = echoing(status).await;
        let origin = server.origin("http");
        for kind in [
            CredentialKind::Bearer,
            CredentialKind::Basic { user: "user".to_owned() },
            CredentialKind::Header { name: "X-Key".to_owned() },
            CredentialKind::Query { name: "key".to_owned() },
        ] {
            let exchanges = Arc::new(Mutex::new(String::new()));
            let sink = Arc::clone(&exchanges);
            let opened = Opened::with(Opening {
                credentials: vec![credential(&origin, kind.clone())],
                exchanges: Arc::new(move |exchange| sink.lock().unwrap().push_str(&serde_json::to_string(exchange).unwrap())),
                ..Opening::new(vec![Endpoint::new(origin.clone())])
            })
            .await;
            let request = Request::new("POST", server.url(&format!("/?q={}", percent(SECRET))), format!("with {SECRET}"))
                .header("X-Mine", SECRET)
                .body("text/plain", format!("secret={}", percent(SECRET)))
                .credential("main");
            let exchange = opened.door.ask(&request).await.unwrap();
            assert_eq!(exchange.request.credential, CredentialUse::Sent { name: "main".to_owned() });
            assert!(exchange.response.redacted && exchange.is_whole());
            let written = serde_json::to_string(&*exchange).unwrap();
            assert!(written.len() > 2000);
            assert_clean("the exchange", &written);
            assert_clean("the recorded exchanges", &exchanges.lock().unwrap());
            assert_clean("the journal", &serde_json::to_string(&opened.entries()).unwrap());
            if exchange.redirect.is_some() {
                let followed = opened.door.follow(&exchange).await.unwrap();
                assert_clean("the followed exchange", &serde_json::to_string(&*followed).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn a_secret_does_reach_its_own_origin() {
    for (kind, expected) in [
        (CredentialKind::Bearer, format!("Authorization: Bearer {SECRET}\r\n")),
        (
            CredentialKind::Basic { user: "user".to_owned() },
            format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("user:{SECRET}"))),
        ),
        (CredentialKind::Header { name: "X-Key".to_owned() }, format!("X-Key: {SECRET}\r\n")),
        (CredentialKind::Query { name: "key".to_owned() }, format!("GET /?a=b&key={} HTTP/1.1\r\n", percent(SECRET))),
    ] {
        let (server, seen) = listening().await;
        let origin = server.origin("http");
        let credentials = vec![credential(&origin, kind)];
        let opened = Opened::with(Opening { credentials, ..Opening::new(vec![Endpoint::new(origin)]) }).await;
        opened.door.ask(&Request::get(server.url("/?a=b"), "test").credential("main")).await.unwrap();
        let request = seen.lock().unwrap().clone();
        assert!(request.contains(&expected), "{expected} in {request}");
    }
}

/// A server that keeps what it heard.
async fn listening() -> (Server, Arc<Mutex<String>>) {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&seen);
    let server = Server::start(move |mut stream| {
        let sink = Arc::clone(&sink);
        async move {
            let request = request_of(&mut stream).await;
            sink.lock().unwrap().push_str(&request);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
            finish(stream).await;
        }
    })
    .await;
    (server, seen)
}

#[tokio::test]
async fn a_secret_does_not_follow_a_redirect_to_another_origin() {
    let (other, seen) = listening().await;
    let server = Server::answering(format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", other.url("/"))).await;
    let origin = server.origin("http");
    for kind in
        [CredentialKind::Bearer, CredentialKind::Header { name: "X-Key".to_owned() }, CredentialKind::Query { name: "key".to_owned() }]
    {
        // Both are in the scope, and only the first may see the secret.
        let endpoints = vec![Endpoint::new(origin.clone()), Endpoint::new(other.origin("http"))];
        let opened = Opened::with(Opening { credentials: vec![credential(&origin, kind)], ..Opening::new(endpoints) }).await;
        let request =
            Request::get(server.url("/"), "test").credential("main").header("Cookie", "sid=private-value").header("Accept", "a/b");
        let trail = opened.door.ask_and_follow(&request).await.unwrap();
        let last = trail.last().unwrap();
        assert_eq!(trail.exchanges.len(), 2);
        assert_eq!(last.request.credential, CredentialUse::Withheld { name: "main".to_owned(), reason: Withholding::OtherOrigin });
        assert!(trail.exchanges[0].redirect.as_ref().unwrap().leaves_origin);
        let written = serde_json::to_string(&*trail.exchanges[0]).unwrap();
        assert!(!written.contains("private-value"), "{written}");
    }
    let heard = seen.lock().unwrap().clone();
    assert_clean("what the other origin heard", &heard);
    assert!(!heard.contains("private-value") && heard.contains("Accept: a/b"), "{heard}");
}

#[tokio::test]
async fn a_secret_is_not_shown_to_a_stranger() {
    let certificate = Certificate::for_name("localhost");
    let seen = Arc::new(Mutex::new(String::new()));
    let (sink, acceptor) = (Arc::clone(&seen), certificate.acceptor());
    let server = Server::start(move |stream| {
        let (sink, acceptor) = (Arc::clone(&sink), acceptor.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let request = request_of(&mut stream).await;
            sink.lock().unwrap().push_str(&request);
            drop(stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await);
            close_secure(stream).await;
        }
    })
    .await;
    let origin = Origin::new("https", "localhost", server.address.port()).unwrap();
    let used = async |endpoint: Endpoint| {
        let credentials = vec![credential(&origin, CredentialKind::Bearer)];
        let opened = Opened::with(Opening { credentials, ..Opening::new(vec![endpoint]) }).await;
        let exchange = opened.door.ask(&Request::get(origin.to_string(), "test").credential("main")).await.unwrap();
        assert_eq!(exchange.status(), 401);
        exchange.request.credential.clone()
    };
    let sent = CredentialUse::Sent { name: "main".to_owned() };
    assert_eq!(
        used(Endpoint::new(origin.clone())).await,
        CredentialUse::Withheld { name: "main".to_owned(), reason: Withholding::NotVerified }
    );
    assert_clean("what a stranger heard", &seen.lock().unwrap());
    assert_eq!(used(Endpoint { trust_unverified: true, ..Endpoint::new(origin.clone()) }).await, sent);
    assert_eq!(used(Endpoint { anchors: vec![certificate.der()], ..Endpoint::new(origin.clone()) }).await, sent);
}

#[tokio::test]
async fn a_credential_that_is_not_there_or_cannot_be_sent_is_told_without_its_value() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let opened = Opened::to(&server).await;
    let error = opened.door.ask(&Request::get(server.url("/"), "test").credential("main")).await.unwrap_err();
    assert_eq!(error, ProbeError::MissingCredential { name: "main".to_owned() });
    assert!(opened.entries().is_empty());

    let origin = server.origin("http");
    for (secret, kind) in [
        ("value-1\n", CredentialKind::Bearer),
        ("", CredentialKind::Bearer),
        ("abc", CredentialKind::Bearer),
        ("value-1", CredentialKind::Header { name: "a b".to_owned() }),
        ("value-1", CredentialKind::Basic { user: "a:b".to_owned() }),
    ] {
        let credentials = vec![Credential { name: "main".to_owned(), origin: origin.clone(), kind, secret: Secret::new(secret) }];
        let error = Door::open(Opening { credentials, ..Opening::new(vec![]) }).await.err().unwrap();
        assert!(matches!(error, ProbeError::UnusableCredential { .. }), "{error}");
        assert!(!error.to_string().contains("value-1"), "{error}");
    }
}

#[tokio::test]
async fn errors_hold_no_secret() {
    for answer in [format!("SSH-2.0-{SECRET}\r\n"), format!("{} {SECRET}", "x".repeat(100))] {
        let server = Server::answering(answer).await;
        let origin = server.origin("http");
        let credentials = vec![credential(&origin, CredentialKind::Bearer)];
        let opened = Opened::with(Opening { credentials, ..Opening::new(vec![Endpoint::new(origin)]) }).await;
        let error = opened.door.ask(&Request::get(server.url("/"), "test").credential("main")).await.unwrap_err();
        assert_clean("the error", &serde_json::to_string(&error).unwrap());
        assert_clean("its sentence", &error.to_string());
        let elsewhere =
            opened.door.ask(&Request::get(format!("http://elsewhere.example/?k={}", percent(SECRET)), SECRET)).await.unwrap_err();
        assert_clean("the refusal", &elsewhere.to_string());
        let typed = opened.door.ask(&Request::get("http://user:typed-in@elsewhere.example/", "test")).await.unwrap_err();
        assert!(!typed.to_string().contains("typed-in"), "{typed}");
        let wrong = opened.door.ask(&Request::get(format!("::{SECRET}"), "test")).await.unwrap_err();
        assert_clean("the misuse", &wrong.to_string());
        let journal = serde_json::to_string(&opened.entries()).unwrap();
        assert_clean("the journal", &journal);
        assert!(!journal.contains("typed-in"), "{journal}");
    }
}
