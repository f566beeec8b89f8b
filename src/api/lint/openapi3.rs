//! The objects of OpenAPI 3.0, 3.1 and 3.2, from the text of the specifications.

use super::structure::{FROM_31, FROM_32, Kind, Names, ONLY_30, Shape, UNTIL_31, optional, required, required_in, since};
use crate::api::description::{Edition, response_key};

pub(super) static OPENAPI: Shape = Shape {
    name: "OpenAPI Object",
    fields: &[
        required("openapi", Kind::Text),
        since(FROM_32, "$self", Kind::Uri),
        required("info", Kind::Object(&INFO)),
        since(FROM_31, "jsonSchemaDialect", Kind::Uri),
        optional("servers", Kind::List(&Kind::Object(&SERVER))),
        required_in(ONLY_30, "paths", Kind::Object(&PATHS)),
        since(FROM_31, "webhooks", Kind::Map(&Kind::OrReference(&PATH_ITEM))),
        optional("components", Kind::Object(&COMPONENTS)),
        optional("security", Kind::List(&Kind::Object(&SECURITY_REQUIREMENT))),
        optional("tags", Kind::List(&Kind::Object(&TAG))),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, edition| {
        let parts = ["paths", "components", "webhooks"];
        if edition != Edition::OpenApi30 && !parts.iter().any(|part| object.contains_key(*part)) {
            tell("", "at least one of `paths`, `components` and `webhooks` must be there".into());
        }
        if let Some(version) = object.get("openapi").and_then(|v| v.as_str()) {
            let parts: Vec<&str> = version.split('.').collect();
            let known = matches!(parts.as_slice(), ["3", "0" | "1" | "2", patch] if patch.split('-').next().is_some_and(|p| p.parse::<u32>().is_ok()));
            if !known {
                tell("openapi", format!("`{version}` is not a version of OpenAPI that there is; 3.0.x, 3.1.x and 3.2.x are"));
            }
        }
    }),
};

static INFO: Shape = Shape {
    name: "Info Object",
    fields: &[
        required("title", Kind::Text),
        since(FROM_31, "summary", Kind::Text),
        optional("description", Kind::Text),
        optional("termsOfService", Kind::Uri),
        optional("contact", Kind::Object(&CONTACT)),
        optional("license", Kind::Object(&LICENSE)),
        required("version", Kind::Text),
    ],
    names: Names::Extensions,
    between: None,
};

pub(super) static CONTACT: Shape = Shape {
    name: "Contact Object",
    fields: &[optional("name", Kind::Text), optional("url", Kind::Uri), optional("email", Kind::Email)],
    names: Names::Extensions,
    between: None,
};

static LICENSE: Shape = Shape {
    name: "License Object",
    fields: &[required("name", Kind::Text), since(FROM_31, "identifier", Kind::Text), optional("url", Kind::Uri)],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        if object.contains_key("identifier") && object.contains_key("url") {
            tell("identifier", "`identifier` and `url` exclude each other".into());
        }
    }),
};

static SERVER: Shape = Shape {
    name: "Server Object",
    fields: &[
        required("url", Kind::Uri),
        optional("description", Kind::Text),
        since(FROM_32, "name", Kind::Text),
        optional("variables", Kind::Map(&Kind::Object(&SERVER_VARIABLE))),
    ],
    names: Names::Extensions,
    between: None,
};

static SERVER_VARIABLE: Shape = Shape {
    name: "Server Variable Object",
    fields: &[optional("enum", Kind::List(&Kind::Text)), required("default", Kind::Text), optional("description", Kind::Text)],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        let values = object.get("enum").and_then(|v| v.as_array());
        if let (Some(values), Some(default)) = (values, object.get("default"))
            && !values.contains(default)
        {
            tell("default", "the default is not one of the values of `enum`".into());
        }
    }),
};

