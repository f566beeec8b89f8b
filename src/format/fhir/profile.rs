//! A StructureDefinition's snapshot as a tree that can be walked.
//!
//! The list of elements becomes nodes with children, slices and the JSON keys that lead to them, so
//! that a walk does one search per key and no string building.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::fhirpath::Compiled;

/// Where base definitions live.
pub(super) const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A StructureDefinition, ready to be walked.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) url: Box<str>,
    pub(super) version: Box<str>,
    /// The type it is about, such as `Patient`.
    pub(super) of: Box<str>,
    pub(super) kind: Box<str>,
    /// Whether it constrains another definition instead of defining a type.
    pub(super) constraint: bool,
    pub(super) is_abstract: bool,
    pub(super) base: Box<str>,
    /// Of an extension: where it may stand, as kind and expression.
    pub(super) contexts: Vec<(Box<str>, Box<str>)>,
    /// Of an extension: what must hold of the element that it stands on.
    pub(super) context_invariants: Vec<Constraint>,
    /// The root first, then in the order of the snapshot.
    pub(super) elements: Vec<Element>,
    /// Whether there was no snapshot and none could be made.
    pub(super) hollow: bool,
}

/// One ElementDefinition.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) path: Box<str>,
    /// Last segment of the path, without `[x]`.
    pub(super) name: Box<str>,
    pub(super) choice: bool,
    pub(super) slice_name: Option<Box<str>>,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    /// Whether it is a JSON array: may repeat in the base definition.
    pub(super) array: bool,
    pub(super) types: Vec<TypeRef>,
    /// Child elements without slices.
    pub(super) children: Vec<u32>,
    /// JSON keys of the children, sorted, with child and type.
    pub(super) keys: Vec<(Box<str>, u32, u32)>,
    pub(super) slicing: Option<Slicing>,
    pub(super) slices: Vec<u32>,
    pub(super) fixed: Option<Value>,
    pub(super) pattern: Option<Value>,
    pub(super) binding: Option<Binding>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) content: Option<u32>,
    /// A content reference into another definition: its address and the element's path.
    pub(super) foreign_content: Option<(Box<str>, Box<str>)>,
    pub(super) max_length: Option<u64>,
    pub(super) least: Option<Value>,
    pub(super) most: Option<Value>,
    pub(super) modifier: bool,
}

/// A type that an element may have.
#[derive(Debug, Default)]
pub(super) struct TypeRef {
    pub(super) code: Box<str>,
    pub(super) profiles: Vec<Box<str>>,
    pub(super) targets: Vec<Box<str>>,
    /// Whether it is a type of FHIRPath, as ids and the urls of extensions have; each release and each
    /// tool names another FHIR type for those.
    pub(super) system: bool,
    /// Index of the type's own definition, once looked up.
    pub(super) root: OnceLock<Option<u32>>,
}

/// How a list is divided.
#[derive(Debug, Default)]
pub(super) struct Slicing {
    /// Kind and path.
    pub(super) by: Vec<(Discriminator, Box<str>, OnceLock<Option<Compiled>>)>,
    pub(super) ordered: bool,
    pub(super) rules: Rules,
}

/// What tells slices apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discriminator {
    /// By value or pattern.
    Value,
    Exists,
    Type,
    Profile,
    /// One that this engine does not know.
    Other,
}

/// Whether there may be items outside the slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rules {
    #[default]
    Open,
    Closed,
    OpenAtEnd,
}

/// How firmly an element is bound to a value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Required,
    Extensible,
    Weaker,
}

/// A value set that an element's codes come from.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) strength: Strength,
    pub(super) value_set: Box<str>,
    pub(super) widest: Option<Box<str>>,
}

/// A rule in FHIRPath.
#[derive(Debug)]
pub(super) struct Constraint {
    pub(super) key: Box<str>,
    pub(super) error: bool,
    pub(super) human: Box<str>,
    pub(super) expression: Box<str>,
    pub(super) compiled: OnceLock<Option<Compiled>>,
    /// Whether the base type has the same rule, so that a profile need not repeat it.
    pub(super) inherited: OnceLock<bool>,
}

/// A place in a profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'d> {
    pub(super) profile: &'d Profile,
    pub(super) index: u32,
}

