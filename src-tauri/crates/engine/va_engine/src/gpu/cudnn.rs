//! The major version of CUDA that a loaded cuDNN was made for: its file name does not tell, and neither does a folder into
//! which a package manager puts everything.
#![allow(unsafe_code)]

use libloading::Library;

use super::libraries::MAJOR;

/// The version, when it is not the plug-in's; None of cuDNN for the right one, and of every other library.
pub(super) fn other_major(library: &Library) -> Option<u32> {
    // SAFETY: the form of this function has been the same since cuDNN 6; it needs no card and no initialisation. As
    // `cuDriverGetVersion`, it counts 1000 · major + 10 · minor.
    let version = unsafe {
        let function =
            library.get::<unsafe extern "C" fn() -> usize>(c"cudnnGetCudartVersion".to_bytes_with_nul()).ok()?;
        function()
    };
    let major = u32::try_from(version / 1000).ok()?;
    (major > 0 && major != MAJOR).then_some(major)
}
