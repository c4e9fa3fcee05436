//! Small upright pictures for the gallery.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use va_error::{Error, Result};

use crate::decode::decode_probed;
use crate::{Limits, Probe, RgbImage, encode_jpeg, probe};

const QUALITY: u8 = 85;

/// What an import needs of an image, from one decoding.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub probe: Probe,
    /// JPEG.
    pub thumbnail: Vec<u8>,
}

/// Proves that the file decodes to its last byte and makes its thumbnail on the way.
///
/// # Errors
/// As [`crate::decode`].
pub fn inspect(bytes: &[u8], limits: &Limits, size_px: u32) -> Result<Inspection> {
    let found = probe(bytes, limits)?;
    // Twice the size asked for: the reduction inside the JPEG decoder is coarse, the rest is resampled well.
    let (short, long) = (found.width_px.min(found.height_px), found.width_px.max(found.height_px).max(1));
    let short_side_px = (u64::from(size_px) * 2 * u64::from(short)).div_ceil(u64::from(long));
    let image = decode_probed(bytes, &found, u32::try_from(short_side_px).unwrap_or(u32::MAX))?;
    let small = fit(&image, size_px)?;
    Ok(Inspection { probe: found, thumbnail: encode_jpeg(small.as_ref().unwrap_or(&image), QUALITY)? })
}

/// An upright JPEG whose longer side is `size_px` (smaller images keep their size).
///
/// # Errors
/// As [`crate::decode`].
pub fn thumbnail(bytes: &[u8], limits: &Limits, size_px: u32) -> Result<Vec<u8>> {
    Ok(inspect(bytes, limits, size_px)?.thumbnail)
}

/// None when the image is small enough already.
fn fit(image: &RgbImage, size_px: u32) -> Result<Option<RgbImage>> {
    let size_px = size_px.max(1);
    let long = image.width_px.max(image.height_px);
    if long <= size_px {
        return Ok(None);
    }
    let scaled = |side: u32| {
        let value = (u64::from(side) * u64::from(size_px) + u64::from(long) / 2) / u64::from(long);
        u32::try_from(value).unwrap_or(size_px).clamp(1, size_px)
    };
    let (width_px, height_px) = (scaled(image.width_px), scaled(image.height_px));
    let failed = |message: String| Error::internal(format!("cannot resize: {message}"));
    // One type of pixel by name: the untyped call compiles every one of them, for minutes.
    let source = TypedImageRef::<U8x3>::from_buffer(image.width_px, image.height_px, &image.pixels)
        .map_err(|error| failed(error.to_string()))?;
    let mut pixels = vec![0; width_px as usize * height_px as usize * 3];
    let mut target =
        TypedImage::<U8x3>::from_buffer(width_px, height_px, &mut pixels).map_err(|error| failed(error.to_string()))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&source, &mut target, &options).map_err(|error| failed(error.to_string()))?;
    Ok(Some(RgbImage { width_px, height_px, pixels }))
}
