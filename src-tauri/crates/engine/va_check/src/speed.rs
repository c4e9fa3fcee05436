//! Training steps a second, from images that are on the device already: no decoding, no loader. The work is that of
//! `tests/gpu/pytorch_peer.py`: forward, cross-entropy, backward, clipping, AdamW. Each measurement ends by waiting for the
//! device.

use std::time::Instant;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use va_error::{Error, Result};
use va_exec::{
    AdamW, Backend, CounterRng, CrossEntropy, Network, Precision, Recordings, Rule, SoftTarget, Update, UpdateAt,
};

const CLASSES: usize = 1000;
const WARM_UP: u32 = 5;

/// Of the request: `steps`, height and width `size` in px, and `works`, each with `arch`, `precision` (`f32`, `bf16`) and
/// `batch`.
pub fn run(request: &Value, backend: Backend) -> Result<Value> {
    let steps = number(request, "steps")? as u32;
    let size = number(request, "size")? as usize;
    let works = request["works"].as_array().ok_or_else(|| Error::invalid("`works` says what is measured"))?;
    let lines = works.iter().map(|work| {
        let found = measure(work, size, steps, backend);
        let name = |key: &str| work[key].as_str().unwrap_or("?").to_owned();
        json!({
            "name": format!("{} {}, training batch {}", name("arch"), name("precision"), work["batch"]),
            "arch": work["arch"],
            "precision": work["precision"],
            "batch": work["batch"],
            "images_per_s": found.as_ref().ok().map(|found| found.images_per_s),
            "replayed_stretches": found.as_ref().ok().map(|found| found.recordings.replayed),
            "not_replayed": found.as_ref().ok().map(|found| &found.recordings.refused),
            "failure": found.as_ref().err().map(Error::chain),
            "passed": found.is_ok(),
        })
    });
    Ok(Value::Array(lines.collect()))
}

fn number(request: &Value, key: &str) -> Result<u64> {
    let number = request[key].as_u64().filter(|&number| number > 0);
    number.ok_or_else(|| Error::invalid(format!("`{key}` must be a positive number in {request}")))
}

struct Measured {
    images_per_s: f64,
    /// What a device that records its work did of it.
    recordings: Recordings,
}

fn measure(work: &Value, size: usize, steps: u32, backend: Backend) -> Result<Measured> {
    let batch = number(work, "batch")? as usize;
    let precision = match work["precision"].as_str() {
        Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        _ => return Err(Error::invalid(format!("`precision` is f32 or bf16, not {}", work["precision"]))),
    };
    let arch = work["arch"].as_str().unwrap_or_default();
    let mut net = Network::with(va_zoo::build(arch, CLASSES, size, 3)?, precision, backend)?;
    net.init(0)?;
    let rule = Rule::AdamW(AdamW { lr: 1e-5, ..AdamW::default() });
    let mut update = Update::new(&net, rule)?;
    let groups = net.layout().groups(|_| 1.0);
    let input = images(batch, size)?.to_device(net.device()).map_err(candle)?;
    let targets: Vec<SoftTarget> = (0..batch).map(|i| SoftTarget::hard((i % CLASSES) as u32)).collect();
    let wanted = CrossEntropy::default().wanted(&targets, CLASSES, batch as f64)?;
    let mut began = Instant::now();
    for step in 1..=u64::from(WARM_UP + steps) {
        if step == u64::from(WARM_UP) + 1 {
            net.device().synchronize().map_err(candle)?;
            began = Instant::now();
        }
        net.set_step_key(step);
        let at = UpdateAt { rule, step, groups: groups.clone(), clip_norm: Some(1.0), average_decay: 0.0 };
        let learned = net.learn_and_update(&input, &wanted, &mut update, &at)?;
        // As a run does: who watches sees every loss and norm.
        let (loss, found) = (learned.loss()?, update.report()?);
        if !loss.is_finite() || !found.grad_norm.is_finite() {
            return Err(Error::internal(format!("the loss of step {step} is not a number")));
        }
    }
    net.device().synchronize().map_err(candle)?;
    let images_per_s = f64::from(steps) * batch as f64 / began.elapsed().as_secs_f64();
    Ok(Measured { images_per_s, recordings: net.recordings() })
}

/// Noise, `[N, S, S, 3]`.
fn images(batch: usize, size: usize) -> Result<Tensor> {
    let rng = CounterRng::new(1, "speed");
    let data: Vec<f32> = (0..(batch * size * size * 3) as u64).map(|i| 2.0 * rng.uniform(i) as f32 - 1.0).collect();
    Tensor::from_vec(data, (batch, size, size, 3), &Device::Cpu).map_err(candle)
}

fn candle(error: candle_core::Error) -> Error {
    Error::internal("a tensor to measure with cannot be made").with_source(error)
}
