//! Finding what training on an NVIDIA GPU needs: the driver, the CUDA libraries, the plug-in that uses them. Nothing here
//! is linked; a machine without any of it runs the same program and can be told exactly what is missing.

mod cudnn;
mod driver;
mod libraries;
mod pack;
mod place;
mod places;

use std::path::{Path, PathBuf};

use va_domain::{CudaLibrary, CudaStatus, GpuReason};

use crate::plugin::{Visible, load};
use crate::{Engine, PluginEngine};

pub use pack::{IN_USE_FILE, PackFolders, PackRecord, PackedFile, RECORD_FILE, is_plain_name, user_data};
pub use place::Place;
pub use places::Places;

/// The plug-in's file name.
pub const PLUGIN_FILE: &str = if cfg!(windows) { "va_cuda.dll" } else { "libva_cuda.so" };

/// What was found, and the engine where everything was.
pub struct Found {
    pub status: CudaStatus,
    pub engine: Option<PluginEngine>,
    /// The CUDA libraries are in the program now, whether the engine could be opened or not; they cannot be changed any more.
    pub libraries_loaded: bool,
}

/// Looks in `places`, in their order; loads the driver and the libraries, then opens the plug-in. A machine where something
/// is missing is not an error: the status says what, and what to do.
pub fn find(places: &Places) -> Found {
    let mut status = CudaStatus {
        driver_cuda_version: None,
        required_cuda_version: driver::text(driver::REQUIRED),
        libraries: Vec::new(),
        other_versions: Vec::new(),
        plugin_path: None,
        ready: false,
        note: String::new(),
        reason: None,
    };
    let plugin = match prepare(places, &mut status) {
        Ok(plugin) => plugin,
        Err(reason) => return Found { status: status.lacking(reason), engine: None, libraries_loaded: false },
    };
    let reason = match open(&plugin, &status.libraries) {
        Ok(engine) => match reason_against(&engine) {
            None => {
                status.ready = true;
                return Found { status, engine: Some(engine), libraries_loaded: true };
            }
            Some(reason) => {
                // Looking for a card may have started threads of it.
                std::mem::forget(engine);
                reason
            }
        },
        Err(reason) => reason,
    };
    Found { status: status.lacking(reason), engine: None, libraries_loaded: true }
}

/// Why an opened engine cannot compute on anything; None when it can.
fn reason_against(engine: &PluginEngine) -> Option<GpuReason> {
    let devices = engine.describe().devices;
    if devices.iter().any(|device| device.available) {
        return None;
    }
    let first = devices.into_iter().next();
    let detail = first.as_ref().map_or("it names none", |device| &device.note).to_owned();
    first.and_then(|device| device.reason).or(Some(GpuReason::CardUnusable { detail }))
}

/// The plug-in, when everything that it needs is there.
///
/// # Errors
/// What is missing.
fn prepare(places: &Places, status: &mut CudaStatus) -> std::result::Result<PathBuf, GpuReason> {
    let plugin = places.plugin(PLUGIN_FILE);
    status.plugin_path = plugin.as_deref().map(display);
    status.libraries = libraries::ALL.iter().map(|library| seen(places, library)).collect();
    status.other_versions = places.other_versions();
    // The driver first: without it nothing else matters.
    let version = driver::cuda_version(places)?;
    status.driver_cuda_version = Some(driver::text(version));
    if version < driver::REQUIRED {
        return Err(driver::too_old(version));
    }
    let missing = status.libraries.iter().filter(|library| library.path.is_none());
    let files: Vec<String> = missing.map(|library| library.file.clone()).collect();
    if !files.is_empty() {
        return Err(GpuReason::LibrariesMissing { files });
    }
    plugin.ok_or_else(|| GpuReason::EngineMissing { file: PLUGIN_FILE.to_owned() })
}

fn seen(places: &Places, library: &libraries::Library) -> CudaLibrary {
    let path = places.library(library.file);
    CudaLibrary {
        file: library.file.to_owned(),
        purpose: library.purpose.to_owned(),
        path: path.as_deref().map(display),
    }
}

/// Loads the libraries, then opens the plug-in.
///
/// # Errors
/// Why one of them cannot be used.
fn open(plugin: &Path, libraries: &[CudaLibrary]) -> std::result::Result<PluginEngine, GpuReason> {
    let unusable = |error: va_error::Error| GpuReason::EngineUnusable { detail: error.chain() };
    for library in libraries {
        let path = PathBuf::from(library.path.as_deref().unwrap_or(&library.file));
        pack::hold(&path);
        for path in libraries::companions(&path).iter().chain([&path]) {
            let loaded = load(path, Visible::ToLaterOnes).map_err(|error| {
                unusable(va_error::Error::invalid(format!("{} cannot be loaded", path.display())).with_source(error))
            })?;
            let other = cudnn::other_major(&loaded);
            // The plug-in uses it for as long as the program runs.
            std::mem::forget(loaded);
            if let Some(major) = other {
                return Err(GpuReason::LibraryOfOtherVersion {
                    library: display(path),
                    found_cuda_version: major.to_string(),
                    required_cuda_version: libraries::MAJOR.to_string(),
                });
            }
        }
    }
    PluginEngine::open(plugin).map_err(unusable)
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
