//! Data taken out of a product: whether the file can be read, and whether known records survived in it.
//!
//! How an export arranges what it holds is its own choice, so nothing is asked of names or nesting: a
//! record is found by its key, the first value that the vendor states of it, and each of its other values
//! must stand in the same part of the file. Numbers are compared as numbers, moments as moments, text
//! letter by letter: what comes out of another system as `Gr??e` or `71` is not what was put in.
//!
//! The part of the file that belongs to a record is the object, row or element around its key, and
//! whatever stands around that up to where another record begins.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::findings::Findings;
use super::{csv, date_time, json, xml};
use crate::verdict::{Finding, Severity, Untrusted};

/// More values than this are not read from one export; a limit of ours.
const MAX_ITEMS: usize = 4_000_000;

/// More places than this are not looked at for one key; a limit of ours. A person's own id stands in every record.
const MAX_PLACES: usize = 2_000;

/// How a file of an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportForm {
    /// JSON, FHIR among it.
    Json,
    /// One JSON document a line.
    JsonLines,
    /// Tables.
    Csv,
    /// XML.
    Xml,
}

impl ExportForm {
    /// The form that a media type (without parameters, in lower case) stands for.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/fhir+ndjson" => Some(Self::JsonLines),
            "application/json" => Some(Self::Json),
            "text/csv" | "text/tab-separated-values" => Some(Self::Csv),
            "application/xml" | "text/xml" => Some(Self::Xml),
            _ if media_type.ends_with("+json") => Some(Self::Json),
            _ if media_type.ends_with("+xml") => Some(Self::Xml),
            _ => None,
        }
    }
    /// The form that a file's name stands for.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::JsonLines),
            "csv" | "tsv" => Some(Self::Csv),
            "xml" => Some(Self::Xml),
            _ => None,
        }
    }
}

/// A value, or what holds values.
#[derive(Debug)]
struct Item {
    parent: usize,
    /// One beyond the last item within this one.
    end: usize,
    /// What the place is called, where it is called anything.
    name: String,
    value: Option<Value>,
}

/// The values of an export with how they stand within each other.
#[derive(Debug, Default)]
pub struct Export {
    items: Vec<Item>,
    /// Where each value stands, by every reading that it can be compared by.
    places: HashMap<String, Vec<usize>>,
    full: bool,
}

