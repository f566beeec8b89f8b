//! What is asked: profiles, overlays and waivers.
//!
//! A profile is data: pillars, requirements and parameters, in one file or a folder of files. Rust
//! knows kinds of check, never a requirement. A region adapts a profile by an [`Overlay`], which can
//! only do what the profile allows; whatever it does, a product that conforms with the overlay
//! conforms without it. A [`Waiver`] stands beside a result and never changes it.
//!
//! Reading is strict: an unknown field, fact, parameter or id is a mistake with its line and column.

mod applies;
mod difference;
mod overlay;
mod parameter;
mod read;
mod schema;
mod shipped;
mod waiver;

pub use applies::{Applicability, Expression};
pub use difference::difference;
pub use overlay::{Applied, Overlay};
pub use parameter::{Direction, Parameter};
pub use schema::{overlay_schema, profile_schema, target_schema, waiver_schema};
pub use shipped::{shipped_overlays, shipped_profiles};
pub use waiver::{Waiver, WaiverState, read_waivers};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::PlacedCheck;
use crate::document::Node;

/// A profile, as it is in force after its overlays.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Permanent id, such as `eu-core`.
    pub id: String,
    /// Version, by semantic versioning.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// What it is for and who answers for it.
    pub summary: String,
    /// Licence of its texts, as an SPDX expression.
    pub licence: Option<String>,
    /// The pillars, in order.
    pub pillars: Vec<Pillar>,
    /// The facts that applicability may ask for, by name.
    pub facts: BTreeMap<String, FactKind>,
    /// The parameters, by name, with their effective values.
    pub parameters: BTreeMap<String, Parameter>,
    /// The requirements, in the order of the files.
    pub requirements: Vec<Requirement>,
    /// SHA-256 of the profile's files as they were read, before any overlay; 64 hexadecimal digits.
    pub sha256: String,
    /// The overlays that were laid on, in the order of their ids.
    pub overlays: Vec<Applied>,
    /// Which layer set a value that is not the profile's own, by the value's name, such as
    /// `SEC-15.level` or `parameters.hsts-min-age`.
    pub provenance: BTreeMap<String, String>,
    /// Certificates that an overlay accepts as equivalent, to be shown beside results.
    pub equivalents: Vec<Equivalent>,
}

/// One of a profile's groups of requirements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pillar {
    /// Permanent id, such as `cybersecurity`.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Whether the title is the partners' own or our assumption.
    pub title_status: TitleStatus,
    /// What the pillar is about, in one sentence.
    pub summary: String,
}

/// Whose word a title is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TitleStatus {
    /// The title stands in a published source.
    Confirmed,
    /// The title is assumed until the source is published.
    Assumed,
}

/// A fact that a profile may ask a target for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FactKind {
    /// The question, as it is put to the vendor.
    pub ask: String,
    /// The form of the answer.
    #[serde(rename = "type")]
    pub kind: FactType,
    /// The words to choose from, for `choice` and `list`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// The form of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FactType {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// One of `choices`.
    Choice,
    /// Some of `choices`.
    List,
}

/// How binding a requirement is (RFC 2119 words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Counts for the verdict of its pillar.
    Must,
    /// Is tested and told, and does not count.
    Should,
}

impl Level {
    /// The RFC 2119 word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// What an overlay may do to a requirement. A requirement that lists none is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Freedom {
    /// Raise SHOULD to MUST, or bring the tier forward.
    Tighten,
    /// Switch a dormant requirement on.
    Activate,
}

/// Where a requirement comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reference {
    /// The standard or legal act, such as `RFC 9116` or `Regulation (EU) 2024/2847`.
    pub standard: String,
    /// The edition or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// The clause, article or section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the clause was compared with the source's own text.
    #[serde(default)]
    pub certainty: Certainty,
}

/// How sure a reference is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The clause was compared with the source.
    Checked,
    /// The clause is quoted from secondary sources and still to be compared.
    #[default]
    ToBeChecked,
}

/// The days on which a requirement changes its standing, each `YYYY-MM-DD`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Life {
    /// Published as a draft: tested and told, without weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// Counts from this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<String>,
    /// Its retirement has been announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<String>,
    /// No longer asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<String>,
}

