//! Reading what a server answers to a hello: records, handshake messages, alerts. Pure: bytes in,
//! facts out, with a limit on every length, so that a hostile server costs a bounded amount.

use serde::{Deserialize, Serialize};

use super::{Der, FiniteField, Group, ProtocolVersion, Suite};

/// The longest record that TLS allows: 2^14 bytes and 2048 of expansion (RFC 5246, section 6.2.3).
const MAX_RECORD: usize = 16_384 + 2_048;
/// The longest handshake message that is read. Chains of sound servers are below 20 KiB.
pub(super) const MAX_HANDSHAKE: usize = 128 * 1024;
/// Most bytes of one answer.
pub(super) const MAX_ANSWER: usize = 256 * 1024;
/// Most warning alerts that are passed over before the handshake: a server could send them for ever.
pub(super) const MAX_WARNINGS: usize = 8;
/// Most certificates of one chain that are kept.
const MAX_CHAIN: usize = 16;

/// A ServerHello, or a HelloRetryRequest, which has the same form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHello {
    /// The number of the version agreed, from the extension where there is one.
    pub version: u16,
    /// The suite agreed.
    pub suite: Suite,
    /// The compression agreed; 0 is none.
    pub compression: u8,
    /// The group of the key share, TLS 1.3 only.
    pub group: Option<Group>,
    /// It asks for another hello.
    pub retry: bool,
    /// RFC 7627.
    pub extended_master_secret: bool,
    /// RFC 5746.
    pub secure_renegotiation: bool,
    /// RFC 7366.
    pub encrypt_then_mac: bool,
}

/// The parameters of an ephemeral key exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyExchange {
    /// A named curve.
    Curve(Group),
    /// A curve written out instead of named (RFC 8422 forbids it).
    ExplicitCurve,
    /// A finite field.
    Field(FiniteField),
}

/// All that was read of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The hello.
    pub hello: Option<ServerHello>,
    /// The chain, in the order sent, up to TLS 1.2.
    pub chain: Vec<Der>,
    /// The stapled OCSP response, up to TLS 1.2.
    pub staple: Option<Der>,
    /// The parameters of the key exchange, up to TLS 1.2.
    pub key_exchange: Option<KeyExchange>,
    /// Hash and signature of the key exchange, TLS 1.2.
    pub signature: Option<u16>,
    /// Warning alerts passed over.
    pub warnings: Vec<u8>,
    /// The cipher kinds of an SSL 2.0 SERVER-HELLO.
    pub ssl2_ciphers: Option<Vec<u32>>,
}

/// How far the reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    More,
    /// The server's part is over: nothing more is to be read.
    Done,
    /// A fatal alert.
    Alert(u8),
    /// These bytes are not of this protocol.
    NotTls,
    /// A record, a message or the whole is longer than is read.
    TooBig,
    /// It is this protocol, but a message cannot be read.
    Malformed,
}

/// Reads an answer piece by piece.
#[derive(Debug, Default)]
pub struct AnswerReader {
    records: Vec<u8>,
    messages: Vec<u8>,
    total: usize,
    answer: Answer,
    ended: Option<Progress>,
}

