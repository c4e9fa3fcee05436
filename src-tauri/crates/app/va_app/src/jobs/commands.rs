//! What people and programs may do with jobs.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::{
    Actor, DatasetId, Entity, Event, Job, JobId, JobKind, JobProgress, JobState, MetricSeries, Page, ProjectId, Role,
    TrainRequest, check_name, now_ms,
};
use va_error::{Error, Result};

use super::context::folder_of;
use super::rows;
use super::stop::Reason;
use crate::App;
use crate::app::require;

/// Begins the line of a resume by hand.
pub(super) const RESUMED_BY: &str = "resumed by ";

/// A job to be put into the queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub kind: JobKind,
    /// For the job list: `tile-defects · resnet18`.
    pub title: String,
    pub project_id: Option<ProjectId>,
    pub dataset_id: Option<DatasetId>,
    pub params: Value,
}

/// Which jobs; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobListRequest {
    pub kind: Option<JobKind>,
    pub state: Option<JobState>,
    pub project_id: Option<ProjectId>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// Writes the row and wakes the lanes.
///
/// # Errors
/// When the row cannot be written.
pub fn submit(app: &App, actor: &Actor, new: NewJob) -> Result<Job> {
    submit_with_notes(app, actor, new, &[])
}

/// As [`submit`], with lines that its log begins with.
pub(crate) fn submit_with_notes(app: &App, actor: &Actor, new: NewJob, notes: &[String]) -> Result<Job> {
    let job = Job {
        id: JobId::new(),
        kind: new.kind,
        state: JobState::Queued,
        title: new.title,
        project_id: new.project_id,
        dataset_id: new.dataset_id,
        progress: JobProgress::default(),
        params: new.params,
        result: None,
        error: None,
        created_ms: now_ms(),
        started_ms: None,
        ended_ms: None,
    };
    rows::insert(app, actor, &job, notes)?;
    announce(app, &job);
    app.runner().wake();
    Ok(job)
}

/// Starts a training run (`POST /jobs`).
///
/// # Errors
/// As [`crate::train::start`].
pub fn create(app: &App, actor: &Actor, request: &TrainRequest) -> Result<Job> {
    crate::train::start(app, actor, request)
}

/// # Errors
/// `InvalidInput` for a cursor that is not ours.
pub fn list(app: &App, request: &JobListRequest) -> Result<Page<Job>> {
    rows::list(app, request)
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: JobId) -> Result<Job> {
    rows::get(app, id)
}

/// The curves of a training run.
///
/// # Errors
/// `NotFound`.
pub fn metrics(app: &App, id: JobId) -> Result<Vec<MetricSeries>> {
    rows::get(app, id)?;
    rows::metrics(app, id)
}

/// What the job said while it ran, oldest first.
///
/// # Errors
/// `NotFound`.
pub fn notes(app: &App, id: JobId) -> Result<Vec<String>> {
    rows::get(app, id)?;
    rows::log(app, id)
}

/// Names a job anew, in whatever state it is.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a title that is empty, too long or not one line.
pub fn update(app: &App, actor: &Actor, id: JobId, title: &str) -> Result<Job> {
    require(actor, Role::Owner)?;
    let title = check_name("job", title)?;
    rows::rename(app, id, &title)?;
    let job = rows::get(app, id)?;
    announce(app, &job);
    Ok(job)
}

/// Asks a running job to stop for good; one that waits is cancelled at once.
///
/// # Errors
/// `NotFound`, or `Conflict` when it has already ended.
pub fn cancel(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    require(actor, Role::Annotator)?;
    stop(app, actor, id, Reason::Cancel, JobState::Cancelled)
}

/// Asks a running job to keep what it has and wait; `resume` goes on from there.
///
/// # Errors
/// `NotFound`, or `Conflict` when it has already ended.
pub fn pause(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    require(actor, Role::Owner)?;
    stop(app, actor, id, Reason::Pause, JobState::Paused)
}

