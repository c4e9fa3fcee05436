//! Images a second of a training step, and where the time goes: `train_speed [arch] [size] [batch] [steps] [--profile | --json]`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use va_error::Result;
use va_exec::{AdamW, CrossEntropy, Mode, Network, clip_grad_norm};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| args.get(at).and_then(|v| v.parse().ok()).unwrap_or(default);
    let arch = args.first().map_or("resnet18", String::as_str);
    let (size, batch, steps) = (number(1, 64), number(2, 32), number(3, 10));
    let mut net = Network::new(va_zoo::build(arch, 10, size, 3)?, DType::F32)?;
    net.init(0)?;
    let x = Tensor::randn(0f32, 1f32, (batch, size, size, 3), &Device::Cpu).expect("BUG: a small tensor");
    let targets: Vec<u32> = (0..batch as u32).map(|i| i % 10).collect();
    let mut state = AdamW::new_state(&net)?;
    let mut times = Vec::new();
    for step in 1..=steps as u64 + 2 {
        let start = Instant::now();
        let logits = net.forward(&x, Mode::Train)?;
        let loss = CrossEntropy::default().loss_and_grad(&logits, &targets)?;
        net.zero_grad()?;
        net.backward(&loss.grad)?;
        clip_grad_norm(net.grads(), Some(1.0))?;
        AdamW::default().step(&net, &mut state, step)?;
        times.push(start.elapsed().as_secs_f64());
    }
    let times = &mut times[2..];
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    if args.iter().any(|arg| arg == "--json") {
        println!("{{\"images_per_s\": {}}}", batch as f64 / median);
        return Ok(());
    }
    let mib = net.activation_bytes(batch, Mode::Train)? >> 20;
    println!(
        "{arch} {size} px batch {batch}: {:.1} images/s, {:.0} ms, {mib} MiB",
        batch as f64 / median,
        1e3 * median
    );
    if args.iter().any(|arg| arg == "--profile") {
        for (label, seconds) in net.profile(&x, 5)? {
            println!("{:7.2} ms  {label}", 1e3 * seconds);
        }
    }
    Ok(())
}
