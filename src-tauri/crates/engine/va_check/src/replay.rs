//! Training with recorded steps gives the bits of training step by step, and a device that records does record: a whole
//! training step, draws, loss and optimiser included, is one recording.

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use va_error::{Error, Result};
use va_exec::{
    AdamW, Backend, CounterRng, CrossEntropy, Network, Precision, Recordings, Rule, SoftTarget, Update, UpdateAt,
};
use va_zoo::Regularisation;

const ARCHS: [&str; 4] = ["resnet18", "mobilenetv4_conv_small", "convnext_atto", "vit_tiny_patch16_224"];
const SIZE: usize = 32;
const BATCH: usize = 4;
const CLASSES: usize = 3;
/// The first is run step by step, the second recorded; in all others what was recorded meets other numbers.
const STEPS: u64 = 5;

pub fn run(backend: Backend) -> Result<Value> {
    let lines = ARCHS.iter().flat_map(|arch| [Precision::F32, Precision::Bf16].map(|precision| (arch, precision)));
    lines.map(|(arch, precision)| compare(arch, precision, backend)).collect()
}

fn compare(arch: &str, precision: Precision, backend: Backend) -> Result<Value> {
    let (stepwise, _) = train(arch, precision, backend, false)?;
    let (replayed, recordings) = train(arch, precision, backend, true)?;
    let same = stepwise.iter().zip(&replayed).all(|(a, b)| a.to_bits() == b.to_bits());
    // Only a GPU records.
    let recorded = recordings.replayed == usize::from(backend == Backend::Cuda);
    Ok(json!({
        "name": format!("{arch}, {precision:?}"),
        "replayed": recordings.replayed,
        "refused": recordings.refused,
        "same_bits": same,
        "passed": same && recorded && recordings.refused.is_empty(),
    }))
}

/// The parameters after [`STEPS`] steps, of networks that draw where they can.
fn train(arch: &str, precision: Precision, backend: Backend, replay: bool) -> Result<(Vec<f32>, Recordings)> {
    let rates = match arch {
        "mobilenetv4_conv_small" | "convnext_atto" => Regularisation { dropout: 0.1, stochastic_depth: 0.1 },
        _ => Regularisation::default(),
    };
    let mut net = Network::with(va_zoo::build_with(arch, CLASSES, SIZE, 3, rates)?, precision, backend)?;
    net.replay_passes(replay);
    net.init(1)?;
    let rule = Rule::AdamW(AdamW::default());
    let mut update = Update::new(&net, rule)?;
    let loss = CrossEntropy::default();
    let targets = [0, 1, 2, 1].map(SoftTarget::hard);
    let wanted = loss.wanted(&targets, CLASSES, loss.weight_of(&targets)?)?;
    let groups = net.layout().groups(|_| 1.0);
    let rng = CounterRng::new(1, arch);
    let len = BATCH * SIZE * SIZE * 3;
    for step in 1..=STEPS {
        let images: Vec<f32> = (0..len as u64).map(|i| rng.normal(step * len as u64 + i) as f32).collect();
        let images = Tensor::from_vec(images, (BATCH, SIZE, SIZE, 3), &Device::Cpu).map_err(candle)?;
        net.set_step_key(step);
        let at = UpdateAt { rule, step, groups: groups.clone(), clip_norm: Some(1.0), average_decay: 0.0 };
        net.learn_and_update(&images, &wanted, &mut update, &at)?;
    }
    let params = net.params().to_device(&Device::Cpu).and_then(|params| params.to_dtype(DType::F32)?.to_vec1());
    Ok((params.map_err(candle)?, net.recordings()))
}

fn candle(error: candle_core::Error) -> Error {
    Error::internal("a tensor of the replay check cannot be made").with_source(error)
}
