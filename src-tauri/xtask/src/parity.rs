//! `cargo xtask parity`: ours against the tools that define the results, on data larger than the tests carry, and the
//! figures of those tools that the tests carry.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{self, build_example, program, root, target_dir};
use crate::{bench, python};

#[derive(clap::Args)]
pub struct Args {
    #[arg(value_enum, default_value = "accuracy")]
    what: What,
    /// Only the data set (accuracy) or the script (golden) of this name.
    #[arg(long)]
    only: Option<String>,
    /// Accuracy: the folder that holds the data sets.
    #[arg(long, env = "VISAION_TEST_DATA")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Train the recipes of tests/parity/accuracy.json with VisAIon and PyTorch; tables into tests/BENCHMARKS.md. Goes on
    /// where it was interrupted.
    Accuracy,
    /// Write again what PyTorch, Pillow and scikit-learn say, into tests/golden.
    Golden,
}

const DATA_SETS: [&str; 2] = ["magnetic-tile", "cifar10-mini"];

/// Scripts below tests/parity that write committed figures.
const GOLDEN: [&str; 4] =
    ["golden.py", "peers/network_reference.py", "peers/network_precision.py", "peers/weights_reference.py"];

pub fn run(args: &Args) -> Result<()> {
    match args.what {
        What::Accuracy => accuracy(args),
        What::Golden => golden(args),
    }
}

/// All of `all`, or the one whose file name without its ending is `only`.
fn chosen<'a>(all: &[&'a str], only: Option<&str>) -> Result<Vec<&'a str>> {
    let named = |name: &&&str| only.is_none_or(|only| Path::new(name).file_stem().is_some_and(|stem| stem == only));
    let chosen: Vec<&str> = all.iter().filter(named).copied().collect();
    if chosen.is_empty() {
        bail!("--only takes one of {}", all.join(", "));
    }
    Ok(chosen)
}

fn accuracy(args: &Args) -> Result<()> {
    let names = chosen(&DATA_SETS, args.only.as_deref())?;
    let data = args.data.as_ref().context("name the folder of the data sets with --data or VISAION_TEST_DATA")?;
    let python = python::environment()?;
    build_example("fold_run")?;
    // Every data set is measured, also when an earlier one disagrees.
    let compared: Vec<Result<()>> = names.into_iter().map(|name| compare(name, &data.join(name), &python)).collect();
    compared.into_iter().collect()
}

fn compare(name: &str, data: &Path, python: &Path) -> Result<()> {
    let out = target_dir().join("parity").join(name);
    let table = out.join("table.md");
    let compared = step::run(
        Command::new(python)
            .arg(root().join("tests/parity/accuracy.py"))
            .args(["--name", name, "--data"])
            .arg(data)
            .arg("--fold-run")
            .arg(program("examples/fold_run"))
            .arg("--out")
            .arg(&out)
            .arg("--table")
            .arg(&table),
    );
    let text = std::fs::read_to_string(&table).context("the comparison left no table")?;
    bench::write_section(&format!("parity {name}"), text.trim_end())?;
    compared
}

fn golden(args: &Args) -> Result<()> {
    let scripts = chosen(&GOLDEN, args.only.as_deref())?;
    let python = python::environment()?;
    let folder = root().join("tests/golden");
    scripts.into_iter().try_for_each(|script| {
        step::run(Command::new(&python).arg(root().join("tests/parity").join(script)).arg(&folder))
    })
}
