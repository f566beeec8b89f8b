//! OpenACR 0.1.0: an accessibility conformance report as YAML (GSA), with the criteria of WCAG 2.0, 2.1
//! and 2.2, the revised Section 508 and EN 301 549.
//!
//! The format's own schema asks for little. What makes a report usable is asked here: criteria and
//! components that exist, known levels, and an explanation wherever something is not fully supported
//! (that one as a warning, because the template only recommends it).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::findings::Findings;
use super::json::{unreadable, wrong_type};
use super::{Pointer, is_email};
use crate::document::{Source, push_token};
use crate::verdict::{Finding, Severity};

const CLAUSE: &str = "OpenACR 0.1.0";

const LEVELS: &[&str] = &["supports", "partially-supports", "does-not-support", "not-applicable", "not-evaluated"];
const COMPONENTS: &[&str] = &["web", "electronic-docs", "software", "authoring-tool"];

/// Success criteria by level, with the versions of WCAG that have them: all three unless said.
const LEVEL_A: &str = "1.1.1 1.2.1 1.2.2 1.2.3 1.3.1 1.3.2 1.3.3 1.4.1 1.4.2 2.1.1 2.1.2 2.1.4:1,2 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2 2.4.3 2.4.4 \
    2.5.1:1,2 2.5.2:1,2 2.5.3:1,2 2.5.4:1,2 3.1.1 3.2.1 3.2.2 3.2.6:2 3.3.1 3.3.2 3.3.7:2 4.1.1:0,1 4.1.2";
const LEVEL_AA: &str = "1.2.4 1.2.5 1.3.4:1,2 1.3.5:1,2 1.4.3 1.4.4 1.4.5 1.4.10:1,2 1.4.11:1,2 1.4.12:1,2 1.4.13:1,2 2.4.5 2.4.6 2.4.7 2.4.11:2 \
    2.5.7:2 2.5.8:2 3.1.2 3.2.3 3.2.4 3.3.3 3.3.4 3.3.8:2 4.1.3:1,2";
const LEVEL_AAA: &str = "1.2.6 1.2.7 1.2.8 1.2.9 1.3.6:1,2 1.4.6 1.4.7 1.4.8 1.4.9 2.1.3 2.2.3 2.2.4 2.2.5 2.2.6:1,2 2.3.2 2.3.3:1,2 2.4.8 2.4.9 \
    2.4.10 2.4.12:2 2.4.13:2 2.5.5:1,2 2.5.6:1,2 3.1.3 3.1.4 3.1.5 3.1.6 3.2.5 3.3.5 3.3.6 3.3.9:2";

/// Chapters of the revised Section 508 with their criteria.
const FUNCTIONAL: &str = "302.1 302.2 302.3 302.4 302.5 302.6 302.7 302.8 302.9";
const HARDWARE: &str = "402.2.1 402.2.2 402.2.3 402.2.4 402.2.5 402.3.1 402.3.2 402.4 402.5 403.1 404.1 405.1 406.1 407.2 407.3.1 407.3.2 407.3.3 \
    407.4 407.5 407.6 407.7 407.8.1 407.8.1.1 407.8.1.2 407.8.2 407.8.2.1 407.8.2.2 407.8.3 407.8.3.1 407.8.3.2 407.8.3.2.1 407.8.3.2.2 408.2 \
    408.3 409.1 410.1 411.1 412.2.1 412.2.2 412.3.1 412.3.2 412.4 412.5 412.6 412.7 412.8.1 412.8.2 412.8.3 412.8.4 413.1.1 413.1.2 414.1.1 \
    414.1.2 415.1.1 415.1.2";
const SOFTWARE: &str = "502.2.1 502.2.2 502.3.1 502.3.2 502.3.3 502.3.4 502.3.5 502.3.6 502.3.7 502.3.8 502.3.9 502.3.10 502.3.11 502.3.12 \
    502.3.13 502.3.14 502.4 503.2 503.3 503.4.1 503.4.2 504.2 504.2.1 504.2.2 504.3 504.4";
const SUPPORT: &str = "602.2 602.3 602.4 603.2 603.3";

