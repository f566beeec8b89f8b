//! A statement of a named person, for what no machine can see.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::{Effect, day};
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Asks for the statement of a named person. What passes is graded `attested` and counted apart:
/// it shows that somebody answers for it, not that it is so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attestation {
    /// What the statement is about: the key under `attestations` in the target file.
    subject: String,
    /// What the person is asked to state.
    asks: String,
    /// Whether a file must back the statement.
    #[serde(default)]
    evidence_required: bool,
    /// The most days between the day of the statement and the last day on which it counts.
    #[serde(default)]
    valid_days: Option<u32>,
}

/// Whether the file behind a statement is what the statement says it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSeen {
    /// No file was named.
    NotNamed,
    /// The file's SHA-256.
    Hashed(String),
    /// The file could not be read.
    Unreadable(String),
}

impl Kind for Attestation {
    const NAME: &'static str = "attestation";
    const GRADE: Grade = Grade::Attested;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = FileSeen;

    async fn observe(&self, probes: &Probes) -> Result<FileSeen, ProbeError> {
        let target = probes.target();
        let Some(evidence) = target.attestations.get(&self.subject).and_then(|a| a.evidence.as_ref()) else { return Ok(FileSeen::NotNamed) };
        Ok(match hash(&target.resolve(&evidence.file)) {
            Ok(hash) => FileSeen::Hashed(hash),
            Err(error) => FileSeen::Unreadable(error.to_string()),
        })
    }

    fn judge(&self, seen: &FileSeen, facts: &Facts<'_>) -> Verdict {
        let Some(attestation) = facts.target.attestations.get(&self.subject) else {
            return Verdict::untested(Cause::Missing, format!("nobody has stated: {}", self.asks)).with(
                Evidence::expected(self.asks.clone()).observed("no such statement").at(Place::part_of("target file", &format!("attestations.{}", self.subject))),
            );
        };
        let place = || Place::part_of("target file", &format!("attestations.{}", self.subject));
        let fault = |expected: String, observed: &str| {
            Verdict::failed(format!("the statement on {} does not count: {expected}", self.subject)).with(Evidence::expected(expected).observed(observed).at(place()))
        };
        for (field, value) in [("statement", &attestation.statement), ("person", &attestation.person), ("role", &attestation.role)] {
            if value.trim().is_empty() {
                return fault(format!("`{field}` says something"), "nothing");
            }
        }
        let (Some(date), Some(expires)) = (day(&attestation.date), day(&attestation.expires)) else {
            return fault("days are written YYYY-MM-DD".into(), &format!("{} and {}", attestation.date, attestation.expires));
        };
        let today = facts.now.date();
        if date > today {
            return fault("it is not dated in the future".into(), &attestation.date);
        }
        if expires < today {
            return fault("it has not expired".into(), &format!("expired on {}", attestation.expires));
        }
        if let Some(days) = self.valid_days
            && (expires - date).whole_days() > i64::from(days)
        {
            return fault(format!("it counts for {days} days at most"), &format!("{} days", (expires - date).whole_days()));
        }
        match (&attestation.evidence, seen) {
            (None, _) if self.evidence_required => fault("a file backs it".into(), "no `evidence`"),
            (Some(_), FileSeen::Unreadable(why)) => fault("the file that backs it is there".into(), why),
            (Some(evidence), FileSeen::Hashed(hash)) if !hash.eq_ignore_ascii_case(&evidence.sha256) => fault(format!("the file that backs it has the SHA-256 {}", evidence.sha256), hash),
            (Some(_), FileSeen::NotNamed) => Verdict::cant_tell(Cause::Bug, "the file behind the statement was not looked at"),
            (None | Some(_), FileSeen::NotNamed | FileSeen::Hashed(_) | FileSeen::Unreadable(_)) => {
                let who = format!("{}, {}, on {} (until {})", attestation.person, attestation.role, attestation.date, attestation.expires);
                Verdict::passed(format!("stated by {who}")).with(Evidence::expected(self.asks.clone()).observed(&attestation.statement).at(place()))
            }
        }
    }
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut HashWriter(&mut hash))?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::target::Target;
    use crate::verdict::Outcome;

    fn target(attestation: &str) -> Target {
        let text = format!("target: 1\nproduct: {{name: a, version: 1, vendor: {{name: v}}}}\nattestations:\n  risk: {attestation}\n");
        Target::parse("t.yaml", &text).unwrap()
    }
    fn judge(attestation: &str, seen: &FileSeen, check: &str) -> Verdict {
        let check: Attestation = crate::document::from_node(&crate::document::Node::read("c", check).unwrap()).unwrap();
        let target = target(attestation);
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: None })
    }
    const CHECK: &str = "{subject: risk, asks: 'that risks were judged', valid-days: 400}";
    const SOUND: &str = "{statement: We did., person: Eva Example, role: safety officer, date: 2026-01-10, expires: 2027-01-09}";

    #[test]
    fn a_valid_statement_passes_and_names_the_person() {
        let verdict = judge(SOUND, &FileSeen::NotNamed, CHECK);
        assert_eq!(verdict.outcome, Outcome::Passed);
        assert!(verdict.reason.contains("Eva Example, safety officer"));
    }

    #[test]
    fn an_absent_statement_is_untested_and_not_failed() {
        assert_eq!(judge(SOUND, &FileSeen::NotNamed, "{subject: other, asks: x}").outcome, Outcome::Untested);
    }

    #[test]
    fn expired_future_and_overlong_statements_fail_for_that_reason() {
        for (attestation, why) in [
            ("{statement: s, person: p, role: r, date: 2025-01-10, expires: 2025-12-31}", "expired"),
            ("{statement: s, person: p, role: r, date: 2026-12-01, expires: 2027-01-01}", "future"),
            ("{statement: s, person: p, role: r, date: 2026-01-10, expires: 2028-01-10}", "400 days"),
            ("{statement: s, person: ' ', role: r, date: 2026-01-10, expires: 2027-01-09}", "`person`"),
        ] {
            let verdict = judge(attestation, &FileSeen::NotNamed, CHECK);
            assert_eq!(verdict.outcome, Outcome::Failed, "{attestation}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn the_file_behind_it_must_be_the_one_that_was_hashed() {
        let sha = "a".repeat(64);
        let attestation = format!("{{statement: s, person: p, role: r, date: 2026-01-10, expires: 2027-01-09, evidence: {{file: r.pdf, sha256: {sha}}}}}");
        assert_eq!(judge(&attestation, &FileSeen::Hashed(sha.clone()), CHECK).outcome, Outcome::Passed);
        assert_eq!(judge(&attestation, &FileSeen::Hashed("b".repeat(64)), CHECK).outcome, Outcome::Failed);
        assert_eq!(judge(&attestation, &FileSeen::Unreadable("no such file".into()), CHECK).outcome, Outcome::Failed);
        assert_eq!(judge(SOUND, &FileSeen::NotNamed, "{subject: risk, asks: x, evidence-required: true}").outcome, Outcome::Failed);
    }
}