fn stop(app: &App, actor: &Actor, id: JobId, reason: Reason, waiting_becomes: JobState) -> Result<Job> {
    let inner = app.runner().shared.inner.lock();
    let mut job = rows::get(app, id)?;
    let asked = format!("asked to become {} by {}", word(waiting_becomes), actor.name);
    if let Some(token) = inner.running.get(&id) {
        rows::note(app, id, &asked)?;
        token.ask(reason);
        return Ok(job);
    }
    if job.state.is_final() {
        return Err(Error::conflict(format!("the job has already ended ({})", word(job.state))));
    }
    if job.state != waiting_becomes {
        rows::note(app, id, &asked)?;
        job.state = waiting_becomes;
        job.ended_ms = waiting_becomes.is_final().then(now_ms);
        rows::save(app, &job)?;
        drop(inner);
        announce(app, &job);
    }
    Ok(job)
}

/// Queues a paused or interrupted job again, or a failed or cancelled training that has a checkpoint.
///
/// # Errors
/// `NotFound`, or `Conflict` when there is nothing to resume.
pub fn resume(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    require(actor, Role::Owner)?;
    let inner = app.runner().shared.inner.lock();
    let mut job = rows::get(app, id)?;
    if inner.running.contains_key(&id) {
        return Err(Error::conflict("the job is running; if it was asked to pause, wait until it has"));
    }
    match job.state {
        JobState::Queued => return Ok(job),
        JobState::Paused | JobState::Interrupted => {}
        JobState::Failed | JobState::Cancelled if crate::train::has_checkpoint(app, &job) => {}
        state => {
            let word = word(state);
            return Err(Error::conflict(format!(
                "the job is {word} and has no checkpoint to go on from; start it anew"
            )));
        }
    }
    rows::note(app, id, &format!("{RESUMED_BY}{}", actor.name))?;
    job.state = JobState::Queued;
    job.error = None;
    job.ended_ms = None;
    rows::save(app, &job)?;
    drop(inner);
    announce(app, &job);
    app.runner().wake();
    Ok(job)
}

/// Removes an ended job, its log, curves and checkpoints. Models that it made stay.
///
/// # Errors
/// `NotFound`, or `Conflict` while it has not ended.
pub fn delete(app: &App, actor: &Actor, id: JobId) -> Result<()> {
    require(actor, Role::Owner)?;
    let job = rows::get(app, id)?;
    if !job.state.is_final() {
        return Err(Error::conflict("only an ended job can be deleted; cancel it first"));
    }
    rows::delete(app, id)?;
    tracing::info!(job = %id, by = actor.name, "job deleted");
    let folder = folder_of(app.library_dir(), id);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    app.emit(&Event::Changed { entity: Entity::Job, ids: vec![id.0], dataset_id: job.dataset_id });
    Ok(())
}

/// Blocks until the job has ended or waits for a person (paused, interrupted), showing every change to `each`.
///
/// # Errors
/// `NotFound`, or `Cancelled` when the library is closed meanwhile (the job goes on at the next open).
pub fn wait(app: &App, id: JobId, mut each: impl FnMut(&Job)) -> Result<Job> {
    // Listening begins before the row is read, so that an end between the two is not missed.
    let events = app.subscribe();
    let over = |job: &Job| job.state.is_final() || matches!(job.state, JobState::Paused | JobState::Interrupted);
    let mut job = rows::get(app, id)?;
    each(&job);
    while !over(&job) {
        if app.runner().is_closing() {
            return Err(Error::cancelled());
        }
        match events.recv_timeout(Duration::from_secs(1)) {
            Ok(Event::Job { job: changed }) if changed.id == id => job = changed,
            // The row is the truth; events may be missed by a slow listener.
            Ok(Event::Lagged) | Err(_) => job = rows::get(app, id)?,
            Ok(_) => continue,
        }
        each(&job);
    }
    Ok(job)
}

fn announce(app: &App, job: &Job) {
    app.emit(&Event::Job { job: job.clone() });
    app.emit(&Event::Changed { entity: Entity::Job, ids: vec![job.id.0], dataset_id: job.dataset_id });
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Interrupted => "interrupted",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}
