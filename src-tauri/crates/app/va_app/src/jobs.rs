//! Background work. A job is a row before it is a thread: `queued → running → (paused) → succeeded | failed |
//! cancelled`. The queue lives in the store and goes on after a restart; a job found running at start-up becomes
//! `interrupted` and is queued again.

mod commands;
mod context;
mod copy;
mod estimate;
mod lanes;
mod recover;
mod rows;
mod stop;
mod works;

pub(crate) use commands::submit_with_notes;
pub use commands::{JobListRequest, NewJob};
pub use commands::{cancel, create, delete, get, list, metrics, notes, pause, resume, submit, update, wait};
pub use context::JobContext;
pub(crate) use context::folder_of;
pub(crate) use copy::copy_file;
pub use lanes::Runner;
pub(crate) use rows::{append_metrics, cut_metrics};
pub use stop::Stop;

use va_domain::{Job, JobState};
use va_error::Result;

use crate::App;

/// Takes up what the last session left and starts the threads.
///
/// # Errors
/// When the store cannot be read or a thread cannot be started.
pub(crate) fn start(app: &App) -> Result<()> {
    recover::recover(app)?;
    app.runner().spawn(app)
}

/// Asks every running job to checkpoint and stop, and waits for the threads. Stopped jobs go on at the next open.
pub(crate) fn close(app: &App) {
    app.runner().close();
}

/// Jobs that have not ended: queued, running, paused or interrupted.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn unfinished(app: &App) -> Result<Vec<Job>> {
    let states = [JobState::Queued, JobState::Running, JobState::Paused, JobState::Interrupted];
    let lists = states.into_iter().map(|state| rows::in_state(app, state)).collect::<Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

/// Whether a job runs now: closing would stop it at a checkpoint.
pub fn any_running(app: &App) -> bool {
    app.runner().has_running()
}
