//! The bytes of images for a person's eyes: originals, thumbnails, masks. Always upright, always something a browser shows.
//!
//! What has to be computed is kept under `cache/`; it may be deleted at any time, and damaged files there are made again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use va_domain::{Geometry, MediaHash, Sample, SampleId};
use va_error::{Context, Error, Result};
use va_media::{ImageKind, Limits};

use crate::App;

/// The size of thumbnails that an import prepares.
pub const GALLERY_PX: u32 = 256;

pub(crate) const SIZES_PX: std::ops::RangeInclusive<u32> = 32..=1024;
/// Upright copies of JPEGs; nearly invisible loss, and only for showing.
const SHOWN_QUALITY: u8 = 92;
/// How strongly a mask covers its image.
const MASK_ALPHA: u8 = 140;

/// Bytes with what HTTP says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageBytes {
    pub bytes: Vec<u8>,
    pub mime: &'static str,
    /// Changes when the bytes do; without quotes.
    pub etag: String,
}

/// The image at full size: the original bytes, or an upright copy where a browser would show the original wrongly or not
/// at all. Also of deleted samples, for old evaluations.
///
/// # Errors
/// `NotFound` without the sample or when its file is gone from the library.
pub fn image(app: &App, id: SampleId) -> Result<ImageBytes> {
    let (sample, orientation) = app.store().read(|read| {
        let sample = read.samples().get_even_deleted(id)?;
        let orientation = read.media().get(&sample.media_hash)?.orientation;
        Ok((sample, orientation))
    })?;
    let kind = kind_of(&sample)?;
    if kind.shown_by_browsers() && orientation == 1 {
        let etag = sample.media_hash.to_string();
        return Ok(ImageBytes { bytes: original(app, &sample)?, mime: kind.mime(), etag });
    }
    let (shown, extension) = if kind == ImageKind::Jpeg { (ImageKind::Jpeg, "jpg") } else { (ImageKind::Png, "png") };
    let path = cache_path(app, "upright", &sample.media_hash, extension);
    let bytes = cached(&path, || {
        let image = va_media::decode(&original(app, &sample)?, &Limits::default())?;
        if shown == ImageKind::Jpeg {
            va_media::encode_jpeg(&image, SHOWN_QUALITY)
        } else {
            va_media::encode_png_rgb(&image)
        }
    })?;
    Ok(ImageBytes { bytes, mime: shown.mime(), etag: format!("{}-upright", sample.media_hash) })
}

/// A small upright JPEG whose longer side is `size_px` (taken to the range 32 to 1024).
///
/// # Errors
/// As [`image`].
pub fn thumbnail(app: &App, id: SampleId, size_px: u32) -> Result<ImageBytes> {
    let size_px = size_px.clamp(*SIZES_PX.start(), *SIZES_PX.end());
    let sample = app.store().read(|read| read.samples().get_even_deleted(id))?;
    let path = thumbnail_path(app, &sample.media_hash, size_px);
    let bytes = cached(&path, || va_media::thumbnail(&original(app, &sample)?, &Limits::default(), size_px))?;
    Ok(ImageBytes { bytes, mime: "image/jpeg", etag: format!("{}-{size_px}", sample.media_hash) })
}

/// The masks of a sample as one PNG with alpha, in the colours of their classes; where they overlap, the later one shows.
///
/// # Errors
/// `NotFound` without the sample; `Internal` for a damaged mask.
pub fn mask(app: &App, id: SampleId) -> Result<ImageBytes> {
    let (sample, annotations, labels) = app.store().read(|read| {
        let sample = read.samples().get_even_deleted(id)?;
        let labels = read.labels().of_dataset(sample.dataset_id)?;
        Ok((sample, read.annotations().of_sample(id)?, labels))
    })?;
    let mut pixels = vec![0; sample.width_px as usize * sample.height_px as usize * 4];
    for annotation in annotations {
        let Geometry::Mask(mask) = annotation.geometry else { continue };
        mask.check()?;
        if (mask.width_px, mask.height_px) != (sample.width_px, sample.height_px) {
            return Err(Error::internal("a mask has another size than its image"));
        }
        let label = labels.iter().find(|label| Some(label.id) == annotation.label_id);
        let [r, g, b] = label.map_or([255; 3], |label| rgb(&label.color));
        let mut at = 0;
        for (number, run) in mask.runs.iter().enumerate() {
            let end = at + *run as usize * 4;
            if number % 2 == 1 {
                pixels[at..end].chunks_exact_mut(4).for_each(|p| p.copy_from_slice(&[r, g, b, MASK_ALPHA]));
            }
            at = end;
        }
    }
    let bytes = va_media::encode_png_rgba(&pixels, sample.width_px, sample.height_px)?;
    let etag = MediaHash::of(&bytes).to_string();
    Ok(ImageBytes { bytes, mime: "image/png", etag })
}

