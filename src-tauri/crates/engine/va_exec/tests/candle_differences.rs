//! What Candle 0.11 gets wrong where our operators stand, each shown on ours to be right.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{graph, normal, values};
use va_exec::ops::{AvgPoolGrad, Inplace, MaxPoolGrad};
use va_exec::{Mode, Network, PoolGeometry};
use va_graph::{BatchNorm, Conv2d, Pool2d};

fn pool(kernel: usize, stride: usize, size: [usize; 2], out_size: [usize; 2]) -> PoolGeometry {
    PoolGeometry::new(&Pool2d::new(kernel, stride, 0), 1, &[size[0], size[1], 1], &[out_size[0], out_size[1], 1])
}

fn zeros(len: usize) -> Tensor {
    Tensor::zeros(len, DType::F64, &Device::Cpu).unwrap()
}

/// Candle scales the gradient by 1 / k².
#[test]
fn max_pool_gradient_is_not_scaled() {
    let x = Tensor::new(&[1.0f64, 4.0, 3.0, 2.0], &Device::Cpu).unwrap();
    let dy = Tensor::new(&[10.0f64], &Device::Cpu).unwrap();
    let dx = zeros(4);
    let kernel = MaxPoolGrad { geometry: pool(2, 2, [2, 2], [1, 1]), accumulate: false };
    dx.inplace_op3(&x, &dy, &Inplace(kernel)).unwrap();
    assert_eq!(values(&dx), [0.0, 10.0, 0.0, 0.0]);
}

/// Candle gives every tie the full gradient.
#[test]
fn max_pool_gives_a_tie_to_the_first_alone() {
    let x = Tensor::new(&[5.0f64, 7.0, 7.0, 7.0], &Device::Cpu).unwrap();
    let dy = Tensor::new(&[1.0f64], &Device::Cpu).unwrap();
    let dx = zeros(4);
    let kernel = MaxPoolGrad { geometry: pool(2, 2, [2, 2], [1, 1]), accumulate: false };
    dx.inplace_op3(&x, &dy, &Inplace(kernel)).unwrap();
    assert_eq!(values(&dx), [0.0, 1.0, 0.0, 0.0]);
}

/// Candle's average pool lets gradient into the odd row and column that no window covers.
#[test]
fn avg_pool_on_odd_sizes_keeps_its_gradient() {
    let dy = Tensor::new(&[4.0f64], &Device::Cpu).unwrap();
    let dx = zeros(9);
    let kernel = AvgPoolGrad { geometry: pool(2, 2, [3, 3], [1, 1]), count_include_pad: true, accumulate: false };
    dx.inplace_op2(&dy, &Inplace(kernel)).unwrap();
    assert_eq!(values(&dx), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

/// Candle refuses the backward of pools whose kernel differs from their stride.
#[test]
fn overlapping_max_pool_adds_both_windows() {
    let x = Tensor::new(&[0.0f64, 0.0, 9.0, 0.0, 0.0], &Device::Cpu).unwrap();
    let dy = Tensor::new(&[1.0f64, 2.0], &Device::Cpu).unwrap();
    let geometry = PoolGeometry {
        batch: 1,
        size: [1, 5],
        channels: 1,
        out_size: [1, 2],
        kernel: [1, 3],
        stride: [1, 2],
        padding: [0, 0],
    };
    let dx = zeros(5);
    dx.inplace_op3(&x, &dy, &Inplace(MaxPoolGrad { geometry, accumulate: false })).unwrap();
    assert_eq!(values(&dx), [0.0, 0.0, 3.0, 0.0, 0.0]);
}

/// Candle fails on a stride-2 convolution of mixed parity; ours equals its own definition.
#[test]
fn strided_convolution_of_mixed_parity() {
    let net_graph = graph(&[5, 6, 2], |b, x| b.conv2d("conv", x, Conv2d::new(3, 3).stride(2).padding(1)));
    let mut net = Network::new(net_graph, DType::F64).unwrap();
    common::randomise(&mut net, 3);
    let x = normal(&[2, 5, 6, 2], 4, "x", DType::F64);
    let y = values(&net.forward(&x, Mode::Train).unwrap());
    let (x, w) = (values(&x), values(&net.param("conv.weight").unwrap()));
    let at = |n: usize, i: i64, j: i64, c: usize| {
        let inside = (0..5).contains(&i) && (0..6).contains(&j);
        if inside { x[((n * 5 + i as usize) * 6 + j as usize) * 2 + c] } else { 0.0 }
    };
    let mut index = 0;
    for n in 0..2 {
        for (oy, ox) in (0..3).flat_map(|oy| (0..3).map(move |ox| (oy, ox))) {
            for k in 0..3 {
                let mut want = 0.0;
                for (c, ky, kx) in (0..2).flat_map(|c| (0..3).flat_map(move |y| (0..3).map(move |x| (c, y, x)))) {
                    let weight = w[((k * 2 + c) * 3 + ky) * 3 + kx];
                    want += weight * at(n, (oy * 2 + ky) as i64 - 1, (ox * 2 + kx) as i64 - 1, c);
                }
                assert!((y[index] - want).abs() < 1e-12, "{} {want}", y[index]);
                index += 1;
            }
        }
    }
}

/// candle-transformers fixes batch norm to evaluation; ours moves its running statistics as PyTorch does.
#[test]
fn running_statistics_move_with_the_unbiased_variance() {
    let mut net =
        Network::new(graph(&[1, 2, 1], |b, x| b.batch_norm("bn", x, BatchNorm::default())), DType::F64).unwrap();
    net.load_state(&[("bn.weight".to_owned(), Tensor::ones(1, DType::F64, &Device::Cpu).unwrap())].into()).unwrap();
    let x = Tensor::new(&[1.0f64, 2.0, 3.0, 6.0], &Device::Cpu).unwrap().reshape((2, 1, 2, 1)).unwrap();
    net.forward(&x, Mode::Train).unwrap();
    // Mean 3, squares 4 + 1 + 0 + 9 = 14, unbiased 14 / 3.
    let close = |name: &str, want: f64| {
        let got = values(&net.buffer(name).unwrap())[0];
        assert!((got - want).abs() < 1e-12, "{name}: {got} {want}");
    };
    close("bn.running_mean", 0.3);
    close("bn.running_var", 0.9 + 0.1 * 14.0 / 3.0);
    let y = values(&net.forward(&x, Mode::Eval).unwrap());
    let want = (1.0 - 0.3) / (0.9 + 1.4 / 3.0 + 1e-5f64).sqrt();
    assert!((y[0] - want).abs() < 1e-12);
}
