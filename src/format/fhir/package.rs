//! FHIR packages: where definitions come from.
//!
//! A package is an NPM-style `.tgz` with `package/package.json`, the same unpacked in a folder (as
//! the FHIR package cache `~/.fhir/packages/<id>#<version>/package` keeps it), or an ordinary npm
//! folder that carries Bundles of definitions. Archives are read in memory and nothing of them is
//! ever written to disk; names, links, counts and sizes are guarded all the same, because an archive
//! that tries such things is not one to take definitions from.
//!
//! Only StructureDefinition, ValueSet and CodeSystem are kept, stripped of their prose.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::definitions::Release;

/// Largest single file that is read from a package.
const MAX_FILE_BYTES: u64 = 128 << 20;
/// Most bytes that are read from one package after decompression.
const MAX_TOTAL_BYTES: u64 = 2 << 30;
/// Most files of one package. The largest published one has about 10,000.
const MAX_FILES: usize = 60_000;
/// Deepest folder below a package's root that is looked into.
const MAX_FOLDER_DEPTH: usize = 8;

/// Why definitions could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The package holds something that no sound package holds.
    #[error("{path} is refused: {reason}")]
    Refused {
        /// The package.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No package in the set defines the base resources.
    #[error("no package here defines the FHIR base types; load a core package such as hl7.fhir.r4.core")]
    NoCore,
    /// Two packages define the base resources of different FHIR versions.
    #[error("two FHIR versions in one set of packages: {0} and {1}")]
    TwoVersions(String, String),
}

impl PackageError {
    fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }
    fn refused(path: &Path, reason: impl Into<String>) -> Self {
        Self::Refused { path: path.display().to_string(), reason: reason.into() }
    }
}

/// A place to take a package from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageSource {
    /// A gzipped tar archive, or a Bundle of definitions in JSON.
    Archive(PathBuf),
    /// An unpacked package.
    Folder(PathBuf),
}

impl PackageSource {
    /// A folder when the path is one, else an archive.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path.is_dir() { Self::Folder(path) } else { Self::Archive(path) }
    }

    /// The package `id#version` in a FHIR package cache (usually `~/.fhir/packages`), if it is there.
    pub fn in_package_cache(cache: &Path, id: &str, version: &str) -> Option<Self> {
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@+".contains(&b)) && !s.starts_with('.');
        if !plain(id) || !plain(version) {
            return None;
        }
        let folder = cache.join(format!("{id}#{version}"));
        folder.is_dir().then_some(Self::Folder(folder))
    }

    /// What the package says about itself; reads it whole, so that a damaged one is found out.
    ///
    /// # Errors
    /// The package cannot be read or is refused.
    pub fn info(&self) -> Result<PackageInfo, PackageError> {
        Shelf::load(self, None).map(|shelf| shelf.info)
    }

    /// What the package is and holds, by its index where that is kept in a cache folder.
    ///
    /// # Errors
    /// The package cannot be read or is refused.
    pub fn summary(&self, cache: Option<&Path>) -> Result<PackageSummary, PackageError> {
        Shelf::load(self, cache).map(|shelf| {
            let core = shelf.listed.iter().find(|l| l.kind == Kind::Structure && l.of == "Element" && !l.constraint);
            let core = core.map(|l| if l.fhir.is_empty() { l.version.clone() } else { l.fhir.clone() });
            PackageSummary { info: shelf.info, core, definitions: shelf.listed.len() }
        })
    }

    /// The path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Archive(path) | Self::Folder(path) => path,
        }
    }
}

/// What a package says about itself in its `package.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageInfo {
    /// The package's name, such as `hl7.fhir.uv.ips`.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The base of the canonical addresses it owns.
    #[serde(default)]
    pub canonical: String,
    /// The FHIR versions it is for.
    #[serde(default, rename = "fhirVersions")]
    pub fhir_versions: Vec<String>,
    /// The packages it needs and the versions it was built with.
    #[serde(default)]
    pub dependencies: std::collections::BTreeMap<String, String>,
}

