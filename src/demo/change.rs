//! Changes to a vendor's tree: operations after RFC 6902, section 4.

use serde::Deserialize;
use serde_json::Value;

use crate::document::tokens;

/// One change. `replace` and `remove` demand that something is there, so that a defect that has lost its
/// object in the sound vendor is found out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "op")]
pub(super) enum Change {
    /// Puts a value in the place of another.
    Replace { path: String, value: Value },
    /// Takes a value out.
    Remove { path: String },
    /// Puts a value in; before an item of a list, or at its end with `-`.
    Add { path: String, value: Value },
}

impl Change {
    /// Applies the change.
    ///
    /// # Errors
    /// There is nothing at the path, in a sentence.
    pub(super) fn apply(&self, tree: &mut Value) -> Result<(), String> {
        let path = match self {
            Self::Replace { path, .. } | Self::Remove { path } | Self::Add { path, .. } => path,
        };
        let nowhere = || format!("there is nothing at `{path}`");
        if let Self::Replace { value, .. } = self {
            *tree.pointer_mut(path).ok_or_else(nowhere)? = value.clone();
            return Ok(());
        }
        let steps: Vec<String> = tokens(path).collect();
        let (last, _) = steps.split_last().ok_or_else(|| "the whole cannot be added or removed".to_owned())?;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent = tree.pointer_mut(parent).ok_or_else(nowhere)?;
        match (self, parent) {
            (Self::Remove { .. }, Value::Object(map)) => map.shift_remove(last).map(|_| ()).ok_or_else(nowhere),
            (Self::Remove { .. }, Value::Array(items)) => {
                let index = last.parse::<usize>().ok().filter(|i| *i < items.len()).ok_or_else(nowhere)?;
                items.remove(index);
                Ok(())
            }
            (Self::Add { value, .. }, Value::Object(map)) => {
                map.insert(last.clone(), value.clone());
                Ok(())
            }
            (Self::Add { value, .. }, Value::Array(items)) => {
                let index = if last == "-" { Some(items.len()) } else { last.parse::<usize>().ok().filter(|i| *i <= items.len()) };
                items.insert(index.ok_or_else(nowhere)?, value.clone());
                Ok(())
            }
            (Self::Replace { .. } | Self::Remove { .. } | Self::Add { .. }, _) => Err(nowhere()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(change: Value) -> Result<Value, String> {
        let mut tree = json!({"a/b": [1, 2], "c": {"d": 3}});
        serde_json::from_value::<Change>(change).unwrap().apply(&mut tree).map(|()| tree)
    }

    #[test]
    fn operations_do_what_they_say_or_nothing() {
        assert_eq!(apply(json!({"op": "replace", "path": "/c/d", "value": 4})).unwrap()["c"]["d"], 4);
        assert_eq!(apply(json!({"op": "remove", "path": "/a~1b/0"})).unwrap()["a/b"], json!([2]));
        assert_eq!(apply(json!({"op": "add", "path": "/a~1b/-", "value": 5})).unwrap()["a/b"], json!([1, 2, 5]));
        assert_eq!(apply(json!({"op": "add", "path": "/c/e", "value": 5})).unwrap()["c"], json!({"d": 3, "e": 5}));
        assert_eq!(apply(json!({"op": "remove", "path": "/c/d"})).unwrap()["c"], json!({}));
        for wrong in [
            json!({"op": "replace", "path": "/c/e", "value": 4}),
            json!({"op": "remove", "path": "/c/e"}),
            json!({"op": "remove", "path": "/a~1b/2"}),
            json!({"op": "add", "path": "/x/y", "value": 1}),
            json!({"op": "remove", "path": ""}),
        ] {
            assert!(apply(wrong).is_err());
        }
    }
}
