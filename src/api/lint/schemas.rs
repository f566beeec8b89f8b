//! Rules about Schema Objects and the values that stand beside them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Desk, is_swagger};
use crate::api::description::{Direction, Edition, Spot};
use crate::api::exchange::is_json;
use crate::verdict::{Finding, Untrusted};

/// What a keyword's value must be.
enum Must {
    Text,
    Flag,
    Number,
    PositiveNumber,
    Count,
    List,
    Names,
    Object,
    Schema,
    Schemas,
    SchemaMap,
    Type,
    Any,
}

/// The keyword's rule in an edition; `None`: the edition does not know it.
fn must(edition: Edition, keyword: &str) -> Option<Must> {
    let modern = edition.is_json_schema() || !edition.is_http();
    Some(match keyword {
        "title" | "description" | "format" | "pattern" => Must::Text,
        "multipleOf" => Must::PositiveNumber,
        "maximum" | "minimum" => Must::Number,
        "exclusiveMaximum" | "exclusiveMinimum" => {
            if modern {
                Must::Number
            } else {
                Must::Flag
            }
        }
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" => Must::Count,
        "uniqueItems" | "readOnly" => Must::Flag,
        "required" => Must::Names,
        "enum" => Must::List,
        "type" => Must::Type,
        "properties" => Must::SchemaMap,
        "allOf" => Must::Schemas,
        "items" | "additionalProperties" => Must::Schema,
        "default" | "example" => Must::Any,
        "externalDocs" | "xml" => Must::Object,
        "discriminator" => {
            if edition == Edition::Swagger20 || edition == Edition::AsyncApi2 || edition == Edition::AsyncApi3 {
                Must::Text
            } else {
                Must::Object
            }
        }
        "anyOf" | "oneOf" if edition != Edition::Swagger20 => Must::Schemas,
        "not" if edition != Edition::Swagger20 => Must::Schema,
        "writeOnly" | "deprecated" if edition != Edition::Swagger20 => Must::Flag,
        "nullable" if edition == Edition::OpenApi30 => Must::Flag,
        "$schema" | "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$comment" | "contentEncoding" | "contentMediaType"
            if modern =>
        {
            Must::Text
        }
        "const" if modern => Must::Any,
        "examples" | "prefixItems" if modern => {
            if keyword == "examples" {
                Must::List
            } else {
                Must::Schemas
            }
        }
        "patternProperties" | "$defs" | "dependentSchemas" if modern => Must::SchemaMap,
        "if" | "then" | "else" | "contains" | "propertyNames" | "unevaluatedItems" | "unevaluatedProperties" | "contentSchema"
            if modern =>
        {
            Must::Schema
        }
        "minContains" | "maxContains" if modern => Must::Count,
        "dependentRequired" | "$vocabulary" if modern => Must::Object,
        _ => return None,
    })
}

fn keeps(edition: Edition, must: &Must, value: &Value) -> Result<(), &'static str> {
    let modern = edition.is_json_schema() || !edition.is_http();
    let schema = |v: &Value| v.is_object() || (v.is_boolean() && modern);
    let (fits, message) = match must {
        Must::Text => (value.is_string(), "must be text"),
        Must::Flag => (value.is_boolean(), "must be `true` or `false`"),
        Must::Number => (value.is_number(), "must be a number"),
        Must::PositiveNumber => (value.as_f64().is_some_and(|n| n > 0.0), "must be a number above 0"),
        Must::Count => {
            (value.is_u64() || value.as_f64().is_some_and(|n| n >= 0.0 && n.fract() == 0.0), "must be a whole number, not negative")
        }
        Must::List => (value.is_array(), "must be a list"),
        Must::Names => {
            let names: Option<Vec<&str>> = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
            match names {
                None => (false, "must be a list of names"),
                Some(names) if names.is_empty() && !modern => (false, "must not be empty"),
                Some(names) => (names.iter().collect::<BTreeSet<_>>().len() == names.len(), "must not have a name twice"),
            }
        }
        Must::Object => (value.is_object(), "must be an object"),
        Must::Schema => (schema(value) || value.is_boolean(), "must be a schema"),
        Must::Schemas => {
            (value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(schema)), "must be a list of schemas, not empty")
        }
        Must::SchemaMap => (value.as_object().is_some_and(|map| map.values().all(schema)), "must map names to schemas"),
        Must::Type => {
            let known: &[&str] = if modern {
                &["array", "boolean", "integer", "null", "number", "object", "string"]
            } else if edition == Edition::Swagger20 {
                &["array", "boolean", "integer", "number", "object", "string", "file", "null"]
            } else {
                &["array", "boolean", "integer", "number", "object", "string"]
            };
            let name = |v: &Value| v.as_str().is_some_and(|t| known.contains(&t));
            let fits = match value {
                Value::Array(names) if modern || edition == Edition::Swagger20 => !names.is_empty() && names.iter().all(name),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => name(value),
            };
            (fits, "must be a type of this edition")
        }
        Must::Any => (true, ""),
    };
    if fits { Ok(()) } else { Err(message) }
}

