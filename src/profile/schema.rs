//! JSON Schemas of the files that people write, generated from the types that read them.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::RequirementText;
use super::overlay::Content;
use super::read::Head;
use super::waiver::WaiverFile;
use crate::check::PlacedCheck;
use crate::target::Target;

/// Schema of a profile's head file; a further file of the folder may hold `requirements` and `parameters` alone.
pub fn profile_schema() -> Value {
    let mut generator = generator();
    let requirement = requirement(&mut generator);
    let mut schema = generator.clone().into_root_schema_for::<Head>().to_value();
    add_property(
        &mut schema,
        "requirements",
        json!({ "description": "The requirements, in order.", "type": "array", "items": requirement }),
        false,
    );
    finish(schema, generator, "Probity profile")
}

/// Schema of an overlay file.
pub fn overlay_schema() -> Value {
    let mut generator = generator();
    let requirement = requirement(&mut generator);
    let mut schema = generator.clone().into_root_schema_for::<Content>().to_value();
    add_property(
        &mut schema,
        "add",
        json!({ "description": "Requirements that the region adds, under its own prefix and with a legal basis.", "type": "array", "items": requirement }),
        false,
    );
    finish(schema, generator, "Probity overlay")
}

/// Schema of a target file.
pub fn target_schema() -> Value {
    finish(generator().into_root_schema_for::<Target>().to_value(), generator(), "Probity target file")
}

/// Schema of a file of waivers.
pub fn waiver_schema() -> Value {
    finish(generator().into_root_schema_for::<WaiverFile>().to_value(), generator(), "Probity waivers")
}

fn generator() -> SchemaGenerator {
    SchemaGenerator::new(SchemaSettings::draft2020_12())
}

/// A requirement as it is written: its text and its checks, in which `$name` may stand for any value.
fn requirement(generator: &mut SchemaGenerator) -> Value {
    let mut text = RequirementText::json_schema(generator).to_value();
    let checks = generator.subschema_for::<PlacedCheck>().to_value();
    add_property(
        &mut text,
        "checks",
        json!({ "description": "How it is tested: every check must pass.", "type": "array", "minItems": 1, "items": checks }),
        true,
    );
    text
}

fn add_property(schema: &mut Value, name: &str, property: Value, required: bool) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(name.to_owned(), property);
    }
    if required && let Some(list) = schema.get_mut("required").and_then(Value::as_array_mut) {
        list.push(name.into());
    }
}

fn finish(mut schema: Value, mut generator: SchemaGenerator, title: &str) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".into(), title.into());
        let further = generator.take_definitions(true);
        if !further.is_empty()
            && let Some(definitions) = map.entry("$defs").or_insert_with(|| json!({})).as_object_mut()
        {
            for (name, definition) in further {
                definitions.entry(name).or_insert(definition);
            }
        }
        for name in kinds(map.get("$defs")) {
            if let Some(kind) = map.get_mut("$defs").and_then(|d| d.get_mut(&name)) {
                allow_parameters(kind);
            }
        }
    }
    schema
}

/// The definitions that a placed check refers to: the parameters of each kind.
fn kinds(definitions: Option<&Value>) -> Vec<String> {
    let placed = definitions.and_then(|d| d["PlacedCheck"]["oneOf"].as_array());
    placed
        .into_iter()
        .flatten()
        .filter_map(|one| one["properties"].as_object())
        .flat_map(|properties| properties.values())
        .filter_map(|property| property["$ref"].as_str()?.strip_prefix("#/$defs/").map(str::to_owned))
        .collect()
}

/// Lets `$name` stand for the value of each member of a kind.
fn allow_parameters(kind: &mut Value) {
    let Some(properties) = kind.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for property in properties.values_mut() {
        let mut own = property.take();
        let description = own.as_object_mut().and_then(|map| map.remove("description"));
        *property = json!({ "anyOf": [own, { "type": "string", "pattern": "^\\$[a-z][a-z0-9-]*$" }] });
        if let (Some(text), Some(map)) = (description, property.as_object_mut()) {
            map.insert("description".into(), text);
        }
    }
}
