//! Rules of single data types that a StructureDefinition cannot say: extensions, references,
//! identifiers, attachments.

use serde_json::Value;
use sha2::Digest as _;

use super::definitions::split;
use super::fhirpath::{Answer, Env, Invariants, Node};
use super::primitive;
use super::profile::{At, CORE, Profile, TypeRef};
use super::reference::is_absolute;
use super::validator::{Path, Walk, Within};
use super::vital_signs;
use crate::verdict::{Finding, Severity};

impl<'a> Walk<'a> {
    /// Judges an element by the rules of its data type.
    pub(super) fn datatype(&self, node: Node<'a>, of: &'a TypeRef, path: &Path<'_>, within: Within<'a>) {
        match node.of {
            "Extension" => self.extension(node, path, within),
            "Reference" => self.reference(node, of, path, within),
            "Coding" => self.coding(node, path),
            "Quantity" | "Age" | "Duration" | "Count" | "Distance" | "SimpleQuantity" => self.unit(node, path),
            "Attachment" => self.attachment(node, path),
            "Identifier" => self.identifier(node, path),
            _ => {}
        }
    }

    fn extension(&self, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let modifier = path.is("modifierExtension");
        let (values, extensions) = (
            node.value.as_object().is_some_and(|o| o.keys().any(|k| k.trim_start_matches('_').starts_with("value"))),
            node.member("extension").is_some(),
        );
        if values == extensions {
            self.error(path, |p| {
                Finding::error("ext-1", "An extension has a value or extensions: one of the two")
                    .at(p)
                    .expected("value[x] or extension")
                    .observed(if values { "both" } else { "neither" })
                    .clause("http://hl7.org/fhir/R4/extensibility.html")
            });
        }
        let Some(url) = node.text("url").filter(|u| !u.is_empty()) else { return };
        if path.in_extension() {
            // Within a complex extension the name is relative and defined by the outer one.
            if !url.contains(':') {
                return;
            }
        } else if !url.contains(':') {
            self.error(&path.to("url", None), |p| {
                Finding::error("extension-url", "The url of an extension is absolute")
                    .at(p)
                    .expected("an absolute address")
                    .observed(url)
                    .clause("http://hl7.org/fhir/R4/extensibility.html#Extension")
            });
            return;
        }
        if split(url).1.is_some() {
            self.error(&path.to("url", None), |p| {
                Finding::error("extension-url", "The url of an extension has no version")
                    .at(p)
                    .expected(split(url).0)
                    .observed(url)
                    .clause("http://hl7.org/fhir/R4/extensibility.html#Extension")
            });
            return;
        }
        let Some(profile) = self.definitions.profile(url).filter(|p| &*p.of == "Extension" && !p.hollow) else {
            let severity = if modifier { self.options.unknown_modifier_extension } else { self.options.unknown_extension };
            let rule = if modifier { "modifier-extension-unknown" } else { "extension-unknown" };
            self.add(severity, path, |p| Finding::new(rule, severity, "The extension's definition is not at hand").at(p).observed(url));
            return;
        };
        let modifies = profile.element(0).modifier;
        if modifies != modifier {
            self.error(path, |p| {
                let (is, place) = if modifies { ("changes", "modifierExtension") } else { ("does not change", "extension") };
                Finding::error("extension-modifier", format!("This extension {is} the meaning of its element, so it stands in {place}"))
                    .at(p)
                    .expected(place)
                    .observed(url)
                    .clause(url)
            });
        }
        self.extension_context(profile, path, within);
        self.extension_parts(At::root(profile), node, path, url);
        if profile.constraint {
            self.overlay(At::root(profile), node, path, within);
        }
    }

