//! The objects of Swagger 2.0, from the text of the specification.

use super::openapi3::{CONTACT, SECURITY_REQUIREMENT};
use super::structure::{Kind, Names, Shape, optional, required};
use crate::api::description::response_key;

const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

pub(super) static SWAGGER: Shape = Shape {
    name: "Swagger Object",
    fields: &[
        required("swagger", Kind::Word(&["2.0"])),
        required("info", Kind::Object(&INFO)),
        optional("host", Kind::Text),
        optional("basePath", Kind::Text),
        optional("schemes", Kind::List(&Kind::Word(&SCHEMES))),
        optional("consumes", Kind::List(&Kind::Text)),
        optional("produces", Kind::List(&Kind::Text)),
        required("paths", Kind::Object(&PATHS)),
        optional("definitions", Kind::Map(&Kind::Schema)),
        optional("parameters", Kind::Map(&Kind::Object(&PARAMETER))),
        optional("responses", Kind::Map(&Kind::Object(&RESPONSE))),
        optional("securityDefinitions", Kind::Map(&Kind::Object(&SECURITY_SCHEME))),
        optional("security", Kind::List(&Kind::Object(&SECURITY_REQUIREMENT))),
        optional("tags", Kind::List(&Kind::Object(&TAG))),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        let text = |key: &str| object.get(key).and_then(|v| v.as_str());
        if text("host").is_some_and(|host| host.contains('/') || host.contains('{')) {
            tell("host", "must be a host with or without a port, without scheme, path or template".into());
        }
        if text("basePath").is_some_and(|base| !base.starts_with('/')) {
            tell("basePath", "must begin with `/`".into());
        }
    }),
};

static INFO: Shape = Shape {
    name: "Info Object",
    fields: &[
        required("title", Kind::Text),
        optional("description", Kind::Text),
        optional("termsOfService", Kind::Text),
        optional("contact", Kind::Object(&CONTACT)),
        optional("license", Kind::Object(&LICENSE)),
        required("version", Kind::Text),
    ],
    names: Names::Extensions,
    between: None,
};

static LICENSE: Shape = Shape {
    name: "License Object",
    fields: &[required("name", Kind::Text), optional("url", Kind::Uri)],
    names: Names::Extensions,
    between: None,
};

static PATHS: Shape = Shape {
    name: "Paths Object",
    fields: &[],
    names: Names::Patterned(|key| key.starts_with('/'), Kind::Object(&PATH_ITEM)),
    between: None,
};

static PATH_ITEM: Shape = Shape {
    name: "Path Item Object",
    fields: &[
        optional("$ref", Kind::Uri),
        optional("get", Kind::Object(&OPERATION)),
        optional("put", Kind::Object(&OPERATION)),
        optional("post", Kind::Object(&OPERATION)),
        optional("delete", Kind::Object(&OPERATION)),
        optional("options", Kind::Object(&OPERATION)),
        optional("head", Kind::Object(&OPERATION)),
        optional("patch", Kind::Object(&OPERATION)),
        optional("parameters", Kind::List(&Kind::OrReference(&PARAMETER))),
    ],
    names: Names::Extensions,
    between: None,
};

static OPERATION: Shape = Shape {
    name: "Operation Object",
    fields: &[
        optional("tags", Kind::List(&Kind::Text)),
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
        optional("operationId", Kind::Text),
        optional("consumes", Kind::List(&Kind::Text)),
        optional("produces", Kind::List(&Kind::Text)),
        optional("parameters", Kind::List(&Kind::OrReference(&PARAMETER))),
        required("responses", Kind::Object(&RESPONSES)),
        optional("schemes", Kind::List(&Kind::Word(&SCHEMES))),
        optional("deprecated", Kind::Flag),
        optional("security", Kind::List(&Kind::Object(&SECURITY_REQUIREMENT))),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        let places: Vec<&str> = object
            .get("parameters")
            .and_then(|p| p.as_array())
            .into_iter()
            .flatten()
            .filter_map(|p| p.get("in").and_then(|v| v.as_str()))
            .collect();
        let bodies = places.iter().filter(|p| **p == "body").count();
        if bodies > 1 {
            tell("parameters", "there can be only one body parameter".into());
        }
        if bodies > 0 && places.contains(&"formData") {
            tell("parameters", "a body parameter and form parameters exclude each other".into());
        }
    }),
};

static EXTERNAL_DOCUMENTATION: Shape = Shape {
    name: "External Documentation Object",
    fields: &[optional("description", Kind::Text), required("url", Kind::Uri)],
    names: Names::Extensions,
    between: None,
};