/// Stands in for an element that does not exist, so that no lookup can panic.
static NOWHERE: OnceLock<Element> = OnceLock::new();

impl<'d> At<'d> {
    pub(super) fn root(profile: &'d Profile) -> Self {
        Self { profile, index: 0 }
    }
    pub(super) fn element(self) -> &'d Element {
        self.profile.element(self.index)
    }
    pub(super) fn to(self, index: u32) -> Self {
        Self { index, ..self }
    }
    pub(super) fn same(self, other: Self) -> bool {
        std::ptr::eq(self.profile, other.profile) && self.index == other.index
    }
    /// The child with this name (without `[x]`).
    pub(super) fn child(self, name: &str) -> Option<Self> {
        self.element().children.iter().map(|i| self.to(*i)).find(|at| &*at.element().name == name)
    }
    /// The child and type that a JSON key leads to.
    pub(super) fn key(self, key: &str) -> Option<(Self, &'d TypeRef)> {
        let keys = &self.element().keys;
        let found = keys.binary_search_by(|(k, _, _)| (**k).cmp(key)).ok()?;
        let (_, child, of) = keys.get(found)?;
        let at = self.to(*child);
        let none: &'static TypeRef = NO_TYPE.get_or_init(TypeRef::default);
        Some((at, at.element().types.get(*of as usize).unwrap_or(none)))
    }
}

static NO_TYPE: OnceLock<TypeRef> = OnceLock::new();

impl Profile {
    pub(super) fn element(&self, index: u32) -> &Element {
        self.elements.get(index as usize).unwrap_or_else(|| NOWHERE.get_or_init(Element::default))
    }

    /// The first element with this path that is not in a slice.
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        let mut at = 0u32;
        for segment in path.split('.').skip(1) {
            let name = segment.strip_suffix("[x]").unwrap_or(segment);
            at = *self.element(at).children.iter().find(|i| &*self.element(**i).name == name)?;
        }
        Some(at)
    }

    /// Reads a stripped StructureDefinition.
    pub(super) fn read(json: &Map<String, Value>, elements: &[Value]) -> Self {
        let text = |key: &str| -> Box<str> { json.get(key).and_then(Value::as_str).unwrap_or_default().into() };
        let contexts = json.get("context").and_then(Value::as_array).into_iter().flatten();
        let invariants = json.get("contextInvariant").and_then(Value::as_array).into_iter().flatten();
        let mut profile = Self {
            url: text("url"),
            version: text("version"),
            of: text("type"),
            kind: text("kind"),
            constraint: json.get("derivation").and_then(Value::as_str) == Some("constraint"),
            is_abstract: json.get("abstract") == Some(&Value::Bool(true)),
            base: text("baseDefinition"),
            contexts: contexts
                .filter_map(|c| Some((c.get("type")?.as_str()?.into(), c.get("expression").and_then(Value::as_str)?.into())))
                .collect(),
            context_invariants: invariants
                .filter_map(Value::as_str)
                .map(|e| Constraint::new("ext-context", true, "the extension's own condition on where it stands", e))
                .collect(),
            elements: Vec::with_capacity(elements.len()),
            hollow: elements.is_empty(),
        };
        profile.build(elements);
        profile
    }

    fn build(&mut self, elements: &[Value]) {
        // Of each depth, the element that was last seen there: the parent of what is deeper.
        let mut line: Vec<u32> = Vec::new();
        let mut references = Vec::new();
        for json in elements.iter().filter_map(Value::as_object) {
            let path = json.get("path").and_then(Value::as_str).unwrap_or_default();
            let depth = path.split('.').count() - 1;
            let index = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
            let element = Element::read(json, path);
            if let Some(reference) = json.get("contentReference").and_then(Value::as_str) {
                references.push((index, reference.to_owned()));
            }
            line.truncate(depth);
            let parent = line.last().copied();
            line.resize(depth + 1, index);
            if let Some(parent) = parent.filter(|_| depth > 0) {
                self.attach(parent, index, &element);
            }
            self.elements.push(element);
        }
        for (index, reference) in references {
            let (url, id) = reference.split_once('#').unwrap_or(("", &reference));
            let path: String = id.split('.').map(|s| s.split(':').next().unwrap_or(s)).collect::<Vec<_>>().join(".");
            let inside = url.is_empty() || url == &*self.url || url.strip_prefix(CORE) == Some(&self.of);
            let target = self.find(&path).filter(|_| inside);
            if let Some(element) = self.elements.get_mut(index as usize) {
                match target {
                    Some(target) => element.content = Some(target),
                    None => element.foreign_content = Some((url.into(), path.into())),
                }
            }
        }
        for index in 0..self.elements.len() {
            let mut keys = Vec::new();
            let children = self.elements.get(index).map(|e| e.children.clone()).unwrap_or_default();
            for child in children {
                let element = self.element(child);
                if element.choice {
                    for (n, of) in element.types.iter().enumerate() {
                        let mut letters = of.code.chars();
                        let first = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
                        keys.push((format!("{}{first}{}", element.name, letters.as_str()).into(), child, u32::try_from(n).unwrap_or(0)));
                    }
                } else {
                    keys.push((element.name.clone(), child, 0));
                }
            }
            keys.sort();
            if let Some(element) = self.elements.get_mut(index) {
                element.keys = keys;
            }
        }
    }

    /// Hangs an element below its parent: as a child, as a slice of one, or as a slice of a slice.
    fn attach(&mut self, parent: u32, index: u32, element: &Element) {
        let siblings = &self.element(parent).children;
        let named = siblings.iter().copied().find(|i| self.element(*i).name == element.name);
        // A choice narrowed by its key (`valueQuantity` where the base has `value[x]`).
        let narrowed = || {
            siblings.iter().copied().find(|i| {
                let base = self.element(*i);
                base.choice
                    && element
                        .name
                        .strip_prefix(&*base.name)
                        .is_some_and(|rest| base.types.iter().any(|t| t.code.eq_ignore_ascii_case(rest)))
            })
        };
        let host = named.or_else(narrowed);
        let host = match (host, element.slice_name.as_deref().and_then(|n| n.rsplit_once('/'))) {
            (Some(host), Some((outer, _))) => {
                let inner = self.element(host).slices.iter().copied().find(|i| self.element(*i).slice_name.as_deref() == Some(outer));
                Some(inner.unwrap_or(host))
            }
            (host, _) => host,
        };
        match host {
            Some(host) => {
                if let Some(host) = self.elements.get_mut(host as usize) {
                    host.slices.push(index);
                }
            }
            None => {
                if let Some(parent) = self.elements.get_mut(parent as usize) {
                    parent.children.push(index);
                }
            }
        }
    }
}

