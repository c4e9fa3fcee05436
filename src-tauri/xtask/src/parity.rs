//! `cargo xtask parity`: ours against the tools that define the results, on data larger than the tests carry.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::{self, build_example, program, root, target_dir};
use crate::{bench, python};

#[derive(clap::Args)]
pub struct Args {
    /// Folder that holds `magnetic-tile`.
    #[arg(long, env = "VISAION_TEST_DATA")]
    data: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let python = python::environment()?;
    build_example("fold_run")?;
    let out = target_dir().join("parity");
    let table = out.join("magnetic-tile.md");
    let compared = step::run(
        Command::new(python)
            .arg(root().join("tests/parity/magnetic_tile.py"))
            .arg("--data")
            .arg(args.data.join("magnetic-tile"))
            .arg("--fold-run")
            .arg(program("examples/fold_run"))
            .arg("--out")
            .arg(&out)
            .arg("--table")
            .arg(&table),
    );
    let text = std::fs::read_to_string(&table).context("the comparison left no table")?;
    bench::write_section("parity", text.trim_end())?;
    compared
}
