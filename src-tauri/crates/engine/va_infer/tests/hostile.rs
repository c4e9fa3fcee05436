//! Model folders from anywhere: damaged, lying, or from the future. Clear errors, no panic, no large allocation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use std::path::Path;

use common::{every_operator, numbers, write};
use serde_json::{Value, json};
use va_domain::Task;
use va_error::{Code, Error};
use va_infer::{LocalSession, NewModel, write_model};

fn good(dir: &Path) {
    let graph = every_operator();
    write(dir, &graph, &numbers(&graph));
}

fn refused(dir: &Path) -> Error {
    LocalSession::open(dir).err().expect("the model must be refused")
}

fn edit_card(dir: &Path, edit: impl Fn(&mut Value)) {
    let path = dir.join("model.json");
    let mut card: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut card);
    std::fs::write(path, serde_json::to_vec(&card).unwrap()).unwrap();
}

/// Replaces the weights and makes the card agree with their hash.
fn replace_weights(dir: &Path, bytes: &[u8]) {
    std::fs::write(dir.join("weights.safetensors"), bytes).unwrap();
    let hash = blake3::hash(bytes).to_hex().to_string();
    edit_card(dir, |card| card["weights_hash"] = json!(hash));
}

fn safetensors_header(header: &str) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

/// What becomes of a tensor; None drops it.
type Change = fn(&candle_core::Tensor) -> Option<candle_core::Tensor>;

#[test]
fn missing_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(refused(&dir.path().join("nowhere")).code(), Code::NotFound);
    let model = dir.path().join("m");
    good(&model);
    std::fs::remove_file(model.join("weights.safetensors")).unwrap();
    let error = refused(&model);
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.chain().contains("weights.safetensors"), "{error:?}");
}

#[test]
fn weights_that_are_not_those_of_the_card_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m");
    good(&model);
    let path = model.join("weights.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    assert!(refused(&model).chain().contains("not complete"));
}

#[test]
fn weights_files_that_lie_are_refused_without_a_panic() {
    let terabytes = r#"{"stem.weight":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#;
    let overflow = r#"{"stem.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
    let backwards = r#"{"stem.weight":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#;
    let lies: Vec<Vec<u8>> = vec![
        vec![],
        b"\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        safetensors_header("{"),
        safetensors_header("{}"),
        safetensors_header(terabytes),
        safetensors_header(overflow),
        safetensors_header(backwards),
    ];
    for bytes in lies {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m");
        good(&model);
        replace_weights(&model, &bytes);
        assert_eq!(refused(&model).code(), Code::InvalidInput, "{bytes:?}");
    }
}

#[test]
fn wrong_shapes_missing_tensors_and_numbers_that_are_none_are_named() {
    let graph = every_operator();
    let cases: [(&str, Change, Code); 3] = [
        ("fc.weight", |t| t.t().ok(), Code::InvalidInput),
        ("hidden.weight", |_| None, Code::InvalidInput),
        ("grouped.bias", |t| t.affine(f64::NAN, 0.0).ok(), Code::NotFinite),
    ];
    for (name, change, code) in cases {
        let dir = tempfile::tempdir().unwrap();
        let mut weights = numbers(&graph);
        match change(&weights[name]) {
            Some(tensor) => weights.insert(name.to_owned(), tensor),
            None => weights.remove(name),
        };
        write(&dir.path().join("m"), &graph, &weights);
        let error = refused(&dir.path().join("m"));
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.chain().contains(name), "{error:?}");
    }
}

#[test]
fn the_future_is_refused_and_says_to_update() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m");
    good(&model);
    edit_card(&model, |card| card["version"] = json!(3));
    let error = refused(&model);
    assert_eq!(error.code(), Code::TooNew);
    assert!(error.chain().contains("update VisAIon"));
    edit_card(&model, |card| {
        card["version"] = json!(1);
        card["graph"]["version"] = json!(1000);
    });
    assert_eq!(refused(&model).code(), Code::TooNew);
}

#[test]
fn cards_that_do_not_fit_the_network_are_refused() {
    let edits: [fn(&mut Value); 7] = [
        |card| card["classes"] = json!(["one"]),
        |card| card["preprocessing"]["image_size_px"] = json!(64),
        |card| card["preprocessing"]["image_size_px"] = json!(-1),
        |card| card["preprocessing"]["std"] = json!([0.2, 0.0, 0.2]),
        |card| card["graph"]["nodes"][1]["inputs"] = json!([99]),
        |card| card["graph"]["nodes"] = json!([]),
        |card| *card = json!(7),
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m");
        good(&model);
        edit_card(&model, edit);
        assert_eq!(refused(&model).code(), Code::InvalidInput, "edit {at}");
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.json"), b"\x00\x01not json").unwrap();
    assert_eq!(refused(dir.path()).code(), Code::InvalidInput);
}

#[test]
fn a_folder_in_use_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m");
    good(&model);
    let before = std::fs::read(model.join("model.json")).unwrap();
    let graph = every_operator();
    let preprocessing = va_dataset::standard_preprocessing(33);
    let new = NewModel {
        task: Task::Classification,
        arch: "x",
        classes: &common::classes(),
        preprocessing: &preprocessing,
        engine_version: "v",
    };
    let error = write_model(&model, &new, &graph, &numbers(&graph)).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert_eq!(std::fs::read(model.join("model.json")).unwrap(), before);
}
