//! A question and its answer, as plain data: what is recorded as evidence and judged again later.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::head::HttpFault;
use super::request::Request;
use crate::probe::error::{ProbeError, Refusal};
use crate::probe::trust::TlsFacts;
use crate::verdict::Untrusted;

/// One question over HTTP and its answer. Nothing in it is secret: it has been through the
/// [`crate::verdict::Redactor`] of the run before anybody sees it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// Its name within the run: `x1`, `x2`, …
    pub id: String,
    /// What it was for; of several who asked the same, the first.
    pub purpose: String,
    /// When it began: UTC, RFC 3339, with milliseconds.
    pub time: String,
    /// What was sent.
    pub request: SentRequest,
    /// What came back.
    pub response: Response,
    /// Where the answer points to, if it does. Never followed by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// How long things took.
    pub timing: Timing,
    /// Facts of the connection.
    pub connection: ConnectionFacts,
    /// How many redirects led here.
    #[serde(default)]
    pub hops: u32,
    /// What was asked, for following a redirect. Not part of the record.
    #[serde(skip)]
    pub(crate) asked: Option<Box<Request>>,
}

impl Exchange {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.status
    }
    /// The value of the first field of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    /// The values of all fields of this name, in whatever case, in their order.
    pub fn headers<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.response.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    /// The media type of the body, without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
    /// The body, decoded, as far as it was read.
    pub fn body(&self) -> &[u8] {
        &self.response.body
    }
    /// The body as text, where it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        self.response.body.as_text()
    }
    /// Whether the answer was read to its end, so that what is missing in it is truly missing.
    pub fn is_whole(&self) -> bool {
        self.response.cut.is_none()
    }
}

/// What became of a credential that a request asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "use", rename_all = "kebab-case")]
pub enum CredentialUse {
    /// None was asked for.
    None,
    /// It was sent.
    Sent {
        /// The credential's name.
        name: String,
    },
    /// It was not sent, and the question was asked without it.
    Withheld {
        /// The credential's name.
        name: String,
        /// Why.
        reason: Withholding,
    },
}

/// Why a credential was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Withholding {
    /// It belongs to another scheme, host or port.
    OtherOrigin,
    /// The connection is not encrypted, and the target file does not allow that.
    NotEncrypted,
    /// The certificate does not verify, and the target file does not allow that.
    NotVerified,
}

impl std::fmt::Display for Withholding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OtherOrigin => "it belongs to another scheme, host or port",
            Self::NotEncrypted => "the connection is not encrypted",
            Self::NotVerified => "the certificate of the other side does not verify",
        })
    }
}

/// What was sent, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentRequest {
    /// The method.
    pub method: String,
    /// The address, without fragment.
    pub url: String,
    /// All fields, those that the door adds included.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    /// What became of the credential.
    pub credential: CredentialUse,
}

/// Why an answer was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cut {
    /// The head is larger than is read.
    HeadLimit,
    /// There are more header fields than are recorded; the body was read.
    FieldLimit,
    /// The body is larger than was asked for.
    BodyLimit,
    /// The body grows beyond all measure on decompression.
    Ratio,
    /// The time of the exchange was over.
    Time,
    /// The time of the run was over.
    RunTime,
    /// The peer closed the connection too early.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// TLS failed in the middle of the answer.
    Tls,
    /// The chunks are broken.
    Chunks,
    /// More than one content coding, which is refused.
    StackedCodings,
    /// A content coding that Probity does not know.
    UnknownCoding,
    /// The content is not encoded as is said.
    BrokenCoding,
    /// Interim answers without end.
    Interim,
}

impl Cut {
    /// Whether a limit of ours is the reason, and not the target.
    pub fn is_our_limit(self) -> bool {
        match self {
            Self::HeadLimit
            | Self::FieldLimit
            | Self::BodyLimit
            | Self::Ratio
            | Self::RunTime
            | Self::StackedCodings
            | Self::UnknownCoding => true,
            Self::Time | Self::Closed | Self::Reset | Self::Tls | Self::Chunks | Self::BrokenCoding | Self::Interim => false,
        }
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HeadLimit => "its head is larger than is read",
            Self::FieldLimit => "it has more header fields than are recorded",
            Self::BodyLimit => "its body is larger than is read",
            Self::Ratio => "its body grows beyond all measure on decompression",
            Self::Time => "it was not finished in time",
            Self::RunTime => "the time of the run was over",
            Self::Closed => "the connection was closed too early",
            Self::Reset => "the connection was reset",
            Self::Tls => "TLS failed in the middle of it",
            Self::Chunks => "its chunks are broken",
            Self::StackedCodings => "it is compressed more than once",
            Self::UnknownCoding => "it is compressed in an unknown way",
            Self::BrokenCoding => "its compression is broken",
            Self::Interim => "interim answers came without end",
        })
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// The head as it came, byte for byte except for secrets and cookie values.
    pub head: Bytes,
    /// The version as written after `HTTP/`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The fields, read tolerantly, in their order.
    pub headers: Vec<(String, String)>,
    /// The trailer fields of a chunked body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<(String, String)>,
    /// Status codes of the interim answers before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interim: Vec<u16>,
    /// Departures from HTTP/1.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<HttpFault>,
    /// How many more departures there are than are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub malformed_more: u32,
    /// The body, decoded, as far as it was read.
    pub body: Bytes,
    /// SHA-256 of the body, decoded, as far as it was read and before secrets were taken out of it; hexadecimal.
    pub body_sha256: String,
    /// Bytes of the body as they came, without the framing of chunks.
    pub encoded_length: u64,
    /// Bytes of the body after decoding.
    pub decoded_length: u64,
    /// Whether a secret of ours stood in the answer and was taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// Why the answer was not read to its end, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Where an answer with a 3xx status and a `Location` points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redirect {
    /// The address, made absolute; as written where it cannot be read.
    pub url: Untrusted,
    /// Why it will not be followed, if it will not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// Whether it leads to another scheme, host or port; credentials are not sent there.
    pub leaves_origin: bool,
    /// Whether it leads from HTTPS to HTTP.
    pub downgrades: bool,
}

/// How long things took, in milliseconds from the beginning of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Opening the connection; none when it was open already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u64>,
    /// Agreeing on TLS; none without TLS or when the connection was open already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ms: Option<u64>,
    /// From the question to the first byte of the answer.
    pub first_byte_ms: u64,
    /// From the question to the last byte of the answer.
    pub total_ms: u64,
}

/// Facts of the connection that carried an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionFacts {
    /// The address of the target.
    pub remote: SocketAddr,
    /// The address of this side.
    pub local: SocketAddr,
    /// Whether an open connection was used once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// What was seen of TLS; none over plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
}

/// A chain of answers, each of which the one before pointed to.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The answers in their order; at least one.
    pub exchanges: Vec<std::sync::Arc<Exchange>>,
    /// Why the last redirect was not followed, if there was one.
    pub stopped: Option<ProbeError>,
}

impl Trail {
    /// The last answer.
    pub fn last(&self) -> Option<&std::sync::Arc<Exchange>> {
        self.exchanges.last()
    }
}
