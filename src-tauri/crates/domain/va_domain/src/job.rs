use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use serde_json::Value;

use crate::{DatasetId, JobId, ProjectId};

/// `queued → running → (paused) → succeeded | failed | cancelled`; found running at start-up: `interrupted`,
/// then queued again where it can resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Paused,
    Interrupted,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobState {
    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Import,
    DatasetExport,
    Train,
    Evaluate,
    ModelExport,
    WeightsInstall,
    WeightsDownload,
    GpuPackInstall,
    GpuPackDownload,
    GpuPackVerify,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobProgress {
    pub done: u64,
    /// 0 while unknown.
    pub total: u64,
    /// `images`, `steps`, `bytes`.
    pub unit: String,
    /// What is happening now: a catalogue key such as `hashing`, `training`, `validating`.
    pub phase: String,
    /// Estimated; None while unknown.
    pub remaining_ms: Option<u64>,
    /// Epoch of a training run, 1-based; 0 otherwise.
    #[serde(default)]
    pub epoch: u32,
    #[serde(default)]
    pub epochs: u32,
}

/// Background work. It is a row before it is a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub state: JobState,
    /// For the job list: `tile-defects · resnet18`.
    pub title: String,
    pub project_id: Option<ProjectId>,
    pub dataset_id: Option<DatasetId>,
    pub progress: JobProgress,
    /// What was asked (the request of the kind).
    pub params: Value,
    /// What came out: `ImportReport` for imports, `{model_version_id}` for training, `{evaluation_id}` …
    pub result: Option<Value>,
    /// Why it failed: what happened, what is safe, what to do.
    pub error: Option<String>,
    pub created_ms: i64,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
}
