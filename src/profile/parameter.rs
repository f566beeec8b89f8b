//! Values that a profile sets once and its checks name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value with its range. A check names it as `$name`, as a whole scalar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parameter {
    /// The value: a number, a word, or a list of words.
    pub value: Value,
    /// What it means, with its unit.
    pub meaning: String,
    /// Which way an overlay may move it. Nowhere, where nothing is said.
    #[serde(default)]
    pub direction: Direction,
    /// The smallest number that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The largest number that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// The words that are allowed, for `narrow`, `widen` and `choose`. Any word, where none is listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// The way in which a parameter gets stricter; an overlay may move it in this way only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Not for an overlay to change.
    #[default]
    Fixed,
    /// A larger number is stricter.
    Raise,
    /// A smaller number is stricter.
    Lower,
    /// A list of what is accepted: leaving words out is stricter. It never becomes empty.
    Narrow,
    /// A list of what is demanded: adding words is stricter.
    Widen,
}

impl Parameter {
    /// Why `new` may not take the place of the present value, or nothing when it may.
    pub fn refusal(&self, new: &Value) -> Option<String> {
        if *new == self.value {
            return None;
        }
        match self.direction {
            Direction::Fixed => Some("it is fixed in the core".into()),
            Direction::Raise | Direction::Lower => {
                let (Some(old), Some(number)) = (self.value.as_f64(), new.as_f64()) else {
                    return Some(format!("{new} is not a number"));
                };
                // A whole number stays whole, so that a check that reads one can still be read.
                if self.value.is_i64() != new.is_i64() && self.value.is_u64() != new.is_u64() {
                    return Some(format!("{new} is not a whole number"));
                }
                if self.direction == Direction::Raise && number < old {
                    return Some(format!("it may only be raised, and {new} is below {}", self.value));
                }
                if self.direction == Direction::Lower && number > old {
                    return Some(format!("it may only be lowered, and {new} is above {}", self.value));
                }
                self.outside(number)
            }
            Direction::Narrow | Direction::Widen => {
                let (Some(old), Some(words)) = (words(&self.value), words(new)) else {
                    return Some(format!("{new} is not a list of words"));
                };
                if let Some(unknown) = words.iter().find(|w| !self.allowed.is_empty() && !self.allowed.contains(w)) {
                    return Some(format!("`{unknown}` is not among {}", self.allowed.join(", ")));
                }
                if self.direction == Direction::Narrow {
                    if words.is_empty() {
                        return Some("nothing would be accepted any more".into());
                    }
                    words
                        .iter()
                        .find(|w| !old.contains(w))
                        .map(|w| format!("it may only be narrowed, and `{w}` is not accepted by the core"))
                } else {
                    old.iter().find(|w| !words.contains(w)).map(|w| format!("it may only be widened, and `{w}` is missing"))
                }
            }
        }
    }

    /// What is wrong with the parameter itself, or nothing.
    pub(super) fn fault(&self) -> Option<String> {
        let number = self.value.as_f64();
        match self.direction {
            Direction::Raise | Direction::Lower if number.is_none() => {
                Some("its value is not a number, and its direction needs one".into())
            }
            Direction::Narrow | Direction::Widen if words(&self.value).is_none() => {
                Some("its value is not a list of words, and its direction needs one".into())
            }
            Direction::Narrow | Direction::Widen | Direction::Raise | Direction::Lower | Direction::Fixed => match number {
                Some(n) => self.outside(n),
                None => words(&self.value)?
                    .iter()
                    .find(|w| !self.allowed.is_empty() && !self.allowed.contains(w))
                    .map(|w| format!("`{w}` is not among the allowed words")),
            },
        }
    }

    fn outside(&self, number: f64) -> Option<String> {
        match (self.minimum, self.maximum) {
            (Some(minimum), _) if number < minimum => Some(format!("{number} is below the least allowed value {minimum}")),
            (_, Some(maximum)) if number > maximum => Some(format!("{number} is above the greatest allowed value {maximum}")),
            _ => None,
        }
    }
}

fn words(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameter(value: Value, direction: Direction) -> Parameter {
        Parameter { value, meaning: "test".into(), direction, minimum: Some(1.0), maximum: Some(100.0), allowed: Vec::new() }
    }

    #[test]
    fn numbers_move_one_way_and_stay_in_range() {
        let raise = parameter(json!(10), Direction::Raise);
        assert_eq!(raise.refusal(&json!(20)), None);
        assert!(raise.refusal(&json!(9)).unwrap().contains("only be raised"));
        assert!(raise.refusal(&json!(101)).unwrap().contains("above the greatest"));
        assert!(raise.refusal(&json!("x")).unwrap().contains("not a number"));
        assert!(raise.refusal(&json!(12.5)).unwrap().contains("whole"));
        let lower = parameter(json!(10), Direction::Lower);
        assert_eq!(lower.refusal(&json!(2)), None);
        assert!(lower.refusal(&json!(11)).unwrap().contains("only be lowered"));
        assert!(parameter(json!(10), Direction::Fixed).refusal(&json!(11)).is_some());
    }

    #[test]
    fn lists_narrow_or_widen() {
        let mut accepted = parameter(json!(["a", "b"]), Direction::Narrow);
        assert_eq!(accepted.refusal(&json!(["a"])), None);
        assert!(accepted.refusal(&json!([])).is_some());
        assert!(accepted.refusal(&json!(["a", "c"])).unwrap().contains("narrowed"));
        accepted.direction = Direction::Widen;
        accepted.allowed = vec!["a".into(), "b".into(), "c".into()];
        assert_eq!(accepted.refusal(&json!(["a", "b", "c"])), None);
        assert!(accepted.refusal(&json!(["a", "c"])).unwrap().contains("`b` is missing"));
        assert!(accepted.refusal(&json!(["a", "b", "d"])).unwrap().contains("not among"));
    }
}