static COMPONENTS: Shape = Shape {
    name: "Components Object",
    fields: &[
        optional("schemas", Kind::Named(&Kind::Schema)),
        optional("responses", Kind::Named(&Kind::OrReference(&RESPONSE))),
        optional("parameters", Kind::Named(&Kind::OrReference(&PARAMETER))),
        optional("examples", Kind::Named(&Kind::OrReference(&EXAMPLE))),
        optional("requestBodies", Kind::Named(&Kind::OrReference(&REQUEST_BODY))),
        optional("headers", Kind::Named(&Kind::OrReference(&HEADER))),
        optional("securitySchemes", Kind::Named(&Kind::OrReference(&SECURITY_SCHEME))),
        optional("links", Kind::Named(&Kind::OrReference(&LINK))),
        optional("callbacks", Kind::Named(&Kind::OrReference(&CALLBACK))),
        since(FROM_31, "pathItems", Kind::Named(&Kind::OrReference(&PATH_ITEM))),
        since(FROM_32, "mediaTypes", Kind::Named(&Kind::OrReference(&MEDIA_TYPE))),
    ],
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
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("get", Kind::Object(&OPERATION)),
        optional("put", Kind::Object(&OPERATION)),
        optional("post", Kind::Object(&OPERATION)),
        optional("delete", Kind::Object(&OPERATION)),
        optional("options", Kind::Object(&OPERATION)),
        optional("head", Kind::Object(&OPERATION)),
        optional("patch", Kind::Object(&OPERATION)),
        optional("trace", Kind::Object(&OPERATION)),
        since(FROM_32, "query", Kind::Object(&OPERATION)),
        since(FROM_32, "additionalOperations", Kind::Map(&Kind::Object(&OPERATION))),
        optional("servers", Kind::List(&Kind::Object(&SERVER))),
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
        optional("parameters", Kind::List(&Kind::OrReference(&PARAMETER))),
        optional("requestBody", Kind::OrReference(&REQUEST_BODY)),
        required_in(ONLY_30, "responses", Kind::Object(&RESPONSES)),
        optional("callbacks", Kind::Map(&Kind::OrReference(&CALLBACK))),
        optional("deprecated", Kind::Flag),
        optional("security", Kind::List(&Kind::Object(&SECURITY_REQUIREMENT))),
        optional("servers", Kind::List(&Kind::Object(&SERVER))),
    ],
    names: Names::Extensions,
    between: None,
};

static EXTERNAL_DOCUMENTATION: Shape = Shape {
    name: "External Documentation Object",
    fields: &[optional("description", Kind::Text), required("url", Kind::Uri)],
    names: Names::Extensions,
    between: None,
};

const STYLES: [&str; 8] = ["matrix", "label", "form", "simple", "spaceDelimited", "pipeDelimited", "deepObject", "cookie"];

fn schema_or_content(object: &serde_json::Map<String, serde_json::Value>, tell: &mut dyn FnMut(&str, String)) {
    match (object.contains_key("schema"), object.get("content")) {
        (false, None) => tell("", "one of `schema` and `content` must be there".into()),
        (true, Some(_)) => tell("content", "`schema` and `content` exclude each other".into()),
        (false, Some(content)) if content.as_object().is_some_and(|c| c.len() != 1) => {
            tell("content", "must have exactly one media type".into());
        }
        (false | true, Some(_) | None) => {}
    }
    if object.contains_key("example") && object.contains_key("examples") {
        tell("examples", "`example` and `examples` exclude each other".into());
    }
}

static PARAMETER: Shape = Shape {
    name: "Parameter Object",
    fields: &[
        required("name", Kind::Text),
        required("in", Kind::Text),
        optional("description", Kind::Text),
        optional("required", Kind::Flag),
        optional("deprecated", Kind::Flag),
        optional("allowEmptyValue", Kind::Flag),
        optional("style", Kind::Word(&STYLES)),
        optional("explode", Kind::Flag),
        optional("allowReserved", Kind::Flag),
        optional("schema", Kind::Schema),
        optional("example", Kind::Any),
        optional("examples", Kind::Map(&Kind::OrReference(&EXAMPLE))),
        optional("content", Kind::Map(&Kind::OrReference(&MEDIA_TYPE))),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, edition| {
        let text = |key: &str| object.get(key).and_then(|v| v.as_str());
        let places: &[&str] = if edition == Edition::OpenApi32 {
            &["path", "query", "header", "cookie", "querystring"]
        } else {
            &["path", "query", "header", "cookie"]
        };
        if let Some(place) = text("in") {
            if !places.contains(&place) {
                tell("in", format!("must be one of {}", places.join(", ")));
            }
            if place == "path" && object.get("required") != Some(&serde_json::Value::Bool(true)) {
                tell("", "`required` must be there and `true` for a path parameter".into());
            }
            if let Some(style) = text("style") {
                let allowed: &[&str] = match place {
                    "path" => &["matrix", "label", "simple"],
                    "query" => &["form", "spaceDelimited", "pipeDelimited", "deepObject"],
                    "header" => &["simple"],
                    "cookie" => &["form", "cookie"],
                    _ => &STYLES,
                };
                if STYLES.contains(&style) && !allowed.contains(&style) {
                    tell("style", format!("`{style}` is not a style of {place} parameters"));
                }
            }
        }
        schema_or_content(object, tell);
    }),
};

