//! Slicing: which part of a list an item belongs to, and what each part demands.

use std::cmp::Ordering;

use serde_json::Value;

use super::fhirpath::{Compiled, Decimal, Env, Field, Invariants, Node};
use super::profile::{At, Discriminator, Rules, Strength};
use super::temporal::Temporal;
use super::validator::{Path, Walk, Within};
use super::walk::clause;
use crate::verdict::{Finding, Severity};

/// Whether a value is exactly the fixed one.
pub(super) fn equals(fixed: &Value, value: &Value) -> bool {
    match (fixed, value) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equals(v, w))),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(v, w)| equals(v, w)),
        _ => fixed == value,
    }
}

/// Whether a value has everything that the pattern has.
pub(super) fn matches(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Object(a), Value::Object(b)) => a.iter().all(|(k, v)| b.get(k).is_some_and(|w| matches(v, w))),
        (Value::Array(a), Value::Array(b)) => a.iter().all(|v| b.iter().any(|w| matches(v, w))),
        _ => equals(pattern, value),
    }
}

/// Whether a value lies below (or above) a bound; `None` when the two cannot be compared.
pub(super) fn beyond(bound: &Value, value: &Value, low: bool) -> Option<bool> {
    let wrong = if low { Ordering::Less } else { Ordering::Greater };
    let order = match (bound, value) {
        (Value::Number(b), Value::Number(v)) => Decimal::parse(&v.to_string())?.partial_cmp(&Decimal::parse(&b.to_string())?)?,
        (Value::String(b), Value::String(v)) => Temporal::literal(v)?.compare(Temporal::literal(b)?)?,
        (Value::Object(b), Value::Object(v)) if b.get("code") == v.get("code") && b.get("system") == v.get("system") => {
            return beyond(b.get("value")?, v.get("value")?, low);
        }
        _ => return None,
    };
    Some(order == wrong)
}

