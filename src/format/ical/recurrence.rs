//! Recurrence rules (RFC 5545, section 3.3.10).

use super::value;

/// What breaks a recurrence rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) struct Fault {
    pub(in crate::format) message: String,
    /// The parts are each well written but must not stand together.
    pub(in crate::format) combination: bool,
}

/// A rule's parts that other properties must agree with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::format) struct Rule<'t> {
    pub(in crate::format) until: Option<&'t str>,
    pub(in crate::format) frequency: Option<&'t str>,
    pub(in crate::format) by_day: Option<&'t str>,
    /// A part that chooses times of the day.
    pub(in crate::format) by_time: Option<&'static str>,
}

const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
const FREQUENCIES: [&str; 7] = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// Reads a rule and tells everything that is wrong with it.
pub(in crate::format) fn read(text: &str) -> (Rule<'_>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut parts: Vec<(String, &str)> = Vec::new();
    for part in text.split(';') {
        match part.split_once('=') {
            Some((name, value)) => {
                let name = name.to_ascii_uppercase();
                if parts.iter().any(|(seen, _)| *seen == name) {
                    faults.push(wrong(format!("{name} stands twice")));
                }
                parts.push((name, value));
            }
            None => faults.push(wrong(if part.is_empty() { "an empty part".to_owned() } else { "a part without `=`".to_owned() })),
        }
    }
    for (name, value) in &parts {
        if let Err(why) = part(name, value) {
            faults.push(wrong(format!("{}: {why}", crate::verdict::Untrusted::new(name))));
        }
    }
    let get = |wanted: &str| parts.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    combinations(&get, &mut faults);
    let by_time = ["BYHOUR", "BYMINUTE", "BYSECOND"].into_iter().find(|name| get(name).is_some());
    (Rule { until: get("UNTIL"), frequency: get("FREQ"), by_day: get("BYDAY"), by_time }, faults)
}

fn wrong(message: String) -> Fault {
    Fault { message, combination: false }
}

fn part(name: &str, text: &str) -> Result<(), &'static str> {
    match name {
        "FREQ" if FREQUENCIES.iter().any(|f| f.eq_ignore_ascii_case(text)) => Ok(()),
        "FREQ" => Err("not a frequency"),
        "UNTIL" if value::date(text).is_ok() || value::date_time(text).is_ok() => Ok(()),
        "UNTIL" => Err("not a date or date-time"),
        "COUNT" | "INTERVAL" => positive(text),
        "BYSECOND" => numbers(text, 0, 60, false),
        "BYMINUTE" => numbers(text, 0, 59, false),
        "BYHOUR" => numbers(text, 0, 23, false),
        "BYDAY" => text.split(',').try_for_each(|day| week_day(day).map(|_| ())),
        "BYMONTHDAY" => numbers(text, 1, 31, true),
        "BYYEARDAY" | "BYSETPOS" => numbers(text, 1, 366, true),
        "BYWEEKNO" => numbers(text, 1, 53, true),
        // RFC 7529 marks leap months of other calendars with an L.
        "BYMONTH" => text.split(',').try_for_each(|month| numbers(month.trim_end_matches(['L', 'l']), 1, 13, false).and(Ok(()))),
        "WKST" if DAYS.iter().any(|d| d.eq_ignore_ascii_case(text)) => Ok(()),
        "WKST" => Err("not a day of the week"),
        "RSCALE" | "SKIP" => Ok(()),
        _ if name.starts_with("X-") => Ok(()),
        _ => Err("there is no such part"),
    }
}

fn positive(text: &str) -> Result<(), &'static str> {
    match text.parse::<u32>() {
        Ok(n) if n > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err("not a whole number above 0"),
    }
}

fn numbers(list: &str, least: u16, most: u16, signed: bool) -> Result<(), &'static str> {
    list.split(',').try_for_each(|text| {
        let digits = if signed { text.strip_prefix(['+', '-']).unwrap_or(text) } else { text };
        let sound = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && digits.parse::<u16>().is_ok_and(|n| (least..=most).contains(&n));
        if sound { Ok(()) } else { Err("a number that is not allowed") }
    })
}

/// A day of the week with or without its place, such as `-1FR`; gives whether it has a place.
fn week_day(text: &str) -> Result<bool, &'static str> {
    const NO: &str = "not a day of the week, with a place from 1 to 53 or without";
    let at = text.len().checked_sub(2).ok_or(NO)?;
    let (place, day) = text.split_at_checked(at).ok_or(NO)?;
    if !DAYS.iter().any(|d| d.eq_ignore_ascii_case(day)) {
        return Err(NO);
    }
    if place.is_empty() {
        return Ok(false);
    }
    numbers(place, 1, 53, true).map(|()| true).map_err(|_| NO)
}

