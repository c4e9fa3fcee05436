use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use va_error::WarningReport;

use crate::SplitRatios;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// Looks at the folder and says which of the others it is.
    #[default]
    Auto,
    /// A folder a class (also below `train/`, `val/`, `test/` folders, which become splits).
    Folders,
    /// `NAME.jpg` beside `NAME.png`, a mask of the defect; the folder gives the class.
    Masks,
    /// Images without labels.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Folders,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImportOptions {
    pub format: ImportFormat,
    /// Split what the folder itself does not split, stratified by class.
    pub split: Option<SplitRatios>,
    pub split_seed: u64,
    /// An image that lies in the folders of several classes gets all of them; otherwise the first one, and the report
    /// names the others.
    pub several_classes: bool,
}

/// What an import would do. Nothing has been changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportPreview {
    /// What `auto` found.
    pub format: ImportFormat,
    pub image_count: u64,
    pub total_bytes: u64,
    pub classes: Vec<ImportClass>,
    pub mask_count: u64,
    /// Same bytes twice within the folder.
    pub duplicate_count: u64,
    /// Already in the dataset.
    pub existing_count: u64,
    /// Images that lie in the folders of several classes.
    pub several_classes_count: u64,
    /// Every file that would be left out, and why.
    pub broken: WarningReport,
    /// Images of the folder's own train / val / test layout, if it has one.
    pub has_splits: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportClass {
    pub name: String,
    pub image_count: u64,
    /// A class of this name is already in the dataset.
    pub exists: bool,
}

/// What an import did: every file is counted once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    pub imported: u64,
    pub masks: u64,
    pub duplicates: u64,
    /// Files of images that are in the dataset already and got another class by this file.
    #[serde(default)]
    pub more_classes: u64,
    /// Every file left out, and why.
    pub left_out: WarningReport,
    pub new_classes: Vec<String>,
}