/// Keeps a thumbnail that was made anyway. The cache is a courtesy: a failure costs time later, nothing else.
pub(crate) fn cache_thumbnail(app: &App, hash: &MediaHash, size_px: u32, bytes: &[u8]) {
    let path = thumbnail_path(app, hash, size_px);
    if !path.exists()
        && let Err(error) = write_whole(&path, bytes)
    {
        tracing::debug!("a thumbnail was not cached: {error:#}");
    }
}

/// Removes what was computed of an original that is gone for good.
pub(crate) fn forget_cached(app: &App, hash: &MediaHash) {
    let cache = app.store().library().cache_dir();
    let sizes = fs::read_dir(cache.join("thumbnails")).into_iter().flatten().flatten();
    let thumbnails = sizes.filter_map(|size| Some(format!("thumbnails/{}", size.file_name().to_str()?)));
    let thumbnails = thumbnails.map(|below| cache_path(app, &below, hash, "jpg"));
    let upright = ["jpg", "png"].map(|extension| cache_path(app, "upright", hash, extension));
    for path in thumbnails.chain(upright) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
            _ => {}
        }
    }
}

fn original(app: &App, sample: &Sample) -> Result<Vec<u8>> {
    let path = app.media_path(&sample.media_hash, &sample.format);
    va_media::read_file(&path, &Limits::default())
        .with_context(|| format!("the file of {} cannot be read from the library's media folder", sample.name))
}

fn kind_of(sample: &Sample) -> Result<ImageKind> {
    ImageKind::from_name(&sample.format)
        .ok_or_else(|| Error::internal(format!("{} has an unknown format, {}", sample.name, sample.format)))
}

fn thumbnail_path(app: &App, hash: &MediaHash, size_px: u32) -> PathBuf {
    cache_path(app, &format!("thumbnails/{size_px}"), hash, "jpg")
}

fn cache_path(app: &App, below: &str, hash: &MediaHash, extension: &str) -> PathBuf {
    let name = hash.as_str();
    let folder = app.store().library().cache_dir().join(below).join(name.get(..2).unwrap_or("00"));
    folder.join(format!("{name}.{extension}"))
}

/// From the cache, or made and put there. Two threads may make the same file: each writes it whole under another name and
/// renames it, so that readers never see half of one.
fn cached(path: &Path, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    if let Ok(bytes) = fs::read(path)
        && is_whole(&bytes)
    {
        return Ok(bytes);
    }
    let bytes = make()?;
    if let Err(error) = write_whole(path, &bytes) {
        tracing::debug!("an image was not cached: {error:#}");
    }
    Ok(bytes)
}

/// Begins and ends as a JPEG or PNG does: a crash while writing leaves a cut or zeroed file.
fn is_whole(bytes: &[u8]) -> bool {
    let jpeg = bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]);
    let png = bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xaeB`\x82");
    jpeg || png
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().ok_or_else(|| Error::internal("BUG: a cached file without a folder"))?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// `#rrggbb`; white for anything else.
fn rgb(color: &str) -> [u8; 3] {
    let digits = color.strip_prefix('#').filter(|d| d.len() == 6).and_then(|d| u32::from_str_radix(d, 16).ok());
    digits.map_or([255; 3], |value| {
        let [_, r, g, b] = value.to_be_bytes();
        [r, g, b]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_cache_files_are_made_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ab/x.jpg");
        let good = [0xff, 0xd8, 1, 0xff, 0xd9].to_vec();
        assert_eq!(cached(&path, || Ok(good.clone())).unwrap(), good);
        assert_eq!(cached(&path, || panic!("it is in the cache")).unwrap(), good);
        for damage in [&b""[..], &good[..3], &[0; 5]] {
            fs::write(&path, damage).unwrap();
            assert_eq!(cached(&path, || Ok(good.clone())).unwrap(), good);
        }
        assert_eq!(fs::read(&path).unwrap(), good, "and replaced");
    }

    #[test]
    fn colours_are_read() {
        assert_eq!(rgb("#ffb000"), [255, 176, 0]);
        assert_eq!(rgb("red"), [255; 3]);
    }
}
