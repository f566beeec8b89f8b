//! An API description: Swagger 2.0, OpenAPI 3.0, 3.1 and 3.2, and AsyncAPI as a document.
//!
//! The front door is a JSON value with positions, not a typed reader: real descriptions are faulty,
//! and a faulty description must neither crash nor silence the tester. From the value a model of our
//! own is made, the same for every edition; what cannot be read becomes a finding, and what depends
//! on it is `untested`. The schemas are rewritten once to JSON Schema 2020-12.
//!
//! Nothing is fetched here. References into other documents are followed when these were supplied,
//! and [`Description::wanted`] says which ones a description asks for.

mod model;
mod read;
mod reference;
mod schema;

pub use model::{
    Body, Edition, Header, Link, LinkTarget, Media, Operation, Parameter, ParameterPlace, Response, ResponseKey, SchemeKind, SchemeUse,
    SecurityScheme, Server, Spot, Style, is_safe,
};
pub use reference::ReferenceError;
pub use schema::{Direction, Violation};

pub(crate) use read::{METHODS, response_key};
pub(crate) use reference::{percent_decoded, percent_encoded};
pub(crate) use schema::{READ_ONLY, WRITE_ONLY};
use schema::{SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_ONE};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::document::{Position, Source};
use crate::verdict::Finding;
use reference::Documents;
use schema::{Dropped, DroppedWhat, Schemas};

/// This document is not an API description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not an API description: its root has none of `openapi`, `swagger`, `asyncapi`")]
pub struct NotADescription {
    /// The document's name.
    pub name: String,
}

/// An API description, read.
#[derive(Debug)]
pub struct Description {
    documents: Documents,
    edition: Edition,
    operations: Vec<Operation>,
    servers: Vec<Server>,
    schemes: BTreeMap<String, SecurityScheme>,
    schema_roots: BTreeSet<Spot>,
    schemas: Schemas,
    findings: Vec<Finding>,
}

impl Description {
    /// Reads a description and the documents supplied with it. Each supplied document is found by its
    /// name: an address, or a path relative to that of the description.
    ///
    /// # Errors
    /// The document is none of the editions we know. Faults within a description are no errors.
    pub fn read(source: Source, supplied: Vec<Source>) -> Result<Self, NotADescription> {
        let Some(edition) = Edition::of(source.value()) else {
            return Err(NotADescription { name: source.name().to_owned() });
        };
        let documents = Documents::new(source, supplied);
        let mut reader = read::Reader::new(&documents, edition);
        reader.read(documents.root().value());
        let read::Reader { operations, servers, schemes, schemas: schema_roots, forms, mut findings, .. } = reader;
        let roots: Vec<Spot> = schema_roots.iter().cloned().collect();
        let (schemas, dropped) = Schemas::new(edition, &documents, &roots, &forms);
        findings.extend(dropped.iter().map(dropped_finding));
        Ok(Self { documents, edition, operations, servers, schemes, schema_roots, schemas, findings })
    }

    /// The addresses of the documents a description refers to and that are not at hand, made absolute.
    /// The caller may fetch those within its scope and read again.
    pub fn wanted(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (index, source) in self.documents.iter().enumerate() {
            each_reference(source.value(), &mut |reference| {
                if let Err(ReferenceError::NotSupplied(address)) = self.documents.target(index, reference) {
                    found.insert(address);
                }
            });
        }
        found.into_iter().collect()
    }

