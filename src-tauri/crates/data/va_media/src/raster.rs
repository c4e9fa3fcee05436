//! PNG, BMP, WebP and TIFF through the `image` crate.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use va_error::{Code, Error, FileFault, Result};

use crate::ImageKind;

fn format_of(kind: ImageKind) -> ImageFormat {
    match kind {
        ImageKind::Jpeg => ImageFormat::Jpeg,
        ImageKind::Png => ImageFormat::Png,
        ImageKind::Bmp => ImageFormat::Bmp,
        ImageKind::WebP => ImageFormat::WebP,
        ImageKind::Tiff => ImageFormat::Tiff,
    }
}

fn word(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Jpeg => "JPEG",
        ImageKind::Png => "PNG",
        ImageKind::Bmp => "BMP",
        ImageKind::WebP => "WebP",
        ImageKind::Tiff => "TIFF",
    }
}

fn refused(kind: ImageKind, error: ImageError) -> Error {
    let name = word(kind);
    match &error {
        ImageError::Unsupported(_) => Error::invalid(format!(
            "this sort of {name} is not supported ({error}): convert it to 8 bits a channel, grey or RGB"
        ))
        .with_fault(FileFault::UnsupportedImage),
        ImageError::Limits(_) => {
            Error::new(Code::TooLarge, format!("the {name} is larger than the limit")).with_fault(FileFault::TooLarge)
        }
        _ => Error::invalid(format!("the {name} is damaged: {error}")).with_fault(FileFault::Damaged),
    }
    .with_source(error)
}

/// A decoder that panics has met a damaged file: that file is refused, the others go on.
fn guarded<T>(kind: ImageKind, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::invalid(format!("the {} is damaged in a way its decoder cannot handle", word(kind)))
            .with_fault(FileFault::Damaged))
    })
}

fn decoder(bytes: &[u8], kind: ImageKind, max_alloc: u64) -> Result<impl ImageDecoder + '_> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format_of(kind));
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(max_alloc);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| refused(kind, error))
}

/// Memory for headers, colour profiles and text blocks.
const HEADER_BYTES: u64 = 64 << 20;

/// Stored width and height, from the header.
pub(crate) fn size(bytes: &[u8], kind: ImageKind) -> Result<(u32, u32)> {
    guarded(kind, || Ok(decoder(bytes, kind, HEADER_BYTES)?.dimensions()))
}

/// Decodes as stored, not yet upright. The size must have been checked against the limits.
///
/// # Errors
/// `InvalidInput` for damaged files and for more than 8 bits a channel.
pub(crate) fn decode(bytes: &[u8], kind: ImageKind) -> Result<DynamicImage> {
    guarded(kind, || {
        let (width, height) = decoder(bytes, kind, HEADER_BYTES)?.dimensions();
        // Room for RGBA and one working copy.
        let decoder = decoder(bytes, kind, HEADER_BYTES + u64::from(width) * u64::from(height) * 8)?;
        let color = decoder.color_type();
        if !matches!(color, ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8) {
            let bits = u16::from(color.bytes_per_pixel()) * 8 / u16::from(color.channel_count().max(1));
            return Err(Error::invalid(format!(
                "the {} has {bits} bits a channel, which is not supported yet: convert it to 8 bits a channel",
                word(kind)
            ))
            .with_fault(FileFault::UnsupportedImage));
        }
        DynamicImage::from_decoder(decoder).map_err(|error| refused(kind, error))
    })
}
