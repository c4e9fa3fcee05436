//! What was found, as a short table and as JSON.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use va_engine::EngineDescription;
use va_error::Context;

use crate::checks::Check;
use crate::sizes::Sizes;
use crate::subject::Subject;
use crate::{nvml, peer};

/// Checks whose lines are figures: all of them are shown, of the others those that failed.
const FIGURES: [&str; 3] = ["sessions", "speed", "loader"];

/// One check with its lines, in a folder of its own.
pub fn run_check(name: &str, check: Check, subject: &Subject<'_>, sizes: &Sizes, dir: &Path) -> Value {
    let began = Instant::now();
    let made = std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()));
    let answer = made.and_then(|()| check(subject, sizes, dir));
    let seconds = began.elapsed().as_secs_f64();
    // Best effort: the folder goes with the suite's own at the latest.
    let _ = std::fs::remove_dir_all(dir);
    match answer {
        Ok(lines) => {
            let passed = !lines.is_empty() && lines.iter().all(|line| line["passed"] == true);
            json!({ "check": name, "passed": passed, "seconds": seconds, "lines": lines })
        }
        Err(error) => json!({ "check": name, "passed": false, "seconds": seconds, "error": error.chain() }),
    }
}

pub struct Report {
    engine: String,
    devices: Value,
    machine: Option<Value>,
    checks: Vec<Value>,
    peer: Option<Value>,
    verdicts: Vec<Value>,
}

#[allow(clippy::print_stdout, reason = "the terminal is its screen")]
impl Report {
    pub fn new(description: &EngineDescription) -> Self {
        let (checks, verdicts) = (Vec::new(), Vec::new());
        let devices = json!(description.devices);
        Self { engine: description.version.clone(), devices, machine: nvml::cards(), checks, peer: None, verdicts }
    }

    pub fn add(&mut self, result: Value) {
        let (name, seconds) = (result["check"].as_str().unwrap_or("?"), result["seconds"].as_f64().unwrap_or(0.0));
        match result["lines"].as_array() {
            Some(lines) => {
                let failed = lines.iter().filter(|line| line["passed"] != true).count();
                println!("{name}: {} of {} passed in {seconds:.1} s", lines.len() - failed, lines.len());
                let shown = |line: &&Value| FIGURES.contains(&name) || line["passed"] != true;
                lines.iter().filter(shown).for_each(|line| println!("  {line}"));
            }
            None => println!("{name}: {}", result["error"].as_str().unwrap_or("it said nothing")),
        }
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

    /// Every check passed, and no target was missed; what PyTorch did not measure does not count.
    pub fn passed(&self) -> bool {
        let checks = !self.checks.is_empty() && self.checks.iter().all(|check| check["passed"] == true);
        checks && self.verdicts.iter().all(|line| line["passed"] != false)
    }

    pub fn json(&self) -> Value {
        json!({
            "engine": self.engine, "devices": self.devices, "machine": self.machine, "passed": self.passed(),
            "checks": self.checks, "verdicts": self.verdicts, "pytorch": self.peer,
        })
    }
}
