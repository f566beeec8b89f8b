//! Plain text for a terminal; colours only when asked, and never alone.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::clauses::{self, ClauseTable};
use super::{RenderOptions, words};
use crate::assess::{Assessment, Counts, PillarVerdict, RequirementView};
use crate::profile::Level;
use crate::verdict::{Cause, Evidence, Outcome};

/// The narrowest line that is still laid out.
const MIN_WIDTH: usize = 40;

/// The report as text.
pub(super) fn render(assessment: &Assessment, clauses: &[ClauseTable], options: &RenderOptions) -> String {
    let mut page = Page { out: String::new(), width: options.width.max(MIN_WIDTH), colour: options.colour };
    page.head(assessment, options);
    page.pillars(assessment);
    let views = assessment.requirement_views();
    page.what_to_do(&words::to_do(&views));
    page.waivers(&views);
    page.clauses(clauses);
    page.foot(assessment);
    page.out
}

struct Page {
    out: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn head(&mut self, a: &Assessment, options: &RenderOptions) {
        let product = &a.target.product;
        self.line(0, &format!("{} {}, by {}", product.name, product.version, product.vendor.name), Some(bold()));
        let overlays: String = a.profile.overlays.iter().map(|o| format!(" + {} {}", o.id, o.version)).collect();
        self.line(0, &format!("profile {} {}{overlays}, tier {}", a.profile.id, a.profile.version, words::tier(a.tier)), None);
        self.line(0, &format!("{}, {}", words::moment(a.started), words::run_by(&options.run_by)), None);
        self.blank();
        let verdict = a.verdict();
        self.line(0, &verdict.as_str().to_uppercase(), Some(verdict_style(verdict).bold()));
        self.line(0, &words::verdict_sentence(a), None);
        for alert in words::alerts(a) {
            self.line(0, &alert, Some(bold()));
        }
        self.blank();
    }

    fn pillars(&mut self, a: &Assessment) {
        let standings = a.standings();
        let widest = standings.iter().map(|s| s.pillar.title.chars().count()).max().unwrap_or(0).clamp(6, 40);
        let head = format!("{:widest$}  {:14}  met  not met  not told  not tested  n/a", "Pillar", "Verdict");
        let head = self.paint(&head, bold());
        let _ = writeln!(self.out, "{head}");
        for s in &standings {
            let title: String = s.pillar.title.chars().take(widest).collect();
            let verdict = self.paint(&format!("{:14}", s.verdict.as_str()), verdict_style(s.verdict));
            let Counts { passed, failed, cant_tell, untested, inapplicable, .. } = s.must;
            let _ = writeln!(
                self.out,
                "{title:widest$}  {verdict}  {passed:>3}  {failed:>7}  {cant_tell:>8}  {untested:>10}  {inapplicable:>3}"
            );
        }
        let (must, should) = (a.counts(Level::Must), a.counts(Level::Should));
        self.blank();
        self.line(
            0,
            &format!(
                "Of {} met: {} measured, {} documented, {} attested by a person. SHOULD: {} met, {} not met, {} open.",
                words::count(must.passed, "MUST requirement", "MUST requirements"),
                must.measured,
                must.documented,
                must.attested,
                should.passed,
                should.failed,
                should.cant_tell + should.untested
            ),
            None,
        );
    }

