//! The architectures against the published ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use va_error::Code;
use va_graph::Graph;

#[test]
fn resnets_have_the_published_parameter_counts() {
    assert_eq!(va_zoo::build("resnet18", 1000, 224, 3).unwrap().param_count(), 11_689_512);
    assert_eq!(va_zoo::build("resnet34", 1000, 224, 3).unwrap().param_count(), 21_797_672);
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
        for size in [arch.min_image_size, arch.default_image_size, 65] {
            let graph = va_zoo::build(arch.name, 2, size, 1).unwrap();
            assert_eq!(graph.output_shape(), [2]);
            assert_eq!(Graph::from_json(&graph.to_json()).unwrap(), graph);
        }
    }
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
