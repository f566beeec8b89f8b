//! What a kind of check is.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::Probes;
use crate::probe::ProbeError;
use crate::target::{Effect, Endpoint, Target};
use crate::verdict::{Grade, Verdict};

/// One question that can be asked of a target, in two halves.
///
/// The type's fields are the parameters that a profile gives; their doc comments become the JSON
/// Schema, `probity explain` and the reference page.
pub trait Kind: DeserializeOwned + JsonSchema + Send + Sync {
    /// The name that profiles use; the file's name with `-` for `_`.
    const NAME: &'static str;
    /// How a verdict of this kind is known.
    const GRADE: Grade;
    /// What asking does to the target.
    const EFFECT: Effect;
    /// Which endpoints are asked where the profile says nothing.
    const ON: On;
    /// What was seen: plain data, from which a verdict can be reached again at any time.
    type Observation: Serialize + DeserializeOwned + Send;

    /// Asks. The only half that touches the network, and only through `probes`.
    ///
    /// # Errors
    /// What kept it from asking; never a statement about the product. A kind whose question is
    /// reachability puts the trouble into its observation instead.
    fn observe(&self, probes: &Probes) -> impl Future<Output = Result<Self::Observation, ProbeError>> + Send;

    /// Whether its verdict rests on the definitions of FHIR packages, which are no part of what was seen.
    fn needs_definitions(&self) -> bool {
        false
    }

    /// Judges. Pure: no clock, no network, no file, no randomness.
    fn judge(&self, seen: &Self::Observation, facts: &Facts<'_>) -> Verdict;
}

/// The endpoints that a kind asks by default. A profile narrows it with `on:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// No endpoint: a document, an attestation, the product as a whole.
    Product,
    /// Every endpoint that speaks HTTP.
    Http,
    /// Every endpoint that begins with TLS.
    Tls,
    /// Every endpoint.
    Any,
}

impl On {
    /// The word for it in `on:` and in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Any => "any",
        }
    }
}

/// Whether a word of `on:` means this endpoint: `http`, `tls`, `any`, a scheme with `:`, or what it
/// serves; several with `|` between them.
pub fn selects(words: &str, name: &str, endpoint: &Endpoint) -> bool {
    words.split('|').any(|word| selects_one(word.trim(), name, endpoint))
}

fn selects_one(word: &str, name: &str, endpoint: &Endpoint) -> bool {
    match word {
        "any" => true,
        "http" => endpoint.is_http(),
        "tls" => endpoint.is_tls(),
        _ => match word.strip_suffix(':') {
            Some(scheme) => endpoint.url.scheme() == scheme,
            None => endpoint.serves(name, word),
        },
    }
}

/// What is known without asking: the target as its file describes it, and the time of the assessment.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The moment for which the verdict is given.
    pub now: OffsetDateTime,
    /// The target file, without secrets.
    pub target: &'a Target,
    /// The name of the endpoint that was asked, where the check asks one.
    pub endpoint: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// The endpoint that was asked.
    pub fn endpoint(&self) -> Option<&'a Endpoint> {
        self.target.endpoints.get(self.endpoint?)
    }
}
