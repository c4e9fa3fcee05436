use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::{RgbImage, SampleSource, Session, Stop, TrainEvent};
use va_error::{Error, Result};

use super::Found;
use super::sessions::largest_difference;
use crate::course::{Course, Ran, Watcher};
use crate::pictures::Photographs;
use crate::process::resident_bytes;
use crate::sizes::Sizes;
use crate::subject::{Recorded, Subject, line};

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
/// Images of most questions: few enough sizes that the session keeps its plan of each, records it and replays it.
const OFTEN: [usize; 3] = [1, 4, 10];
/// Images of every thirteenth: plans that come, and go before they are recorded.
const NOW_AND_THEN: [usize; 4] = [2, 7, 3, 9];
const NOW_AND_THEN_EVERY: usize = 13;
const IMAGES: usize = 10;
/// Questions before the training begins: enough that passes are recorded.
const ALONE: usize = 3 * OFTEN.len();

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
/// must stay sane, and both must be recorded and replayed.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    let photographs = Photographs::write(&dir.join("photographs"), sizes.photographs, sizes.photograph_px)?;
    let course = |name: &str, epochs: u32, repeats: usize| Course {
        settings: TrainSettings {
            image_size_px: sizes.soak_px,
            batch_size: sizes.soak_batch,
            epochs,
            warmup_epochs: 0.0,
            ..TrainSettings::default()
        },
        train: Arc::new(photographs.repeated(repeats)),
        val: None,
        dir: dir.join(name),
    };
    let first = course("first", 1, 1);
    let mut recorded = vec![subject.recorded()];
    first.run(subject, false, &mut ())?;
    recorded.push(subject.recorded());
    let session = subject.engine.open_session(&first.model_dir())?;
    let images: Vec<RgbImage> = (0..IMAGES).map(|index| photographs.load(index)).collect::<Result<_>>()?;
    let mut questions = Questions::new(session.as_ref(), &images)?;
    (0..ALONE).try_for_each(|_| questions.ask())?;
    recorded.push(subject.recorded());
    let over = AtomicBool::new(false);
    let (trained, answered) = thread::scope(|scope| {
        let beside = scope.spawn(|| questions.ask_until(&over));
        let end = End(&over);
        let trained = train_with_pauses(subject, &course("long", EPOCHS, sizes.photograph_repeats), sizes);
        drop(end);
        let answered = beside.join().unwrap_or_else(|_| Err(Error::internal("the session panicked")));
        (trained, answered)
    });
    recorded.push(subject.recorded());
    let (cycles, ()) = (trained?, answered?);
    found(stream(&cycles));
    found(answers(&questions));
    found(memory(&cycles));
    // Only a card records.
    let recorded: Vec<Recorded> = recorded.into_iter().flatten().collect();
    if subject.card().is_some() || !recorded.is_empty() {
        found(recordings(&recorded));
    }
    Ok(())
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

/// The same images asked again and again, in batches of several sizes.
struct Questions<'a> {
    session: &'a dyn Session,
    images: &'a [RgbImage],
    /// What it said first.
    expected: Vec<Vec<f32>>,
    times: usize,
    largest_difference: f32,
}

impl<'a> Questions<'a> {
    fn new(session: &'a dyn Session, images: &'a [RgbImage]) -> Result<Self> {
        let expected = session.probabilities(images)?;
        Ok(Self { session, images, expected, times: 0, largest_difference: 0.0 })
    }

    fn ask(&mut self) -> Result<()> {
        let some = images_of(self.times);
        let rows = self.session.probabilities(&self.images[..some])?;
        self.largest_difference = self.largest_difference.max(largest_difference(&rows, &self.expected[..some]));
        self.times += 1;
        Ok(())
    }

    /// At least once.
    fn ask_until(&mut self, over: &AtomicBool) -> Result<()> {
        loop {
            self.ask()?;
            if over.load(Ordering::Relaxed) {
                return Ok(());
            }
            thread::sleep(REST);
        }
    }
}

/// Of a question, by its number.
fn images_of(question: usize) -> usize {
    match (question / NOW_AND_THEN_EVERY, question % NOW_AND_THEN_EVERY) {
        (round, at) if at + 1 == NOW_AND_THEN_EVERY => NOW_AND_THEN[round % NOW_AND_THEN.len()],
        (_, at) => OFTEN[at % OFTEN.len()],
    }
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

fn answers(questions: &Questions<'_>) -> Value {
    let passed = questions.largest_difference <= TOLERANCE;
    let figures = json!({
        "times": questions.times, "largest_difference": questions.largest_difference, "limit": TOLERANCE,
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

/// What was recorded at first, after a training, after the session's first answers and in the end: each of the three whiles
/// records, and nothing is refused.
fn recordings(recorded: &[Recorded]) -> Value {
    let made: Vec<u64> = recorded.windows(2).map(|pair| pair[1].made.saturating_sub(pair[0].made)).collect();
    let refused = recorded.last().map(|last| last.refused.clone()).unwrap_or_default();
    let passed = made.len() == 3 && made.iter().all(|&made| made > 0) && refused.is_empty();
    let figures = json!({
        "by_training": made.first(), "by_session": made.get(1), "side_by_side": made.get(2), "refused": refused,
    });
    line("training and session are recorded", passed, figures)
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

    #[test]
    fn what_is_not_recorded_or_refused_is_seen() {
        let recorded = |made: u64, refused: &[&str]| Recorded {
            made,
            refused: refused.iter().map(|&why| why.to_owned()).collect(),
        };
        let passed = |all: &[Recorded]| recordings(all)["passed"] == true;
        let [none, trained, asked, both] = [0, 2, 5, 9].map(|made| recorded(made, &[]));
        assert!(passed(&[none.clone(), trained.clone(), asked.clone(), both.clone()]));
        assert!(!passed(&[none.clone(), trained.clone(), asked.clone(), recorded(9, &["forward pass: no"])]));
        assert!(!passed(&[none.clone(), none.clone(), asked.clone(), both.clone()]), "the training records nothing");
        assert!(!passed(&[none.clone(), trained.clone(), trained.clone(), both]), "the session records nothing");
        assert!(!passed(&[none, trained, asked.clone(), asked]), "nothing is recorded side by side");
        assert!(!passed(&[]), "a card that says nothing of it");
    }

    /// With the plans that a network keeps, the least recently used going first.
    #[test]
    fn sizes_that_are_asked_often_keep_their_plans_and_others_come_and_go() {
        let (mut kept, mut hits, mut made) = (Vec::<usize>::new(), [0; IMAGES + 1], [0; IMAGES + 1]);
        for images in (0..200).map(images_of) {
            match kept.iter().position(|&size| size == images) {
                Some(at) => {
                    kept.remove(at);
                    hits[images] += 1;
                }
                None => made[images] += 1,
            }
            kept.push(images);
            if kept.len() > 4 {
                kept.remove(0);
            }
        }
        assert!(OFTEN.iter().all(|&size| made[size] == 1 && hits[size] > 50), "{made:?} {hits:?}");
        assert!(NOW_AND_THEN.iter().all(|&size| made[size] > 2 && hits[size] == 0), "{made:?} {hits:?}");
        let alone: Vec<usize> = (0..ALONE).map(images_of).collect();
        assert!(OFTEN.iter().all(|size| alone.iter().filter(|asked| *asked == size).count() > 2));
    }
}
