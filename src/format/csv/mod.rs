//! CSV: RFC 4180 as written, and the table's meaning by a Table Schema (Frictionless) or by CSV on the Web
//! metadata, where one is at hand.
//!
//! A table is read record by record in flat memory. What must be remembered (keys, values that may stand
//! only once) is kept as hashes and up to a number; beyond it the rule is an open question. Lines that end
//! with LF alone are accepted, as all readers do.

mod cell;
pub mod package;
mod record;
mod schema;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};

use serde_json::Value as Json;

use self::cell::Value;
pub use self::record::Dialect;
use self::record::{Fault, Record, Records};
pub(in crate::format) use self::schema::Demand;
use self::schema::{Field, FieldsMatch};
pub use self::schema::{ForeignKey, TableSchema};
use super::Progress;
use super::findings::Findings;
use crate::document::Position;
use crate::verdict::{Finding, Severity, Untrusted};

/// How many keys of one table are remembered; a limit of ours that keeps memory flat (32 bytes each).
const MAX_KEYS: usize = 4_000_000;

/// How many characters of a cell a finding shows.
const SHOWN: usize = 60;

/// The keys of a table, as hashes of 128 bits.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    seen: HashSet<u128>,
    full: bool,
}

impl Keys {
    /// Remembers a key; false when it was known already.
    fn insert(&mut self, key: u128) -> bool {
        if self.seen.len() >= MAX_KEYS {
            self.full = true;
            return true;
        }
        self.seen.insert(key)
    }
}

