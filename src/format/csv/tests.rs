use std::io::{Cursor, Read};

use proptest::prelude::*;
use serde_json::json;

use super::package::{is_inside, judge_package};
use super::{Dialect, TableSchema, judge, judge_stream};
use crate::verdict::Severity;

fn schema() -> TableSchema {
    TableSchema::read(&json!({
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": true, "unique": true}},
            {"name": "name", "constraints": {"required": true, "minLength": 2, "maxLength": 20}},
            {"name": "since", "type": "date"},
            {"name": "hours", "type": "number", "decimalChar": ",", "constraints": {"minimum": 0, "maximum": 24}},
            {"name": "kind", "constraints": {"enum": ["home", "day"]}},
            {"name": "code", "constraints": {"pattern": "[A-Z]{2}"}},
            {"name": "mail", "format": "email"}
        ],
        "primaryKey": "id", "missingValues": ["", "-"]
    }))
    .unwrap()
    .0
}

const TABLE: &str =
    "id,name,since,hours,kind,code,mail\r\n1,Meals,2026-01-01,\"1,5\",home,AB,a@example.org\r\n2,\"Care, \"\"good\"\"\",-,,day,CD,-\r\n";

fn rules(text: &str, severity: Severity) -> Vec<String> {
    let findings = judge(text.as_bytes(), Some(&schema()), &Dialect::default());
    findings.iter().filter(|f| f.severity == severity).map(|f| f.rule.clone()).collect()
}

#[test]
fn a_sound_table_is_silent() {
    assert_eq!(judge(TABLE.as_bytes(), Some(&schema()), &Dialect::default()), []);
    assert_eq!(judge(TABLE.as_bytes(), None, &Dialect::default()), []);
    assert_eq!(judge(TABLE.replace("\r\n", "\n").as_bytes(), Some(&schema()), &Dialect::default()), []);
}

#[test]
fn each_fault_has_its_own_rule_and_place() {
    for (from, to, rule, path) in [
        ("2,\"Care", "1,\"Care", "cell-unique", "row 2, column 1"),
        ("2,\"Care", "x,\"Care", "cell-type", "row 2, column 1"),
        ("Meals", "M", "cell-length", "row 1, column 2"),
        ("Meals", "-", "cell-required", "row 1, column 2"),
        ("2026-01-01", "01.01.2026", "cell-type", "row 1, column 3"),
        ("\"1,5\"", "25", "cell-range", "row 1, column 4"),
        ("\"1,5\"", "1.5", "cell-type", "row 1, column 4"),
        ("home,AB", "away,AB", "cell-enum", "row 1, column 5"),
        ("home,AB", "home,ABC", "cell-pattern", "row 1, column 6"),
        ("a@example.org", "a at example.org", "cell-type", "row 1, column 7"),
        (",CD,-", ",CD", "ragged-row", "row 2"),
        ("since,hours", "since,hour", "field-unknown", "column 4"),
        ("\"Care, \"\"good\"\"\"", "Care \"good\"", "quote", "line 3"),
        ("\"Care, \"\"good\"\"\"", "\"Care\" good", "quote", "line 3"),
    ] {
        assert!(TABLE.contains(from), "{from}");
        let findings = judge(TABLE.replacen(from, to, 1).as_bytes(), Some(&schema()), &Dialect::default());
        let mut errors = findings.iter().filter(|f| f.severity == Severity::Error);
        let first = errors.next().unwrap_or_else(|| panic!("{to}: {findings:#?}"));
        assert_eq!((first.rule.as_str(), first.path.as_str()), (rule, path), "{to}");
        assert!(first.position.is_some());
        let rest: Vec<&str> = errors.map(|f| f.rule.as_str()).collect();
        let also: &[&str] = match rule {
            "cell-unique" => &["primary-key"],
            "field-unknown" => &["field-missing"],
            _ => &[],
        };
        assert_eq!(rest, also, "{to}");
    }
    assert_eq!(rules("", Severity::Error), ["header"]);
    assert_eq!(rules(&TABLE.replace("since", "name"), Severity::Error), ["header-twice", "field-missing", "cell-required"]);
    assert_eq!(rules(&TABLE.replace("\r\n2", "\r\n\r\n2"), Severity::Error), ["blank-row"]);
    assert_eq!(rules(&format!("{TABLE}\r\n"), Severity::Warning), ["blank-row"]);
    assert_eq!(rules(&format!("\u{feff}{TABLE}"), Severity::Warning), ["byte-order-mark"]);
    assert_eq!(rules(&TABLE.replacen("\r\n", "\n", 1), Severity::Warning), ["line-break"]);
    assert_eq!(rules(&format!("{TABLE}\"3"), Severity::Error), ["quote-unclosed", "ragged-row"]);
    let findings = judge(b"a;b\r\n1;2\r\n", None, &Dialect::default());
    assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["delimiter"]);
    assert_eq!(judge(b"a\r\n\xff\r\n", None, &Dialect::default())[0].rule, "utf-8");
}

