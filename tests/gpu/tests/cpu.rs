//! The program itself over the processor's engine: every check that needs no card, the table, the JSON, the comparison.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// One at a time: two engines would fight for the cores.
fn suite(args: &[&str]) -> Output {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(env!("CARGO_BIN_EXE_gpu_suite")).args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_check_without_a_card_passes_on_the_processor() {
    let dir = tempfile::tempdir().unwrap();
    let (out, peer) = (dir.path().join("suite.json"), dir.path().join("pytorch.json"));
    let line = |precision: &str, batch: u32, mode: &str, images_per_s: f64| {
        json!({
            "arch": "mobilenetv4_conv_small", "precision": precision, "batch": batch, "mode": mode,
            "images_per_s": images_per_s,
        })
    };
    // A PyTorch that is slower than anything, and one error that nobody reaches.
    let figures = json!({
        "torch": "0.0.0", "device": "cpu", "training": [],
        "inference": [line("f32", 1, "eager", 1e-3)],
        "networks": [{ "arch": "convnext_atto", "precision": "f32", "logits": 1.0, "gradient": 1.0 }],
    });
    std::fs::write(&peer, figures.to_string()).unwrap();
    let output = suite(&["--cpu", "--out", text(&out), "--peer", text(&peer)]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("PASS\n"), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(names, ["networks", "replay", "resume", "sessions", "speed", "loader", "soak"]);
    for check in checks {
        assert!(check["passed"] == true && !check["lines"].as_array().unwrap().is_empty(), "{check}");
    }
    let loader = &checks.iter().find(|check| check["check"] == "loader").unwrap()["lines"][0];
    for figure in ["busy", "decoding_busy"] {
        let share = loader[figure].as_f64().unwrap();
        assert!(share > 0.0 && share <= 1.0, "{loader}");
    }
    let verdicts = report["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 2, "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict["passed"] == true), "{verdicts:?}");
    assert_eq!(report["checks"][0]["lines"][0]["held_to"], "PyTorch on this card");
}

#[test]
fn a_missed_target_fails_and_wrong_words_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let peer = dir.path().join("pytorch.json");
    let figures =
        json!({ "networks": [{ "arch": "convnext_atto", "precision": "f32", "logits": 1e-12, "gradient": 1e-12 }] });
    std::fs::write(&peer, figures.to_string()).unwrap();
    let output = suite(&["--cpu", "--only", "networks", "--peer", text(&peer)]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED"), "{output:?}");

    let unknown = suite(&["--cpu", "--only", "operator"]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no check `operator`"), "{unknown:?}");
}
