//! Codes in a resource: bindings to value sets, and codes that do not exist.

use serde_json::Value;

use super::fhirpath::Node;
use super::profile::{At, Binding, Strength};
use super::reference::is_absolute;
use super::terminology::{Member, by_grammar, is_ucum};
use super::validator::{Path, Walk};
use super::walk::clause;
use crate::verdict::{Finding, Severity};

/// The code system of units.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// A code with its system, as an element carries it.
type Code<'a> = (Option<&'a str>, &'a str);

/// The codes of a coded element; `None` when the type carries none.
fn codes<'a>(node: Node<'a>) -> Option<Vec<Code<'a>>> {
    let coding = |value: &'a Value| -> Option<Code<'a>> {
        Some((value.get("system").and_then(Value::as_str), value.get("code").and_then(Value::as_str)?))
    };
    Some(match node.of {
        "code" | "string" | "uri" | "url" | "canonical" | "id" | "oid" | "markdown" => vec![(None, node.value.as_str()?)],
        "Coding" | "Quantity" | "Age" | "Duration" | "Count" | "Distance" | "Money" | "SimpleQuantity" => {
            coding(node.value).into_iter().collect()
        }
        "CodeableConcept" => node.value.get("coding").and_then(Value::as_array).into_iter().flatten().filter_map(coding).collect(),
        "CodeableReference" => {
            let concept = node.value.get("concept")?;
            concept.get("coding").and_then(Value::as_array).into_iter().flatten().filter_map(coding).collect()
        }
        _ => return None,
    })
}

impl<'a> Walk<'a> {
    /// Whether one of an element's codes is in a value set; `None` when that cannot be told.
    pub(super) fn in_value_set(&self, node: Node<'a>, value_set: &str) -> Option<bool> {
        let (set, _) = self.definitions.value_set(value_set)?;
        let expansion = set.expansion(self.definitions);
        let mut unknown = false;
        for (system, code) in codes(node)? {
            // A coding without a system names no code, whatever its letters are.
            let answer = if system.is_none() && node.of.starts_with(|c: char| c.is_ascii_uppercase()) {
                Member::No
            } else {
                expansion.has(system, code)
            };
            match answer {
                Member::Yes => return Some(true),
                Member::No => {}
                Member::Unknown => unknown = true,
            }
        }
        if unknown { None } else { Some(false) }
    }

    /// Judges a bound element.
    pub(super) fn binding(&self, binding: &'a Binding, at: At<'a>, node: Node<'a>, path: &Path<'_>) {
        let (firm, set) = match (binding.strength, &binding.widest) {
            (Strength::Required, _) => (true, &binding.value_set),
            (_, Some(widest)) => (true, widest),
            (Strength::Extensible, None) => (false, &binding.value_set),
            (Strength::Weaker, None) => return,
        };
        if node.value.is_null() {
            return;
        }
        let Some(given) = codes(node) else { return };
        if given.is_empty() {
            // Text alone says nothing that a value set could hold; a quantity without a code and an
            // element that says why it has no code are left alone.
            let excused = binding.strength == Strength::Weaker
                || matches!(node.of, "Quantity" | "Money" | "SimpleQuantity" | "CodeableReference" | "Coding")
                || node.member("extension").is_some();
            if firm && !excused && self.definitions.value_set(set).is_some() {
                self.error(path, |p| {
                    Finding::error("binding-required", format!("{} has no code, and one of its value set is required", at.element().name))
                        .at(p)
                        .expected(format!("a code of {set}"))
                        .clause(clause(at))
                });
            }
            return;
        }
        let Some((known, exact)) = self.definitions.value_set(set) else {
            if firm {
                self.open_set(set, at, &given, path);
            }
            return;
        };
        match self.in_value_set(node, set) {
            Some(true) => {}
            Some(false) => {
                let expansion = known.expansion(self.definitions);
                // Of a set of another version than the one that was asked for, a miss is no proof.
                let severity = match (firm, exact) {
                    (true, true) => Severity::Error,
                    (true, false) => Severity::Open,
                    (false, _) => Severity::Warning,
                };
                let rule = if firm { "binding-required" } else { "binding-extensible" };
                self.add(severity, path, |p| {
                    Finding::new(rule, severity, format!("The code of {} is not in its value set", at.element().name))
                        .at(p)
                        .expected(format!("{} ({set})", expansion.sample()))
                        .observed(&describe(&given))
                        .clause(clause(at))
                });
            }
            None if firm => self.open_set(set, at, &given, path),
            None => {}
        }
    }

