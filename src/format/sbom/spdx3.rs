//! SPDX 3.0 as JSON-LD: a flat graph of elements that refer to each other by `spdxId`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Format, MAX_PARTS, Notes, Part, PartKind, PartsList, Relation, Stated, algorithm, child, item};
use crate::verdict::Finding;

pub(super) fn read(document: &Value, notes: &mut Notes<'_>) -> PartsList {
    let context = match document.get("@context") {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).find(|t| t.contains("spdx.org")).unwrap_or_default(),
        None | Some(_) => "",
    };
    if !context.starts_with("https://spdx.org/rdf/3.0") {
        notes.push(
            Finding::error("context", "the document does not name the context of SPDX 3.0")
                .at("/@context")
                .expected("https://spdx.org/rdf/3.0.1/spdx-context.jsonld")
                .observed(context)
                .clause("SPDX 3.0, serialization"),
        );
    }
    let graph: Vec<(String, &Value)> = match document.get("@graph") {
        Some(Value::Array(elements)) => elements.iter().enumerate().take(MAX_PARTS).map(|(i, e)| (format!("/@graph/{i}"), e)).collect(),
        Some(other) => {
            notes.wrong_type("/@graph", "a list", other);
            Vec::new()
        }
        None => vec![(String::new(), document)],
    };
    let names: BTreeMap<&str, &str> =
        graph.iter().filter_map(|(_, e)| Some((identifier(e)?, e.get("name").and_then(Value::as_str)?))).collect();
    let expressions: BTreeMap<&str, &str> = graph
        .iter()
        .filter_map(|(_, e)| Some((identifier(e)?, e.get("simplelicensing_licenseExpression").and_then(Value::as_str)?)))
        .collect();
    let mut list = PartsList::new(Format::Spdx3, "");
    let mut roots: Vec<String> = Vec::new();
    let mut described: Vec<String> = Vec::new();
    // "Describes" names the product only where the document or its list of parts says it.
    let documents: std::collections::BTreeSet<&str> = graph
        .iter()
        .filter(|(_, e)| matches!(e.get("type").and_then(Value::as_str), Some("SpdxDocument" | "software_Sbom" | "Bom")))
        .filter_map(|(_, e)| identifier(e))
        .collect();
    let mut licences: Vec<(String, String)> = Vec::new();
    for (pointer, element) in &graph {
        let kind = element.get("type").or_else(|| element.get("@type")).and_then(Value::as_str).unwrap_or_default();
        if kind.is_empty() {
            notes.push(Finding::error("element-type", "an element has no type").at(pointer.clone()));
        }
        match kind {
            "CreationInfo" => read_creation(element, pointer, &names, &mut list, notes),
            // Packages of the dataset and AI profiles are packages too.
            "software_Package" | "dataset_DatasetPackage" | "ai_AIPackage" => {
                read_part(element, pointer, PartKind::Package, &names, &mut list, notes)
            }
            "software_File" => read_part(element, pointer, PartKind::File, &names, &mut list, notes),
            "SpdxDocument" | "software_Sbom" => {
                nameless(element, pointer, notes);
                let found = references(element, pointer, "rootElement", notes);
                // The list of parts points at the product; the document may point at the list.
                if kind == "software_Sbom" {
                    described.extend(found);
                    list.context = list.context.clone().or(references(element, pointer, "software_sbomType", notes)
                        .first()
                        .map_or(Stated::Missing, |t| Stated::new(Some(t))));
                } else {
                    roots.extend(found);
                }
                list.other_references.extend(identifier(element).map(str::to_owned));
            }
            "Relationship" | "LifecycleScopedRelationship" => {
                if let Some(told) = read_relationship(element, pointer, &mut licences, &mut list, notes) {
                    if documents.contains(told.from.as_str()) {
                        described.extend(told.to);
                    } else {
                        list.relations.push(told);
                    }
                }
            }
            _ => list.other_references.extend(identifier(element).map(str::to_owned)),
        }
    }
    if list.version.is_empty() {
        notes.push(
            Finding::error("creation-info", "the document does not say when and by whom it was made")
                .expected("CreationInfo")
                .clause("SPDX 3.0, Core/CreationInfo"),
        );
    }
    for (package, licence) in licences {
        let text = expressions.get(licence.as_str()).copied();
        if let Some(part) = list.parts.iter_mut().find(|p| p.reference.as_deref() == Some(&package)) {
            match Stated::new(text) {
                Stated::Value(text) => part.licences.push(text),
                Stated::Empty => part.licence_empty = true,
                Stated::Missing if licence.contains("NoAssertion") || licence.contains("NoneLicense") => part.licence_empty = true,
                Stated::Missing => part.licences.push("LicenseRef-element".into()),
            }
        }
    }
    list.primary = described.iter().chain(&roots).find_map(|id| list.parts.iter().position(|p| p.reference.as_deref() == Some(id)));
    list
}

/// Every element has a name by which the others refer to it (Core/Element, spdxId).
fn nameless(element: &Value, pointer: &str, notes: &mut Notes<'_>) {
    if identifier(element).is_none_or(|id| id.trim().is_empty()) {
        notes.push(
            Finding::error("element-id", "an element has no identifier").at(pointer).expected("spdxId").clause("SPDX 3.0, Core/Element"),
        );
    }
}

