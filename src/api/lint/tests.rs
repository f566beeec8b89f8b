use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::document::Source;

/// A description that no rule finds fault with.
fn sound() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Calls", "version": "1.2.3", "description": "Calls of a telecare service.", "x-summary": "Calls",
            "termsOfService": "https://service.test/terms",
            "contact": { "name": "Support", "url": "https://service.test/", "email": "support@service.test" },
            "license": { "name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" }
        },
        "servers": [{ "url": "https://{region}.service.test/v1", "description": "Production", "variables": { "region": { "default": "eu", "enum": ["eu"] } } }],
        "tags": [{ "name": "calls", "description": "Calls" }],
        "security": [{ "token": ["read"] }],
        "paths": {
            "/calls": {
                "get": {
                    "operationId": "listCalls", "summary": "List", "tags": ["calls"],
                    "parameters": [
                        { "name": "limit", "in": "query", "description": "Page size", "example": 5,
                          "schema": { "type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20 } },
                        { "name": "Trace-Id", "in": "header", "description": "Trace", "schema": { "type": "string", "maxLength": 40 } }
                    ],
                    "responses": {
                        "200": { "description": "Calls", "headers": { "$REF": 0 }, "content": { "application/json": { "schema": {
                            "type": "array", "maxItems": 100, "items": { "$ref": "#/components/schemas/Call" } } } } },
                        "400": { "$ref": "#/components/responses/Problem" },
                        "401": { "$ref": "#/components/responses/Problem" },
                        "404": { "$ref": "#/components/responses/Problem" },
                        "429": { "$ref": "#/components/responses/Problem" }
                    }
                },
                "post": {
                    "operationId": "makeCall", "summary": "Make", "tags": ["calls"],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Call" },
                        "example": { "name": "pendant", "kind": "fall", "date": "2026-11-22" } } } },
                    "responses": {
                        "201": { "description": "Made", "headers": { "API-Version": { "$ref": "#/components/headers/Version" },
                            "Location": { "schema": { "type": "string", "maxLength": 200 } } },
                            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } },
                            "links": { "read": { "operationId": "readCall", "parameters": { "id": "$response.body#/id" } } } },
                        "400": { "$ref": "#/components/responses/Problem" },
                        "401": { "$ref": "#/components/responses/Problem" }
                    }
                }
            },
            "/calls/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "description": "Id", "schema": { "type": "string", "maxLength": 40 } }],
                "get": {
                    "operationId": "readCall", "summary": "Read", "tags": ["calls"],
                    "responses": {
                        "200": { "description": "Call", "headers": { "API-Version": { "$ref": "#/components/headers/Version" } },
                            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } } },
                        "400": { "$ref": "#/components/responses/Problem" },
                        "401": { "$ref": "#/components/responses/Problem" },
                        "404": { "$ref": "#/components/responses/Problem" }
                    }
                },
                "patch": {
                    "operationId": "changeCall", "summary": "Change", "tags": ["calls"],
                    "requestBody": { "content": { "application/merge-patch+json": { "schema": { "$ref": "#/components/schemas/Call" } } } },
                    "responses": {
                        "204": { "description": "Changed", "headers": { "API-Version": { "$ref": "#/components/headers/Version" } } },
                        "400": { "$ref": "#/components/responses/Problem" },
                        "401": { "$ref": "#/components/responses/Problem" },
                        "404": { "$ref": "#/components/responses/Problem" }
                    }
                }
            }
        },
        "components": {
            "headers": { "Version": { "description": "Version", "schema": { "type": "string", "maxLength": 20 } } },
            "securitySchemes": { "token": { "type": "oauth2", "flows": { "clientCredentials": {
                "tokenUrl": "https://login.service.test/token", "scopes": { "read": "Read" } } } } },
            "responses": { "Problem": { "description": "Problem", "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" } } } } },
            "schemas": {
                "Call": { "type": "object", "additionalProperties": false, "required": ["name", "kind"], "properties": {
                    "id": { "type": "string", "maxLength": 40, "readOnly": true },
                    "name": { "type": "string", "minLength": 1, "maxLength": 40, "example": "pendant" },
                    "kind": { "type": "string", "enum": ["fall", "smoke"], "default": "fall" },
                    "date": { "type": "string", "format": "date" },
                    "level": { "type": "number", "format": "double", "minimum": 0, "maximum": 1 }
                } },
                "Problem": { "type": "object", "properties": {
                    "type": { "type": "string", "maxLength": 200 }, "title": { "type": "string", "maxLength": 200 },
                    "status": { "type": "integer", "format": "int32", "minimum": 100, "maximum": 599 },
                    "detail": { "type": "string", "maxLength": 2000 }
                } }
            }
        }
    })
}

