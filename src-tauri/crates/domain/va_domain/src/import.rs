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
    /// A CSV file beside the images names them: with a column of classes (several in a cell, or in several rows), or a
    /// column a class of 1 and 0.
    Csv,
    /// Images without labels.
    Plain,
}

/// What stands between the classes of a cell in a CSV file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassSeparator {
    /// Where an image may have several classes, what the cells show: a bar, else a semicolon, else a comma. Otherwise
    /// nothing.
    #[default]
    Auto,
    Semicolon,
    Bar,
    Comma,
    Space,
    /// A cell is one class, whatever is in its name.
    None,
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
    /// An image that lies in the folders of several classes, or that a CSV file gives several, gets all of them; otherwise
    /// the first one, and the report names the others.
    pub several_classes: bool,
    /// In the cells of a CSV file.
    pub class_separator: ClassSeparator,
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
    /// Images that lie in the folders of several classes, or that a CSV file gives several.
    pub several_classes_count: u64,
    /// Images of which a CSV file says that they show none of the classes.
    pub no_class_count: u64,
    /// Every file that would be left out, and why.
    pub broken: WarningReport,
    /// The CSV files that were read for their labels.
    pub csv_files: Vec<CsvFile>,
    /// Rows of them that would not be used, or not whole, and why; of each file the first thousand.
    pub broken_rows: WarningReport,
    /// Images of the folder's own train / val / test layout, or of a CSV file's, if there is one.
    pub has_splits: bool,
}

/// A CSV file with labels, and how it is understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CsvFile {
    pub file: String,
    /// Without the first line.
    pub row_count: u64,
    /// Rows whose image is there.
    pub found_count: u64,
    pub shape: CsvShape,
    /// Of the shape with one column.
    pub class_column: Option<String>,
    /// What was taken to stand between the classes of a cell; never `auto`.
    pub separator: ClassSeparator,
    /// What seems to stand there, by the cells alone; never `auto`.
    pub likely_separator: ClassSeparator,
    pub unused_columns: Vec<String>,
}

/// How a CSV file says which classes an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CsvShape {
    /// In the cells of one column.
    OneColumn,
    /// With 1 and 0 in a column a class.
    ColumnPerClass,
    /// Not at all: it only names images and their splits.
    NoClasses,
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
    /// Imported images of which a CSV file says that they show none of the classes.
    #[serde(default)]
    pub no_class: u64,
    /// Files of images that are in the dataset already and got another class by this file.
    #[serde(default)]
    pub more_classes: u64,
    /// Every file left out, and why.
    pub left_out: WarningReport,
    /// Rows of CSV files that were not used, or not whole, and why; of each file the first thousand.
    #[serde(default)]
    pub rows_left_out: WarningReport,
    pub new_classes: Vec<String>,
}
