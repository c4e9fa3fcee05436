//! Bytes to upright 8-bit RGB.

use va_error::Result;

use crate::{ImageKind, Limits, Probe, jpeg, probe, raster};

/// Upright pixels, `[height_px, width_px, 3]`, 8-bit sRGB as stored (no colour management).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    pub width_px: u32,
    pub height_px: u32,
    pub pixels: Vec<u8>,
}

/// Decodes to upright RGB at full size. Grey is repeated over the channels; transparency is dropped (the colour under it
/// stays), as Pillow's `convert("RGB")` does, so that training elsewhere sees the same pixels.
///
/// # Errors
/// `InvalidInput` when the file is damaged or of an unsupported sort, `TooLarge` above the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage> {
    decode_probed(bytes, &probe(bytes, limits)?, u32::MAX)
}

/// Decodes to upright RGB, where the format allows at a fraction of its size whose both sides are at least `min_side_px`
/// (JPEG: 1/2, 1/4, 1/8, several times faster). For showing, not for training.
///
/// # Errors
/// As [`decode`].
pub fn decode_at_least(bytes: &[u8], limits: &Limits, min_side_px: u32) -> Result<RgbImage> {
    decode_probed(bytes, &probe(bytes, limits)?, min_side_px)
}

/// Width and height, px, of what [`decode_at_least`] gives for an image of this kind and size (a lossless JPEG, which no
/// fraction is decoded of, counts as any other).
pub fn size_at_least(kind: ImageKind, [width, height]: [u32; 2], min_side_px: u32) -> [u32; 2] {
    match kind {
        ImageKind::Jpeg => jpeg::scaled_size([width, height], min_side_px),
        _ => [width, height],
    }
}

/// Proves that every byte decodes, as cheaply as the format allows, and says what the image is.
///
/// # Errors
/// As [`decode`].
pub fn verify(bytes: &[u8], limits: &Limits) -> Result<Probe> {
    let found = probe(bytes, limits)?;
    match found.kind {
        ImageKind::Jpeg => drop(jpeg::decode(bytes, 0)?),
        kind => drop(raster::decode(bytes, kind)?),
    }
    Ok(found)
}

pub(crate) fn decode_probed(bytes: &[u8], found: &Probe, min_side_px: u32) -> Result<RgbImage> {
    let (pixels, width, height) = match found.kind {
        ImageKind::Jpeg => {
            let decoded = jpeg::decode(bytes, min_side_px)?;
            (decoded.pixels, decoded.width, decoded.height)
        }
        kind => {
            let rgb = raster::decode(bytes, kind)?.into_rgb8();
            let (width, height) = rgb.dimensions();
            (rgb.into_raw(), width, height)
        }
    };
    let (pixels, width_px, height_px) = found.orientation.apply(pixels, width, height, 3);
    Ok(RgbImage { width_px, height_px, pixels })
}
