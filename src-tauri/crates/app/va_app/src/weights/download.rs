//! Published weights from the network, when a person agreed to their licence.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use va_domain::{Actor, Job, JobKind, Role, WeightsState};
use va_engine::PublishedWeights;
use va_error::{Code, Context, Error, Result};
use va_fetch::{Downloaded, Patience, Progress};
use va_store::Op;

use super::admit::{Arrival, Wanted, admit, expected};
use super::install::MAX_BYTES;
use super::place::Place;
use super::{announce, catalogue};
use crate::App;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob, Stop};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadRequest {
    /// Of an entry of the catalogue.
    pub name: String,
    /// The person has seen licence, source and size, and agrees.
    #[serde(default)]
    pub agree_licence: bool,
}

/// What was agreed to, so that a changed catalogue cannot make it something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DownloadParams {
    name: String,
    source_url: String,
    licence: String,
}

/// Queues the download; the job's result is a [`super::WeightsInstalled`]. What an earlier one left is gone on with.
///
/// # Errors
/// `NotFound` for an unknown name; `InvalidInput`, with licence, source and size, unless the licence was agreed to;
/// `Conflict` when it is installed or being downloaded.
pub fn download(app: &App, actor: &Actor, request: &DownloadRequest) -> Result<Job> {
    require(actor, Role::Owner)?;
    let entry = catalogue::entry(app, &request.name)?;
    let weights = super::get(app, &request.name)?;
    if weights.state == WeightsState::Installed {
        return Err(Error::conflict(format!("{} is installed already", entry.name)));
    }
    if let Some(job) = weights.job_id {
        return Err(Error::conflict(format!("{} is being downloaded already (job {job})", entry.name)));
    }
    if !request.agree_licence {
        return Err(not_agreed(&entry));
    }
    let summary = format!("{} from {} under {}", entry.name, entry.source_url, entry.licence);
    app.transact(actor, Op::audited("weights_download").summary(summary), |_| Ok(()))?;
    let params = DownloadParams {
        name: entry.name.clone(),
        source_url: entry.source_url.clone(),
        licence: entry.licence.clone(),
    };
    let (kind, title) = (JobKind::WeightsDownload, entry.name);
    let params = serde_json::to_value(params)?;
    let job = jobs::submit(app, actor, NewJob { kind, title, project_id: None, dataset_id: None, params })?;
    announce(app);
    Ok(job)
}

fn not_agreed(entry: &PublishedWeights) -> Error {
    let size = match entry.size_bytes {
        Some(bytes) => format!("{} MB", bytes.div_ceil(1_000_000)),
        None => "a size that its server tells".to_owned(),
    };
    Error::invalid(format!(
        "{} is published under {} at {} ({size}): it is downloaded when you agree to that licence",
        entry.name, entry.licence, entry.source_url
    ))
    .with_details(json!({
        "name": entry.name, "licence": entry.licence, "source_url": entry.source_url, "size_bytes": entry.size_bytes,
    }))
}

/// The work of a download job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let params: DownloadParams = context.params()?;
    let app = context.app();
    let entry = catalogue::entry(app, &params.name)?;
    if (&entry.source_url, &entry.licence) != (&params.source_url, &params.licence) {
        return Err(Error::conflict(format!(
            "source or licence of {} changed in the catalogue since you agreed: look at it and start the download anew",
            params.name
        )));
    }
    let to = Place::of(app).download(&entry.name);
    let fetched = fetch(context, &entry, &to);
    // What came so far is seen in the list, however it ended.
    announce(app);
    let fetched = fetched?;
    if fetched.resumed_from > 0 {
        context.note(format!("went on from {} bytes of an earlier download", fetched.resumed_from));
    }
    context.progress(fetched.size_bytes, fetched.size_bytes, "bytes", "checking");
    let arrival = Arrival { path: &to, sha256: &fetched.sha256, size_bytes: fetched.size_bytes };
    let installed = admit(context, &arrival, &Wanted::Published(&entry));
    // Moved to its place, or not usable: a file that is here would only be taken for good the next time.
    let _ = std::fs::remove_file(&to);
    let installed = installed.with_context(|| format!("{} was downloaded and not installed", entry.name))?;
    if !installed.weights.is_hash_published {
        context.note(format!("its publisher gives no hash; recorded is SHA-256 {}", fetched.sha256));
    }
    Ok(serde_json::to_value(installed)?)
}

fn fetch(context: &JobContext, entry: &PublishedWeights, to: &std::path::Path) -> Result<Downloaded> {
    let wanted = va_fetch::Wanted {
        url: &entry.source_url,
        to,
        expected: expected(entry),
        max_bytes: MAX_BYTES,
        patience: Patience::default(),
    };
    let mut progress = |progress: Progress| {
        context.progress(progress.done_bytes, progress.total_bytes.unwrap_or(0), "bytes", "downloading");
    };
    context.progress(0, entry.size_bytes.unwrap_or(0), "bytes", "connecting");
    let fetched = va_fetch::download(&wanted, &mut progress, &|| context.stop_requested() != Stop::Continue);
    match fetched {
        Err(error) if error.code() == Code::Io => Err(error).with_context(|| {
            format!(
                "{} was not downloaded. Without a network, bring the file from {} on a disk and install it from there",
                entry.name, entry.source_url
            )
        }),
        other => other,
    }
}
