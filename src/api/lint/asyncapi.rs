//! The objects of AsyncAPI 2.6 and 3.0, from the text of the specifications. Bindings and message
//! payloads in other schema languages are not looked into.

use super::openapi3::CONTACT;
use super::structure::{Kind, Names, Shape, optional, required};

pub(super) static ASYNCAPI_2: Shape = Shape {
    name: "AsyncAPI Object",
    fields: &[
        required("asyncapi", Kind::Text),
        optional("id", Kind::Uri),
        required("info", Kind::Object(&INFO_2)),
        optional("servers", Kind::Map(&Kind::OrReference(&SERVER_2))),
        optional("defaultContentType", Kind::Text),
        required("channels", Kind::Map(&Kind::OrReference(&CHANNEL_ITEM))),
        optional("components", Kind::Object(&COMPONENTS)),
        optional("tags", Kind::List(&Kind::Object(&TAG))),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        if let Some(version) = object.get("asyncapi").and_then(|v| v.as_str())
            && !matches!(version.split('.').collect::<Vec<_>>().as_slice(), ["2", "0" | "1" | "2" | "3" | "4" | "5" | "6", "0"])
        {
            tell("asyncapi", format!("`{version}` is not a version of AsyncAPI that there is"));
        }
    }),
};

pub(super) static ASYNCAPI_3: Shape = Shape {
    name: "AsyncAPI Object",
    fields: &[
        required("asyncapi", Kind::Text),
        optional("id", Kind::Uri),
        required("info", Kind::Object(&INFO_3)),
        optional("servers", Kind::Map(&Kind::OrReference(&SERVER_3))),
        optional("defaultContentType", Kind::Text),
        optional("channels", Kind::Map(&Kind::OrReference(&CHANNEL))),
        optional("operations", Kind::Map(&Kind::OrReference(&OPERATION_3))),
        optional("components", Kind::Object(&COMPONENTS)),
    ],
    names: Names::Extensions,
    between: Some(|object, tell, _| {
        if let Some(version) = object.get("asyncapi").and_then(|v| v.as_str())
            && !matches!(version.split('.').collect::<Vec<_>>().as_slice(), ["3", "0", "0"] | ["3", "1", "0"])
        {
            tell("asyncapi", format!("`{version}` is not a version of AsyncAPI that there is"));
        }
    }),
};

static INFO_2: Shape = Shape {
    name: "Info Object",
    fields: &[
        required("title", Kind::Text),
        required("version", Kind::Text),
        optional("description", Kind::Text),
        optional("termsOfService", Kind::Uri),
        optional("contact", Kind::Object(&CONTACT)),
        optional("license", Kind::Object(&LICENSE)),
    ],
    names: Names::Extensions,
    between: None,
};