fn hash(parts: &[&str]) -> u128 {
    // Two hashes of the same text with different beginnings: an accident of 128 bits does not happen.
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        parts.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

/// What was found in one table.
#[derive(Debug, Clone, Default)]
pub struct TableReport {
    /// Records without the header.
    pub rows: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Judges one table in memory.
pub(super) fn judge(bytes: &[u8], schema: Option<&TableSchema>, dialect: &Dialect) -> Vec<Finding> {
    match judge_stream(bytes, schema, dialect, &[], &mut |_| {}) {
        Ok(report) => report.findings,
        Err(error) => vec![Finding::open("read", format!("the text could not be read: {error}"))],
    }
}

/// Judges one table from a stream. `references` holds, for each foreign key of the schema in its order,
/// the keys of the other table; without them the reference is an open question.
///
/// # Errors
/// The stream cannot be read.
pub fn judge_stream(
    input: impl Read,
    schema: Option<&TableSchema>,
    dialect: &Dialect,
    references: &[Option<&Keys>],
    progress: &mut dyn FnMut(Progress),
) -> io::Result<TableReport> {
    let dialect = schema.and_then(|s| s.dialect.as_ref()).unwrap_or(dialect);
    let mut table = Table { findings: Findings::default(), schema, references, columns: Vec::new(), ..Table::default() };
    let mut records = Records::new(input, dialect);
    let mut record = Record::default();
    let mut skip = dialect.skip_rows;
    let mut awaits_header = dialect.header;
    let mut rows = 0;
    while records.read(&mut record)? {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        table.form(&record);
        if awaits_header {
            awaits_header = false;
            if records.byte_order_mark {
                let finding = Finding::warning(
                    "byte-order-mark",
                    "the text begins with a byte order mark, which some readers take for part of the first name",
                );
                table.findings.push(finding.position(Some(Position::START)).clause("RFC 4180 section 3, RFC 3629 section 6"));
            }
            table.header(&record, dialect);
            continue;
        }
        if table.columns.is_empty() {
            table.no_header(&record);
        }
        if record.is_blank() && table.width > 1 {
            table.blank.get_or_insert(record.line);
            continue;
        }
        rows += 1;
        table.row(&record, rows);
        if rows.is_multiple_of(65_536) {
            progress(Progress { bytes: records.bytes, records: rows });
        }
    }
    progress(Progress { bytes: records.bytes, records: rows });
    if awaits_header {
        table.findings.push(
            Finding::error("header", "the text is empty; it has not even a header")
                .position(Some(Position::START))
                .clause("RFC 4180 section 2"),
        );
    }
    table.end();
    Ok(TableReport { rows, findings: table.findings.finish() })
}

/// Collects the keys of the named fields of a table, for tables that refer to them.
///
/// # Errors
/// The stream cannot be read.
pub fn keys(input: impl Read, schema: &TableSchema, dialect: &Dialect, fields: &[String]) -> io::Result<Keys> {
    let dialect = schema.dialect.as_ref().unwrap_or(dialect);
    let mut records = Records::new(input, dialect);
    let mut record = Record::default();
    let mut keys = Keys::default();
    let mut columns: Option<Vec<usize>> = None;
    let mut skip = dialect.skip_rows;
    while records.read(&mut record)? {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let Some(columns) = &columns else {
            let names: Vec<String> = if dialect.header {
                record.fields().map(|f| String::from_utf8_lossy(f).trim().to_owned()).collect()
            } else {
                schema.fields.iter().map(|f| f.name.clone()).collect()
            };
            let found: Option<Vec<usize>> = fields.iter().map(|field| names.iter().position(|name| name == field)).collect();
            let Some(found) = found else { return Ok(keys) };
            columns = Some(found);
            if !dialect.header {
                remember(&record, columns.as_deref().unwrap_or_default(), schema, &mut keys);
            }
            continue;
        };
        remember(&record, columns, schema, &mut keys);
    }
    Ok(keys)
}

fn remember(record: &Record, columns: &[usize], schema: &TableSchema, keys: &mut Keys) {
    let parts: Option<Vec<&str>> = columns.iter().map(|column| record.get(*column).and_then(|f| std::str::from_utf8(f).ok())).collect();
    if let Some(parts) = parts
        && !parts.iter().any(|part| schema.missing.iter().any(|missing| missing == part))
    {
        keys.insert(hash(&parts));
    }
}

/// A dialect as Frictionless and CSV on the Web write it.
pub fn dialect(value: &Json) -> Dialect {
    let letter = |name: &str| value.get(name).and_then(Json::as_str).and_then(|text| text.bytes().next());
    let default = Dialect::default();
    Dialect {
        delimiter: letter("delimiter").unwrap_or(default.delimiter),
        quote: match value.get("quoteChar") {
            Some(Json::Null) => None,
            _ => letter("quoteChar").or(default.quote),
        },
        header: value.get("header").and_then(Json::as_bool).unwrap_or(true),
        comment: letter("commentChar").or_else(|| letter("commentPrefix")),
        skip_rows: value.get("skipRows").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
    }
}

/// The judging of one table.
#[derive(Default)]
struct Table<'s> {
    findings: Findings,
    schema: Option<&'s TableSchema>,
    references: &'s [Option<&'s Keys>],
    /// For each column the field that it is.
    columns: Vec<Option<usize>>,
    names: Vec<String>,
    width: usize,
    /// The first blank line that no record followed yet.
    blank: Option<u64>,
    primary: Keys,
    unique: Vec<Keys>,
    /// For each unique key of the schema, what was seen.
    together: Vec<Keys>,
    line_feed: bool,
    line_return: bool,
}

fn at_line(line: u64) -> Option<Position> {
    Some(Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: 1 })
}

impl<'s> Table<'s> {
    fn tell(&mut self, severity: Severity, rule: &str, line: u64, message: impl Into<String>, clause: &str) {
        if self.findings.wants(severity) {
            self.findings.push(Finding::new(rule, severity, message).at(format!("line {line}")).position(at_line(line)).clause(clause));
        } else {
            self.findings.push(Finding::new(rule, severity, ""));
        }
    }

