//! The API has a description that can be found and that is sound.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::DescriptionSeen;
use super::{Facts, Kind, On, Probes};
use crate::api::lint::{Choice, LintParameters, judge, recommended, rule};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Place, Severity, Verdict};

/// Looks for the API description (the address that the target file names as `api-description`, the API
/// catalog of RFC 9727, `service-desc` links, usual paths), without a credential, and judges the
/// document by named rules. Every fault has its JSON Pointer, line and column.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiDescription {
    /// Rules with their weight: `error` or `warning`. Where none is named, the recommended ones apply.
    #[serde(default)]
    rules: BTreeMap<RuleName, Weight>,
    /// The header field that tells the version of the API, for the rule `version-header`.
    #[serde(default)]
    version_header: Option<String>,
    /// Members that problem details must have, for the rule `problem-members`.
    #[serde(default)]
    problem_members: Option<Vec<String>>,
    /// Names that query parameters for paging may have, for the rule `paging-names`.
    #[serde(default)]
    paging_names: Option<Vec<String>>,
    /// Header fields of which one must be documented, for the rule `rate-limit-documented`.
    #[serde(default)]
    rate_limit_headers: Option<Vec<String>>,
    /// An API catalog (RFC 9727) is asked for.
    #[serde(default)]
    catalog: bool,
}

/// The name of a rule, as `probity explain` lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
struct RuleName(String);

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match rule(&name) {
            Some(_) => Ok(Self(name)),
            None => Err(serde::de::Error::custom(crate::api::lint::UnknownRule(name))),
        }
    }
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Weight {
    /// Breaking it fails the check.
    Error,
    /// Breaking it is told.
    Warning,
}

impl Kind for ApiDescription {
    const NAME: &'static str = "api-description";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = DescriptionSeen;

    async fn observe(&self, probes: &Probes) -> Result<DescriptionSeen, ProbeError> {
        Ok((*probes.api_description().await?).clone())
    }

    fn judge(&self, seen: &DescriptionSeen, _: &Facts<'_>) -> Verdict {
        let description = match seen.read() {
            Ok(description) => description,
            Err(verdict) => return *verdict,
        };
        let choices: Vec<Choice> = if self.rules.is_empty() {
            recommended()
        } else {
            let severity = |weight: Weight| match weight {
                Weight::Error => Severity::Error,
                Weight::Warning => Severity::Warning,
            };
            self.rules.iter().map(|(name, weight)| Choice { rule: name.0.clone(), severity: severity(*weight) }).collect()
        };
        let mut parameters = LintParameters::default();
        if let Some(header) = &self.version_header {
            parameters.version_header.clone_from(header);
        }
        if let Some(members) = &self.problem_members {
            parameters.problem_members.clone_from(members);
        }
        if let Some(names) = &self.paging_names {
            parameters.paging_names.clone_from(names);
        }
        if let Some(names) = &self.rate_limit_headers {
            parameters.rate_limit_headers.clone_from(names);
        }
        let mut findings = match judge(&description, &choices, &parameters) {
            Ok(findings) => findings,
            Err(unknown) => return Verdict::cant_tell(Cause::Bug, unknown.to_string()),
        };
        findings.extend(seen.findings.iter().cloned());
        if self.catalog && seen.catalog == Some(false) {
            findings.push(
                Finding::error("api-catalog", "there is no API catalog").expected("a linkset at /.well-known/api-catalog").clause("RFC 9727, section 2"),
            );
        }
        let url = seen.url.as_deref().unwrap_or_default();
        let what = format!("the {} description at {url}", description.edition().name());
        let mut verdict = Verdict::from_findings(&findings, &what);
        if !findings.iter().any(|f| f.severity == Severity::Error) {
            let place = Place::of(url);
            verdict = verdict.with(Evidence::expected("a description that can be found").observed(&format!("found ({})", seen.via)).at(place));
        }
        verdict.note(format!("{} operations in {} documents", description.operations().len(), description.sources().count()))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::super::api::tests::sample_run;
    use super::super::api::Manner;
    use super::*;
    use crate::verdict::Outcome;

    fn judged(parameters: &str, seen: &DescriptionSeen) -> Verdict {
        let check: ApiDescription = kind(parameters);
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    fn sample() -> DescriptionSeen {
        (*sample_run(&[], Manner::plain(false, false)).description).clone()
    }

    #[test]
    fn a_sound_description_passes() {
        let verdict = judged("{}", &sample());
        assert_eq!((verdict.outcome, verdict.notes.len()), (Outcome::Passed, 1), "{verdict:#?}");
    }

    #[test]
    fn faults_fail_by_the_rules_that_are_chosen() {
        let mut seen = sample();
        seen.text = seen.text.replace("operationId: readStatus", "operationId: listResidents");
        let verdict = judged("{}", &seen);
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert!(verdict.reason.contains("operation id"), "{}", verdict.reason);
        assert!(verdict.evidence[0].get_place().unwrap().position.is_some());
        assert_eq!(judged("{rules: {version-semver: error}}", &seen).outcome, Outcome::Passed);
        assert_eq!(judged("{rules: {operation-id-unique: warning}}", &seen).outcome, Outcome::Passed);
    }

    #[test]
    fn none_and_nonsense_fail_and_a_catalog_is_asked_for_only_when_named() {
        assert_eq!(judged("{}", &DescriptionSeen::default()).outcome, Outcome::Failed);
        let nonsense = DescriptionSeen { url: Some("http://h/x".into()), text: "{".into(), ..DescriptionSeen::default() };
        assert_eq!(judged("{}", &nonsense).outcome, Outcome::Failed);
        assert_eq!(judged("{catalog: true}", &sample()).outcome, Outcome::Failed);
        let mut seen = sample();
        seen.catalog = Some(true);
        assert_eq!(judged("{catalog: true}", &seen).outcome, Outcome::Passed);
    }

    #[test]
    fn a_rule_that_does_not_exist_is_a_mistake_of_the_profile() {
        let node = crate::document::Node::read("c", "{rules: {no-such-rule: error}}").unwrap();
        assert!(crate::document::from_node::<ApiDescription>(&node).unwrap_err().to_string().contains("no-such-rule"));
    }
}
