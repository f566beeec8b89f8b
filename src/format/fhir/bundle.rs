//! Bundles: entries found by their address, and the rules that span entries.
//!
//! FHIR R4, Bundle; the rules bdl-1 to bdl-12 are FHIRPath of the definition and evaluated there.

use std::collections::HashMap;

use serde_json::Value;

use super::definitions::Definitions;
use super::fhirpath::Node;
use super::reference::{is_absolute, type_and_id};
use super::validator::{Path, Walk};
use crate::verdict::{Finding, Severity};

/// Where the rules stand.
const CLAUSE: &str = "http://hl7.org/fhir/R4/bundle.html";

/// The resources of a Bundle by their addresses.
pub(super) struct BundleIndex<'a> {
    /// More than one where they are versions of one resource.
    by_url: HashMap<&'a str, Vec<Node<'a>>>,
    by_id: HashMap<(&'a str, &'a str), Node<'a>>,
    /// Of each resource, by its place in memory, the address of its entry.
    url_of: HashMap<usize, &'a str>,
    /// A resource that appears more than once under one type and id.
    ambiguous: std::collections::HashSet<(&'a str, &'a str)>,
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'a> BundleIndex<'a> {
    pub(super) fn of(definitions: &'a Definitions, resource: &'a Value) -> Option<Self> {
        if resource.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
            return None;
        }
        let entries = resource.get("entry").and_then(Value::as_array)?;
        let mut this = Self {
            by_url: HashMap::with_capacity(entries.len()),
            by_id: HashMap::with_capacity(entries.len()),
            url_of: HashMap::with_capacity(entries.len()),
            ambiguous: std::collections::HashSet::new(),
        };
        for entry in entries {
            let Some(inner) = entry.get("resource") else { continue };
            let node = Node::resource(definitions, inner);
            if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
                this.by_url.entry(url).or_default().push(node);
                this.url_of.insert(address(inner), url);
            }
            if let Some(id) = inner.get("id").and_then(Value::as_str)
                && this.by_id.insert((node.of, id), node).is_some()
            {
                this.ambiguous.insert((node.of, id));
            }
        }
        Some(this)
    }

    /// Whether resources have the type and id of a reference, so that it may well be meant for one of them.
    pub(super) fn has_alike(&self, reference: &str) -> bool {
        type_and_id(reference).is_some_and(|key| self.by_id.contains_key(&key))
    }

    /// The entry that a reference in `from` leads to (Bundle, resolving references).
    pub(super) fn find(&self, from: Node<'a>, reference: &str) -> Option<Node<'a>> {
        let bare = reference.split('#').next().unwrap_or(reference);
        let (unversioned, version) = bare.split_once("/_history/").map_or((bare, None), |(url, version)| (url, Some(version)));
        // A reference to a version leads to that version and no other.
        let right = |node: &&Node<'a>| {
            let own = node.value.get("meta").and_then(|m| m.get("versionId")).and_then(Value::as_str);
            version.is_none() || own == version
        };
        if is_absolute(unversioned) {
            return self.by_url.get(unversioned)?.iter().find(right).copied();
        }
        let (of, id) = type_and_id(unversioned)?;
        // A relative reference is relative to the base of the entry that it stands in.
        if let Some(url) = self.url_of.get(&address(from.value))
            && let Some((base, _)) = type_and_id(url).and_then(|(of, id)| url.split_once(&format!("{of}/{id}")))
            && let Some(found) = self.by_url.get(format!("{base}{of}/{id}").as_str())
        {
            return found.iter().find(right).copied();
        }
        // Without such an entry, type and id point at it if only one resource has them.
        let key = (of, id);
        if self.ambiguous.contains(&key) { None } else { self.by_id.get(&key).filter(right).copied() }
    }
}