    /// How the record is written.
    fn form(&mut self, record: &Record) {
        let clause = "RFC 4180 section 2";
        let mut has_line_feed = false;
        for (fault, line) in &record.faults {
            match fault {
                Fault::QuoteInField => self.tell(Severity::Error, "quote", *line, "a quote stands in a field that is not quoted", clause),
                Fault::AfterQuote => {
                    self.tell(Severity::Error, "quote", *line, "something stands between a closing quote and the delimiter", clause)
                }
                Fault::Unclosed => self.tell(Severity::Error, "quote-unclosed", *line, "a quote is opened and never closed", clause),
                Fault::BareReturn => {
                    self.tell(Severity::Error, "line-break", *line, "a carriage return stands alone in a field that is not quoted", clause)
                }
                Fault::TooLong => self.tell(
                    Severity::Open,
                    "record-size",
                    *line,
                    "a record is longer than this program reads; the rest was not judged",
                    clause,
                ),
                Fault::LineFeed => has_line_feed = true,
            }
        }
        self.line_feed |= has_line_feed;
        self.line_return |= !has_line_feed;
        for (column, field) in record.fields().enumerate() {
            if std::str::from_utf8(field).is_err() {
                self.tell(Severity::Error, "utf-8", record.line, format!("column {} is not UTF-8", column + 1), "RFC 3629");
            }
        }
    }

