//! The walk over a resource by its type's definition: structure, cardinality, types, primitives.

use serde_json::{Map, Value};

use super::fhirpath::{Answer, Env, Invariants, NOTHING, Node};
use super::narrative;
use super::primitive::{self, Wrong};
use super::profile::{At, Constraint, TypeRef};
use super::validator::{Path, Walk, Within};
use crate::verdict::{Finding, Severity};

/// Where a rule stands: the definition's address and the element in it.
pub(super) fn clause(at: At<'_>) -> String {
    format!("{}#{}", at.profile.url, at.element().path)
}

/// A value as it is shown: short, and of an object only its keys.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(object) => format!("an object with {}", object.keys().take(8).cloned().collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

impl<'a> Walk<'a> {
    /// Judges a resource by its type and by every profile that it must meet. False when its type is
    /// not known, so that nothing more can be said.
    pub(super) fn resource(&self, node: Node<'a>, path: &Path<'_>, within: Within<'a>) -> bool {
        let Some(object) = node.value.as_object() else {
            self.error(path, |p| {
                Finding::error("resource-type", "A resource is a JSON object").at(p).expected("an object").observed(&shown(node.value))
            });
            return false;
        };
        let Some(content) = node.content.filter(|at| &*at.profile.kind == "resource" && !at.profile.is_abstract) else {
            self.error(path, |p| {
                let finding = Finding::error("resource-type", "The resource is of no type that this FHIR version has").at(p);
                let finding = finding.expected(format!("resourceType: a resource of FHIR {}", self.definitions.fhir_version()));
                finding.observed(&object.get("resourceType").map_or_else(|| "no resourceType".to_owned(), shown))
            });
            return false;
        };
        self.object(object, content, node, path, within);
        self.resource_id(object, path);
        self.contained(node, path, within);
        self.rules(&content.element().constraints, content, node, path, within);
        self.profiles_of(node, path, within);
        match node.of {
            "Bundle" => self.bundle_rules(node, path),
            "Questionnaire" => self.questionnaire(node, path),
            "QuestionnaireResponse" => self.questionnaire_response(node, path, within),
            _ => {}
        }
        true
    }

    fn resource_id(&self, object: &Map<String, Value>, path: &Path<'_>) {
        let Some(Value::String(id)) = object.get("id") else { return };
        if !id.is_empty() && !primitive::is_id(id) {
            // The id of a contained resource is a name within its container: a long one harms nobody.
            let name = path.is("contained") && id.len() > 64 && id.get(..64).is_some_and(primitive::is_id);
            let severity = if name { Severity::Warning } else { Severity::Error };
            self.add(severity, &path.to("id", None), |p| {
                Finding::error("resource-id", "The resource's id is not an id")
                    .at(p)
                    .expected("1 to 64 letters, digits, '-' and '.'")
                    .observed(id)
                    .clause("http://hl7.org/fhir/R4/datatypes.html#id")
            });
        }
    }

    /// Judges the members of an object by a place in a definition.
    pub(super) fn object(&self, object: &'a Map<String, Value>, content: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let is_resource = content.index == 0 && &*content.profile.kind == "resource";
        if let (false, Some(Value::String(id))) = (is_resource, object.get("id")) {
            self.element_id(id, path, within);
        }
        // Of each choice, the key that was seen: there may be one only.
        let mut chosen: Vec<u32> = Vec::new();
        for (key, value) in object {
            let plain = key.strip_prefix('_');
            if plain.is_none() && is_resource && key == "resourceType" {
                continue;
            }
            let name = plain.unwrap_or(key);
            let Some((at, of)) = content.key(name) else {
                self.unknown(key, content, node, path);
                continue;
            };
            let beside = match plain {
                // Judged together with the value beside it.
                Some(plain) if object.contains_key(plain) => continue,
                Some(_) => Some(value),
                None => super::fhirpath::beside_of(object, key),
            };
            if beside.is_some() && !primitive::is_primitive(&of.code) {
                self.error(&path.to(key, None), |p| {
                    let key = if plain.is_some() { key.clone() } else { format!("_{key}") };
                    Finding::error("unknown-element", "Only primitive elements have a member with an underscore")
                        .at(p)
                        .observed(&key)
                        .clause("http://hl7.org/fhir/R4/json.html#primitive")
                });
            }
            let element = at.element();
            if element.choice {
                if chosen.contains(&at.index) {
                    self.error(&path.to(key, None), |p| {
                        Finding::error("choice-one", format!("{}[x] has more than one value", element.name))
                            .at(p)
                            .expected("one type of value")
                            .clause(clause(at))
                    });
                }
                chosen.push(at.index);
            }
            self.field(at, of, if plain.is_some() { None } else { Some(value) }, beside, &Key { name, path, within });
        }
        for child in &content.element().children {
            let at = content.to(*child);
            let element = at.element();
            if element.min == 0 {
                continue;
            }
            let there = if element.choice {
                chosen.contains(child)
            } else {
                object.contains_key(&*element.name) || super::fhirpath::beside_of(object, &element.name).is_some()
            };
            if !there {
                self.missing(at, 0, element.min, path);
            }
        }
    }