#[test]
fn schemas_are_judged_too() {
    for (schema, place) in [
        (json!({}), ""),
        (json!({"fields": [{"type": "string"}]}), "/fields/0"),
        (json!({"fields": [{"name": "a", "type": "colour"}]}), "/fields/0/type"),
        (json!({"fields": [{"name": "a"}, {"name": "a"}]}), "/fields/1"),
        (json!({"fields": [{"name": "a"}], "primaryKey": "b"}), "/primaryKey"),
        (json!({"fields": [{"name": "a", "type": "date", "constraints": {"minimum": "soon"}}]}), "/fields/0/constraints/minimum"),
        (
            json!({"fields": [{"name": "a"}], "foreignKeys": [{"fields": "a", "reference": {"resource": "b", "fields": []}}]}),
            "/foreignKeys/0",
        ),
    ] {
        let faults = TableSchema::read(&schema).unwrap_err();
        assert_eq!((faults[0].rule.as_str(), faults[0].path.as_str()), ("table-schema", place), "{schema}");
    }
    let (_, notes) = TableSchema::read(&json!({"fields": [{"name": "a", "constraints": {"pattern": "(?=x)"}}]})).unwrap();
    assert_eq!(notes[0].severity, Severity::Open);
}

#[test]
fn csv_on_the_web_metadata_is_read() {
    let metadata = json!({
        "@context": "http://www.w3.org/ns/csvw", "url": "t.csv", "dialect": {"delimiter": ";"},
        "tableSchema": {"primaryKey": "id", "columns": [
            {"name": "id", "titles": "Id", "datatype": "integer", "required": true},
            {"titles": ["Day"], "datatype": {"base": "date", "format": "dd.MM.yyyy"}},
            {"name": "ok", "datatype": {"base": "boolean", "format": "Y|N"}}
        ]}
    });
    let schema = TableSchema::read(&metadata).unwrap().0;
    assert_eq!(judge(b"Id;Day;ok\r\n1;28.02.2026;Y\r\n", Some(&schema), &Dialect::default()), []);
    let findings = judge(b"Id;Day;ok\r\n1;30.02.2026;yes\r\n1;01.01.2026;N\r\n", Some(&schema), &Dialect::default());
    assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["cell-type", "cell-type", "primary-key"]);
}

#[test]
fn references_between_tables_are_followed() {
    let descriptor = json!({"resources": [
        {"name": "maker", "path": "organizations.csv", "schema": {"fields": [{"name": "id"}, {"name": "parent"}], "primaryKey": "id",
            "foreignKeys": [{"fields": "parent", "reference": {"resource": "", "fields": "id"}}]}},
        {"name": "device", "path": "services.csv", "schema": {"fields": [{"name": "id"}, {"name": "organization_id"}],
            "foreignKeys": [{"fields": "organization_id", "reference": {"resource": "maker", "fields": "id"}}]}}
    ]});
    let run = |descriptor: &serde_json::Value, organizations: &'static str, services: Option<&'static str>| {
        let mut open = |path: &str| -> Option<Box<dyn Read>> {
            match path {
                "organizations.csv" => Some(Box::new(Cursor::new(organizations))),
                "services.csv" => services.map(|text| Box::new(Cursor::new(text)) as Box<dyn Read>),
                _ => panic!("{path} was asked for"),
            }
        };
        let report = judge_package(descriptor.to_string().as_bytes(), &mut open, &mut |_| {}).unwrap();
        let mut rules: Vec<String> = report.descriptor.iter().map(|f| f.rule.clone()).collect();
        rules.extend(report.tables.iter().flat_map(|(path, table)| table.findings.iter().map(move |f| format!("{path}:{}", f.rule))));
        rules
    };
    assert_eq!(run(&descriptor, "id,parent\no1,\no2,o1\n", Some("id,organization_id\ns1,o2\n")), Vec::<String>::new());
    assert_eq!(
        run(&descriptor, "id,parent\no1,o9\n", Some("id,organization_id\ns1,o2\n")),
        ["organizations.csv:foreign-key", "services.csv:foreign-key"]
    );
    assert_eq!(run(&descriptor, "id,parent\no1,\n", None), ["table-missing"]);
    let mut outside = descriptor.clone();
    outside["resources"][1]["path"] = json!("../../etc/passwd");
    assert_eq!(run(&outside, "id,parent\no1,\n", None), ["path"]);
    assert!(is_inside("data/a.csv"));
    for path in ["", "/a", "..", "a/../b", "https://a/b", "C:\\a", "~/a"] {
        assert!(!is_inside(path), "{path}");
    }
}

