//! A ZIP that helps to find a defect: versions, the machine, counts of the library, recent jobs, the end of the log.
//! Never images, class names of samples, or anything secret.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use va_domain::{Job, now_ms};
use va_error::{Context, Result};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::jobs::{self, JobListRequest};
use crate::{App, resources};

/// How much of the log's end is kept.
const LOG_BYTES: u64 = 512 * 1024;
/// Jobs described.
const JOBS: u32 = 50;
/// A log line that holds one of these words is left out.
const SECRET_WORDS: [&str; 7] = ["password", "token", "secret", "bearer", "authorization", "cookie", "code="];

/// Writes the ZIP to `out`, atomically.
///
/// # Errors
/// When the file cannot be written or the store cannot be read.
pub fn write(app: &App, out: &Path) -> Result<PathBuf> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let cannot = || format!("cannot write {}", out.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    fill(app, file.as_file_mut()).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    file.persist(out).map_err(|error| error.error).with_context(cannot)?;
    Ok(out.to_owned())
}

fn fill(app: &App, file: &mut File) -> Result<()> {
    let mut zip = ZipWriter::new(file);
    let engine = app.engine().describe();
    add_json(
        &mut zip,
        "about.json",
        &json!({
            "name": "VisAIon",
            "version": env!("CARGO_PKG_VERSION"),
            "engine": engine.version,
            "devices": engine.devices,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "written_ms": now_ms(),
        }),
    )?;
    let mut snapshot = resources::get(app)?;
    snapshot.storage.path = String::new();
    // What else this person runs is nobody's business.
    snapshot.gpus.iter_mut().flat_map(|gpu| gpu.other_programs.iter_mut().flatten()).for_each(|it| it.name = None);
    add_json(&mut zip, "resources.json", &snapshot)?;
    add_json(&mut zip, "library.json", &app.statistics()?)?;
    let request = JobListRequest { limit: Some(JOBS), ..JobListRequest::default() };
    let described: Vec<Value> = jobs::list(app, &request)?.items.iter().map(describe_job).collect();
    add_json(&mut zip, "jobs.json", &described)?;
    let log = log_tail(&app.library_dir().join("logs")).unwrap_or_else(|error| format!("no log: {error}\n"));
    add(&mut zip, "log.txt", log.as_bytes())?;
    zip.finish().map_err(std::io::Error::from)?;
    Ok(())
}

fn add(zip: &mut ZipWriter<&mut File>, name: &str, bytes: &[u8]) -> Result<()> {
    zip.start_file(name, SimpleFileOptions::default()).map_err(std::io::Error::from)?;
    zip.write_all(bytes)?;
    Ok(())
}

fn add_json(zip: &mut ZipWriter<&mut File>, name: &str, value: &impl serde::Serialize) -> Result<()> {
    add(zip, name, &serde_json::to_vec_pretty(value)?)
}

/// Everything of a job but its parameters and title, which name files and products.
fn describe_job(job: &Job) -> Value {
    json!({
        "id": job.id, "kind": job.kind, "state": job.state, "progress": job.progress, "error": job.error,
        "created_ms": job.created_ms, "started_ms": job.started_ms, "ended_ms": job.ended_ms,
    })
}

/// The end of the newest log, without lines that may hold a secret.
fn log_tail(folder: &Path) -> Result<String> {
    let mut newest: Option<(std::time::SystemTime, PathBuf)> = None;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let modified = entry.metadata()?.modified()?;
        if entry.path().is_file() && newest.as_ref().is_none_or(|(time, _)| modified > *time) {
            newest = Some((modified, entry.path()));
        }
    }
    let Some((_, path)) = newest else { return Ok("the log folder is empty\n".to_owned()) };
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    Ok(without_secrets(&String::from_utf8_lossy(&bytes)))
}

fn without_secrets(log: &str) -> String {
    let safe = |line: &&str| {
        let lower = line.to_lowercase();
        !SECRET_WORDS.iter().any(|word| lower.contains(word))
    };
    let mut text: String = log.lines().filter(safe).flat_map(|line| [line, "\n"]).collect();
    let left_out = log.lines().count() - text.lines().count();
    if left_out > 0 {
        text.push_str(&format!("({left_out} lines that may hold a secret were left out)\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_may_hold_a_secret_are_left_out_and_counted() {
        let log = "started\nPOST /auth/login password=hunter2\nAuthorization: Bearer abc\nended\n";
        let safe = without_secrets(log);
        assert!(safe.contains("started\nended\n") && safe.contains("2 lines"), "{safe}");
        assert!(!safe.contains("hunter2") && !safe.contains("abc"));
    }

    #[test]
    fn the_newest_log_is_cut_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let line = "a line of the log\n";
        std::fs::write(dir.path().join("visaion.log"), line.repeat(60_000) + "the end\n").unwrap();
        let tail = log_tail(dir.path()).unwrap();
        assert!(tail.ends_with("the end\n"));
        assert!(tail.len() as u64 <= LOG_BYTES);
        assert!(log_tail(&dir.path().join("missing")).is_err());
    }
}
