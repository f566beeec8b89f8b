//! How long a maker promises security updates (EN 303 645, provision 5.3-13; Cyber Resilience Act,
//! article 13(8)): a date that a machine can read, far enough from the day the product came out.

use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::verdict::Finding;

/// What is published about the support period, as written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Published<'a> {
    /// The day the product came to the market.
    pub released: Option<&'a str>,
    /// The last day of support.
    pub ends: Option<&'a str>,
    /// The reason for a period that is shorter than asked: the product is used for less long.
    pub reason: Option<&'a str>,
}

/// A calendar date of ISO 8601, `2031-12-31`; the date of a longer date and time.
pub fn read_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let date = match text.as_bytes().get(10) {
        None | Some(b'T' | b't' | b' ') => text.get(..10)?,
        Some(_) => return None,
    };
    Date::parse(date, format_description!("[year]-[month]-[day]")).ok()
}

/// Judges what is published. `least_years` is counted from the release; without a day of release it is
/// counted from `now`, and a shorter rest is open, because the product may be old.
pub fn judge(published: &Published<'_>, now: OffsetDateTime, least_years: u16) -> Vec<Finding> {
    let clause = "EN 303 645, provision 5.3-13; Cyber Resilience Act, article 13(8)";
    let finding = |f: Finding, observed: &str| f.observed(observed).clause(clause);
    let Some(text) = published.ends.map(str::trim).filter(|t| !t.is_empty()) else {
        return vec![
            Finding::error("support-end-missing", "it is not published until when security updates come")
                .expected("a date such as 2031-12-31")
                .clause(clause),
        ];
    };
    let Some(ends) = read_date(text) else {
        return vec![
            finding(Finding::error("support-end-date", "the end of support is not a date that a machine can read"), text)
                .expected("a date such as 2031-12-31"),
        ];
    };
    if ends < now.date() {
        return vec![
            finding(Finding::error("support-ended", "the support of the product has ended"), text).expected("a date in the future"),
        ];
    }
    let (start, known) = match published.released.and_then(read_date) {
        Some(released) => (released, true),
        None => (now.date(), false),
    };
    let mut findings = Vec::new();
    if published.released.is_some() && !known {
        findings.push(finding(
            Finding::warning("support-start-date", "the day of release is not a date that a machine can read"),
            published.released.unwrap_or_default(),
        ));
    }
    if known && start > ends {
        findings.push(finding(Finding::error("support-order", "support ends before the product comes out"), text));
        return findings;
    }
    // The same day of the year, so many years later; the 29th of February becomes the 28th.
    let year = start.year().saturating_add(i32::from(least_years));
    let wanted = start.replace_year(year).or_else(|_| start.replace_day(28).and_then(|d| d.replace_year(year)));
    if wanted.is_ok_and(|wanted| ends < wanted) && published.reason.is_none_or(|r| r.trim().is_empty()) {
        let expected = format!("{least_years} years, or the reason for less");
        findings.push(if known {
            finding(Finding::error("support-short", "security updates come for too short a time, and no reason is given"), text)
                .expected(expected)
        } else {
            finding(
                Finding::open(
                    "support-short",
                    "security updates come for less than the time asked from today on, and the day of release is not known",
                ),
                text,
            )
            .expected(expected)
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;
    use time::macros::datetime;

    fn judged(released: Option<&str>, ends: Option<&str>, reason: Option<&str>) -> Vec<(String, Severity)> {
        judge(&Published { released, ends, reason }, datetime!(2026-11-22 09:00 UTC), 5).into_iter().map(|f| (f.rule, f.severity)).collect()
    }
    fn one(released: Option<&str>, ends: Option<&str>) -> (String, Severity) {
        judged(released, ends, None).pop().unwrap()
    }

    #[test]
    fn five_years_are_five_years() {
        assert_eq!(judged(Some("2024-02-29"), Some("2029-02-28"), None), []);
        assert_eq!(judged(Some("2025-06-01"), Some("2030-06-01T00:00:00Z"), None), []);
        assert_eq!(judged(None, Some("2031-11-22"), None), []);
        assert_eq!(one(Some("2025-06-01"), Some("2030-05-31")), ("support-short".into(), Severity::Error));
        assert_eq!(judged(Some("2025-06-01"), Some("2028-01-01"), Some("The pendant's battery lasts three years.")), []);
        assert_eq!(one(None, Some("2028-01-01")), ("support-short".into(), Severity::Open));
    }

    #[test]
    fn other_faults_have_their_rules() {
        assert_eq!(one(None, None).0, "support-end-missing");
        assert_eq!(one(None, Some("31.12.2031")).0, "support-end-date");
        assert_eq!(one(None, Some("five years")).0, "support-end-date");
        assert_eq!(one(None, Some("2026-11-21")).0, "support-ended");
        assert_eq!(one(Some("2032-01-01"), Some("2031-01-01")).0, "support-order");
    }
}
