//! Data packages: `datapackage.json` and the tables it names, with the references between them.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde_json::Value as Json;

use super::{Dialect, Keys, TableSchema, dialect, judge_stream, keys};
use crate::format::findings::Findings;
use crate::format::{Pointer, Progress, hsds, json};
use crate::verdict::Finding;

/// More tables than this are not read from one package; a limit of ours.
const MAX_TABLES: usize = 500;

/// What was found in one package.
#[derive(Debug, Clone, Default)]
pub struct PackageReport {
    /// Findings about `datapackage.json` itself.
    pub descriptor: Vec<Finding>,
    /// For each table, by its path: how many records, and what was found.
    pub tables: Vec<(String, super::TableReport)>,
}

/// Whether a JSON value looks like the descriptor of a package; asked when a format is guessed.
pub(in crate::format) fn looks_like(value: &Json) -> bool {
    let is_table =
        |entry: &Json| entry.get("name").is_some_and(Json::is_string) && (entry.get("path").is_some() || entry.get("data").is_some());
    let is_csvw = value.get("tables").is_some_and(Json::is_array)
        && value.get("@context").map(Json::to_string).unwrap_or_default().contains("http://www.w3.org/ns/csvw");
    is_csvw || value.get("resources").and_then(Json::as_array).is_some_and(|list| !list.is_empty() && list.iter().all(is_table))
}

/// Judges a descriptor alone: its tables are not at hand.
pub(in crate::format) fn judge_descriptor(name: &str, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(source) = json::read(name, bytes, &mut findings) {
        resources(source.value(), &mut findings);
        findings.push(Finding::open("tables", "the tables of the package are not at hand, so they were not judged"));
        findings.locate(&source);
    }
    findings.finish()
}

struct Resource {
    name: String,
    path: String,
    schema: Option<TableSchema>,
    dialect: Dialect,
}

/// Judges a package. `open` gives a table's bytes by its path as the descriptor writes it, as often as it is
/// asked; `None` means that the package does not hold it. A path that leads out of the package is not asked.
///
/// # Errors
/// A table's stream breaks off.
pub fn judge_package(
    descriptor: &[u8],
    open: &mut dyn FnMut(&str) -> Option<Box<dyn Read>>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<PackageReport> {
    let mut findings = Findings::default();
    let mut report = PackageReport::default();
    let Some(source) = json::read("datapackage.json", descriptor, &mut findings) else {
        report.descriptor = findings.finish();
        return Ok(report);
    };
    let resources = resources(source.value(), &mut findings);
    let mut needed: BTreeMap<(String, Vec<String>), Option<Keys>> = BTreeMap::new();
    for resource in &resources {
        for reference in resource.schema.iter().flat_map(TableSchema::foreign_keys) {
            let target = if reference.resource.is_empty() { &resource.name } else { &reference.resource };
            needed.entry((target.clone(), reference.referenced.clone())).or_insert(None);
        }
    }
    for ((name, fields), slot) in &mut needed {
        let Some(resource) = resources.iter().find(|r| r.name == *name) else {
            let finding = Finding::error(
                "foreign-key",
                format!("a table refers to `{}`, which the package does not name", crate::verdict::Untrusted::new(name)),
            );
            findings.push(finding.at("/resources").clause("Frictionless Table Schema, foreign keys"));
            continue;
        };
        if let (Some(schema), Some(input)) = (&resource.schema, open(&resource.path)) {
            *slot = Some(keys(input, schema, &resource.dialect, fields)?);
        }
    }
    for (i, resource) in resources.iter().enumerate() {
        let Some(input) = open(&resource.path) else {
            let finding = Finding::error(
                "table-missing",
                format!("the table `{}` is not in the package", crate::verdict::Untrusted::new(&resource.path)),
            );
            findings.push(
                finding
                    .at(format!("/resources/{i}/path"))
                    .expected("a table at the path that is named")
                    .observed(&resource.path)
                    .clause("Frictionless Data Resource"),
            );
            continue;
        };
        let references: Vec<Option<&Keys>> = resource
            .schema
            .iter()
            .flat_map(TableSchema::foreign_keys)
            .map(|reference| {
                let target = if reference.resource.is_empty() { &resource.name } else { &reference.resource };
                needed.get(&(target.clone(), reference.referenced.clone())).and_then(Option::as_ref)
            })
            .collect();
        let table = judge_stream(input, resource.schema.as_ref(), &resource.dialect, &references, progress)?;
        report.tables.push((resource.path.clone(), table));
    }
    findings.locate(&source);
    report.descriptor = findings.finish();
    Ok(report)
}

/// Whether a path stays within its package: relative, without `..`, no address, no drive.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.starts_with(['/', '\\', '~']) && !path.contains(':') && !path.split(['/', '\\']).any(|part| part == "..")
}

