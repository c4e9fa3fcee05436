use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use va_domain::TrainSettings;
use va_engine::TrainEvent;
use va_error::Result;

use super::Found;
use crate::course::{Course, Watcher};
use crate::nvml::{Reading, Utilisation, now_us};
use crate::pictures::Photographs;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// The first steps make plans and measure algorithms.
const WARM_UP: u64 = 3;
/// What the driver tells is of up to so long before.
const WINDOW_US: u64 = 1_000_000;

/// Notes when the steps of the steady state ran: from the second epoch on, without what is between epochs, where checkpoints
/// are written.
#[derive(Default)]
struct Observer {
    stretches: Vec<[u64; 2]>,
    is_between: bool,
}

impl Watcher for Observer {
    fn event(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::EpochFinished(_) => self.is_between = true,
            TrainEvent::Step { epoch, .. } if *epoch > 1.0 => {
                let now = now_us();
                if std::mem::take(&mut self.is_between) {
                    self.stretches.push([now, now]);
                }
                if let Some(stretch) = self.stretches.last_mut() {
                    stretch[1] = now;
                }
            }
            _ => {}
        }
    }
}

/// Training on JPEG files: the share of the steps' time in which the device does not wait for them, and in which the card
/// says that it computes. In the first epoch every image is decoded, which is a figure; the steady state, where those that
/// memory holds are there already, begins with the second.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    let photographs = Photographs::write(&dir.join("photographs"), sizes.photographs, sizes.photograph_px)?;
    let course = Course {
        settings: TrainSettings {
            arch: sizes.loader_arch.to_owned(),
            image_size_px: sizes.image_px,
            batch_size: sizes.loader_batch,
            precision: sizes.loader_precision,
            epochs: sizes.loader_epochs,
            ..TrainSettings::default()
        },
        train: Arc::new(photographs.repeated(sizes.photograph_repeats)),
        val: None,
        dir: dir.join("run"),
    };
    let mut observer = Observer::default();
    // Without a card of the engine's nothing is asked of the driver: there may be a card all the same.
    let watch = |card: serde_json::Value| Utilisation::begin(card["uuid"].as_str().map(str::to_owned));
    let utilisation = subject.card().map(watch);
    let ran = course.run(subject, false, &mut observer);
    let readings = utilisation.and_then(Utilisation::end).unwrap_or_default();
    let ran = ran?;
    let computing = mean_within(&readings, &observer.stretches);
    let first = Share::of(&ran.events, |step, epoch| step > WARM_UP && epoch <= 1.0);
    let steady = Share::of(&ran.events, |_, epoch| epoch > 1.0);
    let figures = json!({
        "arch": sizes.loader_arch, "batch": sizes.loader_batch, "busy": steady.busy(), "least": sizes.least_busy,
        "card_utilisation": computing, "card_readings": readings.len(), "images_per_s": steady.images_per_s(),
        "steps": steady.steps, "decoding_busy": first.busy(), "decoding_images_per_s": first.images_per_s(),
    });
    let passed = ran.completed() && steady.steps > 0 && is_busy(steady.busy(), computing, sizes.least_busy);
    found(line(format!("{} on JPEG files", sizes.loader_arch), passed, figures));
    Ok(())
}

/// Not waiting is not enough where the card says how much it computes.
fn is_busy(not_waiting: f64, computing: Option<f64>, least: f64) -> bool {
    not_waiting >= least && computing.is_none_or(|share| share >= least)
}