static HEADER: Shape = Shape {
    name: "Header Object",
    fields: &[
        optional("description", Kind::Text),
        optional("required", Kind::Flag),
        optional("deprecated", Kind::Flag),
        since(ONLY_30, "allowEmptyValue", Kind::Flag),
        optional("style", Kind::Word(&["simple"])),
        optional("explode", Kind::Flag),
        since(ONLY_30, "allowReserved", Kind::Flag),
        optional("schema", Kind::Schema),
        optional("example", Kind::Any),
        optional("examples", Kind::Map(&Kind::OrReference(&EXAMPLE))),
        optional("content", Kind::Map(&Kind::OrReference(&MEDIA_TYPE))),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| schema_or_content(object, tell)),
};

static REQUEST_BODY: Shape = Shape {
    name: "Request Body Object",
    fields: &[
        optional("description", Kind::Text),
        required("content", Kind::Map(&Kind::OrReference(&MEDIA_TYPE))),
        optional("required", Kind::Flag),
    ],
    names: Names::Extensions,
    between: None,
};

static MEDIA_TYPE: Shape = Shape {
    name: "Media Type Object",
    fields: &[
        optional("schema", Kind::Schema),
        since(FROM_32, "itemSchema", Kind::Schema),
        optional("example", Kind::Any),
        optional("examples", Kind::Map(&Kind::OrReference(&EXAMPLE))),
        optional("encoding", Kind::Map(&Kind::Object(&ENCODING))),
        since(FROM_32, "prefixEncoding", Kind::List(&Kind::Object(&ENCODING))),
        since(FROM_32, "itemEncoding", Kind::Object(&ENCODING)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        if object.contains_key("example") && object.contains_key("examples") {
            tell("examples", "`example` and `examples` exclude each other".into());
        }
    }),
};

static ENCODING: Shape = Shape {
    name: "Encoding Object",
    fields: &[
        optional("contentType", Kind::Text),
        optional("headers", Kind::Map(&Kind::OrReference(&HEADER))),
        optional("style", Kind::Word(&STYLES)),
        optional("explode", Kind::Flag),
        optional("allowReserved", Kind::Flag),
        since(FROM_32, "encoding", Kind::Map(&Kind::Object(&ENCODING))),
        since(FROM_32, "prefixEncoding", Kind::List(&Kind::Object(&ENCODING))),
        since(FROM_32, "itemEncoding", Kind::Object(&ENCODING)),
    ],
    names: Names::Extensions,
    between: None,
};

static RESPONSES: Shape = Shape {
    name: "Responses Object",
    fields: &[],
    names: Names::Patterned(|key| response_key(key).is_some(), Kind::OrReference(&RESPONSE)),
    between: Some(|object, tell, _| {
        if object.keys().all(|key| key.starts_with("x-")) {
            tell("", "must have at least one response".into());
        }
    }),
};

static RESPONSE: Shape = Shape {
    name: "Response Object",
    fields: &[
        required_in(UNTIL_31, "description", Kind::Text),
        since(FROM_32, "summary", Kind::Text),
        optional("headers", Kind::Map(&Kind::OrReference(&HEADER))),
        optional("content", Kind::Map(&Kind::OrReference(&MEDIA_TYPE))),
        optional("links", Kind::Map(&Kind::OrReference(&LINK))),
    ],
    names: Names::Extensions,
    between: None,
};

static CALLBACK: Shape =
    Shape { name: "Callback Object", fields: &[], names: Names::Patterned(|_| true, Kind::OrReference(&PATH_ITEM)), between: None };

static EXAMPLE: Shape = Shape {
    name: "Example Object",
    fields: &[
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("value", Kind::Any),
        optional("externalValue", Kind::Uri),
        since(FROM_32, "dataValue", Kind::Any),
        since(FROM_32, "serializedValue", Kind::Text),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        if object.contains_key("value") && object.contains_key("externalValue") {
            tell("externalValue", "`value` and `externalValue` exclude each other".into());
        }
    }),
};

