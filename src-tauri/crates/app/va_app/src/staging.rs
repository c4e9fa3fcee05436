//! Files a browser sends: kept in a folder of their own under the library's cache until they are imported.
//!
//! Names come from outside: they never leave that folder, whatever they say.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use uuid::Uuid;
use va_error::{Code, Context, Error, Result};
use va_formats::safe_component;

use crate::{App, import};

const MAX_FILES: u64 = 100_000;
const MAX_BYTES: u64 = 64 << 30;
const MAX_DEPTH: usize = 16;
/// An upload that nobody imported.
const OLD: Duration = Duration::from_secs(24 * 3600);

/// An upload being received.
pub struct Upload {
    /// What the client gets, and names in the import.
    pub id: String,
    folder: PathBuf,
    files: u64,
    bytes: Arc<AtomicU64>,
}

/// One file being received; without [`StagedFile::finish`] it is removed again.
pub struct StagedFile {
    file: Option<File>,
    path: PathBuf,
    bytes: Arc<AtomicU64>,
}

/// Opens a new upload, and clears away forgotten ones.
///
/// # Errors
/// `Io` or `DiskFull` when the folder cannot be made.
pub fn begin(app: &App) -> Result<Upload> {
    let uploads = uploads_dir(app.library_dir());
    clean(app);
    begin_in(&uploads)
}

/// The folder of a received upload.
///
/// # Errors
/// `NotFound` when there is none of this id.
pub fn folder(app: &App, upload_id: &str) -> Result<PathBuf> {
    folder_in(&uploads_dir(app.library_dir()), upload_id)
}

/// The one file of an upload.
///
/// # Errors
/// `NotFound` when there is none of this id, `InvalidInput` when it holds another number of files than one.
pub fn only_file(app: &App, upload_id: &str) -> Result<PathBuf> {
    let mut folder = folder(app, upload_id)?;
    loop {
        let entries: Vec<PathBuf> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        match &entries[..] {
            [one] if one.is_dir() => folder.clone_from(one),
            [one] => return Ok(one.clone()),
            _ => return Err(Error::invalid("the upload must hold exactly one file here; import takes several")),
        }
    }
}

/// Removes an upload.
///
/// # Errors
/// `NotFound`, or `Io` when it cannot be removed.
pub fn discard(app: &App, upload_id: &str) -> Result<()> {
    let folder = folder(app, upload_id)?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Removes an upload that was used, unless a job still has to read it. What cannot be removed goes in a day.
pub fn release(app: &App, upload_id: &str) {
    let named = |in_use: HashSet<Uuid>| Uuid::parse_str(upload_id).is_ok_and(|id| in_use.contains(&id));
    let removed = import::uploads_in_use(app).and_then(|in_use| match named(in_use) {
        true => Ok(()),
        false => discard(app, upload_id),
    });
    match removed {
        Err(error) if error.code() != Code::NotFound => tracing::warn!("a used upload stays for a day: {error:#}"),
        _ => {}
    }
}

/// Removes uploads older than a day that no unfinished job names. What cannot be removed stays for the next time.
pub fn clean(app: &App) {
    match import::uploads_in_use(app) {
        Ok(in_use) => clean_in(&uploads_dir(app.library_dir()), SystemTime::now(), &in_use),
        Err(error) => tracing::warn!("old uploads stay, because the jobs cannot be read: {error:#}"),
    }
}

fn uploads_dir(library: &Path) -> PathBuf {
    library.join("cache").join("uploads")
}

fn begin_in(uploads: &Path) -> Result<Upload> {
    let id = Uuid::now_v7().to_string();
    let folder = uploads.join(&id);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(Upload { id, folder, files: 0, bytes: Arc::default() })
}

fn folder_in(uploads: &Path, upload_id: &str) -> Result<PathBuf> {
    let unknown =
        || Error::not_found("there is no upload of this id; it may have been imported or cleared: send it again");
    let id = Uuid::parse_str(upload_id).map_err(|_| unknown())?;
    let folder = uploads.join(id.to_string());
    if folder.is_dir() { Ok(folder) } else { Err(unknown()) }
}

fn clean_in(uploads: &Path, now: SystemTime, in_use: &HashSet<Uuid>) {
    let Ok(entries) = fs::read_dir(uploads) else { return };
    for entry in entries.flatten() {
        let id = entry.file_name().to_str().and_then(|name| Uuid::parse_str(name).ok());
        if id.is_some_and(|id| in_use.contains(&id)) {
            continue;
        }
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| now.duration_since(at).ok());
        if age.is_some_and(|age| age > OLD)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!("cannot remove an old upload: {error}");
        }
    }
}

