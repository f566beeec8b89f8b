//! Snapshots for profiles that have none.

use serde_json::{Map, Value};

use super::definitions::Definitions;

/// Makes a snapshot's elements from a differential and its base. `None` when the base is not at hand.
pub(super) fn generate(_definitions: &Definitions, _json: &Map<String, Value>, _depth: usize) -> Option<Vec<Value>> {
    None
}