impl Export {
    /// Reads one file into the export and tells what keeps readers from reading it.
    pub fn read(&mut self, form: ExportForm, name: &str, text: &str) -> Vec<Finding> {
        let mut findings = Findings::default();
        let root = self.open(0, "");
        match form {
            ExportForm::Json => {
                if let Some(source) = json::read(name, text.as_bytes(), &mut findings) {
                    findings.locate(&source);
                    self.json(root, "", source.value());
                }
            }
            ExportForm::JsonLines => {
                for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                    let mut faults = Findings::default();
                    if let Some(source) = json::read(name, line.as_bytes(), &mut faults) {
                        self.json(root, "", source.value());
                    }
                    let at = format!("line {}", i + 1);
                    findings.extend(faults.finish().into_iter().map(|finding| finding.position(None).at(at.clone())));
                }
            }
            ExportForm::Csv => self.table(root, text, &mut findings),
            ExportForm::Xml => {
                if let Some(text) = xml::text(text.as_bytes(), &mut findings)
                    && let Some(document) = xml::document(text, &mut findings)
                {
                    self.element(root, document.root_element());
                }
            }
        }
        self.close(root);
        if self.full {
            findings
                .push(Finding::open("size", format!("the export holds more than {MAX_ITEMS} values, which this program does not read")));
        }
        findings.finish()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        !self.items.iter().any(|item| item.value.is_some())
    }

    /// What of the records did not survive. The first member of a record is its key.
    pub fn losses(&self, records: &[Map<String, Value>]) -> Vec<Finding> {
        let mut findings = Findings::default();
        let keys: Vec<&Value> = records.iter().filter_map(|record| record.values().next()).collect();
        for (record, key) in records.iter().zip(&keys) {
            let shown = Untrusted::new(&json::shown(key)).to_string();
            let places = self.places(key);
            if places.is_empty() {
                let finding = Finding::error("record-missing", format!("the record `{shown}` is not in the export"));
                findings.push(finding.at("the export").expected(format!("a record with `{shown}`")).observed("none"));
                continue;
            }
            let others: Vec<&Value> = keys.iter().copied().filter(|other| other != key).collect();
            let best = places.iter().take(MAX_PLACES).map(|place| self.lost(record, *place, &others)).min_by_key(|(_, lost)| lost.len());
            let Some((region, lost)) = best else { continue };
            for (name, value) in lost {
                let message = format!("the record `{shown}` is in the export, and its {} is not as it was", Untrusted::new(name));
                let mut finding = Finding::error("value-lost", message).at(format!("the record `{shown}`")).expected(json::shown(value));
                if let Some(instead) = self.called(name, region) {
                    finding = finding.observed(&json::shown(instead));
                }
                findings.push(finding);
            }
        }
        if self.full {
            findings.push(Finding::open("size", "not all of the export was read"));
        }
        findings.finish()
    }

    /// The part of the export around a key, and the values of the record that are not in it.
    fn lost<'r>(&self, record: &'r Map<String, Value>, place: usize, others: &[&Value]) -> (usize, Vec<(&'r str, &'r Value)>) {
        let mut region = self.parent(place);
        loop {
            let outer = self.parent(region);
            if outer == region || others.iter().any(|other| self.is_within(other, outer)) {
                break;
            }
            region = outer;
        }
        let lost = record.iter().skip(1).filter(|(_, value)| !value.is_null() && !self.is_within(value, region));
        (region, lost.map(|(name, value)| (name.as_str(), value)).collect())
    }

    fn parent(&self, item: usize) -> usize {
        self.items.get(item).map_or(item, |item| item.parent)
    }

    fn is_within(&self, value: &Value, region: usize) -> bool {
        let end = self.items.get(region).map_or(region, |item| item.end);
        let places = self.places(value);
        places.get(places.partition_point(|at| *at < region)).is_some_and(|at| *at < end)
    }

    fn places(&self, value: &Value) -> &[usize] {
        asked(value).and_then(|reading| self.places.get(&reading)).map_or(&[], Vec::as_slice)
    }

    /// A value in a part of the export whose place has this name.
    fn called(&self, name: &str, region: usize) -> Option<&Value> {
        let end = self.items.get(region)?.end;
        self.items.get(region..end)?.iter().find(|item| item.name.eq_ignore_ascii_case(name)).and_then(|item| item.value.as_ref())
    }

    fn open(&mut self, parent: usize, name: &str) -> usize {
        let at = self.items.len();
        // What has no parent is its own.
        let parent = if name.is_empty() && parent == 0 { at } else { parent };
        self.items.push(Item { parent, end: at + 1, name: name.to_owned(), value: None });
        at
    }

    fn close(&mut self, item: usize) {
        let end = self.items.len();
        if let Some(item) = self.items.get_mut(item) {
            item.end = end;
        }
    }

    fn leaf(&mut self, parent: usize, name: &str, value: Value) {
        let at = self.items.len();
        if at >= MAX_ITEMS {
            self.full = true;
            return;
        }
        for reading in readings(&value) {
            self.places.entry(reading).or_default().push(at);
        }
        self.items.push(Item { parent, end: at + 1, name: name.to_owned(), value: Some(value) });
    }

    fn json(&mut self, parent: usize, name: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                let own = self.within(parent, name);
                for (name, value) in members {
                    self.json(own, name, value);
                }
                self.close(own);
            }
            Value::Array(items) => {
                let own = self.within(parent, name);
                for value in items {
                    self.json(own, name, value);
                }
                self.close(own);
            }
            Value::Null => {}
            scalar @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) => self.leaf(parent, name, scalar.clone()),
        }
    }

    fn within(&mut self, parent: usize, name: &str) -> usize {
        let at = self.items.len();
        self.items.push(Item { parent, end: at + 1, name: name.to_owned(), value: None });
        at
    }

    fn element(&mut self, parent: usize, element: roxmltree::Node<'_, '_>) {
        let name = element.tag_name().name();
        let own = self.within(parent, name);
        for attribute in element.attributes() {
            // FHIR keeps a primitive's value in an attribute of that name.
            let name = if attribute.name() == "value" { name } else { attribute.name() };
            self.leaf(own, name, Value::String(attribute.value().to_owned()));
        }
        let text: String = element.children().filter_map(|child| if child.is_text() { child.text() } else { None }).collect();
        if !text.trim().is_empty() {
            self.leaf(own, name, Value::String(text.trim().to_owned()));
        }
        for child in element.children().filter(roxmltree::Node::is_element) {
            self.element(own, child);
        }
        self.close(own);
    }

    fn table(&mut self, root: usize, text: &str, findings: &mut Findings) {
        let first = text.lines().next().unwrap_or_default();
        let count = |delimiter: &u8| first.bytes().filter(|b| b == delimiter).count();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',');
        let dialect = csv::Dialect { delimiter, ..csv::Dialect::default() };
        findings.extend(csv::judge(text.as_bytes(), None, &dialect));
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let names = reader.headers().cloned().unwrap_or_default();
        for record in reader.records().map_while(Result::ok) {
            let row = self.within(root, "");
            for (i, cell) in record.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
                self.leaf(row, names.get(i).unwrap_or_default(), Value::String(cell.to_owned()));
            }
            self.close(row);
        }
    }
}

