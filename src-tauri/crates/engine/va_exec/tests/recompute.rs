//! Recomputing activations changes nothing but the memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{bits, graph, normal, randomise};
use va_exec::{Backend, Mode, Network, Precision};
use va_graph::{BatchNorm, Conv2d, Graph, Pool2d};
use va_zoo::Regularisation;

/// Result, gradients and running statistics of two training passes with gradients added up.
fn passes(graph: &Graph, precision: Precision, backend: Backend, recompute: bool) -> [Vec<u64>; 4] {
    let mut net = Network::with(graph.clone(), precision, backend).unwrap();
    randomise(&mut net, 3);
    net.recompute_activations(recompute);
    net.zero_grad().unwrap();
    let mut results = Vec::new();
    for pass in 0..2 {
        net.set_step_key(40 + pass);
        let shape = |rest: &[usize]| [&[3], rest].concat();
        let x = normal(&shape(graph.input_shape()), pass, "x", net.dtype());
        let probe = normal(&shape(graph.output_shape()), pass, "probe", net.dtype());
        results.push(bits(&net.forward(&x, Mode::Train).unwrap()));
        net.backward(&probe).unwrap();
    }
    let last = results.pop().unwrap();
    [results.pop().unwrap(), last, bits(net.grads()), bits(net.buffers())]
}

/// Every family of the zoo, with every random layer that they have.
#[test]
fn results_gradients_and_statistics_are_the_same_to_the_last_bit() {
    let rates = Regularisation { stochastic_depth: 0.3, dropout: 0.4 };
    for arch in
        ["resnet18", "resnet50", "mobilenetv4_conv_small", "convnext_atto", "convnext_tiny", "vit_tiny_patch16_224"]
    {
        let graph = va_zoo::build_with(arch, 4, 32, 3, rates).unwrap();
        for precision in [Precision::F32, Precision::Bf16] {
            let kept = passes(&graph, precision, Backend::default(), false);
            assert!(passes(&graph, precision, Backend::default(), true) == kept, "{arch} {precision:?}");
        }
    }
    let graph = va_zoo::build_with("resnet18", 4, 32, 3, rates).unwrap();
    let kept = passes(&graph, Precision::F64, Backend::Reference, false);
    assert!(passes(&graph, Precision::F64, Backend::Reference, true) == kept);
}

/// Gates, concatenation, two readers, ReLUs that stand alone, in every place of a segment.
#[test]
fn odd_graphs_too() {
    let net = graph(&[16, 14, 3], |b, x| {
        let mut x = b.conv2d("stem", x, Conv2d::new(8, 3).padding(1).bias(true))?;
        x = b.relu("stem_act", x)?;
        for block in 0..4 {
            x = b.scope(&format!("block{block}"), |b| {
                let y = b.conv2d("conv1", x, Conv2d::new(8, 3).padding(1))?;
                let y = b.batch_norm("bn", y, BatchNorm::default())?;
                let gate = b.conv2d("gate", y, Conv2d::new(8, 1).bias(true))?;
                let gate = b.sigmoid("sigmoid", gate)?;
                let y = b.mul("gated", y, gate)?;
                let y = b.silu("silu", y)?;
                let cat = b.concat("cat", &[y, x])?;
                let y = b.conv2d("conv2", cat, Conv2d::new(8, 1).bias(true))?;
                let y = b.dropout("drop", y, 0.2)?;
                let sum = b.add("add", x, y)?;
                b.relu("act", sum)
            })?;
        }
        let x = b.max_pool("pool", x, Pool2d::new(2, 2, 0))?;
        let x = b.relu("late", x)?;
        let x = b.global_avg_pool("gap", x)?;
        b.linear("fc", x, 3, true)
    });
    for &backend in Backend::ALL {
        let kept = passes(&net, Precision::F32, backend, false);
        assert!(passes(&net, Precision::F32, backend, true) == kept, "{backend:?}");
    }
}

#[test]
fn the_planned_memory_falls() {
    for (arch, size, share) in [
        ("resnet18", 224, 0.75),
        ("resnet50", 224, 0.6),
        ("convnext_atto", 224, 0.6),
        ("vit_tiny_patch16_224", 224, 0.5),
    ] {
        let bytes = |recompute: bool| {
            let graph = va_zoo::build(arch, 10, size, 3).unwrap();
            // Without oneDNN's scratch memory, which is the same for both.
            let mut net = Network::with(graph, Precision::F32, Backend::Reference).unwrap();
            net.recompute_activations(recompute);
            net.activation_bytes(4, Mode::Train).unwrap() as f64
        };
        let ratio = bytes(true) / bytes(false);
        assert!(ratio <= share, "{arch}: {ratio:.3}");
    }
}

#[test]
fn it_can_be_turned_on_and_off_between_steps() {
    let graph = va_zoo::build("resnet18", 4, 32, 3).unwrap();
    let mut net = Network::with(graph, Precision::F32, Backend::default()).unwrap();
    net.init(1).unwrap();
    let whole = net.activation_bytes(4, Mode::Train).unwrap();
    net.recompute_activations(true);
    assert!(net.activation_bytes(4, Mode::Train).unwrap() < whole);
    net.recompute_activations(false);
    assert_eq!(net.activation_bytes(4, Mode::Train).unwrap(), whole);
}
