//! The GPU suite: opens `libva_cuda.so` as the application does, has it check itself on this machine's card, prints a short
//! table and writes everything as JSON. Without a card it says what is missing and fails.

#![allow(clippy::print_stdout, reason = "the terminal is its screen")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use va_engine::gpu::{PackFolders, Places, find};
use va_engine::{Engine, PluginEngine};

/// In the order in which a failure is cheapest to find.
const CHECKS: [&str; 4] = ["operators", "networks", "resume", "speed"];

#[derive(Parser)]
#[command(about = "Checks VisAIon's GPU engine on this machine's card.")]
struct Args {
    /// A folder with CUDA's libraries, searched first.
    #[arg(long)]
    cuda: Option<PathBuf>,
    /// Only these checks: operators, networks, resume, speed.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measured training steps of each speed line.
    #[arg(long, default_value_t = 30)]
    steps: u32,
    /// Where the JSON goes.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let found = find(&Places::usual(args.cuda.as_deref(), &PackFolders::default()));
    let Some(engine) = &found.engine else {
        println!("There is no GPU to check. {}", found.status.note);
        return Ok(ExitCode::FAILURE);
    };
    let description = engine.describe();
    for device in &description.devices {
        println!("{} {}", device.name, device.note);
    }
    let chosen = |check: &&&str| args.only.is_empty() || args.only.iter().any(|name| name == **check);
    let results: Vec<Value> = CHECKS.iter().filter(chosen).map(|check| run(engine, check, &args)).collect();
    let passed = !results.is_empty() && results.iter().all(|result| result["passed"] == true);
    if let Some(out) = &args.out {
        let report = json!({ "engine": description.version, "devices": description.devices, "checks": results });
        std::fs::write(out, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    println!("{}", if passed { "PASS" } else { "FAIL" });
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One check with its lines.
fn run(engine: &PluginEngine, check: &str, args: &Args) -> Value {
    let began = Instant::now();
    let answer = engine.check(&json!({ "check": check, "steps": args.steps }));
    let seconds = began.elapsed().as_secs_f64();
    match answer {
        Ok(lines) => {
            let all = lines.as_array().map(Vec::as_slice).unwrap_or_default();
            let failed: Vec<&Value> = all.iter().filter(|line| line["passed"] != true).collect();
            println!("{check}: {} of {} passed in {seconds:.1} s", all.len() - failed.len(), all.len());
            let shown = if check == "speed" { all.iter().collect() } else { failed.clone() };
            shown.iter().for_each(|line| println!("  {line}"));
            let passed = failed.is_empty() && !all.is_empty();
            json!({ "check": check, "passed": passed, "seconds": seconds, "lines": lines })
        }
        Err(error) => {
            println!("{check}: {}", error.chain());
            json!({ "check": check, "passed": false, "seconds": seconds, "error": error.chain() })
        }
    }
}
