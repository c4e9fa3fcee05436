use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use va_error::{Error, Result};

use crate::{DatasetId, ModelId, ProjectId, Task};

/// Everything that decides a run, so that the same settings, data and engine give the same weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TrainSettings {
    /// Architecture of the zoo: `resnet18`.
    pub arch: String,
    /// Height and width of the network's input in pixels, 32–1024.
    pub image_size_px: u32,
    /// Samples an optimiser step, 1–1024.
    pub batch_size: u32,
    /// Passes over the training split, 1–10,000.
    pub epochs: u32,
    pub optimiser: Optimiser,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay, not applied to one-dimensional parameters.
    pub weight_decay: f64,
    /// Epochs of linear warm-up before the cosine.
    pub warmup_epochs: f64,
    /// Share of probability moved from the true class to all, 0–0.5.
    pub label_smoothing: f64,
    /// Largest norm of the gradient; 0 does not clip.
    pub clip_norm: f64,
    /// Stop after so many epochs without a better validation loss; 0 never.
    pub early_stop_epochs: u32,
    pub augmentation: Augmentation,
    pub seed: u64,
    pub device: DeviceChoice,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            arch: "resnet18".to_owned(),
            image_size_px: 128,
            batch_size: 32,
            epochs: 30,
            optimiser: Optimiser::AdamW,
            learning_rate: 1e-3,
            weight_decay: 0.05,
            warmup_epochs: 2.0,
            label_smoothing: 0.0,
            clip_norm: 1.0,
            early_stop_epochs: 0,
            augmentation: Augmentation::default(),
            seed: 42,
            device: DeviceChoice::Auto,
        }
    }
}

impl TrainSettings {
    /// # Errors
    /// `InvalidInput` naming the first setting outside its range, and the range.
    pub fn check(&self) -> Result<()> {
        let whole = |name: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::invalid(format!("{name} is {value}; it must be between {low} and {high}")))
        };
        let real = |name: &str, value: f64, low: f64, high: f64| {
            if value.is_finite() && (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::invalid(format!("{name} is {value}; it must be between {low} and {high}")))
        };
        whole("the image size", self.image_size_px, 32, 1024)?;
        whole("the batch size", self.batch_size, 1, 1024)?;
        whole("the number of epochs", self.epochs, 1, 10_000)?;
        real("the learning rate", self.learning_rate, 1e-9, 10.0)?;
        real("the weight decay", self.weight_decay, 0.0, 10.0)?;
        real("the warm-up", self.warmup_epochs, 0.0, f64::from(self.epochs))?;
        real("the label smoothing", self.label_smoothing, 0.0, 0.5)?;
        real("the gradient norm limit", self.clip_norm, 0.0, 1e6)?;
        real("the smallest crop", self.augmentation.crop_min_scale, 0.05, 1.0)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimiser {
    /// Loshchilov & Hutter 2019, decoupled weight decay.
    #[default]
    AdamW,
}

/// What is done to training images, drawn anew every epoch from (seed, epoch, sample).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Augmentation {
    /// Smallest share of the image's area that a random crop keeps; 1 never crops.
    pub crop_min_scale: f64,
    pub flip_horizontal: bool,
    pub flip_vertical: bool,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { crop_min_scale: 0.7, flip_horizontal: true, flip_vertical: false }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The best that is ready.
    #[default]
    Auto,
    Cpu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    Cpu,
    Cuda,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceInfo {
    pub kind: DeviceKind,
    pub name: String,
    /// Ready to train; if not, `note` says what is missing.
    pub available: bool,
    pub note: String,
}

/// A starting point for the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainPreset {
    /// `fast`, `balanced`, `accurate`.
    pub name: String,
    pub settings: TrainSettings,
}

/// Memory and time before the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    pub peak_memory_bytes: u64,
    pub free_memory_bytes: u64,
    /// Multiply-adds of one training image, forward and backward.
    pub multiply_adds_per_image: u64,
    pub parameter_count: u64,
    pub steps: u64,
    /// Whether it fits in the free memory.
    pub fits: bool,
}

/// What `train` is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainRequest {
    pub dataset_id: DatasetId,
    pub task: Task,
    pub settings: TrainSettings,
    /// The project that the model will be linked to.
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    /// Add a version to this model; without it a new model is made.
    #[serde(default)]
    pub model_id: Option<ModelId>,
    /// Name of a new model; without it one is made from dataset and architecture.
    #[serde(default)]
    pub model_name: Option<String>,
}
