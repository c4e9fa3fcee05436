//! `cargo xtask bench`: ours and the peers in turn (A B A B …) on this machine, the tables into `tests/BENCHMARKS.md`.

mod engine;
mod forecast;
mod library;
mod loader;

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::step::root;

#[derive(clap::Args)]
pub struct Args {
    /// What to measure.
    #[arg(value_enum, default_value = "engine")]
    what: What,
    /// `engine`: instead of the tables, where the time of each work goes, by operator, ours alone.
    #[arg(long)]
    profile: bool,
    /// `engine`: only architectures whose name holds this text; the table is then printed, not kept.
    #[arg(long, default_value = "")]
    arch: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Training and inference beside PyTorch and ONNX Runtime.
    Engine,
    /// The input pipeline beside JPEG decode and resize alone.
    Loader,
    /// What runs were forecast to need beside what they needed.
    Forecast,
    /// A library of a million samples: lists, changes, start of the service; imports beside JPEG decode alone.
    Library,
}

pub fn run(args: &Args) -> Result<()> {
    match args.what {
        What::Engine => engine::run(args),
        What::Loader => loader::run(),
        What::Forecast => forecast::run(),
        What::Library => library::run(),
    }
}

fn json_line(command: &mut Command) -> Result<Value> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .with_context(|| format!("{command:?} printed no JSON: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn number(line: &Value, key: &str) -> Result<f64> {
    line[key].as_f64().with_context(|| format!("no {key} in the line"))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &mut [f64]) -> String {
    let middle = median(values);
    format!("{middle:.1} [{:.1}–{:.1}]", values[0], values[values.len() - 1])
}

/// Processor, cores and day: what a figure means nothing without.
fn machine() -> Result<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map_or("processor unknown", |l| l.trim_start_matches([' ', '\t', ':']));
    let widest = ["amx_bf16", "avx512_bf16", "avx512f", "avx2"].into_iter().find(|flag| info.contains(flag));
    let cores = std::thread::available_parallelism().context("cannot count the cores")?;
    let day = text_of(Command::new("date").arg("+%Y-%m-%d"))?;
    Ok(format!("{name} ({}), {cores} cores, {day}", widest.unwrap_or("no AVX2")))
}

fn text_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Replaces what stands between `<!-- name -->` and `<!-- /name -->` in the benchmark document.
pub fn write_section(name: &str, text: &str) -> Result<()> {
    let path = root().join("tests/BENCHMARKS.md");
    let document = std::fs::read_to_string(&path).context("cannot read tests/BENCHMARKS.md")?;
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = document.split_once(&open).with_context(|| format!("no {open} in tests/BENCHMARKS.md"))?;
    let (_, after) = rest.split_once(&close).with_context(|| format!("no {close} in tests/BENCHMARKS.md"))?;
    std::fs::write(&path, format!("{before}{open}\n{text}\n{close}{after}")).context("cannot write tests/BENCHMARKS.md")
}
