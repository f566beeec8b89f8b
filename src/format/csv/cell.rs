//! What the text of one cell means, by the type of its field (Frictionless Table Schema v1, section
//! "Types and Formats").

use crate::format::uri::{self, Charset};
use crate::format::{country, date_time, language_tag};

/// A field's type, with what its format and properties say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Text(TextForm),
    Number {
        decimal: char,
        group: Option<char>,
        bare: bool,
    },
    Integer {
        group: Option<char>,
        bare: bool,
    },
    Boolean {
        yes: Vec<String>,
        no: Vec<String>,
    },
    Date(Form),
    Time(Form),
    DateTime(Form),
    Year,
    YearMonth,
    Duration,
    GeoPoint,
    GeoJson,
    Object,
    Array,
    /// Several values in one cell.
    List {
        delimiter: String,
        item: Box<Type>,
    },
    Any,
}

/// The format of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextForm {
    Plain,
    Email,
    Uri,
    Binary,
    Uuid,
    Language,
    Country,
    Currency,
    /// `HH:MM` or `HH:MM:SS`, with an offset or without.
    TimeOfDay,
}

/// The format of a date or time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// ISO 8601 as the standard says.
    Default,
    /// Whatever can be read: not judged.
    Any,
    /// The directives of `strptime`.
    Pattern(String),
}

/// A cell's value as far as constraints compare it.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Value {
    Number(f64),
    /// Sorts as time does, because its parts are written from the greatest down.
    Moment(String),
    Other,
}

/// Reads a cell.
pub(super) fn read(text: &str, kind: &Type) -> Result<Value, &'static str> {
    match kind {
        Type::Text(form) => string(text, *form).map(|()| Value::Other),
        Type::Number { decimal, group, bare } => number(text, *decimal, *group, *bare).map(Value::Number),
        Type::Integer { group, bare } => integer(text, *group, *bare).map(Value::Number),
        Type::Boolean { yes, no } => {
            let known = yes.iter().chain(no).any(|value| value == text);
            if known { Ok(Value::Other) } else { Err("not one of the words for true and false") }
        }
        Type::Date(Form::Default) => date_time::date(text).map(|_| Value::Moment(text.to_owned())),
        Type::Time(Form::Default) => {
            let clock = text.strip_suffix('Z').unwrap_or(text);
            date_time::time(clock).map(|_| Value::Moment(clock.to_owned()))
        }
        Type::DateTime(Form::Default) => {
            // The standard's default is UTC with Z; a local time or another offset is read as well.
            match date_time::date_time(text) {
                Ok(moment) => Ok(Value::Number(moment.unix_seconds() as f64)),
                Err(_) => date_time::date_time(&format!("{text}Z")).map(|moment| Value::Number(moment.unix_seconds() as f64)),
            }
        }
        Type::Date(Form::Pattern(pattern)) | Type::Time(Form::Pattern(pattern)) | Type::DateTime(Form::Pattern(pattern)) => {
            strptime(text, pattern).map(Value::Moment)
        }
        Type::Date(Form::Any) | Type::Time(Form::Any) | Type::DateTime(Form::Any) | Type::Any => Ok(Value::Other),
        Type::Year => match text.strip_prefix('-').unwrap_or(text) {
            digits if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map(Value::Number).map_err(|_| "not a year")
            }
            _ => Err("not a year of four digits"),
        },
        Type::YearMonth => {
            date_time::date(&format!("{text}-01")).map(|_| Value::Moment(text.to_owned())).map_err(|_| "not written YYYY-MM")
        }
        Type::List { delimiter, item } => {
            text.split(delimiter.as_str()).try_for_each(|one| read(one, item).map(|_| ())).map(|()| Value::Other)
        }
        Type::Duration => duration(text).map(|()| Value::Other),
        Type::GeoPoint => geo_point(text).map(|()| Value::Other),
        Type::Object | Type::GeoJson => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) if value.is_object() => Ok(Value::Other),
            _ => Err("not a JSON object"),
        },
        Type::Array => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) if value.is_array() => Ok(Value::Other),
            _ => Err("not a JSON array"),
        },
    }
}

