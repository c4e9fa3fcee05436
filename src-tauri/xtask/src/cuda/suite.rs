//! The GPU test suite as one archive: the plug-in, the program that asks it, and a script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::step::{self, build_bins, program, root, target_dir};

/// What may be carried to a machine with a card.
const MOST_BYTES: u64 = 60 << 20;

/// The archive.
pub fn pack(plugin: &Path) -> Result<PathBuf> {
    build_bins(&["gpu_suite"])?;
    let folder = target_dir().join("gpu-suite");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (from, name) in [(plugin.to_path_buf(), "libva_cuda.so"), (program("gpu_suite"), "gpu_suite")] {
        let to = folder.join(name);
        step::run(Command::new("strip").arg("--strip-unneeded").arg(from).arg("-o").arg(to))?;
    }
    fs::copy(root().join("tests/gpu/run.sh"), folder.join("run.sh"))?;
    let archive = target_dir().join("visaion-gpu-suite.tar.gz");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(target_dir()).arg("gpu-suite");
    step::run(&mut tar)?;
    let bytes = fs::metadata(&archive)?.len();
    if bytes > MOST_BYTES {
        bail!("the GPU suite packs to {} MiB, more than {}", bytes >> 20, MOST_BYTES >> 20);
    }
    Ok(archive)
}
