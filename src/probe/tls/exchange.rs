//! One hello over one connection, and how it ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, AnswerReader, Progress};
use super::hello::{CLOSE_NOTIFY, ClientHello, ssl2_hello};
use crate::probe::{Phase, ProbeError};
use crate::verdict::Untrusted;

/// Opens connections to the one endpoint that is looked at. Whoever implements it keeps the budget,
/// the pinned address and the journal, and sees to it that an attempt ends.
pub trait Dial {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Opens one more connection; `purpose` is for the journal.
    ///
    /// # Errors
    /// The endpoint cannot be reached, or may not be.
    fn dial(&self, purpose: &str) -> impl Future<Output = Result<Self::Stream, ProbeError>> + Send;
}

/// How one probe ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// The server agreed to something that was offered.
    Hello,
    /// A fatal alert, by its number.
    Alert(u8),
    /// The server closed the connection in good order, without a word.
    Closed,
    /// The connection was torn down.
    Reset,
    /// No answer in time.
    Timeout,
    /// The answer is not TLS.
    NotTls,
    /// The answer is longer than is read.
    TooBig,
    /// It is TLS, but cannot be read.
    Malformed,
    /// The server agreed to a suite that was not offered.
    UnofferedSuite,
    /// The server agreed to a version that was not offered.
    UnofferedVersion,
    /// No connections were left.
    Budget,
    /// The port refused the connection.
    Refused,
    /// The endpoint could not be reached, or may not be.
    Unreachable(Untrusted),
}

impl ProbeOutcome {
    /// What happened, as a clause: "the server …".
    pub fn describe(&self) -> String {
        match self {
            Self::Hello => "the server agreed".into(),
            Self::Alert(number) => format!("the server refused with alert {number}{}", alert_name(*number)),
            Self::Closed => "the server closed the connection without an answer".into(),
            Self::Reset => "the connection was reset".into(),
            Self::Timeout => "no answer came in time".into(),
            Self::NotTls => "the answer is not TLS".into(),
            Self::TooBig => "the answer is longer than any sound one".into(),
            Self::Malformed => "the answer is broken TLS".into(),
            Self::UnofferedSuite => "the server chose a cipher suite that was not offered".into(),
            Self::UnofferedVersion => "the server chose a version that was not offered".into(),
            Self::Budget => "no connections were left in the budget".into(),
            Self::Refused => "the port refused the connection".into(),
            Self::Unreachable(why) => format!("the endpoint could not be reached: {why}"),
        }
    }

    /// A server that answers so has understood and declined (RFC 8446, section 6; RFC 5246, section 7.2.2).
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Alert(40 | 47 | 70 | 71) | Self::Closed)
    }
}

impl From<&ProbeError> for ProbeOutcome {
    fn from(error: &ProbeError) -> Self {
        match error {
            ProbeError::Refused { .. } => Self::Refused,
            ProbeError::TimedOut { .. } => Self::Timeout,
            ProbeError::Connections { .. } | ProbeError::RunTimeOver { .. } => Self::Budget,
            ProbeError::Closed { .. } | ProbeError::Reset { .. } => Self::Reset,
            ProbeError::NameUnknown { .. }
            | ProbeError::Unreachable { .. }
            | ProbeError::Tls { .. }
            | ProbeError::NotHttp { .. }
            | ProbeError::RedirectLoop { .. }
            | ProbeError::NeverAnswered { .. }
            | ProbeError::StoppedAnswering { .. }
            | ProbeError::TooManyRedirects { .. }
            | ProbeError::OutOfScope { .. }
            | ProbeError::MissingCredential { .. }
            | ProbeError::UnusableCredential { .. }
            | ProbeError::Local { .. }
            | ProbeError::Interrupted
            | ProbeError::Misuse { .. }
            | ProbeError::Bug { .. } => Self::Unreachable(Untrusted::new(&error.to_string())),
        }
    }
}

impl ProbeOutcome {
    /// What an error of reading means.
    pub(super) fn of_io(error: &std::io::Error) -> Self {
        let outcome = Self::from(&ProbeError::from_io(error, "the server", Phase::Answer));
        // Of an open connection, whatever else went wrong is that it was torn down.
        if matches!(outcome, Self::Unreachable(_) | Self::Refused) { Self::Reset } else { outcome }
    }
}

/// The name of an alert, in brackets, for the numbers that servers do send.
fn alert_name(number: u8) -> &'static str {
    match number {
        0 => " (close_notify)",
        10 => " (unexpected_message)",
        40 => " (handshake_failure)",
        47 => " (illegal_parameter)",
        50 => " (decode_error)",
        70 => " (protocol_version)",
        71 => " (insufficient_security)",
        80 => " (internal_error)",
        86 => " (inappropriate_fallback)",
        109 => " (missing_extension)",
        112 => " (unrecognized_name)",
        116 => " (certificate_required)",
        120 => " (no_application_protocol)",
        _ => "",
    }
}

