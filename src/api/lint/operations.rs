//! Rules about paths, operations and their parameters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::root::templates;
use super::{Desk, is_http};
use crate::api::description::{LinkTarget, Operation, ParameterPlace, Spot};
use crate::api::exchange::essence;
use crate::verdict::Untrusted;

/// Operations that the service offers.
pub(super) fn offered<'a>(desk: &Desk<'a>) -> impl Iterator<Item = &'a Operation> + use<'a> {
    desk.description.operations().iter().filter(|o| !o.outgoing)
}

fn value<'a>(desk: &Desk<'a>, spot: &Spot) -> Option<&'a Value> {
    desk.description.value(spot)
}

fn has_text(value: Option<&Value>, key: &str) -> bool {
    value.and_then(|v| v.get(key)).and_then(Value::as_str).is_some_and(|t| !t.trim().is_empty())
}

/// How an operation is called in messages.
pub(super) fn called(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

pub(super) fn security_stated(desk: &mut Desk<'_>) {
    let at_root = desk.description.root().get("security").is_some();
    for operation in offered(desk) {
        if !at_root && value(desk, &operation.spot).is_some_and(|o| o.get("security").is_none()) {
            desk.at(&operation.spot, format!("{} does not say what credential it needs", called(operation)));
        }
    }
}

pub(super) fn write_security(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if !operation.is_safe() && !operation.needs_credential() {
            desk.at(&operation.spot, format!("{} changes something without a credential", called(operation)));
        }
    }
}

pub(super) fn id_present(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if operation.operation_id.as_deref().is_none_or(str::is_empty) {
            desk.at(&operation.spot, format!("{} has no operation id", called(operation))).expected = "`operationId`".into();
        }
    }
}

pub(super) fn id_unique(desk: &mut Desk<'_>) {
    let mut seen: BTreeMap<&str, &Operation> = BTreeMap::new();
    for operation in desk.description.operations() {
        let Some(id) = operation.operation_id.as_deref() else { continue };
        match seen.get(id) {
            // The same item reached by two paths is one text.
            Some(first) if first.spot != operation.spot => {
                let message = format!("the operation id is also that of {}", called(first));
                desk.at(&operation.spot.child("operationId"), message).observed = Some(Untrusted::new(id));
            }
            Some(_) => {}
            None => {
                seen.insert(id, operation);
            }
        }
    }
}

pub(super) fn id_safe(desk: &mut Desk<'_>) {
    for operation in desk.description.operations() {
        if let Some(id) = operation.operation_id.as_deref()
            && !id.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/:".contains(c))
        {
            desk.at(&operation.spot.child("operationId"), "the operation id has characters that need escaping").observed =
                Some(Untrusted::new(id));
        }
    }
}

pub(super) fn tags(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if operation.tags.is_empty() {
            desk.at(&operation.spot, format!("{} has no tag", called(operation)));
        }
    }
}

pub(super) fn described(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        let value = value(desk, &operation.spot);
        if !has_text(value, "summary") && !has_text(value, "description") {
            desk.at(&operation.spot, format!("{} has neither summary nor description", called(operation)));
        }
    }
}

/// Each parameter once, however many operations share it.
fn parameters(desk: &Desk<'_>) -> BTreeMap<Spot, (String, ParameterPlace, bool)> {
    let all = offered(desk).flat_map(|o| &o.parameters);
    all.map(|p| (p.spot.clone(), (p.name.clone(), p.place, p.schema.is_some()))).collect()
}