/// Gathers findings while schemas are visited, because the visit borrows the description.
struct Gathered(Vec<(Spot, String, Option<String>)>);

impl Gathered {
    fn tell(&mut self, spot: Spot, message: impl Into<String>, observed: Option<&str>) {
        self.0.push((spot, message.into(), observed.map(str::to_owned)));
    }
}

fn each(desk: &mut Desk<'_>, mut judge: impl FnMut(&Spot, &Map<String, Value>, &mut Gathered)) {
    let mut gathered = Gathered(Vec::new());
    desk.description.each_schema(&mut |spot, value| {
        if let Some(object) = value.as_object() {
            judge(spot, object, &mut gathered);
        }
    });
    for (spot, message, observed) in gathered.0 {
        let finding = desk.at(&spot, message);
        finding.observed = observed.as_deref().map(Untrusted::new);
    }
}

/// In Swagger 2.0 parameters and headers are schemas with more members; their structure is judged elsewhere.
fn is_bare(edition: Edition, spot: &Spot, object: &Map<String, Value>) -> bool {
    edition == Edition::Swagger20
        && (object.contains_key("in")
            || object.contains_key("collectionFormat")
            || spot.pointer.contains("/headers/")
            || spot.pointer.contains("/parameters/"))
        && !spot.pointer.contains("/schema")
}

