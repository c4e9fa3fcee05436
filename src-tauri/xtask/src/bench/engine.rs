//! Training and inference of the engine beside PyTorch and ONNX Runtime.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Args, json_line, machine, median, number, spread, text_of, write_section};
use crate::python;
use crate::step::{self, build_example, program, root, target_dir};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Train,
    Infer,
}

/// One row of a table: this architecture at this size.
#[derive(Clone, Copy)]
struct Work {
    kind: Kind,
    arch: &'static str,
    size_px: u32,
    batch: u32,
    bf16: bool,
}

const ARCHS: [&str; 3] = ["resnet18", "mobilenetv4_conv_small", "convnext_atto"];
const ROUNDS: usize = 3;
/// Measured steps a round.
const TRAIN_STEPS: &str = "8";
const INFER_STEPS: &str = "40";

fn works() -> Vec<Work> {
    let train = |arch, size_px, batch, bf16| Work { kind: Kind::Train, arch, size_px, batch, bf16 };
    let mut works = vec![train("resnet18", 64, 32, false), train("resnet18", 128, 32, false)];
    for arch in ARCHS {
        works.extend([train(arch, 224, 16, false), train(arch, 224, 16, true)]);
    }
    for arch in ARCHS {
        works.extend([1, 8].map(|batch| Work { kind: Kind::Infer, arch, size_px: 224, batch, bf16: false }));
    }
    works
}

pub fn run(args: &Args) -> Result<()> {
    build_example("train_speed")?;
    let works: Vec<Work> = works().into_iter().filter(|work| work.arch.contains(&args.arch)).collect();
    if args.profile {
        return works.iter().try_for_each(|work| {
            step::run(Command::new(program("examples/train_speed")).args(our_args(work)).arg("--profile"))
        });
    }
    let python = python::environment()?;
    let (mut training, mut inference) = (Vec::new(), Vec::new());
    for work in &works {
        let row = measure(&python, work)?;
        println!("{row}");
        if work.kind == Kind::Train { training.push(row) } else { inference.push(row) }
    }
    let table = format!(
        "| training step on the CPU | VisAIon images/s | PyTorch images/s | ratio | peak memory, MB | ratio |\n|---|---:|---:|---:|---:|---:|\n{}\n\n\
         | inference on the CPU, f32 | VisAIon images/s | ONNX Runtime images/s | ratio |\n|---|---:|---:|---:|\n{}\n\n\
         Medians of {ROUNDS} rounds, ours and the peer in turn, channels-last, all cores each; spread in brackets. {}, {}.",
        training.join("\n"),
        inference.join("\n"),
        machine()?,
        versions(&python)?
    );
    if args.arch.is_empty() { write_section("engine", &table) } else { Ok(()) }
}

fn versions(python: &Path) -> Result<String> {
    let code = "import torch, onnxruntime; print('PyTorch', torch.__version__.split('+')[0] + ', ONNX Runtime', onnxruntime.__version__)";
    text_of(Command::new(python).args(["-c", code]))
}

fn our_args(work: &Work) -> Vec<String> {
    let steps = if work.kind == Kind::Train { TRAIN_STEPS } else { INFER_STEPS };
    let mut args: Vec<String> =
        [work.arch, &work.size_px.to_string(), &work.batch.to_string(), steps].map(str::to_owned).into();
    if work.bf16 {
        args.push("--bf16".to_owned());
    }
    if work.kind == Kind::Infer {
        args.push("--infer".to_owned());
    }
    args
}

fn peer(python: &Path, work: &Work) -> Command {
    let script = if work.kind == Kind::Train { "train_bench.py" } else { "infer_bench.py" };
    let mut command = Command::new(python);
    command.arg(root().join("tests/parity/peers").join(script)).args(["--arch", work.arch]);
    command.args(["--size", &work.size_px.to_string(), "--batch", &work.batch.to_string()]);
    if work.kind == Kind::Train {
        command.args(["--steps", TRAIN_STEPS, "--precision", if work.bf16 { "bf16" } else { "f32" }]);
    } else {
        command.args(["--steps", INFER_STEPS, "--folder"]).arg(target_dir().join("bench"));
    }
    command
}

fn measure(python: &Path, work: &Work) -> Result<String> {
    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for _ in 0..ROUNDS {
        let line = json_line(Command::new(program("examples/train_speed")).args(our_args(work)).arg("--json"))?;
        ours.push(number(&line, "images_per_s")?);
        memory.0 = number(&line, "peak_bytes")?;
        let line = json_line(&mut peer(python, work))?;
        theirs.push(number(&line, "images_per_s")?);
        memory.1 = line["peak_bytes"].as_f64().unwrap_or(0.0);
    }
    let ratio = median(&mut ours) / median(&mut theirs);
    let (ours, theirs) = (spread(&mut ours), spread(&mut theirs));
    let Work { arch, size_px, batch, .. } = work;
    if work.kind == Kind::Infer {
        return Ok(format!("| {arch}, {size_px} px, batch {batch} | {ours} | {theirs} | {ratio:.2} |"));
    }
    let precision = if work.bf16 { "bf16" } else { "f32" };
    let (a, b) = (memory.0 / 1e6, memory.1 / 1e6);
    Ok(format!(
        "| {arch}, {size_px} px, batch {batch}, {precision} | {ours} | {theirs} | {ratio:.2} | {a:.0} / {b:.0} | {:.2} |",
        a / b
    ))
}