impl<'a> Walk<'a> {
    /// Judges a Bundle by the rules that no FHIRPath says.
    pub(super) fn bundle_rules(&self, node: Node<'a>, path: &Path<'_>) {
        let kind = node.text("type").unwrap_or_default();
        let entries = node.member("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        self.links(node, path);
        let mut by_url: HashMap<(&str, &str), usize> = HashMap::new();
        let mut by_id: HashMap<(&str, &str), (usize, Option<&str>)> = HashMap::new();
        for (n, entry) in entries.iter().enumerate() {
            let here = path.to("entry", Some(n));
            let full = entry.get("fullUrl").and_then(Value::as_str).filter(|u| !u.is_empty());
            let resource = entry.get("resource").filter(|r| r.is_object());
            let of = resource.and_then(|r| r.get("resourceType")).and_then(Value::as_str).unwrap_or_default();
            let id = resource.and_then(|r| r.get("id")).and_then(Value::as_str);
            if let Some(full) = full {
                self.full_url(full, of, id, &here);
                let version = resource.and_then(|r| r.get("meta")?.get("versionId")?.as_str()).unwrap_or_default();
                if kind != "history"
                    && let Some(first) = by_url.insert((full, version), n)
                {
                    self.error(&here.to("fullUrl", None), |p| {
                        Finding::error("bundle-duplicate", format!("Two entries have the same fullUrl: {first} and {n}"))
                            .at(p)
                            .expected("every fullUrl once")
                            .observed(full)
                            .clause(CLAUSE)
                    });
                }
            }
            if let Some(id) = id.filter(|_| kind != "history") {
                let before = by_id.insert((of, id), (n, full));
                // The same id at two bases is two resources.
                if let Some((first, other)) = before.filter(|(_, other)| other.is_none() || full.is_none()) {
                    let _ = other;
                    self.error(&here.to("resource", None).to("id", None), |p| {
                        Finding::error("bundle-duplicate", format!("Two entries hold {of}/{id}: {first} and {n}"))
                            .at(p)
                            .expected("every resource once")
                            .observed(id)
                            .clause(CLAUSE)
                    });
                }
            }
            self.entry_rules(kind, entry, full, &here);
        }
        match kind {
            "document" => self.document(node, entries, path),
            "message" => self.first_entry(entries, "MessageHeader", "bdl-12", path),
            _ => {}
        }
    }

    fn full_url(&self, full: &str, of: &str, id: Option<&str>, entry: &Path<'_>) {
        let here = entry.to("fullUrl", None);
        if !is_absolute(full) {
            self.error(&here, |p| {
                Finding::error("bundle-full-url", "A fullUrl is absolute")
                    .at(p)
                    .expected("an absolute address or a urn")
                    .observed(full)
                    .clause(CLAUSE)
            });
            return;
        }
        // Where the address is one of a FHIR server, it ends in the resource's type and id.
        let (Some(id), Some((named, end))) = (id, type_and_id(full).filter(|_| !full.starts_with("urn:"))) else { return };
        if self.definitions.has_resource(named) && (end != id || named != of) && !of.is_empty() {
            self.error(&here, |p| {
                Finding::error("bundle-full-url", "The fullUrl disagrees with the resource's type and id")
                    .at(p)
                    .expected(format!("…/{of}/{id}"))
                    .observed(full)
                    .clause(CLAUSE)
            });
        }
    }

    fn links(&self, node: Node<'a>, path: &Path<'_>) {
        let mut seen: Vec<&str> = Vec::new();
        for (n, link) in node.member("link").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let Some(relation) = link.get("relation").and_then(Value::as_str) else { continue };
            // Of a page there is one itself, one next, one before, one first and one last.
            let unique = matches!(relation, "self" | "next" | "previous" | "prev" | "first" | "last");
            if unique && seen.contains(&relation) {
                self.error(&path.to("link", Some(n)), |p| {
                    Finding::error("bundle-link", format!("The Bundle has two links with the relation {relation}"))
                        .at(p)
                        .expected("each relation once")
                        .observed(relation)
                        .clause("http://hl7.org/fhir/R4/http.html#paging")
                });
            }
            if unique && !seen.contains(&relation) {
                seen.push(relation);
            }
        }
    }

