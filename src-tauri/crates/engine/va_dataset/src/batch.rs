use serde::{Deserialize, Serialize};

use crate::BatchImage;

/// What a batch is for: training batches are shuffled and augmented, validation batches are neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Train,
    Val,
}

/// Which batch: the stream is a function of the run's seed and these numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchRequest {
    pub phase: Phase,
    /// From 0.
    pub epoch: u32,
    /// Batch within the epoch, from 0.
    pub step: u32,
}

/// What a sample was blended with (mixup).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blend {
    /// Where in the batch it is; the sample's own place where it stayed alone.
    pub other: usize,
    /// Of the sample itself, in (0, 1]; the rest is the other's.
    pub share: f64,
}

/// How many batches a run has, and so in what order it asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLength {
    pub train_steps: u32,
    pub val_steps: u32,
    pub epochs: u32,
}

impl RunLength {
    pub fn steps(&self, phase: Phase) -> u32 {
        match phase {
            Phase::Train => self.train_steps,
            Phase::Val => self.val_steps,
        }
    }

    /// The batch that a run asks for after this one (training epoch, validation, next epoch); None after the last epoch.
    pub fn following(&self, request: BatchRequest) -> Option<BatchRequest> {
        let BatchRequest { phase, epoch, step } = request;
        if step + 1 < self.steps(phase) {
            return Some(BatchRequest { step: step + 1, ..request });
        }
        if phase == Phase::Train && self.val_steps > 0 {
            return Some(BatchRequest { phase: Phase::Val, epoch, step: 0 });
        }
        (epoch + 1 < self.epochs).then_some(BatchRequest { phase: Phase::Train, epoch: epoch + 1, step: 0 })
    }
}

/// Images, prepared or with what is to be done to them, and their classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// `[N, H, W, C]`, H = W = the run's image size, C = 3, normalised and blended; empty where the engine prepares.
    pub pixels: Vec<f32>,
    /// `[N]` where the engine prepares, otherwise empty.
    pub images: Vec<BatchImage>,
    /// `[N]`; of a multi-label run the first class of each, which means nothing.
    pub classes: Vec<u32>,
    /// `[N]`: every class of each sample, ascending, in a multi-label run; otherwise empty.
    pub class_sets: Vec<Vec<u32>>,
    /// `[N]`, or empty where nothing was blended.
    pub blends: Vec<Blend>,
    /// `[N]`, names for messages.
    pub keys: Vec<String>,
}

impl Batch {
    /// N.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

/// Optimiser steps an epoch: only whole batches are trained on (batch normalisation would weigh a small remainder like
/// a whole batch), unless the split is smaller than one batch, which then is the whole split.
pub fn train_steps(train_len: usize, batch_size: usize) -> usize {
    match train_len {
        0 => 0,
        _ => (train_len / batch_size.max(1)).max(1),
    }
}

/// Validation batches: every sample once, the last batch may be smaller.
pub fn val_steps(val_len: usize, batch_size: usize) -> usize {
    val_len.div_ceil(batch_size.max(1))
}
