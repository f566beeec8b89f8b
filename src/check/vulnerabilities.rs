//! Known vulnerabilities of a product's parts, each mended or answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{DocumentSeen, Facts, Kind, On, Probes};
use crate::document::Source;
use crate::format::sbom::PartsList;
use crate::format::vex;
use crate::format::vulnerability::{Snapshot, judge};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Holds the product's parts list against an offline snapshot of known vulnerabilities (OSV format), and
/// the vendor's own statements (VEX: CSAF, OpenVEX or CycloneDX) against what was found: each must be
/// mended, or answered with a reason. Parts are known by their package URLs only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vulnerabilities {
    /// The name of the parts list under `documents`.
    #[serde(default = "sbom")]
    sbom: String,
    /// The name of the snapshot under `documents`: a file with records of OSV, as a list or one on each line.
    #[serde(default = "snapshot")]
    snapshot: String,
    /// The name of the vendor's statements under `documents`. The parts list may hold them too.
    #[serde(default = "statements")]
    vex: String,
    /// The newest record of the snapshot may be this many days old; then nothing can be told.
    #[serde(default)]
    longest_age_days: Option<u32>,
}

fn sbom() -> String {
    "sbom".into()
}
fn snapshot() -> String {
    "vulnerability-snapshot".into()
}
fn statements() -> String {
    "vex".into()
}

/// What was read. Of the snapshot only the records that name a part of the list are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Read {
    sbom: DocumentSeen,
    vex: DocumentSeen,
    snapshot: SnapshotSeen,
}

/// The snapshot, as far as it concerns the product.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SnapshotSeen {
    /// It could not be read, or is not named.
    Nothing(Box<DocumentSeen>),
    /// What it holds.
    Records {
        /// SHA-256 of the whole.
        sha256: String,
        /// How many records it has in all.
        total: usize,
        /// When its newest record was changed.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        newest: Option<OffsetDateTime>,
        /// The records that name a part of the list.
        records: Vec<Value>,
    },
}

/// The most records that are kept.
const MOST_RECORDS: usize = 20_000;

impl Kind for Vulnerabilities {
    const NAME: &'static str = "vulnerabilities";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Read;

    async fn observe(&self, probes: &Probes) -> Result<Read, ProbeError> {
        let sbom = probes.document(&self.sbom).await?;
        let vex = probes.document(&self.vex).await?;
        let whole = probes.document(&self.snapshot).await?;
        let list = sbom.text(&self.sbom).ok().and_then(|(location, text)| parts(location, text));
        let snapshot = match (whole.text(&self.snapshot), list) {
            (Ok((_, text)), Some(list)) => {
                let snapshot = Snapshot::read(text);
                let mut records = snapshot.about(&list);
                records.truncate(MOST_RECORDS);
                SnapshotSeen::Records { sha256: digest(text), total: snapshot.len(), newest: snapshot.newest, records }
            }
            (Ok((_, text)), None) => SnapshotSeen::Records { sha256: digest(text), total: 0, newest: None, records: Vec::new() },
            (Err(_), _) => SnapshotSeen::Nothing(Box::new(whole)),
        };
        Ok(Read { sbom, vex, snapshot })
    }