    fn header(&mut self, record: &Record, dialect: &Dialect) {
        let clause = "RFC 4180 section 2, Frictionless Table Schema";
        self.width = record.len();
        self.names = record.fields().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
        let names = self.names.clone();
        for (i, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                self.tell(Severity::Error, "header-blank", record.line, format!("column {} has no name", i + 1), clause);
            } else if names.iter().take(i).any(|before| before == name) {
                self.tell(
                    Severity::Error,
                    "header-twice",
                    record.line,
                    format!("two columns are named `{}`", Untrusted::new(name)),
                    clause,
                );
            } else if name.trim() != name {
                self.tell(
                    Severity::Warning,
                    "header-blanks",
                    record.line,
                    format!("blanks stand around the name of column {}", i + 1),
                    clause,
                );
            }
        }
        if names.len() == 1 && dialect.delimiter == b',' && names.first().is_some_and(|name| name.contains(';') || name.contains('\t')) {
            self.tell(
                Severity::Warning,
                "delimiter",
                record.line,
                "the only column's name holds semicolons or tabs: another delimiter seems to be meant",
                clause,
            );
        }
        let Some(schema) = self.schema else {
            self.columns = vec![None; self.width];
            return;
        };
        let is = |field: &Field, name: &str| field.name == name || field.titles.iter().any(|title| title == name);
        self.columns = names.iter().map(|name| schema.fields.iter().position(|field| is(field, name.trim()))).collect();
        for (i, name) in names.iter().enumerate() {
            let more = matches!(schema.fields_match, FieldsMatch::MoreColumns | FieldsMatch::Some);
            if self.columns.get(i) == Some(&None) && !name.trim().is_empty() && !more {
                let finding = Finding::error("field-unknown", format!("the schema has no field `{}`", Untrusted::new(name)));
                self.findings.push(finding.at(format!("column {}", i + 1)).position(at_line(record.line)).observed(name).clause(clause));
            }
        }
        for (i, field) in schema.fields.iter().enumerate() {
            let fewer = match schema.fields_match {
                FieldsMatch::Whole | FieldsMatch::MoreColumns => false,
                FieldsMatch::MoreFields => true,
                FieldsMatch::Some => self.columns.iter().any(Option::is_some),
            };
            if !self.columns.contains(&Some(i)) && (!fewer || field.required) {
                let finding = Finding::error(
                    "field-missing",
                    format!("the field `{}` of the schema is not in the table", Untrusted::new(&field.name)),
                );
                self.findings.push(finding.at("header").position(at_line(record.line)).expected(field.name.clone()).clause(clause));
            }
        }
        let order: Vec<usize> = self.columns.iter().flatten().copied().collect();
        if !order.is_sorted() {
            self.tell(Severity::Warning, "field-order", record.line, "the columns do not stand in the order of the schema", clause);
        }
        self.unique = vec![Keys::default(); schema.fields.len()];
    }

    fn no_header(&mut self, record: &Record) {
        self.width = self.schema.map_or(record.len(), |schema| schema.fields.len());
        self.columns = (0..self.width).map(|i| self.schema.map(|_| i)).collect();
        self.names = match self.schema {
            Some(schema) => schema.fields.iter().map(|f| f.name.clone()).collect(),
            None => (1..=self.width).map(|i| i.to_string()).collect(),
        };
        self.unique = vec![Keys::default(); self.schema.map_or(0, |s| s.fields.len())];
    }

    fn row(&mut self, record: &Record, row: u64) {
        if let Some(line) = self.blank.take() {
            self.tell(Severity::Error, "blank-row", line, "an empty line stands between the records", "RFC 4180 section 2");
        }
        if record.len() != self.width {
            if self.findings.wants(Severity::Error) {
                let finding = Finding::error("ragged-row", "the record does not have as many fields as the header");
                let finding = finding.at(format!("row {row}")).position(at_line(record.line)).expected(format!("{} fields", self.width));
                self.findings.push(finding.observed(&format!("{} fields", record.len())).clause("RFC 4180 section 2"));
            } else {
                self.findings.push(Finding::error("ragged-row", ""));
            }
        }
        let Some(schema) = self.schema else { return };
        for column in 0..self.columns.len() {
            let Some(Some(index)) = self.columns.get(column).copied() else { continue };
            let (Some(field), Some(bytes)) = (schema.fields.get(index), record.get(column)) else { continue };
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            self.cell(schema, field, index, text, record.line, row, column);
        }
        self.keys(schema, record, row);
    }

    #[expect(clippy::too_many_arguments, reason = "one call, and a cell's place has four parts")]
    fn cell(&mut self, schema: &TableSchema, field: &Field, index: usize, text: &str, line: u64, row: u64, column: usize) {
        let missing = field.missing.as_ref().unwrap_or(&schema.missing).iter().any(|missing| missing == text);
        let fault: Option<(&str, String, String)> = if missing {
            let needed = field.required || schema.primary_key.contains(&field.name);
            needed.then(|| ("cell-required", "a value is missing that must be there".to_owned(), "a value".to_owned()))
        } else {
            match cell::read(text, &field.kind) {
                Err(why) => Some(("cell-type", format!("the value is not of the field's type: {why}"), type_name(field))),
                Ok(value) => constraint(field, text, &value),
            }
        };
        let fault = fault.or_else(|| {
            let twice = !missing && field.unique && !self.unique.get_mut(index)?.insert(hash(&[text]));
            twice.then(|| ("cell-unique", "the value stands in this column a second time".to_owned(), "a value of its own".to_owned()))
        });
        let Some((rule, message, expected)) = fault else { return };
        if !self.findings.wants(Severity::Error) {
            self.findings.push(Finding::error(rule, ""));
            return;
        }
        let shown: String = text.chars().take(SHOWN).collect();
        self.findings.push(
            Finding::error(rule, format!("field `{}`: {message}", Untrusted::new(&field.name)))
                .at(format!("row {row}, column {}", column + 1))
                .position(at_line(line))
                .expected(expected)
                .observed(&shown)
                .clause("Frictionless Table Schema, types and constraints"),
        );
    }

    fn keys(&mut self, schema: &TableSchema, record: &Record, row: u64) {
        let columns = &self.columns;
        let parts = |fields: &[String]| -> Option<Vec<&str>> {
            fields
                .iter()
                .map(|field| {
                    let column = columns.iter().position(|c| c.and_then(|i| schema.fields.get(i)).is_some_and(|f| f.name == *field))?;
                    record.get(column).and_then(|bytes| std::str::from_utf8(bytes).ok())
                })
                .collect()
        };
        let is_missing = |part: &&str| schema.missing.iter().any(|missing| missing == part);
        let mut faults: Vec<Finding> = Vec::new();
        if !schema.primary_key.is_empty()
            && let Some(key) = parts(&schema.primary_key)
            && !key.iter().any(is_missing)
            && !self.primary.insert(hash(&key))
        {
            faults
                .push(Finding::error("primary-key", "a record with the same primary key stands before this one").observed(&key.join(", ")));
        }
        self.together.resize_with(schema.unique_keys.len(), Keys::default);
        for (key, seen) in schema.unique_keys.iter().zip(&mut self.together) {
            if let Some(found) = parts(key)
                && !found.iter().all(is_missing)
                && !seen.insert(hash(&found))
            {
                faults.push(
                    Finding::error("unique-key", format!("`{}` have the values of an earlier record", key.join(", ")))
                        .observed(&found.join(", ")),
                );
            }
        }
        for (i, reference) in schema.foreign_keys.iter().enumerate() {
            let Some(Some(keys)) = self.references.get(i) else { continue };
            let Some(key) = parts(&reference.fields) else { continue };
            if key.iter().any(is_missing) || keys.full || keys.seen.contains(&hash(&key)) {
                continue;
            }
            let finding =
                Finding::error("foreign-key", format!("`{}` leads to no record of `{}`", reference.fields.join(", "), reference.resource));
            faults.push(
                finding
                    .expected(format!("a value of {}.{}", reference.resource, reference.referenced.join(", ")))
                    .observed(&key.join(", ")),
            );
        }
        for finding in faults {
            self.findings.push(finding.at(format!("row {row}")).position(at_line(record.line)).clause("Frictionless Table Schema, keys"));
        }
    }

    fn end(&mut self) {
        if let Some(line) = self.blank.take() {
            self.tell(Severity::Warning, "blank-row", line, "the text ends with empty lines", "RFC 4180 section 2");
        }
        if self.line_feed && self.line_return {
            self.tell(Severity::Warning, "line-break", 1, "some lines end with CR LF and some with LF alone", "RFC 4180 section 2");
        }
        if self.primary.full || self.unique.iter().any(|keys| keys.full) {
            let message = format!("more than {MAX_KEYS} keys; whether later ones stand twice was not judged");
            self.findings.push(Finding::open("keys", message).clause("a limit of this program"));
        }
        let Some(schema) = self.schema else { return };
        for (i, reference) in schema.foreign_keys.iter().enumerate() {
            if !matches!(self.references.get(i), Some(Some(_))) {
                let finding = Finding::open(
                    "foreign-key",
                    format!("the table `{}`, which this one refers to, is not at hand", Untrusted::new(&reference.resource)),
                );
                self.findings.push(finding.clause("Frictionless Table Schema, keys"));
            }
        }
    }
}