#[test]
fn tables_of_the_human_services_specification_are_held_to_it() {
    let descriptor = json!({"resources": [
        {"name": "organization", "path": "o.csv", "schema": {"fields": [{"name": "id"}, {"name": "name"}, {"name": "description"}]}},
        {"name": "service", "path": "s.csv"}
    ]});
    let run = |descriptor: &serde_json::Value, services: &'static str| {
        let mut open = |path: &str| -> Option<Box<dyn Read>> {
            let organizations = "id,name,description\nac148810-d857-441c-9679-408f346de14b,Meals,A charity\n";
            Some(Box::new(Cursor::new(if path == "o.csv" { organizations } else { services })))
        };
        let report = judge_package(descriptor.to_string().as_bytes(), &mut open, &mut |_| {}).unwrap();
        let mut rules: Vec<String> = report.descriptor.iter().map(|f| f.rule.clone()).collect();
        rules.extend(
            report
                .tables
                .iter()
                .flat_map(|(_, table)| table.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule.clone())),
        );
        rules.retain(|rule| rule != "field-missing");
        rules
    };
    let head = "id,organization_id,name,status\n";
    let row = |status: &str| -> &'static str {
        format!("{head}0d48810a-d857-441c-9679-408f346de14b,ac148810-d857-441c-9679-408f346de14b,Meals,{status}\n").leak()
    };
    assert_eq!(run(&descriptor, row("active")), Vec::<String>::new());
    assert_eq!(run(&descriptor, row("open")), ["cell-enum"]);
    assert_eq!(run(&descriptor, row("")), ["cell-required"]);
    let mut lax = descriptor.clone();
    lax["resources"][0]["schema"]["fields"].as_array_mut().unwrap().pop();
    assert_eq!(run(&lax, row("active")), ["hsds-field", "field-unknown"]);
}

#[test]
fn a_table_without_its_references_is_open() {
    let schema = TableSchema::read(
        &json!({"fields": [{"name": "a"}], "foreignKeys": [{"fields": "a", "reference": {"resource": "b", "fields": "a"}}]}),
    );
    let findings = judge(b"a\r\n1\r\n", Some(&schema.unwrap().0), &Dialect::default());
    assert_eq!(findings.iter().map(|f| (f.rule.as_str(), f.severity)).collect::<Vec<_>>(), [("foreign-key", Severity::Open)]);
}

#[test]
fn rows_are_counted_and_told_on_the_way() {
    let mut text = String::from("a\n");
    text.push_str(&"1\n".repeat(70_000));
    let mut told = Vec::new();
    let report = judge_stream(text.as_bytes(), None, &Dialect::default(), &[], &mut |p| told.push(p.records)).unwrap();
    assert_eq!((report.rows, told), (70_000, vec![65_536, 70_000]));
}

proptest! {
    #[test]
    fn a_number_put_in_place_of_a_word_is_named_in_its_row(row in 0u64..50) {
        let mut text = String::from("id,name,since,hours,kind,code,mail\r\n");
        for i in 0..50 {
            let kind = if i == row { "17" } else { "home" };
            text.push_str(&format!("{i},Name,2026-01-01,1,{kind},AB,-\r\n"));
        }
        let findings = judge(text.as_bytes(), Some(&schema()), &Dialect::default());
        prop_assert_eq!(findings.len(), 1);
        prop_assert_eq!(&findings[0].path, &format!("row {}, column 5", row + 1));
        prop_assert_eq!(u64::from(findings[0].position.unwrap().line), row + 2);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        judge(&bytes, Some(&schema()), &Dialect::default());
        judge(&bytes, None, &Dialect { header: false, comment: Some(b'#'), quote: None, delimiter: b'\t', skip_rows: 1 });
    }
}
