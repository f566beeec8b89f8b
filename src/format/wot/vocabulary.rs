//! The words of the Thing Description information model, by class (W3C WoT TD 1.1, section 5.3), and
//! the names that its own JSON-LD context defines.

/// The context of TD 1.1.
pub(super) const TD_1_1: &str = "https://www.w3.org/2022/wot/td/v1.1";
/// The context of TD 1.0.
pub(super) const TD_1_0: &str = "https://www.w3.org/2019/wot/td/v1";
/// The type that makes a document a Thing Model.
pub(super) const THING_MODEL: &str = "tm:ThingModel";

/// Prefixes that the contexts of TD 1.0 and 1.1 define.
pub(super) const PREFIXES: &[&str] = &[
    "td",
    "jsonschema",
    "wotsec",
    "hctl",
    "htv",
    "tm",
    "dct",
    "dc",
    "rdf",
    "rdfs",
    "xsd",
    "schema",
    "cov",
    "mqv",
    "modv",
    "urn",
    "http",
    "https",
    "did",
];

pub(super) const THING: &[&str] = &[
    "id",
    "title",
    "titles",
    "description",
    "descriptions",
    "version",
    "created",
    "modified",
    "support",
    "base",
    "properties",
    "actions",
    "events",
    "links",
    "forms",
    "security",
    "securityDefinitions",
    "profile",
    "schemaDefinitions",
    "uriVariables",
    "license",
];
pub(super) const AFFORDANCE: &[&str] = &["title", "titles", "description", "descriptions", "forms", "uriVariables"];
pub(super) const PROPERTY: &[&str] = &["observable"];
pub(super) const ACTION: &[&str] = &["input", "output", "safe", "idempotent", "synchronous"];
pub(super) const EVENT: &[&str] = &["subscription", "data", "dataResponse", "cancellation"];
pub(super) const DATA_SCHEMA: &[&str] = &[
    "title",
    "titles",
    "description",
    "descriptions",
    "const",
    "default",
    "unit",
    "oneOf",
    "allOf",
    "anyOf",
    "enum",
    "readOnly",
    "writeOnly",
    "format",
    "type",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "properties",
    "required",
    "minLength",
    "maxLength",
    "pattern",
    "contentEncoding",
    "contentMediaType",
    "propertyName",
];
pub(super) const FORM: &[&str] =
    &["href", "contentType", "contentCoding", "subprotocol", "security", "scopes", "response", "additionalResponses", "op"];
pub(super) const LINK: &[&str] = &["href", "type", "rel", "anchor", "sizes", "hreflang", "instanceName"];
pub(super) const SECURITY: &[&str] = &[
    "scheme",
    "description",
    "descriptions",
    "proxy",
    "in",
    "name",
    "qop",
    "authorization",
    "alg",
    "format",
    "identity",
    "token",
    "refresh",
    "scopes",
    "flow",
    "oneOf",
    "allOf",
    "uriVariables",
];
pub(super) const VERSION: &[&str] = &["instance", "model"];

/// The operations a form may name, by where the form stands (section 5.3.4.2).
pub(super) const PROPERTY_OPS: &[&str] = &["readproperty", "writeproperty", "observeproperty", "unobserveproperty"];
pub(super) const ACTION_OPS: &[&str] = &["invokeaction", "queryaction", "cancelaction"];
pub(super) const EVENT_OPS: &[&str] = &["subscribeevent", "unsubscribeevent"];
pub(super) const THING_OPS: &[&str] = &[
    "readallproperties",
    "writeallproperties",
    "readmultipleproperties",
    "writemultipleproperties",
    "observeallproperties",
    "unobserveallproperties",
    "queryallactions",
    "subscribeallevents",
    "unsubscribeallevents",
];

/// The data types of section 5.3.2.1.
pub(super) const TYPES: &[&str] = &["boolean", "integer", "number", "string", "object", "array", "null"];
