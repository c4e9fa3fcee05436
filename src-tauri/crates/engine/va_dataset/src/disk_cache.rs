//! Decoded and reduced images on disk, so that the next run does not decode them again. It may be deleted at any time and
//! changes speed, never a pixel: a file that is cut, zeroed or of another version is removed and made again.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use va_error::{Context, Result};

use crate::RgbImage;

/// Begins every file; another number is another format.
const MAGIC: &[u8; 8] = b"VAIMG001";
/// Magic, width, height (little endian), BLAKE3 of all that follows the magic but itself.
const HEADER: usize = 8 + 4 + 4 + 32;

/// A folder of images, the least recently used given up first when it would pass its limit.
#[derive(Debug)]
pub(crate) struct DiskCache {
    dir: PathBuf,
    limit_bytes: u64,
    state: Mutex<State>,
    written: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    used_bytes: u64,
    /// Files from before this run, the oldest first.
    old: VecDeque<(PathBuf, u64)>,
}

impl DiskCache {
    /// Opens (and makes) the folder; what is above the limit is removed at once.
    ///
    /// # Errors
    /// `Io` when the folder cannot be made or listed.
    pub fn open(dir: &Path, limit_bytes: u64) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make the cache folder {}", dir.display()))?;
        let mut files = list(dir).with_context(|| format!("cannot list the cache folder {}", dir.display()))?;
        files.sort();
        let used_bytes = files.iter().map(|(_, _, bytes)| bytes).sum();
        let old = files.into_iter().map(|(_, path, bytes)| (path, bytes)).collect();
        let cache = Self {
            dir: dir.to_path_buf(),
            limit_bytes,
            state: Mutex::new(State { used_bytes, old }),
            written: AtomicU64::new(0),
        };
        cache.make_room(0);
        Ok(cache)
    }

    /// The image of this content and reduction, if it is there and whole.
    pub fn get(&self, content: &str, reduction: &str) -> Option<RgbImage> {
        let path = self.path(content, reduction);
        let bytes = fs::read(&path).ok()?;
        let image = parse(&bytes);
        if image.is_none() {
            // Cut by a crash, or of another version.
            let _ = fs::remove_file(&path);
        } else if let Ok(file) = fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        image
    }

    /// Keeps an image, if there is room or room can be made. A failure costs time later, nothing else.
    pub fn put(&self, content: &str, reduction: &str, image: &RgbImage) {
        let bytes = (HEADER + image.pixels.len()) as u64;
        if !self.make_room(bytes) {
            return;
        }
        if self.write(&self.path(content, reduction), image).is_err() {
            self.lock().used_bytes -= bytes;
        }
    }

    /// Reserves so many bytes, giving up files of earlier runs; false when there is no room.
    fn make_room(&self, bytes: u64) -> bool {
        let mut state = self.lock();
        while state.used_bytes + bytes > self.limit_bytes {
            let Some((path, freed)) = state.old.pop_front() else { return false };
            let _ = fs::remove_file(path);
            state.used_bytes = state.used_bytes.saturating_sub(freed);
        }
        state.used_bytes += bytes;
        true
    }

    /// Whole or not at all: written under another name and renamed.
    fn write(&self, path: &Path, image: &RgbImage) -> std::io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = self.dir.join(format!("{}-{number}.tmp", std::process::id()));
        let size = [image.width.to_le_bytes(), image.height.to_le_bytes()].concat();
        let made = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = fs::File::create(&temporary)?;
            for part in [&MAGIC[..], &size, digest(&size, &image.pixels).as_bytes(), &image.pixels] {
                file.write_all(part)?;
            }
            drop(file);
            fs::rename(&temporary, path)
        };
        made().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    fn path(&self, content: &str, reduction: &str) -> PathBuf {
        let name = blake3::hash(format!("{content}\n{reduction}").as_bytes()).to_hex();
        self.dir.join(&name.as_str()[..2]).join(format!("{name}.rgb"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(size: &[u8], pixels: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(size).update(pixels).finalize()
}

fn parse(bytes: &[u8]) -> Option<RgbImage> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (size, rest) = rest.split_at_checked(8)?;
    let (hash, pixels) = rest.split_at_checked(32)?;
    if digest(size, pixels).as_bytes() != hash {
        return None;
    }
    let side = |at: usize| u32::from_le_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]]);
    RgbImage::new(side(0), side(4), pixels.to_vec()).ok()
}

/// (last use, path, bytes) of every cached file; unfinished ones of a crash are removed.
fn list(dir: &Path) -> std::io::Result<Vec<(SystemTime, PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "tmp") {
                let _ = fs::remove_file(path);
            } else {
                files.push((metadata.modified()?, path, metadata.len()));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::noise;

    fn files(dir: &Path) -> Vec<PathBuf> {
        list(dir).unwrap().into_iter().map(|(_, path, _)| path).collect()
    }

    #[test]
    fn what_was_put_comes_back_also_in_another_run() {
        let dir = tempfile::tempdir().unwrap();
        let image = noise(9, 7, 1);
        DiskCache::open(dir.path(), 1 << 20).unwrap().put("a", "64", &image);
        let cache = DiskCache::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(cache.get("a", "64"), Some(image));
        assert_eq!(cache.get("a", "32"), None);
        assert_eq!(cache.get("b", "64"), None);
    }

    #[test]
    fn a_damaged_file_is_removed_and_can_be_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(dir.path(), 1 << 20).unwrap();
        let image = noise(9, 7, 1);
        let damages: [fn(&mut Vec<u8>); 5] = [
            |bytes| bytes.truncate(HEADER + 3),
            |bytes| bytes.truncate(5),
            |bytes| bytes.clear(),
            |bytes| bytes.fill(0),
            |bytes| bytes[HEADER + 10] ^= 1,
        ];
        for damage in damages {
            cache.put("a", "64", &image);
            let path = files(dir.path()).remove(0);
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.get("a", "64"), None);
            assert!(!path.exists());
        }
        cache.put("a", "64", &image);
        assert_eq!(cache.get("a", "64"), Some(image));
    }

    #[test]
    fn the_limit_holds_and_old_images_give_way_to_new_ones() {
        let dir = tempfile::tempdir().unwrap();
        let image = noise(10, 10, 1);
        let each = (HEADER + 300) as u64;
        let cache = DiskCache::open(dir.path(), 3 * each).unwrap();
        for name in ["a", "b", "c", "d"] {
            cache.put(name, "", &image);
        }
        assert_eq!(files(dir.path()).len(), 3, "no room for d, and this run's own images stay");
        assert!(cache.get("d", "").is_none() && cache.get("a", "").is_some());
        let next = DiskCache::open(dir.path(), 3 * each).unwrap();
        next.put("d", "", &image);
        assert_eq!(files(dir.path()).len(), 3);
        assert_eq!(next.get("d", ""), Some(image));
        DiskCache::open(dir.path(), each).unwrap();
        assert_eq!(files(dir.path()).len(), 1, "a smaller limit takes effect at once");
        fs::write(dir.path().join("1-2.tmp"), b"half").unwrap();
        DiskCache::open(dir.path(), 0).unwrap();
        assert!(files(dir.path()).is_empty() && !dir.path().join("1-2.tmp").exists());
    }
}
