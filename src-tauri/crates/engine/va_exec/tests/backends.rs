//! Every back end and precision against the reference kernels in f64: forward, input gradient, weight gradient.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Tensor};
use common::{graph, normal, randomise, values};
use va_exec::{Backend, Mode, Network, Precision};
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Pool2d, Value};

/// Result, gradients and statistics of one training pass, then the result of an evaluation.
fn pass(graph: &Graph, precision: Precision, backend: Backend, batch: usize) -> [Vec<f64>; 4] {
    let mut net = Network::with(graph.clone(), precision, backend).unwrap();
    randomise(&mut net, 11);
    net.set_step_key(3);
    let shape = |rest: &[usize]| [&[batch], rest].concat();
    let x = normal(&shape(graph.input_shape()), 1, "x", net.dtype());
    let probe = normal(&shape(graph.output_shape()), 2, "probe", net.dtype());
    let y = net.forward(&x, Mode::Train).unwrap();
    // oneDNN has a kernel for everything in f32 on any processor, in bf16 from AVX-512 on.
    if precision != Precision::Bf16 || multiplies_bf16() {
        assert!(net.fallbacks().is_empty(), "{:?}", net.fallbacks());
    }
    net.zero_grad().unwrap();
    net.backward(&probe).unwrap();
    let (y, grads, buffers) = (values(&y), values(net.grads()), values(net.buffers()));
    [y, grads, buffers, values(&net.forward(&x, Mode::Eval).unwrap())]
}

fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bw");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Euclidean distance as a share of the reference's length.
fn distance(ours: &[f64], reference: &[f64]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(reference).map(|(a, b)| a - b));
    difference / norm(&mut reference.iter().copied()).max(1e-30)
}

fn compare(graph: &Graph, batch: usize) {
    let reference = pass(graph, Precision::F64, Backend::Reference, batch);
    for &backend in Backend::ALL {
        for (precision, tolerance) in [(Precision::F32, 2e-6), (Precision::Bf16, 5e-2)] {
            let ours = pass(graph, precision, backend, batch);
            for (what, (ours, reference)) in
                ["result", "gradients", "statistics", "evaluation"].iter().zip(ours.iter().zip(&reference))
            {
                let error = distance(ours, reference);
                assert!(error < tolerance, "{backend:?} {precision:?} {what}: {error:e} in {}", graph.to_json());
            }
        }
    }
}

/// A pointwise convolution: its weight gradient shows the input gradient of what follows.
fn before(b: &mut GraphBuilder, x: Value, channels: usize) -> va_error::Result<Value> {
    b.conv2d("before", x, Conv2d::new(channels, 1).bias(true))
}

#[test]
fn convolution_of_every_geometry() {
    for size in [[6, 6, 8], [7, 5, 8], [5, 8, 8]] {
        for (kernel, stride, padding, dilation, groups) in [
            ([1, 1], [1, 1], [0, 0], [1, 1], 1),
            ([1, 1], [2, 2], [0, 0], [1, 1], 1),
            ([3, 3], [1, 1], [1, 1], [1, 1], 1),
            ([3, 3], [2, 2], [1, 1], [1, 1], 1),
            ([3, 2], [1, 2], [0, 1], [1, 1], 1),
            ([3, 3], [1, 1], [2, 2], [2, 2], 1),
            ([2, 3], [2, 1], [1, 2], [1, 2], 2),
            ([3, 3], [1, 1], [1, 1], [1, 1], 8),
            ([5, 5], [2, 2], [2, 2], [1, 1], 8),
            ([1, 1], [1, 1], [0, 0], [1, 1], 2),
        ] {
            for (bias, outputs) in [(true, 8), (false, 16)] {
                let conv = Conv2d { out_channels: outputs, kernel, stride, padding, dilation, groups, bias };
                let net = graph(&size, |b, x| {
                    let x = before(b, x, 8)?;
                    b.conv2d("conv", x, conv.clone())
                });
                compare(&net, 3);
            }
        }
    }
}

#[test]
fn channels_that_fill_no_register() {
    for (inputs, outputs) in [(3, 5), (1, 7), (17, 3), (33, 40)] {
        let net = graph(&[9, 7, inputs], |b, x| {
            let x = before(b, x, inputs)?;
            b.conv2d("conv", x, Conv2d::new(outputs, 3).padding(1).bias(true))
        });
        compare(&net, 2);
    }
}

#[test]
fn linear_layers() {
    for (bias, batch) in [(true, 1), (false, 5), (true, 16)] {
        let net = graph(&[37], |b, x| {
            let x = b.linear("first", x, 70, true)?;
            b.linear("second", x, 11, bias)
        });
        compare(&net, batch);
    }
}

