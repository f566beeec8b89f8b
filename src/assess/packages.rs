//! Loading the packages that a target file names, so that judges can judge by them.

use std::path::Path;
use std::sync::Arc;

use super::Problem;
use crate::format::fhir::{Definitions, PackageSource};
use crate::target::{PackageReference, Target};

/// Loads the packages of a target and fills in their versions and hashes. `find` gives a package by name
/// and version. Whatever cannot be loaded is a problem, and then nothing is judged by definitions:
/// half of them would give another verdict than all.
pub fn load_packages(
    target: &mut Target,
    find: impl Fn(&str, Option<&str>) -> Option<PackageSource>,
    cache: Option<&Path>,
) -> Vec<Problem> {
    target.definitions = None;
    if target.packages.is_empty() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for (index, package) in target.packages.iter().enumerate() {
        let subject = format!("packages[{index}]");
        let named = package.id.as_deref().and_then(|id| find(id, package.version.as_deref()));
        let filed = || package.file.as_ref().map(|file| target.resolve(file)).filter(|path| path.exists()).map(PackageSource::new);
        match named.or_else(filed) {
            Some(source) => sources.push(source),
            None => problems.push(Problem::warning(
                subject,
                format!("{package} is not at hand"),
                "add it with `probity package add FILE.tgz`, or name a `file` beside the target file; until then resources are not judged",
            )),
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let definitions = match Definitions::load(&sources, cache) {
        Ok(definitions) => definitions,
        Err(error) => return vec![Problem::warning("packages", error.to_string(), "until it is mended, resources are not judged")],
    };
    for (index, (package, found)) in target.packages.iter_mut().zip(definitions.identities()).enumerate() {
        let subject = format!("packages[{index}]");
        if let Some(wanted) = package.sha256.as_ref().filter(|wanted| **wanted != found.sha256) {
            let what = format!("{package} is not the one that is named: its definitions have the SHA-256 {}, not {wanted}", found.sha256);
            problems.push(Problem::warning(subject.clone(), what, "take the package that is named; until then resources are not judged"));
        }
        if let Some(wanted) = package.version.as_ref().filter(|wanted| !found.version.is_empty() && **wanted != found.version) {
            problems.push(Problem::warning(
                subject,
                format!("wanted version {wanted} of {}, found {}", found.name, found.version),
                "name the version that is meant",
            ));
        }
        *package = PackageReference {
            id: Some(found.name).filter(|name| !name.is_empty()).or_else(|| package.id.take()),
            version: Some(found.version).filter(|version| !version.is_empty()).or_else(|| package.version.take()),
            file: package.file.take(),
            sha256: Some(found.sha256),
        };
    }
    if problems.is_empty() {
        for note in definitions.notes() {
            problems.push(Problem::warning("packages", note.clone(), "a verdict may differ where the versions do"));
        }
        target.definitions = Some(Arc::new(definitions));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"StructureDefinition",
        "url":"http://hl7.org/fhir/StructureDefinition/Element","version":"4.0.1","fhirVersion":"4.0.1","type":"Element","kind":"complex-type",
        "abstract":true,"derivation":"specialization","snapshot":{"element":[{"id":"Element","path":"Element","min":0,"max":"*"}]}}}]}"#;

    fn target(packages: &str, folder: &Path) -> Target {
        let text = format!("target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\npackages: {packages}\n");
        Target { folder: folder.to_owned(), ..Target::parse("t.yaml", &text).unwrap() }
    }

    #[test]
    fn packages_are_pinned_when_they_are_loaded() {
        let folder = std::env::temp_dir().join(format!("probity-packages-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("core.json"), CORE).unwrap();
        let nobody = |_: &str, _: Option<&str>| None;
        let mut first = target("[{file: core.json}]", &folder);
        assert!(load_packages(&mut first, nobody, None).is_empty());
        assert!(first.definitions.is_some());
        let hash = first.packages[0].sha256.clone().unwrap();

        // The same definitions by another name are the same; others are refused.
        let mut again = target(&format!("[{{id: core, sha256: '{hash}'}}]"), &folder);
        assert!(load_packages(&mut again, |_, _| Some(PackageSource::new(folder.join("core.json"))), None).is_empty());
        assert!(again.definitions.is_some());
        std::fs::write(folder.join("core.json"), CORE.replace("\"min\":0", "\"min\":1")).unwrap();
        let mut other = target(&format!("[{{file: core.json, sha256: '{hash}'}}]"), &folder);
        let problems = load_packages(&mut other, nobody, None);
        assert!(problems[0].message.contains("not the one"), "{problems:?}");
        assert!(other.definitions.is_none());
        let mut missing = target("[{id: hl7.fhir.r4.core, version: 4.0.1}]", &folder);
        assert!(load_packages(&mut missing, nobody, None)[0].message.contains("not at hand"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
