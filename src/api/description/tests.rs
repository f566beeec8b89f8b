use serde_json::json;

use super::*;

fn read(value: &Value) -> Description {
    Description::read(Source::json("openapi.json", value.to_string().as_bytes()).unwrap(), Vec::new()).unwrap()
}

fn violations(description: &Description, name: &str, direction: Direction, instance: &Value) -> Vec<String> {
    let spot = Spot::root(format!("/components/schemas/{name}"));
    description.violations(&spot, direction, instance).unwrap().into_iter().map(|v| format!("{} {}", v.instance, v.keyword)).collect()
}

fn openapi30(schemas: Value) -> Description {
    read(&json!({ "openapi": "3.0.3", "info": { "title": "t", "version": "1" }, "paths": {}, "components": { "schemas": schemas } }))
}

#[test]
fn schemas_of_3_0_become_json_schema() {
    let description = openapi30(json!({
        "A": { "type": "object", "required": ["id", "secret", "n"], "properties": {
            "id": { "type": "string", "readOnly": true },
            "secret": { "type": "string", "writeOnly": true },
            "n": { "type": "integer", "minimum": 0, "exclusiveMinimum": true, "nullable": true },
            "e": { "type": "string", "enum": ["a"], "nullable": true },
            "b": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/B" }] },
            "r": { "$ref": "#/components/schemas/B", "description": "ignored" },
            "p": { "type": "string", "pattern": "^(?!x)" }
        }},
        "B": { "type": "array", "items": { "type": "string", "format": "date-time" } }
    }));
    let ok = json!({ "id": "1", "n": null, "e": null, "b": null, "r": ["2026-01-01T00:00:00Z"], "p": "x" });
    assert_eq!(violations(&description, "A", Direction::Response, &ok), Vec::<String>::new());
    assert_eq!(violations(&description, "A", Direction::Request, &ok), [" x-probity-required-in-request"]);
    assert_eq!(violations(&description, "A", Direction::Request, &json!({ "secret": "s", "n": 1 })), Vec::<String>::new());
    let leak = json!({ "id": "1", "n": 0, "secret": "s" });
    assert_eq!(violations(&description, "A", Direction::Response, &leak), [" x-probity-absent-in-response", "/n exclusiveMinimum"]);
    assert_eq!(violations(&description, "A", Direction::Response, &json!({ "id": "1", "n": 1, "r": ["x"] })), ["/r/0 format"]);
    assert!(description.findings().iter().any(|f| f.rule == "pattern-unchecked" && f.path == "/components/schemas/A/properties/p/pattern"));
}

#[test]
fn a_violation_names_the_place_of_its_schema() {
    let description = openapi30(json!({ "A": { "properties": { "b": { "$ref": "#/components/schemas/B" } } }, "B": { "maxLength": 1 } }));
    let spot = Spot::root("/components/schemas/A");
    let found = description.violations(&spot, Direction::Response, &json!({ "b": "secret text" })).unwrap();
    assert_eq!(found[0].schema, Some(Spot::root("/components/schemas/B/maxLength")));
    assert!(!found[0].message.contains("secret text"), "{}", found[0].message);
}

#[test]
fn hostile_references_neither_hang_nor_crash() {
    let mut schemas = serde_json::Map::new();
    schemas.insert("Self".into(), json!({ "$ref": "#/components/schemas/Self" }));
    schemas.insert("Loop".into(), json!({ "allOf": [{ "$ref": "#/components/schemas/Loop2" }] }));
    schemas.insert("Loop2".into(), json!({ "oneOf": [{ "$ref": "#/components/schemas/Loop" }, { "type": "string" }] }));
    schemas.insert("Tree".into(), json!({ "properties": { "child": { "$ref": "#/components/schemas/Tree" } } }));
    schemas.insert("File".into(), json!({ "$ref": "file:///etc/passwd" }));
    schemas.insert("Far".into(), json!({ "items": { "$ref": "https://elsewhere.example/x.json#/A" } }));
    for i in 0..60 {
        let next = format!("#/components/schemas/W{}", i + 1);
        schemas.insert(format!("W{i}"), json!({ "allOf": [{ "$ref": next }, { "$ref": next }] }));
        let next = format!("#/components/schemas/P{}", i + 1);
        schemas.insert(format!("P{i}"), json!({ "properties": { "a": { "$ref": next }, "b": { "$ref": next } } }));
    }
    schemas.insert("W60".into(), json!({ "type": "string" }));
    schemas.insert("P60".into(), json!({ "type": "string" }));
    for i in 0..3000 {
        schemas.insert(format!("C{i}"), json!({ "$ref": format!("#/components/schemas/C{}", i + 1) }));
    }
    schemas.insert("C3000".into(), json!({ "type": "string" }));
    let description = openapi30(Value::Object(schemas));
    for name in ["Self", "Loop", "Tree", "File", "Far", "W0", "P0", "C0"] {
        let _ = violations(&description, name, Direction::Response, &json!({ "child": { "child": 1 }, "a": { "b": { "a": 1 } } }));
    }
    assert!(!violations(&description, "Tree", Direction::Response, &json!("x")).contains(&String::new()));
    assert_eq!(description.wanted(), ["file:///etc/passwd", "https://elsewhere.example/x.json"]);
    for rule in ["schema-endless", "schema-too-wide", "schema-unread"] {
        assert!(description.findings().iter().any(|f| f.rule == rule), "{rule}");
    }
}

