//! A profile laid over an element that has been judged by its type: only what the profile adds.

use super::fhirpath::Node;
use super::profile::At;
use super::validator::{Path, Walk, Within};
use super::walk::clause;
use crate::verdict::{Finding, Severity};

impl<'a> Walk<'a> {
    /// Demands that a resource meets a profile by its address.
    pub(super) fn profile(&self, canonical: &str, node: Node<'a>, path: &Path<'_>, within: Within<'a>, why: &str) {
        let (url, version) = super::definitions::split(canonical);
        let Some(profile) = self.definitions.profile(canonical).filter(|p| !p.hollow) else {
            self.add(Severity::Open, path, |p| {
                Finding::open("profile-unknown", format!("The profile {why} is not at hand, so it could not be judged"))
                    .at(p)
                    .expected("a package that holds the profile")
                    .observed(canonical)
            });
            return;
        };
        if let Some(version) = version.filter(|v| **v != *profile.version) {
            self.add(Severity::Warning, path, |p| {
                Finding::warning(
                    "profile-version",
                    format!("The profile {url} was wanted in version {version}; {} was used", profile.version),
                )
                .at(p)
            });
        }
        if !self.definitions.is_a(node.of, &profile.of) {
            self.error(path, |p| {
                Finding::error("profile-type", format!("The profile {why} is for {}, and this is a {}", profile.of, node.of))
                    .at(p)
                    .expected(&*profile.of)
                    .observed(node.of)
                    .clause(canonical)
            });
            return;
        }
        if profile.constraint {
            self.overlay(At::root(profile), node, path, within);
        }
    }

    /// Judges an element by a place in a profile and everything below it.
    pub(super) fn overlay(&self, at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        self.demands(at, node, path, within);
        self.overlay_children(at, node, path, within);
    }

    fn overlay_children(&self, at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        for child in &at.element().children {
            let at = at.to(*child);
            let element = at.element();
            if element.is_silent() {
                continue;
            }
            let fields = node.fields(self.definitions, &element.name);
            if fields.len() < element.min as usize {
                self.missing(at, fields.len(), element.min, path);
            }
            if fields.is_empty() && element.slices.is_empty() {
                continue;
            }
            self.range(at, fields.len().max(element.min as usize), &path.to(&element.name, None));
            if !element.slices.is_empty() {
                self.slices(at, &fields, path, within);
            }
            for field in &fields {
                self.overlay_value(at, field.node, &path.to(field.key, field.index), within);
            }
        }
    }

    /// Judges one value by an element of a profile.
    pub(super) fn overlay_value(&self, at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let element = at.element();
        let of = element
            .types
            .iter()
            .find(|t| &*t.code == node.of)
            .or_else(|| element.types.iter().find(|t| self.definitions.is_a(node.of, &t.code)));
        if of.is_none() && !element.types.is_empty() && element.types.iter().all(|t| !t.code.is_empty() && !t.system) {
            self.error(path, |p| {
                let codes: Vec<&str> = element.types.iter().map(|t| &*t.code).collect();
                Finding::error("type", format!("{} has a type that the profile does not allow", element.name))
                    .at(p)
                    .expected(codes.join(" or "))
                    .observed(node.of)
                    .clause(clause(at))
            });
            return;
        }
        self.demands(at, node, path, within);
        if let Some(of) = of {
            // The definition of an extension is found by its url, in the walk.
            if node.of != "Extension" {
                self.of_profiles(&of.profiles, at, node, path, within);
            }
            if !of.targets.is_empty() {
                self.reference_targets(&of.targets, at, node, path, within);
            }
        }
        if element.has_children() {
            self.overlay_children(at, node, path, within);
        }
    }

    /// Demands that a value meets one of several profiles of its type.
    fn of_profiles(&self, profiles: &'a [Box<str>], at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let within = if node.text("resourceType").is_some() { Within { resource: node, ..within } } else { within };
        match profiles {
            [] => {}
            [only] => match self.definitions.profile(only).filter(|p| !p.hollow) {
                Some(profile) if profile.constraint && self.definitions.is_a(node.of, &profile.of) => {
                    self.overlay(At::root(profile), node, path, within);
                }
                Some(profile) if !self.definitions.is_a(node.of, &profile.of) => self.error(path, |p| {
                    Finding::error("type", format!("{} is not of the type that the profile asks for", at.element().name))
                        .at(p)
                        .expected(&*profile.of)
                        .observed(node.of)
                        .clause(clause(at))
                }),
                Some(_) => {}
                None => self.add(Severity::Open, path, |p| {
                    Finding::open("profile-unknown", "A profile that this element must meet is not at hand")
                        .at(p)
                        .observed(only)
                        .clause(clause(at))
                }),
            },
            several => {
                let answers: Vec<Option<bool>> = several.iter().map(|profile| self.tries(profile, node, within)).collect();
                if answers.contains(&Some(true)) {
                    return;
                }
                let severity = if answers.contains(&None) { Severity::Open } else { Severity::Error };
                self.add(severity, path, |p| {
                    Finding::error("profile-none", format!("{} meets none of the profiles that it may meet", at.element().name))
                        .at(p)
                        .expected(several.join(" or "))
                        .clause(clause(at))
                });
            }
        }
    }
}