impl Element {
    fn read(json: &Map<String, Value>, path: &str) -> Self {
        let last = path.rsplit('.').next().unwrap_or(path);
        let name = last.strip_suffix("[x]").unwrap_or(last);
        let max = json.get("max").and_then(Value::as_str).unwrap_or("*");
        let base = json.get("base").and_then(Value::as_str).unwrap_or(max);
        let starting = |prefix: &str| json.iter().find(|(k, _)| k.starts_with(prefix)).map(|(_, v)| v.clone());
        let constraints = json.get("constraint").and_then(Value::as_array).into_iter().flatten();
        Self {
            path: path.into(),
            name: name.into(),
            choice: last.ends_with("[x]"),
            slice_name: json.get("sliceName").and_then(Value::as_str).map(Into::into),
            min: json.get("min").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            max: max.parse().ok(),
            array: base != "1" && base != "0",
            types: json.get("type").and_then(Value::as_array).into_iter().flatten().map(TypeRef::read).collect(),
            slicing: json.get("slicing").map(Slicing::read),
            fixed: starting("fixed"),
            pattern: starting("pattern"),
            binding: json.get("binding").and_then(Binding::read),
            constraints: constraints.filter_map(Constraint::read).collect(),
            max_length: json.get("maxLength").and_then(Value::as_u64),
            least: starting("minValue"),
            most: starting("maxValue"),
            modifier: json.get("isModifier") == Some(&Value::Bool(true)),
            ..Self::default()
        }
    }

