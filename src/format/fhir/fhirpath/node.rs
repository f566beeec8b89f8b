//! An element of a resource with what its definition says about it.

use serde_json::Value;

use crate::format::fhir::definitions::Definitions;
use crate::format::fhir::profile::{At, TypeRef};

/// The value of an element that has only an `_x` object.
pub(in crate::format::fhir) static NOTHING: Value = Value::Null;

/// An element: its JSON value, the `_x` object beside a primitive, its definition and type.
#[derive(Debug, Clone, Copy)]
pub(in crate::format::fhir) struct Node<'a> {
    pub(in crate::format::fhir) value: &'a Value,
    pub(in crate::format::fhir) beside: Option<&'a Value>,
    /// The element's own definition, with its type; `None` at the root of a resource.
    pub(in crate::format::fhir) defined: Option<(At<'a>, &'a TypeRef)>,
    /// Where its children are defined, when that is known already.
    pub(in crate::format::fhir) content: Option<At<'a>>,
    /// The FHIR type.
    pub(in crate::format::fhir) of: &'a str,
}

impl<'a> Node<'a> {
    /// A whole resource.
    pub(in crate::format::fhir) fn resource(definitions: &'a Definitions, value: &'a Value) -> Self {
        let of = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        Self { value, beside: None, defined: None, content: definitions.by_type(of).map(At::root), of }
    }

    /// An element below a place in a definition.
    pub(in crate::format::fhir) fn element(value: &'a Value, beside: Option<&'a Value>, at: At<'a>, of: &'a TypeRef) -> Self {
        // The value of `Bundle.entry.resource` and the like is whatever resource stands there.
        let inner = value.get("resourceType").and_then(Value::as_str).filter(|_| matches!(&*of.code, "Resource" | "DomainResource"));
        let of_name = match inner {
            Some(inner) => inner,
            // A content reference leads to a backbone element.
            None if of.code.is_empty() => "BackboneElement",
            None => &of.code,
        };
        Self { value, beside: beside.filter(|b| !b.is_null()), defined: Some((at, of)), content: None, of: of_name }
    }

    pub(in crate::format::fhir) fn content(&self, definitions: &'a Definitions) -> Option<At<'a>> {
        if self.content.is_some() {
            return self.content;
        }
        let (at, of) = self.defined?;
        if matches!(&*of.code, "Resource" | "DomainResource") {
            return definitions.by_type(self.of).map(At::root);
        }
        definitions.content(at, of)
    }

    /// Whether the type is a primitive: those are written small.
    pub(in crate::format::fhir) fn is_primitive(&self) -> bool {
        self.of.starts_with(|c: char| c.is_ascii_lowercase())
    }

    /// The member of the element's object, or of the `_x` object of a primitive.
    pub(in crate::format::fhir) fn member(&self, key: &str) -> Option<&'a Value> {
        match self.value.as_object() {
            Some(object) => object.get(key),
            None => self.beside.and_then(|b| b.get(key)),
        }
    }

    /// The text of a member.
    pub(in crate::format::fhir) fn text(&self, key: &str) -> Option<&'a str> {
        self.member(key).and_then(Value::as_str)
    }

    /// The children with this name; a choice is found by its name without the type.
    pub(in crate::format::fhir) fn children(&self, definitions: &'a Definitions, name: &str, out: &mut Vec<Self>) {
        let Some(object) = self.value.as_object().or_else(|| self.beside.and_then(Value::as_object)) else { return };
        let Some(content) = self.content(definitions) else { return };
        let Some(child) = content.child(name) else { return };
        let element = child.element();
        if element.choice {
            for (key, index, _) in &content.element().keys {
                if *index == child.index
                    && let Some((at, of)) = content.key(key)
                {
                    let beside = beside_of(object, key);
                    if object.contains_key(&**key) || beside.is_some() {
                        Self::push(object.get(&**key), beside, at, of, out);
                    }
                }
            }
        } else if let Some((at, of)) = content.key(name) {
            Self::push(object.get(name), beside_of(object, name), at, of, out);
        }
    }

    /// All children, in the order of the text.
    pub(in crate::format::fhir) fn all_children(&self, definitions: &'a Definitions, out: &mut Vec<Self>) {
        let Some(object) = self.value.as_object().or_else(|| self.beside.and_then(Value::as_object)) else { return };
        let Some(content) = self.content(definitions) else { return };
        for (key, value) in object {
            match key.strip_prefix('_') {
                Some(plain) if object.contains_key(plain) => {}
                Some(plain) => {
                    if let Some((at, of)) = content.key(plain) {
                        Self::push(None, Some(value), at, of, out);
                    }
                }
                None => {
                    if let Some((at, of)) = content.key(key) {
                        Self::push(Some(value), beside_of(object, key), at, of, out);
                    }
                }
            }
        }
    }

    fn push(value: Option<&'a Value>, beside: Option<&'a Value>, at: At<'a>, of: &'a TypeRef, out: &mut Vec<Self>) {
        match (value, beside) {
            (Some(Value::Array(items)), beside) => {
                let beside = beside.and_then(Value::as_array);
                for (n, item) in items.iter().enumerate() {
                    let own = beside.and_then(|b| b.get(n)).filter(|b| !b.is_null());
                    if !item.is_null() || own.is_some() {
                        out.push(Self::element(item, own, at, of));
                    }
                }
            }
            (None, Some(Value::Array(items))) => {
                out.extend(items.iter().filter(|b| !b.is_null()).map(|b| Self::element(&NOTHING, Some(b), at, of)));
            }
            (Some(value), beside) => out.push(Self::element(value, beside, at, of)),
            (None, Some(beside)) => out.push(Self::element(&NOTHING, Some(beside), at, of)),
            (None, None) => {}
        }
    }
}

/// The `_x` object beside a primitive, found without building a string.
pub(in crate::format::fhir) fn beside_of<'a>(object: &'a serde_json::Map<String, Value>, key: &str) -> Option<&'a Value> {
    let mut buffer = [0u8; 80];
    buffer[0] = b'_';
    let bytes = key.as_bytes();
    let found = buffer.get_mut(1..=bytes.len()).map(|room| room.copy_from_slice(bytes)).is_some();
    let name = buffer.get(..=bytes.len()).filter(|_| found).and_then(|n| std::str::from_utf8(n).ok())?;
    object.get(name)
}

/// A child with the key and index that it stands under.
#[derive(Debug, Clone, Copy)]
pub(in crate::format::fhir) struct Field<'a> {
    pub(in crate::format::fhir) key: &'a str,
    pub(in crate::format::fhir) index: Option<usize>,
    pub(in crate::format::fhir) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The children with this name, each with its place.
    pub(in crate::format::fhir) fn fields(&self, definitions: &'a Definitions, name: &str) -> Vec<Field<'a>> {
        let mut out = Vec::new();
        let Some(object) = self.value.as_object().or_else(|| self.beside.and_then(Value::as_object)) else { return out };
        let Some(content) = self.content(definitions) else { return out };
        let Some(child) = content.child(name) else { return out };
        for (key, index, _) in &content.element().keys {
            if *index != child.index {
                continue;
            }
            let (value, beside) = (object.get(&**key), beside_of(object, key));
            let Some((at, of)) = content.key(key).filter(|_| value.is_some() || beside.is_some()) else { continue };
            let mut nodes = Vec::new();
            Self::push(value, beside, at, of, &mut nodes);
            let listed = value.or(beside).is_some_and(Value::is_array);
            out.extend(nodes.into_iter().enumerate().map(|(n, node)| Field { key, index: listed.then_some(n), node }));
        }
        out
    }
}
