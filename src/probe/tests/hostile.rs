//! What a hostile target may do: each ends in bounded time and memory, with an exchange that says how
//! it was cut or an error that says whose trouble it is.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use tokio::io::AsyncWriteExt as _;

use super::{Certificate, Opened, Server, answer, ask, drain, faults, finish, request_of, short};
use crate::probe::{Cut, Ending, Endpoint, FaultKind, Limits, Opening, Phase, ProbeError, Refusal, Request};
use crate::verdict::Cause;

const MIB: usize = 1024 * 1024;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn with_head(fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// So many MiB of zeros through an encoder, without holding them.
fn zeros(encoder: &mut impl std::io::Write, mib: usize) {
    let zeros = vec![0u8; MIB];
    for _ in 0..mib {
        encoder.write_all(&zeros).unwrap();
    }
}

fn gzip_bomb(mib: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    zeros(&mut encoder, mib);
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap() {
    for head in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"] {
        let server = Server::endless(head, vec![b'a'; 65536]).await;
        let exchange = ask(&server).await.unwrap();
        assert_eq!((exchange.response.cut, exchange.body().len()), (Some(Cut::BodyLimit), MIB));
        assert!(exchange.response.body.0.capacity() <= MIB);
    }
    let server = Server::endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"a\r\n0123456789\r\n".repeat(1000)).await;
    let exchange = ask(&server).await.unwrap();
    assert_eq!((exchange.response.cut, exchange.body().len()), (Some(Cut::BodyLimit), MIB));
}

#[tokio::test]
async fn a_request_may_read_more_but_never_more_than_the_hard_cap() {
    let server = Server::answering(with_head("", &vec![b'a'; 3 * MIB])).await;
    let opened = Opened::to(&server).await;
    let exchange = opened.door.ask(&Request::get(server.url("/"), "test").max_body(u64::MAX)).await.unwrap();
    assert_eq!((exchange.response.cut, exchange.body().len()), (None, 3 * MIB));
    assert_eq!(opened.door.limits().body_cap(Some(u64::MAX)), crate::probe::MOST_BODY_BYTES);
}

#[tokio::test]
async fn an_endless_head_is_cut_at_the_cap() {
    let server = Server::endless(b"HTTP/1.1 200 OK\r\n", b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(100)).await;
    let exchange = ask(&server).await.unwrap();
    assert_eq!(exchange.response.cut, Some(Cut::HeadLimit));
    assert!(faults(&exchange).contains(&FaultKind::HeadTooLarge));
    assert_eq!(exchange.response.head.len(), 256 * 1024);
    assert_eq!(exchange.response.headers.len(), 100);

    let one_line = Server::endless(b"HTTP/1.1 200 ", vec![b'a'; 65536]).await;
    assert!(matches!(ask(&one_line).await, Err(ProbeError::NotHttp { .. })));
    let empty_lines = Server::endless(b"", b"\r\n".repeat(1000)).await;
    assert!(matches!(ask(&empty_lines).await, Err(ProbeError::NotHttp { .. })));
}

#[tokio::test]
async fn a_hundred_thousand_fields_are_counted_and_the_answer_is_not_whole() {
    let head = format!("{}Strict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n", "a:\r\n".repeat(60_000));
    let exchange = answer(with_head(&head, b"ok")).await.unwrap();
    assert_eq!((exchange.response.cut, exchange.body()), (Some(Cut::FieldLimit), &b"ok"[..]));
    assert!(!exchange.is_whole());
    let more = answer(with_head(&"a: b\r\n".repeat(100_000), b"")).await.unwrap();
    assert_eq!(more.response.cut, Some(Cut::HeadLimit));
}