fn type_name(field: &Field) -> String {
    let name = format!("{:?}", field.kind);
    let name = name.split([' ', '(', '{']).next().unwrap_or_default().to_lowercase();
    format!("a value of type {name}")
}

/// The first constraint that a value breaks.
fn constraint(field: &Field, text: &str, value: &Value) -> Option<(&'static str, String, String)> {
    if matches!(field.kind, cell::Type::List { .. }) {
        // What a schema says of a list is said of its items or of their number, which differs by standard.
        return None;
    }
    if let Some(allowed) = &field.enumeration {
        let same_number = |other: &String| matches!((value, other.parse::<f64>()), (Value::Number(a), Ok(b)) if *a == b);
        if !allowed.contains(text) && !allowed.iter().any(same_number) {
            let list: Vec<&str> = allowed.iter().take(12).map(String::as_str).collect();
            return Some(("cell-enum", "the value is none of those allowed".into(), format!("one of {}", list.join(", "))));
        }
    }
    if let Some(pattern) = &field.pattern
        && !pattern.is_match(text)
    {
        return Some(("cell-pattern", "the value does not match the field's pattern".into(), pattern.as_str().to_owned()));
    }
    let length = text.chars().count() as u64;
    if field.length.0.is_some_and(|least| length < least) || field.length.1.is_some_and(|most| length > most) {
        return Some((
            "cell-length",
            format!("the value has {length} characters, which is not allowed"),
            format!("{:?} characters", field.length),
        ));
    }
    let beyond = |bound: &Option<Value>, side: std::cmp::Ordering, exclusive: bool| {
        let order = bound.as_ref().and_then(|bound| value.partial_cmp(bound));
        order == Some(side) || exclusive && order == Some(std::cmp::Ordering::Equal)
    };
    let below = beyond(&field.least, std::cmp::Ordering::Less, field.exclusive.0);
    let above = beyond(&field.most, std::cmp::Ordering::Greater, field.exclusive.1);
    if below || above {
        let side = if below { "below the least" } else { "above the greatest" };
        return Some(("cell-range", format!("the value is {side} that is allowed"), "a value within the field's bounds".into()));
    }
    None
}

#[cfg(test)]
mod tests;