    /// The id of an element: without spaces, and once in its resource (FHIR R4, Element).
    fn element_id(&self, id: &'a str, path: &Path<'_>, within: Within<'a>) {
        let clause = "http://hl7.org/fhir/R4/element.html#id";
        if id.contains(char::is_whitespace) {
            self.error(&path.to("id", None), |p| {
                Finding::error("element-id", "The id of an element has no spaces").at(p).observed(id).clause(clause)
            });
        }
        // The elements of a snapshot have the ids of those in the differential.
        let resource = within.resource;
        if resource.of == "StructureDefinition" {
            return;
        }
        if !self.ids.borrow_mut().insert((std::ptr::from_ref(resource.value).addr(), id)) {
            self.error(&path.to("id", None), |p| {
                Finding::error("element-id", "Two elements of the resource have the same id")
                    .at(p)
                    .expected("every id once in a resource")
                    .observed(id)
                    .clause(clause)
            });
        }
    }

    pub(super) fn missing(&self, at: At<'a>, found: usize, least: u32, path: &Path<'_>) {
        let element = at.element();
        let name = element.slice_name.as_deref().map_or_else(|| element.name.to_string(), |slice| format!("{}:{slice}", element.name));
        self.error(path, |p| {
            let what = if found == 0 { "is missing".to_owned() } else { format!("occurs {found} times") };
            Finding::error("cardinality-min", format!("{name} {what}; at least {least} needed"))
                .at(p)
                .expected(format!("{name}, at least {least}"))
                .observed(&found.to_string())
                .clause(clause(at))
        });
    }

    fn unknown(&self, key: &str, content: At<'a>, node: Node<'a>, path: &Path<'_>) {
        self.error(&path.to(key, None), |p| {
            Finding::error("unknown-element", format!("{} has no such element", if node.of.is_empty() { "This element" } else { node.of }))
                .at(p)
                .expected("an element of the definition")
                .observed(key)
                .clause(clause(content))
        });
    }

