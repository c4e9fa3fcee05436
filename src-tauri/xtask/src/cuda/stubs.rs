//! What stands in for CUDA where it is not: libraries without a symbol to link against, and a compiler that makes empty
//! files where only types are checked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::step::{self, target_dir};

/// Libraries that Candle and cudarc ask the linker for.
const LIBRARIES: &[&str] = &["cuda", "cudart", "cublas", "cublasLt", "curand", "nvrtc", "cudnn"];

const COMPILER: &str = include_str!("stub_nvcc.sh");

fn folder() -> PathBuf {
    target_dir().join("cuda-stubs")
}

/// The folder of the empty libraries. A library that takes no symbol from them does not name them.
pub fn libraries() -> Result<PathBuf> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    for name in LIBRARIES {
        let path = folder.join(format!("lib{name}.so"));
        if !path.exists() {
            step::run(Command::new("cc").args(["-shared", "-x", "c", "/dev/null", "-o"]).arg(&path))?;
        }
    }
    Ok(folder)
}

/// The home of the empty compiler.
pub fn compiler() -> Result<PathBuf> {
    let (home, program) = (folder().join("compiler"), folder().join("compiler/bin/nvcc"));
    fs::create_dir_all(home.join("bin"))?;
    // Written anew only when it changed: what it made would be made again.
    if !fs::read_to_string(&program).is_ok_and(|found| found == COMPILER) {
        fs::write(&program, COMPILER)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    }
    Ok(home)
}
