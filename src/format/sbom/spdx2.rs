//! SPDX 2.2 and 2.3 in JSON (ISO/IEC 5962 is 2.2.1).

use serde_json::Value;

use super::{Format, MAX_PARTS, Notes, Part, PartKind, PartsList, Relation, Stated, algorithm, child, item};
use crate::verdict::Finding;

pub(super) fn read(document: &Value, notes: &mut Notes<'_>) -> PartsList {
    let version = notes.text(document, "", "spdxVersion").unwrap_or_default();
    match version {
        "SPDX-2.2" | "SPDX-2.3" => {}
        "" | "SPDX-2.0" | "SPDX-2.1" | "SPDX-1.2" => notes.push(
            Finding::error("spec-version", "the version of SPDX is missing or too old")
                .at("/spdxVersion")
                .expected("SPDX-2.2 or SPDX-2.3")
                .observed(version),
        ),
        _ => notes.push(
            Finding::open("spec-version", "this version of SPDX is not known here")
                .at("/spdxVersion")
                .expected("SPDX-2.2 or SPDX-2.3")
                .observed(version),
        ),
    }
    if notes.text(document, "", "dataLicense") != Some("CC0-1.0") {
        notes.push(
            Finding::error("data-licence", "the data's own licence is not CC0-1.0")
                .at("/dataLicense")
                .expected("CC0-1.0")
                .clause("SPDX 2.3, clause 6.2"),
        );
    }
    if notes.text(document, "", "SPDXID") != Some("SPDXRef-DOCUMENT") {
        notes.push(
            Finding::error("document-id", "the document's identifier is not SPDXRef-DOCUMENT").at("/SPDXID").clause("SPDX 2.3, clause 6.3"),
        );
    }
    if notes.text(document, "", "name").is_none_or(|n| n.trim().is_empty()) {
        notes.push(Finding::error("document-name", "the document has no name").at("/name").clause("SPDX 2.3, clause 6.4"));
    }
    match notes.text(document, "", "documentNamespace") {
        Some(namespace) if url::Url::parse(namespace).is_ok() && !namespace.contains('#') => {}
        other => notes.push(
            Finding::error("document-namespace", "the document has no valid namespace")
                .at("/documentNamespace")
                .expected("an absolute URI without #")
                .observed(other.unwrap_or_default())
                .clause("SPDX 2.3, clause 6.5"),
        ),
    }
    let mut list = PartsList::new(Format::Spdx2, version);
    let creation = document.get("creationInfo").unwrap_or(&Value::Null);
    list.timestamp = Stated::new(notes.text(creation, "/creationInfo", "created"));
    list.timestamp_pointer = "/creationInfo/created".into();
    list.context = Stated::new(notes.text(creation, "/creationInfo", "comment")).or(Stated::new(notes.text(document, "", "comment")));
    for (i, creator) in notes.list(creation, "/creationInfo", "creators").iter().enumerate() {
        let at = item("/creationInfo", "creators", i);
        let Some(creator) = creator.as_str() else {
            notes.wrong_type(&at, "text", creator);
            continue;
        };
        match creator.split_once(':').map(|(kind, name)| (kind, Stated::new(Some(name)))) {
            Some(("Tool", Stated::Value(name))) => list.tools.push(name),
            Some(("Person" | "Organization", Stated::Value(name))) => list.authors.push(name),
            Some(("Tool" | "Person" | "Organization", Stated::Empty | Stated::Missing)) => {}
            _ => notes.push(
                Finding::error("creator", "a creator is neither a person, an organisation nor a tool")
                    .at(at)
                    .expected("Person:, Organization: or Tool:")
                    .observed(creator)
                    .clause("SPDX 2.3, clause 6.8"),
            ),
        }
    }
    for (i, package) in notes.list(document, "", "packages").iter().enumerate().take(MAX_PARTS) {
        read_package(package, &item("", "packages", i), &mut list, notes);
    }
    for key in ["files", "snippets"] {
        for (i, element) in notes.list(document, "", key).iter().enumerate().take(MAX_PARTS) {
            list.other_references.extend(notes.text(element, &item("", key, i), "SPDXID").map(str::to_owned));
        }
    }
    let mut described: Vec<String> =
        notes.list(document, "", "documentDescribes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for (i, relationship) in notes.list(document, "", "relationships").iter().enumerate() {
        read_relationship(relationship, &item("", "relationships", i), &mut described, &mut list, notes);
    }
    list.primary = described.iter().find_map(|id| list.parts.iter().position(|p| p.reference.as_deref() == Some(id)));
    for id in &described {
        if !list.parts.iter().any(|p| p.reference.as_deref() == Some(id)) && !list.other_references.contains(id) {
            notes.push(
                Finding::error("graph-dangling", "the document describes something that is not in it")
                    .expected("an element of the list")
                    .observed(id),
            );
        }
    }
    list.other_references.push("SPDXRef-DOCUMENT".into());
    list
}