pub(super) fn valid_schema(desk: &mut Desk<'_>) {
    let edition = desk.description.edition();
    let clause = format!("{}, Schema Object", edition.name());
    each(desk, |spot, object, gathered| {
        if let Some(reference) = object.get("$ref").filter(|r| !r.is_string()) {
            gathered.tell(spot.child("$ref"), "`$ref` must be text", Some(&shown(reference)));
        }
        if is_bare(edition, spot, object) || (object.contains_key("$ref") && !edition.is_json_schema()) {
            return;
        }
        for (key, value) in object {
            if key.starts_with("x-") || key == "$ref" {
                continue;
            }
            match must(edition, key) {
                Some(rule) => {
                    if let Err(message) = keeps(edition, &rule, value) {
                        gathered.tell(spot.child(key), format!("`{key}` {message}"), Some(&shown(value)));
                    }
                }
                // JSON Schema lets a schema have members that it does not define.
                None if edition.is_json_schema() || !edition.is_http() => {}
                None => gathered.tell(spot.child(key), format!("{} has no keyword of this name", edition.name()), Some(key)),
            }
        }
        if let Some(discriminator) = object.get("discriminator").and_then(Value::as_object)
            && !discriminator.get("propertyName").is_some_and(Value::is_string)
        {
            gathered.tell(spot.child("discriminator"), "the discriminator has no `propertyName`", None);
        }
        if edition.is_json_schema() && object.contains_key("nullable") {
            gathered.tell(spot.child("nullable"), "`nullable` has no effect from OpenAPI 3.1 on; use the type `null`", None);
        }
    });
    for finding in &mut desk.findings {
        finding.clause.clone_from(&clause);
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

pub(super) fn reference_siblings(desk: &mut Desk<'_>) {
    let edition = desk.description.edition();
    if edition.is_json_schema() || !edition.is_http() {
        return;
    }
    each(desk, |spot, object, gathered| {
        if object.get("$ref").is_some_and(Value::is_string) {
            let others: Vec<&str> = object.keys().map(String::as_str).filter(|k| *k != "$ref" && !k.starts_with("x-")).collect();
            if !others.is_empty() {
                gathered.tell(spot.clone(), "what stands beside `$ref` is ignored", Some(&others.join(", ")));
            }
        }
    });
}

/// Takes over what reading noticed under these names.
fn noticed(desk: &mut Desk<'_>, rules: &[&str]) {
    let found: Vec<Finding> = desk.description.findings().iter().filter(|f| rules.contains(&f.rule.as_str())).cloned().collect();
    for noticed in found {
        let finding = desk.at(&Spot::root(noticed.path.clone()), noticed.message.clone());
        finding.observed = noticed.observed;
    }
}

pub(super) fn schemas_end(desk: &mut Desk<'_>) {
    noticed(desk, &["schema-endless", "schema-too-wide"]);
}

pub(super) fn patterns_linear(desk: &mut Desk<'_>) {
    noticed(desk, &["pattern-unchecked"]);
}

/// An example or default: its schema, who sends it, and where it is written.
struct Sample {
    direction: Option<Direction>,
    at: Spot,
}

/// Holds values against schemas, compiling each schema once.
fn hold(desk: &mut Desk<'_>, samples: BTreeMap<Spot, Vec<Sample>>, what: &str) {
    /// Deviations of one value that are told.
    const MAX_TOLD: usize = 3;
    let description = desk.description;
    for (schema, samples) in samples {
        let Some(rewritten) = description.schema(&schema) else { continue };
        let mut compiled: BTreeMap<Direction, Result<jsonschema::Validator, String>> = BTreeMap::new();
        for sample in samples {
            let Some(value) = description.value(&sample.at) else { continue };
            if let Some(fits) = fits_plainly(rewritten, value) {
                if !fits {
                    desk.at(&sample.at, format!("the {what} is not of the type of its schema")).observed =
                        Some(Untrusted::new(&value.to_string()));
                }
                continue;
            }
            let directions = match sample.direction {
                Some(direction) => vec![direction],
                // Of a schema's own example it is not said who sends it.
                None => vec![Direction::Response, Direction::Request],
            };
            let mut broken: Option<Vec<(String, String)>> = None;
            let mut trouble = None;
            for direction in directions {
                match compiled.entry(direction).or_insert_with(|| description.compile(&schema, direction)) {
                    Ok(validator) => {
                        let found: Vec<(String, String)> = validator
                            .iter_errors(value)
                            .take(MAX_TOLD)
                            .map(|e| (e.instance_path().as_str().to_owned(), e.to_string()))
                            .collect();
                        if found.is_empty() {
                            broken = None;
                            break;
                        }
                        broken.get_or_insert(found);
                    }
                    Err(error) => trouble = Some(error.clone()),
                }
            }
            if let Some(error) = trouble {
                desk.open(&sample.at, format!("the {what} could not be checked, because its schema could not be compiled: {error}"));
            }
            for (pointer, message) in broken.into_iter().flatten() {
                let spot = Spot { document: sample.at.document, pointer: format!("{}{pointer}", sample.at.pointer) };
                desk.at(&spot, format!("the {what} does not fit its schema")).observed = Some(Untrusted::new(&message));
            }
        }
    }
}

/// The answer where the schema is a type and nothing else, which most are.
fn fits_plainly(schema: &Value, value: &Value) -> Option<bool> {
    let object = schema.as_object()?;
    let name = object.get("type")?.as_str()?;
    if object.len() != 1 {
        return None;
    }
    Some(is_type(name, value))
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// The schema that a reference and nothing else leads to, so that samples of one schema come together.
fn bare_target(desk: &Desk<'_>, spot: &Spot) -> Spot {
    let mut spot = spot.clone();
    for _ in 0..16 {
        let schema = desk.description.schema(&spot).and_then(Value::as_object);
        let target = schema
            .filter(|s| s.len() == 1)
            .and_then(|s| s.get("$ref"))
            .and_then(Value::as_str)
            .and_then(|r| desk.description.schema_target(spot.document, r));
        match target {
            Some(target) => spot = target,
            None => break,
        }
    }
    spot
}

pub(super) fn examples_fit(desk: &mut Desk<'_>) {
    let description = desk.description;
    let mut samples: BTreeMap<Spot, Vec<Sample>> = BTreeMap::new();
    let mut seen: BTreeSet<(Spot, Spot)> = BTreeSet::new();
    let mut add = |desk: &Desk<'_>, schema: &Spot, direction: Option<Direction>, at: Spot| {
        let key = bare_target(desk, schema);
        if seen.insert((key.clone(), at.clone())) {
            samples.entry(key).or_default().push(Sample { direction, at });
        }
    };
    for operation in description.operations() {
        // What an operation of ours receives, one that the service calls sends.
        let (sent, answered) =
            if operation.outgoing { (Direction::Response, Direction::Request) } else { (Direction::Request, Direction::Response) };
        for parameter in &operation.parameters {
            for at in &parameter.examples {
                if let Some(schema) = &parameter.schema {
                    add(desk, schema, Some(sent), at.clone());
                }
            }
        }
        let bodies = operation.body.iter().flat_map(|b| &b.content).map(|m| (m, sent));
        let answers = operation.responses.iter().flat_map(|r| &r.content).map(|m| (m, answered));
        for (media, direction) in bodies.chain(answers) {
            let Some(schema) = &media.schema else { continue };
            for at in &media.examples {
                // What is not JSON is written as text, whatever its schema says.
                if is_json(&media.media_type) || description.value(at).is_some_and(|v| !v.is_string()) {
                    add(desk, schema, Some(direction), at.clone());
                }
            }
        }
        for header in operation.responses.iter().flat_map(|r| &r.headers) {
            if let (Some(schema), Some(value)) = (&header.schema, description.value(&header.spot))
                && value.get("example").is_some()
                && !is_swagger(desk)
            {
                add(desk, schema, Some(answered), header.spot.child("example"));
            }
        }
    }
    let mut own: Vec<(Spot, Spot)> = Vec::new();
    description.each_schema(&mut |spot, schema| {
        if schema.get("example").is_some() {
            own.push((spot.clone(), spot.child("example")));
        }
        for index in 0..schema.get("examples").and_then(Value::as_array).map_or(0, Vec::len) {
            own.push((spot.clone(), spot.path(&["examples", &index.to_string()])));
        }
    });
    for (schema, at) in own {
        add(desk, &schema, None, at);
    }
    hold(desk, samples, "example");
}

pub(super) fn defaults_fit(desk: &mut Desk<'_>) {
    let mut samples: BTreeMap<Spot, Vec<Sample>> = BTreeMap::new();
    desk.description.each_schema(&mut |spot, schema| {
        if schema.get("default").is_some() {
            samples.insert(spot.clone(), vec![Sample { direction: None, at: spot.child("default") }]);
        }
    });
    hold(desk, samples, "default");
}

pub(super) fn enum_unique(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        let values = object.get("enum").and_then(Value::as_array);
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for (index, value) in values.into_iter().flatten().enumerate() {
            if !seen.insert(value.to_string()) {
                gathered.tell(
                    spot.path(&["enum", &index.to_string()]),
                    "the value stands more than once in the enumeration",
                    Some(&value.to_string()),
                );
            }
        }
    });
}

