//! Small pictures of files that a model was just asked about. The page names them by ids that nobody can guess, never by
//! a path: it cannot make the application read a file of its choice.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use va_error::{Context, Error, Result};
use va_media::Limits;

use crate::App;
use crate::images::{ImageBytes, SIZES_PX};

/// Files remembered; the oldest are forgotten first.
const KEPT: usize = 20_000;
/// Bytes of an id: what cannot be guessed.
const ID_BYTES: usize = 16;

/// Which id means which file, as long as the library is open.
#[derive(Debug, Default)]
pub struct Previews(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    paths: HashMap<String, PathBuf>,
    oldest_first: VecDeque<String>,
}

impl Previews {
    /// A new id for a file.
    ///
    /// # Errors
    /// `Internal` when the system gives no randomness.
    pub(super) fn keep(&self, path: &Path) -> Result<String> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("there is no randomness: {error}")))?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut known = self.0.lock();
        if known.oldest_first.len() == KEPT
            && let Some(oldest) = known.oldest_first.pop_front()
        {
            known.paths.remove(&oldest);
        }
        known.oldest_first.push_back(id.clone());
        known.paths.insert(id.clone(), path.to_owned());
        Ok(id)
    }

    pub(crate) fn find(&self, id: &str) -> Result<PathBuf> {
        let unknown = || Error::not_found("there is no such preview (any more): ask the model again");
        self.0.lock().paths.get(id).cloned().ok_or_else(unknown)
    }
}

/// A small upright JPEG of a predicted file, its longer side `size_px` (taken to the range 32 to 1024).
///
/// # Errors
/// `NotFound` for an id that no prediction gave, `InvalidInput` when the file is no image any more.
pub fn thumbnail(app: &App, id: &str, size_px: u32) -> Result<ImageBytes> {
    let size_px = size_px.clamp(*SIZES_PX.start(), *SIZES_PX.end());
    let path = app.previews().find(id)?;
    let limits = Limits::default();
    let bytes = va_media::read_image(&path, &limits).context("the predicted image cannot be read")?;
    let bytes = va_media::thumbnail(&bytes, &limits, size_px)?;
    Ok(ImageBytes { bytes, mime: "image/jpeg", etag: format!("{id}-{size_px}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_new_every_time_and_the_oldest_are_forgotten() {
        let previews = Previews::default();
        let first = previews.keep(Path::new("a.png")).unwrap();
        let second = previews.keep(Path::new("a.png")).unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), ID_BYTES * 2);
        assert_eq!(previews.find(&first).unwrap(), Path::new("a.png"));
        for number in 0..KEPT - 1 {
            previews.keep(Path::new(&format!("{number}.png"))).unwrap();
        }
        assert!(previews.find(&first).is_err());
        assert!(previews.find(&second).is_ok());
        assert!(previews.find("a.png").is_err() && previews.find("").is_err());
    }
}
