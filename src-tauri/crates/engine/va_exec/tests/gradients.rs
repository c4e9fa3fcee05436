//! Every operator's backward against central differences in f64. The gradient that flows through an operator is seen in
//! the parameters of the layers before it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{check_gradients, graph};
use va_graph::{BatchNorm, Conv2d, GraphBuilder, Pool2d, Value};

/// A pointwise convolution: its weight gradient shows the input gradient of what follows.
fn before(b: &mut GraphBuilder, x: Value, channels: usize) -> va_error::Result<Value> {
    b.conv2d("before", x, Conv2d::new(channels, 1).bias(true))
}

/// Every combination of stride, padding, dilation and groups on even, odd and mixed sizes.
#[test]
fn convolution_of_every_geometry() {
    for size in [[6, 6, 4], [7, 5, 4], [5, 8, 4]] {
        for (kernel, stride, padding, dilation, groups) in [
            ([1, 1], [1, 1], [0, 0], [1, 1], 1),
            ([1, 1], [2, 2], [0, 0], [1, 1], 1),
            ([3, 3], [1, 1], [1, 1], [1, 1], 1),
            ([3, 3], [2, 2], [1, 1], [1, 1], 1),
            ([3, 2], [1, 2], [0, 1], [1, 1], 1),
            ([3, 3], [1, 1], [2, 2], [2, 2], 1),
            ([2, 3], [2, 1], [1, 2], [1, 2], 2),
            ([3, 3], [1, 1], [1, 1], [1, 1], 4),
            ([1, 1], [1, 1], [0, 0], [1, 1], 2),
        ] {
            let conv = Conv2d { out_channels: 8, kernel, stride, padding, dilation, groups, bias: true };
            for batch in [1, 3] {
                check_gradients(
                    graph(&size, |b, x| {
                        let x = before(b, x, 4)?;
                        b.conv2d("conv", x, conv.clone())
                    }),
                    batch,
                );
            }
        }
    }
}

#[test]
fn linear_with_and_without_bias() {
    for (bias, batch) in [(true, 1), (false, 4)] {
        check_gradients(
            graph(&[5], |b, x| {
                let x = b.linear("first", x, 7, true)?;
                b.linear("second", x, 3, bias)
            }),
            batch,
        );
    }
}

#[test]
fn batch_norm_alone_and_with_relu() {
    for (relu, batch) in [(false, 2), (true, 3), (true, 1)] {
        check_gradients(
            graph(&[5, 3, 2], |b, x| {
                let x = before(b, x, 3)?;
                let x = b.batch_norm("bn", x, BatchNorm::default())?;
                if relu { b.relu("act", x) } else { Ok(x) }
            }),
            batch,
        );
    }
}

/// The end of a residual block, where the sum joins the batch norm: either operand first, a second batch norm, the norm's own
/// input, the images, a norm of the images; with a ReLU after it and without, and a sum that is read again.
#[test]
fn batch_norm_with_the_sum_after_it() {
    type Block = fn(&mut GraphBuilder, Value) -> va_error::Result<Value>;
    fn norm(b: &mut GraphBuilder, name: &str, x: Value) -> va_error::Result<Value> {
        b.batch_norm(name, x, BatchNorm::default())
    }
    let blocks: [Block; 6] = [
        |b, x| {
            let x = before(b, x, 3)?;
            let y = b.conv2d("conv", x, Conv2d::new(3, 3).padding(1))?;
            let y = norm(b, "bn", y)?;
            b.add("sum", y, x)
        },
        |b, x| {
            let x = before(b, x, 3)?;
            let y = b.conv2d("conv", x, Conv2d::new(4, 1))?;
            let y = norm(b, "bn", y)?;
            let z = b.conv2d("shortcut", x, Conv2d::new(4, 1))?;
            let z = norm(b, "shortcut_bn", z)?;
            b.add("sum", y, z)
        },
        |b, x| {
            let x = before(b, x, 3)?;
            let y = norm(b, "bn", x)?;
            b.add("sum", x, y)
        },
        |b, x| {
            let y = b.conv2d("conv", x, Conv2d::new(3, 1))?;
            let y = norm(b, "bn", y)?;
            b.add("sum", x, y)
        },
        |b, x| {
            let z = before(b, x, 3)?;
            let y = norm(b, "bn", x)?;
            b.add("sum", y, z)
        },
        |b, x| {
            let y = norm(b, "bn", x)?;
            b.add("sum", y, x)
        },
    ];
    for block in blocks {
        for relu in [false, true] {
            check_gradients(
                graph(&[4, 3, 3], |b, x| {
                    let sum = block(b, x)?;
                    let sum = if relu { b.relu("act", sum)? } else { sum };
                    let pooled = b.max_pool("pool", sum, Pool2d::new(3, 1, 1))?;
                    b.add("again", pooled, sum)
                }),
                2,
            );
        }
    }
}

