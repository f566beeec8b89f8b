//! The vendor's policy on the disclosure of vulnerabilities says what it must.
//!
//! A policy is prose, in any language. Words that are found show that a matter is spoken of; words that
//! are not found show nothing, because it may be said in others. So a policy that can be read is passed
//! or left to a person, and only one that is not there, or not open to everybody, fails.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::Answer;
use super::page::Page;
use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::format::security_txt;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Reads the policy that the target file names under `documents`, or the one that the vendor's security.txt
/// names, and looks for what it must tell: whom to write to, what it covers, when the first answer comes,
/// and that there is news until the end. Words of ten languages are known.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DisclosurePolicy {
    /// The document's name: the key under `documents` in the target file.
    #[serde(default = "disclosure_policy")]
    document: String,
    /// What it must tell; all four, where nothing is named.
    #[serde(default = "Matter::all")]
    tells: Vec<Matter>,
}

fn disclosure_policy() -> String {
    "disclosure-policy".into()
}

/// What a policy tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Matter {
    /// Whom to write to.
    Contact,
    /// Which products, services or sites it covers.
    Scope,
    /// Within what time a report is acknowledged.
    Acknowledgement,
    /// That the finder hears how it goes on.
    StatusUpdates,
}

impl Matter {
    fn all() -> Vec<Self> {
        vec![Self::Contact, Self::Scope, Self::Acknowledgement, Self::StatusUpdates]
    }
    fn rule(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Scope => "scope",
            Self::Acknowledgement => "acknowledgement",
            Self::StatusUpdates => "status-updates",
        }
    }
    fn words(self) -> &'static str {
        match self {
            Self::Contact => "whom to write to",
            Self::Scope => "what it covers",
            Self::Acknowledgement => "within what time a report is acknowledged",
            Self::StatusUpdates => "that the finder hears how it goes on",
        }
    }
    /// The words that show it, in the policy's text in lower case.
    fn found<'a>(self, text: &'a str, markup: &str) -> Option<&'a str> {
        match self {
            Self::Contact => first(&CONTACT, text).or_else(|| markup.to_ascii_lowercase().contains("mailto:").then_some("mailto:")),
            Self::Scope => first(&SCOPE, text),
            Self::Acknowledgement => first(&TIME_FIRST, text).or_else(|| first(&ANSWER_FIRST, text)),
            Self::StatusUpdates => first(&UPDATES, text),
        }
    }
}

type Pattern = LazyLock<Option<Regex>>;

fn first<'a>(pattern: &Pattern, text: &'a str) -> Option<&'a str> {
    pattern.as_ref()?.find(text).map(|found| found.as_str())
}

/// A mail address, also one that is kept from collectors, or a telephone number.
static CONTACT: Pattern = LazyLock::new(|| {
    Regex::new(r"[\w.+-]+ ?(@|\(at\)|\[at\]|\{at\}) ?[\w-]+(\.| ?\(dot\) ?| ?\[dot\] ?)[\w.-]+|security\.txt|\+\d[\d ()/-]{6,}\d").ok()
});
static SCOPE: Pattern = LazyLock::new(|| {
    Regex::new(r"\bscope|\bapplies to|\bcovers?\b|\bcovered|geltungsbereich|\bgilt für|\bgelten für|umfang|\bzakres|\bdotyczy|\bobejmuje|rozsah|vztahuje|domeniul|se aplică|\bambito|si applica|perim[eè]tr|périmètre|s.applique|alcance|se aplica|\bbereik|van toepassing|reikwijdte").ok()
});
const ANSWER: &str = r"acknowledg|\brespon[ds]|\brepl(y|ies)|\banswer|get back|react|bestätig|antwort|rückmeld|reagier|\bodpow|potwierd|reakcj|odpov[ěí]|potvrd|potvrz|reagujem|răspun|confirm|rispo|répon|accus|respuest|responder|contest|antwoord|bevestig|reager";
const TIME: &str = r"(\d+|\bone|\btwo|\bthree|\bfour|\bfive|\bseven|\bten|\beinem?|\beiner|\bzwei|\bdrei|\bfünf|\bsieben|\bzehn|\bjeden|\bjednego|\bdwóch|\btrzech|\bpięciu|\bsiedmiu|\bdvou|\btří|\bpěti|\bdouă|\btrei|\bcinci|\bun[ao]?|\bdue|\btre|\bcinque|\bdeux|\btrois|\bcinq|\bdos|\btres|\bcinco|\btwee|\bdrie|\bvijf)[ )\u{a0}-]*(\(\d+\) ?)?(business|working|calendar|full|werk-?|arbeits|kalender|robocz\w+|pracovní\w*|lucrătoare|lavorativi|ouvr\w+|hábiles|laborables)?[ \u{a0}-]*(h\b|hours?|hrs|days?|weeks?|stunden?|tag|woche|godzin|dni|dzień|tygod|hodin|dn[íůe]|den\b|týd|or[eă]\b|zile?|săpt|giorn|settiman|heure|jour|semaine|hora|días?|dias?|semana|u[ur]{2}|dagen|dag\b|we[e]?k)";
/// "Within three working days we acknowledge …", and the other way round.
static TIME_FIRST: Pattern = LazyLock::new(|| Regex::new(&format!(r"({TIME})[^.!?]{{0,160}}({ANSWER})")).ok());
static ANSWER_FIRST: Pattern = LazyLock::new(|| Regex::new(&format!(r"({ANSWER})[^.!?]{{0,160}}({TIME})")).ok());
static UPDATES: Pattern = LazyLock::new(|| {
    Regex::new(r"\bupdates?\b|\bupdated\b|\bstatus\b|\bprogress|inform(ed)? you|keep you|kept informed|\bin touch|auf dem laufenden|informier|sachstand|fortschritt|zwischenst|informuj|informowa|postęp|na bieżąco|informujem|informovat|průběh|stav\b|informăm|informat|stadiul|progres|aggiorn|\bstato\b|informat[oi]|inform(er|é)|avancement|tenir|informar|mantendr|progreso|\bestado\b|op de hoogte|voortgang").ok()
});

