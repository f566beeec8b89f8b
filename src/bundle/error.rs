//! What keeps a bundle from being written or read.

use std::path::{Path, PathBuf};

/// Why a bundle cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The system refused.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder already holds something else.
    #[error("{} is not empty{}", path.display(), if *earlier { " and holds an earlier bundle; --force replaces it" } else { " and is not a bundle of Probity, so nothing in it is touched" })]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// Whether it is a bundle.
        earlier: bool,
    },
    /// The path holds no bundle.
    #[error("{} is not a bundle of Probity: {why}", path.display())]
    NotABundle {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The bundle holds what no bundle holds: names that lead outside, links, too much of something.
    #[error("the bundle is refused: {0}")]
    Refused(String),
    /// A file of the bundle is missing or cannot be understood.
    #[error("the bundle's {file} is damaged: {why}")]
    Damaged {
        /// The file within the bundle.
        file: String,
        /// What is wrong.
        why: String,
    },
}

impl BundleError {
    /// Trouble with a file or folder of the system.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
    /// A file of the bundle that cannot be understood.
    pub(super) fn damaged(file: &str, why: impl std::fmt::Display) -> Self {
        Self::Damaged { file: file.to_owned(), why: why.to_string() }
    }
}
