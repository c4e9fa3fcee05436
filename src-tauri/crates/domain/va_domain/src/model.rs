use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DatasetVersionId, InitialWeights, JobId, ModelId, ModelVersionId, Task, TrainSettings};

/// A named line of model versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    pub id: ModelId,
    pub name: String,
    pub task: Task,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub version_count: u32,
    pub latest: Option<ModelVersion>,
}

/// One trained model with its lineage. The weights lie in `models/<id>/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelVersion {
    pub id: ModelVersionId,
    pub model_id: ModelId,
    /// 1, 2, 3 … within the model.
    pub number: u32,
    pub arch: String,
    /// Class names by `class_idx`.
    pub classes: Vec<String>,
    pub preprocessing: Preprocessing,
    pub settings: TrainSettings,
    pub seed: u64,
    pub dataset_version_id: DatasetVersionId,
    pub job_id: Option<JobId>,
    pub parent: Option<ModelVersionId>,
    /// What the run started from; None for a start from the seed.
    #[serde(default)]
    pub initial_weights: Option<InitialWeights>,
    pub engine_version: String,
    /// BLAKE3 of `weights.safetensors`.
    pub weights_hash: String,
    /// Best validation values: `val/accuracy`, `val/loss`, `val/macro_f1`.
    pub metrics: std::collections::BTreeMap<String, f64>,
    pub exports: Vec<ExportFile>,
    pub created_ms: i64,
}

/// From an upright RGB image to the network's input: resize (bilinear with antialias, as Pillow), scale to 0–1, normalise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preprocessing {
    /// Height and width of the network's input.
    pub image_size_px: u32,
    /// Per channel, RGB, of values in 0–1.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelExportFormat {
    Onnx,
    Safetensors,
}

/// How a model file keeps its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelPrecision {
    /// As trained.
    #[default]
    Fp32,
    /// Weights and activations with about three digits: half the size, faster on a GPU or a small device.
    Fp16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportFile {
    pub format: ModelExportFormat,
    #[serde(default)]
    pub precision: ModelPrecision,
    /// File name inside the model version's folder.
    pub file_name: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub created_ms: i64,
    pub certificate: Option<Certificate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CertificateVerdict {
    Pass,
    Fail,
}

/// Proof that an exported file gives the trained model's results: it was run by an independent runtime on real samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    pub verdict: CertificateVerdict,
    /// `rten 0.27.0`.
    pub runtime: String,
    pub sample_count: u64,
    /// Largest absolute difference of any class probability.
    pub max_abs_difference: f64,
    /// The bound that PASS demands.
    pub tolerance: f64,
    /// Samples on which both choose the same class, or the same set of classes.
    pub same_class_count: u64,
    /// SHA-256 of the exported file.
    pub file_sha256: String,
    /// BLAKE3 of the weights it came from.
    pub weights_hash: String,
    /// BLAKE3 over the media hashes it was run on.
    pub samples_hash: String,
    pub created_ms: i64,
}

/// The network of a model, drawn and counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkDescription {
    /// An SVG document: blocks from top to bottom, repeated ones folded, in the colour of the text around it.
    pub svg: String,
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub multiply_adds: u64,
    /// The largest sum of activations that are needed at one time for one image in f32.
    pub peak_activation_bytes: u64,
}
