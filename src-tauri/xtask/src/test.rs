//! `cargo xtask test`: every check of the project, in the order that fails fastest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{
    cuda, quickstart, setup,
    step::{self, cargo, npm, program, root},
    tools,
};

#[derive(clap::Args)]
pub struct Args {
    /// Leave out the browser and the window.
    #[arg(long)]
    no_e2e: bool,
}

/// A check's name and what it does.
type Check = (&'static str, fn() -> Result<()>);

/// Kills in each campaign of `soak`.
const SOAK_KILLS: &str = "30";

pub fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    setup::for_test()?;
    let mut checks: Vec<Check> = vec![
        ("formatting", tools::check_format),
        ("front-end types and lints", front_end_lints),
        ("front-end tests", || step::run(&mut npm("ui", &["run", "--silent", "test"]))),
        ("Rust lints", rust_lints),
        ("Rust tests", rust_tests),
        ("GPU engine", cuda::check),
        ("generated code", generated_code),
        ("quick start", quickstart::check),
    ];
    if !args.no_e2e {
        checks.push(("browser tests", || e2e("browser")));
        checks.push(("real window", || e2e("window")));
    }
    report(&checks, start)
}

fn report(checks: &[Check], start: Instant) -> Result<()> {
    let mut failures = Vec::new();
    for (name, check) in checks {
        eprintln!("\n\x1b[1m══ {name}\x1b[0m");
        if let Err(error) = check() {
            eprintln!("\x1b[31m{name}: {error:#}\x1b[0m");
            failures.push(*name);
        }
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    eprintln!("\n{} checks in {minutes:.1} min", checks.len());
    println!("checks: {} passed, {} failed", checks.len() - failures.len(), failures.len());
    if !failures.is_empty() {
        bail!("failed: {}", failures.join(", "));
    }
    Ok(())
}

fn front_end_lints() -> Result<()> {
    step::run(&mut npm("ui", &["run", "--silent", "check"]))?;
    step::run(&mut npm("ui", &["run", "--silent", "lint"]))
}

fn rust_lints() -> Result<()> {
    step::run(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))
}

/// One invocation for the whole workspace, shell included, so that cargo resolves features once and builds nothing
/// twice: the programs and examples that the later checks run are built by it too.
fn rust_tests() -> Result<()> {
    step::run(cargo().args(["test", "--workspace", "--locked"]))
}

fn generated_code() -> Result<()> {
    step::run(Command::new(program("examples/codegen")).arg("--check"))
}

fn e2e(suite: &str) -> Result<()> {
    let mut command = npm("tests/e2e", &["run", "--silent", suite]);
    command.env("VISAION_BIN", program("visaion")).env("VISAION_DESKTOP_BIN", program("visaion-desktop"));
    step::run(command.env("VISAION_UI_DIST", root().join("ui/dist")))
}

/// The kill campaigns at full length.
pub fn soak() -> Result<()> {
    setup::for_run()?;
    step::run(cargo().args(["test", "--workspace", "kill"]).env("VISAION_SOAK_KILLS", SOAK_KILLS))
}
