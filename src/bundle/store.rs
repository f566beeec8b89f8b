//! The files of a bundle, in a folder or in a zip file, whoever made it.
//!
//! Names are checked and counted before any content is read; nothing is ever unpacked to disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::manifest::Sum;
use super::{BundleError, MANIFEST, RESULTS, hex};

/// The most files a bundle may have: more than the largest run makes, and what a zip file can count
/// without its 64-bit extension.
const MAX_FILES: usize = 65_000;
/// The largest file that is read into memory.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The most bytes of all files together, unpacked.
const MAX_TOTAL: u64 = 2 * 1024 * 1024 * 1024;
/// The largest zip file.
const MAX_ZIP: u64 = 1024 * 1024 * 1024;
/// The longest name.
const MAX_NAME: usize = 200;

/// Where the files are.
#[derive(Debug)]
pub(super) enum Store {
    /// A folder.
    Folder(PathBuf),
    /// A zip file; the names stand below this prefix.
    Zip(Box<Mutex<ZipArchive<BufReader<File>>>>, String),
}

/// The files of a bundle with their sizes.
#[derive(Debug)]
pub(super) struct Files {
    store: Store,
    sizes: BTreeMap<String, u64>,
}

impl Files {
    /// Opens a folder or a zip file and looks at its names.
    pub(super) fn open(path: &Path) -> Result<Self, BundleError> {
        let meta = std::fs::metadata(path).map_err(BundleError::io("cannot open", path))?;
        let files = if meta.is_dir() { Self::folder(path)? } else { Self::zip(path, meta.len())? };
        if !files.has(MANIFEST) && !files.has(RESULTS) {
            return Err(BundleError::NotABundle { path: path.to_owned(), why: format!("it has neither {MANIFEST} nor {RESULTS}") });
        }
        let total: u64 = files.sizes.values().fold(0, |sum, size| sum.saturating_add(*size));
        if total > MAX_TOTAL {
            return Err(BundleError::Refused(format!("it holds {total} bytes, more than {MAX_TOTAL}")));
        }
        Ok(files)
    }

