//! Training some layers alone: the same gradients there, none elsewhere, and less to run and to keep.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{bits, normal, randomise, values};
use va_exec::{AdamW, Backend, Mode, Network, Precision, Sgd};
use va_graph::NodeId;

const ARCHS: [&str; 4] = ["resnet18", "mobilenetv4_conv_small", "convnext_atto", "vit_tiny_patch16_224"];

fn network(arch: &str, trained: Option<Vec<NodeId>>) -> Network {
    let graph = va_zoo::build(arch, 5, 32, 3).unwrap();
    let mut net = Network::with(graph, Precision::F32, Backend::default()).unwrap();
    randomise(&mut net, 6);
    net.train_only(trained);
    net
}

fn step(net: &mut Network) -> Vec<u64> {
    let x = normal(&[4, 32, 32, 3], 1, "x", net.dtype());
    let y = net.forward(&x, Mode::Train).unwrap();
    net.zero_grad().unwrap();
    net.backward(&normal(&[4, 5], 2, "probe", net.dtype())).unwrap();
    bits(&y)
}

/// Nodes with parameters: the last one, and one in the middle.
fn some_layers(arch: &str) -> [Vec<NodeId>; 2] {
    let graph = va_zoo::build(arch, 5, 32, 3).unwrap();
    let all: Vec<NodeId> = (0..graph.nodes().len()).filter(|&node| !graph.node_params(node).is_empty()).collect();
    [vec![all[all.len() - 1]], vec![all[all.len() / 2], all[all.len() - 2]]]
}

#[test]
fn gradients_are_those_of_the_full_plan_and_zero_elsewhere() {
    for arch in ARCHS {
        let mut full = network(arch, None);
        let result = step(&mut full);
        for trained in some_layers(arch) {
            let mut part = network(arch, Some(trained.clone()));
            assert!(step(&mut part) == result, "{arch}: another result");
            assert!(bits(part.buffers()) == bits(full.buffers()), "{arch}: statistics go on");
            for entry in full.layout().params() {
                let [full, part] = [&full, &part].map(|net| net.grad(&entry.name).unwrap());
                if trained.contains(&entry.node) {
                    assert!(bits(&full) == bits(&part), "{arch}: {}", entry.name);
                } else {
                    assert!(values(&part).iter().all(|&g| g == 0.0), "{arch}: {} moves", entry.name);
                }
            }
        }
    }
}

#[test]
fn the_backward_ends_at_the_first_trained_layer() {
    for arch in ARCHS {
        let counts = |trained| {
            let mut net = network(arch, trained);
            (net.step_counts(4, Mode::Train).unwrap(), net.activation_bytes(4, Mode::Train).unwrap())
        };
        let [head, middle] = some_layers(arch);
        let (([forward, backward], bytes), (frozen, less)) = (counts(None), counts(Some(head)));
        assert!(frozen[0] <= forward, "{arch}");
        // The bias and the weight of the last layer.
        assert_eq!(frozen[1], 2, "{arch}");
        assert!(backward > 50, "{arch}");
        assert!(less < bytes, "{arch}: {less} of {bytes}");
        let (middle, between) = counts(Some(middle));
        assert!(frozen[1] < middle[1] && middle[1] < backward, "{arch}: {middle:?}");
        assert!(less < between && between < bytes, "{arch}: {between} of {bytes}");
    }
}

/// Whoever begins later begins as if it were the first step.
#[test]
fn a_group_that_begins_late_takes_the_first_step_of_adam() {
    let first = network("resnet18", None);
    let mut net = network("resnet18", None);
    step(&mut net);
    let (start, grads) = (values(net.params()), values(net.grads()));
    let mut state = AdamW::new_state(&net).unwrap();
    let adam = AdamW { lr: 0.01, weight_decay: 0.0, ..AdamW::default() };
    let groups = net.layout().groups_since(|_| (1.0, 40));
    adam.step_groups(&net, &mut state, 41, groups.clone()).unwrap();
    for ((after, before), grad) in values(net.params()).iter().zip(&start).zip(&grads) {
        // The first step of Adam is the sign of the gradient.
        let expected = before - 0.01 * grad / (grad.abs() + 1e-8);
        assert!((after - expected).abs() < 1e-5, "{after} {expected}");
    }
    assert!(adam.step_groups(&net, &mut state, 40, groups).is_err(), "it has not begun yet");
    assert!(start == values(first.params()));
}

#[test]
fn a_rate_of_zero_leaves_parameters_and_velocity() {
    let mut net = network("resnet18", None);
    step(&mut net);
    let (start, mut velocity) = (bits(net.params()), Sgd::new_state(&net).unwrap());
    let sgd = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1 };
    let groups = net.layout().groups(|_| 0.0);
    sgd.step_groups(&net, &mut velocity, groups).unwrap();
    assert!(bits(net.params()) == start);
    assert!(values(&velocity).iter().all(|&v| v == 0.0));
}