pub(super) fn enum_fits(desk: &mut Desk<'_>) {
    let edition = desk.description.edition();
    each(desk, |spot, object, gathered| {
        let names: Vec<&str> = match object.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => return,
        };
        let null = object.get("nullable") == Some(&Value::Bool(true)) || edition == Edition::Swagger20;
        for (index, value) in object.get("enum").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let allowed = null && value.is_null();
            if !allowed && !names.iter().any(|name| is_type(name, value)) {
                gathered.tell(
                    spot.path(&["enum", &index.to_string()]),
                    "the value is not of the type of its schema",
                    Some(&value.to_string()),
                );
            }
        }
    });
}

pub(super) fn required_exist(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        // Where schemas are put together, the property may stand in another part.
        let part = spot.pointer.rsplit('/').nth(1).is_some_and(|k| matches!(k, "allOf" | "anyOf" | "oneOf"))
            || spot.pointer.rsplit('/').next().is_some_and(|k| matches!(k, "not" | "if" | "then" | "else"));
        let composed =
            ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if", "$dynamicRef"].iter().any(|k| object.contains_key(*k));
        if part || composed {
            return;
        }
        let Some(properties) = object.get("properties").and_then(Value::as_object) else {
            // Nothing is said about any property; a schema of names alone is a template for others.
            return;
        };
        for (index, name) in object.get("required").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Some(name) = name.as_str()
                && !properties.contains_key(name)
            {
                gathered.tell(spot.path(&["required", &index.to_string()]), "the required name is not among the properties", Some(name));
            }
        }
    });
}

