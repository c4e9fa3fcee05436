//! The version of CUDA that the driver supports, asked of the driver's own library.
#![allow(unsafe_code)]

use std::path::Path;

use super::places::Places;
use crate::plugin::{Visible, load};

/// CUDA 13.0, as the driver counts.
pub(super) const REQUIRED: u32 = 13_000;

const FILE: &str = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };

/// `1000 · major + 10 · minor`, as `cuDriverGetVersion` gives it.
///
/// # Errors
/// The sentence for the person: no driver, or one that does not answer.
pub(super) fn cuda_version(places: &Places) -> Result<u32, String> {
    let path = places.driver(FILE);
    let library = load(path.as_deref().unwrap_or(Path::new(FILE)), Visible::ToLaterOnes).map_err(|_| {
        format!(
            "No NVIDIA driver was found (its library {FILE} is missing); training uses the CPU. If this machine has an \
             NVIDIA card, install its driver."
        )
    })?;
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
        (Ok(status), _) => Err(format!(
            "The NVIDIA driver does not answer (status {status}); restart the machine, or install it again."
        )),
        (Err(_), _) => Err(format!("{FILE} is not the NVIDIA driver's library; install the driver again.")),
    }
}

/// `13.0`.
pub(super) fn text(version: u32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

pub(super) fn too_old(version: u32) -> String {
    format!(
        "The NVIDIA driver is too old: it supports CUDA {}, and CUDA {} is needed. Install driver 580 or newer; training \
         uses the CPU until then.",
        text(version),
        text(REQUIRED)
    )
}
