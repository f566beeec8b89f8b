//! Following `$ref` within the documents that are at hand, and nowhere else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Spot;
use crate::document::Source;

/// How many references may lead from one to the next; longer chains have no honest use.
const MAX_CHAIN: usize = 64;

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It points into another document, which was not supplied.
    #[error("`{0}` is another document, which was not supplied")]
    NotSupplied(String),
    /// It points to a place that does not exist.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It comes back to itself.
    #[error("`{0}` leads back to itself")]
    Cycle(String),
    /// More than 64 references in a row.
    #[error("`{0}` is more than {MAX_CHAIN} references away")]
    TooFar(String),
    /// The value of `$ref` is not text.
    #[error("the value of `$ref` is not text")]
    NotText,
}

/// The documents of a description by their addresses.
#[derive(Debug, Clone)]
pub(super) struct Documents {
    root: Source,
    supplied: Vec<Source>,
    names: Vec<String>,
}

impl Documents {
    pub(super) fn new(root: Source, supplied: Vec<Source>) -> Self {
        let names = std::iter::once(&root).chain(&supplied).map(|s| absolute("", s.name())).collect();
        Self { root, supplied, names }
    }

    pub(super) fn root(&self) -> &Source {
        &self.root
    }

    /// All documents, the root first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.root).chain(&self.supplied)
    }

    /// How many documents there are.
    pub(super) fn count(&self) -> usize {
        self.supplied.len() + 1
    }

    pub(super) fn value(&self, spot: &Spot) -> Option<&Value> {
        let source = match spot.document {
            0 => &self.root,
            index => self.supplied.get(index - 1)?,
        };
        source.value().pointer(&spot.pointer)
    }

    /// The place a reference written in `document` means, whether or not anything is there.
    pub(super) fn target(&self, document: usize, reference: &str) -> Result<Spot, ReferenceError> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if address.is_empty() {
            document
        } else {
            let base = self.names.get(document).map_or("", String::as_str);
            let wanted = absolute(base, address);
            self.names.iter().position(|n| *n == wanted).ok_or(ReferenceError::NotSupplied(wanted))?
        };
        let pointer = percent_decoded(fragment);
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(ReferenceError::Missing(reference.to_owned()));
        }
        Ok(Spot { document, pointer })
    }

    /// The place and value a reference leads to, through further references.
    pub(super) fn resolve(&self, document: usize, reference: &str) -> Result<(Spot, &Value), ReferenceError> {
        let spot = self.target(document, reference)?;
        if self.value(&spot).is_none() {
            return Err(ReferenceError::Missing(reference.to_owned()));
        }
        self.follow(spot)
    }

    /// The value at a place; when that is a reference, what it leads to.
    pub(super) fn follow(&self, mut spot: Spot) -> Result<(Spot, &Value), ReferenceError> {
        let mut seen = BTreeSet::new();
        loop {
            let value = self.value(&spot).ok_or_else(|| ReferenceError::Missing(format!("#{}", spot.pointer)))?;
            let reference = match value.get("$ref") {
                None => return Ok((spot, value)),
                Some(Value::String(reference)) => reference,
                Some(_) => return Err(ReferenceError::NotText),
            };
            if seen.len() >= MAX_CHAIN {
                return Err(ReferenceError::TooFar(reference.clone()));
            }
            let next = self.target(spot.document, reference)?;
            if self.value(&next).is_none() {
                return Err(ReferenceError::Missing(reference.clone()));
            }
            if !seen.insert(spot) {
                return Err(ReferenceError::Cycle(reference.clone()));
            }
            spot = next;
        }
    }
}

/// An address made absolute; both may be URLs or file paths.
pub(crate) fn absolute(base: &str, address: &str) -> String {
    if let Ok(url) = url::Url::parse(address)
        && url.scheme().len() > 1
    {
        return without_fragment(url);
    }
    if let Ok(url) = url::Url::parse(base)
        && url.scheme().len() > 1
        && let Ok(joined) = url.join(address)
    {
        return without_fragment(joined);
    }
    let folder = if address.starts_with('/') { "" } else { base.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(address.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let lead = if folder.starts_with('/') || address.starts_with('/') { "/" } else { "" };
    format!("{lead}{}", parts.join("/"))
}

fn without_fragment(mut url: url::Url) -> String {
    url.set_fragment(None);
    url.to_string()
}

/// Percent-encoded octets decoded; what is not UTF-8 afterwards is shown as U+FFFD.
pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let decoded = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match decoded {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A JSON Pointer as a URI fragment (RFC 6901, section 6).
pub(crate) fn fragment(pointer: &str) -> String {
    percent_encoded(pointer, |b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
}

/// Text with every octet encoded that `keep` does not keep (RFC 3986, section 2.1).
pub(crate) fn percent_encoded(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_join_as_urls_and_as_paths() {
        assert_eq!(absolute("https://h/a/openapi.json", "../b.yaml#/x"), "https://h/b.yaml");
        assert_eq!(absolute("specs/api/openapi.yaml", "./schemas/../b.yaml"), "specs/api/b.yaml");
        assert_eq!(absolute("/x/openapi.yaml", "b.yaml"), "/x/b.yaml");
        assert_eq!(absolute("openapi.yaml", "file:///etc/passwd"), "file:///etc/passwd");
        assert_eq!(percent_decoded("/paths/~1a%7Bb%7D"), "/paths/~1a{b}");
        assert_eq!(percent_decoded(&fragment("/a b/ü%")), "/a b/ü%");
    }

    #[test]
    fn references_end_in_cycles_and_outside_they_are_refused() {
        let root = Source::json(
            "openapi.json",
            br##"{"a":{"$ref":"#/b"},"b":{"$ref":"#/a"},"c":{"$ref":"file:///etc/passwd"},"d":{"$ref":"http://h/x"},"e":{"$ref":"x.json#/v"},"f":{"$ref":7}}"##,
        )
        .unwrap();
        let other = Source::json("./x.json", br#"{"v":{"k":1}}"#).unwrap();
        let documents = Documents::new(root, vec![other]);
        let follow = |p: &str| documents.follow(Spot::root(p));
        assert!(matches!(follow("/a"), Err(ReferenceError::Cycle(_))));
        assert_eq!(follow("/c"), Err(ReferenceError::NotSupplied("file:///etc/passwd".into())));
        assert_eq!(follow("/d"), Err(ReferenceError::NotSupplied("http://h/x".into())));
        assert_eq!(follow("/f"), Err(ReferenceError::NotText));
        let (spot, value) = follow("/e").unwrap();
        assert_eq!((spot.document, value["k"].as_i64()), (1, Some(1)));
    }
}
