//! One question and one answer on an open connection.

use std::borrow::Cow;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::body::{Content, Decoded, Framing, framing};
use super::chunked::Chunked;
use super::exchange::Cut;
use super::head::{FaultKind, Faults, find_end, parse};
use crate::probe::connection::Connection;
use crate::probe::error::{Phase, ProbeError};
use crate::probe::limits::MOST_INTERIM;
use crate::probe::scope::Origin;
use crate::probe::trust::TlsFacts;
use crate::verdict::{Redactor, Untrusted};

/// Bytes read at a time.
const STEP: usize = 16 * 1024;
/// How many bytes of empty lines may come before the status line.
const MOST_LEADING: usize = 16;
/// How much of an answer that is not HTTP is shown, in bytes.
const SHOWN: usize = 120;

/// A connection with or without TLS.
pub(crate) enum Stream {
    Plain(Box<Connection>),
    Tls(Box<TlsStream<Connection>>),
}

impl Stream {
    pub(crate) fn connection(&self) -> &Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Tls(tls) => tls.get_mut().0,
        }
    }
    async fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(connection) => connection.read(buf).await,
            Self::Tls(tls) => tls.read(buf).await,
        }
    }
    async fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(connection) => connection.write_all(bytes).await,
            Self::Tls(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
        }
    }
    /// Says goodbye, if that can be done without waiting.
    pub(crate) async fn close(&mut self) {
        let shutdown = async {
            match self {
                Self::Plain(connection) => connection.shutdown().await,
                Self::Tls(tls) => tls.shutdown().await,
            }
        };
        // A courtesy: whether it arrives is of no consequence.
        drop(tokio::time::timeout(Duration::ZERO, shutdown).await);
    }
}

/// An open connection that waits for a further question to the same origin.
pub(crate) struct Idle {
    pub(crate) origin: Origin,
    pub(crate) stream: Stream,
    pub(crate) tls: Option<TlsFacts>,
}

/// A question as it goes over the wire, with the caps for its answer.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Option<Cow<'a, [u8]>>,
    pub(crate) gzip: bool,
    pub(crate) most_body: u64,
    pub(crate) most_head: usize,
    pub(crate) most_fields: usize,
    pub(crate) ratio: u32,
}

/// An answer as it came, secrets and all.
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) head_bytes: Vec<u8>,
    pub(crate) trailers: Vec<u8>,
    pub(crate) interim: Vec<u16>,
    /// What is wrong with framing and content; what is wrong with the head is found again when the
    /// head is recorded, after secrets have been taken out of it.
    pub(crate) faults: Faults,
    pub(crate) body: Vec<u8>,
    pub(crate) encoded: u64,
    pub(crate) cut: Option<Cut>,
    pub(crate) first_byte: Duration,
    pub(crate) total: Duration,
    pub(crate) reusable: bool,
}

/// Why there is no answer.
pub(crate) struct Trouble {
    pub(crate) error: ProbeError,
    /// Whether the connection ended before a single byte came back.
    pub(crate) nothing_came: bool,
}

/// What arrived of a head, and why no more did.
enum HeadEnd {
    At(usize),
    Cut(Cut),
}

