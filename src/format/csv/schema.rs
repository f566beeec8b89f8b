//! Table schemas: Frictionless Table Schema (v1, and the names v2 changed), and the columns of CSVW metadata.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value as Json;

use super::cell::{self, Form, TextForm, Type, Value};
use super::record::Dialect;
use crate::format::json::{shown, wrong_type};
use crate::format::{Pointer, language_tag};
use crate::verdict::Finding;

/// The size a compiled pattern may have, in bytes; a limit of ours.
const PATTERN_SIZE: usize = 1 << 20;

/// What a table must be like.
#[derive(Debug, Clone)]
pub struct TableSchema {
    pub(super) fields: Vec<Field>,
    pub(super) primary_key: Vec<String>,
    /// Fields whose values together may stand only once (v2).
    pub(super) unique_keys: Vec<Vec<String>>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) fields_match: FieldsMatch,
    pub(super) missing: Vec<String>,
    /// How the table is written, where the schema's document says so.
    pub dialect: Option<Dialect>,
}

/// How a table's columns must fit the schema's fields (v2, `fieldsMatch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldsMatch {
    /// Each field is a column, and nothing else is.
    Whole,
    /// Each field is a column; there may be more columns.
    MoreColumns,
    /// Each column is a field; there may be more fields.
    MoreFields,
    /// Some field is a column.
    Some,
}

/// What a standard asks of a field's values.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) enum Demand {
    Nothing,
    Uuid,
    Uri,
    Email,
    Date,
    Number,
    DateTime,
    TimeOfDay,
    Language,
    Country,
    Currency,
    OneOf(&'static [&'static str]),
}

/// A reference to another table of the same package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The fields here.
    pub fields: Vec<String>,
    /// The other table's name; empty for this table itself.
    pub resource: String,
    /// The fields there.
    pub referenced: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    /// Other names its header may have (CSVW titles).
    pub(super) titles: Vec<String>,
    pub(super) kind: Type,
    pub(super) required: bool,
    pub(super) unique: bool,
    pub(super) enumeration: Option<BTreeSet<String>>,
    pub(super) pattern: Option<Regex>,
    pub(super) length: (Option<u64>, Option<u64>),
    pub(super) least: Option<Value>,
    pub(super) most: Option<Value>,
    /// The bounds themselves are not allowed.
    pub(super) exclusive: (bool, bool),
    /// What stands for no value in this field, where it is not what the schema says (v2).
    pub(super) missing: Option<Vec<String>>,
}

struct Reader {
    findings: Vec<Finding>,
}

const CLAUSE: &str = "Frictionless Table Schema";

