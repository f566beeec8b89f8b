//! Files that are made from the code. `UPDATE=1 cargo test --test generated` rewrites them; without it
//! the test holds them to the code.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

use std::fmt::Write as _;
use std::path::Path;

use probity::check::Check;
use probity::cli::Exit;
use probity::document::Source;
use probity::profile::{Profile, overlay_schema, profile_schema, target_schema, waiver_schema};
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

/// An example of the sample vendor's, its days and addresses filled in.
fn filled_in(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        out.push_str(match name.get(..4).unwrap_or_default() {
            "day-" => "2026-09-01",
            "day+" => "2031-09-01",
            "now-" => "2026-11-01T09:00:00Z",
            "now+" => "2027-06-01T09:00:00Z",
            "orig" => "https://api.brightbell.example",
            other => panic!("{other} has no example"),
        });
        rest = after;
    }
    out + rest
}

#[test]
fn reference_page_of_the_documents_a_vendor_hands_in() {
    let profile = Profile::load("eu-core").unwrap();
    let written = profile.to_value();
    let vendor = include_str!("../fixtures/vendors/sound.yaml");
    let vendor = Source::yaml("sound.yaml", vendor.as_bytes()).unwrap().value().clone();
    let named = vendor["target"]["documents"].as_object().unwrap();
    let mut page = format!(
        "# The documents that a vendor hands in\n\nMade from the profile `{}` and the sound sample vendor by `UPDATE=1 cargo test --test generated`.\n\n\
         Each stands in the target file under `documents:` by the name given here, as a file beside the target file or as an\n\
         address. Files with fields are YAML or JSON. `probity preflight TARGET` tells which are missing.\n",
        profile.id
    );
    let mut asked_somewhere = 0;
    for (document, location) in named {
        let pattern = if document.starts_with("instructions-") { "instructions-{language}" } else { document };
        let quoted = format!("`{pattern}`");
        let asking: Vec<&Value> = written["requirements"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|r| r["remedy"].as_str().unwrap().contains(&quoted) || asks_for(&r["checks"], pattern))
            .collect();
        if pattern != document && document != "instructions-en" {
            continue;
        }
        assert!(!asking.is_empty(), "no requirement asks for `{document}`, and the sound vendor hands it in");
        asked_somewhere += 1;
        let _ = write!(page, "\n## {pattern}\n\n");
        for requirement in asking {
            let field = |name: &str| requirement[name].as_str().unwrap().trim();
            let _ = writeln!(page, "* **{} {}.** {}", field("id"), field("title"), field("remedy"));
        }
        let location = location.as_str().unwrap();
        let data = &vendor["files"][location]["data"];
        let text = filled_in(&serde_json::to_string_pretty(data).unwrap());
        if data.is_null() {
            let _ = writeln!(page, "\nAn address, such as `{}`.", filled_in(location));
        } else if text.lines().count() > 80 {
            page.push_str("\nIts form stands on a page of its own: [ics.md](ics.md).\n");
        } else {
            let _ = writeln!(page, "\n```json\n{text}\n```");
        }
    }
    assert!(asked_somewhere > 15);
    holds("docs/documents.md", &page);
}

/// Whether a check names the document in one of its parameters.
fn asks_for(check: &Value, document: &str) -> bool {
    match check {
        Value::String(text) => text == document,
        Value::Array(items) => items.iter().any(|item| asks_for(item, document)),
        Value::Object(fields) => fields.values().any(|field| asks_for(field, document)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[test]
fn exit_codes_are_documented_as_they_are() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).unwrap();
    for exit in Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(page.contains(&row), "docs/exit-codes.md lacks: {row}");
    }
}
