//! What a description says, whatever version it is written in.

use std::collections::BTreeMap;

use serde_json::Value;

/// The specification a description is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// Swagger, or OpenAPI 2.0.
    Swagger20,
    /// OpenAPI 3.0.x.
    OpenApi30,
    /// OpenAPI 3.1.x.
    OpenApi31,
    /// OpenAPI 3.2.x.
    OpenApi32,
    /// AsyncAPI 2.x; the rules are those of 2.6.
    AsyncApi2,
    /// AsyncAPI 3.x; the rules are those of 3.0.
    AsyncApi3,
}

impl Edition {
    /// Tells the edition by the member at the document's root. `None`: this is not an API description.
    pub fn of(root: &Value) -> Option<Self> {
        let text = |key: &str| match root.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        if let Some(version) = text("openapi") {
            return Some(match version.get(..3) {
                Some("3.0") => Self::OpenApi30,
                Some("3.2") => Self::OpenApi32,
                // An edition that is newer than we know is read by the newest rules; validity tells it.
                Some("3.1") => Self::OpenApi31,
                _ => Self::OpenApi32,
            });
        }
        if let Some(version) = text("asyncapi") {
            return Some(if version.starts_with('2') { Self::AsyncApi2 } else { Self::AsyncApi3 });
        }
        text("swagger").map(|_| Self::Swagger20)
    }

    /// The name with its version, as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Swagger20 => "Swagger 2.0",
            Self::OpenApi30 => "OpenAPI 3.0",
            Self::OpenApi31 => "OpenAPI 3.1",
            Self::OpenApi32 => "OpenAPI 3.2",
            Self::AsyncApi2 => "AsyncAPI 2",
            Self::AsyncApi3 => "AsyncAPI 3",
        }
    }

    /// Whether operations of this edition are requests over HTTP.
    pub fn is_http(self) -> bool {
        !matches!(self, Self::AsyncApi2 | Self::AsyncApi3)
    }

    /// Whether Schema Objects are JSON Schema 2020-12 as they stand.
    pub fn is_json_schema(self) -> bool {
        matches!(self, Self::OpenApi31 | Self::OpenApi32)
    }
}

/// A place in one of the documents of a description.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// 0 is the description itself, the others are those that were supplied with it.
    pub document: usize,
    /// JSON Pointer (RFC 6901) within the document.
    pub pointer: String,
}

impl Spot {
    /// A place in the description itself.
    pub fn root(pointer: impl Into<String>) -> Self {
        Self { document: 0, pointer: pointer.into() }
    }

    /// A place below this one, one token down.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        let mut pointer = self.pointer.clone();
        crate::document::push_token(&mut pointer, token);
        Self { document: self.document, pointer }
    }

    /// A place below this one, several tokens down.
    #[must_use]
    pub fn path(&self, tokens: &[&str]) -> Self {
        let mut pointer = self.pointer.clone();
        for token in tokens {
            crate::document::push_token(&mut pointer, token);
        }
        Self { document: self.document, pointer }
    }
}

/// One operation: a method on a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// A name that is unique in this description and stable: the operation id where it is unique,
    /// else `METHOD /path`.
    pub name: String,
    /// The operation id as it is written.
    pub operation_id: Option<String>,
    /// The method in capitals.
    pub method: String,
    /// The path with its templates, without the server's base path.
    pub path: String,
    /// Where it is written.
    pub spot: Spot,
    /// One line about it.
    pub summary: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Announced to go.
    pub deprecated: bool,
    /// Path, query, header and cookie parameters, those of the path item included.
    pub parameters: Vec<Parameter>,
    /// What can be sent as a body.
    pub body: Option<Body>,
    /// What can come back.
    pub responses: Vec<Response>,
    /// Alternatives, each a set of schemes that are needed together. Empty: nothing is asked for.
    /// An empty set among them: it also works without.
    pub security: Vec<Vec<SchemeUse>>,
    /// Base addresses of this operation, where they differ from the description's.
    pub servers: Vec<Server>,
    /// Sent by the service rather than to it: a callback or webhook.
    pub outgoing: bool,
}

impl Operation {
    /// Whether the method only reads (RFC 9110, section 9.2.1; RFC 9727 for QUERY is not assumed).
    pub fn is_safe(&self) -> bool {
        is_safe(&self.method)
    }

    /// The response that a status falls under: the code, else its range, else `default`.
    pub fn response(&self, status: u16) -> Option<&Response> {
        let matching = |key: ResponseKey| self.responses.iter().find(move |r| r.key == key);
        matching(ResponseKey::Code(status))
            .or_else(|| matching(ResponseKey::Range(u8::try_from(status / 100).unwrap_or(0))))
            .or_else(|| matching(ResponseKey::Default))
    }

    /// Whether some credential is needed in every alternative.
    pub fn needs_credential(&self) -> bool {
        !self.security.is_empty() && self.security.iter().all(|set| !set.is_empty())
    }

    /// The parameter of this name at this place.
    pub fn parameter(&self, place: ParameterPlace, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.place == place && p.name == name)
    }
}

/// Whether a method only reads (RFC 9110, section 9.2.1).
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" | "PROPFIND" | "SEARCH" | "REPORT")
}

