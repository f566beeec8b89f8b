//! The definitions of a set of packages, found by canonical address and read when first needed.
//!
//! Loading reads an index only. A start therefore costs milliseconds, and a run pays for the few
//! dozen definitions that it uses, not for the thousands that there are.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::package::{Kind, Listed, PackageError, PackageIdentity, PackageInfo, PackageSource, Shelf};
use super::profile::{At, CORE, Profile, TypeRef};
use super::snapshot;
use super::terminology::{CodeSystem, ValueSet};

/// A release of FHIR that rules may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 4.0.
    R4,
    /// 4.1 and 4.3.
    R4B,
    /// 5.0 and later.
    R5,
    /// Any other: judged by its definitions, without the rules that are in prose.
    Other,
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::R4 => "R4",
            Self::R4B => "R4B",
            Self::R5 => "R5",
            Self::Other => "another release",
        })
    }
}

impl std::str::FromStr for Release {
    type Err = String;
    /// `R4`, `R4B`, `R5`, or a version such as `4.0.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "R4" | "4.0" => Ok(Self::R4),
            "R4B" | "4.3" => Ok(Self::R4B),
            "R5" | "5.0" => Ok(Self::R5),
            version => {
                let known = Self::of(version);
                if known == Self::Other { Err(format!("no FHIR release is called `{text}`; there are R4, R4B and R5")) } else { Ok(known) }
            }
        }
    }
}

impl Release {
    /// The release of a version such as `4.0.1`.
    pub(super) fn of(version: &str) -> Self {
        let mut parts = version.split('.');
        match (parts.next(), parts.next()) {
            (Some("4"), Some("0")) => Self::R4,
            (Some("4"), Some("1" | "3")) => Self::R4B,
            (Some("4" | "5" | "6"), _) => Self::R5,
            _ => Self::Other,
        }
    }
}

/// Every definition of a set of packages.
#[derive(Debug)]
pub struct Definitions {
    shelves: Vec<Shelf>,
    structures: Vec<Slot<Profile>>,
    value_sets: Vec<Slot<ValueSet>>,
    code_systems: Vec<Slot<CodeSystem>>,
    structures_by_url: HashMap<Box<str>, Vec<u32>>,
    value_sets_by_url: HashMap<Box<str>, Vec<u32>>,
    code_systems_by_url: HashMap<Box<str>, Vec<u32>>,
    by_type: HashMap<Box<str>, u32>,
    version: String,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Slot<T> {
    shelf: usize,
    listed: usize,
    made: OnceLock<Option<Box<T>>>,
}

impl Definitions {
    /// Loads packages. With a cache folder, the index of each is kept there, named by the content it
    /// was made from; one that is damaged or of another layout is made again.
    ///
    /// # Errors
    /// A package cannot be read or is refused, none defines the base types, or two define those of
    /// different FHIR versions.
    pub fn load(sources: &[PackageSource], cache: Option<&Path>) -> Result<Self, PackageError> {
        let shelves = sources.iter().map(|source| Shelf::load(source, cache)).collect::<Result<Vec<_>, _>>()?;
        Self::index(shelves)
    }

    /// Takes definitions that are at hand as JSON: one package made of these resources.
    ///
    /// # Errors
    /// As [`Definitions::load`].
    pub fn from_resources(info: PackageInfo, resources: impl IntoIterator<Item = Value>) -> Result<Self, PackageError> {
        Self::index(vec![Shelf::from_values(info, resources)])
    }

    fn index(shelves: Vec<Shelf>) -> Result<Self, PackageError> {
        let mut this = Self {
            shelves: Vec::new(),
            structures: Vec::new(),
            value_sets: Vec::new(),
            code_systems: Vec::new(),
            structures_by_url: HashMap::new(),
            value_sets_by_url: HashMap::new(),
            code_systems_by_url: HashMap::new(),
            by_type: HashMap::new(),
            version: String::new(),
            notes: Vec::new(),
        };
        for (shelf, package) in shelves.iter().enumerate() {
            for (listed, entry) in package.listed.iter().enumerate() {
                match entry.kind {
                    Kind::Structure => {
                        let index = put(&mut this.structures, &mut this.structures_by_url, shelf, listed, entry);
                        if !entry.constraint && entry.url.strip_prefix(CORE) == Some(&entry.of) {
                            if entry.of == "Element" || entry.of == "Resource" {
                                let version = if entry.fhir.is_empty() { &entry.version } else { &entry.fhir };
                                if !this.version.is_empty() && Release::of(&this.version) != Release::of(version) {
                                    return Err(PackageError::TwoVersions(this.version, version.clone()));
                                }
                                this.version.clone_from(version);
                            }
                            this.by_type.insert(entry.of.as_str().into(), index);
                        }
                    }
                    Kind::ValueSet => {
                        put(&mut this.value_sets, &mut this.value_sets_by_url, shelf, listed, entry);
                    }
                    Kind::CodeSystem => {
                        put(&mut this.code_systems, &mut this.code_systems_by_url, shelf, listed, entry);
                    }
                }
            }
        }
        if this.version.is_empty() {
            return Err(PackageError::NoCore);
        }
        this.shelves = shelves;
        this.tell_versions();
        Ok(this)
    }

