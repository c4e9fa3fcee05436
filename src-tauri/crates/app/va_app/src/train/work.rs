//! The work of a training job: data from the frozen version, the engine's run, the model registered.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;
use va_domain::Split;
use va_engine::{DiskCacheOptions, Ending, LoaderHost, Stop, TrainJob, standard_preprocessing};
use va_error::{Context, Error, Result};

use super::curves::Curves;
use super::register;
use super::source::load_split;
use super::{TrainParams, checkpoint_dir};
use crate::jobs::{self, JobContext};
use crate::{App, models};

/// Decoded images of earlier runs take at most this much of the disk, and at most a tenth of what is free.
const DECODED_BYTES: u64 = 4 << 30;

pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let params: TrainParams = context.params()?;
    let app = context.app();
    // Killed between registering and the end of the job: everything is there already.
    if let Some(result) = register::registered(app, &params)? {
        return Ok(serde_json::to_value(result)?);
    }
    context.progress(0, 0, "steps", "preparing");
    let version = app.store().read(|read| read.dataset_versions().get(params.dataset_version_id))?;
    let task = params.request.task;
    let load = |split| load_split(app, version.id, split, &version.classes, task);
    let (train, val) = (load(Split::Train)?, load(Split::Val)?);
    let settings = params.request.settings.clone();
    let mut preprocessing = standard_preprocessing(settings.image_size_px);
    if let Some(weights) = &params.initial_weights {
        weights.normalise(&mut preprocessing);
    }
    let model_dir = models::folder_of(app.library_dir(), params.model_version_id);
    // Killed after the engine's last word and before registering: no row knows this folder, and the last checkpoint
    // gives the same weights again.
    if model_dir.exists() {
        std::fs::remove_dir_all(&model_dir).with_context(|| format!("cannot replace {}", model_dir.display()))?;
    }

    let curves = RefCell::new(Curves::new(context));
    let mut host = LoaderHost::new(
        Arc::new(train),
        Some(Arc::new(val)),
        &version.classes,
        task,
        &settings,
        &preprocessing,
        Some(decoded_cache(app)),
        |event| curves.borrow_mut().event(&event),
        || match context.stop_requested() {
            jobs::Stop::Continue => Stop::Continue,
            jobs::Stop::Pause => Stop::Pause,
            jobs::Stop::Cancel => Stop::Cancel,
        },
    )?;
    let job = TrainJob {
        task,
        settings,
        classes: version.classes.clone(),
        train_len: host.train_len(),
        val_len: host.val_len(),
        decoded_bytes: host.decoded_bytes(),
        class_counts: host.class_counts().to_vec(),
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing,
        checkpoint_dir: checkpoint_dir(app, &context.job()),
        model_dir,
        resume: true,
        initial_weights: params.initial_weights.as_ref().map(|weights| weights.start(app)),
    };
    let outcome = app.engine().train(&job, &mut host)?;
    drop(host);
    drop(curves);
    match outcome.ending {
        Ending::Paused | Ending::Cancelled => Err(Error::cancelled()),
        Ending::Completed | Ending::EarlyStopped => {
            Ok(serde_json::to_value(register::register(context, &params, &job, &outcome)?)?)
        }
    }
}

fn decoded_cache(app: &App) -> DiskCacheOptions {
    let dir = app.store().library().cache_dir().join("decoded");
    let free = fs4::available_space(app.library_dir()).unwrap_or(0);
    DiskCacheOptions { dir, limit_bytes: DECODED_BYTES.min(free / 10) }
}
