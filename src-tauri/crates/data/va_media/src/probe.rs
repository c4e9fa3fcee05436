//! What an image is, without decoding it: format, upright size, orientation; and the limits that protect the machine.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use va_error::{Code, Context, Error, FileFault, Result};

use crate::{ImageKind, Orientation, jpeg, raster};

/// Checked before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height.
    pub max_pixels: u64,
    pub max_file_bytes: u64,
}

impl Default for Limits {
    /// 200 megapixels, 1 GiB a file.
    fn default() -> Self {
        Self { max_pixels: 200_000_000, max_file_bytes: 1 << 30 }
    }
}

impl Limits {
    /// # Errors
    /// `InvalidInput` for a side of 0, `TooLarge` above the limit.
    pub(crate) fn check(&self, width_px: u32, height_px: u32) -> Result<()> {
        if width_px == 0 || height_px == 0 {
            return Err(Error::invalid(format!("the image has no pixels ({width_px}×{height_px})"))
                .with_fault(FileFault::Damaged));
        }
        if u64::from(width_px) * u64::from(height_px) > self.max_pixels {
            return Err(Error::new(
                Code::TooLarge,
                format!(
                    "the image is {width_px}×{height_px} pixels; the limit is {} million pixels",
                    self.max_pixels / 1_000_000
                ),
            )
            .with_fault(FileFault::TooLarge));
        }
        Ok(())
    }
}

/// What the header of an image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    pub kind: ImageKind,
    /// Upright size (orientation applied).
    pub width_px: u32,
    pub height_px: u32,
    pub orientation: Orientation,
}

/// Reads format, size and orientation from the header.
///
/// # Errors
/// `InvalidInput` when this is not a supported image (the reason says why), `TooLarge` above the limits.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe> {
    let kind = ImageKind::of(bytes)?;
    let (width, height) = match kind {
        ImageKind::Jpeg => jpeg::size(bytes)?,
        _ => raster::size(bytes, kind)?,
    };
    limits.check(width, height)?;
    let orientation = Orientation::read(bytes);
    let (width_px, height_px) = orientation.upright_size(width, height);
    Ok(Probe { kind, width_px, height_px, orientation })
}

/// Reads a whole image file. What it is, is asked of its first bytes: a film of 50 GB among the images is not read.
///
/// # Errors
/// `NotFound` or `Io` when it cannot be read, `TooLarge` above the limit, `InvalidInput` when it is no supported image.
pub fn read_image(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    read(path, limits, |head| ImageKind::of(head).map(drop))
}

/// Reads a whole file, refusing one above the limit before reading it.
///
/// # Errors
/// `NotFound` or `Io` when it cannot be read, `TooLarge` above the limit.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    read(path, limits, |_| Ok(()))
}

/// Enough for every signature.
const HEAD_BYTES: u64 = 64;

fn read(path: &Path, limits: &Limits, accept: impl FnOnce(&[u8]) -> Result<()>) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    // Asked before opening: opening a pipe waits for its writer, for ever.
    let metadata = fs::metadata(path).with_context(cannot)?;
    if !metadata.is_file() {
        return Err(Error::new(Code::Io, format!("{} is not a regular file", path.display())));
    }
    let mut file = File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).with_context(cannot)?;
    accept(&bytes)?;
    if metadata.len() > limits.max_file_bytes {
        return Err(too_large_file(metadata.len(), limits));
    }
    bytes.reserve_exact(usize::try_from(metadata.len()).unwrap_or(0).saturating_sub(bytes.len()));
    // A file may grow while it is read: the limit holds all the same.
    let rest = (limits.max_file_bytes + 1).saturating_sub(bytes.len() as u64);
    file.take(rest).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() as u64 > limits.max_file_bytes {
        return Err(too_large_file(bytes.len() as u64, limits));
    }
    Ok(bytes)
}

fn too_large_file(size: u64, limits: &Limits) -> Error {
    let mib = |bytes: u64| bytes >> 20;
    Error::new(
        Code::TooLarge,
        format!("the file has {} MiB; the limit is {} MiB", mib(size), mib(limits.max_file_bytes)),
    )
    .with_fault(FileFault::TooLarge)
}