    /// The names with their sizes.
    pub(super) fn sizes(&self) -> &BTreeMap<String, u64> {
        &self.sizes
    }
    /// Whether a file is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.sizes.contains_key(name)
    }

    /// The content of a file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::new();
        self.each_chunk(name, MAX_FILE, &mut |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }
    /// Size and SHA-256 of a file, without keeping it.
    pub(super) fn sum(&self, name: &str) -> Result<Sum, BundleError> {
        let (mut hash, mut size) = (Sha256::new(), 0u64);
        self.each_chunk(name, MAX_TOTAL, &mut |chunk| {
            hash.update(chunk);
            size += chunk.len() as u64;
        })?;
        Ok(Sum { size, sha256: hex(&hash.finalize()) })
    }

    /// Copies a file into a writer, piece by piece.
    pub(super) fn copy_to(&self, name: &str, to: &mut impl Write) -> Result<std::io::Result<()>, BundleError> {
        let mut done = Ok(());
        self.each_chunk(name, MAX_TOTAL, &mut |chunk| {
            if done.is_ok() {
                done = to.write_all(chunk);
            }
        })?;
        Ok(done)
    }

    fn each_chunk(&self, name: &str, limit: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), BundleError> {
        let Some(size) = self.sizes.get(name) else { return Err(BundleError::damaged(name, "it is missing")) };
        // A file that unpacks to more than it announced is not read to its end.
        let limit = limit.min(*size);
        match &self.store {
            Store::Folder(folder) => {
                let path = folder.join(name);
                let file = File::open(&path).map_err(BundleError::io("cannot read", &path))?;
                copy(name, file, limit, take)
            }
            Store::Zip(archive, prefix) => {
                let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                let file = archive.by_name(&format!("{prefix}{name}")).map_err(|e| BundleError::damaged(name, e))?;
                copy(name, file, limit, take)
            }
        }
    }

    fn folder(path: &Path) -> Result<Self, BundleError> {
        let mut sizes = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(below) = open.pop() {
            let folder = path.join(&below);
            for entry in std::fs::read_dir(&folder).map_err(BundleError::io("cannot list", &folder))? {
                let entry = entry.map_err(BundleError::io("cannot list", &folder))?;
                let Ok(name) = entry.file_name().into_string() else {
                    return Err(BundleError::Refused(format!("a name in {} is not UTF-8", folder.display())));
                };
                let name = format!("{below}{name}");
                check_name(&name)?;
                // Not followed: a link would lead out of the bundle.
                let meta = std::fs::symlink_metadata(entry.path()).map_err(BundleError::io("cannot read", &entry.path()))?;
                if meta.is_dir() {
                    if !below.is_empty() {
                        return Err(BundleError::Refused(format!("a folder within a folder: {name}")));
                    }
                    open.push(format!("{name}/"));
                } else if meta.is_file() {
                    sizes.insert(name, meta.len());
                } else {
                    return Err(BundleError::Refused(format!("{name} is neither a file nor a folder")));
                }
                if sizes.len() + open.len() > MAX_FILES {
                    return Err(BundleError::Refused(format!("it holds more than {MAX_FILES} files")));
                }
            }
        }
        Ok(Self { store: Store::Folder(path.to_owned()), sizes })
    }

    fn zip(path: &Path, size: u64) -> Result<Self, BundleError> {
        let not = |why: String| BundleError::NotABundle { path: path.to_owned(), why };
        if size > MAX_ZIP {
            return Err(not(format!("the file is larger than {MAX_ZIP} bytes")));
        }
        let mut file = File::open(path).map_err(BundleError::io("cannot open", path))?;
        // Before the whole directory is read into memory.
        match announced_files(&mut file, size).map_err(BundleError::io("cannot read", path))? {
            None => return Err(not("it is neither a folder nor a zip file".into())),
            Some(count) if count > MAX_FILES => return Err(BundleError::Refused(format!("it holds more than {MAX_FILES} files"))),
            Some(_) => {}
        }
        file.rewind().map_err(BundleError::io("cannot read", path))?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| not(e.to_string()))?;
        if archive.len() > MAX_FILES || archive.has_duplicate_names() {
            return Err(BundleError::Refused("too many files in the zip file, or one name twice".into()));
        }
        if archive.has_overlapping_entries().map_err(|e| not(e.to_string()))? {
            return Err(BundleError::Refused("files of the zip file overlap".into()));
        }
        let mut sizes = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|e| not(e.to_string()))?;
            let name = entry.name().map_err(|e| not(e.to_string()))?.into_owned();
            if entry.is_dir() {
                continue;
            }
            check_name(&name)?;
            if !entry.is_file() || entry.is_symlink() || entry.encrypted() {
                return Err(BundleError::Refused(format!("{name} is a link or encrypted")));
            }
            sizes.insert(name, entry.size());
        }
        let prefix = prefix(&sizes);
        let sizes = sizes.into_iter().filter_map(|(name, size)| Some((name.strip_prefix(&prefix)?.to_owned(), size))).collect();
        Ok(Self { store: Store::Zip(Box::new(Mutex::new(archive)), prefix), sizes })
    }
}

/// The folder that everything in a zip file stands in, with `/`, or nothing.
fn prefix(sizes: &BTreeMap<String, u64>) -> String {
    let Some((folder, _)) = sizes.keys().next().and_then(|name| name.split_once('/')) else { return String::new() };
    let prefix = format!("{folder}/");
    let inside = sizes.keys().all(|name| name.starts_with(&prefix));
    let bundle = [MANIFEST, RESULTS].iter().any(|name| sizes.contains_key(&format!("{prefix}{name}")));
    if inside && bundle { prefix } else { String::new() }
}

/// Refuses a name that could mean a place outside the bundle on any system.
fn check_name(name: &str) -> Result<(), BundleError> {
    let sound = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !name.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'));
    if sound { Ok(()) } else { Err(BundleError::Refused(format!("a file is named {name:?}"))) }
}

/// The count of files that the end of a zip file announces; `None` when it has no such end.
fn announced_files(file: &mut File, size: u64) -> std::io::Result<Option<usize>> {
    // The end record is 22 bytes and a comment of at most 65,535 (APPNOTE 4.3.16).
    let back = size.min(22 + 65_535);
    file.seek(SeekFrom::Start(size - back))?;
    let mut tail = Vec::new();
    file.take(back).read_to_end(&mut tail)?;
    let count = tail
        .windows(22)
        .filter_map(|w| match w {
            [b'P', b'K', 5, 6, _, _, _, _, _, _, low, high, ..] => Some(usize::from(u16::from_le_bytes([*low, *high]))),
            _ => None,
        })
        .max();
    Ok(count)
}

fn copy(name: &str, mut from: impl Read, limit: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), BundleError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0u64;
    loop {
        let read = from.read(&mut buffer).map_err(|e| BundleError::damaged(name, e))?;
        if read == 0 {
            return Ok(());
        }
        total += read as u64;
        if total > limit {
            return Err(BundleError::Refused(format!("{name} is larger than {limit} bytes")));
        }
        take(buffer.get(..read).unwrap_or_default());
    }
}
