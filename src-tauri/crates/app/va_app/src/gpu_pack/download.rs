//! The GPU pack from the network, when a person agreed to NVIDIA's licences.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use va_domain::{Actor, GpuPack, Job, JobKind, Role};
use va_error::{Code, Context, Error, Result};
use va_fetch::{Patience, Progress};
use va_store::Op;

use super::gather::{Wheel, names};
use super::manifest::{Manifest, Package};
use super::place::{Lock, Place};
use super::{announce, gather, require_wanted, result_of, unpack};
use crate::App;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob, Stop};

/// What was agreed to, so that a changed manifest cannot make it something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DownloadParams {
    agreed: Vec<Agreed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Agreed {
    source_url: String,
    licence: String,
    sha256: String,
}

/// Queues the download and install; the job's result is the [`GpuPack`] as it then is. What an earlier one left is gone on
/// with.
///
/// # Errors
/// `InvalidInput`, with licences, sources and size, unless the licences were agreed to, and on a machine that has no pack;
/// `Conflict` when it is installed and whole, or being installed.
pub fn download(app: &App, actor: &Actor, agree_licence: bool) -> Result<Job> {
    require(actor, Role::Owner)?;
    let manifest = Manifest::current(app)?;
    require_wanted(app, &manifest)?;
    if !agree_licence {
        return Err(not_agreed(&manifest));
    }
    let params = DownloadParams { agreed: terms(&manifest) };
    let summary = format!("{} under {}", manifest.version, licences(&manifest).join(" and "));
    app.transact(actor, Op::audited("gpu_pack_download").summary(summary), |_| Ok(()))?;
    let params = serde_json::to_value(params)?;
    let (kind, title) = (JobKind::GpuPackDownload, manifest.version);
    let job = jobs::submit(app, actor, NewJob { kind, title, project_id: None, dataset_id: None, params })?;
    announce(app);
    Ok(job)
}

fn terms(manifest: &Manifest) -> Vec<Agreed> {
    let agreed = |package: &Package| Agreed {
        source_url: package.source_url.clone(),
        licence: package.licence.clone(),
        sha256: package.sha256.clone(),
    };
    manifest.packages.iter().map(agreed).collect()
}

/// Each once.
fn licences(manifest: &Manifest) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for package in &manifest.packages {
        if !all.contains(&package.licence.as_str()) {
            all.push(&package.licence);
        }
    }
    all
}

fn not_agreed(manifest: &Manifest) -> Error {
    Error::invalid(format!(
        "NVIDIA's libraries ({} MB) are published under the {}: they are downloaded when you agree to that",
        manifest.download_bytes().div_ceil(1_000_000),
        licences(manifest).join(" and the ")
    ))
    .with_details(json!({
        "licences": licences(manifest),
        "source_urls": manifest.packages.iter().map(|package| &package.source_url).collect::<Vec<_>>(),
        "size_bytes": manifest.download_bytes(),
    }))
}

/// The work of a download job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let fetched = fetch_and_install(context);
    // What came so far is seen, however it ended.
    announce(context.app());
    Ok(serde_json::to_value(fetched?)?)
}

fn fetch_and_install(context: &JobContext) -> Result<GpuPack> {
    let (app, params): (&App, DownloadParams) = (context.app(), context.params()?);
    let manifest = Manifest::current(app)?;
    if terms(&manifest) != params.agreed {
        return Err(Error::conflict(
            "sources or licences of the GPU pack changed since you agreed: look at them and start the download anew",
        ));
    }
    let place = Place::own(app)?;
    let lock = place.lock()?;
    place.sweep(&lock);
    let fetched = fetch_all(context, &place, &lock, &manifest);
    // Also what a failure left half unpacked; wheels and parts of them stay.
    place.sweep(&lock);
    fetched?;
    result_of(app)
}

fn fetch_all(context: &JobContext, place: &Place, lock: &Lock, manifest: &Manifest) -> Result<()> {
    let here = place.downloaded_bytes(manifest);
    place.require_space(manifest.download_bytes() - here + manifest.installed_bytes())?;
    if here > 0 {
        context.note(format!("went on from {here} bytes that were here"));
    }
    let mut done = 0;
    let mut wheels = Vec::new();
    for package in &manifest.packages {
        wheels.push(fetch(context, place, manifest, package, done)?);
        done += package.size_bytes;
    }
    // All of them once more, as they lie on the disk now, before anything is unpacked.
    let gathered = gather::verified(context, place, manifest, wheels)?;
    if !gathered.missing.is_empty() {
        return Err(Error::conflict(format!("somebody removed {} meanwhile", names(&gathered.missing))));
    }
    unpack::install(context, place, lock, manifest, &gathered.wheels)
}

fn fetch<'a>(
    context: &JobContext,
    place: &Place,
    manifest: &Manifest,
    package: &'a Package,
    before: u64,
) -> Result<Wheel<'a>> {
    let to = place.wheel(&package.file);
    let wanted = va_fetch::Wanted {
        url: &package.source_url,
        to: &to,
        expected: package.expected(),
        max_bytes: package.size_bytes,
        patience: Patience::default(),
    };
    let mut progress = |progress: Progress| {
        context.progress(before + progress.done_bytes, manifest.download_bytes(), "bytes", "downloading");
    };
    progress(Progress { done_bytes: 0, total_bytes: None });
    let fetched = va_fetch::download(&wanted, &mut progress, &|| context.stop_requested() != Stop::Continue);
    match fetched {
        Err(error) if error.code() == Code::Io => Err(error).with_context(|| {
            format!(
                "{} was not downloaded. Without a network, bring the files of the GPU pack on a disk and install them from \
                 there",
                package.file
            )
        }),
        Err(error) => Err(error),
        Ok(_) => Ok(Wheel { package, path: to }),
    }
}
