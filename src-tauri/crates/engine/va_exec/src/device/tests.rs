//! The operator table, the norm and whole networks on the emulated card.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use super::cases;
use super::emulation::{Emulated, on_emulated_gpu, on_emulated_gpu_without_library};
use super::{Buffer, MatMul, Matrix, Number};
use crate::{AdamW, Backend, CounterRng, CrossEntropy, Mode, Network, Precision, Rule, Sgd, Update, UpdateAt};

/// What the issue asks of a card.
const TOLERANCES: [(Precision, f64); 2] = [(Precision::F32, 1e-5), (Precision::Bf16, 1e-2)];

#[test]
fn every_kernel_equals_the_reference_in_f64() {
    let (failures, seen) = on_emulated_gpu(failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // What is started through this table, and what is not.
    let started: BTreeSet<&str> = seen.keys().map(|(kernel, _)| *kernel).collect();
    let missing: Vec<String> = in_sources().into_iter().filter(|name| !started.contains(name.as_str())).collect();
    let images = in_source("augment");
    let missing: Vec<&String> = missing.iter().filter(|name| !images.contains(*name)).collect();
    assert_eq!(missing, ["columns_to_image", "image_to_columns"], "kernels without a case");
}

/// What serves the shapes that cuDNN has no algorithm for.
#[test]
fn windows_and_products_equal_the_reference_in_f64() {
    let failures = on_emulated_gpu_without_library(failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn failures() -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases::all() {
        for (precision, tolerance) in TOLERANCES {
            match case.error(&Device::Cpu, precision) {
                Ok(error) if error <= tolerance => {}
                other => failures.push(format!("{precision:?} {}: {other:?}", case.name)),
            }
        }
    }
    failures
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gpu")
}

/// Kernels of `gpu/*.cu`.
fn in_sources() -> BTreeSet<String> {
    let names = std::fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    names.flat_map(|path| in_source(path.file_stem().unwrap().to_str().unwrap())).collect()
}

/// Kernels of one file.
pub(super) fn in_source(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(sources().join(format!("{file}.cu"))).unwrap_or_default();
    let name = |line: &str| {
        let rest = line.strip_prefix("KERNEL(").or_else(|| line.strip_prefix("KERNEL_WITH_BARRIERS("))?;
        Some(rest.strip_suffix(')')?.to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// Three training steps (step by step, recorded, replayed) and an evaluation: logits, gradients, parameters, running statistics.
fn trained(arch: &str, precision: Precision, sgd: bool) -> [Vec<f64>; 4] {
    let graph = va_zoo::build(arch, 4, 32, 3).unwrap();
    let mut net = Network::with(graph, precision, Backend::Reference).unwrap();
    net.init(5).unwrap();
    let rng = CounterRng::new(1, "images");
    let images: Vec<f64> = (0..2 * 32 * 32 * 3).map(|i| rng.normal(i)).collect();
    let x = Tensor::from_vec(images, (2, 32, 32, 3), &Device::Cpu).unwrap().to_dtype(net.dtype()).unwrap();
    let rule = match sgd {
        true => Rule::Sgd(Sgd { lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 1e-3 }),
        false => Rule::AdamW(AdamW { lr: 1e-4, ..AdamW::default() }),
    };
    let mut update = Update::new(&net, rule).unwrap();
    let mut gradients = Vec::new();
    for step in 1..=3 {
        net.set_step_key(step);
        let logits = net.forward(&x, Mode::Train).unwrap();
        let loss = CrossEntropy::default().loss_and_grad(&logits, &[0, 3]).unwrap();
        net.zero_grad().unwrap();
        net.backward(&loss.grad).unwrap();
        if step == 1 {
            gradients = values(net.grads());
        }
        let groups = net.layout().groups(|_| 1.0);
        net.update(&mut update, &UpdateAt { rule, step, groups, clip_norm: Some(1.0), average_decay: 0.0 }).unwrap();
    }
    let logits = values(&net.forward(&x, Mode::Eval).unwrap());
    [logits, gradients, values(net.params()), values(net.buffers())]
}

pub(super) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

pub(super) fn distance(ours: &[f64], reference: &[f64]) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let apart = length(&mut ours.iter().zip(reference).map(|(a, b)| a - b));
    if ours.is_empty() { 0.0 } else { apart / length(&mut reference.iter().copied()).max(1e-30) }
}

/// What comes from the host is gone when the work is replayed: a pass that asks for it is run step by step, and says so.
#[test]
fn what_cannot_be_replayed_is_refused() {
    let (refused, _) = on_emulated_gpu(|| {
        super::record(&Device::Cpu, &mut || super::Gpu::upload(&Emulated::default(), &[1, 2]).map(drop)).err().unwrap()
    });
    assert!(refused.to_string().contains("cannot be recorded"), "{refused}");
}

/// A bias and ReLU join the product in one kernel, also onto a sum.
#[test]
fn a_finished_product_has_bias_and_relu() {
    let (m, n, k) = (5, 4, 3);
    let random = |len: usize, of: &str| -> Vec<f32> {
        (0..len as u64).map(|i| CounterRng::new(9, of).normal(i) as f32).collect()
    };
    let (mut a, mut b, mut bias) = (random(m * k, "a"), random(n * k, "b"), random(n, "bias"));
    let before = random(m * n, "y");
    let buffer = |data: &mut [f32]| Buffer { address: data.as_mut_ptr() as u64, len: data.len(), number: Number::F32 };
    for (relu, keep) in [(false, false), (true, false), (true, true)] {
        let mut y = before.clone();
        let (left, right) = (Matrix::rows(buffer(&mut a), k), Matrix::transposed(buffer(&mut b), k));
        let product = MatMul::new([m, n, k], Matrix::rows(buffer(&mut y), n), left, right).accumulate(keep);
        assert!(product.finished(&Emulated::default(), buffer(&mut bias), relu).unwrap());
        for (i, found) in y.iter().enumerate() {
            let sum: f32 = (0..k).map(|l| a[i / n * k + l] * b[i % n * k + l]).sum();
            let sum = sum + bias[i % n] + if keep { before[i] } else { 0.0 };
            let expected = if relu { sum.max(0.0) } else { sum };
            assert!((found - expected).abs() < 1e-6, "{relu} {keep}: {found} {expected}");
        }
    }
}

/// Whole networks: the same plan, optimiser and clipping with every kernel on the emulated card. The reference in the same
/// precision is as far from f64 as rounding takes it; the card may be so many times further.
#[test]
fn whole_networks_train_as_on_the_reference() {
    for (arch, sgd) in [
        ("resnet18", true),
        ("mobilenetv4_conv_small", false),
        ("convnext_atto", false),
        ("vit_tiny_patch16_224", false),
    ] {
        let exact = trained(arch, Precision::F64, sgd);
        for precision in [Precision::F32, Precision::Bf16] {
            let reference = trained(arch, precision, sgd);
            let (card, _) = on_emulated_gpu(|| trained(arch, precision, sgd));
            for (what, i) in ["logits", "gradients", "parameters", "statistics"].iter().zip(0..) {
                let (theirs, ours) = (distance(&reference[i], &exact[i]), distance(&card[i], &exact[i]));
                let least = if precision == Precision::F32 { 1e-6 } else { 1e-3 };
                assert!(ours <= 3.0 * theirs.max(least), "{arch} {precision:?} {what}: {ours:e}, reference {theirs:e}");
            }
        }
    }
}