/// Of the readings that are of the stretches alone; of all since the first one where the stretches are too short for that.
/// None without readings.
fn mean_within(readings: &[Reading], stretches: &[[u64; 2]]) -> Option<f64> {
    let mean = |wanted: &dyn Fn(u64) -> bool| {
        let shares: Vec<f64> =
            readings.iter().filter(|reading| wanted(reading.at_us)).map(|reading| reading.share).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    let inside = |at: u64| stretches.iter().any(|&[begin, end]| (begin + WINDOW_US..=end).contains(&at));
    let since =
        |at: u64| stretches.first().zip(stretches.last()).is_some_and(|(first, last)| at >= first[0] && at <= last[1]);
    mean(&inside).or_else(|| mean(&since))
}

/// Sums over the steps of some epochs.
#[derive(Default)]
struct Share {
    steps: usize,
    seconds: f64,
    waited: f64,
}

impl Share {
    /// Of the steps that count, by their number and the epochs done after them. Every step has as many images: they are
    /// counted in batches of one.
    fn of(events: &[TrainEvent], counts: impl Fn(u64, f64) -> bool) -> Self {
        let mut share = Self::default();
        for event in events {
            let TrainEvent::Step { step, epoch, images_per_s, data_wait, .. } = event else { continue };
            if counts(*step, *epoch) && *images_per_s > 0.0 {
                let seconds = 1.0 / images_per_s;
                share.steps += 1;
                share.seconds += seconds;
                share.waited += seconds * data_wait;
            }
        }
        share
    }

    fn busy(&self) -> f64 {
        if self.seconds > 0.0 { 1.0 - self.waited / self.seconds } else { 0.0 }
    }

    fn images_per_s(&self) -> f64 {
        if self.seconds > 0.0 { self.steps as f64 / self.seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, images_per_s: f64, data_wait: f64) -> TrainEvent {
        let epoch = step as f64 / 4.0;
        TrainEvent::Step {
            step,
            total_steps: 8,
            epoch,
            loss: 1.0,
            learning_rate: 0.1,
            grad_norm: 1.0,
            images_per_s,
            data_wait,
        }
    }

    #[test]
    fn slow_steps_weigh_more_and_others_do_not_count() {
        // One image in 0.1 s of which half was waited for, then two in 0.05 s each without waiting.
        let events = [step(1, 1.0, 1.0), step(2, 10.0, 0.5), step(3, 20.0, 0.0), step(4, 20.0, 0.0), step(5, 1.0, 1.0)];
        let share = Share::of(&events, |step, epoch| step > 1 && epoch <= 1.0);
        assert_eq!(share.steps, 3);
        assert!((share.busy() - 0.75).abs() < 1e-9 && (share.images_per_s() - 15.0).abs() < 1e-9);
        assert_eq!(Share::of(&[], |_, _| true).busy().to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn readings_of_checkpoints_and_of_the_first_epoch_do_not_count() {
        let reading = |at_s: f64, share: f64| Reading { at_us: (at_s * 1e6) as u64, share };
        // Steps from 10 s to 15 s and from 17 s to 20 s.
        let stretches = [[10_000_000, 15_000_000], [17_000_000, 20_000_000]];
        let readings = [
            reading(9.0, 0.1),
            reading(10.5, 0.2),
            reading(12.0, 1.0),
            reading(15.0, 0.9),
            reading(16.0, 0.0),
            reading(17.9, 0.3),
            reading(18.1, 0.8),
            reading(20.5, 0.0),
        ];
        assert!((mean_within(&readings, &stretches).unwrap() - 0.9).abs() < 1e-9);
        let short = [[15_900_000, 16_100_000], [17_800_000, 18_200_000]];
        assert!(
            (mean_within(&readings, &short).unwrap() - 1.1 / 3.0).abs() < 1e-9,
            "all from the first to the last step"
        );
        assert_eq!((mean_within(&[], &stretches), mean_within(&readings, &[])), (None, None));
    }

    #[test]
    fn the_steady_state_begins_with_the_second_epoch_and_pauses_between_epochs() {
        let mut observer = Observer::default();
        let finished = || {
            let metrics = va_engine::EpochMetrics {
                epoch: 1,
                step: 4,
                train_loss: 1.0,
                train_accuracy: 0.5,
                val: None,
                is_best: true,
            };
            TrainEvent::EpochFinished(metrics)
        };
        let steps = [1, 2, 3, 4].map(|number| step(number, 1.0, 0.0));
        steps.iter().for_each(|event| observer.event(event));
        assert!(observer.stretches.is_empty());
        observer.event(&finished());
        [5, 6, 7, 8].map(|number| step(number, 1.0, 0.0)).iter().for_each(|event| observer.event(event));
        observer.event(&finished());
        [9, 10].map(|number| step(number, 1.0, 0.0)).iter().for_each(|event| observer.event(event));
        assert_eq!(observer.stretches.len(), 2);
        assert!(observer.stretches[0][1] <= observer.stretches[1][0]);
    }

    #[test]
    fn a_card_that_rests_is_not_busy_though_nobody_waits_for_data() {
        assert!(is_busy(0.95, Some(0.95), 0.95) && is_busy(0.95, None, 0.95));
        assert!(!is_busy(1.0, Some(0.94), 0.95) && !is_busy(0.94, Some(1.0), 0.95));
    }
}