/// Which criteria a chapter has.
#[derive(Debug, Clone, Copy)]
enum Criteria {
    Wcag(&'static str),
    List(&'static str),
    /// Clauses of EN 301 549 that begin with this number.
    Clause(&'static str),
}

const CHAPTERS: &[(&str, Criteria)] = &[
    ("success_criteria_level_a", Criteria::Wcag(LEVEL_A)),
    ("success_criteria_level_aa", Criteria::Wcag(LEVEL_AA)),
    ("success_criteria_level_aaa", Criteria::Wcag(LEVEL_AAA)),
    ("functional_performance_criteria", Criteria::List(FUNCTIONAL)),
    ("hardware", Criteria::List(HARDWARE)),
    ("software", Criteria::List(SOFTWARE)),
    ("support_documentation_and_services", Criteria::List(SUPPORT)),
    ("en_301_549_functional_performance", Criteria::Clause("4")),
    ("en_301_549_generic_requirements", Criteria::Clause("5")),
    ("en_301_549_ict_with_two-way_voice", Criteria::Clause("6")),
    ("en_301_549_ict_with_video", Criteria::Clause("7")),
    ("en_301_549_hardware", Criteria::Clause("8")),
    ("en_301_549_web", Criteria::Clause("9")),
    ("en_301_549_non-web-documents", Criteria::Clause("10")),
    ("en_301_549_software", Criteria::Clause("11")),
    ("en_301_549_documentation_and_support_services", Criteria::Clause("12")),
    ("en_301_549_ict_providing_relay_or_emergency_service_access", Criteria::Clause("13")),
];

/// Judges a report.
pub(super) fn judge(name: &str, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    match Source::read(name, bytes) {
        Ok(source) => {
            for duplicate in source.duplicates() {
                let mut pointer = duplicate.object.clone();
                push_token(&mut pointer, &duplicate.key);
                findings.push(
                    Finding::error("duplicate-key", "a key stands twice in one mapping").at(pointer).clause("YAML 1.2 section 3.2.1.3"),
                );
            }
            match source.value() {
                Value::Object(report) => Judge { findings: &mut findings }.report(report),
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                    findings.push(wrong_type("type", "the report", "a mapping", other, &Pointer::ROOT, CLAUSE))
                }
            }
            findings.locate(&source);
        }
        Err(error) => findings.push(unreadable(&error, "YAML 1.2")),
    }
    findings.finish()
}

/// Whether a value looks like a report; asked when a format is guessed.
pub(super) fn looks_like(value: &Value) -> bool {
    value.get("product").is_some_and(Value::is_object)
        && value
            .get("chapters")
            .and_then(Value::as_object)
            .is_some_and(|chapters| chapters.keys().any(|key| CHAPTERS.iter().any(|(id, _)| id == key)))
}

struct Judge<'f> {
    findings: &'f mut Findings,
}

type Object = Map<String, Value>;

impl Judge<'_> {
    fn tell(&mut self, severity: Severity, rule: &str, at: &Pointer<'_>, message: impl Into<String>) {
        self.findings.push(Finding::new(rule, severity, message).at(at.to_string()).clause(CLAUSE));
    }

    fn missing(&mut self, name: &str, what: &str, at: &Pointer<'_>) {
        let finding = Finding::error("required", format!("`{name}` is missing; {what} must have it")).at(at.to_string());
        self.findings.push(finding.expected(format!("a member `{name}`")).clause(CLAUSE));
    }

    fn texts(&mut self, object: &Object, names: &[&str], at: &Pointer<'_>) {
        for name in names {
            if let Some(value) = object.get(*name)
                && !value.is_string()
            {
                self.findings.push(wrong_type(
                    "type",
                    &format!("`{name}`"),
                    "text (in quotation marks, if it looks like a number)",
                    value,
                    &at.name(name),
                    CLAUSE,
                ));
            }
        }
    }

