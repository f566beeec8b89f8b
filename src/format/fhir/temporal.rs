//! Dates and times of FHIR: read strictly, compared by FHIRPath's rules of precision.

use std::cmp::Ordering;

/// How much of a date and time is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// What was written: a date, a date and time, or a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Date,
    DateTime,
    Time,
}

/// A date, date and time, or time of day, as precise as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Temporal {
    pub(super) sort: Sort,
    pub(super) precision: Precision,
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) milli: u16,
    /// Minutes east of UTC.
    pub(super) offset: Option<i32>,
}

fn two(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => Some((a - b'0') * 10 + (b - b'0')),
        _ => None,
    }
}

/// Days of a month in the proleptic Gregorian calendar.
pub(super) fn days_in(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

impl Temporal {
    const NONE: Self = Self {
        sort: Sort::Date,
        precision: Precision::Year,
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        milli: 0,
        offset: None,
    };

    /// `2024`, `2024-02` or `2024-02-29`; a day that the calendar does not have is refused.
    pub(super) fn date(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let year =
            bytes.get(..4).filter(|y| y.iter().all(u8::is_ascii_digit)).and_then(|_| text.get(..4)?.parse().ok()).filter(|y| *y > 0)?;
        let mut out = Self { year, ..Self::NONE };
        if bytes.len() > 4 {
            out.month = two(bytes.get(5..7)?).filter(|m| (1..=12).contains(m) && bytes.get(4) == Some(&b'-'))?;
            out.precision = Precision::Month;
        }
        if bytes.len() > 7 {
            out.day = two(bytes.get(8..)?).filter(|d| (1..=days_in(out.year, out.month)).contains(d) && bytes.get(7) == Some(&b'-'))?;
            out.precision = Precision::Day;
        }
        Some(out)
    }

    /// A FHIR `dateTime`: a date, or a date with time to the second and offset.
    pub(super) fn date_time(text: &str) -> Option<Self> {
        match text.split_once('T') {
            None => Self::date(text).map(|d| Self { sort: Sort::DateTime, ..d }),
            Some((date, time)) => {
                let full = Self::with_time(date, time, false)?;
                (full.offset.is_some() && full.precision >= Precision::Second).then_some(full)
            }
        }
    }

    /// A FHIR `instant`: all of it.
    pub(super) fn instant(text: &str) -> Option<Self> {
        Self::date_time(text).filter(|t| t.precision >= Precision::Second)
    }

    /// A FHIR `time`: to the second, without offset.
    pub(super) fn time(text: &str) -> Option<Self> {
        Self::clock(text, Self { sort: Sort::Time, ..Self::NONE }).filter(|t| t.precision >= Precision::Second)
    }

    /// A literal of FHIRPath without its `@`: any precision.
    pub(super) fn literal(text: &str) -> Option<Self> {
        if let Some(time) = text.strip_prefix('T') {
            return Self::clock(time, Self { sort: Sort::Time, ..Self::NONE });
        }
        match text.split_once('T') {
            None => Self::date(text),
            Some((date, "")) => Self::date(date).map(|d| Self { sort: Sort::DateTime, ..d }),
            Some((date, time)) => Self::with_time(date, time, true),
        }
    }

    fn with_time(date: &str, time: &str, lenient: bool) -> Option<Self> {
        let day = Self::date(date).filter(|d| d.precision == Precision::Day)?;
        let (clock, offset) = match time.find(['Z', '+', '-']) {
            Some(at) => {
                let zone = time.get(at..)?;
                let bytes = zone.as_bytes();
                let offset = if zone == "Z" {
                    0
                } else {
                    let (hours, minutes) = (two(bytes.get(1..3)?)?, two(bytes.get(4..)?)?);
                    if bytes.get(3) != Some(&b':') || hours > 14 || minutes > 59 || (hours == 14 && minutes > 0) {
                        return None;
                    }
                    let east = i32::from(hours) * 60 + i32::from(minutes);
                    if zone.starts_with('-') { -east } else { east }
                };
                (time.get(..at)?, Some(offset))
            }
            None => (time, None),
        };
        let out = Self::clock(clock, Self { sort: Sort::DateTime, offset, ..day })?;
        (lenient || out.precision >= Precision::Second).then_some(out)
    }

    fn clock(text: &str, mut out: Self) -> Option<Self> {
        let bytes = text.as_bytes();
        out.hour = two(bytes.get(..2)?).filter(|h| *h < 24)?;
        out.precision = Precision::Hour;
        if bytes.len() > 2 {
            out.minute = two(bytes.get(3..5)?).filter(|m| *m < 60 && bytes.get(2) == Some(&b':'))?;
            out.precision = Precision::Minute;
        }
        if bytes.len() > 5 {
            // A leap second is written as 60.
            out.second = two(bytes.get(6..8)?).filter(|s| *s <= 60 && bytes.get(5) == Some(&b':'))?;
            out.precision = Precision::Second;
        }
        if bytes.len() > 8 {
            let fraction = text.get(8..)?.strip_prefix('.').filter(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()))?;
            out.milli = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
            out.precision = Precision::Millisecond;
        }
        Some(out)
    }

    /// Days since a fixed day; the calendar as a line.
    fn days(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let of_era = shifted.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
    }

    fn with_days(self, days: i64) -> Self {
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        Self {
            year: i32::try_from(year).unwrap_or(9999),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
            ..self
        }
    }

    fn millis(self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        let day = if self.sort == Sort::Time { 0 } else { self.days() };
        ((day * 1440 + minutes - i64::from(self.offset.unwrap_or(0))) * 60 + i64::from(self.second)) * 1000 + i64::from(self.milli)
    }

    /// The same instant written with offset zero.
    fn utc(self) -> Self {
        match self.offset {
            Some(offset) if offset != 0 && self.precision >= Precision::Hour => {
                let minutes = self.days() * 1440 + i64::from(self.hour) * 60 + i64::from(self.minute) - i64::from(offset);
                let day = self.with_days(minutes.div_euclid(1440));
                let of_day = minutes.rem_euclid(1440);
                Self {
                    hour: u8::try_from(of_day / 60).unwrap_or(0),
                    minute: u8::try_from(of_day % 60).unwrap_or(0),
                    offset: Some(0),
                    ..day
                }
            }
            _ => self,
        }
    }

    fn parts(self) -> [i64; 6] {
        let seconds = i64::from(self.second) * 1000 + i64::from(self.milli);
        [self.year.into(), self.month.into(), self.day.into(), self.hour.into(), self.minute.into(), seconds]
    }

    fn known(self) -> usize {
        match self.precision {
            Precision::Year => 1,
            Precision::Month => 2,
            Precision::Day => 3,
            Precision::Hour => 4,
            Precision::Minute => 5,
            Precision::Second | Precision::Millisecond => 6,
        }
    }

    /// The order of two, or `None` where their precision leaves it open.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        if (self.sort == Sort::Time) != (other.sort == Sort::Time) {
            return None;
        }
        let (mut a, mut b) = (self, other);
        let timed = a.precision >= Precision::Hour && b.precision >= Precision::Hour;
        if timed && a.sort != Sort::Time {
            if a.offset.is_some() != b.offset.is_some() {
                // A day apart or more, no offset can turn the order.
                let gap = a.millis() - b.millis();
                return if gap.abs() > 26 * 3_600_000 { Some(gap.cmp(&0)) } else { None };
            }
            (a, b) = (a.utc(), b.utc());
        } else if a.offset.is_some() != b.offset.is_some() && a.precision.min(b.precision) >= Precision::Day {
            // One has a time with offset, the other is a day of an unknown zone.
            let gap = a.days() - b.days();
            return if gap.abs() > 1 { Some(gap.cmp(&0)) } else { None };
        }
        let (left, right) = (a.parts(), b.parts());
        let start = if a.sort == Sort::Time { 3 } else { 0 };
        for (n, (x, y)) in left.iter().zip(right.iter()).enumerate().skip(start) {
            let (has_a, has_b) = (n < a.known(), n < b.known());
            match (has_a, has_b) {
                (true, true) if x != y => return Some(x.cmp(y)),
                (true, true) => {}
                (false, false) => return Some(Ordering::Equal),
                (true, false) | (false, true) => return None,
            }
        }
        Some(Ordering::Equal)
    }

    /// Adds a number of calendar units. `None` for units that it does not have.
    pub(super) fn add(self, amount: i64, unit: Precision) -> Option<Self> {
        if amount.abs() > 1_000_000_000_000 {
            return None;
        }
        match unit {
            Precision::Year | Precision::Month if self.sort != Sort::Time => {
                // A precision coarser than the unit counts whole units only.
                let months = match (unit, self.precision) {
                    (Precision::Year, _) => amount.checked_mul(12)?,
                    (_, Precision::Year) => amount / 12 * 12,
                    _ => amount,
                };
                let total = i64::from(self.year) * 12 + i64::from(self.month) - 1 + months;
                let year = i32::try_from(total.div_euclid(12)).ok().filter(|y| (1..=9999).contains(y))?;
                let month = u8::try_from(total.rem_euclid(12) + 1).ok()?;
                Some(Self { year, month, day: self.day.min(days_in(year, month)), ..self })
            }
            Precision::Day if self.sort != Sort::Time => match self.precision {
                Precision::Year => self.add(amount / 365, Precision::Year),
                Precision::Month => self.add(amount / 30, Precision::Month),
                Precision::Day | Precision::Hour | Precision::Minute | Precision::Second | Precision::Millisecond => {
                    let out = self.with_days(self.days() + amount);
                    (1..=9999).contains(&out.year).then_some(out)
                }
            },
            Precision::Hour | Precision::Minute | Precision::Second | Precision::Millisecond => {
                let millis = amount.checked_mul(match unit {
                    Precision::Hour => 3_600_000,
                    Precision::Minute => 60_000,
                    Precision::Second => 1000,
                    Precision::Year | Precision::Month | Precision::Day | Precision::Millisecond => 1,
                })?;
                if self.precision < Precision::Hour {
                    return self.add(millis / 86_400_000, Precision::Day);
                }
                let day = if self.sort == Sort::Time { 0 } else { self.days() };
                let of_day = (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
                let total = day * 86_400_000 + of_day * 1000 + i64::from(self.milli) + millis;
                let (days, rest) = (total.div_euclid(86_400_000), total.rem_euclid(86_400_000));
                let base = if self.sort == Sort::Time { self } else { self.with_days(days) };
                Some(Self {
                    hour: u8::try_from(rest / 3_600_000).ok()?,
                    minute: u8::try_from(rest / 60_000 % 60).ok()?,
                    second: u8::try_from(rest / 1000 % 60).ok()?,
                    milli: u16::try_from(rest % 1000).ok()?,
                    ..base
                })
            }
            Precision::Year | Precision::Month | Precision::Day => None,
        }
    }

    /// The first or last moment that is written like this, to the given precision.
    pub(super) fn boundary(self, precision: Precision, high: bool) -> Self {
        let mut out = self;
        if high {
            if self.precision < Precision::Month {
                out.month = 12;
            }
            if self.precision < Precision::Day {
                out.day = days_in(out.year, out.month);
            }
            if self.precision < Precision::Hour {
                out.hour = 23;
            }
            if self.precision < Precision::Minute {
                out.minute = 59;
            }
            if self.precision < Precision::Second {
                out.second = 59;
            }
            if self.precision < Precision::Millisecond {
                out.milli = 999;
            }
        }
        if precision >= Precision::Hour && self.sort != Sort::Time && self.offset.is_none() {
            // The earliest zone for the first moment, the latest for the last.
            out.offset = Some(if high { -12 * 60 } else { 14 * 60 });
        }
        out.precision = precision;
        if precision >= Precision::Hour && out.sort == Sort::Date {
            out.sort = Sort::DateTime;
        }
        out
    }
}

