use serde::{Deserialize, Serialize};
use va_domain::{MULTILABEL_THRESHOLD, Preprocessing, Task};

/// Version of `model.json`. A newer one is refused.
pub const MODEL_CARD_VERSION: u32 = 2;

/// Version of a card whose task is one class an image: programs that know no other task can read it.
const CLASSIFICATION_CARD_VERSION: u32 = 1;

/// `model.json`: everything beside the weights that is needed to run a model, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    pub version: u32,
    /// What its outputs mean; cards of version 1 do not say it and are classification.
    #[serde(default)]
    pub task: Task,
    /// Architecture of the zoo.
    pub arch: String,
    /// By `class_idx`.
    pub classes: Vec<String>,
    pub preprocessing: Preprocessing,
    pub engine_version: String,
    /// BLAKE3 of `weights.safetensors`.
    pub weights_hash: String,
    /// The network; what runs is this, not what today's zoo would build.
    pub graph: serde_json::Value,
}

impl ModelCard {
    /// The version that a card of this task is written with: the oldest that says everything.
    pub fn version_of(task: Task) -> u32 {
        match task {
            Task::Classification => CLASSIFICATION_CARD_VERSION,
            Task::MultilabelClassification => MODEL_CARD_VERSION,
        }
    }

    /// The classes that these probabilities (by `class_idx`) mean: the most probable one, the first of equals; of a
    /// multi-label model those at or above `threshold`, ascending.
    pub fn decide(&self, probabilities: &[f32], threshold: f32) -> Vec<u32> {
        match self.task {
            Task::Classification => vec![first_largest(probabilities)],
            Task::MultilabelClassification => {
                let over = probabilities.iter().enumerate().filter(|(_, p)| **p >= threshold);
                over.map(|(class, _)| class as u32).collect()
            }
        }
    }

    /// The threshold of each class, by `class_idx`; none where the most probable class is the answer.
    pub fn thresholds(&self) -> Vec<f32> {
        match self.task {
            Task::Classification => Vec::new(),
            Task::MultilabelClassification => vec![MULTILABEL_THRESHOLD; self.classes.len()],
        }
    }
}

fn first_largest(row: &[f32]) -> u32 {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    best as u32
}
