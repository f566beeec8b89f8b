//! What a verdict rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Untrusted, mask_personal};
use crate::document::Position;

/// Where something was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The address or file that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Untrusted>,
    /// The part of it: a header's name, a JSON Pointer, a FHIRPath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Untrusted>,
    /// Line and column of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl Place {
    /// An address or file as a whole.
    pub fn of(resource: &str) -> Self {
        Self { resource: Some(Untrusted::new(resource)), ..Self::default() }
    }
    /// A part of an address or file.
    pub fn part_of(resource: &str, part: &str) -> Self {
        Self { resource: Some(Untrusted::new(resource)), part: Some(Untrusted::new(part)), position: None }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        if let Some(resource) = &self.resource {
            write!(f, "{resource}")?;
            separator = ", ";
        }
        if let Some(part) = &self.part {
            write!(f, "{separator}{part}")?;
            separator = ", ";
        }
        if let Some(position) = &self.position {
            write!(f, "{separator}line {}, column {}", position.line, position.column)?;
        }
        Ok(())
    }
}

/// One piece of evidence: expected, observed, where, by which clause. Every text in it has been
/// escaped and freed of personal data, because there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    expected: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observed: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat: Option<String>,
}

impl Evidence {
    /// Begins a piece of evidence with what was expected, in our own words.
    pub fn expected(expected: impl Into<String>) -> Self {
        Self { expected: mask_personal(&expected.into()), observed: None, place: None, clause: None, repeat: None }
    }
    /// Says what was seen; escaped, capped and freed of personal data.
    #[must_use]
    pub fn observed(mut self, observed: &str) -> Self {
        self.observed = Some(Untrusted::new(&mask_personal(observed)));
        self
    }
    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        let clean = |text: Untrusted| Untrusted::new(&mask_personal(text.as_str()));
        self.place = Some(Place { resource: place.resource.map(clean), part: place.part.map(clean), position: place.position });
        self
    }
    /// Names standard and clause.
    #[must_use]
    pub fn clause(mut self, clause: impl Into<String>) -> Self {
        self.clause = Some(clause.into());
        self
    }
    /// Gives the command line that repeats the observation, without secrets.
    #[must_use]
    pub fn repeat(mut self, command: impl Into<String>) -> Self {
        self.repeat = Some(mask_personal(&command.into()));
        self
    }

    /// What was expected.
    pub fn get_expected(&self) -> &str {
        &self.expected
    }
    /// What was seen.
    pub fn get_observed(&self) -> Option<&Untrusted> {
        self.observed.as_ref()
    }
    /// Where it was seen.
    pub fn get_place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
    /// Standard and clause.
    pub fn get_clause(&self) -> Option<&str> {
        self.clause.as_deref()
    }
    /// The command line that repeats the observation.
    pub fn get_repeat(&self) -> Option<&str> {
        self.repeat.as_deref()
    }
}
