//! The primitive types: what their values may look like (FHIR R4 and R5, Datatypes).
//!
//! White space is ASCII white space here. The published patterns say `\s`, which means more in an
//! engine that knows Unicode, and a no-break space is an ordinary character of a name.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::temporal::Temporal;

/// Whether a type is a primitive: those are written small.
pub(super) fn is_primitive(of: &str) -> bool {
    of.starts_with(|c: char| c.is_ascii_lowercase())
}

/// What is wrong with a value: the JSON kind is wrong, or the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Kind(&'static str),
    Form(&'static str),
    /// The form is allowed but asks for trouble.
    Doubtful(&'static str),
}

const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Judges a value by its type. Types that are not known are not judged.
pub(super) fn check(of: &str, value: &Value) -> Result<(), Wrong> {
    match of {
        "boolean" => value.as_bool().map(|_| ()).ok_or(Wrong::Kind("true or false")),
        "integer" | "unsignedInt" | "positiveInt" => {
            let number = value.as_number().ok_or(Wrong::Kind("a whole number"))?;
            let least = match of {
                "integer" => i64::from(i32::MIN),
                "unsignedInt" => 0,
                _ => 1,
            };
            match number.as_i64() {
                Some(n) if (least..=i64::from(i32::MAX)).contains(&n) => Ok(()),
                _ if of == "positiveInt" => Err(Wrong::Form("a whole number from 1 to 2147483647")),
                _ if of == "unsignedInt" => Err(Wrong::Form("a whole number from 0 to 2147483647")),
                _ => Err(Wrong::Form("a whole number of 32 bits")),
            }
        }
        "decimal" => value.as_number().map(|_| ()).ok_or(Wrong::Kind("a number")),
        _ => {
            let text = value.as_str().ok_or(Wrong::Kind("a string"))?;
            if text.is_empty() {
                return Err(Wrong::Form("a string that is not empty"));
            }
            let good = |good: bool, form: &'static str| if good { Ok(()) } else { Err(Wrong::Form(form)) };
            match of {
                "string" | "markdown" => {
                    let clean = !text.chars().any(|c| c.is_ascii_control() && !WHITE.contains(&c) && c != '\u{7f}');
                    good(clean, "a string without control characters")?;
                    // "Strings SHOULD always contain non-whitespace content": a reader may trim it to nothing.
                    if text.trim_matches(WHITE).is_empty() {
                        return Err(Wrong::Doubtful("a string that is not only white space"));
                    }
                    Ok(())
                }
                "code" => good(is_code(text), "a code: no white space around it, and single spaces within"),
                "id" => good(is_id(text), "1 to 64 letters, digits, '-' and '.'"),
                "uri" | "url" => uri(text).and_then(|()| urn_oid(text)),
                "canonical" => uri(text),
                "oid" => good(is_oid(text), "urn:oid: and an OID"),
                "uuid" => good(is_uuid_urn(text), "urn:uuid: and a UUID in small letters"),
                "date" => good(Temporal::date(text).is_some(), "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD"),
                "dateTime" => good(Temporal::date_time(text).is_some(), "a date that exists, or date, time to the second and offset"),
                "instant" => good(Temporal::instant(text).is_some(), "a date that exists, time to the second and offset"),
                "time" => good(Temporal::time(text).is_some(), "a time hh:mm:ss without offset"),
                "integer64" => good(text.parse::<i64>().is_ok() && !text.starts_with('+'), "a whole number of 64 bits, as a string"),
                "base64Binary" => good(decode(text).is_some(), "base64"),
                _ => Ok(()),
            }
        }
    }
}

fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let white = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    !bytes.first().is_some_and(white) && !bytes.last().is_some_and(white) && !bytes.windows(2).any(|pair| pair.iter().all(white))
}

/// Whether a text is a FHIR id.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// Whether a text is a UUID in its hyphenated form, in letters of either size.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().enumerate().all(|(n, b)| if matches!(n, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

fn is_uuid_urn(text: &str) -> bool {
    text.strip_prefix("urn:uuid:").is_some_and(|u| is_uuid(u) && !u.bytes().any(|b| b.is_ascii_uppercase()))
}

/// Whether a text is an OID as a URN.
pub(super) fn is_oid(text: &str) -> bool {
    let Some(oid) = text.strip_prefix("urn:oid:") else { return false };
    let mut parts = oid.split('.');
    matches!(parts.next(), Some("0" | "1" | "2"))
        && oid.contains('.')
        && parts.all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) && (p == "0" || !p.starts_with('0')))
}

fn uri(text: &str) -> Result<(), Wrong> {
    if text.bytes().any(|b| b.is_ascii_whitespace()) {
        return Err(Wrong::Form("an address without white space"));
    }
    if let Some(uuid) = text.strip_prefix("urn:uuid:") {
        let bare = uuid.split(['#', '|']).next().unwrap_or(uuid);
        return if is_uuid(bare) { Ok(()) } else { Err(Wrong::Form("urn:uuid: and a UUID")) };
    }
    Ok(())
}

/// RFC 3061, for an address that says to be one.
fn urn_oid(text: &str) -> Result<(), Wrong> {
    let bare = text.split(['#', '|']).next().unwrap_or(text);
    if !bare.starts_with("urn:oid:") || is_oid(bare) { Ok(()) } else { Err(Wrong::Form("urn:oid: and an OID")) }
}

/// The bytes of a `base64Binary`; white space between its characters is allowed.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical).with_decode_allow_trailing_bits(true),
    );
    if text.bytes().any(|b| b.is_ascii_whitespace()) {
        let dense: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        return ENGINE.decode(dense).ok();
    }
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn white_space_alone_is_doubtful() {
        assert!(matches!(check("string", &json!("  ")), Err(Wrong::Doubtful(_))));
    }

    #[test]
    fn primitives_are_told_apart() {
        let good = [
            ("boolean", json!(true)),
            ("integer", json!(-5)),
            ("unsignedInt", json!(0)),
            ("positiveInt", json!(1)),
            ("decimal", json!(1.50)),
            ("string", json!("a\u{a0}b")),
            ("string", json!("\u{a0}")),
            ("code", json!("a b")),
            ("id", json!("A-1.b")),
            ("uri", json!("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7")),
            ("oid", json!("urn:oid:1.2.840.0")),
            ("base64Binary", json!("aGVs\nbG8=")),
            ("integer64", json!("-9223372036854775808")),
        ];
        for (of, value) in good {
            assert_eq!(check(of, &value), Ok(()), "{of} {value}");
        }
        let bad = [
            ("boolean", json!("true")),
            ("integer", json!(1.5)),
            ("integer", json!(2147483648i64)),
            ("unsignedInt", json!(-1)),
            ("positiveInt", json!(0)),
            ("decimal", json!("1")),
            ("string", json!("")),
            ("string", json!("a\u{1}")),
            ("code", json!(" a")),
            ("code", json!("a  b")),
            ("id", json!("a_b")),
            ("id", json!("a".repeat(65))),
            ("uri", json!("http://a b")),
            ("uri", json!("urn:uuid:123")),
            ("uri", json!("urn:oid:1.2.x")),
            ("oid", json!("urn:oid:3.1")),
            ("oid", json!("urn:oid:1.02")),
            ("uuid", json!("urn:uuid:53FEFA32-fcbb-4ff8-8a92-55ee120877b7")),
            ("base64Binary", json!("aGVsbG8")),
            ("date", json!("2021-02-30")),
            ("integer64", json!(5)),
        ];
        for (of, value) in bad {
            assert!(check(of, &value).is_err(), "{of} {value}");
        }
    }
}