/// The reading by which a stated value is looked for.
fn asked(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(format!("flag {flag}")),
        Value::Number(number) => Some(reading_of_number(number)),
        Value::String(text) => Some(moment(text).unwrap_or_else(|| format!("text {text}"))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Every reading that a value of the export can be found by.
fn readings(value: &Value) -> Vec<String> {
    match value {
        Value::Bool(flag) => vec![format!("flag {flag}"), format!("text {flag}")],
        Value::Number(number) => vec![reading_of_number(number), format!("text {number}")],
        Value::String(text) => {
            let mut readings = vec![format!("text {text}")];
            readings.extend(moment(text));
            // A table has a comma for the decimal point where the language has it.
            let plain = text.trim();
            let dotted = if plain.contains('.') { plain.to_owned() } else { plain.replacen(',', ".", 1) };
            if dotted.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && let Ok(number) = serde_json::from_str::<Number>(&dotted)
            {
                readings.push(reading_of_number(&number));
            }
            if matches!(plain, "true" | "false") {
                readings.push(format!("flag {plain}"));
            }
            readings
        }
        Value::Null | Value::Array(_) | Value::Object(_) => Vec::new(),
    }
}

fn reading_of_number(number: &Number) -> String {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), ..) => format!("number {whole}"),
        (None, Some(whole), _) => format!("number {whole}"),
        // 71.0 is 71, as long as a double holds whole numbers exactly.
        (None, None, Some(real)) if real.fract() == 0.0 && real.abs() < 9_007_199_254_740_992.0 => format!("number {real:.0}"),
        (None, None, Some(real)) => format!("number {real}"),
        (None, None, None) => format!("number {number}"),
    }
}

/// A moment with an offset, as seconds and their fraction: the same moment may be written with another offset.
fn moment(text: &str) -> Option<String> {
    let moment = date_time::date_time(text).ok()?;
    let fraction: String =
        text.split_once('.').map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect()).unwrap_or_default();
    Some(format!("moment {} {}", moment.unix_seconds(), fraction.trim_end_matches('0')))
}

