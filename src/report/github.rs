//! Annotations of GitHub workflows: lines that the runner reads from a step's output.
//!
//! GitHub shows few annotations of each kind, so the verdict comes first and the worst after it.

use std::fmt::Write as _;

use super::{RenderOptions, words};
use crate::assess::{Assessment, PillarVerdict, RequirementView};
use crate::profile::Level;
use crate::verdict::Outcome;

/// How many requirements get an annotation. GitHub shows ten of a kind for a step and fifty for a job.
const MAX_SHOWN: usize = 100;

/// The annotations, one line each.
pub(super) fn render(assessment: &Assessment, options: &RenderOptions) -> String {
    let mut out = String::new();
    let verdict = assessment.verdict();
    let command = match verdict {
        PillarVerdict::Conformant | PillarVerdict::NotApplicable => "notice",
        PillarVerdict::NotConformant => "error",
        PillarVerdict::NotDetermined => "warning",
    };
    let product = &assessment.target.product;
    let title = format!("{} {}: {}", product.name, product.version, verdict.as_str());
    annotate(&mut out, command, &title, options, &words::verdict_sentence(assessment));
    let views = assessment.requirement_views();
    let open = words::to_do(&views);
    for view in open.iter().take(MAX_SHOWN) {
        let command = match (view.outcome, view.text.level) {
            (Outcome::Failed, Level::Must) => "error",
            (Outcome::Failed, Level::Should) | (Outcome::CantTell | Outcome::Untested, Level::Must) => "warning",
            (Outcome::CantTell | Outcome::Untested, Level::Should) => "notice",
            (Outcome::Passed | Outcome::Inapplicable, _) => continue,
        };
        let title = format!("{} {} ({}): {}", view.text.id, view.text.title, view.text.level.as_str(), words::outcome(view.outcome));
        annotate(&mut out, command, &title, options, &message(view));
    }
    if open.len() > MAX_SHOWN {
        let more = format!("{} more are in the report", open.len() - MAX_SHOWN);
        annotate(&mut out, command, &title, options, &more);
    }
    out
}

fn message(view: &RequirementView<'_>) -> String {
    let mut lines = Vec::new();
    for result in words::deciding(view) {
        lines.push(format!("{}: {}", words::asked(result), result.verdict.reason));
        if let Some(evidence) = result.verdict.evidence.first() {
            lines.push(format!("expected: {}", evidence.get_expected()));
            lines.extend(evidence.get_observed().map(|observed| format!("got: {observed}")));
            lines.extend(evidence.get_place().map(|place| format!("where: {place}")));
        }
    }
    lines.extend(view.waivers.iter().map(|(waiver, state)| words::waiver(waiver, *state)));
    lines.extend(words::what_next(view).into_iter().map(|step| format!("do next: {step}")));
    lines.join("\n")
}

fn annotate(out: &mut String, command: &str, title: &str, options: &RenderOptions, message: &str) {
    let _ = writeln!(out, "::{command} file={},title={}::{}", property(&options.target_file), property(title), data(message));
}

/// Escapes the text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
