//! Cipher suites: names, what they are made of, and the order in which they are offered.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tls_parser::{CIPHERS, TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite};

use super::ProtocolVersion;

/// A cipher suite by its number. Written and read by its IANA name, or as `0x1a2b` when it has none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suite(pub u16);

impl Suite {
    /// Not a suite but a signal: the client speaks RFC 5746.
    pub const RENEGOTIATION_SCSV: Self = Self(0x00ff);
    /// Not a suite but a signal: the client has fallen back from a higher version (RFC 7507).
    pub const FALLBACK_SCSV: Self = Self(0x5600);

    /// Most suites in one hello: some servers ignore what stands after the 64th, others refuse long hellos.
    pub const MAX_OFFERED: usize = 64;

    fn entry(self) -> Option<&'static TlsCipherSuite> {
        TlsCipherSuite::from_id(self.0)
    }

    /// The suite of an IANA name or of `0x1a2b`.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(hex) = name.strip_prefix("0x") {
            return u16::from_str_radix(hex, 16).ok().map(Self);
        }
        TlsCipherSuite::from_name(name).map(|entry| Self(entry.id.0))
    }

    /// The IANA name, if the number has one.
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.name)
    }

    /// A suite of TLS 1.3, which names neither key exchange nor authentication.
    pub fn is_13(self) -> bool {
        self.entry().is_some_and(|e| e.kx == TlsCipherKx::Tls13)
    }

    /// Ephemeral elliptic-curve key exchange, whose parameters stand in a ServerKeyExchange.
    pub fn is_ecdhe(self) -> bool {
        self.entry().is_some_and(|e| matches!(e.kx, TlsCipherKx::Ecdhe | TlsCipherKx::Aecdh) || e.name.starts_with("TLS_ECDH_anon"))
    }

    /// Ephemeral finite-field key exchange, whose parameters stand in a ServerKeyExchange.
    pub fn is_dhe(self) -> bool {
        self.entry().is_some_and(|e| e.kx == TlsCipherKx::Dhe || e.name.starts_with("TLS_DH_anon") || e.name.starts_with("TLS_PSK_DHE"))
    }

    /// Authenticated by a key known beforehand, not by a certificate.
    pub fn is_psk(self) -> bool {
        self.name().is_some_and(|name| name.contains("PSK"))
    }

    /// Nobody is authenticated.
    pub fn is_anonymous(self) -> bool {
        self.name().is_some_and(|name| name.contains("_anon_")) || self.0 == 0
    }

    /// Authenticated by a certificate with an elliptic curve.
    pub fn is_ecdsa(self) -> bool {
        self.entry().is_some_and(|e| e.au == TlsCipherAu::Ecdsa)
    }

    /// The handshake is signed with the certificate's key, so that a hash is chosen for it.
    pub fn is_signed(self) -> bool {
        (self.is_ecdhe() || self.is_dhe()) && !self.is_psk() && !self.is_anonymous()
    }

    /// A suite that a server of this version may agree to.
    pub fn fits(self, version: ProtocolVersion) -> bool {
        let Some(entry) = self.entry() else { return false };
        // Suites that need an extension or a ticket which is never sent: no server could agree to them.
        let beyond = matches!(entry.kx, TlsCipherKx::Krb5 | TlsCipherKx::Srp | TlsCipherKx::Eccpwd);
        if matches!(self, Self::RENEGOTIATION_SCSV | Self::FALLBACK_SCSV) || self.0 == 0 || beyond {
            return false;
        }
        match version {
            ProtocolVersion::Tls13 | ProtocolVersion::Dtls13 => entry.kx == TlsCipherKx::Tls13,
            ProtocolVersion::Tls12 | ProtocolVersion::Dtls12 => entry.kx != TlsCipherKx::Tls13,
            ProtocolVersion::Ssl2 => false,
            // Suites with an own hash or with authenticated encryption need TLS 1.2 (RFC 5246, 5288, 5289).
            ProtocolVersion::Ssl3 | ProtocolVersion::Tls10 | ProtocolVersion::Tls11 | ProtocolVersion::Dtls10 => {
                entry.kx != TlsCipherKx::Tls13 && matches!(entry.mac, TlsCipherMac::HmacMd5 | TlsCipherMac::HmacSha1 | TlsCipherMac::Null)
            }
        }
    }

    /// All suites that a server of this version may agree to, in the portions in which they are
    /// offered, the most plausible first. Suites with a key known beforehand stand apart from those
    /// with a certificate: some servers look at the offer and then do only the one or the other.
    pub fn portions(version: ProtocolVersion) -> &'static [Vec<Self>] {
        static PORTIONS: LazyLock<[Vec<Vec<Suite>>; 5]> = LazyLock::new(|| {
            use ProtocolVersion::{Dtls10, Dtls12, Tls10, Tls12, Tls13};
            [Tls13, Tls12, Tls10, Dtls12, Dtls10].map(portions_of)
        });
        let [tls13, tls12, tls10, dtls12, dtls10] = &*PORTIONS;
        match version {
            ProtocolVersion::Tls13 | ProtocolVersion::Dtls13 => tls13,
            ProtocolVersion::Tls12 => tls12,
            ProtocolVersion::Tls11 | ProtocolVersion::Tls10 | ProtocolVersion::Ssl3 => tls10,
            ProtocolVersion::Dtls12 => dtls12,
            ProtocolVersion::Dtls10 => dtls10,
            ProtocolVersion::Ssl2 => &[],
        }
    }

    /// The first portion of those with a certificate: what nearly every server finds something in.
    pub(super) fn usual(version: ProtocolVersion) -> &'static [Self] {
        Self::portions(version).iter().find(|p| p.first().is_some_and(|s| !s.is_psk())).map(Vec::as_slice).unwrap_or_default()
    }

    /// How unlikely a server is to have it: the lower, the earlier it is offered.
    fn rarity(self, datagram: bool) -> u32 {
        let Some(entry) = self.entry() else { return u32::MAX };
        let exchange = match (entry.kx, entry.au) {
            (TlsCipherKx::Tls13, _) => 0,
            (TlsCipherKx::Ecdhe, TlsCipherAu::Rsa | TlsCipherAu::Ecdsa) => 0,
            (TlsCipherKx::Rsa, TlsCipherAu::Rsa) | (TlsCipherKx::Dhe, TlsCipherAu::Rsa) => 2,
            (TlsCipherKx::Dhe, TlsCipherAu::Dss) | (_, TlsCipherAu::Null) => 6,
            (_, TlsCipherAu::Psk) => 7,
            _ => 8,
        };
        let cipher = match (entry.enc, entry.enc_mode) {
            (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm) | (TlsCipherEnc::Chacha20_Poly1305, _) => 0,
            (TlsCipherEnc::Aes, TlsCipherEncMode::Cbc) => 1,
            (TlsCipherEnc::Aes, TlsCipherEncMode::Ccm) if datagram => 0,
            (TlsCipherEnc::Aes, _) | (TlsCipherEnc::TripleDes | TlsCipherEnc::Rc4, _) => 2,
            (TlsCipherEnc::Camellia, TlsCipherEncMode::Cbc) => 3,
            (TlsCipherEnc::Camellia | TlsCipherEnc::Aria, _) => 4,
            _ => 5,
        };
        exchange + cipher + u32::from(entry.name.contains("EXPORT"))
    }
}

