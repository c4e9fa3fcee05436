//! GPU packs: where an installer puts them, and whether one is whole. A pack folder holds its record, `pack.json`, written
//! last, and the folder of libraries that the record names; anything else in it is unfinished, and never used.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use va_error::{Context, Error, Result};

/// In a pack folder; without it there is no pack.
pub const RECORD_FILE: &str = "pack.json";
/// Beside the libraries; whoever has loaded them holds a shared lock on it.
pub const IN_USE_FILE: &str = ".in-use";

/// A record is a few kilobytes; anything larger is none of ours.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// Folders that may hold a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackFolders {
    /// Came with the program; None where nobody knows where that lies. Looked into first; also for libraries that somebody
    /// put there without a record.
    pub beside: Option<PathBuf>,
    /// Where this user's packs are installed; None where there is no home folder.
    pub own: Option<PathBuf>,
}

/// What an installer says of a pack when everything else is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRecord {
    pub version: String,
    /// Of the libraries, inside the pack folder.
    pub folder: String,
    pub files: Vec<PackedFile>,
    pub installed_ms: i64,
    /// Files that were found to be other than they should be; a pack with one is not used.
    #[serde(default)]
    pub damaged: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedFile {
    pub name: String,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

impl PackFolders {
    /// `gpu-pack` beside the program, and in the folder for this user's data.
    pub fn usual() -> Self {
        let exe = std::env::current_exe().ok();
        let beside = exe.and_then(|exe| exe.parent().map(|dir| dir.join("gpu-pack")));
        Self { beside, own: user_data().map(|dir| dir.join("gpu-pack")) }
    }

    /// All of them, in the order in which they are looked into.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        self.beside.iter().chain(&self.own).map(PathBuf::as_path)
    }

    /// Folders of libraries: those of whole packs, then the folder beside the program itself.
    pub(super) fn libraries(&self) -> Vec<PathBuf> {
        let whole = |pack: &Path| {
            let record = PackRecord::read(pack).ok().flatten()?;
            record.faults(pack).is_empty().then(|| pack.join(&record.folder))
        };
        self.all().filter_map(whole).chain(self.beside.clone()).collect()
    }
}

impl PackRecord {
    /// The record of a pack folder; None without one.
    ///
    /// # Errors
    /// `InvalidInput` when it is damaged.
    pub fn read(pack: &Path) -> Result<Option<Self>> {
        let path = pack.join(RECORD_FILE);
        let damaged = || format!("the record {} is damaged", path.display());
        match std::fs::metadata(&path) {
            Err(_) => return Ok(None),
            Ok(found) if !found.is_file() || found.len() > MAX_RECORD_BYTES => return Err(Error::invalid(damaged())),
            Ok(_) => {}
        }
        let bytes = std::fs::read(&path).with_context(damaged)?;
        let record: Self = serde_json::from_slice(&bytes).map_err(|e| Error::invalid(damaged()).with_source(e))?;
        let names = record.files.iter().map(|file| &file.name).chain([&record.folder]);
        if record.files.is_empty() || !names.into_iter().all(|name| is_plain_name(name)) {
            return Err(Error::invalid(damaged()));
        }
        Ok(Some(record))
    }

    /// Files that are known to be damaged, that are missing, or that have another size. What they hold is not read: that
    /// takes a while, and is what a verification does.
    pub fn faults(&self, pack: &Path) -> Vec<String> {
        let folder = pack.join(&self.folder);
        let is_there = |file: &PackedFile| {
            std::fs::symlink_metadata(folder.join(&file.name))
                .is_ok_and(|found| found.is_file() && found.len() == file.size_bytes)
        };
        let bad = |file: &&PackedFile| self.damaged.contains(&file.name) || !is_there(file);
        self.files.iter().filter(bad).map(|file| file.name.clone()).collect()
    }
}

/// A name of one file or folder, and nothing that leads elsewhere.
pub fn is_plain_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (1..=200).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed)
}

/// Says that the library's pack is in use until this program ends, so that nobody removes what is still to be opened.
pub(super) fn hold(library: &Path) {
    let Some(file) = library.parent().and_then(|folder| File::open(folder.join(IN_USE_FILE)).ok()) else { return };
    if file.lock_shared().is_ok() {
        std::mem::forget(file);
    }
}

/// Where the system keeps this program's data for this user; None where there is no home folder.
pub fn user_data() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return variable("LOCALAPPDATA").map(|dir| dir.join("VisAIon"));
    }
    // A relative XDG_DATA_HOME is to be ignored, says its specification.
    let named = variable("XDG_DATA_HOME").filter(|dir| dir.is_absolute());
    named.or_else(|| variable("HOME").map(|home| home.join(".local/share"))).map(|dir| dir.join("visaion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(folder: &str, size_bytes: u64) -> PackRecord {
        let file = PackedFile { name: "libx.so.1".into(), size_bytes, sha256: "00".repeat(32) };
        PackRecord {
            version: "1".into(),
            folder: folder.into(),
            files: vec![file],
            installed_ms: 0,
            damaged: Vec::new(),
        }
    }

    fn write(pack: &Path, record: &PackRecord) {
        std::fs::write(pack.join(RECORD_FILE), serde_json::to_vec(record).unwrap()).unwrap();
    }

    #[test]
    fn only_a_whole_pack_is_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let folders = PackFolders { beside: None, own: Some(dir.path().to_owned()) };
        let libraries = dir.path().join("one");
        std::fs::create_dir(&libraries).unwrap();
        std::fs::write(libraries.join("libx.so.1"), b"1234").unwrap();
        assert!(folders.libraries().is_empty(), "everything but the record");
        write(dir.path(), &record("one", 4));
        assert_eq!(folders.libraries(), [libraries]);

        write(dir.path(), &record("one", 5));
        assert!(folders.libraries().is_empty(), "another size");
        assert_eq!(record("one", 5).faults(dir.path()), ["libx.so.1"]);
        write(dir.path(), &PackRecord { damaged: vec!["libx.so.1".into()], ..record("one", 4) });
        assert!(folders.libraries().is_empty(), "known to be damaged");
        std::fs::write(dir.path().join(RECORD_FILE), "{").unwrap();
        assert!(folders.libraries().is_empty() && PackRecord::read(dir.path()).is_err());
    }

    #[test]
    fn a_record_names_nothing_outside_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["", ".", "..", "../x", "/etc", "a/b", "a\\b", ".hidden"] {
            write(dir.path(), &record(folder, 4));
            assert!(PackRecord::read(dir.path()).is_err(), "{folder}");
        }
    }
}
