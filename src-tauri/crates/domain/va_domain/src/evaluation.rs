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

/// From this probability on a class of a multi-label model is predicted, unless another threshold is asked for.
pub const MULTILABEL_THRESHOLD: f32 = 0.5;

/// Definitions as in scikit-learn (`zero_division = 0`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationSummary {
    pub sample_count: u64,
    /// Of a multi-label model: the share of samples of which every class is decided rightly (subset accuracy).
    pub accuracy: f64,
    pub macro_f1: f64,
    /// Mean cross-entropy; binary cross-entropy of a multi-label model.
    pub loss: f64,
    pub per_class: Vec<ClassMetrics>,
    /// `[actual][predicted]`, counts; empty for a multi-label model.
    pub confusion: Vec<Vec<u64>>,
    /// What only a multi-label model has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multilabel: Option<MultilabelSummary>,
}

/// Every class decided by itself: probability at or above the threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MultilabelSummary {
    /// Of the counts, precision, recall and F1.
    pub threshold: f32,
    /// F1 of all decisions together.
    pub micro_f1: f64,
    /// Of the average precisions of the classes that have a positive sample; None without one.
    pub mean_average_precision: Option<f64>,
    /// Share of the decisions (samples × classes) that are wrong.
    pub hamming_loss: f64,
    /// By `class_idx`: each class against the rest.
    pub counts: Vec<BinaryCounts>,
}

/// Decisions on one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BinaryCounts {
    pub true_positive: u64,
    /// Given although it is not there.
    pub false_positive: u64,
    /// Missed.
    pub false_negative: u64,
    pub true_negative: u64,
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
    /// None of a multi-label model.
    pub actual: Option<u32>,
    /// None of a multi-label model.
    pub predicted: Option<u32>,
    /// Ascending; of a single-label model the one class.
    pub actual_classes: Vec<u32>,
    /// Ascending; of a multi-label model those at or above the threshold of the evaluation.
    pub predicted_classes: Vec<u32>,
    /// By `class_idx`; they add up to 1 unless the model is multi-label.
    pub probabilities: Vec<f32>,
    pub loss: f64,
    /// The class as it is labelled now, when that changed since the version was frozen.
    pub current_label_id: Option<LabelId>,
}
