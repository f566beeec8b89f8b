//! A statement about a whole standard, clause by clause: what the vendor claims of each, what was wrong with the
//! claim, and what the requirements that cite the clause have shown.
//!
//! The rows travel as pieces of evidence of the check that read the statement. Here they are taken out, so that a
//! verdict shows its own evidence only, and become a table of their own.

use crate::assess::Assessment;
use crate::verdict::{Evidence, Outcome};

/// How the place of a row begins; the rest is the clause.
const MARK: &str = "provision ";

/// The table of one statement.
#[derive(Debug)]
pub(super) struct ClauseTable {
    /// The requirement that asks for the statement.
    pub requirement: String,
    /// The standard.
    pub standard: String,
    /// One row for each clause, in the order of the statement.
    pub rows: Vec<ClauseRow>,
}

/// What is known about one clause.
#[derive(Debug)]
pub(super) struct ClauseRow {
    /// The clause.
    pub number: String,
    /// What it is about, in words of ours.
    pub about: String,
    /// What is claimed, what can show it, and what is wrong with the claim.
    pub said: String,
    /// The requirements that cite the clause, with what came of them.
    pub here: Vec<(String, Outcome)>,
}

impl ClauseRow {
    /// Whether an answer is at fault, or a requirement that cites the clause is not met or open.
    pub(super) fn wants_attention(&self) -> bool {
        self.said.contains(FAULT) || self.here.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::Inapplicable))
    }
    /// What came of it here, in words.
    pub(super) fn here_in_words(&self) -> String {
        if self.here.is_empty() {
            return "not asked here".into();
        }
        self.here.iter().map(|(id, outcome)| format!("{id} {}", super::words::outcome(*outcome))).collect::<Vec<_>>().join(", ")
    }
}

/// Takes the rows out of an assessment.
pub(super) fn take(assessment: &mut Assessment) -> Vec<ClauseTable> {
    let mut tables = Vec::new();
    for result in &mut assessment.results {
        let (rows, evidence): (Vec<Evidence>, Vec<Evidence>) =
            std::mem::take(&mut result.verdict.evidence).into_iter().partition(|e| number_of(e).is_some());
        result.verdict.evidence = evidence;
        let Some(standard) = rows.first().and_then(|row| row.get_clause()).map(str::to_owned) else { continue };
        let rows = rows
            .iter()
            .filter_map(|row| {
                Some(ClauseRow {
                    number: number_of(row)?,
                    about: row.get_expected().to_owned(),
                    said: row.get_observed().map(ToString::to_string).unwrap_or_default(),
                    here: Vec::new(),
                })
            })
            .collect();
        tables.push(ClauseTable { requirement: result.requirement.clone(), standard, rows });
    }
    for table in &mut tables {
        for view in assessment.requirement_views().iter().filter(|view| view.text.id != table.requirement) {
            let cited: Vec<&str> = view
                .text
                .sources
                .iter()
                .filter(|s| s.standard == table.standard)
                .flat_map(|s| s.clause.as_deref().unwrap_or_default().split([',', ' ', ';']))
                .collect();
            for row in table.rows.iter_mut().filter(|row| cited.contains(&row.number.as_str())) {
                row.here.push((view.text.id.clone(), view.outcome));
            }
        }
    }
    tables
}

fn number_of(evidence: &Evidence) -> Option<String> {
    let part = evidence.get_place()?.part.as_ref()?.to_string();
    part.strip_prefix(MARK).filter(|_| evidence.get_clause().is_some()).map(str::to_owned)
}

/// The sentence above a table.
pub(super) fn sentence(table: &ClauseTable) -> String {
    let here = table.rows.iter().filter(|r| !r.here.is_empty()).count();
    let met = table.rows.iter().filter(|r| !r.here.is_empty() && r.here.iter().all(|(_, o)| *o == Outcome::Passed)).count();
    let faults = table.rows.iter().filter(|r| r.said.contains(FAULT)).count();
    format!(
        "{} clauses: requirements of this profile touch {here} of them and are met for {met}; {faults} answers are at fault. \
         What is claimed was not tested beyond that, and no line says that the product conforms to {}.",
        table.rows.len(),
        table.standard
    )
}

/// How a fault of an answer is introduced, where rows are written.
const FAULT: &str = "at fault:";
