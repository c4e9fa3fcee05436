//! JPEG through libjpeg-turbo. Its warnings (data that ends early, bad codes) count as damage: a half-grey picture must
//! not enter a data set in silence.

use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor};
use va_error::{Error, FileFault, Result};

/// More scans than any encoder writes; a file with thousands is built to keep a decoder busy.
const MAX_SCANS: u32 = 500;

/// Pixels `[height, width, 3]` as stored, not yet upright.
pub(crate) struct Decoded {
    pub pixels: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

fn damaged(error: turbojpeg::Error) -> Error {
    let text = match &error {
        turbojpeg::Error::TurboJpegError(text) => text.clone(),
        other => other.to_string(),
    };
    Error::invalid(format!("the JPEG is damaged: {}", text.trim_end_matches('.')))
        .with_source(error)
        .with_fault(FileFault::Damaged)
}

fn side(value: usize) -> Result<u32> {
    u32::try_from(value)
        .map_err(|_| Error::invalid("the JPEG is damaged: impossible size").with_fault(FileFault::Damaged))
}

/// Stored width and height.
pub(crate) fn size(bytes: &[u8]) -> Result<(u32, u32)> {
    let header = turbojpeg::read_header(bytes).map_err(damaged)?;
    Ok((side(header.width)?, side(header.height)?))
}

/// Decodes at the smallest scale (1, 1/2, 1/4, 1/8) whose both sides stay at least `min_side` (0 = smallest scale,
/// `u32::MAX` = full size). The size must have been checked against the limits.
pub(crate) fn decode(bytes: &[u8], min_side: u32) -> Result<Decoded> {
    let mut decompressor = Decompressor::new().map_err(damaged)?;
    decompressor.set_scan_limit(MAX_SCANS).map_err(damaged)?;
    let header = decompressor.read_header(bytes).map_err(damaged)?;
    let scale =
        if header.is_lossless { ScalingFactor::ONE } else { scale_for(header.width.min(header.height), min_side) };
    decompressor.set_scaling_factor(scale).map_err(damaged)?;
    let scaled = header.scaled(scale);
    let cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let (format, channels) = if cmyk { (PixelFormat::CMYK, 4) } else { (PixelFormat::RGB, 3) };
    let mut pixels = vec![0; scaled.width * scaled.height * channels];
    let target = Image {
        pixels: pixels.as_mut_slice(),
        width: scaled.width,
        pitch: scaled.width * channels,
        height: scaled.height,
        format,
    };
    decompressor.decompress(bytes, target).map_err(damaged)?;
    let pixels = if cmyk { rgb_from_inverted_cmyk(&pixels) } else { pixels };
    Ok(Decoded { pixels, width: side(scaled.width)?, height: side(scaled.height)? })
}

/// What [`decode`] makes of an image of this width and height.
pub(crate) fn scaled_size([width, height]: [u32; 2], min_side: u32) -> [u32; 2] {
    let scale = scale_for(width.min(height) as usize, min_side);
    [width, height].map(|side| scale.scale(side as usize) as u32)
}

fn scale_for(short_side: usize, min_side: u32) -> ScalingFactor {
    [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF]
        .into_iter()
        .find(|factor| factor.scale(short_side) >= min_side as usize)
        .unwrap_or(ScalingFactor::ONE)
}

/// CMYK JPEGs are in practice written inverted (Adobe): 255 is no ink.
fn rgb_from_inverted_cmyk(cmyk: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(cmyk.len() / 4 * 3);
    for ink in cmyk.chunks_exact(4) {
        let black = u16::from(ink[3]);
        rgb.extend(ink[..3].iter().map(|&c| u8::try_from(u16::from(c) * black / 255).unwrap_or(u8::MAX)));
    }
    rgb
}