#[test]
fn batch_norm_of_vectors() {
    check_gradients(
        graph(&[4], |b, x| {
            let x = b.linear("fc", x, 5, false)?;
            b.batch_norm("bn", x, BatchNorm::default())
        }),
        6,
    );
}

#[test]
fn relu_on_its_own() {
    check_gradients(
        graph(&[4, 3, 2], |b, x| {
            let x = before(b, x, 3)?;
            b.relu("act", x)
        }),
        2,
    );
}

#[test]
fn pooling_with_kernel_unequal_stride_and_odd_sizes() {
    for size in [[6, 6, 2], [7, 5, 2], [5, 8, 2]] {
        for pool in [Pool2d::new(2, 2, 0), Pool2d::new(3, 2, 1), Pool2d::new(3, 1, 1), Pool2d::new(2, 3, 1)] {
            check_gradients(
                graph(&size, |b, x| {
                    let x = before(b, x, 3)?;
                    b.max_pool("pool", x, pool.clone())
                }),
                2,
            );
            for count_include_pad in [true, false] {
                check_gradients(
                    graph(&size, |b, x| {
                        let x = before(b, x, 3)?;
                        b.avg_pool("pool", x, pool.clone(), count_include_pad)
                    }),
                    1,
                );
            }
        }
    }
}

#[test]
fn global_pool_flatten_and_dropout() {
    check_gradients(
        graph(&[5, 3, 2], |b, x| {
            let x = before(b, x, 3)?;
            let x = b.global_avg_pool("pool", x)?;
            b.linear("fc", x, 2, true)
        }),
        2,
    );
    check_gradients(
        graph(&[2, 3, 2], |b, x| {
            let x = before(b, x, 3)?;
            let x = b.flatten("flat", x)?;
            let x = b.dropout("drop", x, 0.4)?;
            b.linear("fc", x, 2, true)
        }),
        3,
    );
}

/// One value read by several operators of each kind: every one of them must add to its gradient, none overwrite it.
#[test]
fn several_consumers_of_one_value() {
    check_gradients(
        graph(&[6, 5, 2], |b, x| {
            let x = before(b, x, 4)?;
            let conv = b.conv2d("conv", x, Conv2d::new(4, 3).padding(1))?;
            let pointwise = b.conv2d("pointwise", x, Conv2d::new(4, 1))?;
            let most = b.max_pool("max", x, Pool2d::new(3, 1, 1))?;
            let mean = b.avg_pool("avg", x, Pool2d::new(3, 1, 1), true)?;
            let norm = b.batch_norm("bn", x, BatchNorm::default())?;
            let act = b.relu("act", x)?;
            let drop = b.dropout("drop", x, 0.3)?;
            let joined = b.concat("cat", &[x, conv, act])?;
            let joined = b.conv2d("join", joined, Conv2d::new(4, 1))?;
            let mut sum = b.add("double", x, x)?;
            for (i, value) in [conv, pointwise, most, mean, norm, act, drop, joined, x].into_iter().enumerate() {
                sum = b.add(&format!("sum{i}"), sum, value)?;
            }
            let act = b.relu("last", sum)?;
            let pooled = b.global_avg_pool("gap", act)?;
            let again = b.global_avg_pool("gap2", act)?;
            let flat = b.flatten("flat", act)?;
            b.concat("out", &[pooled, again, flat])
        }),
        2,
    );
}

/// Two linear layers on one vector.
#[test]
fn two_linear_consumers() {
    check_gradients(
        graph(&[5], |b, x| {
            let x = b.linear("a", x, 4, true)?;
            let (l, r) = (b.linear("l", x, 3, true)?, b.linear("r", x, 3, false)?);
            b.add("sum", l, r)
        }),
        2,
    );
}
