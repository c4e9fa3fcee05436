//! A session gives what the network gives, on every back end, in whatever batches it is asked.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{Pictures, every_operator, numbers, write};
use va_dataset::{RgbImage, SampleSource, preprocess};
use va_exec::{Backend, Mode, Network, Precision, softmax};
use va_infer::{LocalSession, ModelFolder, Session};

/// More than two batches, the last one not full; one picture in ten cannot be decoded.
fn images() -> Vec<RgbImage> {
    let source = Pictures(24);
    (0..24).filter_map(|index| source.load(index).ok()).collect()
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_back_end_gives_the_probabilities_of_the_unfolded_network_in_f64() {
    let dir = tempfile::tempdir().unwrap();
    let (graph, folder) = (every_operator(), dir.path().join("m"));
    let weights = numbers(&graph);
    let card = write(&folder, &graph, &weights);
    let images = images();
    let pixels: Vec<f32> = images.iter().flat_map(|image| preprocess(image, &card.preprocessing).unwrap()).collect();
    let mut exact = Network::with(graph, Precision::F64, Backend::Reference).unwrap();
    exact.load_state(&weights).unwrap().ensure_complete().unwrap();
    let size = card.preprocessing.image_size_px as usize;
    let input = Tensor::from_slice(&pixels, (images.len(), size, size, 3), &Device::Cpu).unwrap();
    let logits = exact.forward(&input.to_dtype(DType::F64).unwrap(), Mode::Eval).unwrap();
    let expected: Vec<Vec<f32>> = softmax(&logits).unwrap().to_dtype(DType::F32).unwrap().to_vec2().unwrap();
    let logits: Vec<Vec<f32>> = logits.to_dtype(DType::F32).unwrap().to_vec2().unwrap();
    for &backend in Backend::ALL {
        let session = LocalSession::on(ModelFolder::read(&folder).unwrap(), backend).unwrap();
        let found = session.probabilities(&images).unwrap();
        assert!(largest_difference(&found, &expected) < 1e-5, "{backend:?}");
        assert!(largest_difference(&session.logits(&pixels).unwrap(), &logits) < 1e-3, "{backend:?}");
        let one_by_one: Vec<Vec<f32>> =
            images.iter().flat_map(|image| session.probabilities(std::slice::from_ref(image)).unwrap()).collect();
        assert!(largest_difference(&one_by_one, &expected) < 1e-5, "{backend:?}");
    }
}