/// How the policy was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// The document; not named, where the target file names none.
    document: DocumentSeen,
    /// The address in the vendor's security.txt that this run does not go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elsewhere: Option<String>,
}

impl Kind for DisclosurePolicy {
    const NAME: &'static str = "disclosure-policy";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Found;

    async fn observe(&self, probes: &Probes) -> Result<Found, ProbeError> {
        let document = probes.document(&self.document).await?;
        if !matches!(document, DocumentSeen::NotNamed) {
            return Ok(Found { document, elsewhere: None });
        }
        let paper = probes.ask_website("/.well-known/security.txt", "read the vendor's security.txt").await?;
        let named = paper.answer("security.txt").ok().filter(|(_, answer)| answer.status == 200).and_then(|(_, answer)| {
            let (file, _) = security_txt::read(answer.text.as_deref().unwrap_or_default().as_bytes());
            Url::parse(file.policy()?).ok()
        });
        let Some(address) = named else { return Ok(Found { document, elsewhere: None }) };
        if probes.door().scope().admits(&address).is_err() {
            return Ok(Found { document, elsewhere: Some(address.into()) });
        }
        let trail = probes.door().ask_and_follow(&Request::get(address.clone(), "read the disclosure policy")).await?;
        let Some(last) = trail.last() else { return Err(ProbeError::bug("a chain of answers without an answer")) };
        let answer = Box::new(Answer::from(&**last));
        let document = DocumentSeen::Answered { location: address.into(), answer, stopped: trail.stopped.map(|e| e.to_string()) };
        Ok(Found { document, elsewhere: None })
    }

