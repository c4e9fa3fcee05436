//! The GPU suite: opens `libva_cuda.so` as the application does, checks it on this machine's card, prints a short table and
//! writes everything as JSON. Without a card it says what is missing and fails; `--cpu` runs it over the processor's engine.

#![allow(clippy::print_stdout, reason = "the terminal is its screen")]

mod checks;
mod course;
mod nvml;
mod peer;
mod pictures;
mod process;
mod processor;
mod report;
mod sizes;
mod subject;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::Value;
use va_engine::gpu::{PackFolders, Places, find};
use va_engine::{Engine, PluginEngine};

use report::{Report, run_check};
use sizes::Sizes;
use subject::Subject;

#[derive(Parser)]
#[command(about = "Checks VisAIon's GPU engine on this machine's card.")]
struct Args {
    /// A folder with CUDA's libraries, searched first.
    #[arg(long)]
    cuda: Option<PathBuf>,
    /// Check the processor's engine instead, with small work: a test of the suite itself.
    #[arg(long)]
    cpu: bool,
    /// Only these checks: operators, images, networks, replay, resume, sessions, memory, speed, loader, soak.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measured steps of each speed line.
    #[arg(long, default_value_t = 30)]
    steps: u32,
    /// How long the soak trains.
    #[arg(long, default_value_t = 600)]
    soak_seconds: u64,
    /// What `pytorch_peer.py` measured on this card.
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Where the JSON goes.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let chosen = chosen(&args)?;
    if args.cpu {
        return check(&processor::engine()?, &args, &chosen, &Sizes::processor());
    }
    on_card(&args, &chosen)
}

fn on_card(args: &Args, chosen: &[&str]) -> Result<ExitCode> {
    let found = find(&Places::usual(args.cuda.as_deref(), &PackFolders::default()));
    let Some(engine) = &found.engine else {
        println!("There is no GPU to check. {}", found.status.note);
        return Ok(ExitCode::FAILURE);
    };
    check(engine, args, chosen, &Sizes::card(args.steps.max(1), Duration::from_secs(args.soak_seconds)))
}

/// Names of the checks to make, in their order.
fn chosen(args: &Args) -> Result<Vec<&'static str>> {
    let names = || checks::ALL.iter().map(|(name, _)| *name);
    if let Some(unknown) = args.only.iter().find(|name| !names().any(|known| known == *name)) {
        bail!("there is no check `{unknown}`; there are {}", names().collect::<Vec<_>>().join(", "));
    }
    let wanted = |name: &&str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let possible = |name: &&str| !args.cpu || !checks::OF_A_CARD.contains(name);
    Ok(names().filter(wanted).filter(possible).collect())
}

fn check(engine: &PluginEngine, args: &Args, chosen: &[&str], sizes: &Sizes) -> Result<ExitCode> {
    let description = engine.describe();
    for device in &description.devices {
        println!("{} {}", device.name, device.note);
    }
    let itself = |request: &Value| engine.check(request);
    let subject = Subject { engine, itself: &itself };
    let work = tempfile::tempdir().context("there is no room for temporary files")?;
    let mut report = Report::new(&description);
    for (name, check) in checks::ALL.iter().filter(|(name, _)| chosen.contains(name)) {
        report.add(run_check(name, *check, &subject, sizes, &work.path().join(name)));
    }
    match &args.peer {
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let peer = serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))?;
            report.compare(peer, sizes.archs);
        }
        None => println!("PyTorch was not measured: nothing is compared with it."),
    }
    if let Some(out) = &args.out {
        std::fs::write(out, serde_json::to_string_pretty(&report.json())?)
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    println!("{}", if report.passed() { "PASS" } else { "FAIL" });
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
