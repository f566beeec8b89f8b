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
pub mod date_time;
pub mod fhir;
mod findings;
pub mod header;
pub mod hsds;
mod ical;
mod json;
pub mod language_tag;
#[cfg(test)]
mod mutation;
mod pointer;
pub mod sbom;
pub mod scaip;
pub mod security_txt;
pub mod support_period;
pub mod unit;
pub mod update_manifest;
pub mod uri;
pub mod vex;
pub mod vulnerability;
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
    /// SCAIP messages of social alarms.
    Scaip,
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
pub struct Context {}

/// Judges one document.
pub fn judge(format: Format, name: &str, bytes: &[u8], _context: &Context) -> Vec<Finding> {
    match format {
        Format::WotTd => wot::judge_description(name, bytes),
        Format::WotTm => wot::judge_model(name, bytes),
        Format::Scaip => scaip::judge(bytes),
        Format::Hsds => hsds::judge(name, bytes),
        Format::ICal => ical::judge(bytes),
        Format::Xml => xml::judge(bytes),
    }
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