/// Which package a set of definitions is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageIdentity {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
    /// SHA-256 of its definitions in the order of their addresses, 64 hexadecimal digits: the same for an
    /// archive and for the folder that it was unpacked into.
    pub sha256: String,
}

/// What a package is and holds, without its definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSummary {
    /// What it says about itself.
    pub info: PackageInfo,
    /// The FHIR version whose base types it defines, if it does.
    pub core: Option<String>,
    /// How many definitions it holds.
    pub definitions: usize,
}

impl PackageSummary {
    /// The releases it is for: those it names, else that of its base types.
    pub fn releases(&self) -> Vec<Release> {
        let mut out: Vec<Release> = self.info.fhir_versions.iter().chain(&self.core).map(|v| Release::of(v)).collect();
        out.sort();
        out.dedup();
        out
    }
}

/// The kinds of definition that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    #[serde(rename = "s")]
    Structure,
    #[serde(rename = "v")]
    ValueSet,
    #[serde(rename = "c")]
    CodeSystem,
}

/// One definition as it stands in the index: enough to find it without reading it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) kind: Kind,
    pub(super) url: String,
    #[serde(default)]
    pub(super) version: String,
    /// Of a StructureDefinition, the type it is about.
    #[serde(default, rename = "type")]
    pub(super) of: String,
    /// Of a StructureDefinition, whether it constrains another one.
    #[serde(default)]
    pub(super) constraint: bool,
    /// Of a StructureDefinition, the FHIR version it was written for.
    #[serde(default)]
    pub(super) fhir: String,
    /// Place of its JSON among the stripped texts.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// One package's definitions: the index and the stripped texts.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) info: PackageInfo,
    pub(super) listed: Vec<Listed>,
    pub(super) texts: Vec<u8>,
    texts_start: usize,
}

/// The first bytes of a cache file: our name and the version of its layout. Counted up whenever the
/// stripped form or the index changes.
const MAGIC: &[u8; 8] = b"PBFHIR04";

#[derive(Serialize, Deserialize)]
struct Header {
    info: PackageInfo,
    listed: Vec<Listed>,
}

impl Shelf {
    /// Reads a package, from the cache when it is there and whole.
    pub(super) fn load(source: &PackageSource, cache: Option<&Path>) -> Result<Self, PackageError> {
        let path = source.path();
        let archive = match source {
            PackageSource::Archive(path) => Some(read_file(path, MAX_FILE_BYTES)?),
            PackageSource::Folder(_) => None,
        };
        let mut files = Vec::new();
        let key = match &archive {
            Some(bytes) => hex(&Sha256::digest(bytes)),
            None => {
                list_folder(path, path, 0, &mut files)?;
                fingerprint(&files)
            }
        };
        let cached = cache.map(|folder| folder.join(format!("fhir-{}-{key}.index", String::from_utf8_lossy(MAGIC))));
        if let Some(shelf) = cached.as_deref().and_then(Self::from_cache) {
            return Ok(shelf);
        }
        let mut builder = Builder::default();
        match &archive {
            // A Bundle of definitions stands for a package of its own.
            Some(bytes) if bytes.trim_ascii_start().first() == Some(&b'{') => builder.take("definitions.json", bytes),
            Some(bytes) => read_archive(path, bytes, &mut builder)?,
            None => {
                let mut total = 0u64;
                for file in &files {
                    total = total.saturating_add(file.size);
                    if total > MAX_TOTAL_BYTES {
                        return Err(PackageError::refused(path, "it is larger than any package of definitions"));
                    }
                    builder.take(&file.name, &read_file(&file.path, MAX_FILE_BYTES)?);
                }
            }
        }
        let shelf = builder.finish();
        if let Some(file) = cached {
            // A cache that cannot be written costs time at the next start and nothing else.
            drop(shelf.to_cache(&file));
        }
        Ok(shelf)
    }

    /// Reads a package out of definitions that are at hand already.
    pub(super) fn from_values(info: PackageInfo, values: impl IntoIterator<Item = Value>) -> Self {
        let mut builder = Builder { info, ..Builder::default() };
        for value in values {
            builder.add(value);
        }
        builder.finish()
    }