/// Asks one question and reads its answer.
pub(crate) async fn ask(stream: &mut Stream, question: &Question<'_>, redactor: &Redactor) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let mut wire = question.head.clone();
    wire.extend_from_slice(question.body.as_deref().unwrap_or_default());
    let sent = stream.write_all(&wire).await;
    let mut reader = Reader { stream, buffer: Vec::new(), head_bytes: 0, first_byte: None, started };
    if let Err(error) = sent {
        let error = reader.stream.connection().explain(&error, Phase::Answer);
        // A peer may answer and close without reading all of the question.
        if !matches!(error, ProbeError::Reset { .. } | ProbeError::Closed { .. }) || !reader.peek().await {
            return Err(Trouble { nothing_came: matches!(error, ProbeError::Reset { .. } | ProbeError::Closed { .. }), error });
        }
    }
    let mut faults = Faults::default();
    let mut interim = Vec::new();
    let (head, head_bytes, mut cut) = loop {
        let end = reader.head(question.most_head, redactor).await?;
        let (length, cut) = match end {
            HeadEnd::At(length) => (length, None),
            HeadEnd::Cut(cut) => (reader.buffer.len(), Some(cut)),
        };
        let rest = reader.buffer.split_off(length);
        let head_bytes = std::mem::replace(&mut reader.buffer, rest);
        let Some(head) = parse(&head_bytes, question.most_fields) else {
            return Err(reader.not_http(&head_bytes, redactor));
        };
        let is_interim = (100..200).contains(&head.status) && head.status != 101;
        if is_interim && cut.is_none() {
            if interim.len() < MOST_INTERIM {
                interim.push(head.status);
                continue;
            }
            faults.add(FaultKind::TooManyInterim, &[]);
            break (head, head_bytes, Some(Cut::Interim));
        }
        match cut {
            Some(Cut::HeadLimit) => faults.add(FaultKind::HeadTooLarge, &[]),
            Some(_) => faults.add(FaultKind::HeadCutOff, &[]),
            None if head.status == 101 => faults.add(FaultKind::Switching, &[]),
            None => {}
        }
        break (head, head_bytes, cut);
    };
    let framing = framing(&head, question.method, &mut faults);
    let mut content = Content::new(&head, question.gzip, question.most_body, question.ratio, &mut faults);
    let mut trailers = Vec::new();
    let mut whole = false;
    if cut.is_none() {
        match reader.body(framing, &mut content, &mut trailers, &mut faults).await {
            Ok(()) => whole = true,
            Err(BodyEnd::Cut(reason)) => cut = Some(reason),
            Err(BodyEnd::Enough) => {}
            Err(BodyEnd::Interrupted) => return Err(Trouble { error: ProbeError::Interrupted, nothing_came: false }),
        }
    }
    let total = started.elapsed();
    let Decoded { bytes: body, encoded, cut: content_cut } = content.finish(whole, &mut faults);
    let cut = content_cut.or(cut).or((head.field_count as usize > question.most_fields).then_some(Cut::FieldLimit));
    if whole && framing != Framing::Close {
        reader.look_behind_the_end(framing, &mut faults).await;
    }
    let faultless = faults.list.is_empty() && head.faults.list.is_empty();
    let reusable =
        whole && cut.is_none() && framing != Framing::Close && faultless && !head.closes && head.version == "1.1" && head.status != 101;
    Ok(Answer {
        version: head.version,
        status: head.status,
        head_bytes,
        trailers,
        interim,
        faults,
        body,
        encoded,
        cut,
        first_byte: reader.first_byte.unwrap_or(total),
        total,
        reusable,
    })
}

enum BodyEnd {
    /// It did not come to its end.
    Cut(Cut),
    /// The content said that it wants no more, and keeps the reason.
    Enough,
    Interrupted,
}

impl BodyEnd {
    fn of(error: &ProbeError) -> Self {
        if *error == ProbeError::Interrupted { Self::Interrupted } else { Self::Cut(cut_of(error)) }
    }
}

struct Reader<'a> {
    stream: &'a mut Stream,
    buffer: Vec<u8>,
    head_bytes: usize,
    first_byte: Option<Duration>,
    started: Instant,
}

