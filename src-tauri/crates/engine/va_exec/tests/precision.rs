//! In f32 and bf16, on every back end, our logits and gradients lie at most twice as far from f64 as PyTorch's own.
//! `tests/parity/peers/network_precision.py` measured PyTorch and says what the errors are; the same is computed here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::print_stdout, reason = "the figures are what a reader wants to see")]

mod common;

use candle_core::{DType, Tensor};
use common::{normal, values, weight};
use serde_json::Value;
use va_exec::{Backend, CrossEntropy, Mode, NamedTensors, Network, Precision};

/// Ours may be so many times PyTorch's.
const FACTOR: f64 = 2.0;

fn golden() -> Value {
    let path = format!("{}/../../../../tests/golden/network_precision.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// One line of the reference: an architecture, a precision, its batches.
struct Work<'a> {
    line: &'a Value,
    seed: u64,
    classes: usize,
    negligible: f64,
}

/// Logits, and the gradient of every parameter by itself.
struct Step {
    logits: Vec<f64>,
    gradients: Vec<Vec<f64>>,
}

impl Work<'_> {
    fn number(&self, key: &str) -> usize {
        self.line[key].as_u64().unwrap() as usize
    }

    fn network(&self, precision: Precision, backend: Backend) -> Network {
        let graph = va_zoo::build(self.line["arch"].as_str().unwrap(), self.classes, self.number("size"), 3).unwrap();
        let mut net = Network::with(graph, precision, backend).unwrap();
        let rounded = |tensor: Tensor| tensor.to_dtype(DType::F32).unwrap().to_dtype(net.dtype()).unwrap();
        let params: NamedTensors = net
            .graph()
            .params()
            .iter()
            .map(|p| (p.name.clone(), rounded(weight(self.seed, &p.name, &p.shape))))
            .collect();
        assert!(net.load_state(&params).unwrap().mismatched.is_empty());
        net
    }

    /// One training step on each batch.
    fn steps(&self, precision: Precision, backend: Backend) -> Vec<Step> {
        let mut net = self.network(precision, backend);
        let (batch, size) = (self.number("batch"), self.number("size"));
        let targets: Vec<u32> = (0..batch).map(|i| (i % self.classes) as u32).collect();
        let count = self.line["reference"].as_array().unwrap().len();
        let mut step = |number: usize| {
            let images = normal(&[batch, size, size, 3], self.seed, &format!("precision {number}"), DType::F32);
            let logits = net.forward(&images.to_dtype(net.dtype()).unwrap(), Mode::Train).unwrap();
            let loss = CrossEntropy::default().loss_and_grad(&logits, &targets).unwrap();
            net.zero_grad().unwrap();
            net.backward(&loss.grad).unwrap();
            let gradients = net.graph().params().iter().map(|p| values(&net.grad(&p.name).unwrap())).collect();
            Step { logits: values(&logits), gradients }
        };
        (0..count).map(&mut step).collect()
    }

    /// Our f64 is PyTorch's.
    fn check_reference(&self, steps: &[Step]) {
        for (step, theirs) in steps.iter().zip(self.line["reference"].as_array().unwrap()) {
            for (ours, theirs) in
                [length(&step.logits), whole(&step.gradients)].into_iter().zip([&theirs[0], &theirs[1]])
            {
                let theirs = theirs.as_f64().unwrap();
                assert!((ours - theirs).abs() <= 1e-9 * theirs, "in f64 ours is {ours}, PyTorch's {theirs}");
            }
        }
    }

    /// Errors of logits, whole gradient and single gradients: those of the reference's rank among the batches.
    fn errors(&self, ours: &[Step], exact: &[Step]) -> [f64; 3] {
        let of: Vec<[f64; 3]> = ours.iter().zip(exact).map(|(ours, exact)| self.error(ours, exact)).collect();
        [0, 1, 2].map(|kind| {
            let mut values: Vec<f64> = of.iter().map(|errors| errors[kind]).collect();
            values.sort_by(f64::total_cmp);
            values[self.number("rank")]
        })
    }

    fn error(&self, ours: &Step, exact: &Step) -> [f64; 3] {
        let length_of_all = whole(&exact.gradients);
        let pairs = || ours.gradients.iter().zip(&exact.gradients);
        let mut single: Vec<f64> = pairs()
            .filter(|(_, exact)| length(exact) > self.negligible * length_of_all)
            .map(|(ours, exact)| distance(ours, exact) / length(exact))
            .collect();
        single.sort_by(f64::total_cmp);
        let middle = single.len() / 2;
        let median =
            if single.len().is_multiple_of(2) { (single[middle - 1] + single[middle]) / 2.0 } else { single[middle] };
        let apart = pairs().map(|(ours, exact)| distance(ours, exact).powi(2)).sum::<f64>().sqrt();
        [distance(&ours.logits, &exact.logits) / length(&exact.logits), apart / length_of_all, median]
    }
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn whole(gradients: &[Vec<f64>]) -> f64 {
    length(&gradients.iter().map(|gradient| length(gradient)).collect::<Vec<_>>())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Whether oneDNN has kernels in bf16 for this processor; where it has none the reference kernels compute instead.
fn onednn_multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bw");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn as_near_as_pytorch(arch: &str) {
    let golden = golden();
    let lines: Vec<&Value> = golden["works"].as_array().unwrap().iter().filter(|line| line["arch"] == arch).collect();
    assert_eq!(lines.len(), 2, "f32 and bf16");
    let mut missed = Vec::new();
    for line in lines {
        let (seed, classes) = (golden["seed"].as_u64().unwrap(), golden["classes"].as_u64().unwrap() as usize);
        let work = Work { line, seed, classes, negligible: golden["negligible"].as_f64().unwrap() };
        let exact = work.steps(Precision::F64, Backend::Reference);
        work.check_reference(&exact);
        let precision = if line["precision"] == "bf16" { Precision::Bf16 } else { Precision::F32 };
        for &backend in Backend::ALL {
            if backend == Backend::OneDnn && precision == Precision::Bf16 && !onednn_multiplies_bf16() {
                println!(
                    "SKIPPED {arch} in bf16 on oneDNN: this processor has no AVX-512 BW, the reference kernels compute"
                );
                continue;
            }
            let ours = work.errors(&work.steps(precision, backend), &exact);
            for (kind, ours) in ["logits", "gradient", "tensor"].into_iter().zip(ours) {
                let theirs = line[kind].as_f64().unwrap();
                let text = format!(
                    "{arch} {precision:?} {backend:?} {kind}: ours {ours:.2e}, PyTorch {theirs:.2e}, ratio {:.2}",
                    ours / theirs
                );
                println!("{text}");
                if ours.is_nan() || ours > FACTOR * theirs {
                    missed.push(text);
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn resnet18() {
    as_near_as_pytorch("resnet18");
}

#[test]
fn mobilenetv4_conv_small() {
    as_near_as_pytorch("mobilenetv4_conv_small");
}

#[test]
fn convnext_atto() {
    as_near_as_pytorch("convnext_atto");
}

#[test]
fn vit_tiny() {
    as_near_as_pytorch("vit_tiny_patch16_224");
}
