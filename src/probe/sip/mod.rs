//! What a SIP server tells strangers: `OPTIONS`, and a `REGISTER` that only asks, for users who do not
//! exist. Never a call, never a message (a social alarm *is* a message), never a real user's name.

mod message;

pub use message::{Challenge, Dialog, Method, Response, Transport, request};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::{Datagrams, ProbeError};
use crate::verdict::Untrusted;

/// The most bytes of one answer that are read; a limit of ours.
const MAX_ANSWER: usize = 64 * 1024;
/// Provisional and foreign answers that are passed over after one question.
const MAX_PASSED: usize = 10;

/// A challenge, as much of it as is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenged {
    /// The scheme.
    pub scheme: Untrusted,
    /// The algorithm.
    pub algorithm: Untrusted,
    /// The nonce.
    pub nonce: Untrusted,
    /// The quality of protection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qop: Option<Untrusted>,
}

/// What was seen of one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// A final answer.
    Answered {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: Untrusted,
        /// `Server` or `User-Agent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        banner: Option<Untrusted>,
        /// Challenges to authenticate.
        challenges: Vec<Challenged>,
        /// The answer carries the branch of the question, as it must.
        branch: bool,
    },
    /// The connection was closed, or the port is refused.
    Closed,
    /// No final answer in time.
    Silent,
    /// What came is not SIP.
    NotSip {
        /// Its beginning.
        beginning: Untrusted,
    },
}

impl Seen {
    fn of(response: &Response, dialog: &Dialog) -> Self {
        let banner = response.header("server").chain(response.header("user-agent")).next().map(Untrusted::new);
        let challenges = response
            .challenges()
            .iter()
            .take(5)
            .map(|c| Challenged {
                scheme: Untrusted::new(&c.scheme),
                algorithm: Untrusted::new(&c.algorithm),
                nonce: Untrusted::new(&c.nonce),
                qop: c.qop.as_deref().map(Untrusted::new),
            })
            .collect();
        Self::Answered {
            status: response.status,
            reason: Untrusted::new(&response.reason),
            banner,
            challenges,
            branch: response.has_branch(dialog),
        }
    }
}

/// Asks over a stream and waits for the final answer.
///
/// # Errors
/// The stream's own.
pub async fn ask_stream<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    question: &[u8],
    dialog: &Dialog,
    method: Method,
    patience: Duration,
) -> std::io::Result<Seen> {
    let until = Instant::now() + patience;
    stream.write_all(question).await?;
    stream.flush().await?;
    let mut buffer: Vec<u8> = Vec::new();
    let mut passed = 0;
    loop {
        // Blank lines keep a connection alive (RFC 5626, section 3.5.1) and are no answer.
        let blank = buffer.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        buffer.drain(..blank);
        match Response::read(&buffer) {
            None if buffer.len() >= 8 && !buffer.get(..8).is_some_and(|b| b.eq_ignore_ascii_case(b"SIP/2.0 ")) => {
                return Ok(Seen::NotSip { beginning: Untrusted::from_bytes(buffer.get(..80).unwrap_or(&buffer)) });
            }
            Some(response) => {
                let end = response.body_at.map(|at| at + response.content_length().unwrap_or(0));
                if let Some(end) = end.filter(|end| *end <= buffer.len()) {
                    if response.status >= 200 && response.answers(dialog, method) {
                        return Ok(Seen::of(&response, dialog));
                    }
                    buffer.drain(..end.max(1));
                    passed += 1;
                    if passed > MAX_PASSED {
                        return Ok(Seen::Silent);
                    }
                    continue;
                }
            }
            None => {}
        }
        if buffer.len() >= MAX_ANSWER {
            return Ok(Seen::NotSip { beginning: Untrusted::from_bytes(buffer.get(..80).unwrap_or(&buffer)) });
        }
        let mut chunk = [0_u8; 4096];
        match tokio::time::timeout_at(until, stream.read(&mut chunk)).await {
            Err(_) => return Ok(Seen::Silent),
            Ok(Ok(0)) if buffer.is_empty() => return Ok(Seen::Closed),
            Ok(Ok(0)) => return Ok(Seen::NotSip { beginning: Untrusted::from_bytes(buffer.get(..80).unwrap_or(&buffer)) }),
            Ok(Ok(count)) => buffer.extend(chunk.iter().take(count)),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Asks by datagrams, with one repetition of the same request after silence (section 17.1.2.2).
///
/// # Errors
/// The door's own; a refused port is a result.
pub async fn ask_datagrams(
    datagrams: &mut Datagrams,
    question: &[u8],
    dialog: &Dialog,
    method: Method,
    patience: Duration,
) -> Result<Seen, ProbeError> {
    let mut odd = None;
    for _ in 0..2 {
        match datagrams.send(question).await {
            Err(ProbeError::Refused { .. }) => return Ok(Seen::Closed),
            other => other?,
        }
        for _ in 0..MAX_PASSED {
            let heard = match datagrams.receive(patience).await {
                Err(ProbeError::Refused { .. }) => return Ok(Seen::Closed),
                other => other?,
            };
            let Some(datagram) = heard else { break };
            match Response::read(&datagram) {
                Some(response) if response.status >= 200 && response.answers(dialog, method) => return Ok(Seen::of(&response, dialog)),
                Some(_) => {}
                None => odd = Some(Seen::NotSip { beginning: Untrusted::from_bytes(datagram.get(..80).unwrap_or(&datagram)) }),
            }
        }
    }
    Ok(odd.unwrap_or(Seen::Silent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    async fn answered(bytes: &'static [u8]) -> Seen {
        let dialog = Dialog { call_id: "c1".into(), branch: "z9hG4bKb".into(), tag: "t".into() };
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(bytes).await.unwrap();
        drop(theirs.shutdown().await);
        let question = request(Method::Options, Transport::Tcp, "h", None, "l", &dialog, "a");
        ask_stream(&mut ours, &question, &dialog, Method::Options, Duration::from_secs(20)).await.unwrap()
    }

    #[tokio::test]
    async fn the_final_answer_to_our_question_is_taken() {
        let seen = answered(b"SIP/2.0 100 Trying\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\nSIP/2.0 200 OK\r\nCall-ID: other\r\nCSeq: 1 OPTIONS\r\n\r\n\r\n\r\nSIP/2.0 200 OK\r\nVia: SIP/2.0/TCP l;branch=z9hG4bKb\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nServer: kamailio (5.6.3)\r\nContent-Length: 2\r\n\r\nok").await;
        let Seen::Answered { status: 200, banner, branch: true, .. } = seen else { panic!("{seen:?}") };
        assert_eq!(banner.unwrap().as_str(), "kamailio (5.6.3)");
        assert!(matches!(answered(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, Seen::NotSip { .. }));
        assert_eq!(answered(b"").await, Seen::Closed);
    }
}
