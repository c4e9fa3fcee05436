use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use va_domain::{Preprocessing, Task, TrainSettings, WeightsReport};

use crate::{Ending, EpochMetrics, StartWeights};

/// One training run as the engine sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainJob {
    #[serde(default)]
    pub task: Task,
    pub settings: TrainSettings,
    /// By `class_idx`.
    pub classes: Vec<String>,
    /// Samples of the training split.
    pub train_len: usize,
    /// Samples of the validation split; 0 trains without one.
    pub val_len: usize,
    /// Decoded images as the host would keep them, if there is room.
    #[serde(default)]
    pub decoded_bytes: u64,
    /// Training samples of every class (that have it, among others), by `class_idx`; only class weights need them, otherwise it may be empty.
    pub class_counts: Vec<u64>,
    /// At most so many samples in one forward and backward, for memory; None: as the settings say.
    pub micro_batch_limit: Option<u32>,
    /// Memory for images where a GPU prepares them, so that each comes to it once; the engine decides it.
    #[serde(default)]
    pub kept_image_bytes: u64,
    /// Size, mean and deviation that images are normalised with; kept with the model.
    pub preprocessing: Preprocessing,
    /// Where checkpoints go; made if missing. It belongs to this run alone.
    pub checkpoint_dir: PathBuf,
    /// Where the finished model goes (`weights.safetensors`, `model.json`); must not exist yet or be empty.
    pub model_dir: PathBuf,
    /// Go on from the newest good checkpoint in `checkpoint_dir`; with none there the run starts at the beginning.
    /// Without it, old checkpoints there are removed.
    pub resume: bool,
    /// A weight file to start from instead of the seeded initialisation. A run that goes on from a checkpoint does not
    /// read it.
    pub initial_weights: Option<StartWeights>,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainOutcome {
    /// Of the engine that trained, which of several that may be.
    pub engine_version: String,
    pub ending: Ending,
    /// Optimiser steps done.
    pub steps: u64,
    /// The epoch whose weights the model has; None when the run ended before its first epoch did.
    pub best: Option<EpochMetrics>,
    /// Of the best epoch: `val/accuracy`, `val/loss`, `val/macro_f1` (multi-label also `val/micro_f1`,
    /// `val/mean_average_precision`), `train/loss`, `train/accuracy`.
    pub metrics: BTreeMap<String, f64>,
    /// BLAKE3 of `weights.safetensors`; None when paused or cancelled: no model was written then.
    pub weights_hash: Option<String>,
    /// What became of the file that the run started from; None without one.
    pub initial_weights: Option<WeightsReport>,
}