impl Upload {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens a file of the upload. `name` may have folders (`cats/1.jpg`, as browsers send them); a name that is taken gets
    /// a number.
    ///
    /// # Errors
    /// `InvalidInput` for a name that leads out of its folder or is empty, `TooLarge` beyond the number of files.
    pub fn file(&mut self, name: &str) -> Result<StagedFile> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(Error::new(
                Code::TooLarge,
                format!("an upload takes at most {MAX_FILES} files: send it in parts"),
            ));
        }
        let below = safe_relative(name)?;
        let wanted = self.folder.join(&below);
        if let Some(parent) = wanted.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make the folder of {name:?}"))?;
        }
        let (file, path) = create_free(&wanted).with_context(|| format!("cannot keep the uploaded file {name:?}"))?;
        Ok(StagedFile { file: Some(file), path, bytes: Arc::clone(&self.bytes) })
    }
}

/// The path below the upload's folder: every part made safe, none leading up.
fn safe_relative(name: &str) -> Result<PathBuf> {
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") || parts.len() > MAX_DEPTH {
        return Err(Error::invalid(format!("{name:?} is not a name for an uploaded file")));
    }
    Ok(parts.into_iter().map(safe_component).collect())
}

fn create_free(wanted: &Path) -> io::Result<(File, PathBuf)> {
    let stem = wanted.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = wanted.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    let mut path = wanted.to_owned();
    for number in 2.. {
        match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = wanted.with_file_name(format!("{stem} ({number}){extension}"));
            }
            other => return other.map(|file| (file, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

impl StagedFile {
    /// Keeps the file.
    ///
    /// # Errors
    /// `Io` or `DiskFull` when its last bytes cannot be written.
    pub fn finish(mut self) -> Result<()> {
        if let Some(mut file) = self.file.take() {
            file.flush().with_context(|| format!("cannot write {}", self.path.display()))?;
        }
        Ok(())
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if before + bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the upload is larger than 64 GiB: send it in parts",
            ));
        }
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // A half-received file must not look like an image; the upload's folder goes in the end anyway.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(upload: &mut Upload, name: &str, bytes: &[u8]) {
        let mut file = upload.file(name).unwrap();
        file.write_all(bytes).unwrap();
        file.finish().unwrap();
    }

    #[test]
    fn folders_in_names_are_kept_and_names_taken_get_a_number() {
        let place = tempfile::tempdir().unwrap();
        let mut upload = begin_in(place.path()).unwrap();
        put(&mut upload, "cats/1.jpg", b"a");
        put(&mut upload, "cats\\1.jpg", b"b");
        put(&mut upload, "/etc/passwd", b"c");
        let folder = folder_in(place.path(), &upload.id).unwrap();
        assert_eq!(fs::read(folder.join("cats/1.jpg")).unwrap(), b"a");
        assert_eq!(fs::read(folder.join("cats/1 (2).jpg")).unwrap(), b"b");
        assert_eq!(fs::read(folder.join("etc/passwd")).unwrap(), b"c");
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let mut upload = begin_in(place.path()).unwrap();
        for name in ["../x.jpg", "a/../../x", "..", "", "/", "a\\..\\b", &"d/".repeat(40)] {
            assert_eq!(upload.file(name).err().unwrap().code(), Code::InvalidInput, "{name:?}");
        }
        for id in ["../..", "", "nothing", "0199f000-0000-7000-8000-000000000000"] {
            assert_eq!(folder_in(place.path(), id).unwrap_err().code(), Code::NotFound, "{id:?}");
        }
    }

    #[test]
    fn a_file_cut_off_is_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let mut upload = begin_in(place.path()).unwrap();
        let mut file = upload.file("1.jpg").unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(upload.folder()).unwrap().count(), 0);
    }

    #[test]
    fn forgotten_uploads_go_after_a_day() {
        let place = tempfile::tempdir().unwrap();
        let (upload, waiting) = (begin_in(place.path()).unwrap(), begin_in(place.path()).unwrap());
        let in_use = HashSet::from([Uuid::parse_str(&waiting.id).unwrap()]);
        clean_in(place.path(), SystemTime::now(), &in_use);
        assert!(folder_in(place.path(), &upload.id).is_ok());
        clean_in(place.path(), SystemTime::now() + OLD + Duration::from_secs(60), &in_use);
        assert!(folder_in(place.path(), &upload.id).is_err());
        assert!(folder_in(place.path(), &waiting.id).is_ok(), "an import that waits still needs it");
    }

    proptest! {
        #[test]
        fn whatever_the_name_it_stays_inside(name in "\\PC{0,60}") {
            let place = tempfile::tempdir().unwrap();
            let mut upload = begin_in(place.path()).unwrap();
            if let Ok(file) = upload.file(&name) {
                let real = file.path.canonicalize().unwrap();
                prop_assert!(real.starts_with(upload.folder().canonicalize().unwrap()));
            }
        }
    }
}
