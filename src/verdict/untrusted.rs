//! Text that came from the target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest piece of a stranger's text that is shown, in characters.
const MAX_CHARS: usize = 500;

/// The most bytes that [`Untrusted::new`] can make of that: each character as `\u{e007f}`, and the count.
const MAX_SHOWN: usize = MAX_CHARS * 9 + 60;

/// Text that a stranger wrote, made harmless when it is taken in: control characters, bidirectional
/// marks and zero-width characters are shown as `\u{…}` and the length is capped. What is kept is the
/// harmless form, so no later step can forget to escape it. Escaping for HTML, XML or a spreadsheet
/// stays with each report, as for any text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String")]
pub struct Untrusted(String);

impl Untrusted {
    /// Takes text in.
    pub fn new(raw: &str) -> Self {
        let mut shown = String::with_capacity(raw.len().min(MAX_CHARS));
        for (count, c) in raw.chars().enumerate() {
            if count == MAX_CHARS {
                shown.push_str(&format!("… ({} characters in all)", raw.chars().count()));
                break;
            }
            match c {
                '\n' => shown.push_str("\\n"),
                '\r' => shown.push_str("\\r"),
                '\t' => shown.push_str("\\t"),
                _ if is_harmful(c) => shown.extend(c.escape_unicode()),
                _ => shown.push(c),
            }
        }
        Self(shown)
    }

    /// Takes bytes in; what is not UTF-8 is shown as U+FFFD.
    pub fn from_bytes(raw: &[u8]) -> Self {
        // Four bytes a character at most: the rest could never be shown.
        let head = raw.get(..MAX_CHARS * 4 + 4).unwrap_or(raw);
        Self::new(&String::from_utf8_lossy(head))
    }

    /// The harmless form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that move the cursor, hide text or turn it around: C0, C1, DEL, bidirectional controls,
/// zero-width characters, line and paragraph separators, the byte order mark, tags.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl std::fmt::Display for Untrusted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl From<String> for Untrusted {
    // A saved report may have been edited by hand: it is as untrusted as the target itself. What is
    // harmless stays as it is, so that a saved verdict equals the one that is reached again.
    fn from(raw: String) -> Self {
        if raw.len() <= MAX_SHOWN && !raw.chars().any(is_harmful) { Self(raw) } else { Self::new(&raw) }
    }
}

impl From<&str> for Untrusted {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_bidi_marks_are_shown_not_obeyed() {
        let shown = Untrusted::new("a\u{1b}[2J\u{202e}gpj.exe\u{9b}\r\nb").to_string();
        assert_eq!(shown, "a\\u{1b}[2J\\u{202e}gpj.exe\\u{9b}\\r\\nb");
    }

    #[test]
    fn long_text_is_cut_and_counted_and_stays_the_same_when_read_again() {
        let long = Untrusted::new(&"é".repeat(3000));
        assert!(long.as_str().ends_with("… (3000 characters in all)"));
        let harmful = Untrusted::new(&"\u{e007f}".repeat(3000));
        for text in [Untrusted::new("x\u{1b}"), long, harmful] {
            let again: Untrusted = serde_json::from_str(&serde_json::to_string(&text).unwrap()).unwrap();
            assert_eq!(again, text);
        }
    }
}
