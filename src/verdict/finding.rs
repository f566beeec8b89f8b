//! One thing that a judge of a document noticed.

use serde::{Deserialize, Serialize};

use super::{Evidence, Place, Untrusted};
use crate::document::Position;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document breaks a rule it must keep.
    Error,
    /// It could not be told whether a rule is kept: a package, code system or context is not at hand.
    Open,
    /// Unusual, unwise or against a recommendation. Never fails anything.
    Warning,
}

/// One thing that was noticed in a document, with the rule it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's permanent name within its format, such as `cardinality-min` or `bdl-7`.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, in one sentence that stands alone.
    pub message: String,
    /// The element, as the format writes it: a JSON Pointer, a FHIRPath, a line of a calendar.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The place in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What the rule asks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Untrusted>,
    /// Standard and clause that the rule is from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub clause: String,
}

impl Finding {
    /// A finding with its sentence; the rest is added by the methods below.
    pub fn new(rule: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            severity,
            message: message.into(),
            path: String::new(),
            position: None,
            expected: String::new(),
            observed: None,
            clause: String::new(),
        }
    }
    /// Shorthand for a finding of [`Severity::Error`].
    pub fn error(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, message)
    }
    /// Shorthand for a finding of [`Severity::Warning`].
    pub fn warning(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Warning, message)
    }
    /// Shorthand for a finding of [`Severity::Open`].
    pub fn open(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Open, message)
    }
    /// Names the element.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
    /// Names the place in the text.
    #[must_use]
    pub fn position(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }
    /// Says what the rule asks for.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }
    /// Says what stands there.
    #[must_use]
    pub fn observed(mut self, observed: &str) -> Self {
        self.observed = Some(Untrusted::new(observed));
        self
    }
    /// Names standard and clause.
    #[must_use]
    pub fn clause(mut self, clause: impl Into<String>) -> Self {
        self.clause = clause.into();
        self
    }

    /// The finding as evidence of a verdict.
    pub fn to_evidence(&self) -> Evidence {
        let expected = if self.expected.is_empty() { &self.message } else { &self.expected };
        let mut evidence = Evidence::expected(format!("{expected} [{}]", self.rule));
        evidence = match &self.observed {
            Some(observed) => evidence.observed(observed.as_str()),
            None => evidence.observed(&self.message),
        };
        if !self.path.is_empty() || self.position.is_some() {
            evidence = evidence.at(Place {
                part: Some(Untrusted::new(&self.path)).filter(|p| !p.as_str().is_empty()),
                position: self.position,
                ..Place::default()
            });
        }
        if self.clause.is_empty() { evidence } else { evidence.clause(self.clause.clone()) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", Untrusted::new(&self.path))?;
        }
        write!(f, "{} [{}]", self.message, self.rule)
    }
}
