//! What Probity says, and on what ground.
//!
//! The five outcomes are those of W3C EARL 1.0 (section "OutcomeValue"), spelled as EARL spells them.
//! A [`Verdict`] is an outcome with its reason and its [`Evidence`]; a [`Grade`] tells how we know.
//! Nothing asked is `untested`, never `passed`; trouble on the way is `cantTell`, never `failed`.

mod evidence;
mod finding;
mod redactor;
mod untrusted;

pub use evidence::{Evidence, Place};
pub use finding::{Finding, Severity};
pub use redactor::{REDACTED, Redactor, mask_personal};
pub use untrusted::Untrusted;
pub(crate) use untrusted::is_harmful;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of a check, a requirement or a pillar: the outcome values of W3C EARL 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was judged and meets what was asked.
    Passed,
    /// It was judged and does not meet what was asked.
    Failed,
    /// It was tried, and could not be told: no answer, a limit, an unclear answer, a fault of ours.
    CantTell,
    /// What was asked does not concern this product.
    Inapplicable,
    /// It was not tried: no endpoint, credential, consent, document or time for it.
    Untested,
}

impl Outcome {
    /// All outcomes, in the order of the roll-up: the first one present decides.
    pub const WORST_FIRST: [Self; 5] = [Self::Failed, Self::CantTell, Self::Untested, Self::Passed, Self::Inapplicable];

    /// The worst of several, by [`Outcome::WORST_FIRST`]. Nothing at all is [`Outcome::Untested`].
    pub fn worst(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let mut seen = [false; 5];
        for outcome in outcomes {
            if let Some(slot) = seen.get_mut(outcome.rank()) {
                *slot = true;
            }
        }
        Self::WORST_FIRST.into_iter().zip(seen).find(|(_, seen)| *seen).map_or(Self::Untested, |(outcome, _)| outcome)
    }

    /// The place in [`Outcome::WORST_FIRST`].
    pub fn rank(self) -> usize {
        match self {
            Self::Failed => 0,
            Self::CantTell => 1,
            Self::Untested => 2,
            Self::Passed => 3,
            Self::Inapplicable => 4,
        }
    }

    /// EARL's spelling: `passed`, `failed`, `cantTell`, `inapplicable`, `untested`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::CantTell => "cantTell",
            Self::Inapplicable => "inapplicable",
            Self::Untested => "untested",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a verdict is known. The three are counted apart in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// A probe saw it.
    Measured,
    /// A document that was read by machine says it.
    Documented,
    /// A named person says it.
    Attested,
}

impl Grade {
    /// The grade in lower case, as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Documented => "documented",
            Self::Attested => "attested",
        }
    }
}

/// Whose trouble a `cantTell` or `untested` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The target did not answer, or not so that it could be judged.
    Target,
    /// A limit of this run was reached: time, bytes, connections.
    Limit,
    /// Something the target file, the environment or the packages at hand did not provide.
    Missing,
    /// The consent block does not allow it.
    Consent,
    /// The person who ran it left it out.
    Selection,
    /// The run ended before this was tried.
    Interrupted,
    /// A fault in Probity. Please report it.
    Bug,
}

/// What one check says about one endpoint or document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// One sentence that says why, for a reader who knows the field but not the protocol.
    pub reason: String,
    /// What was expected and what was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Whose trouble it is, where the outcome is `cantTell` or `untested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Worth telling, without weight on the outcome: warnings and repairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Verdict {
    /// It meets what was asked.
    pub fn passed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Passed, reason, None)
    }
    /// It does not meet what was asked.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason, None)
    }
    /// It was tried and could not be told.
    pub fn cant_tell(cause: Cause, reason: impl Into<String>) -> Self {
        Self::new(Outcome::CantTell, reason, Some(cause))
    }
    /// What was asked does not concern this product.
    pub fn inapplicable(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Inapplicable, reason, None)
    }
    /// It was not tried.
    pub fn untested(cause: Cause, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Untested, reason, Some(cause))
    }

    /// The same verdict with one more piece of evidence.
    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
    /// The same verdict with more evidence.
    #[must_use]
    pub fn with_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }
    /// The same verdict with a note that has no weight on the outcome.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(mask_personal(&note.into()));
        self
    }

    /// Judges a list of findings: an error fails, else an open question cannot be told, else it passed.
    /// Warnings become notes. At most `MAX_SHOWN` pieces of evidence are kept and the rest is counted.
    pub fn from_findings(findings: &[Finding], what: &str) -> Self {
        const MAX_SHOWN: usize = 25;
        let of = |severity: Severity| findings.iter().filter(move |f| f.severity == severity);
        let (errors, open) = (of(Severity::Error).count(), of(Severity::Open).count());
        let (verdict, shown, total) = if errors > 0 {
            let first = of(Severity::Error).next().map(|f| f.message.as_str()).unwrap_or_default();
            let more = if errors > 1 { format!("; and {} more", errors - 1) } else { String::new() };
            (Self::failed(format!("{what}: {first}{more}")), Severity::Error, errors)
        } else if open > 0 {
            let first = of(Severity::Open).next().map(|f| f.message.as_str()).unwrap_or_default();
            let more = if open > 1 { format!("; and {} more", open - 1) } else { String::new() };
            (Self::cant_tell(Cause::Missing, format!("{what}: {first}{more}")), Severity::Open, open)
        } else {
            (Self::passed(format!("{what}: no fault found")), Severity::Error, 0)
        };
        let mut verdict = verdict.with_all(of(shown).take(MAX_SHOWN).map(Finding::to_evidence));
        if total > MAX_SHOWN {
            verdict = verdict.note(format!("{} further findings are not shown", total - MAX_SHOWN));
        }
        let warnings = of(Severity::Warning).count();
        for warning in of(Severity::Warning).take(MAX_SHOWN) {
            verdict = verdict.note(format!("warning: {warning}"));
        }
        if warnings > MAX_SHOWN {
            verdict = verdict.note(format!("{} further warnings are not shown", warnings - MAX_SHOWN));
        }
        verdict
    }

    fn new(outcome: Outcome, reason: impl Into<String>, cause: Option<Cause>) -> Self {
        Self { outcome, reason: mask_personal(&reason.into()), evidence: Vec::new(), cause, notes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_decides_in_the_documented_order() {
        use Outcome::{CantTell, Failed, Inapplicable, Passed, Untested};
        assert_eq!(Outcome::worst([Passed, Inapplicable]), Passed);
        assert_eq!(Outcome::worst([Passed, Untested]), Untested);
        assert_eq!(Outcome::worst([Untested, CantTell, Passed]), CantTell);
        assert_eq!(Outcome::worst([CantTell, Failed]), Failed);
        assert_eq!(Outcome::worst([Inapplicable]), Inapplicable);
    }

    #[test]
    fn nothing_asked_is_untested() {
        assert_eq!(Outcome::worst([]), Outcome::Untested);
    }

    #[test]
    fn findings_decide_by_their_worst() {
        let finding = |severity| Finding::new("r", severity, "something");
        assert_eq!(Verdict::from_findings(&[], "it").outcome, Outcome::Passed);
        assert_eq!(Verdict::from_findings(&[finding(Severity::Warning)], "it").outcome, Outcome::Passed);
        assert_eq!(Verdict::from_findings(&[finding(Severity::Open)], "it").outcome, Outcome::CantTell);
        assert_eq!(Verdict::from_findings(&[finding(Severity::Open), finding(Severity::Error)], "it").outcome, Outcome::Failed);
    }
}
