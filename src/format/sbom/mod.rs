//! Parts lists of software (SBOM): CycloneDX 1.2 to 1.7 and SPDX 2.2, 2.3 and 3.0, in JSON.
//!
//! A broken list gives findings, never a refusal to read: three readers turn what is there into one
//! [`PartsList`], in which each statement is present, absent, or present and empty (`NOASSERTION`),
//! and one judge asks the questions. The seven elements of the NTIA (2021) are errors; what CISA
//! (2025) and BSI TR-03183-2 add is a warning, told once for the whole list.

mod cyclonedx;
mod form;
mod graph;
mod identifier;
mod judgement;
mod licence;
mod spdx2;
mod spdx3;

pub use identifier::{Cpe, PackageUrl};
pub use judgement::{Demand, Depth, Product};

use serde_json::Value;

use crate::document::{Source, push_token};
use crate::verdict::Finding;

/// The most findings of one rule that are told one by one; the rest is counted.
const MAX_OF_RULE: usize = 20;
/// The most components that are read; a limit of ours.
const MAX_PARTS: usize = 200_000;

/// Something that a list can say about a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stated {
    /// Not said.
    #[default]
    Missing,
    /// Said to be unknown: `NOASSERTION`, `NONE`, `UNKNOWN`, or only blanks.
    Empty,
    /// Said.
    Value(String),
}

impl Stated {
    fn new(text: Option<&str>) -> Self {
        let Some(text) = text.map(str::trim) else { return Self::Missing };
        match text.to_ascii_uppercase().as_str() {
            "" | "NOASSERTION" | "NONE" | "UNKNOWN" | "N/A" | "UNDEFINED" | "NULL" => Self::Empty,
            _ => Self::Value(text.to_owned()),
        }
    }
    /// The first of two that says something.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Value(_), _) | (Self::Empty, Self::Missing) => self,
            (Self::Empty | Self::Missing, _) => other,
        }
    }
    /// What is said, if anything is.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(text) => Some(text),
            Self::Missing | Self::Empty => None,
        }
    }
}

/// The format a list is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CycloneDX (ECMA-424).
    CycloneDx,
    /// SPDX 2.2 or 2.3 (ISO/IEC 5962).
    Spdx2,
    /// SPDX 3.0, JSON-LD.
    Spdx3,
}

/// What kind of thing a part is, as far as the elements asked of it differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PartKind {
    /// A package, library, application, firmware, operating system, device.
    #[default]
    Package,
    /// A single file, which may have no version of its own.
    File,
}

/// One part of the product.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Where it stands, a JSON Pointer.
    pub pointer: String,
    /// What it is.
    pub kind: PartKind,
    /// The name by which relations refer to it.
    pub reference: Option<String>,
    /// Its name.
    pub name: Stated,
    /// Its version.
    pub version: Stated,
    /// Who supplies or makes it.
    pub supplier: Stated,
    /// Package URLs as they were written.
    pub purls: Vec<String>,
    /// CPE names as they were written.
    pub cpes: Vec<String>,
    /// It has another identifier: SWID, SWHID, gitoid.
    pub other_identifier: bool,
    /// Algorithm (letters and digits, lower case) and value of each hash.
    pub hashes: Vec<(String, String)>,
    /// Licence expressions, identifiers or names.
    pub licences: Vec<String>,
    /// It was said that the licence is not known.
    pub licence_empty: bool,
}

impl Part {
    /// A short name for messages.
    pub fn label(&self) -> String {
        match (self.name.value(), self.version.value()) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => self.reference.clone().unwrap_or_else(|| self.pointer.clone()),
        }
    }
}

/// One relation: a part needs or contains others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Where it stands, a JSON Pointer.
    pub pointer: String,
    /// The one that needs or contains.
    pub from: String,
    /// Those that are needed or contained. Empty: it is said that there are none.
    pub to: Vec<String>,
}

/// What a list says, in whichever format.
#[derive(Debug, Clone, PartialEq)]
pub struct PartsList {
    /// The format.
    pub format: Format,
    /// The version of the format, as written.
    pub version: String,
    /// Who made the list: people and organisations.
    pub authors: Vec<String>,
    /// Which tools made the list.
    pub tools: Vec<String>,
    /// When the list was made, as written.
    pub timestamp: Stated,
    /// Where the moment stands.
    pub timestamp_pointer: String,
    /// In which phase of the software's life the list was made.
    pub context: Stated,
    /// The product itself: its place in `parts`.
    pub primary: Option<usize>,
    /// All parts; the product itself among them.
    pub parts: Vec<Part>,
    /// Who needs or contains whom.
    pub relations: Vec<Relation>,
    /// Other things that relations may refer to: services, snippets, files, vulnerabilities.
    pub other_references: Vec<String>,
    /// The list says of itself that its relations are not complete.
    pub known_incomplete: bool,
}

