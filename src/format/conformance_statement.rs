//! Implementation conformance statement: what a maker says about each provision of a standard, and
//! the tables of details (IXIT) it rests on, in the sense of ETSI TS 103 701.
//!
//! The form is ours and described in `docs/ics.md`; the provisions come from a data file, so that no
//! standard is known here. The judge asks whether a statement is whole and free of contradictions. It
//! cannot ask whether it is true: that is said per provision, with the kind of evidence it takes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Node, Source, from_node, push_token};
use crate::verdict::{Finding, Severity};

/// The provisions of a standard, with what decides whether they apply.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Catalogue {
    /// The standard's name.
    pub standard: String,
    /// The editions that the list holds for.
    pub editions: Vec<String>,
    /// Features by letter.
    pub features: BTreeMap<String, Circumstance>,
    /// Conditions by number.
    pub conditions: BTreeMap<String, Circumstance>,
    /// Names of the tables of details.
    pub ixit_tables: Vec<String>,
    /// The provisions, in the standard's order.
    pub provisions: Vec<Provision>,
}

/// Something that is so of a product or not: a feature or a condition.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Circumstance {
    /// In a few words of ours.
    pub words: String,
    /// Features that must be there where this one is.
    #[serde(default)]
    pub implies: Vec<String>,
}

/// One provision.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provision {
    /// Its number.
    pub id: String,
    /// In a few words of ours.
    pub words: String,
    /// Mandatory or recommended.
    pub status: Status,
    /// The feature without which it does not apply.
    #[serde(default)]
    pub feature: Option<String>,
    /// The condition without which it does not apply.
    #[serde(default)]
    pub condition: Option<String>,
    /// The cases of its test group.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// What kinds of evidence can show it.
    #[serde(default)]
    pub evidence: Vec<EvidenceKind>,
    /// Tables that a claim rests on.
    #[serde(default)]
    pub ixit: Vec<String>,
    /// The line has not been compared with the standard: what rests on it stays open.
    #[serde(default)]
    pub to_be_checked: bool,
}

/// How binding a provision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Mandatory.
    #[serde(rename = "M")]
    Mandatory,
    /// Recommended.
    #[serde(rename = "R")]
    Recommended,
}

/// A case of a test group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Case {
    /// Is what is claimed sound?
    #[serde(rename = "c")]
    Conceptual,
    /// Does the product behave so?
    #[serde(rename = "f")]
    Functional,
}

/// What can show that a provision is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceKind {
    /// A probe over the network.
    #[serde(rename = "N")]
    Probe,
    /// A probe over the network, in part.
    #[serde(rename = "n")]
    ProbeInPart,
    /// A laboratory.
    #[serde(rename = "L")]
    Laboratory,
    /// A structured document.
    #[serde(rename = "D")]
    Document,
    /// A person.
    #[serde(rename = "H")]
    Person,
}

impl Catalogue {
    /// Reads the data file of a standard.
    ///
    /// # Errors
    /// One sentence with the place, when the file does not have the form of a catalogue.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let node = Node::read(name, text).map_err(|e| e.to_string())?;
        let catalogue: Self =
            from_node(&node).map_err(|e| e.position.map_or_else(|| format!("{e} ({name})"), |p| format!("{e} ({name}:{p})")))?;
        let unknown = |what: &str, of: &str| Err(format!("{name}: {of} names {what}, which is not in the list"));
        for provision in &catalogue.provisions {
            if let Some(feature) = provision.feature.as_ref().filter(|f| !catalogue.features.contains_key(*f)) {
                return unknown(feature, &provision.id);
            }
            if let Some(condition) = provision.condition.as_ref().filter(|c| !catalogue.conditions.contains_key(*c)) {
                return unknown(condition, &provision.id);
            }
            if let Some(table) = provision.ixit.iter().find(|t| !catalogue.ixit_tables.contains(t)) {
                return unknown(table, &provision.id);
            }
        }
        Ok(catalogue)
    }
}

/// What is said about a provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Support {
    /// Supported.
    Y,
    /// Not supported.
    N,
    /// Not applicable.
    #[serde(rename = "N/A")]
    NotApplicable,
}