fn combinations<'t>(get: &impl Fn(&str) -> Option<&'t str>, faults: &mut Vec<Fault>) {
    let mut clash = |message: &str| faults.push(Fault { message: message.to_owned(), combination: true });
    let Some(frequency) = get("FREQ").map(str::to_ascii_uppercase) else {
        faults.push(wrong("FREQ is missing".into()));
        return;
    };
    let is = |names: &[&str]| names.contains(&frequency.as_str());
    let months = get("BYMONTH").unwrap_or_default();
    if get("RSCALE").is_none() && months.split(',').any(|month| month == "13" || month.ends_with(['L', 'l'])) {
        clash("BYMONTH is from 1 to 12, except in another calendar (RSCALE)");
    }
    if get("SKIP").is_some() && get("RSCALE").is_none() {
        clash("SKIP must stand with RSCALE");
    }
    if get("UNTIL").is_some() && get("COUNT").is_some() {
        clash("UNTIL and COUNT must not stand together");
    }
    if get("BYMONTHDAY").is_some() && is(&["WEEKLY"]) {
        clash("BYMONTHDAY must not stand with FREQ=WEEKLY");
    }
    if get("BYYEARDAY").is_some() && is(&["DAILY", "WEEKLY", "MONTHLY"]) {
        clash("BYYEARDAY must not stand with FREQ=DAILY, WEEKLY or MONTHLY");
    }
    if get("BYWEEKNO").is_some() && !is(&["YEARLY"]) {
        clash("BYWEEKNO must stand with FREQ=YEARLY only");
    }
    let placed = get("BYDAY").is_some_and(|days| days.split(',').any(|day| week_day(day) == Ok(true)));
    if placed && (!is(&["MONTHLY", "YEARLY"]) || (is(&["YEARLY"]) && get("BYWEEKNO").is_some())) {
        clash("a day with its place must stand with FREQ=MONTHLY, or YEARLY without BYWEEKNO");
    }
    let others = ["BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH"];
    if get("BYSETPOS").is_some() && others.iter().all(|other| get(other).is_none()) {
        clash("BYSETPOS must stand with another BY part");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        for text in [
            "FREQ=DAILY",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;WKST=MO",
            "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20271231T235959Z",
            "FREQ=YEARLY;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        ] {
            assert_eq!(read(text).1, [], "{text}");
        }
        for (text, why, combination) in [
            ("", "empty part", false),
            ("INTERVAL=2", "FREQ is missing", false),
            ("FREQ=SOMETIMES", "not a frequency", false),
            ("FREQ=DAILY;FREQ=DAILY", "twice", false),
            ("FREQ=DAILY;COUNT=0", "above 0", false),
            ("FREQ=DAILY;COUNT=+3", "above 0", false),
            ("FREQ=DAILY;BYHOUR=24", "not allowed", false),
            ("FREQ=DAILY;BYDAY=XX", "day of the week", false),
            ("FREQ=MONTHLY;BYDAY=54MO", "day of the week", false),
            ("FREQ=MONTHLY;BYMONTHDAY=0", "not allowed", false),
            ("FREQ=DAILY;UNTIL=2027", "not a date", false),
            ("FREQ=DAILY;UNTIL=20271301", "not a date", false),
            ("FREQ=DAILY;BYFOO=1", "no such part", false),
            ("FREQ=DAILY;", "empty part", false),
            ("FREQ=DAILY;UNTIL=20271231;COUNT=3", "together", true),
            ("FREQ=WEEKLY;BYDAY=1MO", "with its place", true),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY", true),
            ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY", true),
            ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO", true),
            ("FREQ=DAILY;BYSETPOS=1", "another BY", true),
            ("FREQ=YEARLY;BYMONTH=13", "1 to 12", true),
            ("FREQ=YEARLY;BYMONTH=5L", "1 to 12", true),
            ("FREQ=YEARLY;SKIP=OMIT", "RSCALE", true),
        ] {
            let faults = read(text).1;
            assert!(faults.iter().any(|f| f.message.contains(why) && f.combination == combination), "{text}: {faults:?}");
            if text.starts_with("FREQ=") {
                assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            }
        }
    }
}
