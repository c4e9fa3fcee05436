//! Models, their versions, lineage, predictions and exports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{
    Dataset, DatasetVersion, Evaluation, Job, Model, ModelExportFormat, ModelId, ModelVersion, Page, Prediction, Role,
    SampleId,
};
use va_error::WarningReport;

use crate::command::{Command, Method};
use crate::wire::{Done, request};

request! {
    ModelListRequest {
        /// Part of the name, case-insensitive.
        search: Option<String>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    ModelRequest { id: ModelId }
    ModelUpdateRequest { id: ModelId, name: String }
    ModelVersionsRequest { id: ModelId, limit: Option<u32>, cursor: Option<String> }
    ModelVersionRequest {
        id: ModelId,
        /// 1, 2, 3 … within the model.
        number: u32,
    }
    ModelPredictRequest {
        id: ModelId,
        /// The newest without it.
        version: Option<u32>,
        #[serde(default)] sample_ids: Vec<SampleId>,
        /// Images or folders on this machine.
        #[serde(default)] paths: Vec<String>,
        /// What `POST /uploads` gave.
        upload_id: Option<String>,
    }
    ModelExportRequest {
        id: ModelId,
        number: u32,
        format: ModelExportFormat,
        /// Also copy the file here, on this machine.
        out: Option<String>,
    }
}

/// Where a model version comes from and what was measured on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    pub version: ModelVersion,
    pub model: Model,
    pub dataset_version: DatasetVersion,
    pub dataset: Dataset,
    pub job: Option<Job>,
    pub parent: Option<ModelVersion>,
    pub evaluations: Vec<Evaluation>,
}

/// What a model says of some images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Predictions {
    pub predictions: Vec<Prediction>,
    /// Images that could not be read, and why.
    pub left_out: WarningReport,
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<ModelListRequest, Page<Model>>("model_list", Get, "/models", Role::Viewer, "Models"),
        Command::new::<ModelRequest, Model>(
            "model_get",
            Get,
            "/models/{id}",
            Role::Viewer,
            "One model with its newest version",
        ),
        Command::new::<ModelUpdateRequest, Model>("model_update", Put, "/models/{id}", Role::Owner, "Rename a model"),
        Command::new::<ModelRequest, Done>(
            "model_delete",
            Delete,
            "/models/{id}",
            Role::Owner,
            "Delete a model with its versions",
        ),
        Command::new::<ModelVersionsRequest, Page<ModelVersion>>(
            "model_versions",
            Get,
            "/models/{id}/versions",
            Role::Viewer,
            "Versions of a model, newest first",
        ),
        Command::new::<ModelVersionRequest, ModelVersion>(
            "model_version_get",
            Get,
            "/models/{id}/versions/{number}",
            Role::Viewer,
            "One version of a model",
        ),
        Command::new::<ModelVersionRequest, Lineage>(
            "model_lineage",
            Get,
            "/models/{id}/versions/{number}/lineage",
            Role::Viewer,
            "Where a version comes from and what was measured on it",
        ),
        Command::new::<ModelPredictRequest, Predictions>(
            "model_predict",
            Post,
            "/models/{id}/predict",
            Role::Viewer,
            "Classes and probabilities of images",
        ),
        Command::new::<ModelExportRequest, Job>(
            "model_export",
            Post,
            "/models/{id}/versions/{number}/export",
            Role::Owner,
            "Write the model as a file and prove it; the job's result is an ExportFile",
        ),
    ]
}
