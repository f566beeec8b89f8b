//! What a stranger may do at an MQTT broker: connect, and read given topics.
//!
//! Polite by construction: a client id of its own (a borrowed one would throw the real device off), a
//! clean session, no will, no packet that publishes, no filter that reads everything. That a broker
//! grants a subscription proves nothing: some grant and then deliver nothing, so only a message that
//! arrived counts as readable. Of a message the topic and the length are kept; the text only of what
//! brokers say about themselves, under `$SYS/`.

mod packet;

pub use packet::{MAX_PACKET, Malformed, Packet, TopicFilter, Version, connect, disconnect, subscribe};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::verdict::Untrusted;

/// The most messages that are noted of one conversation.
const MAX_MESSAGES: usize = 20;
/// The most bytes that are read in one conversation; a limit of ours.
const MAX_BYTES: usize = 1024 * 1024;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The version that is spoken.
    pub version: Version,
    /// The client id; nobody else's.
    pub client: &'a str,
    /// Name and password, where the question is asked with any.
    pub credentials: Option<(&'a str, &'a str)>,
    /// What is subscribed to, one after the other.
    pub filters: &'a [TopicFilter],
    /// How long messages are waited for, after each subscription.
    pub wait: Duration,
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its topic.
    pub topic: Untrusted,
    /// The broker kept it for whoever subscribes.
    pub retained: bool,
    /// How long it is, in bytes.
    pub length: usize,
    /// Its text, under `$SYS/` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Untrusted>,
}

/// What became of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The filter.
    pub filter: String,
    /// The code of the answer: 0 to 2 granted, 0x80 and above refused; nothing when none came.
    pub code: Option<u8>,
    /// Messages that arrived.
    pub messages: Vec<Message>,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// The broker answered the CONNECT.
    Answered {
        /// The version that was spoken.
        version: Version,
        /// The code: 0 accepts.
        code: u8,
        /// What became of the subscriptions.
        subscriptions: Vec<Subscription>,
    },
    /// The connection was closed without an answer, as some brokers refuse.
    Closed,
    /// There was no answer in time.
    Silent,
    /// What came is not MQTT.
    NotMqtt {
        /// Its beginning.
        beginning: Untrusted,
    },
}

/// Connects, subscribes, listens and takes leave.
///
/// # Errors
/// The stream's own: a time-out, a reset.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, question: &Question<'_>, patience: Duration) -> std::io::Result<Seen> {
    let mut talk = Talk { stream, buffer: Vec::new(), read: 0, version: question.version };
    talk.send(&connect(question.version, question.client, question.credentials)).await?;
    let code = match talk.next(Instant::now() + patience).await? {
        Heard::Packet(Packet::ConnectAck { code, .. }) => code,
        // A broker of version 5 may refuse so.
        Heard::Packet(Packet::Disconnect { code }) => code.max(1),
        Heard::Packet(_) | Heard::NotMqtt => return Ok(Seen::NotMqtt { beginning: talk.beginning() }),
        Heard::Closed if talk.buffer.is_empty() => return Ok(Seen::Closed),
        Heard::Closed => return Ok(Seen::NotMqtt { beginning: talk.beginning() }),
        Heard::Nothing if talk.buffer.is_empty() => return Ok(Seen::Silent),
        Heard::Nothing => return Ok(Seen::NotMqtt { beginning: talk.beginning() }),
    };
    let mut subscriptions = Vec::new();
    if code == 0 {
        for (id, filter) in (1_u16..).zip(question.filters) {
            let (subscription, open) = talk.listen(id, filter, question.wait).await?;
            subscriptions.push(subscription);
            if !open {
                break;
            }
        }
        // Taking leave is politeness: whoever closed already needs none.
        let _ = talk.send(&disconnect()).await;
    }
    Ok(Seen::Answered { version: question.version, code, subscriptions })
}

enum Heard {
    Packet(Packet),
    Closed,
    Nothing,
    NotMqtt,
}

