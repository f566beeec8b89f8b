//! A page that anybody can read without an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::Page;
use super::probes::is_address;
use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Fetches pages that the target file names under `documents` by their addresses, without any
/// credential, and looks for the subjects that they must speak of. Words that are found show that a
/// subject is spoken of; what is said about it is for people to judge.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicPage {
    /// The document's name: the key under `documents` in the target file. With `{language}` in it, there
    /// is one document for each of `languages`.
    document: String,
    /// What the page is, in a few words for people.
    asks: String,
    /// The languages, as first subtags of BCP 47: each page is in one of them, or, with `{language}` in
    /// `document`, there is one page in each.
    #[serde(default)]
    languages: Vec<String>,
    /// The subjects that the page must speak of.
    #[serde(default)]
    speaks_of: Vec<Subject>,
    /// The languages that the words of `speaks-of` cover; a page in another cannot be told.
    #[serde(default)]
    words_in: Vec<String>,
    /// Whether the page must name the product.
    #[serde(default)]
    names_product: bool,
}

/// A subject, known by its words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Subject {
    /// The subject in a few words, for people.
    about: String,
    /// Words of which one must occur, in any case of letters; a beginning of a word is enough.
    words: Vec<String>,
}

/// One page as it was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PageSeen {
    document: String,
    language: Option<String>,
    seen: DocumentSeen,
}

const PLACEHOLDER: &str = "{language}";

impl Kind for PublicPage {
    const NAME: &'static str = "public-page";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Vec<PageSeen>;

    async fn observe(&self, probes: &Probes) -> Result<Vec<PageSeen>, ProbeError> {
        let mut pages = Vec::new();
        if self.document.contains(PLACEHOLDER) {
            for language in &self.languages {
                let document = self.document.replace(PLACEHOLDER, language);
                pages.push(PageSeen { seen: probes.document(&document).await?, document, language: Some(language.clone()) });
            }
        } else {
            pages.push(PageSeen { seen: probes.document(&self.document).await?, document: self.document.clone(), language: None });
        }
        Ok(pages)
    }

    fn judge(&self, seen: &Vec<PageSeen>, facts: &Facts<'_>) -> Verdict {
        let mut verdicts: Vec<Verdict> = seen.iter().map(|page| self.page(page, facts)).collect();
        if verdicts.is_empty() {
            return Verdict::untested(Cause::Missing, format!("{}: no language is asked for", self.asks));
        }
        verdicts.sort_by_key(|verdict| verdict.outcome.rank());
        let evidence: Vec<Evidence> = verdicts.iter().skip(1).flat_map(|v| v.evidence.iter().cloned()).take(24).collect();
        verdicts.swap_remove(0).with_all(evidence)
    }
}

impl PublicPage {
    fn page(&self, page: &PageSeen, facts: &Facts<'_>) -> Verdict {
        if let DocumentSeen::Read { location, .. } | DocumentSeen::Unreadable { location, .. } = &page.seen
            && !is_address(location)
        {
            return Verdict::untested(Cause::Missing, format!("the document `{}` is a file; whether the public can read it needs its address", page.document));
        }
        let (location, text) = match page.seen.text(&page.document) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let DocumentSeen::Answered { answer, .. } = &page.seen else {
            return Verdict::cant_tell(Cause::Bug, "a page without an answer was taken for one with an answer");
        };
        if !matches!(answer.media_type().as_str(), "text/html" | "application/xhtml+xml") {
            let seen = answer.header("content-type").unwrap_or("no media type");
            return Verdict::failed(format!("{}: it is not a web page", self.asks)).with(Evidence::expected("an HTML page").observed(seen).at(answer.header_place("Content-Type")));
        }
        let html = Page::read(text);
        let mut findings = Vec::new();
        let language = html.language();
        if let Some(wanted) = &page.language {
            if language.as_ref() != Some(wanted) {
                findings.push(Finding::error("language", format!("the page for `{wanted}` is not marked as being in that language")).expected(format!("<html lang={wanted}>")).observed(html.lang.as_deref().unwrap_or("no lang")).at(location));
            }
        } else if !self.languages.is_empty() && language.as_ref().is_none_or(|l| !self.languages.contains(l)) {
            findings.push(Finding::error("language", "the page is in none of the languages that are asked for").expected(format!("one of {}", self.languages.join(", "))).observed(html.lang.as_deref().unwrap_or("no lang")).at(location));
        }
        if html.is_scripted() && (self.names_product || !self.speaks_of.is_empty()) && findings.is_empty() {
            return Verdict::cant_tell(Cause::Target, format!("{}: scripts build the page, and Probity reads pages without running them", self.asks)).with(answer.status_evidence("a page with text"));
        }
        let text = html.text.to_lowercase();
        let product = &facts.target.product.name;
        if self.names_product && !text.contains(&product.to_lowercase()) && !html.title.unwrap_or_default().to_lowercase().contains(&product.to_lowercase()) {
            findings.push(Finding::error("product", format!("the page does not name the product {product}")).expected(product.clone()).observed("not on the page").at(location));
        }
        let covered = self.words_in.is_empty() || language.as_ref().is_some_and(|l| self.words_in.contains(l));
        let mut unknown = false;
        for subject in &self.speaks_of {
            if subject.words.iter().any(|word| has_word(&text, &word.to_lowercase())) {
                continue;
            }
            if covered {
                findings.push(Finding::error("subject", format!("the page does not speak of {}", subject.about)).expected(format!("words such as {}", subject.words.iter().take(4).cloned().collect::<Vec<_>>().join(", "))).observed("none of them").at(location));
            } else {
                unknown = true;
            }
        }
        let verdict = Verdict::from_findings(&findings, &self.asks);
        if verdict.outcome == Outcome::Passed && unknown {
            let language = language.unwrap_or_else(|| "unknown".into());
            return Verdict::cant_tell(Cause::Missing, format!("{}: the profile has no words for the language `{language}` to look for subjects by", self.asks)).with(answer.status_evidence("a page in a language that the profile knows"));
        }
        if verdict.outcome == Outcome::Passed {
            return verdict.with(answer.status_evidence("a public page")).note("that a subject is spoken of was seen; what is said about it was not judged");
        }
        verdict
    }
}

