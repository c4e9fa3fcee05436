//! On the emulated card: what a session runs, and a step that memory ends in.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use va_error::Code;
use va_graph::{Op, fold_for_inference};

use super::Number;
use super::emulation::{on_emulated_gpu, on_emulated_gpu_ending_at};
use crate::{Backend, CounterRng, CrossEntropy, Mode, NamedTensors, Network, Precision, fold_state, softmax};

/// Random weights, running statistics that four batches moved, and images `[5, 32, 32, 3]`.
fn a_model(arch: &str) -> (Network, NamedTensors, Tensor) {
    let graph = va_zoo::build(arch, 4, 32, 3).unwrap();
    let mut net = Network::with(graph, Precision::F32, Backend::Reference).unwrap();
    net.init(5).unwrap();
    let rng = CounterRng::new(2, "images");
    let images: Vec<f32> = (0..5 * 32 * 32 * 3).map(|i| rng.normal(i) as f32).collect();
    let x = Tensor::from_vec(images, (5, 32, 32, 3), &Device::Cpu).unwrap();
    (0..4).for_each(|_| drop(net.forward(&x, Mode::Train).unwrap()));
    let state = net.state().unwrap();
    (net, state, x)
}

/// What a session runs: the folded network, frozen, in batches of several sizes.
#[test]
fn a_folded_network_gives_the_probabilities_of_the_unfolded_one() {
    for arch in ["resnet18", "mobilenetv4_conv_small", "convnext_atto", "vit_tiny_patch16_224"] {
        let (net, weights, x) = a_model(arch);
        let mut exact = Network::with(net.graph().clone(), Precision::F64, Backend::Reference).unwrap();
        exact.load_state(&weights).unwrap().ensure_complete().unwrap();
        let logits = exact.forward(&x.to_dtype(DType::F64).unwrap(), Mode::Eval).unwrap();
        let expected = values(&softmax(&logits).unwrap());
        let folded = fold_for_inference(net.graph()).unwrap();
        let state = fold_state(&folded, &weights).unwrap();
        let (found, seen) = on_emulated_gpu(|| {
            let mut session = Network::with(folded.graph, Precision::F32, Backend::Reference).unwrap();
            session.load_state(&state).unwrap().ensure_complete().unwrap();
            session.freeze();
            let mut run = |from, len| {
                let logits = session.forward(&x.narrow(0, from, len).unwrap(), Mode::Eval).unwrap();
                values(&softmax(&logits).unwrap())
            };
            [run(0, 3), run(3, 1), run(4, 1)].concat()
        });
        assert!(!seen.is_empty() && found.len() == expected.len());
        // Biases, sums and ReLU are part of the products; other activations of convolutions follow them.
        assert!(arch != "resnet18" || seen.keys().all(|(kernel, _)| *kernel != "epilogue"), "{seen:?}");
        let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-5, "{arch}: {apart:e}");
    }
}

/// Weights are made what products read once a forward pass, not at every use; where they never change, once.
#[test]
fn weights_are_laid_out_once() {
    for arch in ["mobilenetv4_conv_small", "vit_tiny_patch16_224"] {
        let graph = va_zoo::build(arch, 4, 32, 3).unwrap();
        let x = Tensor::ones((2, 32, 32, 3), DType::F32, &Device::Cpu).unwrap();
        let (mut net, seen) = on_emulated_gpu(|| {
            let mut net = Network::with(graph.clone(), Precision::Bf16, Backend::Reference).unwrap();
            net.init(1).unwrap();
            for _ in 0..3 {
                let logits = net.forward(&x, Mode::Train).unwrap();
                net.backward(&logits).unwrap();
            }
            net
        });
        // What is cast is what comes in: images, and the gradient of the logits.
        assert_eq!([started(&seen, "lay_out"), started(&seen, "cast_narrow")], [3, 6], "{arch}");
        let (found, seen) = on_emulated_gpu(|| {
            net.freeze();
            [2, 1, 2, 1].map(|batch| values(&net.forward(&x.narrow(0, 0, batch).unwrap(), Mode::Eval).unwrap()))
        });
        assert_eq!(started(&seen, "lay_out"), 1, "{arch}");
        assert!(found[0] == found[2] && found[1] == found[3]);
    }
}

