//! Guessing a document's format from its content, with its name as the last hint.

use serde_json::Value;

use super::{Format, csv, hsds, ngsi_ld, openacr, wot};
use crate::document::Source;

/// The format that a document seems to be in. `None` when it cannot be told.
pub fn sniff(name: &str, bytes: &[u8]) -> Option<Format> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = start.trim_ascii_start();
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| file.ends_with(suffix));
    match start.first() {
        _ if file == "security.txt" => Some(Format::SecurityTxt),
        Some(b'<') => Some(markup(start)),
        Some(b'{' | b'[') => match serde_json::from_slice::<Value>(start) {
            Ok(value) => Some(json(&value)),
            // One document a line, or broken: the first line decides.
            Err(_) => match start.split(|b| *b == b'\n').next().map(serde_json::from_slice::<Value>) {
                Some(Ok(value)) => Some(json(&value)),
                _ => Some(Format::Json),
            },
        },
        _ if start.get(..15).is_some_and(|head| head.eq_ignore_ascii_case(b"BEGIN:VCALENDAR")) || ends(&[".ics", ".ical"]) => {
            Some(Format::ICal)
        }
        _ if ends(&[".csv", ".tsv"]) => Some(Format::Csv),
        _ if ends(&[".ttl"]) => Some(Format::Turtle),
        _ if ends(&[".yaml", ".yml"]) => {
            let source = Source::yaml(name, bytes).ok()?;
            if describes_api(source.value()) {
                return Some(Format::ApiDescription);
            }
            openacr::looks_like(source.value()).then_some(Format::OpenAcr)
        }
        _ if ends(&[".json", ".jsonld", ".ndjson", ".jsonl"]) => Some(Format::Json),
        _ if ends(&[".xml"]) => Some(Format::Xml),
        _ => None,
    }
}

/// Whether a document says that it describes an API.
fn describes_api(value: &Value) -> bool {
    ["openapi", "swagger", "asyncapi"].iter().any(|key| value.get(key).is_some_and(|v| v.is_string() || v.is_number()))
}

/// The format of a JSON value.
fn json(value: &Value) -> Format {
    if describes_api(value) {
        return Format::ApiDescription;
    }
    if value.get("resourceType").is_some_and(Value::is_string) {
        return Format::Fhir;
    }
    let has = |name: &str| value.get(name).is_some();
    if value.get("bomFormat").is_some() || has("spdxVersion") {
        return Format::Sbom;
    }
    if value.get("document").is_some_and(|document| document.get("csaf_version").is_some()) {
        return Format::Csaf;
    }
    let context = value.get("@context").and_then(Value::as_str).unwrap_or_default();
    if context.starts_with("https://openvex.dev/ns") {
        return Format::Vex;
    }
    if context.starts_with("https://spdx.org/rdf/3") {
        return Format::Sbom;
    }
    if wot::has_context(value) {
        return if wot::is_model(value) { Format::WotTm } else { Format::WotTd };
    }
    if ngsi_ld::looks_like(value) {
        return Format::NgsiLd;
    }
    if openacr::looks_like(value) {
        return Format::OpenAcr;
    }
    if csv::package::looks_like(value) {
        return Format::DataPackage;
    }
    if hsds::looks_like(value) {
        return Format::Hsds;
    }
    let contexts = |value: &Value| value.get("@context").is_some();
    if contexts(value) || value.as_array().is_some_and(|items| items.iter().any(contexts)) {
        return Format::JsonLd;
    }
    Format::Json
}

fn markup(start: &[u8]) -> Format {
    let text = String::from_utf8_lossy(start.get(..4096).unwrap_or(start));
    let mut rest: &str = &text;
    // Past declarations and comments to the first element.
    while let Some(open) = rest.find('<') {
        let tag = rest.get(open + 1..).unwrap_or_default();
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if tag.starts_with(['?', '!']) {
            rest = tag.split_once('>').map_or("", |(_, after)| after);
        } else {
            let name = tag.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
            let local = name.rsplit(':').next().unwrap_or(name);
            if text.contains("xmlns=\"http://hl7.org/fhir\"") {
                return Format::Fhir;
            }
            return if matches!(local, "mrq" | "mrs" | "scaip") { Format::Scaip } else { Format::Xml };
        }
    }
    Format::Xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_seen_from_the_content() {
        for (name, text, format) in [
            ("a", r#"{"@context": "https://www.w3.org/2022/wot/td/v1.1", "title": "x"}"#, Some(Format::WotTd)),
            ("a", r#"{"@context": ["https://www.w3.org/2022/wot/td/v1.1"], "@type": "tm:ThingModel"}"#, Some(Format::WotTm)),
            ("a", r#"{"id": "urn:ngsi-ld:Bed:1", "type": "Bed", "x": {"type": "Property", "value": 1}}"#, Some(Format::NgsiLd)),
            ("a", r#"{"@context": {"a": "b"}}"#, Some(Format::JsonLd)),
            ("a", r#"{"id": "x", "name": "Meals", "status": "active"}"#, Some(Format::Hsds)),
            ("a", r#"{"total_items": 0, "page_number": 1, "contents": []}"#, Some(Format::Hsds)),
            ("a", r#"{"resources": [{"name": "a", "path": "a.csv"}]}"#, Some(Format::DataPackage)),
            ("a", "  {\"a\": 1}", Some(Format::Json)),
            ("a.ndjson", "{\"@context\": \"https://www.w3.org/2022/wot/td/v1.1\"}\n{}\n", Some(Format::WotTd)),
            ("a", "{broken", Some(Format::Json)),
            ("a", "<?xml version='1.0'?><!-- c --><mrq><ref>1</ref></mrq>", Some(Format::Scaip)),
            ("a", "<a/>", Some(Format::Xml)),
            ("a", "BEGIN:VCALENDAR\r\n", Some(Format::ICal)),
            ("a/b.CSV", "a,b\n", Some(Format::Csv)),
            ("a.yaml", "product: {name: x}\nchapters: {hardware: {}}\n", Some(Format::OpenAcr)),
            ("a", r#"{"resourceType": "Patient"}"#, Some(Format::Fhir)),
            ("a", r#"{"bomFormat": "CycloneDX"}"#, Some(Format::Sbom)),
            ("a", r#"{"document": {"csaf_version": "2.0"}}"#, Some(Format::Csaf)),
            ("a", r#"{"@context": "https://openvex.dev/ns/v0.2.0"}"#, Some(Format::Vex)),
            ("x/security.txt", "Contact: mailto:a@b.example\n", Some(Format::SecurityTxt)),
            ("a.yaml", "a: 1\n", None),
            ("a", "hello", None),
            ("a", "", None),
        ] {
            assert_eq!(sniff(name, text.as_bytes()), format, "{text}");
        }
        assert_eq!(sniff("a", b"\xff\xfe"), None);
    }
}
