//! Is there room? Asked before the first byte is copied.

use std::path::Path;

use va_error::{Code, Context, Error, Result};
use va_formats::FoundImage;
use va_media::Limits;

use super::look::Known;
use crate::App;

/// For rows, thumbnails and the write-ahead log.
const RESERVE_BYTES: u64 = 32 << 20;

/// # Errors
/// `DiskFull` with both figures.
pub(super) fn check(app: &App, images: &[FoundImage], known: &Known) -> Result<()> {
    let library = app.library_dir();
    let free = fs4::available_space(library)
        .with_context(|| format!("cannot ask for the free space of {}", library.display()))?;
    if total(images) + RESERVE_BYTES <= free {
        return Ok(());
    }
    // Only now is it worth reading everything: what is in the library already takes no room.
    let needed = images.iter().filter(|image| is_new(app, &image.path, known)).map(|image| size(&image.path)).sum();
    enough(library, needed, free)
}

fn enough(library: &Path, needed: u64, free: u64) -> Result<()> {
    if needed == 0 || needed + RESERVE_BYTES <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::new(
        Code::DiskFull,
        format!(
            "the import needs {} MiB, and the disk of {} has {} MiB free; nothing was changed: free some space or move the library",
            mib(needed + RESERVE_BYTES),
            library.display(),
            mib(free)
        ),
    ))
}

fn total(images: &[FoundImage]) -> u64 {
    images.iter().map(|image| size(&image.path)).sum()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

fn is_new(app: &App, path: &Path, known: &Known) -> bool {
    let Ok(bytes) = va_media::read_image(path, &Limits::default()) else { return false };
    let hash = va_media::hash(&bytes);
    let kept = va_media::ImageKind::of(&bytes).is_ok_and(|kind| app.media_path(&hash, kind.as_str()).exists());
    !known.contains_key(&hash) && !kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_says_how_much_is_missing() {
        let error = enough(Path::new("/l"), 100 << 20, 50 << 20).unwrap_err();
        assert_eq!(error.code(), Code::DiskFull);
        assert!(error.message().contains("132 MiB") && error.message().contains("50 MiB"), "{error}");
        assert!(enough(Path::new("/l"), 10 << 20, 50 << 20).is_ok());
        assert!(enough(Path::new("/l"), 0, 0).is_ok(), "nothing new needs nothing");
    }
}
