//! One training step of whole networks against f64, held to twice the error that PyTorch has of its own on a CPU
//! (`tests/golden/network_precision.json`). Who asked PyTorch on the same device holds the errors to that.

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use va_error::{Error, Result};
use va_exec::{Backend, CounterRng, CrossEntropy, Mode, NamedTensors, Network, Precision};

const GOLDEN: &str = include_str!("../../../../../tests/golden/network_precision.json");

/// Ours may be so many times PyTorch's.
const FACTOR: f64 = 2.0;

/// Names of all works, for `only` of a request.
///
/// # Errors
/// When the table is damaged.
pub fn works() -> Result<Vec<String>> {
    let golden: Value = serde_json::from_str(GOLDEN)?;
    let works = golden["works"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(works.iter().map(|line| Work { line, seed: 0, classes: 0, most: 0 }.name()).collect())
}

/// `only` of the request, as `resnet18 f32`, leaves the other works out, `batches` all but the first ones.
pub fn run(request: &Value, backend: Backend) -> Result<Value> {
    let golden: Value = serde_json::from_str(GOLDEN)?;
    let seed = golden["seed"].as_u64().unwrap_or_default();
    let classes = golden["classes"].as_u64().unwrap_or(2) as usize;
    let works = golden["works"].as_array().map(Vec::as_slice).unwrap_or_default();
    let only = request["only"].as_str();
    let most = request["batches"].as_u64().map_or(usize::MAX, |batches| batches.max(1) as usize);
    let chosen = works.iter().map(|line| Work { line, seed, classes, most });
    let chosen = chosen.filter(|work| only.is_none_or(|only| only == work.name()));
    let lines: Result<Vec<Value>> = chosen.map(|work| compare(&work, backend)).collect();
    Ok(Value::Array(lines?))
}

fn compare(work: &Work<'_>, backend: Backend) -> Result<Value> {
    let precision = if work.line["precision"] == "bf16" { Precision::Bf16 } else { Precision::F32 };
    let exact = work.steps(Precision::F64, Backend::Reference)?;
    let ours = work.steps(precision, backend)?;
    let error = |of: usize| {
        let mut found: Vec<f64> = ours.iter().zip(&exact).map(|(a, b)| distance(&a[of], &b[of])).collect();
        found.sort_by(f64::total_cmp);
        found.get(work.number("rank").min(found.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    let limit = |kind: &str| FACTOR * work.line[kind].as_f64().unwrap_or_default();
    let errors = [("logits", error(0)), ("gradient", error(1))];
    Ok(json!({
        "name": work.name(),
        "arch": work.line["arch"],
        "precision": work.line["precision"],
        "logits": errors[0].1,
        "gradient": errors[1].1,
        "limits": { "logits": limit("logits"), "gradient": limit("gradient") },
        "passed": errors.iter().all(|(kind, error)| *error <= limit(kind)),
    }))
}

/// An architecture, a precision, its batches.
struct Work<'a> {
    line: &'a Value,
    seed: u64,
    classes: usize,
    /// Batches at most.
    most: usize,
}

impl Work<'_> {
    fn name(&self) -> String {
        let word = |key: &str| self.line[key].as_str().unwrap_or_default();
        format!("{} {}", word("arch"), word("precision"))
    }

    fn number(&self, key: &str) -> usize {
        self.line[key].as_u64().unwrap_or_default() as usize
    }

    fn network(&self, precision: Precision, backend: Backend) -> Result<Network> {
        let arch = self.line["arch"].as_str().unwrap_or_default();
        let graph = va_zoo::build(arch, self.classes, self.number("size"), 3)?;
        let mut net = Network::with(graph, precision, backend)?;
        let params = net.graph().params().into_iter().map(|p| {
            let weight = weight(self.seed, &p.name, &p.shape)?.to_dtype(DType::F32);
            weight.map(|weight| (p.name, weight)).map_err(candle)
        });
        let params: NamedTensors = params.collect::<Result<_>>()?;
        net.load_state(&params)?;
        Ok(net)
    }

    /// Logits and gradients of one training step on each batch.
    fn steps(&self, precision: Precision, backend: Backend) -> Result<Vec<[Vec<f64>; 2]>> {
        let mut net = self.network(precision, backend)?;
        let (batch, size) = (self.number("batch"), self.number("size"));
        let targets: Vec<u32> = (0..batch).map(|i| (i % self.classes) as u32).collect();
        let count = self.line["reference"].as_array().map_or(0, Vec::len).min(self.most);
        let mut step = |number: usize| {
            let name = format!("precision {number}");
            let images = normal(&[batch, size, size, 3], self.seed, &name)?;
            let images = images.to_dtype(DType::F32).and_then(|x| x.to_dtype(net.dtype())).map_err(candle)?;
            let logits = net.forward(&images, Mode::Train)?;
            let loss = CrossEntropy::default().loss_and_grad(&logits, &targets)?;
            net.zero_grad()?;
            net.backward(&loss.grad)?;
            Ok([values(&logits)?, values(net.grads())?])
        };
        (0..count).map(&mut step).collect()
    }
}

fn distance(ours: &[f64], exact: &[f64]) -> f64 {
    let apart = ours.iter().zip(exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    apart / exact.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn normal(shape: &[usize], seed: u64, name: &str) -> Result<Tensor> {
    let rng = CounterRng::new(seed, name);
    let len: usize = shape.iter().product();
    let data: Vec<f64> = (0..len as u64).map(|i| rng.normal(i)).collect();
    Tensor::from_vec(data, shape, &Device::Cpu).map_err(candle)
}

/// A parameter by the rule of `tests/parity/peers/counter_rng.py`.
fn weight(seed: u64, name: &str, shape: &[usize]) -> Result<Tensor> {
    let (factor, offset) = match *shape {
        [_, i, kh, kw] => ((2.0 / (i * kh * kw) as f64).sqrt(), 0.0),
        [_, i] => ((1.0 / i as f64).sqrt(), 0.0),
        _ if name.ends_with("weight") => (0.1, 1.0),
        _ if name.ends_with("gamma") => (0.1, 0.5),
        _ => (0.1, 0.0),
    };
    normal(shape, seed, name)?.affine(factor, offset).map_err(candle)
}

fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    let here = tensor.to_device(&Device::Cpu).and_then(|t| t.to_dtype(DType::F64)?.flatten_all()?.to_vec1());
    here.map_err(candle)
}

fn candle(error: candle_core::Error) -> Error {
    Error::internal("a tensor of the network table cannot be made").with_source(error)
}