/// Whether a word occurs at the beginning of a word of the text.
fn has_word(text: &str, word: &str) -> bool {
    !word.is_empty() && text.match_indices(word).any(|(at, _)| text.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    fn seen(status: u16, media_type: &str, html: &str) -> DocumentSeen {
        DocumentSeen::Answered { location: "https://v.test/p".into(), answer: Box::new(answer(status, &[("Content-Type", media_type)], html)), stopped: None }
    }
    fn judge(check: &str, pages: Vec<(Option<&str>, DocumentSeen)>) -> Verdict {
        let check: PublicPage = kind(check);
        let pages = pages.into_iter().map(|(l, seen)| PageSeen { document: "privacy".into(), language: l.map(str::to_owned), seen }).collect();
        check.judge(&pages, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }
    const CHECK: &str = "{document: privacy, asks: the notice, languages: [en, de], words-in: [en], names-product: true, speaks-of: [{about: who answers for it, words: [controller]}]}";
    const PAGE: &str = "<html lang=en><title>Privacy</title><p>The Controller of Bell is Bright Ltd, and this sentence is long enough.</p>";

    #[test]
    fn a_page_that_speaks_of_its_subjects_passes() {
        assert_eq!(judge(CHECK, vec![(None, seen(200, "text/html", PAGE))]).outcome, Outcome::Passed);
    }

    #[test]
    fn each_fault_has_its_reason() {
        for (seen, why) in [
            (seen(404, "text/html", PAGE), "status 404"),
            (seen(401, "text/html", PAGE), "status 401"),
            (seen(200, "application/pdf", PAGE), "not a web page"),
            (seen(200, "text/html", &PAGE.replace("en>", "fr>").replace("Controller", "controller")), "none of the languages"),
            (seen(200, "text/html", &PAGE.replace("Bell", "Ball")), "does not name the product"),
            (seen(200, "text/html", &PAGE.replace("Controller", "Microcontroller")), "who answers for it"),
        ] {
            let verdict = judge(CHECK, vec![(None, seen)]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn words_of_another_language_and_scripted_pages_cannot_be_told() {
        let german = "<html lang=de><title>Bell</title><p>Verantwortlich ist die Bright GmbH, und dieser Satz ist lang genug.</p>";
        assert_eq!(judge(CHECK, vec![(None, seen(200, "text/html", german))]).outcome, Outcome::CantTell);
        let scripted = "<html lang=en><div id=root></div><script></script>";
        assert_eq!(judge(CHECK, vec![(None, seen(200, "text/html", scripted))]).outcome, Outcome::CantTell);
        assert_eq!(judge(CHECK, vec![(None, DocumentSeen::NotNamed)]).outcome, Outcome::Untested);
        let file = DocumentSeen::Read { location: "privacy.html".into(), text: PAGE.into(), sha256: String::new() };
        assert_eq!(judge(CHECK, vec![(None, file)]).outcome, Outcome::Untested);
    }

    #[test]
    fn one_page_for_each_language() {
        let check = "{document: 'manual-{language}', asks: the manual, languages: [en, pl]}";
        let pages = |polish: &str| vec![(Some("en"), seen(200, "text/html", PAGE)), (Some("pl"), seen(200, "text/html", polish))];
        assert_eq!(judge(check, pages("<html lang=pl-PL><p>x")).outcome, Outcome::Passed);
        assert_eq!(judge(check, pages(PAGE)).outcome, Outcome::Failed);
        assert_eq!(judge(check, vec![]).outcome, Outcome::Untested);
    }
}
