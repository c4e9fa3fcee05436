//! Grad-CAM: against PyTorch on every family of architectures, on a network whose answer can be worked out by hand, and
//! on what it must refuse.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use std::path::Path;

use candle_core::{Device, Tensor};
use common::{every_operator, numbers};
use serde_json::Value;
use va_dataset::{RgbImage, standard_preprocessing};
use va_error::Code;
use va_exec::{CounterRng, NamedTensors};
use va_graph::{Conv2d, Graph, GraphBuilder};
use va_infer::{
    Explainer, LocalExplainer, LocalSession, NewModel, Session, default_layer, explainable_layers, write_model,
};

fn write(dir: &Path, graph: &Graph, weights: &NamedTensors) {
    let classes: Vec<String> = (0..graph.output_shape()[0]).map(|class| format!("class {class}")).collect();
    let preprocessing = standard_preprocessing(graph.input_shape()[0] as u32);
    let model = NewModel {
        task: va_domain::Task::Classification,
        arch: graph.name(),
        classes: &classes,
        preprocessing: &preprocessing,
        engine_version: "test",
    };
    write_model(dir, &model, graph, weights).unwrap();
}

fn explainer(graph: &Graph, weights: &NamedTensors) -> LocalExplainer {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("m"), graph, weights);
    LocalExplainer::open(&dir.path().join("m")).unwrap()
}

/// The rule of `tests/parity/peers/grad_cam_reference.py`.
fn drawn(graph: &Graph, seed: u64) -> NamedTensors {
    let params = graph.params().into_iter().map(|p| (p.name, p.shape));
    let buffers = graph.buffers().into_iter().map(|b| (b.name, b.shape));
    let tensor = |name: &str, shape: &[usize]| {
        let rng = CounterRng::new(seed, name);
        let count = shape.iter().product::<usize>() as u64;
        let values = (0..count).map(|i| {
            let z = rng.normal(i);
            match *shape {
                [_, i, kh, kw] => z * (2.0 / (i * kh * kw) as f64).sqrt(),
                [_, i] => z * (1.0 / i as f64).sqrt(),
                _ if name.ends_with("running_var") => 0.5 + z.abs(),
                _ if name.ends_with("weight") => z * 0.1 + 1.0,
                _ if name.ends_with("gamma") => z * 0.1 + 0.5,
                _ => z * 0.1,
            }
        });
        Tensor::from_vec(values.map(|v| v as f32).collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
    };
    params.chain(buffers).map(|(name, shape)| (name.clone(), tensor(&name, &shape))).collect()
}

fn picture(seed: u64, size: u32) -> RgbImage {
    let rng = CounterRng::new(seed, "image");
    let bytes = (0..u64::from(size * size * 3)).map(|i| (rng.uniform(i) * 256.0) as u8).collect();
    RgbImage::new(size, size, bytes).unwrap()
}

#[test]
fn equals_pytorch_for_every_family() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../tests/golden/grad_cam.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |key: &str| golden[key].as_u64().unwrap();
    let (seed, size, classes) = (number("seed"), number("size") as usize, number("classes") as usize);
    let floats = |value: &Value| value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 8);
    for case in cases {
        let arch = case["arch"].as_str().unwrap();
        let graph = va_zoo::build(arch, classes, size, 3).unwrap();
        let explainer = explainer(&graph, &drawn(&graph, seed));
        let (class, layer) = (case["class_idx"].as_u64().unwrap() as usize, case["layer"].as_str().unwrap());
        let seen = explainer.explain(&picture(seed, size as u32), Some(class), Some(layer)).unwrap();
        let theirs = floats(&case["map"]);
        let peak = theirs.iter().copied().fold(0.0, f64::max);
        assert_eq!(seen.heat.len(), theirs.len(), "{arch} {layer}");
        assert!((f64::from(seen.peak) - peak).abs() <= 1e-3 * peak, "{arch} {layer}: {} against {peak}", seen.peak);
        for (ours, theirs) in seen.heat.iter().zip(&theirs) {
            let ours = f64::from(*ours) * f64::from(seen.peak);
            assert!((ours - theirs).abs() <= 1e-3 * peak, "{arch} {layer}: {ours} against {theirs}, peak {peak}");
        }
        for (ours, theirs) in seen.probabilities.iter().zip(floats(&case["probabilities"])) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-3, "{arch}: {ours} against {theirs}");
        }
        if case["is_default"].as_bool().unwrap() {
            assert_eq!(explainer.explain(&picture(seed, size as u32), Some(class), None).unwrap(), seen, "{arch}");
        }
    }
}

/// One channel counts red, one counts blue; class 0 is red, class 1 is blue.
fn colours() -> (Graph, NamedTensors) {
    let (mut b, x) = GraphBuilder::new("colours", &[8, 8, 3]).unwrap();
    let x = b.conv2d("features", x, Conv2d::new(2, 1)).unwrap();
    let x = b.relu("act", x).unwrap();
    let x = b.global_avg_pool("pool", x).unwrap();
    let out = b.linear("fc", x, 2, true).unwrap();
    let graph = b.finish(out).unwrap();
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let weights = NamedTensors::from([
        ("features.weight".to_owned(), tensor(&[1.0, 0.0, 0.0, 0.0, 0.0, 1.0], &[2, 3, 1, 1])),
        ("fc.weight".to_owned(), tensor(&[1.0, -1.0, -1.0, 1.0], &[2, 2])),
        ("fc.bias".to_owned(), tensor(&[0.0, 0.0], &[2])),
    ]);
    (graph, weights)
}

