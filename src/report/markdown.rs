//! Markdown (GitHub Flavored Markdown 0.29) for job summaries and merge requests.

use std::fmt::Write as _;

use super::{RenderOptions, words};
use crate::assess::{Assessment, Counts, PillarVerdict, RequirementView};
use crate::profile::Level;
use crate::verdict::Evidence;

/// How many requirements are written out; a job summary may have one mebibyte.
const MAX_SHOWN: usize = 100;

/// The report as Markdown.
pub(super) fn render(assessment: &Assessment, options: &RenderOptions) -> String {
    let mut out = String::new();
    head(&mut out, assessment, options);
    pillars(&mut out, assessment);
    let views = assessment.requirement_views();
    let open = words::to_do(&views);
    if !open.is_empty() {
        out.push_str("\n### What to do\n");
        let shown: Vec<_> = open.iter().take(MAX_SHOWN).copied().collect();
        let failed = words::failed(&shown);
        if !failed.is_empty() {
            out.push_str("\n#### Not met\n");
        }
        for view in failed {
            requirement(&mut out, view);
        }
        // One cause has one thing to do about it, said once.
        for (cause, views) in words::open(&shown) {
            let _ = writeln!(out, "\n#### {}\n\n{}", words::cause(cause), text(words::next_step(cause)));
            for view in views {
                requirement(&mut out, view);
            }
        }
        if open.len() > MAX_SHOWN {
            let _ = writeln!(out, "\n{} more are in the HTML report.", open.len() - MAX_SHOWN);
        }
    }
    let validity = assessment.validity();
    let _ = writeln!(
        out,
        "\nThis holds for version {} only, until {} ({}). It shows evidence for what was tested; it is no certificate. Made by {} {}.",
        text(&assessment.target.product.version),
        words::day(validity.until),
        text(&validity.because),
        text(&assessment.tool.name),
        text(&assessment.tool.version)
    );
    out
}

fn head(out: &mut String, a: &Assessment, options: &RenderOptions) {
    let product = &a.target.product;
    let verdict = a.verdict();
    let sign = match verdict {
        PillarVerdict::Conformant => "✅",
        PillarVerdict::NotConformant => "❌",
        PillarVerdict::NotDetermined => "⚠️",
        PillarVerdict::NotApplicable => "➖",
    };
    let _ = writeln!(out, "## {sign} {} {}: {}\n", text(&product.name), text(&product.version), verdict.as_str());
    let _ = writeln!(out, "{}", text(&words::verdict_sentence(a)));
    for alert in words::alerts(a) {
        let _ = writeln!(out, "\n**{}**", text(&alert));
    }
    let overlays: String = a.profile.overlays.iter().map(|o| format!(" + {} {}", o.id, o.version)).collect();
    let profile = format!("{} {}{overlays}", a.profile.id, a.profile.version);
    let _ = writeln!(
        out,
        "\nVendor: {}. Profile: {}, tier {}. {}. {}.",
        text(&product.vendor.name),
        text(&profile),
        words::tier(a.tier),
        words::moment(a.started),
        text(&words::run_by(&options.run_by))
    );
}

fn pillars(out: &mut String, a: &Assessment) {
    out.push_str("\n| Pillar | Verdict | MUST met | not met | not told | not tested | not applicable |\n");
    out.push_str("|:--|:--|--:|--:|--:|--:|--:|\n");
    for standing in a.standings() {
        let Counts { passed, failed, cant_tell, untested, inapplicable, .. } = standing.must;
        let _ = writeln!(
            out,
            "| {} | {} | {passed} | {failed} | {cant_tell} | {untested} | {inapplicable} |",
            text(&standing.pillar.title),
            standing.verdict.as_str()
        );
    }
    let must = a.counts(Level::Must);
    let _ = writeln!(
        out,
        "\nOf {} met: {} measured, {} documented, {} attested by a person.",
        words::count(must.passed, "MUST requirement", "MUST requirements"),
        must.measured,
        must.documented,
        must.attested
    );
}

fn requirement(out: &mut String, view: &RequirementView<'_>) {
    let _ = writeln!(
        out,
        "\n##### {} {} {}: {} ({})\n",
        words::sign(view.outcome),
        text(&view.text.id),
        text(&view.text.title),
        words::outcome(view.outcome),
        view.text.level.as_str()
    );
    for result in words::deciding(view) {
        let _ = writeln!(out, "* **{}**: {}", text(&words::asked(result)), text(&result.verdict.reason));
        for evidence in &result.verdict.evidence {
            self::evidence(out, evidence);
        }
    }
    for (waiver, state) in &view.waivers {
        let _ = writeln!(out, "* {}", text(&words::waiver(waiver, *state)));
    }
    if let Some(step) = words::own_step(view) {
        let _ = writeln!(out, "* **Do next**: {}", text(&step));
    }
}

fn evidence(out: &mut String, evidence: &Evidence) {
    let _ = writeln!(out, "  * expected {}", code(evidence.get_expected()));
    if let Some(observed) = evidence.get_observed() {
        let _ = writeln!(out, "  * got {}", code(observed.as_str()));
    }
    if let Some(place) = evidence.get_place() {
        let _ = writeln!(out, "  * where {}", code(&place.to_string()));
    }
    if let Some(clause) = evidence.get_clause() {
        let _ = writeln!(out, "  * clause {}", text(clause));
    }
    if let Some(repeat) = evidence.get_repeat() {
        let _ = writeln!(out, "  * repeat {}", code(repeat));
    }
}

/// Text in which nothing is markup, a link, a mention or the end of a table's cell.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A mention is looked for after the entity is read; the comment parts the text.
            '@' => out.push_str("&#64;<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' | '^' | '"' | '\'' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    // What GitHub would make a link of by itself.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Text as it stands, in letters of one width.
fn code(raw: &str) -> String {
    format!("<code>{}</code>", text(raw))
}
