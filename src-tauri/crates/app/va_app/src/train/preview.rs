use va_domain::{Augmentation, SampleId};
use va_engine::preview;
use va_error::{Error, Result};
use va_media::RgbImage;

use super::source::load_image_at_least;
use crate::App;
use crate::images::ImageBytes;

const SIZES_PX: std::ops::RangeInclusive<u32> = 32..=512;
/// High, so that artefacts in the preview are those of the change.
const QUALITY: u8 = 95;

/// What training would make of a sample with this augmentation and seed: a square JPEG of `size_px` (taken to the range
/// 32 to 512), by the code of training itself.
///
/// # Errors
/// `NotFound` without the sample; `InvalidInput` when a value of the augmentation is out of its range.
pub fn augmented(app: &App, id: SampleId, augmentation: &Augmentation, size_px: u32, seed: u64) -> Result<ImageBytes> {
    let size_px = size_px.clamp(*SIZES_PX.start(), *SIZES_PX.end());
    augmentation.check()?;
    let sample = app.store().read(|read| read.samples().get(id))?;
    let image = load_image_at_least(&app.media_path(&sample.media_hash, &sample.format), 2 * size_px)?;
    let made = preview(&image, augmentation, size_px, &[seed])?.pop();
    let made = made.ok_or_else(|| Error::internal("BUG: a preview of one seed without a picture"))?;
    let made = RgbImage { width_px: made.width, height_px: made.height, pixels: made.pixels };
    let recipe = serde_json::to_vec(&(&sample.media_hash, augmentation, size_px, seed))?;
    Ok(ImageBytes {
        bytes: va_media::encode_jpeg(&made, QUALITY)?,
        mime: "image/jpeg",
        etag: va_media::hash(&recipe).to_string(),
    })
}
