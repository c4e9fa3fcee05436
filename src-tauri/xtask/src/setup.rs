//! What the project needs beside Rust and Node, and how to get it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::step::{self, npm, root};

/// To build the application: WebKit for the window, a C toolchain with cmake and nasm for libjpeg-turbo.
const BUILD_PACKAGES: &[&str] = &[
    "build-essential",
    "cmake",
    "nasm",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libdbus-1-dev",
];

/// To test it: a browser, a window without a display, and glyphs for both languages.
const TEST_PACKAGES: &[&str] = &["chromium", "xvfb", "webkit2gtk-driver", "xdotool", "fonts-noto-cjk"];

pub fn for_run() -> Result<()> {
    system_packages(BUILD_PACKAGES)?;
    front_end()
}

pub fn for_test() -> Result<()> {
    let all: Vec<&str> = BUILD_PACKAGES.iter().chain(TEST_PACKAGES).copied().collect();
    system_packages(&all)?;
    rust_components()?;
    front_end()?;
    step::run(&mut npm("tests/e2e", &["ci", "--no-audit", "--no-fund"]))
}

/// A minimal Rust has neither formatter nor lints.
fn rust_components() -> Result<()> {
    if has("cargo-fmt") && has("cargo-clippy") {
        return Ok(());
    }
    step::run(Command::new("rustup").args(["component", "add", "rustfmt", "clippy"]))
}

/// Installs the front end's packages when the lock file is newer than what is installed, and builds it.
fn front_end() -> Result<()> {
    if !up_to_date("ui/package-lock.json", "ui/node_modules/.package-lock.json") {
        step::run(&mut npm("ui", &["ci", "--no-audit", "--no-fund"]))?;
    }
    step::run(&mut npm("ui", &["run", "--silent", "build"]))
}

fn up_to_date(source: &str, built: &str) -> bool {
    let time = |path: &str| root().join(path).metadata().and_then(|m| m.modified());
    matches!((time(source), time(built)), (Ok(source), Ok(built)) if built >= source)
}

fn system_packages(packages: &[&str]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    if !has("dpkg-query") {
        eprintln!(
            "This system has no apt. Install what these Debian packages hold with your package manager if the build misses something: {}",
            packages.join(" ")
        );
        return Ok(());
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("Installing system packages: {}", missing.join(" "));
    step::run(as_root("apt-get")?.args(["update", "--quiet"]))?;
    let mut install = as_root("apt-get")?;
    install.env("DEBIAN_FRONTEND", "noninteractive");
    step::run(install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&missing))
        .context("the system packages could not be installed; install them by hand and run the command again")
}

fn installed(package: &str) -> bool {
    let output = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    output.is_ok_and(|o| o.stdout == b"installed")
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn as_root(program: &str) -> Result<Command> {
    let id = Command::new("id").arg("-u").output().context("cannot run `id`")?;
    if id.stdout.trim_ascii() == b"0" {
        return Ok(Command::new(program));
    }
    if !has("sudo") {
        bail!("system packages are missing and there is no sudo: run the command once as root");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}
