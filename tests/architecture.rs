//! The house rules that a compiler does not check.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The floors from the ground up: a module may use those to its left and itself.
const FLOORS: &[&str] =
    &["document", "verdict", "format", "api", "target", "probe", "check", "profile", "assess", "bundle", "report", "demo", "cli"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Each source file below `src/`: its path from the root and its text.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|p| (p.strip_prefix(root).unwrap().display().to_string().replace('\\', "/"), std::fs::read_to_string(p).unwrap()))
        .collect()
}

/// A file's text without its unit tests, which may reach for anything.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod ").map_or(text, |end| &text[..end])
}

#[test]
fn no_module_uses_a_floor_above_it() {
    let floor: BTreeMap<&str, usize> = FLOORS.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let mut wrong = Vec::new();
    for (path, text) in files() {
        let module = path.trim_start_matches("src/").split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let own = floor.get(module.as_str()).unwrap_or_else(|| panic!("{path}: the module `{module}` has no floor; add it to FLOORS"));
        for part in without_tests(&text).split("crate::").skip(1) {
            let used: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            match floor.get(used.as_str()) {
                Some(other) if other > own => wrong.push(format!("{path} uses crate::{used}")),
                Some(_) => {}
                None => wrong.push(format!("{path} uses crate::{used}, which has no floor")),
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that go up:\n{}", wrong.join("\n"));
}

#[test]
fn no_requirement_id_stands_in_the_code() {
    let id = regex::Regex::new(r#""(TEC|INT|ACC|PRO|QSA|ETH|SEC|GOV)-[0-9]{2}""#).unwrap();
    let wrong: Vec<String> = files().into_iter().filter(|(_, text)| id.is_match(without_tests(text))).map(|(path, _)| path).collect();
    assert!(wrong.is_empty(), "requirements are data: {wrong:?}");
}

#[test]
fn the_entry_is_short_and_names_are_nouns() {
    for (path, text) in files() {
        if path == "src/main.rs" {
            assert!(text.lines().count() <= 25, "main.rs has more than 25 lines");
        }
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".rs");
        assert!(!["utils", "util", "helpers", "common", "types", "imp", "manager"].contains(&name), "{path}: name the noun it holds");
    }
}

#[test]
fn the_lib_declares_its_modules_in_the_order_of_the_floors() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let expected: Vec<&str> = FLOORS.iter().copied().filter(|f| declared.contains(f)).collect();
    assert_eq!(declared, expected);
}
