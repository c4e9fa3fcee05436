//! NVIDIA's compiler from its Python packages, unpacked beside the build cache.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::python::{bare_environment, beside_build_cache};
use crate::step;

/// Versions that go together.
const PACKAGES: &[&str] = &[
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-curand==10.4.*",
];

/// `CUDA_HOME`; fetched on first use, about 370 MB unpacked.
pub fn fetch() -> Result<PathBuf> {
    let folder = beside_build_cache().join("cuda-compiler");
    let home = folder.join("nvidia/cu13");
    // Written last: a fetch that was interrupted begins anew.
    let (complete, wanted) = (folder.join("complete"), PACKAGES.join("\n"));
    if fs::read_to_string(&complete).is_ok_and(|found| found == wanted) {
        return Ok(home);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut install = Command::new(bare_environment()?);
    install.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&folder).args(PACKAGES);
    step::run(&mut install).context("NVIDIA's compiler could not be fetched")?;
    for program in fs::read_dir(home.join("bin"))?.flatten().map(|entry| entry.path()) {
        make_executable(&program)?;
    }
    make_executable(&home.join("nvvm/bin/cicc"))?;
    fs::write(complete, wanted)?;
    Ok(home)
}

/// Python's packages lose the mark.
fn make_executable(path: &Path) -> Result<()> {
    if path.is_file() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} executable", path.display()))?;
    }
    Ok(())
}
