//! Dates and times of RFC 3339, strictly by its grammar and the calendar.
//!
//! Own code, because the crates at hand accept `+0100`, `20260101T000000Z`, a comma before the
//! fraction, an offset of 24 hours or a missing second. What RFC 3339 leaves to the application is
//! decided so: `t` and `z` may be small (section 5.6), a blank in place of `T` is refused (the
//! grammar has no blank), `-00:00` is an offset (section 4.3), and second 60 is accepted only where
//! a leap second can be: the last minute, in UTC, of March, June, September or December.

/// A moment with its offset, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// The calendar day.
    pub date: Date,
    /// The time of day.
    pub time: Time,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// A day of the Gregorian calendar, years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60; 60 only in a leap second.
    pub second: u8,
}

impl DateTime {
    /// Seconds since 1970-01-01T00:00:00Z, for ordering two moments.
    pub fn unix_seconds(self) -> i64 {
        let time = i64::from(self.time.hour) * 3600 + i64::from(self.time.minute) * 60 + i64::from(self.time.second);
        self.date.days() * 86_400 + time - i64::from(self.offset) * 60
    }
}

impl Date {
    /// Days since 1970-01-01 in the Gregorian calendar.
    pub fn days(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }
}

/// How many days a month has; 0 for a month that there is not.
pub fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Reads an RFC 3339 `date-time`: full date, `T`, full time with offset.
///
/// # Errors
/// Says in a few words what the text lacks.
pub fn date_time(text: &str) -> Result<DateTime, &'static str> {
    let (date, rest) = split(text, 10, "the date must be written YYYY-MM-DD")?;
    let date = self::date(date)?;
    let Some(rest) = rest.strip_prefix(['T', 't']) else {
        return Err(if rest.is_empty() { "a date without a time" } else { "between date and time there must be a T" });
    };
    let (time, zone) = time_part(rest)?;
    let offset = offset(zone)?;
    if time.second == 60 {
        leap_second(date, time, offset)?;
    }
    Ok(DateTime { date, time, offset })
}

/// Reads an RFC 3339 `full-date`.
///
/// # Errors
/// As [`date_time`].
pub fn date(text: &str) -> Result<Date, &'static str> {
    const FORM: &str = "the date must be written YYYY-MM-DD";
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return Err(FORM);
    }
    let year = number(bytes.get(0..4)).ok_or(FORM)?;
    let month = u8::try_from(number(bytes.get(5..7)).ok_or(FORM)?).map_err(|_| FORM)?;
    let day = u8::try_from(number(bytes.get(8..10)).ok_or(FORM)?).map_err(|_| FORM)?;
    match days_in_month(year, month) {
        0 => Err("there is no such month"),
        days if day == 0 || day > days => Err("the month has no such day"),
        _ => Ok(Date { year, month, day }),
    }
}

/// Reads an RFC 3339 `partial-time`: a time of day without an offset.
///
/// # Errors
/// As [`date_time`].
pub fn time(text: &str) -> Result<Time, &'static str> {
    match time_part(text)? {
        (time, "") if time.second < 60 => Ok(time),
        (_, "") => Err("second 60 needs a date"),
        _ => Err("something follows the time"),
    }
}

fn time_part(text: &str) -> Result<(Time, &str), &'static str> {
    const FORM: &str = "the time must be written hh:mm:ss";
    let (clock, mut rest) = split(text, 8, FORM)?;
    let bytes = clock.as_bytes();
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return Err(FORM);
    }
    let part = |range| number(bytes.get(range)).and_then(|n| u8::try_from(n).ok()).ok_or(FORM);
    let time = Time { hour: part(0..2)?, minute: part(3..5)?, second: part(6..8)? };
    if time.hour > 23 || time.minute > 59 || time.second > 60 {
        return Err("there is no such time of day");
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return Err("no digit follows the decimal point");
        }
    }
    Ok((time, rest))
}

