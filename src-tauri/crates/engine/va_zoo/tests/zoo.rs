//! The architectures against the published ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use va_error::Code;
use va_graph::{Graph, Op, fold_for_inference};

/// What timm 1.0.31 counts at 1000 classes and 224 px.
const PARAMETERS: [(&str, usize); 9] = [
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("mobilenetv4_conv_small", 3_774_024),
    ("mobilenetv4_conv_medium", 9_715_512),
    ("convnext_atto", 3_695_520),
    ("convnext_tiny", 28_589_128),
    ("vit_tiny_patch16_224", 5_717_416),
    ("vit_small_patch16_224", 22_050_664),
];

#[test]
fn every_architecture_has_the_published_parameter_count() {
    assert_eq!(PARAMETERS.map(|(name, _)| name).to_vec(), va_zoo::arch_names());
    for (name, count) in PARAMETERS {
        assert_eq!(va_zoo::build(name, 1000, 224, 3).unwrap().param_count(), count, "{name}");
    }
}

#[test]
fn resnet18_costs_what_papers_say() {
    // 1.8 G multiply-adds at 224 px.
    assert_eq!(va_zoo::build("resnet18", 1000, 224, 3).unwrap().cost().multiply_adds, 1_814_073_344);
}

#[test]
fn resnet18_has_timm_names_and_shapes() {
    let graph = va_zoo::build("resnet18", 10, 224, 3).unwrap();
    let params = graph.params();
    assert_eq!(params.len(), 62);
    assert!(params.is_sorted_by(|a, b| a.name < b.name));
    for (name, shape) in [
        ("conv1.weight", vec![64, 3, 7, 7]),
        ("bn1.bias", vec![64]),
        ("layer1.0.conv1.weight", vec![64, 64, 3, 3]),
        ("layer2.0.downsample.0.weight", vec![128, 64, 1, 1]),
        ("layer2.0.downsample.1.weight", vec![128]),
        ("layer4.1.bn2.weight", vec![512]),
        ("fc.weight", vec![10, 512]),
        ("fc.bias", vec![10]),
    ] {
        assert_eq!(graph.param(name).unwrap().shape, shape, "{name}");
    }
    assert_eq!(graph.buffers().len(), 40);
    assert!(graph.buffers().iter().any(|b| b.name == "layer3.0.downsample.1.running_var"));
}

#[test]
fn every_architecture_builds_at_its_limits_and_serialises() {
    for arch in va_zoo::archs() {
        for size in [arch.min_image_size, arch.default_image_size, 64 + arch.image_size_step] {
            let graph = va_zoo::build(arch.name, 2, size, 1).unwrap();
            assert_eq!(graph.output_shape(), [2]);
            assert_eq!(Graph::from_json(&graph.to_json()).unwrap(), graph);
            assert!(graph.param(&format!("{}.weight", arch.head)).unwrap().shape.starts_with(&[2]));
        }
    }
}

/// The declared smallest image leaves exactly one position, so a smaller one would leave none.
#[test]
fn the_smallest_image_is_one_position_of_the_last_layer() {
    for arch in va_zoo::archs().iter().filter(|arch| arch.image_size_step == 1) {
        for (size, side) in [(arch.min_image_size, 1), (2 * arch.min_image_size, 2)] {
            let graph = va_zoo::build(arch.name, 2, size, 3).unwrap();
            let pools = |op: &Op| matches!(op, Op::GlobalAvgPool | Op::AvgPool { .. });
            let pool = graph.nodes().iter().rfind(|node| pools(&node.op)).unwrap();
            assert_eq!(graph.node(pool.inputs[0]).shape[..2], [side, side], "{} at {size} px", arch.name);
        }
    }
}

#[test]
fn other_families_have_timm_names_and_shapes() {
    for (arch, name, shape) in [
        ("resnet50", "layer2.0.conv3.weight", vec![512, 128, 1, 1]),
        ("mobilenetv4_conv_small", "blocks.2.0.dw_start.conv.weight", vec![64, 1, 5, 5]),
        ("mobilenetv4_conv_small", "conv_head.weight", vec![1280, 960, 1, 1]),
        ("mobilenetv4_conv_medium", "blocks.0.0.conv_exp.weight", vec![128, 32, 3, 3]),
        ("convnext_atto", "stages.1.downsample.1.weight", vec![80, 40, 2, 2]),
        ("convnext_atto", "stages.1.blocks.1.mlp.fc1.weight", vec![320, 80, 1, 1]),
        ("convnext_tiny", "stages.1.blocks.1.mlp.fc1.weight", vec![768, 192]),
        ("convnext_tiny", "stages.3.blocks.0.gamma", vec![768]),
        ("vit_tiny_patch16_224", "pos_embed", vec![1, 197, 192]),
        ("vit_tiny_patch16_224", "blocks.11.attn.qkv.weight", vec![576, 192]),
    ] {
        assert_eq!(va_zoo::build(arch, 10, 224, 3).unwrap().param(name).unwrap().shape, shape, "{arch} {name}");
    }
}

/// The probability grows from the first block to the last, and evaluation drops the nodes.
#[test]
fn regularisation_reaches_every_family() {
    let rates = va_zoo::Regularisation { stochastic_depth: 0.2, dropout: 0.3 };
    for arch in va_zoo::archs() {
        let graph = va_zoo::build_with(arch.name, 10, 64, 3, rates).unwrap();
        let drops: Vec<f64> = graph
            .nodes()
            .iter()
            .filter_map(|node| if let Op::StochasticDepth { p } = node.op { Some(p) } else { None })
            .collect();
        assert!(
            drops.is_sorted() && drops.last().is_some_and(|p| (0.15..=0.2).contains(p)),
            "{}: {drops:?}",
            arch.name
        );
        assert!(graph.nodes().iter().any(|node| matches!(node.op, Op::Dropout { p } if p == 0.3)), "{}", arch.name);
        let folded = fold_for_inference(&graph).unwrap().graph;
        let random = |op: &Op| matches!(op, Op::Dropout { .. } | Op::StochasticDepth { .. });
        assert!(folded.nodes().iter().all(|node| !random(&node.op)));
        assert_eq!(graph.param_count(), va_zoo::build(arch.name, 10, 64, 3).unwrap().param_count());
    }
    let wrong = va_zoo::Regularisation { stochastic_depth: 1.0, dropout: 0.0 };
    assert_eq!(va_zoo::build_with("resnet18", 2, 64, 3, wrong).unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn a_transformer_takes_whole_patches() {
    let error = va_zoo::build("vit_tiny_patch16_224", 2, 100, 3).unwrap_err();
    assert!(error.message().contains("multiple of 16"), "{error}");
}

#[test]
fn wrong_requests_say_what_would_be_right() {
    let unknown = va_zoo::build("resnet19", 2, 64, 3).unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("resnet18"));
    for (classes, size, channels) in [(0, 64, 3), (2, 8, 3), (2, 100_000, 3), (2, 64, 0)] {
        assert_eq!(va_zoo::build("resnet18", classes, size, channels).unwrap_err().code(), Code::InvalidInput);
    }
}
