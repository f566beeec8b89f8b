//! Where the vendor's advisories are, for machines to find.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::Answer;
use super::probes::WebsiteSeen;
use super::{Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::csaf::judge_provider;
use crate::format::security_txt;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Outcome, Verdict};

/// Fetches the metadata of the vendor as a provider of advisories (CSAF 2.0) from its well-known place or
/// from where `security.txt` says, and judges it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CsafProvider {}

/// The answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Places {
    well_known: WebsiteSeen,
    /// What `security.txt` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<Named>,
}

/// What `security.txt` names as the place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Named {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    /// Why it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

const PURPOSE: &str = "find the vendor's advisories";

/// Asks the well-known place, then the one that `security.txt` names.
pub(super) async fn find_metadata(probes: &Probes) -> Result<Places, ProbeError> {
    let well_known = probes.ask_website("/.well-known/csaf/provider-metadata.json", PURPOSE).await?;
    if !well_known.answer("").is_ok_and(|(_, a)| a.status != 200 || a.media_type() == "text/html") {
        return Ok(Places { well_known, named: None });
    }
    let file = probes.ask_website("/.well-known/security.txt", PURPOSE).await?;
    let address = file.answer("").ok().and_then(|(_, a)| {
        let (file, _) = security_txt::read(a.text.as_deref().filter(|_| a.status == 200)?.as_bytes());
        file.values("CSAF").next().map(str::to_owned)
    });
    let named = match address {
        None => None,
        Some(address) if Url::parse(&address).is_err() => Some(Named { address, answer: None, trouble: Some("it is not an address".into()) }),
        Some(address) => Some(match probes.door().ask(&Request::get(address.clone(), PURPOSE)).await {
            Ok(exchange) => Named { address, answer: Some(Answer::from(&*exchange)), trouble: None },
            Err(error) if error.ends_the_run() => return Err(error),
            Err(error) => Named { address, answer: None, trouble: Some(error.to_string()) },
        }),
    };
    Ok(Places { well_known, named })
}

impl Places {
    #[cfg(test)]
    pub(super) fn found(well_known: WebsiteSeen) -> Self {
        Self { well_known, named: None }
    }

    /// The metadata that were found: where, and their text.
    pub(super) fn metadata(&self) -> Option<(&str, &str)> {
        let readable = |answer: &Answer| answer.status == 200 && answer.media_type() != "text/html" && answer.cut.is_none();
        match &self.named {
            Some(Named { address, answer: Some(answer), .. }) if readable(answer) => Some((address, answer.text.as_deref()?)),
            Some(_) => None,
            None => {
                let (asked, answer) = self.well_known.answer("").ok().filter(|(_, answer)| readable(answer))?;
                Some((asked, answer.text.as_deref()?))
            }
        }
    }
}

impl Kind for CsafProvider {
    const NAME: &'static str = "csaf-provider";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Places;

    async fn observe(&self, probes: &Probes) -> Result<Places, ProbeError> {
        find_metadata(probes).await
    }

    fn judge(&self, seen: &Places, facts: &Facts<'_>) -> Verdict {
        const WHAT: &str = "the provider's metadata";
        let (asked, answer) = match (seen.well_known.answer(WHAT), &seen.named) {
            (Err(verdict), None) => return *verdict,
            (_, Some(Named { address, trouble: Some(why), .. })) => {
                return Verdict::cant_tell(Cause::Missing, format!("security.txt names {} as the place of the metadata, which was not asked: {why}", crate::verdict::Untrusted::new(address)));
            }
            (_, Some(Named { address, answer: Some(answer), .. })) => (address.as_str(), answer),
            (Ok(found), _) => found,
            (Err(verdict), Some(_)) => return *verdict,
        };
        if let Some(verdict) = answer.tells_nothing(&[]) {
            return verdict;
        }
        let html = answer.media_type() == "text/html";
        if matches!(answer.status, 404 | 410 | 401 | 403) || (answer.status == 200 && html) {
            return Verdict::failed("the vendor publishes no metadata by which advisories are found").with(answer.status_evidence("provider-metadata.json").clause("CSAF 2.0, section 7.1"));
        }
        if answer.status != 200 {
            return Verdict::cant_tell(Cause::Target, format!("status {} says nothing about advisories", answer.status)).with(answer.status_evidence("status 200"));
        }
        if let Some(verdict) = answer.unreadable() {
            return verdict;
        }
        let findings = match Source::json(asked, answer.text.as_deref().unwrap_or_default().as_bytes()) {
            Ok(source) => judge_provider(&source, asked, facts.now),
            Err(error) => vec![Finding::error("json", format!("it is not JSON: {}", error.message)).position(Some(error.position)).clause("RFC 8259")],
        };
        let verdict = Verdict::from_findings(&findings, WHAT);
        if verdict.outcome == Outcome::Passed { verdict.with(answer.status_evidence("provider-metadata.json").clause("CSAF 2.0, section 7.1.7")) } else { verdict }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const HERE: &str = "https://shop.test/.well-known/csaf/provider-metadata.json";
    const FILE: &str = r#"{"canonical_url":"https://shop.test/.well-known/csaf/provider-metadata.json","last_updated":"2026-11-01T00:00:00Z","metadata_version":"2.0","list_on_CSAF_aggregators":true,"mirror_on_CSAF_aggregators":true,"publisher":{"category":"vendor","name":"v","namespace":"https://shop.test"},"distributions":[{"directory_url":"https://shop.test/csaf/"}]}"#;

    fn judge(status: u16, text: &str, named: Option<Named>) -> Outcome {
        let check: CsafProvider = kind("{}");
        let well_known = WebsiteSeen::Answered { asked: HERE.into(), answer: Box::new(answer(status, &[("Content-Type", "application/json")], text)), stopped: None };
        check.judge(&Places { well_known, named }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None }).outcome
    }

    #[test]
    fn metadata_is_found_and_judged() {
        assert_eq!(judge(200, FILE, None), Outcome::Passed);
        assert_eq!(judge(200, &FILE.replace("\"2.0\"", "\"3.0\""), None), Outcome::Failed);
        assert_eq!(judge(404, "", None), Outcome::Failed);
        assert_eq!(judge(503, "", None), Outcome::CantTell);
        let elsewhere = Named { address: HERE.into(), answer: Some(answer(200, &[], FILE)), trouble: None };
        assert_eq!(judge(404, "", Some(elsewhere)), Outcome::Passed);
        let far = Named { address: "https://other.test/x".into(), answer: None, trouble: Some("out of scope".into()) };
        assert_eq!(judge(404, "", Some(far)), Outcome::CantTell);
    }
}