    /// Says which dependencies are of another version than the one a package was built with.
    fn tell_versions(&mut self) {
        let mut notes = Vec::new();
        for package in &self.shelves {
            let info = &package.info;
            for (name, wanted) in &info.dependencies {
                let used = self.shelves.iter().find(|s| &s.info.name == name).map(|s| s.info.version.as_str());
                let core = name.starts_with("hl7.fhir.r") && name.ends_with(".core");
                let used = used.or_else(|| core.then_some(self.version.as_str()));
                match used {
                    Some(used) if used == wanted => {}
                    Some(used) => notes.push(format!("{} {} was built with {name} {wanted}; used {used}", info.name, info.version)),
                    None if name.starts_with("hl7.") || name.starts_with("fhir.") || info.canonical.contains("fhir") => {
                        notes.push(format!("{} {} was built with {name} {wanted}, which is not at hand", info.name, info.version));
                    }
                    None => {}
                }
            }
            if !info.fhir_versions.is_empty() && !info.fhir_versions.iter().any(|v| Release::of(v) == self.release()) {
                notes.push(format!(
                    "{} {} is for FHIR {}; used with {}",
                    info.name,
                    info.version,
                    info.fhir_versions.join(", "),
                    self.version
                ));
            }
        }
        self.notes = notes;
    }

    /// The FHIR version of the base types, such as `4.0.1`.
    pub fn fhir_version(&self) -> &str {
        &self.version
    }
    /// The release that the version belongs to.
    pub fn release(&self) -> Release {
        Release::of(&self.version)
    }
    /// The packages, in the order they were given.
    pub fn packages(&self) -> impl Iterator<Item = &PackageInfo> {
        self.shelves.iter().map(|s| &s.info)
    }
    /// Which packages these are, in the order they were given: name, version and the hash of what they
    /// define. Hashes the definitions, so it costs what reading them costs.
    pub fn identities(&self) -> Vec<PackageIdentity> {
        self.shelves.iter().map(Shelf::identity).collect()
    }
    /// What to know about the set: "wanted x, used y".
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
    /// Whether a profile is at hand, by its canonical address.
    pub fn has_profile(&self, canonical: &str) -> bool {
        self.profile(canonical).is_some()
    }
    /// Whether a resource type exists in this FHIR version.
    pub fn has_resource(&self, name: &str) -> bool {
        self.by_type(name).is_some_and(|p| &*p.kind == "resource" && !p.is_abstract)
    }

    fn listed<T>(&self, slot: &Slot<T>) -> Option<(&Shelf, &Listed)> {
        let shelf = self.shelves.get(slot.shelf)?;
        Some((shelf, shelf.listed.get(slot.listed)?))
    }

    fn json<T>(&self, slot: &Slot<T>) -> Option<Map<String, Value>> {
        let (shelf, listed) = self.listed(slot)?;
        serde_json::from_slice(shelf.text(listed)).ok()
    }

