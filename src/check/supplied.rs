//! What a vendor publishes to judge its documents by: a schema, and JSON-LD contexts or further schemas
//! by their address. All of it comes from `documents` in the target file; nothing is fetched because a
//! judged document names it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DocumentSeen, Probes};
use crate::document::Source;
use crate::format::csv::TableSchema;
use crate::format::json_schema::JsonSchema;
use crate::format::{Context, Format};
use crate::probe::ProbeError;
use crate::verdict::{Cause, Finding, Verdict};

/// Schema and contexts, as they were read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Supplied {
    /// The document that is the schema, with its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<(String, DocumentSeen)>,
    /// The documents whose name is an address, by that address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    by_address: BTreeMap<String, DocumentSeen>,
}

impl Supplied {
    /// Reads what documents of this format are judged by.
    pub(super) async fn observe(probes: &Probes, format: Format, schema: Option<&str>) -> Result<Self, ProbeError> {
        let mut supplied = Self::default();
        if let Some(name) = schema {
            supplied.schema = Some((name.to_owned(), probes.document(name).await?));
        }
        if matches!(format, Format::JsonLd | Format::NgsiLd | Format::Turtle) || schema.is_some() {
            let addresses: Vec<String> = probes.target().documents.keys().filter(|name| super::probes::is_address(name)).cloned().collect();
            for address in addresses {
                let document = probes.document(&address).await?;
                supplied.by_address.insert(address, document);
            }
        }
        Ok(supplied)
    }

    /// What a judge of this format needs, or the verdict where it cannot be had.
    pub(super) fn context(&self, format: Format) -> Result<Context, Box<Verdict>> {
        let mut context = Context::default();
        let mut others = BTreeMap::new();
        for (address, document) in &self.by_address {
            let (location, text) = document.text(address)?;
            others.insert(address.clone(), value(location, text)?);
        }
        if let Some((name, document)) = &self.schema {
            let (location, text) = document.text(name)?;
            let schema = value(location, text)?;
            let unsound = |faults: Vec<Finding>| Box::new(Verdict::from_findings(&faults, &format!("the schema `{name}`")));
            if format == Format::Json {
                context.schema = Some(JsonSchema::compile(&schema, &others).map_err(unsound)?);
            } else if format == Format::Csv {
                context.table_schema = Some(TableSchema::read(&schema).map_err(unsound)?.0);
            } else {
                let reason = format!("the profile names a schema for {format}, which takes none");
                return Err(Box::new(Verdict::cant_tell(Cause::Bug, reason)));
            }
        }
        context.contexts = others;
        Ok(context)
    }

    /// For the tests of kinds.
    #[cfg(test)]
    pub(super) fn of(schema: Option<(&str, DocumentSeen)>, by_address: &[(&str, DocumentSeen)]) -> Self {
        Self {
            schema: schema.map(|(name, document)| (name.to_owned(), document)),
            by_address: by_address.iter().map(|(address, document)| ((*address).to_owned(), document.clone())).collect(),
        }
    }
}

fn value(location: &str, text: &str) -> Result<Value, Box<Verdict>> {
    Source::read(location, text.as_bytes()).map(|source| source.value().clone()).map_err(|error| {
        let finding = Finding::error("syntax", format!("it cannot be read: {}", error.message)).at(location).position(Some(error.position));
        Box::new(Verdict::from_findings(&[finding.clause("RFC 8259")], "the schema or context that the target file names"))
    })
}
