//! A network that starts from a weight file has its numbers, and a classifier of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use va_error::Code;
use va_exec::{Mode, Network};
use va_train::{StartWeights, load_pretrained};

fn network(arch: &str, classes: usize, size: usize, seed: u64) -> Network {
    let mut net = Network::new(va_zoo::build(arch, classes, size, 3).unwrap(), DType::F32).unwrap();
    net.init(seed).unwrap();
    net
}

/// The file whatever its hash.
fn any(path: &Path) -> StartWeights {
    StartWeights { path: path.to_path_buf(), sha256: None }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn every_family_starts_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    for (arch, from_size) in [("resnet18", 32), ("mobilenetv4_conv_small", 32), ("vit_tiny_patch16_224", 64)] {
        let file = dir.path().join("weights.safetensors");
        let published = network(arch, 1000, from_size, 1);
        candle_core::safetensors::save(&published.state().unwrap().into_iter().collect(), &file).unwrap();
        let mut net = network(arch, 4, 32, 2);
        let before = net.state().unwrap();
        let report = load_pretrained(&mut net, &any(&file)).unwrap();
        let after = net.state().unwrap();
        assert_eq!(report.new.count, 2, "{arch}: {report:?}");
        assert_eq!(report.resized.count, u64::from(arch.starts_with("vit")));
        for (name, tensor) in &after {
            let now = values(tensor);
            if report.new.names.contains(name) {
                assert_eq!(now, values(&before[name]), "{arch} {name}");
            } else if !report.resized.names.contains(name) {
                assert_eq!(now, values(&published.state().unwrap()[name]), "{arch} {name}");
            }
        }
        let x = Tensor::ones((1, 32, 32, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(values(&net.forward(&x, Mode::Eval).unwrap()).iter().all(|v| v.is_finite()));
    }
}

#[test]
fn a_wrong_file_leaves_the_network_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("weights.safetensors");
    let other = network("resnet34", 10, 32, 1);
    candle_core::safetensors::save(&other.state().unwrap().into_iter().collect(), &file).unwrap();
    let mut net = network("convnext_atto", 4, 32, 2);
    let before = values(net.params());
    assert_eq!(load_pretrained(&mut net, &any(&file)).unwrap_err().code(), Code::InvalidInput);
    std::fs::write(&file, b"not weights").unwrap();
    assert_eq!(load_pretrained(&mut net, &any(&file)).unwrap_err().code(), Code::InvalidInput);
    assert_eq!(load_pretrained(&mut net, &any(&dir.path().join("none"))).unwrap_err().code(), Code::NotFound);
    candle_core::safetensors::save(&net.state().unwrap().into_iter().collect(), &file).unwrap();
    let changed = StartWeights { path: file, sha256: Some("0".repeat(64)) };
    assert_eq!(load_pretrained(&mut net, &changed).unwrap_err().code(), Code::Conflict);
    assert_eq!(values(net.params()), before);
}
