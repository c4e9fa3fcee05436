//! The GPU suite: opens `libva_cuda.so` as the application does, checks it on this machine's card, prints a short table and
//! writes everything as JSON. Without a card it says what is missing and fails; `--cpu` runs it over the processor's engine.

#![allow(clippy::print_stdout, reason = "the terminal is its screen")]

mod attempt;
mod budget;
mod checks;
mod course;
mod limited;
mod nvml;
mod peer;
mod pictures;
mod process;
mod processor;
mod report;
mod sizes;
mod subject;
mod suite;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::{Value, json};
use va_engine::PluginEngine;
use va_engine::gpu::{PackFolders, Places, find};

use attempt::Told;
use budget::Budget;
use report::Report;
use sizes::Sizes;
use subject::Subject;
use suite::{Suite, order, read};

/// What is done between the checks.
const PYTORCH: &str = "pytorch";

#[derive(Parser)]
#[command(
    about = "Checks VisAIon's GPU engine on this machine's card. Each check is a process of its own: one that crashes \
                   or hangs leaves the others to be made."
)]
struct Args {
    /// A folder with CUDA's libraries, searched first.
    #[arg(long)]
    cuda: Option<PathBuf>,
    /// Check the processor's engine instead, with small work: a test of the suite itself.
    #[arg(long)]
    cpu: bool,
    /// Only these: card, operators, images, networks, replay, resume, memory, sessions, speed, pytorch, loader, soak.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// End in about so many minutes: whatever hangs costs half of what is left, and the soak takes what remains.
    #[arg(long)]
    minutes: Option<f64>,
    /// End each check after so many seconds.
    #[arg(long)]
    most_seconds: Option<u64>,
    /// Measured steps of each speed line.
    #[arg(long, default_value_t = 30)]
    steps: u32,
    /// How long the soak trains; less where the minutes are bounded.
    #[arg(long, default_value_t = 600)]
    soak_seconds: u64,
    /// A Python with PyTorch that sees the card: it is measured, too.
    #[arg(long, value_name = "PYTHON")]
    pytorch: Option<PathBuf>,
    /// What `pytorch_peer.py` measured on this card before.
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Where the JSON goes, anew after every check.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Make this check in this process.
    #[arg(long, hide = true, requires = "told")]
    alone: Option<String>,
    /// Where it tells what it finds.
    #[arg(long, hide = true)]
    told: Option<PathBuf>,
}

impl Args {
    fn sizes(&self) -> Sizes {
        match self.cpu {
            true => Sizes::processor(),
            false => Sizes::card(self.steps.max(1), Duration::from_secs(self.soak_seconds)),
        }
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let (Some(name), Some(told)) = (&args.alone, &args.told) {
        alone(&args, name, told)?;
        return Ok(ExitCode::SUCCESS);
    }
    let names = chosen(&args)?;
    let work = tempfile::tempdir().context("there is no room for temporary files")?;
    let minutes = |minutes: f64| Duration::try_from_secs_f64(60.0 * minutes).context("the minutes are no time");
    let made = names.iter().copied().filter(|name| *name != PYTORCH).collect();
    let suite = Suite {
        args: &args,
        sizes: args.sizes(),
        budget: Budget::new(args.minutes.map(minutes).transpose()?, args.most_seconds.map(Duration::from_secs)),
        peer: args.peer.as_deref().map(read).transpose()?,
        report: Report::new(args.out.clone(), made),
        work: work.path().to_path_buf(),
    };
    Ok(if suite.run(&names)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Names of what is done, in its order.
fn chosen(args: &Args) -> Result<Vec<&'static str>> {
    let names = order();
    if let Some(unknown) = args.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no check `{unknown}`; there are {}", names.join(", "));
    }
    let wanted = |name: &&str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let compares = args.peer.is_some();
    let possible = |name: &&str| !args.cpu || !checks::OF_A_CARD.contains(name);
    Ok(names.into_iter().filter(|name| wanted(name) || (compares && *name == PYTORCH)).filter(possible).collect())
}

/// Makes one check here, and tells another process.
fn alone(args: &Args, name: &str, told: &Path) -> Result<()> {
    // With the other process, which gives it up whatever becomes of this one.
    let files = told.with_extension("files");
    let mut told = Told::open(told)?;
    let engine = if args.cpu { Ok(processor::engine()?) } else { on_card(args) };
    match engine {
        Ok(engine) => {
            let itself = |request: &Value| engine.check(request);
            let subject = Subject { engine: &engine, itself: &itself };
            attempt::make(name, &subject, &args.sizes(), &files, &mut |part| told.tell(part));
        }
        Err(missing) => told.tell(&json!({ "missing": missing })),
    }
    Ok(())
}

/// Why there is none is said in words.
fn on_card(args: &Args) -> std::result::Result<PluginEngine, String> {
    let found = find(&Places::usual(args.cuda.as_deref(), &PackFolders::usual()));
    found.engine.ok_or(found.status.note)
}
