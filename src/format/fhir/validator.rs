//! The validator: one resource in, findings out.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::bundle::BundleIndex;
use super::definitions::Definitions;
use super::fhirpath::{MAX_STEPS_IN_ALL, Node, Surroundings};
use super::profile::At;
use super::xml::XmlResource;
use crate::document::{ReadError, Source, push_token};
use crate::verdict::{Finding, Severity, Untrusted};

/// What a caller may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether invariants are evaluated.
    pub invariants: bool,
    /// How an extension weighs whose definition is not at hand. Anybody may define one, so the
    /// default is a warning.
    pub unknown_extension: Severity,
    /// The same for one that changes the meaning of what it stands on; the default is open.
    pub unknown_modifier_extension: Severity,
    /// Whether `meta.profile` is honoured.
    pub declared_profiles: bool,
    /// Whether the vital-signs profiles apply to observations with their codes, as FHIR demands.
    pub vital_signs: bool,
    /// Most findings of each severity that are kept.
    pub most_findings: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            invariants: true,
            unknown_extension: Severity::Warning,
            unknown_modifier_extension: Severity::Open,
            declared_profiles: true,
            vital_signs: true,
            most_findings: 500,
        }
    }
}

/// Judges resources by a set of definitions.
#[derive(Debug, Clone)]
pub struct Validator<'d> {
    definitions: &'d Definitions,
    options: Options,
}

impl<'d> Validator<'d> {
    /// A validator over these definitions.
    pub fn new(definitions: &'d Definitions, options: Options) -> Self {
        Self { definitions, options }
    }

    /// The definitions it judges by.
    pub fn definitions(&self) -> &'d Definitions {
        self.definitions
    }

    /// Judges one resource: by its type, by the profiles named here, by those it names itself and by
    /// those that FHIR demands. Findings are in the order of the resource and without a position.
    pub fn validate(&self, resource: &Value, profiles: &[&str]) -> Vec<Finding> {
        let walk = Walk::new(self.definitions, &self.options, resource);
        walk.root(resource, profiles);
        walk.finish()
    }

    /// Judges a document that was read with its places: duplicate keys are found as well, and every
    /// finding has its line and column.
    pub fn validate_source(&self, source: &Source, profiles: &[&str]) -> Vec<Finding> {
        let mut findings = duplicate_keys(source);
        findings.extend(self.validate(source.value(), profiles));
        let pointers: Vec<String> = findings.iter().map(|f| pointer_of(&f.path)).collect();
        let positions = source.positions(pointers.iter().map(String::as_str));
        for (finding, position) in findings.iter_mut().zip(positions) {
            finding.position = finding.position.or(position);
        }
        findings
    }
}

impl Validator<'_> {
    /// Judges a resource in XML. Findings have their line and column.
    ///
    /// # Errors
    /// The text is no well-formed XML, or nested too deep.
    pub fn validate_xml(&self, name: &str, bytes: &[u8], profiles: &[&str]) -> Result<Vec<Finding>, ReadError> {
        let resource = XmlResource::read(self.definitions, name, bytes)?;
        let mut found = self.validate(&resource.value, profiles);
        for finding in &mut found {
            finding.position = resource.position(&finding.path);
        }
        let mut findings = resource.findings;
        findings.extend(found);
        Ok(findings)
    }

    /// Judges a resource in JSON or XML, told apart by its first character.
    ///
    /// # Errors
    /// The text is neither.
    pub fn validate_bytes(&self, name: &str, bytes: &[u8], profiles: &[&str]) -> Result<Vec<Finding>, ReadError> {
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<') {
            return self.validate_xml(name, bytes, profiles);
        }
        Ok(self.validate_source(&Source::json(name, bytes)?, profiles))
    }
}

/// A finding whose own sentences quote the resource: what is quoted is escaped and capped.
pub(super) fn harmless(mut finding: Finding) -> Finding {
    finding.message = Untrusted::new(&finding.message).as_str().to_owned();
    finding.expected = Untrusted::new(&finding.expected).as_str().to_owned();
    finding
}

/// Keys that an object holds twice: JSON leaves open which of the two counts.
pub(super) fn duplicate_keys(source: &Source) -> Vec<Finding> {
    let name = source.value().get("resourceType").and_then(Value::as_str).unwrap_or("$");
    source
        .duplicates()
        .iter()
        .map(|duplicate| {
            let mut path = name.to_owned();
            for token in crate::document::tokens(&duplicate.object) {
                if token.bytes().all(|b| b.is_ascii_digit()) {
                    path.push_str(&format!("[{token}]"));
                } else {
                    path.push_str(&format!(".{token}"));
                }
            }
            Finding::error("duplicate-key", "An object has the same key twice")
                .at(format!("{path}.{}", duplicate.key))
                .expected("every key once")
                .observed(&duplicate.key)
                .clause("RFC 8259, section 4; http://hl7.org/fhir/R4/json.html")
        })
        .collect()
}

