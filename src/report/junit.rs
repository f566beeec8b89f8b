//! JUnit XML: a suite for each pillar, a case for each result, and one case for the verdict.
//!
//! Build servers read skipped as green. So that a product of which little was tested never looks
//! sound, the first suite holds the verdict of the whole: it passes only when that is conformant.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use time::format_description::well_known::Rfc3339;

use super::words;
use crate::assess::{Assessment, CheckResult, PillarVerdict, RequirementView};
use crate::profile::WaiverState;
use crate::verdict::{Cause, Outcome};

/// The report as XML.
pub(super) fn render(assessment: &Assessment) -> Result<String, SerializeError> {
    let product = &assessment.target.product;
    let mut report = Report::new(format!("{} {} by {}", product.name, product.version, assessment.profile.id));
    report.add_test_suite(verdict(assessment));
    let mut total = Duration::ZERO;
    for standing in assessment.standings() {
        let mut suite = TestSuite::new(&standing.pillar.title);
        suite.add_property(("verdict", standing.verdict.as_str()));
        let mut time = Duration::ZERO;
        for view in &standing.requirements {
            for result in &view.results {
                suite.add_test_case(case(assessment, &standing.pillar.id, view, result));
                time += Duration::from_millis(result.milliseconds);
            }
        }
        suite.set_time(time);
        total += time;
        report.add_test_suite(suite);
    }
    report.set_time(total);
    report.to_string()
}

fn verdict(assessment: &Assessment) -> TestSuite {
    let mut suite = TestSuite::new("Verdict");
    let validity = assessment.validity();
    let product = &assessment.target.product;
    let facts = [
        ("product", product.name.clone()),
        ("version", product.version.clone()),
        ("vendor", product.vendor.name.clone()),
        ("profile", format!("{} {}", assessment.profile.id, assessment.profile.version)),
        ("profile.sha256", assessment.profile.sha256.clone()),
        ("tier", assessment.tier.to_string()),
        ("started", assessment.started.format(&Rfc3339).unwrap_or_default()),
        ("valid-until", validity.until.to_string()),
    ];
    suite.add_properties(facts.map(|(name, value)| Property::new(name, value)));
    let sentence = words::verdict_sentence(assessment);
    let verdict = assessment.verdict();
    let mut status = match verdict {
        PillarVerdict::Conformant => TestCaseStatus::success(),
        PillarVerdict::NotConformant => TestCaseStatus::non_success(NonSuccessKind::Failure),
        PillarVerdict::NotDetermined => TestCaseStatus::non_success(NonSuccessKind::Error),
        PillarVerdict::NotApplicable => TestCaseStatus::skipped(),
    };
    status.set_type(verdict.as_str()).set_message(&sentence);
    let mut case = TestCase::new("Conformance with the profile", status);
    case.set_classname(format!("probity.{}", assessment.profile.id));
    suite.add_test_case(case);
    suite
}

fn case(assessment: &Assessment, pillar: &str, view: &RequirementView<'_>, result: &CheckResult) -> TestCase {
    let reason = &result.verdict.reason;
    let level = view.text.level.as_str();
    let mut status = match result.outcome() {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::CantTell if result.verdict.cause == Some(Cause::Bug) => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::CantTell | Outcome::Untested | Outcome::Inapplicable => TestCaseStatus::skipped(),
    };
    let waived = view.waivers.iter().find(|(_, state)| *state == WaiverState::Valid).filter(|_| result.outcome() == Outcome::Failed);
    let message = match waived {
        Some((waiver, _)) => format!("{reason} (waived until {} by {})", waiver.expires, waiver.issuer),
        None => format!("{}: {reason}", words::outcome(result.outcome())),
    };
    status.set_type(format!("{} {level}", result.outcome())).set_message(message);
    status.set_description(details(view, result));
    let mut case = TestCase::new(format!("{} {} [{} {}]", view.text.id, view.text.title, result.check + 1, words::asked(result)), status);
    case.set_classname(format!("probity.{}.{pillar}", assessment.profile.id));
    case.set_time(Duration::from_millis(result.milliseconds));
    case.add_property(("requirement", view.text.id.as_str()));
    case.add_property(("level", level));
    case.add_property(("outcome", result.outcome().as_str()));
    case.add_property(("grade", result.grade.as_str()));
    if let Some(observation) = &result.observation {
        case.add_property(("observation.sha256", observation.as_str()));
    }
    case
}

/// What is needed to act on a result, line by line.
fn details(view: &RequirementView<'_>, result: &CheckResult) -> String {
    let mut lines = vec![view.text.statement.clone()];
    for evidence in &result.verdict.evidence {
        lines.push(format!("expected: {}", evidence.get_expected()));
        lines.extend(evidence.get_observed().map(|observed| format!("got: {observed}")));
        lines.extend(evidence.get_place().map(|place| format!("where: {place}")));
        lines.extend(evidence.get_clause().map(|clause| format!("clause: {clause}")));
        lines.extend(evidence.get_repeat().map(|repeat| format!("repeat: {repeat}")));
    }
    lines.extend(result.verdict.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(view.waivers.iter().map(|(waiver, state)| words::waiver(waiver, *state)));
    match result.outcome() {
        Outcome::Failed => lines.push(format!("do next: {}", view.text.remedy)),
        Outcome::CantTell | Outcome::Untested => lines.push(format!("do next: {}", words::next_step(result.verdict.cause))),
        Outcome::Passed | Outcome::Inapplicable => {}
    }
    lines.join("\n")
}