    /// Which package this is.
    pub(super) fn identity(&self) -> PackageIdentity {
        let mut order: Vec<&Listed> = self.listed.iter().collect();
        // The text as well: one address may be defined twice.
        order.sort_by_cached_key(|l| (l.kind as u8, l.url.clone(), l.version.clone(), self.text(l)));
        let mut hash = Sha256::new();
        for listed in order {
            let text = self.text(listed);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        PackageIdentity { name: self.info.name.clone(), version: self.info.version.clone(), sha256 }
    }

    /// The stripped JSON of a definition.
    pub(super) fn text(&self, listed: &Listed) -> &[u8] {
        self.texts.get(self.texts_start + listed.start..self.texts_start + listed.end).unwrap_or_default()
    }

    fn from_cache(file: &Path) -> Option<Self> {
        let texts = std::fs::read(file).ok()?;
        let number = |at: usize| Some(u32::from_le_bytes(texts.get(at..at + 4)?.try_into().ok()?));
        if texts.get(..8)? != MAGIC {
            return None;
        }
        let (sum, header) = (number(8)?, usize::try_from(number(12)?).ok()?);
        let mut crc = flate2::Crc::new();
        crc.update(texts.get(12..)?);
        if crc.sum() != sum {
            return None;
        }
        let Header { info, listed } = serde_json::from_slice(texts.get(16..16 + header)?).ok()?;
        Some(Self { info, listed, texts_start: 16 + header, texts })
    }

    fn to_cache(&self, file: &Path) -> std::io::Result<()> {
        let header = serde_json::to_vec(&Header { info: self.info.clone(), listed: self.listed.clone() })?;
        let texts = self.texts.get(self.texts_start..).unwrap_or_default();
        let mut body = Vec::with_capacity(header.len() + texts.len() + 4);
        body.extend(u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(header);
        body.extend(texts);
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Written beside and moved, so that a second run never sees half a file.
        let beside = file.with_extension(format!("{}.part", std::process::id()));
        let mut whole = MAGIC.to_vec();
        whole.extend(crc.sum().to_le_bytes());
        whole.extend(body);
        std::fs::write(&beside, whole)?;
        std::fs::rename(&beside, file)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, PackageError> {
    let file = std::fs::File::open(path).map_err(|e| PackageError::io(path, e))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| PackageError::io(path, e))?;
    if bytes.len() as u64 > limit {
        return Err(PackageError::refused(path, format!("it is larger than {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

struct FileOnDisk {
    name: String,
    path: PathBuf,
    size: u64,
    changed: u128,
}

/// Folders of a package that hold no definitions to go by.
fn is_aside(folder: &str) -> bool {
    matches!(folder, "example" | "examples" | "testing" | "tests" | "openapi" | "xml" | "rdf" | "node_modules" | "other")
        || folder.starts_with('.')
}

fn list_folder(root: &Path, folder: &Path, depth: usize, files: &mut Vec<FileOnDisk>) -> Result<(), PackageError> {
    if depth > MAX_FOLDER_DEPTH {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(|e| PackageError::io(folder, e))? {
        let entry = entry.map_err(|e| PackageError::io(folder, e))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // `DirEntry::metadata` does not follow links, and links are passed over.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            if !is_aside(&name) {
                list_folder(root, &path, depth + 1, files)?;
            }
        } else if meta.is_file() && is_wanted(&name) {
            let changed = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(FileOnDisk { name, path, size: meta.len(), changed });
            if files.len() > MAX_FILES {
                return Err(PackageError::refused(root, format!("it has more than {MAX_FILES} files")));
            }
        }
    }
    if depth == 0 {
        files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(())
}

/// What a folder looks like without reading it: names, sizes and times of change.
fn fingerprint(files: &[FileOnDisk]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.name.as_bytes());
        hash.update([0]);
        hash.update(file.size.to_le_bytes());
        hash.update(file.changed.to_le_bytes());
    }
    hex(&hash.finalize())
}

/// Whether a file may hold definitions. Published packages name a file after the resource in it, so
/// most others need not be read.
fn is_wanted(name: &str) -> bool {
    if !name.ends_with(".json") || name.starts_with('.') || name.ends_with(".schema.json") {
        return false;
    }
    match name.split_once('-') {
        Some((kind, _)) if kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic()) => {
            matches!(kind, "StructureDefinition" | "ValueSet" | "CodeSystem" | "Bundle")
        }
        _ => true,
    }
}

fn read_archive(path: &Path, bytes: &[u8], builder: &mut Builder) -> Result<(), PackageError> {
    let unpacked = flate2::read::GzDecoder::new(bytes).take(MAX_TOTAL_BYTES);
    let mut archive = tar::Archive::new(unpacked);
    let (mut count, mut total) = (0usize, 0u64);
    for entry in archive.entries().map_err(|e| PackageError::io(path, e))? {
        let entry = entry.map_err(|e| PackageError::io(path, e))?;
        count += 1;
        if count > MAX_FILES {
            return Err(PackageError::refused(path, format!("it has more than {MAX_FILES} files")));
        }
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            return Err(PackageError::refused(path, "it holds a link"));
        }
        let name = entry.path().map_err(|e| PackageError::io(path, e))?.into_owned();
        if !name.components().all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir)) {
            return Err(PackageError::refused(path, "it holds a name that points out of it"));
        }
        let size = entry.size();
        total = total.saturating_add(size);
        if size > MAX_FILE_BYTES || total > MAX_TOTAL_BYTES {
            return Err(PackageError::refused(path, "it is larger than any package of definitions"));
        }
        let aside = name.parent().is_some_and(|p| p.iter().any(|part| is_aside(&part.to_string_lossy())));
        let wanted = name.file_name().is_some_and(|n| is_wanted(&n.to_string_lossy()));
        if !kind.is_file() || aside || !wanted {
            continue;
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        entry.take(MAX_FILE_BYTES).read_to_end(&mut content).map_err(|e| PackageError::io(path, e))?;
        builder.take(&name.to_string_lossy(), &content);
    }
    Ok(())
}

#[derive(Default)]
struct Builder {
    info: PackageInfo,
    listed: Vec<Listed>,
    texts: Vec<u8>,
}

impl Builder {
    /// Takes one file. What is not JSON or no definition is passed over: a package may carry
    /// anything.
    fn take(&mut self, name: &str, bytes: &[u8]) {
        if name == "package.json" || name.ends_with("/package.json") {
            // The outermost one counts.
            if self.info.name.is_empty() {
                self.info = serde_json::from_slice(bytes).unwrap_or_default();
            }
            return;
        }
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        drop(File(self).deserialize(&mut reader));
    }

    fn add(&mut self, value: Value) {
        let Value::Object(resource) = value else { return };
        let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, stripped) = match resource.get("resourceType").and_then(Value::as_str) {
            Some("StructureDefinition") => (Kind::Structure, strip_structure(&resource)),
            Some("ValueSet") => (Kind::ValueSet, keep(&resource, &["url", "version", "compose", "expansion", "status"])),
            Some("CodeSystem") => (Kind::CodeSystem, strip_code_system(&resource)),
            _ => return,
        };
        let url = text("url");
        if url.is_empty() {
            return;
        }
        let start = self.texts.len();
        if serde_json::to_writer(&mut self.texts, &Value::Object(stripped)).is_err() {
            self.texts.truncate(start);
            return;
        }
        let constraint = text("derivation") == "constraint";
        let (of, fhir) = if kind == Kind::Structure { (text("type"), text("fhirVersion")) } else { Default::default() };
        self.listed.push(Listed { kind, url, version: text("version"), of, constraint, fhir, start, end: self.texts.len() });
    }

    fn finish(self) -> Shelf {
        Shelf { info: self.info, listed: self.listed, texts: self.texts, texts_start: 0 }
    }
}

/// One file: a definition, or a Bundle whose entries are taken one at a time, so that a file of
/// 35 MB never stands in memory as a whole tree.
struct File<'a>(&'a mut Builder);

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a resource")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut resource = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if key == "entry" && resource.get("resourceType").is_none_or(|t| t == "Bundle") {
                members.next_value_seed(Entries(self.0))?;
            } else {
                resource.insert(key, members.next_value()?);
            }
        }
        self.0.add(Value::Object(resource));
        Ok(())
    }
}