    fn entry_rules(&self, kind: &str, entry: &'a Value, full: Option<&str>, path: &Path<'_>) {
        let method = entry.get("request").and_then(|r| r.get("method")).and_then(Value::as_str);
        let url = entry.get("request").and_then(|r| r.get("url")).and_then(Value::as_str);
        let resource = entry.get("resource");
        match kind {
            "searchset" => {
                let outcome = resource.and_then(|r| r.get("resourceType")).and_then(Value::as_str) == Some("OperationOutcome");
                let mode = entry.get("search").and_then(|s| s.get("mode")).and_then(Value::as_str);
                if mode == Some("outcome") && !outcome {
                    self.error(&path.to("search", None).to("mode", None), |p| {
                        Finding::error("bundle-search", "An entry of the mode outcome holds an OperationOutcome").at(p).clause(CLAUSE)
                    });
                }
                let has_id = resource.is_some_and(|r| r.get("id").is_some());
                if resource.is_some() && !outcome && !has_id {
                    self.error(&path.to("resource", None), |p| {
                        Finding::error("bundle-search", "A resource that a search found has an id").at(p).expected("id").clause(CLAUSE)
                    });
                }
            }
            "transaction" | "batch" => {
                let (Some(method), Some(url)) = (method, url) else { return };
                let request = path.to("request", None);
                let of = resource.and_then(|r| r.get("resourceType")).and_then(Value::as_str);
                let first = url.split(['/', '?']).next().unwrap_or_default();
                let here = request.to("url", None);
                let fault = match (method, of) {
                    ("POST" | "PUT", None) => Some("needs a resource"),
                    ("GET" | "DELETE" | "HEAD", Some(_)) => Some("takes no resource"),
                    ("POST", Some(of)) if self.definitions.has_resource(first) && !url.contains('$') && first != of => {
                        Some("names another type than its resource")
                    }
                    ("PUT", Some(of)) if self.definitions.has_resource(first) && first != of => {
                        Some("names another type than its resource")
                    }
                    ("PUT", Some(_)) if !url.contains(['/', '?']) => Some("needs an id or a search"),
                    _ => None,
                };
                if let Some(fault) = fault {
                    self.error(&here, |p| {
                        Finding::error("bundle-request", format!("The {method} {fault}"))
                            .at(p)
                            .observed(url)
                            .clause("http://hl7.org/fhir/R4/http.html#transaction")
                    });
                }
            }
            "document" | "message" if full.is_none() && resource.is_some() => {
                self.add(Severity::Error, path, |p| {
                    Finding::error("bundle-full-url", "Every entry of a document or message has a fullUrl")
                        .at(p)
                        .expected("fullUrl")
                        .clause(CLAUSE)
                });
            }
            _ => {}
        }
    }

    fn first_entry(&self, entries: &'a [Value], wanted: &str, rule: &str, path: &Path<'_>) {
        let first = entries.first().and_then(|e| e.get("resource")?.get("resourceType")?.as_str());
        if first != Some(wanted) {
            self.error(path, |p| {
                Finding::error(rule, format!("The first entry is a {wanted}"))
                    .at(p)
                    .expected(wanted)
                    .observed(first.unwrap_or("nothing"))
                    .clause(CLAUSE)
            });
        }
    }

    /// A document holds everything that its Composition refers to (FHIR R4, Documents, content).
    fn document(&self, node: Node<'a>, entries: &'a [Value], path: &Path<'_>) {
        self.first_entry(entries, "Composition", "bdl-11", path);
        let Some(composition) = entries.first().and_then(|e| e.get("resource")) else { return };
        let root = Node::resource(self.definitions, composition);
        if root.of != "Composition" || self.bundle.is_none() || !std::ptr::eq(node.value, self.top()) {
            return;
        }
        let mut references: Vec<(String, &'a str)> = Vec::new();
        collect(composition, &mut String::new(), &mut references);
        let entry = path.to("entry", Some(0));
        let top = entry.to("resource", None);
        for (below, reference) in references {
            if reference.starts_with('#') || self.resolved(root, reference).is_some() {
                continue;
            }
            // What must be there: the subject, the authors and their like, and the entries of sections.
            let needed = ["subject", "encounter", "author", "attester", "custodian", "event", "section"];
            if !needed.iter().any(|n| below.trim_start_matches('.').starts_with(n)) {
                continue;
            }
            // An entry of that type and id under another base may be what was meant.
            let alike = self.bundle.as_ref().is_some_and(|b| b.has_alike(reference));
            let severity = if alike { Severity::Warning } else { Severity::Error };
            self.add(severity, &top, |p| {
                Finding::new("bundle-document", severity, "The document does not hold what its Composition refers to")
                    .at(format!("{p}{below}"))
                    .expected("an entry with this address")
                    .observed(reference)
                    .clause("http://hl7.org/fhir/R4/documents.html#content")
            });
        }
    }
}

/// The references of a resource with their paths, without those in contained resources.
fn collect<'a>(value: &'a Value, path: &mut String, out: &mut Vec<(String, &'a str)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "contained" && path.is_empty() {
                    continue;
                }
                let length = path.len();
                path.push('.');
                path.push_str(key);
                match value.as_str().filter(|_| key == "reference") {
                    Some(reference) => out.push((path.clone(), reference)),
                    None => collect(value, path, out),
                }
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{n}]"));
                collect(item, path, out);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
