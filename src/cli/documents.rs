//! What `probity check` is given: files, folders of files, and standard input.

use std::path::{Path, PathBuf};

use crate::document::Mistake;

/// Most files that are taken from folders, and the deepest folder.
const MOST_FILES: usize = 200_000;
const DEEPEST: usize = 32;

/// Endings of files that a folder is searched for.
const ENDINGS: [&str; 10] = ["json", "jsonld", "ndjson", "jsonl", "xml", "ics", "csv", "tsv", "yaml", "yml"];

/// One thing to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    /// A file, or a folder that is one data package.
    File(PathBuf),
    /// Standard input, named `-`.
    Input,
}

/// The documents that the arguments name. A folder stands for the documents in it, in the order of their
/// names; hidden files, links and the `package.json` of packages are passed over.
///
/// # Errors
/// A folder cannot be read or holds no document; standard input is named twice.
pub(super) fn documents(arguments: &[PathBuf]) -> Result<Vec<Document>, Vec<Mistake>> {
    let mut out = Vec::new();
    for path in arguments {
        if path.as_os_str() == "-" {
            if out.contains(&Document::Input) {
                return Err(vec![Mistake::new("-", "standard input can be read once only")]);
            }
            out.push(Document::Input);
        } else if path.is_dir() && !path.join("datapackage.json").is_file() {
            let before = out.len();
            folder(path, 0, &mut out)?;
            if out.len() == before {
                let help = format!("looked for files that end in {}", ENDINGS.join(", "));
                return Err(vec![Mistake::new(path.display().to_string(), "the folder holds no documents").help(help)]);
            }
        } else {
            out.push(Document::File(path.clone()));
        }
    }
    Ok(out)
}

fn folder(path: &Path, depth: usize, out: &mut Vec<Document>) -> Result<(), Vec<Mistake>> {
    let wrong = |why: String| vec![Mistake::new(path.display().to_string(), why)];
    let entries = std::fs::read_dir(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let mut entries: Vec<std::fs::DirEntry> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (name, inner) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let Ok(kind) = entry.file_type() else { continue };
        if name.starts_with('.') || name == "package.json" {
            continue;
        }
        if kind.is_dir() && depth < DEEPEST {
            folder(&inner, depth + 1, out)?;
        } else if kind.is_file() && inner.extension().is_some_and(|e| ENDINGS.iter().any(|wanted| e.eq_ignore_ascii_case(wanted))) {
            if out.len() >= MOST_FILES {
                return Err(wrong(format!("more than {MOST_FILES} documents")));
            }
            out.push(Document::File(inner));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_input_is_read_once() {
        let root = std::env::temp_dir().join(format!("probity-documents-{}", std::process::id()));
        std::fs::create_dir_all(root.join("inner")).unwrap();
        for name in ["b.json", "a.xml", "c.bin", ".hidden.json", "package.json", "inner/d.ndjson"] {
            std::fs::write(root.join(name), "{}").unwrap();
        }
        let found = documents(&[root.clone(), PathBuf::from("-")]).unwrap();
        let wanted = ["a.xml", "b.json", "inner/d.ndjson"].map(|n| Document::File(root.join(n)));
        assert_eq!(found, [wanted.as_slice(), &[Document::Input]].concat());
        assert!(documents(&[PathBuf::from("-"), PathBuf::from("-")]).is_err());
        std::fs::create_dir_all(root.join("empty")).unwrap();
        assert!(documents(&[root.join("empty")]).is_err());
        // One data package is one document.
        std::fs::write(root.join("datapackage.json"), "{}").unwrap();
        assert_eq!(documents(std::slice::from_ref(&root)).unwrap(), [Document::File(root.clone())]);
        std::fs::remove_dir_all(root).unwrap();
    }
}
