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

/// Asks a directory as the Human Services Data Specification 3.0 has it: the root of the API, the first
/// page of its services, and a sample of those services whole. Judged are members, values and references
/// of every object, and the counting of the page.
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
        let mut services = Vec::new();
        for id in ids(&page).into_iter().take(sample) {
            services.push(ask(&format!("services/{id}"), "read a service").await?);
        }
        Ok(Self { root, page, services })
    }
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
        let services = seen.services.iter().map(|answer| (answer, "a service", "service"));
        for (answer, asks, class) in parts.into_iter().chain(services) {
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
        for answer in &seen.services {
            findings.extend(other_service(answer));
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
        Directory { root: answer(200, &json, root), page: answer(200, &json, &page), services: vec![whole] }
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
