//! Original bytes into the media folder, so that no crash leaves a half file under a final name: temporary name, synced,
//! renamed, folder synced; only then the caller writes the row.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use parking_lot::Mutex;
use tempfile::TempPath;
use va_error::{Context, Error, Result};

const INCOMING: &str = ".incoming-";

/// Files and folders that a disk is asked to sync at once, which takes it hardly longer than one.
const SYNCS: usize = 16;

/// Bytes in the media folder, under a temporary name and not synced yet. Where it is dropped, they go.
pub(super) struct Incoming {
    file: TempPath,
    path: PathBuf,
}

/// Writes the bytes that are to be kept under this name. None where they are there already: a file's name is the hash of its
/// bytes, and it got its name only when it was whole.
///
/// # Errors
/// `DiskFull` or `Io` of the library's disk.
pub(super) fn receive(path: PathBuf, bytes: &[u8]) -> Result<Option<Incoming>> {
    if fs::metadata(&path).is_ok_and(|m| m.len() == bytes.len() as u64) {
        return Ok(None);
    }
    let cannot = || format!("cannot copy an image into the library ({})", path.display());
    let folder = path.parent().ok_or_else(|| Error::internal("BUG: media without a folder"))?;
    fs::create_dir_all(folder).with_context(cannot)?;
    let prefix = format!("{INCOMING}{}-", std::process::id());
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder).with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    // Closed: a batch of open files would be more than some systems allow.
    Ok(Some(Incoming { file: file.into_temp_path(), path }))
}

/// Syncs them all and gives them their names. Those of a batch that one of them fails in may have theirs: they are whole.
///
/// # Errors
/// `DiskFull` or `Io` of the library's disk.
pub(super) fn keep(incoming: Vec<Incoming>) -> Result<()> {
    at_once(incoming, |Incoming { file, path }| {
        let cannot = || format!("cannot copy an image into the library ({})", path.display());
        File::options().write(true).open(&file).and_then(|file| file.sync_all()).with_context(cannot)?;
        file.persist(&path).map_err(|error| error.error).with_context(cannot)
    })
}

/// Makes the names of a batch durable.
///
/// # Errors
/// `Io` of the library's disk.
pub(super) fn sync_folders(folders: HashSet<&Path>) -> Result<()> {
    at_once(folders, |folder| sync_folder(folder).with_context(|| format!("cannot sync {}", folder.display())))
}

/// Does the work for all items, [`SYNCS`] at a time; after a failure no new one is begun.
fn at_once<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let items: Vec<T> = items.into_iter().collect();
    let threads = items.len().min(SYNCS);
    let queue = Mutex::new(items);
    let worker = || {
        loop {
            let Some(item) = queue.lock().pop() else { return Ok(()) };
            if let Err(error) = work(item) {
                queue.lock().clear();
                return Err(error);
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let done = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        // All of them are waited for, whatever the first one says.
        done.collect::<Vec<Result<()>>>().into_iter().collect()
    })
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
        // Twice in one batch.
        let both = [(); 2].map(|()| receive(path.clone(), b"image").unwrap().unwrap());
        assert!(!path.exists());
        keep(both.into()).unwrap();
        assert!(receive(path.clone(), b"image").unwrap().is_none());
        drop(receive(place.path().join("ab/not kept.jpg"), b"other").unwrap());
        assert_eq!(fs::read_dir(place.path().join("ab")).unwrap().count(), 1, "only what was kept is left");
        let leftover = place.path().join("ab/.incoming-0-x");
        let busy = place.path().join(format!("ab/{INCOMING}{}-x", std::process::id()));
        fs::write(&leftover, b"half").unwrap();
        fs::write(&busy, b"half").unwrap();
        clear_unfinished(place.path());
        assert!(!leftover.exists() && busy.exists());
        assert_eq!(fs::read(&path).unwrap(), b"image");
        sync_folders(HashSet::from([path.parent().unwrap()])).unwrap();
    }

    #[test]
    fn what_one_of_many_fails_at_is_told_and_the_others_end() {
        let done = std::sync::atomic::AtomicUsize::new(0);
        let failed = at_once(0..1000, |i| {
            done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if i == 500 { Err(Error::invalid("the disk is gone")) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err().message(), "the disk is gone");
        assert!(done.into_inner() < 1000);
        at_once(0..1000, |_| Ok(())).unwrap();
    }
}
