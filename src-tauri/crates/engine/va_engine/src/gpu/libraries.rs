//! The CUDA libraries that the plug-in uses, in the order in which they must be loaded.

use std::path::{Path, PathBuf};

pub(super) struct Library {
    pub file: &'static str,
    /// In words for a person.
    pub purpose: &'static str,
}

macro_rules! library {
    ($linux:literal, $windows:literal, $purpose:literal) => {
        Library { file: if cfg!(windows) { $windows } else { $linux }, purpose: $purpose }
    };
}

/// Of CUDA 13; all are redistributable, and part of the GPU pack.
pub(super) const ALL: [Library; 6] = [
    library!("libcudart.so.13", "cudart64_13.dll", "CUDA runtime"),
    library!("libcublasLt.so.13", "cublasLt64_13.dll", "matrix products"),
    library!("libcublas.so.13", "cublas64_13.dll", "matrix products"),
    library!("libcurand.so.10", "curand64_10.dll", "random numbers"),
    library!("libnvrtc.so.13", "nvrtc64_130_0.dll", "compiler of small kernels"),
    library!("libcudnn.so.9", "cudnn64_9.dll", "convolutions"),
];

/// What a library opens by its bare name when it needs it, and finds only when it is in the program already: the compiler
/// has its built-in functions in a file beside it, whose name carries the toolkit's minor version.
pub(super) fn companions(library: &Path) -> Vec<PathBuf> {
    let is_compiler = library.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"libnvrtc.so."));
    let Some(folder) = library.parent().filter(|_| is_compiler) else { return Vec::new() };
    let is_builtins = |path: &PathBuf| {
        let minor = path.file_name().and_then(|name| name.to_str()?.strip_prefix("libnvrtc-builtins.so.13."));
        minor.is_some_and(|minor| !minor.is_empty() && minor.chars().all(|c| c.is_ascii_digit()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_builtins).collect()
}