struct Talk<'a, S> {
    stream: &'a mut S,
    buffer: Vec<u8>,
    read: usize,
    version: Version,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn send(&mut self, packet: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(packet).await?;
        self.stream.flush().await
    }

    /// The next packet, until the moment.
    async fn next(&mut self, until: Instant) -> std::io::Result<Heard> {
        loop {
            match Packet::read(&self.buffer, self.version) {
                Ok(Some((packet, used))) => {
                    self.buffer.drain(..used);
                    return Ok(Heard::Packet(packet));
                }
                Ok(None) => {}
                Err(_) => return Ok(Heard::NotMqtt),
            }
            if self.read >= MAX_BYTES {
                return Ok(Heard::Nothing);
            }
            let mut chunk = [0_u8; 4096];
            match tokio::time::timeout_at(until, self.stream.read(&mut chunk)).await {
                Err(_) => return Ok(Heard::Nothing),
                Ok(Ok(0)) => return Ok(Heard::Closed),
                Ok(Ok(count)) => {
                    self.read += count;
                    self.buffer.extend(chunk.iter().take(count));
                }
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    /// Subscribes to one filter and notes what arrives. The second value: the connection is still open.
    async fn listen(&mut self, id: u16, filter: &TopicFilter, wait: Duration) -> std::io::Result<(Subscription, bool)> {
        self.send(&subscribe(self.version, id, filter)).await?;
        let mut subscription = Subscription { filter: filter.as_str().to_owned(), code: None, messages: Vec::new() };
        let until = Instant::now() + wait;
        loop {
            match self.next(until).await? {
                Heard::Packet(Packet::SubscribeAck { id: of, codes }) if of == id => {
                    subscription.code = codes.first().copied();
                    if subscription.code.is_some_and(|code| code >= 0x80) {
                        return Ok((subscription, true));
                    }
                }
                Heard::Packet(Packet::Publish { topic, retained, payload }) => {
                    let text = topic.starts_with("$SYS/").then(|| Untrusted::from_bytes(&payload));
                    subscription.messages.push(Message { topic: Untrusted::new(&topic), retained, length: payload.len(), text });
                    if subscription.messages.len() >= MAX_MESSAGES {
                        return Ok((subscription, true));
                    }
                }
                Heard::Packet(Packet::Disconnect { .. }) | Heard::Closed | Heard::NotMqtt => return Ok((subscription, false)),
                Heard::Packet(_) => {}
                Heard::Nothing => return Ok((subscription, true)),
            }
        }
    }

    fn beginning(&self) -> Untrusted {
        Untrusted::from_bytes(self.buffer.get(..80).unwrap_or(&self.buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    /// Lets a broker answer each packet it gets by a rule, until there is none.
    async fn with_broker(question: Question<'_>, answer: impl Fn(u8) -> Option<Vec<u8>> + Send + 'static) -> (Seen, Vec<u8>) {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        let broker = tokio::spawn(async move {
            let (mut heard, mut chunk) = (Vec::new(), [0_u8; 1024]);
            loop {
                let count = theirs.read(&mut chunk).await.unwrap_or(0);
                if count == 0 {
                    return heard;
                }
                heard.extend(&chunk[..count]);
                match answer(chunk[0] & 0xf0) {
                    Some(bytes) if theirs.write_all(&bytes).await.is_ok() => {}
                    _ => return heard,
                }
            }
        });
        let seen = ask(&mut ours, &question, Duration::from_secs(20)).await.unwrap();
        drop(ours);
        (seen, broker.await.unwrap())
    }
    fn question(filters: &[TopicFilter]) -> Question<'_> {
        Question { version: Version::V3, client: "probity-1", credentials: None, filters, wait: Duration::from_millis(30) }
    }

    #[tokio::test]
    async fn a_refusal_a_silence_and_something_else_are_told_apart() {
        let (seen, _) = with_broker(question(&[]), |_| Some(vec![0x20, 2, 0, 5])).await;
        assert_eq!(seen, Seen::Answered { version: Version::V3, code: 5, subscriptions: vec![] });
        let (seen, _) = with_broker(question(&[]), |_| None).await;
        assert_eq!(seen, Seen::Closed);
        let (seen, _) = with_broker(question(&[]), |_| Some(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".repeat(20))).await;
        assert!(matches!(seen, Seen::NotMqtt { .. }), "{seen:?}");
        let (mut ours, _theirs) = duplex(1024);
        let seen = ask(&mut ours, &question(&[]), Duration::from_millis(10)).await.unwrap();
        assert_eq!(seen, Seen::Silent);
    }

    #[tokio::test]
    async fn only_what_arrives_is_readable_and_its_payload_is_not_kept() {
        let filters = [TopicFilter::new("care/room1/alarm").unwrap()];
        let (seen, heard) = with_broker(question(&filters), |kind| {
            Some(match kind {
                0x10 => vec![0x20, 2, 0, 0],
                0x80 => [&[0x90, 3, 0, 1, 0][..], &[0x31, 9, 0, 1, b't', b's', b'e', b'c', b'r', b'e', b't']].concat(),
                _ => vec![],
            })
        })
        .await;
        let Seen::Answered { code: 0, subscriptions, .. } = &seen else { panic!("{seen:?}") };
        assert_eq!((subscriptions[0].code, subscriptions[0].messages.len(), subscriptions[0].messages[0].length), (Some(0), 1, 6));
        assert!(!serde_json::to_string(&seen).unwrap().contains("ecret"));
        assert!(heard.ends_with(&[0xe0, 0]), "it takes leave");
        let (granted, _) =
            with_broker(question(&filters), |kind| Some(if kind == 0x10 { vec![0x20, 2, 0, 0] } else { vec![0x90, 3, 0, 1, 0] })).await;
        let Seen::Answered { subscriptions, .. } = granted else { panic!() };
        assert_eq!((subscriptions[0].code, subscriptions[0].messages.len()), (Some(0), 0), "granted and nothing delivered");
    }
}
