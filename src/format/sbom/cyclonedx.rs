//! CycloneDX in JSON (ECMA-424, and the versions 1.2 to 1.5 before it).

use serde_json::Value;

use super::{Format, MAX_PARTS, Notes, Part, PartKind, PartsList, Relation, Stated, algorithm, child, item};
use crate::verdict::Finding;

const KNOWN: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];
/// The words of the newest version; those before know fewer.
const TYPES: [&str; 13] = [
    "application",
    "framework",
    "library",
    "container",
    "platform",
    "operating-system",
    "device",
    "device-driver",
    "firmware",
    "file",
    "machine-learning-model",
    "data",
    "cryptographic-asset",
];
const SCOPES: [&str; 3] = ["required", "optional", "excluded"];
const ALGORITHMS: [&str; 14] = [
    "MD5",
    "SHA-1",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
    "BLAKE2b-256",
    "BLAKE2b-384",
    "BLAKE2b-512",
    "BLAKE3",
    "Streebog-256",
    "Streebog-512",
];
/// How deep components may stand inside components; a limit of ours.
const MAX_NESTING: usize = 64;

pub(super) fn read(bom: &Value, notes: &mut Notes<'_>) -> PartsList {
    let version = notes.text(bom, "", "specVersion").unwrap_or_default();
    if bom.get("bomFormat").and_then(Value::as_str) != Some("CycloneDX") {
        notes.push(
            Finding::error("bom-format", "bomFormat is not CycloneDX").at("/bomFormat").expected("CycloneDX").clause("ECMA-424, bomFormat"),
        );
    }
    if !KNOWN.contains(&version) {
        let finding = match version {
            "1.0" | "1.1" | "" => Finding::error("spec-version", "the version of CycloneDX has no JSON form or is missing"),
            _ => Finding::open("spec-version", "this version of CycloneDX is not known here"),
        };
        notes.push(finding.at("/specVersion").expected("1.2 to 1.7").observed(version));
    }
    if let Some(serial) = notes.text(bom, "", "serialNumber")
        && !is_uuid_urn(serial)
    {
        notes.push(
            Finding::error("serial-number", "the serial number is not a UUID").at("/serialNumber").expected("urn:uuid:…").observed(serial),
        );
    }
    super::form::judge(bom, version, notes);
    let mut list = PartsList::new(Format::CycloneDx, version);
    let metadata = bom.get("metadata").unwrap_or(&Value::Null);
    list.timestamp = Stated::new(notes.text(metadata, "/metadata", "timestamp"));
    list.timestamp_pointer = "/metadata/timestamp".into();
    for key in ["authors"] {
        for (i, author) in notes.list(metadata, "/metadata", key).iter().enumerate() {
            let name =
                notes.text(author, &item("/metadata", key, i), "name").or_else(|| notes.text(author, &item("/metadata", key, i), "email"));
            list.authors.extend(Stated::new(name).value().map(str::to_owned));
        }
    }
    for key in ["manufacturer", "manufacture", "supplier"] {
        if let Some(organisation) = metadata.get(key) {
            let name = notes.text(organisation, &child("/metadata", key), "name");
            list.authors.extend(Stated::new(name).value().map(str::to_owned));
        }
    }
    // A list of tools in the old form; components and services in the new one.
    match metadata.get("tools") {
        Some(Value::Array(tools)) => {
            list.tools.extend(tools.iter().filter_map(|t| t.get("name").and_then(Value::as_str)).map(str::to_owned))
        }
        Some(tools @ Value::Object(_)) => {
            for key in ["components", "services"] {
                list.tools.extend(
                    notes
                        .list(tools, "/metadata/tools", key)
                        .iter()
                        .filter_map(|t| t.get("name").and_then(Value::as_str))
                        .map(str::to_owned),
                );
            }
        }
        None | Some(_) => {}
    }
    for (i, phase) in notes.list(metadata, "/metadata", "lifecycles").iter().enumerate() {
        let pointer = item("/metadata", "lifecycles", i);
        let text = notes.text(phase, &pointer, "phase").or_else(|| notes.text(phase, &pointer, "name"));
        list.context = list.context.or(Stated::new(text));
    }
    if let Some(component) = metadata.get("component") {
        list.primary = Some(list.parts.len());
        read_component(component, "/metadata/component", None, 0, &mut list, notes);
    }
    for (i, component) in notes.list(bom, "", "components").iter().enumerate() {
        read_component(component, &item("", "components", i), None, 0, &mut list, notes);
    }
    read_services(bom, "", 0, &mut list, notes);
    for (i, dependency) in notes.list(bom, "", "dependencies").iter().enumerate() {
        let pointer = item("", "dependencies", i);
        let Some(from) = notes.text(dependency, &pointer, "ref") else {
            notes.push(Finding::error("dependency-ref", "a dependency does not say whose it is").at(pointer).expected("ref"));
            continue;
        };
        let mut to = Vec::new();
        for key in ["dependsOn", "provides"] {
            to.extend(notes.list(dependency, &pointer, key).iter().filter_map(Value::as_str).map(str::to_owned));
        }
        list.relations.push(Relation { pointer, from: from.to_owned(), to });
    }
    for (i, composition) in notes.list(bom, "", "compositions").iter().enumerate() {
        let aggregate = notes.text(composition, &item("", "compositions", i), "aggregate").unwrap_or_default();
        if aggregate.starts_with("incomplete") || aggregate == "unknown" {
            list.known_incomplete = true;
        }
    }
    list.other_references
        .extend(notes.list(bom, "", "vulnerabilities").iter().filter_map(|v| v.get("bom-ref").and_then(Value::as_str)).map(str::to_owned));
    list
}

