//! What was found, as a short table and as JSON.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{nvml, peer};

/// Checks whose lines are figures: all of them are shown, of the others those that failed.
const FIGURES: [&str; 3] = ["sessions", "speed", "loader"];

/// What was found so far; on the disk after every check, so that who ends the suite has that much.
pub struct Report {
    out: Option<PathBuf>,
    engine: Option<Value>,
    machine: Option<Value>,
    checks: Vec<Value>,
    /// Checks that are still to be made.
    to_do: Vec<&'static str>,
    peer: Option<Value>,
    verdicts: Vec<Value>,
}

#[allow(clippy::print_stdout, reason = "the terminal is its screen")]
impl Report {
    pub fn new(out: Option<PathBuf>, to_do: Vec<&'static str>) -> Self {
        let (checks, verdicts) = (Vec::new(), Vec::new());
        Self { out, engine: None, machine: nvml::cards(), checks, to_do, peer: None, verdicts }
    }

    /// The engine as a check found it.
    pub fn describe(&mut self, engine: &Value) {
        if self.engine.is_none() {
            let devices = engine["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
            let word = |device: &Value, key: &str| device[key].as_str().unwrap_or_default().to_owned();
            devices.iter().for_each(|device| println!("{} {}", word(device, "name"), word(device, "note")));
            self.engine = Some(engine.clone());
        }
    }

    pub fn add(&mut self, result: Value) {
        let (name, seconds) = (result["check"].as_str().unwrap_or("?"), result["seconds"].as_f64().unwrap_or(0.0));
        let lines = result["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        let passed = lines.iter().filter(|line| line["passed"] == true).count();
        println!("{name}: {passed} of {} passed in {seconds:.1} s", lines.len());
        let shown = |line: &&Value| FIGURES.contains(&name) || line["passed"] != true;
        lines.iter().filter(shown).for_each(|line| println!("  {line}"));
        for key in ["error", "exit", "said"] {
            if let Some(text) = result[key].as_str().filter(|text| !text.is_empty()) {
                println!("  {key}: {text}");
            }
        }
        self.to_do.retain(|left| *left != name);
        self.checks.push(result);
    }

    /// Beside PyTorch's figures.
    pub fn compare(&mut self, peer: Value, archs: &[&str]) {
        println!("against PyTorch {} on {}:", peer["torch"], peer["device"]);
        peer::hold_networks(&mut self.checks, &peer);
        self.verdicts = peer::verdicts(&self.checks, &peer, archs);
        for line in &self.verdicts {
            let word = match line["passed"].as_bool() {
                Some(true) => "passed",
                Some(false) => "FAILED",
                None => "not decided",
            };
            println!("  {word}: {line}");
        }
        self.peer = Some(peer);
    }

    /// Every check was made and passed, and no target was missed; what PyTorch did not measure does not count.
    pub fn passed(&self) -> bool {
        let checks = self.to_do.is_empty() && self.checks.iter().all(|check| check["passed"] == true);
        checks && self.verdicts.iter().all(|line| line["passed"] != false)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        let unfinished = out.with_extension("unfinished");
        let text = serde_json::to_string_pretty(&self.json())?;
        let put = |path: &Path| std::fs::write(path, text).and_then(|()| std::fs::rename(path, out));
        put(&unfinished).with_context(|| format!("cannot write {}", out.display()))
    }

    fn json(&self) -> Value {
        json!({
            "engine": self.engine, "machine": self.machine, "passed": self.passed(), "not_made": self.to_do,
            "checks": self.checks, "verdicts": self.verdicts, "pytorch": self.peer,
        })
    }
}