fn read_package(package: &Value, pointer: &str, list: &mut PartsList, notes: &mut Notes<'_>) {
    if !package.is_object() {
        notes.wrong_type(pointer, "a package", package);
        return;
    }
    let id = notes.text(package, pointer, "SPDXID");
    let valid = |id: &str| {
        id.strip_prefix("SPDXRef-")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)))
    };
    if !id.is_some_and(valid) {
        notes.push(
            Finding::error("package-id", "a package has no valid identifier")
                .at(child(pointer, "SPDXID"))
                .expected("SPDXRef- with letters, digits, dots and dashes")
                .observed(id.unwrap_or_default())
                .clause("SPDX 2.3, clause 7.2"),
        );
    }
    if notes.text(package, pointer, "downloadLocation").is_none() {
        notes.push(
            Finding::error("download-location", "a package does not say where it comes from, not even NOASSERTION")
                .at(pointer)
                .expected("downloadLocation")
                .clause("SPDX 2.3, clause 7.7"),
        );
    }
    let person = |text: Option<&str>| {
        Stated::new(text.map(|t| match t.split_once(':') {
            Some(("Person" | "Organization", name)) => name,
            _ => t,
        }))
    };
    // Who first made a thing is not who supplies it: the NTIA's table names PackageSupplier only.
    let supplier = person(notes.text(package, pointer, "supplier"));
    let mut part = Part {
        pointer: pointer.to_owned(),
        kind: if notes.text(package, pointer, "primaryPackagePurpose") == Some("FILE") { PartKind::File } else { PartKind::Package },
        reference: id.map(str::to_owned),
        name: Stated::new(notes.text(package, pointer, "name")),
        version: Stated::new(notes.text(package, pointer, "versionInfo")),
        supplier,
        ..Part::default()
    };
    for (i, reference) in notes.list(package, pointer, "externalRefs").iter().enumerate() {
        let at = item(pointer, "externalRefs", i);
        let kind = notes.text(reference, &at, "referenceType").unwrap_or_default();
        let Some(locator) = notes.text(reference, &at, "referenceLocator") else { continue };
        match kind.rsplit('/').next().unwrap_or_default() {
            "purl" => part.purls.push(locator.to_owned()),
            "cpe22Type" | "cpe23Type" => part.cpes.push(locator.to_owned()),
            "swid" | "swh" | "gitoid" => part.other_identifier = true,
            _ => {}
        }
    }
    for (i, checksum) in notes.list(package, pointer, "checksums").iter().enumerate() {
        let at = item(pointer, "checksums", i);
        if let (Some(alg), Some(content)) = (notes.text(checksum, &at, "algorithm"), notes.text(checksum, &at, "checksumValue")) {
            part.hashes.push((algorithm(alg), content.to_owned()));
        }
    }
    for key in ["licenseConcluded", "licenseDeclared"] {
        match Stated::new(notes.text(package, pointer, key)) {
            Stated::Value(text) => part.licences.push(text),
            Stated::Empty => part.licence_empty = true,
            Stated::Missing => {}
        }
    }
    list.parts.push(part);
}

fn read_relationship(relationship: &Value, pointer: &str, described: &mut Vec<String>, list: &mut PartsList, notes: &mut Notes<'_>) {
    let mut need = |key: &str| match notes.text(relationship, pointer, key) {
        Some(text) => Some(text.to_owned()),
        None => {
            notes.push(
                Finding::error("relationship", format!("a relationship has no {key}"))
                    .at(pointer)
                    .expected(key)
                    .clause("SPDX 2.3, clause 11.1"),
            );
            None
        }
    };
    let (Some(from), Some(kind), Some(to)) = (need("spdxElementId"), need("relationshipType"), need("relatedSpdxElement")) else { return };
    // `NONE` says that there is nothing; `NOASSERTION` that it is not known.
    let to_list = |to: String| match to.as_str() {
        "NONE" => Vec::new(),
        _ => vec![to],
    };
    if to == "NOASSERTION" {
        list.known_incomplete = true;
        return;
    }
    match kind.as_str() {
        "DESCRIBES" => described.push(to),
        "DESCRIBED_BY" => described.push(from),
        "DEPENDENCY_OF"
        | "CONTAINED_BY"
        | "BUILD_DEPENDENCY_OF"
        | "DEV_DEPENDENCY_OF"
        | "RUNTIME_DEPENDENCY_OF"
        | "OPTIONAL_DEPENDENCY_OF"
        | "PROVIDED_DEPENDENCY_OF"
        | "TEST_DEPENDENCY_OF"
        | "DEPENDENCY_MANIFEST_OF"
        | "PREREQUISITE_FOR"
        | "BUILD_TOOL_OF"
        | "DEV_TOOL_OF"
        | "TEST_TOOL_OF"
        | "OPTIONAL_COMPONENT_OF"
        | "PACKAGE_OF"
        | "GENERATES"
        | "VARIANT_OF" => {
            list.relations.push(Relation { pointer: pointer.to_owned(), from: to, to: vec![from] });
        }
        _ => list.relations.push(Relation { pointer: pointer.to_owned(), from, to: to_list(to) }),
    }
}
