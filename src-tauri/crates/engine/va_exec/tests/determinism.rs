//! The same bits from the same inputs: run again, on another thread count, after a save and load.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Tensor};
use common::{bits, normal};
use va_exec::{AdamW, Backend, CrossEntropy, Mode, Network, Precision, Sgd, clip_grad_norm};

fn network(seed: u64) -> Network {
    network_on(Backend::default(), Precision::F32, seed)
}

fn network_on(backend: Backend, precision: Precision, seed: u64) -> Network {
    let mut net = Network::with(va_zoo::build("resnet18", 5, 40, 3).unwrap(), precision, backend).unwrap();
    net.init(seed).unwrap();
    net
}

/// One step on the batch that belongs to `step`.
fn train_step(net: &mut Network, state: &mut Tensor, step: u64) -> f64 {
    let x = normal(&[6, 40, 40, 3], step, "batch", DType::F32);
    let targets: Vec<u32> = (0..6).map(|i| (i + step as u32) % 5).collect();
    let logits = net.forward(&x, Mode::Train).unwrap();
    let loss = CrossEntropy { label_smoothing: 0.1, class_weights: None }.loss_and_grad(&logits, &targets).unwrap();
    net.zero_grad().unwrap();
    net.backward(&loss.grad).unwrap();
    clip_grad_norm(net.grads(), Some(1.0)).unwrap();
    AdamW::default().step(net, state, step).unwrap();
    loss.loss
}

/// Weights, statistics, optimiser state and an evaluation after three steps.
fn run(backend: Backend, precision: Precision) -> [Vec<u64>; 4] {
    let mut net = network_on(backend, precision, 9);
    let mut state = AdamW::new_state(&net).unwrap();
    (1..=3).for_each(|step| {
        train_step(&mut net, &mut state, step);
    });
    let x = normal(&[3, 40, 40, 3], 99, "eval", DType::F32);
    let logits = net.forward(&x, Mode::Eval).unwrap();
    [bits(net.params()), bits(net.buffers()), bits(&state), bits(&logits)]
}

#[test]
fn training_twice_gives_the_same_bits() {
    for &backend in Backend::ALL {
        for precision in [Precision::F32, Precision::Bf16] {
            assert!(run(backend, precision) == run(backend, precision), "{backend:?} {precision:?}");
        }
    }
}

/// Inside a parallel region every kernel runs on the calling thread alone.
#[test]
fn the_reference_gives_the_same_bits_on_one_thread_and_on_all() {
    let all = run(Backend::Reference, Precision::F32);
    assert!(va_exec::on_one_thread(|| run(Backend::Reference, Precision::F32)) == all);
}

#[test]
fn resume_from_flat_tensors_is_bit_exact() {
    let mut whole = network(1);
    let mut state = AdamW::new_state(&whole).unwrap();
    train_step(&mut whole, &mut state, 1);
    let copy = |t: &Tensor| t.force_contiguous().unwrap();
    let (params, buffers, mut resumed_state) = (copy(whole.params()), copy(whole.buffers()), copy(&state));
    train_step(&mut whole, &mut state, 2);

    let mut resumed = network(2);
    resumed.set_params(&params).unwrap();
    resumed.set_buffers(&buffers).unwrap();
    train_step(&mut resumed, &mut resumed_state, 2);
    assert!(bits(whole.params()) == bits(resumed.params()));
    assert!(bits(whole.buffers()) == bits(resumed.buffers()));
    assert!(bits(&state) == bits(&resumed_state));
}

#[test]
fn an_evaluation_between_forward_and_backward_changes_nothing() {
    let x = normal(&[2, 40, 40, 3], 1, "x", DType::F32);
    let grad = normal(&[2, 5], 2, "grad", DType::F32);
    let mut plain = network(3);
    plain.forward(&x, Mode::Train).unwrap();
    plain.backward(&grad).unwrap();
    let mut mixed = network(3);
    mixed.forward(&x, Mode::Train).unwrap();
    for batch in 1..7 {
        mixed.forward(&normal(&[batch, 40, 40, 3], 4, "other", DType::F32), Mode::Eval).unwrap();
    }
    mixed.backward(&grad).unwrap();
    assert!(bits(plain.grads()) == bits(mixed.grads()));
}

#[test]
fn gradients_accumulate_and_backward_needs_a_forward() {
    let x = normal(&[2, 40, 40, 3], 1, "x", DType::F64);
    let grad = normal(&[2, 5], 2, "grad", DType::F64);
    let mut net = Network::new(va_zoo::build("resnet18", 5, 40, 3).unwrap(), DType::F64).unwrap();
    net.init(3).unwrap();
    let pass = |net: &mut Network| {
        net.forward(&x, Mode::Train).unwrap();
        net.backward(&grad).unwrap();
    };
    pass(&mut net);
    let once = common::values(net.grads());
    pass(&mut net);
    for (twice, once) in common::values(net.grads()).iter().zip(&once) {
        assert!((twice - 2.0 * once).abs() <= 1e-9 * (1.0 + once.abs()), "{twice} {once}");
    }
    assert_eq!(net.backward(&grad).unwrap_err().code(), va_error::Code::Conflict);
}

#[test]
fn loss_falls_with_either_optimiser() {
    let mut net = network(4);
    let mut state = AdamW::new_state(&net).unwrap();
    let x = normal(&[6, 40, 40, 3], 1, "x", DType::F32);
    let targets = [0, 1, 2, 3, 4, 0];
    let mut losses = Vec::new();
    let mut pass = |net: &mut Network| {
        let logits = net.forward(&x, Mode::Train).unwrap();
        let loss = CrossEntropy::default().loss_and_grad(&logits, &targets).unwrap();
        net.zero_grad().unwrap();
        net.backward(&loss.grad).unwrap();
        losses.push(loss.loss);
    };
    for step in 1..=6 {
        pass(&mut net);
        AdamW::default().step(&net, &mut state, step).unwrap();
    }
    let mut velocity = Sgd::new_state(&net).unwrap();
    let sgd = Sgd { lr: 0.005, momentum: 0.9, nesterov: true, weight_decay: 1e-4 };
    for step in 1..=4 {
        pass(&mut net);
        sgd.step(&net, &mut velocity, step).unwrap();
    }
    assert!(losses[5] < 0.5 * losses[0] && losses[9] < losses[6], "{losses:?}");
}
