//! Things that exist behind an API: which ones were seen or made, and how paths are bound to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::description::{Description, Direction, LinkTarget, Operation, ParameterPlace, percent_decoded};
use crate::api::exchange::ApiResponse;
use crate::api::generate::reads_as;

/// Things of one kind that are remembered.
const MAX_SEEN: usize = 40;

/// One thing behind an API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instance {
    /// The path of such things, names of templates left out: `/residents/{}`.
    pub(crate) item: String,
    /// The values of the templates, outermost first.
    pub(crate) values: Vec<String>,
    /// Its id as it was written in the answer.
    pub(crate) id: Value,
    /// This run made it.
    pub(crate) ours: bool,
    /// It has not been deleted.
    pub(crate) alive: bool,
    /// The answer says its id in so many words; it was not taken from a property that only may be one.
    pub(crate) sure: bool,
    /// The body that made it.
    pub(crate) sent: Option<Value>,
}

/// A path without the names of its templates.
pub(crate) fn normalised(path: &str) -> String {
    let mut out = String::new();
    for (index, part) in path.split('{').enumerate() {
        if index == 0 {
            out.push_str(part);
        } else {
            out.push_str("{}");
            out.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
        }
    }
    if out.len() > 1 { out.trim_end_matches('/').to_owned() } else { out }
}

/// The names of a path's templates, in order.
pub(crate) fn template_names(path: &str) -> Vec<String> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned())).collect()
}

/// The part of a normalised path that ends with its last template.
pub(crate) fn item_prefix(normalised: &str) -> Option<&str> {
    normalised.rfind("{}").and_then(|start| normalised.get(..start + 2))
}

/// The last segment before the last template: `residents` of `/residents/{}`.
fn kind_of(item: &str) -> &str {
    item.strip_suffix("/{}").and_then(|collection| collection.rsplit('/').next()).unwrap_or_default()
}

/// An English plural's singular, near enough to compare names.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for end in ["sses", "shes", "ches", "xes"] {
        if plural.ends_with(end) {
            return plural.strip_suffix("es").unwrap_or(plural).to_owned();
        }
    }
    plural.strip_suffix('s').unwrap_or(plural).to_owned()
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The things that are known.
#[derive(Debug, Default, Clone)]
pub(crate) struct Instances {
    pub(crate) all: Vec<Instance>,
}

impl Instances {
    /// Adds a thing, or refreshes what is known of it.
    pub(crate) fn add(&mut self, instance: Instance) {
        if let Some(known) = self.all.iter_mut().find(|i| i.item == instance.item && i.values == instance.values) {
            known.ours |= instance.ours;
            known.sure |= instance.sure;
            known.alive = true;
            if instance.sent.is_some() {
                known.sent = instance.sent;
            }
            return;
        }
        if instance.ours || self.all.iter().filter(|i| i.item == instance.item).count() < MAX_SEEN {
            self.all.push(instance);
        }
    }

    /// Living things of a kind; those of this run first, the oldest first.
    pub(crate) fn living(&self, item: &str) -> Vec<&Instance> {
        let (ours, others): (Vec<&Instance>, Vec<&Instance>) = self.all.iter().filter(|i| i.item == item && i.alive).partition(|i| i.ours);
        ours.into_iter().chain(others).collect()
    }

    /// Names under which bodies refer to things that exist, with the id of one of them.
    pub(crate) fn known(&self, description: &Description) -> BTreeMap<String, Value> {
        let mut known = BTreeMap::new();
        for instance in self.all.iter().filter(|i| i.alive && i.ours).chain(self.all.iter().filter(|i| i.alive && !i.ours)) {
            for name in reference_names(description, &instance.item) {
                known.entry(name).or_insert_with(|| instance.id.clone());
            }
        }
        known
    }
}

