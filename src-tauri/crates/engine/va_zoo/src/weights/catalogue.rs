//! The catalogue of published weights, and taking a downloaded file into a folder after checking it. Nothing here goes
//! to the network: a person brings the file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use va_error::{Context, Error, Result};

use super::file::{parse_weights, read_weights};
use super::fit::fit_weights;
use crate::registry::{arch, build};

const CATALOGUE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../assets/weights.json"));

/// Published weights of an architecture.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedWeights {
    /// `arch.tag`, as in timm.
    pub name: String,
    pub arch: String,
    pub source_url: String,
    pub licence: String,
    /// Where it is known for certain.
    pub size_bytes: Option<u64>,
    /// Lower-case hex, where it is known for certain.
    pub sha256: Option<String>,
    /// The first digits of it, where the publisher put them into the file's name.
    pub sha256_prefix: Option<String>,
    /// Side of the images they were trained on, in pixels.
    pub image_size_px: u32,
    /// Normalisation of the images they were trained on.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

/// Weights that lie in a folder of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledWeights {
    pub path: PathBuf,
    pub sha256: String,
    pub size_bytes: u64,
    /// Whether the catalogue knew a hash to compare with, whole or in part.
    pub is_hash_known: bool,
}

/// All entries of the catalogue.
pub fn published_weights() -> &'static [PublishedWeights] {
    static ENTRIES: OnceLock<Vec<PublishedWeights>> = OnceLock::new();
    ENTRIES.get_or_init(|| serde_json::from_str(CATALOGUE).expect("BUG: the catalogue is part of the program"))
}

/// Checks `file` against the catalogue entry (size and hash where known, every weight of the architecture at 1,000
/// classes in any case) and copies it into `folder` as `<name>.weights`, whole or not at all.
///
/// # Errors
/// `InvalidInput` when it is not the file of this entry; as [`read_weights`] when it cannot be read; `Io` or `DiskFull`
/// when it cannot be written, nothing is left then.
pub fn install_weights(entry: &PublishedWeights, file: &Path, folder: &Path) -> Result<InstalledWeights> {
    // The reader's limits on size come first.
    read_weights(file)?;
    let bytes = std::fs::read(file)?;
    let (size_bytes, sha256) = (bytes.len() as u64, hex(&bytes));
    let prefix = entry.sha256.as_ref().or(entry.sha256_prefix.as_ref());
    let is_other_size = entry.size_bytes.is_some_and(|size| size != size_bytes);
    if is_other_size || prefix.is_some_and(|prefix| !sha256.starts_with(prefix)) {
        return Err(Error::invalid(format!(
            "{} is not the published file of {}: it has {size_bytes} bytes and SHA-256 {sha256}",
            file.display(),
            entry.name
        )));
    }
    let architecture = arch(&entry.arch)?;
    let graph = build(&entry.arch, 1000, architecture.default_image_size, 3)?;
    let (_, report) = fit_weights(&graph, architecture.head, parse_weights(&bytes)?)?;
    if let Some(first) = report.new.first() {
        return Err(Error::invalid(format!("the file lacks `{first}`: it is not the published one of {}", entry.name)));
    }
    let path = folder.join(format!("{}.weights", entry.name));
    write_whole(&path, &bytes).with_context(|| format!("cannot install the weights in {}", folder.display()))?;
    Ok(InstalledWeights { path, sha256, size_bytes, is_hash_known: prefix.is_some() })
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let write = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        // Makes the rename durable; Windows has no such call and needs none.
        if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
    };
    let written = write();
    if written.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
