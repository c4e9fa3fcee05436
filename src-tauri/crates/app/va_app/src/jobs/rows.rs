//! The job's tables behind the store's door. Everything here is quiet: jobs are neither undone nor audited; what a job
//! changes is.

use va_domain::{
    Actor, Job, JobId, JobKind, JobProgress, JobState, MetricPoint, MetricSeries, Origin, Page, PageRequest,
};
use va_error::Result;
use va_store::Op;
use va_store::table::jobs::JobFilter;

use super::JobListRequest;
use crate::App;

/// Begins the line that says on whose behalf a job runs.
const STARTED_BY: &str = "started by ";
/// Begins the line of a job that was found running at start-up; its progress follows.
const INTERRUPTED_AT: &str = "interrupted at ";

fn nobody() -> Actor {
    Actor { name: "jobs".to_owned(), ..Actor::owner(Origin::Job) }
}

fn quietly(app: &App, name: &'static str, change: impl FnOnce(&va_store::Tx<'_>) -> Result<()>) -> Result<()> {
    app.store().transact(&nobody(), Op::quiet(name), change).map(|_| ())
}

/// A new job and, in its log, who started it.
pub(super) fn insert(app: &App, actor: &Actor, job: &Job, notes: &[String]) -> Result<()> {
    quietly(app, "job_create", |tx| {
        tx.jobs_mut().insert(job)?;
        tx.job_events_mut().append(job.id, &format!("{STARTED_BY}{}", actor.name))?;
        notes.iter().try_for_each(|note| tx.job_events_mut().append(job.id, note))
    })
}

/// On whose behalf the job runs.
pub(super) fn actor_name(app: &App, id: JobId) -> Result<String> {
    let name = log(app, id)?.iter().find_map(|line| Some(line.strip_prefix(STARTED_BY)?.to_owned()));
    Ok(name.unwrap_or_else(|| Actor::owner(Origin::Job).name))
}

pub(super) fn get(app: &App, id: JobId) -> Result<Job> {
    app.store().read(|read| read.jobs().get(id))
}

pub(super) fn list(app: &App, request: &JobListRequest) -> Result<Page<Job>> {
    let filter = JobFilter { kind: request.kind, state: request.state, project_id: request.project_id };
    let page = PageRequest { limit: request.limit, cursor: request.cursor.clone() };
    app.store().read(|read| read.jobs().list(&filter, &page))
}

/// Oldest first.
pub(super) fn in_state(app: &App, state: JobState) -> Result<Vec<Job>> {
    app.store().read(|read| read.jobs().in_state(state))
}

/// The oldest queued job of one of `kinds`.
pub(super) fn next_queued(app: &App, kinds: &[JobKind]) -> Result<Option<Job>> {
    Ok(in_state(app, JobState::Queued)?.into_iter().find(|job| kinds.contains(&job.kind)))
}

pub(super) fn rename(app: &App, id: JobId, title: &str) -> Result<()> {
    quietly(app, "job_rename", |tx| tx.jobs_mut().rename(id, title))
}

/// State, progress, result and times; not the title, which a person may change meanwhile.
pub(super) fn save(app: &App, job: &Job) -> Result<()> {
    quietly(app, "job_update", |tx| tx.jobs_mut().update(job))
}

pub(super) fn save_progress(app: &App, id: JobId, progress: &JobProgress) -> Result<()> {
    quietly(app, "job_progress", |tx| tx.jobs_mut().set_progress(id, progress))
}

/// Adds a line to the job's log.
pub(super) fn note(app: &App, id: JobId, message: &str) -> Result<()> {
    quietly(app, "job_note", |tx| tx.job_events_mut().append(id, message))
}

/// The job was found running at start-up: its state and where it was.
pub(super) fn interrupt(app: &App, job: &Job) -> Result<()> {
    quietly(app, "job_interrupt", |tx| {
        tx.jobs_mut().update(job)?;
        tx.job_events_mut().append(job.id, &format!("{INTERRUPTED_AT}{}", job.progress.done))
    })
}

/// Where the job was interrupted, oldest first. A resume by hand begins a new list.
pub(super) fn interruptions(app: &App, id: JobId) -> Result<Vec<String>> {
    let log = log(app, id)?;
    let from = log.iter().rposition(|line| line.starts_with(super::commands::RESUMED_BY)).map_or(0, |at| at + 1);
    Ok(log[from..].iter().filter_map(|line| Some(line.strip_prefix(INTERRUPTED_AT)?.to_owned())).collect())
}

/// Every line of the job's log, oldest first.
pub(super) fn log(app: &App, id: JobId) -> Result<Vec<String>> {
    let events = app.store().read(|read| read.job_events().of(id))?;
    Ok(events.into_iter().map(|event| event.message).collect())
}

pub(super) fn delete(app: &App, id: JobId) -> Result<()> {
    quietly(app, "job_delete", |tx| tx.jobs_mut().delete(id))
}

pub(super) fn metrics(app: &App, id: JobId) -> Result<Vec<MetricSeries>> {
    app.store().read(|read| read.metrics().series(id))
}

/// Adds points to a job's curves; what is no number cannot be drawn, nor travel as JSON.
pub(crate) fn append_metrics(app: &App, id: JobId, points: &[MetricPoint]) -> Result<()> {
    let points: Vec<MetricPoint> = points.iter().filter(|point| point.value.is_finite()).cloned().collect();
    quietly(app, "job_metrics", |tx| tx.metrics_mut().append(id, &points))
}

/// Drops the points behind `step`.
pub(crate) fn cut_metrics(app: &App, id: JobId, step: u64) -> Result<()> {
    quietly(app, "job_metrics", |tx| tx.metrics_mut().truncate_after(id, step))
}