/// A server that sends one byte at a time, for ever.
async fn dripping(first: &'static [u8]) -> Server {
    Server::start(move |mut stream| async move {
        drop(stream.write_all(first).await);
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if stream.write_all(b"a").await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_body_that_drips_ends_with_the_deadline() {
    let server = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await;
    let opened = Opened::hasty(&server).await;
    for _ in 0..3 {
        let exchange = opened.door.ask_again(&Request::get(server.url("/"), "test")).await.unwrap();
        assert_eq!((exchange.response.cut, exchange.status()), (Some(Cut::Time), 200));
        assert!(!exchange.body().is_empty());
    }
    // Slow is not silent.
    assert!(opened.door.stopped_answering().is_empty());
    assert_eq!(opened.entries()[0].ending, Ending::TimedOut);
}

#[tokio::test]
async fn a_head_that_drips_ends_with_the_deadline() {
    let ask = async |server: Server| Opened::hasty(&server).await.door.ask(&Request::get(server.url("/"), "test")).await;
    let exchange = ask(dripping(b"HTTP/1.1 200 OK\r\nA: b\r\nX").await).await.unwrap();
    assert_eq!((exchange.response.cut, exchange.header("a")), (Some(Cut::Time), Some("b")));
    assert!(faults(&exchange).contains(&FaultKind::HeadCutOff));
    let early = ask(dripping(b"HTTP/1.1 200 ").await).await;
    assert!(matches!(early, Err(ProbeError::TimedOut { phase: Phase::Head, .. })), "{early:?}");
}

#[tokio::test]
async fn a_bomb_is_stopped_on_its_way_out() {
    let zlib = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        zeros(&mut encoder, 100);
        encoder.finish().unwrap()
    };
    let raw = {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        zeros(&mut encoder, 100);
        encoder.finish().unwrap()
    };
    for (coding, bomb) in [("gzip", gzip_bomb(100)), ("deflate", zlib), ("deflate", raw)] {
        let exchange = answer(with_head(&format!("Content-Encoding: {coding}\r\n"), &bomb)).await.unwrap();
        assert_eq!(exchange.response.cut, Some(Cut::Ratio));
        // Less than one step of 4 KiB beyond the mark: what deflate can make of it, and no more.
        assert!(exchange.body().len() <= MIB && exchange.response.body.0.capacity() <= MIB, "{}", exchange.body().len());
    }
    // With a larger cap the ratio is what ends it, long before the cap.
    let server = Server::answering(with_head("Content-Encoding: gzip\r\n", &gzip_bomb(100))).await;
    let opened = Opened::to(&server).await;
    let exchange = opened.door.ask(&Request::get(server.url("/"), "test").max_body(u64::MAX)).await.unwrap();
    assert_eq!(exchange.response.cut, Some(Cut::Ratio));
    assert!(exchange.response.body.0.capacity() <= 6 * MIB, "{}", exchange.response.body.0.capacity());
}

#[tokio::test]
async fn codings_are_decoded_once_and_never_stacked() {
    let text = b"{\"ok\": true}".repeat(100);
    let exchange = answer(with_head("Content-Encoding: gzip\r\n", &gzip(&text))).await.unwrap();
    assert_eq!((exchange.response.cut, exchange.body()), (None, &text[..]));
    assert!(exchange.response.encoded_length < exchange.response.decoded_length);
    assert_eq!(faults(&exchange), [FaultKind::CodingNotAsked]);

    for (fields, cut) in [
        ("Content-Encoding: gzip, gzip\r\n", Cut::StackedCodings),
        ("Content-Encoding: gzip\r\nContent-Encoding: deflate\r\n", Cut::StackedCodings),
        ("Content-Encoding: br\r\n", Cut::UnknownCoding),
    ] {
        let exchange = answer(with_head(fields, &gzip(&gzip(&text)))).await.unwrap();
        assert_eq!((exchange.response.cut, exchange.body().len()), (Some(cut), 0));
    }
    let broken = answer(with_head("Content-Encoding: gzip\r\n", b"this is no gzip at all")).await.unwrap();
    assert_eq!(broken.response.cut, Some(Cut::BrokenCoding));
    let short_of_end = gzip(&text);
    let cut_off = answer(with_head("Content-Encoding: gzip\r\n", &short_of_end[..short_of_end.len() - 9])).await.unwrap();
    assert_eq!(cut_off.response.cut, Some(Cut::BrokenCoding));
    let empty = answer(with_head("Content-Encoding: gzip\r\nContent-Length: 0\r\n", b"")).await.unwrap();
    assert_eq!(empty.response.cut, None);
}

#[tokio::test]
async fn escapes_and_bidi_marks_in_fields_are_told_and_shown_harmless() {
    let exchange = answer(with_head("X-A: \u{1b}[2J\0\r\nX-B: a\u{202e}b\r\n\u{1b}: c\r\nContent-Length: 0\r\n", b"")).await.unwrap();
    let kinds = faults(&exchange);
    assert_eq!(kinds, [FaultKind::ValueCharacter, FaultKind::ValueNotAscii, FaultKind::NameCharacter]);
    for fault in &exchange.response.malformed {
        let shown = fault.seen.as_ref().unwrap().to_string();
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0']), "{shown}");
    }
    assert_eq!(exchange.response.headers.len(), 4);
}

#[tokio::test]
async fn framing_that_lies_is_named() {
    use FaultKind::{
        BodyShort, BytesAfterEnd, ChunkEnd, ChunkExtensions, ChunkSize, EncodingNotAllowed, LengthAndEncoding, LengthInvalid,
        LengthRepeated, LengthsDiffer, TransferEncoding,
    };
    let chunks = "Transfer-Encoding: chunked\r\n";
    let flood = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(100_000));
    for (fields, body, fault, cut, seen) in [
        ("Content-Length: 10\r\n", "abc", BodyShort, Some(Cut::Closed), "abc"),
        ("Content-Length: 3\r\n", "abcHTTP/1.1 200 OK\r\n\r\n", BytesAfterEnd, None, "abc"),
        ("Content-Length: 99999999999999999999999\r\n", "abc", LengthInvalid, None, "abc"),
        ("Content-Length: -1\r\n", "abc", LengthInvalid, None, "abc"),
        ("Content-Length: +3\r\n", "abc", LengthInvalid, None, "abc"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", LengthRepeated, None, "abc"),
        ("Content-Length: 3, 3\r\n", "abc", LengthRepeated, None, "abc"),
        ("Content-Length: 3\r\nContent-Length: 2\r\n", "abc", LengthsDiffer, None, "abc"),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", LengthAndEncoding, None, "abc"),
        ("Transfer-Encoding: gzip, chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", TransferEncoding, None, "abc"),
        ("Transfer-Encoding: xchunked\r\n", "abc", TransferEncoding, None, "abc"),
        (chunks, "zz\r\nabc", ChunkSize, Some(Cut::Chunks), ""),
        (chunks, "ffffffffffffffffff\r\nabc", ChunkSize, Some(Cut::Chunks), ""),
        (chunks, "3\r\nabcd\r\n0\r\n\r\n", ChunkEnd, Some(Cut::Chunks), "abc"),
        (chunks, "ffffffffffffffff\r\nabc", BodyShort, Some(Cut::Closed), "abc"),
        (chunks, "3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", BytesAfterEnd, None, "abc"),
        (chunks, flood.as_str(), ChunkExtensions, Some(Cut::Chunks), ""),
    ] {
        let exchange = answer(with_head(fields, body.as_bytes())).await.unwrap();
        let found = (faults(&exchange), exchange.response.cut, exchange.text().unwrap());
        assert_eq!(found, (vec![fault], cut, seen), "{fields}{}", &body[..body.len().min(40)]);
    }
    let old = answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(faults(&old), [EncodingNotAllowed]);
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    for bytes in ["HTTP/1.1 204 No Content\r\n\r\nabc", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc"] {
        let exchange = answer(bytes).await.unwrap();
        assert_eq!((exchange.body().len(), faults(&exchange)), (0, vec![FaultKind::BodyNotAllowed]));
    }
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").await;
    let exchange = Opened::to(&server).await.door.ask(&Request::head(server.url("/"), "test")).await.unwrap();
    assert_eq!((exchange.response.cut, faults(&exchange)), (None, vec![]));
}

#[tokio::test]
async fn interim_answers_are_told_and_a_flood_of_them_ends() {
    let early = answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!((early.response.interim.as_slice(), early.status(), early.body()), (&[103][..], 200, &b"ok"[..]));
    let server = Server::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)).await;
    let flood = ask(&server).await.unwrap();
    assert_eq!((flood.response.cut, flood.response.interim.len()), (Some(Cut::Interim), 10));
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_told_apart_from_one_that_is_silent() {
    let closing = Server::start(|stream| async move { drop(stream) }).await;
    let error = ask(&closing).await.unwrap_err();
    assert!(matches!(error, ProbeError::Closed { phase: Phase::Answer, .. } | ProbeError::Reset { phase: Phase::Answer, .. }), "{error:?}");

    let resetting = Server::start(|mut stream| async move {
        request_of(&mut stream).await;
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").await);
        drop(stream.flush().await);
        // Unread bytes would do as well; this says plainly what is meant.
        drop(stream.set_zero_linger());
    })
    .await;
    let exchange = ask(&resetting).await;
    // The reset may overtake the answer.
    match exchange {
        Ok(exchange) => assert_eq!(exchange.response.cut, Some(Cut::Reset)),
        Err(error) => assert!(matches!(error, ProbeError::Reset { .. }), "{error:?}"),
    }

    let gone = {
        let server = Server::answering("").await;
        let origin = server.origin("http");
        drop(server);
        origin
    };
    let opened = Opened::with(Opening { limits: short(), ..Opening::new(vec![Endpoint::new(gone.clone())]) }).await;
    // The system may give the port to another test at once; then there is an answer of some kind.
    if let Err(error) = opened.door.ask(&Request::get(gone.to_string(), "test")).await {
        assert_eq!(error.cause(), Cause::Target);
    }
}

#[tokio::test]
async fn a_silent_listener_is_asked_twice_and_then_left_in_peace() {
    let server = Server::stalling(b"").await;
    let opened = Opened::hasty(&server).await;
    let request = Request::get(server.url("/"), "test");
    for _ in 0..2 {
        assert!(matches!(opened.door.ask_again(&request).await, Err(ProbeError::TimedOut { phase: Phase::Answer, .. })));
    }
    for _ in 0..2 {
        let error = opened.door.ask_again(&request).await.unwrap_err();
        assert!(matches!(error, ProbeError::NeverAnswered { in_a_row: 2, .. }));
        assert_eq!(error.cause(), Cause::Target);
    }
    let endings: Vec<_> = opened.entries().iter().map(|entry| entry.ending).collect();
    assert_eq!(endings, [Ending::Silent, Ending::Silent]);
}

#[tokio::test]
async fn a_device_that_falls_over_is_left_in_peace_on_all_its_ports() {
    let (silent_from_now, answering) = (Arc::new(AtomicBool::new(false)), Server::answering(OK).await);
    let switch = Arc::clone(&silent_from_now);
    let server = Server::start(move |mut stream| {
        let silent = switch.load(Ordering::Relaxed);
        async move {
            request_of(&mut stream).await;
            if silent {
                std::future::pending::<()>().await;
            }
            drop(stream.write_all(OK.as_bytes()).await);
            finish(stream).await;
        }
    })
    .await;
    let endpoints = vec![Endpoint::new(server.origin("http")), Endpoint::new(answering.origin("http"))];
    let opened = Opened::with(Opening { limits: short(), ..Opening::new(endpoints) }).await;
    let (request, other) = (Request::get(server.url("/"), "test"), Request::get(answering.url("/"), "test"));
    assert_eq!(opened.door.ask_again(&request).await.unwrap().status(), 200);
    silent_from_now.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        assert!(matches!(opened.door.ask_again(&request).await, Err(ProbeError::TimedOut { .. })));
    }
    for request in [&request, &other] {
        assert!(matches!(opened.door.ask_again(request).await, Err(ProbeError::StoppedAnswering { in_a_row: 2, .. })));
    }
    assert_eq!(opened.door.stopped_answering(), ["127.0.0.1"]);
}

