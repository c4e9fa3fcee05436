//! The folder `weights` of a library.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use va_domain::{JobId, Weights, WeightsState};
use va_error::{Context, Result};

use crate::App;

/// A record is a few hundred bytes; anything larger is none of ours.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// Where weights lie in a library.
pub(super) struct Place {
    dir: PathBuf,
}

/// An installed file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub name: String,
    pub arch: String,
    pub sha256: String,
    pub size_bytes: u64,
    pub licence: Option<String>,
    pub source_url: Option<String>,
    /// The publisher's hash was there to compare with.
    pub is_hash_published: bool,
    pub image_size_px: Option<u32>,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub class_count: Option<u32>,
    pub installed_ms: i64,
}

impl Record {
    pub fn weights(&self) -> Weights {
        let record = self.clone();
        Weights {
            name: record.name,
            arch: record.arch,
            source_url: record.source_url,
            licence: record.licence,
            size_bytes: Some(record.size_bytes),
            sha256: Some(record.sha256),
            is_hash_published: record.is_hash_published,
            image_size_px: record.image_size_px,
            mean: record.mean,
            std: record.std,
            state: WeightsState::Installed,
            downloaded_bytes: 0,
            job_id: None,
            class_count: record.class_count,
            installed_ms: Some(record.installed_ms),
        }
    }
}

impl Place {
    pub fn of(app: &App) -> Self {
        Self { dir: app.library_dir().join("weights") }
    }

    /// An installed file.
    pub fn file(&self, sha256: &str) -> PathBuf {
        self.dir.join(format!("{sha256}.weights"))
    }

    /// Where a download of the catalogue entry goes before it is looked at.
    pub fn download(&self, name: &str) -> PathBuf {
        self.dir.join("download").join(name)
    }

    /// Where an install copies to before the file is looked at; the same again when the job goes on after a kill.
    pub fn incoming(&self, job: JobId) -> PathBuf {
        self.dir.join(format!("incoming-{job}"))
    }

    /// More entries for the catalogue, of this library.
    pub fn catalogue(&self) -> PathBuf {
        self.dir.join("catalogue.json")
    }

    /// Every installed file. What is damaged or lacks its file is not installed.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn records(&self) -> Result<Vec<Record>> {
        if !self.dir.is_dir() {
            return Ok(Vec::new());
        }
        let entries =
            std::fs::read_dir(&self.dir).with_context(|| format!("cannot read the folder {}", self.dir.display()))?;
        let mut records: Vec<Record> = entries.flatten().filter_map(|entry| self.record_at(&entry.path())).collect();
        records.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(records)
    }

    fn record_at(&self, path: &Path) -> Option<Record> {
        let sha256 = path.file_name()?.to_str()?.strip_suffix(".json")?;
        if sha256.len() != 64 || std::fs::metadata(path).ok()?.len() > MAX_RECORD_BYTES {
            return None;
        }
        match serde_json::from_slice::<Record>(&std::fs::read(path).ok()?) {
            Ok(record) if record.sha256 == sha256 && self.file(sha256).is_file() => Some(record),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!("the record {} is damaged: {error}", path.display());
                None
            }
        }
    }

    /// Moves `from`, which lies in this folder or below, to its place and writes its record; both are then on the disk.
    ///
    /// # Errors
    /// `DiskFull` or `Io`; without a record nothing is installed.
    pub fn put(&self, from: &Path, record: &Record) -> Result<()> {
        let cannot = || format!("cannot install the weights in {}", self.dir.display());
        let file = self.file(&record.sha256);
        std::fs::File::open(from).and_then(|file| file.sync_all()).with_context(cannot)?;
        std::fs::rename(from, &file).with_context(cannot)?;
        let mut written = tempfile::NamedTempFile::new_in(&self.dir).with_context(cannot)?;
        written.write_all(&serde_json::to_vec_pretty(record)?).with_context(cannot)?;
        written.as_file().sync_all().with_context(cannot)?;
        written.persist(self.record(&record.sha256)).map_err(|error| error.error).with_context(cannot)?;
        // Makes the renames durable; Windows has no such call and needs none.
        if cfg!(unix) {
            std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all()).with_context(cannot)?;
        }
        Ok(())
    }

    /// First the record: a file without one is not installed.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, sha256: &str) -> Result<()> {
        for path in [self.record(sha256), self.file(sha256)] {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn record(&self, sha256: &str) -> PathBuf {
        self.dir.join(format!("{sha256}.json"))
    }
}