/// The JSON Pointer of a finding's path: `Patient.name[0].family` is `/name/0/family`.
pub fn pointer_of(path: &str) -> String {
    let mut pointer = String::new();
    for segment in path.split('.').skip(1) {
        let (name, indexes) = segment.split_once('[').unwrap_or((segment, ""));
        push_token(&mut pointer, name);
        for index in indexes.split('[').filter_map(|i| i.strip_suffix(']')) {
            push_token(&mut pointer, index);
        }
    }
    pointer
}

/// A place in the resource, linked to the one above; written out only for a finding.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    above: Option<&'p Path<'p>>,
    name: &'p str,
    index: Option<usize>,
}

impl<'p> Path<'p> {
    pub(super) fn root(name: &'p str) -> Self {
        Self { above: None, name, index: None }
    }
    pub(super) fn to(&'p self, name: &'p str, index: Option<usize>) -> Self {
        Self { above: Some(self), name, index }
    }
    /// Whether the last segment has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
    /// Whether it stands inside of an extension.
    pub(super) fn in_extension(&self) -> bool {
        self.above.is_some_and(|a| a.name == "extension" || a.name == "modifierExtension")
    }
    /// The keys and indexes from the innermost resource on.
    pub(super) fn steps_below_resource(&self) -> Vec<(&'p str, Option<usize>)> {
        let mut out = vec![(self.name, self.index)];
        let mut at = self.above;
        while let Some(here) = at {
            // The root of the document, a contained resource, or the resource of an entry.
            if here.above.is_none()
                || here.name == "contained"
                || (here.name == "resource" && here.above.is_some_and(|a| a.name == "entry" || a.name == "parameter" || a.name == "part"))
            {
                break;
            }
            out.push((here.name, here.index));
            at = here.above;
        }
        out.reverse();
        out
    }
    /// Of `Bundle.entry[n].resource`, the number.
    pub(super) fn entry(&self) -> Option<usize> {
        let above = self.above.filter(|a| self.name == "resource" && a.name == "entry")?;
        above.index.filter(|_| above.above.is_some_and(|top| top.above.is_none()))
    }
    fn write(&self, out: &mut String) {
        if let Some(above) = self.above {
            above.write(out);
            out.push('.');
        }
        out.push_str(self.name);
        if let Some(index) = self.index {
            out.push_str(&format!("[{index}]"));
        }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// The resource that an element is in.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    /// `%resource`.
    pub(super) resource: Node<'a>,
    /// `%rootResource`: what holds the contained resources.
    pub(super) root: Node<'a>,
    /// Number of the Bundle entry, where there is one.
    pub(super) entry: Option<usize>,
}

/// Validation of one resource.
pub(super) struct Walk<'a> {
    pub(super) definitions: &'a Definitions,
    pub(super) options: &'a Options,
    pub(super) bundle: Option<BundleIndex<'a>>,
    top: &'a Value,
    findings: RefCell<Vec<Finding>>,
    counts: RefCell<[usize; 3]>,
    /// Above zero while conformance to a profile is only tried, not demanded.
    pub(super) trying: Cell<u32>,
    tried_errors: Cell<u32>,
    tried: RefCell<HashMap<(usize, usize), Option<bool>>>,
    /// The ids of elements that were seen, each with its resource's place in memory.
    pub(super) ids: RefCell<HashSet<(usize, &'a str)>>,
    /// Steps spent on rules.
    pub(super) spent: Cell<u64>,
    /// Of each resource, by its place in memory, what it contains by id.
    pub(super) inside: RefCell<HashMap<usize, HashMap<&'a str, &'a Value>>>,
}

/// Deepest chain of profiles that refer to one another on the same data.
const MAX_TRIALS: u32 = 12;

impl<'a> Walk<'a> {
    fn new(definitions: &'a Definitions, options: &'a Options, resource: &'a Value) -> Self {
        Self {
            definitions,
            options,
            bundle: BundleIndex::of(definitions, resource),
            top: resource,
            findings: RefCell::new(Vec::new()),
            counts: RefCell::new([0; 3]),
            trying: Cell::new(0),
            tried_errors: Cell::new(0),
            tried: RefCell::new(HashMap::new()),
            ids: RefCell::new(HashSet::new()),
            spent: Cell::new(0),
            inside: RefCell::new(HashMap::new()),
        }
    }

