//! FHIR in XML: read into the JSON form by the definitions, so that one walk judges both.
//!
//! FHIR R4, XML representation. The definitions tell what repeats and what is a number; what the
//! JSON form cannot show (order of elements, namespaces, stray attributes and text) is found here.

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Number, Value, json};

use super::definitions::Definitions;
use super::primitive::is_primitive;
use super::profile::At;
use super::validator::harmless;
use crate::document::{MAX_DEPTH, Position, ReadError};
use crate::verdict::Finding;

/// The namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";
/// The namespace of XHTML.
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Most nodes of one document.
const MAX_NODES: u32 = 5_000_000;
/// Most faults of the form that are told.
const MAX_FAULTS: usize = 500;
/// Where the form is defined.
const CLAUSE: &str = "http://hl7.org/fhir/R4/xml.html";

/// A resource that was read from XML: its JSON form, what is wrong with the XML, and its places.
pub(super) struct XmlResource {
    pub(super) value: Value,
    pub(super) findings: Vec<Finding>,
    places: HashMap<String, Position>,
}

impl XmlResource {
    /// Reads one resource.
    ///
    /// # Errors
    /// The text is not UTF-8 or not well-formed XML, has a document type, or is nested too deep.
    pub(super) fn read(definitions: &Definitions, name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let error = |position: Position, message: String| ReadError { name: name.to_owned(), position, message };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|e| error(Position::START, format!("not UTF-8: {e}")))?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|e| {
            let at = e.pos();
            error(Position { line: at.row, column: at.col }, e.to_string())
        })?;
        let mut reader = Reader { definitions, text, document: &document, findings: Vec::new(), places: HashMap::new() };
        let root = document.root_element();
        if let Some(named) = encoding(text).filter(|e| !e.eq_ignore_ascii_case("utf-8")) {
            let named = format!("The document says that its encoding is {named}; FHIR is written in UTF-8");
            reader.fault("xml-encoding", named, root.tag_name().name(), root);
        }
        let value = reader
            .resource(root, root.tag_name().name(), 0)
            .ok_or_else(|| error(Position::START, format!("nested deeper than {MAX_DEPTH}")))?;
        Ok(Self { value, findings: reader.findings, places: reader.places })
    }

    /// The place of an element, or of the nearest one above it that is there.
    pub(super) fn position(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(found) = self.places.get(path) {
                return Some(*found);
            }
            // A list as a whole stands where its first item does.
            if let Some(found) = self.places.get(&format!("{path}[0]")) {
                return Some(*found);
            }
            path = path.rsplit_once('.')?.0;
        }
    }
}

struct Reader<'d, 't> {
    definitions: &'d Definitions,
    text: &'t str,
    document: &'t Document<'t>,
    findings: Vec<Finding>,
    places: HashMap<String, Position>,
}

