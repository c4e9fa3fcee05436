//! The version of CUDA that the driver supports, asked of the driver's own library.
#![allow(unsafe_code)]

use std::path::Path;

use va_domain::GpuReason;

use super::places::Places;
use crate::plugin::{Visible, load};

/// CUDA 13.0, as the driver counts.
pub(super) const REQUIRED: u32 = 13_000;
/// The first driver with it.
const REQUIRED_DRIVER: &str = "580";

const FILE: &str = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };

/// `1000 · major + 10 · minor`, as `cuDriverGetVersion` gives it.
///
/// # Errors
/// No driver, or one that does not answer.
pub(super) fn cuda_version(places: &Places) -> Result<u32, GpuReason> {
    let path = places.driver(FILE);
    let library = load(path.as_deref().unwrap_or(Path::new(FILE)), Visible::ToLaterOnes)
        .map_err(|_| GpuReason::DriverMissing { library: FILE.to_owned() })?;
    let mut version = 0i32;
    // SAFETY: the form of this function has been the same since CUDA 2.2; it needs no initialisation and writes one number.
    let status = unsafe {
        library
            .get::<unsafe extern "C" fn(*mut i32) -> i32>(c"cuDriverGetVersion".to_bytes_with_nul())
            .map(|function| function(&raw mut version))
    };
    // The plug-in uses it for as long as the program runs.
    std::mem::forget(library);
    match (status, u32::try_from(version)) {
        (Ok(0), Ok(version)) if version > 0 => Ok(version),
        (Ok(status), _) => Err(GpuReason::DriverSilent { status }),
        (Err(_), _) => Err(GpuReason::DriverForeign { library: FILE.to_owned() }),
    }
}

/// `13.0`.
pub(super) fn text(version: u32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

pub(super) fn too_old(version: u32) -> GpuReason {
    GpuReason::DriverTooOld {
        supported_cuda_version: text(version),
        required_cuda_version: text(REQUIRED),
        required_driver: REQUIRED_DRIVER.to_owned(),
    }
}