    fn root(&self, resource: &'a Value, profiles: &[&str]) {
        let name = resource.get("resourceType").and_then(Value::as_str).unwrap_or("$");
        let path = Path::root(name);
        let node = Node::resource(self.definitions, resource);
        if self.resource(node, &path, Within { resource: node, root: node, entry: None }) {
            for profile in profiles {
                self.profile(profile, node, &path, Within { resource: node, root: node, entry: None }, "asked for");
            }
        }
    }

    fn finish(self) -> Vec<Finding> {
        if self.spent.get() > MAX_STEPS_IN_ALL {
            self.add(Severity::Open, &Path::root("$"), |p| {
                Finding::open("rules-limit", "The rules of so large a resource were not all evaluated; this is a limit of this program")
                    .at(p)
            });
        }
        let mut findings = self.findings.into_inner();
        let mut seen = HashSet::new();
        findings.retain(|f| seen.insert((f.rule.clone(), f.path.clone(), f.expected.clone(), f.observed.clone())));
        findings
    }

    /// The resource that was handed in.
    pub(super) fn top(&self) -> &'a Value {
        self.top
    }

    /// How many errors there are so far, kept or counted.
    pub(super) fn errors(&self) -> usize {
        if self.trying.get() > 0 { self.tried_errors.get() as usize } else { self.counts.borrow().first().copied().unwrap_or(0) }
    }

    /// Notes a finding. While conformance is tried, only the number of errors counts.
    pub(super) fn add(&self, severity: Severity, path: &Path<'_>, make: impl FnOnce(String) -> Finding) {
        if self.trying.get() > 0 {
            if severity == Severity::Error {
                self.tried_errors.set(self.tried_errors.get() + 1);
            }
            return;
        }
        let mut counts = self.counts.borrow_mut();
        let slot = match severity {
            Severity::Error => 0,
            Severity::Open => 1,
            Severity::Warning => 2,
        };
        if let Some(count) = counts.get_mut(slot) {
            *count += 1;
            if *count > self.options.most_findings {
                return;
            }
        }
        let mut finding = harmless(make(path.to_string()));
        finding.severity = severity;
        self.findings.borrow_mut().push(finding);
    }

    pub(super) fn error(&self, path: &Path<'_>, make: impl FnOnce(String) -> Finding) {
        self.add(Severity::Error, path, make);
    }

    /// Whether an element conforms to a profile. Remembered per element and profile; `None` when the
    /// profile is not at hand.
    pub(super) fn tries(&self, canonical: &str, node: Node<'a>, within: Within<'a>) -> Option<bool> {
        let profile = self.definitions.profile(canonical).filter(|p| !p.hollow)?;
        if profile.constraint && !self.definitions.is_a(node.of, &profile.of) {
            return Some(false);
        }
        if !profile.constraint {
            return Some(self.definitions.is_a(node.of, &profile.of));
        }
        let key = (std::ptr::from_ref(node.value).addr(), std::ptr::from_ref(profile).addr());
        if let Some(known) = self.tried.borrow().get(&key) {
            return *known;
        }
        if self.trying.get() >= MAX_TRIALS {
            return None;
        }
        // While it is being tried, a circle back to it holds.
        self.tried.borrow_mut().insert(key, Some(true));
        let before = self.tried_errors.replace(0);
        self.trying.set(self.trying.get() + 1);
        self.overlay(At::root(profile), node, &Path::root(node.of), within);
        self.trying.set(self.trying.get() - 1);
        let conforms = Some(self.tried_errors.replace(before) == 0);
        self.tried.borrow_mut().insert(key, conforms);
        conforms
    }
}

impl<'a> Surroundings<'a> for Walk<'a> {
    fn resolve(&self, root: Node<'a>, reference: &str) -> Option<Node<'a>> {
        self.resolved(root, reference)
    }
    fn type_named(&self, reference: &str) -> Option<String> {
        self.reference_type(reference)
    }
    fn conforms(&self, node: Node<'a>, profile: &str) -> Option<bool> {
        self.tries(profile, node, Within { resource: node, root: node, entry: None })
    }
    fn member_of(&self, node: Node<'a>, value_set: &str) -> Option<bool> {
        self.in_value_set(node, value_set)
    }
}
