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

/// The major version of CUDA that the plug-in is built for. Libraries of another cannot serve it, and libraries of two do not
/// work together.
pub(super) const MAJOR: u32 = 13;

/// Of CUDA 13; all are redistributable, and part of the GPU pack.
pub(super) const ALL: [Library; 6] = [
    library!("libcudart.so.13", "cudart64_13.dll", "CUDA runtime"),
    library!("libcublasLt.so.13", "cublasLt64_13.dll", "matrix products"),
    library!("libcublas.so.13", "cublas64_13.dll", "matrix products"),
    library!("libcurand.so.10", "curand64_10.dll", "random numbers"),
    library!("libnvrtc.so.13", "nvrtc64_130_0.dll", "compiler of small kernels"),
    library!("libcudnn.so.9", "cudnn64_9.dll", "convolutions"),
];

/// Libraries whose file name carries the major version of CUDA; cuDNN's and cuRAND's carry their own.
const TELLING: [&str; 4] = ["cudart", "cublas", "cublasLt", "nvrtc"];

/// The major version of CUDA in a library's file name: 12 of `libcublas.so.12.4.5.8`, `cublas64_12.dll` and
/// `nvrtc64_120_0.dll`. None of a name that tells none.
pub(super) fn major_of(file: &str) -> Option<u32> {
    let (name, version) = match file.strip_prefix("lib").and_then(|rest| rest.split_once(".so.")) {
        Some(linux) => linux,
        None => file.strip_suffix(".dll")?.split_once("64_")?,
    };
    if !TELLING.contains(&name) {
        return None;
    }
    let digits = version.split(['.', '_']).next()?;
    let number: u32 = digits.parse().ok()?;
    // Windows' names have the minor version behind the major one where they tell both: `110`, `130_0`.
    Some(if digits.len() > 2 { number / 10 } else { number })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries_tell_the_major_version_of_cuda_or_none() {
        for (file, major) in [
            ("libcublas.so.13", Some(13)),
            ("libcublasLt.so.12.4.5.8", Some(12)),
            ("libcudart.so.11.0", Some(11)),
            ("libnvrtc.so.13", Some(13)),
            ("cublas64_12.dll", Some(12)),
            ("cudart64_110.dll", Some(11)),
            ("nvrtc64_130_0.dll", Some(13)),
            ("libcudnn.so.9", None),
            ("libcurand.so.10", None),
            ("cudnn64_9.dll", None),
            ("libnvrtc-builtins.so.13.0", None),
            ("libcublas.so", None),
            ("libcublas.so.", None),
            ("libcublas.so.99999999999999", None),
            ("libcusolver.so.11", None),
        ] {
            assert_eq!(major_of(file), major, "{file}");
        }
        let told: Vec<&str> = ALL.iter().map(|library| library.file).filter(|file| major_of(file).is_none()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(ALL.iter().filter_map(|library| major_of(library.file)).all(|major| major == MAJOR));
    }
}
