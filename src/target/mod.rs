//! What is assessed: the target file.
//!
//! A target file names the product, its endpoints and what its vendor says about it. It holds no
//! secret: credentials are named by the environment variable or file they are in and are bound to
//! one endpoint. It is also the border of every run: an address that it does not name is not probed,
//! and an effect that its consent block does not allow is not caused.

mod consent;
mod log_in;
mod package;
mod read;
pub(crate) use read::day;

pub use consent::{Consent, Effect, Environment, Mode, Window};
pub use log_in::{LogIn, LogInForm};
pub use package::PackageReference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::format::fhir::Definitions;

/// A target file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Probity target file")]
pub struct Target {
    /// Version of this file's format; `1`.
    #[schemars(range(min = 1, max = 1))]
    pub target: u32,
    /// The product that is assessed.
    pub product: Product,
    /// The addresses that may be probed, by a name of your choice.
    #[serde(default)]
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Facts about the product that decide which requirements apply. Which facts there are is the
    /// profile's choice: `probity profile show` lists them.
    #[serde(default)]
    pub facts: BTreeMap<String, Fact>,
    /// The open specifications that the product claims to speak.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// Documents, by the name that the profile asks for: a path relative to this file, or a URL.
    #[serde(default)]
    pub documents: BTreeMap<String, String>,
    /// Credentials, by a name of your choice.
    #[serde(default)]
    pub credentials: BTreeMap<String, CredentialReference>,
    /// What the owner allows. Without it only reading is done.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// Test data that the vendor provides: ids and values of the fixture person, never of real people.
    #[serde(default)]
    pub fixtures: BTreeMap<String, Value>,
    /// Statements of named persons, by the subject that the profile asks for.
    #[serde(default)]
    pub attestations: BTreeMap<String, Attestation>,
    /// Packages of FHIR definitions that resources are judged by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageReference>,
    /// What these packages define, once they are loaded. No part of the file: the packages are named
    /// there with their hashes, so that anybody can judge by the same ones.
    #[serde(skip)]
    pub definitions: Option<Arc<Definitions>>,
    /// The folder that relative paths start from: the target file's own.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// The product that is assessed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Product {
    /// The product's name as on its label.
    pub name: String,
    /// The exact version that is assessed; a report holds for this version only.
    pub version: String,
    /// Who answers for the product.
    pub vendor: Vendor,
    /// Model or hardware revision, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the product is for, in one or two sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Classification codes by scheme, such as `cpv`, `iso-9999`, `emdn`, `gtin`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, Vec<String>>,
}

/// Who answers for a product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vendor {
    /// The organisation's name.
    pub name: String,
    /// Its public web site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The country of establishment, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// One address that may be probed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// Address with scheme and host: `https:`, `http:`, `mqtts:`, `mqtt:`, `coaps:`, `coap:`, `sips:`, `sip:`, `tls:` or `tcp:`.
    #[schemars(with = "String")]
    pub url: Url,
    /// What it serves, such as `api`, `web`, `fhir`, `directory`, `hub`, `alarm`. Its own name where nothing is said.
    #[serde(default)]
    pub serves: Vec<String>,
    /// The name that its certificate must carry, where the address is not that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// PEM file with the certificates of a private authority that the endpoint's certificate hangs from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<PathBuf>,
    /// The addresses of the host, used instead of asking the name service. Needed where a name leads
    /// into a private network: naming the address here is what allows it to be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<std::net::IpAddr>,
    /// Send credentials although the certificate does not verify or there is no encryption. For a
    /// bench only: whoever listens can read them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trust_unverified: bool,
    /// Ports that are meant to be open on this host, besides the one in `url`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// How one logs in here, where one does, for the checks that try wrong passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_in: Option<LogIn>,
}

impl Endpoint {
    /// Whether the endpoint serves `role`. An endpoint that says nothing serves what its name says.
    pub fn serves(&self, name: &str, role: &str) -> bool {
        if self.serves.is_empty() { name == role } else { self.serves.iter().any(|s| s == role) }
    }
    /// Whether the scheme speaks HTTP.
    pub fn is_http(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }
    /// Whether the scheme begins with a TLS handshake on TCP.
    pub fn is_tls(&self) -> bool {
        matches!(self.url.scheme(), "https" | "mqtts" | "sips" | "tls" | "wss")
    }
    /// The port of the address, by the scheme's default where none is written.
    pub fn port(&self) -> Option<u16> {
        self.url.port_or_known_default().or(match self.url.scheme() {
            "mqtts" => Some(8883),
            "mqtt" => Some(1883),
            "coaps" => Some(5684),
            "coap" => Some(5683),
            "sips" => Some(5061),
            "sip" => Some(5060),
            _ => None,
        })
    }
}

/// A fact about the product.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Fact {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// One word.
    Text(String),
    /// Several words.
    List(Vec<String>),
}

// By hand: an untagged enum would lose the place of a mistake.
impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyFact;
        impl<'de> serde::de::Visitor<'de> for AnyFact {
            type Value = Fact;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, a number, a word or a list of words")
            }
            fn visit_bool<E>(self, b: bool) -> Result<Fact, E> {
                Ok(Fact::Flag(b))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Fact, E> {
                Ok(Fact::Number(n))
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Fact, E> {
                i64::try_from(n).map(Fact::Number).map_err(E::custom)
            }
            fn visit_str<E>(self, s: &str) -> Result<Fact, E> {
                Ok(Fact::Text(s.to_owned()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Fact, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Fact::List(words))
            }
        }
        deserializer.deserialize_any(AnyFact)
    }
}

/// An open specification that the product claims to speak.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Claim {
    /// The specification's id, such as `openapi`, `hl7-fhir`, `scaip`, `wot-td`, `hsds`.
    pub specification: String,
    /// The version that is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The role that is played: `server`, `client`, `sender`, `receiver`, `publisher`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where evidence for the claim is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// A credential by reference. Exactly one of `env` and `file` says where the secret is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialReference {
    /// The endpoint that the credential is sent to; it goes to that origin and to no other.
    pub endpoint: String,
    /// How it is sent.
    pub scheme: CredentialScheme,
    /// The environment variable that holds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The file that holds the secret, relative to the target file; trailing line ends are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The user's name, for the scheme `basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The header or query parameter, for the schemes `header` and `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How a credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialScheme {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617); needs `user`.
    Basic,
    /// A header of its own; needs `name`.
    Header,
    /// A query parameter; needs `name`.
    Query,
}

/// The statement of a named person: what no machine can see.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attestation {
    /// What the person states, in full sentences.
    pub statement: String,
    /// The person's name.
    pub person: String,
    /// The person's role in the organisation.
    pub role: String,
    /// The day of the statement, `YYYY-MM-DD`.
    pub date: String,
    /// The last day on which it counts, `YYYY-MM-DD`.
    pub expires: String,
    /// The file that backs the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceFile>,
}

/// A file that backs a statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EvidenceFile {
    /// Path relative to the target file.
    pub file: PathBuf,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
}

impl Target {
    /// The file's path, seen from the target file's folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
    /// The highest effect that is allowed at `now`: what the consent block says inside its window,
    /// reading only otherwise.
    pub fn allowed_effect(&self, now: time::OffsetDateTime) -> Effect {
        self.consent.as_ref().map_or(Effect::ReadsOnly, |consent| consent.allowed(now))
    }
}