fn read_component(component: &Value, pointer: &str, parent: Option<&str>, depth: usize, list: &mut PartsList, notes: &mut Notes<'_>) {
    if list.parts.len() >= MAX_PARTS || depth > MAX_NESTING {
        notes.push(Finding::open("too-large", "the list is larger than what is read").at(pointer));
        return;
    }
    if !component.is_object() {
        notes.wrong_type(pointer, "a component", component);
        return;
    }
    let kind = notes.text(component, pointer, "type");
    let mut one_of = |rule: &str, message: &str, value: Option<&str>, known: &[&str], key: &str| {
        if value.is_none_or(|v| !known.contains(&v)) {
            let finding = Finding::error(rule, message).at(format!("{pointer}/{key}")).expected(known.join(", "));
            notes.push(finding.observed(value.unwrap_or_default()).clause("ECMA-424, component"));
        }
    };
    one_of("component-type", "a component does not say what it is, or with an unknown word", kind, &TYPES, "type");
    if let Some(scope) = component.get("scope") {
        one_of("component-scope", "a component's scope is none of the standard", scope.as_str(), &SCOPES, "scope");
    }
    for (i, hash) in component.get("hashes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let known = hash.get("alg").and_then(Value::as_str);
        one_of("hash-algorithm", "a hash is of no algorithm of the standard", known, &ALGORITHMS, &format!("hashes/{i}/alg"));
    }
    let named = |key: &str, notes: &mut Notes<'_>| match component.get(key) {
        Some(organisation @ Value::Object(_)) => Stated::new(notes.text(organisation, &child(pointer, key), "name")),
        _ => Stated::Missing,
    };
    let mut supplier = named("supplier", notes).or(named("manufacturer", notes));
    // The NTIA's table names `publisher`; an author is somebody else.
    supplier = supplier.or(Stated::new(notes.text(component, pointer, "publisher")));
    let mut part = Part {
        pointer: pointer.to_owned(),
        kind: if kind == Some("file") { PartKind::File } else { PartKind::Package },
        reference: notes.text(component, pointer, "bom-ref").map(str::to_owned),
        name: Stated::new(notes.text(component, pointer, "name")),
        version: Stated::new(notes.text(component, pointer, "version")),
        supplier,
        purls: notes.text(component, pointer, "purl").map(str::to_owned).into_iter().collect(),
        cpes: notes.text(component, pointer, "cpe").map(str::to_owned).into_iter().collect(),
        other_identifier: ["swid", "omniborId", "swhid"].iter().any(|key| component.get(*key).is_some_and(|v| !v.is_null())),
        ..Part::default()
    };
    for (i, hash) in notes.list(component, pointer, "hashes").iter().enumerate() {
        let at = item(pointer, "hashes", i);
        if let (Some(alg), Some(content)) = (notes.text(hash, &at, "alg"), notes.text(hash, &at, "content")) {
            part.hashes.push((algorithm(alg), content.to_owned()));
        }
    }
    for (i, choice) in notes.list(component, pointer, "licenses").iter().enumerate() {
        let at = item(pointer, "licenses", i);
        let text = match (notes.text(choice, &at, "expression"), choice.get("license")) {
            (Some(expression), _) => Some((expression, true)),
            (None, Some(licence)) => {
                let at = child(&at, "license");
                notes.text(licence, &at, "id").map(|id| (id, true)).or_else(|| notes.text(licence, &at, "name").map(|name| (name, false)))
            }
            (None, None) => None,
        };
        match text.map(|(text, is_expression)| (Stated::new(Some(text)), is_expression)) {
            Some((Stated::Value(text), true)) => part.licences.push(text),
            // A licence by its name only: known to a reader, no expression to check.
            Some((Stated::Value(_), false)) => part.licences.push("LicenseRef-named".into()),
            Some((Stated::Empty | Stated::Missing, _)) => part.licence_empty = true,
            None => {}
        }
    }
    let reference = part.reference.clone();
    if let (Some(parent), Some(own)) = (parent, &reference) {
        list.relations.push(Relation { pointer: pointer.to_owned(), from: parent.to_owned(), to: vec![own.clone()] });
    }
    list.parts.push(part);
    for (i, inner) in notes.list(component, pointer, "components").iter().enumerate() {
        read_component(inner, &item(pointer, "components", i), reference.as_deref(), depth + 1, list, notes);
    }
}

fn read_services(holder: &Value, pointer: &str, depth: usize, list: &mut PartsList, notes: &mut Notes<'_>) {
    if depth > MAX_NESTING {
        return;
    }
    for (i, service) in notes.list(holder, pointer, "services").iter().enumerate() {
        let at = item(pointer, "services", i);
        list.other_references.extend(notes.text(service, &at, "bom-ref").map(str::to_owned));
        read_services(service, &at, depth + 1, list, notes);
    }
}

fn is_uuid_urn(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    let groups: Vec<&str> = uuid.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    groups.len() == 5 && groups.iter().zip(lengths).all(|(g, n)| g.len() == n && g.bytes().all(|b| b.is_ascii_hexdigit()))
}
