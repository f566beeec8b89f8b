//! Groups of the key exchange: named curves, hybrids, and finite fields told by their prime.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A named group by its number (IANA "TLS Supported Groups"). Written and read by its IANA name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

/// Number, IANA name. The order is that of offering in TLS 1.3: what servers have first.
const NAMES: [(u16, &str); 51] = [
    (0x11ec, "X25519MLKEM768"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
    (29, "x25519"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (30, "x448"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (256, "ffdhe2048"),
    (257, "ffdhe3072"),
    (258, "ffdhe4096"),
    (259, "ffdhe6144"),
    (260, "ffdhe8192"),
    (22, "secp256k1"),
    (21, "secp224r1"),
    (20, "secp224k1"),
    (19, "secp192r1"),
    (18, "secp192k1"),
    (17, "secp160r2"),
    (16, "secp160r1"),
    (15, "secp160k1"),
    (14, "sect571r1"),
    (13, "sect571k1"),
    (12, "sect409r1"),
    (11, "sect409k1"),
    (10, "sect283r1"),
    (9, "sect283k1"),
    (8, "sect239k1"),
    (7, "sect233r1"),
    (6, "sect233k1"),
    (5, "sect193r2"),
    (4, "sect193r1"),
    (3, "sect163r2"),
    (2, "sect163r1"),
    (1, "sect163k1"),
    (41, "curveSM2"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x6399, "X25519Kyber768Draft00"),
    (0x639a, "SecP256r1Kyber768Draft00"),
    (34, "GC256A"),
    (35, "GC256B"),
    (36, "GC256C"),
    (37, "GC256D"),
];

impl Group {
    /// X25519.
    pub const X25519: Self = Self(29);
    /// The hybrid of X25519 and ML-KEM-768.
    pub const X25519MLKEM768: Self = Self(0x11ec);

    /// The group of an IANA name or of `0x1a2b`.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(hex) = name.strip_prefix("0x") {
            return u16::from_str_radix(hex, 16).ok().map(Self);
        }
        NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(code, _)| Self(*code))
    }

    /// The IANA name, if the number has one.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(code, _)| *code == self.0).map(|(_, name)| *name)
    }

    /// A finite field of RFC 7919.
    pub const fn is_finite_field(self) -> bool {
        matches!(self.0, 256..=260)
    }

    /// The curves offered to TLS 1.2 and older. Finite fields are left out on purpose: a server that
    /// knows RFC 7919 would answer with those, and its own prime would stay unseen.
    pub(super) fn curves() -> Vec<Self> {
        NAMES.iter().map(|(code, _)| Self(*code)).filter(|g| matches!(g.0, 1..=30)).collect()
    }

    /// The groups offered to TLS 1.3.
    pub(super) fn of_13() -> Vec<Self> {
        let obsolete = |g: &Self| matches!(g.0, 1..=22 | 26..=28);
        NAMES.iter().map(|(code, _)| Self(*code)).filter(|g| !obsolete(g)).collect()
    }
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("no group is named `{name}`; IANA's name is expected")))
    }
}

impl JsonSchema for Group {
    fn schema_name() -> Cow<'static, str> {
        "NamedGroup".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A group of the key exchange by its IANA name" })
    }
}

/// A finite field as a server sent it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FiniteField {
    /// Length of the prime in bits.
    pub bits: u16,
    /// The prime's name, when it is one that a standard gives: `ffdhe3072`, `modp2048`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// SHA-256 of the prime, in hexadecimal.
    pub prime_sha256: String,
}

/// SHA-256 of the primes of RFC 7919, appendix A (`ffdhe`) and of RFC 2409 and RFC 3526 (`modp`),
/// written without leading zeros. Computed from the formulas in those documents.
const PRIMES: [(&str, &str); 13] = [
    ("ffdhe2048", "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966"),
    ("ffdhe3072", "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17"),
    ("ffdhe4096", "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e"),
    ("ffdhe6144", "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7"),
    ("ffdhe8192", "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833"),
    ("modp768", "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d"),
    ("modp1024", "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"),
    ("modp1536", "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"),
    ("modp2048", "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"),
    ("modp3072", "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"),
    ("modp4096", "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"),
    ("modp6144", "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd"),
    ("modp8192", "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf"),
];

impl FiniteField {
    /// The field of a prime in network byte order.
    pub fn of_prime(prime: &[u8]) -> Self {
        let zeros = prime.iter().take_while(|b| **b == 0).count();
        let prime = prime.get(zeros..).unwrap_or_default();
        let top = prime.first().map_or(0, |b| b.leading_zeros());
        let bits = u16::try_from(prime.len() * 8).unwrap_or(u16::MAX).saturating_sub(u16::try_from(top).unwrap_or(0));
        let prime_sha256: String = Sha256::digest(prime).iter().map(|b| format!("{b:02x}")).collect();
        let name = PRIMES.iter().find(|(_, hash)| *hash == prime_sha256).map(|(name, _)| Cow::Borrowed(*name));
        Self { bits, name, prime_sha256 }
    }

    /// The group of RFC 7919 that this is.
    pub fn group(&self) -> Option<Group> {
        self.name.as_deref().and_then(Group::from_name)
    }
}

impl std::fmt::Display for FiniteField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "an own prime of {} bits", self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 1024-bit prime of RFC 2409, section 6.2.
    const OAKLEY_2: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
        EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6\
        49286651ECE65381FFFFFFFFFFFFFFFF";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_prime_is_known_by_its_value() {
        let field = FiniteField::of_prime(&bytes(OAKLEY_2));
        assert_eq!((field.bits, field.name.as_deref()), (1024, Some("modp1024")));
        let mut padded = vec![0; 3];
        padded.extend(bytes(OAKLEY_2));
        assert_eq!(FiniteField::of_prime(&padded), field);
    }

    #[test]
    fn an_own_prime_has_a_size_and_no_name() {
        let field = FiniteField::of_prime(&[0x01, 0x01]);
        assert_eq!((field.bits, field.name), (9, None));
        assert_eq!(FiniteField::of_prime(&[]).bits, 0);
    }

    #[test]
    fn names_go_both_ways() {
        for (code, name) in NAMES {
            assert_eq!(Group::from_name(name), Some(Group(code)));
            assert_eq!(Group(code).name(), Some(name));
        }
        assert!(Group::curves().len() == 30 && Group::of_13().contains(&Group::X25519MLKEM768));
    }
}