pub(super) fn bounds(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        for (low, high) in [
            ("minimum", "maximum"),
            ("minLength", "maxLength"),
            ("minItems", "maxItems"),
            ("minProperties", "maxProperties"),
            ("minContains", "maxContains"),
        ] {
            let number = |key: &str| object.get(key).and_then(Value::as_f64);
            if let (Some(min), Some(max)) = (number(low), number(high))
                && min > max
            {
                gathered.tell(spot.child(low), format!("`{low}` is above `{high}`: nothing fits"), Some(&format!("{min} > {max}")));
            }
        }
    });
}

fn has_type(object: &Map<String, Value>, wanted: &[&str]) -> bool {
    match object.get("type") {
        Some(Value::String(name)) => wanted.contains(&name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| wanted.contains(&name)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

pub(super) fn type_present(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        let says = ["type", "$ref", "allOf", "anyOf", "oneOf", "enum", "const", "not", "if", "$dynamicRef"]
            .iter()
            .any(|k| object.contains_key(*k));
        if !says {
            gathered.tell(spot.clone(), "the schema says no type", None);
        }
    });
}

pub(super) fn array_items(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        if has_type(object, &["array"])
            && !object.contains_key("items")
            && !object.contains_key("prefixItems")
            && !object.contains_key("contains")
        {
            gathered.tell(spot.clone(), "the array does not say what its items are", None);
        }
    });
}

pub(super) fn array_bounded(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        if has_type(object, &["array"]) && !object.contains_key("maxItems") {
            gathered.tell(spot.clone(), "the array has no `maxItems`", None);
        }
    });
}

pub(super) fn string_bounded(desk: &mut Desk<'_>) {
    const FIXED: [&str; 9] = ["date", "date-time", "time", "uuid", "ipv4", "ipv6", "duration", "binary", "byte"];
    each(desk, |spot, object, gathered| {
        let bounded = ["maxLength", "enum", "const", "pattern"].iter().any(|k| object.contains_key(*k))
            || object.get("format").and_then(Value::as_str).is_some_and(|f| FIXED.contains(&f));
        if has_type(object, &["string"]) && !bounded {
            gathered.tell(spot.clone(), "the text has no upper bound", None);
        }
    });
}

pub(super) fn number_bounded(desk: &mut Desk<'_>) {
    each(desk, |spot, object, gathered| {
        let low = object.contains_key("minimum") || object.contains_key("exclusiveMinimum");
        let high = object.contains_key("maximum") || object.contains_key("exclusiveMaximum");
        let chosen = object.contains_key("enum") || object.contains_key("const");
        if has_type(object, &["integer", "number"]) && !chosen && !(low && high) {
            gathered.tell(spot.clone(), "the number has no minimum or no maximum", None);
        }
    });
}

