//! The GPU pack: NVIDIA's libraries that the GPU engine needs at run time, installed for this user from files that a person
//! brought or, when the person agreed to NVIDIA's licences, from the network; verified, and removed again.
//!
//! A pack lies outside the library, because it belongs to the machine: every library of this user uses the same. The engine
//! uses it only when its record says that it is whole (`va_engine::gpu`).

mod archive;
mod download;
mod gather;
mod install;
mod manifest;
mod place;
mod unpack;
mod verify;

use std::path::{Path, PathBuf};

use va_domain::{
    Actor, CudaLibrary, CudaStatus, Entity, Event, GpuPack, GpuPackState, Job, JobId, JobKind, JobState, Role,
};
use va_engine::gpu::PackRecord;
use va_error::{Error, Result};
use va_store::Op;

use crate::app::require;
use crate::{App, jobs};

pub use download::download;
pub(crate) use download::run as run_download;
pub(crate) use install::run as run_install;
pub use install::{InstallRequest, install};
use manifest::Manifest;
use place::Place;
pub(crate) use verify::run as run_verify;
pub use verify::verify;

const KINDS: [JobKind; 3] = [JobKind::GpuPackInstall, JobKind::GpuPackDownload, JobKind::GpuPackVerify];

/// A pack folder with a record.
struct Installed {
    dir: PathBuf,
    record: Result<PackRecord>,
}

impl Installed {
    fn faults(&self) -> Vec<String> {
        match &self.record {
            Ok(record) => record.faults(&self.dir),
            Err(_) => vec![va_engine::gpu::RECORD_FILE.to_owned()],
        }
    }
}

/// What can be installed, and what is.
///
/// # Errors
/// `InvalidInput` when the user's own manifest is damaged.
pub fn get(app: &App) -> Result<GpuPack> {
    let manifest = Manifest::current(app)?;
    let installed = current(app);
    let damaged_files = installed.as_ref().map(Installed::faults).unwrap_or_default();
    let record = installed.as_ref().and_then(|installed| installed.record.as_ref().ok());
    let downloaded_bytes = Place::own(app).map_or(0, |place| place.downloaded_bytes(&manifest));
    let state = match &installed {
        Some(_) if damaged_files.is_empty() => GpuPackState::Installed,
        Some(_) => GpuPackState::Damaged,
        None if downloaded_bytes > 0 => GpuPackState::PartlyDownloaded,
        None => GpuPackState::NotInstalled,
    };
    let own = app.gpu_packs().own.as_deref();
    let dir = installed.as_ref().map(|installed| installed.dir.as_path()).or(own);
    Ok(GpuPack {
        state,
        installed_version: record.map(|record| record.version.clone()),
        is_supported: manifest.is_supported(),
        would_help: app.engine().describe().cuda.as_ref().is_some_and(would_help),
        packages: manifest.packages.iter().map(manifest::Package::to_domain).collect(),
        download_bytes: manifest.download_bytes(),
        downloaded_bytes,
        installed_bytes: manifest.installed_bytes(),
        folder: dir.map(|dir| dir.display().to_string()),
        damaged_files,
        job_id: busy(app)?,
        installed_ms: record.map(|record| record.installed_ms),
        version: manifest.version,
    })
}

/// Removes an installed pack, or what came of one. Libraries that a program has loaded stay on the disk until it has ended.
///
/// # Errors
/// `NotFound` when there is nothing of it; `Conflict` while it is being installed, or while a job computes with it.
pub fn remove(app: &App, actor: &Actor) -> Result<()> {
    require(actor, Role::Owner)?;
    install::require_idle(app)?;
    let pack = get(app)?;
    if pack.state == GpuPackState::NotInstalled {
        return Err(not_installed());
    }
    let place = match current(app) {
        Some(installed) => Place::at(&installed.dir),
        None => Place::own(app)?,
    };
    if let Some(title) = used_by(app, place.dir())? {
        return Err(Error::conflict(format!(
            "{title} computes on the GPU with this pack: wait for its end, or stop it, before you remove the pack"
        )));
    }
    let lock = place.lock()?;
    place.remove_record()?;
    place.forget_downloads(&lock)?;
    place.sweep(&lock);
    let summary = pack.installed_version.unwrap_or(pack.version);
    app.transact(actor, Op::audited("gpu_pack_remove").summary(summary), |_| Ok(()))?;
    app.engine().look_again();
    announce(app);
    Ok(())
}

