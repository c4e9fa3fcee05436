//! The written ONNX file gives the session's results in an independent runtime.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{Pictures, every_operator, numbers, write, write_for};
use prost::Message;
use va_dataset::SampleSource;
use va_domain::{CertificateVerdict, ModelPrecision, Task};
use va_error::Code;
use va_infer::{FP16_TOLERANCE, LocalSession, Session, TOLERANCE, certify, export_onnx};

#[test]
fn every_operator_passes_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    let card = write(&dir.path().join("m"), &graph, &numbers(&graph));
    let out = dir.path().join("model.onnx");
    let file = export_onnx(&dir.path().join("m"), &out, &Pictures(12), ModelPrecision::Fp32).unwrap();
    let certificate = &file.certificate;
    assert_eq!(certificate.verdict, CertificateVerdict::Pass, "{certificate:?}");
    assert_eq!((certificate.sample_count, certificate.same_class_count), (11, 11));
    assert!(certificate.max_abs_difference < 1e-5, "{certificate:?}");
    assert_eq!(certificate.weights_hash, card.weights_hash);
    assert_eq!(std::fs::metadata(&out).unwrap().len(), file.size_bytes);
    assert!(!dir.path().join("model.onnx.tmp").exists());
}

/// The certificate of an fp16 file says the bound that it was held to.
#[test]
fn an_fp16_file_is_smaller_and_certified_within_its_own_tolerance() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let export = |precision| export_onnx(&dir.path().join("m"), &dir.path().join("x.onnx"), &Pictures(12), precision);
    let (full, half) = (export(ModelPrecision::Fp32).unwrap(), export(ModelPrecision::Fp16).unwrap());
    assert_eq!([full.certificate.tolerance, half.certificate.tolerance], [TOLERANCE, FP16_TOLERANCE]);
    assert_eq!(half.certificate.verdict, CertificateVerdict::Pass, "{:?}", half.certificate);
    assert!(half.certificate.max_abs_difference > full.certificate.max_abs_difference, "nothing was rounded");
    assert!(half.size_bytes < full.size_bytes && half.sha256 != full.sha256);
}

#[test]
fn a_file_of_other_weights_fails_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    let weights = numbers(&graph);
    write(&dir.path().join("a"), &graph, &weights);
    let mut other = weights;
    let bias = other["fc.bias"].affine(1.0, 0.0).unwrap();
    let shift = candle_core::Tensor::new(&[0.0f32, 0.01, 0.0], bias.device()).unwrap();
    other.insert("fc.bias".to_owned(), (bias + shift).unwrap());
    write(&dir.path().join("b"), &graph, &other);
    let out = dir.path().join("b.onnx");
    export_onnx(&dir.path().join("b"), &out, &Pictures(3), ModelPrecision::Fp32).unwrap();
    let session = LocalSession::open(&dir.path().join("a")).unwrap();
    let certificate = certify(std::fs::read(out).unwrap(), "", &session, &Pictures(4)).unwrap();
    assert_eq!(certificate.verdict, CertificateVerdict::Fail);
    assert!(certificate.max_abs_difference > 1e-4);
}

#[test]
fn without_a_readable_sample_nothing_is_exported() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let out = dir.path().join("model.onnx");
    std::fs::write(&out, b"an earlier export").unwrap();
    let error = export_onnx(&dir.path().join("m"), &out, &Pictures(0), ModelPrecision::Fp32).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(std::fs::read(&out).unwrap(), b"an earlier export");
    assert!(!dir.path().join("model.onnx.tmp").exists());
}

/// The parts of an ONNX file that this test reads, declared apart from the writer.
#[derive(Clone, PartialEq, Message)]
struct Seen {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, repeated, tag = "14")]
    metadata: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[test]
fn classes_and_preprocessing_travel_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let out = dir.path().join("model.onnx");
    export_onnx(&dir.path().join("m"), &out, &Pictures(1), ModelPrecision::Fp32).unwrap();
    let seen = Seen::decode(std::fs::read(out).unwrap().as_slice()).unwrap();
    let value = |key: &str| &seen.metadata.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!(seen.ir_version, 8);
    assert_eq!(value("classes"), r#"["free","break","blow hole"]"#);
    let preprocessing: serde_json::Value = serde_json::from_str(value("preprocessing")).unwrap();
    assert_eq!(preprocessing["image_size_px"], 33);
}

#[test]
fn probabilities_add_up_and_do_not_depend_on_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let session = LocalSession::open(&dir.path().join("m")).unwrap();
    let images: Vec<_> = (2..21).map(|index| Pictures(30).load(index).unwrap()).collect();
    let together = session.probabilities(&images).unwrap();
    for (image, row) in images.iter().zip(&together) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let alone = session.probabilities(std::slice::from_ref(image)).unwrap();
        assert!(alone[0].iter().zip(row).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    assert!(session.probabilities(&[]).unwrap().is_empty());
    assert_eq!(session.logits(&[0.0; 7]).unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn a_multi_label_model_gives_each_class_by_itself_here_and_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    let model = dir.path().join("m");
    let card = write_for(Task::MultilabelClassification, &model, &graph, &numbers(&graph));
    assert_eq!((card.version, card.task), (2, Task::MultilabelClassification));
    let session = LocalSession::open(&model).unwrap();
    let image = Pictures(30).load(5).unwrap();
    let probabilities = session.probabilities(std::slice::from_ref(&image)).unwrap().remove(0);
    let pixels = va_dataset::preprocess(&image, &card.preprocessing).unwrap();
    for (p, x) in probabilities.iter().zip(&session.logits(&pixels).unwrap()[0]) {
        assert!((p - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6);
    }
    assert_eq!(card.decide(&[0.5, 0.2, 0.9], 0.5), [0, 2]);
    assert_eq!(card.decide(&[0.1, 0.2, 0.3], 0.5), Vec::<u32>::new());

    let out = dir.path().join("model.onnx");
    let certificate = export_onnx(&model, &out, &Pictures(12), ModelPrecision::Fp32).unwrap().certificate;
    assert_eq!(certificate.verdict, CertificateVerdict::Pass, "{certificate:?}");
    assert_eq!((certificate.sample_count, certificate.same_class_count), (11, 11));
    let seen = Seen::decode(std::fs::read(&out).unwrap().as_slice()).unwrap();
    let value = |key: &str| &seen.metadata.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!((value("task").as_str(), value("thresholds").as_str()), ("multilabel_classification", "[0.5,0.5,0.5]"));

    // The same weights with softmax at the end are another model.
    let single = dir.path().join("single");
    write(&single, &graph, &numbers(&graph));
    let session = LocalSession::open(&single).unwrap();
    let certificate = certify(std::fs::read(out).unwrap(), "", &session, &Pictures(4)).unwrap();
    assert_eq!(certificate.verdict, CertificateVerdict::Fail);
}

#[test]
fn a_card_that_names_no_task_is_one_of_classification() {
    let dir = tempfile::tempdir().unwrap();
    let graph = every_operator();
    let card = write(dir.path(), &graph, &numbers(&graph));
    assert_eq!(card.version, 1, "older programs read it");
    let path = dir.path().join("model.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("task");
    std::fs::write(&path, json.to_string()).unwrap();
    assert_eq!(LocalSession::open(dir.path()).unwrap().card(), &card);
}