/// How much of the answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// The hello is enough.
    Hello,
    /// The hello and the parameters of the key exchange.
    KeyExchange,
    /// All that is sent in clear.
    Flight,
}

impl Want {
    pub(super) fn has(self, answer: &Answer) -> bool {
        let Some(hello) = &answer.hello else { return false };
        match self {
            Self::Hello => true,
            Self::KeyExchange => answer.key_exchange.is_some() || !(hello.suite.is_ecdhe() || hello.suite.is_dhe()),
            Self::Flight => false,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Exchange {
    pub outcome: ProbeOutcome,
    pub answer: Answer,
    /// The beginning of an answer that is not TLS.
    pub seen: Option<Untrusted>,
    /// The deadline passed, with or without a hello before it.
    pub late: bool,
}

impl Exchange {
    /// Nothing came back.
    pub(super) fn nothing(outcome: ProbeOutcome) -> Self {
        let late = outcome == ProbeOutcome::Timeout;
        Self { outcome, answer: Answer::default(), seen: None, late }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question<'a> {
    Hello(&'a ClientHello<'a>),
    /// The hello of SSL 2.0, streams only.
    Ssl2,
}

/// A way to ask: one connection, one question, one answer.
pub(super) trait Ask {
    fn ask(&self, purpose: &str, question: Question<'_>, want: Want, limit: Duration) -> impl Future<Output = Exchange> + Send;
}

/// Asks over streams.
pub(super) struct OverStream<'a, D>(pub &'a D);

impl<D: Dial + Sync> Ask for OverStream<'_, D> {
    async fn ask(&self, purpose: &str, question: Question<'_>, want: Want, limit: Duration) -> Exchange {
        let bytes = match question {
            Question::Hello(hello) => hello.record(),
            Question::Ssl2 => ssl2_hello(),
        };
        match self.0.dial(purpose).await {
            // To wait for one's turn is not part of the time for an answer.
            Ok(mut stream) => exchange(&mut stream, &bytes, want, Instant::now() + limit).await,
            Err(error) => Exchange::nothing(ProbeOutcome::from(&error)),
        }
    }
}

/// Sends the bytes and reads until enough is known or the deadline has passed.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8], want: Want, deadline: Instant) -> Exchange {
    let mut reader = AnswerReader::new();
    // A server may speak and leave before it has read everything: what it said counts, not the failed write.
    let written = timeout_at(deadline, stream.write_all(bytes)).await;
    let mut first: Vec<u8> = Vec::new();
    let mut buffer = vec![0_u8; 16 * 1024];
    let mut late = written.is_err();
    let ended = loop {
        if late {
            break ProbeOutcome::Timeout;
        }
        match timeout_at(deadline, stream.read(&mut buffer)).await {
            Err(_) => late = true,
            Ok(Ok(0)) if reader.has_bytes() || matches!(written, Ok(Ok(()))) => break ProbeOutcome::Closed,
            Ok(Ok(0)) => break ProbeOutcome::Reset,
            Ok(Ok(count)) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if first.len() < 64 {
                    first.extend(bytes.iter().take(64));
                }
                match reader.feed(bytes) {
                    Progress::More if want.has(reader.answer()) => break ProbeOutcome::Hello,
                    Progress::More => {}
                    Progress::Done => break ProbeOutcome::Hello,
                    Progress::Alert(0) => break ProbeOutcome::Closed,
                    Progress::Alert(number) => break ProbeOutcome::Alert(number),
                    Progress::NotTls => break ProbeOutcome::NotTls,
                    Progress::TooBig => break ProbeOutcome::TooBig,
                    Progress::Malformed => break ProbeOutcome::Malformed,
                }
            }
            Ok(Err(error)) => {
                let outcome = ProbeOutcome::of_io(&error);
                late = outcome == ProbeOutcome::Timeout;
                if !late {
                    break outcome;
                }
            }
        }
    };
    let answer = reader.into_answer();
    // The hello is the agreement; what else was to come is wanted, not needed.
    let cut_off = matches!(ended, ProbeOutcome::Closed | ProbeOutcome::Reset | ProbeOutcome::Timeout);
    let outcome = if cut_off && answer.hello.is_some() { ProbeOutcome::Hello } else { ended };
    if outcome == ProbeOutcome::Hello && !late {
        let _ = timeout_at(deadline, stream.write_all(&CLOSE_NOTIFY)).await;
    }
    let seen = (outcome == ProbeOutcome::NotTls).then(|| Untrusted::from_bytes(&first));
    Exchange { outcome, answer, seen, late }
}
