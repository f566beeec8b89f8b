//! A document that the vendor hands in, judged as one of an open format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fhir_resources::without_definitions;
use super::supplied::Supplied;
use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::format::{Format, judge};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Evidence, Grade, Outcome, Place, Verdict};

/// Reads a document that the target file names under `documents`, a file or an address, and judges it by
/// the rules of an open format: the standard's own, beyond what a schema can say. JSON and CSV are judged
/// besides by a schema that the vendor publishes, where one is named; JSON-LD and NGSI-LD by the contexts
/// that the vendor publishes: the documents of the target file whose name is an address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DocumentFormat {
    /// The document's name: the key under `documents` in the target file.
    name: String,
    /// What the document is, in a few words for people.
    asks: String,
    /// The format.
    format: Format,
    /// Of FHIR resources: profiles that each must keep, by their canonical addresses.
    #[serde(default)]
    profiles: Vec<String>,
    /// The document of the target file that is the schema: a JSON Schema for `json`; a Table Schema or CSV
    /// on the Web metadata for `csv`.
    #[serde(default)]
    schema: Option<String>,
}

/// A document, and what it is judged by.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DocumentInFormat {
    document: DocumentSeen,
    /// What the vendor publishes to judge it by.
    #[serde(default)]
    supplied: Supplied,
}

impl Kind for DocumentFormat {
    const NAME: &'static str = "document-format";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = DocumentInFormat;

    async fn observe(&self, probes: &Probes) -> Result<DocumentInFormat, ProbeError> {
        let document = probes.document(&self.name).await?;
        Ok(DocumentInFormat { document, supplied: Supplied::observe(probes, self.format, self.schema.as_deref()).await? })
    }

    fn needs_definitions(&self) -> bool {
        self.format == Format::Fhir
    }

    fn judge(&self, seen: &DocumentInFormat, facts: &Facts<'_>) -> Verdict {
        let (location, text) = match seen.document.text(&self.name) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let mut context = match seen.supplied.context(self.format) {
            Ok(context) => context,
            Err(verdict) => return *verdict,
        };
        if self.needs_definitions() {
            if facts.target.definitions.is_none() {
                return without_definitions();
            }
            context.fhir.clone_from(&facts.target.definitions);
            context.fhir_profiles.clone_from(&self.profiles);
        }
        let mut verdict = Verdict::from_findings(&judge(self.format, location, text.as_bytes(), &context), &self.asks);
        for package in facts.target.packages.iter().filter(|_| self.needs_definitions()) {
            verdict = verdict.note(format!("judged by {package}"));
        }
        if verdict.outcome != Outcome::Passed {
            return verdict;
        }
        let evidence = Evidence::expected(format!("a document that keeps the rules of {}", self.format)).at(Place::of(location));
        verdict.with(evidence.observed(&format!("{} bytes without a fault", text.len())))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;

    fn judged(document: &DocumentSeen) -> Verdict {
        let seen = &DocumentInFormat { document: document.clone(), supplied: Supplied::default() };
        let check: DocumentFormat = kind("{name: acr, asks: the accessibility report, format: openacr}");
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }

    fn read(text: &str) -> DocumentSeen {
        DocumentSeen::Read { location: "acr.yaml".into(), text: text.into(), sha256: "0".repeat(64) }
    }

    #[test]
    fn documents_are_judged_by_their_format() {
        let sound = "title: T\nproduct: {name: Bell}\nauthor: {email: a@b.example}\nchapters: {hardware: {notes: none}}\n";
        assert_eq!(judged(&read(sound)).outcome, Outcome::Passed);
        let failed = judged(&read(&sound.replace("hardware", "hardwear")));
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.reason.contains("chapter"), "{}", failed.reason);
        assert_eq!(judged(&DocumentSeen::NotNamed).outcome, Outcome::Untested);
        let gone = DocumentSeen::Unreadable { location: "acr.yaml".into(), why: "not found".into() };
        assert_eq!(judged(&gone).outcome, Outcome::CantTell);
    }
}
