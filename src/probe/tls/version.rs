//! Protocol versions by their names and wire codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of SSL, TLS or DTLS, ordered from the oldest to the newest of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ProtocolVersion {
    /// SSL 2.0, forbidden by RFC 6176.
    #[serde(rename = "SSL 2.0")]
    Ssl2,
    /// SSL 3.0, forbidden by RFC 7568.
    #[serde(rename = "SSL 3.0")]
    Ssl3,
    /// TLS 1.0, forbidden by RFC 8996.
    #[serde(rename = "TLS 1.0")]
    Tls10,
    /// TLS 1.1, forbidden by RFC 8996.
    #[serde(rename = "TLS 1.1")]
    Tls11,
    /// TLS 1.2, RFC 5246.
    #[serde(rename = "TLS 1.2")]
    Tls12,
    /// TLS 1.3, RFC 8446.
    #[serde(rename = "TLS 1.3")]
    Tls13,
    /// DTLS 1.0, forbidden by RFC 8996.
    #[serde(rename = "DTLS 1.0")]
    Dtls10,
    /// DTLS 1.2, RFC 6347.
    #[serde(rename = "DTLS 1.2")]
    Dtls12,
    /// DTLS 1.3, RFC 9147.
    #[serde(rename = "DTLS 1.3")]
    Dtls13,
}

impl ProtocolVersion {
    /// The versions of a stream, from the newest to the oldest: the order in which they are asked for.
    pub const STREAM: [Self; 6] = [Self::Tls13, Self::Tls12, Self::Tls11, Self::Tls10, Self::Ssl3, Self::Ssl2];
    /// The versions of datagrams, from the newest to the oldest.
    pub const DATAGRAM: [Self; 3] = [Self::Dtls13, Self::Dtls12, Self::Dtls10];

    /// The number on the wire. SSL 2.0 writes `0x0002`, DTLS the ones' complement of its number.
    pub const fn code(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
            Self::Dtls10 => 0xfeff,
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }

    /// The version of a number on the wire.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0x0002 => Self::Ssl2,
            0x0300 => Self::Ssl3,
            0x0301 => Self::Tls10,
            0x0302 => Self::Tls11,
            0x0303 => Self::Tls12,
            0x0304 => Self::Tls13,
            0xfeff => Self::Dtls10,
            0xfefd => Self::Dtls12,
            0xfefc => Self::Dtls13,
            _ => return None,
        })
    }

    /// The name as the standards write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
            Self::Dtls10 => "DTLS 1.0",
            Self::Dtls12 => "DTLS 1.2",
            Self::Dtls13 => "DTLS 1.3",
        }
    }

    /// Runs over datagrams.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Dtls10 | Self::Dtls12 | Self::Dtls13)
    }

    /// Has the handshake of TLS 1.3: groups and suites chosen apart, the certificate encrypted.
    pub const fn is_13(self) -> bool {
        matches!(self, Self::Tls13 | Self::Dtls13)
    }

    /// Names the hash of a signature in the handshake (TLS 1.2 and later).
    pub const fn has_signature_algorithms(self) -> bool {
        matches!(self, Self::Tls12 | Self::Tls13 | Self::Dtls12 | Self::Dtls13)
    }
}

impl std::fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_go_both_ways() {
        for version in ProtocolVersion::STREAM.into_iter().chain(ProtocolVersion::DATAGRAM) {
            assert_eq!(ProtocolVersion::from_code(version.code()), Some(version));
            assert_eq!(serde_json::to_value(version).unwrap(), version.as_str());
        }
    }
}
