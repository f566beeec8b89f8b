//! A server that shakes hands and no more: the faces against which the survey is proven.
//!
//! It speaks the first flight of SSL 2.0 to TLS 1.3 from a description, without any cryptography:
//! signatures and public values are filler, which a survey never looks at. It can also misbehave in
//! the ways that servers do. It must never be taken for a server: no session can be made with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tls_parser::{
    DTLSMessage, DTLSMessageHandshakeBody, TlsExtension, TlsMessage, TlsMessageHandshake, TlsVersion, parse_dtls_plaintext_record,
    parse_tls_client_hello_extensions, parse_tls_plaintext,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::hello::{length24, vector8, vector16};
use super::{Der, Group, ProtocolVersion, Suite};

/// What a face agrees to.
#[derive(Debug, Clone)]
pub struct Face {
    /// The versions it speaks.
    pub versions: Vec<ProtocolVersion>,
    /// Its suites up to TLS 1.2, in its order.
    pub suites: Vec<Suite>,
    /// Its suites of TLS 1.3, in its order.
    pub suites_13: Vec<Suite>,
    /// Its own order counts, not the client's.
    pub own_order: bool,
    /// Its groups, in its order.
    pub groups: Vec<Group>,
    /// The prime of its finite-field exchange.
    pub prime: Vec<u8>,
    /// Agrees to RFC 7627.
    pub extended_master_secret: bool,
    /// Agrees to RFC 5746.
    pub secure_renegotiation: bool,
    /// Agrees to DEFLATE.
    pub deflate: bool,
    /// The hashes it signs the key exchange with, by their numbers (2 is SHA-1, 3 SHA-224, 4 SHA-256).
    pub hashes: Vec<u8>,
    /// Notices a fallback (RFC 7507).
    pub fallback_scsv: bool,
    /// Declines hellos without a server name.
    pub needs_name: bool,
    /// The chain it shows in clear.
    pub chain: Vec<Der>,
    /// The OCSP response that it staples.
    pub staple: Option<Der>,
    /// The curve of its certificate: up to TLS 1.2 it declines who does not offer it (RFC 8422, section 5.1).
    pub certificate_curve: Option<Group>,
    /// What it does wrong.
    pub misbehaviour: Option<Misbehaviour>,
}

/// What a face does instead of answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Tears every connection down.
    Reset,
    /// Accepts and says nothing.
    Silence,
    /// Answers everything with this alert.
    AlertToAll(u8),
    /// Answers in plain text, as an HTTP server on a TLS port does.
    PlainText,
    /// Sends one byte in each of these spans.
    Drip(Duration),
    /// Announces a record that is longer than any.
    HugeRecord,
    /// Chooses a suite that was not offered.
    UnofferedSuite,
    /// After so many connections, closes each without a word.
    CloseAfter(u32),
    /// After so many connections, declines each with `handshake_failure`.
    AlertAfter(u32),
    /// After so many connections, tears each down.
    ResetAfter(u32),
    /// Sends warning alerts without end.
    Warnings,
    /// Sends one warning alert, then answers.
    OneWarning,
    /// Tears down what it would have to decline, as some stacks do.
    ResetInsteadOfAlert,
    /// Closes without a word what it would have to decline.
    CloseInsteadOfAlert,
    /// Closes this many connections without a word after having answered as many, again and again.
    ClosesInTurns(u32),
    /// After so many connections, says nothing more.
    SilenceAfter(u32),
    /// After so many connections, answers in plain text.
    PlainTextAfter(u32),
    /// Stumbles over a hello of TLS 1.3 and tears it down, though it speaks older versions.
    ResetsNewHellos,
}

