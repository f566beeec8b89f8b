//! Reading typed values out of a [`Node`], with a path, a line and a column in every error.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::node::resolve;
use super::{Node, NodeKind, Position};

/// A value that did not have the form that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeError {
    /// Where, such as `requirements[3].checks[0].tls-version`. Empty for the whole document.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The node at fault.
    pub position: Option<Position>,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}
impl std::error::Error for NodeError {}

impl Error for NodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), message: message.to_string(), position: None }
    }
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown field `{field}`, expected {}{}", one_of(expected), closest(field, expected)))
    }
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown value `{variant}`, expected {}{}", one_of(expected), closest(variant, expected)))
    }
}

/// Reads a typed value out of a node.
///
/// # Errors
/// The first thing that does not fit, with its path and place.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, NodeError> {
    T::deserialize(Reader(node))
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".into(),
        [one] => format!("`{one}`"),
        many => format!("one of {}", many.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn closest(word: &str, names: &[&str]) -> String {
    let best = names.iter().map(|name| (distance(word, name), name)).min();
    match best {
        Some((d, name)) if names.len() > 1 && d <= 2 && d < name.len() => format!(" (did you mean `{name}`?)"),
        _ => String::new(),
    }
}

/// Levenshtein distance, for the suggestion only.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, cb) in row.iter().skip(1).zip(&b) {
            let cost = diagonal + usize::from(ca != *cb);
            left = cost.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

impl NodeError {
    fn at(mut self, position: Position) -> Self {
        self.position.get_or_insert(position);
        self
    }
    /// The same error one step further up.
    pub fn within(mut self, step: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{separator}{}", self.path);
        self
    }
}

struct Reader<'a>(&'a Node);

impl Reader<'_> {
    fn wrong(&self, visitor: &impl fmt::Display) -> NodeError {
        let found = match self.0.kind() {
            NodeKind::Scalar { text, plain } => match resolve(text, *plain) {
                Value::Null => "nothing".into(),
                Value::String(s) => format!("the text `{s}`"),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => format!("`{text}`"),
            },
            NodeKind::Sequence(_) => "a list".into(),
            NodeKind::Mapping(_) => "a mapping".to_owned(),
        };
        NodeError::custom(format!("found {found}, expected {visitor}")).at(self.0.position())
    }
    fn is_null(&self) -> bool {
        matches!(self.0.kind(), NodeKind::Scalar { text, plain } if resolve(text, *plain).is_null())
    }
}

/// What a visitor expects, as text.
struct Expecting<'a, V>(&'a V);
impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
            let number = match self.0.kind() {
                NodeKind::Scalar { text, plain } => resolve(text, *plain).to_string().parse::<$type>().ok(),
                NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
            };
            match number {
                Some(n) => visitor.$visit(n).map_err(|e: NodeError| e.at(self.0.position())),
                None => Err(self.wrong(&Expecting(&visitor))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let at = self.0.position();
        match self.0.kind() {
            NodeKind::Sequence(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            NodeKind::Mapping(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None, seen: Vec::new() }),
            NodeKind::Scalar { text, plain } => match resolve(text, *plain) {
                Value::Null => visitor.visit_unit(),
                Value::Bool(b) => visitor.visit_bool(b),
                Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
                    (Some(i), _, _) => visitor.visit_i64(i),
                    (None, Some(u), _) => visitor.visit_u64(u),
                    (None, None, f) => visitor.visit_f64(f.unwrap_or_default()),
                },
                Value::String(_) | Value::Array(_) | Value::Object(_) => visitor.visit_str(text),
            },
        }
        .map_err(|e| e.at(at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.0.kind() {
            NodeKind::Scalar { text, .. } if !self.is_null() => visitor.visit_str(text).map_err(|e: NodeError| e.at(self.0.position())),
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) | NodeKind::Mapping(_) => Err(self.wrong(&Expecting(&visitor))),
        }
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }
    numbers! {
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let found = match self.0.kind() {
            NodeKind::Scalar { text, plain } => resolve(text, *plain).as_bool(),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        };
        match found {
            Some(b) => visitor.visit_bool(b).map_err(|e: NodeError| e.at(self.0.position())),
            None => Err(self.wrong(&"true or false")),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.0.kind() {
            NodeKind::Sequence(_) => self.deserialize_any(visitor),
            // A key with nothing behind it, as in a template that was not filled in, is an empty list.
            NodeKind::Scalar { .. } if self.is_null() => visitor.visit_seq(Items { items: [].iter(), index: 0 }),
            NodeKind::Scalar { .. } | NodeKind::Mapping(_) => Err(self.wrong(&"a list")),
        }
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.0.kind() {
            NodeKind::Mapping(_) => self.deserialize_any(visitor),
            NodeKind::Scalar { .. } if self.is_null() => visitor.visit_map(Entries { entries: [].iter(), value: None, seen: Vec::new() }),
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => Err(self.wrong(&Expecting(&visitor))),
        }
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, NodeError> {
        match self.0.kind() {
            NodeKind::Mapping(_) => self.deserialize_any(visitor),
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => Err(self.wrong(&"a mapping")),
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NodeError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        let at = self.0.position();
        match self.0.kind() {
            NodeKind::Scalar { text, .. } => {
                let name: StrDeserializer<'_, NodeError> = text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            NodeKind::Mapping(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(OneEntry { key, value }),
                _ => Err(NodeError::custom(format!("expected exactly one of {}", one_of(variants)))),
            },
            NodeKind::Sequence(_) => Err(self.wrong(&one_of(variants))),
        }
        .map_err(|e| e.at(at))
    }
    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct ignored_any }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = NodeError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NodeError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let step = format!("[{}]", self.index);
        self.index += 1;
        seed.deserialize(Reader(node)).map(Some).map_err(|e| e.at(node.position()).within(&step))
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a (Node, Node)>,
    seen: Vec<&'a str>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = NodeError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NodeError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        if let Some(key) = entry.0.as_text() {
            if self.seen.contains(&key) {
                return Err(NodeError::custom(format!("the key `{key}` stands here twice")).at(entry.0.position()));
            }
            self.seen.push(key);
        }
        seed.deserialize(Reader(&entry.0)).map(Some).map_err(|e| e.at(entry.0.position()))
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NodeError> {
        let Some((key, value)) = self.value.take() else { return Err(NodeError::custom("a value was read before its key")) };
        seed.deserialize(Reader(value)).map_err(|e| e.at(value.position()).within(key.as_text().unwrap_or("?")))
    }
}

struct OneEntry<'a> {
    key: &'a Node,
    value: &'a Node,
}