/// What a slice says at a discriminator's path.
enum Spot<'a> {
    /// An element of the slice, with what is said of it.
    Element(At<'a>),
    /// A value inside of a fixed value or pattern above.
    Value(&'a Value),
}

impl<'a> Walk<'a> {
    /// Divides the items of a sliced element and judges each by its slice.
    pub(super) fn slices(&self, at: At<'a>, fields: &[Field<'a>], path: &Path<'_>, within: Within<'a>) {
        let element = at.element();
        let slices: Vec<At<'a>> = element.slices.iter().map(|s| at.to(*s)).collect();
        let (rules, ordered) = element.slicing.as_ref().map_or((Rules::Open, false), |s| (s.rules, s.ordered));
        let mut groups: Vec<Vec<Field<'a>>> = vec![Vec::new(); slices.len()];
        let (mut uncertain, mut last, mut outside) = (0usize, 0usize, false);
        for field in fields {
            let here = path.to(field.key, field.index);
            let mut unknown = false;
            let mut hit = None;
            for (n, slice) in slices.iter().enumerate() {
                match self.in_slice(at, *slice, field.node, within) {
                    Some(true) => {
                        hit = Some((n, *slice));
                        break;
                    }
                    Some(false) => {}
                    None => unknown = true,
                }
            }
            match hit {
                Some((n, slice)) => {
                    if let Some(group) = groups.get_mut(n) {
                        group.push(*field);
                    }
                    if ordered && n < last {
                        self.slice_fault("slice-order", "The items are not in the order of the slices", slice, &here);
                    }
                    if rules == Rules::OpenAtEnd && outside {
                        self.slice_fault("slice-order", "Items outside of the slices stand before those within", slice, &here);
                    }
                    last = last.max(n);
                    self.overlay_value(slice, field.node, &here, within);
                }
                None if unknown => uncertain += 1,
                None if rules == Rules::Closed => {
                    self.slice_fault("slice-closed", "The item belongs to none of the slices, and no others are allowed", at, &here);
                }
                None => outside = true,
            }
        }
        for (slice, group) in slices.iter().zip(&groups) {
            let wanted = slice.element();
            if group.len() < wanted.min as usize {
                if group.len() + uncertain >= wanted.min as usize {
                    self.add(Severity::Open, &path.to(&element.name, None), |p| {
                        let name = wanted.slice_name.as_deref().unwrap_or_default();
                        Finding::open("slice-unknown", format!("It could not be told whether the slice {name} is there"))
                            .at(p)
                            .clause(clause(*slice))
                    });
                } else {
                    self.missing(*slice, group.len(), wanted.min, path);
                }
            }
            self.range(*slice, group.len().max(wanted.min as usize), &path.to(&element.name, None));
            if !wanted.slices.is_empty() {
                self.slices(*slice, group, path, within);
            }
        }
    }

    fn slice_fault(&self, rule: &str, message: &str, at: At<'a>, path: &Path<'_>) {
        self.error(path, |p| Finding::error(rule, message).at(p).clause(clause(at)));
    }

    /// Whether an item belongs to a slice; `None` when that cannot be told.
    fn in_slice(&self, sliced: At<'a>, slice: At<'a>, node: Node<'a>, within: Within<'a>) -> Option<bool> {
        let element = slice.element();
        let by = sliced.element().slicing.as_ref().map_or(&[][..], |s| s.by.as_slice());
        if by.is_empty() {
            if sliced.element().choice {
                return Some(element.types.iter().any(|t| &*t.code == node.of));
            }
            if node.of == "Extension" {
                return self.extension_slice(slice, node);
            }
            return self.fits(slice, node).1;
        }
        let mut sure = true;
        for (kind, path, compiled) in by {
            if node.of == "Extension" && &**path == "url" {
                match self.extension_slice(slice, node) {
                    Some(true) => continue,
                    other => return other,
                }
            }
            match self.discriminates(*kind, path, compiled, slice, node, within) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => sure = false,
            }
        }
        if sure { Some(true) } else { None }
    }

    fn extension_slice(&self, slice: At<'a>, node: Node<'a>) -> Option<bool> {
        let url = node.text("url")?;
        let fixed = slice.child("url").and_then(|at| at.element().fixed.as_ref()).and_then(Value::as_str);
        let profiles = || slice.element().types.iter().flat_map(|t| &t.profiles).map(|p| super::definitions::split(p).0);
        match fixed {
            Some(fixed) => Some(fixed == url),
            None if profiles().next().is_some() => Some(profiles().any(|p| p == url)),
            None => None,
        }
    }

    fn discriminates(
        &self,
        kind: Discriminator,
        path: &'a str,
        compiled: &'a std::sync::OnceLock<Option<Compiled>>,
        slice: At<'a>,
        node: Node<'a>,
        within: Within<'a>,
    ) -> Option<bool> {
        let spots = self.spots(slice, path);
        let resolves = path.ends_with("resolve()");
        let targets = if path == "$this" {
            Some(vec![node])
        } else {
            let compiled = compiled.get_or_init(|| Compiled::parse(path).ok()).as_ref()?;
            let env = Env { definitions: self.definitions, resource: within.resource, root: within.root, around: self, spent: &self.spent };
            env.nodes(compiled, node)
        };
        match kind {
            Discriminator::Exists => {
                let targets = targets?;
                let element = spots.iter().find_map(|s| if let Spot::Element(at) = s { Some(at.element()) } else { None })?;
                if element.max == Some(0) {
                    Some(targets.is_empty())
                } else if element.min > 0 {
                    Some(!targets.is_empty())
                } else {
                    None
                }
            }
            Discriminator::Type => {
                let mut wanted: Vec<&str> = Vec::new();
                for spot in &spots {
                    if let Spot::Element(at) = spot {
                        if at.index == 0 {
                            wanted.push(&at.profile.of);
                        } else {
                            wanted.extend(at.element().types.iter().map(|t| &*t.code));
                        }
                    }
                }
                if wanted.is_empty() {
                    return None;
                }
                let found: Vec<String> = match targets {
                    Some(targets) => targets.iter().map(|t| t.of.to_owned()).collect(),
                    // What a reference says about its target without following it.
                    None if resolves => vec![self.reference_type(node.text("reference")?)?],
                    None => return None,
                };
                Some(found.iter().any(|of| wanted.iter().any(|w| self.definitions.is_a(of, w))))
            }
            Discriminator::Profile => {
                let mut profiles: Vec<&Box<str>> = Vec::new();
                for spot in &spots {
                    if let Spot::Element(at) = spot {
                        if at.index == 0 {
                            profiles.push(&at.profile.url);
                        } else {
                            profiles.extend(at.element().types.iter().flat_map(|t| &t.profiles));
                        }
                    }
                }
                if profiles.is_empty() {
                    return None;
                }
                let targets = targets?;
                let mut unknown = false;
                for profile in profiles {
                    for target in &targets {
                        match self.tries(profile, *target, Within { resource: *target, ..within }) {
                            Some(true) => return Some(true),
                            Some(false) => {}
                            None => unknown = true,
                        }
                    }
                }
                if unknown { None } else { Some(false) }
            }
            Discriminator::Value => {
                let targets = targets?;
                let mut said = false;
                let mut unknown = false;
                for spot in &spots {
                    match spot {
                        Spot::Value(wanted) => {
                            said = true;
                            if !targets.iter().any(|t| matches(wanted, t.value)) {
                                return Some(false);
                            }
                        }
                        Spot::Element(at) => {
                            let answers: Vec<(bool, Option<bool>)> = targets.iter().map(|t| self.fits(*at, *t)).collect();
                            if answers.iter().any(|(constrained, ok)| *constrained && *ok == Some(true)) {
                                said = true;
                                continue;
                            }
                            if targets.is_empty() && self.says_something(*at, 0) {
                                return Some(false);
                            }
                            if answers.iter().any(|(constrained, _)| *constrained) {
                                said = true;
                                if answers.iter().any(|(_, ok)| ok.is_none()) {
                                    unknown = true;
                                } else {
                                    return Some(false);
                                }
                            }
                        }
                    }
                }
                if said && !unknown { Some(true) } else { None }
            }
            Discriminator::Other => None,
        }
    }

    /// What a slice says at a path.
    fn spots(&self, slice: At<'a>, path: &'a str) -> Vec<Spot<'a>> {
        let mut at: Vec<Spot<'a>> = vec![Spot::Element(slice)];
        for step in steps(path) {
            if step == "$this" {
                continue;
            }
            let mut next = Vec::new();
            for spot in at {
                match spot {
                    Spot::Value(value) => push_values(value.get(step), &mut next),
                    Spot::Element(at) => self.step_down(at, step, &mut next),
                }
            }
            at = next;
        }
        at
    }

    fn step_down(&self, at: At<'a>, step: &'a str, next: &mut Vec<Spot<'a>>) {
        let element = at.element();
        if step == "resolve()" {
            let targets = element.types.iter().flat_map(|t| &t.targets).filter_map(|t| self.definitions.profile(t));
            next.extend(targets.map(|p| Spot::Element(At::root(p))));
            return;
        }
        if step.starts_with("ofType(") || step.starts_with("as(") {
            next.push(Spot::Element(at));
            return;
        }
        if let Some(url) = step.strip_prefix("extension(").and_then(|s| s.strip_suffix(')')).map(|s| s.trim_matches(['\'', '"'])) {
            let extension = at.child("extension");
            let mut slices = extension.iter().flat_map(|e| e.element().slices.iter().map(|s| e.to(*s)));
            let found = slices.find(|s| s.element().types.iter().flat_map(|t| &t.profiles).any(|p| super::definitions::split(p).0 == url));
            match found {
                Some(found) if found.element().has_children() => next.push(Spot::Element(found)),
                _ => next.extend(self.definitions.profile(url).map(|p| Spot::Element(At::root(p)))),
            }
            return;
        }
        let before = next.len();
        for value in [&element.fixed, &element.pattern].into_iter().flatten() {
            push_values(value.get(step), next);
        }
        if next.len() > before {
            return;
        }
        if let Some(child) = at.child(step) {
            next.push(Spot::Element(child));
            // What a slice demands of a part of the list that must be there.
            let parts = child.element().slices.iter().map(|s| child.to(*s)).filter(|s| s.element().min > 0);
            next.extend(parts.map(Spot::Element));
            return;
        }
        for of in &element.types {
            let root = of.profiles.first().and_then(|p| self.definitions.profile(p)).map(At::root).or_else(|| self.definitions.root_of(of));
            if let Some(root) = root {
                next.extend(root.child(step).map(Spot::Element));
            }
        }
    }

    /// Whether a place constrains the value that may stand there.
    fn says_something(&self, at: At<'a>, depth: u32) -> bool {
        let element = at.element();
        element.fixed.is_some()
            || element.pattern.is_some()
            || element.binding.as_ref().is_some_and(|b| b.strength == Strength::Required)
            || (depth < 6 && element.children.iter().chain(&element.slices).any(|c| self.says_something(at.to(*c), depth + 1)))
    }

    /// Whether a value has what a place fixes: whether anything is fixed there, and the answer.
    fn fits(&self, at: At<'a>, node: Node<'a>) -> (bool, Option<bool>) {
        let element = at.element();
        let mut constrained = false;
        let mut sure = true;
        if let Some(fixed) = &element.fixed {
            constrained = true;
            if !equals(fixed, node.value) {
                return (true, Some(false));
            }
        }
        if let Some(pattern) = &element.pattern {
            constrained = true;
            if !matches(pattern, node.value) {
                return (true, Some(false));
            }
        }
        if let Some(binding) = element.binding.as_ref().filter(|b| b.strength == Strength::Required) {
            constrained = true;
            match self.in_value_set(node, &binding.value_set) {
                Some(true) => {}
                Some(false) => return (true, Some(false)),
                None => sure = false,
            }
        }
        for child in &element.children {
            let child = at.to(*child);
            let parts = child.element().slices.iter().map(|s| child.to(*s)).filter(|s| s.element().min > 0);
            for place in std::iter::once(child).chain(parts) {
                if !self.says_something(place, 0) {
                    continue;
                }
                let is_slice = place.index != child.index;
                let fields = node.fields(self.definitions, &child.element().name);
                if fields.is_empty() {
                    if place.element().min > 0 {
                        return (true, Some(false));
                    }
                    continue;
                }
                let answers: Vec<(bool, Option<bool>)> = fields.iter().map(|f| self.fits(place, f.node)).collect();
                if !answers.iter().any(|(c, _)| *c) {
                    continue;
                }
                constrained = true;
                let holds = if is_slice {
                    answers.iter().any(|(_, ok)| *ok == Some(true))
                } else {
                    answers.iter().all(|(c, ok)| !*c || *ok == Some(true))
                };
                if !holds {
                    if answers.iter().any(|(_, ok)| ok.is_none()) {
                        sure = false;
                    } else {
                        return (true, Some(false));
                    }
                }
            }
        }
        (constrained, if !constrained || !sure { None } else { Some(true) })
    }
}