    fn what_to_do(&mut self, to_do: &[&RequirementView<'_>]) {
        if to_do.is_empty() {
            return;
        }
        self.blank();
        self.line(0, "WHAT TO DO", Some(bold()));
        for view in words::failed(to_do) {
            self.blank();
            self.requirement(view);
        }
        // One cause has one thing to do about it, said once.
        for (cause, views) in words::open(to_do) {
            self.blank();
            self.line(0, &format!("{}:", words::cause(cause)), Some(bold()));
            self.line(0, words::next_step(cause), None);
            if cause == Some(Cause::Selection) {
                // Whoever left them out knows why: their names are enough.
                self.line(2, &views.iter().map(|view| view.text.id.as_str()).collect::<Vec<_>>().join(", "), None);
                continue;
            }
            for view in views {
                self.blank();
                self.requirement(view);
            }
        }
    }

    fn requirement(&mut self, view: &RequirementView<'_>) {
        let style = outcome_style(view.outcome);
        let mark = self.paint(&format!("{} {}", words::sign(view.outcome), words::outcome(view.outcome).to_uppercase()), style.bold());
        let _ = writeln!(self.out, "{mark}  {} {} ({})", view.text.id, view.text.title, view.text.level.as_str());
        for result in words::deciding(view) {
            self.field(2, &format!("{}:", words::asked(result)), &result.verdict.reason);
            for evidence in &result.verdict.evidence {
                self.evidence(evidence);
            }
            for note in &result.verdict.notes {
                self.field(4, "note:", note);
            }
        }
        for (waiver, state) in &view.waivers {
            self.field(2, "waiver:", &words::waiver(waiver, *state));
        }
        if let Some(step) = words::own_step(view) {
            self.field(2, "do next:", &step);
        }
    }

    fn evidence(&mut self, evidence: &Evidence) {
        self.field(4, "expected:", evidence.get_expected());
        if let Some(observed) = evidence.get_observed() {
            self.field(4, "got:", observed.as_str());
        }
        if let Some(place) = evidence.get_place() {
            self.field(4, "where:", &place.to_string());
        }
        if let Some(clause) = evidence.get_clause() {
            self.field(4, "clause:", clause);
        }
        if let Some(repeat) = evidence.get_repeat() {
            self.field(4, "repeat:", repeat);
        }
    }

    fn waivers(&mut self, views: &[RequirementView<'_>]) {
        let other: Vec<_> =
            views.iter().filter(|v| matches!(v.outcome, Outcome::Passed | Outcome::Inapplicable) && !v.waivers.is_empty()).collect();
        if other.is_empty() {
            return;
        }
        self.blank();
        self.line(0, "WAIVERS THAT ARE NOT NEEDED", Some(bold()));
        for view in other {
            for (waiver, state) in &view.waivers {
                self.field(2, &format!("{}:", view.text.id), &words::waiver(waiver, *state));
            }
        }
    }

    fn clauses(&mut self, tables: &[ClauseTable]) {
        for table in tables {
            self.blank();
            self.line(0, &format!("{}, CLAUSE BY CLAUSE ({})", table.standard, table.requirement), Some(bold()));
            self.line(0, &clauses::sentence(table), None);
            // The whole table fills pages; the web page has it.
            let (shown, rest): (Vec<_>, Vec<_>) = table.rows.iter().partition(|row| row.wants_attention());
            for row in shown {
                self.field(2, &row.number, &format!("{}: {}; {}", row.about, row.said, row.here_in_words()));
            }
            if !rest.is_empty() {
                self.line(0, &format!("{} clauses need no attention; the HTML report lists each.", rest.len()), None);
            }
        }
    }

    fn foot(&mut self, a: &Assessment) {
        let validity = a.validity();
        self.blank();
        self.line(
            0,
            &format!("Holds for version {} only, until {} ({}).", a.target.product.version, words::day(validity.until), validity.because),
            None,
        );
        self.line(
            0,
            &format!(
                "{}, {} bytes sent, {} received. Made by {} {}.",
                words::count(usize::try_from(a.traffic.connections).unwrap_or(usize::MAX), "connection", "connections"),
                a.traffic.sent,
                a.traffic.received,
                a.tool.name,
                a.tool.version
            ),
            None,
        );
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn line(&mut self, indent: usize, text: &str, style: Option<Style>) {
        for line in wrap(text, self.width.saturating_sub(indent)) {
            let line = style.map_or_else(|| line.clone(), |style| self.paint(&line, style));
            let _ = writeln!(self.out, "{:indent$}{line}", "");
        }
    }

    /// A label and a text that hangs beside it.
    fn field(&mut self, indent: usize, label: &str, text: &str) {
        let hang = indent + 10;
        let mut lines = wrap(&format!("{label:9} {text}"), self.width.saturating_sub(indent)).into_iter();
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(self.out, "{:indent$}{first}", "");
        let rest: Vec<String> = lines.collect();
        for line in wrap(&rest.join(" "), self.width.saturating_sub(hang)) {
            if !line.is_empty() {
                let _ = writeln!(self.out, "{:hang$}{line}", "");
            }
        }
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn bold() -> Style {
    Style::new().bold()
}

fn verdict_style(verdict: PillarVerdict) -> Style {
    outcome_style(match verdict {
        PillarVerdict::Conformant => Outcome::Passed,
        PillarVerdict::NotConformant => Outcome::Failed,
        PillarVerdict::NotDetermined => Outcome::CantTell,
        PillarVerdict::NotApplicable => Outcome::Inapplicable,
    })
}

fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Passed => AnsiColor::Green.on_default(),
        Outcome::Failed => AnsiColor::Red.on_default(),
        Outcome::CantTell | Outcome::Untested => AnsiColor::Yellow.on_default(),
        Outcome::Inapplicable => Style::new(),
    }
}

/// The text in lines of at most `width` characters, broken at spaces; a longer word keeps its line,
/// so that an address can be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            length = 0;
        }
        if length > 0 || (lines.is_empty() && !line.is_empty()) {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
        if word.is_empty() && length == 0 {
            // Spaces at the start of the text are kept, those at a break are not.
            line.push(' ');
            length = 1;
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("see https://a.very.long.example/address ok", 10), ["see", "https://a.very.long.example/address", "ok"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
