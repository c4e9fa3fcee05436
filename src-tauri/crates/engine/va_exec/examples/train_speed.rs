//! Images a second of training steps or of inference, and where the time goes:
//! `train_speed [arch] [size] [batch] [steps] [--bf16] [--reference] [--infer] [--profile | --json]`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use candle_core::{Device, Tensor};
use va_error::Result;
use va_exec::{AdamW, Backend, CrossEntropy, Mode, Network, Precision, Rule, SoftTarget, Update, UpdateAt, fold_state};
use va_graph::fold_for_inference;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps before the clock counts.
const WARM_UP: usize = 3;

struct Work {
    arch: String,
    size: usize,
    batch: usize,
    steps: usize,
    precision: Precision,
    backend: Backend,
}

fn main() -> Result<()> {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    let number = |at: usize, default: usize| words.get(at).and_then(|v| v.parse().ok()).unwrap_or(default);
    let work = Work {
        arch: words.first().cloned().unwrap_or_else(|| "resnet18".to_owned()),
        size: number(1, 64),
        batch: number(2, 32),
        steps: number(3, 10),
        precision: if has("--bf16") { Precision::Bf16 } else { Precision::F32 },
        backend: if has("--reference") { Backend::Reference } else { Backend::default() },
    };
    let (mut net, mut times) = if has("--infer") { infer(&work)? } else { train(&work)? };
    times.sort_by(f64::total_cmp);
    let (median, batch) = (times[times.len() / 2], work.batch);
    let mode = if has("--infer") { Mode::Eval } else { Mode::Train };
    let bytes = net.activation_bytes(batch, mode)?;
    if has("--json") {
        let (low, high) = (1e3 * times[0], 1e3 * times[times.len() - 1]);
        println!(
            "{{\"images_per_s\": {}, \"step_ms_median\": {}, \"step_ms_min\": {low}, \"step_ms_max\": {high}, \"activation_bytes\": {bytes}, \"peak_bytes\": {}}}",
            batch as f64 / median,
            1e3 * median,
            peak_bytes()
        );
        return Ok(());
    }
    let Work { arch, size, precision, backend, .. } = &work;
    println!(
        "{arch} {size} px batch {batch} {precision:?} {backend:?}: {:.1} images/s, {:.0} ms, {} MiB planned",
        batch as f64 / median,
        1e3 * median,
        bytes >> 20
    );
    for fallback in net.fallbacks() {
        println!("on the reference kernels: {fallback}");
    }
    if has("--profile") {
        let x = images(&work)?;
        for (label, seconds) in net.profile(&x, mode, 5)? {
            println!("{:7.2} ms  {label}", 1e3 * seconds);
        }
    }
    Ok(())
}

fn images(work: &Work) -> Result<Tensor> {
    Ok(Tensor::randn(0f32, 1f32, (work.batch, work.size, work.size, 3), &Device::Cpu).expect("BUG: a small tensor"))
}

fn train(work: &Work) -> Result<(Network, Vec<f64>)> {
    let mut net = Network::with(va_zoo::build(&work.arch, 10, work.size, 3)?, work.precision, work.backend)?;
    net.init(0)?;
    let x = images(work)?;
    let targets: Vec<SoftTarget> = (0..work.batch as u32).map(|i| SoftTarget::hard(i % 10)).collect();
    let wanted = CrossEntropy::default().wanted(&targets, 10, work.batch as f64)?;
    let rule = Rule::AdamW(AdamW::default());
    let (mut update, groups) = (Update::new(&net, rule)?, net.layout().groups(|_| 1.0));
    let mut times = Vec::new();
    for step in 1..=work.steps + WARM_UP {
        let start = Instant::now();
        let at = UpdateAt { rule, step: step as u64, groups: groups.clone(), clip_norm: Some(1.0), average_decay: 0.0 };
        let learned = net.learn_and_update(&x, &wanted, &mut update, &at)?;
        learned.loss()?;
        update.report()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((net, times.split_off(WARM_UP)))
}

/// A folded, frozen network, as sessions run it.
fn infer(work: &Work) -> Result<(Network, Vec<f64>)> {
    let graph = va_zoo::build(&work.arch, 10, work.size, 3)?;
    let mut trained = Network::with(graph.clone(), work.precision, work.backend)?;
    trained.init(0)?;
    let folded = fold_for_inference(&graph)?;
    let state = fold_state(&folded, &trained.state()?)?;
    let mut net = Network::with(folded.graph, work.precision, work.backend)?;
    net.load_state(&state)?.ensure_complete()?;
    net.freeze();
    let x = images(work)?;
    let mut times = Vec::new();
    for _ in 0..work.steps + WARM_UP {
        let start = Instant::now();
        net.forward(&x, Mode::Eval)?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((net, times.split_off(WARM_UP)))
}

/// The most memory this process ever had (Linux), or 0.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