    /// The parts of a complex extension are named by its definition: a relative url that is none of
    /// those names has no meaning (FHIR, Extensibility, "the url of nested extensions").
    fn extension_parts(&self, at: At<'a>, node: Node<'a>, path: &Path<'_>, url: &str) {
        let Some(parts) = node.member("extension").and_then(Value::as_array) else { return };
        let Some(slot) = at.child("extension").filter(|slot| !slot.element().slices.is_empty()) else { return };
        for (n, part) in parts.iter().enumerate() {
            let Some(name) = part.get("url").and_then(Value::as_str).filter(|name| !name.is_empty() && !name.contains(':')) else {
                continue;
            };
            let slices = || slot.element().slices.iter().map(|slice| slot.to(*slice));
            // A part without a fixed url could have any.
            let fixed = |slice: At<'a>| slice.child("url").and_then(|at| at.element().fixed.as_ref()).and_then(Value::as_str);
            match slices().find(|slice| fixed(*slice).is_none_or(|fixed| fixed == name)) {
                Some(slice) => {
                    let inner = Node { value: part, beside: None, defined: None, content: None, of: "Extension" };
                    self.extension_parts(slice, inner, &path.to("extension", Some(n)), url);
                }
                None => self.error(&path.to("extension", Some(n)).to("url", None), |p| {
                    let names: Vec<&str> = slices().filter_map(fixed).collect();
                    Finding::error("extension-part", "The extension's definition has no such part")
                        .at(p)
                        .expected(names.join(" or "))
                        .observed(name)
                        .clause(url)
                }),
            }
        }
    }

    /// Whether an extension stands where its definition allows.
    fn extension_context(&self, profile: &'a Profile, path: &Path<'_>, within: Within<'a>) {
        if profile.contexts.is_empty() {
            return;
        }
        let Some(place) = self.place_of(path, within) else { return };
        let mut unsure = false;
        let allowed = profile.contexts.iter().any(|(kind, expression)| match &**kind {
            "element" => place.is(expression, |of, wanted| self.definitions.is_a(of, wanted)),
            "extension" => place.extension.as_deref().is_some_and(|url| url == split(expression).0),
            // A FHIRPath that selects elements; which of them this one is cannot be told cheaply.
            _ => {
                unsure = true;
                false
            }
        });
        if !allowed && !unsure {
            // The published conformance resources (those with a url of their own) break the contexts of
            // their own extensions by the thousand; elsewhere a context means what it says.
            let canonical =
                within.resource.content(self.definitions).is_some_and(|c| c.child("url").is_some() && c.child("experimental").is_some());
            let severity = if canonical { Severity::Warning } else { Severity::Error };
            self.add(severity, path, |p| {
                let wanted: Vec<String> = profile.contexts.iter().map(|(_, e)| e.to_string()).collect();
                Finding::error("extension-context", "The extension does not belong here")
                    .at(p)
                    .expected(format!("on {}", wanted.join(" or ")))
                    .observed(&place.paths.join(" = "))
                    .clause(&*profile.url)
            });
        }
        if let (Some(node), false) = (place.node, profile.context_invariants.is_empty()) {
            let env = Env { definitions: self.definitions, resource: within.resource, root: within.root, around: self, spent: &self.spent };
            for rule in &profile.context_invariants {
                if rule.compiled().is_some_and(|compiled| env.test(compiled, node) == Answer::Broken) {
                    self.error(path, |p| {
                        Finding::error("extension-context", "The extension's condition on its place is not met")
                            .at(p)
                            .expected(&*rule.expression)
                            .clause(&*profile.url)
                    });
                }
            }
        }
    }

