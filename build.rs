//! Embeds the shipped profiles, overlays and sample vendors, so that one file is the whole program
//! and no list of files is kept by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let all = yaml(&root, "profiles");
    let (overlays, rest): (Vec<String>, Vec<String>) = all.into_iter().partition(|p| p.starts_with("profiles/overlays/"));
    // A folder is a profile when it has a head; other folders hold data for checks.
    let (profiles, data): (Vec<String>, Vec<String>) =
        rest.into_iter().partition(|p| Path::new(p).parent().is_some_and(|folder| root.join(folder).join("profile.yaml").exists()));
    write(&out.join("shipped_data.rs"), &list("DATA_FILES", &root, &data));
    let text = format!("{}{}", list("PROFILE_FILES", &root, &profiles), list("OVERLAY_FILES", &root, &overlays));
    write(&out.join("shipped_profiles.rs"), &text);
    write(&out.join("shipped_vendors.rs"), &list("VENDOR_FILES", &root, &yaml(&root, "fixtures/vendors")));
    println!("cargo::rerun-if-changed=profiles");
    println!("cargo::rerun-if-changed=fixtures/vendors");
    println!("cargo::rerun-if-changed=build.rs");
}

/// The `.yaml` files below a folder, relative to the root with `/`, sorted.
fn yaml(root: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                open.push(name);
            } else if name.ends_with(".yaml") {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

fn list(name: &str, root: &Path, files: &[String]) -> String {
    let mut text =
        format!("/// Path from the root and text of each file, in the order of the paths.\nconst {name}: &[(&str, &str)] = &[\n");
    for file in files {
        let path = root.join(file);
        let _ = writeln!(text, "    ({file:?}, include_str!({:?})),", path.display().to_string());
    }
    text.push_str("];\n");
    text
}

fn write(path: &Path, text: &str) {
    if let Err(error) = fs::write(path, text) {
        println!("cargo::error=cannot write {}: {error}", path.display());
    }
}