impl<'a, 'de> EnumAccess<'de> for OneEntry<'a> {
    type Error = NodeError;
    type Variant = Content<'a>;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a>), NodeError> {
        let variant = seed.deserialize(Reader(self.key)).map_err(|e| e.at(self.key.position()))?;
        Ok((variant, Content { name: self.key.as_text().unwrap_or("?").to_owned(), node: self.value }))
    }
}

struct Content<'a> {
    name: String,
    node: &'a Node,
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = NodeError;
    fn unit_variant(self) -> Result<(), NodeError> {
        Err(NodeError::custom("takes no content").at(self.node.position()).within(&self.name))
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, NodeError> {
        seed.deserialize(Reader(self.node)).map_err(|e| e.at(self.node.position()).within(&self.name))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NodeError> {
        Reader(self.node).deserialize_seq(visitor).map_err(|e| e.within(&self.name))
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, NodeError> {
        Reader(self.node).deserialize_struct("", fields, visitor).map_err(|e| e.within(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: String,
        min: u16,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct File {
        rows: Vec<Row>,
    }

    fn read(text: &str) -> Result<File, NodeError> {
        from_node(&Node::read("t", text).unwrap())
    }

    #[test]
    fn ids_keep_their_spelling() {
        let file = read("rows:\n- {id: 9.10, min: 7}\n- {id: 007, min: 8, tags: [1.0, yes]}\n").unwrap();
        assert_eq!(file.rows[0].id, "9.10");
        assert_eq!(file.rows[1].id, "007");
        assert_eq!(file.rows[1].tags, ["1.0", "yes"]);
    }

    #[test]
    fn every_error_has_path_and_place() {
        let error = read("rows:\n- id: a\n  mim: 7\n").unwrap_err();
        assert_eq!(error.to_string(), "rows[0]: unknown field `mim`, expected one of `id`, `min`, `tags` (did you mean `min`?)");
        assert_eq!(error.position.unwrap().to_string(), "3:3");
        let error = read("rows:\n- id: a\n  min: many\n").unwrap_err();
        assert_eq!(error.to_string(), "rows[0].min: found the text `many`, expected u16");
        assert_eq!(error.position.unwrap().to_string(), "3:8");
        let error = read("rows:\n- id: a\n  min: 70000\n").unwrap_err();
        assert_eq!(error.position.unwrap().to_string(), "3:8");
        let error = read("rows:\n- id: a\n  id: b\n  min: 1\n").unwrap_err();
        assert_eq!(error.to_string(), "rows[0]: the key `id` stands here twice");
        let error = read("rows:\n- id: a\n").unwrap_err();
        assert_eq!(error.to_string(), "rows[0]: missing field `min`");
        assert_eq!(error.position.unwrap().to_string(), "2:3");
    }
}
