//! DTLS: the same questions over datagrams (RFC 6347, RFC 9147).
//!
//! A server may answer a first hello with a cookie, to see that the address is not forged; the hello
//! is then repeated with it. No answer at all says nothing: datagrams get lost and are filtered.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::{Answer, Cursor, MAX_ANSWER, MAX_HANDSHAKE, MAX_WARNINGS, Progress};
use super::exchange::{Ask, Exchange, ProbeOutcome, Question, Want};
use super::hello::CLOSE_NOTIFY_DATAGRAM;
use crate::probe::{Datagrams, ProbeError};
use crate::verdict::Untrusted;

/// Most messages of one flight that are put together.
const MAX_MESSAGES: usize = 16;
/// Most datagrams of one answer.
const MAX_DATAGRAMS: usize = 64;

/// A socket that is bound to one peer.
pub trait Socket: Send {
    /// Sends one datagram.
    ///
    /// # Errors
    /// It could not be sent, or may not be.
    fn send(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), ProbeError>> + Send;
    /// Receives one datagram of the peer; none when there was none in time.
    ///
    /// # Errors
    /// The peer's port is closed, or the system could not receive.
    fn receive(&mut self, wait: Duration) -> impl Future<Output = Result<Option<Vec<u8>>, ProbeError>> + Send;
}

impl Socket for Datagrams {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), ProbeError> {
        Datagrams::send(self, bytes).await
    }
    async fn receive(&mut self, wait: Duration) -> Result<Option<Vec<u8>>, ProbeError> {
        Datagrams::receive(self, wait).await
    }
}

/// Opens sockets to the one endpoint that is looked at.
pub trait DialDatagram {
    /// A socket.
    type Socket: Socket;

    /// Opens one more socket, with a port of its own; `purpose` is for the journal.
    ///
    /// # Errors
    /// The endpoint cannot be reached, or may not be.
    fn dial(&self, purpose: &str) -> impl Future<Output = Result<Self::Socket, ProbeError>> + Send;
}

/// Asks over datagrams.
pub(super) struct OverDatagrams<'a, D>(pub &'a D);

impl<D: DialDatagram + Sync> Ask for OverDatagrams<'_, D> {
    async fn ask(&self, purpose: &str, question: Question<'_>, want: Want, limit: Duration) -> Exchange {
        let Question::Hello(hello) = question else { return Exchange::nothing(ProbeOutcome::UnofferedVersion) };
        let mut socket = match self.0.dial(purpose).await {
            Ok(socket) => socket,
            Err(error) => return Exchange::nothing(ProbeOutcome::from(&error)),
        };
        let deadline = Instant::now() + limit;
        let mut hello = hello.clone();
        let (mut done, cookie) = converse(&mut socket, &hello.datagram(0), want, deadline).await;
        if let Some(cookie) = cookie {
            hello.cookie = &cookie;
            let (second, again) = converse(&mut socket, &hello.datagram(1), want, deadline).await;
            if again.is_some() {
                // Asking for a cookie for ever is how some servers decline: it is no answer.
                return Exchange { late: false, ..Exchange::nothing(ProbeOutcome::Timeout) };
            }
            done = second;
        }
        if done.outcome == ProbeOutcome::Hello {
            // Politeness; the answer has been read.
            let _ = socket.send(&CLOSE_NOTIFY_DATAGRAM).await;
        }
        done
    }
}

