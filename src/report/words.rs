//! The words that all formats share. A report shows evidence for something; it certifies nothing.

use time::{Date, OffsetDateTime, UtcOffset};

use super::RunBy;
use crate::assess::{Assessment, CheckResult, Completion, Counts, PillarVerdict, RequirementView};
use crate::bundle::SECRET_REMOVED;
use crate::profile::{Level, RequirementText, Waiver, WaiverState};
use crate::verdict::{Cause, Outcome};

/// An outcome for a reader who does not know the field.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "met",
        Outcome::Failed => "not met",
        Outcome::CantTell => "could not be told",
        Outcome::Inapplicable => "does not apply",
        Outcome::Untested => "not tested",
    }
}

/// A sign that stands beside the word, so that colour is never alone.
pub(super) fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "✗",
        Outcome::CantTell => "?",
        Outcome::Inapplicable => "–",
        Outcome::Untested => "○",
    }
}

/// Why something could not be told or was not tested, as the heading of a group.
pub(super) fn cause(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::Target) => "The product did not answer, or not so that it could be judged",
        Some(Cause::Limit) => "A limit of this run was reached",
        Some(Cause::Missing) => "Something needed was not provided",
        Some(Cause::Consent) => "The owner's consent does not allow it",
        Some(Cause::Selection) => "It was left out by whoever ran the test",
        Some(Cause::Interrupted) => "The run was stopped before it",
        Some(Cause::Bug) => "A fault in Probity itself",
        None => "No reason is recorded",
    }
}

/// What to do about something that could not be told or was not tested.
pub(super) fn next_step(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::Target) => "Make sure that the endpoint answers (`probity preflight` shows why it does not), then run again.",
        Some(Cause::Limit) => "Run again with more time or a higher limit.",
        Some(Cause::Missing) => "Add what is missing to the target file, then run again.",
        Some(Cause::Consent) => "Let the owner widen the consent block, on a test installation, then run again.",
        Some(Cause::Selection) => "Run again without `--only`.",
        Some(Cause::Interrupted) => "Run again to the end.",
        Some(Cause::Bug) => "Please report it to the makers of Probity. It says nothing about the product.",
        None => "Run again.",
    }
}

/// The verdict of the whole in one sentence.
pub(super) fn verdict_sentence(assessment: &Assessment) -> String {
    let must = assessment.counts(Level::Must);
    let open = open_sentence(must);
    match assessment.verdict() {
        PillarVerdict::Conformant => format!(
            "This report shows evidence that this version meets each of the {} that {} to it at tier {}.",
            count(must.passed, "MUST requirement", "MUST requirements"),
            if must.passed == 1 { "applies" } else { "apply" },
            assessment.tier
        ),
        PillarVerdict::NotConformant => {
            let failed = count(must.failed, "MUST requirement is", "MUST requirements are");
            if open.is_empty() { format!("{failed} not met.") } else { format!("{failed} not met; {open}.") }
        }
        PillarVerdict::NotDetermined if open.is_empty() => "The run did not come to its end, so conformance is not shown.".into(),
        PillarVerdict::NotDetermined => format!("Nothing that was tested failed, but conformance is not shown: {open}."),
        PillarVerdict::NotApplicable => "No MUST requirement of the profile concerns this product.".into(),
    }
}

fn open_sentence(must: Counts) -> String {
    let mut parts = Vec::new();
    if must.cant_tell > 0 {
        parts.push(format!("{} could not be told", must.cant_tell));
    }
    if must.untested > 0 {
        parts.push(format!("{} {} not tested", must.untested, if must.untested == 1 { "was" } else { "were" }));
    }
    parts.join(" and ")
}

/// A number with its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Whether the run came to its end, as a sentence; nothing when it did.
pub(super) fn completion(assessment: &Assessment) -> Option<String> {
    let untested = assessment.results.iter().filter(|r| r.is_interrupted()).count();
    let in_peace = assessment.results.iter().filter(|r| r.is_left_in_peace()).count();
    match assessment.completion {
        Completion::Complete => None,
        Completion::Interrupted => {
            Some(format!("The run was stopped before its end; {} not asked.", count(untested, "check was", "checks were")))
        }
        Completion::StoppedAnswering => Some(format!(
            "The device stopped answering, so it was left in peace; {} not asked.",
            count(in_peace + untested, "check was", "checks were")
        )),
    }
}

/// What a reader must know before all else, one sentence each.
pub(super) fn alerts(assessment: &Assessment) -> Vec<String> {
    let mut alerts: Vec<String> = completion(assessment).into_iter().collect();
    if !assessment.only.is_empty() {
        alerts.push(format!("The run was narrowed to {}; what was left out counts as not tested.", assessment.only.join(", ")));
    }
    let marked = assessment.results.iter().filter(|r| r.verdict.notes.iter().any(|n| n.starts_with(SECRET_REMOVED))).count();
    if marked > 0 {
        alerts.push(
            "A secret of this run was found in what was recorded and was taken out before it was written. Change that secret.".into(),
        );
    }
    alerts
}

/// Who ran it, by the parties of EN ISO/IEC 17000.
pub(super) fn run_by(run_by: &RunBy) -> String {
    match run_by {
        RunBy::Supplier => "Supplier's self-declaration (first party)".into(),
        RunBy::Buyer(name) => format!("Tested by the buyer, {name} (second party)"),
        RunBy::Laboratory(name) => format!("Tested by {name} (third party)"),
    }
}

/// The name of a tier.
pub(super) fn tier(tier: u8) -> String {
    match tier {
        1 => "1 (basic)".into(),
        2 => "2 (substantial)".into(),
        3 => "3 (high)".into(),
        other => other.to_string(),
    }
}

