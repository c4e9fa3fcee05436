//! The log of this process, in the library's folder. The diagnostics file holds its end.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// A log larger than this is put aside, and the one before it removed.
const MAX_BYTES: u64 = 8 << 20;

/// Writes events of `info` and above (or as `VISAION_LOG` says) to `logs/visaion.log`. Without a log the work goes on.
pub fn open(library: &Path) {
    let folder = library.join("logs");
    let path = folder.join("visaion.log");
    if !library.is_dir() || fs::create_dir_all(&folder).is_err() {
        return;
    }
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > MAX_BYTES) {
        // Losing an old log is no reason to stop.
        let _ = fs::rename(&path, folder.join("visaion.old.log"));
    }
    let Ok(file) = OpenOptions::new().create(true).append(true).open(&path) else { return };
    let filter = EnvFilter::try_from_env("VISAION_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    // A second call in one process keeps the first log.
    let _ = subscriber.try_init();
}