fn identifier(element: &Value) -> Option<&str> {
    element.get("spdxId").or_else(|| element.get("@id")).and_then(Value::as_str)
}

/// A member that is one reference or a list of them.
fn references(element: &Value, pointer: &str, key: &str, notes: &mut Notes<'_>) -> Vec<String> {
    match element.get(key) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(|i| i.as_str().or_else(|| identifier(i))).map(str::to_owned).collect(),
        Some(Value::Object(_)) => element.get(key).and_then(identifier).map(str::to_owned).into_iter().collect(),
        Some(other) => {
            notes.wrong_type(&child(pointer, key), "a reference", other);
            Vec::new()
        }
    }
}

fn read_creation(element: &Value, pointer: &str, names: &BTreeMap<&str, &str>, list: &mut PartsList, notes: &mut Notes<'_>) {
    let version = notes.text(element, pointer, "specVersion").unwrap_or_default();
    if !version.starts_with("3.0") {
        notes.push(
            Finding::open("spec-version", "this version of SPDX is not known here")
                .at(child(pointer, "specVersion"))
                .expected("3.0 or 3.0.1")
                .observed(version),
        );
    }
    if !list.version.is_empty() {
        return;
    }
    list.version = if version.is_empty() { "3.0".to_owned() } else { version.to_owned() };
    list.timestamp = Stated::new(notes.text(element, pointer, "created"));
    list.timestamp_pointer = child(pointer, "created");
    let named = |ids: Vec<String>| {
        ids.into_iter()
            .filter_map(|id| Stated::new(Some(names.get(id.as_str()).copied().unwrap_or(&id))).value().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    list.authors = named(references(element, pointer, "createdBy", notes));
    list.tools = named(references(element, pointer, "createdUsing", notes));
}

fn read_part(element: &Value, pointer: &str, kind: PartKind, names: &BTreeMap<&str, &str>, list: &mut PartsList, notes: &mut Notes<'_>) {
    nameless(element, pointer, notes);
    let by = |ids: Vec<String>| {
        ids.first().map_or(Stated::Missing, |id| {
            if id.contains("NoAssertion") { Stated::Empty } else { Stated::new(Some(names.get(id.as_str()).copied().unwrap_or(id))) }
        })
    };
    // Who first made a thing is not who supplies it: the NTIA's table names `suppliedBy` only.
    let supplier = by(references(element, pointer, "suppliedBy", notes));
    let mut part = Part {
        pointer: pointer.to_owned(),
        kind,
        reference: identifier(element).map(str::to_owned),
        name: Stated::new(notes.text(element, pointer, "name")),
        version: Stated::new(notes.text(element, pointer, "software_packageVersion")),
        supplier,
        purls: notes.text(element, pointer, "software_packageUrl").map(str::to_owned).into_iter().collect(),
        other_identifier: element.get("software_contentIdentifier").is_some(),
        ..Part::default()
    };
    for (i, external) in notes.list(element, pointer, "externalIdentifier").iter().enumerate() {
        let at = item(pointer, "externalIdentifier", i);
        let Some(text) = notes.text(external, &at, "identifier") else { continue };
        match notes.text(external, &at, "externalIdentifierType").unwrap_or_default() {
            "packageUrl" | "purl" if !part.purls.iter().any(|p| p == text) => part.purls.push(text.to_owned()),
            "cpe22" | "cpe23" => part.cpes.push(text.to_owned()),
            "swid" | "swhid" | "gitoid" => part.other_identifier = true,
            _ => {}
        }
    }
    for (i, hash) in notes.list(element, pointer, "verifiedUsing").iter().enumerate() {
        let at = item(pointer, "verifiedUsing", i);
        if let (Some(alg), Some(content)) = (notes.text(hash, &at, "algorithm"), notes.text(hash, &at, "hashValue")) {
            part.hashes.push((algorithm(alg), content.to_owned()));
        }
    }
    list.parts.push(part);
}

/// Reads one relationship. What it describes is given back, because only a document's word counts.
fn read_relationship(
    element: &Value,
    pointer: &str,
    licences: &mut Vec<(String, String)>,
    list: &mut PartsList,
    notes: &mut Notes<'_>,
) -> Option<Relation> {
    let kind = notes.text(element, pointer, "relationshipType").unwrap_or_default();
    let from = references(element, pointer, "from", notes).into_iter().next();
    let to: Vec<String> = references(element, pointer, "to", notes);
    if matches!(notes.text(element, pointer, "completeness"), Some("incomplete" | "noAssertion")) {
        list.known_incomplete = true;
    }
    let Some(from) = from else {
        notes.push(
            Finding::error("relationship", "a relationship does not say where it begins")
                .at(pointer)
                .expected("from")
                .clause("SPDX 3.0, Core/Relationship"),
        );
        return None;
    };
    let to: Vec<String> = to.into_iter().filter(|id| !id.contains("NoneElement") && !id.contains("NoAssertionElement")).collect();
    match kind {
        "describes" => return Some(Relation { pointer: pointer.to_owned(), from, to }),
        "hasConcludedLicense" | "hasDeclaredLicense" => licences.extend(to.into_iter().map(|licence| (from.clone(), licence))),
        "" => {
            notes.push(Finding::error("relationship", "a relationship does not say what it means").at(pointer).expected("relationshipType"))
        }
        _ => list.relations.push(Relation { pointer: pointer.to_owned(), from, to }),
    }
    None
}
