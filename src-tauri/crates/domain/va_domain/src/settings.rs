use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Dark,
    Light,
}

/// Settings of a library's user interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// `en`, `zh-CN`; empty follows the system.
    pub language: String,
    /// Thumbnail edge in the gallery, CSS px.
    pub thumbnail_px: u32,
    /// Where to look first for the CUDA libraries: a folder of libraries, a CUDA toolkit or a Python environment; empty
    /// looks in the usual places only. Read when the library is opened.
    pub cuda_folder: String,
}
