//! What the door does on an ordinary day.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::{Certificate, Opened, Server, drain, finish, request_of, short};
use crate::probe::{
    Budget, CertificateFault, Door, Ending, Endpoint, Exchange, Interrupt, LEAST_GAP, Limits, Opening, Origin, Phase, ProbeError, Request,
    Transport,
};
use crate::verdict::Cause;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that answers however many questions come on a connection.
async fn keeping_alive(connections: Arc<AtomicUsize>, questions_each: usize) -> Server {
    Server::start(move |mut stream| {
        connections.fetch_add(1, Ordering::Relaxed);
        async move {
            for _ in 0..questions_each {
                if request_of(&mut stream).await.is_empty() || stream.write_all(OK.as_bytes()).await.is_err() {
                    return;
                }
            }
            finish(stream).await;
        }
    })
    .await
}

/// The futures of the door can be spawned.
#[test]
fn the_door_can_be_shared_between_threads() {
    fn is_send(_: &impl Send) {}
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Door>();
    is_shared::<Exchange>();
    fn all(door: &Arc<Door>, request: &Request, exchange: &Exchange, origin: &Origin) {
        is_send(&door.ask(request));
        is_send(&door.follow(exchange));
        is_send(&door.ask_and_follow(request));
        is_send(&door.tcp(origin, ""));
        is_send(&door.tls(origin, "", &[]));
        is_send(&door.udp_once(origin, b"", Duration::ZERO, ""));
        is_send(&door.once("", || async { Ok(()) }));
    }
    let _ = all;
}

