//! Memory and time that runs were forecast to need, beside what they needed.

use std::process::Command;

use anyhow::Result;

use super::{json_line, machine, number, write_section};
use crate::step::{build_example, program};

/// Fields of the settings, training images, validation images.
const RUNS: [(&str, u32, u32); 5] = [
    (r#"{"arch": "resnet18", "image_size_px": 64, "batch_size": 32, "epochs": 3}"#, 512, 128),
    (
        r#"{"arch": "resnet18", "image_size_px": 224, "batch_size": 16, "epochs": 2, "optimiser": "sgd", "warmup_epochs": 0}"#,
        160,
        32,
    ),
    (
        r#"{"arch": "mobilenetv4_conv_small", "image_size_px": 224, "batch_size": 32, "epochs": 2, "ema_decay": 0.99}"#,
        320,
        64,
    ),
    (r#"{"arch": "convnext_atto", "image_size_px": 128, "batch_size": 16, "epochs": 3}"#, 256, 64),
    (r#"{"arch": "resnet50", "image_size_px": 128, "batch_size": 32, "micro_batch_size": 8, "epochs": 2}"#, 192, 32),
];

pub fn run() -> Result<()> {
    build_example("forecast_check")?;
    let rows: Result<Vec<String>> = RUNS.iter().map(row).collect();
    let table = format!(
        "| run | memory forecast, MB | needed | ratio | time forecast, s | needed | ratio |\n|---|---:|---:|---:|---:|---:|---:|\n{}\n\n\
         The most memory the whole process ever had, and the time from the first batch to the written model; the forecast comes from a process \
         of its own. {}.",
        rows?.join("\n"),
        machine()?
    );
    write_section("forecast", &table)
}

fn row(&(settings, train, val): &(&str, u32, u32)) -> Result<String> {
    let line = |what: &str| {
        let counts = [train.to_string(), val.to_string()];
        json_line(Command::new(program("examples/forecast_check")).args([what, settings]).args(counts))
    };
    let (forecast, run) = (line("forecast")?, line("train")?);
    let (memory, needed) = (number(&forecast, "peak_memory_bytes")? / 1e6, number(&run, "peak_bytes")? / 1e6);
    let (seconds, took) = (number(&forecast, "seconds")?, number(&run, "seconds")?);
    let run = settings.trim_matches(['{', '}']).replace('"', "");
    let row = format!(
        "| {run}; {train} + {val} images | {memory:.0} | {needed:.0} | {:.2} | {seconds:.1} | {took:.1} | {:.2} |",
        memory / needed,
        seconds / took
    );
    println!("{row}");
    Ok(row)
}
