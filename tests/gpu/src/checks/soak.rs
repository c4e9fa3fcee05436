use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::{RgbImage, SampleSource, Session, Stop, TrainEvent};
use va_error::{Error, Result};

use super::sessions::largest_difference;
use crate::course::{Course, Ran, Watcher};
use crate::pictures::Photographs;
use crate::process::resident_bytes;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// Pauses after which memory should grow no more, and pauses at least.
const WARM_UP: usize = 2;
const LEAST_PAUSES: usize = 4;
/// More epochs than the time is long enough for.
const EPOCHS: u32 = 10_000;
/// What may come and go: pools, fragments.
const CARD_SLACK_BYTES: u64 = 64 << 20;
const PROCESS_SLACK_BYTES: u64 = 192 << 20;
/// Of the same probabilities asked again and again.
const TOLERANCE: f32 = 1e-5;
/// Between two questions to the session.
const REST: Duration = Duration::from_millis(20);

/// Pauses so long after the first step that was heard.
struct Clock {
    began: Option<Instant>,
    pause_after: Duration,
}

impl Watcher for Clock {
    fn event(&mut self, event: &TrainEvent) {
        if matches!(event, TrainEvent::Step { .. }) {
            self.began.get_or_insert_with(Instant::now);
        }
    }

    fn should_stop(&mut self) -> Stop {
        let is_over = self.began.is_some_and(|began| began.elapsed() >= self.pause_after);
        if is_over { Stop::Pause } else { Stop::Continue }
    }
}

/// Training on JPEG files, paused and resumed, while a session answers beside it: memory must not grow, losses and answers
/// must stay sane.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path) -> Result<Vec<Value>> {
    let photographs = Photographs::write(&dir.join("photographs"), sizes.photographs, sizes.photograph_px)?;
    let photographs = Arc::new(photographs);
    let course = |name: &str, epochs: u32| Course {
        settings: TrainSettings {
            image_size_px: sizes.soak_px,
            batch_size: sizes.soak_batch,
            epochs,
            warmup_epochs: 0.0,
            ..TrainSettings::default()
        },
        train: photographs.clone(),
        val: None,
        dir: dir.join(name),
    };
    let first = course("first", 1);
    first.run(subject, false, &mut ())?;
    let session = subject.engine.open_session(&first.model_dir())?;
    let images: Vec<RgbImage> = (0..10).map(|index| photographs.load(index)).collect::<Result<_>>()?;
    let over = AtomicBool::new(false);
    let (trained, answered) = thread::scope(|scope| {
        let beside = scope.spawn(|| ask_until(&over, session.as_ref(), &images));
        let end = End(&over);
        let trained = train_with_pauses(subject, &course("long", EPOCHS), sizes);
        drop(end);
        let answered = beside.join().unwrap_or_else(|_| Err(Error::internal("the session panicked")));
        (trained, answered)
    });
    let (cycles, answered) = (trained?, answered?);
    Ok(vec![stream(&cycles), answers(&answered), memory(&cycles)])
}

/// Ends the questions, also where the training panics: the thread that asks would never be joined.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A stretch of training between two pauses.
struct Cycle {
    ran: Ran,
    free_bytes: Option<u64>,
    resident_bytes: Option<u64>,
}

fn train_with_pauses(subject: &Subject<'_>, course: &Course, sizes: &Sizes) -> Result<Vec<Cycle>> {
    let began = Instant::now();
    let mut cycles = Vec::new();
    while began.elapsed() < sizes.soak || cycles.len() < LEAST_PAUSES {
        let mut clock = Clock { began: None, pause_after: sizes.soak_pause_every };
        let ran = course.run(subject, !cycles.is_empty(), &mut clock)?;
        cycles.push(Cycle { ran, free_bytes: subject.free_bytes(), resident_bytes: resident_bytes() });
    }
    Ok(cycles)
}

/// What a session said to the same images.
struct Answered {
    times: usize,
    largest_difference: f32,
}

fn ask_until(over: &AtomicBool, session: &dyn Session, images: &[RgbImage]) -> Result<Answered> {
    let expected = session.probabilities(images)?;
    let mut answered = Answered { times: 0, largest_difference: 0.0 };
    while !over.load(Ordering::Relaxed) || answered.times == 0 {
        // In batches of other sizes too.
        let some = 1 + answered.times % images.len();
        let apart = largest_difference(&session.probabilities(&images[..some])?, &expected[..some]);
        answered.largest_difference = answered.largest_difference.max(apart);
        answered.times += 1;
        thread::sleep(REST);
    }
    Ok(answered)
}

