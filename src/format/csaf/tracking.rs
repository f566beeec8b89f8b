//! The history of a CSAF document (section 3.2.1.12): identifier, status, version and revisions.

use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::list;
use crate::format::vulnerability::Scheme;
use crate::verdict::Finding;

/// One revision, as far as it could be read.
struct Revision<'a> {
    number: &'a str,
    date: Option<OffsetDateTime>,
    pointer: String,
}

/// A version: a whole number, or three numbers with what semantic versioning allows behind them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    Integer,
    Semantic,
}

pub(super) fn judge(document: &Value, findings: &mut Vec<Finding>) {
    let at = "/document/tracking";
    let Some(tracking) = document.get("tracking").filter(|t| t.is_object()) else {
        findings.push(
            Finding::error("tracking", "the document has no history").at(at).expected("tracking").clause("CSAF 2.0, section 3.2.1.12"),
        );
        return;
    };
    let text = |key: &str| tracking.get(key).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    let id = text("id");
    if id.is_none_or(|id| id.starts_with(char::is_whitespace) || id.ends_with(char::is_whitespace)) {
        findings.push(
            Finding::error("tracking-id", "the document has no identifier").at(format!("{at}/id")).clause("CSAF 2.0, section 3.2.1.12.4"),
        );
    }
    let status = text("status").unwrap_or_default();
    if !matches!(status, "draft" | "final" | "interim") {
        findings.push(
            Finding::error("tracking-status", "the document's status is missing or none of the standard")
                .at(format!("{at}/status"))
                .expected("draft, interim or final")
                .observed(status)
                .clause("CSAF 2.0, section 3.2.1.12.7"),
        );
    }
    let mut dates = Vec::new();
    for key in ["initial_release_date", "current_release_date"] {
        let date = text(key).and_then(|t| OffsetDateTime::parse(t, &Rfc3339).ok());
        if date.is_none() {
            findings.push(
                Finding::error("tracking-date", "a date of release is missing or no date and time")
                    .at(format!("{at}/{key}"))
                    .expected("a date and time of RFC 3339")
                    .observed(text(key).unwrap_or_default())
                    .clause("CSAF 2.0, section 3.2.1.12"),
            );
        }
        dates.push(date);
    }
    if let [Some(initial), Some(current)] = dates.as_slice()
        && initial > current
    {
        findings.push(
            Finding::error("tracking-order", "the document was released for the first time after its current release")
                .at(format!("{at}/current_release_date"))
                .clause("CSAF 2.0, section 3.2.1.12"),
        );
    }
    let version = text("version").unwrap_or_default();
    let numbering = numbering(version);
    if numbering.is_none() {
        findings.push(
            Finding::error("tracking-version", "the document's version is missing or not valid")
                .at(format!("{at}/version"))
                .expected("a whole number, or three numbers")
                .observed(version)
                .clause("CSAF 2.0, section 3.1.11"),
        );
    }
    let revisions = read_revisions(tracking, findings);
    if revisions.is_empty() {
        return;
    }
    judge_revisions(&revisions, version, status, findings);
    if status != "draft" && !status.is_empty() && is_before_release(version) {
        let clause = "CSAF 2.0, section 6.1.20";
        let pre = version.contains('-');
        findings.push(
            Finding::error("version-not-draft", "a document that is not a draft has the version of one")
                .at(format!("{at}/version"))
                .observed(version)
                .clause(if pre { clause } else { "CSAF 2.0, section 6.1.17" }),
        );
    }
}

fn read_revisions<'a>(tracking: &'a Value, findings: &mut Vec<Finding>) -> Vec<Revision<'a>> {
    let at = "/document/tracking/revision_history";
    let entries = list(tracking, "revision_history");
    if entries.is_empty() {
        findings.push(Finding::error("revisions", "the document has no list of revisions").at(at).clause("CSAF 2.0, section 3.2.1.12.6"));
    }
    let mut revisions = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let pointer = format!("{at}/{i}");
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
        let date = text("date").and_then(|t| OffsetDateTime::parse(t, &Rfc3339).ok());
        let number = text("number").unwrap_or_default();
        for (missing, key) in [(date.is_none(), "date"), (numbering(number).is_none(), "number"), (text("summary").is_none(), "summary")] {
            if missing {
                findings.push(
                    Finding::error("revision", format!("a revision's {key} is missing or not valid"))
                        .at(pointer.clone())
                        .expected(key)
                        .observed(text(key).unwrap_or_default())
                        .clause("CSAF 2.0, section 3.2.1.12.6"),
                );
            }
        }
        revisions.push(Revision { number, date, pointer });
    }
    revisions
}

