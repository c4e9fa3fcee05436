//! One file looked at: is it an image, which one, does it decode, does its mask fit.

use std::collections::HashMap;
use std::path::Path;

use va_domain::MediaHash;
use va_error::{Code, FileFault, Result};
use va_formats::FoundImage;
use va_geometry::Mask;
use va_media::{Limits, Probe};

use super::media::{self, Incoming};
use crate::{App, images};

/// Samples of the dataset before the import, by their bytes: when each was added.
pub(super) type Known = HashMap<MediaHash, i64>;

pub(super) enum Looked {
    Image(Box<Look>),
    /// Bytes that are in the dataset already.
    Known(MediaHash),
    /// Left out, and why. `foreign`: not an image at all.
    Broken {
        reason: String,
        fault: Option<FileFault>,
        foreign: bool,
    },
    /// Not looked at: a stop was asked.
    Skipped,
}

pub(super) struct Look {
    pub hash: MediaHash,
    pub probe: Probe,
    pub size_bytes: u64,
    pub mask: Option<MaskLook>,
    /// The bytes, where they are not in the library yet.
    pub incoming: Option<Incoming>,
}

pub(super) enum MaskLook {
    Regions(Mask),
    /// No defect: the mask is all background.
    Empty,
    Broken(String),
}

pub(super) struct Looker<'a> {
    pub known: &'a Known,
    /// The library that the bytes are written into; without one this is only a preview.
    pub keep_in: Option<&'a App>,
    pub limits: Limits,
}

impl Looker<'_> {
    /// # Errors
    /// Only those of the library (a full disk): what is wrong with the file is the outcome.
    pub(super) fn look(&self, found: &FoundImage) -> Result<Looked> {
        let bytes = match va_media::read_image(&found.path, &self.limits) {
            Ok(bytes) => bytes,
            Err(error) => {
                let foreign = error.code() == Code::InvalidInput;
                return Ok(Looked::Broken { reason: error.chain(), fault: error.fault(), foreign });
            }
        };
        let hash = va_media::hash(&bytes);
        if self.known.contains_key(&hash) {
            return Ok(Looked::Known(hash));
        }
        let probe = match self.check(&bytes, &hash) {
            Ok(probe) => probe,
            Err(error) => {
                let (reason, fault) = (error.message().to_owned(), error.fault());
                return Ok(Looked::Broken { reason, fault, foreign: false });
            }
        };
        let path = self.keep_in.map(|app| app.media_path(&hash, probe.kind.as_str()));
        let incoming = path.map(|path| media::receive(path, &bytes)).transpose()?.flatten();
        let mask = found.mask.as_deref().map(|path| self.mask(path, &probe));
        Ok(Looked::Image(Box::new(Look { hash, probe, size_bytes: bytes.len() as u64, mask, incoming })))
    }

    /// Decodes to the last byte; an import makes the first thumbnail of it on the way.
    fn check(&self, bytes: &[u8], hash: &MediaHash) -> Result<Probe> {
        let Some(app) = self.keep_in else { return va_media::verify(bytes, &self.limits) };
        let seen = va_media::inspect(bytes, &self.limits, images::GALLERY_PX)?;
        images::cache_thumbnail(app, hash, images::GALLERY_PX, &seen.thumbnail);
        Ok(seen.probe)
    }

    fn mask(&self, path: &Path, image: &Probe) -> MaskLook {
        let read = || {
            let bytes = va_media::read_image(path, &self.limits)?;
            va_media::decode_mask(&bytes, &self.limits)
        };
        let mask = match read() {
            Ok(mask) => mask,
            Err(error) => return MaskLook::Broken(error.chain()),
        };
        if (mask.width_px, mask.height_px) != (image.width_px, image.height_px) {
            return MaskLook::Broken(format!(
                "the mask is {}×{}, its image {}×{}: the image was imported without it",
                mask.width_px, mask.height_px, image.width_px, image.height_px
            ));
        }
        match Mask::from_pixels(mask.width_px, mask.height_px, &mask.pixels) {
            Ok(regions) if regions.area() == 0 => MaskLook::Empty,
            Ok(regions) => MaskLook::Regions(regions),
            Err(error) => MaskLook::Broken(error.message().to_owned()),
        }
    }
}