/// Libraries of removed packs go when no program uses them any more.
pub(crate) fn tidy(app: &App) {
    let Some(own) = app.gpu_packs().own.as_deref().filter(|own| own.is_dir()) else { return };
    let place = Place::at(own);
    // Somebody who is at work on it tidies up as well.
    if let Ok(lock) = place.lock() {
        place.sweep(&lock);
    }
}

/// The pack that is used, or else the damaged one that a person should hear of.
fn current(app: &App) -> Option<Installed> {
    let read = |dir: &Path| Some(Installed { dir: dir.to_owned(), record: PackRecord::read(dir).transpose()? });
    let mut all: Vec<Installed> = app.gpu_packs().all().filter_map(read).collect();
    let whole = all.iter().position(|installed| installed.faults().is_empty()).unwrap_or(0);
    if all.is_empty() { None } else { Some(all.swap_remove(whole)) }
}

/// As it is when the job that asks has ended.
fn result_of(app: &App) -> Result<GpuPack> {
    Ok(GpuPack { job_id: None, ..get(app)? })
}

/// Nothing is done twice at once, and what is whole is not installed over.
fn require_wanted(app: &App, manifest: &Manifest) -> Result<()> {
    manifest.require_support()?;
    Place::own(app)?;
    install::require_idle(app)?;
    let pack = get(app)?;
    if pack.state == GpuPackState::Installed && pack.installed_version.as_ref() == Some(&manifest.version) {
        return Err(Error::conflict("the GPU pack is installed and whole: verify it, or remove it first"));
    }
    Ok(())
}

/// A driver that is new enough, and libraries that are missing.
fn would_help(cuda: &CudaStatus) -> bool {
    let number = |version: &str| -> Option<(u32, u32)> {
        let (major, minor) = version.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let driver = cuda.driver_cuda_version.as_deref().and_then(number);
    driver.is_some()
        && driver >= number(&cuda.required_cuda_version)
        && cuda.libraries.iter().any(|library| library.path.is_none())
}

/// The title of a job that may compute with the libraries in `pack`.
fn used_by(app: &App, pack: &Path) -> Result<Option<String>> {
    let is_from_pack =
        |library: &CudaLibrary| library.path.as_deref().is_some_and(|path| Path::new(path).starts_with(pack));
    let cuda = app.engine().describe().cuda;
    if !cuda.is_some_and(|cuda| cuda.ready && cuda.libraries.iter().any(is_from_pack)) {
        return Ok(None);
    }
    let computes = |job: &Job| match job.kind {
        JobKind::Train => job.params["settings"]["device"] != "cpu",
        JobKind::Evaluate => true,
        _ => false,
    };
    let mut running = jobs::unfinished(app)?.into_iter().filter(|job| job.state == JobState::Running);
    Ok(running.find(computes).map(|job| job.title))
}

/// The install, download or verification that has not ended.
fn busy(app: &App) -> Result<Option<JobId>> {
    Ok(jobs::unfinished(app)?.into_iter().find(|job| KINDS.contains(&job.kind)).map(|job| job.id))
}

fn announce(app: &App) {
    app.emit(&Event::Changed { entity: Entity::GpuPack, ids: Vec::new(), dataset_id: None });
}

fn not_installed() -> Error {
    Error::not_found("no GPU pack is installed; `visaion gpu-pack show` says what it is for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_helps_where_the_driver_is_ready_and_libraries_are_missing() {
        let status = |driver: Option<&str>, path: Option<&str>| CudaStatus {
            driver_cuda_version: driver.map(str::to_owned),
            required_cuda_version: "13.0".into(),
            libraries: vec![CudaLibrary { file: "l".into(), purpose: "p".into(), path: path.map(str::to_owned) }],
            other_versions: Vec::new(),
            plugin_path: None,
            ready: false,
            note: String::new(),
            reason: None,
        };
        assert!(would_help(&status(Some("13.0"), None)) && would_help(&status(Some("14.2"), None)));
        assert!(!would_help(&status(Some("13.0"), Some("/x/l"))), "the libraries are here");
        assert!(!would_help(&status(None, None)), "no driver, no card");
        assert!(!would_help(&status(Some("12.9"), None)), "first the driver");
    }
}
