//! The document by which devices learn of new software.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::update_manifest::judge;
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Evidence, Finding, Grade, Outcome, Place, Verdict};

/// Reads the manifest of updates, JSON or YAML in whatever form the vendor uses, and looks for what each
/// must have: a version, no address in clear text, a hash that is not broken, a signature. Whether the
/// signature is valid is for people to judge.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdateManifest {
    /// The document's name: the key under `documents` in the target file.
    #[serde(default = "update_manifest")]
    name: String,
}

fn update_manifest() -> String {
    "update-manifest".into()
}

impl Kind for UpdateManifest {
    const NAME: &'static str = "update-manifest";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = DocumentSeen;

    async fn observe(&self, probes: &Probes) -> Result<DocumentSeen, ProbeError> {
        probes.document(&self.name).await
    }

    fn judge(&self, seen: &DocumentSeen, _: &Facts<'_>) -> Verdict {
        let (location, text) = match seen.text(&self.name) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let findings = match Source::read(location, text.as_bytes()) {
            Ok(source) => judge(&source, location),
            Err(error) => vec![Finding::error("syntax", format!("it is neither JSON nor YAML: {}", error.message)).position(Some(error.position))],
        };
        let verdict = Verdict::from_findings(&findings, "the manifest of updates");
        if verdict.outcome == Outcome::Passed {
            return verdict
                .with(Evidence::expected("version, hash and signature").observed("each is there").at(Place::of(location)))
                .note("whether the signature is valid is for people to judge");
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;

    #[test]
    fn a_signed_manifest_passes() {
        let judge = |text: &str| {
            let check: UpdateManifest = kind("{}");
            let seen = DocumentSeen::Read { location: "m.json".into(), text: text.into(), sha256: "0".repeat(64) };
            check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None }).outcome
        };
        assert_eq!(judge("{\"version\":\"2\",\"url\":\"https://u.test/i\",\"sha256\":\"ab\",\"signature\":\"cd\"}"), Outcome::Passed);
        assert_eq!(judge("{\"version\":\"2\",\"url\":\"http://u.test/i\",\"sha256\":\"ab\",\"signature\":\"cd\"}"), Outcome::Failed);
        assert_eq!(judge("{\"version\":"), Outcome::Failed);
    }
}
