//! Four epochs, and two epochs, a pause, and two more: the same bits on one card?

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use va_domain::{Task, TrainSettings};
use va_engine::{Engine, LoaderHost, RgbImage, SampleSource, Stop, TrainEvent, TrainJob, standard_preprocessing};
use va_error::{Error, Result};

use crate::engine::engine;

/// Images of two shades.
struct Shades(usize);

impl SampleSource for Shades {
    fn len(&self) -> usize {
        self.0
    }

    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }

    fn key(&self, index: usize) -> String {
        format!("shade-{index}")
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        let level = |i: usize| (40 + 150 * (index % 2) + i * 7 % 50) as u8;
        RgbImage::new(40, 36, (0..40 * 36 * 3).map(level).collect())
    }
}

pub fn run() -> Result<Value> {
    let folder = tempfile::tempdir().map_err(|e| Error::internal("no temporary folder").with_source(e))?;
    let whole = train(&folder.path().join("whole"), None, false)?;
    let parts = folder.path().join("parts");
    train(&parts, Some(2), false)?;
    let resumed = train(&parts, None, true)?;
    let passed = whole.is_some() && whole == resumed;
    let line = json!({ "name": "4 epochs = 2 + resume + 2, by the weights' hash", "passed": passed });
    Ok(Value::Array(vec![line]))
}

/// The hash of the weights; None when paused.
fn train(dir: &Path, pause_after: Option<u32>, resume: bool) -> Result<Option<String>> {
    let settings = TrainSettings { image_size_px: 32, batch_size: 8, epochs: 4, ..TrainSettings::default() };
    let classes = ["dark".to_owned(), "light".to_owned()];
    let preprocessing = standard_preprocessing(32);
    let done = std::cell::Cell::new(0);
    let hear = |event: TrainEvent| {
        if let TrainEvent::EpochFinished(metrics) = event {
            done.set(metrics.epoch);
        }
    };
    let stop = || if pause_after.is_some_and(|epoch| done.get() >= epoch) { Stop::Pause } else { Stop::Continue };
    let (train, val): (Arc<dyn SampleSource>, Arc<dyn SampleSource>) = (Arc::new(Shades(40)), Arc::new(Shades(8)));
    let task = Task::Classification;
    let mut host = LoaderHost::new(train, Some(val), &classes, task, &settings, &preprocessing, None, hear, stop)?;
    let job = TrainJob {
        task,
        settings: settings.clone(),
        classes: classes.to_vec(),
        train_len: host.train_len(),
        val_len: host.val_len(),
        decoded_bytes: host.decoded_bytes(),
        class_counts: vec![20, 20],
        micro_batch_limit: None,
        preprocessing,
        checkpoint_dir: dir.join("run"),
        model_dir: dir.join("model"),
        resume,
        initial_weights: None,
    };
    Ok(engine().train(&job, &mut host)?.weights_hash)
}
