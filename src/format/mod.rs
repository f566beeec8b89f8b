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

pub mod country;
pub mod csv;
pub mod date_time;
mod findings;
pub mod hsds;
mod ical;
mod json;
mod json_ld;
pub mod json_schema;
pub mod language_tag;
#[cfg(test)]
mod mutation;
mod ngsi_ld;
mod openacr;
mod pointer;
pub mod scaip;
pub mod unit;
pub mod uri;
mod wot;
mod xml;

pub use pointer::Pointer;

use crate::verdict::Finding;

/// A format that documents are judged by; named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// W3C WoT Thing Description 1.1 (and 1.0).
    WotTd,
    /// W3C WoT Thing Model 1.1.
    WotTm,
    /// NGSI-LD, ETSI GS CIM 009.
    NgsiLd,
    /// JSON-LD 1.1.
    JsonLd,
    /// OpenACR 0.1.0 accessibility conformance report.
    OpenAcr,
    /// JSON, by a JSON Schema where one is at hand.
    Json,
    /// SCAIP messages of social alarms.
    Scaip,
    /// CSV, with a table schema where one is at hand.
    Csv,
    /// Human Services Data Specification 3.0, JSON.
    Hsds,
    /// iCalendar, RFC 5545.
    ICal,
    /// XML as such.
    Xml,
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "wot-td" => Ok(Self::WotTd),
            "wot-tm" => Ok(Self::WotTm),
            "scaip" => Ok(Self::Scaip),
            "csv" => Ok(Self::Csv),
            "ngsi-ld" => Ok(Self::NgsiLd),
            "json-ld" => Ok(Self::JsonLd),
            "openacr" => Ok(Self::OpenAcr),
            "json" => Ok(Self::Json),
            "hsds" => Ok(Self::Hsds),
            "ical" => Ok(Self::ICal),
            "xml" => Ok(Self::Xml),
            _ => Err(format!("no format is called `{name}`")),
        }
    }
}

/// What the user supplied besides the document.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Context {
    /// JSON-LD contexts by their IRI.
    pub contexts: std::collections::BTreeMap<String, serde_json::Value>,
    /// What a JSON document must be like.
    pub schema: Option<json_schema::JsonSchema>,
    /// What a CSV table must be like.
    pub table_schema: Option<csv::TableSchema>,
    /// How a CSV text is written, if not as RFC 4180 says.
    pub dialect: csv::Dialect,
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
        Format::NgsiLd => ngsi_ld::judge(name, bytes, &context.contexts),
        Format::JsonLd => json_ld::judge(name, bytes, &context.contexts),
        Format::Hsds => hsds::judge(name, bytes),
        Format::ICal => ical::judge(bytes),
        Format::Xml => xml::judge(bytes),
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
