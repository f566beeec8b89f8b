//! Strict JSON: a value, its duplicate keys, and the place of a pointer in the text.

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Duplicate, Position, push_token, tokens};

/// Reads one JSON text whole. Duplicate keys keep the last value, as most readers do, and are told.
pub(super) fn read(text: &str) -> Result<(Value, Vec<Duplicate>), serde_json::Error> {
    let mut found = Found(Vec::new());
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Seed(&mut found).deserialize(&mut reader)?;
    reader.end()?;
    let duplicates = found.0.into_iter().map(Raised::finish).collect();
    Ok((value, duplicates))
}

/// Duplicates found so far. Their paths are built while unwinding, so that a sound text pays nothing.
struct Found(Vec<Raised>);

/// A duplicate key on its way up: the tokens of its path, innermost first.
struct Raised {
    tokens: Vec<String>,
    key: String,
}

impl Raised {
    fn finish(self) -> Duplicate {
        let mut pointer = String::new();
        for token in self.tokens.iter().rev() {
            push_token(&mut pointer, token);
        }
        Duplicate { object: pointer, key: self.key }
    }
}

impl Found {
    fn raise(&mut self, since: usize, token: impl Fn() -> String) {
        for raised in self.0.iter_mut().skip(since) {
            raised.tokens.push(token());
        }
    }
}

struct Seed<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Number(n.into()))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Number(n.into()))
    }
    fn visit_f64<E: Error>(self, n: f64) -> Result<Value, E> {
        Number::from_f64(n).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(Value::String(s.to_owned()))
    }
    fn visit_string<E>(self, s: String) -> Result<Value, E> {
        Ok(Value::String(s))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let before = self.0.0.len();
            let Some(item) = seq.next_element_seed(Seed(self.0))? else { break };
            self.0.raise(before, || items.len().to_string());
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let before = self.0.0.len();
            let value = entries.next_value_seed(Seed(self.0))?;
            self.0.raise(before, || key.clone());
            if map.contains_key(&key) {
                self.0.0.push(Raised { tokens: Vec::new(), key: key.clone() });
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Where the value of `pointer` starts in `text`, which must be valid JSON. `last` picks the last of
/// several equal keys, the one whose value [`read`] keeps.
pub(super) fn position(text: &str, pointer: &str) -> Option<Position> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.blank();
    for token in tokens(pointer) {
        match scan.peek()? {
            b'{' => scan.enter_member(&token)?,
            b'[' => scan.enter_item(token.parse().ok()?)?,
            _ => return None,
        }
    }
    Some(place(text, scan.at))
}

/// Where the values of many pointers start, in their order, in one pass over the text.
pub(super) fn positions(text: &str, pointers: &[&str]) -> Vec<Option<Position>> {
    let mut wanted = Wanted::default();
    for (index, pointer) in pointers.iter().enumerate() {
        let mut here = &mut wanted;
        for token in tokens(pointer) {
            here = here.below.entry(token).or_default();
        }
        here.indices.push(index);
    }
    let mut offsets = vec![None; pointers.len()];
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.blank();
    scan.collect(&wanted, &mut offsets);
    let mut order: Vec<(usize, usize)> = offsets.iter().enumerate().filter_map(|(i, o)| o.map(|o| (o, i))).collect();
    order.sort_unstable();
    let mut places = vec![None; pointers.len()];
    // Counted from one place to the next, so that one long line does not cost its length each time.
    let (mut line, mut column, mut seen) = (1usize, 1usize, 0usize);
    for (offset, index) in order {
        let between = text.get(seen..offset).unwrap_or_default();
        match between.rfind('\n') {
            Some(last) => {
                line += between.bytes().filter(|b| *b == b'\n').count();
                column = between.get(last + 1..).map_or(0, |s| s.chars().count()) + 1;
            }
            None => column += between.chars().count(),
        }
        seen = offset;
        let place = Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) };
        if let Some(slot) = places.get_mut(index) {
            *slot = Some(place);
        }
    }
    places
}

/// The pointers that are looked for, as a tree of their tokens.
#[derive(Default)]
struct Wanted {
    below: std::collections::BTreeMap<String, Wanted>,
    indices: Vec<usize>,
}

/// The line and column of a byte offset.
pub(super) fn place(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before.get(start..).map_or(0, |s| s.chars().count()) + 1;
    Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    /// Skips a string and gives its raw bytes with quotes.
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some((start, self.at));
                }
                _ => self.at += 1,
            }
        }
    }
    /// Skips one value, of any depth, without recursion.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            self.blank();
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r')) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
    /// From `{` to the value of the last member with this key.
    fn enter_member(&mut self, key: &str) -> Option<()> {
        self.at += 1;
        let mut found = None;
        loop {
            self.blank();
            match self.peek()? {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let (start, end) = self.string()?;
                    let same =
                        self.bytes.get(start..end).is_some_and(|raw| serde_json::from_slice::<String>(raw).is_ok_and(|name| name == key));
                    self.blank();
                    self.at += 1;
                    self.blank();
                    if same {
                        found = Some(self.at);
                    }
                    self.value()?;
                }
            }
        }
        self.at = found?;
        Some(())
    }
    /// Notes where the wanted values start and goes past this value. The depth is that of the pointers.
    fn collect(&mut self, wanted: &Wanted, offsets: &mut [Option<usize>]) -> Option<()> {
        for index in &wanted.indices {
            if let Some(slot) = offsets.get_mut(*index) {
                *slot = Some(self.at);
            }
        }
        let open = self.peek()?;
        if wanted.below.is_empty() || !matches!(open, b'{' | b'[') {
            return self.value();
        }
        self.at += 1;
        let mut count = 0usize;
        loop {
            self.blank();
            match self.peek()? {
                b'}' | b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => {
                    self.at += 1;
                    count += 1;
                    continue;
                }
                _ => {}
            }
            let below = if open == b'{' {
                let (start, end) = self.string()?;
                let key = self.bytes.get(start..end).and_then(|raw| serde_json::from_slice::<String>(raw).ok());
                self.blank();
                self.at += 1;
                self.blank();
                key.and_then(|key| wanted.below.get(&key))
            } else {
                wanted.below.get(&count.to_string())
            };
            match below {
                Some(below) => self.collect(below, offsets)?,
                None => self.value()?,
            }
        }
    }
    /// From `[` to the item with this index.
    fn enter_item(&mut self, index: usize) -> Option<()> {
        self.at += 1;
        for _ in 0..index {
            self.value()?;
            self.blank();
            if self.peek()? != b',' {
                return None;
            }
            self.at += 1;
        }
        self.blank();
        (self.peek()? != b']').then_some(())
    }
}
