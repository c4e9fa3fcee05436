//! Threads that take jobs from the queue in the store: one lane trains, one downloads, two do everything else.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use va_domain::{Entity, Event, Job, JobId, JobKind, JobState, now_ms};
use va_error::{Code, Context, Result};

use super::context::{JobContext, folder_of};
use super::stop::{Reason, StopToken};
use super::{rows, works};
use crate::{App, WeakApp};

/// Which jobs a lane takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// At most one at a time: two runs would only share the same cores and memory.
    Train,
    Light,
    /// Downloads wait for others most of the time: they do not keep a light lane busy.
    Network,
}

impl Lane {
    pub fn kinds(self) -> &'static [JobKind] {
        match self {
            Self::Train => &[JobKind::Train],
            Self::Light => &[
                JobKind::Import,
                JobKind::DatasetExport,
                JobKind::Evaluate,
                JobKind::ModelExport,
                JobKind::WeightsInstall,
                JobKind::GpuPackInstall,
                JobKind::GpuPackVerify,
            ],
            Self::Network => &[JobKind::WeightsDownload, JobKind::GpuPackDownload],
        }
    }
}

const LANES: [(&str, Lane); 4] = [
    ("job-train", Lane::Train),
    ("job-light-1", Lane::Light),
    ("job-light-2", Lane::Light),
    ("job-network", Lane::Network),
];

/// The job threads of one open library.
#[derive(Default)]
pub struct Runner {
    pub(super) shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads share; it outlives the library's handle so that a thread can wait without holding the library.
#[derive(Default)]
pub(super) struct Shared {
    /// Held while a job changes between queued and running, so that a cancel cannot fall between.
    pub inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Default)]
pub(super) struct Inner {
    pub running: HashMap<JobId, Arc<StopToken>>,
    training: usize,
    closing: bool,
}

impl Runner {
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the lanes: something was queued.
    pub(super) fn wake(&self) {
        // The lock orders this after a lane that has just found the queue empty and is about to wait.
        drop(self.shared.inner.lock());
        self.shared.wake.notify_all();
    }

    pub(crate) fn has_running(&self) -> bool {
        !self.shared.inner.lock().running.is_empty()
    }

    pub(crate) fn is_training(&self) -> bool {
        self.shared.inner.lock().training > 0
    }

    pub(super) fn is_closing(&self) -> bool {
        self.shared.inner.lock().closing
    }

    pub(super) fn spawn(&self, app: &App) -> Result<()> {
        let mut threads = self.threads.lock();
        for (name, lane) in LANES {
            let (shared, weak) = (Arc::clone(&self.shared), app.downgrade());
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || run_lane(&shared, &weak, lane))
                .context("cannot start a thread for jobs")?;
            threads.push(thread);
        }
        let (shared, weak) = (Arc::clone(&self.shared), app.downgrade());
        let ticker = std::thread::Builder::new()
            .name("resources".to_owned())
            .spawn(move || run_ticker(&shared, &weak))
            .context("cannot start the thread that watches the machine")?;
        threads.push(ticker);
        Ok(())
    }

    /// Asks every running work to checkpoint and stop, and waits for the threads.
    pub(super) fn close(&self) {
        self.ask_to_close();
        let own = std::thread::current().id();
        for thread in self.threads.lock().drain(..).filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a job thread ended with a panic");
            }
        }
    }

    fn ask_to_close(&self) {
        let mut inner = self.shared.inner.lock();
        inner.closing = true;
        for stop in inner.running.values() {
            stop.ask(Reason::Close);
        }
        drop(inner);
        self.shared.wake.notify_all();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Without a join: the last handle may be dropped by one of the threads.
        self.ask_to_close();
    }
}

fn run_lane(shared: &Shared, weak: &WeakApp, lane: Lane) {
    loop {
        let mut inner = shared.inner.lock();
        if inner.closing {
            return;
        }
        let Some(app) = weak.upgrade() else { return };
        match claim(&app, &mut inner, lane) {
            Ok(Some((job, stop))) => {
                drop(inner);
                run_job(&app, job, &stop, shared, lane);
            }
            Ok(None) => {
                drop(app);
                shared.wake.wait(&mut inner);
            }
            Err(error) => {
                drop(app);
                tracing::error!("cannot read the job queue, trying again in 5 s: {error:#}");
                shared.wake.wait_for(&mut inner, Duration::from_secs(5));
            }
        }
    }
}

/// The oldest queued job of the lane, now running. Called with the lock held.
fn claim(app: &App, inner: &mut Inner, lane: Lane) -> Result<Option<(Job, Arc<StopToken>)>> {
    let Some(mut job) = rows::next_queued(app, lane.kinds())? else { return Ok(None) };
    job.state = JobState::Running;
    job.started_ms = Some(now_ms());
    job.ended_ms = None;
    job.error = None;
    rows::save(app, &job)?;
    let stop = Arc::new(StopToken::default());
    inner.running.insert(job.id, Arc::clone(&stop));
    inner.training += usize::from(lane == Lane::Train);
    Ok(Some((job, stop)))
}