/// The standing of a requirement on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Tested and told, without weight.
    Draft,
    /// Counts.
    InForce,
    /// Counts; its retirement has been announced.
    Warned,
    /// No longer asked.
    Retired,
}

impl Life {
    /// The standing at `now`. A requirement without dates is in force.
    pub fn standing(&self, now: time::OffsetDateTime) -> Standing {
        let reached = |day: &Option<String>| day.as_deref().and_then(crate::target::day).is_some_and(|d| d <= now.date());
        if reached(&self.retired) {
            Standing::Retired
        } else if reached(&self.warned) {
            Standing::Warned
        } else if reached(&self.in_force) || self.in_force.is_none() && self.draft.is_none() {
            Standing::InForce
        } else {
            Standing::Draft
        }
    }
}

/// A certificate of another scheme that a region accepts beside results. It never changes an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Equivalent {
    /// The certificate's name.
    pub certificate: String,
    /// Who issues it.
    pub issuer: String,
    /// The requirements that it answers.
    pub requirements: Vec<String>,
    /// The last day of the mapping, `YYYY-MM-DD`.
    pub expires: String,
    /// Why it is equivalent.
    pub basis: String,
}

/// One requirement.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// What the requirement says.
    pub text: RequirementText,
    /// When it applies. `None` is always.
    pub applies: Option<Expression>,
    /// How it is tested: its checks, read with the effective parameters.
    pub checks: Vec<PlacedCheck>,
    /// The checks as they were written, parameters by name.
    written: Node,
    /// The file that the requirement stands in.
    pub file: String,
}

/// A requirement's words and standing, without its checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequirementText {
    /// Permanent id, such as `SEC-03`; never used again for something else.
    pub id: String,
    /// The pillar it belongs to.
    pub pillar: String,
    /// A title of a few words.
    pub title: String,
    /// What is required, in one sentence.
    pub statement: String,
    /// Why it is required, for a reader outside the field.
    pub why: String,
    /// MUST or SHOULD.
    pub level: Level,
    /// The lowest tier at which it counts: 1 basic, 2 substantial, 3 high.
    #[schemars(range(min = 1, max = 3))]
    pub tier: u8,
    /// Where it comes from; at least one.
    pub sources: Vec<Reference>,
    /// What to do when it is not met.
    pub remedy: String,
    /// When it applies: an expression in CEL over the profile's facts. Always, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<String>,
    /// What a region may do to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freedom: Vec<Freedom>,
    /// Not asked until an overlay switches it on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dormant: bool,
    /// When its standing changes.
    #[serde(default)]
    pub life: Life,
    /// For a requirement that a region added: the legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// What passing does not show, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
}

impl Requirement {
    /// Whether a check of this requirement names the parameter.
    pub fn names_parameter(&self, name: &str) -> bool {
        let mut found = false;
        self.written.map_scalars(&mut |node| {
            found |= read::parameter_name(node) == Some(name);
            None
        });
        found
    }
}

impl Profile {
    /// The requirement with this id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|r| r.text.id == id)
    }
    /// The pillar with this id.
    pub fn pillar(&self, id: &str) -> Option<&Pillar> {
        self.pillars.iter().find(|p| p.id == id)
    }

    /// The effective profile as one file's value: what a bundle keeps, and what [`Profile::parse`]
    /// reads again. Checks are written out with their effective parameters.
    pub fn to_value(&self) -> Value {
        let requirements: Vec<Value> = self
            .requirements
            .iter()
            .map(|r| {
                let mut value = serde_json::to_value(&r.text).unwrap_or_default();
                if let Value::Object(map) = &mut value {
                    map.insert("checks".into(), self.substitute(&r.written).to_value(&mut String::new(), &mut Vec::new()));
                }
                value
            })
            .collect();
        serde_json::json!({
            "profile": self.id, "version": self.version, "title": self.title, "summary": self.summary, "licence": self.licence,
            "pillars": self.pillars, "facts": self.facts, "parameters": self.parameters, "requirements": requirements,
        })
    }
}