fn format_among(desk: &mut Desk<'_>, kind: &str, formats: &[&str]) {
    each(desk, |spot, object, gathered| {
        let format = object.get("format").and_then(Value::as_str);
        if has_type(object, &[kind]) && !format.is_some_and(|f| formats.contains(&f)) {
            gathered.tell(spot.clone(), format!("the {kind} has none of the formats {}", formats.join(", ")), format);
        }
    });
}

pub(super) fn integer_format(desk: &mut Desk<'_>) {
    format_among(desk, "integer", &["int32", "int64"]);
}

pub(super) fn number_format(desk: &mut Desk<'_>) {
    format_among(desk, "number", &["float", "double", "decimal", "decimal32", "decimal64", "decimal128"]);
}

pub(super) fn plain_values(desk: &mut Desk<'_>) {
    let edition = desk.description.edition();
    each(desk, |spot, object, gathered| {
        let null = match edition {
            Edition::OpenApi30 => object.get("nullable") == Some(&Value::Bool(true)),
            Edition::Swagger20 => object.get("x-nullable") == Some(&Value::Bool(true)),
            Edition::OpenApi31 | Edition::OpenApi32 | Edition::AsyncApi2 | Edition::AsyncApi3 => has_type(object, &["null"]),
        };
        for (kind, word) in [("boolean", "a flag"), ("array", "a list")] {
            if null && has_type(object, &[kind]) {
                gathered.tell(spot.clone(), format!("{word} may be null; leave it out or send an empty one instead"), None);
            }
        }
        for (index, value) in object.get("enum").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if !value.is_string() {
                let spot = spot.path(&["enum", &index.to_string()]);
                gathered.tell(spot, "the value of an enumeration is not text", Some(&value.to_string()));
            }
        }
    });
}

pub(super) fn discriminator_maps(desk: &mut Desk<'_>) {
    let description = desk.description;
    if !matches!(description.edition(), Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32) {
        return;
    }
    each(desk, |spot, object, gathered| {
        let mapping = object.get("discriminator").and_then(|d| d.get("mapping")).and_then(Value::as_object);
        for (name, target) in mapping.into_iter().flatten() {
            let Some(target) = target.as_str() else { continue };
            // A plain name is that of a component; everything else is a reference.
            let plain = !target.contains(['/', '#', '.', ':']);
            let known = if plain {
                description.value(&Spot::root("/components/schemas").child(target)).is_some()
            } else {
                match description.resolve(spot.document, target) {
                    Ok(_) | Err(crate::api::description::ReferenceError::NotSupplied(_)) => true,
                    // `a.b` can be the name of a component as well as that of a file.
                    Err(_) => description.value(&Spot::root("/components/schemas").child(target)).is_some(),
                }
            };
            if !known {
                let at = spot.path(&["discriminator", "mapping", name]);
                gathered.tell(at, "the mapping of the discriminator leads to a schema that does not exist", Some(target));
            }
        }
    });
}

pub(super) fn properties_closed(desk: &mut Desk<'_>) {
    let description = desk.description;
    let bodies = description.operations().iter().filter(|o| !o.outgoing).filter_map(|o| o.body.as_ref());
    let schemas: BTreeSet<Spot> = bodies.flat_map(|b| &b.content).filter_map(|m| m.schema.clone()).map(|s| bare_target(desk, &s)).collect();
    for spot in schemas {
        let Some(object) = description.value(&spot).and_then(Value::as_object) else { continue };
        let closed = ["additionalProperties", "unevaluatedProperties"].iter().any(|k| object.get(*k) == Some(&Value::Bool(false)));
        if has_type(object, &["object"]) && !closed && !object.contains_key("allOf") {
            desk.at(&spot, "the body of a request accepts unknown properties").expected = "`additionalProperties: false`".into();
        }
    }
}
