//! The operator table, the norm and whole networks on the emulated card.

use std::collections::BTreeSet;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::cases;
use super::emulation::{Emulated, buffer_of, on_emulated_gpu};
use super::{Number, sum_of_squares};
use crate::{AdamW, Backend, CounterRng, CrossEntropy, Mode, Network, Precision, Sgd, clip_grad_norm};

/// What the issue asks of a card.
const TOLERANCES: [(Precision, f64); 2] = [(Precision::F32, 1e-5), (Precision::Bf16, 1e-2)];

#[test]
fn every_kernel_equals_the_reference_in_f64() {
    let mut failures = Vec::new();
    let (_, seen) = on_emulated_gpu(|| {
        for case in cases::all() {
            for (precision, tolerance) in TOLERANCES {
                match case.error(&Device::Cpu, precision) {
                    Ok(error) if error <= tolerance => {}
                    other => failures.push(format!("{precision:?} {}: {other:?}", case.name)),
                }
            }
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // What is started through this table, and what is not.
    let started: BTreeSet<&str> = seen.keys().map(|(kernel, _)| *kernel).collect();
    let missing: Vec<String> = in_sources().into_iter().filter(|name| !started.contains(name.as_str())).collect();
    assert_eq!(missing, ["add_transposed", "squares", "transpose_narrow"], "kernels without a case");
}

/// Kernels of `gpu/*.cu`.
fn in_sources() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("gpu");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let lines: Vec<String> = files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let name = |line: &String| {
        let rest = line.strip_prefix("KERNEL(").or_else(|| line.strip_prefix("KERNEL_WITH_BARRIERS("))?;
        Some(rest.strip_suffix(')')?.to_owned())
    };

    lines.iter().filter_map(name).collect()
}

#[test]
fn squares_are_summed_in_f64() {
    let values: Vec<f32> = (0..200_003).map(|i| CounterRng::new(1, "squares").normal(i) as f32).collect();
    let exact: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    let tensor = Tensor::from_vec(values, 200_003, &Device::Cpu).unwrap();
    let (storage, layout) = tensor.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else { panic!("on the CPU") };
    let found = sum_of_squares(&Emulated::default(), buffer_of(storage, layout).unwrap()).unwrap();
    assert!((found / exact - 1.0).abs() < 1e-12, "{found} {exact}");
}

/// What cuDNN's weights go through.
#[test]
fn weights_change_their_order_and_back() {
    let (rows, columns) = (6, 5);
    let x: Vec<f32> = (0..30).map(|i| i as f32).collect();
    let (mut there, mut back) = (vec![0.0f32; 30], vec![1.0f32; 30]);
    let buffer = |data: &mut [f32]| super::Buffer { address: data.as_mut_ptr() as u64, len: 30, number: Number::F32 };
    let gpu = Emulated::default();
    let (from, to, sum) = (buffer(&mut x.clone()[..]), buffer(&mut there), buffer(&mut back));
    let mut source = x.clone();
    let from = super::Buffer { address: source.as_mut_ptr() as u64, ..from };
    let call = |kernel| super::Call::over("convolution", kernel, Number::F32, 30);
    call("transpose_narrow").value(to).real(from).count(rows).count(columns).count(30).run(&gpu).unwrap();
    assert_eq!((there[0], there[1], there[6]), (0.0, 5.0, 1.0));
    call("add_transposed").real(sum).value(to).count(rows).count(columns).count(30).run(&gpu).unwrap();
    assert!(back.iter().zip(&x).all(|(sum, x)| *sum == x + 1.0));
}

/// Three training steps and an evaluation: logits, gradients, parameters, running statistics.
fn trained(arch: &str, precision: Precision, sgd: bool) -> [Vec<f64>; 4] {
    let graph = va_zoo::build(arch, 4, 32, 3).unwrap();
    let mut net = Network::with(graph, precision, Backend::Reference).unwrap();
    net.init(5).unwrap();
    let rng = CounterRng::new(1, "images");
    let images: Vec<f64> = (0..2 * 32 * 32 * 3).map(|i| rng.normal(i)).collect();
    let x = Tensor::from_vec(images, (2, 32, 32, 3), &Device::Cpu).unwrap().to_dtype(net.dtype()).unwrap();
    let mut state = if sgd { Sgd::new_state(&net) } else { AdamW::new_state(&net) }.unwrap();
    let mut gradients = Vec::new();
    for step in 1..=2 {
        net.set_step_key(step);
        let logits = net.forward(&x, Mode::Train).unwrap();
        let loss = CrossEntropy::default().loss_and_grad(&logits, &[0, 3]).unwrap();
        net.zero_grad().unwrap();
        net.backward(&loss.grad).unwrap();
        clip_grad_norm(net.grads(), Some(1.0)).unwrap();
        if step == 1 {
            gradients = values(net.grads());
        }
        if sgd {
            let sgd = Sgd { lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 1e-3 };
            sgd.step(&net, &mut state, step).unwrap();
        } else {
            AdamW { lr: 1e-4, ..AdamW::default() }.step(&net, &mut state, step).unwrap();
        }
    }
    let logits = values(&net.forward(&x, Mode::Eval).unwrap());
    [logits, gradients, values(net.params()), values(net.buffers())]
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn distance(ours: &[f64], reference: &[f64]) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let apart = length(&mut ours.iter().zip(reference).map(|(a, b)| a - b));
    if ours.is_empty() { 0.0 } else { apart / length(&mut reference.iter().copied()).max(1e-30) }
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
