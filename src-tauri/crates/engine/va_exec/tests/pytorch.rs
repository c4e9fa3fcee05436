//! ResNet-18 against PyTorch in f64, from the same weights and batch: see `tests/parity/peers/resnet_reference.py`,
//! which wrote the committed figures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Tensor};
use common::{normal, values};
use serde_json::Value;
use va_exec::{CrossEntropy, Mode, NamedTensors, Network};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../tests/golden/resnet18_f64.json");

/// The rule of the reference: He for convolutions, scales near one, everything else near zero.
fn weight(seed: u64, name: &str, shape: &[usize]) -> Tensor {
    let (factor, offset) = match *shape {
        [o, _, kh, kw] => ((2.0 / (o * kh * kw) as f64).sqrt(), 0.0),
        [_, _] => (0.05, 0.0),
        _ => (0.1, if name.ends_with("weight") { 1.0 } else { 0.0 }),
    };
    (normal(shape, seed, name, DType::F64) * factor).and_then(|t| t + offset).unwrap()
}

fn close(what: &str, ours: f64, theirs: f64, scale: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * scale.max(theirs.abs()), "{what}: ours {ours}, PyTorch {theirs}");
}

fn compare(what: &str, ours: &Tensor, golden: &Value) {
    let ours = values(ours);
    let theirs = golden["norm"].as_f64().unwrap();
    close(what, ours.iter().map(|v| v * v).sum::<f64>().sqrt(), theirs, 0.0);
    let step = golden["step"].as_u64().unwrap() as usize;
    let samples = golden["samples"].as_array().unwrap();
    assert!(!samples.is_empty());
    for (i, sample) in samples.iter().enumerate() {
        close(what, ours[i * step], sample.as_f64().unwrap(), theirs);
    }
}

#[test]
fn resnet18_equals_pytorch_to_the_ninth_digit() {
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap();
    let number = |key: &str| golden[key].as_u64().unwrap();
    let (seed, batch, size, classes) =
        (number("seed"), number("batch") as usize, number("size") as usize, number("classes") as usize);
    let mut net = Network::new(va_zoo::build("resnet18", classes, size, 3).unwrap(), DType::F64).unwrap();
    let params: NamedTensors =
        net.graph().params().iter().map(|p| (p.name.clone(), weight(seed, &p.name, &p.shape))).collect();
    let report = net.load_state(&params).unwrap();
    assert!(report.mismatched.is_empty() && report.missing.iter().all(|name| name.contains(".running_")));

    let x = normal(&[batch, size, size, 3], seed, "input", DType::F64);
    let logits = net.forward(&x, Mode::Train).unwrap();
    let theirs = golden["logits"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    let theirs: Vec<f64> = theirs.map(|v| v.as_f64().unwrap()).collect();
    for (i, (&ours, &theirs)) in values(&logits).iter().zip(&theirs).enumerate() {
        close(&format!("logit {i}"), ours, theirs, 1.0);
    }
    let targets: Vec<u32> = (0..batch as u32).map(|i| i % classes as u32).collect();
    let options = CrossEntropy { label_smoothing: golden["label_smoothing"].as_f64().unwrap(), class_weights: None };
    let loss = options.loss_and_grad(&logits, &targets).unwrap();
    close("loss", loss.loss, golden["loss"].as_f64().unwrap(), 1.0);
    net.backward(&loss.grad).unwrap();
    let gradients = golden["gradients"].as_object().unwrap();
    assert_eq!(gradients.len(), 62);
    for (name, theirs) in gradients {
        compare(name, &net.grad(name).unwrap(), theirs);
    }
    for (name, theirs) in golden["buffers"].as_object().unwrap() {
        compare(name, &net.buffer(name).unwrap(), theirs);
    }
}