/// Two consumers, a sum that joins a convolution in evaluation, pooling, concatenation.
#[test]
fn a_residual_block_with_everything_around_it() {
    let net = graph(&[12, 10, 3], |b, x| {
        let x = b.conv2d("stem", x, Conv2d::new(16, 3).stride(2).padding(1).bias(true))?;
        let x = b.max_pool("pool", x, Pool2d::new(3, 1, 1))?;
        let y = b.conv2d("conv1", x, Conv2d::new(16, 3).padding(1).bias(true))?;
        let y = b.relu("act1", y)?;
        let y = b.conv2d("conv2", y, Conv2d::new(16, 3).padding(1).bias(true))?;
        let sum = b.add("add", y, x)?;
        let x = b.relu("act2", sum)?;
        let short = b.conv2d("short", x, Conv2d::new(16, 1).bias(true))?;
        let deep = b.conv2d("deep", x, Conv2d::new(16, 3).padding(1).bias(true))?;
        let sum = b.add("add2", short, deep)?;
        let mean = b.avg_pool("mean", sum, Pool2d::new(2, 2, 0), true)?;
        let x = b.concat("cat", &[mean, mean])?;
        let x = b.global_avg_pool("gap", x)?;
        b.linear("fc", x, 4, true)
    });
    compare(&net, 2);
}

/// In evaluation the activation and the sum become part of the product before them.
#[test]
fn activations_and_sums_behind_convolutions_and_linear_layers() {
    type Act = fn(&mut GraphBuilder, &str, Value) -> va_error::Result<Value>;
    let acts: [Act; 5] =
        [GraphBuilder::relu, GraphBuilder::gelu, GraphBuilder::silu, GraphBuilder::hard_swish, GraphBuilder::sigmoid];
    for act in acts {
        let net = graph(&[9, 8, 3], |b, x| {
            let x = before(b, x, 16)?;
            let y = b.conv2d("deep", x, Conv2d::new(16, 3).padding(1).groups(16).bias(true))?;
            let y = act(b, "act1", y)?;
            let y = b.linear("up", y, 40, true)?;
            let y = act(b, "act2", y)?;
            let y = b.linear("down", y, 16, false)?;
            let sum = b.add("sum", x, y)?;
            let y = b.conv2d("wide", sum, Conv2d::new(16, 1))?;
            let sum = b.add("sum2", y, sum)?;
            let x = b.relu("act3", sum)?;
            let x = b.global_avg_pool("gap", x)?;
            b.linear("fc", x, 4, true)
        });
        compare(&net, 2);
    }
}

#[test]
fn batch_norm_with_and_without_relu() {
    let net = graph(&[6, 5, 4], |b, x| {
        let x = before(b, x, 24)?;
        let x = b.batch_norm("bn1", x, BatchNorm::default())?;
        let x = b.relu("act", x)?;
        let x = b.conv2d("conv", x, Conv2d::new(20, 3).padding(1))?;
        b.batch_norm("bn2", x, BatchNorm::default())
    });
    compare(&net, 4);
}

/// Evaluation of a frozen network packs its weights once: the same numbers, and no way to change them.
#[test]
fn a_frozen_network_gives_the_same_result_and_cannot_be_changed() {
    let graph = va_zoo::build("resnet18", 5, 40, 3).unwrap();
    let mut net = Network::new(graph, DType::F32).unwrap();
    net.init(2).unwrap();
    let x = normal(&[2, 40, 40, 3], 5, "x", DType::F32);
    let thawed = values(&net.forward(&x, Mode::Eval).unwrap());
    net.freeze();
    for _ in 0..2 {
        assert_eq!(values(&net.forward(&x, Mode::Eval).unwrap()), thawed);
    }
    let flat: Tensor = net.params().force_contiguous().unwrap();
    assert_eq!(net.set_params(&flat).unwrap_err().code(), va_error::Code::Conflict);
    assert_eq!(net.load_state(&net.state().unwrap()).unwrap_err().code(), va_error::Code::Conflict);
}

#[test]
fn bf16_needs_less_memory_for_activations() {
    let bytes = |precision| {
        let graph = va_zoo::build("resnet18", 5, 64, 3).unwrap();
        let mut net = Network::with(graph, precision, Backend::Reference).unwrap();
        net.activation_bytes(4, Mode::Train).unwrap()
    };
    assert!(bytes(Precision::Bf16) * 10 < bytes(Precision::F32) * 6);
}
