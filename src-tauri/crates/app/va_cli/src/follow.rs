//! Following a job to its end: a progress bar, Ctrl-C, and an owner that goes away in the middle.

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use va_api::{Client, Events, JobNotes};
use va_domain::{Event, Job, JobId, JobKind, JobState, MetricPoint};
use va_error::{Code, Result};

use crate::session::{Need, Session};
use crate::{interrupt, output};

/// Events may be lost; the job is asked for at least this often.
const ASK_EVERY: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until the job has ended (or was paused elsewhere), showing its progress on stderr. Ctrl-C cancels it.
///
/// # Errors
/// `Io` when the library's owner went away and the library could not be taken over.
pub fn follow(session: &Session, client: &mut Client, job: &Job) -> Result<Job> {
    let mut shown = Shown::new(session.json);
    let outcome = loop {
        match follow_with(client, job.id, &mut shown) {
            // The owner went away: the library is free now, or has another owner.
            Err(error) if error.code() == Code::Io && client.is_attached() => {
                *client = session.connect(Need::Jobs)?;
            }
            outcome => break outcome,
        }
    };
    shown.end();
    outcome
}

fn follow_with(client: &Client, id: JobId, shown: &mut Shown) -> Result<Job> {
    // Before the state is read, so that nothing falls between.
    let events = client.events()?;
    let mut cancelled = false;
    loop {
        let job: Job = client.ask("job_get", json!({ "id": id }))?;
        shown.job(&job);
        if job.kind == JobKind::Train {
            let notes: JobNotes = client.ask("job_notes", json!({ "id": id }))?;
            shown.notes(&notes.notes);
        }
        if has_ended(&job) {
            return Ok(job);
        }
        if interrupt::asked() && !cancelled {
            cancelled = true;
            output::note("stopping … (Ctrl-C again ends at once)");
            let _: Job = client.ask("job_cancel", json!({ "id": id }))?;
        }
        listen(&events, id, shown, cancelled);
    }
}

fn has_ended(job: &Job) -> bool {
    job.state.is_final() || matches!(job.state, JobState::Paused | JobState::Interrupted)
}

/// Shows events until the job must be asked for again.
fn listen(events: &Events, id: JobId, shown: &mut Shown, cancelled: bool) {
    let begun = Instant::now();
    while begun.elapsed() < ASK_EVERY {
        match events.recv_timeout(LOOK_EVERY) {
            Ok(Event::Job { job }) if job.id == id => {
                shown.job(&job);
                if has_ended(&job) {
                    return;
                }
            }
            Ok(Event::Metrics { job_id, points }) if job_id == id => shown.metrics(&points),
            Ok(Event::Lagged) => return,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(LOOK_EVERY);
                return;
            }
        }
        if interrupt::asked() && !cancelled {
            return;
        }
    }
}

/// Progress on stderr: a bar on a terminal, a line a phase or epoch elsewhere, nothing for programs.
pub struct Shown {
    bar: Option<ProgressBar>,
    lines: bool,
    last_line: String,
    metrics: String,
    /// Lines of the job's log that were shown.
    notes: usize,
}

impl Shown {
    pub fn new(json: bool) -> Self {
        let terminal = output::stderr_is_terminal();
        let bar = terminal.then(|| {
            let style = ProgressStyle::with_template("{prefix:<26} {wide_bar:.cyan} {percent:>3} %  {msg}");
            let bar = ProgressBar::new(0);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
            bar
        });
        Self { bar, lines: !terminal && !json, last_line: String::new(), metrics: String::new(), notes: 0 }
    }

    pub fn job(&mut self, job: &Job) {
        let progress = &job.progress;
        let phase = if progress.phase.is_empty() { in_words(job.state) } else { progress.phase.replace('_', " ") };
        let epoch =
            if progress.epochs > 0 { format!("epoch {}/{} ", progress.epoch, progress.epochs) } else { String::new() };
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total.max(1));
            bar.set_position(progress.done.min(progress.total.max(1)));
            bar.set_prefix(format!("{epoch}{phase}"));
            let left = progress.remaining_ms.map(|ms| format!("  {} left", output::duration(ms))).unwrap_or_default();
            bar.set_message(format!("{}{left}", self.metrics));
        } else if self.lines {
            let line = format!("{}: {epoch}{phase}", job.title);
            if line != self.last_line {
                output::note(format!("{line} {}", self.metrics).trim_end());
                self.last_line = line;
            }
        }
    }

    /// What the job says in words: memory that is short, a split that was made. The first line only says who started it.
    fn notes(&mut self, notes: &[String]) {
        for note in notes.iter().skip(self.notes.max(1)) {
            match &self.bar {
                Some(bar) => bar.println(format!("  {note}")),
                None if self.lines => output::note(format!("  {note}")),
                None => {}
            }
        }
        self.notes = notes.len();
    }

    fn metrics(&mut self, points: &[MetricPoint]) {
        let mut shown = Vec::new();
        for (name, label) in [("train/loss", "loss"), ("val/loss", "val loss"), ("val/accuracy", "val accuracy")] {
            if let Some(point) = points.iter().rev().find(|point| point.name == name) {
                shown.push(format!("{label} {:.3}", point.value));
            }
        }
        if !shown.is_empty() {
            self.metrics = shown.join(", ");
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn in_words(state: JobState) -> String {
    format!("{state:?}").to_lowercase()
}
