use serde::{Deserialize, Serialize};
use turbojpeg::{Image, PixelFormat, Subsamp};
use va_domain::Change;
use va_error::{Error, Result};

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::Stream;

/// The blocks and rings of a JPEG, 4:2:0: written and read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jpeg {
    /// 1 to 100.
    pub quality: i32,
}

impl Jpeg {
    /// Of quality 100 down to `100 - strength`.
    pub(crate) fn draw(change: Change, turn: Turn) -> Option<Self> {
        let lost = amount(change, &mut turn.draws(Stream::Jpeg))?;
        Some(Self { quality: (100.0 - lost).round().clamp(1.0, 100.0) as i32 })
    }

    pub(crate) fn apply(self, image: &mut RgbImage) -> Result<()> {
        let failed = |error: turbojpeg::Error| Error::internal("cannot make JPEG artefacts").with_source(error);
        let (width, height) = (image.width as usize, image.height as usize);
        let pixels = image.pixels.as_slice();
        let source = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
        let bytes = turbojpeg::compress(source, self.quality, Subsamp::Sub2x2).map_err(failed)?;
        let read = turbojpeg::decompress(&bytes, PixelFormat::RGB).map_err(failed)?;
        if (read.width, read.height, read.pitch) != (width, height, width * 3) {
            return Err(Error::internal("BUG: a JPEG came back in another size"));
        }
        image.pixels = read.pixels;
        Ok(())
    }
}
