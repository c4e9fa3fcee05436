//! The images of one split as the engine wants them: media by path, classes by number.

use std::path::PathBuf;

use va_domain::{DatasetVersionId, MediaHash, SampleId, Split, Task};
use va_engine::{RgbImage, SampleSource};
use va_error::{Context, Error, Result};
use va_media::{ImageKind, Limits};

use crate::App;

/// One image of which a person said what it shows.
#[derive(Debug, Clone)]
pub(crate) struct SourceImage {
    pub sample_id: SampleId,
    pub name: String,
    pub path: PathBuf,
    pub media_hash: MediaHash,
    pub format: String,
    pub size_px: [u32; 2],
    /// Ascending; one, unless the task is multi-label.
    pub classes: Vec<u32>,
}

/// Images in the order of the frozen version, so that the same version gives the same stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct MediaSource {
    pub images: Vec<SourceImage>,
    /// Call images by the hash of their media instead of their names: for certificates, which outlive names.
    pub key_is_hash: bool,
}

impl SampleSource for MediaSource {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn class_idx(&self, index: usize) -> u32 {
        self.images[index].classes.first().copied().unwrap_or(0)
    }

    fn class_indices(&self, index: usize) -> Vec<u32> {
        self.images[index].classes.clone()
    }

    fn key(&self, index: usize) -> String {
        let image = &self.images[index];
        if self.key_is_hash { image.media_hash.to_string() } else { image.name.clone() }
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        let path = &self.images[index].path;
        load_image(path).with_context(|| format!("cannot decode {}", path.display()))
    }

    fn load_at_least(&self, index: usize, min_side_px: u32) -> Result<RgbImage> {
        let path = &self.images[index].path;
        load_image_at_least(path, min_side_px).with_context(|| format!("cannot decode {}", path.display()))
    }

    fn size_at_least(&self, index: usize, min_side_px: u32) -> Option<[u32; 2]> {
        let image = &self.images[index];
        Some(decoded_size(&image.format, image.size_px, min_side_px))
    }

    fn content_key(&self, index: usize) -> Option<String> {
        Some(self.images[index].media_hash.to_string())
    }
}

/// Decodes a file upright at full size. The caller says which file, in the words that its user knows it by.
///
/// # Errors
/// When it cannot be read or is no image that we support.
pub(crate) fn load_image(path: &std::path::Path) -> Result<RgbImage> {
    load_image_at_least(path, u32::MAX)
}

/// As [`load_image`], at a fraction of its size where the format can, both sides at least `min_side_px`.
pub(crate) fn load_image_at_least(path: &std::path::Path, min_side_px: u32) -> Result<RgbImage> {
    let limits = Limits::default();
    let bytes = va_media::read_file(path, &limits)?;
    let image = va_media::decode_at_least(&bytes, &limits, min_side_px)?;
    RgbImage::new(image.width_px, image.height_px, image.pixels)
}

/// Width and height of what [`load_image_at_least`] gives.
pub(crate) fn decoded_size(format: &str, size_px: [u32; 2], min_side_px: u32) -> [u32; 2] {
    ImageKind::from_name(format).map_or(size_px, |kind| va_media::size_at_least(kind, size_px, min_side_px))
}

/// The labelled samples of a split of a frozen version, in its order, as the task wants them. `classes` are those that a
/// model has: a version holds them by number. Images of which nobody said anything are left out; to a task of one class
/// also those that show none.
///
/// # Errors
/// `NotFound`; `InvalidInput` when a class has no number among `classes`, or a sample has several and the task takes one.
pub(crate) fn load_split(
    app: &App,
    version: DatasetVersionId,
    split: Split,
    classes: &[String],
    task: Task,
) -> Result<MediaSource> {
    let frozen = app.store().read(|read| read.dataset_versions().samples(version, Some(split)))?;
    let mut images = Vec::with_capacity(frozen.len());
    let mut several = Vec::new();
    for sample in frozen {
        let Some(own) = sample.classes else { continue };
        if let Some(unknown) = own.iter().find(|class| **class as usize >= classes.len()) {
            return Err(Error::invalid(format!(
                "sample {} has class number {unknown}, but there are only {} classes",
                sample.name,
                classes.len()
            )));
        }
        match (task, own.len()) {
            (Task::Classification, 0) => continue,
            (Task::Classification, 2..) => several.push(sample.name.clone()),
            _ => {}
        }
        images.push(SourceImage {
            sample_id: sample.sample_id,
            path: app.media_path(&sample.media_hash, &sample.format),
            name: sample.name,
            media_hash: sample.media_hash,
            format: sample.format,
            size_px: sample.size_px,
            classes: own,
        });
    }
    match several.first() {
        None => Ok(MediaSource { images, key_is_hash: false }),
        Some(first) => Err(Error::invalid(format!(
            "{} sample(s) have several classes ({first} is one): this task takes one class an image. Train for several \
             classes an image (multilabel_classification), or leave each of them one class",
            several.len()
        ))),
    }
}
