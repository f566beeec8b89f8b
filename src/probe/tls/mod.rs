//! What an endpoint speaks: TLS as it is, asked with hellos of our own.
//!
//! Nothing here says whether an endpoint is good. A [`TlsSurvey`] is what was seen, with every
//! connection and how it ended; a [`Handshake`] is one whole handshake, for the chain that TLS 1.3
//! shows only to those who finish one. Both are plain data that can be judged again later.
//!
//! The policy of the survey:
//!
//! * One connection at a time, within a budget, each with one deadline for everything.
//! * No key is computed. A hello is answered before a key is needed; TLS 1.3 is asked with an empty
//!   list of key shares and answers with a HelloRetryRequest.
//! * Silence, resets, plain text and refusals of everything say nothing about a version. Only a
//!   proper answer does, and only from a server that agreed to something in the same survey. At the
//!   end the first agreed hello is repeated: when it is refused then, refusals since the last
//!   agreement are not believed either, since a limit on connections looks just the same.
//! * Two time-outs in a row end the survey, for the sake of the device.

mod answer;
mod datagram;
mod enumeration;
mod exchange;
mod group;
mod handshake;
mod hello;
pub mod mock;
mod suite;
mod survey;
#[cfg(test)]
pub(crate) mod survey_faces;
mod through;
mod version;

pub use answer::{Answer, AnswerReader, KeyExchange, Progress, ServerHello};
pub use datagram::{DatagramReader, DialDatagram, Socket};
pub use enumeration::{survey, survey_datagrams};
pub use exchange::{Dial, ProbeOutcome};
pub use group::{FiniteField, Group};
pub use handshake::{EarlyData, Handshake, handshake};
pub use suite::Suite;
pub use survey::{
    DhSeen, Feature, HashSeen, Limits, Order, Probe, Sni, Stop, Support, TlsSurvey, VersionGroups, VersionSuites, VersionSupport,
};
pub use through::Through;
pub use version::ProtocolVersion;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes in DER, such as a certificate. Written as base64.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Der(pub Vec<u8>);

impl std::fmt::Debug for Der {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Der({} bytes)", self.0.len())
    }
}

impl Serialize for Der {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Der {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}
