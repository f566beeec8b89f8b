//! A directory of services that speaks the Human Services Data Specification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Answer;
use super::answer_format::{MediaTypes, body, within};
use super::{Facts, Kind, On, Probes};
use crate::format::hsds;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Evidence, Finding, Grade, Outcome, Verdict};

/// Services that are read whole; a limit of ours, so that a profile cannot ask for a whole directory.
const MAX_SAMPLE: usize = 100;

/// Asks a directory as the Human Services Data Specification 3.0 has it: the root of the API, the first two
/// pages of its services, a sample of those services whole, and the description that the root names, where
/// it is at the same origin. Judged are members, values and references of every object, the counting of the
/// pages, and whether page, list and service agree with each other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HsdsDirectory {
    /// How many services are read whole, up to 100.
    #[serde(default = "default_sample")]
    sample: u8,
    /// The addresses of profiles of which the root must name one. Any, where none is named.
    #[serde(default)]
    profiles: Vec<String>,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

pub(super) fn default_sample() -> u8 {
    20
}

/// What the directory answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Directory {
    /// `GET` of the endpoint's own address.
    pub(super) root: Answer,
    /// `GET services?page=1`.
    pub(super) page: Answer,
    /// `GET services?page=2`, where there is more than one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_page: Option<Answer>,
    /// The description at `openapi_url`, where it is at the same origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Answer>,
    /// `GET services/{id}` for some of the page.
    pub(super) services: Vec<Answer>,
}

impl Directory {
    /// Asks.
    pub(super) async fn observe(probes: &Probes, sample: u8, credential: Option<&str>) -> Result<Self, ProbeError> {
        let sample = usize::from(sample).min(MAX_SAMPLE);
        let ask = async |path: &str, purpose: &str| {
            let request = Request::get(probes.address(path)?, purpose).header("Accept", "application/json").gzip();
            let request = match credential.filter(|name| probes.has_credential(name)) {
                Some(name) => request.credential(name),
                None => request,
            };
            Ok::<Answer, ProbeError>(Answer::from(&*probes.door().ask(&request).await?))
        };
        let root = ask("", "read the root of the directory").await?;
        let page = ask(&format!("services?page=1&per_page={}", sample.max(1)), "list services").await?;
        let pages = json(&page).as_ref().and_then(|page| page.get("total_pages")).and_then(Value::as_u64);
        let next_page = match pages {
            Some(2..) => Some(ask(&format!("services?page=2&per_page={}", sample.max(1)), "list more services").await?),
            Some(_) | None => None,
        };
        let own = url::Url::parse(&root.url).ok();
        let description = json(&root).as_ref().and_then(|root| own.as_ref()?.join(root.get("openapi_url")?.as_str()?).ok());
        let description = match description.filter(|address| own.as_ref().is_some_and(|own| own.origin() == address.origin())) {
            Some(address) => {
                let request = Request::get(address, "read the directory's description").header("Accept", "application/json").gzip();
                Some(Answer::from(&*probes.door().ask(&request).await?))
            }
            None => None,
        };
        let mut services = Vec::new();
        for id in ids(&page).into_iter().take(sample) {
            services.push(ask(&format!("services/{id}"), "read a service").await?);
        }
        Ok(Self { root, page, next_page, description, services })
    }
}

fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_str(answer.text.as_deref()?).ok()
}

/// The identifiers on a page that can stand in a path as they are.
fn ids(page: &Answer) -> Vec<String> {
    let Some(value) = page.text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return Vec::new() };
    let harmless = |id: &&str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let contents = value.get("contents").and_then(Value::as_array).into_iter().flatten();
    contents.filter_map(|service| service.get("id")).filter_map(Value::as_str).filter(harmless).map(str::to_owned).collect()
}

impl Kind for HsdsDirectory {
    const NAME: &'static str = "hsds-directory";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Directory;

    async fn observe(&self, probes: &Probes) -> Result<Directory, ProbeError> {
        Directory::observe(probes, self.sample, self.credential.as_deref()).await
    }

