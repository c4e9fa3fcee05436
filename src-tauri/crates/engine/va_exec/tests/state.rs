//! Named weights in and out, folding, optimisers against their formulas, and bad input.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{graph, normal, values};
use va_error::Code;
use va_exec::{AdamW, CrossEntropy, Mode, NamedTensors, Network, Sgd, clip_grad_norm, fold_state, softmax};
use va_graph::{BatchNorm, Conv2d, fold_for_inference};

fn resnet(dtype: DType) -> Network {
    let mut net = Network::new(va_zoo::build("resnet18", 4, 33, 3).unwrap(), dtype).unwrap();
    net.init(1).unwrap();
    net
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn state_goes_round_and_has_pytorch_shapes() {
    let net = resnet(DType::F32);
    let state = net.state().unwrap();
    assert_eq!(state["conv1.weight"].dims(), [64, 3, 7, 7]);
    assert_eq!(state["fc.weight"].dims(), [4, 512]);
    let mut other = Network::new(net.graph().clone(), DType::F32).unwrap();
    let report = other.load_state(&state).unwrap();
    report.ensure_complete().unwrap();
    assert!(report.unexpected.is_empty());
    assert!(common::bits(net.params()) == common::bits(other.params()));
}

#[test]
fn a_convolution_weight_lies_as_pytorch_says() {
    let mut net = Network::new(
        graph(&[1, 2, 2], |b, x| b.conv2d("c", x, Conv2d { kernel: [1, 2], ..Conv2d::new(1, 1) })),
        DType::F64,
    )
    .unwrap();
    // [out, in, kh, kw]: input channel 0 sees (1, 2), channel 1 sees (3, 4) along the width.
    let weight = Tensor::new(&[1.0f64, 2.0, 3.0, 4.0], &Device::Cpu).unwrap().reshape((1, 2, 1, 2)).unwrap();
    net.load_state(&NamedTensors::from([("c.weight".to_owned(), weight)])).unwrap();
    // NHWC: pixel 0 is (5, 6), pixel 1 is (7, 8).
    let x = Tensor::new(&[5.0f64, 6.0, 7.0, 8.0], &Device::Cpu).unwrap().reshape((1, 1, 2, 2)).unwrap();
    assert_eq!(values(&net.forward(&x, Mode::Eval).unwrap()), [5.0 + 2.0 * 7.0 + 3.0 * 6.0 + 4.0 * 8.0]);
}

#[test]
fn loading_says_what_does_not_fit_and_refuses_nan_untouched() {
    let mut net = resnet(DType::F32);
    let before = common::bits(net.params());
    let mut state = net.state().unwrap();
    state.remove("bn1.bias");
    state.insert("fc.weight".into(), Tensor::zeros((7, 512), DType::F32, &Device::Cpu).unwrap());
    state.insert("extra".into(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
    state.insert("bn1.num_batches_tracked".into(), Tensor::zeros((), DType::I64, &Device::Cpu).unwrap());
    let report = net.load_state(&state).unwrap();
    assert_eq!(
        (report.missing.as_slice(), report.unexpected.as_slice()),
        (&["bn1.bias".into()][..], &["extra".into()][..])
    );
    assert_eq!(report.mismatched, [("fc.weight".to_owned(), vec![7, 512], vec![4, 512])]);
    assert!(report.ensure_complete().unwrap_err().message().contains("fc.weight"));

    let mut bad = net.state().unwrap();
    bad.insert("layer1.0.bn1.weight".into(), Tensor::full(f32::NAN, 64, &Device::Cpu).unwrap());
    let error = net.load_state(&bad).unwrap_err();
    assert_eq!(error.code(), Code::NotFinite);
    assert!(error.message().contains("layer1.0.bn1.weight"));
    assert!(before == common::bits(net.params()));
}

#[test]
fn folding_batch_norm_changes_no_result() {
    let mut net = resnet(DType::F64);
    common::randomise(&mut net, 8);
    let x = normal(&[3, 33, 33, 3], 1, "x", DType::F64);
    // Running statistics that are not the initial ones.
    net.forward(&x, Mode::Train).unwrap();
    let want = values(&net.forward(&x, Mode::Eval).unwrap());
    let folded = fold_for_inference(net.graph()).unwrap();
    assert_eq!(folded.folded.len(), 20);
    assert!(folded.graph.buffers().is_empty());
    let state = fold_state(&folded, &net.state().unwrap()).unwrap();
    let mut session = Network::new(folded.graph, DType::F64).unwrap();
    let report = session.load_state(&state).unwrap();
    report.ensure_complete().unwrap();
    assert!(report.unexpected.is_empty());
    close(&values(&session.forward(&x, Mode::Eval).unwrap()), &want, 1e-9);
}

/// A norm and a factor behind a convolution, factors behind linear layers with and without a bias, dropout between.
#[test]
fn folding_channel_factors_changes_no_result() {
    let graph = graph(&[6, 5, 3], |b, x| {
        let x = b.conv2d("conv", x, Conv2d::new(8, 3).padding(1))?;
        let x = b.batch_norm("bn", x, BatchNorm::default())?;
        let x = b.scope("first", |b| b.channel_scale("scale", x, 0.5))?;
        let y = b.linear("up", x, 12, false)?;
        let y = b.scope("second", |b| b.channel_scale("scale", y, 0.5))?;
        let y = b.linear("down", y, 8, true)?;
        let y = b.scope("third", |b| b.channel_scale("scale", y, 0.5))?;
        let y = b.stochastic_depth("drop", y, 0.4)?;
        let y = b.scope("kept", |b| b.channel_scale("scale", y, 0.5))?;
        b.add("sum", x, y)
    });
    let mut net = Network::new(graph, DType::F64).unwrap();
    common::randomise(&mut net, 8);
    let x = normal(&[3, 6, 5, 3], 1, "x", DType::F64);
    net.forward(&x, Mode::Train).unwrap();
    let want = values(&net.forward(&x, Mode::Eval).unwrap());
    let folded = fold_for_inference(net.graph()).unwrap();
    let left: Vec<&str> = folded.graph.nodes().iter().map(|node| node.op.kind()).collect();
    assert_eq!(left, ["input", "conv2d", "linear", "linear", "channel_scale", "add"]);
    let state = fold_state(&folded, &net.state().unwrap()).unwrap();
    let mut session = Network::new(folded.graph, DType::F64).unwrap();
    let report = session.load_state(&state).unwrap();
    report.ensure_complete().unwrap();
    assert!(report.unexpected.is_empty(), "{report:?}");
    close(&values(&session.forward(&x, Mode::Eval).unwrap()), &want, 1e-12);
}

#[test]
fn a_convolution_with_another_reader_is_not_folded() {
    let two_readers = graph(&[4, 4, 2], |b, x| {
        let c = b.conv2d("c", x, Conv2d::new(2, 1))?;
        let n = b.batch_norm("n", c, BatchNorm::default())?;
        b.add("sum", n, c)
    });
    assert!(fold_for_inference(&two_readers).unwrap().folded.is_empty());
}

/// One AdamW step against the formula of the paper, on a decayed and an undecayed parameter.
#[test]
fn adamw_and_sgd_follow_their_formulas() {
    let tiny = || {
        let mut net = Network::new(graph(&[1], |b, x| b.linear("fc", x, 1, true)), DType::F64).unwrap();
        net.set_params(&Tensor::new(&[0.5f64, 2.0], &Device::Cpu).unwrap()).unwrap();
        let x = Tensor::new(&[[3.0f64]], &Device::Cpu).unwrap();
        net.forward(&x, Mode::Train).unwrap();
        net.backward(&Tensor::new(&[[1.0f64]], &Device::Cpu).unwrap()).unwrap();
        net
    };
    let net = tiny();
    // Name order: bias, weight.
    assert_eq!(values(net.grads()), [1.0, 3.0]);
    let mut state = AdamW::new_state(&net).unwrap();
    let adam = AdamW { lr: 0.1, weight_decay: 0.5, ..AdamW::default() };
    adam.step(&net, &mut state, 1).unwrap();
    close(&values(net.params()), &[0.5 - 0.1, 2.0 * 0.95 - 0.1], 1e-7);
    adam.step(&net, &mut state, 2).unwrap();
    close(&values(net.params()), &[0.5 - 0.2, (2.0 * 0.95 - 0.1) * 0.95 - 0.1], 1e-7);

    let net = tiny();
    let mut velocity = Sgd::new_state(&net).unwrap();
    let sgd = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.5 };
    sgd.step(&net, &mut velocity, 1).unwrap();
    // Weight: g = 3 + 0.5 · 2 = 4, velocity 4, step 4 + 0.9 · 4.
    close(&values(net.params()), &[0.5 - 0.1 * 1.9, 2.0 - 0.1 * 7.6], 1e-12);
}

#[test]
fn clipping_scales_to_the_norm_and_reports_what_was() {
    let grads = Tensor::new(&[3.0f32, 4.0], &Device::Cpu).unwrap();
    assert_eq!(clip_grad_norm(&grads, None).unwrap(), 5.0);
    assert_eq!(clip_grad_norm(&grads, Some(1.0)).unwrap(), 5.0);
    close(&values(&grads), &[0.6, 0.8], 1e-6);
    let bad = Tensor::new(&[f32::NAN, 4.0], &Device::Cpu).unwrap();
    assert!(clip_grad_norm(&bad, Some(1.0)).unwrap().is_nan());
}

#[test]
fn cross_entropy_matches_differences_with_smoothing_and_weights() {
    let logits = normal(&[3, 4], 6, "logits", DType::F64);
    let options = CrossEntropy { label_smoothing: 0.2, class_weights: Some(vec![1.0, 2.0, 0.5, 3.0]) };
    let targets = [1, 3, 0];
    let grad = values(&options.loss_and_grad(&logits, &targets).unwrap().grad);
    for at in 0..12 {
        let shifted = |delta: f64| {
            let mut data = values(&logits);
            data[at] += delta;
            let logits = Tensor::from_vec(data, (3, 4), &Device::Cpu).unwrap();
            options.loss_and_grad(&logits, &targets).unwrap().loss
        };
        let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
        assert!((numeric - grad[at]).abs() < 1e-8, "{numeric} {}", grad[at]);
    }
    let huge = Tensor::new(&[[1000.0f32, -1000.0]], &Device::Cpu).unwrap();
    assert_eq!(values(&softmax(&huge).unwrap()), [1.0, 0.0]);
    assert_eq!(CrossEntropy::default().loss_and_grad(&huge, &[0]).unwrap().loss, 0.0);
    assert!(CrossEntropy::default().loss_and_grad(&huge, &[2]).is_err());
}

#[test]
fn a_batch_of_another_shape_or_type_is_refused() {
    let mut net = resnet(DType::F32);
    for x in [normal(&[1, 32, 33, 3], 1, "x", DType::F32), normal(&[1, 33, 33, 3], 1, "x", DType::F64)] {
        let error = net.forward(&x, Mode::Eval).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(error.message().contains("33, 33, 3"), "{error}");
    }
    assert!(net.set_params(&Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap()).is_err());
}
