//! A library of a million samples, and what it takes to bring images into one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{json_line, machine, number, write_section};
use crate::step::{build_bins, build_example, program, target_dir};

const SAMPLES: u32 = 1_000_000;
const ROUNDS: u32 = 3;
/// Images of an import, and their width and height, px.
const IMPORTS: [[u32; 3]; 3] = [[2048, 640, 480], [1024, 1280, 960], [512, 2560, 1920]];

pub fn run() -> Result<()> {
    build_example("library_speed")?;
    build_example("import_speed")?;
    build_bins(&["visaion"])?;
    let imports: Result<Vec<String>> = IMPORTS.iter().map(import_row).collect();
    let folder = target_dir().join("bench/library");
    let clear =
        || if folder.exists() { std::fs::remove_dir_all(&folder).context("cannot remove the library") } else { Ok(()) };
    clear()?;
    let args = [SAMPLES, ROUNDS].map(|number| number.to_string());
    let line = json_line(Command::new(program("examples/library_speed")).arg(&folder).args(args))?;
    let text = format!(
        "{}\n\n{}\n\n\
         | import of JPEG files | decode alone, images/s | import, images/s | ratio |\n|---|---:|---:|---:|\n{}\n\n\
         Medians of {ROUNDS} rounds. `first` is a list that nobody has asked for since the last change (its order is made), `jump` one to the middle of it; \
         200 rows each. An import reads, hashes, proves, copies and syncs originals, makes their thumbnails and writes their rows; ours and the \
         bare work in turn. {}.",
        lists(&line)?,
        service(&folder, &line)?,
        imports?.join("\n"),
        machine()?
    );
    clear()?;
    println!("{text}");
    write_section("library", &text)
}

fn import_row(&[images, width, height]: &[u32; 3]) -> Result<String> {
    let args = [images, width, height, ROUNDS].map(|number| number.to_string());
    let line = json_line(Command::new(program("examples/import_speed")).args(args))?;
    let speeds = line.get("images_per_s").context("no images_per_s in the line")?;
    let (bare, ours) = (number(speeds, "bare")?, number(speeds, "import")?);
    Ok(format!("| {images} of {width} × {height} | {bare:.0} | {ours:.0} | {:.2} |", ours / bare))
}

/// Lists with `first` and `jump` beside each other, then single works.
fn lists(line: &Value) -> Result<String> {
    let times = line["ms"].as_object().context("no ms in the line")?;
    let ms = |name: &str| times.get(name).and_then(Value::as_f64);
    let mut rows =
        vec!["| 1,000,000 samples, 10 classes | first, ms | jump, ms |".to_owned(), "|---|---:|---:|".to_owned()];
    for (name, first) in times {
        if let (Some(list), Some(first)) = (name.strip_suffix(": first"), first.as_f64()) {
            let jump = ms(&format!("{list}: jump")).context("a list without a jump")?;
            rows.push(format!("| list {list} | {first:.0} | {jump:.0} |"));
        }
    }
    for name in ["facets", "set a class", "undo"] {
        rows.push(format!("| {name} | {:.1} | |", ms(name).context("a work is missing")?));
    }
    Ok(rows.join("\n"))
}

/// From the start of the process until it serves, and what it takes of memory then.
fn service(library: &Path, line: &Value) -> Result<String> {
    let (mut starts, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut service = Running::start(library)?;
        service.wait_until_it_serves()?;
        starts.push(began.elapsed().as_secs_f64() * 1e3);
        resident.push(service.resident_mb()?);
    }
    Ok(format!(
        "Opened in {:.0} ms; `visaion start` serves {:.0} ms after the process began, with {:.0} MB resident; the database is {:.0} MB.",
        number(line, "open_ms")?,
        super::median(&mut starts),
        super::median(&mut resident),
        number(line, "database_bytes")? / 1e6,
    ))
}

struct Running(Child);

impl Running {
    fn start(library: &Path) -> Result<Self> {
        let mut command = Command::new(program("visaion"));
        command.arg("--library").arg(library).args(["--json", "start", "--foreground", "--no-browser", "--no-keyring"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Ok(Self(child.context("cannot start visaion")?))
    }

    /// It says its address once it listens.
    fn wait_until_it_serves(&mut self) -> Result<()> {
        let stdout = self.0.stdout.as_mut().context("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("cannot read what visaion says")?;
        if line.trim().is_empty() {
            bail!("visaion ended before it served")
        }
        Ok(())
    }

    fn resident_mb(&self) -> Result<f64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).context("only Linux tells memory")?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = kilobytes.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is running in it that could be lost.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
