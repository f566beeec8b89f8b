//! Keeping secrets and personal data out of everything that is written.
//!
//! Two nets, at two places. A [`Redactor`] knows the secrets of this run and is applied where an
//! exchange is recorded, before anything else sees it, and once more to every file of a bundle.
//! [`mask_personal`] knows no names, only shapes, and is applied where evidence is made.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use regex::{Captures, Regex};

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// The shortest secret that is looked for by its bytes; shorter ones would black out ordinary text.
const MIN_SECRET: usize = 4;

/// The secrets of one run, in every form they could come back in.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Vec<Vec<u8>>,
    /// Finds all of them, and the encodings that leave a choice, in one pass.
    matcher: Option<regex::bytes::Regex>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} needles)", self.needles.len())
    }
}

impl Redactor {
    /// Knows these secrets: plain, JSON-escaped, HTML-escaped, URL-encoded, in hexadecimal, and in
    /// base64 at each of its three alignments, so that `user:secret` in a Basic header is found too.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        let mut patterns: Vec<String> = Vec::new();
        for secret in secrets.into_iter().filter(|s| s.len() >= MIN_SECRET) {
            let bytes = secret.as_bytes();
            patterns.push(secret.chars().map(any_spelling).collect());
            needles.push(bytes.to_vec());
            needles.push(url::form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes());
            let percent = |upper: bool| {
                bytes.iter().fold(String::new(), |mut out, b| {
                    if b.is_ascii_alphanumeric() || b"-._~".contains(b) {
                        out.push(char::from(*b));
                    } else if upper {
                        out.push_str(&format!("%{b:02X}"));
                    } else {
                        out.push_str(&format!("%{b:02x}"));
                    }
                    out
                })
            };
            needles.push(percent(true).into_bytes());
            needles.push(percent(false).into_bytes());
            let json = serde_json::Value::String(secret.to_owned()).to_string();
            needles.push(json.trim_matches('"').as_bytes().to_vec());
            needles.push(
                secret
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
                    .replace('"', "&quot;")
                    .replace('\'', "&#39;")
                    .into_bytes(),
            );
            needles.push(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into_bytes());
            needles.push(bytes.iter().map(|b| format!("{b:02X}")).collect::<String>().into_bytes());
            for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
                needles.push(engine.encode(bytes).into_bytes());
            }
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                for before in 0..3usize {
                    // Of the encoding at this alignment, the characters that depend on the secret alone.
                    let padded: Vec<u8> = std::iter::repeat_n(0u8, before).chain(bytes.iter().copied()).collect();
                    let encoded = engine.encode(&padded);
                    let from = (before * 8).div_ceil(6);
                    let to = padded.len() * 8 / 6;
                    if let Some(core) = encoded.get(from..to).filter(|c| c.len() >= 6) {
                        needles.push(core.as_bytes().to_vec());
                    }
                }
            }
        }
        needles.retain(|n| n.len() >= MIN_SECRET);
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        needles.dedup();
        patterns.extend(needles.iter().map(|needle| needle.iter().map(|b| format!("\\x{b:02X}")).collect()));
        // A pattern that is too large to build leaves the plain search.
        let matcher = (!needles.is_empty())
            .then(|| regex::bytes::RegexBuilder::new(&patterns.join("|")).unicode(false).size_limit(64 << 20).build().ok());
        Self { needles, matcher: matcher.flatten() }
    }

    /// Whether any form of any secret occurs in these bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        match &self.matcher {
            Some(matcher) => matcher.is_match(bytes),
            None => self.needles.iter().any(|needle| find(bytes, needle).is_some()),
        }
    }

    /// The bytes with every form of every secret replaced by [`REDACTED`]. The time this takes grows
    /// with the bytes, not with the places: whoever echoes a secret a million times gains nothing.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if let Some(matcher) = &self.matcher {
            return matcher.replace_all(bytes, regex::bytes::NoExpand(REDACTED.as_bytes())).into_owned();
        }
        self.needles.iter().fold(bytes.to_vec(), |text, needle| {
            let mut out = Vec::with_capacity(text.len());
            let mut rest = text.as_slice();
            while let Some(at) = find(rest, needle) {
                out.extend_from_slice(rest.get(..at).unwrap_or_default());
                out.extend_from_slice(REDACTED.as_bytes());
                rest = rest.get(at + needle.len()..).unwrap_or_default();
            }
            out.extend_from_slice(rest);
            out
        })
    }

    /// The text with every form of every secret replaced by [`REDACTED`].
    pub fn text(&self, text: &str) -> String {
        if !self.finds(text.as_bytes()) {
            return text.to_owned();
        }
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }
}