fn portions_of(version: ProtocolVersion) -> Vec<Vec<Suite>> {
    let mut pool: Vec<Suite> = CIPHERS.keys().map(|id| Suite(*id)).filter(|suite| suite.fits(version)).collect();
    pool.sort_by_key(|suite| (suite.rarity(version.is_datagram()), *suite));
    let (known, certified): (Vec<Suite>, Vec<Suite>) = pool.into_iter().partition(|s| s.is_psk());
    // Constrained devices speak PSK first of all (RFC 7925, section 4.2).
    let order = if version.is_datagram() { [known, certified] } else { [certified, known] };
    order.iter().flat_map(|list| list.chunks(Suite::MAX_OFFERED)).map(<[Suite]>::to_vec).collect()
}

impl std::fmt::Display for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Suite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Suite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("no cipher suite is named `{name}`; IANA's name is expected")))
    }
}

impl JsonSchema for Suite {
    fn schema_name() -> Cow<'static, str> {
        "CipherSuite".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(TLS_[A-Za-z0-9_]+|0x[0-9a-f]{4})$", "description": "A cipher suite by its IANA name" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portions_are_complete_and_start_with_what_servers_have() {
        let portions = Suite::portions(ProtocolVersion::Tls12);
        let all: Vec<Suite> = portions.concat();
        assert!(all.len() > 250 && portions.len() <= 6, "{} in {}", all.len(), portions.len());
        assert!(portions.iter().all(|p| p.len() <= Suite::MAX_OFFERED && p.iter().all(|s| s.is_psk() == p[0].is_psk())));
        for usual in [
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_RSA_WITH_RC4_128_SHA",
        ] {
            assert!(portions[0].iter().any(|s| s.name() == Some(usual)), "{usual}");
        }
        assert!(!all.iter().any(|s| s.is_13() || *s == Suite::FALLBACK_SCSV || *s == Suite::RENEGOTIATION_SCSV));
        assert!(Suite::usual(ProtocolVersion::Tls13).iter().all(|s| s.is_13()));
        assert!(Suite::portions(ProtocolVersion::Tls10).len() <= 4);
        let coap = Suite::portions(ProtocolVersion::Dtls12);
        assert!(coap[0].contains(&Suite::from_name("TLS_PSK_WITH_AES_128_CCM_8").unwrap()));
        assert!(Suite::usual(ProtocolVersion::Dtls12).contains(&Suite::from_name("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8").unwrap()));
    }

    #[test]
    fn a_suite_is_told_by_its_name() {
        let suite = Suite::from_name("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").unwrap();
        assert_eq!(suite, Suite(0xc02f));
        assert!(suite.is_ecdhe() && suite.is_signed() && !suite.is_dhe());
        assert!(Suite::from_name("TLS_DH_anon_WITH_AES_128_CBC_SHA").unwrap().is_dhe());
        assert_eq!(serde_json::to_string(&Suite(0xfafa)).unwrap(), "\"0xfafa\"");
        assert_eq!(serde_json::from_str::<Suite>("\"0xfafa\"").unwrap(), Suite(0xfafa));
        assert!(serde_json::from_str::<Suite>("\"TLS_NO_SUCH\"").is_err());
    }
}
