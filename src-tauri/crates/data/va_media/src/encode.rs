//! Pixels to bytes, for showing: thumbnails, upright copies of what browsers cannot show, overlays.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};
use va_error::{Error, Result};

use crate::RgbImage;

/// JPEG, quality 1–100, 4:2:0.
///
/// # Errors
/// `Internal` when the encoder refuses (a side above 65,535).
pub fn encode_jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let failed = |error: turbojpeg::Error| Error::internal("cannot encode a JPEG").with_source(error);
    let mut compressor = Compressor::new().map_err(failed)?;
    compressor.set_quality(i32::from(quality)).map_err(failed)?;
    compressor.set_subsamp(Subsamp::Sub2x2).map_err(failed)?;
    let width = image.width_px as usize;
    let source = Image {
        pixels: image.pixels.as_slice(),
        width,
        pitch: width * 3,
        height: image.height_px as usize,
        format: PixelFormat::RGB,
    };
    compressor.compress_to_vec(source).map_err(failed)
}

/// Lossless PNG.
///
/// # Errors
/// `Internal` when the pixels do not fill the size.
pub fn encode_png_rgb(image: &RgbImage) -> Result<Vec<u8>> {
    png(&image.pixels, image.width_px, image.height_px, ExtendedColorType::Rgb8, 3)
}

/// PNG with alpha; `pixels` are `[height_px, width_px, 4]`.
///
/// # Errors
/// `Internal` when the pixels do not fill the size.
pub fn encode_png_rgba(pixels: &[u8], width_px: u32, height_px: u32) -> Result<Vec<u8>> {
    png(pixels, width_px, height_px, ExtendedColorType::Rgba8, 4)
}

fn png(pixels: &[u8], width: u32, height: u32, color: ExtendedColorType, channels: u64) -> Result<Vec<u8>> {
    if pixels.len() as u64 != u64::from(width) * u64::from(height) * channels {
        return Err(Error::internal(format!("{} bytes do not fill {width}×{height} pixels", pixels.len())));
    }
    let mut bytes = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, width, height, color)
        .map_err(|error| Error::internal("cannot encode a PNG").with_source(error))?;
    Ok(bytes.into_inner())
}
