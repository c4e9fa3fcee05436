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

use std::path::{Path, PathBuf};
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
    /// Only do what `cargo xtask test` does: lint it, link it, open it where there is no card.
    #[arg(long)]
    check: bool,
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
    if args.check {
        // The application that the engine is opened by, as the tests build it: an older one speaks another interface.
        step::run(cargo().args(["test", "--workspace", "--locked", "--no-run"]))?;
        return check();
    }
    locks::compare()?;
    let plugin = build()?;
    elf::names_no_nvidia_library(&plugin)?;
    exports::Exports::needed_by(&plugin)?;
    println!("{}", plugin.display());
    if args.suite {
        println!("{}", suite::pack(&plugin)?.display());
    }
    Ok(())
}

fn manifest() -> PathBuf {
    root().join("src-tauri/plugins/va_cuda/Cargo.toml")
}

/// The built library.
fn build() -> Result<PathBuf> {
    step::run(&mut plugin_build("cuda", &compiler::fetch()?)?)?;
    Ok(target_dir().join("cuda/debug/libva_cuda.so"))
}

/// Cargo on the plug-in's own workspace, in a target folder of its own, with the compiler of kernels that lies in this home.
fn plugin_build(folder: &str, home: &Path) -> Result<Command> {
    let mut build = cargo();
    build.args(["build", "--locked", "--manifest-path"]).arg(manifest());
    build.env("CARGO_TARGET_DIR", target_dir().join(folder));
    build.env("CUDARC_CUDA_VERSION", CUDA_VERSION).env("CUDA_COMPUTE_CAP", COMPUTE_CAPABILITY);
    build.env("CUDA_HOME", home).env("NVCC", home.join("bin/nvcc")).env("LIBRARY_PATH", stubs::libraries()?);
    Ok(build)
}