struct Entries<'a>(&'a mut Builder);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("entries of a Bundle")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(default)]
            resource: Value,
        }
        while let Some(entry) = entries.next_element::<Entry>()? {
            self.0.add(entry.resource);
        }
        while entries.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

fn keep(from: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    keys.iter().filter_map(|key| from.get(*key).map(|value| ((*key).to_owned(), value.clone()))).collect()
}

fn strip_structure(resource: &Map<String, Value>) -> Map<String, Value> {
    let mut out = keep(
        resource,
        &["url", "version", "type", "kind", "derivation", "abstract", "baseDefinition", "context", "contextInvariant", "fhirVersion"],
    );
    for view in ["snapshot", "differential"] {
        // The differential is needed only where a snapshot has to be made from it.
        if view == "differential" && out.contains_key("snapshot") {
            break;
        }
        let Some(elements) = resource.get(view).and_then(|v| v.get("element")).and_then(Value::as_array) else { continue };
        let elements: Vec<Value> = elements.iter().filter_map(Value::as_object).map(|e| Value::Object(strip_element(e))).collect();
        out.insert(view.to_owned(), Value::Array(elements));
    }
    out
}

fn strip_element(element: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in element {
        let kept = match key.as_str() {
            "id" | "path" | "sliceName" | "slicing" | "min" | "max" | "contentReference" | "maxLength" | "isModifier" => value.clone(),
            "base" => value.get("max").cloned().unwrap_or(Value::Null),
            "binding" => match value.as_object() {
                Some(binding) => {
                    let mut kept = keep(binding, &["strength", "valueSet"]);
                    let extensions = binding.get("extension").and_then(Value::as_array);
                    let widest = extensions.into_iter().flatten().find(|e| {
                        e.get("url").and_then(Value::as_str)
                            == Some("http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet")
                    });
                    if let Some(widest) = widest.and_then(|e| e.get("valueCanonical").or(e.get("valueUri"))) {
                        kept.insert("maxValueSet".to_owned(), widest.clone());
                    }
                    Value::Object(kept)
                }
                None => continue,
            },
            "type" => {
                let types = value.as_array().into_iter().flatten().filter_map(Value::as_object);
                Value::Array(types.map(|t| Value::Object(keep(t, &["code", "profile", "targetProfile", "extension"]))).collect())
            }
            "constraint" => {
                let rules = value.as_array().into_iter().flatten().filter_map(Value::as_object);
                Value::Array(rules.map(|r| Value::Object(keep(r, &["key", "severity", "human", "expression"]))).collect())
            }
            _ if ["fixed", "pattern", "minValue", "maxValue"].iter().any(|p| key.starts_with(p)) => value.clone(),
            _ => continue,
        };
        out.insert(key.clone(), kept);
    }
    out
}

