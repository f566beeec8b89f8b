//! Every text of an assessment made harmless, in one place, so that no format can forget one.

use serde_json::{Map, Value};

use crate::assess::Assessment;
use crate::bundle::AssessmentV1;
use crate::verdict::is_harmful;

/// The longest text that is shown, in characters. Longer ones are cut; the bundle has the whole.
const MAX_CHARS: usize = 20_000;

/// The assessment with every text on one line and free of characters that move a cursor, hide text or
/// turn it around.
pub(super) fn assessment(assessment: &Assessment) -> Result<Assessment, serde_json::Error> {
    let value = serde_json::to_value(AssessmentV1::from(assessment))?;
    if is_clean(&value) {
        return Ok(assessment.clone());
    }
    let clean: AssessmentV1 = serde_json::from_value(clean(value))?;
    Ok(clean.into())
}

fn is_clean(value: &Value) -> bool {
    match value {
        Value::String(text) => is_harmless(text),
        Value::Array(items) => items.iter().all(is_clean),
        Value::Object(map) => map.iter().all(|(key, value)| is_harmless(key) && is_clean(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(line(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (line(&key), clean(value))).collect::<Map<_, _>>()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn is_harmless(text: &str) -> bool {
    text.len() <= MAX_CHARS && !text.chars().any(is_harmful)
}

/// The text on one line; what is harmful in it stands as `\u{…}`.
fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            shown.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            _ if is_harmful(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_text_becomes_one_harmless_line() {
        assert_eq!(line("a\r\n  b\u{1b}[2J\u{202e}c"), "a   b\\u{1b}[2J\\u{202e}c");
    }
}