/// Sends a datagram, once more when nothing comes, and reads the answer; gives the cookie if that is the answer.
async fn converse<S: Socket>(socket: &mut S, bytes: &[u8], want: Want, deadline: Instant) -> (Exchange, Option<Vec<u8>>) {
    let mut reader = DatagramReader::new();
    let mut seen = None;
    let mut late = false;
    let mut resend = Some(Instant::now() + deadline.saturating_duration_since(Instant::now()) / 4);
    let mut ended = match socket.send(bytes).await {
        Ok(()) => None,
        Err(error) => Some(ProbeOutcome::from(&error)),
    };
    for _ in 0..MAX_DATAGRAMS {
        if ended.is_some() {
            break;
        }
        let until = resend.unwrap_or(deadline);
        match socket.receive(until.saturating_duration_since(Instant::now())).await {
            Ok(None) if resend.take().is_some() => {
                // A failed send shows itself as silence.
                let _ = socket.send(bytes).await;
            }
            Ok(None) => {
                late = true;
                ended = Some(ProbeOutcome::Timeout);
            }
            Err(error) => ended = Some(ProbeOutcome::from(&error)),
            Ok(Some(datagram)) => {
                resend = None;
                ended = match reader.feed(&datagram) {
                    Progress::More if want.has(reader.answer()) || reader.cookie().is_some() => Some(ProbeOutcome::Hello),
                    Progress::More => None,
                    Progress::Done => Some(ProbeOutcome::Hello),
                    Progress::Alert(0) => Some(ProbeOutcome::Closed),
                    Progress::Alert(number) => Some(ProbeOutcome::Alert(number)),
                    Progress::NotTls => {
                        seen = Some(Untrusted::from_bytes(datagram.get(..64).unwrap_or(&datagram)));
                        Some(ProbeOutcome::NotTls)
                    }
                    Progress::TooBig => Some(ProbeOutcome::TooBig),
                    Progress::Malformed => Some(ProbeOutcome::Malformed),
                };
            }
        }
    }
    let cookie = reader.cookie.take();
    let answer = reader.answer;
    let ended = ended.unwrap_or(ProbeOutcome::TooBig);
    let outcome = if ended == ProbeOutcome::Timeout && answer.hello.is_some() { ProbeOutcome::Hello } else { ended };
    (Exchange { outcome, answer, seen, late }, cookie)
}

/// Puts an answer together from datagrams. Pure, and bounded like the reader of streams.
#[derive(Debug, Default)]
pub struct DatagramReader {
    answer: Answer,
    cookie: Option<Vec<u8>>,
    /// Messages that are not whole yet, or whose turn has not come, by their number.
    waiting: BTreeMap<u16, Pieces>,
    /// The message whose turn it is: known once a hello has come, since not all servers count the same.
    next: Option<u16>,
    total: usize,
}

#[derive(Debug)]
struct Pieces {
    kind: u8,
    bytes: Vec<u8>,
    /// Which bytes have come.
    come: Vec<bool>,
}

impl DatagramReader {
    /// A reader before the first datagram.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was read so far.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The cookie of a HelloVerifyRequest.
    pub fn cookie(&self) -> Option<&[u8]> {
        self.cookie.as_deref()
    }

    /// Takes one datagram in.
    pub fn feed(&mut self, datagram: &[u8]) -> Progress {
        self.total = self.total.saturating_add(datagram.len());
        if self.total > MAX_ANSWER {
            return Progress::TooBig;
        }
        let mut at = Cursor(datagram);
        while let Some(&content) = at.0.first() {
            // The short header of DTLS 1.3 carries ciphertext only (RFC 9147, section 4).
            if content & 0xe0 == 0x20 && self.answer.hello.is_some() {
                return Progress::Done;
            }
            if !matches!(content, 20..=23) || at.0.get(1).is_some_and(|b| *b != 0xfe) {
                return Progress::NotTls;
            }
            let fragment = at.take(3).and_then(|_| at.take(8)).and_then(|_| at.vector16()).map(<[u8]>::to_vec);
            let Some(fragment) = fragment else { return Progress::Malformed };
            let progress = match content {
                21 => self.alert(&fragment),
                22 => self.handshake(&fragment),
                _ if self.answer.hello.is_some() => Progress::Done,
                _ => Progress::Malformed,
            };
            if progress != Progress::More {
                return progress;
            }
        }
        Progress::More
    }

    fn alert(&mut self, fragment: &[u8]) -> Progress {
        let [level, description] = fragment else { return Progress::Malformed };
        if *level != 1 || *description == 0 {
            return Progress::Alert(*description);
        }
        self.answer.warnings.push(*description);
        if self.answer.warnings.len() > MAX_WARNINGS { Progress::Malformed } else { Progress::More }
    }

