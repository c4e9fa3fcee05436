//! Is an installed pack still what was installed? Every byte is read.

use std::path::Path;

use serde_json::{Value, json};
use va_domain::{Actor, Job, JobKind, Role};
use va_engine::gpu::PackRecord;
use va_error::{Code, Error, Result};

use super::install::require_idle;
use super::place::Place;
use super::{announce, current, not_installed, result_of};
use crate::App;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob};

/// Queues the verification; the job fails where a file is not what it should be, and the pack is not used any more until
/// it is installed again.
///
/// # Errors
/// `NotFound` when none is installed, `Conflict` while it is being installed.
pub fn verify(app: &App, actor: &Actor) -> Result<Job> {
    require(actor, Role::Owner)?;
    require_idle(app)?;
    let record = current(app).ok_or_else(not_installed)?.record?;
    let (kind, title) = (JobKind::GpuPackVerify, record.version);
    let job = jobs::submit(app, actor, NewJob { kind, title, project_id: None, dataset_id: None, params: json!({}) })?;
    announce(app);
    Ok(job)
}

/// The work of a verification job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let app = context.app();
    let installed = current(app).ok_or_else(not_installed)?;
    let record = installed.record?;
    let damaged = damaged_files(context, &installed.dir, &record)?;
    let noted = note(&installed.dir, &PackRecord { damaged: damaged.clone(), ..record });
    if damaged.is_empty() {
        noted?;
        announce(app);
        return Ok(serde_json::to_value(result_of(app)?)?);
    }
    if let Err(error) = noted {
        tracing::warn!("a damaged GPU pack cannot be marked as such: {error:#}");
    }
    app.engine().look_again();
    announce(app);
    Err(Error::invalid(format!(
        "files of the GPU pack are damaged or missing: {}. It is not used any more; install it again to mend it",
        damaged.join(", ")
    )))
}

fn damaged_files(context: &JobContext, dir: &Path, record: &PackRecord) -> Result<Vec<String>> {
    let folder = dir.join(&record.folder);
    let total = record.files.iter().map(|file| file.size_bytes).sum();
    let (mut done, mut damaged) = (0, Vec::new());
    for file in &record.files {
        let expected = va_fetch::Expected { sha256: Some(&file.sha256), size_bytes: Some(file.size_bytes) };
        let read = va_fetch::sha256_of(&folder.join(&file.name), |bytes| {
            context.progress(done + bytes, total, "bytes", "checking");
            context.check_cancel()
        });
        let is_right = match read {
            Ok((size, sha256)) => expected.check(size, &sha256).is_ok(),
            Err(error) if error.code() == Code::Cancelled => return Err(error),
            // It cannot be read: no program can use it.
            Err(_) => false,
        };
        if !is_right {
            damaged.push(file.name.clone());
        }
        done += file.size_bytes;
    }
    Ok(damaged)
}

/// Writes it into the record, so that nobody uses a damaged pack. One that came with the program may lie where this user
/// cannot write: then only the answer says it.
fn note(dir: &Path, record: &PackRecord) -> Result<()> {
    let place = Place::at(dir);
    let known = PackRecord::read(dir)?.map(|known| known.damaged);
    if known.as_ref() == Some(&record.damaged) {
        return Ok(());
    }
    let _lock = place.lock()?;
    place.put_record(record)
}
