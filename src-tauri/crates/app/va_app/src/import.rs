//! Images into a dataset: look first, then do it as a job that can be interrupted at any moment and goes on.
//!
//! Originals are copied by the hash of their bytes, synced, and only then become rows, 256 at a time. Starting an import
//! again is always safe: what is there is recognised by its bytes.

mod look;
mod media;
mod one;
mod preview;
mod run;
mod source;
mod space;

use std::collections::HashSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use va_domain::{Actor, DatasetId, ImportOptions, ImportReport, Job, JobKind, JobState, Role};
use va_error::{Code, Context, Error, Result};
use va_store::table::media::MediaRow;

pub use one::{OneImage, one};
pub use preview::{preview, preview_until};
pub use run::run;

use crate::app::require;
use crate::jobs::{self, NewJob};
use crate::{App, staging};

/// What to import: paths on this machine (a folder; or several folders and files, as dropped), or an upload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportRequest {
    #[serde(default)]
    pub paths: Vec<PathBuf>,
    #[serde(default)]
    pub upload_id: Option<String>,
    #[serde(default)]
    pub options: ImportOptions,
}

/// The parameters of an import job.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ImportParams {
    dataset_id: DatasetId,
    #[serde(flatten)]
    request: ImportRequest,
}

/// Queues the import; the job's result is an [`ImportReport`].
///
/// # Errors
/// `NotFound` for the dataset or the source, `InvalidInput` for shares that do not add up or without exactly one source.
pub fn start(app: &App, actor: &Actor, dataset: DatasetId, request: &ImportRequest) -> Result<Job> {
    require(actor, Role::Annotator)?;
    if let Some(ratios) = request.options.split {
        ratios.check()?;
    }
    let name = app.store().read(|read| read.datasets().get(dataset))?.name;
    let folder = source::paths_of(app, request)?;
    let from = match (&request.upload_id, folder.as_slice()) {
        (Some(upload), [one]) if *one == staging::folder(app, upload)? => None,
        (_, [one]) => Some(one.file_name().map_or_else(|| one.display().to_string(), |n| n.to_string_lossy().into())),
        (_, several) => Some(format!("{} paths", several.len())),
    };
    // Absolute: the job may go on in a process that was started elsewhere.
    let paths = if request.upload_id.is_some() { Vec::new() } else { folder };
    let params = ImportParams { dataset_id: dataset, request: ImportRequest { paths, ..request.clone() } };
    let params = serde_json::to_value(params)
        .map_err(|_| Error::invalid("the path of the folder is not valid Unicode: rename the folder and try again"))?;
    let title = from.map_or_else(|| name.clone(), |from| format!("{name} · {from}"));
    jobs::submit(
        app,
        actor,
        NewJob { kind: JobKind::Import, title, project_id: None, dataset_id: Some(dataset), params },
    )
}

/// Imports and waits for the end: for a few files sent at once. The library must be running its jobs.
///
/// # Errors
/// As [`start`], and the job's own.
pub fn import_now(app: &App, actor: &Actor, dataset: DatasetId, request: &ImportRequest) -> Result<ImportReport> {
    let job = start(app, actor, dataset, request)?;
    let job = jobs::wait(app, job.id, |_| ())?;
    match (job.state, job.result) {
        (JobState::Succeeded, Some(result)) => {
            serde_json::from_value(result).context("the report of the import cannot be read")
        }
        (JobState::Failed, _) => Err(Error::new(Code::InvalidInput, job.error.unwrap_or_default())),
        _ => Err(Error::cancelled()),
    }
}

/// Uploads that queued, paused, interrupted and running imports and installs have to read.
///
/// # Errors
/// When the jobs cannot be read.
pub(crate) fn uploads_in_use(app: &App) -> Result<HashSet<Uuid>> {
    let upload = |job: Job| Uuid::parse_str(job.params.get("upload_id")?.as_str()?).ok();
    let readers = [JobKind::Import, JobKind::WeightsInstall, JobKind::GpuPackInstall];
    let unfinished = jobs::unfinished(app)?.into_iter().filter(|job| readers.contains(&job.kind));
    Ok(unfinished.filter_map(upload).collect())
}

fn media_row(look: &look::Look) -> MediaRow {
    MediaRow {
        hash: look.hash.clone(),
        size_bytes: look.size_bytes,
        width_px: look.probe.width_px,
        height_px: look.probe.height_px,
        format: look.probe.kind.as_str().to_owned(),
        orientation: look.probe.orientation.tag(),
    }
}

/// Removes the received files of an upload that is in the dataset now.
fn discard_upload(app: &App, request: &ImportRequest) {
    if let Some(upload) = &request.upload_id
        && let Err(error) = staging::discard(app, upload)
    {
        tracing::warn!("an imported upload stays in the cache for a day: {error:#}");
    }
}