fn push_values<'a>(value: Option<&'a Value>, next: &mut Vec<Spot<'a>>) {
    match value {
        Some(Value::Array(items)) => next.extend(items.iter().map(Spot::Value)),
        Some(value) => next.push(Spot::Value(value)),
        None => {}
    }
}

/// The steps of a discriminator's path; a point within brackets does not divide.
fn steps(path: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut start) = (0i32, 0usize);
    for (at, c) in path.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 => {
                out.extend(path.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.extend(path.get(start..));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_ask_for_a_part_and_fixed_values_for_all() {
        let pattern = json!({"coding": [{"system": "s", "code": "c"}]});
        let value = json!({"text": "t", "coding": [{"code": "x"}, {"system": "s", "code": "c", "display": "d"}]});
        assert!(matches(&pattern, &value) && !equals(&pattern, &value));
        assert!(!matches(&pattern, &json!({"coding": [{"system": "s"}, {"code": "c"}]})));
        assert!(equals(&json!(1), &json!(1.0)));
    }

    #[test]
    fn bounds_are_compared_by_their_kind() {
        assert_eq!(beyond(&json!(1), &json!(0.5), true), Some(true));
        assert_eq!(beyond(&json!("2020-01-01"), &json!("2020-06-01"), true), Some(false));
        assert_eq!(beyond(&json!("2020"), &json!(1), true), None);
        assert_eq!(steps("extension('http://a.b/c').value.ofType(Coding)"), ["extension('http://a.b/c')", "value", "ofType(Coding)"]);
    }
}
