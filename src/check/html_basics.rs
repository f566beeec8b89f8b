//! What a page's markup alone shows of its accessibility.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answers, StatusPattern};
use super::page::{Page, Sort};
use super::{Facts, Kind, On, Probes};
use crate::document::Position;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Outcome, Verdict};

/// Reads the markup of pages and judges what it shows without running or styling anything. It finds
/// barriers; that it finds none does not show that a page is accessible.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HtmlBasics {
    /// The pages, as paths; `{name}` stands for a fixture of the target file, a word or a list of words.
    pages: Vec<String>,
    /// What is looked at.
    rules: Vec<Rule>,
}

/// One thing that markup shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rule {
    /// The page states its language, as a tag of BCP 47 (WCAG 3.1.1).
    Language,
    /// The page has a title, and no two pages have the same (WCAG 2.4.2).
    Title,
    /// Images have a text alternative or are marked as decoration (WCAG 1.1.1).
    Images,
    /// Fields have a label (WCAG 1.3.1, 3.3.2, 4.1.2).
    Fields,
    /// Buttons and links have a name (WCAG 2.4.4, 4.1.2).
    Names,
    /// Zooming is not blocked (WCAG 1.4.4).
    Zoom,
    /// There is a first heading, and none is empty (WCAG 1.3.1, 2.4.6).
    Headings,
    /// There is one main landmark (WCAG 1.3.1, 2.4.1).
    Main,
}

impl Rule {
    /// Whether the rule can be judged although scripts build the content.
    fn is_of_the_head(self) -> bool {
        match self {
            Self::Language | Self::Title | Self::Zoom => true,
            Self::Images | Self::Fields | Self::Names | Self::Headings | Self::Main => false,
        }
    }
}

impl Kind for HtmlBasics {
    const NAME: &'static str = "html-basics";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        probes.ask_each(&self.pages, |url| Request::get(url, "read the markup of a page").header("Accept", "text/html").gzip()).await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let mut findings = Vec::new();
        let mut scripted = 0usize;
        let mut titles: Vec<(String, String)> = Vec::new();
        for answer in &seen.answers {
            if let Some(verdict) = answer.tells_nothing(&[StatusPattern::SUCCESS]).or_else(|| answer.unreadable()) {
                return verdict;
            }
            if answer.status != 200 || !matches!(answer.media_type().as_str(), "text/html" | "application/xhtml+xml") {
                let seen = format!("status {}, {}", answer.status, answer.header("content-type").unwrap_or("no media type"));
                return Verdict::cant_tell(Cause::Target, format!("{} is not a page: {seen}", answer.question())).with(answer.status_evidence("an HTML page"));
            }
            let page = Page::read(answer.text.as_deref().unwrap_or_default());
            let begin = findings.len();
            for rule in &self.rules {
                if page.is_scripted() && !rule.is_of_the_head() {
                    continue;
                }
                rule.judge(&page, &mut findings);
            }
            scripted += usize::from(page.is_scripted() && self.rules.iter().any(|r| !r.is_of_the_head()));
            if let Some(title) = page.title.filter(|t| !t.is_empty() && self.rules.contains(&Rule::Title)) {
                if let Some((_, other)) = titles.iter().find(|(known, _)| *known == title) {
                    findings.push(Finding::error("title", format!("two pages have the same title as {other}")).expected("a title of its own for each page").observed(&title).clause("WCAG 2.4.2"));
                }
                titles.push((title, answer.url.clone()));
            }
            for finding in findings.iter_mut().skip(begin) {
                finding.path = if finding.path.is_empty() { answer.url.clone() } else { format!("{} {}", answer.url, finding.path) };
            }
        }
        let verdict = Verdict::from_findings(&findings, "markup, read without running it");
        if verdict.outcome == Outcome::Passed && scripted > 0 {
            return Verdict::cant_tell(Cause::Target, format!("scripts build {scripted} of {} pages, and Probity reads markup without running it", seen.answers.len()));
        }
        if verdict.outcome == Outcome::Passed {
            return verdict.note("a static reading: content that scripts build, colours, focus and meaning were not looked at");
        }
        verdict
    }
}