    fn open_set(&self, set: &str, at: At<'a>, given: &[Code<'a>], path: &Path<'_>) {
        self.add(Severity::Open, path, |p| {
            Finding::open(
                "terminology-unknown",
                format!("Whether the code of {} is in its value set needs terminology that is not at hand", at.element().name),
            )
            .at(p)
            .expected(format!("a code of {set}"))
            .observed(&describe(given))
            .clause(clause(at))
        });
    }

    /// Judges a coding by its code system, when that is at hand.
    pub(super) fn coding(&self, node: Node<'a>, path: &Path<'_>) {
        let Some(system) = node.text("system").filter(|s| !s.is_empty()) else { return };
        // A name of its own would not tell what system is meant; `#x` is one that is contained.
        if !is_absolute(system) && !system.starts_with('#') {
            self.error(&path.to("system", None), |p| {
                Finding::error("coding-system", "The system of a coding is an absolute address")
                    .at(p)
                    .expected("an absolute address or a urn")
                    .observed(system)
                    .clause("http://hl7.org/fhir/R4/datatypes.html#Coding")
            });
            return;
        }
        let (Some(code), here) = (node.text("code"), path.to("code", None)) else { return };
        if system.contains("/ValueSet/") && self.definitions.value_set(system).is_some() {
            self.error(&path.to("system", None), |p| {
                Finding::error("coding-system", "The system of a coding is a code system, and this is a value set")
                    .at(p)
                    .observed(system)
                    .clause("http://hl7.org/fhir/R4/datatypes.html#Coding")
            });
            return;
        }
        let by_grammar = by_grammar(system, code);
        if by_grammar == Some(false) {
            self.error(&here, |p| {
                Finding::error("code-unknown", format!("The code is not one of {system}"))
                    .at(p)
                    .expected(format!("a code of {system}"))
                    .observed(code)
            });
            return;
        }
        // A package lists a few codes of a grammar at most.
        let Some(known) = self.definitions.code_system(system).filter(|_| by_grammar.is_none()) else { return };
        // A coding of another version than the one at hand proves nothing.
        match known.has(code) {
            Member::No if node.member("version").is_none() => self.error(&here, |p| {
                Finding::error("code-unknown", "The code system has no such code")
                    .at(p)
                    .expected(format!("a code of {system}"))
                    .observed(code)
                    .clause(system)
            }),
            Member::Yes => {
                let (Some(wanted), Some(given)) = (known.display(code), node.text("display")) else { return };
                let plain = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
                if plain(wanted) != plain(given) {
                    self.add(Severity::Warning, &path.to("display", None), |p| {
                        Finding::warning("display", "The display is not the name that the code system gives")
                            .at(p)
                            .expected(wanted)
                            .observed(given)
                    });
                }
            }
            Member::No | Member::Unknown => {}
        }
    }

    /// Judges the unit of a quantity.
    pub(super) fn unit(&self, node: Node<'a>, path: &Path<'_>) {
        if let (Some(UCUM), Some(code)) = (node.text("system"), node.text("code"))
            && !is_ucum(code)
        {
            // No rule of the base definition binds a unit to UCUM; profiles and the judge of device data do.
            self.add(Severity::Warning, &path.to("code", None), |p| {
                Finding::warning("ucum", "The unit is not a UCUM code")
                    .at(p)
                    .expected("a case-sensitive UCUM code")
                    .observed(code)
                    .clause("http://unitsofmeasure.org")
            });
        }
    }
}

fn describe(given: &[Code<'_>]) -> String {
    let one = |(system, code): &Code<'_>| system.map_or_else(|| (*code).to_owned(), |s| format!("{s}#{code}"));
    given.iter().take(5).map(one).collect::<Vec<_>>().join(", ")
}
