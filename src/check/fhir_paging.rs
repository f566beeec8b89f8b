//! Whether a FHIR service gives a long list page by page: whole, without circles, and no faster than asked.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::StatusPattern;
use super::fhir::{Client, Reply, Talk, begin, default, link, matches, recommended, resource, status, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Searches for the test person's resources of the type of which there are most, `count` to a page, and
/// follows the links `next` to the end. No page holds more than was asked for, none comes twice, no
/// resource comes twice, none that the same search gave in one piece is missing, and an accurate
/// `total` is the number of those that came.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirPaging {
    /// How many matches a page may hold.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    count: u32,
    /// The most pages that are followed.
    #[serde(default = "twenty")]
    #[schemars(range(min = 2, max = 200))]
    most_pages: u32,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

fn two() -> u32 {
    2
}
fn twenty() -> u32 {
    20
}

/// One page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Page {
    /// The type that is searched.
    of: String,
    /// The ids that the search gave in one piece; with the first page.
    #[serde(default)]
    expected: Vec<String>,
}

const CLAUSE: &str = "HL7 FHIR R4, RESTful API, paging (http.html#paging)";
const COUNT: &str = "HL7 FHIR R4, search, page count (search.html#count)";

impl Kind for FhirPaging {
    const NAME: &'static str = "fhir-paging";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Page>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Page>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        let most = known.resources.iter().max_by_key(|(_, resources)| resources.len());
        let Some((of, resources)) = most.filter(|(_, resources)| resources.len() > self.count as usize) else {
            talk.left.push(format!("paging: the test person has no more than {} resources of any type that can be searched", self.count));
            return Ok(talk);
        };
        let expected: Vec<String> = resources.iter().filter_map(|r| r.get("id").and_then(Value::as_str)).map(str::to_owned).collect();
        let Some(query) = known.claimed.of_type(of).and_then(|t| t.of_person(&known.person)) else { return Ok(talk) };
        let mut path = format!("{query}&_count={}&_total=accurate", self.count);
        let mut asked = BTreeSet::new();
        let mut page = Page { of: of.clone(), expected };
        for _ in 0..self.most_pages {
            asked.insert(path.clone());
            let reply = client.get(&path, "follow the pages of a search").await?;
            let next = match &reply {
                Reply::Answered(answer) => resource(answer, "Bundle").ok().and_then(|b| link(&b, "next").map(str::to_owned)),
                Reply::Trouble(_) | Reply::Spent => None,
            };
            match reply.turn(page.clone()) {
                Some(turn) => talk.turns.push(turn),
                None => break,
            }
            page.expected.clear();
            // A page that was asked for already is a circle; the judge sees it in the links.
            match next.filter(|next| !asked.contains(next)) {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Page>, _: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if !claimed.types.iter().any(|t| t.does("search-type")) {
            return Verdict::inapplicable("the service claims no search, so there are no pages");
        }
        if seen.turns.is_empty() {
            let why = seen.left.first().cloned().unwrap_or_else(|| "no search could be tried".into());
            return Verdict::untested(Cause::Missing, format!("{why}; seed at least {} Observations for the test person", self.count + 1));
        }
        let findings = self.faults(seen);
        let tried = format!("{} pages to the end, each resource once", seen.turns.len());
        seen.verdict(&findings, "pages", &tried)
    }
}

impl FhirPaging {
    fn faults(&self, seen: &Talk<Page>) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut ids: Vec<String> = Vec::new();
        let mut addresses: BTreeSet<&str> = BTreeSet::new();
        let (mut total, mut accurate, mut ended) = (None, false, false);
        for turn in &seen.turns {
            let answer = match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => answer,
                Err(finding) => {
                    out.push(finding);
                    return out;
                }
            };
            addresses.insert(&answer.url);
            if answer.status != 200 {
                out.push(status(answer, "fhir-page", "a page does not come", "status 200 with a Bundle").clause(CLAUSE));
                return out;
            }
            let bundle = match resource(answer, "Bundle") {
                Ok(bundle) => bundle,
                Err(finding) => {
                    out.push(finding);
                    return out;
                }
            };
            let found = matches(&bundle);
            if found.len() > self.count as usize {
                let finding = Finding::error("fhir-page-count", "a page holds more than `_count` allows");
                out.push(told(answer, finding).expected(format!("{} matches at most", self.count)).observed(&format!("{} matches", found.len())).clause(COUNT));
            }
            for resource in &found {
                let Some(id) = resource.get("id").and_then(Value::as_str) else { continue };
                if ids.iter().any(|known| known == id) {
                    let finding = Finding::error("fhir-page-overlap", "a resource comes on two pages");
                    out.push(told(answer, finding).expected("each resource once").observed(&format!("{}/{id} again", turn.asked.of)).clause(CLAUSE));
                }
                ids.push(id.to_owned());
            }
            if total.is_none() {
                total = bundle.get("total").and_then(Value::as_u64);
                accurate = link(&bundle, "self").is_some_and(|l| l.contains("_total=accurate"));
            }
            match link(&bundle, "next") {
                None => ended = true,
                Some(next) if addresses.contains(next) => {
                    let finding = Finding::error("fhir-page-circle", "the link to the next page leads back to a page that came before");
                    out.push(told(answer, finding).expected("a further page").observed(next).clause(CLAUSE));
                    return out;
                }
                Some(_) => {}
            }
        }
        let Some(last) = seen.turns.last().and_then(|t| t.answer.as_deref()) else { return out };
        if !ended {
            let message = format!("the pages had no end within {} pages", seen.turns.len());
            out.push(told(last, Finding::open("fhir-page-bound", message)));
            return out;
        }
        let came: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let expected = seen.turns.first().map(|t| t.asked.expected.as_slice()).unwrap_or_default();
        let lost: Vec<&str> = expected.iter().map(String::as_str).filter(|id| !came.contains(id)).collect();
        if let Some(first) = lost.first() {
            let finding = Finding::error("fhir-page-lost", "resources that the same search gives in one piece are on none of the pages");
            out.push(told(last, finding).expected(format!("{} resources", expected.len())).observed(&format!("{first} is missing, {} in all", lost.len())).clause(CLAUSE));
        } else if let Some(total) = total.filter(|total| *total != came.len() as u64) {
            let finding = told(last, Finding::error("fhir-page-total", "the total is not the number of resources that came"));
            // A server that did not take up the wish for an accurate total may have estimated it.
            out.push(recommended(accurate, finding.expected(came.len().to_string()).observed(&total.to_string()).clause(CLAUSE)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];
    const METADATA: &str = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","resource":[{"type":"Observation","interaction":[{"code":"search-type"}]}]}]}"#;

    /// Pages by their ids and the number of the page that `next` leads to.
    fn judge(pages: &[(&[&str], Option<usize>)], total: u64) -> Verdict {
        let check: FhirPaging = kind("{}");
        let address = |n: usize| format!("https://api.test/Observation?page={n}");
        let turns = pages.iter().enumerate().map(|(n, (ids, next))| {
            let mut links = vec![json!({"relation": "self", "url": "https://api.test/Observation?_total=accurate"})];
            links.extend(next.map(|n| json!({"relation": "next", "url": address(n)})));
            let entries: Vec<Value> = ids.iter().map(|id| json!({"resource": {"resourceType": "Observation", "id": id}})).collect();
            let bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": total, "link": links, "entry": entries});
            let mut answer = answer(200, &FHIR, &bundle.to_string());
            answer.url = address(n);
            let expected = if n == 0 { vec!["a".into(), "b".into(), "c".into()] } else { Vec::new() };
            Turn { asked: Page { of: "Observation".into(), expected }, answer: Some(Box::new(answer)), trouble: None }
        });
        let talk = Talk { metadata: Some(Box::new(answer(200, &FHIR, METADATA))), turns: turns.collect(), ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn pages_are_whole_or_fail_for_their_reason() {
        assert_eq!(judge(&[(&["a", "b"], Some(1)), (&["c"], None)], 3).outcome, Outcome::Passed);
        for (pages, total, why) in [
            (&[(&["a", "b", "c"][..], None)][..], 3, "more than `_count`"),
            (&[(&["a", "b"], Some(1)), (&["b", "c"], None)], 3, "two pages"),
            (&[(&["a", "b"], Some(1)), (&["c"], Some(0))], 3, "leads back"),
            (&[(&["a", "b"], Some(1)), (&["d"], None)], 3, "none of the pages"),
            (&[(&["a", "b"], None)], 3, "none of the pages"),
            (&[(&["a", "b"], Some(1)), (&["c"], None)], 7, "total"),
        ] {
            let verdict = judge(pages, total);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge(&[(&["a", "b"], Some(1)), (&["c"], Some(2))], 3).outcome, Outcome::CantTell, "no end within the bound");
        assert_eq!(judge(&[], 0).outcome, Outcome::Untested);
    }
}
