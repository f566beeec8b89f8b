//! References: their form, the types that they may lead to, and what they lead to within the same
//! resource or Bundle.

use serde_json::Value;

use super::definitions::split;
use super::fhirpath::Node;
use super::profile::{At, CORE, TypeRef};
use super::validator::{Path, Walk, Within};
use super::walk::clause;
use crate::verdict::{Finding, Severity};

/// Where the rules of references stand.
const CLAUSE: &str = "http://hl7.org/fhir/R4/references.html";

/// The type and id that an address such as `http://x/Patient/1/_history/2` ends in.
pub(super) fn type_and_id(reference: &str) -> Option<(&str, &str)> {
    let bare = reference.split(['#', '?', '|']).next().unwrap_or(reference);
    let bare = bare.split("/_history/").next().unwrap_or(bare);
    let (before, id) = bare.rsplit_once('/')?;
    let of = before.rsplit('/').next()?;
    Some((of, id))
}

/// Whether an address is absolute: it has a scheme.
pub(super) fn is_absolute(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
    })
}

impl<'a> Walk<'a> {
    /// The resource that a reference in `root` leads to, when it is at hand.
    pub(super) fn resolved(&self, root: Node<'a>, reference: &str) -> Option<Node<'a>> {
        if let Some(id) = reference.strip_prefix('#') {
            if id.is_empty() {
                return Some(root);
            }
            // Indexed once: many references to many contained resources must not cost their product.
            let mut inside = self.inside.borrow_mut();
            let by_id = inside.entry(std::ptr::from_ref(root.value).addr()).or_insert_with(|| {
                let contained = root.value.get("contained").and_then(Value::as_array).into_iter().flatten();
                contained.filter_map(|c| Some((c.get("id")?.as_str()?, c))).collect()
            });
            return by_id.get(id).map(|found| Node::resource(self.definitions, found));
        }
        self.bundle.as_ref()?.find(root, reference)
    }

    /// The type that a reference's address names, where it names one that exists.
    pub(super) fn reference_type(&self, reference: &str) -> Option<String> {
        if reference.starts_with("urn:") {
            return None;
        }
        let (of, _) = type_and_id(reference)?;
        self.definitions.has_resource(of).then(|| of.to_owned())
    }

    /// Judges a reference by the base definition.
    pub(super) fn reference(&self, node: Node<'a>, of: &'a TypeRef, path: &Path<'_>, within: Within<'a>) {
        let said = node.text("type");
        if let Some(said) = said {
            let named = said.strip_prefix(CORE).unwrap_or(said);
            if !self.definitions.has_resource(named) && self.definitions.by_type(named).is_none() && !is_absolute(named) {
                self.error(&path.to("type", None), |p| {
                    Finding::error("reference-type", "The reference names a type that does not exist").at(p).observed(said).clause(CLAUSE)
                });
                return;
            }
        }
        let Some(reference) = node.text("reference").filter(|r| !r.is_empty()) else {
            if let Some(said) = said {
                self.allowed(said.strip_prefix(CORE).unwrap_or(said), &of.targets, path, None);
            }
            return;
        };
        let here = path.to("reference", None);
        let target = self.resolved(within.root, reference);
        if let Some(id) = reference.strip_prefix('#') {
            if target.is_none() {
                self.error(&here, |p| {
                    Finding::error("ref-1", "The reference leads to a contained resource that is not there")
                        .at(p)
                        .expected(format!("a contained resource with the id {id}"))
                        .observed(reference)
                        .clause(CLAUSE)
                });
                return;
            }
        } else if !self.form(reference, &here) {
            return;
        }
        let by_name = self.reference_type(reference);
        let actual = target.map(|t| t.of.to_owned());
        if let (Some(by_name), Some(actual)) = (&by_name, &actual)
            && by_name != actual
        {
            self.error(&here, |p| {
                Finding::error("reference-target", "The reference names another type than the resource has that it leads to")
                    .at(p)
                    .expected(actual)
                    .observed(by_name)
                    .clause(CLAUSE)
            });
        }
        let Some(found) = actual.or(by_name) else {
            if let Some(said) = said {
                self.allowed(said.strip_prefix(CORE).unwrap_or(said), &of.targets, path, None);
            }
            return;
        };
        if let Some(said) = said.map(|s| s.strip_prefix(CORE).unwrap_or(s)).filter(|s| *s != found && self.definitions.has_resource(s)) {
            self.error(&path.to("type", None), |p| {
                Finding::error("reference-type", "The reference says another type than it leads to")
                    .at(p)
                    .expected(&*found)
                    .observed(said)
                    .clause(CLAUSE)
            });
        }
        self.allowed(&found, &of.targets, &here, node.defined.map(|(at, _)| at));
    }

    /// Judges how an address is written. False when nothing more can be said about it.
    fn form(&self, reference: &str, path: &Path<'_>) -> bool {
        if is_absolute(reference) {
            return true;
        }
        let bare = reference.split(['#', '?', '|']).next().unwrap_or(reference);
        let mut parts = bare.split('/');
        let (of, id) = (parts.next().unwrap_or_default(), parts.next());
        let rest: Vec<&str> = parts.collect();
        let is_type = self.definitions.has_resource(of);
        let good = is_type
            && (reference.contains('?') || id.is_some_and(super::primitive::is_id))
            && matches!(rest.as_slice(), [] | ["_history", _]);
        if good {
            return true;
        }
        // A word with a capital before the id was meant as a type.
        let meant = of.starts_with(|c: char| c.is_ascii_uppercase()) && id.is_some();
        let severity = if meant { Severity::Error } else { Severity::Warning };
        self.add(severity, path, |p| {
            Finding::new("reference-form", severity, "A relative reference is a resource type and an id")
                .at(p)
                .expected("Type/id")
                .observed(reference)
                .clause("http://hl7.org/fhir/R4/references.html#literal")
        });
        false
    }

    /// Whether a type is one of the targets.
    fn allowed(&self, found: &str, targets: &'a [Box<str>], path: &Path<'_>, at: Option<At<'a>>) {
        if targets.is_empty() || !self.definitions.has_resource(found) {
            return;
        }
        let mut types: Vec<&str> = Vec::new();
        for target in targets {
            let (url, _) = split(target);
            let of = match url.strip_prefix(CORE).filter(|t| self.definitions.by_type(t).is_some()) {
                Some(of) => of,
                None => match self.definitions.profile(url) {
                    Some(profile) => &profile.of,
                    // A target that is not at hand may be of any type.
                    None => return,
                },
            };
            if self.definitions.is_a(found, of) {
                return;
            }
            if !types.contains(&of) {
                types.push(of);
            }
        }
        self.error(path, |p| {
            let finding = Finding::error("reference-target", format!("A reference to {found} is not allowed here"))
                .at(p)
                .expected(types.join(" or "))
                .observed(found);
            match at {
                Some(at) => finding.clause(clause(at)),
                None => finding.clause(CLAUSE),
            }
        });
    }

    /// Judges a reference by the targets that a profile allows.
    pub(super) fn reference_targets(&self, targets: &'a [Box<str>], at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let node = if node.of == "CodeableReference" {
            let mut found = Vec::new();
            node.children(self.definitions, "reference", &mut found);
            match found.first() {
                Some(inner) => *inner,
                None => return,
            }
        } else {
            node
        };
        if node.of != "Reference" {
            return;
        }
        let Some(reference) = node.text("reference") else { return };
        let here = path.to("reference", None);
        let Some(target) = self.resolved(within.root, reference) else {
            if let Some(of) = self.reference_type(reference) {
                self.allowed(&of, targets, &here, Some(at));
            }
            return;
        };
        let before = self.errors();
        self.allowed(target.of, targets, &here, Some(at));
        if self.errors() > before {
            return;
        }
        let within = Within { resource: target, root: if reference.starts_with('#') { within.root } else { target }, ..within };
        let answers: Vec<Option<bool>> = targets.iter().map(|t| self.tries(t, target, within)).collect();
        if answers.contains(&Some(true)) {
            return;
        }
        let unknown = answers.contains(&None);
        let severity = if unknown { Severity::Open } else { Severity::Error };
        self.add(severity, &here, |p| {
            let rule = if unknown { "profile-unknown" } else { "reference-profile" };
            Finding::new(rule, severity, "What the reference leads to meets none of the profiles that are allowed here")
                .at(p)
                .expected(targets.join(" or "))
                .observed(reference)
                .clause(clause(at))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_in_type_and_id() {
        assert_eq!(type_and_id("http://x/fhir/Patient/1/_history/2"), Some(("Patient", "1")));
        assert_eq!(type_and_id("Patient/1#a"), Some(("Patient", "1")));
        assert_eq!(type_and_id("1"), None);
        assert!(is_absolute("urn:uuid:1") && !is_absolute("Patient/1") && !is_absolute("Patient/1?x=a:b"));
    }
}
