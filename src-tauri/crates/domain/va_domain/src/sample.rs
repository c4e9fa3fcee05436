use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, LabelId, MediaHash, SampleId};

/// What a sample is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    Train,
    Val,
    Test,
}

/// One image in a dataset; the bytes are media, named by their hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    pub id: SampleId,
    pub dataset_id: DatasetId,
    pub media_hash: MediaHash,
    /// The file's name as it can be shown; names that are not UTF-8 keep their bytes in the store.
    pub name: String,
    /// Upright size (EXIF orientation applied).
    pub width_px: u32,
    pub height_px: u32,
    pub size_bytes: u64,
    /// `jpeg`, `png`, `bmp`, `webp`, `tiff`.
    pub format: String,
    pub split: Option<Split>,
    /// The image-level class; where there are several, the one that was given first.
    pub label_id: Option<LabelId>,
    /// Every image-level class, by `class_idx`.
    pub label_ids: Vec<LabelId>,
    /// A person said that the image shows none of the classes.
    pub no_class: bool,
    /// Annotations with a geometry (masks, boxes).
    pub region_count: u32,
    pub created_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelledState {
    /// With a class, or with the word that it shows none.
    Labelled,
    Unlabelled,
    /// A person said that it shows none of the classes.
    NoClass,
}

/// What giving a class to samples does to the classes that they have. Which one fits is the matter of the task that
/// they are labelled for: a dataset may serve projects of both kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelMode {
    /// The class replaces the others; null takes every class away.
    #[default]
    Set,
    /// The class is added to the others, or taken from samples that all have it already; null says that the image shows
    /// none of the classes, or takes that back.
    Toggle,
}

/// Which samples of a dataset. Empty lists and `None` do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SampleFilter {
    /// Any of these classes.
    pub label_ids: Vec<LabelId>,
    /// Any of these splits.
    pub splits: Vec<Split>,
    /// Also those in no split (only with `splits` given or alone).
    pub no_split: bool,
    pub state: Option<LabelledState>,
    /// Part of the name, case-insensitive.
    pub search: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleSort {
    /// Order of import.
    #[default]
    Added,
    AddedDesc,
    Name,
    NameDesc,
    /// By class, unlabelled last.
    Label,
    /// Largest file first.
    SizeDesc,
}
