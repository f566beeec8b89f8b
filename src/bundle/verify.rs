//! Whether a bundle is whole and agrees with itself.

use std::collections::BTreeSet;

use super::v1::AssessmentV1;
use super::{ASSESSMENT, Bundle, MANIFEST, withhold};
use crate::assess::CheckResult;

/// What was found when a bundle was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many files were compared with their sums.
    pub files: usize,
    /// How many observations were compared with the hashes that results name.
    pub observations: usize,
    /// What is wrong, one sentence each; empty when the bundle is whole and agrees with itself.
    pub problems: Vec<String>,
    /// Worth knowing, and nothing wrong: secrets that were taken out when the bundle was written.
    pub notes: Vec<String>,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Bundle {
    /// Compares every file with the manifest, every observation with its hash, and the assessment
    /// with the plan, the recorded results, the target and its own roll-ups.
    ///
    /// It shows that the files are those the manifest was written for. It does not show who wrote it.
    pub fn verify(&self) -> Verification {
        let mut verification = Verification::default();
        self.verify_sums(&mut verification);
        self.verify_observations(&mut verification);
        let problems = &mut verification.problems;
        match self.recorded() {
            Ok(recorded) if self.is_sealed() && unmarked(&recorded) != unmarked(&self.assessment().results) => {
                problems.push("the assessment's results are not those that were recorded while running".into());
            }
            Ok(_) => {}
            Err(error) => problems.push(error.to_string()),
        }
        match self.target() {
            Ok(target) if serde_json::to_value(&target).ok() != serde_json::to_value(&self.assessment().target).ok() => {
                problems.push("target.json is not the target of the assessment".into());
            }
            Ok(_) => {}
            Err(error) => problems.push(error.to_string()),
        }
        match self.profile() {
            Ok(profile) => {
                let named = &self.assessment().profile;
                if (&profile.id, &profile.version) != (&named.id, &named.version) {
                    problems.push("profile.json is not the profile of the assessment".into());
                }
            }
            Err(mistakes) => problems.extend(mistakes.iter().map(|m| format!("profile.json cannot be read: {m}"))),
        }
        if let Some(problem) = self.stale_rollup() {
            problems.push(problem);
        }
        verification
    }

    fn verify_sums(&self, verification: &mut Verification) {
        let problems = &mut verification.problems;
        let manifest = match self.manifest() {
            _ if !self.is_sealed() => {
                problems.push("there is no manifest: the run was stopped before its end".into());
                return;
            }
            Ok(manifest) => manifest,
            Err(error) => {
                problems.push(error.to_string());
                return;
            }
        };
        problems.extend(manifest.fault().map(|fault| format!("the manifest cannot be used: {fault}")));
        for (name, sum) in &manifest.files {
            match self.files.sum(name) {
                Ok(found) if found == *sum => verification.files += 1,
                Ok(_) => problems.push(format!("{name:?} was changed")),
                Err(_) if !self.files.has(name) => problems.push(format!("{name:?} is missing")),
                Err(error) => problems.push(error.to_string()),
            }
        }
        let extra = self.files.sizes().keys().filter(|name| *name != MANIFEST && !manifest.files.contains_key(*name));
        problems.extend(extra.map(|name| format!("{name:?} does not belong to the bundle")));
        verification.notes.extend(manifest.redacted.iter().map(|name| format!("a secret was taken out of {name:?} when it was written")));
    }

    fn verify_observations(&self, verification: &mut Verification) {
        let named: BTreeSet<&String> = self.assessment().results.iter().filter_map(|r| r.observation.as_ref()).collect();
        for hash in named {
            match self.observation(hash) {
                Ok(_) => verification.observations += 1,
                Err(error) => verification.problems.push(error.to_string()),
            }
        }
    }

    /// The saved roll-ups, where they are not what the results give.
    fn stale_rollup(&self) -> Option<String> {
        if !self.files.has(ASSESSMENT) {
            return None;
        }
        let saved: serde_json::Value = serde_json::from_slice(&self.files.read(ASSESSMENT).ok()?).ok()?;
        let computed = serde_json::to_value(AssessmentV1::from(self.assessment())).ok()?;
        (saved != computed).then(|| "the assessment's verdicts and counts are not those that its results give".into())
    }
}

/// The results without the mark of a removed secret, which may come after a result was recorded.
fn unmarked(results: &[CheckResult]) -> Vec<CheckResult> {
    results.iter().cloned().map(|result| CheckResult { verdict: withhold::unmarked(&result.verdict), ..result }).collect()
}
