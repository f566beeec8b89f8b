//! `fixtures/invalid/`: each way of being wrong is a file beside the message that it must give.
//! `UPDATE=1` writes the messages down; read what it wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use probity::check::Check;
use probity::document::Mistake;
use probity::profile::{Overlay, Profile, read_waivers};
use probity::target::Target;

/// The mistakes of a file, as the command line shows them. The folder says what the file is.
fn mistakes(folder: &str, path: &Path, name: &str) -> Vec<Mistake> {
    let text = std::fs::read_to_string(path).unwrap();
    let core = || Profile::load("eu-core").unwrap();
    match folder {
        "profiles" => Profile::parse(vec![(name.into(), text)]).err(),
        "overlays" => {
            // The pin is not what these files are about.
            let text = text.replace("SHA256-OF-THE-CORE", &core().sha256);
            Overlay::parse(name, &text).and_then(|overlay| core().with_overlays(&[overlay])).err()
        }
        "targets" => Target::parse(name, &text).err(),
        "waivers" => read_waivers(path, &core()).err().map(|found| found.into_iter().map(|m| Mistake { file: name.into(), ..m }).collect()),
        other => panic!("fixtures/invalid/{other}: no reader for these"),
    }
    .unwrap_or_default()
}

fn files() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/invalid");
    let mut found = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|e| e == "yaml") {
                found.push((folder.file_name().unwrap().to_string_lossy().into_owned(), file));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn each_invalid_file_gives_its_message() {
    let files = files();
    assert!(files.len() >= 25, "only {} files", files.len());
    let mut wrong = String::new();
    // What grows with the program is not what these messages are about.
    let sha256 = Profile::load("eu-core").unwrap().sha256;
    let kinds = Check::KINDS.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    for (folder, path) in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let said: String = mistakes(&folder, &path, &name)
            .iter()
            .map(|m| format!("{m}\n{}", m.help.as_ref().map(|h| format!("  help: {h}\n")).unwrap_or_default()))
            .collect();
        let said = said.replace(&sha256, "SHA256-OF-THE-CORE").replace(&kinds, "KINDS");
        let beside = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default().replace("\r\n", "\n");
        if said.is_empty() || said != expected {
            wrong += &format!("\n{folder}/{name}\n  said:     {said}\n  expected: {expected}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_message_stands_without_its_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/invalid");
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            assert!(file.with_extension("yaml").exists(), "{} has no file", file.display());
        }
    }
}
