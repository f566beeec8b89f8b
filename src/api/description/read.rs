//! From a document's value to the model, tolerantly: what cannot be read is told and left out, the
//! rest is read all the same. Whether the document is valid is not asked here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::reference::Documents;
use super::schema::{Form, Schemas};
use super::{
    Body, Edition, Header, Link, LinkTarget, Media, Operation, Parameter, ParameterPlace, ReferenceError, Response, ResponseKey,
    SchemeKind, SchemeUse, SecurityScheme, Server, Spot, Style,
};
use crate::verdict::Finding;

/// The methods that a Path Item Object names.
pub(crate) const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// How many objects are read through references before we stop: a small document can refer to
/// itself so often that it unfolds without end.
const BUDGET: usize = 400_000;

pub(super) struct Reader<'a> {
    documents: &'a Documents,
    edition: Edition,
    budget: usize,
    pub(super) findings: Vec<Finding>,
    pub(super) operations: Vec<Operation>,
    pub(super) servers: Vec<Server>,
    pub(super) schemes: BTreeMap<String, SecurityScheme>,
    /// Where schemas stand; each is the whole of a schema, not a part of another.
    pub(super) schemas: BTreeSet<Spot>,
    pub(super) forms: Vec<Form>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(documents: &'a Documents, edition: Edition) -> Self {
        Self {
            documents,
            edition,
            budget: BUDGET,
            findings: Vec::new(),
            operations: Vec::new(),
            servers: Vec::new(),
            schemes: BTreeMap::new(),
            schemas: BTreeSet::new(),
            forms: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, root: &'a Value) {
        self.component_schemas(root);
        if !self.edition.is_http() {
            return;
        }
        self.servers = self.read_servers(root, &Spot::root(""));
        self.read_schemes(root);
        let paths = root.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            if path.starts_with('/') {
                self.path_item(root, path, item, Spot::root("").path(&["paths", path]), false, 0);
            }
        }
        for (name, item) in root.get("webhooks").and_then(Value::as_object).into_iter().flatten() {
            self.path_item(root, name, item, Spot::root("").path(&["webhooks", name]), true, 0);
        }
        let named: BTreeMap<&str, usize> =
            self.operations.iter().filter_map(|o| o.operation_id.as_deref()).fold(BTreeMap::new(), |mut counts, id| {
                *counts.entry(id).or_default() += 1;
                counts
            });
        let names: Vec<String> = self
            .operations
            .iter()
            .map(|o| match o.operation_id.as_deref() {
                Some(id) if named.get(id) == Some(&1) && !id.is_empty() => id.to_owned(),
                _ => format!("{} {}", o.method, o.path),
            })
            .collect();
        for (operation, name) in self.operations.iter_mut().zip(names) {
            operation.name = name;
        }
    }

    fn untested(&mut self, spot: &Spot, what: impl Into<String>) {
        self.findings.push(Finding::open("unread-part", what).at(spot.pointer.clone()));
    }

    /// Follows references; what leads nowhere is told by the rule about references, not here.
    fn follow(&mut self, spot: Spot) -> Option<(Spot, &'a Value)> {
        if self.budget == 0 {
            return None;
        }
        self.budget -= 1;
        if self.budget == 0 {
            self.untested(&spot, format!("the description unfolds to more than {BUDGET} parts; what follows was not read"));
            return None;
        }
        match self.documents.follow(spot.clone()) {
            Ok(found) => Some(found),
            Err(ReferenceError::NotSupplied(address)) => {
                self.untested(&spot, format!("stands in {address}, which was not supplied"));
                None
            }
            Err(error) => {
                self.untested(&spot, format!("could not be read: {error}"));
                None
            }
        }
    }

    fn component_schemas(&mut self, root: &'a Value) {
        let folder: &[&str] = match self.edition {
            Edition::Swagger20 => &["definitions"],
            Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32 | Edition::AsyncApi2 | Edition::AsyncApi3 => {
                &["components", "schemas"]
            }
        };
        let spot = Spot::root("").path(folder);
        for (name, schema) in root.pointer(&spot.pointer).and_then(Value::as_object).into_iter().flatten() {
            if schema.is_object() || schema.is_boolean() {
                self.schemas.insert(spot.child(name));
            }
        }
        if self.edition == Edition::Swagger20 || !self.edition.is_http() {
            return;
        }
        // Components that no operation uses have schemas too.
        let parts = Spot::root("/components");
        for (kind, read) in [("parameters", 0), ("headers", 0), ("requestBodies", 1), ("responses", 2)] {
            let spot = parts.child(kind);
            for (name, value) in root.pointer(&spot.pointer).and_then(Value::as_object).into_iter().flatten() {
                if value.get("$ref").is_some() {
                    continue;
                }
                let at = spot.child(name);
                match read {
                    0 => {
                        self.schema_of(value, &at);
                    }
                    1 => {
                        self.read_content(value, &at);
                    }
                    _ => {
                        self.read_response(ResponseKey::Default, at);
                    }
                }
            }
        }
    }

    fn read_servers(&mut self, owner: &Value, spot: &Spot) -> Vec<Server> {
        if self.edition == Edition::Swagger20 {
            let text = |key: &str| owner.get(key).and_then(Value::as_str);
            let host = text("host").unwrap_or_default();
            let base = text("basePath").unwrap_or_default();
            let schemes: Vec<&str> =
                owner.get("schemes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            if host.is_empty() && base.is_empty() {
                return Vec::new();
            }
            let one = |scheme: &str, spot: Spot| {
                let url = match (scheme, host) {
                    (_, "") => base.to_owned(),
                    ("", _) => format!("//{host}{base}"),
                    _ => format!("{scheme}://{host}{base}"),
                };
                Server { url: url.clone(), template: url, spot }
            };
            if schemes.is_empty() {
                return vec![one("", spot.child(if host.is_empty() { "basePath" } else { "host" }))];
            }
            return schemes.iter().enumerate().map(|(i, s)| one(s, spot.path(&["schemes", &i.to_string()]))).collect();
        }
        let list = owner.get("servers").and_then(Value::as_array);
        let mut servers = Vec::new();
        for (index, server) in list.into_iter().flatten().enumerate() {
            let spot = spot.path(&["servers", &index.to_string()]);
            let Some(template) = server.get("url").and_then(Value::as_str) else { continue };
            let mut url = template.to_owned();
            for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
                if let Some(default) = variable.get("default").and_then(Value::as_str) {
                    url = url.replace(&format!("{{{name}}}"), default);
                }
            }
            servers.push(Server { url, template: template.to_owned(), spot });
        }
        servers
    }

    fn read_schemes(&mut self, root: &'a Value) {
        let spot = match self.edition {
            Edition::Swagger20 => Spot::root("/securityDefinitions"),
            Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32 | Edition::AsyncApi2 | Edition::AsyncApi3 => {
                Spot::root("/components/securitySchemes")
            }
        };
        for name in root.pointer(&spot.pointer).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
            let at = spot.child(name);
            let Some((at, scheme)) = self.follow(at) else { continue };
            let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
            let kind = match (text("type"), text("in"), text("scheme").to_ascii_lowercase().as_str()) {
                ("apiKey", "header", _) => SchemeKind::HeaderKey(text("name").to_owned()),
                ("apiKey", "query", _) => SchemeKind::QueryKey(text("name").to_owned()),
                ("apiKey", "cookie", _) => SchemeKind::CookieKey(text("name").to_owned()),
                ("basic", _, _) | ("http", _, "basic") => SchemeKind::Basic,
                ("http", _, "bearer") | ("oauth2" | "openIdConnect", _, _) => SchemeKind::Bearer,
                ("http", _, _) => SchemeKind::Http(text("scheme").to_owned()),
                ("mutualTLS", _, _) => SchemeKind::MutualTls,
                (other, _, _) => SchemeKind::Other(other.to_owned()),
            };
            let scopes = (text("type") == "oauth2").then(|| {
                let flows = scheme.get("flows").and_then(Value::as_object).into_iter().flatten().map(|(_, flow)| flow);
                let mut scopes: Vec<String> = flows
                    .chain([scheme])
                    .filter_map(|flow| flow.get("scopes").and_then(Value::as_object))
                    .flat_map(|scopes| scopes.keys().cloned())
                    .collect();
                scopes.sort();
                scopes.dedup();
                scopes
            });
            self.schemes.insert(name.clone(), SecurityScheme { kind, scopes, spot: at });
        }
    }

    fn path_item(&mut self, root: &'a Value, path: &str, item: &'a Value, spot: Spot, outgoing: bool, depth: usize) {
        /// Callbacks within callbacks.
        const MAX_DEPTH: usize = 4;
        if depth > MAX_DEPTH {
            return;
        }
        let (spot, item) = if item.get("$ref").is_some() {
            let Some(found) = self.follow(spot) else { return };
            found
        } else {
            (spot, item)
        };
        let Some(object) = item.as_object() else {
            self.untested(&spot, "is not an object, so that none of its operations can be tested");
            return;
        };
        let common = self.read_parameters(item, &spot);
        let mut methods: Vec<(String, Spot, &'a Value)> = METHODS
            .iter()
            .filter(|m| **m != "query" || self.edition == Edition::OpenApi32)
            .filter_map(|m| object.get(*m).map(|o| (m.to_ascii_uppercase(), spot.child(m), o)))
            .collect();
        if self.edition == Edition::OpenApi32 {
            for (name, operation) in object.get("additionalOperations").and_then(Value::as_object).into_iter().flatten() {
                methods.push((name.clone(), spot.path(&["additionalOperations", name]), operation));
            }
        }
        let item_servers = self.read_servers_of(item, &spot);
        for (method, at, operation) in methods {
            let Some(operation_object) = operation.as_object() else {
                self.untested(&at, "is not an object, so that the operation cannot be tested");
                continue;
            };
            let mut parameters = self.read_parameters(operation, &at);
            let mut bodies = Vec::new();
            if self.edition == Edition::Swagger20 {
                bodies = self.swagger_bodies(item, &spot);
                bodies.extend(self.swagger_bodies(operation, &at));
            }
            for parameter in &common {
                if !parameters.iter().any(|p| p.name == parameter.name && p.place == parameter.place) {
                    parameters.push(parameter.clone());
                }
            }
            let body = if self.edition == Edition::Swagger20 {
                self.swagger_body(root, operation, bodies, &at)
            } else {
                self.read_body(operation, &at)
            };
            let produces = self.swagger_types(root, operation, "produces");
            let responses = self.read_responses(operation, &at, &produces);
            let own = self.read_servers_of(operation, &at);
            let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.operations.push(Operation {
                name: String::new(),
                operation_id: operation.get("operationId").and_then(Value::as_str).map(str::to_owned),
                method,
                path: path.to_owned(),
                summary: text("summary"),
                tags: operation
                    .get("tags")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|t| t.as_str().map(str::to_owned))
                    .collect(),
                deprecated: operation.get("deprecated") == Some(&Value::Bool(true)),
                parameters,
                body,
                responses,
                security: security(operation_object.get("security").or_else(|| root.get("security"))),
                servers: if own.is_empty() { item_servers.clone() } else { own },
                outgoing,
                spot: at.clone(),
            });
            for (name, callback) in operation.get("callbacks").and_then(Value::as_object).into_iter().flatten() {
                let at = at.path(&["callbacks", name]);
                let (at, callback) = if callback.get("$ref").is_some() {
                    let Some(found) = self.follow(at) else { continue };
                    found
                } else {
                    (at, callback)
                };
                for (expression, item) in callback.as_object().into_iter().flatten() {
                    if !expression.starts_with("x-") {
                        self.path_item(root, expression, item, at.child(expression), true, depth + 1);
                    }
                }
            }
        }
    }

    fn read_servers_of(&mut self, owner: &Value, spot: &Spot) -> Vec<Server> {
        if self.edition == Edition::Swagger20 { Vec::new() } else { self.read_servers(owner, spot) }
    }

    fn read_parameters(&mut self, owner: &'a Value, spot: &Spot) -> Vec<Parameter> {
        let count = owner.get("parameters").and_then(Value::as_array).map_or(0, Vec::len);
        let mut parameters = Vec::new();
        for index in 0..count {
            let at = spot.path(&["parameters", &index.to_string()]);
            let Some((at, value)) = self.follow(at) else { continue };
            let text = |key: &str| value.get(key).and_then(Value::as_str);
            let place = match text("in") {
                Some("path") => ParameterPlace::Path,
                Some("query") => ParameterPlace::Query,
                Some("header") => ParameterPlace::Header,
                Some("cookie") => ParameterPlace::Cookie,
                Some("querystring") => ParameterPlace::QueryString,
                Some("body" | "formData") if self.edition == Edition::Swagger20 => continue,
                _ => {
                    self.untested(&at, "is a parameter without a place we know, so it is never sent");
                    continue;
                }
            };
            let Some(name) = text("name").filter(|n| !n.is_empty()) else {
                self.untested(&at, "is a parameter without a name, so it is never sent");
                continue;
            };
            let flag = |key: &str| value.get(key) == Some(&Value::Bool(true));
            let default = if matches!(place, ParameterPlace::Query | ParameterPlace::Cookie) { Style::Form } else { Style::Simple };
            let (style, explode) = if self.edition == Edition::Swagger20 {
                match text("collectionFormat") {
                    Some("ssv") => (Style::Space, false),
                    Some("tsv") => (Style::Tab, false),
                    Some("pipes") => (Style::Pipe, false),
                    Some("multi") => (Style::Form, true),
                    _ => (default, false),
                }
            } else {
                let style = match text("style") {
                    Some("simple") => Style::Simple,
                    Some("form") => Style::Form,
                    Some("label") => Style::Label,
                    Some("matrix") => Style::Matrix,
                    Some("spaceDelimited") => Style::Space,
                    Some("pipeDelimited") => Style::Pipe,
                    Some("deepObject") => Style::DeepObject,
                    _ => default,
                };
                (style, value.get("explode").and_then(Value::as_bool).unwrap_or(style == Style::Form))
            };
            let (schema, media_type) = self.schema_of(value, &at);
            parameters.push(Parameter {
                name: name.to_owned(),
                place,
                required: flag("required") || place == ParameterPlace::Path,
                deprecated: flag("deprecated"),
                schema,
                media_type,
                style,
                explode,
                allow_empty: flag("allowEmptyValue"),
                examples: examples(value, &at, self.documents),
                spot: at,
            });
        }
        parameters
    }

    /// The schema of a parameter or header: its own, or that of its only media type.
    fn schema_of(&mut self, value: &Value, at: &Spot) -> (Option<Spot>, Option<String>) {
        if self.edition == Edition::Swagger20 {
            self.schemas.insert(at.clone());
            return (Some(at.clone()), None);
        }
        if value.get("schema").is_some() {
            let spot = at.child("schema");
            self.schemas.insert(spot.clone());
            return (Some(spot), None);
        }
        match value.get("content").and_then(Value::as_object).and_then(|c| c.iter().next()) {
            Some((media_type, media)) if media.get("schema").is_some() => {
                let spot = at.path(&["content", media_type, "schema"]);
                self.schemas.insert(spot.clone());
                (Some(spot), Some(media_type.clone()))
            }
            _ => (None, None),
        }
    }

    fn read_body(&mut self, operation: &Value, at: &Spot) -> Option<Body> {
        operation.get("requestBody")?;
        let (spot, value) = self.follow(at.child("requestBody"))?;
        if !value.is_object() {
            self.untested(&spot, "is not an object, so that no body can be sent");
            return None;
        }
        let content = self.read_content(value, &spot);
        Some(Body { required: value.get("required") == Some(&Value::Bool(true)), content, spot })
    }

    fn read_content(&mut self, owner: &Value, spot: &Spot) -> Vec<Media> {
        let mut content = Vec::new();
        for (media_type, media) in owner.get("content").and_then(Value::as_object).into_iter().flatten() {
            let at = spot.path(&["content", media_type]);
            let (at, media) = if media.get("$ref").is_some() {
                let Some(found) = self.follow(at) else { continue };
                found
            } else {
                (at, media)
            };
            let schema = media.get("schema").or_else(|| media.get("itemSchema")).map(|_| {
                let schema = at.child(if media.get("schema").is_some() { "schema" } else { "itemSchema" });
                self.schemas.insert(schema.clone());
                schema
            });
            // A stream of items has a schema for each of them, which is not that of the whole body.
            let schema = schema.filter(|s| s.pointer.ends_with("/schema"));
            for (name, encoding) in media.get("encoding").and_then(Value::as_object).into_iter().flatten() {
                let _ = self.read_headers(encoding, &at.path(&["encoding", name]));
            }
            content.push(Media { media_type: media_type.clone(), schema, examples: examples(media, &at, self.documents), spot: at });
        }
        content
    }

    fn read_headers(&mut self, owner: &Value, spot: &Spot) -> Vec<Header> {
        let names: Vec<String> = owner.get("headers").and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
        let mut headers = Vec::new();
        for name in names {
            let Some((at, value)) = self.follow(spot.path(&["headers", &name])) else { continue };
            if !value.is_object() {
                self.untested(&at, "is not an object, so that the header is not checked");
                continue;
            }
            let (schema, _) = self.schema_of(value, &at);
            headers.push(Header { name, required: value.get("required") == Some(&Value::Bool(true)), schema, spot: at });
        }
        headers
    }

    fn read_responses(&mut self, operation: &Value, at: &Spot, produces: &[String]) -> Vec<Response> {
        let keys: Vec<String> =
            operation.get("responses").and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
        let mut responses = Vec::new();
        for key in keys {
            if key.starts_with("x-") {
                continue;
            }
            let spot = at.path(&["responses", &key]);
            let Some(parsed) = response_key(&key) else {
                self.untested(&spot, "is not a status code, a range or `default`");
                continue;
            };
            if self.edition == Edition::Swagger20 {
                responses.extend(self.swagger_response(parsed, spot, produces));
            } else {
                responses.extend(self.read_response(parsed, spot));
            }
        }
        responses
    }

    fn read_response(&mut self, key: ResponseKey, spot: Spot) -> Option<Response> {
        let (spot, value) = self.follow(spot)?;
        if !value.is_object() {
            self.untested(&spot, "is not an object, so that the response is not checked");
            return None;
        }
        let headers = self.read_headers(value, &spot);
        let content = self.read_content(value, &spot);
        let mut links = Vec::new();
        let names: Vec<String> = value.get("links").and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
        for name in names {
            let Some((at, link)) = self.follow(spot.path(&["links", &name])) else { continue };
            let text = |key: &str| link.get(key).and_then(Value::as_str).map(str::to_owned);
            let Some(target) = text("operationId").map(LinkTarget::Id).or_else(|| text("operationRef").map(LinkTarget::Reference)) else {
                continue;
            };
            let parameters = link.get("parameters").and_then(Value::as_object).into_iter().flatten();
            links.push(Link {
                name,
                target,
                parameters: parameters.map(|(k, v)| (k.clone(), v.clone())).collect(),
                body: link.get("requestBody").cloned(),
                spot: at,
            });
        }
        Some(Response { key, headers, content, links, spot })
    }

    fn swagger_types(&self, root: &Value, operation: &Value, key: &str) -> Vec<String> {
        let list = operation.get(key).or_else(|| root.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned)).collect()
    }

    fn swagger_response(&mut self, key: ResponseKey, spot: Spot, produces: &[String]) -> Option<Response> {
        let (spot, value) = self.follow(spot)?;
        if !value.is_object() {
            self.untested(&spot, "is not an object, so that the response is not checked");
            return None;
        }
        let headers = self.read_headers(value, &spot);
        let mut content = Vec::new();
        let file = value.pointer("/schema/type").and_then(Value::as_str) == Some("file");
        if value.get("schema").is_some() {
            let schema = spot.child("schema");
            self.schemas.insert(schema.clone());
            for media_type in produces {
                let example = spot.path(&["examples", media_type]);
                let examples = if self.documents.value(&example).is_some() { vec![example] } else { Vec::new() };
                let schema = (!file).then(|| schema.clone());
                content.push(Media { media_type: media_type.clone(), schema, examples, spot: spot.clone() });
            }
            if produces.is_empty() {
                content.push(Media {
                    media_type: "*/*".into(),
                    schema: (!file).then_some(schema),
                    examples: Vec::new(),
                    spot: spot.clone(),
                });
            }
        }
        Some(Response { key, headers, content, links: Vec::new(), spot })
    }

    fn swagger_bodies(&mut self, owner: &'a Value, spot: &Spot) -> Vec<(Spot, &'a Map<String, Value>)> {
        let count = owner.get("parameters").and_then(Value::as_array).map_or(0, Vec::len);
        let mut found = Vec::new();
        for index in 0..count {
            let Some((at, value)) = self.follow(spot.path(&["parameters", &index.to_string()])) else { continue };
            if let Some(object) = value.as_object()
                && matches!(object.get("in").and_then(Value::as_str), Some("body" | "formData"))
            {
                found.push((at, object));
            }
        }
        found
    }

    fn swagger_body(&mut self, root: &Value, operation: &Value, bodies: Vec<(Spot, &'a Map<String, Value>)>, at: &Spot) -> Option<Body> {
        let mut consumes = self.swagger_types(root, operation, "consumes");
        let required = |object: &Map<String, Value>| object.get("required") == Some(&Value::Bool(true));
        if let Some((spot, object)) = bodies.iter().rev().find(|(_, o)| o.get("in").and_then(Value::as_str) == Some("body")) {
            let schema = object.get("schema").map(|_| spot.child("schema"));
            self.schemas.extend(schema.clone());
            if consumes.is_empty() {
                consumes.push("application/json".into());
            }
            let content = consumes
                .into_iter()
                .map(|media_type| Media { media_type, schema: schema.clone(), examples: Vec::new(), spot: spot.clone() })
                .collect();
            return Some(Body { required: required(object), content, spot: spot.clone() });
        }
        if bodies.is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        let mut file = false;
        for (spot, object) in &bodies {
            let Some(name) = object.get("name").and_then(Value::as_str) else { continue };
            file |= object.get("type").and_then(Value::as_str) == Some("file");
            self.schemas.insert(spot.clone());
            fields.push((name.to_owned(), required(object), spot.clone()));
        }
        let any_required = fields.iter().any(|(_, required, _)| *required);
        let schema = Schemas::form(self.documents, self.forms.len());
        self.forms.push(Form { fields });
        if consumes.is_empty() {
            consumes.push(if file { "multipart/form-data" } else { "application/x-www-form-urlencoded" }.into());
        }
        let content = consumes
            .into_iter()
            .map(|media_type| Media { media_type, schema: Some(schema.clone()), examples: Vec::new(), spot: at.clone() })
            .collect();
        Some(Body { required: any_required, content, spot: at.clone() })
    }
}