impl Reader<'_> {
    /// Reads some more bytes into the buffer; 0 at the end.
    async fn more(&mut self) -> std::io::Result<usize> {
        let mut step = vec![0u8; STEP];
        let count = self.stream.read(&mut step).await?;
        if count > 0 && self.first_byte.is_none() {
            self.first_byte = Some(self.started.elapsed());
        }
        self.buffer.extend_from_slice(step.get(..count).unwrap_or_default());
        Ok(count)
    }

    async fn peek(&mut self) -> bool {
        matches!(self.more().await, Ok(count) if count > 0)
    }

    /// Reads until a head is in the buffer.
    async fn head(&mut self, most: usize, redactor: &Redactor) -> Result<HeadEnd, Trouble> {
        let mut searched = 0;
        loop {
            if let Some(end) = find_end(&self.buffer, searched) {
                self.head_bytes += end;
                return Ok(HeadEnd::At(end));
            }
            if !could_be_http(&self.buffer) {
                return Err(self.not_http(&self.buffer, redactor));
            }
            if self.head_bytes + self.buffer.len() > most {
                let error = self.not_http(&self.buffer, redactor).error;
                self.buffer.truncate(most.saturating_sub(self.head_bytes));
                return self.cut_head(Cut::HeadLimit, error);
            }
            searched = self.buffer.len();
            let phase = if self.first_byte.is_none() { Phase::Answer } else { Phase::Head };
            let address = self.stream.connection().remote().to_string();
            match self.more().await {
                Ok(0) => return self.cut_head(Cut::Closed, ProbeError::Closed { address, phase }),
                Ok(_) => {}
                Err(error) => {
                    let error = self.stream.connection().explain(&error, phase);
                    if error == ProbeError::Interrupted {
                        return Err(Trouble { error, nothing_came: false });
                    }
                    if phase == Phase::Answer && matches!(error, ProbeError::TimedOut { .. }) {
                        self.stream.connection_mut().note_silence();
                    }
                    let cut = cut_of(&error);
                    return self.cut_head(cut, error);
                }
            }
        }
    }

    /// A head that does not come to its end is still something, if it has a first line.
    fn cut_head(&self, cut: Cut, error: ProbeError) -> Result<HeadEnd, Trouble> {
        let line = self.buffer.iter().position(|b| !matches!(b, b'\r' | b'\n')).and_then(|at| self.buffer.get(at..));
        if line.is_some_and(|line| line.contains(&b'\n')) {
            return Ok(HeadEnd::Cut(cut));
        }
        Err(Trouble { error, nothing_came: self.first_byte.is_none() && matches!(cut, Cut::Closed | Cut::Reset) })
    }

    fn not_http(&self, bytes: &[u8], redactor: &Redactor) -> Trouble {
        let clean = redactor.bytes(bytes.get(..STEP).unwrap_or(bytes));
        let error = ProbeError::NotHttp {
            address: self.stream.connection().remote().to_string(),
            seen: Untrusted::from_bytes(clean.get(..SHOWN).unwrap_or(&clean)),
        };
        Trouble { error, nothing_came: false }
    }

    async fn body(&mut self, framing: Framing, content: &mut Content, trailers: &mut Vec<u8>, faults: &mut Faults) -> Result<(), BodyEnd> {
        match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => {
                let mut left = length;
                while left > 0 {
                    if self.buffer.is_empty() {
                        self.more_body(faults).await?;
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
                    let rest = self.buffer.split_off(take);
                    let now = std::mem::replace(&mut self.buffer, rest);
                    left -= now.len() as u64;
                    if !content.feed(&now, faults) {
                        return Err(BodyEnd::Enough);
                    }
                }
                Ok(())
            }
            Framing::Chunked => {
                let mut chunked = Chunked::default();
                while !chunked.is_done() {
                    if self.buffer.is_empty() {
                        self.more_body(faults).await?;
                    }
                    let mut data = Vec::new();
                    let fed = chunked.feed(&self.buffer, &mut data);
                    if !content.feed(&data, faults) {
                        return Err(BodyEnd::Enough);
                    }
                    match fed {
                        Ok(used) => drop(self.buffer.drain(..used.min(self.buffer.len()))),
                        Err(fault) => {
                            faults.add(fault, &[]);
                            return Err(BodyEnd::Cut(Cut::Chunks));
                        }
                    }
                }
                *trailers = chunked.trailers().to_vec();
                Ok(())
            }
            Framing::Close => loop {
                let now = std::mem::take(&mut self.buffer);
                if !content.feed(&now, faults) {
                    return Err(BodyEnd::Enough);
                }
                match self.more().await {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => {
                        let error = self.stream.connection().explain(&error, Phase::Body);
                        // TLS without its end: some servers just close.
                        if matches!(error, ProbeError::Closed { .. }) {
                            faults.add(FaultKind::NoTlsEnd, &[]);
                            return Ok(());
                        }
                        return Err(BodyEnd::of(&error));
                    }
                }
            },
        }
    }

    /// Reads more of a body that knows its own end.
    async fn more_body(&mut self, faults: &mut Faults) -> Result<(), BodyEnd> {
        let cut = match self.more().await {
            Ok(0) => Cut::Closed,
            Ok(_) => return Ok(()),
            Err(error) => match BodyEnd::of(&self.stream.connection().explain(&error, Phase::Body)) {
                BodyEnd::Cut(cut) => cut,
                end @ (BodyEnd::Enough | BodyEnd::Interrupted) => return Err(end),
            },
        };
        if cut == Cut::Closed {
            faults.add(FaultKind::BodyShort, &[]);
        }
        Err(BodyEnd::Cut(cut))
    }

    /// Sees whether there are bytes after the end, without waiting for any.
    async fn look_behind_the_end(&mut self, framing: Framing, faults: &mut Faults) {
        if self.buffer.is_empty() {
            drop(tokio::time::timeout(Duration::ZERO, self.more()).await);
        }
        if !self.buffer.is_empty() {
            let kind = if framing == Framing::None { FaultKind::BodyNotAllowed } else { FaultKind::BytesAfterEnd };
            faults.add(kind, format!("{} bytes or more", self.buffer.len()).as_bytes());
        }
    }
}

/// Whether these may be the first bytes of an HTTP/1 answer.
fn could_be_http(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
    // A few empty lines are a slip; a flood of them is something else.
    if start > MOST_LEADING {
        return false;
    }
    let line = bytes.get(start..).unwrap_or_default();
    let known = line.len().min(5);
    line.get(..known) == b"HTTP/".get(..known)
}

fn cut_of(error: &ProbeError) -> Cut {
    if matches!(error, ProbeError::TimedOut { .. }) {
        Cut::Time
    } else if matches!(error, ProbeError::RunTimeOver { .. }) {
        Cut::RunTime
    } else if matches!(error, ProbeError::Closed { .. }) {
        Cut::Closed
    } else if matches!(error, ProbeError::Tls { .. }) {
        Cut::Tls
    } else {
        Cut::Reset
    }
}
