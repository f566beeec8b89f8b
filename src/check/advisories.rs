//! The vendor's advisories themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::csaf_provider::{Places, find_metadata};
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::csaf::{file_name_of, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Reads the newest of the advisories that the metadata of the vendor as a CSAF provider lead to, by a directory with
/// `index.txt` or by ROLIE feeds, and judges each: its structure, the mandatory tests of CSAF 2.0, its file's name.
/// A vendor who has published none yet has nothing to be judged.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Advisories {
    /// How many of the newest are read, at most 20.
    most: u8,
}

/// The most that are read, whatever a profile says: each is a request to a stranger's site.
const MOST: usize = 20;
/// The most feeds and directories that are looked into.
const LISTS: usize = 4;
/// The most bytes of an advisory.
const MAX_ADVISORY: u64 = 8 << 20;

/// What was asked, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AdvisoriesSeen {
    metadata: Places,
    /// The lists of advisories, then as many of the advisories as are read.
    #[serde(default)]
    lists: Vec<Asked>,
    #[serde(default)]
    advisories: Vec<Asked>,
}

/// One address and the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Asked {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    /// Why it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

const PURPOSE: &str = "read the vendor's advisories";

async fn ask(probes: &Probes, address: &Url) -> Result<Asked, ProbeError> {
    let request = Request::get(address.clone(), PURPOSE).max_body(MAX_ADVISORY);
    let (answer, trouble) = match probes.door().ask(&request).await {
        Ok(exchange) => (Some(Answer::from(&*exchange)), None),
        Err(error) if error.ends_the_run() => return Err(error),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(Asked { address: address.to_string(), answer, trouble })
}

/// Where the lists are that the metadata name: feeds as they are, directories by their index.
fn lists_of(metadata: &Value, base: &Url) -> Vec<Url> {
    let mut found = Vec::new();
    for distribution in metadata.get("distributions").and_then(Value::as_array).into_iter().flatten() {
        let feeds = distribution.pointer("/rolie/feeds").and_then(Value::as_array).into_iter().flatten();
        // What is not for everybody is not asked for.
        let open = |f: &&Value| f.get("tlp_label").and_then(Value::as_str).is_none_or(|l| matches!(l, "WHITE" | "CLEAR" | "UNLABELED"));
        found.extend(feeds.filter(open).filter_map(|f| base.join(f.get("url")?.as_str()?).ok()));
        if let Some(directory) = distribution.get("directory_url").and_then(Value::as_str) {
            let whole = format!("{}/", directory.trim_end_matches('/'));
            found.extend(base.join(&whole).and_then(|d| d.join("index.txt")).ok());
        }
    }
    found.truncate(LISTS);
    found
}

/// The addresses of advisories in a list, the newest first as far as the list tells.
fn entries_of(list: &Asked) -> Vec<Url> {
    let (Some(answer), Ok(base)) = (&list.answer, Url::parse(&list.address)) else { return Vec::new() };
    let text = answer.text.as_deref().filter(|_| answer.status == 200).unwrap_or_default();
    if let Ok(feed) = serde_json::from_str::<Value>(text) {
        let mut entries: Vec<(&str, Url)> = Vec::new();
        for entry in feed.pointer("/feed/entry").and_then(Value::as_array).into_iter().flatten() {
            let source = entry.pointer("/content/src").and_then(Value::as_str);
            let updated = entry.get("updated").and_then(Value::as_str).unwrap_or_default();
            entries.extend(source.and_then(|s| base.join(s).ok()).map(|url| (updated, url)));
        }
        entries.sort_by(|a, b| b.cmp(a));
        return entries.into_iter().map(|(_, url)| url).collect();
    }
    // Folders by year, so the later path is the newer (section 7.1.11).
    let mut paths: Vec<&str> = text.lines().map(str::trim).filter(|l| l.ends_with(".json")).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths.into_iter().filter_map(|path| base.join(path).ok()).collect()
}

impl Kind for Advisories {
    const NAME: &'static str = "advisories";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = AdvisoriesSeen;

    async fn observe(&self, probes: &Probes) -> Result<AdvisoriesSeen, ProbeError> {
        let metadata = find_metadata(probes).await?;
        let lists = metadata
            .metadata()
            .and_then(|(asked, text)| Some(lists_of(&serde_json::from_str(text).ok()?, &Url::parse(asked).ok()?)))
            .unwrap_or_default();
        let mut seen = AdvisoriesSeen { metadata, lists: Vec::new(), advisories: Vec::new() };
        for list in lists {
            seen.lists.push(ask(probes, &list).await?);
        }
        let mut addresses: Vec<Url> = Vec::new();
        for address in seen.lists.iter().flat_map(entries_of) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        for address in addresses.iter().take(usize::from(self.most).min(MOST)) {
            seen.advisories.push(ask(probes, address).await?);
        }
        Ok(seen)
    }

    fn judge(&self, seen: &AdvisoriesSeen, _: &Facts<'_>) -> Verdict {
        if seen.metadata.metadata().is_none() {
            return Verdict::inapplicable("There are no metadata of a provider that lead to advisories; that is a question of its own");
        }
        let answered = |asked: &&Asked| asked.answer.as_ref().is_some_and(|a| a.status == 200);
        if let Some(gone) = seen.lists.iter().find(|l| l.answer.as_ref().is_some_and(|a| matches!(a.status, 404 | 410))) {
            return Verdict::failed("A list of advisories that the metadata name is not there").with(
                Evidence::expected("a list of advisories")
                    .observed(&format!("{}: status {}", gone.address, gone.answer.as_ref().map_or(0, |a| a.status)))
                    .clause("CSAF 2.0, sections 7.1.11 to 7.1.15"),
            );
        }
        if !seen.lists.iter().any(|l| answered(&l)) {
            let why = seen.lists.iter().find_map(|l| l.trouble.as_deref()).unwrap_or("none of the lists answered");
            return Verdict::cant_tell(Cause::Target, format!("No list of advisories could be read: {}", crate::verdict::Untrusted::new(why)));
        }
        if seen.advisories.is_empty() {
            return Verdict::inapplicable("No advisory has been published yet");
        }
        let mut findings = Vec::new();
        let mut read = 0;
        for asked in &seen.advisories {
            match &asked.answer {
                Some(answer) if answer.status == 200 && answer.cut.is_none() => {
                    read += 1;
                    findings.extend(judge_file(&asked.address, answer.text.as_deref().unwrap_or_default()));
                }
                Some(answer) if matches!(answer.status, 404 | 410) => findings.push(
                    Finding::error("advisory-gone", "an advisory that the list names is not there").observed(&asked.address).clause("CSAF 2.0, section 7.1.13"),
                ),
                Some(answer) => findings.push(
                    Finding::open("advisory-unread", format!("an advisory could not be read: status {}", answer.status)).observed(&asked.address),
                ),
                None => findings.push(Finding::open("advisory-unread", "an advisory was not asked for").observed(&asked.address)),
            }
        }
        let verdict = Verdict::from_findings(&findings, "the advisories");
        if verdict.outcome == Outcome::Passed {
            verdict.with(Evidence::expected("advisories in CSAF without a fault").observed(&format!("{read} read")).clause("CSAF 2.0, section 6.1"))
        } else {
            verdict
        }
    }
}

/// One advisory as it was published at this address.
fn judge_file(address: &str, text: &str) -> Vec<Finding> {
    let source = match Source::json(address, text.as_bytes()) {
        Ok(source) => source,
        Err(error) => return vec![Finding::error("json", format!("it is not JSON: {}", error.message)).position(Some(error.position)).clause("RFC 8259")],
    };
    let mut findings = judge(&source);
    let name = address.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    if let Some(expected) = source.value().pointer("/document/tracking/id").and_then(Value::as_str).map(file_name_of)
        && name != expected
    {
        findings.push(
            Finding::error("file-name", "the file's name is not made from the advisory's identifier").expected(expected).observed(name).clause("CSAF 2.0, section 5.1"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::probes::WebsiteSeen;
    use super::*;

    const HERE: &str = "https://shop.test/.well-known/csaf/provider-metadata.json";

    fn advisory() -> Value {
        json!({"document": {
            "category": "csaf_base", "csaf_version": "2.0", "title": "t", "distribution": {"tlp": {"label": "WHITE"}},
            "publisher": {"category": "vendor", "name": "v", "namespace": "https://shop.test"},
            "tracking": {
                "id": "EX 2026:1", "status": "final", "version": "1", "initial_release_date": "2026-10-01T00:00:00Z", "current_release_date": "2026-10-01T00:00:00Z",
                "revision_history": [{"number": "1", "date": "2026-10-01T00:00:00Z", "summary": "first"}]
            }
        }})
    }

    fn asked(address: &str, status: u16, text: &str) -> Asked {
        Asked { address: address.into(), answer: Some(answer(status, &[], text)), trouble: None }
    }

    fn seen(lists: Vec<Asked>, advisories: Vec<Asked>) -> AdvisoriesSeen {
        let well_known = WebsiteSeen::Answered {
            asked: HERE.into(),
            answer: Box::new(answer(200, &[("Content-Type", "application/json")], "{}")),
            stopped: None,
        };
        AdvisoriesSeen { metadata: Places::found(well_known), lists, advisories }
    }

    fn judged(seen: &AdvisoriesSeen) -> Verdict {
        let check: Advisories = kind("{most: 5}");
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }

    #[test]
    fn an_advisory_is_judged_with_its_name() {
        let list = || vec![asked("https://shop.test/csaf/index.txt", 200, "2026/ex_2026_1.json\n")];
        let at = "https://shop.test/csaf/2026/ex_2026_1.json";
        let sound = judged(&seen(list(), vec![asked(at, 200, &advisory().to_string())]));
        assert_eq!(sound.outcome, Outcome::Passed, "{}", sound.reason);
        let elsewhere = judged(&seen(list(), vec![asked("https://shop.test/csaf/2026/other.json", 200, &advisory().to_string())]));
        assert_eq!((elsewhere.outcome, elsewhere.reason.contains("file's name")), (Outcome::Failed, true), "{}", elsewhere.reason);
        let mut broken = advisory();
        broken["document"]["tracking"]["version"] = json!("2");
        assert_eq!(judged(&seen(list(), vec![asked(at, 200, &broken.to_string())])).outcome, Outcome::Failed);
        assert_eq!(judged(&seen(list(), vec![asked(at, 404, "")])).outcome, Outcome::Failed);
        assert_eq!(judged(&seen(list(), vec![asked(at, 503, "")])).outcome, Outcome::CantTell);
        assert_eq!(judged(&seen(list(), vec![])).outcome, Outcome::Inapplicable);
        assert_eq!(judged(&seen(vec![asked("https://shop.test/csaf/index.txt", 404, "")], vec![])).outcome, Outcome::Failed);
        assert_eq!(judged(&seen(vec![asked("https://shop.test/csaf/index.txt", 500, "")], vec![])).outcome, Outcome::CantTell);
    }

    #[test]
    fn lists_lead_to_the_newest_first() {
        let metadata = json!({"distributions": [
            {"directory_url": "https://shop.test/csaf"},
            {"rolie": {"feeds": [{"url": "https://shop.test/feed.json", "tlp_label": "WHITE"}, {"url": "https://shop.test/secret.json", "tlp_label": "RED"}]}}
        ]});
        let lists: Vec<String> = lists_of(&metadata, &Url::parse(HERE).unwrap()).iter().map(Url::to_string).collect();
        assert_eq!(lists, ["https://shop.test/csaf/index.txt", "https://shop.test/feed.json"]);
        let of = |address: &str, text: &str| entries_of(&asked(address, 200, text)).iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(of(&lists[0], "2025/a.json\n2026/b.json\n# no\n"), ["https://shop.test/csaf/2026/b.json", "https://shop.test/csaf/2025/a.json"]);
        let feed = json!({"feed": {"entry": [
            {"updated": "2026-01-01T00:00:00Z", "content": {"src": "https://shop.test/old.json"}},
            {"updated": "2026-02-01T00:00:00Z", "content": {"src": "/new.json"}}
        ]}});
        assert_eq!(of(&lists[1], &feed.to_string()), ["https://shop.test/new.json", "https://shop.test/old.json"]);
    }
}
