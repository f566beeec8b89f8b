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
    /// Knocks at ports that nobody named, and asks about accounts that nobody has; changes nothing.
    Searches,
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
            Self::Searches => "searches",
            Self::Writes => "writes",
            Self::Intrusive => "intrusive",
            Self::Physical => "physical",
        }
    }
}

impl Effect {
    /// The first mode that allows it; a physical effect is in none and must be named by itself.
    pub fn mode(self) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| self <= mode.highest())
    }
    /// What it does, as the rest of a sentence that begins with "it".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::ReadsOnly => "only reads",
            Self::Searches => "knocks at ports that nobody named or asks about accounts that nobody has",
            Self::Writes => "writes test data",
            Self::Intrusive => "tries wrong passwords, malformed input or many requests",
            Self::Physical => "makes a device act or raises an alarm",
        }
    }
    /// How the owner of a target opens it, as a sentence.
    pub fn how_to_open(self) -> String {
        let line = match self.mode() {
            Some(mode) => format!("`mode: {}`", mode.as_str()),
            None => format!("`highest-effect: {}`", self.as_str()),
        };
        format!("The owner opens it with {line} in the consent block of the target file (`probity explain consent`)")
    }
}

/// How far a run may go: three steps of [`Effect`] with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Asks for what anybody may ask for; needs no consent.
    Passive,
    /// Also knocks at ports, asks about accounts that nobody has, and writes test data.
    Standard,
    /// Also tries wrong passwords and malformed input, at a bench or test installation.
    Lab,
}

impl Mode {
    /// Every mode, from harmless to far-reaching.
    pub const ALL: [Self; 3] = [Self::Passive, Self::Standard, Self::Lab];

    /// The highest effect that it allows.
    pub fn highest(self) -> Effect {
        match self {
            Self::Passive => Effect::ReadsOnly,
            Self::Standard => Effect::Writes,
            Self::Lab => Effect::Intrusive,
        }
    }
    /// The mode as the command line and the target file spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Standard => "standard",
            Self::Lab => "lab",
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
    /// How far a run may go: `passive`, `standard` or `lab`. Either this or `highest-effect` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The highest effect that is allowed, where a mode says too much or too little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_effect: Option<Effect>,
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
    /// The highest effect that the block names, whatever the time.
    pub fn highest(&self) -> Effect {
        self.highest_effect.or(self.mode.map(Mode::highest)).unwrap_or(Effect::ReadsOnly)
    }
    /// The highest effect allowed at `now`. Outside the window and in production: reading only.
    pub fn allowed(&self, now: OffsetDateTime) -> Effect {
        let inside = (self.window.from..=self.window.until).contains(&now);
        match self.environment {
            Environment::Lab | Environment::Test if inside => self.highest(),
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
            format!("the consent block allows {} at most", self.mode.map_or(self.highest().as_str(), Mode::as_str))
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn consent(environment: Environment, mode: Option<Mode>, highest_effect: Option<Effect>) -> Consent {
        let window = Window { from: datetime!(2026-11-22 09:00 UTC), until: datetime!(2026-11-22 17:00 UTC) };
        Consent {
            owner: "o".into(),
            contact: "c".into(),
            window,
            environment,
            mode,
            highest_effect,
            named_operations: Vec::new(),
            spared_operations: Vec::new(),
        }
    }

    #[test]
    fn each_mode_opens_its_effects_and_none_opens_physical_ones() {
        let now = datetime!(2026-11-22 12:00 UTC);
        for (mode, highest) in [(Mode::Passive, Effect::ReadsOnly), (Mode::Standard, Effect::Writes), (Mode::Lab, Effect::Intrusive)] {
            let consent = consent(Environment::Lab, Some(mode), None);
            assert_eq!(consent.allowed(now), highest);
            assert!(consent.refusal(Effect::Physical, now).is_some());
            assert_eq!(consent.allowed(datetime!(2026-11-23 12:00 UTC)), Effect::ReadsOnly, "outside the window");
        }
        assert_eq!(consent(Environment::Production, Some(Mode::Lab), None).allowed(now), Effect::ReadsOnly);
        assert_eq!(consent(Environment::Test, None, Some(Effect::Physical)).allowed(now), Effect::Physical);
        assert_eq!(Effect::Searches.mode(), Some(Mode::Standard));
        assert_eq!(Effect::Physical.mode(), None);
        assert!(Effect::Intrusive.how_to_open().contains("`mode: lab`"));
        assert!(Effect::Physical.how_to_open().contains("`highest-effect: physical`"));
    }
}
