use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SampleId;

/// What a model says of one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    pub name: String,
    pub sample_id: Option<SampleId>,
    /// In the window, for an image that is no sample: `predictions/{preview_id}/thumbnail` shows it for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_id: Option<String>,
    /// The most probable class.
    pub label: String,
    pub class_idx: u32,
    pub score: f32,
    /// The most probable class; of a multi-label model every class at or above the threshold, most probable first.
    pub labels: Vec<String>,
    /// Every class, most probable first.
    pub probabilities: Vec<ClassProbability>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassProbability {
    pub label: String,
    pub probability: f32,
}

/// Where in an image a model sees a class: Grad-CAM (Selvaraju et al. 2017).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassExplanation {
    /// Of the image.
    pub name: String,
    pub sample_id: Option<SampleId>,
    /// The class that is explained, and its probability.
    pub label: String,
    pub class_idx: u32,
    pub score: f32,
    /// Every class, most probable first.
    pub probabilities: Vec<ClassProbability>,
    /// The layer whose activation was weighed, and all that can be asked.
    pub layer: String,
    pub layers: Vec<String>,
    /// Positions of the layer over the whole image.
    pub rows: u32,
    pub columns: u32,
    /// `rows · columns` in row order, 0–1 relative to the largest; all 0 when nothing in the image speaks for the class at
    /// this layer.
    pub heat: Vec<f32>,
    /// The weighted sum that 1 stands for.
    pub peak: f32,
}
