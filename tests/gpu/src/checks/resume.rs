use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::{Stop, TrainEvent};
use va_error::Result;

use super::Found;
use crate::course::{Course, Watcher};
use crate::pictures::Pictures;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// Pauses when the second epoch is over.
#[derive(Default)]
struct PauseAfterTwo {
    epochs: u32,
}

impl Watcher for PauseAfterTwo {
    fn event(&mut self, event: &TrainEvent) {
        if let TrainEvent::EpochFinished(metrics) = event {
            self.epochs = metrics.epoch;
        }
    }

    fn should_stop(&mut self) -> Stop {
        if self.epochs >= 2 { Stop::Pause } else { Stop::Continue }
    }
}

/// Four epochs, and two epochs, a pause, and two more: the same bits?
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    for arch in sizes.archs {
        found(resumed(subject, arch, &dir.join(arch))?);
    }
    Ok(())
}

fn resumed(subject: &Subject<'_>, arch: &str, dir: &Path) -> Result<Value> {
    let course = |name: &str| Course {
        settings: TrainSettings {
            arch: arch.to_owned(),
            image_size_px: 32,
            batch_size: 8,
            epochs: 4,
            ..TrainSettings::default()
        },
        train: Arc::new(Pictures { len: 40, size_px: 40 }),
        val: Some(Arc::new(Pictures { len: 8, size_px: 40 })),
        dir: dir.join(name),
    };
    let whole = course("whole").run(subject, false, &mut ())?.outcome.weights_hash;
    let parts = course("parts");
    let paused = parts.run(subject, false, &mut PauseAfterTwo::default())?.outcome.weights_hash;
    let resumed = parts.run(subject, true, &mut ())?.outcome.weights_hash;
    let passed = whole.is_some() && paused.is_none() && whole == resumed;
    let figures = json!({ "whole": whole, "resumed": resumed });
    Ok(line(format!("{arch}: 4 epochs = 2 + resume + 2, by the weights' hash"), passed, figures))
}
