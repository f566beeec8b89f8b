//! The open specifications that the vendor says the product speaks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Place, Verdict};

/// Judges the claims of the target file: each names a known specification, its version and, where
/// asked, the role that the product plays. Whether a claim is true is for other checks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Claims {
    /// The ids of the specifications that are known.
    known: Vec<String>,
    /// Ids of which at least one must be claimed. None need be, where the list is empty.
    #[serde(default)]
    one_of: Vec<String>,
    /// Whether each claim names a version.
    #[serde(default = "yes")]
    version_required: bool,
    /// The roles that are known; where the list is not empty, each claim names one.
    #[serde(default)]
    roles: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The claims are part of the target file; nothing else is looked at.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Nothing {}

impl Kind for Claims {
    const NAME: &'static str = "claims";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Nothing;

    async fn observe(&self, _: &Probes) -> Result<Nothing, ProbeError> {
        Ok(Nothing {})
    }

    fn judge(&self, _: &Nothing, facts: &Facts<'_>) -> Verdict {
        let claims = &facts.target.claims;
        if claims.is_empty() {
            return Verdict::untested(Cause::Missing, "the target file claims no specification")
                .with(Evidence::expected("the open specifications that the product speaks").observed("none").at(Place::part_of("target file", "claims")));
        }
        let mut findings = Vec::new();
        for (index, claim) in claims.iter().enumerate() {
            let at = |finding: Finding, field: &str| finding.at(format!("claims[{index}].{field}"));
            let id = &claim.specification;
            if !self.known.contains(id) {
                findings.push(at(Finding::error("known", format!("`{id}` is no specification that this profile knows")).expected(format!("one of {}", self.known.join(", "))).observed(id), "specification"));
            }
            if self.version_required && claim.version.as_deref().is_none_or(|v| v.trim().is_empty()) {
                findings.push(at(Finding::error("version", format!("the claim of {id} names no version")).expected("the version that is spoken").observed("none"), "version"));
            }
            if !self.roles.is_empty() && claim.role.as_ref().is_none_or(|role| !self.roles.contains(role)) {
                let seen = claim.role.as_deref().unwrap_or("none");
                findings.push(at(Finding::error("role", format!("the claim of {id} names no known role")).expected(format!("one of {}", self.roles.join(", "))).observed(seen), "role"));
            }
        }
        if !self.one_of.is_empty() && !claims.iter().any(|c| self.one_of.contains(&c.specification)) {
            findings.push(Finding::error("one-of", format!("none of {} is claimed", self.one_of.join(", "))).at("claims").expected("at least one of them"));
        }
        Verdict::from_findings(&findings, "the claims")
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(claims: &str) -> Verdict {
        let check: Claims = kind("{known: [openapi, hl7-fhir, scaip], one-of: [openapi, scaip], roles: [server, sender]}");
        check.judge(&Nothing {}, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(&format!("claims: {claims}\n")), endpoint: None })
    }

    #[test]
    fn claims_are_known_versioned_and_have_a_role() {
        assert_eq!(judge("[{specification: openapi, version: 3.1.0, role: server}]").outcome, Outcome::Passed);
        for (claims, why) in [
            ("[{specification: opnapi, version: 1, role: server}]", "`opnapi`"),
            ("[{specification: openapi, role: server}]", "no version"),
            ("[{specification: openapi, version: 3.1.0, role: owner}]", "no known role"),
            ("[{specification: hl7-fhir, version: 4.0.1, role: server}]", "none of openapi, scaip"),
        ] {
            let verdict = judge(claims);
            assert_eq!(verdict.outcome, Outcome::Failed, "{claims}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge("[]").outcome, Outcome::Untested);
    }
}
