//! Documents as people write them: JSON and YAML text that keeps its places.
//!
//! Everything that Probity says about a document names a line and a column, so a reader here never
//! throws the text away. Two readers share the work:
//!
//! * [`Source`] reads what strangers publish (API descriptions, resources, parts lists): a plain
//!   [`serde_json::Value`] to work with, duplicate keys told, and positions found again on demand,
//!   so that a large sound document pays nothing for them.
//! * [`Node`] reads what people write for Probity itself (profiles, overlays, target files): a tree
//!   in which every scalar keeps its spelling, so that the id `9.10` stays `9.10`, and every
//!   reading error has a path, a line and a column.
//!
//! Limits: depth [`MAX_DEPTH`], size given by the caller, YAML aliases by a budget of nodes.

mod json;
mod mistake;
mod node;
mod node_serde;
mod source;

pub use mistake::Mistake;
pub use node::{Node, NodeKind};
pub use node_serde::{NodeError, from_node};
pub use source::{Duplicate, ReadError, Source, Syntax};

use serde::{Deserialize, Serialize};

/// The deepest nesting that is read, in both syntaxes; the limit of `serde_json`.
pub const MAX_DEPTH: usize = 127;

/// A place in a text: line and column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Appends one reference token to a JSON Pointer (RFC 6901, section 3), escaping `~` and `/`.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(c),
        }
    }
}

/// The reference tokens of a JSON Pointer, unescaped. The empty pointer has none.
pub fn tokens(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}
