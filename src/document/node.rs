//! A YAML tree in which every node knows its place and every scalar its spelling.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use super::{Duplicate, MAX_DEPTH, Position, ReadError, push_token, tokens};

/// How many nodes one document may have once its aliases are written out.
const MAX_NODES: usize = 2_000_000;

/// One node of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    kind: NodeKind,
    position: Position,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// A scalar as it was spelled; `plain` when written without quotes, so that it may be a number.
    Scalar {
        /// The text after unquoting.
        text: String,
        /// Written without quotes or block marks.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the text; equal keys are kept.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// A node that no text has: what a parameter's value becomes when it is put in a check's place.
    pub fn new(kind: NodeKind, position: Position) -> Self {
        Self { kind, position }
    }

    /// Reads one YAML document.
    ///
    /// # Errors
    /// Not YAML, several documents, nested too deep, or too many nodes through aliases.
    pub fn read(name: &str, text: &str) -> Result<Self, ReadError> {
        let error = |mark: Position, message: String| ReadError { name: name.to_owned(), position: mark, message };
        let mut open: Vec<Open> = Vec::new();
        let mut anchors: std::collections::BTreeMap<usize, Node> = std::collections::BTreeMap::new();
        let mut root: Option<Node> = None;
        let mut budget = MAX_NODES;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| error(position(e.marker()), e.info().to_owned()))?;
            let at = position(&span.start);
            let mut done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    Some((anchor, Node { kind: NodeKind::Scalar { text: text.into_owned(), plain }, position: at }))
                }
                Event::SequenceStart(anchor, _) => {
                    open.push(Open { anchor, at, items: Vec::new(), mapping: false });
                    None
                }
                Event::MappingStart(anchor, _) => {
                    open.push(Open { anchor, at, items: Vec::new(), mapping: true });
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::close),
                Event::Alias(anchor) => match anchors.get(&anchor) {
                    Some(node) => {
                        let node = node.clone();
                        budget = budget.saturating_sub(node.size());
                        Some((0, node))
                    }
                    None => return Err(error(at, "alias without an anchor before it".into())),
                },
                Event::DocumentStart(_) if root.is_some() => return Err(error(at, "a second document; one was expected".into())),
                Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => None,
            };
            if open.len() > MAX_DEPTH {
                return Err(error(at, format!("nested deeper than {MAX_DEPTH}")));
            }
            if budget == 0 {
                return Err(error(at, format!("more than {MAX_NODES} nodes once each alias is written out")));
            }
            if let Some((anchor, node)) = done.take() {
                budget = budget.saturating_sub(1);
                if anchor > 0 {
                    anchors.insert(anchor, node.clone());
                }
                match open.last_mut() {
                    Some(parent) => parent.items.push(node),
                    None => root = Some(node),
                }
            }
        }
        Ok(root.unwrap_or(Node { kind: NodeKind::Scalar { text: String::new(), plain: true }, position: Position::START }))
    }

    /// What the node is.
    pub fn kind(&self) -> &NodeKind {
        &self.kind
    }
    /// Where the node starts.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The value of a mapping's first entry with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Mapping(entries) => entries.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, v)| v),
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => None,
        }
    }

    /// The scalar's text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// The node of a JSON Pointer.
    pub fn find(&self, pointer: &str) -> Option<&Node> {
        let mut node = self;
        for token in tokens(pointer) {
            node = match &node.kind {
                NodeKind::Mapping(entries) => entries.iter().rev().find(|(k, _)| k.as_text() == Some(&token)).map(|(_, v)| v)?,
                NodeKind::Sequence(items) => items.get(token.parse::<usize>().ok()?)?,
                NodeKind::Scalar { .. } => return None,
            };
        }
        Some(node)
    }

    /// The same tree with each scalar that `replace` knows put in place of the old one.
    pub fn map_scalars(&self, replace: &mut impl FnMut(&Node) -> Option<Node>) -> Node {
        if let Some(new) = replace(self) {
            return new;
        }
        let kind = match &self.kind {
            NodeKind::Scalar { .. } => self.kind.clone(),
            NodeKind::Sequence(items) => NodeKind::Sequence(items.iter().map(|item| item.map_scalars(replace)).collect()),
            NodeKind::Mapping(entries) => NodeKind::Mapping(entries.iter().map(|(k, v)| (k.clone(), v.map_scalars(replace))).collect()),
        };
        Node { kind, position: self.position }
    }

    /// The tree that a JSON value would be, every node at `position`.
    pub fn from_value(value: &Value, position: Position) -> Node {
        let kind = match value {
            Value::Null => NodeKind::Scalar { text: "null".into(), plain: true },
            Value::Bool(b) => NodeKind::Scalar { text: b.to_string(), plain: true },
            Value::Number(n) => NodeKind::Scalar { text: n.to_string(), plain: true },
            Value::String(s) => NodeKind::Scalar { text: s.clone(), plain: false },
            Value::Array(items) => NodeKind::Sequence(items.iter().map(|v| Node::from_value(v, position)).collect()),
            Value::Object(map) => NodeKind::Mapping(
                map.iter()
                    .map(|(k, v)| {
                        (Node { kind: NodeKind::Scalar { text: k.clone(), plain: false }, position }, Node::from_value(v, position))
                    })
                    .collect(),
            ),
        };
        Node { kind, position }
    }

    /// The node as JSON, scalars by the YAML core schema; equal keys are told under `pointer`.
    pub fn to_value(&self, pointer: &mut String, duplicates: &mut Vec<Duplicate>) -> Value {
        match &self.kind {
            NodeKind::Scalar { text, plain } => resolve(text, *plain),
            NodeKind::Sequence(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| {
                        let length = pointer.len();
                        push_token(pointer, &i.to_string());
                        let value = item.to_value(pointer, duplicates);
                        pointer.truncate(length);
                        value
                    })
                    .collect(),
            ),
            NodeKind::Mapping(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let key = match &key.kind {
                        NodeKind::Scalar { text, .. } => text.clone(),
                        NodeKind::Sequence(_) | NodeKind::Mapping(_) => key.to_value(&mut String::new(), &mut Vec::new()).to_string(),
                    };
                    let length = pointer.len();
                    push_token(pointer, &key);
                    let value = value.to_value(pointer, duplicates);
                    pointer.truncate(length);
                    if map.contains_key(&key) {
                        duplicates.push(Duplicate { object: pointer.clone(), key: key.clone() });
                    }
                    map.insert(key, value);
                }
                Value::Object(map)
            }
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            NodeKind::Scalar { .. } => 1,
            NodeKind::Sequence(items) => items.iter().map(Node::size).sum::<usize>() + 1,
            NodeKind::Mapping(entries) => entries.iter().map(|(_, v)| v.size() + 1).sum::<usize>() + 1,
        }
    }
}

/// A plain scalar by the core schema of YAML 1.2.2, section 10.3; anything else is text.
pub(super) fn resolve(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    }
    let float = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    float.then(|| text.parse::<f64>().ok().and_then(Number::from_f64)).flatten()
}

struct Open {
    anchor: usize,
    at: Position,
    items: Vec<Node>,
    mapping: bool,
}

impl Open {
    fn close(self) -> (usize, Node) {
        let kind = if self.mapping {
            let mut entries = Vec::with_capacity(self.items.len() / 2);
            let mut items = self.items.into_iter();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                entries.push((key, value));
            }
            NodeKind::Mapping(entries)
        } else {
            NodeKind::Sequence(self.items)
        };
        (self.anchor, Node { kind, position: self.at })
    }
}

fn position(mark: &Marker) -> Position {
    Position {
        line: u32::try_from(mark.line()).unwrap_or(u32::MAX).max(1),
        column: u32::try_from(mark.col()).unwrap_or(u32::MAX).saturating_add(1),
    }
}