/// Whether a finding keeps an export from being read.
pub fn is_unreadable(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JSON: &str = r#"{"resident": {"id": "r-1", "name": "Grüße 你好", "weight": 71.5},
        "alarms": [{"id": "a-1", "raised": "2026-11-02T02:30:00+01:00", "by": "r-1"}, {"id": "a-2", "raised": "2026-11-03T02:30:00Z", "test": true}]}"#;

    fn records() -> Vec<Map<String, Value>> {
        let list = json!([
            {"id": "r-1", "name": "Grüße 你好", "weight": 71.50},
            {"id": "a-1", "raised": "2026-11-02T01:30:00Z"},
            {"id": "a-2", "raised": "2026-11-03T02:30:00Z", "test": true}
        ]);
        serde_json::from_value(list).unwrap()
    }

    fn losses(form: ExportForm, text: &str) -> Vec<(String, String)> {
        let mut export = Export::default();
        let faults = export.read(form, "t", text);
        assert!(faults.iter().all(|f| f.severity == Severity::Warning), "{faults:?}");
        export.losses(&records()).into_iter().map(|f| (f.rule, f.message)).collect()
    }

    #[test]
    fn whole_exports_lose_nothing_in_any_form() {
        assert_eq!(losses(ExportForm::Json, JSON), []);
        let lines = "{\"id\":\"r-1\",\"name\":\"Grüße 你好\",\"weight\":71.5}\n{\"id\":\"a-1\",\"raised\":\"2026-11-02T01:30:00.000Z\"}\n\n{\"id\":\"a-2\",\"raised\":\"2026-11-03T02:30:00Z\",\"test\":true}\n";
        assert_eq!(losses(ExportForm::JsonLines, lines), []);
        let table = "id;name;weight;raised;test\r\nr-1;Grüße 你好;71,5;;\r\na-1;;;2026-11-02T02:30:00+01:00;\r\na-2;;;2026-11-03T02:30:00Z;true\r\n";
        assert_eq!(losses(ExportForm::Csv, table), []);
        let markup = "<export><resident id=\"r-1\"><name>Grüße 你好</name><weight value=\"71.50\"/></resident>\
            <alarm><key>a-1</key><raised>2026-11-02T01:30:00Z</raised></alarm><alarm><key>a-2</key><raised>2026-11-03T02:30:00Z</raised><test>true</test></alarm></export>";
        assert_eq!(losses(ExportForm::Xml, markup), []);
        // A FHIR Bundle keeps a key beneath what it is the key of.
        let bundle = json!({"resourceType": "Bundle", "entry": [
            {"resource": {"identifier": [{"value": "r-1"}], "name": [{"text": "Grüße 你好"}], "extension": [{"valueDecimal": 71.5}]}},
            {"resource": {"identifier": [{"value": "a-1"}], "effectiveDateTime": "2026-11-02T02:30:00+01:00"}},
            {"resource": {"identifier": [{"value": "a-2"}], "effectiveDateTime": "2026-11-03T02:30:00Z", "valueBoolean": true}}]});
        assert_eq!(losses(ExportForm::Json, &bundle.to_string()), []);
    }

    #[test]
    fn each_loss_is_told_for_its_record_only() {
        for (from, to, rule, words) in [
            ("{\"id\": \"a-2\", \"raised\": \"2026-11-03T02:30:00Z\", \"test\": true}", "{\"id\": \"a-3\"}", "record-missing", "`a-2`"),
            ("Grüße 你好", "Gr??e ??", "value-lost", "its name"),
            ("71.5", "71", "value-lost", "its weight"),
            ("02:30:00+01:00", "02:30:00Z", "value-lost", "its raised"),
            ("\"test\": true", "\"test\": false", "value-lost", "its test"),
            ("\"weight\": 71.5", "\"weight\": null", "value-lost", "its weight"),
        ] {
            let found = losses(ExportForm::Json, &JSON.replace(from, to));
            assert!(found.len() == 1 && found[0].0 == rule && found[0].1.contains(words), "{from}: {found:?}");
        }
        // What another record holds does not count.
        let swapped =
            JSON.replace("2026-11-03T02:30:00Z", "2026-11-04T02:30:00Z").replace("\"by\": \"r-1\"", "\"by\": \"2026-11-03T02:30:00Z\"");
        assert_eq!(losses(ExportForm::Json, &swapped).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (form, text) in [
            (ExportForm::Json, "{\"a\": 1"),
            (ExportForm::Json, "{\"a\": 1, \"a\": 2}"),
            (ExportForm::JsonLines, "{\"a\": 1}\n{"),
            (ExportForm::Csv, "a,b\r\n1,2,3\r\n"),
            (ExportForm::Xml, "<a><b></a>"),
        ] {
            let faults = Export::default().read(form, "t", text);
            assert!(faults.iter().any(is_unreadable), "{text}");
        }
        assert!(Export::default().is_empty());
    }

    #[test]
    fn numbers_and_moments_are_compared_by_what_they_mean() {
        let same = |a: Value, b: Value| readings(&b).contains(&asked(&a).unwrap());
        assert!(same(json!(71), json!("71.0")) && same(json!(71.0), json!(71)) && same(json!(-0.5), json!("-0.50")));
        assert!(same(json!("12"), json!(12)) && !same(json!("012"), json!(12)) && !same(json!(1), json!("1a")));
        assert!(same(json!("2026-03-01T09:30:00+01:00"), json!("2026-03-01T08:30:00.0Z")));
        assert!(!same(json!("2026-03-01T09:30:00.5Z"), json!("2026-03-01T09:30:00Z")));
        assert!(!same(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64)));
    }
}