    /// Judges a member: list or single value, then each value.
    fn field(&self, at: At<'a>, of: &'a TypeRef, value: Option<&'a Value>, beside: Option<&'a Value>, key: &Key<'_, 'a>) {
        let element = at.element();
        let here = key.path.to(key.name, None);
        if !element.array {
            if let Some(Value::Array(_)) = value.or(beside) {
                self.error(&here, |p| {
                    Finding::error("json-array", format!("{} is written as a list but occurs once only", element.name))
                        .at(p)
                        .expected("a single value")
                        .clause(clause(at))
                });
                return;
            }
            if value.is_some_and(Value::is_null) {
                self.null(&here);
            } else {
                self.element(at, of, value, beside, &here, key.within);
            }
            return;
        }
        let (items, besides) = (value.and_then(Value::as_array), beside.and_then(Value::as_array));
        if value.is_some() != items.is_some() || beside.is_some() != besides.is_some() {
            self.error(&here, |p| {
                Finding::error("json-array", format!("{} may repeat, so it is written as a list", element.name))
                    .at(p)
                    .expected("a list")
                    .observed(&shown(value.or(beside).unwrap_or(&NOTHING)))
                    .clause(clause(at))
            });
            if let Some(value) = value.filter(|v| !v.is_array()) {
                self.element(at, of, Some(value), None, &here, key.within);
            }
            return;
        }
        let count = items.map_or(0, Vec::len).max(besides.map_or(0, Vec::len));
        if items.or(besides).is_some_and(Vec::is_empty) {
            self.error(&here, |p| {
                Finding::error("element-empty", format!("{} is an empty list", element.name))
                    .at(p)
                    .expected("at least one item, or no member at all")
                    .clause("http://hl7.org/fhir/R4/json.html")
            });
        }
        if let (Some(items), Some(besides)) = (items, besides)
            && besides.len() != items.len()
        {
            self.error(&here, |p| {
                Finding::error("json-array", format!("_{} is not as long as {}", element.name, element.name))
                    .at(p)
                    .expected(format!("{} items", items.len()))
                    .observed(&besides.len().to_string())
                    .clause("http://hl7.org/fhir/R4/json.html#primitive")
            });
        }
        self.range(at, count, &here);
        for n in 0..count {
            let item = items.and_then(|i| i.get(n));
            let own = besides.and_then(|b| b.get(n)).filter(|b| !b.is_null());
            if items.is_some() && item.is_none() && own.is_none() {
                // The lists are not equally long, which has been said.
                continue;
            }
            self.element(at, of, item, own, &key.path.to(key.name, Some(n)), key.within);
        }
    }

    /// Judges how often an element occurs, when it occurs.
    pub(super) fn range(&self, at: At<'a>, count: usize, path: &Path<'_>) {
        let element = at.element();
        if count < element.min as usize && count > 0 {
            self.missing(at, count, element.min, path);
        }
        if let Some(most) = element.max.filter(|most| count > *most as usize) {
            self.error(path, |p| {
                let name = element.slice_name.as_deref().map_or_else(|| element.name.to_string(), |s| format!("{}:{s}", element.name));
                Finding::error("cardinality-max", format!("{name} occurs {count} times; at most {most} allowed"))
                    .at(p)
                    .expected(format!("at most {most}"))
                    .observed(&count.to_string())
                    .clause(clause(at))
            });
        }
    }

    /// Judges one value.
    fn element(
        &self,
        at: At<'a>,
        of: &'a TypeRef,
        value: Option<&'a Value>,
        beside: Option<&'a Value>,
        path: &Path<'_>,
        within: Within<'a>,
    ) {
        let node = Node::element(value.unwrap_or(&NOTHING), beside, at, of);
        let primitive = primitive::is_primitive(&of.code);
        if node.value.is_null() && (beside.is_none() || !primitive) {
            self.null(path);
            return;
        }
        if primitive {
            self.primitive(node, at, path, within);
        } else if self.definitions.root_of(of).is_some_and(|root| &*root.profile.kind == "resource") {
            self.inner_resource(node, &of.code, path, within);
            return;
        } else {
            let Some(object) = node.value.as_object() else {
                self.error(path, |p| {
                    Finding::error("primitive-kind", format!("{} is an object of type {}", at.element().name, node.of))
                        .at(p)
                        .expected("an object")
                        .observed(&shown(node.value))
                        .clause(clause(at))
                });
                return;
            };
            if !object.keys().any(|k| k != "id") {
                self.error(path, |p| {
                    Finding::error("ele-1", "An element has neither a value nor children")
                        .at(p)
                        .expected("a value or children")
                        .clause("http://hl7.org/fhir/R4/element.html")
                });
                return;
            }
            let Some(content) = self.definitions.content(at, of) else {
                self.add(Severity::Open, path, |p| {
                    Finding::open("type-unknown", format!("The type {} is not defined by the packages at hand", of.code)).at(p)
                });
                return;
            };
            let node = Node { content: Some(content), ..node };
            self.object(object, content, node, path, within);
            self.datatype(node, of, path, within);
            if content.index == 0 && !content.same(at) {
                self.rules(&content.element().constraints, content, node, path, within);
            }
        }
        self.demands(at, node, path, within);
        // A type that is a profile of a type, such as SimpleQuantity.
        for profile in &of.profiles {
            if let Some(profile) = self.definitions.profile(profile).filter(|p| p.constraint && node.of != "Extension") {
                self.overlay(At::root(profile), node, path, within);
            }
        }
    }

