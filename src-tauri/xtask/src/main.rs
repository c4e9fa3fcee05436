//! `cargo xtask …`: the two commands of the project (`run`, `test`) and the tools behind them. Everything a fresh
//! machine with Rust and Node lacks is installed by the command itself.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the terminal is its screen")]

mod bench;
mod cuda;
mod parity;
mod python;
mod quickstart;
mod run;
mod setup;
mod step;
mod test;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests VisAIon.")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up everything and do the main job: the desktop application, or, without a display, the quick start and then the browser.
    Run(run::Args),
    /// Set up everything and pass every test.
    Test(test::Args),
    /// Write the generated contract (OpenAPI, TypeScript) from the Rust declarations.
    Codegen {
        /// Only say whether it is up to date.
        #[arg(long)]
        check: bool,
    },
    /// Format the Rust and front-end sources.
    Tidy,
    /// Measure, and write the tables into tests/BENCHMARKS.md.
    Bench(bench::Args),
    /// Build the GPU engine, with no GPU and no CUDA toolkit: fetches NVIDIA's compiler into the build cache.
    Cuda(cuda::Args),
    /// Long campaigns: 30 kills each of import, labelling and training.
    Soak,
    /// Compare with PyTorch and ONNX Runtime on larger data (VISAION_TEST_DATA), or write their figures for the tests again.
    Parity(parity::Args),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Task::Run(args) => run::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Codegen { check } => tools::codegen(check),
        Task::Tidy => tools::tidy(),
        Task::Bench(args) => bench::run(&args),
        Task::Cuda(args) => cuda::run(&args),
        Task::Soak => test::soak(),
        Task::Parity(args) => parity::run(&args),
    }
}
