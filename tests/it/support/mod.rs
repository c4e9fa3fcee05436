//! A library of its own for every test, small generated images, and an HTTP client that can also misbehave.

mod http;
mod images;
mod service;

pub use http::Http;
pub use images::{marked_png, png_bytes, write_classes};
pub use service::{Running, running, running_with};

use va_api::{App, OpenOptions};

/// A new library that works off its jobs.
pub fn library() -> (tempfile::TempDir, App) {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(&dir.path().join("library"), OpenOptions { create: true, run_jobs: true }).unwrap();
    (dir, app)
}
