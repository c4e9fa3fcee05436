//! Running one external command with a heading, and places in the checkout.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The checkout's root: of the one whose `cargo xtask` runs, even if the program was built from another with the same
/// build cache.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).map_or(here.clone(), PathBuf::from)
}

/// Where cargo builds: where it built this program, whether the environment, its configuration or nobody chose the place.
pub fn target_dir() -> PathBuf {
    let here = std::env::current_exe().ok();
    let built = here.as_deref().and_then(|program| program.parent()?.parent());
    built.map_or_else(|| root().join("target"), PathBuf::from)
}

/// A built program of the one profile.
pub fn program(name: &str) -> PathBuf {
    target_dir().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// With the features that the whole workspace has. The tests add those of their own dependencies, so a crate that such a
/// feature touches is built once for these programs and once for the tests.
pub fn build_bins(names: &[&str]) -> Result<()> {
    let bins = names.iter().flat_map(|name| ["--bin", name]);
    run(cargo().args(["build", "--workspace", "--locked"]).args(bins))
}

/// As [`build_bins`].
pub fn build_example(name: &str) -> Result<()> {
    run(cargo().args(["build", "--workspace", "--locked", "--example", name]))
}

pub fn npm(folder: &str, args: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(root().join(folder)).args(args);
    command
}

/// Runs a command, its output going to the terminal; a failure is an error that names it.
pub fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let start = Instant::now();
    eprintln!("\x1b[1m▸ {line}\x1b[0m");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}) after {:.0} s", start.elapsed().as_secs_f64());
    }
    eprintln!("  done in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a short command that says something only when it fails.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
