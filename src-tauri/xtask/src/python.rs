//! The Python environment of the peers, beside the build cache: only `bench` and `parity` need it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::{self, root, target_dir};

/// The interpreter of an environment that holds `tests/parity/requirements.txt`; made on first use.
pub fn environment() -> Result<PathBuf> {
    let folder = target_dir().parent().map_or_else(|| root().join("target"), PathBuf::from).join("venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        step::run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context("Python 3 with venv is needed")?;
    }
    let wanted = root().join("tests/parity/requirements.txt");
    let ready =
        Command::new(&python).args(["-c", "import torch, timm, safetensors, onnxruntime, sklearn, PIL"]).output();
    if !ready.is_ok_and(|o| o.status.success()) {
        step::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted))?;
    }
    Ok(python)
}
