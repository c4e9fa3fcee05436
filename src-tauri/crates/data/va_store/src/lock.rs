//! One owner a library: an exclusive lock of the operating system on `library.lock`, gone with its process however
//! that ends. The file holds the owner's process id, for the message.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use va_error::{Code, Context, Error, Result};

/// Held while the library is open. Dropping it lets the next owner in.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    file: File,
}

impl OwnerLock {
    /// # Errors
    /// `LibraryLocked` with `details.pid` when another process (or another `Store` here) owns the library.
    pub(crate) fn acquire(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(owned(path, &mut file)),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        let lock = Self { file };
        lock.write_pid().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(lock)
    }

    fn write_pid(&self) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())
    }
}

fn owned(path: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    // Unreadable on Windows while locked: then the message does without.
    let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    let folder = path.parent().unwrap_or(path).display();
    let owner = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    Error::new(Code::LibraryLocked, format!("the library {folder} is already open in {owner}"))
        .with_details(serde_json::json!({ "pid": pid }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_owner_is_refused_and_told_who_owns_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.lock");
        let first = OwnerLock::acquire(&path).unwrap();
        let error = OwnerLock::acquire(&path).unwrap_err();
        assert_eq!(error.code(), Code::LibraryLocked);
        assert!(error.message().contains(&std::process::id().to_string()), "{error}");
        drop(first);
        OwnerLock::acquire(&path).unwrap();
    }

    #[test]
    fn a_lock_file_left_by_a_killed_owner_does_not_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.lock");
        std::fs::write(&path, "4294967295").unwrap();
        OwnerLock::acquire(&path).unwrap();
    }
}
