//! Rules about the document as a whole: structure, references, information, servers, tags, security.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{Desk, asyncapi, is_http, is_swagger, openapi3, structure, swagger2};
use crate::api::description::{Edition, METHODS, ReferenceError, SchemeKind, Spot};
use crate::verdict::Untrusted;

pub(super) fn duplicate_keys(desk: &mut Desk<'_>) {
    for (document, source) in desk.description.sources().enumerate() {
        for duplicate in source.duplicates() {
            let spot = Spot { document, pointer: duplicate.object.clone() }.child(&duplicate.key);
            desk.at(&spot, "the key stands more than once in its object").observed = Some(Untrusted::new(&duplicate.key));
        }
    }
}

pub(super) fn valid_structure(desk: &mut Desk<'_>) {
    let shape = match desk.description.edition() {
        Edition::Swagger20 => &swagger2::SWAGGER,
        Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32 => &openapi3::OPENAPI,
        Edition::AsyncApi2 => &asyncapi::ASYNCAPI_2,
        Edition::AsyncApi3 => &asyncapi::ASYNCAPI_3,
    };
    structure::judge(desk, shape);
}

pub(super) fn references_resolve(desk: &mut Desk<'_>) {
    let description = desk.description;
    for (document, source) in description.sources().enumerate() {
        let mut found: Vec<(Spot, ReferenceError)> = Vec::new();
        each_reference(source.value(), &mut Spot { document, pointer: String::new() }, &mut |spot, reference| {
            if let Err(error) = description.resolve(document, reference) {
                found.push((spot.clone(), error));
            }
        });
        for (spot, error) in found {
            match error {
                ReferenceError::NotSupplied(_) => desk.open(&spot, error.to_string()),
                // A schema that refers to itself has a rule of its own.
                ReferenceError::Cycle(_) if spot.pointer.contains("/schema") || spot.pointer.contains("/definitions/") => {}
                ReferenceError::Missing(ref reference) | ReferenceError::Cycle(ref reference) | ReferenceError::TooFar(ref reference) => {
                    let observed = Untrusted::new(reference);
                    desk.at(&spot, format!("the reference leads nowhere: {error}")).observed = Some(observed);
                }
                ReferenceError::NotText => {
                    desk.at(&spot, "the value of `$ref` is not text");
                }
            }
        }
    }
}

/// Every reference that is one: a key `$ref` with text, outside of data and not a property's name.
fn each_reference(value: &Value, at: &mut Spot, visit: &mut dyn FnMut(&Spot, &str)) {
    match value {
        Value::Object(object) => {
            let names = ["/properties", "/patternProperties", "/$defs", "/definitions"].iter().any(|end| at.pointer.ends_with(end));
            for (key, sub) in object {
                if !names
                    && (matches!(key.as_str(), "example" | "examples" | "default" | "enum" | "const" | "value") || key.starts_with("x-"))
                {
                    // `examples` of a Media Type Object can hold references; its values are data.
                    if key != "examples" || sub.is_array() {
                        continue;
                    }
                }
                let length = at.pointer.len();
                crate::document::push_token(&mut at.pointer, key);
                if let Value::String(reference) = sub
                    && key == "$ref"
                    && !names
                {
                    visit(at, reference);
                } else {
                    each_reference(sub, at, visit);
                }
                at.pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let length = at.pointer.len();
                crate::document::push_token(&mut at.pointer, &index.to_string());
                each_reference(item, at, visit);
                at.pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn info<'a>(desk: &Desk<'a>) -> Option<&'a Map<String, Value>> {
    desk.description.root().get("info").and_then(Value::as_object)
}

pub(super) fn openapi_3(desk: &mut Desk<'_>) {
    match desk.description.edition() {
        Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32 => {}
        Edition::Swagger20 | Edition::AsyncApi2 | Edition::AsyncApi3 => {
            let name = desk.description.edition().name();
            desk.at(&Spot::root(""), "the description is not written in OpenAPI 3").observed = Some(Untrusted::new(name));
        }
    }
}

static SEMVER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let number = "(?:0|[1-9][0-9]*)";
    let label = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
    Regex::new(&format!(r"\A{number}\.{number}\.{number}(?:-{label}(?:\.{label})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\z")).ok()
});

