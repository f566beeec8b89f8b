//! Files that are made from the code. `UPDATE=1 cargo test --test generated` rewrites them; without it
//! the test holds them to the code.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

use std::fmt::Write as _;
use std::path::Path;

use probity::check::Check;
use probity::cli::Exit;
use probity::profile::{overlay_schema, profile_schema, target_schema, waiver_schema};
use serde_json::Value;

fn holds(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let present = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert!(present == text, "{path} is not what the code says; run: UPDATE=1 cargo test --test generated");
}

#[test]
fn schemas_of_the_files_that_people_write() {
    for (name, schema) in
        [("profile", profile_schema()), ("overlay", overlay_schema()), ("target", target_schema()), ("waivers", waiver_schema())]
    {
        jsonschema::draft202012::meta::validate(&schema).unwrap();
        holds(&format!("schemas/{name}.schema.json"), &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
    }
}

#[test]
fn reference_page_of_the_kinds() {
    let mut page = String::from(
        "# Kinds of check\n\nMade from the code by `UPDATE=1 cargo test --test generated`; `probity checks` prints the same.\n\
         In a profile a check is one of these names with its parameters; `$name` stands for a parameter of the profile.\n",
    );
    let mut kinds = Check::catalogue();
    kinds.sort_by_key(|kind| kind.name);
    for kind in kinds {
        let _ = write!(page, "\n## {}\n\n", kind.name);
        let _ = writeln!(page, "*{}; effect: {}; asks: {}*\n", kind.grade.as_str(), kind.effect.as_str(), kind.on.as_str());
        let _ = writeln!(
            page,
            "{}",
            kind.schema["description"].as_str().unwrap_or_else(|| panic!("{} has no description", kind.name)).replace('\n', " ")
        );
        let required: Vec<&str> = kind.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = kind.schema["properties"].as_object().cloned().unwrap_or_default();
        if !properties.is_empty() {
            page.push_str("\n| parameter | | meaning |\n|---|---|---|\n");
        }
        for (name, schema) in properties {
            let text = schema["description"]
                .as_str()
                .unwrap_or_else(|| panic!("{}.{name} has no description", kind.name))
                .replace('\n', " ")
                .replace('|', "\\|");
            let need = if required.contains(&name.as_str()) { "needed" } else { "optional" };
            let _ = writeln!(page, "| `{name}` | {need} | {text} |");
        }
    }
    holds("docs/checks.md", &page);
}

#[test]
fn exit_codes_are_documented_as_they_are() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).unwrap();
    for exit in Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(page.contains(&row), "docs/exit-codes.md lacks: {row}");
    }
}
