use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One value of one curve of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricPoint {
    /// `train/loss`, `val/loss`, `train/accuracy`, `val/accuracy`, `val/macro_f1`, `val/micro_f1`,
    /// `val/mean_average_precision`, `lr`, `images_per_s`, `data_wait`.
    pub name: String,
    /// Optimiser steps done, from 1.
    pub step: u64,
    /// Fractional epochs done.
    pub epoch: f64,
    pub value: f64,
}

/// A curve: steps and values of the same length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSeries {
    pub name: String,
    pub steps: Vec<u64>,
    pub epochs: Vec<f64>,
    pub values: Vec<f64>,
}
