use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, GpuReason, ModelId, ProjectId, Task, TrainSettings};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The best that is ready.
    #[default]
    Auto,
    Cpu,
    /// The NVIDIA GPU, or an error that says what it lacks.
    Cuda,
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
    /// Of a GPU, as the driver gives it: which of the cards it is.
    pub uuid: Option<String>,
    /// Ready to train; if not, `note` says what is missing.
    pub available: bool,
    pub note: String,
    /// The same for a program, which may say it in another language; None when it is ready.
    pub reason: Option<GpuReason>,
}

impl DeviceInfo {
    pub fn ready(kind: DeviceKind, name: String, uuid: Option<String>) -> Self {
        Self { kind, name, uuid, available: true, note: String::new(), reason: None }
    }

    pub fn lacking(kind: DeviceKind, name: String, reason: GpuReason) -> Self {
        Self { kind, name, uuid: None, available: false, note: reason.to_string(), reason: Some(reason) }
    }
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
    /// What it is for: where the choice is automatic, what was chosen.
    pub device: DeviceKind,
    pub peak_memory_bytes: u64,
    pub free_memory_bytes: u64,
    /// Multiply-adds of one training image, forward and backward.
    pub multiply_adds_per_image: u64,
    pub parameter_count: u64,
    pub steps: u64,
    /// Samples of one forward and backward, so that it fits; smaller than the batch: gradients are added up.
    pub micro_batch_size: u32,
    /// Of the whole run, from one measured step on this machine; None where nothing could be measured.
    pub seconds: Option<f64>,
    /// Whether it fits in the free memory, with that micro-batch.
    pub fits: bool,
    /// Whether this processor has bf16 instructions: without them a bf16 run is correct but slower than in f32.
    pub bf16_is_native: bool,
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
