//! Snapshots for profiles that have none: the base's elements with the differential laid over them.
//!
//! FHIR R4, Profiling, "differential and snapshot". Elements are found by their id, which is the path
//! with the names of slices; a path that goes deeper than the base's snapshot is opened up from the
//! element's type.

use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::profile::CORE;

/// Longest chain of profiles without snapshot.
const MAX_DEPTH: usize = 10;
/// Most elements of one snapshot.
const MAX_ELEMENTS: usize = 20_000;

/// Makes a snapshot's elements from a differential and its base. `None` when the base is not at hand.
pub(super) fn generate(definitions: &Definitions, json: &Map<String, Value>, depth: usize) -> Option<Vec<Value>> {
    if depth > MAX_DEPTH || json.get("derivation").and_then(Value::as_str) != Some("constraint") {
        return None;
    }
    let base = definitions.snapshot(json.get("baseDefinition")?.as_str()?, depth)?;
    let mut tree = Tree { definitions, depth, elements: base.into_iter().filter_map(|e| Entry::new(e, "", "")).collect() };
    let differential = json.get("differential").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for element in differential.iter().filter_map(Value::as_object) {
        tree.lay(element);
    }
    Some(tree.elements.into_iter().map(|e| Value::Object(e.json)).collect())
}

struct Entry {
    id: String,
    json: Map<String, Value>,
}

impl Entry {
    /// An element, its id and path moved from one root to another.
    fn new(element: Value, from: &str, to: &str) -> Option<Self> {
        let Value::Object(json) = element else { return None };
        let path = json.get("path")?.as_str()?;
        let id = json.get("id").and_then(Value::as_str).unwrap_or(path);
        let id = if from.is_empty() { id.to_owned() } else { format!("{to}{}", id.strip_prefix(from)?) };
        let mut entry = Self { id, json };
        entry.name();
        Some(entry)
    }
    /// Writes id and path into the element.
    fn name(&mut self) {
        self.json.insert("id".to_owned(), json!(self.id));
        self.json.insert("path".to_owned(), json!(path_of(&self.id)));
    }
}

/// The path of an id: without the names of slices.
fn path_of(id: &str) -> String {
    id.split('.').map(|segment| segment.split(':').next().unwrap_or(segment)).collect::<Vec<_>>().join(".")
}

struct Tree<'d> {
    definitions: &'d Definitions,
    depth: usize,
    elements: Vec<Entry>,
}

