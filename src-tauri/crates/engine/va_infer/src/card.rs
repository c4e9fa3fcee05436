use serde::{Deserialize, Serialize};
use va_domain::Preprocessing;

/// Version of `model.json`. A newer one is refused.
pub const MODEL_CARD_VERSION: u32 = 1;

/// `model.json`: everything beside the weights that is needed to run a model, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    pub version: u32,
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
