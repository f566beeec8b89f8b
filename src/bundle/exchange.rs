//! Exchanges are kept once, however many observations hold them.
//!
//! A member `{"$exchange": {…}}` of an observation is put into a file of its own and stands as
//! `{"$exchange": "sha256:…"}`. An observation's hash is always that of its text with every exchange
//! in its place. A stranger's answer that imitates a reference cannot be mistaken for one: such an
//! observation is kept whole, and whole observations are recognised by their hash.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::assess::digest;

/// The member's name.
const KEY: &str = "$exchange";
/// What a reference begins with.
const PREFIX: &str = "sha256:";

/// The observation with references, and the exchanges by their hash.
pub(super) fn take_out(observation: &Value) -> (Value, BTreeMap<String, Value>) {
    let mut exchanges = BTreeMap::new();
    if imitates(observation) {
        return (observation.clone(), exchanges);
    }
    (without(observation, &mut exchanges), exchanges)
}

/// The observation with its exchanges in their places; `find` gives one by its hash.
///
/// # Errors
/// What `find` says, or the reference's text where it is none.
pub(super) fn put_back<E>(value: Value, find: &mut impl FnMut(&str) -> Result<Value, E>) -> Result<Value, E> {
    Ok(match value {
        Value::Object(map) => match only_member(&map).and_then(Value::as_str).and_then(|text| text.strip_prefix(PREFIX)) {
            Some(hash) => Value::Object(Map::from_iter([(KEY.to_owned(), find(hash)?)])),
            None => Value::Object(map.into_iter().map(|(key, value)| Ok((key, put_back(value, find)?))).collect::<Result<Map<_, _>, E>>()?),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| put_back(item, find)).collect::<Result<_, E>>()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    })
}

fn without(value: &Value, exchanges: &mut BTreeMap<String, Value>) -> Value {
    match value {
        Value::Object(map) => match only_member(map) {
            Some(exchange @ Value::Object(_)) => {
                let hash = digest(exchange);
                let reference = format!("{PREFIX}{hash}");
                exchanges.entry(hash).or_insert_with(|| exchange.clone());
                Value::Object(Map::from_iter([(KEY.to_owned(), Value::String(reference))]))
            }
            _ => Value::Object(map.iter().map(|(key, value)| (key.clone(), without(value, exchanges))).collect()),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| without(item, exchanges)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Whether something outside every exchange looks like a reference.
fn imitates(value: &Value) -> bool {
    match value {
        Value::Object(map) => match only_member(map) {
            Some(Value::String(_)) => true,
            Some(Value::Object(_)) => false,
            _ => map.values().any(imitates),
        },
        Value::Array(items) => items.iter().any(imitates),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn only_member(map: &Map<String, Value>) -> Option<&Value> {
    map.get(KEY).filter(|_| map.len() == 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round(observation: &Value) -> (Value, usize) {
        let (kept, exchanges) = take_out(observation);
        let count = exchanges.len();
        if digest(&kept) == digest(observation) {
            return (kept, count);
        }
        let back = put_back(kept, &mut |hash| exchanges.get(hash).cloned().ok_or("missing")).unwrap();
        (back, count)
    }

    #[test]
    fn each_exchange_is_kept_once_and_comes_back() {
        let exchange = json!({ "$exchange": { "status": 200, "headers": [["a", "b"]] } });
        let observation = json!({ "first": exchange, "list": [exchange, { "$exchange": { "status": 404 } }], "n": 1.5 });
        let (back, count) = round(&observation);
        assert_eq!(count, 2);
        assert_eq!(back.to_string(), observation.to_string());
    }

    proptest::proptest! {
        #[test]
        fn any_observation_comes_back(observation in observation()) {
            let (back, _) = round(&observation);
            proptest::prop_assert_eq!(back.to_string(), observation.to_string());
        }
    }

    /// JSON in which exchanges, references and what looks like them are frequent.
    fn observation() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
            Just(json!(format!("sha256:{}", "0".repeat(64)))),
        ];
        let key = prop_oneof![Just("$exchange".to_owned()), "[a-c]"];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key.clone(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn an_imitated_reference_is_kept_as_it_is() {
        let observation =
            json!({ "body": { "$exchange": format!("sha256:{}", "0".repeat(64)) }, "real": { "$exchange": { "status": 200 } } });
        assert_eq!(round(&observation), (observation, 0));
        let inside = json!({ "$exchange": { "body": { "$exchange": "sha256:x" }, "more": { "$exchange": {} } } });
        assert_eq!(round(&inside), (inside, 1));
        let near = json!({ "$exchange": { "a": 1 }, "other": 2 });
        assert_eq!(round(&near), (near, 0));
    }
}
