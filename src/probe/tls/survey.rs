//! What a survey saw: which versions, suites, groups and features a server agrees to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Der, FiniteField, Group, ProbeOutcome, ProtocolVersion, Suite};
use crate::verdict::Untrusted;

/// What a survey may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most connections.
    pub connections: u32,
    /// Time for one connection, everything included.
    pub per_probe: Duration,
}

impl Default for Limits {
    /// 57 connections of 5 seconds, so that the whole handshakes after it (one, one more without application
    /// protocols, one with early data) make 60: scanners have stopped small devices by the number of their
    /// connections alone.
    fn default() -> Self {
        Self { connections: 57, per_probe: Duration::from_secs(5) }
    }
}

/// One connection: what it was for and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What was asked.
    pub purpose: String,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// The version agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ProtocolVersion>,
    /// The suite agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<Suite>,
    /// The group agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The beginning of an answer that is not TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Untrusted>,
}

/// Whether a version is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Agreed to.
    Supported,
    /// Properly declined, by a server that agreed to another version.
    Refused,
    /// It cannot be told.
    Unknown(ProbeOutcome),
}

/// A version and whether it is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSupport {
    /// The version.
    pub version: ProtocolVersion,
    /// Whether it is spoken.
    pub support: Support,
}

/// Who decides which suite is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The server, by its own order.
    Server,
    /// The client: the server takes the first it knows.
    Client,
    /// There is one suite only.
    Single,
    /// It was not asked, or not answered.
    Unknown,
}

/// The suites of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSuites {
    /// The version.
    pub version: ProtocolVersion,
    /// The suites agreed to, in the order in which the server chose them. For SSL 2.0 this stays
    /// empty and `ssl2` has the names.
    pub suites: Vec<Suite>,
    /// The cipher kinds of SSL 2.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssl2: Vec<String>,
    /// Every suite was offered, and those not listed were properly declined.
    pub complete: bool,
    /// What ended the enumeration early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<ProbeOutcome>,
    /// Who decides.
    pub order: Order,
    /// What the server chose when its suites were offered in the reverse of the order above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed_choice: Option<Suite>,
}

/// The groups of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionGroups {
    /// The version.
    pub version: ProtocolVersion,
    /// The groups agreed to, in the order in which the server chose them.
    pub groups: Vec<Group>,
    /// Every group was offered, and those not listed were properly declined.
    pub complete: bool,
    /// The server sends a curve written out instead of a named one.
    #[serde(default)]
    pub explicit_curve: bool,
    /// What ended the enumeration early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<ProbeOutcome>,
}

/// A finite field that a server sent for a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhSeen {
    /// The version.
    pub version: ProtocolVersion,
    /// A suite with which it was sent.
    pub suite: Suite,
    /// The field.
    pub field: FiniteField,
}

/// Whether a server has a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// It cannot be told.
    Unknown(ProbeOutcome),
    /// The feature is of versions that this server does not speak.
    NotApplicable,
}

/// What a server did when only weak hashes were offered for the signature of the key exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashSeen {
    /// Only SHA-1 was offered: accepted?
    pub sha1: Feature,
    /// Only SHA-224 was offered: accepted?
    pub sha224: Feature,
}

/// Whether the server answers without a server name, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sni {
    /// It declines a hello without a name.
    Needed,
    /// It shows another certificate.
    OtherCertificate,
    /// It answers just the same, as far as can be seen.
    NotNeeded,
    /// It cannot be told.
    Unknown(ProbeOutcome),
    /// No name was given to ask with.
    NotAsked,
}

/// Why a survey ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// Two time-outs in a row.
    TwoTimeouts,
    /// Two attempts to connect in a row failed.
    Unreachable,
    /// The budget of connections is used up.
    Budget,
    /// No version was agreed to, so there is nothing more to ask.
    NothingAgreed,
}

/// All that a survey saw. Plain data; what it means is judged elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSurvey {
    /// The name sent with each hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The versions, the newest first.
    pub versions: Vec<VersionSupport>,
    /// The suites of each version spoken.
    pub suites: Vec<VersionSuites>,
    /// The groups of TLS 1.2 and 1.3, where spoken.
    pub groups: Vec<VersionGroups>,
    /// The finite fields seen, up to TLS 1.2.
    pub finite_fields: Vec<DhSeen>,
    /// Weak hashes in the key exchange of TLS 1.2.
    pub key_exchange_hash: HashSeen,
    /// RFC 7627, up to TLS 1.2.
    pub extended_master_secret: Feature,
    /// RFC 5746, up to TLS 1.2.
    pub secure_renegotiation: Feature,
    /// DEFLATE, up to TLS 1.2.
    pub compression: Feature,
    /// RFC 7507: a fallback is noticed.
    pub fallback_scsv: Feature,
    /// RFC 7366: agreed with every suite in CBC mode, up to TLS 1.2.
    pub encrypt_then_mac: Feature,
    /// Whether a server name is needed.
    pub sni: Sni,
    /// The chains seen in clear, each once.
    pub chains: Vec<Vec<Der>>,
    /// The OCSP response seen in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staple: Option<Der>,
    /// Every connection, in order.
    pub probes: Vec<Probe>,
    /// The number of connections tried.
    pub connections: u32,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// How the repetition of the first agreed hello ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ProbeOutcome>,
}

impl TlsSurvey {
    /// Whether the version is spoken; a version that was never asked is unknown.
    pub fn support(&self, version: ProtocolVersion) -> Support {
        self.versions.iter().find(|v| v.version == version).map_or(Support::Unknown(ProbeOutcome::Budget), |v| v.support.clone())
    }

    /// The versions spoken, the newest first.
    pub fn spoken(&self) -> impl Iterator<Item = ProtocolVersion> + '_ {
        self.versions.iter().filter(|v| v.support == Support::Supported).map(|v| v.version)
    }

    /// The first thing that kept the survey from agreeing to anything, if it agreed to nothing.
    pub fn nothing_agreed(&self) -> Option<ProbeOutcome> {
        if self.spoken().next().is_some() {
            return None;
        }
        // What the port says in plain text, or that it is closed, explains more than a later reset.
        let telling = |o: &ProbeOutcome| matches!(o, ProbeOutcome::NotTls | ProbeOutcome::Refused | ProbeOutcome::Unreachable(_));
        let outcomes = || self.probes.iter().map(|p| &p.outcome);
        outcomes().find(|o| telling(o)).or_else(|| outcomes().next()).cloned().or(Some(ProbeOutcome::Budget))
    }
}