fn string(text: &str, form: TextForm) -> Result<(), &'static str> {
    match form {
        TextForm::Plain => Ok(()),
        TextForm::Email if crate::format::is_email(text) => Ok(()),
        TextForm::Email => Err("not an e-mail address"),
        TextForm::Uri => uri::absolute(text, Charset::Iri).map_err(|_| "not a URI"),
        TextForm::Uuid if crate::format::is_uuid(text) => Ok(()),
        TextForm::Uuid => Err("not a UUID"),
        TextForm::Language => language_tag::well_formed(text).map(|_| ()).map_err(|_| "not a code of a language"),
        TextForm::Country if country::is_alpha_2(&text.to_ascii_uppercase()) || country::is_user_assigned(text) => Ok(()),
        TextForm::Country => Err("not a country's code of ISO 3166-1 alpha-2"),
        TextForm::Currency if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) => Ok(()),
        TextForm::Currency => Err("not a currency's code of ISO 4217"),
        TextForm::TimeOfDay => {
            let (clock, zone) = text.find(['Z', '+', '-']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
            let full = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
            date_time::time(&full)?;
            if zone.is_empty() { Ok(()) } else { date_time::date_time(&format!("2000-01-01T{full}{zone}")).map(|_| ()) }
        }
        TextForm::Binary => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(text).map(|_| ()).map_err(|_| "not base64")
        }
    }
}

/// The number's own characters, when it may have a currency or a percent sign around it.
fn core(text: &str, bare: bool) -> &str {
    if bare { text } else { text.trim_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | ',')) }
}

fn number(text: &str, decimal: char, group: Option<char>, bare: bool) -> Result<f64, &'static str> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "INF" => return Ok(f64::INFINITY),
        "-INF" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let plain: String = core(text, bare).chars().filter(|c| Some(*c) != group).map(|c| if c == decimal { '.' } else { c }).collect();
    // A point that is not the decimal mark is not one by accident.
    if decimal != '.' && group != Some('.') && text.contains('.') {
        return Err("a point, which is not this field's decimal mark");
    }
    let body = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = body.split_once(['e', 'E']).map_or((body, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let sound = (digits(whole) && fraction.is_none_or(|f| f.is_empty() || digits(f)) || whole.is_empty() && fraction.is_some_and(digits))
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if !sound {
        return Err("not a number");
    }
    plain.parse().map_err(|_| "not a number")
}

fn integer(text: &str, group: Option<char>, bare: bool) -> Result<f64, &'static str> {
    let plain: String = core(text, bare).chars().filter(|c| Some(*c) != group).collect();
    let body = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
        return Err("not a whole number");
    }
    plain.parse().map_err(|_| "not a whole number")
}

fn geo_point(text: &str) -> Result<(), &'static str> {
    let (longitude, latitude) = text.split_once(',').ok_or("not written longitude, latitude")?;
    match (longitude.trim().parse::<f64>(), latitude.trim().parse::<f64>()) {
        (Ok(longitude), Ok(latitude)) if longitude.abs() <= 180.0 && latitude.abs() <= 90.0 => Ok(()),
        (Ok(_), Ok(_)) => Err("no place on earth"),
        _ => Err("not written longitude, latitude"),
    }
}

/// ISO 8601 duration: `P3Y6M4DT12H30M5S`, `P2W`.
fn duration(text: &str) -> Result<(), &'static str> {
    const NO: &str = "not a duration of ISO 8601";
    let body = text.strip_prefix('-').unwrap_or(text).strip_prefix('P').ok_or(NO)?;
    let (days, time) = body.split_once('T').map_or((body, None), |(days, time)| (days, Some(time)));
    if (days.is_empty() && time.is_none()) || time == Some("") {
        return Err(NO);
    }
    let parts = |mut rest: &str, units: &str| {
        let mut next = 0;
        while !rest.is_empty() {
            let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0).ok_or(NO)?;
            let unit = rest.get(at..=at).and_then(|unit| units.find(unit)).filter(|unit| *unit >= next).ok_or(NO)?;
            next = unit + 1;
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        Ok(())
    };
    parts(days, "YMWD")?;
    parts(time.unwrap_or_default(), "HMS")
}