static LINK: Shape = Shape {
    name: "Link Object",
    fields: &[
        optional("operationRef", Kind::Uri),
        optional("operationId", Kind::Text),
        optional("parameters", Kind::Map(&Kind::Any)),
        optional("requestBody", Kind::Any),
        optional("description", Kind::Text),
        optional("server", Kind::Object(&SERVER)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| match (object.contains_key("operationRef"), object.contains_key("operationId")) {
        (true, true) => tell("operationRef", "`operationRef` and `operationId` exclude each other".into()),
        (false, false) => tell("", "one of `operationRef` and `operationId` must be there".into()),
        (true, false) | (false, true) => {}
    }),
};

static TAG: Shape = Shape {
    name: "Tag Object",
    fields: &[
        required("name", Kind::Text),
        since(FROM_32, "summary", Kind::Text),
        optional("description", Kind::Text),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
        since(FROM_32, "parent", Kind::Text),
        since(FROM_32, "kind", Kind::Text),
    ],
    names: Names::Extensions,
    between: None,
};

static SECURITY_SCHEME: Shape = Shape {
    name: "Security Scheme Object",
    fields: &[
        required("type", Kind::Text),
        optional("description", Kind::Text),
        optional("name", Kind::Text),
        optional("in", Kind::Word(&["query", "header", "cookie"])),
        optional("scheme", Kind::Text),
        optional("bearerFormat", Kind::Text),
        optional("flows", Kind::Object(&OAUTH_FLOWS)),
        optional("openIdConnectUrl", Kind::Uri),
        since(FROM_32, "oauth2MetadataUrl", Kind::Uri),
        since(FROM_32, "deprecated", Kind::Flag),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, edition| {
        let needs: &[&str] = match object.get("type").and_then(|v| v.as_str()) {
            Some("apiKey") => &["name", "in"],
            Some("http") => &["scheme"],
            Some("oauth2") => &["flows"],
            Some("openIdConnect") => &["openIdConnectUrl"],
            Some("mutualTLS") if edition != Edition::OpenApi30 => &[],
            Some(_) => {
                let known = if edition == Edition::OpenApi30 {
                    "apiKey, http, oauth2, openIdConnect"
                } else {
                    "apiKey, http, mutualTLS, oauth2, openIdConnect"
                };
                tell("type", format!("must be one of {known}"));
                &[]
            }
            None => &[],
        };
        for need in needs {
            if !object.contains_key(*need) {
                tell("", format!("`{need}` is missing in this Security Scheme Object"));
            }
        }
    }),
};

static OAUTH_FLOWS: Shape = Shape {
    name: "OAuth Flows Object",
    fields: &[
        optional("implicit", Kind::Object(&OAUTH_FLOW_AUTHORIZATION)),
        optional("password", Kind::Object(&OAUTH_FLOW_TOKEN)),
        optional("clientCredentials", Kind::Object(&OAUTH_FLOW_TOKEN)),
        optional("authorizationCode", Kind::Object(&OAUTH_FLOW_BOTH)),
        since(FROM_32, "deviceAuthorization", Kind::Object(&OAUTH_FLOW_DEVICE)),
    ],
    names: Names::Extensions,
    between: None,
};

static OAUTH_FLOW_AUTHORIZATION: Shape = Shape {
    name: "OAuth Flow Object",
    fields: &[required("authorizationUrl", Kind::Uri), optional("refreshUrl", Kind::Uri), required("scopes", Kind::Map(&Kind::Text))],
    names: Names::Extensions,
    between: None,
};

static OAUTH_FLOW_TOKEN: Shape = Shape {
    name: "OAuth Flow Object",
    fields: &[required("tokenUrl", Kind::Uri), optional("refreshUrl", Kind::Uri), required("scopes", Kind::Map(&Kind::Text))],
    names: Names::Extensions,
    between: None,
};

static OAUTH_FLOW_BOTH: Shape = Shape {
    name: "OAuth Flow Object",
    fields: &[
        required("authorizationUrl", Kind::Uri),
        required("tokenUrl", Kind::Uri),
        optional("refreshUrl", Kind::Uri),
        required("scopes", Kind::Map(&Kind::Text)),
    ],
    names: Names::Extensions,
    between: None,
};

static OAUTH_FLOW_DEVICE: Shape = Shape {
    name: "OAuth Flow Object",
    fields: &[
        required("deviceAuthorizationUrl", Kind::Uri),
        required("tokenUrl", Kind::Uri),
        optional("refreshUrl", Kind::Uri),
        required("scopes", Kind::Map(&Kind::Text)),
    ],
    names: Names::Extensions,
    between: None,
};

pub(super) static SECURITY_REQUIREMENT: Shape =
    Shape { name: "Security Requirement Object", fields: &[], names: Names::Patterned(|_| true, Kind::List(&Kind::Text)), between: None };
