//! The Python environment beside the build cache: only `bench` and `parity` need it, and `cuda` for its installer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::{self, root, target_dir};

/// The folder that the build cache lies in.
pub fn beside_build_cache() -> PathBuf {
    target_dir().parent().map_or_else(|| root().join("target"), PathBuf::from)
}

/// The interpreter of the environment, which may be empty yet; made on first use.
pub fn bare_environment() -> Result<PathBuf> {
    let folder = beside_build_cache().join("venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        step::run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context("Python 3 with venv is needed")?;
    }
    Ok(python)
}

/// The interpreter of an environment that holds `tests/parity/requirements.txt`; made on first use.
pub fn environment() -> Result<PathBuf> {
    let python = bare_environment()?;
    let wanted = root().join("tests/parity/requirements.txt");
    let ready =
        Command::new(&python).args(["-c", "import torch, timm, safetensors, onnxruntime, sklearn, PIL"]).output();
    if !ready.is_ok_and(|o| o.status.success()) {
        step::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted))?;
    }
    Ok(python)
}