fn offset(zone: &str) -> Result<i32, &'static str> {
    const FORM: &str = "the offset must be Z or written +hh:mm";
    let (sign, digits) = match zone.split_at_checked(1) {
        Some(("Z" | "z", "")) => return Ok(0),
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        None => return Err("the offset from UTC is missing"),
        Some(_) => return Err(FORM),
    };
    let bytes = digits.as_bytes();
    if bytes.len() != 5 || bytes.get(2) != Some(&b':') {
        return Err(FORM);
    }
    let (hours, minutes) = (number(bytes.get(0..2)).ok_or(FORM)?, number(bytes.get(3..5)).ok_or(FORM)?);
    if hours > 23 || minutes > 59 {
        return Err("there is no such offset");
    }
    Ok(sign * (i32::from(hours) * 60 + i32::from(minutes)))
}

fn leap_second(date: Date, time: Time, offset: i32) -> Result<(), &'static str> {
    const NO: &str = "no leap second falls on this moment";
    let minutes = i64::from(time.hour) * 60 + i64::from(time.minute) - i64::from(offset);
    let (days, minute) = (date.days() + minutes.div_euclid(1440), minutes.rem_euclid(1440));
    if minute != 1439 {
        return Err(NO);
    }
    // The next day in UTC must be the first of January, April, July or October.
    let quarter = [1, 4, 7, 10].into_iter().any(|month| {
        [date.year.saturating_sub(1), date.year, date.year + 1].into_iter().any(|year| Date { year, month, day: 1 }.days() == days + 1)
    });
    if quarter { Ok(()) } else { Err(NO) }
}

fn split<'a>(text: &'a str, at: usize, error: &'static str) -> Result<(&'a str, &'a str), &'static str> {
    text.split_at_checked(at).ok_or(error)
}

/// Digits only: `u16::from_str` would take a sign.
fn number(digits: Option<&[u8]>) -> Option<u16> {
    let digits = digits?;
    digits.iter().try_fold(0u16, |n, d| d.is_ascii_digit().then(|| n * 10 + u16::from(d - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_moments() {
        for text in [
            "1985-04-12T23:20:50.52Z",
            "1996-12-19T16:39:57-08:00",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "1937-01-01T12:00:27.87+00:20",
            "2024-02-29t00:00:00z",
            "2000-02-29T00:00:00-00:00",
            "0000-01-01T00:00:00Z",
            "2026-11-22T10:00:00.123456789012345+23:59",
        ] {
            assert!(date_time(text).is_ok(), "{text}: {:?}", date_time(text));
        }
    }

    #[test]
    fn broken_moments_say_why() {
        for (text, why) in [
            ("2026-11-22", "a date without a time"),
            ("2026-11-22T10:00:00", "offset from UTC is missing"),
            ("2026-11-22T10:00Z", "hh:mm:ss"),
            ("2026-11-22T10:00:00+0100", "+hh:mm"),
            ("2026-11-22T10:00:00+01", "+hh:mm"),
            ("2026-11-22T10:00:00+24:00", "no such offset"),
            ("2026-11-22T10:00:00,5Z", "Z or written"),
            ("2026-11-22T10:00:00.Z", "no digit"),
            ("2026-11-22 10:00:00Z", "must be a T"),
            ("20261122T100000Z", "YYYY-MM-DD"),
            ("2023-02-29T00:00:00Z", "no such day"),
            ("1900-02-29T00:00:00Z", "no such day"),
            ("2026-13-01T00:00:00Z", "no such month"),
            ("2026-04-31T00:00:00Z", "no such day"),
            ("2026-11-22T24:00:00Z", "time of day"),
            ("2026-11-22T10:60:00Z", "time of day"),
            ("2026-11-22T10:00:60Z", "leap second"),
            ("2026-11-22T23:59:60Z", "leap second"),
            ("1990-12-31T23:59:61Z", "time of day"),
            ("+026-11-22T10:00:00Z", "YYYY-MM-DD"),
            ("2026-11-22T10:00:00ZZ", "Z or written"),
            ("２026-11-22T10:00:00Z", "YYYY-MM-DD"),
            ("", "YYYY-MM-DD"),
        ] {
            let error = date_time(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn moments_order_by_utc() {
        let at = |text| date_time(text).unwrap().unix_seconds();
        assert_eq!(at("1970-01-01T00:00:00Z"), 0);
        assert_eq!(at("2000-03-01T00:00:00Z"), 951_868_800);
        assert_eq!(at("2026-11-22T10:00:00+01:00"), at("2026-11-22T09:00:00Z"));
    }
}
