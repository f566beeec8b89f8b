//! What is asked of TLS, as data: a set of thresholds that an authority has published.
//!
//! Four tiers, in the words of the guidelines that inspired them: good, sufficient, to be phased out,
//! and insufficient, which is everything that a policy does not name.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::certificate::CertificatePolicy;
use crate::document::{Node, from_node};
use crate::probe::tls::{FiniteField, Group, ProtocolVersion, Suite};

/// How a policy ranks a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Recommended.
    Good,
    /// Allowed.
    Sufficient,
    /// Still allowed, on the way out.
    PhaseOut,
    /// Not allowed.
    Insufficient,
}

/// Things by their tier. What is in none is insufficient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tiers<T> {
    /// Recommended.
    #[serde(default = "Vec::<T>::new")]
    pub good: Vec<T>,
    /// Allowed.
    #[serde(default = "Vec::<T>::new")]
    pub sufficient: Vec<T>,
    /// Still allowed, on the way out.
    #[serde(default = "Vec::<T>::new")]
    pub phase_out: Vec<T>,
}

impl<T> Tiers<T> {
    /// The first tier in which something is found.
    pub fn tier_by(&self, is_it: impl Fn(&T) -> bool) -> Tier {
        if self.good.iter().any(&is_it) {
            Tier::Good
        } else if self.sufficient.iter().any(&is_it) {
            Tier::Sufficient
        } else if self.phase_out.iter().any(&is_it) {
            Tier::PhaseOut
        } else {
            Tier::Insufficient
        }
    }
    /// All that are named, the best first.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.good.iter().chain(&self.sufficient).chain(&self.phase_out)
    }
}

impl<T: PartialEq> Tiers<T> {
    /// The tier of a thing.
    pub fn tier(&self, thing: &T) -> Tier {
        self.tier_by(|known| known == thing)
    }
}

/// A set of thresholds for TLS and its certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsPolicy {
    /// What it is called, as evidence names it.
    pub name: String,
    /// Where it is published.
    pub source: String,
    /// What the phase-out tier means for a verdict.
    #[serde(default)]
    pub phase_out: PhaseOut,
    /// The protocol versions, of streams and of datagrams.
    pub versions: Tiers<ProtocolVersion>,
    /// The cipher suites by their IANA names.
    pub suites: Tiers<Suite>,
    /// Which suite must be chosen where better and worse ones are there.
    #[serde(default)]
    pub suite_order: SuiteOrder,
    /// The groups of the key exchange by their IANA names; finite fields of TLS 1.3 too.
    pub groups: Tiers<Group>,
    /// The finite fields up to TLS 1.2.
    pub finite_fields: FiniteFields,
    /// How a signature of the key exchange with a weak hash is ranked.
    pub key_exchange_hash: WeakHashes,
    /// The extended master secret of RFC 7627, up to TLS 1.2.
    #[serde(default)]
    pub extended_master_secret: Demand,
    /// Encrypt-then-MAC of RFC 7366 for suites in CBC mode, up to TLS 1.2.
    #[serde(default)]
    pub encrypt_then_mac: Demand,
    /// Secure renegotiation of RFC 5746, up to TLS 1.2.
    #[serde(default)]
    pub secure_renegotiation: Demand,
    /// No compression (RFC 7525, section 3.3).
    #[serde(default)]
    pub no_compression: Demand,
    /// No early data in TLS 1.3.
    #[serde(default)]
    pub no_early_data: Demand,
    /// What is asked of the certificate.
    pub certificate: CertificatePolicy,
}

/// What the phase-out tier means for a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseOut {
    /// It is told as a warning.
    #[default]
    Warn,
    /// It fails.
    Fail,
}

/// Which suite must be chosen where better and worse ones are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SuiteOrder {
    /// Any: the policy says nothing, or leaves it to the client.
    #[default]
    Any,
    /// Good and sufficient ones before those to be phased out, whatever the client prefers.
    BetterFirst,
}

/// Whether something is demanded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Its lack fails.
    Required,
    /// Its lack is told as a warning.
    Recommended,
    /// The policy says nothing about it.
    #[default]
    Unasked,
}

/// The finite fields of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FiniteFields {
    /// Fields by name: those of RFC 7919 as `ffdhe3072`, those of RFC 3526 as `modp3072`.
    pub named: Tiers<String>,
    /// Any other prime of at least so many bits is sufficient. Without it none is.
    #[serde(default)]
    pub other_from_bits: Option<u16>,
}

impl FiniteFields {
    /// The tier of a field.
    pub fn tier(&self, field: &FiniteField) -> Tier {
        let named = self.named.tier_by(|known| field.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(known)));
        match (named, self.other_from_bits) {
            (Tier::Insufficient, Some(bits)) if field.bits >= bits => Tier::Sufficient,
            (tier, _) => tier,
        }
    }
}

/// How weak hashes are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WeakHashes {
    /// SHA-1.
    pub sha1: Tier,
    /// SHA-224.
    pub sha224: Tier,
}

include!(concat!(env!("OUT_DIR"), "/shipped_data.rs"));

impl TlsPolicy {
    /// The names of the shipped policies, which are those of their files.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        shipped_files().map(|(name, _)| name)
    }

    /// A shipped policy.
    ///
    /// # Errors
    /// There is none of that name, or its file has a mistake, which a test rules out.
    pub fn named(name: &str) -> Result<Self, String> {
        let Some((_, text)) = shipped_files().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = Self::shipped().collect();
            return Err(format!("no TLS policy is named `{name}`; there are {}", known.join(", ")));
        };
        let node = Node::read(name, text).map_err(|e| e.to_string())?;
        from_node(&node).map_err(|e| e.to_string())
    }

    /// The tier, with phase-out taken for what the policy takes it for.
    pub(super) fn fails(&self, tier: Tier) -> bool {
        match tier {
            Tier::Good | Tier::Sufficient => false,
            Tier::PhaseOut => self.phase_out == PhaseOut::Fail,
            Tier::Insufficient => true,
        }
    }
}

fn shipped_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    DATA_FILES.iter().filter_map(|(path, text)| Some((path.strip_prefix("profiles/tls-policies/")?.strip_suffix(".yaml")?, *text)))
}

/// A policy as a check places it: the name of a shipped one, or one written out.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenPolicy(Box<TlsPolicy>);

impl ChosenPolicy {
    /// The policy, with what the check says about things to be phased out.
    #[must_use]
    pub fn with(&self, phase_out: Option<PhaseOut>) -> TlsPolicy {
        TlsPolicy { phase_out: phase_out.unwrap_or(self.phase_out), ..TlsPolicy::clone(self) }
    }
}

impl std::ops::Deref for ChosenPolicy {
    type Target = TlsPolicy;
    fn deref(&self) -> &TlsPolicy {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ChosenPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrPolicy;
        impl<'de> Visitor<'de> for NameOrPolicy {
            type Value = TlsPolicy;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a TLS policy, or one written out")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<TlsPolicy, E> {
                TlsPolicy::named(name).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TlsPolicy, A::Error> {
                TlsPolicy::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(NameOrPolicy).map(|policy| Self(Box::new(policy)))
    }
}

impl JsonSchema for ChosenPolicy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChosenPolicy".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = TlsPolicy::shipped().collect();
        let written_out = generator.subschema_for::<TlsPolicy>();
        schemars::json_schema!({
            "description": "A TLS policy: the name of a shipped one, or one written out.",
            "anyOf": [{ "type": "string", "enum": names }, written_out]
        })
    }
}
