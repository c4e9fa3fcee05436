//! The folder of a library.

use std::path::{Path, PathBuf};

use va_domain::MediaHash;

/// Where things lie in a library:
///
/// ```text
/// library.sqlite          the truth
/// library.lock            the owner's lock and process id
/// media/ab/abcdef….jpg    original bytes by BLAKE3, immutable
/// models/<version>/       weights and exports
/// weights/                pretrained weights by SHA-256, each with its record; catalogue.json adds to the catalogue
/// cache.sqlite, cache/    thumbnails, tiles, features: may be deleted at any time
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn database(&self) -> PathBuf {
        self.root.join("library.sqlite")
    }

    pub fn lock_file(&self) -> PathBuf {
        self.root.join("library.lock")
    }

    pub fn media_dir(&self) -> PathBuf {
        self.root.join("media")
    }

    pub fn models_dir(&self) -> PathBuf {
        self.root.join("models")
    }

    pub fn cache_dir(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// `media/ab/abcdef….jpg`: the first two digits of the hash keep folders small.
    pub fn media_path(&self, hash: &MediaHash, extension: &str) -> PathBuf {
        let name = hash.as_str();
        let folder = name.get(..2).unwrap_or("00");
        self.media_dir().join(folder).join(format!("{name}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_lie_in_folders_by_their_first_two_digits() {
        let hash = MediaHash::of(b"x");
        let path = Library::new("/l").media_path(&hash, "jpg");
        assert_eq!(path, Path::new("/l/media").join(&hash.as_str()[..2]).join(format!("{hash}.jpg")));
    }
}