impl TableSchema {
    /// Reads a Table Schema, or CSVW metadata of one table.
    ///
    /// # Errors
    /// What is wrong with the schema itself. Findings that are no errors come with the schema.
    pub fn read(schema: &Json) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let mut reader = Reader { findings: Vec::new() };
        let read = match schema.get("tableSchema") {
            Some(table) => reader.csvw(schema, table),
            None => reader.frictionless(schema, &Pointer::ROOT),
        };
        let broken = reader.findings.iter().any(|f| f.severity == crate::verdict::Severity::Error);
        match read {
            Some(read) if !broken => Ok((read, reader.findings)),
            _ => Err(reader.findings),
        }
    }

    /// A schema of plain text fields, for a table whose standard is known.
    pub(in crate::format) fn of_texts<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut reader = Reader { findings: Vec::new() };
        let nothing = Json::Object(serde_json::Map::new());
        let fields =
            names.into_iter().map(|name| reader.constrained(name, Type::Text(TextForm::Plain), &nothing, &Pointer::ROOT)).collect();
        Self {
            fields,
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            // A standard's optional fields may be left out, and columns of one's own added.
            fields_match: FieldsMatch::Some,
            missing: vec![String::new()],
            dialect: None,
        }
    }

    /// Whether the schema has this field.
    pub(in crate::format) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Asks more of a field than the schema does.
    pub(in crate::format) fn demand(&mut self, name: &str, required: bool, demand: Demand) {
        let Some(field) = self.fields.iter_mut().find(|field| field.name == name) else { return };
        field.required |= required;
        match demand {
            Demand::Nothing => {}
            Demand::Uuid => field.kind = Type::Text(TextForm::Uuid),
            Demand::Uri => field.kind = Type::Text(TextForm::Uri),
            Demand::Email => field.kind = Type::Text(TextForm::Email),
            Demand::Date if matches!(field.kind, Type::Text(_)) => field.kind = Type::Date(Form::Default),
            Demand::Date => {}
            // What the schema says of a number's or a moment's form is kept.
            Demand::Number if matches!(field.kind, Type::Text(_) | Type::Any) => {
                field.kind = Type::Number { decimal: '.', group: None, bare: true };
            }
            Demand::DateTime if matches!(field.kind, Type::Text(_) | Type::Any) => field.kind = Type::DateTime(Form::Default),
            Demand::TimeOfDay if matches!(field.kind, Type::Text(_) | Type::Any) => field.kind = Type::Text(TextForm::TimeOfDay),
            Demand::Number | Demand::DateTime | Demand::TimeOfDay => {}
            Demand::Language => field.kind = Type::Text(TextForm::Language),
            Demand::Country => field.kind = Type::Text(TextForm::Country),
            Demand::Currency => field.kind = Type::Text(TextForm::Currency),
            Demand::OneOf(values) => field.enumeration = Some(values.iter().map(|value| (*value).to_owned()).collect()),
        }
    }

    /// Asks that no value of the field stands twice.
    pub(in crate::format) fn demand_unique(&mut self, name: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.unique = true;
        }
    }

    /// Asks that the field leads to a record of another table, where the schema does not say so itself.
    pub(in crate::format) fn demand_reference(&mut self, name: &str, resource: &str, referenced: &str) {
        let known = self.foreign_keys.iter().any(|key| key.fields.len() == 1 && key.fields.first().is_some_and(|field| field == name));
        if self.has(name) && !known {
            self.foreign_keys.push(ForeignKey {
                fields: vec![name.to_owned()],
                resource: resource.to_owned(),
                referenced: vec![referenced.to_owned()],
            });
        }
    }

    /// The references to other tables.
    pub fn foreign_keys(&self) -> &[ForeignKey] {
        &self.foreign_keys
    }
}

impl Reader {
    fn error(&mut self, at: &Pointer<'_>, message: impl Into<String>) {
        self.findings.push(Finding::error("table-schema", message).at(at.to_string()).clause(CLAUSE));
    }