/// A residual block of batch norms ends in one kernel, and its gradient goes to both sides without a kernel for the sum.
#[test]
fn a_residual_block_ends_in_its_batch_norm() {
    for (arch, relu_follows) in [("resnet18", true), ("mobilenetv4_conv_small", false)] {
        let graph = va_zoo::build(arch, 4, 32, 3).unwrap();
        let sums = graph.nodes().iter().filter(|node| matches!(node.op, Op::Add)).count();
        let rectified = if relu_follows { sums } else { 0 };
        let x = Tensor::ones((2, 32, 32, 3), DType::F32, &Device::Cpu).unwrap();
        let (mut net, seen) = on_emulated_gpu(|| {
            let mut net = Network::with(graph, Precision::Bf16, Backend::Reference).unwrap();
            net.init(1).unwrap();
            let logits = net.forward(&x, Mode::Train).unwrap();
            net.backward(&logits).unwrap();
            net
        });
        let of_sums = ["batch_norm_apply_add", "batch_norm_input_grad_beside", "batch_norm_grad_sums_masked"];
        assert_eq!(of_sums.map(|kernel| started(&seen, kernel)), [sums, sums, rectified], "{arch}");
        assert_eq!(started(&seen, "activation_grad"), 0, "{arch}");
        assert!(!seen.contains_key(&("copy", Number::Bf16)), "{arch}: a value or gradient was copied");
        let (_, seen) = on_emulated_gpu(|| net.forward(&x, Mode::Eval).unwrap());
        assert_eq!(["batch_norm_apply_add", "add"].map(|kernel| started(&seen, kernel)), [sums, 0], "{arch}");
    }
}

/// Where some layers rest, and where activations are computed again: the gradients of the CPU.
#[test]
fn frozen_layers_and_recomputed_values_give_the_gradients_of_the_processor() {
    for arch in ["resnet18", "mobilenetv4_conv_small"] {
        let (mut net, _, x) = a_model(arch);
        // The last batch norm of a residual block starts at zero, which stops every gradient.
        let moved = |(i, p): (usize, f64)| (p + 0.1 * CounterRng::new(4, "moved").normal(i as u64)) as f32;
        let params: Vec<f32> = values(net.params()).into_iter().enumerate().map(moved).collect();
        let len = params.len();
        net.set_params(&Tensor::from_vec(params, len, &Device::Cpu).unwrap()).unwrap();
        // Begins inside a residual block, whose batch norms rest while the gradient passes them.
        let with_numbers = |node: &usize| !net.graph().node_params(*node).is_empty();
        let layers: Vec<usize> = (0..net.graph().nodes().len()).filter(with_numbers).collect();
        let middle = layers[layers.len() / 2];
        for (trained, recomputes) in [(Some(vec![middle]), false), (None, true), (Some(vec![middle]), true)] {
            net.train_only(trained.clone());
            net.recompute_activations(recomputes);
            let mut gradients = || {
                net.forget_plans();
                net.zero_grad().unwrap();
                let logits = net.forward(&x, Mode::Train).unwrap();
                net.backward(&logits).unwrap();
                values(net.grads())
            };
            let expected = gradients();
            let (found, _) = on_emulated_gpu(gradients);
            let largest = expected.iter().fold(0.0f64, |most, g| most.max(g.abs()));
            let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(
                largest > 0.0 && apart < 1e-3 * largest,
                "{arch} {trained:?} {recomputes}: {apart:e} of {largest:e}"
            );
        }
    }
}

/// Memory that ends in the middle of a training step: a code that says so, and a step that leaves no trace once the running
/// statistics are put back.
#[test]
fn a_step_without_memory_can_be_tried_again() {
    let step = |net: &mut Network, x: &Tensor| {
        net.zero_grad()?;
        let logits = net.forward(x, Mode::Train)?;
        let loss = CrossEntropy::default().loss_and_grad(&logits, &[0, 3, 1, 2, 0])?;
        net.backward(&loss.grad)
    };
    let (mut net, _, x) = a_model("mobilenetv4_conv_small");
    let before = net.buffers().force_contiguous().unwrap();
    // Those of the CPU.
    net.forget_plans();
    let (done, pieces) = on_emulated_gpu_ending_at(None, || step(&mut net, &x));
    done.unwrap();
    let expected = [values(net.grads()), values(net.buffers())];
    let mut moved = 0;
    for piece in [1, pieces / 4, pieces / 2, 3 * pieces / 4, pieces] {
        net.set_buffers(&before).unwrap();
        // A first run: what is replayed later asks for nothing, and a recording that fails is run step by step.
        net.forget_plans();
        let (failed, _) = on_emulated_gpu_ending_at(Some(piece), || step(&mut net, &x));
        assert_eq!(failed.unwrap_err().code(), Code::TooLarge, "piece {piece} of {pieces}");
        moved += usize::from(values(net.buffers()) != values(&before));
        net.forget_plans();
        net.set_buffers(&before).unwrap();
        let (again, _) = on_emulated_gpu(|| step(&mut net, &x));
        again.unwrap();
        assert!([values(net.grads()), values(net.buffers())] == expected, "piece {piece} of {pieces}");
    }
    assert!(moved >= 3, "memory ended before the running statistics moved: nothing is proven");
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn started(seen: &HashMap<(&'static str, Number), usize>, kernel: &str) -> usize {
    seen.iter().filter(|((name, _), _)| *name == kernel).map(|(_, count)| count).sum()
}
