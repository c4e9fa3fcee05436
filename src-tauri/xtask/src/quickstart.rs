//! The promise of the first minutes: `visaion quickstart` on the bundled sample ends with a proven classifier.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::step::program;

/// What a model of the bundled sample must reach on images it never saw.
const LEAST_TEST_ACCURACY: f64 = 0.95;

pub fn check() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("visaion-quickstart-{}", std::process::id()));
    let checked = run(&folder);
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    checked
}

fn run(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = Command::new(program("visaion"));
    command
        .arg("--library")
        .arg(folder.join("library"))
        .args(["--json", "quickstart", "--out"])
        .arg(folder.join("out"));
    let output = command.output().context("cannot start visaion")?;
    if !output.status.success() {
        bail!("visaion quickstart failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let made: Value = serde_json::from_slice(&output.stdout).context("visaion quickstart printed no JSON")?;
    let accuracy = made["test_accuracy"].as_f64().context("no test_accuracy")?;
    eprintln!(
        "  test accuracy {accuracy:.4}, certificate {}, seconds {}",
        made["certificate"]["verdict"], made["seconds"]
    );
    if accuracy < LEAST_TEST_ACCURACY {
        bail!("test accuracy {accuracy} is below {LEAST_TEST_ACCURACY}");
    }
    if made["certificate"]["verdict"] != "PASS" {
        bail!("the certificate is {}", made["certificate"]);
    }
    let onnx = made["onnx_path"].as_str().context("no onnx_path")?;
    if !Path::new(onnx).is_file() {
        bail!("there is no ONNX file at {onnx}");
    }
    Ok(())
}
