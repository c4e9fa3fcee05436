//! All checks, one process after the other, and PyTorch between them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::attempt::Attempt;
use crate::budget::{Budget, soaking, usual};
use crate::limited::{self, Ending};
use crate::report::Report;
use crate::sizes::Sizes;
use crate::{Args, PYTORCH, checks};

/// Of what a check wrote to its screen before it failed.
const SAID_BYTES: usize = 4000;
/// PyTorch ends by itself so long before it is ended.
const PEER_ENDS_EARLIER: Duration = Duration::from_secs(5);

pub struct Suite<'a> {
    pub args: &'a Args,
    pub sizes: Sizes,
    pub budget: Budget,
    pub report: Report,
    /// PyTorch's figures, where they were measured before.
    pub peer: Option<Value>,
    /// For everything that does not stay.
    pub work: PathBuf,
}

#[allow(clippy::print_stdout, reason = "the terminal is its screen")]
impl Suite<'_> {
    /// Whether there was something to check and all of it passed.
    ///
    /// # Errors
    /// When what was found cannot be written.
    pub fn run(mut self, names: &[&'static str]) -> Result<bool> {
        self.report.write()?;
        for (place, name) in names.iter().enumerate() {
            let limit = self.budget.of_next(usual(name, self.soak()), place + 1 == names.len());
            if *name == PYTORCH {
                self.compare(limit);
            } else if let Some(missing) = self.check(name, limit)? {
                println!("There is no GPU to check. {missing}");
                self.report.write()?;
                return Ok(false);
            }
            self.report.write()?;
        }
        println!("{}", if self.report.passed() { "PASS" } else { "FAIL" });
        Ok(self.report.passed())
    }

    /// How long the soak should train.
    fn soak(&self) -> Duration {
        Duration::from_secs(self.args.soak_seconds)
    }

    /// One check; some words where there is nothing to check.
    fn check(&mut self, name: &str, limit: Option<Duration>) -> Result<Option<String>> {
        let Some(limit) = limit else {
            println!("{name}: no time was left for it");
            return Ok(None);
        };
        let (told, log) = (self.work.join(format!("{name}.told")), self.work.join(format!("{name}.log")));
        let soak = soaking(limit, self.soak()).as_secs();
        let began = Instant::now();
        let ended = limited::run(&mut self.child(name, &told, &log, soak)?, limit);
        let status = match ended.with_context(|| format!("cannot run the check {name}"))? {
            Ending::Exited(status) => Some(status),
            Ending::TooLong => None,
        };
        let attempt = Attempt::read(&told).within(status, limit.as_secs());
        if let Some(engine) = &attempt.engine {
            self.report.describe(engine);
        }
        let missing = attempt.missing.clone();
        let mut result = attempt.result(name, began.elapsed().as_secs_f64());
        if result["passed"] != true {
            result["said"] = tail(&log).into();
        }
        self.report.add(result);
        Ok(missing)
    }

    fn child(&self, name: &str, told: &Path, log: &Path, soak_seconds: u64) -> Result<Command> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program);
        child.arg("--alone").arg(name).arg("--told").arg(told);
        child.args(["--steps", &self.args.steps.to_string(), "--soak-seconds", &soak_seconds.to_string()]);
        child.args(self.args.cpu.then_some("--cpu"));
        if let Some(cuda) = &self.args.cuda {
            child.arg("--cuda").arg(cuda);
        }
        child.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(child)
    }

    /// With PyTorch, measured now or before. What goes wrong is said, and nothing is compared.
    fn compare(&mut self, limit: Option<Duration>) {
        let peer = match (self.peer.take(), &self.args.pytorch, limit) {
            (Some(peer), ..) => Ok(peer),
            (None, Some(python), Some(limit)) => self.measure_peer(python, limit),
            (None, Some(_), None) => Err(anyhow!("no time was left for it")),
            (None, None, _) => Err(anyhow!("no Python with PyTorch was named")),
        };
        match peer {
            Ok(peer) => self.report.compare(peer, self.sizes.archs),
            Err(error) => println!("PyTorch was not measured, nothing is compared with it: {error:#}"),
        }
    }

    /// What `pytorch_peer.py` finds in that time; it writes after every figure.
    fn measure_peer(&self, python: &Path, limit: Duration) -> Result<Value> {
        let (out, log) = (self.work.join("pytorch.json"), self.work.join("pytorch.log"));
        let seconds = limit.saturating_sub(PEER_ENDS_EARLIER).as_secs().to_string();
        let script = std::env::current_exe()?.with_file_name("pytorch_peer.py");
        let mut peer = Command::new(python);
        peer.arg(script).arg("--out").arg(&out).args(["--seconds", &seconds]);
        let written = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        peer.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
        println!("PyTorch is measured, for {seconds} s at most.");
        let ended = limited::run(&mut peer, limit).with_context(|| format!("cannot run {}", python.display()))?;
        match (ended, read(&out)) {
            (_, Ok(found)) => Ok(found),
            (Ending::TooLong, Err(_)) => Err(anyhow!("it took too long\n{}", tail(&log))),
            (Ending::Exited(status), Err(_)) => Err(anyhow!("{status}\n{}", tail(&log))),
        }
    }
}

/// # Errors
/// When it cannot be read, or is no JSON.
pub fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// The end of a file.
fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(SAID_BYTES)..]).into_owned()
}

/// Names of everything that is done, in order: PyTorch when our own figures are there, before what takes longest.
pub fn order() -> Vec<&'static str> {
    let mut names: Vec<&str> = checks::names().collect();
    let after = names.iter().position(|name| *name == "speed").map_or(names.len(), |at| at + 1);
    names.insert(after, PYTORCH);
    names
}
