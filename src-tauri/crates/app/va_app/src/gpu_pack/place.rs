//! The folder of this user's packs:
//!
//! ```text
//! pack.json      the record: which folder is the pack, written last and removed first
//! <version>-<n>/ its libraries
//! incoming/      what is being unpacked
//! download/      wheels that are whole, and parts of others
//! install.lock   held by whoever changes any of it
//! ```

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use va_engine::gpu::{IN_USE_FILE, PackRecord, RECORD_FILE};
use va_error::{Code, Context, Error, Result};

use super::manifest::Manifest;
use crate::App;

/// Space that must stay free beside the pack.
const RESERVE_BYTES: u64 = 64 << 20;
const DOWNLOAD: &str = "download";

pub(super) struct Place {
    dir: PathBuf,
}

/// Nobody else changes the packs of this user while it is held.
pub(super) struct Lock {
    _file: File,
}

impl Place {
    /// # Errors
    /// `NotFound` where this user has no home folder.
    pub fn own(app: &App) -> Result<Self> {
        let own = app.gpu_packs().own.clone();
        own.map(|dir| Self { dir })
            .ok_or_else(|| Error::not_found("this user has no home folder to install a GPU pack in"))
    }

    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A wheel that is whole, once it is there.
    pub fn wheel(&self, file: &str) -> PathBuf {
        self.dir.join(DOWNLOAD).join(file)
    }

    /// # Errors
    /// When the folder cannot be made.
    pub fn make_download_folder(&self) -> Result<()> {
        make_folder(&self.dir.join(DOWNLOAD))
    }

    /// Bytes that are here of wheels not yet installed.
    pub fn downloaded_bytes(&self, manifest: &Manifest) -> u64 {
        let here = |file: &str| {
            let wheel = self.wheel(file);
            let whole = std::fs::metadata(&wheel).ok().map(|found| found.len());
            whole.or_else(|| va_fetch::part_bytes(&wheel).map(|(there, _)| there)).unwrap_or(0)
        };
        manifest.packages.iter().map(|package| here(&package.file).min(package.size_bytes)).sum()
    }

    /// Takes the folder for a change, made where it is not there.
    ///
    /// # Errors
    /// `Conflict` while another program changes it.
    pub fn lock(&self) -> Result<Lock> {
        make_folder(&self.dir)?;
        let path = self.dir.join("install.lock");
        let cannot = || format!("cannot lock {}", path.display());
        let file = File::options().create(true).truncate(false).write(true).open(&path).with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(
                "another VisAIon program of yours is at work on the GPU pack: wait until it has ended",
            )),
            Err(TryLockError::Error(error)) => Err(Error::from(error)).with_context(cannot),
        }
    }

    /// # Errors
    /// `DiskFull` with both figures; nothing was written.
    pub fn require_space(&self, needed: u64) -> Result<()> {
        let free = fs4::available_space(&self.dir)
            .with_context(|| format!("cannot ask for the free space of {}", self.dir.display()))?;
        enough(&self.dir, needed, free)
    }

    /// The empty folder to unpack into. What an earlier install left in it is removed.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn fresh_incoming(&self, _lock: &Lock) -> Result<PathBuf> {
        let incoming = self.dir.join("incoming");
        remove_folder(&incoming)?;
        make_folder(&incoming)?;
        Ok(incoming)
    }

    /// Moves what was unpacked to a folder of its own; until [`put_record`](Self::put_record) names it, it is nothing.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn settle(&self, incoming: &Path, version: &str) -> Result<String> {
        let is_free = |name: &String| !self.dir.join(name).exists();
        let name = (1u32..).map(|n| format!("{version}-{n}")).find(is_free).unwrap_or_default();
        let to = self.dir.join(&name);
        let cannot = || format!("cannot move the GPU pack to {}", to.display());
        File::create(incoming.join(IN_USE_FILE)).and_then(|file| file.sync_all()).with_context(cannot)?;
        sync_folder(incoming).with_context(cannot)?;
        std::fs::rename(incoming, &to).with_context(cannot)?;
        sync_folder(&self.dir).with_context(cannot)?;
        Ok(name)
    }

    /// From now on this is the pack: the record appears whole or not at all.
    ///
    /// # Errors
    /// `DiskFull` or `Io`; what was the pack before still is.
    pub fn put_record(&self, record: &PackRecord) -> Result<()> {
        let cannot = || format!("cannot write the record of the GPU pack in {}", self.dir.display());
        let mut written = tempfile::NamedTempFile::new_in(&self.dir).with_context(cannot)?;
        written.write_all(&serde_json::to_vec_pretty(record)?).with_context(cannot)?;
        written.as_file().sync_all().with_context(cannot)?;
        written.persist(self.dir.join(RECORD_FILE)).map_err(|error| error.error).with_context(cannot)?;
        sync_folder(&self.dir).with_context(cannot)
    }

    /// From now on there is no pack; its files go with [`sweep`](Self::sweep).
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove_record(&self) -> Result<()> {
        let path = self.dir.join(RECORD_FILE);
        let cannot = || format!("cannot remove {}", path.display());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::from(error)).with_context(cannot),
            _ => sync_folder(&self.dir).with_context(cannot),
        }
    }

    /// # Errors
    /// When the file system refuses.
    pub fn forget_downloads(&self, _lock: &Lock) -> Result<()> {
        remove_folder(&self.dir.join(DOWNLOAD))
    }

    /// Removes folders that no record names, except those whose libraries a running program has loaded. What stays goes
    /// the next time.
    pub fn sweep(&self, _lock: &Lock) {
        let Ok(record) = PackRecord::read(&self.dir) else { return };
        let kept = |name: &str| name == DOWNLOAD || record.as_ref().is_some_and(|record| record.folder == name);
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for folder in entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()) {
            let is_kept = folder.file_name().and_then(|name| name.to_str()).is_none_or(kept);
            if is_kept || is_in_use(&folder) {
                continue;
            }
            if let Err(error) = remove_folder(&folder) {
                tracing::warn!("an old GPU pack stays until the next time: {error:#}");
            }
        }
    }
}

