//! The unfinished file `<name>.part`, and beside it `<name>.part.json`: where it came from, and how much of it is surely
//! on the disk.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use va_error::{Context, Error, Result};

use crate::head::Validator;
use crate::sha256::hex;

/// What is written is synced, and noted, at least this often; more is fetched again after a power cut.
const SYNC_BYTES: u64 = 8 << 20;
const SYNC_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Noted {
    url: String,
    validator: Validator,
    total_bytes: Option<u64>,
    /// Of the part, surely on the disk.
    synced_bytes: u64,
}

/// An unfinished file that is being written, with the hash of what it holds.
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    hash: Sha256,
    len: u64,
    noted: Noted,
    synced: Instant,
}

pub(crate) fn part_path(to: &Path) -> PathBuf {
    with_suffix(to, ".part")
}

fn note_path(to: &Path) -> PathBuf {
    with_suffix(to, ".json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Part {
    /// Takes up what an earlier download of `url` to `to` left, or begins with nothing.
    ///
    /// # Errors
    /// When the file cannot be made or read.
    pub fn open(to: &Path, url: &str) -> Result<Self> {
        let path = part_path(to);
        let folder = to.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let cannot = || format!("cannot write {}", path.display());
        let noted = read_note(&note_path(&path)).filter(|noted| noted.url == url).unwrap_or_default();
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).with_context(cannot)?;
        let kept = file.metadata().with_context(cannot)?.len().min(noted.synced_bytes);
        file.set_len(kept).with_context(cannot)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut buffer).with_context(cannot)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
        }
        let noted = Noted { url: url.to_owned(), ..noted };
        Ok(Self { path, file, hash, len: kept, noted, synced: Instant::now() })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Of the whole file, as the server said.
    pub fn total_bytes(&self) -> Option<u64> {
        self.noted.total_bytes
    }

    /// Every byte that the server announced is there.
    pub fn is_whole(&self) -> bool {
        self.len > 0 && self.noted.total_bytes == Some(self.len)
    }

    pub fn validator(&self) -> &Validator {
        &self.noted.validator
    }

    /// Forgets what is there and begins the file that the server has now.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn begin(&mut self, validator: Validator, total_bytes: Option<u64>) -> Result<()> {
        // First the bytes, then the note: an old part never stands beside a new note.
        self.file.set_len(0).with_context(|| self.cannot())?;
        self.file.seek(SeekFrom::Start(0)).with_context(|| self.cannot())?;
        self.hash = Sha256::new();
        self.len = 0;
        self.noted.validator = validator;
        self.noted.total_bytes = total_bytes;
        self.sync()
    }

    /// # Errors
    /// `DiskFull` or `Io`; what was synced stays.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).with_context(|| self.cannot())?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        if self.len - self.noted.synced_bytes >= SYNC_BYTES || self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes sure that what is there stays there.
    ///
    /// # Errors
    /// `DiskFull` or `Io`.
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_data().with_context(|| self.cannot())?;
        self.noted.synced_bytes = self.len;
        self.synced = Instant::now();
        let note = serde_json::to_vec(&self.noted)?;
        std::fs::write(note_path(&self.path), note).with_context(|| self.cannot())
    }

    /// Lower-case SHA-256 of what is there.
    pub fn sha256(&self) -> String {
        hex(self.hash.clone())
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// `DiskFull` or `Io`; the part stays.
    pub fn finish(self, to: &Path) -> Result<()> {
        self.file.sync_all().with_context(|| self.cannot())?;
        std::fs::rename(&self.path, to).with_context(|| format!("cannot move the download to {}", to.display()))?;
        sync_folder(to).with_context(|| format!("cannot keep {}", to.display()))?;
        remove(&note_path(&self.path))
    }

    /// Removes the part: it is not the file that was wanted.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(self) -> Result<()> {
        drop(self.file);
        remove(&self.path)?;
        remove(&note_path(&self.path))
    }

    fn cannot(&self) -> String {
        format!("cannot write {}", self.path.display())
    }
}

/// Bytes of an unfinished download to `to`: what is there, and of how many if known.
pub(crate) fn noted_bytes(to: &Path) -> Option<(u64, Option<u64>)> {
    let part = part_path(to);
    let len = std::fs::metadata(&part).ok()?.len();
    let noted = read_note(&note_path(&part))?;
    let there = len.min(noted.synced_bytes);
    (there > 0).then_some((there, noted.total_bytes))
}

/// Removes an unfinished download to `to`, if there is one.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn forget(to: &Path) -> Result<()> {
    let part = part_path(to);
    remove(&part)?;
    remove(&note_path(&part))
}

fn read_note(path: &Path) -> Option<Noted> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(error)).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Makes a rename survive a power cut. Windows has no such call and needs none.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