    fn texts(&mut self, value: Option<&Json>, at: &Pointer<'_>, what: &str) -> Option<Vec<String>> {
        match value? {
            Json::String(one) => Some(vec![one.clone()]),
            Json::Array(many) => {
                let texts: Option<Vec<String>> = many.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                if texts.is_none() {
                    self.error(at, format!("{what} must be a list of strings"));
                }
                texts
            }
            other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) => {
                self.findings.push(wrong_type("table-schema", what, "a string or a list of strings", other, at, CLAUSE));
                None
            }
        }
    }

    fn frictionless(&mut self, schema: &Json, at: &Pointer<'_>) -> Option<TableSchema> {
        let Some(fields) = schema.get("fields").and_then(Json::as_array) else {
            self.error(at, "a table schema must have a list `fields`");
            return None;
        };
        let fields_at = at.name("fields");
        let mut read = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            if let Some(field) = self.field(field, &fields_at.index(i)) {
                if read.iter().any(|other: &Field| other.name == field.name) {
                    self.error(&fields_at.index(i), "two fields have the same name");
                }
                read.push(field);
            }
        }
        let known = |name: &String| read.iter().any(|field| field.name == *name);
        let primary_key = self.texts(schema.get("primaryKey"), &at.name("primaryKey"), "`primaryKey`").unwrap_or_default();
        if !primary_key.iter().all(known) {
            self.error(&at.name("primaryKey"), "the primary key names a field that there is not");
        }
        let missing = match schema.get("missingValues") {
            None => vec![String::new()],
            Some(Json::Array(items)) => items
                .iter()
                .filter_map(|item| item.as_str().or_else(|| item.get("value").and_then(Json::as_str)).map(str::to_owned))
                .collect(),
            Some(other) => {
                self.findings.push(wrong_type("table-schema", "`missingValues`", "a list", other, &at.name("missingValues"), CLAUSE));
                Vec::new()
            }
        };
        let mut foreign_keys = Vec::new();
        for (i, key) in schema.get("foreignKeys").and_then(Json::as_array).into_iter().flatten().enumerate() {
            let keys_at = at.name("foreignKeys");
            let at = keys_at.index(i);
            let fields = self.texts(key.get("fields"), &at.name("fields"), "`fields`").unwrap_or_default();
            let reference = key.get("reference");
            let reference_at = at.name("reference");
            let referenced =
                self.texts(reference.and_then(|r| r.get("fields")), &reference_at.name("fields"), "`fields`").unwrap_or_default();
            if fields.is_empty() || fields.len() != referenced.len() || !fields.iter().all(known) {
                self.error(&at, "a foreign key must name fields that are there, and as many in the other table");
                continue;
            }
            let resource = reference.and_then(|r| r.get("resource")).and_then(Json::as_str).unwrap_or_default().to_owned();
            foreign_keys.push(ForeignKey { fields, resource, referenced });
        }
        let unique_at = at.name("uniqueKeys");
        let mut unique_keys = Vec::new();
        for (i, key) in schema.get("uniqueKeys").and_then(Json::as_array).into_iter().flatten().enumerate() {
            let fields = self.texts(Some(key), &unique_at.index(i), "a unique key").unwrap_or_default();
            if fields.is_empty() || !fields.iter().all(known) {
                self.error(&unique_at.index(i), "a unique key names a field that there is not");
                continue;
            }
            unique_keys.push(fields);
        }
        let fields_match = match schema.get("fieldsMatch").map(|value| value.as_str().or_else(|| value.get(0)?.as_str())) {
            None | Some(Some("exact" | "equal")) => FieldsMatch::Whole,
            Some(Some("subset")) => FieldsMatch::MoreColumns,
            Some(Some("superset")) => FieldsMatch::MoreFields,
            Some(Some("partial")) => FieldsMatch::Some,
            Some(_) => {
                self.error(&at.name("fieldsMatch"), "`fieldsMatch` is exact, equal, subset, superset or partial");
                FieldsMatch::Whole
            }
        };
        Some(TableSchema { fields: read, primary_key, unique_keys, foreign_keys, fields_match, missing, dialect: None })
    }

    fn field(&mut self, field: &Json, at: &Pointer<'_>) -> Option<Field> {
        let Some(name) = field.get("name").and_then(Json::as_str).filter(|name| !name.is_empty()) else {
            self.error(at, "a field must have a `name`");
            return None;
        };
        let text = |name: &str| field.get(name).and_then(Json::as_str);
        let kind = self.kind(field, text("type").unwrap_or("string"), text("format").unwrap_or("default"), at)?;
        let empty = Json::Object(serde_json::Map::new());
        let constraints = field.get("constraints").unwrap_or(&empty);
        let constraints_at = at.name("constraints");
        let mut read = self.constrained(name, kind, constraints, &constraints_at);
        if let Some(Json::Array(categories)) = field.get("categories") {
            let values = categories.iter().map(|category| shown(category.get("value").unwrap_or(category)));
            read.enumeration.get_or_insert_with(|| values.collect());
        }
        if let Some(Json::Array(missing)) = field.get("missingValues") {
            read.missing = Some(
                missing
                    .iter()
                    .filter_map(|item| item.as_str().or_else(|| item.get("value").and_then(Json::as_str)).map(str::to_owned))
                    .collect(),
            );
        }
        Some(read)
    }

    fn kind(&mut self, field: &Json, kind: &str, format: &str, at: &Pointer<'_>) -> Option<Type> {
        let letter = |name: &str| field.get(name).and_then(Json::as_str).and_then(|text| text.chars().next());
        let bare = field.get("bareNumber").and_then(Json::as_bool).unwrap_or(true);
        let list = |name: &str, default: &[&str]| match field.get(name).and_then(Json::as_array) {
            Some(items) => items.iter().map(shown).collect(),
            None => default.iter().map(|word| (*word).to_owned()).collect(),
        };
        Some(match kind {
            "string" => Type::Text(match format {
                "email" => TextForm::Email,
                "uri" => TextForm::Uri,
                "binary" => TextForm::Binary,
                "uuid" => TextForm::Uuid,
                _ => TextForm::Plain,
            }),
            "number" => Type::Number { decimal: letter("decimalChar").unwrap_or('.'), group: letter("groupChar"), bare },
            "integer" => Type::Integer { group: letter("groupChar"), bare },
            "boolean" => Type::Boolean {
                yes: list("trueValues", &["true", "True", "TRUE", "1"]),
                no: list("falseValues", &["false", "False", "FALSE", "0"]),
            },
            "date" => Type::Date(self.form(format, at)),
            "time" => Type::Time(self.form(format, at)),
            "datetime" => Type::DateTime(self.form(format, at)),
            "year" => Type::Year,
            "yearmonth" => Type::YearMonth,
            "duration" => Type::Duration,
            "geopoint" if format == "default" => Type::GeoPoint,
            "geopoint" if format == "array" => Type::Array,
            "geopoint" | "object" => Type::Object,
            "geojson" => Type::GeoJson,
            "array" => Type::Array,
            "any" => Type::Any,
            "list" => {
                let item = self.kind(&Json::Null, text_of(field, "itemType").unwrap_or("string"), "default", at)?;
                Type::List { delimiter: text_of(field, "delimiter").unwrap_or(",").to_owned(), item: Box::new(item) }
            }
            other => {
                self.findings.push(
                    Finding::error("table-schema", "there is no such type")
                        .at(at.name("type").to_string())
                        .expected("a type of the Table Schema")
                        .observed(other)
                        .clause(CLAUSE),
                );
                return None;
            }
        })
    }

    fn form(&mut self, format: &str, at: &Pointer<'_>) -> Form {
        match format {
            "default" => Form::Default,
            "any" => Form::Any,
            _ => {
                // An older version wrote `fmt:` before the pattern.
                let pattern = format.strip_prefix("fmt:").unwrap_or(format);
                if cell::is_readable(pattern) && pattern.contains('%') {
                    return Form::Pattern(pattern.to_owned());
                }
                let finding = Finding::open("table-schema", "this program cannot read the field's format, so its values are not judged");
                self.findings.push(finding.at(at.name("format").to_string()).observed(format).clause(CLAUSE));
                Form::Any
            }
        }
    }

    fn constrained(&mut self, name: &str, kind: Type, constraints: &Json, at: &Pointer<'_>) -> Field {
        let flag = |name: &str| constraints.get(name).and_then(Json::as_bool).unwrap_or(false);
        let count = |name: &str| constraints.get(name).and_then(Json::as_u64);
        let mut bound = |name: &str| {
            let value = constraints.get(name)?;
            match (value.as_f64(), cell::read(&shown(value), &kind)) {
                (_, Ok(read)) => Some(read),
                (Some(number), Err(_)) => Some(Value::Number(number)),
                (None, Err(_)) => {
                    self.error(&at.name(name), format!("`{name}` is not a value of the field's own type"));
                    None
                }
            }
        };
        // CSV on the Web has names of its own for the same.
        let least = bound("minimum").or_else(|| bound("minInclusive"));
        let most = bound("maximum").or_else(|| bound("maxInclusive"));
        let above = bound("exclusiveMinimum").or_else(|| bound("minExclusive"));
        let below = bound("exclusiveMaximum").or_else(|| bound("maxExclusive"));
        let exclusive = (least.is_none() && above.is_some(), most.is_none() && below.is_some());
        let (least, most) = (least.or(above), most.or(below));
        let pattern = constraints.get("pattern").and_then(Json::as_str).and_then(|text| self.pattern(text, &at.name("pattern")));
        let enumeration = constraints.get("enum").and_then(Json::as_array).map(|values| values.iter().map(shown).collect());
        Field {
            name: name.to_owned(),
            titles: Vec::new(),
            kind,
            required: flag("required"),
            unique: flag("unique"),
            enumeration,
            pattern,
            length: (count("minLength").or_else(|| count("length")), count("maxLength").or_else(|| count("length"))),
            least,
            most,
            exclusive,
            missing: None,
        }
    }

    /// Patterns run in linear time, so what needs backtracking is an open question.
    fn pattern(&mut self, text: &str, at: &Pointer<'_>) -> Option<Regex> {
        // The whole value must match (XML Schema's way, which the Table Schema follows).
        match regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN_SIZE).build() {
            Ok(pattern) => Some(pattern),
            Err(_) => {
                let finding = Finding::open("table-schema", "this program cannot read the pattern, so it is not judged");
                self.findings.push(finding.at(at.to_string()).observed(text).clause(CLAUSE));
                None
            }
        }
    }

    /// CSV on the Web: metadata of one table (W3C Metadata Vocabulary for Tabular Data).
    fn csvw(&mut self, metadata: &Json, table: &Json) -> Option<TableSchema> {
        let root = Pointer::ROOT;
        let at = root.name("tableSchema");
        let Some(columns) = table.get("columns").and_then(Json::as_array) else {
            self.error(&at, "`tableSchema` must have a list `columns`");
            return None;
        };
        let columns_at = at.name("columns");
        let context = metadata.get("@context");
        let is_csvw = |value: &Json| value.as_str() == Some("http://www.w3.org/ns/csvw");
        if context.is_some_and(|context| !is_csvw(context) && !context.as_array().is_some_and(|items| items.first().is_some_and(is_csvw))) {
            self.error(&root.name("@context"), "`@context` is not http://www.w3.org/ns/csvw");
        }
        let mut missing: Vec<String> = vec![String::new()];
        if let Some(null) = self.texts(table.get("null").or_else(|| metadata.get("null")), &root.name("null"), "`null`") {
            missing = null;
        }
        for (language, at) in [(table.get("lang"), &at), (metadata.get("lang"), &root)] {
            self.language(language, &at.name("lang"));
        }
        let inherited = |column: &Json, name: &str| column.get(name).or_else(|| table.get(name)).or_else(|| metadata.get(name)).cloned();
        let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
        for (i, column) in columns.iter().enumerate() {
            if column.get("virtual").and_then(Json::as_bool) == Some(true) {
                continue;
            }
            let at = columns_at.index(i);
            let titles: Vec<String> = match column.get("titles") {
                Some(Json::Object(languages)) => languages
                    .values()
                    .flat_map(|value| self.texts(Some(value), &at.name("titles"), "a title").unwrap_or_default())
                    .collect(),
                other => self.texts(other, &at.name("titles"), "`titles`").unwrap_or_default(),
            };
            let name = column.get("name").and_then(Json::as_str).map(str::to_owned).or_else(|| titles.first().cloned());
            let Some(name) = name else {
                self.error(&at, "a column must have a `name` or `titles`");
                continue;
            };
            if column.get("name").is_some() && name.starts_with('_') {
                self.error(&at.name("name"), "a column's name must not begin with an underscore");
            }
            if fields.iter().any(|other| other.name == name) {
                self.error(&at, "two columns have the same name");
            }
            self.language(column.get("lang"), &at.name("lang"));
            let datatype = inherited(column, "datatype");
            let datatype = datatype.as_ref();
            let base = datatype.and_then(|d| d.as_str().or_else(|| d.get("base").and_then(Json::as_str))).unwrap_or("string");
            let kind = self.csvw_kind(base, datatype, &at.name("datatype"));
            let empty = Json::Object(serde_json::Map::new());
            let mut field = self.constrained(&name, kind, datatype.filter(|d| d.is_object()).unwrap_or(&empty), &at.name("datatype"));
            field.required = inherited(column, "required").and_then(|value| value.as_bool()).unwrap_or(false);
            field.titles = titles;
            if field.least.is_none() && field.most.is_none() {
                (field.least, field.most) = whole_range(base);
            }
            if let Some(null) = self.texts(column.get("null"), &at.name("null"), "`null`") {
                field.missing = Some(null);
            }
            if let Some(format) = datatype.and_then(|d| d.get("format")).and_then(Json::as_str)
                && matches!(field.kind, Type::Text(_))
            {
                field.pattern = self.pattern(format, &at.name("datatype"));
            }
            if let Some(Json::String(delimiter)) = inherited(column, "separator")
                && !delimiter.is_empty()
            {
                let item = std::mem::replace(&mut field.kind, Type::Any);
                field.kind = Type::List { delimiter, item: Box::new(item) };
            }
            fields.push(field);
        }
        let primary_key = self.texts(table.get("primaryKey"), &at.name("primaryKey"), "`primaryKey`").unwrap_or_default();
        let dialect = metadata.get("dialect").map(super::dialect);
        let known = |name: &String| fields.iter().any(|field| field.name == *name);
        if !primary_key.iter().all(known) {
            self.error(&at.name("primaryKey"), "the primary key names a column that there is not");
        }
        let keys_at = at.name("foreignKeys");
        let mut foreign_keys = Vec::new();
        for (i, key) in table.get("foreignKeys").and_then(Json::as_array).into_iter().flatten().enumerate() {
            let at = keys_at.index(i);
            let own = self.texts(key.get("columnReference"), &at.name("columnReference"), "`columnReference`").unwrap_or_default();
            let reference = key.get("reference");
            let reference_at = at.name("reference");
            let referenced = self
                .texts(reference.and_then(|r| r.get("columnReference")), &reference_at.name("columnReference"), "`columnReference`")
                .unwrap_or_default();
            if own.is_empty() || own.len() != referenced.len() || !own.iter().all(known) {
                self.error(&at, "a foreign key must name columns that are there, and as many in the other table");
                continue;
            }
            match reference.and_then(|r| r.get("resource")).and_then(Json::as_str) {
                Some(resource) => foreign_keys.push(ForeignKey { fields: own, resource: resource.to_owned(), referenced }),
                None => {
                    let finding = Finding::open("foreign-key", "the reference is to a schema and not to a table, which is not followed");
                    self.findings
                        .push(finding.at(reference_at.to_string()).clause("W3C Metadata Vocabulary for Tabular Data section 5.5.2"));
                }
            }
        }
        Some(TableSchema { fields, primary_key, unique_keys: Vec::new(), foreign_keys, fields_match: FieldsMatch::Whole, missing, dialect })
    }

    fn language(&mut self, value: Option<&Json>, at: &Pointer<'_>) {
        if let Some(text) = value.and_then(Json::as_str)
            && text != "und"
            && language_tag::well_formed(text).is_err()
        {
            let finding = Finding::warning("language-tag", "`lang` is not a language tag; readers take it for unknown").at(at.to_string());
            self.findings.push(finding.observed(text).clause("W3C Metadata Vocabulary for Tabular Data section 5.7"));
        }
    }

    fn csvw_kind(&mut self, base: &str, datatype: Option<&Json>, at: &Pointer<'_>) -> Type {
        let format = datatype.and_then(|d| d.get("format"));
        let is_number =
            !matches!(base, "boolean" | "string" | "date" | "dateTime" | "datetime" | "dateTimeStamp" | "time") && NUMBERS.contains(&base);
        if is_number && format.is_some_and(Json::is_string) {
            let finding =
                Finding::open("table-schema", "this program does not read patterns of numbers, so the column's form is not judged");
            self.findings.push(finding.at(at.to_string()).clause("W3C Tabular Data Model section 6.4.2"));
            return Type::Any;
        }
        let letter = |name: &str| format.and_then(|f| f.get(name)).and_then(Json::as_str).and_then(|text| text.chars().next());
        match base {
            "integer" | "int" | "long" | "short" | "byte" | "nonNegativeInteger" | "positiveInteger" | "nonPositiveInteger"
            | "negativeInteger" | "unsignedInt" | "unsignedLong" | "unsignedShort" | "unsignedByte" => {
                Type::Integer { group: letter("groupChar"), bare: true }
            }
            "decimal" | "number" | "double" | "float" => {
                Type::Number { decimal: letter("decimalChar").unwrap_or('.'), group: letter("groupChar"), bare: true }
            }
            "boolean" => match format.and_then(Json::as_str).and_then(|f| f.split_once('|')) {
                Some((yes, no)) => Type::Boolean { yes: vec![yes.to_owned()], no: vec![no.to_owned()] },
                None => Type::Boolean { yes: vec!["true".into(), "1".into()], no: vec!["false".into(), "0".into()] },
            },
            "date" | "dateTime" | "datetime" | "dateTimeStamp" | "time" => {
                let form = match format.and_then(Json::as_str) {
                    None => Form::Default,
                    Some(pattern) => match unicode_pattern(pattern) {
                        Some(pattern) => Form::Pattern(pattern),
                        None => {
                            let finding =
                                Finding::open("table-schema", "this program cannot read the column's format, so its values are not judged");
                            self.findings.push(finding.at(at.to_string()).observed(pattern).clause("W3C Tabular Data Model section 6.4.4"));
                            Form::Any
                        }
                    },
                };
                match base {
                    "date" => Type::Date(form),
                    "time" => Type::Time(form),
                    _ => Type::DateTime(form),
                }
            }
            "gYear" => Type::Year,
            "gYearMonth" => Type::YearMonth,
            "duration" | "dayTimeDuration" | "yearMonthDuration" => Type::Duration,
            "anyURI" => Type::Text(TextForm::Uri),
            "base64Binary" | "binary" => Type::Text(TextForm::Binary),
            "json" | "any" | "anyAtomicType" => Type::Any,
            _ => Type::Text(TextForm::Plain),
        }
    }
}