impl AnswerReader {
    /// A reader at the first byte of an answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in. What has ended stays ended.
    pub fn feed(&mut self, bytes: &[u8]) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        self.total = self.total.saturating_add(bytes.len());
        self.records.extend_from_slice(bytes);
        let progress = if self.total > MAX_ANSWER { Progress::TooBig } else { self.advance() };
        if progress != Progress::More {
            self.ended = Some(progress);
        }
        progress
    }

    /// What was read so far.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Ends the reading.
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    /// Bytes of this protocol were seen, whole or not.
    pub fn has_bytes(&self) -> bool {
        self.total > 0
    }

    fn advance(&mut self) -> Progress {
        loop {
            let Some((kind, length)) = self.record_head() else { return Progress::More };
            match kind {
                Head::Ssl2 => {
                    return match self.records.get(2..2 + length) {
                        None => Progress::More,
                        Some(message) => match ssl2_server_hello(message) {
                            None => Progress::NotTls,
                            Some(Ssl2Message::Error) => Progress::Alert(40),
                            Some(Ssl2Message::Hello(ciphers, chain)) => {
                                self.answer.ssl2_ciphers = Some(ciphers);
                                self.answer.chain = chain;
                                Progress::Done
                            }
                        },
                    };
                }
                Head::NotTls => return Progress::NotTls,
                Head::TooBig => return Progress::TooBig,
                Head::Record(content) => {
                    let Some(fragment) = self.records.get(5..5 + length).map(<[u8]>::to_vec) else { return Progress::More };
                    self.records.drain(..5 + length);
                    let progress = match content {
                        21 => self.alert(&fragment),
                        22 => self.handshake(&fragment),
                        // What follows a ServerHello of TLS 1.3: a compatibility message, then ciphertext.
                        20 | 23 if self.answer.hello.is_some() => Progress::Done,
                        _ => Progress::Malformed,
                    };
                    if progress != Progress::More {
                        return progress;
                    }
                }
            }
        }
    }

    fn record_head(&self) -> Option<(Head, usize)> {
        let first = *self.records.first()?;
        let second = self.records.get(1).copied();
        if !matches!(first, 20..=23) {
            // Two bytes of length with the high bit set, then SERVER-HELLO or ERROR, at the very beginning only.
            if first & 0x80 != 0 && self.answer == Answer::default() && self.messages.is_empty() {
                let length = usize::from(u16::from_be_bytes([first & 0x7f, second?]));
                return Some(match self.records.get(2)? {
                    4 | 0 => (Head::Ssl2, length),
                    _ => (Head::NotTls, 0),
                });
            }
            return Some((Head::NotTls, 0));
        }
        if second? != 3 {
            return Some((Head::NotTls, 0));
        }
        let length = usize::from(u16::from_be_bytes([*self.records.get(3)?, *self.records.get(4)?]));
        if length > MAX_RECORD {
            return Some((Head::TooBig, 0));
        }
        Some((Head::Record(first), length))
    }

    fn alert(&mut self, fragment: &[u8]) -> Progress {
        let [level, description] = fragment else { return Progress::Malformed };
        // close_notify ends the connection whatever its level; in TLS 1.3 the level says nothing.
        if *level != 1 || *description == 0 {
            return Progress::Alert(*description);
        }
        self.answer.warnings.push(*description);
        if self.answer.warnings.len() > MAX_WARNINGS { Progress::Malformed } else { Progress::More }
    }

    fn handshake(&mut self, fragment: &[u8]) -> Progress {
        if fragment.is_empty() {
            return Progress::Malformed;
        }
        self.messages.extend_from_slice(fragment);
        loop {
            let mut at = Cursor(&self.messages);
            let (Some(kind), Some(length)) = (at.u8(), at.u24()) else { return Progress::More };
            if length > MAX_HANDSHAKE {
                return Progress::TooBig;
            }
            let Some(body) = at.take(length).map(<[u8]>::to_vec) else { return Progress::More };
            self.messages.drain(..4 + length);
            match self.answer.message(kind, &body) {
                Some(Progress::More) => {}
                Some(progress) => return progress,
                None => return Progress::Malformed,
            }
        }
    }
}

enum Head {
    Record(u8),
    Ssl2,
    NotTls,
    TooBig,
}

impl Answer {
    /// Takes one whole handshake message in. `None`: it cannot be read.
    pub(super) fn message(&mut self, kind: u8, body: &[u8]) -> Option<Progress> {
        match kind {
            2 => {
                if self.hello.is_some() {
                    return None;
                }
                let hello = server_hello(body)?;
                let over = hello.retry || hello.version == ProtocolVersion::Tls13.code() || hello.version == ProtocolVersion::Dtls13.code();
                self.hello = Some(hello);
                Some(if over { Progress::Done } else { Progress::More })
            }
            11 => {
                self.chain = certificates(body)?;
                Some(Progress::More)
            }
            22 => {
                let mut at = Cursor(body);
                let (kind, staple) = (at.u8()?, at.vector24()?);
                if kind == 1 {
                    self.staple = Some(Der(staple.to_vec()));
                }
                Some(Progress::More)
            }
            12 => {
                let hello = self.hello.as_ref()?;
                // Parameters that cannot be read are no reason to forget the hello.
                if let Some((key_exchange, signature)) = server_key_exchange(body, hello) {
                    self.key_exchange = Some(key_exchange);
                    self.signature = signature;
                }
                Some(Progress::More)
            }
            14 => Some(Progress::Done),
            // HelloRequest, NewSessionTicket, CertificateRequest: of no interest here.
            0 | 4 | 13 => Some(Progress::More),
            _ => None,
        }
    }
}

