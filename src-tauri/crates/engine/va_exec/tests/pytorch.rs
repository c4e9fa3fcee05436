//! Every architecture against PyTorch and timm in f64, from the same weights and batch: logits, loss, all gradients and
//! running statistics, and fifty training steps. `tests/parity/peers/network_reference.py` wrote the committed figures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Tensor};
use common::{normal, values, weight};
use serde_json::Value;
use va_exec::{AdamW, CrossEntropy, Mode, NamedTensors, Network, Sgd};

fn golden(arch: &str) -> Value {
    let path = format!("{}/../../../../tests/golden/{arch}_f64.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn close(what: &str, ours: f64, theirs: f64, scale: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * scale.max(theirs.abs()), "{what}: ours {ours}, PyTorch {theirs}");
}

/// Norm and samples of a tensor; `floor` is the size below which a difference does not count.
fn compare(what: &str, ours: &Tensor, golden: &Value, floor: f64) {
    let ours = values(ours);
    let theirs = golden["norm"].as_f64().unwrap();
    close(what, ours.iter().map(|v| v * v).sum::<f64>().sqrt(), theirs, floor);
    let step = golden["step"].as_u64().unwrap() as usize;
    let samples = golden["samples"].as_array().unwrap();
    assert!(!samples.is_empty());
    for (i, sample) in samples.iter().enumerate() {
        close(what, ours[i * step], sample.as_f64().unwrap(), theirs.max(floor));
    }
}

struct Setting {
    seed: u64,
    batch: usize,
    size: usize,
    classes: usize,
}

impl Setting {
    fn of(golden: &Value) -> Self {
        let number = |key: &str| golden[key].as_u64().unwrap();
        let [batch, size, classes] = ["batch", "size", "classes"].map(|key| number(key) as usize);
        Self { seed: number("seed"), batch, size, classes }
    }

    fn network(&self, arch: &str) -> Network {
        let mut net = Network::new(va_zoo::build(arch, self.classes, self.size, 3).unwrap(), DType::F64).unwrap();
        let params: NamedTensors =
            net.graph().params().iter().map(|p| (p.name.clone(), weight(self.seed, &p.name, &p.shape))).collect();
        let report = net.load_state(&params).unwrap();
        assert!(report.mismatched.is_empty() && report.missing.iter().all(|name| name.contains(".running_")));
        net
    }

    fn images(&self, name: &str) -> Tensor {
        normal(&[self.batch, self.size, self.size, 3], self.seed, name, DType::F64)
    }

    fn targets(&self, shift: usize) -> Vec<u32> {
        (0..self.batch).map(|i| ((i + shift) % self.classes) as u32).collect()
    }
}

fn equals_pytorch(arch: &str) {
    let golden = golden(arch);
    let setting = Setting::of(&golden);
    let mut net = setting.network(arch);
    let logits = net.forward(&setting.images("input"), Mode::Train).unwrap();
    let theirs = golden["logits"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    let theirs: Vec<f64> = theirs.map(|v| v.as_f64().unwrap()).collect();
    for (i, (&ours, &theirs)) in values(&logits).iter().zip(&theirs).enumerate() {
        close(&format!("{arch} logit {i}"), ours, theirs, 1.0);
    }
    let options = CrossEntropy { label_smoothing: golden["label_smoothing"].as_f64().unwrap(), class_weights: None };
    let loss = options.loss_and_grad(&logits, &setting.targets(0)).unwrap();
    close("loss", loss.loss, golden["loss"].as_f64().unwrap(), 1.0);
    net.backward(&loss.grad).unwrap();
    let gradients = golden["gradients"].as_object().unwrap();
    assert_eq!(gradients.len(), net.graph().params().len());
    // Gradients that are zero in exact arithmetic (a bias before a norm) hold rounding alone.
    let floor = 1e-3;
    for (name, theirs) in gradients {
        compare(&format!("{arch} {name}"), &net.grad(name).unwrap(), theirs, floor);
    }
    let buffers = golden["buffers"].as_object().unwrap();
    assert_eq!(buffers.len(), net.graph().buffers().len());
    for (name, theirs) in buffers {
        compare(&format!("{arch} {name}"), &net.buffer(name).unwrap(), theirs, 0.0);
    }
}

fn trains_like_pytorch(arch: &str) {
    let golden = golden(arch);
    let (setting, run) = (Setting::of(&golden), &golden["training"]);
    let mut net = setting.network(arch);
    let number = |key: &str| run[key].as_f64().unwrap();
    let adam = AdamW { lr: number("lr"), weight_decay: number("weight_decay"), ..AdamW::default() };
    let sgd = Sgd { lr: adam.lr, momentum: 0.9, nesterov: false, weight_decay: adam.weight_decay };
    let is_sgd = run["optimiser"] == "sgd";
    let mut state = if is_sgd { Sgd::new_state(&net) } else { AdamW::new_state(&net) }.unwrap();
    let losses = run["losses"].as_array().unwrap();
    assert_eq!(losses.len(), 50);
    for (step, theirs) in losses.iter().enumerate() {
        let logits = net.forward(&setting.images(&format!("batch {step}")), Mode::Train).unwrap();
        let loss = CrossEntropy::default().loss_and_grad(&logits, &setting.targets(step)).unwrap();
        let theirs = theirs.as_f64().unwrap();
        assert!((loss.loss - theirs).abs() < 1e-7, "{arch} step {step}: ours {}, PyTorch {theirs}", loss.loss);
        net.zero_grad().unwrap();
        net.backward(&loss.grad).unwrap();
        let count = step as u64 + 1;
        if is_sgd { sgd.step(&net, &mut state, count) } else { adam.step(&net, &mut state, count) }.unwrap();
    }
}

/// One test an architecture: they run side by side.
macro_rules! parity {
    ($($arch:ident),*) => { $(
        #[test]
        fn $arch() {
            equals_pytorch(stringify!($arch));
        }
    )* };
}

mod one_step {
    use super::equals_pytorch;

    parity!(
        resnet18,
        resnet34,
        resnet50,
        mobilenetv4_conv_small,
        mobilenetv4_conv_medium,
        convnext_atto,
        convnext_tiny,
        vit_tiny_patch16_224,
        vit_small_patch16_224
    );
}

mod fifty_steps {
    use super::trains_like_pytorch;

    #[test]
    fn resnet18() {
        trains_like_pytorch("resnet18");
    }

    #[test]
    fn mobilenetv4_conv_small() {
        trains_like_pytorch("mobilenetv4_conv_small");
    }

    #[test]
    fn convnext_atto() {
        trains_like_pytorch("convnext_atto");
    }
}

#[test]
fn every_architecture_has_a_reference() {
    for arch in va_zoo::arch_names() {
        assert_eq!(golden(arch)["classes"], 5, "{arch}");
    }
}
