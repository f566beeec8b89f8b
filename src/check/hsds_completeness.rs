//! How much of what a person needs a directory of services tells.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer_format::{MediaTypes, body};
use super::hsds_directory::{Directory, default_sample, share_evidence};
use super::{Facts, Kind, On, Probes};
use crate::format::hsds::completeness;
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Grade, Verdict};

/// Reads a sample of services from a directory that follows the Human Services Data Specification and counts
/// how many of them say what a person needs to choose one. Fails when a share is below what is asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HsdsCompleteness {
    /// The least share of services, 0 to 1, that must say each of these.
    shares: BTreeMap<Share, f64>,
    /// How many services are read, up to 100.
    #[serde(default = "default_sample")]
    sample: u8,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

/// What a service may say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Share {
    /// What kind of service it is, by a term of a taxonomy.
    TaxonomyTerm,
    /// The area it serves.
    ServiceArea,
    /// Who it is for.
    Eligibility,
    /// The languages it is given in.
    Languages,
    /// A way to reach it.
    Contact,
    /// The day its description was last checked.
    AssuredDate,
    /// When it is open.
    Schedule,
    /// What it costs.
    Cost,
    /// How accessible its places are.
    Accessibility,
}

impl Share {
    fn as_str(self) -> &'static str {
        match self {
            Self::TaxonomyTerm => "taxonomy-term",
            Self::ServiceArea => "service-area",
            Self::Eligibility => "eligibility",
            Self::Languages => "languages",
            Self::Contact => "contact",
            Self::AssuredDate => "assured-date",
            Self::Schedule => "schedule",
            Self::Cost => "cost",
            Self::Accessibility => "accessibility",
        }
    }
}

impl Kind for HsdsCompleteness {
    const NAME: &'static str = "hsds-completeness";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Directory;

    async fn observe(&self, probes: &Probes) -> Result<Directory, ProbeError> {
        Directory::observe(probes, self.sample, self.credential.as_deref()).await
    }

    fn judge(&self, seen: &Directory, _: &Facts<'_>) -> Verdict {
        if let Err(verdict) = body(&seen.page, "the list of services", MediaTypes::Json) {
            return *verdict;
        }
        let mut services: Vec<Value> = Vec::new();
        for answer in &seen.services {
            match body(answer, "a service", MediaTypes::Json) {
                Ok(text) => match serde_json::from_str(text) {
                    Ok(service) => services.push(service),
                    Err(_) => {
                        return Verdict::cant_tell(Cause::Target, format!("{}: the answer is not JSON", answer.question()))
                            .with(answer.status_evidence("a service as JSON"));
                    }
                },
                Err(verdict) => return *verdict,
            }
        }
        let counts = completeness(&services);
        if counts.services == 0 {
            return Verdict::untested(Cause::Missing, "the directory lists no service that could be read")
                .with(seen.page.status_evidence("a page with services"));
        }
        let (mut evidence, mut short) = (Vec::new(), Vec::new());
        for (share, least) in &self.shares {
            let Some(found) = counts.share(share.as_str()) else { continue };
            let observed = format!("{:.0} % of {} services", found * 100.0, counts.services);
            evidence.push(share_evidence(format!("{} in at least {:.0} % of services", share.as_str(), least * 100.0), &observed));
            if found < *least {
                short.push(format!("{} ({:.0} %)", share.as_str(), found * 100.0));
            }
        }
        if evidence.is_empty() {
            return Verdict::untested(Cause::Missing, "no share was asked for");
        }
        let verdict = if short.is_empty() {
            Verdict::passed(format!("the {} services that were read say enough", counts.services))
        } else {
            Verdict::failed(format!("too few services say: {}", short.join(", ")))
        };
        verdict.with_all(evidence)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::super::hsds_directory::tests::{SERVICE, directory};
    use super::*;
    use crate::format::hsds::Completeness;
    use crate::verdict::Outcome;

    fn judged(check: &str, seen: &Directory) -> Verdict {
        let check: HsdsCompleteness = kind(check);
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn shares_decide_by_the_thresholds_of_the_profile() {
        let seen = directory(SERVICE);
        assert_eq!(judged("{shares: {assured-date: 0.9}}", &seen).outcome, Outcome::Passed);
        assert_eq!(judged("{shares: {languages: 0.0}}", &seen).outcome, Outcome::Passed);
        let failed = judged("{shares: {assured-date: 0.9, languages: 0.5}}", &seen);
        assert_eq!((failed.outcome, failed.reason.as_str()), (Outcome::Failed, "too few services say: languages (0 %)"));
    }

    #[test]
    fn nothing_read_or_asked_is_untested() {
        let mut seen = directory(SERVICE);
        assert_eq!(judged("{shares: {}}", &seen).outcome, Outcome::Untested);
        seen.services.clear();
        assert_eq!(judged("{shares: {cost: 0.5}}", &seen).outcome, Outcome::Untested);
        seen.page.status = 502;
        assert_eq!(judged("{shares: {cost: 0.5}}", &seen).outcome, Outcome::CantTell);
    }

    #[test]
    fn every_share_is_one_that_is_counted() {
        for name in Completeness::NAMES {
            let share: Share = serde_json::from_value(Value::from(name)).unwrap();
            assert_eq!(share.as_str(), name);
        }
    }
}