impl std::fmt::Display for Temporal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.sort != Sort::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision >= Precision::Millisecond {
            write!(f, ".{:03}", self.milli)?;
        }
        match self.offset {
            Some(0) => f.write_str("Z"),
            Some(east) => write!(f, "{}{:02}:{:02}", if east < 0 { '-' } else { '+' }, east.abs() / 60, east.abs() % 60),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_dates_are_read() {
        for good in ["2024", "2024-02", "2024-02-29", "0001-01-01"] {
            assert!(Temporal::date(good).is_some(), "{good}");
        }
        for bad in ["", "24", "0000", "2024-13", "2023-02-29", "2024-2-9", "2024-02-30", "2024-02-29T", "2024/02/29", "2024-02-29 "] {
            assert!(Temporal::date(bad).is_none(), "{bad}");
        }
        for good in ["2024-02-29T23:59:60Z", "2024-02-29T00:00:00.123456789+14:00", "2024", "2024-02-29T00:00:00-00:30"] {
            assert!(Temporal::date_time(good).is_some(), "{good}");
        }
        for bad in [
            "2024-02-29T10:00",
            "2024-02-29T10:00:00",
            "2024-02T10:00:00Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T10:00:00+0100",
            "2024-02-29t10:00:00z",
        ] {
            assert!(Temporal::date_time(bad).is_none(), "{bad}");
        }
        assert!(Temporal::instant("2024-02-29").is_none());
        assert!(Temporal::time("23:59:59.5").is_some() && Temporal::time("24:00:00").is_none() && Temporal::time("10:00").is_none());
    }

    #[test]
    fn order_is_told_only_where_precision_allows() {
        let at = |text: &str| Temporal::literal(text).unwrap();
        assert_eq!(at("2012").compare(at("2013-05")), Some(Ordering::Less));
        assert_eq!(at("2012").compare(at("2012-05")), None);
        assert_eq!(at("2012-04-15T15:00:00+02:00").compare(at("2012-04-15T13:00:00Z")), Some(Ordering::Equal));
        assert_eq!(at("2012-04-15T15:00:00").compare(at("2012-04-15T10:00:00Z")), None);
        assert_eq!(at("2012-04-15").compare(at("2012-04-17T10:00:00Z")), Some(Ordering::Less));
        assert_eq!(at("T10:30").compare(at("T10:30:00")), None);
    }

    #[test]
    fn calendars_add_up() {
        let at = |text: &str| Temporal::literal(text).unwrap();
        assert_eq!(at("2024-01-31").add(1, Precision::Month).unwrap().to_string(), "2024-02-29");
        assert_eq!(at("2023-12-31").add(1, Precision::Day).unwrap().to_string(), "2024-01-01");
        assert_eq!(
            at("1973-12-25T00:00:00.000+10:00").add(-1, Precision::Millisecond).unwrap().to_string(),
            "1973-12-24T23:59:59.999+10:00"
        );
    }
}
