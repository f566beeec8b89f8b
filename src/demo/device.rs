//! Services of a vendor that do not speak HTTP: a message broker, a line for alarms, a constrained
//! device, and one that only says something to whoever connects. Each is as small as its checks need.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::probe::coap::{CONTENT_FORMAT, Kind, Message, URI_PATH};
use crate::probe::random_word;

/// The largest packet or message that is read.
const MAX: usize = 64 * 1024;

/// A message broker (MQTT 3.1.1).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Broker {
    /// The code by which a connection without a credential is answered; 5 refuses, 0 lets in.
    code: u8,
    /// Messages that are kept, by topic.
    retained: BTreeMap<String, String>,
}

impl Default for Broker {
    fn default() -> Self {
        Self { code: 5, retained: BTreeMap::new() }
    }
}

impl Broker {
    /// Talks to one client.
    pub(super) async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S) -> std::io::Result<()> {
        if packet(stream).await?.is_none_or(|(kind, _)| kind != 1) {
            return Ok(());
        }
        stream.write_all(&[0x20, 2, 0, self.code]).await?;
        stream.flush().await?;
        while let Some((kind, body)) = packet(stream).await?.filter(|_| self.code == 0) {
            if kind != 8 {
                break;
            }
            let [high, low, rest @ ..] = body.as_slice() else { break };
            let topic = rest.get(2..rest.len().saturating_sub(1)).map(|t| String::from_utf8_lossy(t).into_owned()).unwrap_or_default();
            stream.write_all(&[0x90, 3, *high, *low, 0]).await?;
            if let Some(message) = self.retained.get(&topic).filter(|m| topic.len() + m.len() < 120) {
                let length = u8::try_from(2 + topic.len() + message.len()).unwrap_or(2);
                let mut publish = vec![0x31, length, 0, u8::try_from(topic.len()).unwrap_or(0)];
                publish.extend(topic.as_bytes());
                publish.extend(message.as_bytes());
                stream.write_all(&publish).await?;
            }
            stream.flush().await?;
        }
        stream.shutdown().await
    }
}

/// Reads one packet of MQTT: its kind and body, or nothing at the end.
async fn packet<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let Ok(first) = stream.read_u8().await else { return Ok(None) };
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 21 {
            break;
        }
    }
    let mut body = vec![0; length.min(MAX)];
    stream.read_exact(&mut body).await?;
    Ok(Some((first >> 4, body)))
}

/// A line for alarms (SIP).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct AlarmLine {
    /// The status by which a question about a user is answered.
    register: u16,
    /// Whether every challenge has the same nonce.
    fixed_nonce: bool,
    /// The algorithm of the challenge.
    algorithm: String,
    /// What it says of its software.
    server: Option<String>,
}

impl Default for AlarmLine {
    fn default() -> Self {
        Self { register: 401, fixed_nonce: false, algorithm: "SHA-256".into(), server: None }
    }
}

impl AlarmLine {
    /// Answers the requests of one connection.
    pub(super) async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            while let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).into_owned();
                buffer.drain(..end + 4);
                stream.write_all(self.answer(&head).as_bytes()).await?;
                stream.flush().await?;
            }
            if buffer.len() > MAX || stream.read_buf(&mut buffer).await? == 0 {
                return stream.shutdown().await;
            }
        }
    }

    fn answer(&self, head: &str) -> String {
        let asks = head.starts_with("REGISTER ");
        let status = if asks { self.register } else { 200 };
        let mut out = format!("SIP/2.0 {status} {}\r\n", if status == 200 { "OK" } else { "Unauthorized" });
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let line = head.split("\r\n").find(|l| l.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name)));
            out.push_str(&format!("{}\r\n", line.unwrap_or(name)));
        }
        if status == 401 {
            let nonce = if self.fixed_nonce { "7f3a7f3a7f3a7f3a".to_owned() } else { random_word() };
            out.push_str(&format!(
                "WWW-Authenticate: Digest realm=\"alarms\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"\r\n",
                self.algorithm
            ));
        }
        if let Some(server) = &self.server {
            out.push_str(&format!("Server: {server}\r\n"));
        }
        out + "Content-Length: 0\r\n\r\n"
    }
}

/// A constrained device (CoAP).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Constrained {
    /// What can be read without encryption, by path.
    open: BTreeMap<String, String>,
    /// What is refused without encryption.
    refused: Vec<String>,
}

impl Constrained {
    /// Answers datagrams for ever.
    pub(super) async fn serve(self, socket: UdpSocket) {
        let mut buffer = vec![0; 2048];
        loop {
            // An error here is that of an earlier datagram.
            let Ok((count, peer)) = socket.recv_from(&mut buffer).await else { continue };
            if let Some(answer) = buffer.get(..count).and_then(|bytes| Message::read(bytes).ok()).map(|asked| self.answer(&asked)) {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    }

    fn answer(&self, asked: &Message) -> Vec<u8> {
        let path: String = asked.option(URI_PATH).map(|s| format!("/{}", String::from_utf8_lossy(s))).collect();
        let links = || self.open.keys().chain(&self.refused).map(|p| format!("<{p}>")).collect::<Vec<_>>().join(",");
        let (code, options, payload) = match path.as_str() {
            "/.well-known/core" => (0x45, vec![(CONTENT_FORMAT, vec![40])], links()),
            other if self.open.contains_key(other) => (0x45, Vec::new(), self.open.get(other).cloned().unwrap_or_default()),
            other if self.refused.iter().any(|p| p == other) => (0x81, Vec::new(), String::new()),
            _ => (0x84, Vec::new(), String::new()),
        };
        let kind = Kind::NonConfirmable;
        Message { kind, code, id: asked.id.wrapping_add(1), token: asked.token.clone(), options, payload: payload.into_bytes() }.write()
    }
}
