//! Shared by the tests: numbers from the counter-based generator, and gradients by central differences in f64.
#![allow(dead_code)]

use candle_core::{DType, Device, Tensor};
use va_exec::{CounterRng, Mode, Network};
use va_graph::{Graph, GraphBuilder, Value};

/// Normal numbers of this shape.
pub fn normal(shape: &[usize], seed: u64, name: &str, dtype: DType) -> Tensor {
    let rng = CounterRng::new(seed, name);
    let len: usize = shape.iter().product();
    let data: Vec<f64> = (0..len as u64).map(|i| rng.normal(i)).collect();
    Tensor::from_vec(data, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

/// A parameter by the rule of `counter_rng.py`, in f64: fan-in for convolutions and linear layers, scales near one,
/// factors near a half, everything else near zero.
pub fn weight(seed: u64, name: &str, shape: &[usize]) -> Tensor {
    let (factor, offset) = match *shape {
        [_, i, kh, kw] => ((2.0 / (i * kh * kw) as f64).sqrt(), 0.0),
        [_, i] => ((1.0 / i as f64).sqrt(), 0.0),
        _ if name.ends_with("weight") => (0.1, 1.0),
        _ if name.ends_with("gamma") => (0.1, 0.5),
        _ => (0.1, 0.0),
    };
    (normal(shape, seed, name, DType::F64) * factor).and_then(|t| t + offset).unwrap()
}

/// A graph made by `body` from the input value.
pub fn graph(input: &[usize], body: impl FnOnce(&mut GraphBuilder, Value) -> va_error::Result<Value>) -> Graph {
    let (mut b, x) = GraphBuilder::new("test", input).unwrap();
    let out = body(&mut b, x).unwrap();
    b.finish(out).unwrap()
}

/// Every parameter drawn anew (so that none is zero or one), buffers as initialised.
pub fn randomise(net: &mut Network, seed: u64) {
    let len = net.layout().param_len();
    let params = normal(&[len], seed, "params", net.dtype());
    net.set_params(&(params * 0.5).unwrap()).unwrap();
}

pub fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

pub fn bits(tensor: &Tensor) -> Vec<u64> {
    values(tensor).into_iter().map(f64::to_bits).collect()
}

/// `Σ probe · forward(x)`: a scalar whose gradient with respect to the result is `probe`.
fn probed(net: &mut Network, x: &Tensor, probe: &Tensor) -> f64 {
    let buffers = net.buffers().force_contiguous().unwrap();
    let y = net.forward(x, Mode::Train).unwrap();
    net.set_buffers(&buffers).unwrap();
    (y * probe).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
}

/// Compares every parameter gradient of the graph with central differences in f64.
pub fn check_gradients(graph: Graph, batch: usize) {
    let mut net = Network::new(graph, DType::F64).unwrap();
    randomise(&mut net, 11);
    net.set_step_key(5);
    let mut shape = vec![batch];
    shape.extend_from_slice(net.graph().input_shape());
    let x = normal(&shape, 1, "x", DType::F64);
    let mut out = vec![batch];
    out.extend_from_slice(net.graph().output_shape());
    let probe = normal(&out, 2, "probe", DType::F64);
    net.zero_grad().unwrap();
    probed(&mut net, &x, &probe);
    net.backward(&probe).unwrap();
    let analytic = values(net.grads());
    let start = values(net.params());
    assert!(analytic.iter().any(|g| g.abs() > 1e-3), "the gradient is zero: nothing is tested");
    let step = 1e-6;
    // All parameters of small graphs, an even sample of larger ones.
    for at in (0..start.len()).step_by(start.len().div_ceil(150)) {
        let mut shifted = |delta: f64| {
            let mut params = start.clone();
            params[at] += delta;
            net.set_params(&Tensor::new(params, &Device::Cpu).unwrap()).unwrap();
            probed(&mut net, &x, &probe)
        };
        let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
        let error = (numeric - analytic[at]).abs() / (1.0 + numeric.abs());
        assert!(error < 2e-7, "parameter {at}: numeric {numeric}, ours {}", analytic[at]);
    }
}