pub(super) fn version_semver(desk: &mut Desk<'_>) {
    if let Some(version) = info(desk).and_then(|i| i.get("version")).and_then(Value::as_str)
        && SEMVER.as_ref().is_some_and(|semver| !semver.is_match(version))
    {
        let finding = desk.at(&Spot::root("/info/version"), "the version of the API is not a semantic version");
        finding.observed = Some(Untrusted::new(version));
        finding.expected = "MAJOR.MINOR.PATCH".into();
    }
}

fn absent(desk: &mut Desk<'_>, key: &str, message: &str) {
    if info(desk).is_some_and(|i| i.get(key).is_none_or(|v| v.is_null() || v.as_str() == Some(""))) {
        desk.at(&Spot::root("/info"), message).expected = format!("`{key}`");
    }
}

pub(super) fn info_contact(desk: &mut Desk<'_>) {
    absent(desk, "contact", "no contact is named");
}

pub(super) fn info_contact_complete(desk: &mut Desk<'_>) {
    let Some(contact) = info(desk).and_then(|i| i.get("contact")).and_then(Value::as_object) else { return };
    let missing: Vec<&str> = ["name", "url", "email"].into_iter().filter(|key| !contact.contains_key(*key)).collect();
    for key in missing {
        desk.at(&Spot::root("/info/contact"), format!("the contact has no `{key}`")).expected = format!("`{key}`");
    }
}

pub(super) fn info_license(desk: &mut Desk<'_>) {
    absent(desk, "license", "no licence is named");
}

pub(super) fn info_license_url(desk: &mut Desk<'_>) {
    let Some(license) = info(desk).and_then(|i| i.get("license")).and_then(Value::as_object) else { return };
    if !license.contains_key("url") && !license.contains_key("identifier") {
        desk.at(&Spot::root("/info/license"), "the licence has neither an address nor an identifier");
    }
}

pub(super) fn info_description(desk: &mut Desk<'_>) {
    absent(desk, "description", "the API has no description");
}

pub(super) fn info_terms(desk: &mut Desk<'_>) {
    absent(desk, "termsOfService", "the terms of service are not linked");
}

pub(super) fn info_summary(desk: &mut Desk<'_>) {
    // Before 3.1 there is no field for it, and extensions take its place.
    if info(desk).is_some_and(|i| !i.contains_key("summary") && !i.contains_key("x-summary")) {
        desk.at(&Spot::root("/info"), "the API has no summary").expected = "`summary`, before OpenAPI 3.1 `x-summary`".into();
    }
}

pub(super) fn servers_present(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let missing = if is_swagger(desk) {
        desk.description.root().get("host").is_none()
    } else {
        desk.description.root().get("servers").and_then(Value::as_array).is_none_or(Vec::is_empty)
    };
    if missing {
        let spot = if desk.description.root().get("servers").is_some() { Spot::root("/servers") } else { Spot::root("") };
        desk.at(&spot, "no server is named");
    }
}

/// The servers of the description and of its operations, each once.
fn servers(desk: &Desk<'_>) -> BTreeMap<Spot, String> {
    let all = desk.description.servers().iter().chain(desk.description.operations().iter().flat_map(|o| &o.servers));
    all.map(|s| (s.spot.clone(), s.template.clone())).collect()
}

pub(super) fn servers_absolute(desk: &mut Desk<'_>) {
    for (spot, url) in servers(desk) {
        if !url.contains("://") && !url.starts_with('{') {
            desk.at(&spot, "the address of the server is not absolute").observed = Some(Untrusted::new(&url));
        }
    }
}