/// Every step was heard once and in order over all pauses, and had a loss.
fn stream(cycles: &[Cycle]) -> Value {
    let mut heard = Vec::new();
    for event in cycles.iter().flat_map(|cycle| &cycle.ran.events) {
        if let TrainEvent::Step { step, loss, .. } = event {
            heard.push((*step, *loss));
        }
    }
    let in_order = heard.iter().zip(1..).all(|((step, _), expected)| *step == expected);
    let finite = heard.iter().all(|(_, loss)| loss.is_finite());
    let figures = json!({
        "pauses": cycles.len(), "steps": heard.len(), "in_order": in_order, "finite": finite,
        "first_loss": heard.first().map(|(_, loss)| loss), "last_loss": heard.last().map(|(_, loss)| loss),
    });
    line("steps over pauses", !heard.is_empty() && in_order && finite, figures)
}

fn answers(answered: &Answered) -> Value {
    let passed = answered.largest_difference <= TOLERANCE;
    let figures = json!({
        "times": answered.times, "largest_difference": answered.largest_difference, "limit": TOLERANCE,
    });
    line("answers of a session beside the training", passed, figures)
}

/// Lost on the card, grown in the process, from the end of the warm-up to the end.
fn memory(cycles: &[Cycle]) -> Value {
    let (begin, end) = (&cycles[WARM_UP.min(cycles.len() - 1)], &cycles[cycles.len() - 1]);
    let lost = begin.free_bytes.zip(end.free_bytes).map(|(begin, end)| begin.saturating_sub(end));
    let grown = begin.resident_bytes.zip(end.resident_bytes).map(|(begin, end)| end.saturating_sub(begin));
    let passed =
        lost.is_none_or(|bytes| bytes <= CARD_SLACK_BYTES) && grown.is_none_or(|bytes| bytes <= PROCESS_SLACK_BYTES);
    let figures = json!({
        "card_lost_bytes": lost, "card_limit_bytes": CARD_SLACK_BYTES, "process_grown_bytes": grown,
        "process_limit_bytes": PROCESS_SLACK_BYTES, "resident_bytes": end.resident_bytes,
    });
    line("memory does not grow", passed, figures)
}

#[cfg(test)]
mod tests {
    use va_engine::{Ending, TrainOutcome};

    use super::*;

    fn cycle(steps: &[(u64, f64)], free_bytes: u64, resident_bytes: u64) -> Cycle {
        let step = |&(step, loss): &(u64, f64)| TrainEvent::Step {
            step,
            total_steps: 9,
            epoch: 0.0,
            loss,
            learning_rate: 0.1,
            grad_norm: 1.0,
            images_per_s: 1.0,
            data_wait: 0.0,
        };
        let outcome = TrainOutcome {
            engine_version: String::new(),
            ending: Ending::Paused,
            steps: 0,
            best: None,
            metrics: Default::default(),
            weights_hash: None,
            initial_weights: None,
        };
        let ran = Ran { outcome, events: steps.iter().map(step).collect() };
        Cycle { ran, free_bytes: Some(free_bytes), resident_bytes: Some(resident_bytes) }
    }

    #[test]
    fn a_lost_step_a_repeated_one_and_a_loss_that_is_none_are_seen() {
        let passed = |a: &[(u64, f64)], b: &[(u64, f64)]| stream(&[cycle(a, 0, 0), cycle(b, 0, 0)])["passed"] == true;
        assert!(passed(&[(1, 0.5), (2, 0.4)], &[(3, 0.3)]));
        assert!(!passed(&[(1, 0.5), (2, 0.4)], &[(4, 0.3)]));
        assert!(!passed(&[(1, 0.5), (2, 0.4)], &[(2, 0.3)]));
        assert!(!passed(&[(1, 0.5)], &[(2, f64::NAN)]));
        assert!(!passed(&[], &[]));
    }

    #[test]
    fn memory_that_is_lost_after_the_warm_up_is_seen() {
        let passed = |cycles: &[(u64, u64)]| {
            let cycles: Vec<Cycle> =
                cycles.iter().map(|&(free, resident)| cycle(&[], free << 20, resident << 20)).collect();
            memory(&cycles)["passed"] == true
        };
        assert!(passed(&[(900, 100), (700, 500), (600, 600), (590, 620), (580, 650)]));
        assert!(!passed(&[(900, 100), (700, 500), (600, 600), (550, 620), (500, 650)]), "the card loses 100 MiB");
        assert!(!passed(&[(900, 100), (700, 500), (600, 600), (600, 700), (600, 800)]), "the process grows by 200 MiB");
    }
}