/// The directives that are read.
const DIRECTIVES: &str = "YymdHIMSfpzbBaAjZ%";

/// Whether every directive of the pattern is one that [`strptime`] reads.
pub(super) fn is_readable(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '%' && !chars.next().is_some_and(|directive| DIRECTIVES.contains(directive)) {
            return false;
        }
    }
    true
}

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads by the directives of `strptime`, English names only; gives the moment in an order that sorts.
fn strptime(text: &str, pattern: &str) -> Result<String, &'static str> {
    const NO: &str = "it does not have the field's format";
    let mut rest = text;
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (1970u16, 1u16, 1u16, 0u16, 0u16, 0u16);
    let mut afternoon = None;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            rest = rest.strip_prefix(c).ok_or(NO)?;
            continue;
        }
        let directive = chars.next().ok_or(NO)?;
        let (slot, most): (&mut u16, usize) = match directive {
            'Y' => (&mut year, 4),
            'y' => (&mut year, 2),
            'm' => (&mut month, 2),
            'd' => (&mut day, 2),
            'H' | 'I' => (&mut hour, 2),
            'M' => (&mut minute, 2),
            'S' => (&mut second, 2),
            'j' => (&mut day, 3),
            'f' => {
                let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                if !(1..=6).contains(&(rest.len() - after.len())) {
                    return Err(NO);
                }
                rest = after;
                continue;
            }
            'p' => {
                let (word, after) = rest.split_at_checked(2).ok_or(NO)?;
                afternoon = Some(match word.to_ascii_lowercase().as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return Err(NO),
                });
                rest = after;
                continue;
            }
            'z' | 'Z' => {
                let after = match rest.strip_prefix('Z').or_else(|| rest.strip_prefix("UTC")).or_else(|| rest.strip_prefix("GMT")) {
                    Some(after) => after,
                    None => {
                        let digits = rest.strip_prefix(['+', '-']).ok_or(NO)?;
                        digits.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')
                    }
                };
                rest = after;
                continue;
            }
            'b' | 'B' => {
                let names: Vec<&str> =
                    MONTHS.iter().map(|name| if directive == 'b' { name.get(..3).unwrap_or(name) } else { name }).collect();
                let index = named(&mut rest, &names).ok_or(NO)?;
                month = u16::try_from(index).unwrap_or_default() + 1;
                continue;
            }
            'a' | 'A' => {
                let names: Vec<&str> =
                    DAYS.iter().map(|name| if directive == 'a' { name.get(..3).unwrap_or(name) } else { name }).collect();
                named(&mut rest, &names).ok_or(NO)?;
                continue;
            }
            '%' => {
                rest = rest.strip_prefix('%').ok_or(NO)?;
                continue;
            }
            _ => return Err(NO),
        };
        let width = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at_checked(width).ok_or(NO)?;
        if width == 0 || (directive == 'Y' && width != 4) {
            return Err(NO);
        }
        *slot = digits.parse().map_err(|_| NO)?;
        if directive == 'y' {
            year += if year < 69 { 2000 } else { 1900 };
        }
        rest = after;
    }
    if !rest.is_empty() {
        return Err(NO);
    }
    if let Some(afternoon) = afternoon {
        if !(1..=12).contains(&hour) {
            return Err("there is no such time of day");
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    let days = u8::try_from(month).map_or(0, |month| date_time::days_in_month(year, month));
    let whole_year = pattern.contains("%j");
    if days == 0 || day == 0 || (day > u16::from(days) && !(whole_year && day <= 366)) {
        return Err("there is no such day");
    }
    if hour > 23 || minute > 59 || second > 60 {
        return Err("there is no such time of day");
    }
    Ok(format!("{year:04}-{month:02}-{day:03}T{hour:02}:{minute:02}:{second:02}"))
}

fn named(rest: &mut &str, names: &[&str]) -> Option<usize> {
    let lower = rest.get(..9.min(rest.len())).unwrap_or(rest).to_ascii_lowercase();
    let index = names.iter().position(|name| lower.starts_with(name))?;
    *rest = rest.get(names.get(index)?.len()..)?;
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let plain = Type::Number { decimal: '.', group: None, bare: true };
        for good in ["1", "-1.5", "+.5", "1.", "1e3", "NaN", "-INF"] {
            assert!(read(good, &plain).is_ok(), "{good}");
        }
        for bad in ["", "1,5", "1.2.3", "0x1", "inf", "1e", " 1", "1 000", "--1", "1_000", "١"] {
            assert!(read(bad, &plain).is_err(), "{bad}");
        }
        let german = Type::Number { decimal: ',', group: Some('.'), bare: false };
        assert_eq!(read("1.234,50 €", &german), Ok(Value::Number(1234.5)));
        assert!(read("1.5", &Type::Number { decimal: ',', group: None, bare: true }).is_err());
        assert!(read("1.0", &Type::Integer { group: None, bare: true }).is_err());
        assert_eq!(read("95%", &Type::Integer { group: None, bare: false }), Ok(Value::Number(95.0)));
    }

    #[test]
    fn dates_by_format() {
        let date = |form: &str| Type::Date(Form::Pattern(form.into()));
        assert!(read("2026-02-28", &Type::Date(Form::Default)).is_ok() && read("2026-02-29", &Type::Date(Form::Default)).is_err());
        assert_eq!(read("28.02.2026", &date("%d.%m.%Y")), Ok(Value::Moment("2026-02-028T00:00:00".into())));
        for (text, form) in [("30.02.2026", "%d.%m.%Y"), ("28/02/2026", "%d.%m.%Y"), ("28.02.26", "%d.%m.%Y"), ("28.02.2026x", "%d.%m.%Y")]
        {
            assert!(read(text, &date(form)).is_err(), "{text}");
        }
        assert!(read("3 Mar 2026 12:05 PM", &Type::DateTime(Form::Pattern("%d %b %Y %I:%M %p".into()))).is_ok());
        assert!(is_readable("%Y-%m-%d") && !is_readable("%Q"));
        assert!(read("2026-02-01T10:00:00Z", &Type::DateTime(Form::Default)).is_ok());
        assert!(read("2026-02", &Type::YearMonth).is_ok() && read("2026-13", &Type::YearMonth).is_err());
    }

    #[test]
    fn lists_and_codes() {
        let list = Type::List { delimiter: ";".into(), item: Box::new(Type::Integer { group: None, bare: true }) };
        assert!(read("1;2;3", &list).is_ok() && read("1;b", &list).is_err());
        let text = |form: TextForm, value: &str| read(value, &Type::Text(form)).is_ok();
        assert!(text(TextForm::Language, "de-AT") && !text(TextForm::Language, "german!"));
        assert!(text(TextForm::Country, "AT") && !text(TextForm::Country, "Austria"));
        assert!(text(TextForm::Currency, "EUR") && !text(TextForm::Currency, "€"));
        assert!(text(TextForm::TimeOfDay, "09:00-05:00") && text(TextForm::TimeOfDay, "09:00") && !text(TextForm::TimeOfDay, "9 am"));
    }

    #[test]
    fn other_types() {
        for good in ["P3Y6M4DT12H30M5S", "P2W", "PT0.5S"] {
            assert!(read(good, &Type::Duration).is_ok(), "{good}");
        }
        for bad in ["P", "PT", "3Y", "P3S", "PT3Y"] {
            assert!(read(bad, &Type::Duration).is_err(), "{bad}");
        }
        assert!(read("21.0, 52.2", &Type::GeoPoint).is_ok() && read("21.0, 152.2", &Type::GeoPoint).is_err());
        assert!(read("{}", &Type::Object).is_ok() && read("[]", &Type::Object).is_err() && read("[1]", &Type::Array).is_ok());
        let boolean = Type::Boolean { yes: vec!["tak".into()], no: vec!["nie".into()] };
        assert!(read("tak", &boolean).is_ok() && read("true", &boolean).is_err());
    }
}
