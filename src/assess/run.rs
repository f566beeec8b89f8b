//! Asking and judging, one step at a time.
//!
//! Here, and only here, trouble becomes an outcome: what kept us from asking is `cantTell` with its
//! cause, a missing credential or consent is `untested`, and a panic of ours is `cantTell` marked as
//! our bug. None of it is `failed`, and none of it ends the run.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Assessment, CheckResult, Completion, Event, Plan, ProfileReference, Selection, Step, Tool};
use crate::check::{Facts, PlacedCheck, Probes};
use crate::probe::{Door, Interrupt, Origin, ProbeError};
use crate::profile::{Profile, Waiver};
use crate::target::{Effect, Target};
use crate::verdict::{Cause, Verdict};

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The part of the profile that is asked.
    pub selection: Selection,
    /// The moment for which verdicts are given.
    pub now: OffsetDateTime,
    /// Waivers to show beside results.
    pub waivers: Vec<Waiver>,
    /// The switch that ends the run early; the same that the door was opened with.
    pub interrupt: Interrupt,
}

/// Asks a target everything that the plan holds, and tells `listen` as it goes.
pub async fn run(
    profile: &Profile,
    target: &Arc<Target>,
    door: &Arc<Door>,
    options: &Options,
    mut listen: impl FnMut(Event<'_>),
) -> Assessment {
    let plan = Plan::new(profile, target, &options.selection, options.now);
    listen(Event::Planned(&plan));
    let mut assessment = Assessment {
        tool: Tool::this(),
        profile: ProfileReference {
            id: profile.id.clone(),
            version: profile.version.clone(),
            title: profile.title.clone(),
            sha256: profile.sha256.clone(),
            overlays: profile.overlays.clone(),
        },
        tier: options.selection.tier,
        only: options.selection.only.clone(),
        target: Target::clone(target),
        started: options.now,
        finished: options.now,
        completion: Completion::Complete,
        pillars: profile.pillars.clone(),
        requirements: plan.requirements.clone(),
        results: Vec::with_capacity(plan.steps.len()),
        waivers: options.waivers.clone(),
        equivalents: profile.equivalents.clone(),
        traffic: super::Traffic::default(),
    };
    let begun = Instant::now();
    let mut pillar = None;
    for step in &plan.steps {
        if pillar != Some(&step.pillar) {
            pillar = Some(&step.pillar);
            if let Some(pillar) = profile.pillar(&step.pillar) {
                listen(Event::Pillar(pillar));
            }
        }
        let (result, observation) = match &step.known {
            Some(verdict) => (step.result(verdict.clone()), None),
            None if options.interrupt.is_thrown() => {
                assessment.completion = Completion::Interrupted;
                (step.result(Verdict::untested(Cause::Interrupted, "the run was interrupted before this was asked")), None)
            }
            None => {
                listen(Event::Asking { requirement: &step.requirement, kind: step.check.check.kind(), endpoint: step.endpoint.as_deref() });
                let (result, observation, completion) = ask(step, target, door, options.now).await;
                // A check that put something in order when it was stopped still has an observation.
                let completion = completion.or_else(|| result.is_interrupted().then_some(Completion::Interrupted));
                if let Some(completion) = completion {
                    assessment.completion = completion;
                }
                (result, observation)
            }
        };
        listen(Event::Result { result: &result, observation: observation.as_ref() });
        assessment.results.push(result);
    }
    let traffic = door.summary();
    assessment.traffic = super::Traffic { connections: traffic.connections, sent: traffic.bytes_out, received: traffic.bytes_in };
    assessment.finished = options.now + begun.elapsed();
    listen(Event::Finished(&assessment));
    assessment
}

/// Judges one recorded observation again, as it was judged in the run.
pub fn judge_again(check: &PlacedCheck, observation: &Value, facts: &Facts<'_>) -> Verdict {
    match check.check.judge(observation, facts) {
        Ok(verdict) => verdict,
        Err(error) => Verdict::cant_tell(Cause::Bug, format!("the recorded observation cannot be read: {error}")),
    }
}

async fn ask(step: &Step, target: &Arc<Target>, door: &Arc<Door>, now: OffsetDateTime) -> (CheckResult, Option<Value>, Option<Completion>) {
    let begun = Instant::now();
    let target_of_step = target.clone();
    let (check, endpoint, target) = (step.check.clone(), step.endpoint.clone(), target.clone());
    let probes = Probes::new(door.clone(), target.clone(), endpoint.clone());
    // A task of its own, so that a panic in a check ends the check and not the run.
    let task = tokio::spawn(async move {
        let observation = check.check.observe(&probes).await?;
        let facts = Facts { now, target: &target, endpoint: endpoint.as_deref() };
        // Judged from the value that is kept, so that judging it again cannot differ.
        let verdict = judge_again(&check, &observation, &facts);
        Ok::<_, ProbeError>((verdict, observation))
    });
    let (verdict, observation, completion) = match task.await {
        Ok(Ok((verdict, observation))) => (verdict, Some(observation), None),
        Ok(Err(error)) => {
            let completion = match error.cause() {
                Cause::Interrupted => Some(Completion::Interrupted),
                Cause::Target if matches!(error, ProbeError::StoppedAnswering { .. }) => Some(Completion::StoppedAnswering),
                Cause::Target | Cause::Limit | Cause::Missing | Cause::Consent | Cause::Selection | Cause::Bug => None,
            };
            (verdict_of(&error), None, completion)
        }
        Err(join) => {
            (Verdict::cant_tell(Cause::Bug, format!("Probity itself failed here; please report it: {}", panic_text(join))), None, None)
        }
    };
    // The journal has the connection and its purpose; the verdict itself must follow from the observation alone.
    let completion = if gone(step, door, &target_of_step).await { Some(Completion::StoppedAnswering) } else { completion };
    let mut result = step.result(verdict);
    result.observation = observation.as_ref().map(digest);
    result.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    (result, observation, completion)
}

/// Whether the endpoint is gone after a check that did more than read.
async fn gone(step: &Step, door: &Door, target: &Target) -> bool {
    if step.check.check.effect() <= Effect::ReadsOnly {
        return false;
    }
    let endpoint = step.endpoint.as_ref().and_then(|name| target.endpoints.get(name));
    match endpoint.map(|endpoint| Origin::of(&endpoint.url)) {
        Some(Ok(origin)) => !door.is_alive(&origin).await,
        Some(Err(_)) | None => false,
    }
}

/// What trouble on the way means.
fn verdict_of(error: &ProbeError) -> Verdict {
    let cause = error.cause();
    match cause {
        Cause::Missing | Cause::Consent | Cause::Interrupted | Cause::Selection => Verdict::untested(cause, error.to_string()),
        Cause::Target | Cause::Limit | Cause::Bug => Verdict::cant_tell(cause, error.to_string()),
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".into()),
        Err(error) => error.to_string(),
    }
}

/// SHA-256 of a value's JSON text, 64 hexadecimal digits.
pub(crate) fn digest(value: &Value) -> String {
    let mut hash = Sha256::new();
    hash.update(value.to_string().as_bytes());
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

impl Step {
    /// A result of this step with a verdict.
    pub(crate) fn result(&self, verdict: Verdict) -> CheckResult {
        CheckResult {
            requirement: self.requirement.clone(),
            check: self.index,
            kind: self.check.check.kind().to_owned(),
            endpoint: self.endpoint.clone(),
            grade: self.check.check.grade(),
            effect: self.check.check.effect(),
            verdict,
            observation: None,
            milliseconds: 0,
        }
    }
}