    /// Whether a profile says nothing here beyond the type: no need to look at the data.
    pub(super) fn is_silent(&self) -> bool {
        self.min == 0
            && self.max.is_none()
            && self.children.is_empty()
            && self.slices.is_empty()
            && self.fixed.is_none()
            && self.pattern.is_none()
            && self.binding.is_none()
            && self.max_length.is_none()
            && self.least.is_none()
            && self.most.is_none()
            && self.types.len() == 1
            && self.types.iter().all(|t| t.profiles.is_empty() && t.targets.is_empty())
            && self.constraints.iter().all(|c| matches!(&*c.key, "ele-1" | "ext-1"))
    }

    /// Whether the element is more than a name: has children of its own in this snapshot.
    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}

impl TypeRef {
    fn read(json: &Value) -> Self {
        let list = |key: &str| -> Vec<Box<str>> {
            json.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
        };
        let code = json.get("code").and_then(Value::as_str).unwrap_or_default();
        let code = match code.strip_prefix("http://hl7.org/fhirpath/System.") {
            // Ids, urls of extensions and the values of primitives: an extension names the FHIR type.
            Some(system) => {
                let extensions = json.get("extension").and_then(Value::as_array).into_iter().flatten();
                let named = extensions.filter_map(|e| e.get("valueUrl").or(e.get("valueUri"))).find_map(Value::as_str);
                // The ids of elements are any string, whatever a release says; those of resources are
                // judged by their own rule.
                named.filter(|n| *n != "id").map_or_else(|| system.to_ascii_lowercase(), str::to_owned)
            }
            None => code.rsplit('/').next().unwrap_or(code).to_owned(),
        };
        let system = json.get("code").and_then(Value::as_str).is_some_and(|c| c.starts_with("http://hl7.org/fhirpath/"));
        Self { code: code.into(), profiles: list("profile"), targets: list("targetProfile"), system, root: OnceLock::new() }
    }
}

impl Slicing {
    fn read(json: &Value) -> Self {
        let by = json.get("discriminator").and_then(Value::as_array).into_iter().flatten();
        Self {
            by: by
                .map(|d| {
                    let kind = match d.get("type").and_then(Value::as_str).unwrap_or_default() {
                        "value" | "pattern" => Discriminator::Value,
                        "exists" => Discriminator::Exists,
                        "type" => Discriminator::Type,
                        "profile" => Discriminator::Profile,
                        _ => Discriminator::Other,
                    };
                    (kind, d.get("path").and_then(Value::as_str).unwrap_or("$this").into(), OnceLock::new())
                })
                .collect(),
            ordered: json.get("ordered") == Some(&Value::Bool(true)),
            rules: match json.get("rules").and_then(Value::as_str) {
                Some("closed") => Rules::Closed,
                Some("openAtEnd") => Rules::OpenAtEnd,
                _ => Rules::Open,
            },
        }
    }
}

impl Binding {
    fn read(json: &Value) -> Option<Self> {
        let value_set: Box<str> = json.get("valueSet").and_then(Value::as_str)?.into();
        let strength = match json.get("strength").and_then(Value::as_str)? {
            // R4 bound the values of all components of vital signs to the units of vital signs, so that
            // an oxygen flow could not be written; R4B corrected it to extensible.
            "required" if value_set.starts_with("http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0") => Strength::Extensible,
            "required" => Strength::Required,
            "extensible" => Strength::Extensible,
            _ => Strength::Weaker,
        };
        let widest = json.get("maxValueSet").and_then(Value::as_str).map(Into::into);
        Some(Self { strength, value_set, widest })
    }
}

impl Constraint {
    pub(super) fn new(key: &str, error: bool, human: &str, expression: &str) -> Self {
        Self {
            key: key.into(),
            error,
            human: human.into(),
            expression: expression.into(),
            compiled: OnceLock::new(),
            inherited: OnceLock::new(),
        }
    }
    fn read(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        // Rules without an expression are prose: nothing to evaluate.
        let expression = text("expression")?;
        // R4 published que-7 with the type of FHIRPath where that of FHIR was meant.
        let expression =
            &*if text("key") == Some("que-7") { expression.replace("is Boolean", "is boolean") } else { expression.to_owned() };
        Some(Self::new(text("key")?, text("severity") != Some("warning"), text("human").unwrap_or_default(), expression))
    }

    /// The parsed expression; `None` when it is not FHIRPath that this engine reads.
    pub(super) fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| Compiled::parse(&self.expression).ok()).as_ref()
    }
}
