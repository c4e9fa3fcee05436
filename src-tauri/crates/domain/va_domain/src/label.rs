use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, LabelId};

/// A class of a dataset. `class_idx` is its position (0, 1, 2 …) and the index in every model made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    pub id: LabelId,
    pub dataset_id: DatasetId,
    pub name: String,
    /// `#rrggbb`.
    pub color: String,
    pub class_idx: u32,
    /// Samples that carry it as an image-level class.
    pub sample_count: u64,
}

/// Readable on photographs and apart for colour-blind eyes, in order of use.
pub const CLASS_COLORS: [&str; 8] =
    ["#ffb000", "#3aa6ff", "#ff5c8a", "#2ed3a5", "#b68cff", "#ff8a3d", "#8bd450", "#5de2ff"];

/// The colour of the class at `class_idx`: the list in order, then by hashing the name.
pub fn class_color(class_idx: u32, name: &str) -> String {
    if let Some(color) = CLASS_COLORS.get(class_idx as usize) {
        return (*color).to_owned();
    }
    let hash = blake3::hash(name.as_bytes());
    let [r, g, b] = [hash.as_bytes()[0], hash.as_bytes()[1], hash.as_bytes()[2]].map(|c| 0x50 + c % 0xa0);
    format!("#{r:02x}{g:02x}{b:02x}")
}
