//! Published weights: the catalogue of the program, and the library's own `weights/catalogue.json` over it, with which a
//! lab names its mirror or its own published weights.

use va_domain::{Weights, WeightsState};
use va_engine::{PublishedWeights, parse_catalogue, published_weights};
use va_error::{Code, Context, Error, Result};

use super::place::Place;
use crate::App;

/// A catalogue of many thousand entries is smaller.
const MAX_CATALOGUE_BYTES: u64 = 4 << 20;

/// All entries; an own one replaces that of the program with the same name.
///
/// # Errors
/// `InvalidInput` or `TooLarge` when the library's own catalogue cannot be used.
pub(super) fn entries(app: &App) -> Result<Vec<PublishedWeights>> {
    let mut entries = published_weights().to_vec();
    let path = Place::of(app).catalogue();
    if !path.is_file() {
        return Ok(entries);
    }
    let own = || {
        if std::fs::metadata(&path)?.len() > MAX_CATALOGUE_BYTES {
            return Err(Error::new(Code::TooLarge, "it is too large for a catalogue"));
        }
        parse_catalogue(&std::fs::read_to_string(&path)?)
    };
    for entry in own().with_context(|| format!("the catalogue {} cannot be used", path.display()))? {
        match entries.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }
    Ok(entries)
}

/// # Errors
/// `NotFound`, and as [`entries`].
pub(super) fn entry(app: &App, name: &str) -> Result<PublishedWeights> {
    let found = entries(app)?.into_iter().find(|entry| entry.name == name);
    found.ok_or_else(|| super::unknown(name))
}

/// An entry of which nothing is here.
pub(super) fn weights(entry: &PublishedWeights) -> Weights {
    Weights {
        name: entry.name.clone(),
        arch: entry.arch.clone(),
        source_url: Some(entry.source_url.clone()),
        licence: Some(entry.licence.clone()),
        size_bytes: entry.size_bytes,
        sha256: entry.known_sha256().map(str::to_owned),
        is_hash_published: entry.known_sha256().is_some(),
        image_size_px: Some(entry.image_size_px),
        mean: entry.mean,
        std: entry.std,
        state: WeightsState::NotInstalled,
        downloaded_bytes: 0,
        job_id: None,
        class_count: None,
        installed_ms: None,
    }
}
