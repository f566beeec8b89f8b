//! Running a vendor: its ports, its target file, and its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::DemoError;
use super::certificate::Authority;
use super::fhir::definitions;
use super::placeholder::Known;
use super::service::{Answered, Asked, Service};
use super::vendor::Vendor;
use crate::assess::load_packages;
use crate::document::Mistake;
use crate::target::Target;

/// The name under which sample services are reached.
const HOST: &str = "localhost";
/// The largest head of a question.
const MAX_HEAD: usize = 64 * 1024;
/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A vendor at work. Its services end when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The target file that describes it.
    pub target_path: PathBuf,
    /// The same, read.
    pub target: Target,
    /// Its secrets, by the names of environment variables that the target file uses.
    pub secrets: BTreeMap<String, String>,
    _tasks: JoinSet<()>,
}

impl Running {
    /// Looks up one of its secrets, as [`crate::assess::opening`] looks up environment variables.
    pub fn environment(&self, name: &str) -> Option<String> {
        self.secrets.get(name).cloned()
    }
}

impl Vendor {
    /// Starts the vendor's services and writes its target file and documents into a folder.
    ///
    /// # Errors
    /// The vendor file is wrong, or the machine gives no port or does not let the files be written.
    pub async fn start(&self, folder: &Path, now: OffsetDateTime) -> Result<Running, DemoError> {
        let wrong = |message: String| DemoError::File { vendor: self.name.clone(), message };
        let start = |e: std::io::Error| DemoError::Start(e.to_string());
        let mut tree = self.tree.clone();
        let mut listeners = BTreeMap::new();
        let mut known = Known { now, host: HOST, services: BTreeMap::new(), files: BTreeMap::new() };
        for (name, service) in tree.get("services").and_then(|s| s.as_object()).into_iter().flatten() {
            let scheme = service.get("scheme").and_then(|s| s.as_str()).unwrap_or("http");
            let (listener, port) = Bound::new(scheme).await.map_err(start)?;
            let scheme = match scheme {
                "silent" => "http",
                "tls-mock" => "tls",
                "says" | "closed" => "tcp",
                other => other,
            };
            known.services.insert(name.clone(), (scheme.to_owned(), port));
            listeners.insert(name.clone(), listener);
        }
        // Files may speak of services, and the target file of both.
        if let Some(files) = tree.get_mut("files") {
            known.fill(files).map_err(wrong)?;
        }
        let authority = Authority::new("Probity sample authority", now).map_err(|e| DemoError::Start(e.to_string()))?;
        known.files = files(&tree).map_err(wrong)?;
        known.files.insert("ca.pem".into(), authority.pem().as_bytes().to_vec());
        known.files.insert("authorities.pem".into(), authority.pem_with_below().into_bytes());
        known.fill(&mut tree).map_err(wrong)?;

        std::fs::create_dir_all(folder).map_err(start)?;
        for (name, bytes) in &known.files {
            std::fs::write(folder.join(name), bytes).map_err(start)?;
        }
        let target_path = folder.join("target.yaml");
        let target = tree.get("target").cloned().unwrap_or_default();
        // JSON is YAML too, and keeps every scalar's kind.
        std::fs::write(&target_path, serde_json::to_string_pretty(&target).unwrap_or_default()).map_err(start)?;
        let mut target = Target::read(&target_path).map_err(|m| wrong(m.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; ")))?;
        if let Some(problem) = load_packages(&mut target, |_, _| None, None).first() {
            return Err(wrong(problem.to_string()));
        }

        let secrets: BTreeMap<String, String> =
            serde_json::from_value(tree.get("secrets").cloned().unwrap_or_else(|| serde_json::json!({})))
                .map_err(|e| wrong(e.to_string()))?;
        let services: BTreeMap<String, Service> =
            serde_json::from_value(tree.get("services").cloned().unwrap_or_else(|| serde_json::json!({})))
                .map_err(|e| wrong(e.to_string()))?;
        let mut tasks = JoinSet::new();
        for (name, mut service) in services {
            service.begin(&self.quirks).map_err(|why| wrong(format!("services.{name}.{why}")))?;
            let listener = match listeners.remove(&name) {
                None => continue,
                Some(Bound::Tcp(listener)) => listener,
                Some(Bound::Udp(socket)) => {
                    tasks.spawn(service.device.serve(socket));
                    continue;
                }
                Some(Bound::Closed(socket)) => {
                    tasks.spawn(async move {
                        let _kept = socket;
                        std::future::pending::<()>().await;
                    });
                    continue;
                }
            };
            let acceptor = match service.scheme.as_str() {
                "https" | "mqtts" | "sips" => Some(TlsAcceptor::from(service.tls.config(&authority, now).map_err(wrong)?)),
                "http" | "silent" | "says" | "mqtt" | "sip" => None,
                "tls-mock" => {
                    let chain = service.tls.chain(&authority, now).map_err(wrong)?;
                    tasks.spawn(service.face.face(chain, service.tls.staple()).serve(listener));
                    continue;
                }
                other => return Err(wrong(format!("services.{name}.scheme: `{other}` is none that sample services speak"))),
            };
            tasks.spawn(accept(listener, acceptor, Arc::new(service), Arc::new(secrets.clone())));
        }
        Ok(Running { target_path, target, secrets, _tasks: tasks })
    }
}

/// A port that a service has.
enum Bound {
    Tcp(TcpListener),
    Udp(UdpSocket),
    /// Kept from others, and nobody listens: whoever connects is refused.
    Closed(TcpSocket),
}

impl Bound {
    async fn new(scheme: &str) -> std::io::Result<(Self, u16)> {
        let any = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
        Ok(match scheme {
            "coap" => {
                let socket = UdpSocket::bind(any).await?;
                let port = socket.local_addr()?.port();
                (Self::Udp(socket), port)
            }
            "closed" => {
                let socket = TcpSocket::new_v4()?;
                socket.bind(any)?;
                let port = socket.local_addr()?.port();
                (Self::Closed(socket), port)
            }
            _ => {
                let listener = TcpListener::bind(any).await?;
                let port = listener.local_addr()?.port();
                (Self::Tcp(listener), port)
            }
        })
    }
}

/// The bytes of the vendor's files.
fn files(tree: &serde_json::Value) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    for (name, content) in tree.get("files").and_then(|f| f.as_object()).into_iter().flatten() {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(format!("files: `{name}` is no plain file name"));
        }
        let bytes = match (content.get("data"), content.get("text").and_then(|t| t.as_str())) {
            (None, None) if content.get("sample").is_some_and(|s| s == "fhir-definitions") => definitions().to_string().into_bytes(),
            (Some(data), None) => serde_json::to_vec_pretty(data).map_err(|e| e.to_string())?,
            (None, Some(text)) => text.as_bytes().to_vec(),
            _ => return Err(format!("files.{name}: exactly one of `data`, `text` and `sample: fhir-definitions` is needed")),
        };
        files.insert(name.clone(), bytes);
    }
    Ok(files)
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, service: Arc<Service>, secrets: Arc<BTreeMap<String, String>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Tickets and the answer are two writes; waiting between them would cost each question 40 ms.
                let _ = stream.set_nodelay(true);
                let (acceptor, service, secrets) = (acceptor.clone(), Arc::clone(&service), Arc::clone(&secrets));
                connections.spawn(async move {
                    // A peer that goes away is the peer's business.
                    let _ = match acceptor {
                        None => converse(stream, &service, &secrets).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => converse(stream, &service, &secrets).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the questions of one connection until either side has enough.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    service: &Service,
    secrets: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    if service.scheme == "silent" {
        tokio::time::sleep(PATIENCE).await;
        return Ok(());
    }
    match service.scheme.as_str() {
        "mqtt" | "mqtts" => return service.broker.talk(&mut stream).await,
        "sip" | "sips" => return service.alarm_line.talk(&mut stream).await,
        "says" => {
            stream.write_all(&service.greeting()).await?;
            stream.flush().await?;
            tokio::time::sleep(PATIENCE).await;
            return Ok(());
        }
        _ => {}
    }
    let mut buffer = Vec::new();
    loop {
        let Some(length) = head(&mut stream, &mut buffer).await? else { break };
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let field = |name: &str| {
            text.split("\r\n").skip(1).find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()))
        };
        let bearer = field("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let gzip = field("accept-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("gzip"));
        let body: usize = field("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        let last = field("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        buffer.drain(..length);
        while buffer.len() < body.min(MAX_HEAD) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = buffer.drain(..body.min(buffer.len())).collect();
        let headers =
            text.split("\r\n").skip(1).filter_map(|l| l.split_once(':').map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()))).collect();
        let answered = service.answer(&Asked { method, path, target, headers, body, bearer, head: &text, gzip }, secrets);
        if send(&mut stream, &answered).await? || last {
            break;
        }
    }
    stream.shutdown().await
}

/// Reads until the end of a head; its length, or nothing at the end of the stream.
async fn head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> std::io::Result<Option<usize>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if buffer.len() > MAX_HEAD {
            return Ok(None);
        }
        let Ok(read) = tokio::time::timeout(PATIENCE, stream.read_buf(buffer)).await else { return Ok(None) };
        if read? == 0 {
            return Ok(None);
        }
    }
}

/// Sends an answer; whether the connection is to be closed.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, answered: &Answered) -> std::io::Result<bool> {
    stream.write_all(&answered.bytes).await?;
    stream.flush().await?;
    if let Some((bytes, pause)) = &answered.repeat {
        loop {
            if *pause > 0 {
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            }
            stream.write_all(bytes).await?;
            stream.flush().await?;
        }
    }
    Ok(answered.closes)
}