/// The tables of CSV on the Web metadata: a group of them, or one.
fn csvw(metadata: &Json, findings: &mut Findings) -> Option<Vec<Resource>> {
    let root = Pointer::ROOT;
    let group = root.name("tables");
    let clause = "W3C Metadata Vocabulary for Tabular Data section 5.3";
    let tables: Vec<(Pointer<'_>, &Json)> = match metadata.get("tables").and_then(Json::as_array) {
        Some(tables) => tables.iter().enumerate().map(|(i, table)| (group.index(i), table)).collect(),
        None if metadata.get("url").is_some() && metadata.get("tableSchema").is_some() => vec![(root, metadata)],
        None => return None,
    };
    let mut resources = Vec::new();
    for (at, table) in tables.into_iter().take(MAX_TABLES) {
        let Some(url) = table.get("url").and_then(Json::as_str).filter(|url| !url.is_empty()) else {
            findings.push(Finding::error("package", "a table must have a `url`").at(at.to_string()).clause(clause));
            continue;
        };
        if !is_inside(url) {
            let finding = Finding::open("path", "the table is elsewhere, and is not fetched").at(at.name("url").to_string());
            findings.push(finding.observed(url));
            continue;
        }
        // What the group says holds for each of its tables that says nothing else.
        let mut whole = table.clone();
        if let Json::Object(members) = &mut whole {
            for name in ["tableSchema", "dialect", "null", "lang", "separator", "datatype", "required"] {
                if let Some(value) = metadata.get(name).filter(|_| !members.contains_key(name)) {
                    members.insert(name.to_owned(), value.clone());
                }
            }
        }
        let schema = match whole.get("tableSchema") {
            Some(Json::Object(_)) => match TableSchema::read(&whole) {
                Ok((schema, notes)) => {
                    findings.extend(notes.into_iter().map(|finding| beneath(finding, &at)));
                    Some(schema)
                }
                Err(faults) => {
                    findings.extend(faults.into_iter().map(|finding| beneath(finding, &at)));
                    None
                }
            },
            Some(_) => {
                findings.push(
                    Finding::open("table-schema", "the schema is another document, which is not at hand")
                        .at(at.name("tableSchema").to_string()),
                );
                None
            }
            None => None,
        };
        resources.push(Resource { name: url.to_owned(), path: url.to_owned(), schema, dialect: Dialect::default() });
    }
    Some(resources)
}

fn beneath(finding: Finding, at: &Pointer<'_>) -> Finding {
    let path = format!("{at}{}", finding.path);
    finding.at(path)
}

fn resources(package: &Json, findings: &mut Findings) -> Vec<Resource> {
    if let Some(resources) = csvw(package, findings) {
        return resources;
    }
    let root = Pointer::ROOT;
    let at = root.name("resources");
    let clause = "Frictionless Data Package";
    let Some(list) = package.get("resources").and_then(Json::as_array).filter(|list| !list.is_empty()) else {
        findings.push(Finding::error("package", "a data package must name at least one table in `resources`").at("").clause(clause));
        return Vec::new();
    };
    let names = list.iter().filter_map(|entry| entry.get("name")).filter_map(Json::as_str);
    let names: Vec<&str> = names.collect();
    let is_hsds = hsds::table::is_package(names.iter().copied());
    let mut resources: Vec<Resource> = Vec::new();
    for (i, entry) in list.iter().enumerate() {
        let at = at.index(i);
        if i >= MAX_TABLES {
            findings.push(Finding::open("package", format!("more than {MAX_TABLES} tables; the rest was not judged")).at(at.to_string()));
            break;
        }
        let text = |name: &str| entry.get(name).and_then(Json::as_str);
        let name = text("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            findings.push(Finding::error("package", "a resource must have a `name`").at(at.to_string()).clause(clause));
        } else if resources.iter().any(|r| r.name == name) {
            findings.push(Finding::error("package", "two resources have the same name").at(at.name("name").to_string()).clause(clause));
        }
        let path = match entry.get("path") {
            Some(Json::String(path)) => path.clone(),
            Some(Json::Array(paths)) if paths.len() == 1 => paths.first().and_then(Json::as_str).unwrap_or_default().to_owned(),
            Some(Json::Array(_)) => {
                findings.push(Finding::open("package", "a table in several files is not judged").at(at.name("path").to_string()));
                continue;
            }
            _ if entry.get("data").is_some() => {
                findings.push(Finding::open("package", "a table within the descriptor is not judged").at(at.name("data").to_string()));
                continue;
            }
            _ => {
                findings.push(Finding::error("package", "a resource must have a `path` or `data`").at(at.to_string()).clause(clause));
                continue;
            }
        };
        if !is_inside(&path) {
            let finding =
                Finding::error("path", "the path leads out of the package, so it is not followed").at(at.name("path").to_string());
            findings.push(finding.expected("a relative path without ..").observed(&path).clause("Frictionless Data Resource, path"));
            continue;
        }
        let schema = match entry.get("schema") {
            Some(schema @ Json::Object(_)) => match TableSchema::read(schema) {
                Ok((schema, notes)) => {
                    findings.extend(notes.into_iter().map(|finding| within(finding, &at)));
                    Some(schema)
                }
                Err(faults) => {
                    findings.extend(faults.into_iter().map(|finding| within(finding, &at)));
                    None
                }
            },
            Some(_) => {
                findings.push(
                    Finding::open("table-schema", "the schema is another document, which is not at hand").at(at.name("schema").to_string()),
                );
                None
            }
            None => None,
        };
        let schema = if is_hsds { hsds::table::tighten(&name, schema, &names, &at.to_string(), findings) } else { schema };
        let dialect = entry.get("dialect").filter(|d| d.is_object()).map_or_else(Dialect::default, dialect);
        resources.push(Resource { name, path, schema, dialect });
    }
    resources
}

fn within(finding: Finding, at: &Pointer<'_>) -> Finding {
    let path = format!("{at}/schema{}", finding.path);
    finding.at(path)
}