/// One line of the report: a provision, what is said, and whether it holds together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The provision's number.
    pub id: String,
    /// The provision in a few words.
    pub words: String,
    /// How binding it is.
    pub status: Status,
    /// Whether it applies, by the features and conditions that are stated; `None`: not stated.
    pub applies: Option<bool>,
    /// What is said, if it could be read.
    pub support: Option<Support>,
    /// Rules that the line breaks.
    pub broken: Vec<String>,
    /// What kinds of evidence can show that it is true.
    pub evidence: Vec<EvidenceKind>,
}

impl Line {
    /// Whether a machine can show nothing about it over the network.
    pub fn needs_a_person(&self) -> bool {
        self.evidence.iter().all(|e| matches!(e, EvidenceKind::Laboratory | EvidenceKind::Document | EvidenceKind::Person))
    }
}

/// A statement as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// One line for each provision, in the standard's order.
    pub lines: Vec<Line>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Judges a statement by a catalogue; `version` is the product's, as the target names it.
pub fn judge(source: &Source, catalogue: &Catalogue, version: Option<&str>) -> Statement {
    let mut judge = Judge {
        catalogue,
        value: source.value(),
        text: source.text(),
        findings: Vec::new(),
        features: BTreeMap::new(),
        conditions: BTreeMap::new(),
        rows: BTreeSet::new(),
    };
    for duplicate in source.duplicates() {
        judge.tell(Severity::Error, "duplicate-key", "the same key stands twice", &duplicate.object, "each key once", &duplicate.key);
    }
    let lines = judge.run(version);
    let mut findings = judge.findings;
    let positions = source.positions(findings.iter().map(|f| f.path.as_str()).collect::<Vec<_>>());
    for (finding, position) in findings.iter_mut().zip(positions) {
        finding.position = position;
    }
    Statement { lines, findings }
}

struct Judge<'a> {
    catalogue: &'a Catalogue,
    value: &'a Value,
    text: &'a str,
    findings: Vec<Finding>,
    features: BTreeMap<String, bool>,
    conditions: BTreeMap<String, bool>,
    /// Ids of rows of tables, and names of tables that are filled.
    rows: BTreeSet<String>,
}