    /// The element that an extension stands on, found again from the top of its resource.
    fn place_of(&self, path: &Path<'_>, within: Within<'a>) -> Option<Place<'a>> {
        let steps = path.steps_below_resource();
        let mut node = within.resource;
        let mut names = vec![node.of.to_owned()];
        let (last, above) = steps.split_last()?;
        let _ = last;
        let mut extension = None;
        for (key, index) in above {
            let (at, of) = node.content(self.definitions)?.key(key)?;
            let object = node.value.as_object().or_else(|| node.beside.and_then(Value::as_object))?;
            let pick = |value: Option<&'a Value>| match (value, index) {
                (Some(Value::Array(items)), Some(n)) => items.get(*n),
                (value, _) => value,
            };
            let value = pick(object.get(*key));
            let beside = pick(super::fhirpath::beside_of(object, key));
            node = Node::element(value.unwrap_or(&super::fhirpath::NOTHING), beside, at, of);
            extension = (node.of == "Extension").then(|| node.text("url").map(str::to_owned)).flatten();
            // Where a type's own definition begins, a second name begins with it.
            let name = &at.element().name;
            let suffix = if at.element().choice { "[x]" } else { "" };
            for path in &mut names {
                path.push('.');
                path.push_str(name);
                path.push_str(suffix);
            }
            let content = node.content(self.definitions)?;
            if content.index == 0 {
                names.push(node.of.to_owned());
            } else if content.profile.of == at.profile.of {
                names.push(content.element().path.to_string());
            }
        }
        names.sort();
        names.dedup();
        Some(Place { paths: names, of: node.of, extension, node: Some(node) })
    }

    fn identifier(&self, node: Node<'a>, path: &Path<'_>) {
        if let Some(system) = node.text("system").filter(|s| !s.is_empty() && !is_absolute(s)) {
            self.error(&path.to("system", None), |p| {
                Finding::error("identifier-system", "The system of an identifier is an absolute address")
                    .at(p)
                    .expected("an absolute address or a urn")
                    .observed(system)
                    .clause("http://hl7.org/fhir/R4/datatypes.html#Identifier")
            });
        }
        if let (Some("urn:ietf:rfc:3986"), Some(value)) = (node.text("system"), node.text("value"))
            && !value.contains(':')
        {
            self.add(Severity::Warning, &path.to("value", None), |p| {
                Finding::warning("identifier-uri", "With the system urn:ietf:rfc:3986 the value is an absolute URI")
                    .at(p)
                    .expected("an absolute URI")
                    .observed(value)
                    .clause("http://hl7.org/fhir/R4/datatypes.html#Identifier")
            });
        }
    }

    fn attachment(&self, node: Node<'a>, path: &Path<'_>) {
        let Some(data) = node.text("data").and_then(primitive::decode) else { return };
        if let Some(size) = node.member("size").and_then(|s| s.as_u64().or_else(|| s.as_str()?.parse().ok()))
            && size != data.len() as u64
        {
            self.error(&path.to("size", None), |p| {
                Finding::error("attachment-size", "The attachment has another size than it says")
                    .at(p)
                    .expected(data.len().to_string())
                    .observed(&size.to_string())
                    .clause("http://hl7.org/fhir/R4/datatypes.html#Attachment")
            });
        }
        // FHIR asks for SHA-1; a digest of another length is told apart by it.
        if let Some(hash) = node.text("hash").and_then(primitive::decode) {
            let good = match hash.len() {
                20 => hash == super::digest::sha1(&data),
                32 => hash.as_slice() == sha2::Sha256::digest(&data).as_slice(),
                _ => return,
            };
            if !good {
                self.error(&path.to("hash", None), |p| {
                    Finding::error("attachment-hash", "The attachment's data has another hash than it says")
                        .at(p)
                        .expected("the SHA-1 of the data, in base64")
                        .clause("http://hl7.org/fhir/R4/datatypes.html#Attachment")
                });
            }
        }
    }

    /// Rules on what a resource contains: dom-2 to dom-5, and that each contained one has an id.
    pub(super) fn contained(&self, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let is_contained = !std::ptr::eq(node.value, within.root.value);
        let clause = "http://hl7.org/fhir/R4/references.html#contained";
        if is_contained {
            if node.member("contained").is_some() {
                self.error(&path.to("contained", None), |p| {
                    Finding::error("dom-2", "A contained resource contains no resources itself").at(p).clause(clause)
                });
            }
            let meta = node.member("meta");
            for (key, rule) in [("versionId", "dom-4"), ("lastUpdated", "dom-4"), ("security", "dom-5")] {
                if meta.is_some_and(|m| m.get(key).is_some()) {
                    self.error(&path.to("meta", None), |p| {
                        Finding::error(rule, format!("A contained resource has no meta.{key}")).at(p).observed(key).clause(clause)
                    });
                }
            }
            return;
        }
        if self.definitions.is_a(node.of, "DomainResource") && node.member("text").and_then(|t| t.get("div")).is_none() {
            self.add(Severity::Warning, path, |p| {
                Finding::warning("dom-6", "The resource has no narrative, which people would read")
                    .at(p)
                    .clause("http://hl7.org/fhir/R4/domainresource.html")
            });
        }
        let Some(contained) = node.member("contained").and_then(Value::as_array) else { return };
        let mut pointed = Pointed::default();
        pointed.take(node.value, true);
        let mut seen = std::collections::HashSet::new();
        for (n, inner) in contained.iter().enumerate() {
            let here = path.to("contained", Some(n));
            let Some(id) = inner.get("id").and_then(Value::as_str) else {
                self.error(&here, |p| {
                    Finding::error("contained-id", "A contained resource has an id, by which it is referred to")
                        .at(p)
                        .expected("id")
                        .clause(clause)
                });
                continue;
            };
            if !seen.insert(id) {
                self.error(&here, |p| {
                    Finding::error("contained-id", "Two contained resources have the same id").at(p).observed(id).clause(clause)
                });
            }
            let mut own = Pointed::default();
            own.take(inner, true);
            if !pointed.fragments.contains(&id) && !own.to_container {
                self.error(&here, |p| {
                    Finding::error("dom-3", "The contained resource is referred to from nowhere")
                        .at(p)
                        .expected(format!("a reference to #{id}"))
                        .observed(id)
                        .clause(clause)
                });
            }
        }
    }

    /// Judges a resource by the profiles that it names and those that FHIR demands.
    pub(super) fn profiles_of(&self, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        if self.options.declared_profiles {
            let named = node.member("meta").and_then(|m| m.get("profile")).and_then(Value::as_array);
            for profile in named.into_iter().flatten().filter_map(Value::as_str).take(20) {
                self.profile(profile, node, path, within, "that it names");
            }
        }
        if self.options.vital_signs && node.of == "Observation" {
            let name = node.member("code").and_then(vital_signs::demanded);
            if let Some(profile) = name.and_then(|name| self.definitions.profile(&format!("{CORE}{name}"))) {
                self.overlay(At::root(profile), node, path, within);
            }
        }
    }
}