impl Tree<'_> {
    fn find(&self, id: &str) -> Option<usize> {
        self.elements.iter().position(|e| e.id == id)
    }

    /// Where the elements below an element end.
    fn end(&self, at: usize) -> usize {
        let Some(id) = self.elements.get(at).map(|e| format!("{}.", e.id)) else { return at };
        let below = self.elements.iter().skip(at + 1).take_while(|e| e.id.starts_with(&id)).count();
        at + 1 + below
    }

    /// Lays one element of the differential over the tree.
    fn lay(&mut self, element: &Map<String, Value>) {
        let Some(path) = element.get("path").and_then(Value::as_str) else { return };
        let id = element.get("id").and_then(Value::as_str).filter(|id| path_of(id).split('.').count() == path.split('.').count());
        let mut wanted = id.unwrap_or(path).to_owned();
        if let (Some(slice), false) =
            (element.get("sliceName").and_then(Value::as_str), wanted.rsplit('.').next().is_some_and(|s| s.contains(':')))
        {
            wanted = format!("{wanted}:{slice}");
        }
        let Some(at) = self.reach(&wanted) else { return };
        let Some(entry) = self.elements.get_mut(at) else { return };
        for (key, value) in element {
            match key.as_str() {
                "id" | "path" | "base" => {}
                "constraint" => {
                    let own = value.as_array().cloned().unwrap_or_default();
                    let held = entry.json.entry("constraint").or_insert_with(|| json!([]));
                    if let Some(held) = held.as_array_mut() {
                        held.extend(own);
                    }
                }
                // A slice may not be looser than the differential says, and no type is added.
                _ => {
                    if key.starts_with("fixed") || key.starts_with("pattern") {
                        entry.json.retain(|k, _| !k.starts_with("fixed") && !k.starts_with("pattern"));
                    }
                    entry.json.insert(key.clone(), value.clone());
                }
            }
        }
    }

    /// The element with this id, made where the tree does not reach so far.
    fn reach(&mut self, id: &str) -> Option<usize> {
        if let Some(at) = self.find(id) {
            return Some(at);
        }
        if self.elements.len() > MAX_ELEMENTS {
            return None;
        }
        let (parent, last) = id.rsplit_once('.')?;
        let parent = self.reach(parent)?;
        let parent_id = self.elements.get(parent)?.id.clone();
        let own = format!("{parent_id}.{last}");
        if let Some(at) = self.find(&own) {
            return Some(at);
        }
        if let Some((name, slice)) = last.split_once(':') {
            // The base of a slice of a slice is that slice.
            let base_id = match slice.rsplit_once('/') {
                Some((outer, _)) => format!("{parent_id}.{name}:{outer}"),
                None => format!("{parent_id}.{name}"),
            };
            let base = self.reach(&base_id)?;
            return self.slice(base, &own, slice);
        }
        if self.end(parent) == parent + 1 {
            self.open(parent)?;
            if let Some(at) = self.find(&own) {
                return Some(at);
            }
        }
        self.narrowed(parent, last)
    }

    /// Puts a new slice behind its base and the slices that are there.
    fn slice(&mut self, base: usize, id: &str, name: &str) -> Option<usize> {
        let base_id = self.elements.get(base)?.id.clone();
        let mut json = self.elements.get(base)?.json.clone();
        let choice = path_of(id).ends_with("[x]");
        json.remove("slicing");
        json.insert("sliceName".to_owned(), json!(name));
        json.insert("min".to_owned(), json!(0));
        let mut at = self.end(base);
        let siblings = format!("{base_id}:");
        while self.elements.get(at).is_some_and(|e| e.id.starts_with(&siblings)) {
            at += 1;
        }
        let mut entry = Entry { id: id.to_owned(), json };
        entry.name();
        if let Some(base) = self.elements.get_mut(base)
            && !base.json.contains_key("slicing")
            && choice
        {
            base.json.insert("slicing".to_owned(), json!({"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}));
        }
        self.elements.insert(at, entry);
        Some(at)
    }

    /// `valueQuantity` where the base has `value[x]`: a slice of the choice by type.
    fn narrowed(&mut self, parent: usize, last: &str) -> Option<usize> {
        let parent_id = self.elements.get(parent)?.id.clone();
        let end = self.end(parent);
        let found = (parent + 1..end).find_map(|n| {
            let entry = self.elements.get(n)?;
            let name = entry.id.strip_prefix(&format!("{parent_id}."))?.strip_suffix("[x]")?;
            let rest = last.strip_prefix(name).filter(|r| r.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('.'))?;
            let types = entry.json.get("type")?.as_array()?;
            let of = types.iter().find(|t| t.get("code").and_then(Value::as_str).is_some_and(|c| c.eq_ignore_ascii_case(rest)))?;
            Some((n, format!("{parent_id}.{name}[x]:{last}"), of.clone()))
        });
        let (base, id, of) = found?;
        if let Some(at) = self.find(&id) {
            return Some(at);
        }
        let at = self.slice(base, &id, last)?;
        self.elements.get_mut(at)?.json.insert("type".to_owned(), json!([of]));
        Some(at)
    }

    /// Opens an element up: its children come from the element it is a slice of, from what it refers
    /// to, or from its type.
    fn open(&mut self, at: usize) -> Option<()> {
        let id = self.elements.get(at)?.id.clone();
        let mut children = Vec::new();
        if let Some((base, _)) = id.rsplit_once(':').filter(|(_, slice)| !slice.contains('.')) {
            let prefix = format!("{base}.");
            let of_base = self.elements.iter().filter(|e| e.id.starts_with(&prefix));
            children = of_base.filter_map(|e| Entry::new(Value::Object(e.json.clone()), base, &id)).collect();
        }
        if children.is_empty() {
            let json = &self.elements.get(at)?.json;
            let (elements, root) = match json.get("contentReference").and_then(Value::as_str) {
                Some(reference) => {
                    let target = reference.rsplit('#').next()?.to_owned();
                    (self.elements.iter().map(|e| Value::Object(e.json.clone())).collect(), target)
                }
                None => {
                    let of = json.get("type")?.get(0)?;
                    let code = of.get("code")?.as_str()?;
                    let profile = of.get("profile").and_then(|p| p.get(0)).and_then(Value::as_str);
                    let from_profile = profile.and_then(|p| self.definitions.snapshot(p, self.depth + 1));
                    (from_profile.or_else(|| self.definitions.snapshot(&format!("{CORE}{code}"), self.depth + 1))?, code.to_owned())
                }
            };
            let prefix = format!("{root}.");
            let below = elements.into_iter().filter(|e| e.get("id").and_then(Value::as_str).is_some_and(|i| i.starts_with(&prefix)));
            children = below.filter_map(|e| Entry::new(e, &root, &id)).collect();
        }
        self.elements.splice(at + 1..at + 1, children);
        Some(())
    }
}
