use turbojpeg::{Image, PixelFormat, Subsamp};
use va_domain::Change;
use va_error::{Error, Result};

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::Stream;

/// The blocks and rings of a JPEG of quality 100 down to `100 - strength`, 4:2:0: written and read again.
pub(crate) fn jpeg(image: &mut RgbImage, change: Change, turn: Turn) -> Result<()> {
    let Some(lost) = amount(change, &mut turn.draws(Stream::Jpeg)) else { return Ok(()) };
    let failed = |error: turbojpeg::Error| Error::internal("cannot make JPEG artefacts").with_source(error);
    let quality = (100.0 - lost).round().clamp(1.0, 100.0) as i32;
    let (width, height) = (image.width as usize, image.height as usize);
    let source = Image { pixels: image.pixels.as_slice(), width, pitch: width * 3, height, format: PixelFormat::RGB };
    let bytes = turbojpeg::compress(source, quality, Subsamp::Sub2x2).map_err(failed)?;
    let read = turbojpeg::decompress(&bytes, PixelFormat::RGB).map_err(failed)?;
    if (read.width, read.height, read.pitch) != (width, height, width * 3) {
        return Err(Error::internal("BUG: a JPEG came back in another size"));
    }
    image.pixels = read.pixels;
    Ok(())
}
