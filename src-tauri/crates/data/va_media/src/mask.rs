//! Masks that come as image files: which pixels belong to the region.

use image::DynamicImage;
use va_error::Result;

use crate::{ImageKind, Limits, Orientation, jpeg, probe, raster};

/// Upright foreground, `[height_px, width_px]`: 255 inside, 0 outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskImage {
    pub width_px: u32,
    pub height_px: u32,
    pub pixels: Vec<u8>,
}

/// Reads a binary mask. Masks in the wild are 0/255 (often with soft or lossy edges), 0/1, or coloured: a pixel is inside
/// from half of the brightest value on; where nothing is brighter than 15, every non-zero pixel is. Colour counts by its
/// brightest channel. An all-black mask is empty, not an error.
///
/// # Errors
/// As [`crate::decode`].
pub fn decode_mask(bytes: &[u8], limits: &Limits) -> Result<MaskImage> {
    let found = probe(bytes, limits)?;
    let (values, width, height) = match found.kind {
        ImageKind::Jpeg => {
            let decoded = jpeg::decode(bytes, u32::MAX)?;
            (brightest(&decoded.pixels), decoded.width, decoded.height)
        }
        kind => values_of(raster::decode(bytes, kind)?),
    };
    let (mut pixels, width_px, height_px) = Orientation::apply(found.orientation, values, width, height, 1);
    let top = pixels.iter().copied().max().unwrap_or(0);
    let threshold = if top < 16 { 1 } else { top.div_ceil(2) };
    for value in &mut pixels {
        *value = if *value >= threshold { 255 } else { 0 };
    }
    Ok(MaskImage { width_px, height_px, pixels })
}

fn values_of(image: DynamicImage) -> (Vec<u8>, u32, u32) {
    let (width, height) = (image.width(), image.height());
    let values = match image {
        DynamicImage::ImageLuma8(grey) => grey.into_raw(),
        DynamicImage::ImageLumaA8(grey) => grey.into_raw().into_iter().step_by(2).collect(),
        other => brightest(other.into_rgb8().as_raw()),
    };
    (values, width, height)
}

fn brightest(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).map(|p| p[0].max(p[1]).max(p[2])).collect()
}