fn text_of(value: &Value) -> String {
    value.to_string().replace(r##""headers":{"$REF":0}"##, r##""headers":{"API-Version":{"$ref":"#/components/headers/Version"}}"##)
}

fn judged(text: &str) -> Vec<Finding> {
    let description = Description::read(Source::json("openapi.json", text.as_bytes()).unwrap(), Vec::new()).unwrap();
    // The sound document answers with a list, which only some rulesets mind.
    let all: Vec<Choice> =
        RULES.iter().filter(|r| r.name != "list-in-object").map(|r| Choice { rule: r.name.into(), severity: Severity::Error }).collect();
    judge(&description, &all, &LintParameters::default()).unwrap()
}

/// Puts a value at a pointer, or takes away what is there.
fn edit(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match (document.pointer_mut(parent).unwrap(), value) {
        (Value::Object(map), Some(value)) => {
            map.insert(last, value);
        }
        (Value::Object(map), None) => {
            map.remove(&last).unwrap();
        }
        (Value::Array(list), Some(value)) => match last.as_str() {
            "-" => list.push(value),
            index => list[index.parse::<usize>().unwrap()] = value,
        },
        (Value::Array(list), None) => {
            list.remove(last.parse().unwrap());
        }
        _ => panic!("{pointer}"),
    }
}

#[test]
fn no_rule_finds_fault_with_a_sound_description() {
    assert_eq!(judged(&text_of(&sound())), Vec::new());
}

/// One edit, the rules that it breaks, and where.
type Case = (&'static str, Option<Value>, &'static [&'static str], &'static str);

fn cases() -> Vec<Case> {
    vec![
        ("/nonsense", Some(json!(1)), &["valid-structure"], "/nonsense"),
        (
            "/components/schemas/Call/properties/name/minLength",
            Some(json!("1")),
            &["valid-schema"],
            "/components/schemas/Call/properties/name/minLength",
        ),
        (
            "/components/schemas/Call/properties/name/const",
            Some(json!("pendant")),
            &["valid-schema"],
            "/components/schemas/Call/properties/name/const",
        ),
        (
            "/paths/~1calls/get/responses/404",
            Some(json!({ "$ref": "#/nowhere" })),
            &["references-resolve"],
            "/paths/~1calls/get/responses/404/$ref",
        ),
        (
            "/paths/~1calls/post/responses/201/content/application~1json/schema/description",
            Some(json!("x")),
            &["reference-siblings"],
            "/paths/~1calls/post/responses/201/content/application~1json/schema",
        ),
        (
            "/components/schemas/Call/properties/self",
            Some(json!({ "allOf": [{ "$ref": "#/components/schemas/Call/properties/self" }] })),
            &["schemas-end"],
            "/components/schemas/Call/properties/self/allOf/0",
        ),
        (
            "/components/schemas/Call/properties/name/pattern",
            Some(json!("^(?!x)")),
            &["patterns-linear"],
            "/components/schemas/Call/properties/name/pattern",
        ),
        ("/info/version", Some(json!("1.2")), &["version-semver"], "/info/version"),
        ("/info/contact", None, &["info-contact"], "/info"),
        ("/info/contact/email", None, &["info-contact-complete"], "/info/contact"),
        ("/info/license", None, &["info-license"], "/info"),
        ("/info/license/url", None, &["info-license-url"], "/info/license"),
        ("/info/description", None, &["info-description"], "/info"),
        ("/info/termsOfService", None, &["info-terms-of-service"], "/info"),
        ("/info/x-summary", None, &["info-summary"], "/info"),
        ("/servers/0", None, &["servers-present"], "/servers"),
        ("/servers/0", Some(json!({ "url": "/v1", "description": "x" })), &["servers-absolute"], "/servers/0"),
        ("/servers/-", Some(json!({ "url": "http://h.test/v1", "description": "x" })), &["servers-https"], "/servers/1"),
        ("/servers/0/description", None, &["servers-described"], "/servers/0"),
        ("/servers/0/variables/other", Some(json!({ "default": "x" })), &["servers-variables"], "/servers/0/variables/other"),
        ("/servers/-", Some(json!({ "url": "https://h.test/v1/", "description": "x" })), &["servers-no-trailing-slash"], "/servers/1"),
        (
            "/servers/-",
            Some(json!({ "url": "https://api.example.com/v1", "description": "x" })),
            &["servers-no-example-host"],
            "/servers/1",
        ),
        ("/servers/-", Some(json!({ "url": "https://h.test/api", "description": "x" })), &["servers-major-version"], "/servers/1"),
        ("/paths/~1calls/get/tags/0", Some(json!("other")), &["tags-declared"], "/paths/~1calls/get/tags/0"),
        ("/tags/-", Some(json!({ "name": "idle", "description": "x" })), &["tags-used"], "/tags/1"),
        ("/tags/-", Some(json!({ "name": "calls", "description": "x" })), &["tags-unique"], "/tags/1"),
        ("/tags/0/description", None, &["tags-described"], "/tags/0"),
        ("/components/schemas/Idle", Some(json!({ "type": "boolean" })), &["components-used"], "/components/schemas/Idle"),
        (
            "/paths/~1calls/get/security",
            Some(json!([{ "other": [] }])),
            &["security-schemes-defined"],
            "/paths/~1calls/get/security/0/other",
        ),
        (
            "/components/securitySchemes/idle",
            Some(json!({ "type": "http", "scheme": "bearer" })),
            &["security-schemes-used"],
            "/components/securitySchemes/idle",
        ),
        ("/security/0/token/0", Some(json!("write")), &["security-scopes-defined"], "/security/0/token"),
        ("/paths/~1calls/post/security", Some(json!([])), &["write-security"], "/paths/~1calls/post"),
        (
            "/components/securitySchemes/token",
            Some(json!({ "type": "apiKey", "in": "query", "name": "key" })),
            &["no-key-in-query"],
            "/components/securitySchemes/token",
        ),
        (
            "/components/securitySchemes/token",
            Some(json!({ "type": "http", "scheme": "Basic" })),
            &["no-basic-authentication"],
            "/components/securitySchemes/token",
        ),
        (
            "/components/securitySchemes/token/flows/clientCredentials/tokenUrl",
            Some(json!("http://h.test/t")),
            &["security-urls-https"],
            "/components/securitySchemes/token/flows/clientCredentials/tokenUrl",
        ),
        ("/paths/~1calls/get/operationId", None, &["operation-id"], "/paths/~1calls/get"),
        ("/paths/~1calls/get/operationId", Some(json!("makeCall")), &["operation-id-unique"], "/paths/~1calls/post/operationId"),
        ("/paths/~1calls/get/operationId", Some(json!("list calls")), &["operation-id-safe"], "/paths/~1calls/get/operationId"),
        ("/paths/~1calls/get/tags", None, &["operation-tags"], "/paths/~1calls/get"),
        ("/paths/~1calls/get/summary", None, &["operation-described"], "/paths/~1calls/get"),
        ("/paths/~1calls/get/parameters/0/description", None, &["parameter-described"], "/paths/~1calls/get/parameters/0"),
        (
            "/paths/~1calls/get/parameters/-",
            Some(json!({ "name": "q", "in": "query", "description": "x" })),
            &["valid-structure", "parameter-schema"],
            "",
        ),
        (
            "/paths/~1calls/get/parameters/-",
            Some(json!({ "name": "limit", "in": "query", "description": "x", "schema": { "type": "boolean" } })),
            &["parameters-unique"],
            "/paths/~1calls/get/parameters/2",
        ),
        (
            "/paths/~1calls~1{id}/parameters/0/name",
            Some(json!("key")),
            &["links-resolve", "path-parameters-declared", "path-parameters-used"],
            "",
        ),
        ("/paths/~1calls~1{key}", Some(json!({})), &["paths-unambiguous"], "/paths/~1calls~1{key}"),
        ("/paths/~1calls~1}x{", Some(json!({})), &["path-templates-whole", "paths-kebab-case"], ""),
        ("/paths/~1calls?all", Some(json!({})), &["paths-kebab-case", "paths-no-query"], ""),
        ("/paths/~1open-calls~1", Some(json!({})), &["paths-no-trailing-slash"], "/paths/~1open-calls~1"),
        ("/paths/~1openCalls", Some(json!({})), &["paths-kebab-case"], "/paths/~1openCalls"),
        ("/paths/~1calls.json", Some(json!({})), &["paths-no-file-extension"], "/paths/~1calls.json"),
        (
            "/paths/~1calls~1{id}/head",
            Some(
                json!({ "operationId": "h", "summary": "x", "tags": ["calls"], "responses": { "204": { "description": "x", "headers": { "API-Version": { "$ref": "#/components/headers/Version" } } }, "401": { "$ref": "#/components/responses/Problem" }, "404": { "$ref": "#/components/responses/Problem" } } }),
            ),
            &["methods-standard"],
            "/paths/~1calls~1{id}/head",
        ),
        (
            "/paths/~1calls/get/requestBody",
            Some(json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } } })),
            &["no-body-on-read"],
            "/paths/~1calls/get",
        ),
        (
            "/paths/~1calls~1{id}/patch/requestBody/content/application~1merge-patch+json/schema",
            None,
            &["body-schema"],
            "/paths/~1calls~1{id}/patch/requestBody/content/application~1merge-patch+json",
        ),
        ("/paths/~1calls/get/deprecated", Some(json!(true)), &["deprecation-announced"], "/paths/~1calls/get"),
        (
            "/paths/~1calls/post/responses/201/links/read/operationId",
            Some(json!("nothing")),
            &["links-resolve"],
            "/paths/~1calls/post/responses/201/links/read",
        ),
        ("/paths/~1calls/post/responses/201", None, &["success-response"], "/paths/~1calls/post/responses"),
        (
            "/paths/~1calls/get/responses/200/content/application~1json/schema",
            None,
            &["success-schema"],
            "/paths/~1calls/get/responses/200/content/application~1json",
        ),
        ("/components/responses/Problem/content/application~1problem+json/schema", None, &["components-used", "error-schema"], ""),
        (
            "/paths/~1calls~1{id}/patch/responses/204/content",
            Some(json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } })),
            &["no-content-without-body"],
            "/paths/~1calls~1{id}/patch/responses/204",
        ),
        ("/paths/~1calls/get/responses/401", None, &["unauthorized-documented"], "/paths/~1calls/get/responses"),
        ("/paths/~1calls~1{id}/get/responses/404", None, &["not-found-documented"], "/paths/~1calls~1{id}/get/responses"),
        ("/paths/~1calls/get/responses/400", None, &["invalid-input-documented"], "/paths/~1calls/get/responses"),
        (
            "/components/responses/Problem/content",
            Some(json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } })),
            &["problem-details"],
            "/components/responses/Problem/content",
        ),
        (
            "/components/schemas/Problem/properties/detail",
            None,
            &["problem-members"],
            "/components/responses/Problem/content/application~1problem+json/schema",
        ),
        ("/paths/~1calls/post/responses/201/headers/Location", None, &["created-location"], "/paths/~1calls/post/responses/201"),
        ("/paths/~1calls/post/responses/201/headers/API-Version", None, &["version-header"], "/paths/~1calls/post/responses/201/headers"),
        (
            "/paths/~1calls/get/parameters/0",
            Some(json!({ "name": "filter", "in": "query", "description": "x", "schema": { "type": "boolean" } })),
            &[],
            "",
        ),
        ("/paths/~1calls/get/responses/200/content/application~1json/schema/maxItems", Some(json!(5000)), &[], ""),
        ("/paths/~1calls/get/responses/429", None, &["rate-limit-documented"], "/paths"),
        (
            "/paths/~1calls/get/responses/200/content/text~1csv",
            Some(json!({ "schema": { "type": "string", "maxLength": 9 } })),
            &["content-json"],
            "/paths/~1calls/get/responses/200/content/text~1csv",
        ),
        (
            "/paths/~1calls~1{id}/patch/requestBody/content",
            Some(json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } })),
            &["patch-media-type"],
            "/paths/~1calls~1{id}/patch/requestBody",
        ),
        (
            "/paths/~1calls/post/requestBody/content/application~1json/example/kind",
            Some(json!("flood")),
            &["examples-fit"],
            "/paths/~1calls/post/requestBody/content/application~1json/example/kind",
        ),
        (
            "/paths/~1calls/post/requestBody/content/application~1json/example/date",
            Some(json!("22.11.2026")),
            &["examples-fit"],
            "/paths/~1calls/post/requestBody/content/application~1json/example/date",
        ),
        (
            "/components/schemas/Call/properties/name/example",
            Some(json!(7)),
            &["examples-fit"],
            "/components/schemas/Call/properties/name/example",
        ),
        ("/paths/~1calls/get/parameters/0/example", Some(json!(500)), &["examples-fit"], "/paths/~1calls/get/parameters/0/example"),
        (
            "/components/schemas/Call/properties/kind/default",
            Some(json!("flood")),
            &["defaults-fit"],
            "/components/schemas/Call/properties/kind/default",
        ),
        (
            "/components/schemas/Call/properties/kind/enum/-",
            Some(json!("fall")),
            &["enum-unique"],
            "/components/schemas/Call/properties/kind/enum/2",
        ),
        ("/components/schemas/Call/properties/kind/enum/-", Some(json!(3)), &["enum-fits", "plain-values"], ""),
        ("/components/schemas/Problem/required", Some(json!(["titel"])), &["required-exist"], "/components/schemas/Problem/required/0"),
        ("/components/schemas/Call/properties/name/minLength", Some(json!(50)), &["bounds-satisfiable", "examples-fit"], ""),
        ("/components/schemas/Problem/properties/extra", Some(json!({})), &["schema-type"], "/components/schemas/Problem/properties/extra"),
        (
            "/components/schemas/Problem/properties/extra",
            Some(json!({ "type": "array", "maxItems": 3 })),
            &["array-items"],
            "/components/schemas/Problem/properties/extra",
        ),
        (
            "/components/schemas/Problem/properties/extra",
            Some(json!({ "type": "array", "items": { "type": "boolean" } })),
            &["array-bounded"],
            "/components/schemas/Problem/properties/extra",
        ),
        (
            "/components/schemas/Problem/properties/extra",
            Some(json!({ "type": "string" })),
            &["string-bounded"],
            "/components/schemas/Problem/properties/extra",
        ),
        ("/components/schemas/Call/properties/level/minimum", None, &["number-bounded"], "/components/schemas/Call/properties/level"),
        ("/paths/~1calls/get/parameters/0/schema/format", None, &["integer-format"], "/paths/~1calls/get/parameters/0/schema"),
        ("/components/schemas/Call/properties/level/format", None, &["number-format"], "/components/schemas/Call/properties/level"),
        ("/components/schemas/Call/additionalProperties", None, &["properties-closed"], "/components/schemas/Call"),
        (
            "/components/schemas/Problem/properties/extra_name",
            Some(json!({ "type": "boolean" })),
            &["property-camel-case"],
            "/components/schemas/Problem/properties/extra_name",
        ),
        (
            "/components/schemas/Problem/properties/extraName",
            Some(json!({ "type": "boolean" })),
            &["property-snake-case"],
            "/components/schemas/Problem/properties/extraName",
        ),
        (
            "/paths/~1calls/get/parameters/-",
            Some(json!({ "name": "per_call", "in": "query", "description": "x", "schema": { "type": "boolean" } })),
            &["query-camel-case"],
            "/paths/~1calls/get/parameters/2/name",
        ),
        (
            "/paths/~1calls/get/parameters/-",
            Some(json!({ "name": "perCall", "in": "query", "description": "x", "schema": { "type": "boolean" } })),
            &["query-snake-case"],
            "/paths/~1calls/get/parameters/2/name",
        ),
        ("/paths/~1calls/get/parameters/1/name", Some(json!("trace_id")), &["header-kebab-case"], "/paths/~1calls/get/parameters/1"),
        (
            "/paths/~1calls/get/parameters/1/name",
            Some(json!("Authorization")),
            &["header-parameters-heard"],
            "/paths/~1calls/get/parameters/1",
        ),
        (
            "/paths/~1calls/get/parameters/-",
            Some(json!({ "name": "pageSize", "in": "query", "description": "x", "schema": { "type": "boolean" } })),
            &["paging-names", "query-snake-case"],
            "",
        ),
        (
            "/paths/~1calls/post/requestBody/content/json",
            Some(json!({ "schema": { "$ref": "#/components/schemas/Call" } })),
            &["media-types-valid"],
            "/paths/~1calls/post/requestBody/content/json",
        ),
        (
            "/paths/~1calls/post/requestBody/content/application~1x-call+json",
            Some(json!({ "schema": { "$ref": "#/components/schemas/Call" } })),
            &["media-types-registered"],
            "/paths/~1calls/post/requestBody/content/application~1x-call+json",
        ),
        (
            "/components/schemas/Problem/properties/extra",
            Some(json!({ "type": "boolean", "nullable": true })),
            &["plain-values"],
            "/components/schemas/Problem/properties/extra",
        ),
        (
            "/components/schemas/Problem/properties/extra",
            Some(json!({ "type": "boolean", "enum": [true] })),
            &["plain-values"],
            "/components/schemas/Problem/properties/extra/enum/0",
        ),
        (
            "/components/schemas/Call/discriminator",
            Some(json!({ "propertyName": "kind", "mapping": { "fall": "#/components/schemas/Fall", "smoke": "Call" } })),
            &["discriminator-maps"],
            "/components/schemas/Call/discriminator/mapping/fall",
        ),
        ("/paths/~1calls-", Some(json!({})), &["paths-kebab-case"], "/paths/~1calls-"),
        ("/paths/~1_find~1calls", Some(json!({})), &["paths-kebab-case"], "/paths/~1_find~1calls"),
        ("/paths/~1calls~1_find", Some(json!({})), &[], ""),
        ("/paths/~1calls/get/parameters/1/name", Some(json!("X-Trace")), &["no-x-headers"], "/paths/~1calls/get/parameters/1"),
        (
            "/components/schemas/Problem/properties/at",
            Some(json!({ "type": "string", "maxLength": 30, "format": "date-time-local" })),
            &["date-time-with-zone"],
            "/components/schemas/Problem/properties/at/format",
        ),
        (
            "/components/schemas/Problem/properties/at",
            Some(json!({ "type": "string", "format": "time" })),
            &["time-without-zone"],
            "/components/schemas/Problem/properties/at/format",
        ),
        (
            "/components/schemas/Call/properties/date",
            Some(json!({ "type": "string", "maxLength": 10 })),
            &["dates-have-format"],
            "/components/schemas/Call/properties/date",
        ),
        (
            "/components/schemas/Problem/properties/date",
            Some(json!({ "type": "string", "format": "date-time" })),
            &["dates-are-dates"],
            "/components/schemas/Problem/properties/date/format",
        ),
    ]
}