#[tokio::test]
async fn silence_after_the_handshake_is_silence_too() {
    let certificate = Certificate::for_name("localhost");
    let acceptor = certificate.acceptor();
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                drain(stream).await;
            }
        }
    })
    .await;
    let origin = server.origin("https");
    let opened = Opened::with(Opening {
        limits: Limits { exchange_ms: 1000, ..Limits::default() },
        ..Opening::new(vec![Endpoint::new(origin.clone())])
    })
    .await;
    let request = Request::get(origin.to_string(), "test");
    for _ in 0..2 {
        assert!(matches!(opened.door.ask_again(&request).await, Err(ProbeError::TimedOut { phase: Phase::Answer, .. })));
    }
    assert!(matches!(opened.door.ask_again(&request).await, Err(ProbeError::NeverAnswered { .. })));
}

#[tokio::test]
async fn the_wrong_protocol_is_named() {
    // Plain text where TLS should be.
    let plain = Server::stalling(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let origin = plain.origin("https");
    let opened = Opened::with(Opening::new(vec![Endpoint::new(origin.clone())])).await;
    let error = opened.door.ask(&Request::get(origin.to_string(), "test")).await.unwrap_err();
    assert!(matches!(error, ProbeError::Tls { .. }), "{error:?}");
    // TLS where plain text should be.
    let certificate = Certificate::for_name("localhost");
    let secure = Server::secure(&certificate, b"").await;
    let error = ask(&secure).await.unwrap_err();
    assert!(matches!(error, ProbeError::NotHttp { .. } | ProbeError::Closed { .. } | ProbeError::Reset { .. }), "{error:?}");
    // Another protocol altogether, with an escape in it.
    let ssh = answer("SSH-2.0-\u{1b}[2J evil\r\n").await.unwrap_err();
    assert_eq!(ssh.to_string().split(": ").nth(1).unwrap(), "SSH-2.0-\\u{1b}[2J evil\\r\\n");
}

#[tokio::test]
async fn a_certificate_of_sixteen_mebibytes_is_refused_within_bounds() {
    // A ServerHello that rustls takes for the answer to its own is not needed: what is sent is a
    // handshake message of TLS 1.2 that announces 16 MiB, in records of the largest size.
    let server = Server::start(|mut stream| async move {
        let mut record = vec![0x16, 3, 3, 0x40, 0x00];
        record.extend_from_slice(&[0x0b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc]);
        record.resize(5 + 0x4000, 0x41);
        if stream.write_all(&record).await.is_err() {
            return;
        }
        record.truncate(5);
        record.resize(5 + 0x4000, 0x41);
        for _ in 0..1024 {
            if stream.write_all(&record).await.is_err() {
                return;
            }
        }
        finish(stream).await;
    })
    .await;
    let origin = server.origin("https");
    let opened = Opened::with(Opening::new(vec![Endpoint::new(origin.clone())])).await;
    let error = opened.door.ask(&Request::get(origin.to_string(), "test")).await.unwrap_err();
    assert!(matches!(error, ProbeError::Tls { .. } | ProbeError::Reset { .. }), "{error:?}");
    // It is given up on long before all of it has come.
    assert!(opened.entries()[0].bytes_in < 256 * 1024, "{}", opened.entries()[0].bytes_in);
}

#[tokio::test]
async fn a_real_chain_that_is_too_large_is_refused_within_bounds() {
    // 96 KiB of certificates in a sound handshake: more than rustls takes.
    let mut certificate = Certificate::for_name("localhost");
    let leaf = certificate.chain[0].clone();
    certificate.chain.resize(96 * 1024 / leaf.len(), leaf);
    let server = Server::secure(&certificate, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let origin = server.origin("https");
    let opened = Opened::with(Opening::new(vec![Endpoint::new(origin.clone())])).await;
    let error = opened.door.ask(&Request::get(origin.to_string(), "test")).await.unwrap_err();
    assert!(matches!(error, ProbeError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_out_of_the_scope_is_told_and_never_followed() {
    let other = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ninside").await;
    let other_url = other.url("/secret");
    for target in [
        other_url.as_str(),
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "//192.168.0.1/",
        "https://evil.example/",
        "http://127.0.0.1@evil.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
        "ftp://127.0.0.1/",
        "http://",
    ] {
        let server = Server::answering(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")).await;
        let opened = Opened::to(&server).await;
        let exchange = opened.door.ask(&Request::get(server.url("/"), "test")).await.unwrap();
        let redirect = exchange.redirect.clone().unwrap();
        assert!(redirect.refused.is_some(), "{target}");
        let error = opened.door.follow(&exchange).await.unwrap_err();
        assert!(matches!(error, ProbeError::OutOfScope { .. }), "{target}: {error:?}");
        let entries = opened.entries();
        assert_eq!((entries.len(), entries[1].ending, entries[1].bytes_out), (2, Ending::NotTried, 0), "{target}");
        let trail = opened.door.ask_and_follow(&Request::get(server.url("/"), "test")).await.unwrap();
        assert_eq!((trail.exchanges.len(), trail.stopped), (1, Some(error)));
    }
    let direct = Opened::to(&other).await;
    for url in ["file:///etc/passwd", "http://127.0.0.1:1/", "mqtt://127.0.0.1/"] {
        let error = direct.door.ask(&Request::get(url, "test")).await.unwrap_err();
        assert!(matches!(error, ProbeError::OutOfScope { .. }), "{url}");
        assert_eq!(error.cause(), Cause::Missing);
    }
    let scheme = direct.door.ask(&Request::get("file:///etc/passwd", "test")).await.unwrap_err();
    assert!(matches!(scheme, ProbeError::OutOfScope { refusal: Refusal::Scheme { .. }, .. }));
}

#[tokio::test]
async fn redirects_end_at_the_limit_and_in_a_circle() {
    let chain = Server::start(|mut stream| async move {
        let request = request_of(&mut stream).await;
        let number: u32 = request.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        drop(stream.write_all(format!("HTTP/1.1 302 Found\r\nLocation: /{}\r\nContent-Length: 0\r\n\r\n", number + 1).as_bytes()).await);
        finish(stream).await;
    })
    .await;
    let opened = Opened::to(&chain).await;
    let trail = opened.door.ask_and_follow(&Request::get(chain.url("/0"), "test")).await.unwrap();
    assert_eq!(trail.exchanges.len(), 9);
    assert!(matches!(trail.stopped, Some(ProbeError::TooManyRedirects { limit: 8, .. })));

    let circle = Server::answering("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n").await;
    let trail = Opened::to(&circle).await.door.ask_and_follow(&Request::get(circle.url("/"), "test")).await.unwrap();
    assert_eq!(trail.exchanges.len(), 1);
    assert!(matches!(trail.stopped, Some(ProbeError::RedirectLoop { .. })));
}