/// The numbers among the datatypes of CSV on the Web.
const NUMBERS: &[&str] = &[
    "integer",
    "int",
    "long",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
    "nonPositiveInteger",
    "negativeInteger",
    "unsignedInt",
    "unsignedLong",
    "unsignedShort",
    "unsignedByte",
    "decimal",
    "number",
    "double",
    "float",
];

/// The least and greatest value of the whole numbers of XML Schema, as far as a double holds them.
fn whole_range(base: &str) -> (Option<Value>, Option<Value>) {
    let range = |least: f64, most: f64| (Some(Value::Number(least)), Some(Value::Number(most)));
    match base {
        "nonNegativeInteger" | "unsignedLong" => (Some(Value::Number(0.0)), None),
        "positiveInteger" => (Some(Value::Number(1.0)), None),
        "nonPositiveInteger" => (None, Some(Value::Number(0.0))),
        "negativeInteger" => (None, Some(Value::Number(-1.0))),
        "unsignedInt" => range(0.0, f64::from(u32::MAX)),
        "unsignedShort" => range(0.0, f64::from(u16::MAX)),
        "unsignedByte" => range(0.0, f64::from(u8::MAX)),
        "int" => range(f64::from(i32::MIN), f64::from(i32::MAX)),
        "short" => range(f64::from(i16::MIN), f64::from(i16::MAX)),
        "byte" => range(f64::from(i8::MIN), f64::from(i8::MAX)),
        _ => (None, None),
    }
}

fn text_of<'j>(value: &'j Json, name: &str) -> Option<&'j str> {
    value.get(name).and_then(Json::as_str)
}

/// A date pattern of Unicode TR 35, as CSVW writes them, in the directives of `strptime`.
fn unicode_pattern(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let after = rest.trim_start_matches(first);
        let run = rest.len() - after.len();
        let directive = match (first, run / first.len_utf8()) {
            ('y', 4) => "%Y",
            ('M', 1 | 2) => "%m",
            ('d', 1 | 2) => "%d",
            ('H', 1 | 2) => "%H",
            ('m', 1 | 2) => "%M",
            ('s', 1 | 2) => "%S",
            ('X' | 'x', _) => "%z",
            ('S', _) => "%f",
            (c, _) if c.is_ascii_alphabetic() => return None,
            _ => {
                out.push_str(rest.get(..run)?);
                rest = after;
                continue;
            }
        };
        out.push_str(directive);
        rest = after;
    }
    Some(out)
}
