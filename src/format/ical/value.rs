//! The value types of iCalendar (RFC 5545, section 3.3).

use crate::format::date_time::{Date, Time, days_in_month};
use crate::format::uri::{self, Charset};

/// How a moment is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// Form 1: local time without a zone.
    Floating,
    /// Form 2: `Z`.
    Utc,
}

fn digits(text: &str, from: usize, to: usize) -> Option<u16> {
    let part = text.get(from..to)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

/// `DATE`: eight digits that are a day.
pub(super) fn date(text: &str) -> Result<Date, &'static str> {
    const FORM: &str = "a date is written YYYYMMDD";
    if text.len() != 8 {
        return Err(FORM);
    }
    let (year, month, day) = (digits(text, 0, 4).ok_or(FORM)?, digits(text, 4, 6).ok_or(FORM)?, digits(text, 6, 8).ok_or(FORM)?);
    let (month, day) = (u8::try_from(month).map_err(|_| FORM)?, u8::try_from(day).map_err(|_| FORM)?);
    if day == 0 || day > days_in_month(year, month) {
        return Err("there is no such day");
    }
    Ok(Date { year, month, day })
}

/// `DATE-TIME`.
pub(super) fn date_time(text: &str) -> Result<(Date, Time, Zone), &'static str> {
    const FORM: &str = "a date-time is written YYYYMMDDThhmmss, with or without Z";
    let (day, rest) = text.split_once('T').ok_or(FORM)?;
    let day = date(day)?;
    let (clock, zone) = rest.strip_suffix('Z').map_or((rest, Zone::Floating), |clock| (clock, Zone::Utc));
    if clock.len() != 6 {
        return Err(FORM);
    }
    let part = |from, to| digits(clock, from, to).and_then(|n| u8::try_from(n).ok()).ok_or(FORM);
    let time = Time { hour: part(0, 2)?, minute: part(2, 4)?, second: part(4, 6)? };
    if time.hour > 23 || time.minute > 59 || time.second > 60 {
        return Err("there is no such time of day");
    }
    Ok((day, time, zone))
}

/// `DURATION`; gives whether it is made of whole days or weeks.
pub(super) fn duration(text: &str) -> Result<bool, &'static str> {
    const FORM: &str = "a duration is written such as P15DT5H0M20S or P7W";
    let body = text.strip_prefix(['+', '-']).unwrap_or(text).strip_prefix('P').ok_or(FORM)?;
    let (days, time) = body.split_once('T').map_or((body, None), |(days, time)| (days, Some(time)));
    if days.is_empty() && time.is_none() {
        return Err(FORM);
    }
    let has_days = !days.is_empty();
    if has_days {
        let number = days.strip_suffix(['D', 'W']).ok_or(FORM)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) || (days.ends_with('W') && time.is_some()) {
            return Err(FORM);
        }
    }
    let Some(time) = time else { return Ok(true) };
    let mut rest = time;
    let mut next = 0;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let unit = rest.get(at..=at).and_then(|unit| "HMS".find(unit)).ok_or(FORM)?;
        if at == 0 || unit < next {
            return Err(FORM);
        }
        next = unit + 1;
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    if next == 0 { Err(FORM) } else { Ok(false) }
}

/// `PERIOD`: a start and an end, or a start and a duration.
pub(super) fn period(text: &str) -> Result<(), &'static str> {
    let (start, end) = text.split_once('/').ok_or("a period is written start/end or start/duration")?;
    let (day, time, _) = date_time(start)?;
    match date_time(end) {
        Ok((last, until, _)) if (last, until) <= (day, time) => Err("the period ends before it starts"),
        Ok(_) => Ok(()),
        Err(_) if end.starts_with('-') => Err("the duration of a period must not be negative"),
        Err(_) => duration(end).map(|_| ()),
    }
}

/// `UTC-OFFSET`.
pub(super) fn utc_offset(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "an offset is written such as +0100";
    let body = text.strip_prefix(['+', '-']).ok_or(FORM)?;
    if !matches!(body.len(), 4 | 6) {
        return Err(FORM);
    }
    let (hours, minutes) = (digits(body, 0, 2).ok_or(FORM)?, digits(body, 2, 4).ok_or(FORM)?);
    let seconds = if body.len() == 6 { digits(body, 4, 6).ok_or(FORM)? } else { 0 };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return Err("there is no such offset");
    }
    if text.starts_with('-') && hours + minutes + seconds == 0 {
        return Err("an offset of -0000 is not allowed");
    }
    Ok(())
}

/// `INTEGER` within bounds.
pub(super) fn integer(text: &str, least: i64, most: i64) -> Result<(), &'static str> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
        return Err("not a whole number");
    }
    match text.parse::<i64>() {
        Ok(n) if (least..=most).contains(&n) => Ok(()),
        _ => Err("a number that is not allowed here"),
    }
}

/// `GEO`: latitude and longitude.
pub(super) fn geo(text: &str) -> Result<(), &'static str> {
    let float = |text: &str| {
        let body = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sound = body.starts_with(|c: char| c.is_ascii_digit()) && body.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        sound.then(|| text.parse::<f64>().ok()).flatten()
    };
    let (latitude, longitude) = text.split_once(';').ok_or("latitude and longitude are written with a semicolon between them")?;
    match (float(latitude), float(longitude)) {
        (Some(latitude), Some(longitude)) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 => Ok(()),
        (Some(_), Some(_)) => Err("no place on earth"),
        _ => Err("latitude and longitude are numbers"),
    }
}

/// `TEXT`: only four characters may follow a backslash.
pub(super) fn text(value: &str) -> Result<(), &'static str> {
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && !matches!(chars.next(), Some('\\' | ';' | ',' | 'n' | 'N')) {
            return Err("a backslash before a character that needs none");
        }
    }
    Ok(())
}

/// `URI` and `CAL-ADDRESS`.
pub(super) fn uri(text: &str) -> Result<(), &'static str> {
    uri::absolute(text, Charset::Iri).map_err(|_| "not a URI")
}

/// `BINARY`: base64 without line breaks.
pub(super) fn binary(text: &str) -> Result<(), &'static str> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).map(|_| ()).map_err(|_| "not base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert!(date("20240229").is_ok() && date("20230229").is_err() && date("2024-02-29").is_err() && date("２0240229").is_err());
        assert!(date_time("20240229T235959Z").is_ok() && date_time("20240229T240000").is_err() && date_time("20240229T2359").is_err());
        for good in ["P15DT5H0M20S", "P7W", "-PT15M", "PT0S", "P1D", "+PT1H30M"] {
            assert!(duration(good).is_ok(), "{good}");
        }
        for bad in ["P", "PT", "P1Y", "P1M", "15M", "PT5M3H", "P1WT1H", "P1DT", "PTM"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert!(period("19970101T180000Z/PT5H30M").is_ok() && period("19970102T000000Z/19970101T000000Z").is_err());
        assert!(utc_offset("-0500").is_ok() && utc_offset("0500").is_err() && utc_offset("-0000").is_err() && utc_offset("+2500").is_err());
        assert!(geo("37.386013;-122.082932").is_ok() && geo("91;0").is_err() && geo("1,2").is_err() && geo("nan;1").is_err());
        assert!(text("a\\, b\\n").is_ok() && text("a\\x").is_err() && text("a\\").is_err());
    }
}
