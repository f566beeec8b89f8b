//! Judging again, offline, from what was recorded.

use std::path::Path;

use super::{Bundle, BundleError, withhold};
use crate::assess::{CheckResult, Plan, Selection, Step, judge_again, load_packages};
use crate::check::Facts;
use crate::format::fhir::PackageSource;
use crate::profile::Profile;
use crate::target::Target;
use crate::verdict::{Outcome, Verdict};

/// What judging again gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    /// Results that were judged again from their observation.
    pub judged: usize,
    /// Results that are known without asking, and were reached again from profile and target.
    pub known: usize,
    /// Results without an observation, because asking did not come to one: `cantTell` or `untested`.
    /// There is nothing to judge again.
    pub unseen: usize,
    /// Results that cannot be judged again here, because the packages that they rest on are not at hand.
    /// Nothing is said about them: neither that they are reached again nor that they are not.
    pub unjudged: Vec<Unjudged>,
    /// Results that are not reached again.
    pub differences: Vec<Difference>,
}

/// A result that cannot be judged again here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The requirement's id.
    pub requirement: String,
    /// Which of its checks, from 0.
    pub check: usize,
    /// The endpoint's name, where the check asks one.
    pub endpoint: Option<String>,
    /// Why, and what to do, in one sentence.
    pub why: String,
}

impl Replay {
    /// Whether no verdict came out otherwise. Those in `unjudged` did not come out at all.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }
}

/// A result that is not reached again.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The requirement's id.
    pub requirement: String,
    /// Which of its checks, from 0.
    pub check: usize,
    /// The endpoint's name, where the check asks one.
    pub endpoint: Option<String>,
    /// What the bundle says.
    pub recorded: Option<Verdict>,
    /// What is reached now.
    pub again: Option<Verdict>,
    /// What differs, in one sentence.
    pub why: String,
}

impl Bundle {
    /// Plans the run again and judges every recorded observation again, with the profile, the target
    /// and the moment of the bundle. Asks nobody.
    ///
    /// # Errors
    /// Profile or target cannot be read.
    pub fn replay(&self) -> Result<Replay, BundleError> {
        self.replay_with(|_, _| None, None, Path::new(""))
    }

    /// The same, with packages of FHIR definitions: `find` gives one by name and version, and those that
    /// were files beside the target file are looked for in `folder`. Only the very packages that the
    /// bundle names, by their hashes, are judged by.
    ///
    /// # Errors
    /// As [`Bundle::replay`].
    pub fn replay_with(
        &self,
        find: impl Fn(&str, Option<&str>) -> Option<PackageSource>,
        cache: Option<&Path>,
        folder: &Path,
    ) -> Result<Replay, BundleError> {
        let profile = self.profile().map_err(|mistakes| {
            BundleError::damaged(super::PROFILE, mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        let mut target = self.target()?;
        folder.clone_into(&mut target.folder);
        for package in &mut target.packages {
            // A bundle of somebody else must not make us read whatever file it names.
            if let Some(file) = package.file.take() {
                if is_beside(&file) && folder.join(&file).is_file() {
                    package.file = Some(file);
                } else if package.id.is_none() {
                    // Its name, for whoever has to find it.
                    package.id = Some(file.display().to_string());
                }
            }
        }
        load_packages(&mut target, find, cache);
        Ok(replay(self, &profile, &target))
    }
}

/// Judges a bundle's observations by a profile and a target that need not be the bundle's own.
pub fn replay(bundle: &Bundle, profile: &Profile, target: &Target) -> Replay {
    let assessment = bundle.assessment();
    // What an offline run left out has no observation and is counted as unseen.
    let selection = Selection { tier: assessment.tier, only: assessment.only.clone(), ..Selection::default() };
    let plan = Plan::new(profile, target, &selection, assessment.started);
    let mut replay = Replay::default();
    let mut results = assessment.results.iter().peekable();
    for step in &plan.steps {
        match results.next_if(|result| is_of(result, step)) {
            Some(result) => judge(bundle, target, step, result, &mut replay),
            None => replay.differences.push(Difference {
                requirement: step.requirement.clone(),
                check: step.index,
                endpoint: step.endpoint.clone(),
                recorded: None,
                again: step.known.clone(),
                why: "the profile asks this and the bundle has no result for it".into(),
            }),
        }
    }
    for result in results {
        replay.differences.push(difference(result, None, "the bundle has a result that the profile does not ask for".into()));
    }
    replay
}

fn is_of(result: &CheckResult, step: &Step) -> bool {
    (&result.requirement, result.check, &result.endpoint) == (&step.requirement, step.index, &step.endpoint)
        && result.kind == step.check.check.kind()
        && result.grade == step.check.check.grade()
}

fn judge(bundle: &Bundle, target: &Target, step: &Step, result: &CheckResult, replay: &mut Replay) {
    if let Some(why) = unjudged(target, step, result) {
        replay.unjudged.push(Unjudged {
            requirement: result.requirement.clone(),
            check: result.check,
            endpoint: result.endpoint.clone(),
            why,
        });
        return;
    }
    let (counter, again) = match (&step.known, &result.observation) {
        (Some(known), _) => (&mut replay.known, known.clone()),
        (None, Some(hash)) => {
            let facts = Facts { now: bundle.assessment().started, target, endpoint: step.endpoint.as_deref() };
            match bundle.observation(hash) {
                Ok(observation) => (&mut replay.judged, judge_again(&step.check, &observation, &facts)),
                Err(error) => {
                    replay.differences.push(difference(result, None, error.to_string()));
                    return;
                }
            }
        }
        (None, None) => {
            match result.outcome() {
                Outcome::CantTell | Outcome::Untested => replay.unseen += 1,
                Outcome::Passed | Outcome::Failed | Outcome::Inapplicable => {
                    replay.differences.push(difference(result, None, "the bundle has a verdict and no observation for it".into()));
                }
            }
            return;
        }
    };
    *counter += 1;
    if again == withhold::unmarked(&result.verdict) {
        return;
    }
    let why = if again.outcome == result.outcome() {
        "the same outcome with another reason or other evidence".to_owned()
    } else {
        format!("{} instead of {}", again.outcome, result.outcome())
    };
    replay.differences.push(difference(result, Some(again), why));
}

/// Whether a path leads to something beside or below the folder it starts from.
fn is_beside(file: &Path) -> bool {
    file.components().all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir))
}

/// Why a result cannot be judged again: it rests on packages that are not at hand. Whether they were at
/// hand in the run is told by their hashes in the target file.
fn unjudged(target: &Target, step: &Step, result: &CheckResult) -> Option<String> {
    let pinned = !target.packages.is_empty() && target.packages.iter().all(|package| package.sha256.is_some());
    let rests = step.known.is_none() && result.observation.is_some() && step.check.check.needs_definitions();
    (rests && pinned && target.definitions.is_none()).then(|| {
        let packages = target.packages.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("it cannot be judged again here without the same packages: {packages}; add them with `probity package add`")
    })
}

fn difference(result: &CheckResult, again: Option<Verdict>, why: String) -> Difference {
    Difference {
        requirement: result.requirement.clone(),
        check: result.check,
        endpoint: result.endpoint.clone(),
        recorded: Some(result.verdict.clone()),
        again,
        why,
    }
}
