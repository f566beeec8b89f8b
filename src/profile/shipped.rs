//! The profiles and overlays that are part of the program.

use super::read::File;

include!(concat!(env!("OUT_DIR"), "/shipped_profiles.rs"));

/// The shipped profiles: id and files, in the order of the ids.
pub fn shipped_profiles() -> Vec<(String, Vec<File>)> {
    let mut profiles: Vec<(String, Vec<File>)> = Vec::new();
    for (path, text) in PROFILE_FILES {
        let Some(id) = path.strip_prefix("profiles/").and_then(|rest| rest.split_once('/')).map(|(id, _)| id) else { continue };
        let file = ((*path).to_owned(), (*text).to_owned());
        match profiles.iter_mut().find(|(known, _)| known == id) {
            Some((_, files)) => files.push(file),
            None => profiles.push((id.to_owned(), vec![file])),
        }
    }
    profiles
}

/// The shipped overlays: id and file, in the order of the ids. A file's name is its overlay's id.
pub fn shipped_overlays() -> Vec<(String, File)> {
    OVERLAY_FILES
        .iter()
        .filter_map(|(path, text)| {
            let id = path.rsplit('/').next()?.strip_suffix(".yaml")?;
            Some((id.to_owned(), ((*path).to_owned(), (*text).to_owned())))
        })
        .collect()
}