static INFO_3: Shape = Shape {
    name: "Info Object",
    fields: &[
        required("title", Kind::Text),
        required("version", Kind::Text),
        optional("description", Kind::Text),
        optional("termsOfService", Kind::Uri),
        optional("contact", Kind::Object(&CONTACT)),
        optional("license", Kind::Object(&LICENSE)),
        optional("tags", Kind::List(&Kind::OrReference(&TAG))),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
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

static SERVER_2: Shape = Shape {
    name: "Server Object",
    fields: &[
        required("url", Kind::Text),
        required("protocol", Kind::Text),
        optional("protocolVersion", Kind::Text),
        optional("description", Kind::Text),
        optional("variables", Kind::Map(&Kind::OrReference(&SERVER_VARIABLE))),
        optional("security", Kind::List(&Kind::Map(&Kind::List(&Kind::Text)))),
        optional("tags", Kind::List(&Kind::Object(&TAG))),
        optional("bindings", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static SERVER_3: Shape = Shape {
    name: "Server Object",
    fields: &[
        required("host", Kind::Text),
        required("protocol", Kind::Text),
        optional("protocolVersion", Kind::Text),
        optional("pathname", Kind::Text),
        optional("description", Kind::Text),
        optional("title", Kind::Text),
        optional("summary", Kind::Text),
        optional("variables", Kind::Map(&Kind::OrReference(&SERVER_VARIABLE))),
        optional("security", Kind::List(&Kind::Any)),
        optional("tags", Kind::List(&Kind::OrReference(&TAG))),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
        optional("bindings", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static SERVER_VARIABLE: Shape = Shape {
    name: "Server Variable Object",
    fields: &[
        optional("enum", Kind::List(&Kind::Text)),
        optional("default", Kind::Text),
        optional("description", Kind::Text),
        optional("examples", Kind::List(&Kind::Text)),
    ],
    names: Names::Extensions,
    between: None,
};

static CHANNEL_ITEM: Shape = Shape {
    name: "Channel Item Object",
    fields: &[
        optional("$ref", Kind::Uri),
        optional("description", Kind::Text),
        optional("servers", Kind::List(&Kind::Text)),
        optional("subscribe", Kind::Object(&OPERATION_2)),
        optional("publish", Kind::Object(&OPERATION_2)),
        optional("parameters", Kind::Map(&Kind::Any)),
        optional("bindings", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static OPERATION_2: Shape = Shape {
    name: "Operation Object",
    fields: &[
        optional("operationId", Kind::Text),
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("security", Kind::List(&Kind::Map(&Kind::List(&Kind::Text)))),
        optional("tags", Kind::List(&Kind::Object(&TAG))),
        optional("externalDocs", Kind::Object(&EXTERNAL_DOCUMENTATION)),
        optional("bindings", Kind::Any),
        optional("traits", Kind::List(&Kind::Any)),
        optional("message", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static CHANNEL: Shape = Shape {
    name: "Channel Object",
    fields: &[
        optional("address", Kind::Any),
        optional("messages", Kind::Map(&Kind::OrReference(&MESSAGE))),
        optional("title", Kind::Text),
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("servers", Kind::List(&Kind::Any)),
        optional("parameters", Kind::Map(&Kind::Any)),
        optional("tags", Kind::List(&Kind::OrReference(&TAG))),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
        optional("bindings", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static OPERATION_3: Shape = Shape {
    name: "Operation Object",
    fields: &[
        required("action", Kind::Word(&["send", "receive"])),
        required("channel", Kind::Any),
        optional("title", Kind::Text),
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("security", Kind::List(&Kind::Any)),
        optional("tags", Kind::List(&Kind::OrReference(&TAG))),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
        optional("bindings", Kind::Any),
        optional("traits", Kind::List(&Kind::Any)),
        optional("messages", Kind::List(&Kind::Any)),
        optional("reply", Kind::Any),
    ],
    names: Names::Extensions,
    between: None,
};

static MESSAGE: Shape = Shape {
    name: "Message Object",
    fields: &[
        optional("headers", Kind::Any),
        optional("payload", Kind::Any),
        optional("correlationId", Kind::Any),
        optional("contentType", Kind::Text),
        optional("name", Kind::Text),
        optional("title", Kind::Text),
        optional("summary", Kind::Text),
        optional("description", Kind::Text),
        optional("tags", Kind::List(&Kind::OrReference(&TAG))),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
        optional("bindings", Kind::Any),
        optional("examples", Kind::List(&Kind::Any)),
        optional("traits", Kind::List(&Kind::Any)),
    ],
    names: Names::Extensions,
    between: None,
};

static COMPONENTS: Shape = Shape {
    name: "Components Object",
    fields: &[
        optional("schemas", Kind::Named(&Kind::Any)),
        optional("servers", Kind::Named(&Kind::Any)),
        optional("serverVariables", Kind::Named(&Kind::OrReference(&SERVER_VARIABLE))),
        optional("channels", Kind::Named(&Kind::Any)),
        optional("operations", Kind::Named(&Kind::Any)),
        optional("messages", Kind::Named(&Kind::Any)),
        optional("securitySchemes", Kind::Named(&Kind::Any)),
        optional("parameters", Kind::Named(&Kind::Any)),
        optional("correlationIds", Kind::Named(&Kind::Any)),
        optional("replies", Kind::Named(&Kind::Any)),
        optional("replyAddresses", Kind::Named(&Kind::Any)),
        optional("externalDocs", Kind::Named(&Kind::Any)),
        optional("tags", Kind::Named(&Kind::Any)),
        optional("operationTraits", Kind::Named(&Kind::Any)),
        optional("messageTraits", Kind::Named(&Kind::Any)),
        optional("serverBindings", Kind::Named(&Kind::Any)),
        optional("channelBindings", Kind::Named(&Kind::Any)),
        optional("operationBindings", Kind::Named(&Kind::Any)),
        optional("messageBindings", Kind::Named(&Kind::Any)),
    ],
    names: Names::Extensions,
    between: None,
};

static TAG: Shape = Shape {
    name: "Tag Object",
    fields: &[
        required("name", Kind::Text),
        optional("description", Kind::Text),
        optional("externalDocs", Kind::OrReference(&EXTERNAL_DOCUMENTATION)),
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