/// A grey picture with one red and one blue pixel.
fn two_pixels() -> RgbImage {
    let mut pixels = vec![0u8; 8 * 8 * 3];
    pixels[(2 * 8 + 3) * 3] = 255;
    pixels[(6 * 8 + 1) * 3 + 2] = 200;
    RgbImage::new(8, 8, pixels).unwrap()
}

#[test]
fn the_map_is_hot_where_the_class_is() {
    let (graph, weights) = colours();
    let explainer = explainer(&graph, &weights);
    for (class, row, column) in [(0, 2, 3), (1, 6, 1)] {
        let seen = explainer.explain(&two_pixels(), Some(class), None).unwrap();
        assert_eq!((seen.layer.as_str(), seen.grid, seen.class_idx), ("act", [8, 8], class));
        let hot: Vec<usize> = (0..64).filter(|&at| seen.heat[at] > 0.0).collect();
        assert_eq!(hot, [row * 8 + column]);
        assert_eq!(seen.heat[hot[0]], 1.0);
    }
    // α of red is 1/64; the activation is the normalised red of that pixel.
    let seen = explainer.explain(&two_pixels(), Some(0), None).unwrap();
    assert!((f64::from(seen.peak) - (1.0 - 0.485) / 0.229 / 64.0).abs() < 1e-5, "{}", seen.peak);
}

#[test]
fn nothing_that_speaks_for_a_class_is_an_empty_map() {
    let (graph, weights) = colours();
    let explainer = explainer(&graph, &weights);
    let black = RgbImage::new(8, 8, vec![0; 8 * 8 * 3]).unwrap();
    let seen = explainer.explain(&black, Some(0), None).unwrap();
    assert_eq!((seen.peak, seen.heat), (0.0, vec![0.0; 64]));
}

/// Without a class the most probable one is explained, and the probabilities are those of a session.
#[test]
fn the_answer_is_the_sessions() {
    let graph = every_operator();
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let session = LocalSession::open(&dir.path().join("m")).unwrap();
    let explainer = LocalExplainer::open(&dir.path().join("m")).unwrap();
    let image = RgbImage::new(50, 41, (0..50 * 41 * 3).map(|i| (i * 7) as u8).collect()).unwrap();
    let wanted = &session.probabilities(std::slice::from_ref(&image)).unwrap()[0];
    let best = (0..wanted.len()).max_by(|&a, &b| wanted[a].total_cmp(&wanted[b])).unwrap();
    for layer in explainer.layers() {
        let seen = explainer.explain(&image, None, Some(&layer.name)).unwrap();
        assert_eq!(seen.class_idx, best);
        assert!(seen.probabilities.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{}", layer.name);
        assert_eq!(seen.heat.len(), layer.grid[0] * layer.grid[1]);
        assert!(seen.heat.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn every_architecture_has_a_default_layer() {
    let defaults = [
        ("resnet18", "layer4.1.act2"),
        ("resnet34", "layer4.2.act2"),
        ("resnet50", "layer4.2.act3"),
        ("mobilenetv4_conv_small", "blocks.4.0.act1"),
        ("mobilenetv4_conv_medium", "blocks.4.0.act1"),
        ("convnext_atto", "stages.3.blocks.1.add"),
        ("convnext_tiny", "stages.3.blocks.2.add"),
        ("vit_tiny_patch16_224", "blocks.11.norm1"),
        ("vit_small_patch16_224", "blocks.11.norm1"),
    ];
    assert_eq!(defaults.map(|(arch, _)| arch).to_vec(), va_zoo::arch_names());
    for (arch, wanted) in defaults {
        let graph = va_zoo::build(arch, 5, 224, 3).unwrap();
        let layers = explainable_layers(&graph);
        assert_eq!(default_layer(&graph, &layers).unwrap().name, wanted);
    }
    // At the smallest size the last stage is one pixel, which says nothing about where.
    let graph = va_zoo::build("resnet18", 5, 32, 3).unwrap();
    let layers = explainable_layers(&graph);
    assert_eq!(default_layer(&graph, &layers).unwrap().name, "layer3.1.act2");
}

#[test]
fn a_wrong_layer_or_class_is_said() {
    let (graph, weights) = colours();
    let explainer = explainer(&graph, &weights);
    let ask = |class, layer| explainer.explain(&two_pixels(), class, layer).unwrap_err();
    let unknown = ask(None, Some("layer9"));
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(
        unknown.message().contains("`layer9` is no layer") && unknown.message().contains("features, act"),
        "{unknown}"
    );
    let pooled = ask(None, Some("pool"));
    assert!(pooled.message().contains("no positions"), "{pooled}");
    assert_eq!(ask(Some(2), None).code(), Code::InvalidInput);
    // Behind the last attention of a vision transformer only the class token has a gradient.
    let graph = va_zoo::build("vit_tiny_patch16_224", 3, 32, 3).unwrap();
    assert!(explainable_layers(&graph).iter().all(|layer| layer.name != "norm" && layer.name != "blocks.11.add2"));
}
