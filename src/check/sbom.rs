//! The list of a product's software parts.

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration;

use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::format::sbom::{Demand, Depth, Product, judge};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Evidence, Grade, Outcome, Place, Verdict};

/// Reads the product's parts list (CycloneDX or SPDX, in JSON) and judges it: the elements of the NTIA for
/// each part, identifiers that can be looked up, relations that join every part to the product, and
/// that it is about this version of this product. What newer guides ask beyond that is noted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sbom {
    /// The document's name: the key under `documents` in the target file.
    #[serde(default = "sbom")]
    name: String,
    /// How far the elements are demanded.
    depth: Depth,
    /// A list that is older than this many days is noted.
    #[serde(default)]
    longest_age_days: Option<u32>,
    /// Whether the list must be about the product and version of the target file.
    #[serde(default = "yes")]
    of_this_product: bool,
}

fn sbom() -> String {
    "sbom".into()
}
fn yes() -> bool {
    true
}

impl Kind for Sbom {
    const NAME: &'static str = "sbom";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = DocumentSeen;

    async fn observe(&self, probes: &Probes) -> Result<DocumentSeen, ProbeError> {
        probes.document(&self.name).await
    }

    fn judge(&self, seen: &DocumentSeen, facts: &Facts<'_>) -> Verdict {
        let (location, text) = match seen.text(&self.name) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let own = &facts.target.product;
        let product = if self.of_this_product { Product { name: Some(&own.name), version: Some(&own.version) } } else { Product::default() };
        let demand = Demand { depth: self.depth, longest_age: self.longest_age_days.map(|days| Duration::days(i64::from(days))) };
        let (list, findings) = judge(location, text.as_bytes(), &product, facts.now, &demand);
        let verdict = Verdict::from_findings(&findings, "the parts list");
        match list {
            Some(list) if verdict.outcome == Outcome::Passed => {
                verdict.with(Evidence::expected("a parts list with its elements").observed(&format!("{} parts", list.parts.len())).at(Place::of(location)).clause("NTIA minimum elements (2021)"))
            }
            Some(_) | None => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;

    fn list() -> Value {
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {
                "timestamp": "2026-11-01T00:00:00Z", "authors": [{"name": "v"}],
                "component": {"type": "firmware", "bom-ref": "b", "name": "Bell", "version": "2.1.0", "supplier": {"name": "v"}}
            },
            "components": [{"type": "library", "bom-ref": "x", "name": "x", "version": "1", "supplier": {"name": "w"}, "purl": "pkg:cargo/x@1"}],
            "dependencies": [{"ref": "b", "dependsOn": ["x"]}]
        })
    }
    fn judge(seen: DocumentSeen) -> Verdict {
        let check: Sbom = kind("{depth: all}");
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }
    fn read(text: &str) -> DocumentSeen {
        DocumentSeen::Read { location: "sbom.json".into(), text: text.into(), sha256: "0".repeat(64) }
    }

    #[test]
    fn a_whole_list_passes_and_a_broken_one_fails() {
        assert_eq!(judge(read(&list().to_string())).outcome, Outcome::Passed);
        let mut other = list();
        other["metadata"]["component"]["version"] = json!("2.0.0");
        let verdict = judge(read(&other.to_string()));
        assert_eq!((verdict.outcome, verdict.reason.contains("another version")), (Outcome::Failed, true));
        assert_eq!(judge(read("{")).outcome, Outcome::Failed);
        assert_eq!(judge(read("SPDXVersion: SPDX-2.3")).outcome, Outcome::CantTell);
        assert_eq!(judge(DocumentSeen::NotNamed).outcome, Outcome::Untested);
    }
}
