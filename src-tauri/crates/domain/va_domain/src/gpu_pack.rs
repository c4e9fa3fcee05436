use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JobId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GpuPackState {
    NotInstalled,
    /// Some of its files are here, whole or in part; a download goes on where it stopped.
    PartlyDownloaded,
    Installed,
    /// Not used until it is installed again.
    Damaged,
}

/// NVIDIA's libraries that training on an NVIDIA GPU needs, as one thing that is installed and removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuPack {
    pub state: GpuPackState,
    /// Of what can be installed: `cuda-13.0.2-cudnn-9.19.0`.
    pub version: String,
    /// Of what is installed; another one than `version` after an update of the program.
    pub installed_version: Option<String>,
    /// There is a pack for this kind of machine.
    pub is_supported: bool,
    /// The driver of a card is there and new enough, and the libraries are not: this is what a pack is for.
    pub would_help: bool,
    /// What it is made of.
    pub packages: Vec<GpuPackage>,
    /// All packages.
    pub download_bytes: u64,
    /// Of them, what is here of an unfinished download.
    pub downloaded_bytes: u64,
    /// On the disk, once installed.
    pub installed_bytes: u64,
    /// Where it is, or would be; None where this user has no home folder.
    pub folder: Option<String>,
    /// Files of an installed pack that are missing or not what they should be.
    pub damaged_files: Vec<String>,
    /// The install, download or verification under way.
    pub job_id: Option<JobId>,
    pub installed_ms: Option<i64>,
}

/// One of NVIDIA's redistributable packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuPackage {
    /// `nvidia-cublas`.
    pub name: String,
    pub version: String,
    /// `matrix products`.
    pub purpose: String,
    pub licence: String,
    pub licence_url: String,
    pub file: String,
    pub source_url: String,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}