    fn judge(&self, seen: &Read, facts: &Facts<'_>) -> Verdict {
        let (location, text) = match seen.sbom.text(&self.sbom) {
            Ok(read) => read,
            Err(verdict) => return *verdict,
        };
        let Some(list) = parts(location, text) else {
            return Verdict::cant_tell(Cause::Missing, "the parts list cannot be read, so that nothing can be looked up");
        };
        let (sha256, total, newest, records) = match &seen.snapshot {
            SnapshotSeen::Nothing(document) => {
                return match document.text(&self.snapshot) {
                    Err(verdict) => *verdict,
                    Ok(_) => Verdict::cant_tell(Cause::Bug, "a snapshot that was read was not kept"),
                };
            }
            SnapshotSeen::Records { sha256, total, newest, records } => (sha256, *total, *newest, records),
        };
        let mut findings: Vec<Finding> = Vec::new();
        let mut statements = Vec::new();
        for (name, document) in [(&self.vex, &seen.vex), (&self.sbom, &seen.sbom)] {
            let Ok((location, text)) = document.text(name) else { continue };
            let own = name == &self.vex;
            match Source::json(location, text.as_bytes()) {
                Ok(source) if own || source.value().get("vulnerabilities").is_some() => {
                    let (said, faults) = vex::read(&source);
                    statements.extend(said);
                    findings.extend(faults.into_iter().filter(|_| own));
                }
                Ok(_) => {}
                Err(error) if own => findings.push(Finding::error("json", format!("the vendor's statements are not JSON: {}", error.message)).position(Some(error.position))),
                Err(_) => {}
            }
        }
        let mut snapshot = Snapshot::of(records.iter().cloned());
        snapshot.newest = newest;
        let longest = self.longest_age_days.map(|days| Duration::days(i64::from(days)));
        findings.extend(judge(&list, &snapshot, &statements, facts.now, longest).into_iter().filter(|f| f.rule != "snapshot-empty" || total == 0));
        let verdict = Verdict::from_findings(&findings, "known vulnerabilities");
        if verdict.outcome == Outcome::Passed {
            return verdict.with(
                Evidence::expected("no known vulnerability without an answer")
                    .observed(&format!("{} parts held against {total} records; {} concern a package of the list, {} statements", list.parts.len(), records.len(), statements.len()))
                    .clause("Cyber Resilience Act, annex I part I (2)(a)"),
            )
            .note(format!("SHA-256 of the snapshot: {sha256}"));
        }
        verdict
    }
}

fn parts(location: &str, text: &str) -> Option<PartsList> {
    PartsList::read(&Source::json(location, text.as_bytes()).ok()?).0
}

fn digest(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;

    fn read(text: &str) -> DocumentSeen {
        DocumentSeen::Read { location: "d.json".into(), text: text.into(), sha256: "0".repeat(64) }
    }
    fn judge(version: &str, vex: DocumentSeen, total: usize) -> Verdict {
        let sbom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "x", "purl": format!("pkg:cargo/x@{version}")}]});
        let record = json!({"id": "OSV-1", "modified": "2026-11-20T00:00:00Z", "affected": [{"package": {"ecosystem": "crates.io", "name": "x"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}]});
        let seen = Read {
            sbom: read(&sbom.to_string()),
            vex,
            snapshot: SnapshotSeen::Records { sha256: "0".repeat(64), total, newest: Some(datetime!(2026-11-20 0:00 UTC)), records: if total == 0 { vec![] } else { vec![record] } },
        };
        let check: Vulnerabilities = kind("{longest-age-days: 7}");
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }

    #[test]
    fn each_hit_is_mended_or_answered() {
        assert_eq!(judge("1.2.0", DocumentSeen::NotNamed, 100).outcome, Outcome::Passed);
        assert_eq!(judge("1.1.0", DocumentSeen::NotNamed, 100).outcome, Outcome::Failed);
        let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x.test/1", "author": "v", "timestamp": "2026-11-21T00:00:00Z", "version": 1,
            "statements": [{"vulnerability": {"name": "OSV-1"}, "products": [{"@id": "pkg:cargo/x@1.1.0"}], "status": "not_affected", "justification": "vulnerable_code_not_present"}]});
        assert_eq!(judge("1.1.0", read(&vex.to_string()), 100).outcome, Outcome::Passed);
        assert_eq!(judge("1.1.0", read("{"), 100).outcome, Outcome::Failed);
        assert_eq!(judge("1.2.0", DocumentSeen::NotNamed, 0).outcome, Outcome::CantTell);
    }

    #[test]
    fn without_a_snapshot_nothing_is_tested() {
        let check: Vulnerabilities = kind("{}");
        let seen = Read { sbom: read("{\"bomFormat\":\"CycloneDX\"}"), vex: DocumentSeen::NotNamed, snapshot: SnapshotSeen::Nothing(Box::new(DocumentSeen::NotNamed)) };
        assert_eq!(check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None }).outcome, Outcome::Untested);
    }
}
