//! `cargo xtask cuda`: the GPU engine (`src-tauri/plugins/va_cuda`), built with no GPU and no CUDA toolkit.

mod compiler;
mod locks;
mod stubs;
mod suite;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

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
    names_no_cuda_library(&plugin)?;
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

/// A library that needs CUDA's by name could not be opened where they lie in a folder that the settings name.
fn names_no_cuda_library(plugin: &PathBuf) -> Result<()> {
    let output =
        Command::new("readelf").arg("-d").arg(plugin).output().context("readelf is part of build-essential")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let needed: Vec<&str> = text.lines().filter(|line| line.contains("(NEEDED)")).collect();
    let named = |line: &&&str| ["libcu", "libnv"].iter().any(|library| line.contains(&format!("[{library}")));
    match needed.iter().find(named) {
        Some(line) => bail!("the GPU engine names a CUDA library: {}", line.trim()),
        None => Ok(()),
    }
}

/// For `cargo xtask test`: types and lints of the GPU engine, without the compiler for its kernels.
pub fn check() -> Result<()> {
    if !cfg!(target_os = "linux") {
        eprintln!("The GPU engine is built on Linux for now: nothing is checked here.");
        return Ok(());
    }
    locks::compare()?;
    eprintln!(
        "The GPU engine is type-checked: its kernels are not compiled for a card here (an empty compiler stands in; \
         `cargo xtask cuda` compiles them), and nothing runs on one. The Rust tests ran the kernels on an emulated card."
    );
    let home = stubs::compiler()?;
    let mut clippy = plugin_cargo("clippy", "cuda-check");
    clippy.env("CUDA_HOME", &home).env("NVCC", home.join("bin/nvcc"));
    step::run(clippy.args(["--", "--deny", "warnings"]))
}