pub(super) fn parameter_described(desk: &mut Desk<'_>) {
    for (spot, (name, place, _)) in parameters(desk) {
        if !has_text(value(desk, &spot), "description") {
            desk.at(&spot, format!("the {} parameter has no description", place.as_str())).observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn parameter_schema(desk: &mut Desk<'_>) {
    for (spot, (name, place, has_schema)) in parameters(desk) {
        let content = value(desk, &spot).is_some_and(|p| p.get("content").is_some());
        if !has_schema && !content {
            desk.at(&spot, format!("the {} parameter has no schema", place.as_str())).observed = Some(Untrusted::new(&name));
        }
    }
}

pub(super) fn parameters_unique(desk: &mut Desk<'_>) {
    let mut told = BTreeSet::new();
    for operation in desk.description.operations() {
        let mut seen = BTreeSet::new();
        for parameter in &operation.parameters {
            // Names of header fields compare without case.
            let name = if parameter.place == ParameterPlace::Header { parameter.name.to_ascii_lowercase() } else { parameter.name.clone() };
            if !seen.insert((parameter.place, name)) && told.insert(parameter.spot.clone()) {
                let message = format!("the {} parameter stands more than once in {}", parameter.place.as_str(), called(operation));
                desk.at(&parameter.spot, message).observed = Some(Untrusted::new(&parameter.name));
            }
        }
    }
}

pub(super) fn path_parameters_declared(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        for name in templates(&operation.path) {
            if operation.parameter(ParameterPlace::Path, &name).is_none() {
                let message = format!("{} has a template in its path that no parameter declares", called(operation));
                desk.at(&operation.spot, message).observed = Some(Untrusted::new(&name));
            }
        }
    }
}

pub(super) fn path_parameters_used(desk: &mut Desk<'_>) {
    let mut told = BTreeSet::new();
    for operation in offered(desk) {
        let names = templates(&operation.path);
        for parameter in operation.parameters.iter().filter(|p| p.place == ParameterPlace::Path) {
            if !names.contains(&parameter.name) && told.insert((parameter.spot.clone(), operation.path.clone())) {
                let message = format!("the path parameter does not stand in the path {}", operation.path);
                desk.at(&parameter.spot, message).observed = Some(Untrusted::new(&parameter.name));
            }
        }
    }
}

pub(super) fn header_parameters_heard(desk: &mut Desk<'_>) {
    if !matches!(
        desk.description.edition(),
        crate::api::description::Edition::OpenApi30
            | crate::api::description::Edition::OpenApi31
            | crate::api::description::Edition::OpenApi32
    ) {
        return;
    }
    for (spot, (name, place, _)) in parameters(desk) {
        if place == ParameterPlace::Header && ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str()) {
            let finding = desk.at(&spot, "the definition of this header parameter is ignored: bodies, responses and security say it");
            finding.observed = Some(Untrusted::new(&name));
        }
    }
}

fn paths<'a>(desk: &Desk<'a>) -> Vec<(&'a str, Spot)> {
    let paths = desk.description.root().get("paths").and_then(Value::as_object);
    paths
        .into_iter()
        .flatten()
        .map(|(path, _)| (path.as_str(), Spot::root("/paths").child(path)))
        .filter(|(path, _)| path.starts_with('/'))
        .collect()
}

pub(super) fn paths_unambiguous(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (path, spot) in paths(desk) {
        let mut key = String::new();
        for (index, part) in path.split('{').enumerate() {
            key.push_str(if index == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) });
            key.push('{');
        }
        match seen.get(&key) {
            Some(first) => {
                desk.at(&spot, format!("the path is the same as {first} but for the names of its templates"));
            }
            None => {
                seen.insert(key, path);
            }
        }
    }
}

pub(super) fn path_templates(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    for (path, spot) in paths(desk) {
        let mut depth = 0i32;
        let mut whole = true;
        for c in path.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                '/' if depth > 0 => whole = false,
                _ => {}
            }
            whole &= (0..=1).contains(&depth);
        }
        let names = templates(path);
        if !whole || depth != 0 || names.iter().any(String::is_empty) {
            desk.at(&spot, "the braces of the path are not balanced");
        } else if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
            desk.at(&spot, "a template stands more than once in the path");
        }
    }
}

pub(super) fn paths_no_query(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    for (path, spot) in paths(desk) {
        if path.contains(['?', '#']) {
            desk.at(&spot, "the path contains a query or a fragment");
        }
    }
}

pub(super) fn paths_no_trailing_slash(desk: &mut Desk<'_>) {
    if !is_http(desk) {
        return;
    }
    for (path, spot) in paths(desk) {
        if path.len() > 1 && path.ends_with('/') {
            desk.at(&spot, "the path ends with a slash");
        }
    }
}

