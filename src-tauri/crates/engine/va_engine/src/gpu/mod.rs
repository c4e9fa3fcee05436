//! Finding what training on an NVIDIA GPU needs: the driver, the CUDA libraries, the plug-in that uses them. Nothing here
//! is linked; a machine without any of it runs the same program and can be told exactly what is missing.

mod driver;
mod libraries;
mod pack;
mod places;

use std::path::{Path, PathBuf};

use va_domain::{CudaLibrary, CudaStatus};
use va_error::Result;

use crate::plugin::{Visible, load};
use crate::{Engine, PluginEngine};

pub use pack::{IN_USE_FILE, PackFolders, PackRecord, PackedFile, RECORD_FILE, is_plain_name, user_data};
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
        plugin_path: None,
        ready: false,
        note: String::new(),
    };
    let plugin = match prepare(places, &mut status) {
        Ok(plugin) => plugin,
        Err(note) => {
            status.note = note;
            return Found { status, engine: None, libraries_loaded: false };
        }
    };
    let why = match open(&plugin, &status.libraries) {
        Ok(engine) => match reason_against(&engine) {
            None => {
                status.ready = true;
                return Found { status, engine: Some(engine), libraries_loaded: true };
            }
            Some(why) => {
                // Looking for a card may have started threads of it.
                std::mem::forget(engine);
                format!("The GPU engine found no GPU that it can use: {why}")
            }
        },
        Err(error) => format!("The GPU engine cannot be used: {}", error.chain()),
    };
    status.note = format!("{why}. Training uses the CPU; it is tried again when VisAIon is started anew.");
    Found { status, engine: None, libraries_loaded: true }
}

/// Why an opened engine cannot compute on anything; None when it can.
fn reason_against(engine: &PluginEngine) -> Option<String> {
    let devices = engine.describe().devices;
    if devices.iter().any(|device| device.available) {
        return None;
    }
    Some(devices.into_iter().next().map_or_else(|| "it names none".to_owned(), |device| device.note))
}

/// The plug-in, when everything that it needs is there.
///
/// # Errors
/// The sentence for the person.
fn prepare(places: &Places, status: &mut CudaStatus) -> std::result::Result<PathBuf, String> {
    let plugin = places.plugin(PLUGIN_FILE);
    status.plugin_path = plugin.as_deref().map(display);
    status.libraries = libraries::ALL.iter().map(|library| seen(places, library)).collect();
    // The driver first: without it nothing else matters.
    let version = driver::cuda_version(places)?;
    status.driver_cuda_version = Some(driver::text(version));
    if version < driver::REQUIRED {
        return Err(driver::too_old(version));
    }
    let missing: Vec<&CudaLibrary> = status.libraries.iter().filter(|library| library.path.is_none()).collect();
    if !missing.is_empty() {
        return Err(libraries::missing(&missing));
    }
    plugin.ok_or_else(|| {
        format!("The GPU engine ({PLUGIN_FILE}) does not lie beside this program; install VisAIon's GPU package.")
    })
}

fn seen(places: &Places, library: &libraries::Library) -> CudaLibrary {
    let path = places.library(library.file);
    CudaLibrary {
        file: library.file.to_owned(),
        purpose: library.purpose.to_owned(),
        path: path.as_deref().map(display),
    }
}

fn open(plugin: &Path, libraries: &[CudaLibrary]) -> Result<PluginEngine> {
    for library in libraries {
        let path = PathBuf::from(library.path.as_deref().unwrap_or(&library.file));
        pack::hold(&path);
        for path in libraries::companions(&path).iter().chain([&path]) {
            let loaded = load(path, Visible::ToLaterOnes).map_err(|error| {
                va_error::Error::invalid(format!("{} cannot be loaded", path.display())).with_source(error)
            })?;
            // The plug-in uses it for as long as the program runs.
            std::mem::forget(loaded);
        }
    }
    PluginEngine::open(plugin)
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
