//! Backward of smooth activations, products, layer norm, channel factors, stochastic depth, tokens and attention against
//! central differences in f64, as in `gradients.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::DType;
use common::{check_gradients, graph, normal, randomise, values};
use va_exec::{Mode, Network};
use va_graph::{Conv2d, Graph, GraphBuilder, Value};

type Layer = fn(&mut GraphBuilder, &str, Value) -> va_error::Result<Value>;

const ACTIVATIONS: [Layer; 4] =
    [GraphBuilder::gelu, GraphBuilder::silu, GraphBuilder::hard_swish, GraphBuilder::sigmoid];

/// A pointwise convolution: its weight gradient shows the input gradient of what follows.
fn before(b: &mut GraphBuilder, x: Value, channels: usize) -> va_error::Result<Value> {
    b.conv2d("before", x, Conv2d::new(channels, 1).bias(true))
}

#[test]
fn activations_alone_and_with_a_second_consumer() {
    for act in ACTIVATIONS {
        for (size, batch) in [([4, 3, 2], 1), ([5, 3, 2], 3)] {
            check_gradients(
                graph(&size, |b, x| {
                    let x = before(b, x, 3)?;
                    act(b, "act", x)
                }),
                batch,
            );
            check_gradients(
                graph(&size, |b, x| {
                    let x = before(b, x, 3)?;
                    let y = act(b, "act", x)?;
                    let z = act(b, "again", y)?;
                    let sum = b.add("sum", y, x)?;
                    b.add("more", sum, z)
                }),
                batch,
            );
        }
    }
}

#[test]
fn products_of_two_values_of_one_and_of_a_gate() {
    for batch in [1, 2] {
        check_gradients(
            graph(&[3, 5, 2], |b, x| {
                let x = before(b, x, 3)?;
                let gate = b.conv2d("gate", x, Conv2d::new(3, 3).padding(1))?;
                let gate = b.sigmoid("sigmoid", gate)?;
                let y = b.mul("gated", x, gate)?;
                let square = b.mul("square", y, y)?;
                b.add("out", square, gate)
            }),
            batch,
        );
    }
}

/// The input of the network has no gradient: the other factor still gets its own.
#[test]
fn product_with_the_input() {
    for swap in [false, true] {
        check_gradients(
            graph(&[3, 3, 2], |b, x| {
                let y = before(b, x, 2)?;
                if swap { b.mul("product", x, y) } else { b.mul("product", y, x) }
            }),
            2,
        );
    }
}

/// Channel counts below, at and beyond the lanes of the sums.
#[test]
fn layer_norm_of_images_tokens_and_vectors() {
    for (channels, batch) in [(3, 1), (8, 2), (19, 2)] {
        check_gradients(
            graph(&[3, 2, 2], |b, x| {
                let x = before(b, x, channels)?;
                let y = b.layer_norm("norm", x, 1e-6)?;
                b.add("sum", x, y)
            }),
            batch,
        );
    }
    check_gradients(
        graph(&[7], |b, x| {
            let x = b.linear("fc", x, 9, true)?;
            b.layer_norm("norm", x, 1e-5)
        }),
        3,
    );
    check_gradients(graph(&[2, 2, 5], |b, x| b.layer_norm("norm", x, 1e-5)), 2);
}

#[test]
fn linear_on_the_last_dimension_of_any_rank() {
    for shape in [vec![3, 2, 5], vec![4, 5], vec![5]] {
        for batch in [1, 3] {
            check_gradients(
                graph(&shape, |b, x| {
                    let x = b.linear("first", x, 7, true)?;
                    let x = b.gelu("act", x)?;
                    b.linear("second", x, 2, false)
                }),
                batch,
            );
        }
    }
}

#[test]
fn channel_scale_and_stochastic_depth() {
    for batch in [1, 5] {
        check_gradients(
            graph(&[3, 3, 2], |b, x| {
                let x = before(b, x, 3)?;
                let y = b.scope("block", |b| b.channel_scale("scale", x, 1e-6))?;
                let y = b.stochastic_depth("drop_path", y, 0.4)?;
                let y = b.add("sum", x, y)?;
                b.scope("last", |b| b.channel_scale("scale", y, 1.0))
            }),
            batch,
        );
    }
}

#[test]
fn tokens_and_one_token() {
    for (size, batch) in [([2, 2, 3], 2), ([3, 1, 2], 1)] {
        check_gradients(
            graph(&size, |b, x| {
                let x = before(b, x, 4)?;
                let tokens = b.tokens("tokens", x)?;
                let class = b.select_token("class", tokens, 0)?;
                let other = b.select_token("other", tokens, 2)?;
                let sum = b.add("sum", class, other)?;
                let (flat, image) = (b.flatten("flat", tokens)?, b.flatten("image", x)?);
                b.concat("out", &[sum, flat, image])
            }),
            batch,
        );
    }
}