fn judge_revisions(revisions: &[Revision<'_>], version: &str, status: &str, findings: &mut Vec<Finding>) {
    let kinds: Vec<Numbering> = revisions.iter().filter_map(|r| numbering(r.number)).chain(numbering(version)).collect();
    if kinds.iter().any(|k| Some(k) != kinds.first()) {
        findings.push(
            Finding::error("version-mixed", "whole numbers and semantic versions are mixed")
                .at("/document/tracking")
                .clause("CSAF 2.0, section 6.1.30"),
        );
        return;
    }
    let mut by_date: Vec<&Revision<'_>> = revisions.iter().filter(|r| r.date.is_some()).collect();
    by_date.sort_by(|a, b| a.date.cmp(&b.date).then_with(|| compare(a.number, b.number)));
    for (older, newer) in by_date.iter().zip(by_date.iter().skip(1)) {
        match compare(older.number, newer.number) {
            Ordering::Greater => {
                findings.push(
                    Finding::error("revisions-unsorted", "a later revision has a lower number")
                        .at(newer.pointer.clone())
                        .observed(newer.number)
                        .clause("CSAF 2.0, section 6.1.14"),
                );
                break;
            }
            Ordering::Equal | Ordering::Less => {}
        }
    }
    for (i, revision) in revisions.iter().enumerate() {
        if revisions.iter().take(i).any(|r| r.number == revision.number) {
            findings.push(
                Finding::error("revision-repeated", "two revisions have the same number")
                    .at(revision.pointer.clone())
                    .observed(revision.number)
                    .clause("CSAF 2.0, section 6.1.22"),
            );
        }
        if status != "draft" && revision.number.split('+').next().is_some_and(|n| n.contains('-')) {
            findings.push(
                Finding::error("revision-pre-release", "a revision of a released document is marked as a trial")
                    .at(revision.pointer.clone())
                    .observed(revision.number)
                    .clause("CSAF 2.0, section 6.1.19"),
            );
        }
        if matches!(status, "final" | "interim") && matches!(major(revision.number), Some("0")) {
            findings.push(
                Finding::error("revision-zero", "a released document lists a revision from before its release")
                    .at(revision.pointer.clone())
                    .observed(revision.number)
                    .clause("CSAF 2.0, section 6.1.18"),
            );
        }
    }
    if let Some(latest) = by_date.last() {
        // Build data is left out of the comparison; of a draft its pre-release mark too.
        let plain = |text: &str| {
            let text = text.split('+').next().unwrap_or_default();
            if status == "draft" { text.split('-').next().unwrap_or_default().to_owned() } else { text.to_owned() }
        };
        if plain(latest.number) != plain(version) {
            findings.push(
                Finding::error("version-not-latest", "the document's version is not that of its latest revision")
                    .at("/document/tracking/version")
                    .expected(latest.number)
                    .observed(version)
                    .clause("CSAF 2.0, section 6.1.16"),
            );
        }
    }
    // Of whole numbers, and of the first number of semantic versions, none may be left out.
    let mut majors: Vec<u64> = revisions.iter().filter_map(|r| major(r.number)?.parse().ok()).collect();
    majors.sort_unstable();
    let first_may_be = majors.first().copied().unwrap_or_default();
    let gap = first_may_be > 1 || majors.iter().zip(majors.iter().skip(1)).any(|(a, b)| b - a > 1);
    if gap {
        findings.push(
            Finding::error("revision-missing", "the list of revisions leaves a number out")
                .at("/document/tracking/revision_history")
                .clause("CSAF 2.0, section 6.1.21"),
        );
    }
}

fn numbering(text: &str) -> Option<Numbering> {
    let whole = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()) && (t == "0" || !t.starts_with('0'));
    if whole(text) {
        return Some(Numbering::Integer);
    }
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    (parts.len() == 3 && parts.iter().all(|p| whole(p)) && Scheme::Semantic.compare(text, text).is_some()).then_some(Numbering::Semantic)
}

fn major(text: &str) -> Option<&str> {
    numbering(text)?;
    text.split(['.', '-', '+']).next()
}

fn compare(a: &str, b: &str) -> Ordering {
    Scheme::Semantic.compare(a, b).unwrap_or(Ordering::Equal)
}

/// Version 0, 0.x.y, or one with a mark of a pre-release.
fn is_before_release(version: &str) -> bool {
    major(version) == Some("0") || version.split('+').next().is_some_and(|v| v.contains('-'))
}
