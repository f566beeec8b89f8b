//! A document that somebody else wrote.

use serde_json::Value;

use super::{Node, Position, json};

/// The syntax a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// JSON, RFC 8259.
    Json,
    /// YAML 1.2, one document, core schema.
    Yaml,
}

/// A key that an object holds more than once (RFC 8259, section 4: names should be unique).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// JSON Pointer of the object.
    pub object: String,
    /// The key that occurs more than once.
    pub key: String,
}

/// Why a text could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({name}:{position})")]
pub struct ReadError {
    /// The document's name: a path or an address.
    pub name: String,
    /// Where reading stopped.
    pub position: Position,
    /// What was wrong, in one sentence without the place.
    pub message: String,
}

/// A JSON or YAML document: its value, and its text to find places in.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    syntax: Syntax,
    value: Value,
    duplicates: Vec<Duplicate>,
}

impl Source {
    /// Reads JSON or YAML, told apart by the first character that is not blank: `{` or `[` begins JSON.
    ///
    /// # Errors
    /// The text is not UTF-8, not one document of its syntax, or nested deeper than [`super::MAX_DEPTH`].
    pub fn read(name: impl Into<String>, bytes: &[u8]) -> Result<Self, ReadError> {
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match start.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Self::json(name, bytes),
            _ => Self::yaml(name, bytes),
        }
    }

    /// Reads strict JSON. A byte order mark is refused, as RFC 8259 section 8.1 asks of senders.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn json(name: impl Into<String>, bytes: &[u8]) -> Result<Self, ReadError> {
        let name = name.into();
        let text = utf8(&name, bytes)?;
        match json::read(&text) {
            Ok((value, duplicates)) => Ok(Self { name, text, syntax: Syntax::Json, value, duplicates }),
            Err(error) => {
                let position = Position {
                    line: u32::try_from(error.line()).unwrap_or(u32::MAX).max(1),
                    column: u32::try_from(error.column()).unwrap_or(u32::MAX).max(1),
                };
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
                Err(ReadError { name, position, message })
            }
        }
    }

    /// Reads one YAML 1.2 document by the core schema.
    ///
    /// # Errors
    /// As [`Source::read`]; also more nodes through aliases than the budget allows.
    pub fn yaml(name: impl Into<String>, bytes: &[u8]) -> Result<Self, ReadError> {
        let name = name.into();
        let text = utf8(&name, bytes)?;
        let node = Node::read(&name, &text)?;
        let mut duplicates = Vec::new();
        let value = node.to_value(&mut String::new(), &mut duplicates);
        Ok(Self { name, text, syntax: Syntax::Yaml, value, duplicates })
    }

    /// The document's name: a path or an address.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The syntax that was read.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }
    /// The document's value. Of duplicate keys the last one counts.
    pub fn value(&self) -> &Value {
        &self.value
    }
    /// Keys that an object holds more than once, in document order.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// Where the value of a JSON Pointer starts. `None` when there is no such value.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        match self.syntax {
            Syntax::Json => json::position(&self.text, pointer),
            Syntax::Yaml => Node::read(&self.name, &self.text).ok()?.find(pointer).map(Node::position),
        }
    }

    /// The places of many pointers, in their order; the text is gone through once.
    pub fn positions<'a>(&self, pointers: impl IntoIterator<Item = &'a str>) -> Vec<Option<Position>> {
        match self.syntax {
            Syntax::Json => json::positions(&self.text, &pointers.into_iter().collect::<Vec<_>>()),
            Syntax::Yaml => match Node::read(&self.name, &self.text) {
                Ok(root) => pointers.into_iter().map(|pointer| root.find(pointer).map(Node::position)).collect(),
                Err(_) => pointers.into_iter().map(|_| None).collect(),
            },
        }
    }
}

fn utf8(name: &str, bytes: &[u8]) -> Result<String, ReadError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let text = String::from_utf8_lossy(valid);
            Err(ReadError {
                name: name.to_owned(),
                position: json::place(&text, text.len()),
                message: format!("not UTF-8: byte 0x{:02x}", bytes.get(error.valid_up_to()).copied().unwrap_or_default()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_positions_survive_escapes_duplicates_and_nesting() {
        let text = "{\n  \"a\\u002fb\": [1, {\"x\": \"}]\"}],\n  \"d\": 1, \"d\": {\"é\": 2}\n}";
        let source = Source::json("t", text.as_bytes()).unwrap();
        assert_eq!(source.position("/a~1b/1/x").unwrap().to_string(), "2:25");
        assert_eq!(source.position("/d/é").unwrap().to_string(), "3:22");
        assert_eq!(source.position("/a~1b/2"), None);
        let pointers = ["/d/é", "/a~1b/2", "", "/a~1b/1/x", "/a~1b/1", "/d/é"];
        let alone: Vec<_> = pointers.iter().map(|p| source.position(p)).collect();
        assert_eq!(source.positions(pointers), alone);
        assert_eq!(source.duplicates(), [Duplicate { object: String::new(), key: "d".into() }]);
        assert_eq!(source.value()["d"]["é"], 2);
    }

    #[test]
    fn nested_duplicates_have_their_path() {
        let source = Source::json("t", br#"{"a":[0,{"k":1,"k":2}]}"#).unwrap();
        assert_eq!(source.duplicates(), [Duplicate { object: "/a/1".into(), key: "k".into() }]);
    }

    #[test]
    fn deep_json_is_an_error_not_a_crash() {
        let deep = "[".repeat(200_000);
        let error = Source::json("t", deep.as_bytes()).unwrap_err();
        assert!(error.message.contains("recursion"), "{error}");
        let deep = "- ".repeat(200_000);
        assert!(Source::yaml("t", deep.as_bytes()).is_err());
    }

    #[test]
    fn yaml_reads_by_the_core_schema() {
        let source = Source::read("t", b"a: 9.10\nb: '9.10'\nc: [yes, true, ~, 0x1f, 1e3]\na: 2\n").unwrap();
        assert_eq!(source.syntax(), Syntax::Yaml);
        assert_eq!(source.value()["b"], "9.10");
        assert_eq!(source.value()["c"], serde_json::json!(["yes", true, null, 31, 1000.0]));
        assert_eq!(source.duplicates().len(), 1);
        assert_eq!(source.position("/c/2").unwrap().to_string(), "3:16");
    }

    #[test]
    fn alias_bombs_stop_at_the_budget() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let before = i - 1;
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
        }
        assert!(Source::yaml("t", text.as_bytes()).unwrap_err().message.contains("alias"));
    }

    #[test]
    fn not_utf8_names_the_byte() {
        let error = Source::json("t", b"{\"a\":\n\"\xff\"}").unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8: byte 0xff (t:2:2)");
    }
}