    fn null(&self, path: &Path<'_>) {
        self.error(path, |p| {
            let finding = Finding::error("json-null", "A value is null").at(p).expected("a value, or no member at all");
            finding.clause("http://hl7.org/fhir/R4/json.html")
        });
    }

    fn inner_resource(&self, node: Node<'a>, wanted: &str, path: &Path<'_>, within: Within<'a>) {
        // One type of resource only, as the outcome of a Bundle's response.
        if let Some(of) = node.text("resourceType").filter(|of| self.definitions.has_resource(of) && !self.definitions.is_a(of, wanted)) {
            self.error(path, |p| {
                Finding::error("resource-type", format!("Only a {wanted} may stand here")).at(p).expected(wanted).observed(of)
            });
        }
        let inner = Node { content: self.definitions.by_type(node.text("resourceType").unwrap_or_default()).map(At::root), ..node };
        let (in_contained, entry) = (path.is("contained"), path.entry());
        let root = if in_contained { within.root } else { inner };
        self.resource(inner, path, Within { resource: inner, root, entry: entry.or(within.entry) });
    }

    fn primitive(&self, node: Node<'a>, at: At<'a>, path: &Path<'_>, within: Within<'a>) {
        if let Some(beside) = node.beside {
            match beside.as_object() {
                Some(object) => {
                    if let Some(content) = self.definitions.by_type("Element").map(At::root) {
                        self.object(object, content, Node { content: Some(content), ..node }, path, within);
                    }
                    if node.value.is_null() && !object.contains_key("extension") {
                        self.error(path, |p| Finding::error("ele-1", "An element has neither a value nor extensions").at(p));
                    }
                }
                None => self.error(path, |p| {
                    Finding::error("primitive-kind", "A member with an underscore is an object").at(p).observed(&shown(beside))
                }),
            }
        }
        if node.value.is_null() {
            return;
        }
        if node.of == "xhtml" {
            self.narrative(node, path);
            return;
        }
        match primitive::check(node.of, node.value) {
            Ok(()) => {}
            Err(Wrong::Kind(expected)) => self.error(path, |p| {
                Finding::error("primitive-kind", format!("A {} is written as {expected}", node.of))
                    .at(p)
                    .expected(expected)
                    .observed(&shown(node.value))
                    .clause(clause(at))
            }),
            Err(Wrong::Doubtful(expected)) => self.add(Severity::Warning, path, |p| {
                Finding::warning("primitive-blank", format!("This {} is nothing but white space", node.of))
                    .at(p)
                    .expected(expected)
                    .clause(format!("http://hl7.org/fhir/R4/datatypes.html#{}", node.of))
            }),
            Err(Wrong::Form(expected)) => self.error(path, |p| {
                Finding::error("primitive-format", format!("This is not a {}", node.of))
                    .at(p)
                    .expected(expected)
                    .observed(&shown(node.value))
                    .clause(format!("http://hl7.org/fhir/R4/datatypes.html#{}", node.of))
            }),
        }
    }

    fn narrative(&self, node: Node<'a>, path: &Path<'_>) {
        let Some(text) = node.value.as_str() else {
            self.error(path, |p| Finding::error("primitive-kind", "A narrative's div is a string").at(p).observed(&shown(node.value)));
            return;
        };
        for (rule, message) in narrative::faults(text) {
            self.error(path, |p| {
                Finding::error(rule, message).at(p).expected("limited, well-formed XHTML").clause("http://hl7.org/fhir/R4/narrative.html")
            });
        }
    }

