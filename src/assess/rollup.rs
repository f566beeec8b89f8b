//! From check results to requirements, pillars and the whole: the one rule, in one place.
//!
//! A requirement is the worst of its checks in the order failed, cantTell, untested, passed,
//! inapplicable. A pillar and the profile look at their MUST requirements by the same order. SHOULD
//! requirements are counted and shown, and never decide. A waiver changes nothing here.

use serde::{Deserialize, Serialize};

use super::{Assessment, CheckResult, Completion};
use crate::profile::{Level, Pillar, RequirementText, Waiver, WaiverState};
use crate::verdict::{Grade, Outcome};

/// What is said of a pillar or of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PillarVerdict {
    /// Each MUST requirement that applies was tested and passed.
    Conformant,
    /// A MUST requirement failed.
    NotConformant,
    /// Nothing failed, and something could not be told or was not tested.
    NotDetermined,
    /// No MUST requirement concerns this product.
    NotApplicable,
}

impl PillarVerdict {
    /// The verdict in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::NotConformant => "not conformant",
            Self::NotDetermined => "not determined",
            Self::NotApplicable => "not applicable",
        }
    }

    fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        match Outcome::worst(outcomes) {
            Outcome::Failed => Self::NotConformant,
            Outcome::CantTell | Outcome::Untested => Self::NotDetermined,
            Outcome::Passed => Self::Conformant,
            Outcome::Inapplicable => Self::NotApplicable,
        }
    }
}

/// How many requirements have each outcome, and how the passed ones are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Requirements that passed.
    pub passed: usize,
    /// Requirements that failed.
    pub failed: usize,
    /// Requirements that could not be told.
    pub cant_tell: usize,
    /// Requirements that do not apply.
    pub inapplicable: usize,
    /// Requirements that were not tested.
    pub untested: usize,
    /// Of those that passed: known by measurement alone.
    pub measured: usize,
    /// Of those that passed: resting on a document, at the weakest.
    pub documented: usize,
    /// Of those that passed: resting on a person's word, at the weakest.
    pub attested: usize,
    /// Of those that failed: with a waiver that counts today.
    pub waived: usize,
}

impl Counts {
    /// How many have this outcome.
    pub fn of(&self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Passed => self.passed,
            Outcome::Failed => self.failed,
            Outcome::CantTell => self.cant_tell,
            Outcome::Inapplicable => self.inapplicable,
            Outcome::Untested => self.untested,
        }
    }
    /// All requirements.
    pub fn total(&self) -> usize {
        Outcome::WORST_FIRST.into_iter().map(|outcome| self.of(outcome)).sum()
    }
    fn add(&mut self, view: &RequirementView<'_>) {
        match view.outcome {
            Outcome::Passed => {
                self.passed += 1;
                match view.grade {
                    Some(Grade::Measured) | None => self.measured += 1,
                    Some(Grade::Documented) => self.documented += 1,
                    Some(Grade::Attested) => self.attested += 1,
                }
            }
            Outcome::Failed => {
                self.failed += 1;
                if view.waivers.iter().any(|(_, state)| *state == WaiverState::Valid) {
                    self.waived += 1;
                }
            }
            Outcome::CantTell => self.cant_tell += 1,
            Outcome::Inapplicable => self.inapplicable += 1,
            Outcome::Untested => self.untested += 1,
        }
    }
}

/// A requirement with its results.
#[derive(Debug, Clone)]
pub struct RequirementView<'a> {
    /// The requirement.
    pub text: &'a RequirementText,
    /// The worst of its results.
    pub outcome: Outcome,
    /// The weakest grade among its results that passed.
    pub grade: Option<Grade>,
    /// Its results, in order.
    pub results: Vec<&'a CheckResult>,
    /// The waivers for it, with their state.
    pub waivers: Vec<(&'a Waiver, WaiverState)>,
}

/// A pillar with its requirements.
#[derive(Debug, Clone)]
pub struct Standings<'a> {
    /// The pillar.
    pub pillar: &'a Pillar,
    /// What is said of it, by its MUST requirements.
    pub verdict: PillarVerdict,
    /// Counts of its MUST requirements.
    pub must: Counts,
    /// Counts of its SHOULD requirements.
    pub should: Counts,
    /// Its requirements, in order.
    pub requirements: Vec<RequirementView<'a>>,
}

impl Assessment {
    /// The requirements with their results, in profile order.
    pub fn requirement_views(&self) -> Vec<RequirementView<'_>> {
        // Results stand in the order of the requirements, so one pass is enough.
        let mut results = self.results.iter().peekable();
        self.requirements
            .iter()
            .map(|text| {
                let mut own = Vec::new();
                while let Some(result) = results.next_if(|result| result.requirement == text.id) {
                    own.push(result);
                }
                RequirementView {
                    text,
                    outcome: Outcome::worst(own.iter().map(|result| result.outcome())),
                    grade: own.iter().filter(|result| result.outcome() == Outcome::Passed).map(|result| result.grade).max(),
                    results: own,
                    waivers: self
                        .waivers
                        .iter()
                        .filter(|w| w.requirement == text.id)
                        .map(|w| (w, w.state(&self.target.product, self.started)))
                        .collect(),
                }
            })
            .collect()
    }

    /// The pillars with their requirements and verdicts, in order.
    pub fn standings(&self) -> Vec<Standings<'_>> {
        let mut views = self.requirement_views();
        self.pillars
            .iter()
            .map(|pillar| {
                let (requirements, rest): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut views).into_iter().partition(|view| view.text.pillar == pillar.id);
                views = rest;
                let (mut must, mut should) = (Counts::default(), Counts::default());
                for view in &requirements {
                    match view.text.level {
                        Level::Must => must.add(view),
                        Level::Should => should.add(view),
                    }
                }
                let verdict = PillarVerdict::of(requirements.iter().filter(|v| v.text.level == Level::Must).map(|v| v.outcome));
                Standings { pillar, verdict, must, should, requirements }
            })
            .collect()
    }

    /// What is said of the whole. A run that did not come to its end is never conformant.
    pub fn verdict(&self) -> PillarVerdict {
        let views = self.requirement_views();
        let verdict = PillarVerdict::of(views.iter().filter(|v| v.text.level == Level::Must).map(|v| v.outcome));
        match (verdict, self.completion) {
            (PillarVerdict::Conformant | PillarVerdict::NotApplicable, Completion::Interrupted | Completion::StoppedAnswering) => {
                PillarVerdict::NotDetermined
            }
            (verdict, Completion::Complete | Completion::Interrupted | Completion::StoppedAnswering) => verdict,
        }
    }

    /// Counts over all requirements of a level.
    pub fn counts(&self, level: Level) -> Counts {
        let mut counts = Counts::default();
        for view in self.requirement_views().iter().filter(|view| view.text.level == level) {
            counts.add(view);
        }
        counts
    }
}
