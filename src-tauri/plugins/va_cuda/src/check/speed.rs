//! Training steps a second, from images that are there already: no decoding, no loader. Each measurement ends by waiting
//! for the card.

use std::time::Instant;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use va_error::{Error, Result};
use va_exec::{AdamW, Backend, Mode, Network, Precision, clip_grad_norm};

const SIZE: usize = 224;
const WARM_UP: u32 = 5;

/// `steps` of the request, 30 without; architectures and batches are those of the issue.
pub fn run(request: &Value) -> Result<Value> {
    let steps = request["steps"].as_u64().unwrap_or(30) as u32;
    let mut lines = Vec::new();
    for arch in ["resnet50", "mobilenetv4_conv_small"] {
        for (precision, batch) in [(Precision::Bf16, 64), (Precision::Bf16, 8), (Precision::F32, 64)] {
            let found = images_per_second(arch, precision, batch, steps);
            lines.push(json!({
                "name": format!("{arch}, batch {batch}"),
                "precision": format!("{precision:?}"),
                "images_per_s": found.as_ref().ok(),
                "failure": found.as_ref().err().map(Error::chain),
                "passed": found.is_ok(),
            }));
        }
    }
    Ok(Value::Array(lines))
}

fn images_per_second(arch: &str, precision: Precision, batch: usize, steps: u32) -> Result<f64> {
    let mut net = Network::with(va_zoo::build(arch, 1000, SIZE, 3)?, precision, Backend::Cuda)?;
    net.init(0)?;
    let mut state = AdamW::new_state(&net)?;
    let input = full(&[batch, SIZE, SIZE, 3], 0.5)?;
    let grad = full(&[batch, 1000], 1e-3)?;
    let mut began = Instant::now();
    for step in 1..=u64::from(WARM_UP + steps) {
        if step == u64::from(WARM_UP) + 1 {
            clip_grad_norm(net.grads(), None)?;
            began = Instant::now();
        }
        net.forward(&input, Mode::Train)?;
        net.zero_grad()?;
        net.backward(&grad)?;
        AdamW::default().step(&net, &mut state, step)?;
    }
    clip_grad_norm(net.params(), None)?;
    Ok(f64::from(steps) * batch as f64 / began.elapsed().as_secs_f64())
}

fn full(shape: &[usize], value: f32) -> Result<Tensor> {
    let tensor = Tensor::full(value, shape, &Device::Cpu);
    tensor.map_err(|e| Error::internal("cannot make a tensor to measure with").with_source(e))
}