    /// What a definition says of one value: fixed, pattern, length, range, binding, rules.
    pub(super) fn demands(&self, at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let element = at.element();
        if let Some(fixed) = &element.fixed
            && !super::slicing::equals(fixed, node.value)
        {
            self.error(path, |p| {
                Finding::error("fixed-value", format!("{} has one value only", element.name))
                    .at(p)
                    .expected(fixed.to_string())
                    .observed(&node.value.to_string())
                    .clause(clause(at))
            });
        }
        if let Some(pattern) = &element.pattern
            && !super::slicing::matches(pattern, node.value)
        {
            self.error(path, |p| {
                Finding::error("pattern-value", format!("{} does not have the values that it must have", element.name))
                    .at(p)
                    .expected(pattern.to_string())
                    .observed(&node.value.to_string())
                    .clause(clause(at))
            });
        }
        if let (Some(most), Some(text)) = (element.max_length, node.value.as_str())
            && text.len() as u64 > most
            && text.chars().count() as u64 > most
        {
            self.error(path, |p| {
                Finding::error("max-length", format!("{} is longer than {most} characters", element.name))
                    .at(p)
                    .expected(format!("at most {most} characters"))
                    .observed(&text.chars().count().to_string())
                    .clause(clause(at))
            });
        }
        for (bound, low) in [(&element.least, true), (&element.most, false)] {
            if let Some(bound) = bound
                && super::slicing::beyond(bound, node.value, low) == Some(true)
            {
                self.error(path, |p| {
                    Finding::error("value-range", format!("{} is outside of its range", element.name))
                        .at(p)
                        .expected(format!("{} {bound}", if low { "at least" } else { "at most" }))
                        .observed(&node.value.to_string())
                        .clause(clause(at))
                });
            }
        }
        if let Some(binding) = &element.binding {
            self.binding(binding, at, node, path);
        }
        self.rules(&element.constraints, at, node, path, within);
    }

    /// Evaluates rules on an element.
    pub(super) fn rules(&self, rules: &'a [Constraint], at: At<'a>, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        if !self.options.invariants {
            return;
        }
        for rule in rules {
            if is_native(&rule.key) || (at.profile.constraint && self.inherits(rule, at)) {
                continue;
            }
            let env = Env { definitions: self.definitions, resource: within.resource, root: within.root, around: self, spent: &self.spent };
            let answer = rule.compiled().map_or(Answer::NotEvaluable, |compiled| env.test(compiled, node));
            match answer {
                Answer::Holds | Answer::Empty => {}
                Answer::Broken => {
                    let severity = if rule.error { Severity::Error } else { Severity::Warning };
                    self.add(severity, path, |p| {
                        let human = if rule.human.is_empty() { "a rule of the definition is broken" } else { &rule.human };
                        Finding::new(&*rule.key, severity, format!("Rule {} is broken: {human}", rule.key))
                            .at(p)
                            .expected(&*rule.expression)
                            .clause(format!("{}#{}", at.profile.url, rule.key))
                    });
                }
                // Our limit, not the resource's fault. Rules of warnings would only add noise.
                Answer::NotEvaluable if rule.error && !at.profile.constraint => {}
                Answer::NotEvaluable => {}
            }
        }
    }

    /// Whether the base type has the same rule at the same place: it was evaluated there.
    fn inherits(&self, rule: &'a Constraint, at: At<'a>) -> bool {
        *rule.inherited.get_or_init(|| {
            let Some(base) = self.definitions.by_type(&at.profile.of) else { return false };
            let path = &*at.element().path;
            let mut here = base.find(path).map(|i| base.element(i));
            // Inside a data type the rule belongs to that type.
            if here.is_none() {
                let of = at.element().types.first().and_then(|t| self.definitions.by_type(&t.code));
                here = of.map(|p| p.element(0));
            }
            here.is_some_and(|e| e.constraints.iter().any(|c| c.key == rule.key && c.expression == rule.expression))
        })
    }
}

/// Rules that this engine judges itself: faster, or where FHIRPath is clumsy or published wrongly.
fn is_native(key: &str) -> bool {
    matches!(key, "ele-1" | "ext-1" | "ref-1" | "txt-1" | "txt-2" | "dom-2" | "dom-3" | "dom-4" | "dom-5" | "dom-6")
}

/// The member that a value stands in.
struct Key<'p, 'a> {
    name: &'p str,
    path: &'p Path<'p>,
    within: Within<'a>,
}