impl PartsList {
    fn new(format: Format, version: &str) -> Self {
        Self {
            format,
            version: version.to_owned(),
            authors: Vec::new(),
            tools: Vec::new(),
            timestamp: Stated::Missing,
            timestamp_pointer: String::new(),
            context: Stated::Missing,
            primary: None,
            parts: Vec::new(),
            relations: Vec::new(),
            other_references: Vec::new(),
            known_incomplete: false,
        }
    }

    /// Reads a list. `None` with a finding when the document is in none of the formats.
    pub fn read(source: &Source) -> (Option<Self>, Vec<Finding>) {
        let value = source.value();
        let mut notes = Notes::new(source);
        for duplicate in source.duplicates() {
            notes.push(
                Finding::error("duplicate-key", "an object has the same key twice").at(duplicate.object.clone()).observed(&duplicate.key),
            );
        }
        let list = if value.get("bomFormat").is_some() || (value.get("specVersion").is_some() && value.get("components").is_some()) {
            Some(cyclonedx::read(value, &mut notes))
        } else if value.get("spdxVersion").is_some() || value.get("SPDXID").is_some() {
            Some(spdx2::read(value, &mut notes))
        } else if value.get("@graph").is_some() || value.get("spdxId").is_some() {
            Some(spdx3::read(value, &mut notes))
        } else {
            notes.push(
                Finding::error("not-an-sbom", "the document is in none of the formats of parts lists")
                    .expected("CycloneDX or SPDX in JSON"),
            );
            None
        };
        if let Some(list) = &list {
            judgement::judge_form(list, &mut notes);
        }
        (list, notes.finish())
    }
}

/// Reads and judges the bytes of a list; what is not JSON at all is one finding too.
pub fn judge(
    name: &str,
    bytes: &[u8],
    product: &Product<'_>,
    now: time::OffsetDateTime,
    demand: &Demand,
) -> (Option<PartsList>, Vec<Finding>) {
    let text = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes));
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('<') && start.contains("cyclonedx.org/schema/bom") {
        return (
            None,
            vec![Finding::open("xml-not-read", "the list is CycloneDX in XML, which is not read").expected("the same list in JSON")],
        );
    }
    if start.starts_with("SPDXVersion:") {
        return (
            None,
            vec![
                Finding::open("tag-value-not-read", "the list is SPDX in tag-value form, which is not read")
                    .expected("the same list in JSON"),
            ],
        );
    }
    let source = match Source::json(name, bytes) {
        Ok(source) => source,
        Err(error) => {
            return (
                None,
                vec![
                    Finding::error("not-json", format!("the list cannot be read: {}", crate::verdict::Untrusted::new(&error.message)))
                        .position(Some(error.position)),
                ],
            );
        }
    };
    let (list, mut findings) = PartsList::read(&source);
    if let Some(list) = &list {
        let mut notes = Notes::new(&source);
        judgement::judge(list, product, now, demand, &mut notes);
        findings.extend(notes.finish());
    }
    (list, findings)
}

/// Findings as they come, capped for each rule, with their places looked up at the end.
struct Notes<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
    counts: std::collections::BTreeMap<String, usize>,
}

impl<'a> Notes<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, findings: Vec::new(), counts: std::collections::BTreeMap::new() }
    }
    fn push(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.rule.clone()).or_default();
        *count += 1;
        if *count <= MAX_OF_RULE {
            self.findings.push(finding);
        }
    }
    fn finish(mut self) -> Vec<Finding> {
        for finding in &mut self.findings {
            if finding.position.is_none() && !finding.path.is_empty() {
                finding.position = self.source.position(&finding.path);
            }
        }
        for (rule, count) in self.counts.iter().filter(|(_, count)| **count > MAX_OF_RULE) {
            if let Some(last) = self.findings.iter_mut().rfind(|f| f.rule == *rule) {
                last.message.push_str(&format!("; and {} more of this kind", count - MAX_OF_RULE));
            }
        }
        self.findings
    }

    /// A member that must be text, if it is there.
    fn text<'v>(&mut self, object: &'v Value, pointer: &str, key: &str) -> Option<&'v str> {
        match object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                self.wrong_type(&child(pointer, key), "text", other);
                None
            }
        }
    }
    /// A member that must be a list, if it is there.
    fn list<'v>(&mut self, object: &'v Value, pointer: &str, key: &str) -> &'v [Value] {
        match object.get(key) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.wrong_type(&child(pointer, key), "a list", other);
                &[]
            }
        }
    }
    fn wrong_type(&mut self, pointer: &str, expected: &str, found: &Value) {
        let kind = match found {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.push(
            Finding::error("wrong-type", format!("{} stands where {expected} belongs", capital(kind))).at(pointer).expected(expected),
        );
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn child(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_token(&mut pointer, key);
    pointer
}

fn item(pointer: &str, key: &str, index: usize) -> String {
    format!("{}/{index}", child(pointer, key))
}

/// The name of a hash algorithm in letters and digits, lower case: `SHA-256` and `SHA256` are the same.
fn algorithm(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