pub(super) fn servers_https(desk: &mut Desk<'_>) {
    for (spot, url) in servers(desk) {
        let lower = url.to_ascii_lowercase();
        let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            lower
                .strip_prefix("http://")
                .and_then(|rest| rest.strip_prefix(host))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        if (lower.starts_with("http://") || lower.starts_with("ws://")) && !local {
            desk.at(&spot, "the server is reached without TLS").observed = Some(Untrusted::new(&url));
        }
    }
}

pub(super) fn servers_described(desk: &mut Desk<'_>) {
    if is_swagger(desk) {
        return;
    }
    for spot in servers(desk).into_keys() {
        let described =
            desk.description.value(&spot).and_then(|s| s.get("description")).and_then(Value::as_str).is_some_and(|d| !d.is_empty());
        if !described {
            desk.at(&spot, "the server has no description");
        }
    }
}

pub(super) fn servers_variables(desk: &mut Desk<'_>) {
    if is_swagger(desk) {
        return;
    }
    for (spot, url) in servers(desk) {
        let names: BTreeSet<String> = templates(&url).into_iter().collect();
        let declared: BTreeSet<String> = desk
            .description
            .value(&spot)
            .and_then(|s| s.get("variables"))
            .and_then(Value::as_object)
            .map(|m| m.keys().cloned().collect())
            .unwrap_or_default();
        for name in names.difference(&declared) {
            desk.at(&spot, "a variable of the server's address is not declared").observed = Some(Untrusted::new(name));
        }
        for name in declared.difference(&names) {
            let spot = spot.path(&["variables", name]);
            desk.at(&spot, "the variable does not stand in the server's address").observed = Some(Untrusted::new(name));
        }
    }
}

/// The names between braces.
pub(super) fn templates(text: &str) -> Vec<String> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned())).collect()
}

pub(super) fn servers_no_trailing_slash(desk: &mut Desk<'_>) {
    for (spot, url) in servers(desk) {
        if url.len() > 1 && url.ends_with('/') {
            desk.at(&spot, "the address of the server ends with a slash, so that paths begin with two").observed =
                Some(Untrusted::new(&url));
        }
    }
}

pub(super) fn servers_no_example(desk: &mut Desk<'_>) {
    for (spot, url) in servers(desk) {
        let host = url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
        let reserved =
            ["example.com", "example.org", "example.net"].iter().any(|name| host == *name || host.ends_with(&format!(".{name}")));
        if reserved {
            desk.at(&spot, "the server is a name that is reserved for examples").observed = Some(Untrusted::new(&url));
        }
    }
}

pub(super) fn servers_major_version(desk: &mut Desk<'_>) {
    static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"/v[0-9]+(?:/|\z)").ok());
    for (spot, url) in servers(desk) {
        if VERSION.as_ref().is_some_and(|version| !version.is_match(&url)) {
            let finding = desk.at(&spot, "the address of the server does not carry the major version");
            finding.observed = Some(Untrusted::new(&url));
            finding.expected = "a path segment such as `/v1`".into();
        }
    }
}

/// Tags that are declared at the root, with their places.
fn declared_tags(desk: &Desk<'_>) -> Vec<(String, Spot)> {
    let tags = desk.description.root().get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.enumerate()
        .filter_map(|(i, tag)| Some((tag.get("name")?.as_str()?.to_owned(), Spot::root("").path(&["tags", &i.to_string()]))))
        .collect()
}

pub(super) fn tags_declared(desk: &mut Desk<'_>) {
    let declared: BTreeSet<String> = declared_tags(desk).into_iter().map(|(name, _)| name).collect();
    for operation in desk.description.operations() {
        for (index, tag) in operation.tags.iter().enumerate() {
            if !declared.contains(tag) {
                let spot = operation.spot.path(&["tags", &index.to_string()]);
                desk.at(&spot, "the tag is not declared at the root").observed = Some(Untrusted::new(tag));
            }
        }
    }
}