impl<'t> Reader<'_, 't> {
    fn position(&self, node: Node<'_, '_>) -> Position {
        let at = self.document.text_pos_at(node.range().start);
        Position { line: at.row, column: at.col }
    }

    fn fault(&mut self, rule: &str, message: String, path: &str, node: Node<'_, '_>) {
        let position = self.position(node);
        if self.findings.len() < MAX_FAULTS {
            self.findings.push(harmless(Finding::error(rule, message).at(path).position(Some(position)).clause(CLAUSE)));
        }
    }

    /// A resource element: its name is its type. `None` when it is nested too deep.
    fn resource(&mut self, node: Node<'t, 't>, path: &str, depth: usize) -> Option<Value> {
        let of = node.tag_name().name();
        self.places.insert(path.to_owned(), self.position(node));
        if node.tag_name().namespace() != Some(FHIR) {
            self.fault("xml-namespace", format!("The element {of} is not in the namespace of FHIR"), path, node);
        }
        let mut object = Map::new();
        object.insert("resourceType".to_owned(), json!(of));
        let content = self.definitions.by_type(of).map(At::root);
        self.object(node, content, path, depth, &mut object)?;
        Some(Value::Object(object))
    }

    fn object(
        &mut self,
        node: Node<'t, 't>,
        content: Option<At<'_>>,
        path: &str,
        depth: usize,
        object: &mut Map<String, Value>,
    ) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        for attribute in node.attributes() {
            match attribute.name() {
                name @ ("id" | "url") if attribute.namespace().is_none() => {
                    object.insert(name.to_owned(), json!(attribute.value()));
                }
                "value" if attribute.namespace().is_none() => {}
                _ if attribute.namespace() == Some("http://www.w3.org/2001/XMLSchema-instance") => {}
                name => self.fault("xml-attribute", format!("The attribute {name} is not one of FHIR"), path, node),
            }
        }
        let mut last = 0usize;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for child in node.children() {
            if child.is_text() && child.text().is_some_and(|t| !t.trim().is_empty()) {
                self.fault("xml-text", "Text stands between elements; values are attributes".to_owned(), path, node);
            }
            if !child.is_element() {
                continue;
            }
            let name = child.tag_name().name();
            let wanted = if name == "div" { XHTML } else { FHIR };
            if child.tag_name().namespace() != Some(wanted) {
                self.fault("xml-namespace", format!("The element {name} is not in its namespace"), &format!("{path}.{name}"), child);
            }
            let found = content.and_then(|c| c.key(name));
            let array = found.is_some_and(|(at, _)| at.element().array);
            let count = counts.entry(name).or_default();
            let index = *count;
            *count += 1;
            let here = if array { format!("{path}.{name}[{index}]") } else { format!("{path}.{name}") };
            self.places.insert(here.clone(), self.position(child));
            if let (Some(content), Some((at, _))) = (content, found) {
                let place = content.element().children.iter().position(|c| *c == at.index).unwrap_or(last);
                if place < last {
                    self.fault("xml-order", format!("The element {name} stands after one that it must precede"), &here, child);
                }
                last = last.max(place);
            }
            let of = found.map_or("", |(_, of)| &*of.code);
            let (value, beside) = match (found, of) {
                (_, "xhtml") => (Some(json!(self.narrative(child))), None),
                (Some(_), of) if is_primitive(of) => self.primitive(child, of, &here, depth)?,
                // `Resource`, or one type of resource as the outcome of a Bundle's response.
                (Some(_), of) if self.definitions.by_type(of).is_some_and(|p| &*p.kind == "resource") => {
                    let mut inner = child.children().filter(Node::is_element);
                    match (inner.next(), inner.next()) {
                        (Some(only), None) => (Some(self.resource(only, &here, depth + 1)?), None),
                        _ => {
                            self.fault("xml-resource", format!("{name} holds one resource"), &here, child);
                            (Some(json!({})), None)
                        }
                    }
                }
                (Some((at, of)), _) => {
                    let mut inner = Map::new();
                    if let Some(value) = child.attribute("value") {
                        self.fault("xml-attribute", format!("{name} has no value of its own"), &here, child);
                        inner.insert("value".to_owned(), json!(value));
                    }
                    let content = self.definitions.content(at, of);
                    self.object(child, content, &here, depth + 1, &mut inner)?;
                    (Some(Value::Object(inner)), None)
                }
                // Left to the walk, which knows what belongs here.
                (None, _) => (Some(child.attribute("value").map_or(json!({}), |v| json!(v))), None),
            };
            put(object, name, value, beside, array, index);
        }
        Some(())
    }

    fn primitive(&mut self, node: Node<'t, 't>, of: &str, path: &str, depth: usize) -> Option<(Option<Value>, Option<Value>)> {
        let value = node.attribute("value").map(|text| match of {
            "boolean" if text == "true" => json!(true),
            "boolean" if text == "false" => json!(false),
            // What is not written as the type says stays a text, which the walk refuses.
            "integer" | "positiveInt" | "unsignedInt" if is_whole(text) => text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n)),
            "decimal" if is_decimal(text) => text.parse::<f64>().ok().and_then(Number::from_f64).map_or_else(|| json!(text), Value::Number),
            _ => json!(text),
        });
        let mut beside = Map::new();
        let content = self.definitions.by_type("Element").map(At::root);
        self.object(node, content, path, depth + 1, &mut beside)?;
        Some((value, if beside.is_empty() { None } else { Some(Value::Object(beside)) }))
    }

    /// The text of a narrative, with its namespace said on the element itself.
    fn narrative(&self, node: Node<'_, '_>) -> String {
        let text = self.text.get(node.range()).unwrap_or_default();
        let head = text.split('>').next().unwrap_or_default();
        if node.tag_name().namespace() == Some(XHTML) && text.starts_with("<div") && !head.contains("xmlns=") {
            return text.replacen("<div", &format!("<div xmlns=\"{XHTML}\""), 1);
        }
        text.to_owned()
    }
}

/// `[0]|[-+]?[1-9][0-9]*`.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    text == "0" || (digits.starts_with(|c: char| ('1'..='9').contains(&c)) && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)))
}

/// The encoding that the declaration names.
fn encoding(text: &str) -> Option<&str> {
    let declaration = text.strip_prefix("<?xml")?.split("?>").next()?;
    let after = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after.get(1..)?.split(quote).next()
}

/// Puts a value and the object beside it into their members.
fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>, beside: Option<Value>, array: bool, index: usize) {
    // A second value of what occurs once becomes a list, which the walk refuses.
    let array = array || index > 0;
    for (key, value) in [(name.to_owned(), value), (format!("_{name}"), beside)] {
        if !array {
            if let Some(value) = value {
                object.insert(key, value);
            }
            continue;
        }
        if value.is_none() && !object.contains_key(&key) {
            continue;
        }
        let list = object.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if !list.is_array() {
            *list = Value::Array(vec![list.take()]);
        }
        if let Some(items) = list.as_array_mut() {
            while items.len() < index {
                items.push(Value::Null);
            }
            items.push(value.unwrap_or(Value::Null));
        }
    }
    // The two lists of a repeating primitive are equally long.
    if array {
        let length = |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_array).map(Vec::len);
        let beside = format!("_{name}");
        if let (Some(a), Some(b)) = (length(object, name), length(object, &beside)) {
            for (key, short) in [(name, a), (beside.as_str(), b)] {
                if let Some(items) = object.get_mut(key).and_then(Value::as_array_mut) {
                    items.resize(short.max(a).max(b), Value::Null);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_type_says() {
        for good in ["0", "-1.50", "10", "1e5", "0.1E-3"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "+1", ".5", "5.", "007", "1,5", "1e", "NaN", "inf", "0x1", "-"] {
            assert!(!is_decimal(bad), "{bad}");
        }
        assert!(is_whole("0") && is_whole("-12") && is_whole("+12"));
        assert!(!is_whole("012") && !is_whole("1.0") && !is_whole("-0") && !is_whole(""));
    }

    #[test]
    fn the_declaration_names_the_encoding() {
        assert_eq!(encoding("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>"), Some("UTF-16"));
        assert_eq!(encoding("<?xml version='1.0' encoding = 'utf-8' ?><a/>"), Some("utf-8"));
        assert_eq!(encoding("<?xml version=\"1.0\"?><a encoding=\"x\"/>"), None);
        assert_eq!(encoding("<a/>"), None);
    }
}
