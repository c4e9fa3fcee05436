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

/// Training on JPEG files: the share of time in which the device does not wait for them. The first epoch decodes them; the
/// steady state begins with the second.
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
    let (first, steady) = (Share::of(&ran.events, |epoch| epoch <= 1.0), Share::of(&ran.events, |epoch| epoch > 1.0));
    let figures = json!({
        "arch": sizes.loader_arch, "batch": sizes.loader_batch, "busy": steady.busy(), "least": sizes.least_busy,
        "images_per_s": steady.images_per_s(), "steps": steady.steps, "first_epoch_busy": first.busy(),
        "first_epoch_images_per_s": first.images_per_s(), "card_utilisation": utilisation,
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
    /// Of the steps after which so many epochs were done. Every step has as many images: they are counted in batches of one.
    fn of(events: &[TrainEvent], counts: impl Fn(f64) -> bool) -> Self {
        let mut share = Self::default();
        for event in events {
            let TrainEvent::Step { epoch, images_per_s, data_wait, .. } = event else { continue };
            if counts(*epoch) && *images_per_s > 0.0 {
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
