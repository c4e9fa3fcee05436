use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ProjectId;

/// The kind of problem a project solves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One class an image.
    #[default]
    Classification,
    /// Any number of classes an image, or none.
    MultilabelClassification,
}

impl Task {
    /// Fewer classes leave nothing to decide.
    pub fn min_classes(self) -> usize {
        match self {
            Self::Classification => 2,
            Self::MultilabelClassification => 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: String,
    pub task: Task,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub dataset_count: u64,
    pub sample_count: u64,
    pub model_count: u64,
    /// Media of up to four samples, for the cover of the project's card.
    #[serde(default)]
    pub cover: Vec<crate::SampleId>,
}
