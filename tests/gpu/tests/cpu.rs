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

#[test]
fn a_check_that_takes_too_long_is_ended_and_the_others_are_made_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("suite.json");
    // The soak alone takes more than three seconds; whether the other is done in one is not said.
    let output = suite(&["--cpu", "--only", "soak,resume", "--most-seconds", "1", "--out", text(&out)]);
    assert!(!output.status.success());
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "{report}");
    let said = checks[1]["error"].as_str().unwrap();
    assert!(checks[1]["check"] == "soak" && said.contains("more than 1 s"), "{report}");
    assert_eq!(report["passed"], false);
}

#[test]
fn without_time_nothing_passes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("suite.json");
    let output = suite(&["--cpu", "--only", "resume,soak", "--minutes", "0.01", "--out", text(&out)]);
    assert!(!output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(report["not_made"], json!(["resume", "soak"]), "{report}");
}

#[cfg(unix)]
#[test]
fn pytorch_is_measured_between_the_checks_and_what_it_wrote_before_it_failed_counts() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (out, python) = (dir.path().join("suite.json"), dir.path().join("python"));
    // As the real one it is given the script, `--out` and a file, `--seconds` and a number.
    let script = r#"#!/bin/sh
echo '{"torch": "0", "device": "cpu", "networks": [{"arch": "convnext_atto", "precision": "f32", "logits": 1.0, "gradient": 1.0}]}' > "$3"
test "$4" = --seconds && kill -SEGV $$
"#;
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = suite(&["--cpu", "--only", "networks,pytorch", "--pytorch", text(&python), "--out", text(&out)]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert!(report["verdicts"][0]["passed"] == true && report["pytorch"]["torch"] == "0", "{report}");

    std::fs::write(&python, "#!/bin/sh\necho 'no module named torch' >&2; exit 1\n").unwrap();
    let output = suite(&["--cpu", "--only", "networks,pytorch", "--pytorch", text(&python)]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("no module named torch"), "{said}");
}

#[test]
fn where_nothing_can_be_checked_it_ends_at_once_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("suite.json");
    // Whatever this machine has: no engine for it lies beside this program.
    let output = suite(&["--out", text(&out)]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("There is no GPU to check. "), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(1), "{report}");
    assert!(report["checks"][0]["error"].as_str().is_some_and(|why| !why.is_empty()), "{report}");

    let output = suite(&["--cpu", "--peer", text(&dir.path().join("none.json"))]);
    assert!(!output.status.success() && output.stdout.is_empty(), "a wrong file is said first: {output:?}");
}
