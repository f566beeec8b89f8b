//! Until when an assessment may be relied on.

use time::{Date, Month};

use super::Assessment;
use crate::profile::WaiverState;
use crate::target::day;
use crate::verdict::{Grade, Outcome};

/// How long an assessment counts at most, in years: products, standards and certificates change, and
/// a year is what buyers and registries commonly renew by.
const MAX_YEARS: i32 = 1;

/// The last day of an assessment and what ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// The last day on which it may be relied on.
    pub until: Date,
    /// What ends it on that day, as part of a sentence.
    pub because: String,
}

impl Assessment {
    /// Until when the assessment may be relied on: a year after it was finished, or earlier when a
    /// statement that a requirement passed by, or a waiver that counts, ends earlier.
    pub fn validity(&self) -> Validity {
        let mut validity =
            Validity { until: plus_years(self.finished.date(), MAX_YEARS), because: "a report counts for twelve months".into() };
        let mut end = |day: Option<Date>, because: &dyn Fn() -> String| {
            if let Some(until) = day.filter(|d| *d < validity.until) {
                validity = Validity { until, because: because() };
            }
        };
        for (subject, attestation) in &self.target.attestations {
            if self.rests_on(subject) {
                end(day(&attestation.expires), &|| format!("the statement on \"{subject}\" ends then"));
            }
        }
        for view in self.requirement_views().iter().filter(|view| view.outcome == Outcome::Failed) {
            for (waiver, _) in view.waivers.iter().filter(|(_, state)| *state == WaiverState::Valid) {
                end(day(&waiver.expires), &|| format!("the waiver for {} ends then", waiver.requirement));
            }
        }
        validity
    }

    /// Whether a result that passed names the statement on `subject` as its ground.
    fn rests_on(&self, subject: &str) -> bool {
        let part = format!("attestations.{subject}");
        self.results.iter().filter(|r| r.grade == Grade::Attested && r.outcome() == Outcome::Passed).any(|result| {
            result.verdict.evidence.iter().any(|e| e.get_place().and_then(|p| p.part.as_ref()).is_some_and(|p| p.as_str() == part))
        })
    }
}

/// The same day so many years later; the 28th for a 29 February.
fn plus_years(date: Date, years: i32) -> Date {
    let year = date.year() + years;
    Date::from_calendar_date(year, date.month(), date.day())
        .or_else(|_| Date::from_calendar_date(year, Month::February, 28))
        .unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_year_is_a_calendar_year() {
        assert_eq!(plus_years(date!(2026 - 11 - 22), 1), date!(2027 - 11 - 22));
        assert_eq!(plus_years(date!(2028 - 02 - 29), 1), date!(2029 - 02 - 28));
    }
}