pub(super) fn tags_used(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let used: BTreeSet<&str> = desk.description.operations().iter().flat_map(|o| o.tags.iter().map(String::as_str)).collect();
    let tags = desk.description.root().get("tags").and_then(Value::as_array);
    let parents: BTreeSet<&str> = tags.into_iter().flatten().filter_map(|t| t.get("parent").and_then(Value::as_str)).collect();
    for (name, spot) in declared_tags(desk) {
        if !used.contains(name.as_str()) && !parents.contains(name.as_str()) {
            desk.at(&spot, "no operation uses the tag").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn tags_unique(desk: &mut Desk<'_>) {
    let mut seen = BTreeSet::new();
    for (name, spot) in declared_tags(desk) {
        if !seen.insert(name.clone()) {
            desk.at(&spot, "the tag is declared more than once").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn tags_described(desk: &mut Desk<'_>) {
    for (name, spot) in declared_tags(desk) {
        let described =
            desk.description.value(&spot).and_then(|t| t.get("description")).and_then(Value::as_str).is_some_and(|d| !d.is_empty());
        if !described {
            desk.at(&spot, "the tag has no description").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn components_used(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let description = desk.description;
    let root = description.root();
    let folders: Vec<(Spot, bool)> = if is_swagger(desk) {
        ["/definitions", "/parameters", "/responses"].into_iter().map(|p| (Spot::root(p), true)).collect()
    } else {
        let components = root.get("components").and_then(Value::as_object);
        components
            .into_iter()
            .flatten()
            .filter(|(kind, _)| !kind.starts_with("x-") && *kind != "securitySchemes")
            .map(|(kind, _)| (Spot::root("/components").child(kind), true))
            .collect()
    };
    // What is used is what can be reached from the paths; a component that only unused ones use is unused too.
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut pending: Vec<Spot> = vec![Spot::root("/paths"), Spot::root("/webhooks")];
    for document in 1..description.sources().count() {
        pending.push(Spot { document, pointer: String::new() });
    }
    while let Some(spot) = pending.pop() {
        let Some(value) = description.value(&spot) else { continue };
        each_reference(value, &mut spot.clone(), &mut |at, reference| {
            if let Ok(target) = description.resolve_one(at.document, reference)
                && target.document == 0
            {
                let component = component_of(&target.pointer);
                if reached.insert(component.to_owned()) {
                    pending.push(Spot::root(component));
                }
            }
        });
        // A discriminator's mapping names schemas without `$ref`.
        each_mapping(value, &mut |name| {
            let pointer = match name.strip_prefix('#') {
                Some(pointer) => component_of(pointer).to_owned(),
                None => Spot::root("/components/schemas").child(name).pointer,
            };
            if reached.insert(pointer.clone()) {
                pending.push(Spot::root(pointer));
            }
        });
    }
    for (folder, _) in folders {
        let names: Vec<String> =
            description.value(&folder).and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
        for name in names {
            let spot = folder.child(&name);
            if !name.starts_with("x-") && !reached.contains(&spot.pointer) {
                desk.at(&spot, "the component is not used").observed = Some(Untrusted::new(&name));
            }
        }
    }
}

/// The component that a pointer leads into.
fn component_of(pointer: &str) -> &str {
    let parts = if pointer.starts_with("/components/") { 4 } else { 3 };
    pointer.match_indices('/').nth(parts - 1).and_then(|(end, _)| pointer.get(..end)).unwrap_or(pointer)
}

fn each_mapping(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (key, sub) in object {
                if key == "discriminator" {
                    for name in sub.get("mapping").and_then(Value::as_object).into_iter().flatten().filter_map(|(_, v)| v.as_str()) {
                        visit(name);
                    }
                } else {
                    each_mapping(sub, visit);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_mapping(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Security requirements at the root and of operations: the place of each scheme's name.
fn requirements(desk: &Desk<'_>) -> Vec<(Spot, String, Vec<String>)> {
    let root = desk.description.root();
    let mut owners = vec![Spot::root("")];
    for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for method in METHODS {
            if item.get(method).is_some() {
                owners.push(Spot::root("").path(&["paths", path, method]));
            }
        }
    }
    let mut found = Vec::new();
    for owner in owners {
        let list = desk.description.value(&owner).and_then(|o| o.get("security")).and_then(Value::as_array);
        for (index, set) in list.into_iter().flatten().enumerate() {
            for (name, scopes) in set.as_object().into_iter().flatten() {
                let scopes = scopes.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect();
                found.push((owner.path(&["security", &index.to_string(), name]), name.clone(), scopes));
            }
        }
    }
    found
}

pub(super) fn security_defined(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    for (spot, name, _) in requirements(desk) {
        // From 3.2 on a requirement may be the address of a scheme in another document.
        let elsewhere = desk.description.edition() == Edition::OpenApi32 && name.contains(['/', '#', ':']);
        if !desk.description.schemes().contains_key(&name) && !elsewhere {
            desk.at(&spot, "the security scheme is not defined").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn security_used(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let used: BTreeSet<String> = requirements(desk).into_iter().map(|(_, name, _)| name).collect();
    let folder = Spot::root(if is_swagger(desk) { "/securityDefinitions" } else { "/components/securitySchemes" });
    let names: Vec<String> = desk.description.schemes().keys().cloned().collect();
    for name in names {
        if !used.contains(&name) {
            desk.at(&folder.child(&name), "no operation uses the security scheme").observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn security_scopes(desk: &mut Desk<'_>) {
    for (spot, name, scopes) in requirements(desk) {
        let Some(declared) = desk.description.schemes().get(&name).and_then(|s| s.scopes.as_ref()) else { continue };
        let unknown: Vec<String> = scopes.into_iter().filter(|s| !declared.contains(s)).collect();
        for scope in unknown {
            desk.at(&spot, "the scope is not defined by its scheme").observed = Some(Untrusted::new(&scope));
        }
    }
}

pub(super) fn no_key_in_query(desk: &mut Desk<'_>) {
    for scheme in desk.description.schemes().values() {
        if let SchemeKind::QueryKey(name) = &scheme.kind {
            desk.at(&scheme.spot, "the credential is sent in the address, where logs and histories keep it").observed =
                Some(Untrusted::new(name));
        }
    }
}

pub(super) fn no_basic(desk: &mut Desk<'_>) {
    for scheme in desk.description.schemes().values() {
        if scheme.kind == SchemeKind::Basic {
            desk.at(&scheme.spot, "HTTP Basic sends the password with every request");
        }
    }
}

pub(super) fn security_urls_https(desk: &mut Desk<'_>) {
    for scheme in desk.description.schemes().values() {
        let Some(value) = desk.description.value(&scheme.spot) else { continue };
        let mut found: Vec<(Spot, String)> = Vec::new();
        let mut look = |spot: Spot, value: &Value| {
            for key in ["authorizationUrl", "tokenUrl", "refreshUrl", "deviceAuthorizationUrl", "openIdConnectUrl", "oauth2MetadataUrl"] {
                if let Some(url) = value.get(key).and_then(Value::as_str)
                    && url.to_ascii_lowercase().starts_with("http://")
                {
                    found.push((spot.child(key), url.to_owned()));
                }
            }
        };
        look(scheme.spot.clone(), value);
        for (name, flow) in value.get("flows").and_then(Value::as_object).into_iter().flatten() {
            look(scheme.spot.path(&["flows", name]), flow);
        }
        for (spot, url) in found {
            desk.at(&spot, "the address is reached without TLS").observed = Some(Untrusted::new(&url));
        }
    }
}
