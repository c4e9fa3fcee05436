//! A ZIP file that may be hostile: every entry is judged before one is taken out, and each is taken out under a name and
//! up to a size that are ours, not the archive's.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use va_error::{Context, Error, Result};
use zip::ZipArchive;

/// NVIDIA's largest wheel has some hundred entries.
const MAX_ENTRIES: usize = 20_000;
const BLOCK_BYTES: usize = 1 << 20;
/// Of a Unix mode: which kind of file.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    title: String,
    pub files: Vec<Entry>,
}

/// A file in the archive.
pub(super) struct Entry {
    index: usize,
    /// With folders, separated by `/`.
    pub path: String,
    /// As the archive says.
    pub size_bytes: u64,
}

impl Entry {
    /// Its last part.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl Archive {
    /// Reads the list of entries, not what they hold.
    ///
    /// # Errors
    /// `InvalidInput` when it is no ZIP file, is damaged, or holds anything but plain files and folders below its root:
    /// names that lead out of it, links, devices, encrypted, doubled or overlapping entries.
    pub fn open(path: &Path) -> Result<Self> {
        let title = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged = |error| Error::invalid(format!("{title} is not a ZIP file, or is damaged")).with_source(error);
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        if zip.len() > MAX_ENTRIES {
            return Err(Error::invalid(format!("{title} holds {} entries: it is no GPU pack", zip.len())));
        }
        if zip.has_duplicate_names() || zip.has_overlapping_files().map_err(damaged)? {
            return Err(refused(&title, "entries that stand there twice, or over one another"));
        }
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(damaged)?;
            let path = entry.name().map_err(damaged)?.into_owned();
            if !is_below_root(&path) {
                return Err(refused(&title, &format!("the path `{}`", path.escape_debug())));
            }
            let kind = entry.unix_mode().map_or(REGULAR, |mode| mode & KIND);
            if entry.is_symlink() || entry.encrypted() || !(entry.is_dir() || matches!(kind, 0 | REGULAR)) {
                return Err(refused(&title, &format!("`{path}`, which is no plain file")));
            }
            if entry.is_file() {
                files.push(Entry { index, path, size_bytes: entry.size() });
            }
        }
        Ok(Self { zip, title, files })
    }

    /// The file at `path` in the archive.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.files.iter().position(|file| file.path == path)
    }

    /// Writes one of `files` to `to`, which must have `size_bytes`, and waits until it is on the disk. `each` hears the
    /// bytes so far and may end it.
    ///
    /// # Errors
    /// `InvalidInput` when it has another size than said, or is damaged; `Io`, `DiskFull`, and what `each` says.
    pub fn extract(
        &mut self,
        at: usize,
        size_bytes: u64,
        to: &Path,
        mut each: impl FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let entry = &self.files[at];
        let (title, path) = (&self.title, &entry.path);
        let wrong =
            || Error::invalid(format!("{path} in {title} has another size than the {size_bytes} bytes it should"));
        if entry.size_bytes != size_bytes {
            return Err(wrong());
        }
        let damaged = || format!("{path} in {title} is damaged");
        let mut from = self.zip.by_index(entry.index).map_err(|e| Error::invalid(damaged()).with_source(e))?;
        let cannot = || format!("cannot write {}", to.display());
        let mut target = File::create_new(to).with_context(cannot)?;
        let (mut done, mut block) = (0, vec![0; BLOCK_BYTES]);
        loop {
            let read = from.read(&mut block).map_err(|e| Error::invalid(damaged()).with_source(e))?;
            done += read as u64;
            // A bomb says a small size and never ends.
            if done > size_bytes || (read == 0 && done < size_bytes) {
                return Err(wrong());
            }
            if read == 0 {
                break;
            }
            target.write_all(&block[..read]).with_context(cannot)?;
            each(done)?;
        }
        target.sync_all().with_context(cannot)
    }
}

fn refused(title: &str, what: &str) -> Error {
    Error::invalid(format!("{title} holds {what}: nothing was taken out of it"))
}