    fn judge(&self, seen: &Directory, _: &Facts<'_>) -> Verdict {
        let mut findings = Vec::new();
        let parts = [(&seen.root, "the root of the directory", "root"), (&seen.page, "the list of services", "service")];
        let next = seen.next_page.iter().map(|answer| (answer, "the second page of services", "service"));
        let services = seen.services.iter().map(|answer| (answer, "a service", "service"));
        for (answer, asks, class) in parts.into_iter().chain(next).chain(services) {
            match body(answer, asks, MediaTypes::Json) {
                Ok(text) => {
                    let question = answer.question();
                    let judged = hsds::judge_as(Some(class), &question, text.as_bytes());
                    findings.extend(judged.into_iter().map(|finding| within(finding, &question)));
                }
                Err(verdict) => return *verdict,
            }
        }
        findings.extend(self.profile(&seen.root));
        findings.extend(seen.next_page.as_ref().map(|next| pages(&seen.page, next)).into_iter().flatten());
        findings.extend(seen.description.as_ref().and_then(description));
        let listed = json(&seen.page);
        for answer in &seen.services {
            findings.extend(other_service(answer));
            findings.extend(listed.as_ref().and_then(|page| listed_otherwise(page, answer)));
        }
        let mut verdict = Verdict::from_findings(&findings, "the directory");
        if verdict.outcome == Outcome::Passed {
            let all = [&seen.root, &seen.page].into_iter().chain(&seen.services);
            verdict = verdict.with_all(all.take(5).map(|answer| answer.status_evidence("an answer that keeps HSDS 3.0")));
            if seen.services.is_empty() {
                verdict = verdict.note("the page lists no service, so none was read whole");
            }
        }
        verdict
    }
}

impl HsdsDirectory {
    fn profile(&self, root: &Answer) -> Option<Finding> {
        let value: Value = serde_json::from_str(root.text.as_deref()?).ok()?;
        let profile = value.get("profile").and_then(Value::as_str).unwrap_or_default();
        if self.profiles.is_empty() || self.profiles.iter().any(|wanted| wanted == profile) {
            return None;
        }
        let finding = Finding::error("profile", "the directory follows another profile than those that are asked for");
        Some(finding.at("/profile").expected(self.profiles.join(" or ")).observed(profile).clause("HSDS 3.0, profiles"))
    }
}

/// The service that was asked for must be the one that came.
fn other_service(answer: &Answer) -> Option<Finding> {
    let asked = answer.url.split('?').next()?.rsplit('/').next()?;
    let value: Value = serde_json::from_str(answer.text.as_deref()?).ok()?;
    let came = value.get("id").and_then(Value::as_str)?;
    (came != asked).then(|| {
        let finding = Finding::error("other-service", "another service came than the one that was asked for");
        finding.at(format!("{} /id", answer.question())).expected(asked).observed(came).clause("HSDS 3.0, GET /services/{id}")
    })
}