#[test]
fn a_supplied_document_is_used() {
    let root = json!({ "openapi": "3.1.0", "info": {}, "paths": { "/a": { "$ref": "paths/a.yaml#/item" } } });
    let a = "item:\n  get:\n    operationId: a\n    parameters:\n    - $ref: '../p.yaml'\n    responses:\n      '200':\n        description: ok\n        content:\n          application/json:\n            schema:\n              $ref: ../p.yaml#/schema\n";
    let p = "name: q\nin: query\nschema:\n  type: integer\n";
    let description = Description::read(
        Source::json("https://h/api/openapi.json", root.to_string().as_bytes()).unwrap(),
        vec![
            Source::yaml("https://h/api/paths/a.yaml", a.as_bytes()).unwrap(),
            Source::yaml("https://h/api/p.yaml", p.as_bytes()).unwrap(),
        ],
    )
    .unwrap();
    assert_eq!(description.wanted(), Vec::<String>::new());
    let operation = &description.operations()[0];
    assert_eq!((operation.name.as_str(), operation.path.as_str()), ("a", "/a"));
    assert_eq!(operation.parameters[0].name, "q");
    let schema = operation.responses[0].content[0].schema.as_ref().unwrap();
    assert_eq!(description.violations(schema, Direction::Response, &json!("x")).unwrap().len(), 1);
    assert_eq!(description.violations(schema, Direction::Response, &json!(1)).unwrap().len(), 0);
}

#[test]
fn swagger_2_is_read_into_the_same_model() {
    let description = read(&json!({
        "swagger": "2.0", "info": { "title": "t", "version": "1" }, "host": "h", "basePath": "/v1", "schemes": ["https"],
        "consumes": ["application/json"], "produces": ["application/json"],
        "securityDefinitions": { "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" } },
        "security": [{ "key": [] }],
        "parameters": { "limit": { "name": "limit", "in": "query", "type": "integer", "maximum": 10 } },
        "definitions": { "A": { "type": "object", "required": ["n"], "properties": { "n": { "type": "string", "x-nullable": true } } } },
        "paths": {
            "/a": {
                "parameters": [{ "$ref": "#/parameters/limit" }],
                "post": { "parameters": [{ "in": "body", "name": "b", "required": true, "schema": { "$ref": "#/definitions/A" } }],
                    "responses": { "200": { "description": "", "schema": { "$ref": "#/definitions/A" }, "headers": { "X-A": { "type": "integer" } } } } },
                "put": { "consumes": ["application/x-www-form-urlencoded"], "parameters": [
                    { "in": "formData", "name": "f", "type": "integer", "required": true }], "responses": { "default": { "description": "" } } }
            }
        }
    }));
    let [post, put] = description.operations() else { panic!("two operations") };
    let post = if post.method == "POST" { post } else { put };
    let put = description.operations().iter().find(|o| o.method == "PUT").unwrap();
    assert_eq!(description.servers()[0].url, "https://h/v1");
    assert_eq!(post.parameters[0].name, "limit");
    assert_eq!(description.violations(post.parameters[0].schema.as_ref().unwrap(), Direction::Request, &json!(11)).unwrap().len(), 1);
    assert!(post.needs_credential());
    let body = post.body.as_ref().unwrap().content[0].schema.as_ref().unwrap();
    assert_eq!(description.violations(body, Direction::Request, &json!({ "n": null })).unwrap().len(), 0);
    assert_eq!(description.violations(body, Direction::Request, &json!({})).unwrap().len(), 1);
    let form = &put.body.as_ref().unwrap().content[0];
    assert_eq!(form.media_type, "application/x-www-form-urlencoded");
    assert_eq!(description.violations(form.schema.as_ref().unwrap(), Direction::Request, &json!({ "f": "x" })).unwrap().len(), 1);
    assert_eq!(post.responses[0].headers[0].name, "X-A");
}

#[test]
fn faulty_parts_are_told_and_the_rest_is_read() {
    let description = read(&json!({
        "openapi": "3.0.0", "info": 7, "servers": "x", "components": [],
        "paths": {
            "/a": { "get": { "responses": { "200": { "description": "ok" }, "2000": {}, "404": 5 }, "parameters": [
                7, { "in": "nowhere", "name": "x" }, { "in": "query" }, { "$ref": "#/nope" }, { "in": "query", "name": "ok" }] } },
            "/b": 7, "/c": { "get": [] }, "/d": { "$ref": "#/paths/~1d" }
        }
    }));
    assert_eq!(description.operations().len(), 1);
    assert_eq!(description.operations()[0].parameters.len(), 1);
    assert_eq!(description.operations()[0].responses.len(), 1);
    assert_eq!(description.findings().iter().filter(|f| f.rule == "unread-part").count(), 9, "{:#?}", description.findings());
}

#[test]
fn read_only_names_count_through_all_of() {
    let description = openapi30(json!({
        "Base": { "type": "object", "properties": { "id": { "type": "string", "readOnly": true } } },
        "A": { "allOf": [{ "$ref": "#/components/schemas/Base" }, { "type": "object", "required": ["id", "n"], "properties": { "n": {} } }] }
    }));
    assert_eq!(violations(&description, "A", Direction::Request, &json!({ "n": 1 })), Vec::<String>::new());
    assert_eq!(violations(&description, "A", Direction::Response, &json!({ "n": 1 })).len(), 1);
}
