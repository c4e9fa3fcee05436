//! The GPU pack from files that a person brought.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::{Actor, GpuPack, Job, JobKind, Role};
use va_error::{Error, Result};

use super::gather::{gather, names};
use super::manifest::Manifest;
use super::place::{Lock, Place};
use super::{announce, busy, require_wanted, result_of, unpack};
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob};
use crate::{App, staging};

/// Exactly one of `path` and `upload_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRequest {
    /// One of NVIDIA's wheels, a folder of them, or a ZIP file that holds them.
    #[serde(default)]
    pub path: Option<PathBuf>,
    #[serde(default)]
    pub upload_id: Option<String>,
}

/// Queues the install; the job's result is the [`GpuPack`] as it then is. A single wheel is kept until the others come.
///
/// # Errors
/// `NotFound` for the file; `InvalidInput` on a machine that has no pack; `Conflict` when it is installed and whole, or
/// being installed.
pub fn install(app: &App, actor: &Actor, request: &InstallRequest) -> Result<Job> {
    require(actor, Role::Owner)?;
    let manifest = Manifest::current(app)?;
    require_wanted(app, &manifest)?;
    // Absolute: the job may go on in a process that was started elsewhere.
    let path = request.path.as_ref().map(std::path::absolute).transpose()?;
    let request = InstallRequest { path, ..request.clone() };
    let source = source_of(app, &request)?;
    if !source.exists() {
        return Err(Error::not_found(format!("there is no {}", source.display())));
    }
    let params = serde_json::to_value(&request)
        .map_err(|_| Error::invalid("the path of the file is not valid Unicode: rename it and try again"))?;
    let (kind, title) = (JobKind::GpuPackInstall, manifest.version);
    let job = jobs::submit(app, actor, NewJob { kind, title, project_id: None, dataset_id: None, params })?;
    announce(app);
    Ok(job)
}

/// The work of an install job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let request: InstallRequest = context.params()?;
    let taken = take_in(context, &request);
    // What came is seen, however it ended.
    announce(context.app());
    let pack = taken?;
    if let Some(upload) = &request.upload_id
        && let Err(error) = staging::discard(context.app(), upload)
    {
        tracing::warn!("an installed upload stays in the cache for a day: {error:#}");
    }
    Ok(serde_json::to_value(pack)?)
}

fn take_in(context: &JobContext, request: &InstallRequest) -> Result<GpuPack> {
    let app = context.app();
    let manifest = Manifest::current(app)?;
    let place = Place::own(app)?;
    let lock = place.lock()?;
    place.sweep(&lock);
    let taken = unpack_from(context, &place, &lock, &manifest, &source_of(app, request)?);
    // Also what a failure left half unpacked: it may be a gigabyte.
    place.sweep(&lock);
    taken?;
    result_of(app)
}

fn unpack_from(context: &JobContext, place: &Place, lock: &Lock, manifest: &Manifest, source: &Path) -> Result<()> {
    let gathered = gather(context, place, lock, manifest, source)?;
    if gathered.missing.is_empty() {
        return unpack::install(context, place, lock, manifest, &gathered.wheels);
    }
    let missing = names(&gathered.missing);
    if source.is_dir() || gathered.wheels.is_empty() {
        return Err(Error::invalid(format!("nothing was installed, for these files are missing: {missing}")));
    }
    context.note(format!("kept until the others come; missing: {missing}"));
    Ok(())
}

/// # Errors
/// `InvalidInput` unless exactly one of path and upload is named; `NotFound` for the upload.
fn source_of(app: &App, request: &InstallRequest) -> Result<PathBuf> {
    match (&request.path, &request.upload_id) {
        (Some(path), None) => Ok(path.clone()),
        // Of one file it is the file: a ZIP file or a wheel; of several their folder.
        (None, Some(upload)) => staging::only_file(app, upload).or_else(|_| staging::folder(app, upload)),
        _ => Err(Error::invalid("name exactly one of files on this machine and an upload")),
    }
}

/// Another install would change the same files.
pub(super) fn require_idle(app: &App) -> Result<()> {
    match busy(app)? {
        Some(job) => Err(Error::conflict(format!(
            "the GPU pack is being worked on already: wait for the end of the job {job}, or cancel it"
        ))),
        None => Ok(()),
    }
}