static PARAMETER: Shape = Shape {
    name: "Parameter Object",
    fields: &[
        required("name", Kind::Text),
        required("in", Kind::Word(&["query", "header", "path", "formData", "body"])),
        optional("description", Kind::Text),
        optional("required", Kind::Flag),
        optional("schema", Kind::Schema),
        optional("type", Kind::Word(&["string", "number", "integer", "boolean", "array", "file"])),
        optional("format", Kind::Text),
        optional("allowEmptyValue", Kind::Flag),
        optional("items", Kind::Object(&ITEMS)),
        optional("collectionFormat", Kind::Word(&["csv", "ssv", "tsv", "pipes", "multi"])),
        optional("default", Kind::Any),
        optional("maximum", Kind::Number),
        optional("exclusiveMaximum", Kind::Flag),
        optional("minimum", Kind::Number),
        optional("exclusiveMinimum", Kind::Flag),
        optional("maxLength", Kind::Count),
        optional("minLength", Kind::Count),
        optional("pattern", Kind::Text),
        optional("maxItems", Kind::Count),
        optional("minItems", Kind::Count),
        optional("uniqueItems", Kind::Flag),
        optional("enum", Kind::List(&Kind::Any)),
        optional("multipleOf", Kind::Number),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        let text = |key: &str| object.get(key).and_then(|v| v.as_str());
        match text("in") {
            Some("body") if !object.contains_key("schema") => tell("", "`schema` is missing in this body parameter".into()),
            Some("body") | None => {}
            Some(place) => {
                if !object.contains_key("type") {
                    tell("", "`type` is missing in this parameter".into());
                }
                if text("type") == Some("array") && !object.contains_key("items") {
                    tell("", "`items` is missing in this parameter, whose type is `array`".into());
                }
                if text("type") == Some("file") && place != "formData" {
                    tell("type", "`file` is for form parameters only".into());
                }
                if place == "path" && object.get("required") != Some(&serde_json::Value::Bool(true)) {
                    tell("", "`required` must be there and `true` for a path parameter".into());
                }
            }
        }
    }),
};

static ITEMS: Shape = Shape {
    name: "Items Object",
    fields: &[
        required("type", Kind::Word(&["string", "number", "integer", "boolean", "array"])),
        optional("format", Kind::Text),
        optional("items", Kind::Object(&ITEMS)),
        optional("collectionFormat", Kind::Word(&["csv", "ssv", "tsv", "pipes"])),
        optional("default", Kind::Any),
        optional("maximum", Kind::Number),
        optional("exclusiveMaximum", Kind::Flag),
        optional("minimum", Kind::Number),
        optional("exclusiveMinimum", Kind::Flag),
        optional("maxLength", Kind::Count),
        optional("minLength", Kind::Count),
        optional("pattern", Kind::Text),
        optional("maxItems", Kind::Count),
        optional("minItems", Kind::Count),
        optional("uniqueItems", Kind::Flag),
        optional("enum", Kind::List(&Kind::Any)),
        optional("multipleOf", Kind::Number),
    ],
    names: Names::Extensions,
    between: None,
};

static RESPONSES: Shape = Shape {
    name: "Responses Object",
    fields: &[],
    names: Names::Patterned(
        |key| key == "default" || (key.len() == 3 && !key.ends_with('X') && response_key(key).is_some()),
        Kind::OrReference(&RESPONSE),
    ),
    between: Some(|object, tell, _| {
        if object.keys().all(|key| key.starts_with("x-")) {
            tell("", "must have at least one response".into());
        }
    }),
};

static RESPONSE: Shape = Shape {
    name: "Response Object",
    fields: &[
        required("description", Kind::Text),
        optional("schema", Kind::Schema),
        optional("headers", Kind::Map(&Kind::Object(&HEADER))),
        optional("examples", Kind::Map(&Kind::Any)),
    ],
    names: Names::Extensions,
    between: None,
};

static HEADER: Shape = Shape {
    name: "Header Object",
    fields: &[
        optional("description", Kind::Text),
        required("type", Kind::Word(&["string", "number", "integer", "boolean", "array"])),
        optional("format", Kind::Text),
        optional("items", Kind::Object(&ITEMS)),
        optional("collectionFormat", Kind::Word(&["csv", "ssv", "tsv", "pipes"])),
        optional("default", Kind::Any),
        optional("maximum", Kind::Number),
        optional("exclusiveMaximum", Kind::Flag),
        optional("minimum", Kind::Number),
        optional("exclusiveMinimum", Kind::Flag),
        optional("maxLength", Kind::Count),
        optional("minLength", Kind::Count),
        optional("pattern", Kind::Text),
        optional("maxItems", Kind::Count),
        optional("minItems", Kind::Count),
        optional("uniqueItems", Kind::Flag),
        optional("enum", Kind::List(&Kind::Any)),
        optional("multipleOf", Kind::Number),
    ],
    names: Names::Extensions,
    between: None,
};

static TAG: Shape = Shape {
    name: "Tag Object",
    fields: &[
        required("name", Kind::Text),
        optional("description", Kind::Text),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
    ],
    names: Names::Extensions,
    between: None,
};

static SECURITY_SCHEME: Shape = Shape {
    name: "Security Scheme Object",
    fields: &[
        required("type", Kind::Word(&["basic", "apiKey", "oauth2"])),
        optional("description", Kind::Text),
        optional("name", Kind::Text),
        optional("in", Kind::Word(&["query", "header"])),
        optional("flow", Kind::Word(&["implicit", "password", "application", "accessCode"])),
        optional("authorizationUrl", Kind::Uri),
        optional("tokenUrl", Kind::Uri),
        optional("scopes", Kind::Map(&Kind::Text)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        let text = |key: &str| object.get(key).and_then(|v| v.as_str());
        let mut needs: Vec<&str> = match text("type") {
            Some("apiKey") => vec!["name", "in"],
            Some("oauth2") => vec!["flow", "scopes"],
            Some(_) | None => vec![],
        };
        match text("flow") {
            Some("implicit") => needs.push("authorizationUrl"),
            Some("password" | "application") => needs.push("tokenUrl"),
            Some("accessCode") => needs.extend(["authorizationUrl", "tokenUrl"]),
            Some(_) | None => {}
        }
        for need in needs {
            if !object.contains_key(need) {
                tell("", format!("`{need}` is missing in this Security Scheme Object"));
            }
        }
    }),
};