/// The names under which other bodies refer to things of a kind.
pub(crate) fn reference_names(description: &Description, item: &str) -> Vec<String> {
    let one = singular(kind_of(item));
    let camel = camel(&one);
    let mut names = vec![format!("{camel}Id"), format!("{one}_id"), format!("{camel}ID"), format!("{one}id")];
    for operation in description.operations() {
        let path = normalised(&operation.path);
        if item_prefix(&path) == Some(item)
            && let Some(name) = template_names(&operation.path).pop()
            && plain(&name) != "id"
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn camel(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split(['-', '_']).enumerate() {
        let mut chars = part.chars();
        match chars.next() {
            Some(first) if index > 0 => out.extend(first.to_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.extend(chars);
    }
    out
}

/// Whether a property's name says that its value is the id of something else.
pub(crate) fn names_a_reference(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    (lower.len() > 2 && (name.ends_with("Id") || name.ends_with("ID") || lower.ends_with("_id")))
        || lower.ends_with("reference")
        || lower.ends_with("ref")
}

/// The list that an answer carries: the answer itself, or the array that it wraps.
pub(crate) fn list_of(body: &Value) -> Option<&Vec<Value>> {
    match body {
        Value::Array(items) => Some(items),
        Value::Object(map) => {
            let usual = ["items", "results", "data", "content", "entries", "entry", "records", "values", "list", "_embedded"];
            let named = usual.iter().find_map(|name| map.get(*name).and_then(Value::as_array));
            // HAL keeps lists one level down, under the name of their kind.
            let embedded = map.get("_embedded").and_then(Value::as_object).filter(|m| m.len() == 1);
            let named = named.or_else(|| embedded.and_then(|m| m.values().next()).and_then(Value::as_array));
            let mut arrays = map.values().filter_map(Value::as_array).filter(|a| a.iter().all(Value::is_object));
            named.or_else(|| match (arrays.next(), arrays.next()) {
                (Some(only), None) => Some(only),
                _ => None,
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The text of an id.
pub(crate) fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The id within a thing, given the name that paths use for it.
pub(crate) fn id_in<'a>(thing: &'a Value, name: &str) -> Option<&'a Value> {
    sure_id_in(thing, name).or_else(|| {
        by_key(thing, &|key| {
            matches!(key, "uuid" | "identifier" | "guid" | "key" | "slug" | "code" | "number" | "serial" | "serialnumber" | "name")
        })
    })
}

/// What tells a thing in a list from the others: its id, or the address it says it has. Names do not.
pub(crate) fn listed_id(thing: &Value, name: &str) -> Option<String> {
    sure_id_in(thing, name)
        .or_else(|| by_key(thing, &|key| matches!(key, "uuid" | "identifier" | "guid" | "key" | "slug")))
        .and_then(id_text)
        .or_else(|| own_address(thing).map(str::to_owned))
}

/// The id within a thing that calls it so.
fn sure_id_in<'a>(thing: &'a Value, name: &str) -> Option<&'a Value> {
    let wanted = plain(name);
    by_key(thing, &|key| key == wanted)
        .or_else(|| by_key(thing, &|key| key == "id"))
        .or_else(|| by_key(thing, &|key| wanted.len() > 2 && wanted.ends_with(key) && key.len() > 1))
}

fn by_key<'a>(thing: &'a Value, test: &dyn Fn(&str) -> bool) -> Option<&'a Value> {
    thing.as_object()?.iter().find(|(key, value)| !key.is_empty() && id_text(value).is_some() && test(&plain(key))).map(|(_, v)| v)
}

/// The thing that an answer is about, out of what some services wrap it in.
fn unwrapped(body: &Value) -> &Value {
    let Value::Object(map) = body else { return body };
    if map.contains_key("id") {
        return body;
    }
    let usual = ["data", "item", "result", "resource", "attributes"].iter().find_map(|name| map.get(*name)).filter(|v| v.is_object());
    let only = || map.values().next().filter(|v| map.len() == 1 && v.is_object());
    usual.or_else(only).unwrap_or(body)
}

/// The address that a thing says is its own.
fn own_address(body: &Value) -> Option<&str> {
    const PLACES: [&str; 9] =
        ["/_links/self/href", "/_links/self", "/links/self/href", "/links/self", "/data/links/self", "/self", "/href", "/url", "/@id"];
    PLACES.iter().find_map(|place| body.pointer(place)).and_then(Value::as_str).filter(|text| text.contains('/'))
}

/// A reader of answers: finds the things that an answer shows or makes.
pub(crate) struct Finder<'a> {
    pub(crate) description: &'a Description,
    /// The base address without a slash at its end.
    pub(crate) base: &'a str,
}

impl Finder<'_> {
    /// Item paths of the description, with the name of their last template.
    fn items(&self) -> Vec<(String, String)> {
        let mut items: Vec<(String, String)> = Vec::new();
        for operation in self.description.operations().iter().filter(|o| !o.outgoing) {
            let path = normalised(&operation.path);
            if let (Some(item), Some(name)) = (item_prefix(&path), template_names(&operation.path).pop())
                && !items.iter().any(|(i, _)| i == item)
            {
                items.push((item.to_owned(), name));
            }
        }
        items
    }

    /// The item path of the things in a collection, the name of its template, and whether the
    /// collection's own values lead to it.
    fn item_of(&self, collection: &str) -> Option<(String, String, bool)> {
        let items = self.items();
        let own = format!("{}/{{}}", normalised(collection).trim_end_matches('/'));
        if let Some((item, name)) = items.iter().find(|(item, _)| *item == own) {
            return Some((item.clone(), name.clone(), true));
        }
        // `/residents/{}/alarms` lists things of `/alarms/{}`.
        let kind = collection.rsplit('/').next().unwrap_or_default();
        let far = items.iter().find(|(item, _)| kind_of(item) == kind && item.matches("{}").count() == 1)?;
        Some((far.0.clone(), far.1.clone(), false))
    }

    /// What an answer to a listing shows.
    pub(crate) fn listed(&self, operation: &Operation, values: &[String], body: &Value) -> Vec<Instance> {
        let Some((item, name, own)) = self.item_of(&operation.path) else { return Vec::new() };
        let Some(things) = list_of(body) else { return Vec::new() };
        let found = things.iter().take(MAX_SEEN).filter_map(|thing| {
            let id = id_in(thing, &name)?;
            let mut values = if own { values.to_vec() } else { Vec::new() };
            values.push(id_text(id)?);
            let sure = sure_id_in(thing, &name).is_some();
            Some(Instance { item: item.clone(), values, id: id.clone(), ours: false, alive: true, sure, sent: None })
        });
        found.collect()
    }

    /// What an answer to a creation says that it made: by its links, its Location, its body.
    pub(crate) fn created(
        &self,
        operation: &Operation,
        values: &[String],
        response: &ApiResponse,
        sent: Option<&Value>,
    ) -> Option<Instance> {
        let body = response.json();
        let make = |item: String, values: Vec<String>, id: Value| Instance {
            item,
            values,
            id,
            ours: true,
            alive: true,
            sure: true,
            sent: sent.cloned(),
        };
        let at_location = response.header("location").and_then(|location| self.by_address(location));
        // Where no path leads to the things one by one, they are remembered by where they would stand.
        let virtual_item = || (format!("{}/{{}}", normalised(&operation.path)), "id".to_owned(), true);
        let named = self.item_of(&operation.path).or_else(|| (response.status == 201).then(virtual_item));
        let by_id = |find: fn(&Value, &str) -> Option<Value>| {
            let (item, name, own) = named.as_ref()?;
            let body = body.as_ref()?;
            let inner = unwrapped(list_of(body).and_then(|l| l.first()).filter(|_| body.is_array()).unwrap_or(body));
            let id = find(inner, name)?;
            let text = id_text(&id).filter(|text| self.suits(item, text))?;
            let mut all = if *own { values.to_vec() } else { Vec::new() };
            all.push(text);
            Some(make(item.clone(), all, id))
        };
        if let Some(instance) = by_id(|thing, name| sure_id_in(thing, name).cloned()) {
            return Some(instance);
        }
        let at_location = at_location.or_else(|| body.as_ref().and_then(own_address).and_then(|address| self.by_address(address)));
        if let Some((item, values)) = at_location {
            let id = values.last().map_or(Value::Null, |v| json!(v));
            return Some(make(item, values, id));
        }
        let linked = operation.response(response.status).into_iter().flat_map(|r| &r.links).find_map(|link| {
            let target = self.target(&link.target)?;
            let path = normalised(&target.path);
            let item = item_prefix(&path)?.to_owned();
            let names = template_names(&target.path);
            let values: Option<Vec<String>> = names
                .iter()
                .map(|name| link.parameters.get(name).or_else(|| link.parameters.get(&format!("path.{name}"))))
                .map(|expression| expression.and_then(|e| evaluate(e, response)).and_then(|v| id_text(&v)))
                .collect();
            Some((item, values?))
        });
        if let Some((item, values)) = linked {
            let id = values.last().map_or(Value::Null, |v| json!(v));
            return Some(make(item, values, id));
        }
        by_id(|thing, name| id_in(thing, name).cloned()).map(|instance| Instance { sure: false, ..instance })
    }

    /// Whether a text can be an id of things of a kind, by the schema of the parameter.
    fn suits(&self, item: &str, text: &str) -> bool {
        let operation = self.description.operations().iter().find(|o| item_prefix(&normalised(&o.path)) == Some(item));
        let schema = operation.and_then(|o| {
            let name = template_names(&o.path).pop()?;
            o.parameter(ParameterPlace::Path, &name)?.schema.clone()
        });
        schema.is_none_or(|schema| reads_as(self.description, &schema, text, Direction::Request) != Some(false))
    }

    /// The operation that a link leads to.
    pub(crate) fn target(&self, target: &LinkTarget) -> Option<&Operation> {
        match target {
            LinkTarget::Id(id) => self.description.operations().iter().find(|o| o.operation_id.as_deref() == Some(id)),
            LinkTarget::Reference(reference) => {
                let (spot, _) = self.description.resolve(0, reference).ok()?;
                self.description.operations().iter().find(|o| o.spot == spot)
            }
        }
    }

    /// The thing at an address of this API.
    pub(crate) fn by_address(&self, address: &str) -> Option<(String, Vec<String>)> {
        let path = self.path_of(address)?;
        let segments: Vec<&str> = path.split('/').collect();
        let mut items = self.items();
        items.sort_by_key(|(item, _)| item.matches("{}").count());
        items.into_iter().find_map(|(item, _)| {
            let wanted: Vec<&str> = item.split('/').collect();
            if wanted.len() != segments.len() {
                return None;
            }
            let mut values = Vec::new();
            for (want, have) in wanted.iter().zip(&segments) {
                match *want {
                    "{}" if !have.is_empty() => values.push(percent_decoded(have)),
                    literal if literal == *have => {}
                    _ => return None,
                }
            }
            Some((item, values))
        })
    }

    /// The path below the base address; `None`: the address is not of this API.
    pub(crate) fn path_of(&self, address: &str) -> Option<String> {
        let base = url::Url::parse(&format!("{}/", self.base)).ok()?;
        let url = base.join(address).ok()?;
        if url.origin() != base.origin() {
            return None;
        }
        let path = url.path().trim_end_matches('/');
        let below = path.strip_prefix(base.path().trim_end_matches('/')).unwrap_or(path);
        Some(below.to_owned())
    }
}

/// The value of a link's runtime expression (OpenAPI 3, "Runtime Expressions"); constants stand for
/// themselves.
pub(crate) fn evaluate(expression: &Value, response: &ApiResponse) -> Option<Value> {
    let Some(text) = expression.as_str() else { return Some(expression.clone()) };
    if let Some(pointer) = text.strip_prefix("$response.body#") {
        return response.json()?.pointer(pointer).cloned();
    }
    if let Some(name) = text.strip_prefix("$response.header.") {
        return response.header(name).map(|v| json!(v));
    }
    if text.starts_with('$') { None } else { Some(json!(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        assert_eq!(normalised("/residents/{residentId}/contacts/{c}/"), "/residents/{}/contacts/{}");
        assert_eq!(item_prefix("/alarms/{}/acknowledge"), Some("/alarms/{}"));
        assert_eq!(item_prefix("/alarms"), None);
        assert_eq!(singular("batteries"), "battery");
        assert_eq!(singular("addresses"), "address");
        let thing = json!({ "residentName": "x", "id": 7, "deviceId": "d" });
        assert_eq!(id_in(&thing, "deviceId"), Some(&json!("d")));
        assert_eq!(id_in(&thing, "residentId"), Some(&json!(7)));
        assert!(
            names_a_reference("residentId") && names_a_reference("device_id") && !names_a_reference("paid") && !names_a_reference("id")
        );
        assert_eq!(list_of(&json!({ "items": [1], "total": 3 })).map(Vec::len), Some(1));
    }
}
