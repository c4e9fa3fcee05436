//! The gradient of a result by a value in the middle, in evaluation, against central differences in f64: the network
//! behind that value runs alone, on the value moved a little.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Tensor};
use common::{bits, graph, normal, randomise, values};
use va_error::{Code, Result};
use va_exec::{Backend, Mode, NamedTensors, Network, Precision};
use va_graph::{BatchNorm, Conv2d, GraphBuilder, Pool2d, Value};

type Part = fn(&mut GraphBuilder, Value) -> Result<Value>;

fn conv(b: &mut GraphBuilder, x: Value) -> Result<Value> {
    b.conv2d("conv", x, Conv2d::new(4, 3).padding(1).bias(true))
}

/// Running statistics moved away from where they start, everything else drawn.
fn network(graph: va_graph::Graph) -> Network {
    let mut net = Network::new(graph, DType::F64).unwrap();
    randomise(&mut net, 11);
    let buffers = normal(&[net.layout().buffer_len()], 12, "buffers", DType::F64);
    net.set_buffers(&(buffers.abs().unwrap() + 0.5).unwrap()).unwrap();
    net
}

/// Differentiates `tail(head(x))` by the value between.
fn check(head: Part, tail: Part) {
    let input = [6, 5, 3];
    let whole = graph(&input, |b, x| {
        let middle = head(b, x)?;
        tail(b, middle)
    });
    let layer = graph(&input, head).output();
    let middle_shape = whole.node(layer).shape.clone();
    let mut net = network(whole);
    let mut behind = Network::new(graph(&middle_shape, tail), DType::F64).unwrap();
    let state: NamedTensors = net.state().unwrap();
    behind.load_state(&state).unwrap().ensure_complete().unwrap();

    let x = normal(&[&[2], input.as_slice()].concat(), 1, "x", DType::F64);
    let weigh = |y: &Tensor| Ok(normal(y.dims(), 2, "weights", DType::F64));
    let buffers = bits(net.buffers());
    let seen = net.attribute(&x, layer, weigh).unwrap();
    assert_eq!(bits(net.buffers()), buffers, "running statistics moved");
    assert!(values(net.grads()).iter().all(|g| *g == 0.0), "parameters got gradients");
    for (ours, plain) in values(&seen.output).iter().zip(values(&net.forward(&x, Mode::Eval).unwrap())) {
        assert!((ours - plain).abs() < 1e-12, "the result is another one: {ours}, {plain}");
    }

    let weights = weigh(&seen.output).unwrap();
    let score = |net: &mut Network, middle: Vec<f64>| {
        let middle = Tensor::from_vec(middle, seen.value.dims(), seen.value.device()).unwrap();
        let y = net.forward(&middle, Mode::Eval).unwrap();
        (y * &weights).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
    };
    let (value, gradient) = (values(&seen.value), values(&seen.gradient));
    assert!(gradient.iter().any(|g| g.abs() > 1e-3), "the gradient is zero: nothing is tested");
    let step = 1e-6;
    for at in 0..value.len() {
        let mut shifted = |delta: f64| {
            let mut moved = value.clone();
            moved[at] += delta;
            score(&mut behind, moved)
        };
        let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
        let error = (numeric - gradient[at]).abs() / (1.0 + numeric.abs());
        assert!(error < 2e-7, "number {at}: numeric {numeric}, ours {}", gradient[at]);
    }
}

/// Batch norm by running statistics, with and without ReLU, residual sums, both pools, dropout.
fn residual_tail(b: &mut GraphBuilder, x: Value) -> Result<Value> {
    let y = b.conv2d("inner", x, Conv2d::new(4, 3).padding(1))?;
    let y = b.batch_norm("bn1", y, BatchNorm::default())?;
    let y = b.relu("act1", y)?;
    let y = b.conv2d("outer", y, Conv2d::new(4, 1).bias(true))?;
    let y = b.batch_norm("bn2", y, BatchNorm::default())?;
    let y = b.stochastic_depth("drop_path", y, 0.5)?;
    let y = b.add("add", y, x)?;
    let y = b.relu("act2", y)?;
    let y = b.max_pool("max", y, Pool2d::new(3, 2, 1))?;
    let y = b.conv2d("plain", y, Conv2d::new(4, 1).bias(true))?;
    let y = b.relu("act3", y)?;
    let y = b.global_avg_pool("pool", y)?;
    let y = b.dropout("drop", y, 0.5)?;
    b.linear("fc", y, 3, true)
}

#[test]
fn a_convolution_with_two_readers() {
    check(conv, residual_tail);
}

#[test]
fn a_batch_norm_whose_relu_is_behind_it() {
    check(
        |b, x| {
            let y = conv(b, x)?;
            b.batch_norm("bn", y, BatchNorm::default())
        },
        |b, x| {
            let y = b.relu("act", x)?;
            residual_tail(b, y)
        },
    );
}

#[test]
fn a_batch_norm_with_its_sum() {
    check(conv, |b, x| {
        let y = b.conv2d("branch", x, Conv2d::new(4, 1))?;
        let y = b.batch_norm("bn", y, BatchNorm::default())?;
        let y = b.add("sum", y, x)?;
        let y = b.relu("act", y)?;
        residual_tail(b, y)
    });
}