    fn object<'v>(&mut self, parent: &'v Object, name: &str, at: &Pointer<'_>) -> Option<&'v Object> {
        match parent.get(name)? {
            Value::Object(object) => Some(object),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                self.findings.push(wrong_type("type", &format!("`{name}`"), "a mapping", other, &at.name(name), CLAUSE));
                None
            }
        }
    }

    fn report(&mut self, report: &Object) {
        let root = Pointer::ROOT;
        for name in ["title", "product", "author"] {
            if !report.contains_key(name) {
                self.missing(name, "a report", &root);
            }
        }
        let texts = [
            "title",
            "report_date",
            "last_modified_date",
            "notes",
            "evaluation_methods_used",
            "legal_disclaimer",
            "license",
            "repository",
            "feedback",
            "catalog",
        ];
        self.texts(report, &texts, &root);
        if let Some(version) = report.get("version")
            && !version.is_i64()
        {
            self.findings.push(wrong_type("type", "`version`", "a whole number", version, &root.name("version"), CLAUSE));
        }
        if let Some(product) = self.object(report, "product", &root) {
            let at = root.name("product");
            if !product.contains_key("name") {
                self.missing("name", "a product", &at);
            }
            self.texts(product, &["name", "version", "description"], &at);
        }
        for name in ["author", "vendor"] {
            let Some(contact) = self.object(report, name, &root) else { continue };
            let at = root.name(name);
            self.texts(contact, &["name", "company_name", "address", "email", "phone", "website"], &at);
            match contact.get("email").and_then(Value::as_str) {
                Some(email) if !is_email(email) => self.tell(Severity::Error, "email", &at.name("email"), "it is not an e-mail address"),
                Some(_) => {}
                None if !contact.contains_key("email") => self.missing("email", "a contact", &at),
                None => {}
            }
        }
        for (i, related) in report.get("related_openacrs").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Some(kind) = related.get("type")
                && !matches!(kind.as_str(), Some("primary" | "secondary"))
            {
                let list = root.name("related_openacrs");
                self.tell(Severity::Error, "value", &list.index(i).name("type"), "a related report is `primary` or `secondary`");
            }
        }
        let wcag = report
            .get("catalog")
            .and_then(Value::as_str)
            .and_then(|catalog| ["wcag-2.0", "wcag-2.1", "wcag-2.2"].iter().position(|version| catalog.contains(version)));
        match self.object(report, "chapters", &root) {
            Some(chapters) => self.chapters(chapters, wcag, &root.name("chapters")),
            None if !report.contains_key("chapters") => {
                self.tell(
                    Severity::Warning,
                    "chapters-missing",
                    &root,
                    "the report has no chapters, so it says nothing about accessibility",
                );
            }
            None => {}
        }
    }

    fn chapters(&mut self, chapters: &Object, wcag: Option<usize>, at: &Pointer<'_>) {
        for (id, chapter) in chapters {
            let at = at.name(id);
            let Some((_, criteria)) = CHAPTERS.iter().find(|(known, _)| known == id) else {
                self.tell(Severity::Error, "chapter", &at, "no catalogue has this chapter");
                continue;
            };
            let Value::Object(chapter) = chapter else {
                self.findings.push(wrong_type("type", "a chapter", "a mapping", chapter, &at, CLAUSE));
                continue;
            };
            self.texts(chapter, &["notes"], &at);
            if let Some(disabled) = chapter.get("disabled")
                && !disabled.is_boolean()
            {
                self.findings.push(wrong_type("type", "`disabled`", "true or false", disabled, &at.name("disabled"), CLAUSE));
            }
            match chapter.get("criteria") {
                None => {}
                Some(Value::Array(list)) => {
                    let at = at.name("criteria");
                    let mut seen = BTreeSet::new();
                    for (i, criterion) in list.iter().enumerate() {
                        self.criterion(criterion, *criteria, id == "success_criteria_level_aaa", wcag, &mut seen, &at.index(i));
                    }
                }
                Some(other) => self.findings.push(wrong_type("type", "`criteria`", "a list", other, &at.name("criteria"), CLAUSE)),
            }
        }
    }

    fn criterion<'v>(
        &mut self,
        criterion: &'v Value,
        criteria: Criteria,
        is_aaa: bool,
        wcag: Option<usize>,
        seen: &mut BTreeSet<&'v str>,
        at: &Pointer<'_>,
    ) {
        let Value::Object(criterion) = criterion else {
            self.findings.push(wrong_type("type", "a criterion", "a mapping", criterion, at, CLAUSE));
            return;
        };
        match criterion.get("num") {
            None => self.missing("num", "a criterion", at),
            Some(Value::String(number)) => {
                if !has(criteria, number, wcag) {
                    let finding = Finding::error("criterion", "the chapter has no such criterion").at(at.name("num").to_string());
                    self.findings.push(finding.expected("a criterion of the chapter's standard").observed(number).clause(CLAUSE));
                } else if !seen.insert(number) {
                    self.tell(Severity::Error, "criterion-twice", &at.name("num"), "the criterion is reported twice in one chapter");
                }
            }
            Some(other) => {
                self.findings.push(wrong_type(
                    "type",
                    "`num`",
                    "text (in quotation marks, because it looks like a number)",
                    other,
                    &at.name("num"),
                    CLAUSE,
                ));
            }
        }
        let Some(components) = criterion.get("components") else { return };
        let at = at.name("components");
        let Value::Array(components) = components else {
            self.findings.push(wrong_type("type", "`components`", "a list", components, &at, CLAUSE));
            return;
        };
        let mut names = BTreeSet::new();
        for (i, component) in components.iter().enumerate() {
            self.component(component, criteria, is_aaa, &mut names, &at.index(i));
        }
    }

    fn component<'v>(&mut self, component: &'v Value, criteria: Criteria, is_aaa: bool, names: &mut BTreeSet<&'v str>, at: &Pointer<'_>) {
        let Value::Object(component) = component else {
            self.findings.push(wrong_type("type", "a component", "a mapping", component, at, CLAUSE));
            return;
        };
        let allowed: &[&str] = if matches!(criteria, Criteria::Wcag(_)) { COMPONENTS } else { &["none"] };
        match component.get("name") {
            None => self.missing("name", "a component", at),
            Some(Value::String(name)) => {
                if !allowed.contains(&name.as_str()) {
                    let finding = Finding::error("component", "the criterion does not have this component").at(at.name("name").to_string());
                    self.findings.push(finding.expected(format!("one of {}", allowed.join(", "))).observed(name).clause(CLAUSE));
                } else if !names.insert(name) {
                    self.tell(Severity::Error, "component-twice", &at.name("name"), "the component is reported twice for one criterion");
                }
            }
            Some(other) => self.findings.push(wrong_type("type", "`name`", "text", other, &at.name("name"), CLAUSE)),
        }
        let Some(adherence) = self.object(component, "adherence", at) else { return };
        let at = at.name("adherence");
        self.texts(adherence, &["notes"], &at);
        let has_notes = adherence.get("notes").and_then(Value::as_str).is_some_and(|notes| !notes.trim().is_empty());
        match adherence.get("level") {
            None => self.missing("level", "an adherence", &at),
            // The editor writes an empty level for what nobody has judged yet.
            Some(Value::String(level)) if level.is_empty() => {
                self.tell(Severity::Warning, "level-empty", &at.name("level"), "the level has not been told yet")
            }
            Some(Value::String(level)) if !LEVELS.contains(&level.as_str()) => {
                let finding = Finding::error("level", "there is no such level of conformance").at(at.name("level").to_string());
                self.findings.push(finding.expected(format!("one of {}", LEVELS.join(", "))).observed(level).clause(CLAUSE));
            }
            Some(Value::String(level)) => {
                if level == "not-evaluated" && !is_aaa {
                    self.tell(
                        Severity::Warning,
                        "not-evaluated",
                        &at.name("level"),
                        "`not-evaluated` is meant for criteria of level AAA only",
                    );
                }
                if matches!(level.as_str(), "partially-supports" | "does-not-support") && !has_notes {
                    self.tell(Severity::Warning, "notes-missing", &at, "what is not fully supported is not explained in `notes`");
                }
            }
            Some(other) => self.findings.push(wrong_type("type", "`level`", "text", other, &at.name("level"), CLAUSE)),
        }
    }
}