/// What tells a HelloRetryRequest from a ServerHello (RFC 8446, section 4.1.3).
pub(super) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut at = Cursor(body);
    let legacy = at.u16()?;
    let random = at.take(32)?;
    at.vector8().filter(|id| id.len() <= 32)?;
    let mut hello = ServerHello {
        version: legacy,
        suite: Suite(at.u16()?),
        compression: at.u8()?,
        group: None,
        retry: random == RETRY_RANDOM,
        extended_master_secret: false,
        secure_renegotiation: false,
        encrypt_then_mac: false,
    };
    if at.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = Cursor(at.vector16()?);
    while !extensions.0.is_empty() {
        let (kind, value) = (extensions.u16()?, extensions.vector16()?);
        let mut value = Cursor(value);
        match kind {
            22 => hello.encrypt_then_mac = true,
            23 => hello.extended_master_secret = true,
            43 => hello.version = value.u16()?,
            51 => hello.group = Some(Group(value.u16()?)),
            0xff01 => hello.secure_renegotiation = true,
            _ => {}
        }
    }
    Some(hello)
}

fn certificates(body: &[u8]) -> Option<Vec<Der>> {
    let mut at = Cursor(body);
    let mut list = Cursor(at.vector24()?);
    let mut chain = Vec::new();
    while !list.0.is_empty() && chain.len() < MAX_CHAIN {
        chain.push(Der(list.vector24()?.to_vec()));
    }
    Some(chain)
}

fn server_key_exchange(body: &[u8], hello: &ServerHello) -> Option<(KeyExchange, Option<u16>)> {
    let mut at = Cursor(body);
    if hello.suite.is_psk() {
        at.vector16()?;
    }
    let key_exchange = if hello.suite.is_ecdhe() {
        match at.u8()? {
            3 => {
                let group = Group(at.u16()?);
                at.vector8()?;
                KeyExchange::Curve(group)
            }
            1 | 2 => return Some((KeyExchange::ExplicitCurve, None)),
            _ => return None,
        }
    } else if hello.suite.is_dhe() {
        let prime = at.vector16()?;
        at.vector16()?;
        at.vector16()?;
        KeyExchange::Field(FiniteField::of_prime(prime))
    } else {
        return None;
    };
    let names_hash = ProtocolVersion::from_code(hello.version).is_some_and(ProtocolVersion::has_signature_algorithms);
    let signature = if names_hash && hello.suite.is_signed() { at.u16() } else { None };
    Some((key_exchange, signature))
}

enum Ssl2Message {
    Hello(Vec<u32>, Vec<Der>),
    Error,
}

/// SERVER-HELLO or ERROR of SSL 2.0.
fn ssl2_server_hello(message: &[u8]) -> Option<Ssl2Message> {
    let mut at = Cursor(message);
    match at.u8()? {
        0 if message.len() == 3 => Some(Ssl2Message::Error),
        4 => {
            at.take(2)?;
            if at.u16()? != ProtocolVersion::Ssl2.code() {
                return None;
            }
            let (certificate, ciphers, _id) = (at.u16()?, at.u16()?, at.u16()?);
            let certificate = at.take(usize::from(certificate))?;
            let ciphers = at.take(usize::from(ciphers))?;
            let ciphers = ciphers.chunks_exact(3).map(|c| c.iter().fold(0, |n, b| n << 8 | u32::from(*b))).collect();
            let chain = if certificate.is_empty() { Vec::new() } else { vec![Der(certificate.to_vec())] };
            Some(Ssl2Message::Hello(ciphers, chain))
        }
        _ => None,
    }
}