    /// The edition.
    pub fn edition(&self) -> Edition {
        self.edition
    }
    /// The description's document.
    pub fn source(&self) -> &Source {
        self.documents.root()
    }
    /// All documents, the description first.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.documents.iter()
    }
    /// The value of the description's document.
    pub fn root(&self) -> &Value {
        self.documents.root().value()
    }
    /// The operations, in the order of the document; callbacks and webhooks among them.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
    /// The operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|o| o.name == name)
    }
    /// Base addresses.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }
    /// Security schemes by name.
    pub fn schemes(&self) -> &BTreeMap<String, SecurityScheme> {
        &self.schemes
    }
    /// What was noticed while reading.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The value at a place, as it is written.
    pub fn value(&self, spot: &Spot) -> Option<&Value> {
        self.documents.value(spot)
    }
    /// The value at a place, behind its references.
    ///
    /// # Errors
    /// A reference leads nowhere, back to itself, or out of what is at hand.
    pub fn follow(&self, spot: Spot) -> Result<(Spot, &Value), ReferenceError> {
        self.documents.follow(spot)
    }
    /// The place a reference means.
    ///
    /// # Errors
    /// As [`Description::follow`].
    pub fn resolve(&self, document: usize, reference: &str) -> Result<(Spot, &Value), ReferenceError> {
        self.documents.resolve(document, reference)
    }

    /// The place a reference means, its first step only.
    ///
    /// # Errors
    /// As [`Description::follow`].
    pub(crate) fn resolve_one(&self, document: usize, reference: &str) -> Result<Spot, ReferenceError> {
        self.documents.target(document, reference)
    }

    /// The schema at a place as JSON Schema 2020-12, without annotations.
    pub fn schema(&self, spot: &Spot) -> Option<&Value> {
        self.schemas.get(spot)
    }
    /// The place that a `$ref` in a schema of [`Description::schema`] means.
    pub(crate) fn schema_target(&self, document: usize, reference: &str) -> Option<Spot> {
        self.schemas.target(document, reference)
    }
    /// The validator of a schema; compiled once and kept.
    ///
    /// # Errors
    /// The schema could not be compiled; the text says why.
    pub fn validator(&self, spot: &Spot, direction: Direction) -> Result<Arc<jsonschema::Validator>, String> {
        self.schemas.validator(spot, direction)
    }
    /// The validator of a schema, not kept: for passing once over a large description.
    pub(crate) fn compile(&self, spot: &Spot, direction: Direction) -> Result<jsonschema::Validator, String> {
        self.schemas.compile(spot, direction)
    }
    /// How an instance breaks a schema; nothing when it fits.
    ///
    /// # Errors
    /// As [`Description::validator`].
    pub fn violations(&self, spot: &Spot, direction: Direction, instance: &Value) -> Result<Vec<Violation>, String> {
        let validator = self.validator(spot, direction)?;
        if validator.is_valid(instance) {
            return Ok(Vec::new());
        }
        Ok(schema::violations(&validator, instance))
    }

    /// Visits every schema of the description's documents, subschemas included, with its place. Each
    /// is visited once; references are not followed.
    pub(crate) fn each_schema(&self, visit: &mut dyn FnMut(&Spot, &Value)) {
        for root in &self.schema_roots {
            if let Some(value) = self.documents.value(root) {
                each_schema(value, &mut root.clone(), visit);
            }
        }
    }

    /// The place in the text of a pointer into the description's document; of a pointer that does not
    /// exist, the place of the nearest part that does.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        let source = self.documents.root();
        let mut pointer = pointer;
        loop {
            if let Some(position) = source.position(pointer) {
                return Some(position);
            }
            pointer = pointer.get(..pointer.rfind('/')?)?;
        }
    }
}

fn each_schema(value: &Value, at: &mut Spot, visit: &mut dyn FnMut(&Spot, &Value)) {
    visit(at, value);
    let Some(object) = value.as_object() else { return };
    for (key, sub) in object {
        let length = at.pointer.len();
        crate::document::push_token(&mut at.pointer, key);
        let inner = at.pointer.len();
        if SCHEMA_MAPS.contains(&key.as_str()) {
            for (name, schema) in sub.as_object().into_iter().flatten() {
                crate::document::push_token(&mut at.pointer, name);
                each_schema(schema, at, visit);
                at.pointer.truncate(inner);
            }
        } else if SCHEMA_LISTS.contains(&key.as_str()) || (key == "items" && sub.is_array()) {
            for (index, schema) in sub.as_array().into_iter().flatten().enumerate() {
                crate::document::push_token(&mut at.pointer, &index.to_string());
                each_schema(schema, at, visit);
                at.pointer.truncate(inner);
            }
        } else if SCHEMA_ONE.contains(&key.as_str()) {
            each_schema(sub, at, visit);
        }
        at.pointer.truncate(length);
    }
}

/// Every text under a key `$ref`, wherever it stands.
fn each_reference(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (key, sub) in object {
                // Examples are data: a `$ref` in them is text like any other.
                let data = matches!(key.as_str(), "example" | "examples" | "default" | "enum" | "const");
                if let Value::String(reference) = sub
                    && key == "$ref"
                {
                    visit(reference);
                } else if !data {
                    each_reference(sub, visit);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_reference(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn dropped_finding(dropped: &Dropped) -> Finding {
    let finding = match &dropped.what {
        DroppedWhat::Pattern(pattern) => {
            Finding::open("pattern-unchecked", "the pattern is not checked: it needs look-around, back references or too much space")
                .observed(pattern)
        }
        DroppedWhat::Reference(reference) => {
            Finding::open("schema-unread", "the schema refers to something that is not there; anything is accepted in its place")
                .observed(reference)
        }
        DroppedWhat::NotSupplied(address) => {
            Finding::open("schema-unread", "the schema stands in a document that was not supplied; anything is accepted in its place")
                .observed(address)
        }
        DroppedWhat::Endless => {
            Finding::open("schema-endless", "the schema refers to itself without end; anything is accepted in its place")
        }
        DroppedWhat::TooWide => {
            Finding::open("schema-too-wide", "the schema unfolds to too many parts for one value; anything is accepted in its place")
        }
    };
    finding.at(dropped.spot.pointer.clone())
}

#[cfg(test)]
mod tests;
