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
    /// Every class, most probable first.
    pub probabilities: Vec<ClassProbability>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassProbability {
    pub label: String,
    pub probability: f32,
}
