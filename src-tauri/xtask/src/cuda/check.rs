//! The GPU engine's part of `cargo xtask test`: lints, types and linking, without a card and without NVIDIA's compiler.

use std::path::PathBuf;

use anyhow::Result;

use super::{elf, locks, opening, plugin_build, stubs};
use crate::step::{self, target_dir};

/// Of the plug-in's manifest: quick to compile, with nothing computed.
const PROFILE: &str = "opened";

pub fn check() -> Result<()> {
    if !cfg!(target_os = "linux") {
        eprintln!("The GPU engine is built on Linux for now: nothing is checked here.");
        return Ok(());
    }
    locks::compare()?;
    eprintln!(
        "The GPU engine is type-checked, linked and opened: its kernels are not compiled for a card here (an empty compiler \
         stands in; `cargo xtask cuda` compiles them), and nothing runs on one: the libraries it is opened against answer \
         that there is none. The Rust tests ran the kernels on an emulated card."
    );
    let plugin = build()?;
    elf::names_no_nvidia_library(&plugin)?;
    opening::check(&plugin)
}

/// Lints and builds in one go: clippy's compiler makes what the ordinary one makes, and sees the code for CUDA in all our
/// crates, while `cargo clippy` would see that of this workspace's alone.
fn build() -> Result<PathBuf> {
    let mut build = plugin_build("cuda-check", &stubs::compiler()?)?;
    build.args(["--profile", PROFILE]).env("RUSTC_WRAPPER", "clippy-driver").env("RUSTFLAGS", "-Dwarnings");
    step::run(&mut build)?;
    Ok(target_dir().join("cuda-check").join(PROFILE).join("libva_cuda.so"))
}