#[tokio::test]
async fn an_exchange_tells_all_and_can_be_read_again() {
    let server = Server::answering(
        "HTTP/1.1 200 Fine\r\nContent-Type: Text/HTML; charset=utf-8\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: t\r\n\r\n",
    )
    .await;
    let opened =
        Opened::with(Opening { contact: Some("ops@example.org".to_owned()), ..Opening::new(vec![Endpoint::new(server.origin("http"))]) })
            .await;
    let request = Request::new("POST", server.url("/p?q=1#f"), "a test").header("X-Q", "v").body("text/plain", "question");
    let exchange = opened.door.ask(&request).await.unwrap();
    assert_eq!((exchange.status(), exchange.response.reason.as_str(), exchange.text()), (200, "Fine", Some("ok")));
    assert_eq!(exchange.headers("x-A").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(exchange.media_type().unwrap(), "text/html");
    assert_eq!(exchange.response.trailers, [("X-T".to_owned(), "t".to_owned())]);
    assert!(exchange.is_whole() && exchange.response.malformed.is_empty(), "{:?}", exchange.response);
    assert_eq!(exchange.request.url, server.url("/p?q=1"));
    let sent: Vec<_> = exchange.request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    for field in ["Content-Length: 8", "Connection: close", "Accept-Encoding: identity", "X-Q: v", "Content-Type: text/plain"] {
        assert!(sent.contains(&field.to_owned()), "{sent:?}");
    }
    assert!(sent.iter().any(|field| field.starts_with("User-Agent: Probity/") && field.ends_with("contact ops@example.org)")));
    assert_eq!(exchange.connection.remote, server.address);
    assert_eq!(exchange.response.body_sha256, "2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df");

    let written = serde_json::to_string(&*exchange).unwrap();
    let again: Exchange = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
    assert!(matches!(opened.door.follow(&again).await, Err(ProbeError::Misuse { .. })));

    let entries = opened.entries();
    let entry = &entries[0];
    assert_eq!((entries.len(), entry.number, entry.ending, entry.transport), (1, 1, Ending::Answered, Transport::Tcp));
    assert_eq!((entry.purpose.as_str(), entry.address.clone()), ("a test", Some(server.address.to_string())));
    assert!(entry.bytes_out > 100 && entry.bytes_in > 100 && entry.time.ends_with('Z'), "{entry:?}");
    let summary = opened.door.summary();
    assert_eq!((summary.connections, summary.bytes_in), (1, entry.bytes_in));
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = keeping_alive(Arc::clone(&connections), 1).await;
    let opened = Opened::to(&server).await;
    let request = Request::get(server.url("/"), "first");
    let same = Request { purpose: "second".to_owned(), ..request.clone() };
    let (a, b) = tokio::join!(opened.door.ask(&request), opened.door.ask(&same));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(Arc::ptr_eq(&a, &b));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    for other in
        [request.clone().header("A", "b"), Request::get(server.url("/x"), "x"), Request::head(server.url("/"), "x"), request.clone().gzip()]
    {
        assert!(!Arc::ptr_eq(&opened.door.ask(&other).await.unwrap(), &a));
    }
    assert_eq!(opened.door.ask_again(&request).await.unwrap().id, "x6");
    assert_eq!(connections.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_connection_is_used_again_only_when_asked() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = keeping_alive(Arc::clone(&connections), 100).await;
    let opened = Opened::to(&server).await;
    for number in 0..5 {
        let exchange = opened.door.ask(&Request::get(server.url(&format!("/{number}")), "test").keep_alive()).await.unwrap();
        assert_eq!(exchange.connection.reused, number > 0);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    let summary = opened.door.summary();
    assert_eq!((summary.connections, summary.reused), (1, 4));
    // What is not idempotent gets a connection of its own.
    let post = opened.door.ask(&Request::new("POST", server.url("/"), "test").keep_alive()).await.unwrap();
    assert!(!post.connection.reused);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
    assert_eq!(opened.entries().len(), 6);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_no_fault_of_the_target() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = keeping_alive(Arc::clone(&connections), 1).await;
    let opened = Opened::to(&server).await;
    for number in 0..3 {
        let exchange = opened.door.ask(&Request::get(server.url(&format!("/{number}")), "test").keep_alive()).await.unwrap();
        assert_eq!((exchange.status(), exchange.connection.reused), (200, false));
    }
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_scope_and_by_the_rules_of_its_status() {
    let server = Server::start(|mut stream| async move {
        let request = request_of(&mut stream).await;
        let line = request.lines().next().unwrap_or_default().to_owned();
        let path = line.split(' ').nth(1).unwrap_or_default();
        let answer = match path.strip_prefix('/').and_then(|status| status.parse::<u16>().ok()) {
            Some(status) => format!("HTTP/1.1 {status} Go\r\nLocation: end\r\nContent-Length: 0\r\n\r\n"),
            None => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len()),
        };
        drop(stream.write_all(answer.as_bytes()).await);
        finish(stream).await;
    })
    .await;
    let opened = Opened::to(&server).await;
    for (status, line, body) in
        [(301, "GET /end", ""), (302, "GET /end", ""), (303, "GET /end", ""), (307, "POST /end", "data"), (308, "POST /end", "data")]
    {
        let request = Request::new("POST", server.url(&format!("/{status}")), "test").header("X-Q", "kept").body("text/plain", "data");
        let trail = opened.door.ask_and_follow(&request).await.unwrap();
        assert_eq!((trail.exchanges.len(), trail.stopped.clone()), (2, None), "{status}");
        let last = trail.last().unwrap();
        let seen = last.text().unwrap();
        assert!(seen.starts_with(line) && seen.ends_with(&format!("\r\n\r\n{body}")) && seen.contains("X-Q: kept"), "{status}: {seen}");
        let redirect = trail.exchanges[0].redirect.clone().unwrap();
        assert_eq!((redirect.refused, redirect.leaves_origin, redirect.downgrades), (None, false, false));
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_its_first_address_that_answers_is_used() {
    let server = Server::answering(OK).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let port = server.address.port();
    let origin = Origin::new("http", "localhost", port).unwrap();
    let lookup = move |_| {
        // A name that leads elsewhere when it is asked a second time.
        let addresses: &[&str] = if counter.fetch_add(1, Ordering::Relaxed) == 0 { &["127.0.0.9", "127.0.0.1"] } else { &["192.0.2.1"] };
        std::future::ready(Ok(addresses.iter().map(|a| a.parse::<IpAddr>().unwrap()).collect()))
    };
    let door = Door::open_with(Opening::new(vec![Endpoint::new(origin)]), lookup).await.unwrap();
    for path in ["a", "b", "c"] {
        let exchange = door.ask(&Request::get(format!("http://localhost:{port}/{path}"), "test")).await.unwrap();
        assert_eq!(exchange.connection.remote, server.address);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // The address that refused was tried once.
    assert_eq!(door.summary().connections, 4);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_asked() {
    let server = Server::answering(OK).await;
    let origin = Origin::new("http", "vendor.example", server.address.port()).unwrap();
    let inside = |_| std::future::ready(Ok(vec!["127.0.0.1".parse().unwrap()]));
    let door = Door::open_with(Opening::new(vec![Endpoint::new(origin.clone())]), inside).await.unwrap();
    let error = door.ask(&Request::get(origin.to_string(), "test")).await.unwrap_err();
    assert!(error.to_string().contains("it leads to 127.0.0.1, a loopback address"), "{error}");
    assert_eq!((error.cause(), door.summary().connections), (Cause::Missing, 0));
    // Named by a person, it is.
    let named = Endpoint { addresses: vec!["127.0.0.1".parse().unwrap()], ..Endpoint::new(origin.clone()) };
    let door = Door::open_with(Opening::new(vec![named]), inside).await.unwrap();
    assert_eq!(door.ask(&Request::get(origin.to_string(), "test")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn certificates_are_observed_and_judged_by_nobody_here() {
    let certificate = Certificate::for_name("localhost");
    let server = Server::secure(&certificate, OK.as_bytes()).await;
    let port = server.address.port();
    let facts = async |host: &str, anchors: Vec<Vec<u8>>, server_name: Option<&str>| {
        let origin = Origin::new("https", host, port).unwrap();
        let endpoint = Endpoint { anchors, server_name: server_name.map(str::to_owned), ..Endpoint::new(origin.clone()) };
        let opened = Opened::with(Opening::new(vec![endpoint])).await;
        let exchange = opened.door.ask(&Request::get(origin.to_string(), "test")).await.unwrap();
        assert_eq!(exchange.text(), Some("ok"));
        exchange.connection.tls.clone().unwrap()
    };
    let unknown = facts("127.0.0.1", vec![], Some("localhost")).await;
    assert_eq!((unknown.verified, unknown.pinned, unknown.fault), (false, false, Some(CertificateFault::UnknownIssuer)));
    assert_eq!((unknown.version.as_str(), unknown.suite.as_str()), ("TLSv1.3", "TLS_AES_256_GCM_SHA384"));
    assert_eq!((unknown.chain.len(), unknown.chain[0].0.clone()), (1, certificate.der()));
    let anchored = facts("127.0.0.1", vec![certificate.der()], Some("localhost")).await;
    assert_eq!((anchored.verified, anchored.pinned, anchored.fault), (true, true, None));
    let other_name = facts("127.0.0.1", vec![certificate.der()], None).await;
    assert_eq!((other_name.verified, other_name.pinned, other_name.fault), (false, true, Some(CertificateFault::OtherName)));
    assert_eq!(other_name.server_name, "127.0.0.1");
}

#[tokio::test]
async fn an_interruption_ends_every_wait() {
    let server = Server::stalling(b"HTTP/1.1 200 OK\r\n\r\nabc").await;
    let silent = Server::stalling(b"").await;
    for server in [server, silent] {
        let interrupt = Interrupt::new();
        let endpoints = vec![Endpoint::new(server.origin("http")), Endpoint::new(server.origin("tcp"))];
        let limits = Limits { exchange_ms: 60_000, concurrency: 2, ..Limits::default() };
        let opened = Opened::with(Opening { limits, interrupt: interrupt.clone(), ..Opening::new(endpoints) }).await;
        let (first, second) = (Request::get(server.url("/a"), "test"), Request::get(server.url("/b"), "test"));
        let origin = server.origin("tcp");
        let raw = async {
            let mut connection = opened.door.tcp(&origin, "raw").await?;
            let mut all = Vec::new();
            connection.read_to_end(&mut all).await.map_err(|error| connection.explain(&error, Phase::Answer))
        };
        let shared = opened.door.once("shared", std::future::pending::<Result<(), ProbeError>>);
        let throw = async {
            tokio::task::yield_now().await;
            interrupt.throw();
        };
        let (a, b, c, d, ()) = tokio::join!(opened.door.ask(&first), opened.door.ask(&second), raw, shared, throw);
        assert_eq!(
            (a.unwrap_err(), b.unwrap_err(), c.unwrap_err(), d.unwrap_err()),
            (ProbeError::Interrupted, ProbeError::Interrupted, ProbeError::Interrupted, ProbeError::Interrupted)
        );
        assert!(matches!(opened.door.ask(&Request::get(server.url("/c"), "test")).await, Err(ProbeError::Interrupted)));
        assert!(opened.entries().iter().all(|entry| entry.ending == Ending::Interrupted), "{:?}", opened.entries());
    }
}

#[tokio::test]
async fn the_time_of_a_run_ends_it_and_is_our_limit() {
    let server = Server::stalling(b"").await;
    let limits = Limits { run_ms: 300, ..Limits::default() };
    let opened = Opened::with(Opening { limits, ..Opening::new(vec![Endpoint::new(server.origin("http"))]) }).await;
    for path in ["/a", "/b"] {
        let error = opened.door.ask(&Request::get(server.url(path), "test")).await.unwrap_err();
        assert_eq!((error.clone(), error.cause(), error.ends_the_run()), (ProbeError::RunTimeOver { after_ms: 300 }, Cause::Limit, true));
    }
    assert!(opened.door.stopped_answering().is_empty());
}

#[tokio::test]
async fn connections_are_limited() {
    let server = Server::answering(OK).await;
    let limits = Limits { connections: 3, ..Limits::default() };
    let opened = Opened::with(Opening { limits, ..Opening::new(vec![Endpoint::new(server.origin("http"))]) }).await;
    let request = Request::get(server.url("/"), "test");
    for _ in 0..3 {
        opened.door.ask_again(&request).await.unwrap();
    }
    let error = opened.door.ask_again(&request).await.unwrap_err();
    assert_eq!((error.clone(), error.cause()), (ProbeError::Connections { of: Budget::Run, limit: 3 }, Cause::Limit));
    assert_eq!(opened.entries().last().unwrap().ending, Ending::NotTried);
}

#[tokio::test]
async fn no_more_connections_are_open_at_once_than_allowed() {
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = Server::start(move |mut stream| {
        let (open, seen) = (Arc::clone(&open), Arc::clone(&seen));
        async move {
            seen.fetch_max(open.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            request_of(&mut stream).await;
            tokio::task::yield_now().await;
            open.fetch_sub(1, Ordering::Relaxed);
            drop(stream.write_all(OK.as_bytes()).await);
            finish(stream).await;
        }
    })
    .await;
    let opened = Opened::to(&server).await;
    let asks: Vec<_> = (0..10).map(|n| Request::get(server.url(&format!("/{n}")), "test")).collect();
    let mut running = tokio::task::JoinSet::new();
    for request in asks {
        let door = Arc::clone(&opened.door);
        running.spawn(async move { door.ask(&request).await });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(most.load(Ordering::Relaxed), 1);
}

#[test]
fn the_gap_between_questions_has_a_floor_that_nobody_can_set() {
    let eager = Limits { gap_ms: 0, ..Limits::default() };
    assert_eq!((eager.gap(false), eager.gap(true)), (LEAST_GAP, Duration::ZERO));
    let patient = Limits { gap_ms: 500, ..Limits::default() };
    assert_eq!(patient.gap(false), Duration::from_millis(500));
}

#[tokio::test]
async fn raw_connections_keep_the_limits() {
    let server = Server::start(|mut stream| async move {
        let mut question = [0u8; 4];
        if stream.read_exact(&mut question).await.is_ok() {
            drop(stream.write_all(&question).await);
        }
        drain(stream).await;
    })
    .await;
    let origin = server.origin("tcp");
    let opened = Opened::with(Opening { limits: short(), ..Opening::new(vec![Endpoint::new(origin.clone())]) }).await;
    let mut connection = opened.door.tcp(&origin, "echo").await.unwrap();
    connection.write_all(b"ping").await.unwrap();
    let mut all = Vec::new();
    let error = connection.read_to_end(&mut all).await.unwrap_err();
    assert_eq!(all, b"ping");
    assert!(matches!(connection.explain(&error, Phase::Body), ProbeError::TimedOut { phase: Phase::Body, .. }));
    assert_eq!((connection.bytes_in(), connection.bytes_out()), (4, 4));
    drop(connection);
    let entry = &opened.entries()[0];
    assert_eq!((entry.ending, entry.bytes_in, entry.bytes_out), (Ending::TimedOut, 4, 4));
    let elsewhere = Origin::new("tcp", "127.0.0.1", 1).unwrap();
    assert!(matches!(opened.door.tcp(&elsewhere, "x").await, Err(ProbeError::OutOfScope { .. })));
    assert!(matches!(opened.door.tls(&elsewhere, "x", &[]).await, Err(ProbeError::OutOfScope { .. })));
    assert!(matches!(opened.door.udp(&elsewhere, "x").await, Err(ProbeError::OutOfScope { .. })));
}

#[tokio::test]
async fn tls_for_other_protocols_tells_what_was_agreed() {
    let server = Server::secure(&Certificate::for_name("localhost"), b"hello").await;
    let origin = server.origin("mqtts");
    let opened = Opened::with(Opening::new(vec![Endpoint::new(origin.clone())])).await;
    let mut secured = opened.door.tls(&origin, "hello", &[]).await.unwrap();
    assert_eq!((secured.facts.version.as_str(), secured.facts.is_vouched_for()), ("TLSv1.3", false));
    secured.stream.write_all(b"\r\n\r\n").await.unwrap();
    let mut answer = [0u8; 5];
    secured.stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
}

#[tokio::test]
async fn datagrams_come_from_one_peer_or_not_at_all() {
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = peer.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut buffer = [0u8; 100];
        while let Ok((count, from)) = peer.recv_from(&mut buffer).await {
            if &buffer[..count] == b"ping" {
                // One from a stranger, who is not heard, and one from the peer.
                let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                stranger.send_to(b"evil", from).await.unwrap();
                peer.send_to(b"pong", from).await.unwrap();
            }
        }
    });
    let origin = Origin::new("coap", "127.0.0.1", address.port()).unwrap();
    let opened = Opened::with(Opening { limits: short(), ..Opening::new(vec![Endpoint::new(origin.clone())]) }).await;
    let pong = opened.door.udp_once(&origin, b"ping", Duration::from_secs(5), "ping").await.unwrap();
    assert_eq!(pong.as_deref(), Some(&b"pong"[..]));
    for _ in 0..3 {
        let silence = opened.door.udp_once(&origin, b"hush", Duration::from_millis(20), "hush").await;
        assert_eq!(silence, Ok(None));
    }
    let entries = opened.entries();
    assert_eq!((entries[0].transport, entries[0].ending, entries[0].bytes_in), (Transport::Udp, Ending::Answered, 4));
    assert_eq!((entries[1].ending, entries[1].bytes_out), (Ending::Silent, 4));
    task.abort();
}

#[tokio::test]
async fn questions_that_would_break_the_request_apart_are_refused() {
    let server = Server::answering(OK).await;
    let opened = Opened::to(&server).await;
    let good = || Request::get(server.url("/"), "test");
    for request in [
        Request::new("GET / HTTP/1.1\r\nX: y", server.url("/"), "test"),
        Request::new("CONNECT", server.url("/"), "test"),
        good().header("A", "b\r\nX: y"),
        good().header("A: b\r\nX", "y"),
        good().header("Host", "evil"),
        good().header("content-length", "7"),
        Request::get("not an address", "test"),
    ] {
        let error = opened.door.ask(&request).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Bug, "{error}");
    }
    let spaced = opened.door.ask(&Request::get(server.url("/a b\r\nX: y"), "test")).await.unwrap();
    assert!(spaced.request.url.ends_with("/a%20bX:%20y"), "{}", spaced.request.url);
    assert_eq!(opened.entries().len(), 1);
    assert!(Door::open(Opening { contact: Some("a\r\nX: y".to_owned()), ..Opening::new(vec![]) }).await.is_err());
}