impl Judge<'_> {
    fn tell(&mut self, severity: Severity, rule: &str, message: &str, path: &str, expected: &str, observed: &str) {
        let mut finding =
            Finding::new(rule, severity, message.to_owned()).at(path).expected(expected).clause(self.catalogue.standard.clone());
        if !observed.is_empty() {
            finding = finding.observed(observed);
        }
        self.findings.push(finding);
    }

    fn run(&mut self, version: Option<&str>) -> Vec<Line> {
        self.read_head(version);
        self.features = self.read_circumstances("features", &self.catalogue.features);
        self.conditions = self.read_circumstances("conditions", &self.catalogue.conditions);
        self.judge_implications();
        self.read_tables();
        let answers = self.value.get("provisions").cloned().unwrap_or(Value::Null);
        let Value::Object(answers) = answers else {
            self.tell(
                Severity::Error,
                "no-provisions",
                "the statement answers no provision",
                "/provisions",
                "a mapping from provision to answer",
                "",
            );
            return Vec::new();
        };
        for id in answers.keys().filter(|id| !self.catalogue.provisions.iter().any(|p| p.id == **id)) {
            self.tell(
                Severity::Error,
                "provision-unknown",
                "there is no such provision",
                &join("/provisions", id),
                "a provision of the standard",
                id,
            );
        }
        let provisions = &self.catalogue.provisions;
        provisions.iter().map(|provision| self.judge_provision(provision, answers.get(&provision.id))).collect()
    }

    fn read_head(&mut self, version: Option<&str>) {
        // As it is spelled: the version 2.10 is not the number 2.1.
        let spelled = Node::read("", self.text).ok();
        let text = |pointer: &str| spelled.as_ref().and_then(|n| n.find(pointer)).and_then(Node::as_text).unwrap_or_default().to_owned();
        let (standard, edition, stated) = (text("/standard"), text("/edition"), text("/product/version"));
        if !standard.to_lowercase().contains(&self.catalogue.standard.to_lowercase().replace("etsi ", "")) {
            self.tell(
                Severity::Error,
                "standard",
                "the statement is for another standard",
                "/standard",
                &self.catalogue.standard.clone(),
                &standard,
            );
        }
        if !self.catalogue.editions.iter().any(|e| e.trim_start_matches('V') == edition.trim_start_matches(['V', 'v'])) {
            let expected = self.catalogue.editions.join(", ");
            self.tell(Severity::Open, "edition", "the statement is for an edition that is not known here", "/edition", &expected, &edition);
        }
        if text("/product/name").trim().is_empty() {
            self.tell(Severity::Error, "product-name", "the statement does not name the product", "/product", "name", "");
        }
        match version {
            Some(wanted) if stated.trim_start_matches('v') != wanted.trim_start_matches('v') => {
                self.tell(
                    Severity::Error,
                    "product-version",
                    "the statement is for another version of the product",
                    "/product/version",
                    wanted,
                    &stated,
                );
            }
            Some(_) | None => {}
        }
    }

    fn read_circumstances(&mut self, key: &str, known: &BTreeMap<String, Circumstance>) -> BTreeMap<String, bool> {
        let mut stated = BTreeMap::new();
        let given = self.value.get(key).and_then(Value::as_object);
        for (name, circumstance) in known {
            let pointer = join(&format!("/{key}"), name);
            match given.and_then(|g| g.get(name)).map(yes_or_no) {
                Some(Some(answer)) => drop(stated.insert(name.clone(), answer)),
                Some(None) => {
                    self.tell(Severity::Error, "circumstance", "it is not said whether this is so", &pointer, "Y or N", &circumstance.words)
                }
                None => self.tell(
                    Severity::Error,
                    "circumstance",
                    "it is not said whether this is so",
                    &format!("/{key}"),
                    &format!("{name}: Y or N"),
                    &circumstance.words,
                ),
            }
        }
        for name in given.into_iter().flat_map(|g| g.keys()).filter(|name| !known.contains_key(*name)) {
            self.tell(
                Severity::Error,
                "circumstance-unknown",
                "there is no such feature or condition",
                &join(&format!("/{key}"), name),
                "one of the standard",
                name,
            );
        }
        stated
    }

    fn judge_implications(&mut self) {
        let catalogue = self.catalogue;
        for (key, known) in [("features", &catalogue.features), ("conditions", &catalogue.conditions)] {
            for (name, circumstance) in known {
                let holds = if key == "features" { self.features.get(name) } else { self.conditions.get(name) };
                if holds != Some(&true) {
                    continue;
                }
                let denied: Vec<&String> = circumstance.implies.iter().filter(|i| self.features.get(*i) == Some(&false)).collect();
                for implied in denied {
                    let (words, other) = (&circumstance.words, catalogue.features.get(implied).map_or("", |c| c.words.as_str()));
                    self.tell(
                        Severity::Error,
                        "circumstance-contradiction",
                        &format!("two statements contradict each other: \"{words}\" is said, \"{other}\" is denied"),
                        &join(&format!("/{key}"), name),
                        &format!("feature {implied}: Y"),
                        "",
                    );
                }
            }
        }
    }

    fn read_tables(&mut self) {
        let Some(tables) = self.value.get("ixit").and_then(Value::as_object).cloned() else { return };
        for (name, rows) in &tables {
            let pointer = join("/ixit", name);
            if !self.catalogue.ixit_tables.contains(name) {
                self.tell(Severity::Error, "ixit-unknown", "there is no such table of details", &pointer, "a table of the standard", name);
            }
            let Some(rows) = rows.as_array() else {
                self.tell(Severity::Error, "ixit-form", "a table of details is not a list of rows", &pointer, "a list", "");
                continue;
            };
            let mut filled = false;
            for (i, row) in rows.iter().enumerate() {
                let at = format!("{pointer}/{i}");
                let id = row.get("id").map(plain).unwrap_or_default();
                if id.trim().is_empty() {
                    self.tell(Severity::Error, "ixit-id", "a row of a table of details has no id", &at, "id", "");
                } else if !self.rows.insert(id.clone()) {
                    self.tell(Severity::Error, "ixit-id", "two rows of tables of details have the same id", &at, "an id of its own", &id);
                }
                let said = row.as_object().is_some_and(|r| r.iter().any(|(key, value)| key != "id" && is_said(value)));
                if said {
                    filled = true;
                } else {
                    self.tell(
                        Severity::Error,
                        "ixit-empty",
                        "a row of a table of details says nothing",
                        &at,
                        "at least one detail beside the id",
                        &id,
                    );
                }
            }
            if filled {
                self.rows.insert(name.clone());
            }
        }
    }

    fn judge_provision(&mut self, provision: &Provision, answer: Option<&Value>) -> Line {
        let before = self.findings.len();
        let feature = provision.feature.as_ref().map(|f| self.features.get(f).copied());
        let condition = provision.condition.as_ref().map(|c| self.conditions.get(c).copied());
        let applies = match (feature, condition) {
            (Some(Some(false)), _) | (_, Some(Some(false))) => Some(false),
            (Some(None), _) | (_, Some(None)) => None,
            (None | Some(Some(true)), None | Some(Some(true))) => Some(true),
        };
        let pointer = join("/provisions", &provision.id);
        let label = format!("{} ({})", provision.id, provision.words);
        let support = match answer {
            None => {
                self.tell(
                    Severity::Error,
                    "provision-missing",
                    &format!("provision {label} is not answered"),
                    "/provisions",
                    "Y, N or N/A",
                    "",
                );
                None
            }
            Some(answer) => {
                let said = answer.get("support").unwrap_or(answer);
                let support = read_support(said);
                if support.is_none() {
                    self.tell(
                        Severity::Error,
                        "provision-answer",
                        &format!("the answer to provision {label} is none"),
                        &pointer,
                        "Y, N or N/A",
                        &plain(said),
                    );
                }
                support
            }
        };
        if let (Some(answer), Some(support)) = (answer, support) {
            self.judge_answer(provision, answer, support, applies, &pointer, &label);
        }
        if provision.to_be_checked {
            for finding in
                self.findings.iter_mut().skip(before).filter(|f| matches!(f.rule.as_str(), "mandatory-unmet" | "not-applicable-but-so"))
            {
                finding.severity = Severity::Open;
            }
        }
        Line {
            id: provision.id.clone(),
            words: provision.words.clone(),
            status: provision.status,
            applies,
            support,
            broken: self.findings.iter().skip(before).filter(|f| f.severity != Severity::Warning).map(|f| f.rule.clone()).collect(),
            evidence: provision.evidence.clone(),
        }
    }

    fn judge_answer(&mut self, provision: &Provision, answer: &Value, support: Support, applies: Option<bool>, pointer: &str, label: &str) {
        let reason = ["reason", "detail"].iter().any(|key| answer.get(*key).is_some_and(is_said));
        let because = || match (&provision.feature, &provision.condition) {
            (Some(f), Some(c)) => format!("feature {f} and condition {c}"),
            (Some(f), None) => format!("feature {f}"),
            (None, Some(c)) => format!("condition {c}"),
            (None, None) => "nothing".to_owned(),
        };
        match support {
            Support::Y => {
                if applies == Some(false) {
                    self.tell(
                        Severity::Warning,
                        "supported-without-feature",
                        &format!("provision {label} is said to be met, though it does not apply"),
                        pointer,
                        &format!("N/A, or {} stated", because()),
                        "Y",
                    );
                }
                for table in provision.ixit.iter().filter(|t| !self.rows.contains(*t)).collect::<Vec<_>>() {
                    self.tell(
                        Severity::Error,
                        "ixit-missing",
                        &format!("provision {label} is said to be met, but the table it rests on is empty"),
                        pointer,
                        &format!("rows in the table {table}"),
                        "",
                    );
                }
            }
            Support::N => {
                if provision.status == Status::Mandatory && applies != Some(false) {
                    self.tell(
                        Severity::Error,
                        "mandatory-unmet",
                        &format!("mandatory provision {label} is said not to be met"),
                        pointer,
                        "Y",
                        "N",
                    );
                }
                if applies == Some(false) {
                    self.tell(
                        Severity::Warning,
                        "unmet-without-feature",
                        &format!("provision {label} does not apply and is answered with N"),
                        pointer,
                        "N/A",
                        "N",
                    );
                }
            }
            Support::NotApplicable if applies == Some(true) => {
                let message = format!("provision {label} is said not to apply, though {} holds", because());
                let unconditional = provision.feature.is_none() && provision.condition.is_none();
                let message = if unconditional {
                    format!("provision {label} is said not to apply, though it applies to every product")
                } else {
                    message
                };
                // A recommendation may be judged not applicable, if the reason is given (5.0-1).
                let severity = if provision.status == Status::Mandatory { Severity::Error } else { Severity::Warning };
                self.tell(severity, "not-applicable-but-so", &message, pointer, "Y or N", "N/A");
            }
            Support::NotApplicable => {}
        }
        if support != Support::Y && !reason {
            self.tell(
                Severity::Error,
                "reason-missing",
                &format!("no reason is given for the answer to provision {label}"),
                pointer,
                "reason",
                "",
            );
        }
        for named in answer.get("ixit").and_then(Value::as_array).into_iter().flatten().map(plain) {
            if !self.rows.contains(&named) {
                self.tell(
                    Severity::Error,
                    "ixit-dangling",
                    &format!("the answer to provision {label} refers to details that are not there"),
                    pointer,
                    "an id of a row, or a table that is filled",
                    &named,
                );
            }
        }
    }
}