/// Asked for the value of a batch norm itself, the sum after it stays by itself; asked for what goes into it, it does not, and
/// the sum's other operand has no gradient: between the two lies the batch norm's scale.
#[test]
fn a_batch_norm_that_is_added_to_what_has_no_gradient() {
    let whole = graph(&[6, 5, 3], |b, x| {
        let side = b.conv2d("side", x, Conv2d::new(4, 1))?;
        let y = conv(b, x)?;
        let y = b.batch_norm("bn", y, BatchNorm::default())?;
        let y = b.add("sum", y, side)?;
        let y = b.relu("act", y)?;
        residual_tail(b, y)
    });
    let mut net = network(whole);
    let x = normal(&[2, 6, 5, 3], 1, "x", DType::F64);
    let mut seen = |name: &str| {
        let layer = net.graph().nodes().iter().position(|node| node.name == name).unwrap();
        net.attribute(&x, layer, |y| Ok(normal(y.dims(), 2, "weights", DType::F64))).unwrap()
    };
    let [inside, outside] = ["conv", "bn"].map(&mut seen);
    assert!(values(&outside.gradient).iter().any(|g| g.abs() > 1e-3));
    let state = net.state().unwrap();
    let of_channels = |name: &str| values(&state[name]);
    let (gamma, var) = (of_channels("bn.weight"), of_channels("bn.running_var"));
    for (at, (inside, outside)) in values(&inside.gradient).iter().zip(values(&outside.gradient)).enumerate() {
        let expected = outside * gamma[at % 4] / (var[at % 4] + 1e-5).sqrt();
        assert!((inside - expected).abs() < 1e-12, "number {at}: {inside}, {expected}");
    }
}

#[test]
fn a_relu_that_is_done_with_its_sum() {
    check(
        |b, x| {
            let y = conv(b, x)?;
            let y = b.batch_norm("bn", y, BatchNorm::default())?;
            let z = b.conv2d("side", x, Conv2d::new(4, 1))?;
            let sum = b.add("sum", y, z)?;
            b.relu("act", sum)
        },
        residual_tail,
    );
}

#[test]
fn tokens_through_attention() {
    check(
        |b, x| {
            let y = conv(b, x)?;
            b.tokens("tokens", y)
        },
        |b, x| {
            let y = b.layer_norm("norm", x, 1e-6)?;
            let y = b.linear("qkv", y, 12, true)?;
            let y = b.attention("attn", y, 2)?;
            let y = b.channel_scale("scale", y, 1.0)?;
            let y = b.add("add", x, y)?;
            let y = b.gelu("gelu", y)?;
            let y = b.select_token("class", y, 0)?;
            b.linear("head", y, 3, true)
        },
    );
}

#[test]
fn gates_joins_and_flattening() {
    check(conv, |b, x| {
        let gate = b.linear("gate", x, 4, true)?;
        let gate = b.sigmoid("sigmoid", gate)?;
        let y = b.mul("gated", x, gate)?;
        let z = b.hard_swish("hard_swish", x)?;
        let y = b.concat("both", &[y, z, x])?;
        let y = b.silu("silu", y)?;
        let y = b.avg_pool("avg", y, Pool2d::new(3, 2, 1), false)?;
        let y = b.flatten("flat", y)?;
        b.linear("fc", y, 3, true)
    });
}

/// What runs in the product: f32 on every back end gives what f64 gives.
#[test]
fn every_back_end_agrees() {
    let whole = graph(&[9, 8, 3], |b, x| {
        let y = conv(b, x)?;
        residual_tail(b, y)
    });
    let layer = whole.find("conv").unwrap();
    let mut exact = network(whole.clone());
    let state: NamedTensors =
        exact.state().unwrap().into_iter().map(|(name, t)| (name, t.to_dtype(DType::F32).unwrap())).collect();
    let x = normal(&[3, 9, 8, 3], 1, "x", DType::F64);
    let weigh = |y: &Tensor| Ok(normal(y.dims(), 2, "weights", y.dtype()));
    let wanted = values(&exact.attribute(&x, layer, weigh).unwrap().gradient);
    for &backend in Backend::ALL {
        let mut net = Network::with(whole.clone(), Precision::F32, backend).unwrap();
        net.load_state(&state).unwrap().ensure_complete().unwrap();
        net.freeze();
        let ours = net.attribute(&x.to_dtype(DType::F32).unwrap(), layer, weigh).unwrap();
        for (a, b) in values(&ours.gradient).iter().zip(&wanted) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{backend:?}: {a}, {b}");
        }
    }
}

#[test]
fn what_the_result_does_not_depend_on_is_refused() {
    let whole = graph(&[4, 4, 3], |b, x| {
        conv(b, x)?;
        let y = b.global_avg_pool("pool", x)?;
        b.linear("fc", y, 2, true)
    });
    let unread = whole.find("conv").unwrap();
    let mut net = network(whole);
    let x = normal(&[1, 4, 4, 3], 1, "x", DType::F64);
    let error = net.attribute(&x, unread, |y| Ok(y.clone())).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.message().contains("conv"), "{error}");
    assert!(net.attribute(&x, 99, |y| Ok(y.clone())).is_err());
}
