use std::io::{Cursor, Read};

use proptest::prelude::*;
use serde_json::{Value, json};

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

#[test]
fn what_version_2_and_csv_on_the_web_add() {
    let rules = |schema: Value, text: &str| -> Vec<String> {
        let (schema, _) = TableSchema::read(&schema).unwrap();
        judge(text.as_bytes(), Some(&schema), &Dialect::default()).into_iter().map(|f| f.rule).collect()
    };
    let of = |fields: Value, more: Value| {
        let mut schema = json!({"fields": fields});
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        schema
    };
    let ab = || json!([{"name": "a"}, {"name": "b"}]);
    assert_eq!(rules(of(ab(), json!({})), "a,b,c\r\n1,2,3\r\n"), ["field-unknown"]);
    assert_eq!(rules(of(ab(), json!({"fieldsMatch": "subset"})), "a,b,c\r\n1,2,3\r\n"), [""; 0]);
    assert_eq!(rules(of(ab(), json!({"fieldsMatch": ["superset"]})), "a\r\n1\r\n"), [""; 0]);
    assert_eq!(rules(of(ab(), json!({"fieldsMatch": "partial"})), "c\r\n1\r\n"), ["field-missing", "field-missing"]);
    assert_eq!(rules(of(ab(), json!({"uniqueKeys": [["a", "b"]]})), "a,b\r\n1,2\r\n1,3\r\n1,2\r\n"), ["unique-key"]);
    assert!(TableSchema::read(&of(ab(), json!({"fieldsMatch": "some"}))).is_err());
    let field = |field: Value| of(json!([field]), json!({}));
    assert_eq!(
        rules(field(json!({"name": "a", "type": "integer", "constraints": {"exclusiveMinimum": 1}})), "a\r\n1\r\n2\r\n"),
        ["cell-range"]
    );
    assert_eq!(
        rules(field(json!({"name": "a", "type": "list", "delimiter": ";", "itemType": "integer"})), "a\r\n1;2\r\n1;x\r\n"),
        ["cell-type"]
    );
    assert_eq!(
        rules(field(json!({"name": "a", "categories": ["x", {"value": "y", "label": "Y"}]})), "a\r\nx\r\ny\r\nz\r\n"),
        ["cell-enum"]
    );
    assert_eq!(rules(field(json!({"name": "a", "type": "integer", "missingValues": ["n/a"]})), "a\r\nn/a\r\n-\r\n"), ["cell-type"]);

    let csvw = |columns: Value| json!({"@context": "http://www.w3.org/ns/csvw", "url": "t.csv", "tableSchema": {"columns": columns}});
    let column = |datatype: Value| csvw(json!([{"name": "a", "datatype": datatype}]));
    assert_eq!(rules(column(json!("byte")), "a\r\n127\r\n128\r\n"), ["cell-range"]);
    assert_eq!(rules(column(json!("positiveInteger")), "a\r\n1\r\n0\r\n"), ["cell-range"]);
    assert_eq!(
        rules(column(json!({"base": "decimal", "minExclusive": 0, "maxInclusive": 9})), "a\r\n9\r\n0\r\n9.5\r\n"),
        ["cell-range", "cell-range"]
    );
    assert_eq!(rules(csvw(json!([{"name": "a", "separator": ";", "datatype": "integer"}])), "a\r\n1;2\r\n1;b\r\n"), ["cell-type"]);
    assert_eq!(rules(csvw(json!([{"name": "a", "null": "-", "datatype": "integer"}])), "a\r\n-\r\n"), [""; 0]);
    assert!(TableSchema::read(&csvw(json!([{"name": "_a"}]))).is_err());
    assert!(TableSchema::read(&csvw(json!([{"name": "a"}, {"name": "a"}]))).is_err());
    let mut other = csvw(json!([{"name": "a"}]));
    other["@context"] = Value::from("https://example.org/other");
    assert!(TableSchema::read(&other).is_err());
}

#[test]
fn tables_of_csv_on_the_web_refer_to_each_other() {
    let metadata = json!({"@context": "http://www.w3.org/ns/csvw", "dialect": {"delimiter": ";"}, "tables": [
        {"url": "rooms.csv", "tableSchema": {"primaryKey": "room", "columns": [{"name": "room"}, {"name": "floor", "datatype": "integer"}]}},
        {"url": "beds.csv", "tableSchema": {"columns": [{"name": "bed"}, {"name": "room"}],
            "foreignKeys": [{"columnReference": "room", "reference": {"resource": "rooms.csv", "columnReference": "room"}}]}}]});
    let judged = |beds: &'static str| {
        let mut open = |path: &str| -> Option<Box<dyn std::io::Read>> {
            match path {
                "rooms.csv" => Some(Box::new("room;floor\r\nR1;0\r\n".as_bytes())),
                "beds.csv" => Some(Box::new(beds.as_bytes())),
                _ => None,
            }
        };
        let report = judge_package(metadata.to_string().as_bytes(), &mut open, &mut |_| {}).unwrap();
        let tables = report.tables.into_iter().flat_map(|(_, table)| table.findings);
        report.descriptor.into_iter().chain(tables).map(|f| f.rule).collect::<Vec<_>>()
    };
    assert_eq!(judged("bed;room\r\nB1;R1\r\n"), [""; 0]);
    assert_eq!(judged("bed;room\r\nB1;R2\r\n"), ["foreign-key"]);
}

#[test]
fn tables_of_a_directory_are_held_to_its_specification() {
    let package = json!({"resources": [{"name": "organization", "path": "organization.csv"}, {"name": "service", "path": "service.csv"}]});
    let judged = |service: String| {
        let mut open = |path: &str| -> Option<Box<dyn std::io::Read>> {
            Some(Box::new(std::io::Cursor::new(match path {
                "organization.csv" => {
                    let names = "id,name,description,year_incorporated,own_column";
                    format!("{names}\r\n0f6c2b1e-0000-4000-8000-000000000001,Kitchens,Cooks,1990,x\r\n")
                }
                _ => service.clone(),
            })))
        };
        let report = judge_package(package.to_string().as_bytes(), &mut open, &mut |_| {}).unwrap();
        let tables = report.tables.into_iter().flat_map(|(_, table)| table.findings);
        report.descriptor.into_iter().chain(tables).map(|f| f.rule).collect::<Vec<_>>()
    };
    let service = |id: &str, organization: &str| {
        format!(
            "id,organization_id,name,status,assured_date\r\n0f6c2b1e-0000-4000-8000-00000000000a,0f6c2b1e-0000-4000-8000-000000000001,Meals,active,2026-10-01\r\n{id},{organization},Walks,active,\r\n"
        )
    };
    let (own, kitchens) = ("0f6c2b1e-0000-4000-8000-00000000000b", "0f6c2b1e-0000-4000-8000-000000000001");
    assert_eq!(judged(service(own, kitchens)), [""; 0]);
    assert_eq!(judged(service("0f6c2b1e-0000-4000-8000-00000000000a", kitchens)), ["cell-unique"]);
    assert_eq!(judged(service(own, own)), ["foreign-key"]);
    assert_eq!(judged(service("no uuid", kitchens)), ["cell-type"]);
    assert_eq!(judged(service(own, kitchens).replace("Walks,active", "Walks,open")), ["cell-enum"]);
}