/// What a waiver says, in one sentence.
pub(super) fn waiver(waiver: &Waiver, state: WaiverState) -> String {
    let Waiver { reason, issuer, issued, expires, .. } = waiver;
    match state {
        WaiverState::Valid => format!("Waived until {expires} by {issuer} (granted {issued}): {reason}"),
        WaiverState::Expired => format!("A waiver by {issuer} counts from {issued} until {expires} and is void: {reason}"),
        WaiverState::Elsewhere => {
            format!("A waiver by {issuer} is for another product or version and does not count: {reason}")
        }
    }
}

/// A day, such as `22 November 2026`.
pub(super) fn day(date: Date) -> String {
    format!("{} {} {}", date.day(), date.month(), date.year())
}

/// A moment in UTC, such as `22 November 2026, 09:00 UTC`.
pub(super) fn moment(moment: OffsetDateTime) -> String {
    let utc = moment.to_offset(UtcOffset::UTC);
    format!("{}, {:02}:{:02} UTC", day(utc.date()), utc.hour(), utc.minute())
}

/// What needs somebody's attention: failed first, then what is not determined; MUST before SHOULD.
pub(super) fn to_do<'a>(views: &'a [RequirementView<'a>]) -> Vec<&'a RequirementView<'a>> {
    let mut open: Vec<_> = views.iter().filter(|v| matches!(v.outcome, Outcome::Failed | Outcome::CantTell | Outcome::Untested)).collect();
    open.sort_by_key(|view| (view.text.level != Level::Must, view.outcome.rank()));
    open
}

/// The results of a requirement that decide its outcome.
pub(super) fn deciding<'a>(view: &RequirementView<'a>) -> Vec<&'a CheckResult> {
    view.results.iter().filter(|result| result.outcome() == view.outcome).copied().collect()
}

/// What to do next about a requirement, in sentences.
pub(super) fn what_next(view: &RequirementView<'_>) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for result in deciding(view).iter().filter(|r| matches!(r.outcome(), Outcome::CantTell | Outcome::Untested)) {
        let step = next_step(result.verdict.cause).to_owned();
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps.extend(own_step(view));
    steps
}

/// What to do about the product or its papers: the remedy, where something is not met or not there.
pub(super) fn own_step(view: &RequirementView<'_>) -> Option<String> {
    let absent = |result: &&CheckResult| result.verdict.cause == Some(Cause::Missing) && !result.verdict.evidence.is_empty();
    match view.outcome {
        Outcome::Failed => Some(view.text.remedy.clone()),
        Outcome::CantTell | Outcome::Untested if deciding(view).iter().any(absent) => {
            Some(format!("If there is none yet: {}", view.text.remedy))
        }
        Outcome::CantTell | Outcome::Untested | Outcome::Passed | Outcome::Inapplicable => None,
    }
}

/// Requirements that are not met.
pub(super) fn failed<'a>(to_do: &[&'a RequirementView<'a>]) -> Vec<&'a RequirementView<'a>> {
    to_do.iter().filter(|view| view.outcome == Outcome::Failed).copied().collect()
}

/// Requirements that could not be told or were not tested, by the cause of the first result that decides.
pub(super) fn open<'a>(to_do: &[&'a RequirementView<'a>]) -> Vec<(Option<Cause>, Vec<&'a RequirementView<'a>>)> {
    let cause_of = |view: &RequirementView<'_>| deciding(view).first().and_then(|result| result.verdict.cause);
    let of = |cause: Option<Cause>| {
        to_do.iter().filter(|view| view.outcome != Outcome::Failed && cause_of(view) == cause).copied().collect::<Vec<_>>()
    };
    CAUSES.into_iter().map(|cause| (cause, of(cause))).filter(|(_, views)| !views.is_empty()).collect()
}

/// Causes in the order in which groups of untested requirements are shown.
const CAUSES: [Option<Cause>; 8] = [
    Some(Cause::Target),
    Some(Cause::Limit),
    Some(Cause::Missing),
    Some(Cause::Consent),
    Some(Cause::Selection),
    Some(Cause::Interrupted),
    Some(Cause::Bug),
    None,
];

/// Results that could not be told or were not tested for one cause.
pub(super) struct Open<'a> {
    /// The cause.
    pub(super) cause: Option<Cause>,
    /// Each result with its requirement.
    pub(super) results: Vec<(&'a RequirementText, &'a CheckResult)>,
}

/// What could not be told or was not tested, by cause.
pub(super) fn open_by_cause<'a>(views: &[RequirementView<'a>]) -> Vec<Open<'a>> {
    let of = |cause: Option<Cause>| {
        let results = views.iter().flat_map(|view| view.results.iter().map(|result| (view.text, *result)));
        results
            .filter(|(_, r)| matches!(r.outcome(), Outcome::CantTell | Outcome::Untested) && r.verdict.cause == cause)
            .collect::<Vec<_>>()
    };
    CAUSES.into_iter().map(|cause| Open { cause, results: of(cause) }).filter(|open| !open.results.is_empty()).collect()
}

/// A result's check in words, such as `tls-version on api`.
pub(super) fn asked(result: &CheckResult) -> String {
    match &result.endpoint {
        Some(endpoint) => format!("{} on {endpoint}", result.kind),
        None => result.kind.clone(),
    }
}

/// What a result is recognised by in the next run: requirement, check and endpoint, not its outcome.
pub(super) fn fingerprint(assessment: &Assessment, result: &CheckResult) -> String {
    let key = serde_json::json!([assessment.profile.id, assessment.target.product.name, result.requirement, result.check, result.endpoint]);
    crate::assess::digest(&key)
}