/// A pattern for one character as it is, percent-encoded, escaped in JSON or as an HTML reference.
/// Letters and digits stand for themselves in all of these.
fn any_spelling(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_string();
    }
    let mut buffer = [0u8; 4];
    let bytes = c.encode_utf8(&mut buffer).as_bytes();
    let raw: String = bytes.iter().map(|b| format!("\\x{b:02X}")).collect();
    let percent: String = bytes.iter().map(|b| format!("%{b:02X}")).collect();
    let mut units = [0u16; 2];
    let json: String = c.encode_utf16(&mut units).iter().map(|unit| format!("\\\\u{unit:04X}")).collect();
    let code = u32::from(c);
    let more = match c {
        ' ' => "|\\+",
        '&' => "|&amp;",
        '<' => "|&lt;",
        '>' => "|&gt;",
        '"' => "|&quot;",
        '\'' => "|&apos;",
        '\n' => "|\\\\n",
        '\r' => "|\\\\r",
        '\t' => "|\\\\t",
        _ => "",
    };
    format!("(?:\\\\?{raw}|(?i:{percent}|{json}|&#0*{code};|&#x0*{code:x};){more})")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(offset) = haystack.get(from..)?.iter().position(|b| *b == first) {
        let at = from + offset;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Shapes of personal data that may stand in a stranger's answer: e-mail addresses, telephone
/// numbers in international form, and the values of JSON members that name or place a person.
static SHAPES: LazyLock<Option<(Regex, Regex, Regex)>> = LazyLock::new(|| {
    let email = Regex::new(r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}").ok()?;
    let telephone = Regex::new(r"\+[1-9][0-9](?:[ ./()-]?[0-9]){6,13}\b").ok()?;
    let member = Regex::new(
        r#"(?i)"(family|given|birth_?date|date_?of_?birth|first_?name|last_?name|surname|full_?name|patient_?name|phone|telephone|mobile|e-?mail|street|address_?line|ssn|national_?id|personal_?number|insurance_?number)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|\[[^\]\[{}]*\])"#,
    )
    .ok()?;
    Some((email, telephone, member))
});

/// The text with personal data masked by its shape. The addresses of people who want to be written
/// to (`mailto:` of a security contact) keep their domain, which is what a reader must see.
pub fn mask_personal(text: &str) -> String {
    let Some((email, telephone, member)) = SHAPES.as_ref() else { return text.to_owned() };
    let text = member.replace_all(text, |c: &Captures<'_>| format!("\"{}\": \"[personal data]\"", c.get(1).map_or("", |m| m.as_str())));
    let text = email.replace_all(&text, |c: &Captures<'_>| {
        let whole = c.get(0).map_or("", |m| m.as_str());
        format!("[…]@{}", whole.rsplit('@').next().unwrap_or_default())
    });
    telephone.replace_all(&text, "[telephone number]").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_found() {
        let redactor = Redactor::new(["s3cret/+ä\"&"]);
        let basic = format!("Basic {}", STANDARD.encode("user:s3cret/+ä\"&"));
        let longer = STANDARD.encode("u:s3cret/+ä\"& and more");
        let url = "https://x/?k=s3cret%2F%2B%C3%A4%22%26";
        let json = r#"{"k":"s3cret/+ä\"&"}"#;
        let html = "s3cret/+ä&quot;&amp;";
        for text in [basic.as_str(), longer.as_str(), url, json, html] {
            assert!(redactor.finds(text.as_bytes()), "{text}");
            assert!(!redactor.finds(redactor.text(text).as_bytes()), "{text}");
            assert!(redactor.text(text).contains(REDACTED));
        }
        assert_eq!(redactor.text("nothing here"), "nothing here");
    }

    #[test]
    fn encodings_that_leave_a_choice_are_found_too() {
        let redactor = Redactor::new(["p$ \"w/+ä😀", "second-one"]);
        for text in [
            "p$%20%22w/+%C3%A4%F0%9F%98%80",
            "p%24+%22w%2f%2B%c3%a4%f0%9f%98%80",
            r#"p$ \"w\/+\u00e4\uD83D\ude00"#,
            "p&#36; &#x22;w/&#043;ä😀",
            "p$ &quot;w/+&#228;&#128512;",
            "second%2Done",
            "second\\u002done",
        ] {
            assert!(redactor.finds(text.as_bytes()), "{text}");
            assert_eq!(redactor.text(text), REDACTED, "{text}");
        }
        assert!(!redactor.finds(b"second one"));
    }

    #[test]
    fn a_secret_a_million_times_over_is_no_burden() {
        let redactor = Redactor::new(["abcd"]);
        assert_eq!(redactor.bytes(&b"abcd".repeat(1_000_000)).len(), REDACTED.len() * 1_000_000);
    }

    #[test]
    fn a_long_secret_is_no_burden() {
        let token = "eyJhbGciOiJSUzI1NiJ9.-_".repeat(400);
        let redactor = Redactor::new([token.as_str()]);
        assert!(redactor.matcher.is_some());
        assert_eq!(redactor.text(&format!("a {token} b")), format!("a {REDACTED} b"));
    }

    #[test]
    fn a_secret_that_is_in_its_own_replacement_cannot_loop() {
        let redactor = Redactor::new(["redacted"]);
        assert!(redactor.text("redacted").len() < 100);
    }

    #[test]
    fn personal_data_is_masked_by_its_shape() {
        let masked = mask_personal(r#"{"family":"Nowak","given":["Anna","Maria"],"telecom":"+48 600 100 200","mail":"anna@example.org"}"#);
        assert_eq!(
            masked,
            r#"{"family": "[personal data]","given": "[personal data]","telecom":"[telephone number]","mail":"[…]@example.org"}"#
        );
        assert_eq!(
            mask_personal("TLS 1.3, max-age=31536000, 2026-11-22T09:00:00+01:00"),
            "TLS 1.3, max-age=31536000, 2026-11-22T09:00:00+01:00"
        );
    }
}
