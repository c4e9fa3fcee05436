//! Original bytes into the media folder, so that no crash leaves a half file under a final name: temporary name, synced,
//! renamed, folder synced; only then the caller writes the row.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use va_error::{Context, Error, Result};

const INCOMING: &str = ".incoming-";

/// Keeps the bytes under their name. A file that is there already is the same bytes: its name is their hash, and it got
/// its name only when it was whole.
///
/// # Errors
/// `DiskFull` or `Io` of the library's disk.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::metadata(path).is_ok_and(|m| m.len() == bytes.len() as u64) {
        return Ok(());
    }
    let cannot = || format!("cannot copy an image into the library ({})", path.display());
    let folder = path.parent().ok_or_else(|| Error::internal("BUG: media without a folder"))?;
    fs::create_dir_all(folder).with_context(cannot)?;
    let prefix = format!("{INCOMING}{}-", std::process::id());
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder).with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    file.persist(path).map_err(|error| error.error).with_context(cannot)?;
    Ok(())
}

/// Makes the names of a batch durable.
///
/// # Errors
/// `Io` of the library's disk.
pub(super) fn sync_folders(folders: &HashSet<&Path>) -> Result<()> {
    for folder in folders {
        sync_folder(folder).with_context(|| format!("cannot sync {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems keep names durable with the file.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Removes unfinished copies of processes that are gone. The library has one owner: every other process is.
pub(super) fn clear_unfinished(media: &Path) {
    let ours = format!("{INCOMING}{}-", std::process::id());
    let folders = fs::read_dir(media).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    for file in files {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(INCOMING)
            && !name.starts_with(&ours)
            && let Err(error) = fs::remove_file(file.path())
        {
            tracing::warn!("cannot remove the unfinished copy {name}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_once_and_leftovers_of_the_dead_go() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ab/abcd.jpg");
        keep(&path, b"image").unwrap();
        keep(&path, b"image").unwrap();
        let leftover = place.path().join("ab/.incoming-0-x");
        let busy = place.path().join(format!("ab/{INCOMING}{}-x", std::process::id()));
        fs::write(&leftover, b"half").unwrap();
        fs::write(&busy, b"half").unwrap();
        clear_unfinished(place.path());
        assert!(!leftover.exists() && busy.exists());
        assert_eq!(fs::read(&path).unwrap(), b"image");
        sync_folders(&HashSet::from([path.parent().unwrap()])).unwrap();
    }
}
