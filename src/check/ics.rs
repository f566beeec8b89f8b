//! A conformance statement of the vendor, provision by provision.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::{Deserializer, Error};
use serde::Deserialize;

use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::conformance_statement::{Catalogue, EvidenceKind, Line, Status, Support, judge};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Evidence, Finding, Grade, Outcome, Place, Verdict};

include!(concat!(env!("OUT_DIR"), "/shipped_data.rs"));

/// Reads the vendor's implementation conformance statement with its tables of details, in the YAML form
/// of `docs/ics.md`, and judges whether it is whole and free of contradictions. Whether it is true is
/// shown elsewhere, by probes, laboratories and people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ics {
    /// The document's name: the key under `documents` in the target file.
    #[serde(default = "ics")]
    name: String,
    /// The catalogue of provisions: the name of a folder that is shipped with a `provisions.yaml`.
    provisions: Provisions,
    /// Whether the statement must be about the version in the target file.
    #[serde(default = "yes")]
    of_this_version: bool,
}

fn ics() -> String {
    "ics".into()
}
fn yes() -> bool {
    true
}

/// A shipped catalogue, by its name.
#[derive(Debug, Clone)]
pub(super) struct Provisions(Catalogue);

impl<'de> Deserialize<'de> for Provisions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let path = format!("profiles/{name}/provisions.yaml");
        let Some((_, text)) = DATA_FILES.iter().find(|(known, _)| *known == path) else {
            let known: Vec<&str> = DATA_FILES.iter().filter_map(|(p, _)| p.strip_prefix("profiles/")?.strip_suffix("/provisions.yaml")).collect();
            return Err(D::Error::custom(format!("no catalogue of provisions is called `{name}`; there is {}", known.join(", "))));
        };
        Catalogue::read(&path, text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Provisions {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Provisions".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "The name of a shipped catalogue of provisions." })
    }
}

impl Kind for Ics {
    const NAME: &'static str = "ics";
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
        let source = match Source::read(location, text.as_bytes()) {
            Ok(source) => source,
            Err(error) => {
                let finding = Finding::error("syntax", format!("it is neither YAML nor JSON: {}", error.message)).position(Some(error.position));
                return Verdict::from_findings(&[finding], "the conformance statement");
            }
        };
        let version = Some(facts.target.product.version.as_str()).filter(|_| self.of_this_version);
        let statement = judge(&source, &self.provisions.0, version);
        let verdict = Verdict::from_findings(&statement.findings, "the conformance statement");
        let rows = statement.lines.iter().map(|line| row(line, location, &self.provisions.0.standard));
        if verdict.outcome != Outcome::Passed {
            return verdict.with_all(rows);
        }
        let count = |support: Support| statement.lines.iter().filter(|l| l.support == Some(support)).count();
        let people = statement.lines.iter().filter(|l| l.support == Some(Support::Y) && l.needs_a_person()).count();
        verdict
            .with(
                Evidence::expected(format!("an answer to each of {} provisions", statement.lines.len()))
                    .observed(&format!("{} supported, {} not, {} not applicable", count(Support::Y), count(Support::N), count(Support::NotApplicable)))
                    .at(Place::of(location))
                    .clause(self.provisions.0.standard.clone()),
            )
            .with_all(rows)
            .note(format!("of what is claimed, {people} provisions need a laboratory or a person to be seen"))
    }
}

/// What is said of one provision, as a report shows it clause by clause.
fn row(line: &Line, location: &str, standard: &str) -> Evidence {
    let binding = match line.status {
        Status::Mandatory => "mandatory",
        Status::Recommended => "recommended",
    };
    let claimed = match line.support {
        Some(Support::Y) => "claimed",
        Some(Support::N) => "said not to be met",
        Some(Support::NotApplicable) => "said not to apply",
        None => "not answered",
    };
    let means = line.evidence.iter().map(|kind| match kind {
        EvidenceKind::Probe => "a probe",
        EvidenceKind::ProbeInPart => "a probe in part",
        EvidenceKind::Laboratory => "a laboratory",
        EvidenceKind::Document => "a document",
        EvidenceKind::Person => "a person",
    });
    let means = means.collect::<Vec<_>>().join(", ");
    let mut said = format!("{claimed}; what can show it: {means}");
    if !line.broken.is_empty() {
        said.push_str(&format!("; at fault: {}", line.broken.join(", ")));
    }
    Evidence::expected(format!("{} ({binding})", line.words))
        .observed(&said)
        .at(Place::part_of(location, &format!("provision {}", line.id)))
        .clause(standard)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::document::{Node, from_node};
    use crate::target::Target;

    const PAGE: &str = include_str!("../../docs/ics.md");

    fn judge(text: &str) -> Verdict {
        let check: Ics = kind("{provisions: en-303-645}");
        let target = Target::parse("t", "target: 1\nproduct: {name: Care Hub, version: 2.4.1, vendor: {name: v}}\n").unwrap();
        let seen = DocumentSeen::Read { location: "ics.yaml".into(), text: text.into(), sha256: "0".repeat(64) };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: None })
    }

    fn judge_lines(text: &str) -> usize {
        let check: Ics = kind("{provisions: en-303-645}");
        super::judge(&Source::read("ics.yaml", text.as_bytes()).unwrap(), &check.provisions.0, None).lines.len()
    }

    #[test]
    fn the_documented_example_passes_and_a_gap_fails() {
        let start = PAGE.find("```yaml\n").unwrap() + 8;
        let example = PAGE[start..].split("```").next().unwrap();
        let verdict = judge(example);
        assert_eq!(verdict.outcome, Outcome::Passed, "{}", verdict.reason);
        assert_eq!(judge(&example.replace("  5.2-1: Y\n", "")).outcome, Outcome::Failed);
        assert_eq!(judge("[").outcome, Outcome::Failed);
        // One row for each provision, with what is wrong with it, whether it passes or fails.
        let said = |verdict: &Verdict, id: &str| {
            let part = format!("provision {id}");
            let row = verdict.evidence.iter().find(|e| e.get_place().and_then(|p| p.part.as_ref()).is_some_and(|p| p.as_str() == part));
            row.and_then(|e| e.get_observed()).map(ToString::to_string).unwrap_or_default()
        };
        let rows = verdict.evidence.iter().filter(|e| e.get_place().and_then(|p| p.part.as_ref()).is_some()).count();
        assert_eq!(rows, judge_lines(example));
        assert!(said(&verdict, "5.1-5").starts_with("claimed; what can show it: a probe"), "{}", said(&verdict, "5.1-5"));
        let gap = judge(&example.replace("  5.2-1: Y\n", "  5.2-1: N\n"));
        assert!(said(&gap, "5.2-1").contains("at fault: mandatory-unmet"), "{}", said(&gap, "5.2-1"));
    }

    #[test]
    fn an_unknown_catalogue_is_refused() {
        let error = from_node::<Ics>(&Node::read("c", "{provisions: none}").unwrap()).unwrap_err();
        assert!(error.to_string().contains("en-303-645"), "{error}");
    }
}
