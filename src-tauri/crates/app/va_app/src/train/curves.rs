//! What becomes of the engine's events: curves to the store and the screen, progress to the job, notes to its log.

use std::time::{Duration, Instant};

use va_domain::{Event, JobProgress, MetricPoint, WeightNames, WeightsReport};
use va_engine::TrainEvent;

use crate::jobs::{self, JobContext};

/// Curves go to the store and to the screen this often.
const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// Points in one event, which keeps a message under 8 KB.
const POINTS_A_MESSAGE: usize = 64;

/// Consumes the events of one run.
pub(super) struct Curves<'a> {
    context: &'a JobContext,
    /// Points that are neither stored nor shown yet.
    points: Vec<MetricPoint>,
    flushed: Instant,
    progress: JobProgress,
}

impl<'a> Curves<'a> {
    pub fn new(context: &'a JobContext) -> Self {
        let progress = JobProgress { unit: "steps".to_owned(), ..JobProgress::default() };
        Self { context, points: Vec::new(), flushed: Instant::now(), progress }
    }

    pub fn event(&mut self, event: &TrainEvent) {
        self.points.extend(event.points());
        match event {
            TrainEvent::RunStarted { steps_per_epoch, epochs, done_steps, .. } => {
                self.started(*steps_per_epoch, *epochs, *done_steps);
            }
            TrainEvent::Step { step, total_steps, epoch, .. } => {
                self.progress.done = *step;
                self.progress.total = *total_steps;
                // After the last step of an epoch the fraction is whole and still belongs to that epoch.
                self.progress.epoch = (epoch.ceil().max(1.0) as u32).min(self.progress.epochs.max(1));
                self.report("training");
            }
            TrainEvent::WeightsLoaded { report } => self.context.note(in_words(report)),
            TrainEvent::ValidationStarted { .. } => self.report("validating"),
            TrainEvent::Note { message } => self.context.note(message.clone()),
            TrainEvent::Finished { .. } => self.flush(),
            TrainEvent::CheckpointSaved { .. } => self.context.confirm(),
            TrainEvent::EpochFinished(_) => {}
        }
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush();
        }
    }

    fn started(&mut self, steps_per_epoch: u32, epochs: u32, done_steps: u64) {
        self.progress.total = u64::from(steps_per_epoch) * u64::from(epochs);
        self.progress.done = done_steps;
        self.progress.epochs = epochs;
        let epochs_done = done_steps.checked_div(u64::from(steps_per_epoch)).unwrap_or(0);
        self.progress.epoch = u32::try_from(epochs_done).unwrap_or(u32::MAX).saturating_add(1).min(epochs);
        // What was drawn after the checkpoint is computed again, and would be in the curves twice.
        if let Err(error) = jobs::cut_metrics(self.context.app(), self.context.id(), done_steps) {
            tracing::warn!(job = %self.context.id(), "cannot shorten the curves: {error:#}");
        }
        if done_steps > 0 {
            self.context.note(format!("goes on from step {done_steps} of {}", self.progress.total));
        }
        self.report("training");
    }

    /// Stores and shows the points so far.
    pub fn flush(&mut self) {
        self.flushed = Instant::now();
        if self.points.is_empty() {
            return;
        }
        let points = std::mem::take(&mut self.points);
        if let Err(error) = jobs::append_metrics(self.context.app(), self.context.id(), &points) {
            // A gap in a curve is no reason to end a run; a full disk will end it at the checkpoint, with advice.
            tracing::warn!(job = %self.context.id(), "cannot store the curves: {error:#}");
        }
        for points in points.chunks(POINTS_A_MESSAGE) {
            let job_id = self.context.id();
            self.context.app().emit(&Event::Metrics { job_id, points: points.to_vec() });
        }
    }

    fn report(&mut self, phase: &str) {
        phase.clone_into(&mut self.progress.phase);
        self.context.report(self.progress.clone());
    }
}

/// What became of the weights, in a line of the job's log; the whole report is kept with the model version.
fn in_words(report: &WeightsReport) -> String {
    let named = |names: &WeightNames| match names.names.first() {
        Some(first) => format!("{} ({first}{})", names.count, if names.count > 1 { ", …" } else { "" }),
        None => "0".to_owned(),
    };
    format!(
        "starts from weights: {} taken, {} resized, {} new for these classes, {} of the file left over",
        report.loaded.count,
        report.resized.count,
        named(&report.new),
        named(&report.skipped)
    )
}

impl Drop for Curves<'_> {
    /// Also after an error: the last points show what went wrong.
    fn drop(&mut self) {
        self.flush();
    }
}
