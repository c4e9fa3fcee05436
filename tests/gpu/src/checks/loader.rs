use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::TrainEvent;
use va_error::Result;

use crate::course::{Course, Watcher};
use crate::nvml::Utilisation;
use crate::pictures::Photographs;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// Watches the card from the second epoch on.
#[derive(Default)]
struct Observer {
    utilisation: Option<Utilisation>,
}

impl Watcher for Observer {
    fn event(&mut self, event: &TrainEvent) {
        if matches!(event, TrainEvent::EpochFinished(metrics) if metrics.epoch == 1) {
            self.utilisation = Some(Utilisation::begin());
        }
    }
}

/// The first steps make plans and measure algorithms.
const WARM_UP: u64 = 3;

/// Training on JPEG files: the share of the steps' time in which the device does not wait for them. In the first epoch every
/// image is decoded, which is a figure; the steady state, where those that memory holds are there already, begins with the
/// second.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path) -> Result<Vec<Value>> {
    let course = Course {
        settings: TrainSettings {
            arch: sizes.loader_arch.to_owned(),
            image_size_px: sizes.image_px,
            batch_size: sizes.loader_batch,
            precision: sizes.loader_precision,
            epochs: sizes.loader_epochs,
            ..TrainSettings::default()
        },
        train: Arc::new(Photographs::write(&dir.join("photographs"), sizes.photographs, sizes.photograph_px)?),
        val: None,
        dir: dir.join("run"),
    };
    let mut observer = Observer::default();
    let ran = course.run(subject, false, &mut observer)?;
    let utilisation = observer.utilisation.and_then(Utilisation::end);
    let first = Share::of(&ran.events, |step, epoch| step > WARM_UP && epoch <= 1.0);
    let steady = Share::of(&ran.events, |_, epoch| epoch > 1.0);
    let figures = json!({
        "arch": sizes.loader_arch, "batch": sizes.loader_batch, "busy": steady.busy(), "least": sizes.least_busy,
        "images_per_s": steady.images_per_s(), "steps": steady.steps, "decoding_busy": first.busy(),
        "decoding_images_per_s": first.images_per_s(), "card_utilisation": utilisation,
    });
    let passed = ran.completed() && steady.steps > 0 && steady.busy() >= sizes.least_busy;
    Ok(vec![line(format!("{} on JPEG files", sizes.loader_arch), passed, figures)])
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
}
