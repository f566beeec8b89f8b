//! The findings of one document, capped and given their places.

use crate::document::Source;
use crate::verdict::{Finding, Severity};

/// How many findings of one severity are kept for one document. A broken generator repeats one fault
/// in every row; nobody reads the thousandth.
const MAX_KEPT: usize = 500;

/// How many bytes may be read again to find the places of a JSON document's findings. Each place costs
/// one scan, so a large document with many faults gets its first places only.
const PLACE_BUDGET: usize = 256 << 20;

/// Gathers findings. Errors, warnings and open questions are capped apart, so that no flood of one
/// hides the other.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    kept: [usize; 3],
    dropped: [usize; 3],
}

fn slot(severity: Severity) -> usize {
    match severity {
        Severity::Error => 0,
        Severity::Open => 1,
        Severity::Warning => 2,
    }
}

impl Findings {
    /// Whether another finding of this severity would still be kept: a costly message need not be made
    /// for one that will not.
    pub(crate) fn wants(&self, severity: Severity) -> bool {
        self.kept.get(slot(severity)).is_some_and(|kept| *kept < MAX_KEPT)
    }

    /// Keeps a finding, or counts it.
    pub(crate) fn push(&mut self, finding: Finding) {
        let slot = slot(finding.severity);
        if self.wants(finding.severity) {
            if let Some(kept) = self.kept.get_mut(slot) {
                *kept += 1;
            }
            self.list.push(finding);
        } else if let Some(dropped) = self.dropped.get_mut(slot) {
            *dropped += 1;
        }
    }

    /// Keeps many.
    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.push(finding);
        }
    }

    /// Gives every finding with a JSON Pointer its line and column, where the budget allows.
    pub(crate) fn locate(&mut self, source: &Source) {
        let mut budget = PLACE_BUDGET;
        let size = source.text().len().max(1);
        let wanting = self.list.iter_mut().filter(|f| f.position.is_none());
        let mut wanting: Vec<&mut Finding> = wanting
            .take_while(|_| {
                let enough = budget >= size;
                budget = budget.saturating_sub(size);
                enough
            })
            .collect();
        let places = source.positions(wanting.iter().map(|f| f.path.as_str()).collect::<Vec<_>>());
        for (finding, place) in wanting.iter_mut().zip(places) {
            finding.position = place;
        }
    }

    /// The findings in the order they were made, and a last one that counts what was not kept.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        for (severity, name) in [(Severity::Error, "errors"), (Severity::Open, "open questions"), (Severity::Warning, "warnings")] {
            let dropped = self.dropped.get(slot(severity)).copied().unwrap_or_default();
            if dropped > 0 {
                self.list.push(Finding::new("more", severity, format!("{dropped} further {name} are counted but not shown")));
            }
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_warnings_does_not_hide_an_error() {
        let mut findings = Findings::default();
        for _ in 0..2 * MAX_KEPT {
            findings.push(Finding::warning("w", "again"));
        }
        findings.push(Finding::error("e", "the one"));
        let list = findings.finish();
        assert!(list.iter().any(|f| f.rule == "e"));
        assert!(list.last().unwrap().message.starts_with("500 further warnings"));
    }
}
