use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DatasetVersionId, EvaluationId, JobId, LabelId, ModelVersionId, SampleId, Split};

/// A model version on a split of its frozen dataset version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    pub id: EvaluationId,
    pub model_version_id: ModelVersionId,
    pub dataset_version_id: DatasetVersionId,
    pub split: Split,
    pub job_id: Option<JobId>,
    pub classes: Vec<String>,
    pub summary: EvaluationSummary,
    pub created_ms: i64,
}

/// Definitions as in scikit-learn (`zero_division = 0`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationSummary {
    pub sample_count: u64,
    pub accuracy: f64,
    pub macro_f1: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    pub per_class: Vec<ClassMetrics>,
    /// `[actual][predicted]`, counts.
    pub confusion: Vec<Vec<u64>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassMetrics {
    pub class_idx: u32,
    pub name: String,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// Samples that truly are of the class.
    pub support: u64,
    /// Samples that were predicted as the class.
    pub predicted: u64,
    /// Area under the precision–recall curve, one class against the rest; None without positives.
    pub average_precision: Option<f64>,
}

/// One sample's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationSample {
    pub sample_id: SampleId,
    pub name: String,
    pub actual: u32,
    pub predicted: u32,
    /// By `class_idx`; they add up to 1.
    pub probabilities: Vec<f32>,
    pub loss: f64,
    /// The class as it is labelled now, when that changed since the version was frozen.
    pub current_label_id: Option<LabelId>,
}