fn has(criteria: Criteria, number: &str, wcag: Option<usize>) -> bool {
    match criteria {
        Criteria::List(list) => list.split_ascii_whitespace().any(|known| known == number),
        Criteria::Wcag(list) => list.split_ascii_whitespace().any(|entry| {
            let (known, versions) = entry.split_once(':').unwrap_or((entry, "0,1,2"));
            known == number && wcag.is_none_or(|wcag| versions.split(',').any(|version| version.parse() == Ok(wcag)))
        }),
        Criteria::Clause(chapter) => {
            let mut parts = number.split('.');
            parts.next() == Some(chapter)
                && number.contains('.')
                && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::format::mutation::{assert_one, changed};

    const REPORT: &str = r#"{
      "title": "Bed sensor Accessibility Conformance Report",
      "product": {"name": "Bed sensor", "version": "1.1"}, "author": {"email": "a11y@maker.example"}, "version": 1,
      "catalog": "2.5-edition-wcag-2.2-508-eu-en",
      "chapters": {
        "success_criteria_level_a": {"criteria": [
          {"num": "1.1.1", "components": [{"name": "web", "adherence": {"level": "supports"}},
            {"name": "software", "adherence": {"level": "partially-supports", "notes": "Two icons lack a name."}}]},
          {"num": "3.2.6", "components": [{"name": "web"}]}]},
        "success_criteria_level_aaa": {"criteria": [{"num": "1.2.6", "components": [{"name": "web", "adherence": {"level": "not-evaluated"}}]}]},
        "en_301_549_hardware": {"notes": "Small", "criteria": [{"num": "8.1.2", "components": [{"name": "none", "adherence": {"level": "supports"}}]}]},
        "hardware": {"disabled": true}
      }
    }"#;

    #[test]
    fn a_sound_report_is_silent_in_both_syntaxes() {
        assert_eq!(judge("t", REPORT.as_bytes()), []);
        let yaml = "title: T\nproduct: {name: P}\nauthor: {email: a@b.example}\nchapters:\n  hardware:\n    notes: none\n";
        assert_eq!(judge("t", yaml.as_bytes()), []);
    }

    #[test]
    fn each_fault_has_its_own_rule_and_place() {
        let first = "/chapters/success_criteria_level_a/criteria/0";
        let at = |rest: &str| format!("{first}{rest}");
        for (pointer, value, severity, rule, place) in [
            ("/title".to_owned(), Value::Null, Severity::Error, "required", String::new()),
            ("/product/name".into(), Value::Null, Severity::Error, "required", "/product".into()),
            ("/author/email".into(), Value::Null, Severity::Error, "required", "/author".into()),
            ("/author/email".into(), json!("nobody"), Severity::Error, "email", "/author/email".into()),
            ("/version".into(), json!("1"), Severity::Error, "type", "/version".into()),
            ("/product/version".into(), json!(1.1), Severity::Error, "type", "/product/version".into()),
            ("/chapters/other".into(), json!({}), Severity::Error, "chapter", "/chapters/other".into()),
            (at("/num"), json!("9.9.9"), Severity::Error, "criterion", at("/num")),
            (at("/num"), json!("4.1.1"), Severity::Error, "criterion", at("/num")),
            (at("/num"), json!(1.1), Severity::Error, "type", at("/num")),
            (at("/num"), Value::Null, Severity::Error, "required", at("")),
            (
                "/chapters/success_criteria_level_a/criteria/1/num".into(),
                json!("1.1.1"),
                Severity::Error,
                "criterion-twice",
                "/chapters/success_criteria_level_a/criteria/1/num".into(),
            ),
            (at("/components/0/name"), json!("none"), Severity::Error, "component", at("/components/0/name")),
            (at("/components/1/name"), json!("web"), Severity::Error, "component-twice", at("/components/1/name")),
            (at("/components/0/adherence/level"), json!("Supports"), Severity::Error, "level", at("/components/0/adherence/level")),
            (at("/components/0/adherence/level"), Value::Null, Severity::Error, "required", at("/components/0/adherence")),
            (at("/components/0/adherence/level"), json!(""), Severity::Warning, "level-empty", at("/components/0/adherence/level")),
            (
                at("/components/0/adherence/level"),
                json!("not-evaluated"),
                Severity::Warning,
                "not-evaluated",
                at("/components/0/adherence/level"),
            ),
            (at("/components/1/adherence/notes"), Value::Null, Severity::Warning, "notes-missing", at("/components/1/adherence")),
            (
                "/chapters/en_301_549_hardware/criteria/0/num".into(),
                json!("9.1.2"),
                Severity::Error,
                "criterion",
                "/chapters/en_301_549_hardware/criteria/0/num".into(),
            ),
            ("/chapters".into(), Value::Null, Severity::Warning, "chapters-missing", String::new()),
        ] {
            let context = format!("{pointer} = {value}");
            assert_one(&judge("t", changed(REPORT, &pointer, value).as_bytes()), severity, rule, &place, &context);
        }
        assert_eq!(judge("t", b"a: [")[0].rule, "syntax");
    }

    #[test]
    fn a_criterion_belongs_to_its_version() {
        let in_2_1 = changed(REPORT, "/catalog", json!("2.4-edition-wcag-2.1-508-en"));
        assert_one(
            &judge("t", in_2_1.as_bytes()),
            Severity::Error,
            "criterion",
            "/chapters/success_criteria_level_a/criteria/1/num",
            "3.2.6 is new in 2.2",
        );
    }

    #[test]
    fn published_reports_are_accepted() {
        let Some(folder) = std::env::var_os("PROBITY_OPENACR_PACKAGE") else {
            eprintln!("skipped: PROBITY_OPENACR_PACKAGE does not name the folder of the npm package @openacr/openacr");
            return;
        };
        for (folder, wanted) in [("openacr", true), ("tests/examples", true), ("tests/examples", false)]
            .map(|(sub, good)| (std::path::Path::new(&folder).join(sub), good))
        {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if !name.ends_with(".yaml") || name.starts_with("catalog") || name.starts_with("invalid") == wanted {
                    continue;
                }
                let errors: Vec<Finding> =
                    judge(&name, &std::fs::read(&path).unwrap()).into_iter().filter(|f| f.severity == Severity::Error).collect();
                assert_eq!(errors.is_empty(), wanted, "{name}: {errors:#?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a-z_0-9 \\n-]{0,200}") {
            judge("t", text.as_bytes());
            judge("t", format!("chapters:\n  hardware:\n    criteria:\n    - {text}").as_bytes());
        }
    }
}
