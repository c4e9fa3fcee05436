//! The machine: processor, memory (control-group limits counted), NVIDIA cards and the library's disk; now and over
//! the last five minutes. Sampled at 1 Hz only while someone looks or a job trains.

mod gpu;
mod host;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use va_domain::{Event, ResourceSnapshot, StorageUsage, now_ms};
use va_error::Result;

use crate::App;

pub use gpu::Gpus;

/// One sample a second for five minutes.
const HISTORY: usize = 300;
/// How old the last sample may be to answer a question without sampling again.
const FRESH: Duration = Duration::from_millis(1500);

/// Takes samples and remembers them. One for each open library.
pub struct Sampler {
    library_dir: PathBuf,
    probes: Mutex<Probes>,
    history: Mutex<VecDeque<ResourceSnapshot>>,
}

/// The handles to the operating system and the driver; opened at the first sample, because opening costs time.
#[derive(Default)]
struct Probes {
    host: Option<host::Host>,
    gpu: Option<Gpus>,
    last: Option<Instant>,
}

impl Sampler {
    pub fn new(library_dir: &Path) -> Self {
        Self { library_dir: library_dir.to_owned(), probes: Mutex::default(), history: Mutex::default() }
    }

    /// Measures now, whatever was measured before, and remembers it.
    pub fn sample(&self, library_bytes: u64) -> ResourceSnapshot {
        let snapshot = {
            let mut probes = self.probes.lock();
            let (cpu, memory) = probes.host.get_or_insert_with(host::Host::open).read();
            let (gpus, gpu_reason) = probes.gpu.get_or_insert_with(Gpus::open).read();
            let gpu_note = gpu_reason.as_ref().map(ToString::to_string);
            probes.last = Some(Instant::now());
            let storage = self.storage(library_bytes);
            ResourceSnapshot { at_ms: now_ms(), cpu, memory, gpus, storage, gpu_note, gpu_reason }
        };
        let mut history = self.history.lock();
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(snapshot.clone());
        snapshot
    }

    fn storage(&self, library_bytes: u64) -> StorageUsage {
        StorageUsage {
            path: self.library_dir.display().to_string(),
            total_bytes: fs4::total_space(&self.library_dir).unwrap_or(0),
            free_bytes: fs4::available_space(&self.library_dir).unwrap_or(0),
            library_bytes,
        }
    }

    /// The last sample if it is fresh.
    fn latest(&self) -> Option<ResourceSnapshot> {
        let fresh = self.probes.lock().last.is_some_and(|at| at.elapsed() < FRESH);
        if fresh { self.history.lock().back().cloned() } else { None }
    }

    fn history(&self) -> Vec<ResourceSnapshot> {
        self.history.lock().iter().cloned().collect()
    }
}

/// The machine now.
///
/// # Errors
/// When the store cannot say how large the media are.
pub fn get(app: &App) -> Result<ResourceSnapshot> {
    match app.resources().latest() {
        Some(snapshot) => Ok(snapshot),
        None => Ok(app.resources().sample(app.media_bytes()?)),
    }
}

/// The last five minutes, oldest first; seconds in which nobody looked are missing.
pub fn history(app: &App) -> Vec<ResourceSnapshot> {
    app.resources().history()
}

/// One tick of the 1 Hz thread: measures when someone would see it.
pub(crate) fn tick(app: &App, training: bool) {
    let watched = app.subscriber_count() > 0;
    if !watched && !training {
        return;
    }
    let snapshot = app.resources().sample(app.media_bytes().unwrap_or(0));
    if watched {
        app.emit(&Event::Resources { snapshot });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_describes_this_machine_and_says_why_there_is_no_gpu() {
        let dir = tempfile::tempdir().unwrap();
        let sampler = Sampler::new(dir.path());
        let snapshot = sampler.sample(7);
        assert!(snapshot.cpu.cores >= 1);
        assert!(!snapshot.cpu.name.is_empty());
        assert!(snapshot.memory.total_bytes > 0);
        assert!(snapshot.memory.used_bytes <= snapshot.memory.total_bytes);
        assert!(snapshot.memory.process_bytes > 0);
        assert!(snapshot.storage.total_bytes > 0);
        assert_eq!(snapshot.storage.library_bytes, 7);
        assert!(!snapshot.gpus.is_empty() || snapshot.gpu_note.is_some());
        assert_eq!(snapshot.gpu_note, snapshot.gpu_reason.map(|reason| reason.to_string()));
    }

    #[test]
    fn the_history_keeps_five_minutes_oldest_first() {
        let dir = tempfile::tempdir().unwrap();
        let sampler = Sampler::new(dir.path());
        let first = sampler.sample(0);
        for bytes in 0..HISTORY as u64 {
            let mut snapshot = first.clone();
            snapshot.storage.library_bytes = bytes + 1;
            let mut history = sampler.history.lock();
            if history.len() == HISTORY {
                history.pop_front();
            }
            history.push_back(snapshot);
        }
        let history = sampler.history();
        assert_eq!(history.len(), HISTORY);
        assert_eq!(history[0].storage.library_bytes, 1);
        assert_eq!(history[HISTORY - 1].storage.library_bytes, HISTORY as u64);
    }
}