impl Face {
    /// A face that keeps to what is recommended: TLS 1.2 and 1.3, authenticated encryption, X25519 and P-256.
    pub fn sound() -> Self {
        let suites = |codes: &[u16]| codes.iter().map(|code| Suite(*code)).collect();
        Self {
            versions: vec![ProtocolVersion::Tls13, ProtocolVersion::Tls12],
            suites: suites(&[0xc02f, 0xc030, 0xcca8]),
            suites_13: suites(&[0x1302, 0x1303, 0x1301]),
            own_order: true,
            groups: vec![Group::X25519MLKEM768, Group::X25519, Group(23)],
            prime: Vec::new(),
            extended_master_secret: true,
            secure_renegotiation: true,
            deflate: false,
            hashes: vec![4, 5, 6],
            fallback_scsv: true,
            needs_name: false,
            chain: Vec::new(),
            staple: None,
            certificate_curve: None,
            misbehaviour: None,
        }
    }

    /// Serves this face until the listener fails.
    pub async fn serve(self, listener: TcpListener) {
        let count = AtomicU32::new(0);
        let face = std::sync::Arc::new(self);
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let face = std::sync::Arc::clone(&face);
            tokio::spawn(async move { face.connection(stream, number).await });
        }
    }

    async fn connection(&self, mut stream: TcpStream, number: u32) {
        match self.misbehaviour {
            Some(Misbehaviour::Reset) => return reset(stream),
            Some(Misbehaviour::ResetAfter(after)) if number >= after => return reset(stream),
            Some(Misbehaviour::SilenceAfter(after)) if number >= after => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                return;
            }
            Some(Misbehaviour::ClosesInTurns(turn)) if number / turn.max(1) % 2 == 1 => return close(stream).await,
            _ => {}
        }
        let Some(asked) = read_hello(&mut stream).await else { return };
        match self.misbehaviour {
            Some(Misbehaviour::Silence) => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                return;
            }
            Some(Misbehaviour::CloseAfter(after)) if number >= after => return,
            Some(Misbehaviour::AlertAfter(after)) if number >= after => return write(&mut stream, &alert(2, 40)).await,
            Some(Misbehaviour::AlertToAll(description)) => return write(&mut stream, &alert(2, description)).await,
            Some(Misbehaviour::ResetsNewHellos) if matches!(&asked, Asked::Hello(h) if !h.versions.is_empty()) => return reset(stream),
            Some(Misbehaviour::PlainTextAfter(after)) if number >= after => return write(&mut stream, b"503 too busy\r\n").await,
            Some(Misbehaviour::PlainText) => {
                return write(&mut stream, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
            }
            Some(Misbehaviour::HugeRecord) => return write(&mut stream, &[22, 3, 3, 0xff, 0xff, 2]).await,
            Some(Misbehaviour::Warnings) => return write(&mut stream, &alert(1, 112).repeat(1000)).await,
            Some(Misbehaviour::OneWarning) if stream.write_all(&alert(1, 112)).await.is_err() => return,
            _ => {}
        }
        let answer = self.answer(&asked);
        match self.misbehaviour {
            Some(Misbehaviour::Drip(span)) => {
                for byte in answer {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(span).await;
                }
            }
            Some(Misbehaviour::ResetInsteadOfAlert) if answer.first() == Some(&21) => reset(stream),
            Some(Misbehaviour::CloseInsteadOfAlert) if answer.first() == Some(&21) => write(&mut stream, &[]).await,
            _ => write(&mut stream, &answer).await,
        }
    }

    /// The answer to a hello, in records of a stream.
    fn answer(&self, asked: &Asked) -> Vec<u8> {
        let Asked::Hello(asked) = asked else {
            return if self.versions.contains(&ProtocolVersion::Ssl2) { self.ssl2() } else { Vec::new() };
        };
        match self.flight(asked, false) {
            Err(description) => alert(2, description),
            Ok((version, messages)) => {
                let all: Vec<u8> = messages.iter().flat_map(|(kind, body)| message(*kind, body)).collect();
                all.chunks(16_000).flat_map(|piece| record(version, piece)).collect()
            }
        }
    }

    /// The messages of the first flight, or the alert that declines.
    fn flight(&self, asked: &Hello, datagram: bool) -> Result<Flight, u8> {
        if self.needs_name && !asked.named && asked.legacy > ProtocolVersion::Ssl3.code() {
            return Err(112);
        }
        let spoken: Vec<ProtocolVersion> =
            self.versions.iter().copied().filter(|v| v.is_datagram() == datagram && *v != ProtocolVersion::Ssl2).collect();
        // Versions of datagrams count downwards on the wire.
        let offered = |v: &ProtocolVersion| if datagram { v.code() >= asked.legacy } else { v.code() <= asked.legacy };
        let version = if asked.versions.is_empty() {
            spoken.iter().copied().filter(|v| !v.is_13()).filter(offered).max()
        } else {
            spoken.iter().copied().filter(|v| asked.versions.contains(&v.code())).max()
        };
        let version = version.ok_or(70)?;
        if self.fallback_scsv && asked.suites.contains(&Suite::FALLBACK_SCSV) && Some(version) < spoken.iter().copied().max() {
            return Err(86);
        }
        let mine = if version.is_13() { &self.suites_13 } else { &self.suites };
        let group = self.groups.iter().find(|g| asked.groups.contains(g)).copied();
        let acceptable = |h: &u8| asked.signatures.is_empty() || asked.signatures.iter().any(|s| s >> 8 == u16::from(*h));
        let hash = self.hashes.iter().copied().find(acceptable);
        let curve_missing = |c: Group| !version.is_13() && !asked.groups.is_empty() && !asked.groups.contains(&c);
        let usable = |s: &&Suite| {
            !(s.is_ecdsa() && self.certificate_curve.is_some_and(curve_missing))
                && (!s.is_ecdhe() || group.is_some() || asked.groups.is_empty())
                && (!s.is_signed() || !version.has_signature_algorithms() || hash.is_some())
                && (version.is_13() || s.fits(version))
        };
        let mut suite = if self.own_order {
            mine.iter().filter(usable).find(|s| asked.suites.contains(s)).copied()
        } else {
            asked.suites.iter().filter(|s| mine.contains(s)).find(usable).copied()
        };
        if self.misbehaviour == Some(Misbehaviour::UnofferedSuite) {
            suite = mine.iter().find(|s| !asked.suites.contains(s)).copied().or(Some(Suite(0xc0ff)));
        }
        let suite = suite.ok_or(40)?;
        if version.is_13() {
            return Ok((version, vec![(2, retry(version, &asked.session, suite, group.ok_or(40)?))]));
        }
        let mut flight = vec![(2, self.server_hello(version, suite, asked))];
        if !suite.is_anonymous() && !suite.is_psk() {
            let list: Vec<u8> = self.chain.iter().flat_map(|c| [&length24(c.0.len())[..], &c.0].concat()).collect();
            flight.push((11, [&length24(list.len())[..], &list].concat()));
            if let Some(staple) = &self.staple {
                flight.push((22, [&[1][..], &length24(staple.0.len()), &staple.0].concat()));
            }
        }
        if suite.is_ecdhe() || suite.is_dhe() {
            flight.push((12, self.key_exchange(version, suite, group.unwrap_or(Group(23)), hash.unwrap_or(2))));
        }
        flight.push((14, Vec::new()));
        Ok((version, flight))
    }

    /// Serves this face over datagrams until the socket fails. A cookie is asked for first.
    pub async fn serve_datagrams(self, socket: UdpSocket) {
        let mut buffer = vec![0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let datagram = buffer.get(..length).unwrap_or_default();
            for answer in self.answer_datagram(datagram) {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    }

    fn answer_datagram(&self, datagram: &[u8]) -> Vec<Vec<u8>> {
        match self.misbehaviour {
            Some(Misbehaviour::Silence) => return Vec::new(),
            Some(Misbehaviour::PlainText) => return vec![b"pong".to_vec()],
            _ => {}
        }
        let Ok((_, record)) = parse_dtls_plaintext_record(datagram) else { return Vec::new() };
        let Some(DTLSMessage::Handshake(message)) = record.messages.first() else { return Vec::new() };
        let DTLSMessageHandshakeBody::ClientHello(read) = &message.body else { return Vec::new() };
        let mut hello = Hello {
            legacy: read.version.0,
            session: read.session_id.unwrap_or_default().to_vec(),
            suites: read.ciphers.iter().map(|c| Suite(c.0)).collect(),
            ..Hello::default()
        };
        if let Some(Ok((_, extensions))) = read.ext.map(parse_tls_client_hello_extensions) {
            hello.extend(extensions);
        }
        if read.cookie.is_empty() && hello.versions.is_empty() {
            let body = [&[0xfe, 0xff][..], &[4, 1, 2, 3, 4]].concat();
            return vec![datagram_record(3, 0, body.len(), 0, &body)];
        }
        match self.flight(&hello, true) {
            Err(description) => vec![[&[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2][..], &[2, description]].concat()],
            Ok((_, messages)) => messages
                .iter()
                .enumerate()
                .flat_map(|(number, (kind, body))| {
                    let number = u16::try_from(number + 1).unwrap_or(u16::MAX);
                    let pieces: Vec<&[u8]> = if body.is_empty() { vec![&[]] } else { body.chunks(1200).collect() };
                    let piece = move |(at, bytes): (usize, &[u8])| datagram_record(*kind, number, body.len(), at * 1200, bytes);
                    pieces.into_iter().enumerate().map(piece).collect::<Vec<_>>()
                })
                .collect(),
        }
    }

    fn server_hello(&self, version: ProtocolVersion, suite: Suite, asked: &Hello) -> Vec<u8> {
        let mut out = version.code().to_be_bytes().to_vec();
        out.extend([0x11; 32]);
        out.push(0);
        out.extend(suite.0.to_be_bytes());
        out.push(u8::from(self.deflate && asked.deflate));
        let mut extensions = Vec::new();
        if version != ProtocolVersion::Ssl3 {
            if self.extended_master_secret && asked.extended_master_secret {
                extensions.extend([0, 23, 0, 0]);
            }
            if self.staple.is_some() && !suite.is_anonymous() && !suite.is_psk() {
                extensions.extend([0, 5, 0, 0]);
            }
            if self.secure_renegotiation {
                extensions.extend([0xff, 1, 0, 1, 0]);
            }
        }
        if !extensions.is_empty() {
            vector16(&mut out, &extensions);
        }
        out
    }

    fn key_exchange(&self, version: ProtocolVersion, suite: Suite, group: Group, hash: u8) -> Vec<u8> {
        let mut out = Vec::new();
        if suite.is_psk() {
            vector16(&mut out, &[]);
        }
        if suite.is_ecdhe() {
            out.push(3);
            out.extend(group.0.to_be_bytes());
            vector8(&mut out, &[4; 65]);
        } else {
            vector16(&mut out, &self.prime);
            vector16(&mut out, &[2]);
            vector16(&mut out, &vec![5; self.prime.len()]);
        }
        if suite.is_signed() {
            if version.has_signature_algorithms() {
                out.extend([hash, 1]);
            }
            vector16(&mut out, &[6; 256]);
        }
        out
    }

    fn ssl2(&self) -> Vec<u8> {
        let certificate = self.chain.first().map(|c| c.0.as_slice()).unwrap_or_default();
        let mut out = vec![4, 0, 1, 0, 2];
        for length in [certificate.len(), 3, 16] {
            out.extend(u16::try_from(length).unwrap_or(0).to_be_bytes());
        }
        out.extend(certificate);
        out.extend([7, 0, 0xc0]);
        out.extend([9; 16]);
        [&(0x8000 | u16::try_from(out.len()).unwrap_or(0)).to_be_bytes()[..], &out].concat()
    }
}

/// A version and the messages of a flight, each with its kind.
type Flight = (ProtocolVersion, Vec<(u8, Vec<u8>)>);

/// What a client asked.
enum Asked {
    Hello(Hello),
    Ssl2,
}

#[derive(Default)]
struct Hello {
    legacy: u16,
    session: Vec<u8>,
    suites: Vec<Suite>,
    versions: Vec<u16>,
    groups: Vec<Group>,
    signatures: Vec<u16>,
    deflate: bool,
    extended_master_secret: bool,
    named: bool,
}

impl Hello {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a face looks at the few extensions that it answers")]
    fn extend(&mut self, extensions: Vec<TlsExtension<'_>>) {
        for extension in extensions {
            match extension {
                TlsExtension::SupportedVersions(list) => self.versions = list.iter().map(|TlsVersion(v)| *v).collect(),
                TlsExtension::EllipticCurves(list) => self.groups = list.iter().map(|g| Group(g.0)).collect(),
                TlsExtension::SignatureAlgorithms(list) => self.signatures = list,
                TlsExtension::ExtendedMasterSecret => self.extended_master_secret = true,
                TlsExtension::SNI(names) => self.named = !names.is_empty(),
                _ => {}
            }
        }
    }
}

async fn read_hello(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|c| *c > 0)?;
        bytes.extend_from_slice(piece.get(..count)?);
        if bytes.first().is_some_and(|b| b & 0x80 != 0) {
            return Some(Asked::Ssl2);
        }
        if let Ok((_, record)) = parse_tls_plaintext(&bytes) {
            let Some(TlsMessage::Handshake(TlsMessageHandshake::ClientHello(read))) = record.msg.first() else { return None };
            let mut hello = Hello {
                legacy: read.version.0,
                session: read.session_id.unwrap_or_default().to_vec(),
                suites: read.ciphers.iter().map(|c| Suite(c.0)).collect(),
                deflate: read.comp.iter().any(|c| c.0 == 1),
                ..Hello::default()
            };
            let extensions = match read.ext {
                Some(bytes) => parse_tls_client_hello_extensions(bytes).ok()?.1,
                None => Vec::new(),
            };
            hello.extend(extensions);
            return Some(Asked::Hello(hello));
        }
    }
}