    fn judge(&self, seen: &Found, _: &Facts<'_>) -> Verdict {
        const CLAUSE: &str = "EN 303 645, provision 5.2-1";
        if let Some(address) = &seen.elsewhere {
            let why = format!("security.txt names {address}, where this run does not go; name it as `{}` under `documents`", self.document);
            return Verdict::untested(Cause::Missing, why);
        }
        let (location, text) = match seen.document.text(&self.document) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let markup = text.trim_start().starts_with('<') || text.contains("</");
        let page = markup.then(|| Page::read(text));
        if let Some(page) = page.as_ref().filter(|page| page.is_scripted() || page.text.trim().is_empty()) {
            let why = if page.is_scripted() {
                "scripts build the page, and Probity reads pages without running them"
            } else {
                "the page holds no text"
            };
            return Verdict::cant_tell(Cause::Target, format!("the disclosure policy: {why}"));
        }
        let read = page.map_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" "), |page| page.text).to_lowercase();
        let mut findings = Vec::new();
        let mut evidence = Vec::new();
        for matter in &self.tells {
            match matter.found(&read, text) {
                Some(words) => {
                    evidence.push(Evidence::expected(matter.words()).observed(words).at(crate::verdict::Place::of(location)).clause(CLAUSE))
                }
                None => findings.push(
                    Finding::open(
                        matter.rule(),
                        format!("no words were found that tell {}; whether others do is for a person to read", matter.words()),
                    )
                    .expected(matter.words())
                    .observed("no words that are known for it")
                    .at(location)
                    .clause(CLAUSE),
                ),
            }
        }
        let verdict = Verdict::from_findings(&findings, "the disclosure policy");
        if verdict.outcome == Outcome::Passed {
            return verdict.with_all(evidence).note("that it is spoken of was seen; whether it is kept was not");
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    fn judge_at(status: u16, text: &str) -> Verdict {
        let check: DisclosurePolicy = kind("{}");
        let answer = Box::new(answer(status, &[("Content-Type", "text/html")], text));
        let document = DocumentSeen::Answered { location: "https://v.test/policy".into(), answer, stopped: None };
        check.judge(
            &Found { document, elsewhere: None },
            &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None },
        )
    }

    #[test]
    fn sound_policies_of_ten_languages_pass() {
        for policy in [
            "Write to security@v.test. Scope: all our products. We acknowledge your report within 3 business days and keep you updated until it is mended.",
            "This policy applies to every service of ours. Report to security [at] v [dot] test; within one week you get a reply, and then status updates every two weeks.",
            "Schreiben Sie an sicherheit@v.test. Diese Regeln gelten für alle Geräte. Innerhalb von zwei Werktagen bestätigen wir den Eingang und halten Sie auf dem Laufenden.",
            "Kontakt: bezpieczenstwo@v.test. Zakres: wszystkie produkty. Potwierdzamy otrzymanie zgłoszenia w ciągu 3 dni roboczych i informujemy o postępach.",
            "Pište na bezpecnost@v.test. Rozsah: všechny výrobky. Na hlášení odpovíme do 5 pracovních dnů a informujeme vás o průběhu.",
            "Scrieți la securitate@v.test. Se aplică tuturor produselor. Confirmăm primirea în 3 zile lucrătoare și vă informăm despre stadiul remedierii.",
            "Scrivete a sicurezza@v.test. Ambito: tutti i prodotti. Confermiamo la ricezione; una risposta entro 5 giorni lavorativi, con aggiornamenti regolari.",
            "Écrivez à securite@v.test. Périmètre : tous nos produits. Nous accusons réception sous 72 heures et vous tenons informé de l'avancement.",
            "Escriba a seguridad@v.test. Alcance: todos los productos. Daremos una respuesta en 5 días hábiles y le mantendremos informado del estado.",
            "Mail naar beveiliging@v.test. Van toepassing op al onze producten. Wij bevestigen uw melding binnen 3 werkdagen en houden u op de hoogte.",
        ] {
            for text in [policy.to_owned(), format!("<html><body><main><p>{policy}</p></main></body></html>")] {
                let verdict = judge_at(200, &text);
                assert_eq!(verdict.outcome, Outcome::Passed, "{policy}: {}", verdict.reason);
            }
        }
    }

    #[test]
    fn what_words_do_not_show_is_for_a_person_and_never_a_failure() {
        for (policy, why) in [
            ("Scope: all. We acknowledge within 3 days and send updates.", "whom to write to"),
            ("Write to security@v.test. Scope: all. We send updates.", "within what time"),
            ("Write to security@v.test. Scope: all. We acknowledge promptly and send updates.", "within what time"),
            ("Write to security@v.test. Scope: all. We acknowledge within 3 days.", "how it goes on"),
            ("\u{3b3}\u{3c1}\u{3ac}\u{3c8}\u{3c4}\u{3b5} \u{3bc}\u{3b1}\u{3c2}", "a person"),
        ] {
            let verdict = judge_at(200, policy);
            assert_eq!(verdict.outcome, Outcome::CantTell, "{policy}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge_at(200, "<html><div id=root></div><script></script></html>").outcome, Outcome::CantTell);
    }

    #[test]
    fn a_policy_that_is_gone_fails_and_trouble_does_not() {
        assert_eq!(judge_at(404, "").outcome, Outcome::Failed);
        assert_eq!(judge_at(503, "").outcome, Outcome::CantTell);
        let check: DisclosurePolicy = kind("{}");
        let elsewhere = Found { document: DocumentSeen::NotNamed, elsewhere: Some("https://other.test/p".into()) };
        let facts_target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &facts_target, endpoint: None };
        assert_eq!(check.judge(&elsewhere, &facts).outcome, Outcome::Untested);
        assert_eq!(check.judge(&Found { document: DocumentSeen::NotNamed, elsewhere: None }, &facts).outcome, Outcome::Untested);
    }
}
