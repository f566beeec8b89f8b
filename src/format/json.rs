//! JSON that every reader understands alike.
//!
//! RFC 8259 leaves three things to luck, and I-JSON (RFC 7493) takes the luck out of them: keys that
//! stand twice, numbers that a double cannot hold, and text that is not UTF-8. The first and the last
//! are errors here, because readers are known to differ on them silently. A number that changes when it
//! is read as IEEE 754 double is a warning: the document is sound, its readers are at risk.

use super::Pointer;
use super::findings::Findings;
use crate::document::{Position, ReadError, Source, push_token};
use crate::verdict::{Finding, Severity};

/// Reads JSON and tells what its text does wrong. `None` when there is no value to go on with.
pub(crate) fn read(name: &str, bytes: &[u8], findings: &mut Findings) -> Option<Source> {
    match Source::json(name, bytes) {
        Ok(source) => {
            hygiene(&source, findings);
            Some(source)
        }
        Err(error) => {
            findings.push(unreadable(&error, "RFC 8259"));
            None
        }
    }
}

/// The finding for a text that could not be read.
pub(crate) fn unreadable(error: &ReadError, clause: &str) -> Finding {
    let rule = if error.message.starts_with("not UTF-8") { "utf-8" } else { "syntax" };
    Finding::error(rule, format!("the text cannot be read: {}", error.message)).position(Some(error.position)).clause(clause)
}

fn hygiene(source: &Source, findings: &mut Findings) {
    for duplicate in source.duplicates() {
        let mut pointer = duplicate.object.clone();
        push_token(&mut pointer, &duplicate.key);
        findings.push(
            Finding::error("duplicate-key", "a key stands twice in one object; readers differ on which value counts")
                .at(pointer)
                .expected("unique names in an object")
                .observed(&duplicate.key)
                .clause("RFC 8259 section 4, RFC 7493 section 2.3"),
        );
    }
    for (position, number) in unsafe_numbers(source.text()) {
        if !findings.wants(Severity::Warning) {
            break;
        }
        findings.push(
            Finding::warning("number-precision", "a number changes when it is read as an IEEE 754 double, as most readers do")
                .position(Some(position))
                .expected("a number that a double holds exactly, or the digits as text")
                .observed(number)
                .clause("RFC 7493 section 2.2"),
        );
    }
}

/// Numbers in a valid JSON text that a double cannot carry: integers beyond 2^53, more than 17
/// significant digits. `0.1` is fine, because reading and writing it again gives `0.1`.
fn unsafe_numbers(text: &str) -> impl Iterator<Item = (Position, &str)> {
    let bytes = text.as_bytes();
    let (mut at, mut line, mut line_start) = (0usize, 1u32, 0usize);
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at += 1;
                    while let Some(byte) = bytes.get(at) {
                        match byte {
                            b'\\' => at += 2,
                            b'"' => break,
                            _ => at += 1,
                        }
                    }
                    at += 1;
                }
                b'\n' => {
                    at += 1;
                    line = line.saturating_add(1);
                    line_start = at;
                }
                b'-' | b'0'..=b'9' => {
                    let start = at;
                    while bytes.get(at).is_some_and(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                        at += 1;
                    }
                    let number = text.get(start..at).unwrap_or_default();
                    // Fifteen digits always survive; the common case ends here.
                    if number.len() > 15 && !survives(number) {
                        let column = text.get(line_start..start).map_or(0, |before| before.chars().count());
                        let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
                        return Some((Position { line, column }, number));
                    }
                }
                _ => at += 1,
            }
        }
        None
    })
}

fn survives(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number).trim_start_matches('-');
    if number.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return mantissa.parse::<u64>().is_ok_and(|n| n <= 1 << 53);
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    digits.len() <= 17 && number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// What JSON calls the type of a value, for sentences.
pub(crate) fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}

/// A value shown short: scalars as they are, containers by what they are.
pub(crate) fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => format!("an array of {}", items.len()),
        serde_json::Value::Object(map) => format!("an object of {}", map.len()),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
    }
}

/// A finding about a value that has the wrong type.
pub(crate) fn wrong_type(rule: &str, what: &str, expected: &str, value: &serde_json::Value, at: &Pointer<'_>, clause: &str) -> Finding {
    Finding::error(rule, format!("{what} is {}, not {expected}", kind(value)))
        .at(at.to_string())
        .expected(expected)
        .observed(&shown(value))
        .clause(clause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        read("t", text.as_bytes(), &mut findings);
        findings.finish().into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn sound_json_is_silent() {
        assert!(rules(r#"{"a":[1,-2.5e3,0.1,9007199254740992,0.30000000000000004],"b":"12345678901234567890"}"#).is_empty());
    }

    #[test]
    fn each_fault_has_its_rule() {
        assert_eq!(rules(r#"{"a":1,"a":2}"#), ["duplicate-key"]);
        assert_eq!(rules(r#"{"a":9007199254740993}"#), ["number-precision"]);
        assert_eq!(rules(r#"[0.1234567890123456789]"#), ["number-precision"]);
        assert_eq!(rules("{"), ["syntax"]);
        assert_eq!(rules("\u{feff}{}"), ["syntax"]);
        let mut findings = Findings::default();
        read("t", b"{\"a\":\"\xff\"}", &mut findings);
        assert_eq!(findings.finish()[0].rule, "utf-8");
        let mut findings = Findings::default();
        read("t", b"{\n \"a\": [1, 12345678901234567890]}", &mut findings);
        assert_eq!(findings.finish()[0].position.unwrap().to_string(), "2:11");
    }
}
