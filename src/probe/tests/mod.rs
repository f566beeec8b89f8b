//! Tests of the door against servers of our own, on loopback, with ports given by the system.

mod behaviour;
mod hostile;
mod secrets;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as ServerStream;

use super::*;

/// A server that ends with the test.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves each connection with `serve`, one task each.
    async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                running.spawn(serve(stream));
            }
        });
        Self { address, task }
    }

    /// Answers every question with the same bytes and closes.
    async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                request_of(&mut stream).await;
                drop(stream.write_all(&bytes).await);
                finish(stream).await;
            }
        })
        .await
    }

    /// Answers with a head, and then with the same bytes for as long as anybody reads.
    async fn endless(head: &'static [u8], piece: Vec<u8>) -> Self {
        let piece = Arc::new(piece);
        Self::start(move |mut stream| {
            let piece = Arc::clone(&piece);
            async move {
                request_of(&mut stream).await;
                if stream.write_all(head).await.is_ok() {
                    while stream.write_all(&piece).await.is_ok() {}
                }
            }
        })
        .await
    }

    /// Answers with these bytes and then says nothing more.
    async fn stalling(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream| async move {
            drop(stream.write_all(bytes).await);
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Agrees on TLS with this certificate, and answers every question with the same bytes.
    async fn secure(certificate: &Certificate, bytes: &'static [u8]) -> Self {
        let acceptor = certificate.acceptor();
        Self::start(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    request_of(&mut stream).await;
                    drop(stream.write_all(bytes).await);
                    close_secure(stream).await;
                }
            }
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
    fn origin(&self, scheme: &str) -> Origin {
        Origin::new(scheme, "127.0.0.1", self.address.port()).unwrap()
    }
}

/// Closes a connection so that no reset overtakes what was sent.
async fn finish(mut stream: TcpStream) {
    drop(stream.shutdown().await);
    drain(stream).await;
}

async fn close_secure(mut stream: ServerStream<TcpStream>) {
    drop(stream.shutdown().await);
    drain(stream).await;
}

async fn drain(mut stream: impl AsyncRead + Unpin) {
    let mut sink = [0u8; 1024];
    while matches!(stream.read(&mut sink).await, Ok(count) if count > 0) {}
}

/// Reads a request with its body, as text.
async fn request_of(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut step = [0u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut step).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&step[..count]),
            _ => return text,
        }
    }
}

/// A certificate made for a test, with its key.
struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Certificate {
    /// One that signs itself, for this name.
    fn for_name(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        Self { chain: vec![made.cert.der().clone()], key: made.signing_key.serialize_der() }
    }
    fn der(&self) -> Vec<u8> {
        self.chain[0].to_vec()
    }
    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A door with what it has written down.
struct Opened {
    door: Arc<Door>,
    journal: Arc<Mutex<Vec<JournalEntry>>>,
}

impl Opened {
    async fn with(mut opening: Opening) -> Self {
        let journal = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&journal);
        opening.journal = Arc::new(move |entry| sink.lock().unwrap().push(entry.clone()));
        Self { door: Door::open(opening).await.unwrap(), journal }
    }
    /// A door to one server.
    async fn to(server: &Server) -> Self {
        Self::with(Opening::new(vec![Endpoint::new(server.origin("http"))])).await
    }
    /// A door to one server that will stall.
    async fn hasty(server: &Server) -> Self {
        Self::with(Opening { limits: short(), ..Opening::new(vec![Endpoint::new(server.origin("http"))]) }).await
    }
    fn entries(&self) -> Vec<JournalEntry> {
        self.journal.lock().unwrap().clone()
    }
}

/// Limits for servers that stall.
fn short() -> Limits {
    Limits { exchange_ms: 500, ..Limits::default() }
}

/// Asks one server one question.
async fn ask(server: &Server) -> Result<Arc<Exchange>, ProbeError> {
    Opened::to(server).await.door.ask(&Request::get(server.url("/"), "test")).await
}

/// Asks a server that answers with these bytes.
async fn answer(bytes: impl Into<Vec<u8>>) -> Result<Arc<Exchange>, ProbeError> {
    ask(&Server::answering(bytes).await).await
}

fn faults(exchange: &Exchange) -> Vec<FaultKind> {
    exchange.response.malformed.iter().map(|fault| fault.kind).collect()
}
