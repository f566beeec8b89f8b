//! Questionnaires and their responses: items that other items name must be there.
//!
//! FHIR R4, Questionnaire.item.enableWhen.question ("the linkId for the question whose answer governs
//! whether this item is enabled") and QuestionnaireResponse.item.linkId ("the item from the Questionnaire
//! that corresponds to this item"). A response is judged by its questionnaire where that is at hand: in
//! the response itself, or in the same Bundle.

use std::collections::HashSet;

use serde_json::Value;

use super::definitions::split;
use super::fhirpath::Node;
use super::validator::{Path, Walk, Within};
use crate::document::MAX_DEPTH;
use crate::verdict::Finding;

/// The link ids of a questionnaire's items.
fn link_ids<'a>(item: &'a Value, depth: usize, out: &mut HashSet<&'a str>) {
    for inner in item.get("item").and_then(Value::as_array).into_iter().flatten().filter(|_| depth < MAX_DEPTH) {
        out.extend(inner.get("linkId").and_then(Value::as_str));
        link_ids(inner, depth + 1, out);
    }
}

impl<'a> Walk<'a> {
    /// Judges what the items of a Questionnaire depend on.
    pub(super) fn questionnaire(&self, node: Node<'a>, path: &Path<'_>) {
        let mut known = HashSet::new();
        link_ids(node.value, 0, &mut known);
        self.conditions(node.value, &known, path, 0);
    }

    fn conditions(&self, value: &'a Value, known: &HashSet<&'a str>, path: &Path<'_>, depth: usize) {
        for (n, item) in value.get("item").and_then(Value::as_array).into_iter().flatten().enumerate().filter(|_| depth < MAX_DEPTH) {
            let here = path.to("item", Some(n));
            let own = item.get("linkId").and_then(Value::as_str);
            for (n, condition) in item.get("enableWhen").and_then(Value::as_array).into_iter().flatten().enumerate() {
                let Some(question) = condition.get("question").and_then(Value::as_str).filter(|q| !q.is_empty()) else { continue };
                let fault = if own == Some(question) {
                    "The item depends on its own answer"
                } else if !known.contains(question) {
                    "The question that the item depends on is not in the questionnaire"
                } else {
                    continue;
                };
                self.error(&here.to("enableWhen", Some(n)).to("question", None), |p| {
                    Finding::error("questionnaire-condition", fault)
                        .at(p)
                        .expected("the linkId of another item")
                        .observed(question)
                        .clause("http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen.question")
                });
            }
            self.conditions(item, known, &here, depth + 1);
        }
    }

    /// Judges a response by its questionnaire, where that is at hand.
    pub(super) fn questionnaire_response(&self, node: Node<'a>, path: &Path<'_>, within: Within<'a>) {
        let Some(canonical) = node.text("questionnaire") else { return };
        let questionnaire = if canonical.starts_with('#') {
            self.resolved(within.root, canonical).map(|found| found.value)
        } else {
            let entries = self.top().get("entry").and_then(Value::as_array).into_iter().flatten();
            let mut resources = entries.filter_map(|e| e.get("resource"));
            resources.find(|r| r.get("url").and_then(Value::as_str).is_some_and(|url| url == split(canonical).0))
        };
        let of = |value: &'a Value| value.get("resourceType").and_then(Value::as_str) == Some("Questionnaire");
        let Some(questionnaire) = questionnaire.filter(|q| of(q)) else { return };
        let mut known = HashSet::new();
        link_ids(questionnaire, 0, &mut known);
        self.answered(node.value, &known, path, 0);
    }

    fn answered(&self, value: &'a Value, known: &HashSet<&'a str>, path: &Path<'_>, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        for (n, item) in value.get("item").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let here = path.to("item", Some(n));
            if let Some(link) = item.get("linkId").and_then(Value::as_str).filter(|link| !link.is_empty() && !known.contains(link)) {
                self.error(&here.to("linkId", None), |p| {
                    Finding::error("questionnaire-item", "The questionnaire has no such item")
                        .at(p)
                        .expected("the linkId of an item of the questionnaire")
                        .observed(link)
                        .clause("http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.item.linkId")
                });
            }
            self.answered(item, known, &here, depth + 1);
            for (n, answer) in item.get("answer").and_then(Value::as_array).into_iter().flatten().enumerate() {
                self.answered(answer, known, &here.to("answer", Some(n)), depth + 1);
            }
        }
    }
}