#[test]
fn every_rule_fails_for_its_own_reason_only() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut wrong: Vec<String> = Vec::new();
    for (pointer, value, rules, path) in cases() {
        let mut document = serde_json::from_str(&text_of(&sound())).unwrap();
        edit(&mut document, pointer, value.clone());
        let findings = judged(&document.to_string());
        let broken: BTreeSet<&str> = findings.iter().map(|f| f.rule.as_str()).collect();
        if broken != rules.iter().copied().collect() {
            let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
            wrong.push(format!("{pointer} {value:?}: {told:#?}"));
        }
        if let ([finding], true) = (findings.as_slice(), !path.is_empty()) {
            assert_eq!(finding.path, path);
        }
        assert!(findings.iter().all(|f| f.position.is_some()));
        seen.extend(broken.into_iter().map(str::to_owned));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The rules that one edit of this document cannot break on their own.
    let apart = [
        "duplicate-keys",
        "openapi-3",
        "operation-security",
        "error-response",
        "pagination-documented",
        "schema-pascal-case",
        "list-in-object",
        "property-one-style",
    ];
    let untold: Vec<&str> = RULES.iter().map(|r| r.name).filter(|name| !seen.contains(*name) && !apart.contains(name)).collect();
    assert_eq!(untold, Vec::<&str>::new());
}