/// Bytes that are read from the front; every read may find too few.
pub(super) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }
    pub(super) fn u24(&mut self) -> Option<usize> {
        self.take(3).map(|b| b.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }
    pub(super) fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }
    pub(super) fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
    pub(super) fn vector24(&mut self) -> Option<&'a [u8]> {
        let length = self.u24()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::tls::hello::{length24, vector8, vector16};

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend(length24(body.len()));
        out.extend(body);
        out
    }

    fn record(content: u8, fragment: &[u8]) -> Vec<u8> {
        let mut out = vec![content, 3, 3];
        vector16(&mut out, fragment);
        out
    }

    fn flight() -> Vec<u8> {
        let mut hello = vec![3, 3];
        hello.extend([7; 32]);
        hello.push(0);
        hello.extend([0xc0, 0x2f, 0]);
        let mut extensions = vec![0, 23, 0, 0, 0xff, 1, 0, 1, 0];
        extensions.splice(0..0, []);
        vector16(&mut hello, &extensions);
        let mut exchange = vec![3, 0, 23];
        vector8(&mut exchange, &[4; 65]);
        exchange.extend([2, 1]);
        vector16(&mut exchange, &[9; 64]);
        let mut certificate = length24(5).to_vec();
        certificate.extend(length24(2));
        certificate.extend([0x30, 0]);
        let all: Vec<u8> = [message(2, &hello), message(11, &certificate), message(12, &exchange), message(14, &[])].concat();
        // One message may be split over records, one record may hold several messages.
        let (head, tail) = all.split_at(20);
        [record(22, head), record(22, tail)].concat()
    }

    #[test]
    fn a_flight_is_read_whole() {
        let mut reader = AnswerReader::new();
        assert_eq!(reader.feed(&flight()), Progress::Done);
        let answer = reader.into_answer();
        let hello = answer.hello.unwrap();
        assert_eq!((hello.version, hello.suite), (0x0303, Suite(0xc02f)));
        assert!(hello.extended_master_secret && hello.secure_renegotiation && !hello.retry);
        assert_eq!(answer.key_exchange, Some(KeyExchange::Curve(Group(23))));
        assert_eq!(answer.signature, Some(0x0201));
        assert_eq!(answer.chain, [Der(vec![0x30, 0])]);
    }

    #[test]
    fn plain_text_is_told() {
        for text in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"220 mail ready\r\n", b"SSH-2.0-x\r\n", b"\x00"] {
            assert_eq!(AnswerReader::new().feed(text), Progress::NotTls);
        }
    }

    #[test]
    fn warnings_are_passed_over_but_not_for_ever() {
        let mut reader = AnswerReader::new();
        assert_eq!(reader.feed(&record(21, &[1, 112])), Progress::More);
        assert_eq!(reader.feed(&flight()), Progress::Done);
        assert_eq!(reader.answer().warnings, [112]);
        let mut flood = AnswerReader::new();
        let warnings = record(21, &[1, 112]).repeat(20);
        assert_eq!(flood.feed(&warnings), Progress::Malformed);
    }

    #[test]
    fn what_is_too_big_is_not_read() {
        assert_eq!(AnswerReader::new().feed(&[22, 3, 3, 0xff, 0xff]), Progress::TooBig);
        let mut reader = AnswerReader::new();
        assert_eq!(reader.feed(&record(22, &[11, 0xff, 0xff, 0xff])), Progress::TooBig);
    }

    #[test]
    fn ssl2_answers_are_told_from_others() {
        let mut hello = vec![4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 0];
        hello.extend([0x30, 0, 1, 0, 0x80]);
        let mut bytes = vec![0x80, u8::try_from(hello.len()).unwrap()];
        bytes.extend(&hello);
        let mut reader = AnswerReader::new();
        assert_eq!(reader.feed(&bytes), Progress::Done);
        assert_eq!(reader.answer().ssl2_ciphers.as_deref(), Some(&[0x01_0080][..]));
        assert_eq!(AnswerReader::new().feed(&[0x80, 3, 0, 0, 1]), Progress::Alert(40));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_end_the_same(mut bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400, sound in any::<bool>()) {
            if sound {
                let mut all = flight();
                let at = cut % all.len();
                all.truncate(at);
                all.extend(&bytes);
                bytes = all;
            }
            let mut whole = AnswerReader::new();
            let one = whole.feed(&bytes);
            let mut pieces = AnswerReader::new();
            let mut last = Progress::More;
            for piece in bytes.chunks(7) {
                last = pieces.feed(piece);
            }
            prop_assert_eq!(one, last);
            prop_assert_eq!(whole.answer(), pieces.answer());
        }
    }
}