pub(super) fn methods_standard(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if !matches!(operation.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
            desk.at(&operation.spot, "the method is none of GET, POST, PUT, PATCH and DELETE").observed =
                Some(Untrusted::new(&operation.method));
        }
    }
}

pub(super) fn no_body_on_read(desk: &mut Desk<'_>) {
    for operation in offered(desk) {
        if matches!(operation.method.as_str(), "GET" | "HEAD" | "DELETE") && operation.body.is_some() {
            desk.at(&operation.spot, format!("{} has a body, whose meaning is not defined", called(operation)));
        }
    }
}

pub(super) fn body_schema(desk: &mut Desk<'_>) {
    let mut told = BTreeSet::new();
    for body in offered(desk).filter_map(|o| o.body.as_ref()) {
        for media in &body.content {
            if media.schema.is_none()
                && value(desk, &media.spot).is_none_or(|m| m.get("itemSchema").is_none())
                && told.insert(media.spot.clone())
            {
                desk.at(&media.spot, "the body has no schema").observed = Some(Untrusted::new(&media.media_type));
            }
        }
    }
}

pub(super) fn deprecation_announced(desk: &mut Desk<'_>) {
    for operation in offered(desk).filter(|o| o.deprecated) {
        let headers = operation.responses.iter().flat_map(|r| &r.headers);
        let announced = headers.into_iter().any(|h| h.name.eq_ignore_ascii_case("deprecation") || h.name.eq_ignore_ascii_case("sunset"));
        let extended = value(desk, &operation.spot).is_some_and(|o| o.get("x-sunset").is_some());
        if !announced && !extended {
            let finding = desk.at(&operation.spot, format!("{} is deprecated, and no response says so at run time", called(operation)));
            finding.expected = "the header field `Deprecation` or `Sunset`".into();
        }
    }
}

pub(super) fn links_resolve(desk: &mut Desk<'_>) {
    let description = desk.description;
    let mut told = BTreeSet::new();
    for operation in description.operations() {
        for link in operation.responses.iter().flat_map(|r| &r.links) {
            if !told.insert(link.spot.clone()) {
                continue;
            }
            let target = match &link.target {
                LinkTarget::Id(id) => description.operations().iter().find(|o| o.operation_id.as_deref() == Some(id)),
                LinkTarget::Reference(reference) => match description.resolve(link.spot.document, reference) {
                    Ok((spot, _)) => description.operations().iter().find(|o| o.spot == spot),
                    Err(crate::api::description::ReferenceError::NotSupplied(_)) => continue,
                    Err(_) => None,
                },
            };
            let Some(target) = target else {
                let shown = match &link.target {
                    LinkTarget::Id(text) | LinkTarget::Reference(text) => text,
                };
                desk.at(&link.spot, "the link leads to an operation that does not exist").observed = Some(Untrusted::new(shown));
                continue;
            };
            for name in link.parameters.keys() {
                let plain = name.split_once('.').map_or(name.as_str(), |(place, rest)| {
                    if matches!(place, "path" | "query" | "header" | "cookie") { rest } else { name.as_str() }
                });
                if !target.parameters.iter().any(|p| p.name == plain) {
                    let spot = link.spot.path(&["parameters", name]);
                    desk.at(&spot, format!("{} has no such parameter", called(target))).observed = Some(Untrusted::new(name));
                }
            }
        }
    }
}

pub(super) fn patch_media_type(desk: &mut Desk<'_>) {
    for operation in offered(desk).filter(|o| o.method == "PATCH") {
        let Some(body) = &operation.body else { continue };
        let fits = |m: &str| {
            matches!(essence(m).as_str(), "application/merge-patch+json" | "application/json-patch+json") || essence(m).contains("patch")
        };
        if !body.content.iter().any(|m| fits(&m.media_type)) {
            let finding = desk.at(&body.spot, "PATCH does not use a media type for patches");
            finding.expected = "`application/merge-patch+json` or `application/json-patch+json`".into();
        }
    }
}
