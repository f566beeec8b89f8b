//! What will be asked of whom, before anything is asked.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::check::{On, PlacedCheck, selects};
use crate::profile::{Applicability, Level, Profile, Requirement, RequirementText, Standing};
use crate::target::{Effect, Mode, Target};
use crate::verdict::{Cause, Verdict};

/// The steps of a run, in profile order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// The requirements that are asked at this tier.
    pub requirements: Vec<RequirementText>,
}

/// One check on one endpoint, or the reason why it is not asked.
#[derive(Debug, Clone)]
pub struct Step {
    /// The requirement's id.
    pub requirement: String,
    /// The requirement's pillar.
    pub pillar: String,
    /// Which of the requirement's checks, from 0.
    pub index: usize,
    /// The check.
    pub check: Arc<PlacedCheck>,
    /// The endpoint's name, where the check asks one.
    pub endpoint: Option<String>,
    /// The verdict that is known without asking.
    pub known: Option<Verdict>,
}

/// What part of a profile a run asks.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Requirements up to this tier: 1 to 3.
    pub tier: u8,
    /// Ids of requirements and pillars; empty for all.
    pub only: Vec<String>,
    /// Ask no endpoint: documents and statements alone.
    pub offline: bool,
    /// Go no further than this, whatever the consent block allows.
    pub mode: Option<Mode>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { tier: 1, only: Vec::new(), offline: false, mode: None }
    }
}

impl Selection {
    /// The words of `only` that name neither a requirement nor a pillar of the profile.
    pub fn unknown(&self, profile: &Profile) -> Vec<String> {
        self.only.iter().filter(|word| profile.requirement(word).is_none() && profile.pillar(word).is_none()).cloned().collect()
    }
    fn takes(&self, requirement: &RequirementText) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| *word == requirement.id || *word == requirement.pillar)
    }
}

impl Plan {
    /// Makes the plan for a target at `now`. Requirements of higher tiers, dormant and retired ones
    /// are not asked; everything else has at least one step, asked or not.
    pub fn new(profile: &Profile, target: &Target, selection: &Selection, now: OffsetDateTime) -> Self {
        let mut plan = Self { steps: Vec::new(), requirements: Vec::new() };
        // In the order of the pillars, then of the files: the order of every report.
        for pillar in &profile.pillars {
            for requirement in profile.requirements.iter().filter(|r| r.text.pillar == pillar.id) {
                let text = &requirement.text;
                if text.tier > selection.tier || text.dormant || text.life.standing(now) == Standing::Retired {
                    continue;
                }
                let mut text = text.clone();
                // A draft is told, and has no weight yet.
                if text.life.standing(now) == Standing::Draft {
                    text.level = Level::Should;
                }
                plan.requirements.push(text);
                plan.add(requirement, target, selection, now);
            }
        }
        plan
    }

    /// How many steps will be asked.
    pub fn asked(&self) -> usize {
        self.steps.iter().filter(|step| step.known.is_none()).count()
    }

    fn add(&mut self, requirement: &Requirement, target: &Target, selection: &Selection, now: OffsetDateTime) {
        let known = if selection.takes(&requirement.text) {
            match requirement.applies.as_ref().map(|expression| expression.applies(target)) {
                None | Some(Applicability::Applies) => None,
                Some(Applicability::DoesNot(expression)) => {
                    Some(Verdict::inapplicable(format!("it does not apply to this product: `{expression}` is false")))
                }
                Some(Applicability::Open(facts)) => Some(Verdict::untested(
                    Cause::Missing,
                    format!(
                        "the target file does not state {}, so it is open whether this applies",
                        facts.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and ")
                    ),
                )),
                Some(Applicability::Error(why)) => {
                    Some(Verdict::cant_tell(Cause::Missing, format!("whether this applies cannot be told: {why}")))
                }
            }
        } else {
            Some(Verdict::untested(Cause::Selection, "left out of this run"))
        };
        for (index, check) in requirement.checks.iter().enumerate() {
            let check = Arc::new(check.clone());
            let endpoints: Vec<Option<String>> = match (&known, endpoints(&check, target)) {
                (None, Some(names)) => names.into_iter().map(Some).collect(),
                (Some(_), _) | (None, None) => vec![None],
            };
            let refusal = refusal(check.check.effect(), target, selection, now);
            let mut step = |endpoint: Option<String>, known: Option<Verdict>| {
                self.steps.push(Step {
                    requirement: requirement.text.id.clone(),
                    pillar: requirement.text.pillar.clone(),
                    index,
                    check: check.clone(),
                    endpoint,
                    known,
                });
            };
            match &known {
                Some(verdict) => step(None, Some(verdict.clone())),
                None if endpoints.is_empty() => {
                    let word = check.on.as_deref().unwrap_or(check.check.on().as_str());
                    step(None, Some(Verdict::untested(Cause::Missing, format!("the target file names no endpoint for `{word}`"))));
                }
                None if selection.offline && check.check.on() != On::Product => {
                    for endpoint in endpoints {
                        step(endpoint, Some(Verdict::untested(Cause::Selection, "this run asks nothing over the network")));
                    }
                }
                None if refusal.is_some() => {
                    for endpoint in endpoints {
                        step(endpoint, refusal.clone());
                    }
                }
                None => {
                    for endpoint in endpoints {
                        step(endpoint, None);
                    }
                }
            }
        }
    }
}

/// Why an effect is not allowed in this run, with how to open it; nothing where it is allowed.
fn refusal(effect: Effect, target: &Target, selection: &Selection, now: OffsetDateTime) -> Option<Verdict> {
    if effect <= target.allowed_effect(now) {
        let mode = selection.mode.filter(|mode| effect > mode.highest())?;
        let why = format!("left out: it {}, and this run goes no further than the mode {}", effect.in_words(), mode.as_str());
        return Some(Verdict::untested(Cause::Selection, why));
    }
    let because = match &target.consent {
        None => format!("it {}, and the target file has no consent block", effect.in_words()),
        Some(consent) => format!("it {}, and {}", effect.in_words(), consent.refusal(effect, now).unwrap_or_default()),
    };
    Some(Verdict::untested(Cause::Consent, format!("not allowed: {because}. {}", effect.how_to_open())))
}

/// The endpoints that a check asks, or nothing when it asks none.
fn endpoints(check: &PlacedCheck, target: &Target) -> Option<Vec<String>> {
    let word = match (&check.on, check.check.on()) {
        (_, On::Product) => return None,
        (Some(word), On::Http | On::Tls | On::Any) => word.as_str(),
        (None, on @ (On::Http | On::Tls | On::Any)) => on.as_str(),
    };
    // The kind's own border holds whatever the profile says: HTTP is not spoken to a broker.
    let speaks = |endpoint: &crate::target::Endpoint| match check.check.on() {
        On::Http => endpoint.is_http(),
        On::Tls => endpoint.is_tls(),
        On::Product | On::Any => true,
    };
    Some(
        target
            .endpoints
            .iter()
            .filter(|(name, endpoint)| selects(word, name, endpoint) && speaks(endpoint))
            .map(|(name, _)| name.clone())
            .collect(),
    )
}
