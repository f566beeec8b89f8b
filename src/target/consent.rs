//! What the owner of a target allows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What a check does to the target, from harmless to physical. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Asks for what anybody may ask for, politely.
    ReadsOnly,
    /// Creates, changes or deletes test data.
    Writes,
    /// Tries wrong passwords, malformed input or many requests.
    Intrusive,
    /// Makes a device ring, speak or move, or raises an alarm.
    Physical,
}

impl Effect {
    /// The effect as the target file spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadsOnly => "reads-only",
            Self::Writes => "writes",
            Self::Intrusive => "intrusive",
            Self::Physical => "physical",
        }
    }
}

/// The surroundings a target runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// A bench with nobody depending on it.
    Lab,
    /// A test installation with test data only.
    Test,
    /// In use by people.
    Production,
}

/// The consent block of a target file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Consent {
    /// Who owns the target and gives consent.
    pub owner: String,
    /// Who can be reached while the run lasts.
    pub contact: String,
    /// When it may be run.
    pub window: Window,
    /// Where the target runs. In `production` nothing beyond `reads-only` is ever done.
    pub environment: Environment,
    /// The highest effect that is allowed.
    pub highest_effect: Effect,
    /// Operations of a documented API, by id or as `POST /path`, that may be called although they smell of
    /// power (shut down, reset, restore, dial) or change something that the run did not make. Without its
    /// name here such an operation is never called, whatever effect is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_operations: Vec<String>,
    /// Operations of a documented API that are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spared_operations: Vec<String>,
}

/// A span of time, both ends in RFC 3339 with offset.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Window {
    /// The first moment.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub from: OffsetDateTime,
    /// The last moment.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub until: OffsetDateTime,
}

impl Consent {
    /// The highest effect allowed at `now`. Outside the window and in production: reading only.
    pub fn allowed(&self, now: OffsetDateTime) -> Effect {
        let inside = (self.window.from..=self.window.until).contains(&now);
        match self.environment {
            Environment::Lab | Environment::Test if inside => self.highest_effect,
            Environment::Lab | Environment::Test | Environment::Production => Effect::ReadsOnly,
        }
    }

    /// Why `effect` is not allowed at `now`, or nothing when it is.
    pub fn refusal(&self, effect: Effect, now: OffsetDateTime) -> Option<String> {
        if effect <= self.allowed(now) {
            return None;
        }
        let at = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
        Some(if self.environment == Environment::Production {
            "the consent block says that the target is in production, where nothing beyond reading is done".into()
        } else if !(self.window.from..=self.window.until).contains(&now) {
            format!("the consent window is {} to {}", at(self.window.from), at(self.window.until))
        } else {
            format!("the consent block allows {} at most", self.highest_effect.as_str())
        })
    }
}
