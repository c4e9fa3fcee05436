//! `cargo xtask bench`: ours and PyTorch in turn (A B A B …) on this machine, the table into `tests/BENCHMARKS.md`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::python;
use crate::step::{self, cargo, program, root};

/// One row of the table: a training step of this architecture at this size.
struct Work {
    arch: &'static str,
    size_px: u32,
    batch: u32,
}

const WORKS: &[Work] = &[
    Work { arch: "resnet18", size_px: 64, batch: 32 },
    Work { arch: "resnet18", size_px: 128, batch: 32 },
    Work { arch: "resnet18", size_px: 224, batch: 16 },
];

const ROUNDS: usize = 3;
/// Measured steps a round, after two to warm up.
const STEPS: &str = "8";

pub fn run() -> Result<()> {
    let python = python::environment()?;
    step::run(cargo().args(["build", "--package", "va_exec", "--example", "train_speed"]))?;
    let mut rows = Vec::new();
    for work in WORKS {
        rows.push(measure(&python, work)?);
    }
    let table = format!(
        "| training step, f32, CPU | VisAIon images/s | PyTorch images/s | ratio |\n|---|---:|---:|---:|\n{}\n\nMedian of {ROUNDS} rounds, ours and the peer in turn; spread in brackets. {}",
        rows.join("\n"),
        machine()?
    );
    println!("{table}");
    write_section("engine", &table)
}

fn measure(python: &Path, work: &Work) -> Result<String> {
    let (size, batch) = (work.size_px.to_string(), work.batch.to_string());
    let our_args = [work.arch, &size, &batch, STEPS, "--json"];
    let their_args = ["--arch", work.arch, "--size", &size, "--batch", &batch, "--steps", STEPS];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(images_per_s(Command::new(program("examples/train_speed")).args(our_args))?);
        let peer = root().join("tests/parity/peers/train_bench.py");
        theirs.push(images_per_s(Command::new(python).arg(peer).args(their_args))?);
    }
    let ratio = median(&mut ours) / median(&mut theirs);
    Ok(format!(
        "| {} {} px, batch {} | {} | {} | {ratio:.2} |",
        work.arch,
        work.size_px,
        work.batch,
        spread(&mut ours),
        spread(&mut theirs)
    ))
}

fn images_per_s(command: &mut Command) -> Result<f64> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(line)
        .with_context(|| format!("{command:?} printed no JSON: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    value["images_per_s"].as_f64().context("no images_per_s in the line")
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
    let cores = std::thread::available_parallelism().context("cannot count the cores")?;
    let day = Command::new("date").arg("+%Y-%m-%d").output().context("cannot run `date`")?;
    Ok(format!("{name}, {cores} cores, {}.", String::from_utf8_lossy(&day.stdout).trim()))
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