/// A HelloRetryRequest (RFC 8446, section 4.1.4).
fn retry(version: ProtocolVersion, session: &[u8], suite: Suite, group: Group) -> Vec<u8> {
    let legacy = if version.is_datagram() { ProtocolVersion::Dtls12 } else { ProtocolVersion::Tls12 };
    let mut out = legacy.code().to_be_bytes().to_vec();
    out.extend(super::answer::RETRY_RANDOM);
    vector8(&mut out, session);
    out.extend(suite.0.to_be_bytes());
    out.push(0);
    let mut extensions = vec![0, 43, 0, 2];
    extensions.extend(version.code().to_be_bytes());
    extensions.extend([0, 51, 0, 2]);
    extensions.extend(group.0.to_be_bytes());
    vector16(&mut out, &extensions);
    out
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &length24(body.len()), body].concat()
}

fn record(version: ProtocolVersion, fragment: &[u8]) -> Vec<u8> {
    let wire = if version == ProtocolVersion::Tls13 { ProtocolVersion::Tls12 } else { version };
    let mut out = vec![22];
    out.extend(wire.code().to_be_bytes());
    vector16(&mut out, fragment);
    out
}

/// A piece of a handshake message in a datagram of its own.
fn datagram_record(kind: u8, number: u16, whole: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut fragment = vec![kind];
    fragment.extend(length24(whole));
    fragment.extend(number.to_be_bytes());
    fragment.extend(length24(offset));
    fragment.extend(length24(bytes.len()));
    fragment.extend(bytes);
    let mut out = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
    vector16(&mut out, &fragment);
    out
}

fn alert(level: u8, description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, level, description]
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    // Closing with unread bytes would tear the connection down before the client has read this.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// Reads what comes and closes in good order.
async fn close(mut stream: TcpStream) {
    let mut piece = [0; 4096];
    let _ = stream.read(&mut piece).await;
    write(&mut stream, &[]).await;
}

/// Tears a connection down instead of closing it.
fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
    drop(stream);
}
