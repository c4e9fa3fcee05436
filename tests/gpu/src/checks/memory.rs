use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::{BatchRequest, DataSize, RgbImage, SampleSource, Stop, TrainEvent};
use va_error::{Error, Result};

use super::Found;
use super::sessions::largest_difference;
use crate::course::{Course, Ran, Watcher};
use crate::pictures::Pictures;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

const TRAIN: usize = 4;
const VAL: usize = 16;
/// Between the memory that a whole batch needs and that of its half, which is 1: room for the kernels' scratch memory.
const LEFT: f64 = 1.5;
/// Of a probability, where the bits are not the same: statistics that moved twice are further away.
const TOLERANCE: f32 = 1e-4;

/// Takes the card's memory as the first batch is asked for, when the run has decided that the batch fits; pauses after an
/// epoch.
struct Taker<'a> {
    subject: &'a Subject<'a>,
    leave_bytes: u64,
    taken: bool,
    epochs: u32,
}

impl Watcher for Taker<'_> {
    fn before_batch(&mut self, _: &BatchRequest) -> Result<()> {
        if !self.taken {
            self.subject.hold(self.leave_bytes)?;
            self.taken = true;
        }
        Ok(())
    }

    fn event(&mut self, event: &TrainEvent) {
        if let TrainEvent::EpochFinished(metrics) = event {
            self.epochs = metrics.epoch;
        }
    }

    fn should_stop(&mut self) -> Stop {
        if self.epochs >= 1 { Stop::Pause } else { Stop::Continue }
    }
}

/// Memory that ends in the middle of a run: the run goes on in smaller parts, says so, and ends as one that had such parts
/// from its start.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    let batch = sizes.memory_batch;
    let course = |name: &str, micro_batch_size: u32| Course {
        settings: TrainSettings {
            image_size_px: sizes.memory_px,
            batch_size: batch,
            micro_batch_size,
            epochs: 2,
            ..TrainSettings::default()
        },
        train: Arc::new(Pictures { len: TRAIN * batch as usize, size_px: sizes.memory_px }),
        val: Some(Arc::new(Pictures { len: VAL, size_px: sizes.memory_px })),
        dir: dir.join(name),
    };
    let tight = course("tight", 0);
    let leave_bytes = leave(subject, &tight.settings)?;
    let mut taker = Taker { subject, leave_bytes, taken: false, epochs: 0 };
    let paused = tight.run(subject, false, &mut taker);
    // Whatever became of the run.
    subject.release()?;
    let paused = paused?;
    let resumed = tight.run(subject, true, &mut ())?;
    let micro_batch = resumed.micro_batch().unwrap_or(batch);
    found(halved(&paused, &resumed, batch, leave_bytes));
    if micro_batch < batch {
        let small = course("small", micro_batch);
        let expected = small.run(subject, false, &mut ())?;
        found(exact(subject, (&tight, &resumed), (&small, &expected))?);
    }
    Ok(())
}

/// Enough for half the batch, not for all of it.
fn leave(subject: &Subject<'_>, settings: &TrainSettings) -> Result<u64> {
    let train_len = TRAIN * settings.batch_size as usize;
    let data = DataSize { class_count: 2, train_len, val_len: VAL, decoded_bytes: 0 };
    let peak = |micro_batch_size: u32| {
        let settings = TrainSettings { micro_batch_size, ..settings.clone() };
        Ok::<_, Error>(subject.engine.forecast(&settings, &data)?.peak_memory_bytes)
    };
    let half = peak(settings.batch_size)?.saturating_sub(peak(settings.batch_size / 2)?);
    Ok((half as f64 * LEFT) as u64)
}

fn halved(paused: &Ran, resumed: &Ran, batch: u32, leave_bytes: u64) -> Value {
    let (before, after) = (paused.micro_batch(), resumed.micro_batch());
    let notes = paused.notes();
    let said = notes.iter().any(|note| note.contains("do not fit in memory"));
    let went_down = before == Some(batch) && after.is_some_and(|after| after < batch);
    let figures = json!({
        "batch": batch, "micro_batch": [before, after], "left_bytes": leave_bytes, "notes": notes,
        "ending": resumed.outcome.ending,
    });
    line("a batch that stops to fit goes on in parts", said && went_down && resumed.completed(), figures)
}

/// The same bits, or, where cuDNN took another algorithm for want of memory, the same probabilities.
fn exact(subject: &Subject<'_>, ours: (&Course, &Ran), expected: (&Course, &Ran)) -> Result<Value> {
    let same_bits =
        ours.1.outcome.weights_hash.is_some() && ours.1.outcome.weights_hash == expected.1.outcome.weights_hash;
    let source = Pictures { len: VAL, size_px: ours.0.settings.image_size_px };
    let images: Vec<RgbImage> = (0..VAL).map(|index| source.load(index)).collect::<Result<_>>()?;
    let rows = |course: &Course| subject.engine.open_session(&course.model_dir())?.probabilities(&images);
    let apart = largest_difference(&rows(ours.0)?, &rows(expected.0)?);
    let figures = json!({ "same_bits": same_bits, "largest_difference": apart, "limit": TOLERANCE });
    Ok(line("the failed step left no trace", same_bits || apart <= TOLERANCE, figures))
}
