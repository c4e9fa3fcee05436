//! Where the files of a model version lie: `models/<version id>/`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use va_domain::{ModelVersion, ModelVersionId};
use va_error::{Context, Result};

/// `weights.safetensors`, `model.json` and exports of one version.
pub(crate) fn folder_of(library_dir: &Path, version: ModelVersionId) -> PathBuf {
    library_dir.join("models").join(version.to_string())
}

/// Deleted versions lie here for a while: training is expensive, disk space is not.
const DELETED: &str = "deleted";
/// Lies beside the weights of a deleted version; written when it was deleted.
pub(super) const DESCRIPTION: &str = "version.json";

/// Puts the folder of a deleted version aside, with `version.json` beside the weights, so that it can be brought back.
///
/// # Errors
/// When the file system refuses; the folder then stays where it was.
pub(crate) fn put_aside(library_dir: &Path, version: &ModelVersion) -> Result<()> {
    let folder = folder_of(library_dir, version.id);
    if !folder.exists() {
        return Ok(());
    }
    let deleted = library_dir.join("models").join(DELETED);
    std::fs::create_dir_all(&deleted).with_context(|| format!("cannot make the folder {}", deleted.display()))?;
    std::fs::write(folder.join(DESCRIPTION), serde_json::to_vec_pretty(version)?)?;
    let place = deleted.join(version.id.to_string());
    std::fs::rename(&folder, &place).with_context(|| format!("cannot move {} to {}", folder.display(), place.display()))
}

/// Removes the folders of versions that were deleted before `before`, and says how many. What cannot be removed stays.
pub(crate) fn purge_deleted(library_dir: &Path, before: SystemTime) -> u64 {
    let deleted = library_dir.join("models").join(DELETED);
    let mut removed = 0;
    for folder in std::fs::read_dir(deleted).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let at = std::fs::metadata(folder.join(DESCRIPTION)).and_then(|file| file.modified());
        if !at.is_ok_and(|at| at < before) {
            continue;
        }
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => removed += 1,
            Err(error) => tracing::warn!("cannot remove {}: {error}", folder.display()),
        }
    }
    removed
}

/// Copies `from` to `to` so that `to` is either the old file or the whole new one.
///
/// # Errors
/// When the folder cannot be made or written, or the disk is full.
pub(crate) fn copy_atomically(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write {}", to.display());
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut source = File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    std::io::copy(&mut source, file.as_file_mut()).with_context(cannot)?;
    file.as_file_mut().flush().with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    file.persist(to).map_err(|error| error.error).with_context(cannot)?;
    open_to_others(to)?;
    sync_folder(folder)
}

/// A temporary file is private (0600); a delivered one has the rights of any new file.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}

#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> Result<()> {
    Ok(())
}

/// Makes a rename survive a power cut. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_replaces_the_old_file_or_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.onnx"), dir.path().join("out/b.onnx"));
        std::fs::write(&from, b"new").unwrap();
        copy_atomically(&from, &to).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"new");
        assert!(copy_atomically(&dir.path().join("missing"), &to).is_err());
        assert_eq!(std::fs::read(&to).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), 1, "no temporary file stays");
    }
}
