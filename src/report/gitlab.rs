//! GitLab's code quality report: one entry for each result that is not met, not told or not tested.
//!
//! An empty list reads as sound, so a verdict other than conformant is an entry of its own.

use serde::Serialize;

use super::{RenderOptions, words};
use crate::assess::{Assessment, PillarVerdict};
use crate::bundle::json_pretty;
use crate::profile::{Level, WaiverState};
use crate::verdict::Outcome;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// The report as JSON text.
pub(super) fn render(assessment: &Assessment, options: &RenderOptions) -> Result<Vec<u8>, serde_json::Error> {
    let location = || Location { path: options.target_file.clone(), lines: Lines { begin: 1 } };
    let mut issues = Vec::new();
    let verdict = match assessment.verdict() {
        PillarVerdict::NotConformant => Some("blocker"),
        PillarVerdict::NotDetermined => Some("major"),
        PillarVerdict::Conformant | PillarVerdict::NotApplicable => None,
    };
    if let Some(severity) = verdict {
        issues.push(Issue {
            description: format!("{}: {}", assessment.verdict().as_str(), words::verdict_sentence(assessment)),
            check_name: assessment.profile.id.clone(),
            fingerprint: crate::assess::digest(&serde_json::json!([assessment.profile.id, assessment.target.product.name])),
            severity,
            location: location(),
        });
    }
    for view in assessment.requirement_views() {
        for result in &view.results {
            let severity = match (result.outcome(), view.text.level) {
                (Outcome::Failed, Level::Must) => "critical",
                (Outcome::CantTell | Outcome::Untested, Level::Must) => "major",
                (Outcome::Failed, Level::Should) => "minor",
                (Outcome::CantTell | Outcome::Untested, Level::Should) => "info",
                (Outcome::Passed | Outcome::Inapplicable, _) => continue,
            };
            let waived = view
                .waivers
                .iter()
                .find(|(_, state)| *state == WaiverState::Valid && result.outcome() == Outcome::Failed)
                .map(|(waiver, _)| format!(" (waived until {} by {})", waiver.expires, waiver.issuer))
                .unwrap_or_default();
            issues.push(Issue {
                description: format!(
                    "{} {} ({}) {}: {}{waived}",
                    view.text.id,
                    view.text.title,
                    view.text.level.as_str(),
                    words::outcome(result.outcome()),
                    result.verdict.reason
                ),
                check_name: view.text.id.clone(),
                fingerprint: words::fingerprint(assessment, result),
                severity,
                location: location(),
            });
        }
    }
    json_pretty(&issues)
}