/// Where two pages do not fit together. Between the questions a directory may have changed, so that what
/// one change explains is a warning.
fn pages(first: &Answer, second: &Answer) -> Vec<Finding> {
    let clause = "HSDS 3.0, API reference, Page";
    let (Some(one), Some(two)) = (json(first), json(second)) else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(number) = two.get("page_number").and_then(Value::as_u64).filter(|number| *number != 2) {
        let finding = Finding::error("page-number", "another page came than the one that was asked for");
        findings.push(finding.at(format!("{} /page_number", second.question())).expected("2").observed(&number.to_string()).clause(clause));
    }
    let ids = |page: &Value| -> Vec<String> {
        let contents = page.get("contents").and_then(Value::as_array).into_iter().flatten();
        contents.filter_map(|service| service.get("id")).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (on_one, on_two) = (ids(&one), ids(&two));
    let again = on_two.iter().filter(|id| on_one.contains(id)).count();
    if again > 0 && again == on_two.len() {
        let finding = Finding::error("page-again", "the second page holds what the first one held");
        findings.push(finding.at(format!("{} /contents", second.question())).expected("further services").observed(&format!("{again} that were on the first page")).clause(clause));
    } else if again > 0 {
        findings.push(Finding::warning("page-again", format!("{again} services of the second page were on the first")).at(second.question()).clause(clause));
    }
    findings
}

/// What keeps the description from being one.
fn description(answer: &Answer) -> Option<Finding> {
    if answer.tells_nothing(&[]).is_some() || answer.unfinished().is_some() || matches!(answer.status, 401 | 403) {
        return Some(Finding::open("openapi", "the description that the root names could not be read").at(answer.question()));
    }
    let sound = (200..300).contains(&answer.status) && json(answer).is_some_and(|value| value.get("openapi").is_some() || value.get("swagger").is_some());
    (!sound).then(|| {
        let finding = Finding::error("openapi", "where the root says that the API's description is, there is none");
        finding.at(answer.question()).expected("an OpenAPI description as JSON").observed(&format!("status {}", answer.status)).clause("HSDS 3.0, API reference, GET /")
    })
}

/// The list and the service itself must say the same.
fn listed_otherwise(page: &Value, answer: &Answer) -> Option<Finding> {
    let whole = json(answer)?;
    let id = whole.get("id")?;
    let listed = page.get("contents")?.as_array()?.iter().find(|service| service.get("id") == Some(id))?;
    let name = ["name", "status", "organization_id"].into_iter().find(|name| {
        let (listed, whole) = (listed.get(*name), whole.get(*name));
        listed.is_some() && whole.is_some() && listed != whole
    })?;
    let shown = |value: &Value| value.get(name).map(Value::to_string).unwrap_or_default();
    let finding = Finding::error("listed-otherwise", format!("the list and the service itself give another `{name}`"));
    Some(finding.at(format!("{} /{name}", answer.question())).expected(shown(listed)).observed(&shown(&whole)).clause("HSDS 3.0, GET /services"))
}

/// Evidence about a share of services.
pub(super) fn share_evidence(expected: String, observed: &str) -> Evidence {
    Evidence::expected(expected).observed(observed).clause("HSDS 3.0")
}

#[cfg(test)]
pub(super) mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const ID: &str = "0f6c2b1e-0000-4000-8000-000000000001";

    pub(in crate::check) fn directory(service: &str) -> Directory {
        let json = [("Content-Type", "application/json")];
        let page = format!(
            r#"{{"total_items": 1, "total_pages": 1, "page_number": 1, "size": 1, "first_page": true, "last_page": true, "empty": false,
            "contents": [{{"id": "{ID}", "name": "Meals", "status": "active"}}]}}"#
        );
        let root = r#"{"version": "3.0", "profile": "https://docs.example/hsds", "openapi_url": "https://api.example/openapi.json"}"#;
        let mut whole = answer(200, &json, &service.replace("ID", ID));
        whole.url = format!("https://api.test/v1/services/{ID}");
        Directory { root: answer(200, &json, root), page: answer(200, &json, &page), next_page: None, description: None, services: vec![whole] }
    }

    pub(in crate::check) const SERVICE: &str = r#"{"id": "ID", "name": "Meals", "status": "active", "assured_date": "2026-10-01"}"#;

    fn judged(check: &str, seen: &Directory) -> Verdict {
        let check: HsdsDirectory = kind(check);
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn a_sound_directory_passes_and_each_defect_fails_for_its_reason() {
        assert_eq!(ids(&directory(SERVICE).page), [ID]);
        assert_eq!(judged("{}", &directory(SERVICE)).outcome, Outcome::Passed);
        for (service, why) in [
            (SERVICE.replace("active", "open"), "`status`"),
            (SERVICE.replace("\"ID\"", "\"0f6c2b1e-0000-4000-8000-00000000000f\""), "another service"),
            (SERVICE.replace("\"name\": \"Meals\", ", ""), "`name` is missing"),
        ] {
            let verdict = judged("{}", &directory(&service));
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        let mut old = directory(SERVICE);
        old.root.text = old.root.text.map(|text| text.replace("3.0", "2.0"));
        assert_eq!(judged("{}", &old).outcome, Outcome::Failed);
        let wanted = judged("{profiles: ['https://other.example/']}", &directory(SERVICE));
        assert!(wanted.reason.contains("another profile"), "{}", wanted.reason);
    }

    #[test]
    fn pages_description_and_list_must_agree() {
        let second = |number: u32, id: &str| {
            let page = format!(
                r#"{{"total_items": 2, "total_pages": 2, "page_number": {number}, "size": 1, "first_page": {}, "last_page": {}, "empty": false,
                "contents": [{{"id": "{id}", "name": "Meals", "status": "active"}}]}}"#, number < 2, number >= 2
            );
            Some(answer(200, &[("Content-Type", "application/json")], &page))
        };
        let other = ID.replace("01", "02");
        let described = |text: &str| Some(answer(200, &[("Content-Type", "application/json")], text));
        for (next_page, description, why) in [
            (second(2, &other), described(r#"{"openapi": "3.1.0"}"#), ""),
            (second(1, &other), None, "another page came"),
            (second(2, ID), None, "what the first one held"),
            (None, described("{}"), "there is none"),
        ] {
            let seen = Directory { next_page, description, ..directory(SERVICE) };
            let verdict = judged("{}", &seen);
            assert_eq!(verdict.outcome, if why.is_empty() { Outcome::Passed } else { Outcome::Failed }, "{why}: {verdict:?}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        let renamed = judged("{}", &directory(&SERVICE.replace("Meals", "Meals on wheels")));
        assert!(renamed.reason.contains("another `name`"), "{}", renamed.reason);
    }

    #[test]
    fn trouble_is_not_failure() {
        let mut seen = directory(SERVICE);
        seen.page.status = 503;
        assert_eq!(judged("{}", &seen).outcome, Outcome::CantTell);
        seen.page.status = 401;
        assert_eq!(judged("{}", &seen).outcome, Outcome::Untested);
        seen.page.status = 404;
        assert_eq!(judged("{}", &seen).outcome, Outcome::Failed);
    }

    #[test]
    fn identifiers_that_could_lead_elsewhere_are_not_asked() {
        let mut seen = directory(SERVICE);
        seen.page.text = Some(r#"{"contents": [{"id": "../admin"}, {"id": "a?b"}, {"id": ""}, {"id": "ok-1"}]}"#.into());
        assert_eq!(ids(&seen.page), ["ok-1"]);
    }
}
