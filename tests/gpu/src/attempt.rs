//! One check, made in a process of its own: a card that an error has made unusable to its process, a crash or a hang costs
//! that check alone. What is found is told in a file, line by line, so that what was found before stays.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitStatus;

use serde_json::{Value, json};
use va_engine::EngineDescription;
use va_error::{Context, Result};

use crate::checks;
use crate::sizes::Sizes;
use crate::subject::Subject;

/// What a check found.
#[derive(Default)]
pub struct Attempt {
    /// Version and devices.
    pub engine: Option<Value>,
    /// Why there is nothing to check.
    pub missing: Option<String>,
    lines: Vec<Value>,
    /// It came to its end.
    ended: bool,
    error: Option<String>,
    /// How its process ended, where that was not well.
    exit: Option<String>,
}

impl Attempt {
    /// Takes in one told thing.
    fn hear(&mut self, told: &Value) {
        if let Some(line) = told.get("line") {
            self.lines.push(line.clone());
        }
        if let Some(engine) = told.get("engine") {
            self.engine = Some(engine.clone());
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.missing = told.get("missing").and_then(text).or(self.missing.take());
        if let Some(error) = told.get("ended") {
            (self.ended, self.error) = (true, text(error));
        }
    }

    /// What was told in a file; nothing where there is none. A line that was being written when its writer was killed is
    /// lost.
    pub fn read(told: &Path) -> Self {
        let text = std::fs::read_to_string(told).unwrap_or_default();
        let mut attempt = Self::default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|told| attempt.hear(&told));
        attempt
    }

    /// With how its process ended; None where it took more than so many seconds.
    pub fn within(mut self, status: Option<ExitStatus>, limit_s: u64) -> Self {
        self.exit = status.filter(|status| !status.success()).map(|status| status.to_string());
        if !self.ended && self.missing.is_none() {
            self.error = Some(match status {
                Some(status) => format!("its process ended before it was done ({status})"),
                None => format!("it was ended, because it took more than {limit_s} s"),
            });
        }
        self
    }

    /// As the report has it.
    pub fn result(self, name: &str, seconds: f64) -> Value {
        let error = self.error.or(self.missing);
        let passed = self.ended
            && error.is_none()
            && !self.lines.is_empty()
            && self.lines.iter().all(|line| line["passed"] == true);
        json!({
            "check": name, "passed": passed, "seconds": seconds, "lines": self.lines, "error": error, "exit": self.exit,
        })
    }
}

/// Makes the check in an empty folder of its own, telling everything as soon as it is known.
pub fn make(name: &str, subject: &Subject<'_>, sizes: &Sizes, dir: &Path, tell: &mut dyn FnMut(&Value)) -> Attempt {
    let mut attempt = Attempt::default();
    let mut both = |told: &Value| {
        attempt.hear(told);
        tell(told);
    };
    both(&json!({ "engine": described(&subject.engine.describe()) }));
    let made = std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()));
    let mut found = |line: Value| both(&json!({ "line": line }));
    let answer = made.and_then(|()| checks::make(name, subject, sizes, dir, &mut found));
    both(&json!({ "ended": answer.err().map(|error| error.chain()) }));
    // Best effort: the folder goes with the suite's own at the latest.
    let _ = std::fs::remove_dir_all(dir);
    attempt
}

fn described(description: &EngineDescription) -> Value {
    json!({ "version": description.version, "devices": description.devices })
}

/// A file that another process reads.
pub struct Told(std::fs::File);

impl Told {
    /// # Errors
    /// When the file cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(file.with_context(|| format!("cannot write {}", path.display()))?))
    }

    pub fn tell(&mut self, told: &Value) {
        // Who reads it sees that the end is missing.
        let _ = self.0.write_all(format!("{told}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parts: &[Value], torn: &str) -> Value {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("told");
        let mut file = Told::open(&path).unwrap();
        parts.iter().for_each(|part| file.tell(part));
        file.0.write_all(torn.as_bytes()).unwrap();
        Attempt::read(&path).within(None, 7).result("speed", 1.0)
    }

    #[test]
    fn what_was_found_before_a_process_was_killed_stays() {
        let (good, bad) = (json!({ "line": { "passed": true } }), json!({ "line": { "passed": false } }));
        let end = json!({ "ended": null });
        assert_eq!(told(&[good.clone(), end.clone()], "")["passed"], true);
        assert_eq!(told(&[good.clone(), bad, end.clone()], "")["passed"], false);
        assert_eq!(told(&[end], "")["passed"], false, "nothing was checked");
        let failed = told(&[good.clone(), json!({ "ended": "no memory" })], "");
        assert_eq!((&failed["passed"], &failed["error"]), (&json!(false), &json!("no memory")));
        let killed = told(&[good], r#"{"line": {"pas"#);
        assert_eq!(killed["lines"].as_array().map(Vec::len), Some(1), "{killed}");
        assert!(killed["passed"] == false && killed["error"].as_str().unwrap().contains("7 s"), "{killed}");
        assert_eq!(told(&[json!({ "missing": "no driver" })], "")["error"], "no driver");
    }
}