/// Where the examples of a parameter or media type are written.
fn examples(owner: &Value, at: &Spot, documents: &Documents) -> Vec<Spot> {
    let mut found = Vec::new();
    if owner.get("example").is_some() {
        found.push(at.child("example"));
    }
    for (name, example) in owner.get("examples").and_then(Value::as_object).into_iter().flatten() {
        let spot = at.path(&["examples", name]);
        let (spot, example) = match example.get("$ref") {
            Some(_) => match documents.follow(spot) {
                Ok(found) => found,
                Err(_) => continue,
            },
            None => (spot, example),
        };
        for key in ["value", "dataValue"] {
            if example.get(key).is_some() {
                found.push(spot.child(key));
            }
        }
    }
    found
}

/// A key of a Responses Object.
pub(crate) fn response_key(key: &str) -> Option<ResponseKey> {
    if key == "default" {
        return Some(ResponseKey::Default);
    }
    let bytes = key.as_bytes();
    let class = bytes.first().filter(|b| (b'1'..=b'5').contains(b))?;
    match bytes.get(1..) {
        Some(b"XX" | b"xx") => Some(ResponseKey::Range(class - b'0')),
        Some(rest) if rest.len() == 2 && rest.iter().all(u8::is_ascii_digit) => key.parse().ok().map(ResponseKey::Code),
        _ => None,
    }
}

fn security(value: Option<&Value>) -> Vec<Vec<SchemeUse>> {
    let mut alternatives = Vec::new();
    for set in value.and_then(Value::as_array).into_iter().flatten() {
        let schemes = set.as_object().into_iter().flatten().map(|(name, scopes)| SchemeUse {
            name: name.clone(),
            scopes: scopes.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect(),
        });
        alternatives.push(schemes.collect());
    }
    alternatives
}
