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

/// Where the values of many pointers start, in one pass over the text: a document of 35 MB may have
/// hundreds of findings.
pub(super) fn positions<'p>(text: &str, pointers: impl IntoIterator<Item = &'p str>) -> Vec<Option<Position>> {
    let mut wanted = Wanted::default();
    let mut count = 0;
    for pointer in pointers {
        let mut at = &mut wanted;
        for token in tokens(pointer) {
            at = at.below.entry(token).or_default();
        }
        at.here.push(count);
        count += 1;
    }
    let mut offsets: Vec<Option<usize>> = vec![None; count];
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.blank();
    // A text that is not JSON ends the pass; what was found until then stays.
    let _ = scan.collect(&wanted, &mut offsets);
    let mut order: Vec<(usize, usize)> = offsets.iter().enumerate().filter_map(|(n, o)| o.map(|o| (o, n))).collect();
    order.sort_unstable();
    let mut out = vec![None; count];
    let (mut line, mut start, mut seen) = (1usize, 0usize, 0usize);
    for (offset, n) in order {
        for (at, byte) in text.as_bytes().get(seen..offset).unwrap_or_default().iter().enumerate() {
            if *byte == b'\n' {
                line += 1;
                start = seen + at + 1;
            }
        }
        seen = offset;
        let column = text.get(start..offset).map_or(0, |s| s.chars().count()) + 1;
        if let Some(slot) = out.get_mut(n) {
            *slot = Some(Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) });
        }
    }
    out
}

/// Pointers as a tree of their tokens.
#[derive(Default)]
struct Wanted {
    here: Vec<usize>,
    below: std::collections::BTreeMap<String, Wanted>,
}

impl Wanted {
    /// Forgets what was found below: a key that comes again takes its place.
    fn forget(&self, offsets: &mut [Option<usize>]) {
        for slot in &self.here {
            if let Some(slot) = offsets.get_mut(*slot) {
                *slot = None;
            }
        }
        self.below.values().for_each(|w| w.forget(offsets));
    }
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
    /// Notes the offsets of what is wanted in the value that starts here, and skips it. As deep as the
    /// pointers are, which come from documents that were read with a limit of depth.
    fn collect(&mut self, wanted: &Wanted, offsets: &mut [Option<usize>]) -> Option<()> {
        for slot in &wanted.here {
            *offsets.get_mut(*slot)? = Some(self.at);
        }
        let kind = self.peek()?;
        if wanted.below.is_empty() || !matches!(kind, b'{' | b'[') {
            return self.value();
        }
        self.at += 1;
        let mut index = 0usize;
        loop {
            self.blank();
            match self.peek()? {
                b'}' | b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let below = if kind == b'{' {
                let (start, end) = self.string()?;
                let name: Option<String> = self.bytes.get(start..end).and_then(|raw| serde_json::from_slice(raw).ok());
                self.blank();
                self.at += 1;
                self.blank();
                name.and_then(|name| wanted.below.get(&name))
            } else {
                index += 1;
                wanted.below.get(&(index - 1).to_string())
            };
            match below {
                Some(below) => {
                    below.forget(offsets);
                    self.collect(below, offsets)?;
                }
                None => self.value()?,
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