fn is_in_use(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(IN_USE_FILE)) else { return false };
    file.try_lock().is_err()
}

fn enough(dir: &Path, needed: u64, free: u64) -> Result<()> {
    let needed = needed.saturating_add(RESERVE_BYTES);
    if needed <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::new(
        Code::DiskFull,
        format!(
            "the GPU pack needs {} MiB on the disk of {}, and {} MiB are free: free some space and start it again",
            mib(needed),
            dir.display(),
            mib(free)
        ),
    ))
}

fn make_folder(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))
}

fn remove_folder(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(error)).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Makes names survive a power cut. Windows has no such call and needs none.
fn sync_folder(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(folder: &str) -> PackRecord {
        let file = va_engine::gpu::PackedFile { name: "lib.so".into(), size_bytes: 1, sha256: "00".repeat(32) };
        PackRecord { version: "v".into(), folder: folder.into(), files: vec![file], installed_ms: 1, damaged: vec![] }
    }

    #[test]
    fn too_little_room_says_how_much_is_missing() {
        let error = enough(Path::new("/p"), 100 << 20, 50 << 20).unwrap_err();
        assert_eq!(error.code(), Code::DiskFull);
        assert!(error.message().contains("164 MiB") && error.message().contains("50 MiB are free"), "{error}");
        assert!(enough(Path::new("/p"), 10 << 20, 80 << 20).is_ok());
        assert!(enough(Path::new("/p"), u64::MAX, 1).is_err());
    }

    #[test]
    fn one_program_at_a_time_changes_the_packs() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(&dir.path().join("pack"));
        let lock = place.lock().unwrap();
        assert_eq!(place.lock().err().unwrap().code(), Code::Conflict);
        drop(lock);
        assert!(place.lock().is_ok());
    }

    /// The program ended after the libraries were in their place and before the record was.
    #[test]
    fn a_folder_without_a_record_is_no_pack_and_goes_with_the_next_sweep() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path());
        let lock = place.lock().unwrap();
        let unpack = || {
            let incoming = place.fresh_incoming(&lock).unwrap();
            std::fs::write(incoming.join("lib.so"), "x").unwrap();
            place.settle(&incoming, "v").unwrap()
        };
        let first = unpack();
        assert_eq!((first.as_str(), PackRecord::read(dir.path()).unwrap()), ("v-1", None));
        let second = unpack();
        assert_eq!(second, "v-2", "what may be in use is not written over");
        place.put_record(&record(&second)).unwrap();
        place.make_download_folder().unwrap();
        place.sweep(&lock);
        assert!(!dir.path().join(&first).exists() && dir.path().join(&second).exists());
        assert!(dir.path().join(DOWNLOAD).exists());

        // A program has loaded the libraries: they stay as long as it runs.
        let held = File::open(dir.path().join(&second).join(IN_USE_FILE)).unwrap();
        held.lock_shared().unwrap();
        place.remove_record().unwrap();
        place.sweep(&lock);
        assert!(dir.path().join(&second).exists() && PackRecord::read(dir.path()).unwrap().is_none());
        drop(held);
        place.sweep(&lock);
        assert!(!dir.path().join(&second).exists());
    }
}
