//! A file at the door: is it what it should be, what is it, and may it in under this name.

use std::path::Path;

use va_domain::{WeightsReport, now_ms};
use va_engine::{PublishedWeights, WeightFile, identify_weights, standard_preprocessing};
use va_error::{Error, Result};
use va_fetch::Expected;
use va_store::Op;

use super::place::{Place, Record};
use super::{WeightsInstalled, announce, catalogue};
use crate::jobs::JobContext;
use crate::train::register::free_name;

/// A file that lies below the weights folder, not looked at yet.
pub(super) struct Arrival<'a> {
    pub path: &'a Path,
    pub sha256: &'a str,
    pub size_bytes: u64,
}

/// As what the file should be installed.
pub(super) enum Wanted<'a> {
    /// The published file of this entry, and nothing else.
    Published(&'a PublishedWeights),
    /// An own file. A published one is recognised by its hash.
    Own {
        /// Must be free.
        name: Option<&'a str>,
        /// A number is put behind it when it is taken.
        suggested: &'a str,
        licence: Option<&'a str>,
    },
}

/// The hash and size that the catalogue knows of an entry.
pub(super) fn expected(entry: &PublishedWeights) -> Expected<'_> {
    Expected { sha256: entry.known_sha256(), size_bytes: entry.size_bytes }
}

/// Checks the file, finds its architecture, and moves it to its place.
///
/// # Errors
/// `InvalidInput` when it is not the published file, cannot be read, or fits no architecture; `NotFinite`; `Conflict` when
/// it is installed under another name, or the name is taken. The file then stays where it arrived.
pub(super) fn admit(context: &JobContext, arrival: &Arrival<'_>, wanted: &Wanted<'_>) -> Result<WeightsInstalled> {
    let app = context.app();
    let place = Place::of(app);
    let records = place.records()?;
    if let Wanted::Published(entry) = wanted {
        expected(entry).check(arrival.size_bytes, arrival.sha256).map_err(|wrong| {
            Error::invalid(format!("this is not the published file of {}: {}", entry.name, wrong.message()))
        })?;
    }
    let file = identify_weights(arrival.path)?;
    let recognised = match wanted {
        Wanted::Published(entry) => Some((*entry).clone()),
        Wanted::Own { .. } => recognise(&catalogue::entries(app)?, arrival, &file),
    };
    let record = match (&recognised, wanted) {
        (Some(entry), _) => published(entry, arrival, &file)?,
        (None, Wanted::Own { name, suggested, licence }) => own(&records, arrival, &file, *name, suggested, *licence)?,
        (None, Wanted::Published(_)) => return Err(Error::internal("BUG: a published file without its entry")),
    };
    if let Some(known) = records.iter().find(|known| known.sha256 == record.sha256) {
        return already(known, &record, file.report);
    }
    if records.iter().any(|known| known.name == record.name) {
        return Err(Error::conflict(format!(
            "other weights are installed as {}: remove them first, or give another name",
            record.name
        )));
    }
    place.put(arrival.path, &record)?;
    let summary = format!("{} ({}, SHA-256 {})", record.name, record.arch, record.sha256);
    app.transact(context.actor(), Op::audited("weights_install").summary(summary), |_| Ok(()))?;
    announce(app);
    Ok(WeightsInstalled { weights: record.weights(), report: file.report })
}

/// The entry whose hash, as far as it is published, this file has.
fn recognise(entries: &[PublishedWeights], arrival: &Arrival<'_>, file: &WeightFile) -> Option<PublishedWeights> {
    let is_it = |entry: &&PublishedWeights| {
        entry.arch == file.arch && entry.known_sha256().is_some_and(|known| arrival.sha256.starts_with(known))
    };
    entries.iter().find(is_it).cloned()
}

fn published(entry: &PublishedWeights, arrival: &Arrival<'_>, file: &WeightFile) -> Result<Record> {
    if entry.arch != file.arch {
        return Err(Error::invalid(format!(
            "{} is of the architecture {}, and this file is of {}",
            entry.name, entry.arch, file.arch
        )));
    }
    Ok(Record {
        name: entry.name.clone(),
        arch: file.arch.clone(),
        sha256: arrival.sha256.to_owned(),
        size_bytes: arrival.size_bytes,
        licence: Some(entry.licence.clone()),
        source_url: Some(entry.source_url.clone()),
        is_hash_published: entry.known_sha256().is_some(),
        image_size_px: Some(entry.image_size_px),
        mean: entry.mean,
        std: entry.std,
        class_count: file.class_count,
        installed_ms: now_ms(),
    })
}

fn own(
    records: &[Record],
    arrival: &Arrival<'_>,
    file: &WeightFile,
    name: Option<&str>,
    suggested: &str,
    licence: Option<&str>,
) -> Result<Record> {
    let is_taken = |name: &str| records.iter().any(|known| known.name == name && known.sha256 != arrival.sha256);
    let same = records.iter().find(|known| known.sha256 == arrival.sha256);
    let name = match (name, same) {
        (Some(name), _) => name.to_owned(),
        (None, Some(same)) => same.name.clone(),
        (None, None) => free_name(suggested, |name| Ok(is_taken(name)))?,
    };
    // Nobody said what images it has seen: those of ImageNet are what nearly all published weights have.
    let standard = standard_preprocessing(0);
    Ok(Record {
        name,
        arch: file.arch.clone(),
        sha256: arrival.sha256.to_owned(),
        size_bytes: arrival.size_bytes,
        licence: licence.map(str::to_owned),
        source_url: None,
        is_hash_published: false,
        image_size_px: None,
        mean: standard.mean,
        std: standard.std,
        class_count: file.class_count,
        installed_ms: now_ms(),
    })
}

/// Installing what is installed changes nothing.
fn already(known: &Record, record: &Record, report: WeightsReport) -> Result<WeightsInstalled> {
    if known.name == record.name {
        return Ok(WeightsInstalled { weights: known.weights(), report });
    }
    Err(Error::conflict(format!("this file is installed already, as {}", known.name)))
}