fn is_below_root(path: &str) -> bool {
    let whole = path.strip_suffix('/').unwrap_or(path);
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    whole.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use zip::write::{SimpleFileOptions, ZipWriter};

    struct Scene(tempfile::TempDir);

    impl Scene {
        fn zip(&self, fill: impl FnOnce(&mut ZipWriter<File>)) -> PathBuf {
            let path = self.0.path().join("x.zip");
            let mut writer = ZipWriter::new(File::create(&path).unwrap());
            fill(&mut writer);
            writer.finish().unwrap();
            path
        }

        fn one(&self, name: &str, bytes: &[u8]) -> PathBuf {
            self.zip(|zip| {
                zip.start_file(name, SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
            })
        }
    }

    fn scene() -> Scene {
        Scene(tempfile::tempdir().unwrap())
    }

    fn refusal(path: &Path) -> String {
        Archive::open(path).err().map(|error| error.chain()).unwrap_or_default()
    }

    #[test]
    fn a_plain_file_comes_out_whole_under_our_name() {
        let scene = scene();
        let path = scene.one("nvidia/lib/libx.so.1", b"library");
        let mut archive = Archive::open(&path).unwrap();
        let at = archive.find("nvidia/lib/libx.so.1").unwrap();
        assert_eq!(archive.files[at].name(), "libx.so.1");
        let to = scene.0.path().join("out");
        archive.extract(at, 7, &to, |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"library");
        assert!(archive.extract(at, 7, &to, |_| Ok(())).is_err(), "nothing is written over");
        let stopped = archive.extract(at, 7, &scene.0.path().join("stopped"), |_| Err(Error::cancelled()));
        assert!(stopped.is_err());
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let scene = scene();
        for name in ["../x", "a/../../x", "/etc/x", "a//x", "./x", "C:/x", "a\\..\\x"] {
            let path = scene.one(name, b"x");
            assert!(refusal(&path).contains("the path"), "{name}: {}", refusal(&path));
        }
    }

    #[test]
    fn links_and_devices_are_refused() {
        let scene = scene();
        let link = scene.zip(|zip| zip.add_symlink("lib.so", "/etc/passwd", SimpleFileOptions::default()).unwrap());
        assert!(refusal(&link).contains("no plain file"), "{}", refusal(&link));
        // The kind of file lies in the upper half of the attributes of the central directory; here a pipe.
        let path = scene.one("pipe", b"x");
        let mut bytes = std::fs::read(&path).unwrap();
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[central + 5] = 3; // made on Unix
        bytes[central + 38..central + 42].copy_from_slice(&(0o010_644u32 << 16).to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        assert!(refusal(&path).contains("no plain file"), "{}", refusal(&path));
    }

    #[test]
    fn a_bomb_ends_at_the_size_that_is_known() {
        let scene = scene();
        let path = scene.one("lib.so", &vec![0; 50 << 20]);
        assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20, "it is a bomb");
        let to = scene.0.path().join("out");
        let mut archive = Archive::open(&path).unwrap();
        assert!(archive.extract(0, 1000, &to, |_| Ok(())).is_err());
        assert!(!to.exists(), "not a byte was written");

        // One that says it is small.
        let mut bytes = std::fs::read(&path).unwrap();
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        for at in [22, central + 24] {
            bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(mut archive) = Archive::open(&path) {
            assert!(archive.extract(0, 1000, &to, |_| Ok(())).is_err());
            assert!(std::fs::metadata(&to).map_or(0, |file| file.len()) <= 1000);
        }
    }

    #[test]
    fn what_is_no_archive_or_cut_is_said_to_be() {
        let scene = scene();
        let path = scene.one("lib.so", &[7; 1000]);
        let bytes = std::fs::read(&path).unwrap();
        for broken in [&b"<html>404</html>"[..], &bytes[..bytes.len() / 2], b""] {
            std::fs::write(&path, broken).unwrap();
            assert!(refusal(&path).contains("not a ZIP file"), "{}", refusal(&path));
        }
        // Every byte turned once: an error or the right bytes, never a panic.
        for at in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 0xFF;
            std::fs::write(&path, turned).unwrap();
            if let Ok(mut archive) = Archive::open(&path)
                && !archive.files.is_empty()
            {
                let to = scene.0.path().join(format!("out-{at}"));
                let _ = archive.extract(0, 1000, &to, |_| Ok(()));
            }
        }
    }
}
