//! Bytes that never travel as JSON. The window's image protocol and the HTTP service answer the same paths with them.

use std::path::PathBuf;

use va_app::{App, images, models, predict, train};
use va_domain::{Augmentation, ModelId, SampleId};
use va_error::{Context as _, Error, Result};

pub use va_app::images::{ImageBytes, image, mask, thumbnail};

/// Edge of a thumbnail that is asked for without a size, in pixels.
const THUMBNAIL_PX: u32 = 256;
/// Edge of an augmented preview that is asked for without a size, in pixels.
const AUGMENTED_PX: u32 = 128;

/// The bytes of `/samples/{id}/image`, `/samples/{id}/thumbnail?size=256`, `/samples/{id}/mask`,
/// `/samples/{id}/augmented?augmentation={…}&size=128&seed=1`, `/models/{id}/versions/{number}/export/{file_name}` and, in
/// the window only, `/predictions/{preview_id}/thumbnail`; `query` is what stands behind the question mark, or empty.
///
/// # Errors
/// `NotFound` for any other path and for what is not there, `InvalidInput` for an id or size that is none.
pub fn fetch(app: &App, path: &str, query: &str) -> Result<ImageBytes> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["samples", id, "image"] => image(app, id.parse()?),
        ["samples", id, "thumbnail"] => thumbnail(app, id.parse()?, size(query)?),
        ["samples", id, "mask"] => mask(app, id.parse::<SampleId>()?),
        ["predictions", id, "thumbnail"] => predict::thumbnail(app, id, size(query)?),
        ["samples", id, "augmented"] => augmented(app, id.parse()?, query),
        ["models", id, "versions", number, "export", name] => {
            let number =
                number.parse().map_err(|_| Error::invalid(format!("{number:?} is not the number of a version")))?;
            let file = exported_file(app, id.parse()?, number, name)?;
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let etag = format!("{id}-{number}-{name}");
            Ok(images::ImageBytes { bytes, mime: "application/octet-stream", etag })
        }
        _ => Err(Error::not_found(format!("there is nothing at {path}"))),
    }
}

/// What training would make of a sample: `query` holds the augmentation as JSON (`augmentation`, without it the default),
/// the edge in pixels (`size`) and the `seed`.
///
/// # Errors
/// `NotFound` without the sample, `InvalidInput` for a value that is none or out of its range.
pub fn augmented(app: &App, id: SampleId, query: &str) -> Result<ImageBytes> {
    let (mut augmentation, mut size_px, mut seed) = (Augmentation::default(), AUGMENTED_PX, 0);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || Error::invalid(format!("{name} is {value:?}; it must be a whole number"));
        match name.as_ref() {
            "augmentation" => augmentation = serde_json::from_str(&value).context("the augmentation cannot be read")?,
            "size" => size_px = value.parse().map_err(|_| number())?,
            "seed" => seed = value.parse().map_err(|_| number())?,
            _ => {}
        }
    }
    train::augmented(app, id, &augmentation, size_px, seed)
}

/// Where an exported file of a model version lies.
///
/// # Errors
/// `NotFound` when the version has no export of that name.
pub fn exported_file(app: &App, id: ModelId, number: u32, name: &str) -> Result<PathBuf> {
    models::export_path(app, id, number, name)
}

fn size(query: &str) -> Result<u32> {
    let given = query.split('&').find_map(|pair| pair.strip_prefix("size="));
    let wrong = |text: &str| Error::invalid(format!("size is {text:?}; it must be a number of pixels"));
    given.map_or(Ok(THUMBNAIL_PX), |text| text.parse().map_err(|_| wrong(text)))
}