fn run_job(app: &App, job: Job, stop: &Arc<StopToken>, shared: &Shared, lane: Lane) {
    let id = job.id;
    app.emit(&Event::Job { job: job.clone() });
    let actor = rows::actor_name(app, id).unwrap_or_else(|_| "owner".to_owned());
    let context = JobContext::new(app.clone(), actor, job, Arc::clone(stop));
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| works::run(&context)));
    context.take_title();
    let mut job = context.job();
    settle(&mut job, outcome, stop.reason());
    {
        let mut inner = shared.inner.lock();
        inner.running.remove(&id);
        inner.training -= usize::from(lane == Lane::Train);
        if let Err(error) = rows::save(app, &job) {
            tracing::error!(job = %id, state = ?job.state, "cannot store the end of a job: {error:#}");
        }
    }
    clear_folder(app, &job);
    if let Some(message) = &job.error {
        tracing::warn!(job = %id, kind = ?job.kind, "{message}");
    }
    app.emit(&Event::Job { job: job.clone() });
    app.emit(&Event::Changed { entity: Entity::Job, ids: vec![id.0], dataset_id: job.dataset_id });
}

/// The end of a work becomes the job's state.
fn settle(job: &mut Job, outcome: std::thread::Result<Result<serde_json::Value>>, reason: Reason) {
    job.progress.remaining_ms = None;
    job.ended_ms = Some(now_ms());
    match outcome {
        Ok(Ok(result)) => {
            job.state = JobState::Succeeded;
            job.result = Some(result);
        }
        Ok(Err(error)) if error.code() == Code::Cancelled => {
            job.state = match reason {
                Reason::Pause => JobState::Paused,
                Reason::Close => JobState::Queued,
                Reason::Cancel | Reason::None => JobState::Cancelled,
            };
            if !job.state.is_final() {
                job.ended_ms = None;
            }
        }
        Ok(Err(error)) => {
            job.state = JobState::Failed;
            job.error = Some(error.chain());
        }
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            job.state = JobState::Failed;
            job.error = Some(format!(
                "The job met a defect of VisAIon and was stopped ({what}). Everything confirmed before is safe. \
                 Start it again; if it fails again, write a diagnostics file and report it."
            ));
        }
    }
}

/// Removes what only an unfinished job needs. Training that did not succeed keeps its checkpoints for a resume.
fn clear_folder(app: &App, job: &Job) {
    let keep = match job.state {
        JobState::Succeeded => false,
        JobState::Cancelled | JobState::Failed => job.kind == JobKind::Train || job.kind == JobKind::ModelExport,
        _ => true,
    };
    let folder = folder_of(app.library_dir(), job.id);
    if !keep
        && folder.exists()
        && let Err(error) = std::fs::remove_dir_all(&folder)
    {
        tracing::warn!("cannot remove {}: {error}", folder.display());
    }
}

/// The first tidying waits until the window has come up.
const TIDY_AFTER: Duration = Duration::from_secs(30);
const TIDY_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Measures the machine once a second until the library closes, and tidies up now and then when no job runs.
fn run_ticker(shared: &Shared, weak: &WeakApp) {
    let mut next = Instant::now();
    let mut tidy_at = next + TIDY_AFTER;
    loop {
        {
            let mut inner = shared.inner.lock();
            while !inner.closing && Instant::now() < next {
                shared.wake.wait_until(&mut inner, next);
            }
            if inner.closing {
                return;
            }
        }
        next = Instant::now() + Duration::from_secs(1);
        let Some(app) = weak.upgrade() else { return };
        let training = app.runner().is_training();
        crate::resources::tick(&app, training);
        if Instant::now() >= tidy_at && !app.runner().has_running() {
            crate::purge::tidy(&app);
            tidy_at = Instant::now() + TIDY_EVERY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use va_domain::{JobId, JobProgress};
    use va_error::Error;

    fn job() -> Job {
        Job {
            id: JobId::new(),
            kind: JobKind::Train,
            state: JobState::Running,
            title: String::new(),
            project_id: None,
            dataset_id: None,
            progress: JobProgress::default(),
            params: json!({}),
            result: None,
            error: None,
            created_ms: 0,
            started_ms: Some(1),
            ended_ms: None,
        }
    }

    fn settled(outcome: std::thread::Result<Result<serde_json::Value>>, reason: Reason) -> Job {
        let mut job = job();
        settle(&mut job, outcome, reason);
        job
    }

    #[test]
    fn every_end_of_a_work_has_its_state() {
        let done = settled(Ok(Ok(json!({"n": 1}))), Reason::Cancel);
        assert_eq!((done.state, done.result), (JobState::Succeeded, Some(json!({"n": 1}))), "done is done");
        let stopped = |reason| settled(Ok(Err(Error::cancelled())), reason);
        assert_eq!(stopped(Reason::Cancel).state, JobState::Cancelled);
        assert_eq!(stopped(Reason::Pause).state, JobState::Paused);
        assert_eq!(stopped(Reason::Pause).ended_ms, None);
        assert_eq!(stopped(Reason::Close).state, JobState::Queued);
        let failed = settled(Ok(Err(Error::invalid("the split is empty"))), Reason::None);
        assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("the split is empty")));
    }

    #[test]
    fn a_panic_is_a_failed_job_with_advice() {
        let failed = settled(Err(Box::new("index out of range")), Reason::None);
        assert_eq!(failed.state, JobState::Failed);
        let message = failed.error.unwrap();
        assert!(message.contains("index out of range") && message.contains("safe"), "{message}");
    }

    #[test]
    fn training_has_its_own_lane() {
        for kind in [JobKind::Import, JobKind::DatasetExport, JobKind::Evaluate, JobKind::ModelExport] {
            assert!(Lane::Light.kinds().contains(&kind) && !Lane::Train.kinds().contains(&kind));
        }
        assert_eq!(Lane::Train.kinds(), [JobKind::Train]);
        assert_eq!(Lane::Network.kinds(), [JobKind::WeightsDownload, JobKind::GpuPackDownload]);
    }
}