/// Several heads, odd token counts, and the packed value read by somebody else too.
#[test]
fn attention_with_one_and_more_heads() {
    for (tokens, channels, heads, batch) in [(5, 4, 1, 2), (5, 6, 3, 1), (3, 8, 2, 3), (1, 2, 1, 1)] {
        check_gradients(
            graph(&[tokens, 3], |b, x| {
                let qkv = b.linear("qkv", x, 3 * channels, true)?;
                let y = b.attention("attn", qkv, heads)?;
                let z = b.attention("again", qkv, 1)?;
                let y = b.mul("product", y, z)?;
                let rest = b.linear("rest", qkv, channels, false)?;
                b.add("out", y, rest)
            }),
            batch,
        );
    }
}

/// Everything that a transformer block and a convolutional block do, with values that evaluation may overwrite.
fn blocks(b: &mut GraphBuilder, x: Value) -> va_error::Result<Value> {
    let x = before(b, x, 6)?;
    let mut x = b.tokens("tokens", x)?;
    for (i, act) in ACTIVATIONS.into_iter().enumerate() {
        x = b.scope(&i.to_string(), |b| {
            let y = b.layer_norm("norm1", x, 1e-6)?;
            let y = b.linear("qkv", y, 18, true)?;
            let y = b.attention("attn", y, 2)?;
            let y = b.channel_scale("scale", y, 0.1)?;
            let y = b.stochastic_depth("drop_path", y, 0.2)?;
            let x = b.add("add", x, y)?;
            let y = b.linear("fc", x, 6, true)?;
            let y = act(b, "act", y)?;
            b.mul("mul", y, x)
        })?;
    }
    b.select_token("class", x, 0)
}

#[test]
fn whole_blocks() {
    check_gradients(graph(&[3, 3, 2], blocks), 2);
}

/// Without dropout, training and evaluation compute the same numbers, in place or not.
#[test]
fn evaluation_in_place_equals_training() {
    let without_drop = |b: &mut GraphBuilder, x: Value| {
        let x = before(b, x, 6)?;
        let mut y = b.gelu("gelu", x)?;
        for (i, act) in ACTIVATIONS.into_iter().enumerate() {
            let gate = act(b, &format!("act{i}"), y)?;
            let scaled = b.scope(&format!("s{i}"), |b| b.channel_scale("scale", gate, 0.5))?;
            let normed = b.layer_norm(&format!("norm{i}"), scaled, 1e-6)?;
            y = b.mul(&format!("mul{i}"), normed, y)?;
        }
        Ok(y)
    };
    let mut net = Network::new(graph(&[3, 3, 2], without_drop), DType::F64).unwrap();
    randomise(&mut net, 3);
    let x = normal(&[2, 3, 3, 2], 1, "x", DType::F64);
    let train = values(&net.forward(&x, Mode::Train).unwrap());
    assert_eq!(train, values(&net.forward(&x, Mode::Eval).unwrap()));
    assert!(train.iter().any(|v| v.abs() > 1e-3));
}

/// f32 against f64 from the same numbers: the fast f32 functions do not cost more than f32 itself.
#[test]
fn f32_stays_near_f64() {
    let build = || -> Graph { graph(&[4, 4, 3], blocks) };
    let run = |dtype| {
        let mut net = Network::new(build(), dtype).unwrap();
        randomise(&mut net, 3);
        net.set_step_key(9);
        let y = net.forward(&normal(&[3, 4, 4, 3], 1, "x", dtype), Mode::Train).unwrap();
        net.zero_grad().unwrap();
        net.backward(&normal(y.dims(), 2, "probe", dtype)).unwrap();
        values(&y).into_iter().chain(values(net.grads())).collect::<Vec<f64>>()
    };
    let (wide, narrow) = (run(DType::F64), run(DType::F32));
    let size = wide.iter().map(|v| v * v).sum::<f64>().sqrt();
    let error = wide.iter().zip(&narrow).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!(error < 1e-5 * size, "relative error {}", error / size);
}

/// A whole sample is either gone or scaled, and about the right share of them.
#[test]
fn stochastic_depth_takes_whole_samples() {
    let body = |b: &mut GraphBuilder, x: Value| b.stochastic_depth("drop_path", x, 0.25);
    let mut net = Network::new(graph(&[6], body), DType::F64).unwrap();
    let ones = normal(&[400, 6], 1, "x", DType::F64).ones_like().unwrap();
    net.set_step_key(1);
    let y = values(&net.forward(&ones, Mode::Train).unwrap());
    let kept = y.chunks(6).filter(|row| row[0] != 0.0).count();
    assert!(y.chunks(6).all(|row| row.iter().all(|v| *v == row[0])));
    assert!(y.iter().all(|v| *v == 0.0 || (*v - 1.0 / 0.75).abs() < 1e-12));
    assert!((270..330).contains(&kept), "{kept} of 400");
    assert!(values(&net.forward(&ones, Mode::Eval).unwrap()).iter().all(|v| *v == 1.0));
}