fn strip_code_system(resource: &Map<String, Value>) -> Map<String, Value> {
    let mut out = keep(resource, &["url", "version", "content", "caseSensitive", "supplements"]);
    if let Some(concepts) = resource.get("concept") {
        out.insert("concept".to_owned(), strip_concepts(concepts));
    }
    out
}

fn strip_concepts(concepts: &Value) -> Value {
    let concepts = concepts.as_array().into_iter().flatten().filter_map(Value::as_object);
    Value::Array(
        concepts
            .map(|concept| {
                let mut kept = keep(concept, &["code", "display"]);
                if let Some(inner) = concept.get("concept") {
                    kept.insert("concept".to_owned(), strip_concepts(inner));
                }
                let properties = concept.get("property").and_then(Value::as_array).into_iter().flatten();
                let properties: Vec<Value> = properties
                    .filter_map(|p| {
                        let value = p.as_object()?.iter().find(|(k, _)| k.starts_with("value"))?.1;
                        Some(Value::Array(vec![p.get("code")?.clone(), value.get("code").unwrap_or(value).clone()]))
                    })
                    .collect();
                if !properties.is_empty() {
                    kept.insert("property".to_owned(), Value::Array(properties));
                }
                Value::Object(kept)
            })
            .collect(),
    )
}