/// Where a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterPlace {
    /// In the path's template.
    Path,
    /// In the query.
    Query,
    /// As a header field.
    Header,
    /// As a cookie.
    Cookie,
    /// The whole query (OpenAPI 3.2).
    QueryString,
}

impl ParameterPlace {
    /// As the description writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::QueryString => "querystring",
        }
    }
}

/// How a parameter's value is written on the wire (OpenAPI 3, "Style Values").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `,` between items.
    Simple,
    /// `?a=1&a=2`, or `?a=1,2` when not exploded.
    Form,
    /// `.` before items.
    Label,
    /// `;a=1`.
    Matrix,
    /// A space between items.
    Space,
    /// `|` between items.
    Pipe,
    /// A tab between items (Swagger 2.0 `tsv`).
    Tab,
    /// `?a[b]=1`.
    DeepObject,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it is sent.
    pub place: ParameterPlace,
    /// It must be sent.
    pub required: bool,
    /// Announced to go.
    pub deprecated: bool,
    /// Its schema.
    pub schema: Option<Spot>,
    /// The media type of its value, where the description uses `content`.
    pub media_type: Option<String>,
    /// How its value is written.
    pub style: Style,
    /// Items or members are written one by one.
    pub explode: bool,
    /// An empty value may be sent (`allowEmptyValue`).
    pub allow_empty: bool,
    /// Where examples of its value are written.
    pub examples: Vec<Spot>,
    /// Where it is written.
    pub spot: Spot,
}

/// What can be sent as a body.
#[derive(Debug, Clone)]
pub struct Body {
    /// A body must be sent.
    pub required: bool,
    /// One entry per media type.
    pub content: Vec<Media>,
    /// Where it is written.
    pub spot: Spot,
}

/// A media type with its schema.
#[derive(Debug, Clone)]
pub struct Media {
    /// The media type or range as it is written.
    pub media_type: String,
    /// The schema of the whole body.
    pub schema: Option<Spot>,
    /// Where examples of the whole body are written.
    pub examples: Vec<Spot>,
    /// Where it is written.
    pub spot: Spot,
}

/// What a Responses Object calls a response by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResponseKey {
    /// One status code.
    Code(u16),
    /// A class, such as `4XX`.
    Range(u8),
    /// Everything that is not named.
    Default,
}

impl std::fmt::Display for ResponseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Range(class) => write!(f, "{class}XX"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What can come back.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code, range or default.
    pub key: ResponseKey,
    /// Header fields that are described.
    pub headers: Vec<Header>,
    /// One entry per media type; empty: no body is described.
    pub content: Vec<Media>,
    /// Links to other operations.
    pub links: Vec<Link>,
    /// Where it is written.
    pub spot: Spot,
}

/// A header field of a response.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// It must be sent.
    pub required: bool,
    /// Its schema.
    pub schema: Option<Spot>,
    /// Where it is written.
    pub spot: Spot,
}

/// A link to another operation (OpenAPI 3, Link Object).
#[derive(Debug, Clone)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The target: an operation id, or a JSON Pointer to the operation.
    pub target: LinkTarget,
    /// Parameter names and the expressions or constants they get.
    pub parameters: BTreeMap<String, Value>,
    /// What the body gets.
    pub body: Option<Value>,
    /// Where it is written.
    pub spot: Spot,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// An operation id.
    Id(String),
    /// A reference to an operation.
    Reference(String),
}

/// A base address.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address with its variables filled in by their defaults.
    pub url: String,
    /// As it is written.
    pub template: String,
    /// Where it is written.
    pub spot: Spot,
}

/// A security scheme in use, with the scopes that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemeUse {
    /// The scheme's name.
    pub name: String,
    /// Scopes or roles.
    pub scopes: Vec<String>,
}

/// Where a credential goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemeKind {
    /// An API key in a header field.
    HeaderKey(String),
    /// An API key in the query.
    QueryKey(String),
    /// An API key in a cookie.
    CookieKey(String),
    /// HTTP Basic (RFC 7617).
    Basic,
    /// A bearer token (RFC 6750), also for OAuth 2 and OpenID Connect.
    Bearer,
    /// Another HTTP authentication scheme.
    Http(String),
    /// A client certificate.
    MutualTls,
    /// Something we cannot send.
    Other(String),
}

/// A security scheme.
#[derive(Debug, Clone)]
pub struct SecurityScheme {
    /// Where its credential goes.
    pub kind: SchemeKind,
    /// Scopes that its flows declare; `None` where scopes are not declared by name.
    pub scopes: Option<Vec<String>>,
    /// Where it is written.
    pub spot: Spot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_are_told_by_the_root_member() {
        let of = |text: &str| Edition::of(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"swagger":"2.0"}"#), Some(Edition::Swagger20));
        assert_eq!(of(r#"{"swagger":2.0}"#), Some(Edition::Swagger20));
        assert_eq!(of(r#"{"openapi":"3.0.3"}"#), Some(Edition::OpenApi30));
        assert_eq!(of(r#"{"openapi":3.1}"#), Some(Edition::OpenApi31));
        assert_eq!(of(r#"{"asyncapi":"2.6.0"}"#), Some(Edition::AsyncApi2));
        assert_eq!(of(r#"{"resourceType":"CapabilityStatement"}"#), None);
        assert_eq!(of("[1]"), None);
    }
}
