//! Pretrained weights: what is published, what is installed in `<library>/weights/`, and taking a file in: brought by a
//! person, or downloaded when a person agreed to its licence. Training starts from installed ones only.
//!
//! A file lies there under its SHA-256, and beside it `<sha256>.json`, the record without which it is nothing.

mod admit;
mod catalogue;
mod choose;
mod download;
mod install;
mod place;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use va_domain::{Actor, Entity, Event, JobId, JobKind, Role, Weights, WeightsReport, WeightsState};
use va_error::{Error, Result};
use va_store::Op;

use crate::app::require;
use crate::{App, jobs};

pub(crate) use choose::{PinnedWeights, choose};
pub(crate) use download::run as run_download;
pub use download::{DownloadRequest, download};
pub(crate) use install::run as run_install;
pub use install::{InstallRequest, install};
use place::{Place, Record};

/// What an install or download gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WeightsInstalled {
    pub weights: Weights,
    /// How the file fits its architecture with its own classes.
    pub report: WeightsReport,
}

/// The catalogue in its order, then own files by name.
///
/// # Errors
/// `InvalidInput` when the library's own `weights/catalogue.json` is damaged.
pub fn list(app: &App) -> Result<Vec<Weights>> {
    let place = Place::of(app);
    let mut records: HashMap<String, Record> =
        place.records()?.into_iter().map(|record| (record.name.clone(), record)).collect();
    let busy = busy(app)?;
    let mut all = Vec::new();
    for entry in catalogue::entries(app)? {
        let record = records.remove(&entry.name);
        let mut weights = match &record {
            Some(record) => record.weights(),
            None => catalogue::weights(&entry),
        };
        if record.is_none()
            && let Some((there, total)) = va_fetch::part_bytes(&place.download(&entry.name))
        {
            weights.state = WeightsState::PartlyDownloaded;
            weights.downloaded_bytes = there;
            weights.size_bytes = weights.size_bytes.or(total);
        }
        all.push(weights);
    }
    let mut own: Vec<Weights> = records.values().map(Record::weights).collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    all.extend(own);
    for weights in &mut all {
        weights.job_id = busy.get(&weights.name).copied();
    }
    Ok(all)
}

/// One of [`list`], by name or SHA-256.
///
/// # Errors
/// `NotFound`, and as [`list`].
pub fn get(app: &App, name: &str) -> Result<Weights> {
    let is_it = |weights: &Weights| weights.name == name || weights.sha256.as_deref() == Some(name);
    list(app)?.into_iter().find(is_it).ok_or_else(|| unknown(name))
}

/// Removes an installed file, or an unfinished download. Models that started from it stay and still name it.
///
/// # Errors
/// `NotFound`; `Conflict` while a run that has not ended starts from it, while it is being downloaded, or when there is
/// nothing of it here.
pub fn remove(app: &App, actor: &Actor, name: &str) -> Result<()> {
    require(actor, Role::Owner)?;
    let weights = get(app, name)?;
    if weights.job_id.is_some() {
        return Err(Error::conflict(format!("{} is being installed: cancel that job first", weights.name)));
    }
    let place = Place::of(app);
    match (weights.state, &weights.sha256) {
        (WeightsState::Installed, Some(sha256)) => {
            if let Some(title) = used_by(app, sha256)? {
                return Err(Error::conflict(format!(
                    "the run {title} starts from {}: wait for its end, or cancel it, before you remove them",
                    weights.name
                )));
            }
            place.remove(sha256)?;
        }
        (WeightsState::PartlyDownloaded, _) => va_fetch::forget_part(&place.download(&weights.name))?,
        _ => return Err(Error::conflict(format!("{} is not installed", weights.name))),
    }
    app.transact(actor, Op::audited("weights_remove").summary(&weights.name), |_| Ok(()))?;
    announce(app);
    Ok(())
}

/// The title of a training that has not ended and starts from this file.
fn used_by(app: &App, sha256: &str) -> Result<Option<String>> {
    let starts = |job: &va_domain::Job| {
        job.kind == JobKind::Train && job.params["initial_weights"]["sha256"].as_str() == Some(sha256)
    };
    Ok(jobs::unfinished(app)?.into_iter().find(starts).map(|job| job.title))
}

/// Installs and downloads that have not ended, by the name of the weights.
fn busy(app: &App) -> Result<HashMap<String, JobId>> {
    let kinds = [JobKind::WeightsInstall, JobKind::WeightsDownload];
    let named = |job: va_domain::Job| Some((job.params["name"].as_str()?.to_owned(), job.id));
    Ok(jobs::unfinished(app)?.into_iter().filter(|job| kinds.contains(&job.kind)).filter_map(named).collect())
}

fn announce(app: &App) {
    app.emit(&Event::Changed { entity: Entity::Weights, ids: Vec::new(), dataset_id: None });
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!("there are no weights {name:?}; `visaion weights list` shows the catalogue and own files"))
}