impl Rule {
    fn judge(self, page: &Page, findings: &mut Vec<Finding>) {
        let mut error = |rule: &str, message: String, expected: &str, observed: &str, place: Option<(&str, Position)>, clause: &str| {
            let mut finding = Finding::error(rule, message).expected(expected).observed(observed).clause(clause);
            if let Some((path, position)) = place {
                finding = finding.at(path).position(Some(position));
            }
            findings.push(finding);
        };
        match self {
            Self::Language => match (&page.lang, page.language()) {
                (_, Some(_)) => {}
                (Some(lang), None) => error("language", "the page's language is not a language tag".into(), "a tag of BCP 47, such as en or de-AT", lang, None, "WCAG 3.1.1"),
                (None, None) => error("language", "the page does not state its language".into(), "<html lang=…>", "no lang", None, "WCAG 3.1.1"),
            },
            Self::Title => {
                if page.title.as_deref().unwrap_or_default().is_empty() {
                    error("title", "the page has no title".into(), "a title that says what the page is", "none", None, "WCAG 2.4.2");
                }
            }
            Self::Images | Self::Fields | Self::Names => {
                for element in &page.elements {
                    let (asked, message, clause) = match element.sort {
                        Sort::Image => (Self::Images, "an image has no text alternative", "WCAG 1.1.1"),
                        Sort::Field => (Self::Fields, "a field has no label", "WCAG 3.3.2, 4.1.2"),
                        Sort::Button => (Self::Names, "a button has no name", "WCAG 4.1.2"),
                        Sort::Link => (Self::Names, "a link has no name", "WCAG 2.4.4, 4.1.2"),
                    };
                    if asked == self && element.name.is_empty() && !element.decorative {
                        error("name", message.into(), "a name that can be read out", "none", Some((&element.selector, element.position)), clause);
                    }
                }
            }
            Self::Zoom => {
                for (content, position) in &page.viewports {
                    let value = |name: &str| content.split([',', ';']).find_map(|p| p.trim().strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim));
                    let blocked = value("user-scalable").is_some_and(|v| v == "no" || v == "0");
                    // 2 is the least that lets text grow to 200 %.
                    let capped = value("maximum-scale").and_then(|v| v.parse::<f64>().ok()).is_some_and(|scale| scale < 2.0);
                    if blocked || capped {
                        error("zoom", "the page keeps people from zooming in".into(), "no user-scalable=no and no maximum-scale below 2", content, Some(("meta[name=viewport]", *position)), "WCAG 1.4.4");
                    }
                }
            }
            Self::Headings => {
                if !page.headings.iter().any(|(level, ..)| *level == 1) {
                    error("headings", "the page has no first heading".into(), "an h1 that says what the page is", "none", None, "WCAG 1.3.1, 2.4.6");
                }
                for (level, text, position) in &page.headings {
                    if text.is_empty() {
                        error("headings", format!("a heading of level {level} is empty"), "a heading with text", "none", Some((&format!("h{level}"), *position)), "WCAG 2.4.6");
                    }
                }
            }
            Self::Main => {
                if page.mains != 1 {
                    error("main", "the page does not mark its main part".into(), "one main element", &page.mains.to_string(), None, "WCAG 1.3.1, 2.4.1");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::super::answer::Answer;
    use super::*;

    const HTML: [(&str, &str); 1] = [("Content-Type", "text/html; charset=utf-8")];
    const SOUND: &str = "<!doctype html><html lang=en><head><title>Bell</title><meta name=viewport content='width=device-width, initial-scale=1'></head><body><main><h1>Bell</h1><img src=a.png alt=''><img src=b.png alt='A bell'><form><label for=q>Search</label><input id=q><button>Go</button></form><a href=/>Home</a></main></body></html>";

    fn judge(pages: Vec<Answer>) -> Verdict {
        let check: HtmlBasics = kind("{pages: ['/'], rules: [language, title, images, fields, names, zoom, headings, main]}");
        check.judge(&answers(pages), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn page(html: &str) -> Verdict {
        judge(vec![answer(200, &HTML, html)])
    }

    #[test]
    fn a_sound_page_passes_and_says_how_far_that_goes() {
        let verdict = page(SOUND);
        assert_eq!(verdict.outcome, Outcome::Passed, "{}", verdict.reason);
        assert!(verdict.notes.iter().any(|n| n.contains("static reading")));
    }

    #[test]
    fn each_barrier_fails_for_its_own_reason() {
        for (from, to, why) in [
            (" lang=en", "", "does not state its language"),
            ("lang=en", "lang='the english'", "not a language tag"),
            ("<title>Bell</title>", "", "no title"),
            (" alt='A bell'", "", "image has no text alternative"),
            ("<label for=q>Search</label>", "<span>Search</span>", "field has no label"),
            (">Go<", "><", "button has no name"),
            (">Home<", "><", "link has no name"),
            ("initial-scale=1", "maximum-scale=1", "zooming"),
            ("initial-scale=1", "user-scalable=no", "zooming"),
            ("<h1>Bell</h1>", "<h2>Bell</h2>", "no first heading"),
            ("<h1>Bell</h1>", "<h1>Bell</h1><h2> </h2>", "level 2 is empty"),
            ("<main>", "<div>", "main part"),
        ] {
            assert!(SOUND.contains(from), "{from}");
            let verdict = page(&SOUND.replace(from, to));
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why) && !verdict.reason.contains(" more"), "{}", verdict.reason);
        }
        let twice = judge(vec![answer(200, &HTML, SOUND), answer(200, &HTML, SOUND)]);
        assert!(twice.reason.contains("same title"), "{}", twice.reason);
    }

    #[test]
    fn what_markup_does_not_show_cannot_be_told() {
        let scripted = "<html lang=en><head><title>App</title></head><div id=root></div><script src=a.js></script>";
        assert_eq!(page(scripted).outcome, Outcome::CantTell);
        assert_eq!(page(&scripted.replace(" lang=en", "")).outcome, Outcome::Failed);
        assert_eq!(judge(vec![answer(200, &[("content-type", "application/json")], "{}")]).outcome, Outcome::CantTell);
        assert_eq!(judge(vec![answer(404, &HTML, "")]).outcome, Outcome::CantTell);
        assert_eq!(judge(vec![]).outcome, Outcome::Untested);
    }
}
