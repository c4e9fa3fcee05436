//! `cargo xtask cuda`: the GPU engine (`src-tauri/plugins/va_cuda`), built with no GPU and no CUDA toolkit.

mod check;
mod compiler;
mod elf;
mod exports;
mod locks;
mod opening;
mod scene;
mod stubs;
mod suite;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

pub use check::check;

use crate::step::{self, cargo, root, target_dir};

/// `libva_cuda.so`'s symbols are of CUDA 13.0: newer minor versions have them too.
const CUDA_VERSION: &str = "13000";
/// The oldest cards that are served, and what Candle's kernels are compiled for.
const COMPUTE_CAPABILITY: &str = "80";

#[derive(clap::Args)]
pub struct Args {
    /// Also pack the GPU test suite, for a machine with a card and without Rust.
    #[arg(long)]
    suite: bool,
    /// Take the versions of the application's lock file over into the plug-in's.
    #[arg(long)]
    relock: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the GPU engine is built on Linux for now");
    }
    if args.relock {
        return locks::relock();
    }
    locks::compare()?;
    let plugin = build()?;
    elf::names_no_nvidia_library(&plugin)?;
    println!("{}", plugin.display());
    if args.suite {
        println!("{}", suite::pack(&plugin)?.display());
    }
    Ok(())
}

fn manifest() -> PathBuf {
    root().join("src-tauri/plugins/va_cuda/Cargo.toml")
}

/// Cargo on the plug-in's own workspace, in a target folder of its own.
fn plugin_cargo(task: &str, folder: &str) -> Command {
    let mut command = cargo();
    command.arg(task).arg("--manifest-path").arg(manifest()).arg("--locked");
    command.env("CARGO_TARGET_DIR", target_dir().join(folder));
    command.env("CUDARC_CUDA_VERSION", CUDA_VERSION).env("CUDA_COMPUTE_CAP", COMPUTE_CAPABILITY);
    command
}

/// The built library.
fn build() -> Result<PathBuf> {
    let home = compiler::fetch()?;
    let mut build = plugin_cargo("build", "cuda");
    build.env("CUDA_HOME", &home).env("NVCC", home.join("bin/nvcc")).env("LIBRARY_PATH", stubs::libraries()?);
    step::run(&mut build)?;
    Ok(target_dir().join("cuda/debug/libva_cuda.so"))
}