fn join(pointer: &str, token: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_token(&mut pointer, token);
    pointer
}

/// A scalar as text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn yes_or_no(value: &Value) -> Option<bool> {
    match plain(value).to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    }
}

fn read_support(value: &Value) -> Option<Support> {
    match plain(value).to_ascii_uppercase().as_str() {
        "Y" | "YES" | "TRUE" => Some(Support::Y),
        "N" | "NO" | "FALSE" => Some(Support::N),
        "N/A" | "NA" => Some(Support::NotApplicable),
        _ => None,
    }
}

/// Whether something is said, and not only a place kept for it.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => {
            let text = text.trim().trim_matches(['.', '-', '?', '…', '<', '>', '[', ']']).trim().to_ascii_lowercase();
            !text.is_empty()
                && !matches!(
                    text.as_str(),
                    "tbd"
                        | "todo"
                        | "to do"
                        | "to be done"
                        | "to be defined"
                        | "n/a"
                        | "na"
                        | "none"
                        | "unknown"
                        | "x"
                        | "xxx"
                        | "fixme"
                        | "tbc"
                )
        }
        Value::Array(items) => items.iter().any(is_said),
        Value::Object(map) => map.values().any(is_said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVISIONS: &str = include_str!("../../profiles/en-303-645/provisions.yaml");
    const EXAMPLE: &str = include_str!("../../docs/ics.md");

    fn catalogue() -> Catalogue {
        Catalogue::read("provisions.yaml", PROVISIONS).unwrap()
    }
    /// The example of the documentation, whole.
    fn example() -> String {
        let start = EXAMPLE.find("```yaml\n").unwrap() + 8;
        let end = EXAMPLE[start..].find("```").unwrap() + start;
        EXAMPLE[start..end].to_owned()
    }
    fn judged(text: &str) -> Statement {
        judge(&Source::yaml("ics.yaml", text.as_bytes()).unwrap(), &catalogue(), Some("2.4.1"))
    }
    fn rules(text: &str, severity: Severity) -> Vec<String> {
        judged(text).findings.into_iter().filter(|f| f.severity == severity).map(|f| f.rule).collect()
    }

    #[test]
    fn the_catalogue_is_whole() {
        let catalogue = catalogue();
        assert_eq!(catalogue.provisions.len(), 78);
        assert_eq!((catalogue.features.len(), catalogue.conditions.len(), catalogue.ixit_tables.len()), (27, 5, 29));
        let ids: BTreeSet<_> = catalogue.provisions.iter().map(|p| &p.id).collect();
        assert_eq!(ids.len(), 78);
        assert!(catalogue.provisions.iter().all(|p| !p.to_be_checked));
    }

    #[test]
    fn the_documented_example_is_sound_and_reported_per_provision() {
        let statement = judged(&example());
        assert_eq!(statement.findings, []);
        assert_eq!(statement.lines.len(), 78);
        let line = |id: &str| statement.lines.iter().find(|l| l.id == id).unwrap();
        assert_eq!(line("5.3-14").applies, Some(false));
        assert_eq!(line("5.3-14").support, Some(Support::NotApplicable));
        assert!(line("5.2-2").needs_a_person() && !line("5.5-1").needs_a_person());
    }

    #[test]
    fn each_contradiction_has_its_rule() {
        let cases = [
            ("  5.1-1: { support: Y, ixit: [AuthMech-1] }", "", "provision-missing"),
            ("5.1-1: { support: Y,", "5.1-1: { support: maybe,", "provision-answer"),
            ("  5.1-1: { support: Y, ixit: [AuthMech-1] }", "  5.1-1: { support: N, reason: We keep one password. }", "mandatory-unmet"),
            ("  5.1-1: { support: Y, ixit: [AuthMech-1] }", "  5.1-1: { support: N/A, reason: We think so. }", "not-applicable-but-so"),
            ("  5.2-1: Y", "  5.2-1: { support: N/A, reason: We think so. }", "not-applicable-but-so"),
            ("  5.6-8: { support: N, reason: The processor has no such unit. }", "  5.6-8: N", "reason-missing"),
            ("  5.6-8: { support: N, reason: The processor has no such unit. }", "  5.6-8: { support: N, reason: TBD }", "reason-missing"),
            ("ixit: [AuthMech-1] }", "ixit: [AuthMech-9] }", "ixit-dangling"),
            ("  5.2-1: Y", "  5.2-1: Y\n  5.99-1: Y", "provision-unknown"),
            ("  a: Y", "  a: N", "circumstance-contradiction"),
            ("  e: Y", "  e: perhaps", "circumstance"),
            ("  e: Y\n", "", "circumstance"),
            ("  e: Y", "  e: Y\n  bb: Y", "circumstance-unknown"),
            ("version: 2.4.1", "version: 2.4.0", "product-version"),
            ("standard: ETSI EN 303 645", "standard: ISO 27402", "standard"),
            ("    - { id: UpdProc-1, description: Fixes are built", "    - { id: UpdProc-1 }\n    #", "ixit-empty"),
            ("id: UpdProc-1", "id: UpdMech-1", "ixit-id"),
            ("  UpdProc:", "  UpdatePlan:", "ixit-unknown"),
            ("  UpdProc:", "  ExtSens: []\n  Rest:", "ixit-missing"),
            ("  5.2-1: Y", "  5.2-1: Y\n  5.2-1: Y", "duplicate-key"),
        ];
        for (from, to, rule) in cases {
            let text = example();
            let broken = text.replace(from, to);
            assert_ne!(broken, text, "{from}");
            let found = rules(&broken, Severity::Error);
            assert!(found.iter().any(|r| r == rule), "{to}: {found:?}");
            if !matches!(rule, "circumstance-contradiction" | "circumstance" | "ixit-empty" | "ixit-id" | "ixit-unknown" | "ixit-missing") {
                assert_eq!(found, [rule], "{to}");
            }
        }
    }

    #[test]
    fn lines_nobody_compared_with_the_standard_stay_open() {
        let mut catalogue = catalogue();
        catalogue.provisions.iter_mut().find(|p| p.id == "5.3-10").unwrap().to_be_checked = true;
        let text = example();
        let broken = text.replace("  5.3-10: Y", "  5.3-10: { support: N, reason: Not yet. }");
        assert_ne!(text, broken);
        assert_eq!(rules(&broken, Severity::Error), ["mandatory-unmet"]);
        let open = judge(&Source::yaml("ics.yaml", broken.as_bytes()).unwrap(), &catalogue, Some("2.4.1")).findings;
        assert_eq!(open.iter().map(|f| (f.severity, f.rule.as_str())).collect::<Vec<_>>(), [(Severity::Open, "mandatory-unmet")]);
        let edition = text.replace("edition: V3.1.3", "edition: V2.1.1");
        assert_eq!(rules(&edition, Severity::Open), ["edition"]);
    }

    #[test]
    fn a_version_is_compared_as_it_is_spelled() {
        let text = example().replace("version: 2.4.1", "version: 2.10");
        let statement = judge(&Source::yaml("ics.yaml", text.as_bytes()).unwrap(), &catalogue(), Some("2.10"));
        assert_eq!(statement.findings, []);
    }

    #[test]
    fn a_recommendation_may_be_left_out_with_a_reason() {
        let text = example().replace("  5.6-9: Y", "  5.6-9: { support: N/A, reason: Bought in. }");
        assert_eq!(
            (rules(&text, Severity::Error), rules(&text, Severity::Warning)),
            (Vec::new(), vec!["not-applicable-but-so".to_owned()])
        );
    }

    #[test]
    fn anything_else_gives_findings_and_lines_for_nothing() {
        for text in ["", "[]", "provisions: 3", "provisions: {5.1-1: [1]}", "ixit: {AuthMech: [3]}\nfeatures: [a]"] {
            assert!(!judged(text).findings.is_empty(), "{text}");
        }
    }
}
