//! What a running work sees of its job.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use va_domain::{Actor, Event, Job, JobId, JobKind, JobProgress, Origin};
use va_error::{Context, Error, Result};

use super::estimate::Pace;
use super::rows;
use super::stop::{Stop, StopToken};
use crate::App;

/// Handed to every work: its parameters in, progress and notes out, and whether it should stop.
pub struct JobContext {
    app: App,
    actor: Actor,
    stop: Arc<StopToken>,
    state: Mutex<State>,
}

struct State {
    job: Job,
    pace: Pace,
}

impl JobContext {
    pub(super) fn new(app: App, actor_name: String, job: Job, stop: Arc<StopToken>) -> Self {
        let actor = Actor { name: actor_name, origin: Origin::Job, ..Actor::owner(Origin::Job) };
        Self { app, actor, stop, state: Mutex::new(State { job, pace: Pace::new(Instant::now()) }) }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn id(&self) -> JobId {
        self.state.lock().job.id
    }

    pub fn kind(&self) -> JobKind {
        self.state.lock().job.kind
    }

    /// On whose behalf; the origin is `Job`.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The row as this thread knows it.
    pub fn job(&self) -> Job {
        self.state.lock().job.clone()
    }

    /// What was asked.
    ///
    /// # Errors
    /// `InvalidInput` when the parameters were written by another version and no longer fit.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T> {
        let params = self.state.lock().job.params.clone();
        serde_json::from_value(params).context("the job's parameters are not understood by this version; start it anew")
    }

    /// Says how far the work is. Call it as often as you like: events and rows are limited here. `total` 0 is unknown.
    pub fn progress(&self, done: u64, total: u64, unit: &str, phase: &str) {
        self.report(JobProgress {
            done,
            total,
            unit: unit.to_owned(),
            phase: phase.to_owned(),
            ..JobProgress::default()
        });
    }

    /// As [`Self::progress`], with epochs and the work's own estimate.
    pub fn report(&self, mut progress: JobProgress) {
        let (due, job) = {
            let mut state = self.state.lock();
            let due = state.pace.report(&mut progress, Instant::now());
            state.job.progress = progress;
            (due, state.job.clone())
        };
        if due.store {
            self.store(&job);
        }
        if due.event {
            self.app.emit(&Event::Job { job });
        }
    }

    /// Stores the progress now: something was confirmed (a checkpoint), and start-up judges by it.
    pub(crate) fn confirm(&self) {
        self.store(&self.job());
    }

    fn store(&self, job: &Job) {
        if let Err(error) = rows::save_progress(&self.app, job.id, &job.progress) {
            // Progress is a courtesy: the work goes on, and what it confirms is written elsewhere.
            tracing::warn!(job = %job.id, "cannot store the progress: {error:#}");
        }
        self.take_title();
    }

    /// A person may have named the job anew while it ran.
    pub(super) fn take_title(&self) {
        if let Ok(row) = rows::get(&self.app, self.id()) {
            self.state.lock().job.title = row.title;
        }
    }

    /// Ends the work at a safe place when a stop was asked: use it with `?` after confirming what is done.
    ///
    /// # Errors
    /// `Cancelled` when cancel, pause or closing was asked.
    pub fn check_cancel(&self) -> Result<()> {
        if self.stop.stop() == Stop::Continue { Ok(()) } else { Err(Error::cancelled()) }
    }

    pub fn stop_requested(&self) -> Stop {
        self.stop.stop()
    }

    /// A line in the job's log that a person should be able to read later.
    pub fn note(&self, message: impl Into<String>) {
        let message = message.into();
        if let Err(error) = rows::note(&self.app, self.id(), &message) {
            tracing::warn!(job = %self.id(), "cannot store the note {message:?}: {error:#}");
        }
    }

    /// The job's own folder `<library>/jobs/<job id>/`, made on demand.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self) -> Result<PathBuf> {
        let folder = folder_of(self.app.library_dir(), self.id());
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }
}

/// Where a job keeps its checkpoints and unfinished files.
pub(crate) fn folder_of(library_dir: &Path, id: JobId) -> PathBuf {
    library_dir.join("jobs").join(id.to_string())
}