#[test]
fn rules_that_need_more_than_one_edit() {
    let rules_of = |text: &str| judged(text).into_iter().map(|f| f.rule).collect::<BTreeSet<_>>();
    let only = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    let text = text_of(&sound());
    let doubled = text.replacen(r#""title":"Calls""#, r#""title":"Calls","title":"Calls""#, 1);
    assert_eq!(rules_of(&doubled), only(&["duplicate-keys"]));
    let renamed = text.replace("schemas/Call\"", "schemas/call\"").replace(r#""Call":{"type""#, r#""call":{"type""#);
    assert_eq!(rules_of(&renamed), only(&["schema-pascal-case"]));

    let mut document: Value = serde_json::from_str(&text).unwrap();
    edit(&mut document, "/security", None);
    for (path, method) in [("~1calls", "post"), ("~1calls~1{id}", "get"), ("~1calls~1{id}", "patch")] {
        edit(&mut document, &format!("/paths/{path}/{method}/security"), Some(json!([{ "token": ["read"] }])));
    }
    assert_eq!(rules_of(&document.to_string()), only(&["operation-security"]));

    let mut document: Value = serde_json::from_str(&text).unwrap();
    edit(&mut document, "/paths/~1calls/get/security", Some(json!([])));
    let success = document.pointer("/paths/~1calls/get/responses/200").cloned();
    edit(&mut document, "/paths/~1calls/get/responses", Some(json!({ "200": success })));
    assert_eq!(rules_of(&document.to_string()), only(&["error-response", "invalid-input-documented", "rate-limit-documented"]));

    let mut document: Value = serde_json::from_str(&text).unwrap();
    edit(&mut document, "/paths/~1calls/get/parameters/0", None);
    edit(&mut document, "/paths/~1calls/get/responses/200/content/application~1json/schema/maxItems", Some(json!(5000)));
    assert_eq!(rules_of(&document.to_string()), only(&["pagination-documented"]));

    let mut document: Value = serde_json::from_str(&text).unwrap();
    edit(&mut document, "/components/schemas/Problem/properties/oneFlag", Some(json!({ "type": "boolean" })));
    edit(&mut document, "/components/schemas/Problem/properties/otherFlag", Some(json!({ "type": "boolean" })));
    edit(&mut document, "/components/schemas/Problem/properties/third_flag", Some(json!({ "type": "boolean" })));
    assert_eq!(rules_of(&document.to_string()), only(&["property-camel-case", "property-one-style", "property-snake-case"]));
    let styles = judged(&document.to_string()).into_iter().filter(|f| f.rule == "property-one-style").collect::<Vec<_>>();
    assert_eq!((styles.len(), styles[0].path.as_str()), (1, "/components/schemas/Problem/properties/third_flag"));

    let list = [Choice { rule: "list-in-object".into(), severity: Severity::Error }];
    let description = Description::read(Source::json("o", text.as_bytes()).unwrap(), Vec::new()).unwrap();
    let findings = judge(&description, &list, &LintParameters::default()).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "/paths/~1calls/get/responses/200/content/application~1json/schema");

    let swagger = json!({ "swagger": "2.0", "info": {}, "paths": {} });
    assert!(rules_of(&swagger.to_string()).contains("openapi-3"));
}

#[test]
fn names_of_rules_are_unique_and_known() {
    let names: BTreeSet<&str> = RULES.iter().map(|r| r.name).collect();
    assert_eq!(names.len(), RULES.len());
    let description = Description::read(Source::json("o", br#"{"openapi":"3.0.0"}"#).unwrap(), Vec::new()).unwrap();
    let wrong = [Choice { rule: "no-such-rule".into(), severity: Severity::Error }];
    assert_eq!(judge(&description, &wrong, &LintParameters::default()), Err(UnknownRule("no-such-rule".into())));
}

#[test]
fn places_are_lines_and_columns_in_json_and_yaml() {
    let yaml = "openapi: 3.0.3\ninfo:\n  title: t\n  version: 1.0.0\npaths:\n  /a:\n    get:\n      responses:\n        '200':\n          description: ok\n          content:\n            application/json:\n              schema: {type: string}\n              example: 7\n";
    let description = Description::read(Source::yaml("openapi.yaml", yaml.as_bytes()).unwrap(), Vec::new()).unwrap();
    let choice = [Choice { rule: "examples-fit".into(), severity: Severity::Error }];
    let findings = judge(&description, &choice, &LintParameters::default()).unwrap();
    assert_eq!(findings[0].position.unwrap().to_string(), "14:24");
    assert_eq!(findings[0].path, "/paths/~1a/get/responses/200/content/application~1json/example");
}

#[test]
fn documents_full_of_nonsense_are_judged_by_every_rule() {
    for text in [
        r#"{"openapi":"3.1.0"}"#,
        r#"{"openapi":{},"swagger":"2.0"}"#,
        r#"{"openapi":"3.9.0","info":[],"paths":[],"components":{"schemas":{"A":7,"B":[1],"C":{"type":7,"enum":{},"properties":[],"required":true,"allOf":{},"$ref":7}}}}"#,
        r#"{"swagger":"2.0","paths":{"/a":{"get":{"parameters":[{"in":"body"},{"in":"formData"}],"responses":[]}}},"host":7,"schemes":[7]}"#,
        r#"{"asyncapi":"2.6.0","channels":{"a":{"subscribe":{"message":{"payload":{"type":"x"}}}}}}"#,
        r#"{"asyncapi":"3.0.0","info":{"title":"t","version":"1"},"channels":{"a":{"address":null}},"operations":{"o":{"action":"x"}}}"#,
        r##"{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"},"b":{},"/{":{"get":{"operationId":7,"security":[7],"responses":{"200":{"links":{"x":{"operationId":"y"}}}}}}}}"##,
    ] {
        assert!(!judged(text).is_empty(), "{text}");
    }
}

#[test]
fn strict_readers_are_asked_apart() {
    let source = |text: &str| Source::json("o", text.as_bytes()).unwrap();
    assert_eq!(reads_as_client(&source(&text_of(&sound()))), ClientReader::Reads { reader: "openapiv3" });
    let faulty = r#"{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{}}}}}}"#;
    assert!(matches!(reads_as_client(&source(faulty)), ClientReader::Refuses { reader: "openapiv3", .. }));
    assert_eq!(reads_as_client(&source(r#"{"swagger":"2.0"}"#)), ClientReader::NoReader);
}

/// Every place of a document, deepest last.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    found.push(at.clone());
    let mut step = |key: &str, sub: &Value| places(sub, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
    match value {
        Value::Object(map) => map.iter().for_each(|(key, sub)| step(key, sub)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, sub)| step(&index.to_string(), sub)),
        _ => {}
    }
}

/// Replaces each value of a document by values of other types: nothing crashes, and nothing is passed
/// over in silence but what is data, or what fits all the same.
fn never_silent(document: &Value, fits: impl Fn(&str, &Value) -> bool) {
    let mut pointers = Vec::new();
    places(document, String::new(), &mut pointers);
    let before = judged(&document.to_string()).len();
    let mut silent = Vec::new();
    for pointer in pointers.iter().filter(|p| !p.is_empty()) {
        for other in [Value::Null, json!(7), json!({ "x-y": 1 }), json!([[]])] {
            let mut edited = document.clone();
            *edited.pointer_mut(pointer).unwrap() = other.clone();
            if judged_or_refused(&edited.to_string()) <= before && !fits(pointer, &other) {
                silent.push(format!("{pointer} = {other}"));
            }
        }
    }
    assert!(silent.is_empty(), "{} silent:\n{}", silent.len(), silent.join("\n"));
}

/// How many findings there are; a document that is refused as a whole is a finding of its own.
fn judged_or_refused(text: &str) -> usize {
    match Description::read(Source::json("openapi.json", text.as_bytes()).unwrap(), Vec::new()) {
        Ok(_) => judged(text).len(),
        Err(_) => usize::MAX,
    }
}

#[test]
fn a_value_of_another_type_is_never_passed_over() {
    let document: Value = serde_json::from_str(&text_of(&sound())).unwrap();
    never_silent(&document, |pointer, other| {
        let data = ["/example", "/default", "/enum/", "/x-summary", "/links/read/parameters/"].iter().any(|part| pointer.contains(part));
        // A schema without keywords is one, and a list of schemas of nothing is told by other rules.
        let schema = pointer.contains("schema") || pointer.contains("/properties/");
        let number = other.is_number() && ["Length", "Items", "maximum", "minimum"].iter().any(|end| pointer.ends_with(end));
        data || number || (schema && other.is_object())
    });
}

#[test]
fn faulty_and_odd_documents_are_told_and_never_crash() {
    let refused = |text: &str| judge_document("d", text.as_bytes());
    for text in ["", "{", "[]", "7", "null", "\"openapi\"", "openapi: 3.1.0\n\tinfo: x", "openapi: [3", "<html></html>", "\u{0}", "{\"openapi\":\"1.0\"}", "swagger: 1.2\n"] {
        assert!(!refused(text).is_empty(), "{text}");
    }
    assert!(!judge_document("d", b"\xff\xfe{\x00").is_empty());
    for (start, body) in [
        ("openapi: 3.0.3", "info: {title: t, version: 1.0.0}\npaths: {/a: {get: {responses: {200: {description: ok}}}}}"),
        ("openapi: 3.1.1", "info: {title: t, version: 1.0.0}\nwebhooks: {x: {post: {responses: {default: {description: ok}}}}}"),
        ("openapi: 3.2.0", "info: {title: t, version: 1.0.0}\npaths: {/a: {query: {responses: {'200': {description: ok}}}}}"),
        ("swagger: '2.0'", "info: {title: t, version: 1.0.0}\npaths: {/a: {get: {responses: {200: {description: ok}}}}}"),
        ("asyncapi: 2.6.0", "info: {title: t, version: 1.0.0}\nchannels: {a: {subscribe: {message: {payload: {type: string}}}}}"),
        ("asyncapi: 3.0.0", "info: {title: t, version: 1.0.0}\nchannels: {a: {address: a, messages: {m: {payload: {type: string}}}}}\noperations: {o: {action: send, channel: {$ref: '#/channels/a'}}}"),
    ] {
        // Sound: no error. Cut anywhere, or with a byte that does not belong there: no crash.
        let whole = format!("{start}\n{body}\n");
        let errors: Vec<String> =
            refused(&whole).iter().filter(|f| f.severity == Severity::Error && f.rule != "error-response").map(ToString::to_string).collect();
        assert_eq!(errors, Vec::<String>::new(), "{whole}");
        for at in 1..whole.len() {
            let cut = &whole[..at];
            let _ = refused(cut);
            let _ = refused(&format!("{}\u{1}{}", cut, &whole[at..]));
        }
    }
}
