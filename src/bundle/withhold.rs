//! The last guard: no file of a bundle holds a secret of the run.

use serde_json::{Map, Value};

use crate::verdict::{REDACTED, Redactor, Verdict};

/// What the note on a result from which a secret was taken begins with.
pub(crate) const SECRET_REMOVED: &str = "SECRET REMOVED";

/// The note.
const MARK: &str =
    "SECRET REMOVED: what was recorded here held a secret of this run, which was taken out before it was written. Change that secret.";

/// Marks a verdict, once.
pub(super) fn mark(verdict: &mut Verdict) {
    if !is_marked(verdict) {
        verdict.notes.push(MARK.into());
    }
}

/// Whether a verdict is marked.
pub(super) fn is_marked(verdict: &Verdict) -> bool {
    verdict.notes.iter().any(|note| note == MARK)
}

/// The verdict as it was before it was marked.
pub(super) fn unmarked(verdict: &Verdict) -> Verdict {
    let mut verdict = verdict.clone();
    verdict.notes.retain(|note| note != MARK);
    verdict
}

/// The value without secrets, and whether there was one. Looked for in keys, texts and numbers, and
/// once more in the text of the whole; a value that still shows one is withheld altogether.
pub(super) fn withhold(redactor: &Redactor, value: Value) -> (Value, bool) {
    if !redactor.finds(value.to_string().as_bytes()) {
        return (value, false);
    }
    let clean = clean(redactor, value);
    if redactor.finds(clean.to_string().as_bytes()) {
        return (serde_json::json!({ "withheld": "this held a secret that could not be taken out of it" }), true);
    }
    (clean, true)
}

fn clean(redactor: &Redactor, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.text(&text)),
        Value::Number(number) if redactor.finds(number.to_string().as_bytes()) => Value::String(REDACTED.into()),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| clean(redactor, item)).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (redactor.text(&key), clean(redactor, value))).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let redactor = Redactor::new(["hunter22", "12345678"]);
        let (value, found) = withhold(&redactor, json!({ "a": "x hunter22 y", "hunter22": 1, "pin": 12345678, "b": "fine" }));
        assert!(found);
        assert_eq!(value, json!({ "a": "x [redacted] y", "[redacted]": 1, "pin": "[redacted]", "b": "fine" }));
        assert_eq!(withhold(&redactor, json!({ "b": "fine" })), (json!({ "b": "fine" }), false));
    }

    #[test]
    fn what_cannot_be_cleaned_is_withheld() {
        let redactor = Redactor::new(["\":true"]);
        let (value, found) = withhold(&redactor, json!({ "a": true }));
        assert!(found && value.get("withheld").is_some());
    }
}