    fn handshake(&mut self, fragment: &[u8]) -> Progress {
        let mut at = Cursor(fragment);
        while !at.0.is_empty() {
            let head = (at.u8(), at.u24(), at.u16(), at.u24(), at.u24());
            let (Some(kind), Some(length), Some(number), Some(offset), Some(count)) = head else { return Progress::Malformed };
            let Some(piece) = at.take(count) else { return Progress::Malformed };
            if length > MAX_HANDSHAKE || self.waiting.len() >= MAX_MESSAGES {
                return Progress::TooBig;
            }
            if matches!(kind, 2 | 3) {
                self.next.get_or_insert(number);
            }
            if self.next.is_some_and(|next| number < next) {
                // Sent again.
                continue;
            }
            let pieces = self.waiting.entry(number).or_insert_with(|| Pieces { kind, bytes: vec![0; length], come: vec![false; length] });
            let end = offset.saturating_add(count);
            let (Some(bytes), Some(come)) = (pieces.bytes.get_mut(offset..end), pieces.come.get_mut(offset..end)) else {
                return Progress::Malformed;
            };
            bytes.copy_from_slice(piece);
            come.fill(true);
            let progress = self.take_whole();
            if progress != Progress::More {
                return progress;
            }
        }
        Progress::More
    }

    /// Takes in the messages whose turn it is.
    fn take_whole(&mut self) -> Progress {
        while let Some(next) = self.next.filter(|n| self.waiting.get(n).is_some_and(|p| p.come.iter().all(|c| *c))) {
            let Some(pieces) = self.waiting.remove(&next) else { return Progress::Malformed };
            self.next = Some(next.saturating_add(1));
            // HelloVerifyRequest (RFC 6347, section 4.2.1).
            if pieces.kind == 3 && self.answer.hello.is_none() {
                let mut at = Cursor(&pieces.bytes);
                let Some(cookie) = at.u16().and_then(|_| at.vector8()) else { return Progress::Malformed };
                self.cookie = Some(cookie.to_vec());
                return Progress::More;
            }
            match self.answer.message(pieces.kind, &pieces.bytes) {
                Some(Progress::More) => {}
                Some(progress) => return progress,
                None => return Progress::Malformed,
            }
        }
        Progress::More
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::net::SocketAddr;
    use tokio::net::UdpSocket;

    use super::super::hello::{length24, vector16};
    use super::super::mock::{Face, Misbehaviour};
    use super::super::{Feature, Group, Limits, ProtocolVersion, Stop, Suite, Support, TlsSurvey, survey_datagrams};
    use super::*;
    use crate::probe::Phase;

    struct Loopback(SocketAddr);

    struct Bare(UdpSocket);

    impl Socket for Bare {
        async fn send(&mut self, bytes: &[u8]) -> Result<(), ProbeError> {
            self.0.send(bytes).await.map(|_| ()).map_err(|e| ProbeError::from_io(&e, "loopback", Phase::Answer))
        }
        async fn receive(&mut self, wait: Duration) -> Result<Option<Vec<u8>>, ProbeError> {
            let mut buffer = vec![0; 65_535];
            match tokio::time::timeout(wait, self.0.recv(&mut buffer)).await {
                Err(_) => Ok(None),
                Ok(Ok(length)) => Ok(Some(buffer[..length].to_vec())),
                Ok(Err(error)) => Err(ProbeError::from_io(&error, "loopback", Phase::Answer)),
            }
        }
    }

    impl DialDatagram for Loopback {
        type Socket = Bare;
        async fn dial(&self, _: &str) -> Result<Bare, ProbeError> {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(self.0).await.unwrap();
            Ok(Bare(socket))
        }
    }

    async fn look(face: Face, per_probe: Duration) -> TlsSurvey {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        tokio::spawn(face.serve_datagrams(socket));
        survey_datagrams(&Loopback(at), None, Limits { connections: 60, per_probe }).await
    }

    fn coap() -> Face {
        let suites = ["TLS_PSK_WITH_AES_128_CCM_8", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];
        Face {
            versions: vec![ProtocolVersion::Dtls12],
            suites: suites.iter().map(|n| Suite::from_name(n).unwrap()).collect(),
            groups: vec![Group(23)],
            chain: vec![super::super::Der(vec![7; 5000])],
            ..Face::sound()
        }
    }

    #[tokio::test]
    async fn versions_and_suites_are_seen_without_a_key() {
        let face = coap();
        let seen = look(face.clone(), Duration::from_secs(5)).await;
        assert_eq!(seen.spoken().collect::<Vec<_>>(), [ProtocolVersion::Dtls12], "{:#?}", seen.probes);
        assert_eq!(seen.support(ProtocolVersion::Dtls10), Support::Refused);
        assert_eq!(seen.support(ProtocolVersion::Dtls13), Support::Refused);
        assert_eq!((&seen.suites[0].suites, seen.suites[0].complete), (&face.suites, true));
        assert_eq!((&seen.groups[0].groups, seen.groups[0].complete), (&vec![Group(23)], true));
        assert_eq!((&seen.extended_master_secret, &seen.key_exchange_hash.sha1), (&Feature::Yes, &Feature::No));
        assert_eq!(seen.chains, [face.chain]);
        assert!(seen.connections <= 25, "{}", seen.connections);
    }

    #[tokio::test]
    async fn dtls_13_is_seen_by_its_retry() {
        let face = Face { versions: vec![ProtocolVersion::Dtls13, ProtocolVersion::Dtls12], ..coap() };
        let seen = look(face, Duration::from_secs(5)).await;
        assert_eq!(seen.spoken().collect::<Vec<_>>(), [ProtocolVersion::Dtls13, ProtocolVersion::Dtls12]);
        assert_eq!(seen.suites[0].suites.len(), 3);
    }

    #[tokio::test]
    async fn silence_and_foreign_bytes_are_not_taken_for_an_answer() {
        let quick = Duration::from_millis(200);
        let silent = look(Face { misbehaviour: Some(Misbehaviour::Silence), ..coap() }, quick).await;
        assert_eq!((silent.nothing_agreed(), silent.stopped), (Some(ProbeOutcome::Timeout), Some(Stop::TwoTimeouts)));
        let foreign = look(Face { misbehaviour: Some(Misbehaviour::PlainText), ..coap() }, quick).await;
        assert_eq!(foreign.nothing_agreed(), Some(ProbeOutcome::NotTls));
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = closed.local_addr().unwrap();
        drop(closed);
        let seen = survey_datagrams(&Loopback(at), None, Limits { connections: 60, per_probe: quick }).await;
        assert_eq!(seen.nothing_agreed(), Some(ProbeOutcome::Refused));
    }

    fn piece(kind: u8, number: u16, whole: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
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

    fn hello() -> Vec<u8> {
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([1; 32]);
        hello.extend([0, 0xc0, 0xae, 0]);
        hello
    }

    #[test]
    fn pieces_may_come_in_any_order_and_twice() {
        let hello = hello();
        let certificate = [0, 0, 5, 0, 0, 2, 0x30, 0];
        let mut reader = DatagramReader::new();
        assert_eq!(reader.feed(&piece(11, 2, 8, 0, &certificate)), Progress::More);
        assert_eq!(reader.feed(&piece(2, 1, hello.len(), 10, &hello[10..])), Progress::More);
        assert_eq!(reader.feed(&piece(2, 1, hello.len(), 10, &hello[10..])), Progress::More);
        assert!(reader.answer().hello.is_none());
        assert_eq!(reader.feed(&piece(2, 1, hello.len(), 0, &hello[..20])), Progress::More);
        assert_eq!(reader.answer().hello.as_ref().unwrap().suite, Suite(0xc0ae));
        assert_eq!(reader.answer().chain.len(), 1);
        assert_eq!(reader.feed(&piece(14, 3, 0, 0, &[])), Progress::Done);
    }

    proptest! {
        #[test]
        fn any_datagrams_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..60) {
            let mut reader = DatagramReader::new();
            let mut sound = piece(2, 0, 38, 0, &hello());
            sound.truncate(at.min(sound.len()));
            sound.extend(&bytes);
            let _ = reader.feed(&sound);
            let _ = reader.feed(&bytes);
        }
    }
}