/// The element that an extension stands on.
struct Place<'a> {
    /// Every path that names it, by resource and by type.
    paths: Vec<String>,
    of: &'a str,
    /// Url of the extension that it is, when it is one.
    extension: Option<String>,
    node: Option<Node<'a>>,
}

impl Place<'_> {
    fn is(&self, expression: &str, is_a: impl Fn(&str, &str) -> bool) -> bool {
        let expression = expression.strip_suffix(".extension").unwrap_or(expression);
        let at_root = self.paths.iter().any(|p| !p.contains('.')) && self.of.starts_with(|c: char| c.is_ascii_uppercase());
        match expression {
            "*" | "Element" => return true,
            "CanonicalResource" | "MetadataResource" => return at_root,
            _ => {}
        }
        if self.paths.iter().any(|p| p == expression || p.strip_suffix("[x]") == Some(expression)) {
            return true;
        }
        // `Base.element`: the path of a type that this one comes from.
        if !expression.contains('.') {
            return is_a(self.of, expression);
        }
        let (head, rest) = expression.split_once('.').unwrap_or((expression, ""));
        self.paths.iter().any(|p| {
            p.split_once('.').is_some_and(|(first, after)| (after == rest || after.strip_suffix("[x]") == Some(rest)) && is_a(first, head))
        })
    }
}

/// What the references of a resource point at inside of it.
#[derive(Default)]
struct Pointed<'a> {
    fragments: std::collections::HashSet<&'a str>,
    to_container: bool,
}

impl<'a> Pointed<'a> {
    fn take(&mut self, value: &'a Value, top: bool) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    if top && key == "text" {
                        continue;
                    }
                    self.take(value, false);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.take(item, false)),
            Value::String(text) => match text.strip_prefix('#') {
                Some("") => self.to_container = true,
                Some(id) => {
                    self.fragments.insert(id);
                }
                None => {}
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
