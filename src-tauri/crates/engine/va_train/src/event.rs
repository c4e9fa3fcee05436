use serde::{Deserialize, Serialize};
use va_domain::{MetricPoint, WeightsReport};

/// What a run tells while it computes; metrics, storage and screen are consumers of this stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrainEvent {
    RunStarted {
        parameter_count: u64,
        steps_per_epoch: u32,
        epochs: u32,
        /// Optimiser steps already done when resumed; 0 for a new run.
        done_steps: u64,
        /// Samples of one forward and backward; smaller than the batch, gradients are added up.
        micro_batch_size: u32,
        /// `cpu`.
        device: String,
    },
    /// The run starts from a weight file.
    WeightsLoaded {
        report: WeightsReport,
    },
    /// One optimiser step was taken.
    Step {
        /// From 1.
        step: u64,
        total_steps: u64,
        /// Fractional epochs done.
        epoch: f64,
        /// Mean over the batch, label smoothing included.
        loss: f64,
        learning_rate: f64,
        /// Norm of the gradient before clipping.
        grad_norm: f64,
        images_per_s: f64,
        /// Share of the step's time that was spent waiting for data, 0–1.
        data_wait: f64,
    },
    /// Validation began; steps pause until the epoch event.
    ValidationStarted {
        epoch: u32,
        batches: u32,
    },
    EpochFinished(EpochMetrics),
    CheckpointSaved {
        checkpoint: CheckpointKind,
        step: u64,
        epoch: f64,
    },
    /// Something a person should know: a damaged checkpoint was passed over, the run stops early.
    Note {
        message: String,
    },
    Finished {
        outcome: Ending,
        step: u64,
    },
}

/// Names of checkpoints, which are also their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// End of the latest epoch.
    Last,
    /// End of the epoch with the lowest validation loss (of the latest epoch without a validation split).
    Best,
    /// Inside an epoch, at most 60 s old, and at every pause.
    Recovery,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Epochs done, from 1.
    pub epoch: u32,
    pub step: u64,
    /// Mean loss of the training batches as they were trained on (augmented, weights changing).
    pub train_loss: f64,
    /// Of the same batches.
    pub train_accuracy: f64,
    pub val: Option<ValMetrics>,
    /// The best epoch so far.
    pub is_best: bool,
}

/// On the validation split with running statistics, without label smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValMetrics {
    pub loss: f64,
    /// Of a multi-label run: the share of samples of which every class is decided rightly.
    pub accuracy: f64,
    pub macro_f1: f64,
    /// Of a multi-label run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
    /// Of a multi-label run, where a class has a positive sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_average_precision: Option<f64>,
}

impl ValMetrics {
    /// Each value by the name of its curve.
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        let always = [("val/loss", self.loss), ("val/accuracy", self.accuracy), ("val/macro_f1", self.macro_f1)];
        let multilabel = [("val/micro_f1", self.micro_f1), ("val/mean_average_precision", self.mean_average_precision)];
        let multilabel = multilabel.into_iter().filter_map(|(name, value)| Some((name, value?)));
        always.into_iter().chain(multilabel).collect()
    }
}

/// How a run came to its end without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Completed,
    /// The validation loss did not get better for the number of epochs that the settings name.
    EarlyStopped,
    Paused,
    Cancelled,
}

impl TrainEvent {
    /// The values of this event as points of curves (`va_domain::MetricPoint` lists the names).
    pub fn points(&self) -> Vec<MetricPoint> {
        match self {
            Self::Step { step, epoch, loss, learning_rate, images_per_s, data_wait, .. } => points(
                *step,
                *epoch,
                &[
                    ("train/loss", *loss),
                    ("lr", *learning_rate),
                    ("images_per_s", *images_per_s),
                    ("data_wait", *data_wait),
                ],
            ),
            Self::EpochFinished(metrics) => {
                let mut values = vec![("train/accuracy", metrics.train_accuracy)];
                if let Some(val) = &metrics.val {
                    values.extend(val.named());
                }
                points(metrics.step, f64::from(metrics.epoch), &values)
            }
            _ => Vec::new(),
        }
    }
}

fn points(step: u64, epoch: f64, values: &[(&str, f64)]) -> Vec<MetricPoint> {
    values.iter().map(|&(name, value)| MetricPoint { name: name.to_owned(), step, epoch, value }).collect()
}