    /// Picks among definitions with one address: the wanted version, else that of the package which
    /// owns the address, else the highest.
    fn pick<T>(&self, slots: &[Slot<T>], among: &[u32], wanted: Option<&str>) -> Option<u32> {
        let rank = |index: &u32| -> Option<(bool, usize, Vec<u64>)> {
            let (shelf, listed) = self.listed(slots.get(*index as usize)?)?;
            let owner = &shelf.info.canonical;
            let owns = if !owner.is_empty() && listed.url.starts_with(owner.as_str()) { owner.len() } else { 0 };
            let version = listed.version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0)).collect();
            Some((wanted == Some(listed.version.as_str()), owns, version))
        };
        match among {
            [only] => Some(*only),
            _ => among.iter().copied().max_by_key(|i| rank(i)),
        }
    }

    /// The definition of a canonical address, with or without version.
    pub(super) fn profile(&self, canonical: &str) -> Option<&Profile> {
        let (url, version) = split(canonical);
        let index = self.pick(&self.structures, self.structures_by_url.get(url)?, version)?;
        self.profile_at(index)
    }

    /// The base definition of a type.
    pub(super) fn by_type(&self, name: &str) -> Option<&Profile> {
        self.profile_at(*self.by_type.get(name)?)
    }

    fn profile_at(&self, index: u32) -> Option<&Profile> {
        let slot = self.structures.get(index as usize)?;
        slot.made
            .get_or_init(|| {
                let json = self.json(slot)?;
                let elements = json.get("snapshot").and_then(Value::as_array);
                let profile = match elements {
                    Some(elements) => Profile::read(&json, elements),
                    None => Profile::read(&json, &snapshot::generate(self, &json, 0).unwrap_or_default()),
                };
                Some(Box::new(profile))
            })
            .as_deref()
    }

    /// The elements of a definition's snapshot as JSON; made from the differential where there is none.
    pub(super) fn snapshot(&self, canonical: &str, depth: usize) -> Option<Vec<Value>> {
        let (url, version) = split(canonical);
        let index = self.pick(&self.structures, self.structures_by_url.get(url)?, version)?;
        let mut json = self.json(self.structures.get(index as usize)?)?;
        match json.remove("snapshot") {
            Some(Value::Array(elements)) => Some(elements),
            _ => snapshot::generate(self, &json, depth + 1),
        }
    }

    /// The root of a type's own definition.
    pub(super) fn root_of<'d>(&'d self, of: &'d TypeRef) -> Option<At<'d>> {
        let index = of.root.get_or_init(|| self.by_type.get(&of.code).copied());
        self.profile_at((*index)?).map(At::root)
    }

    /// Where the children of an element with this type are defined: in its own snapshot, in the
    /// element it refers to, or in the type's definition.
    pub(super) fn content<'d>(&'d self, at: At<'d>, of: &'d TypeRef) -> Option<At<'d>> {
        let element = at.element();
        if element.has_children() {
            return Some(at);
        }
        if let Some(index) = element.content {
            return Some(at.to(index));
        }
        if let Some((url, path)) = &element.foreign_content {
            let profile = if url.is_empty() { self.by_type(path.split('.').next()?) } else { self.profile(url) }?;
            return Some(At { profile, index: profile.find(path)? });
        }
        self.root_of(of)
    }

    /// The value set of a canonical address, and whether its version is the one asked for.
    pub(super) fn value_set(&self, canonical: &str) -> Option<(&ValueSet, bool)> {
        let (url, version) = split(canonical);
        if url == "http://www.rfc-editor.org/bcp/bcp13.txt" {
            return Some((MEDIA_TYPES.get_or_init(ValueSet::media_types), true));
        }
        let slot = self.value_sets.get(self.pick(&self.value_sets, self.value_sets_by_url.get(url)?, version)? as usize)?;
        let exact = version.is_none_or(|v| self.listed(slot).is_some_and(|(_, l)| l.version == v));
        let made = slot.made.get_or_init(|| Some(Box::new(ValueSet::read(&self.json(slot)?)))).as_deref()?;
        Some((made, exact))
    }

    /// The code system of a canonical address.
    pub(super) fn code_system(&self, canonical: &str) -> Option<&CodeSystem> {
        let (url, version) = split(canonical);
        let slot = self.code_systems.get(self.pick(&self.code_systems, self.code_systems_by_url.get(url)?, version)? as usize)?;
        slot.made.get_or_init(|| Some(Box::new(CodeSystem::read(&self.json(slot)?)))).as_deref()
    }

    /// Whether `of` is `wanted` or comes from it (`Patient` from `DomainResource`).
    pub(super) fn is_a(&self, of: &str, wanted: &str) -> bool {
        let mut at = of;
        for _ in 0..16 {
            if at == wanted {
                return true;
            }
            match self.by_type(at).and_then(|p| p.base.strip_prefix(CORE)) {
                Some(base) => at = base,
                None => return false,
            }
        }
        false
    }
}

/// Media types by the address that the data type Expression binds them to.
static MEDIA_TYPES: OnceLock<ValueSet> = OnceLock::new();

/// A canonical address without its version and fragment, and the version.
pub(super) fn split(canonical: &str) -> (&str, Option<&str>) {
    let bare = canonical.split('#').next().unwrap_or(canonical);
    match bare.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (bare, None),
    }
}

fn put<T>(slots: &mut Vec<Slot<T>>, by_url: &mut HashMap<Box<str>, Vec<u32>>, shelf: usize, listed: usize, entry: &Listed) -> u32 {
    let index = u32::try_from(slots.len()).unwrap_or(u32::MAX);
    slots.push(Slot { shelf, listed, made: OnceLock::new() });
    by_url.entry(entry.url.as_str().into()).or_default().push(index);
    index
}
