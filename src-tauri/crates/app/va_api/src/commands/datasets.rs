//! Datasets: counts, splits, frozen versions, export of the labels, history.

use va_domain::{
    Dataset, DatasetId, DatasetVersion, ExportFormat, Facets, HistoryState, Job, Page, ProjectId, Role, SplitCounts,
};

use crate::command::{Command, Method};
use crate::wire::{Done, request};

request! {
    DatasetListRequest {
        /// Part of the name, case-insensitive.
        search: Option<String>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    DatasetCreateRequest {
        name: String,
        #[serde(default)] description: String,
        /// Link it to this project.
        project_id: Option<ProjectId>,
    }
    DatasetRequest { id: DatasetId }
    DatasetUpdateRequest { id: DatasetId, name: Option<String>, description: Option<String> }
    DatasetDeleteRequest {
        id: DatasetId,
        /// Delete it although models were trained on it; what they need stays.
        #[serde(default)] force: bool,
    }
    DatasetSplitRequest {
        id: DatasetId,
        /// Shares between 0 and 1 that add up to 1.
        train: f64,
        val: f64,
        test: f64,
        seed: u64,
        /// Leave samples that already are in a split where they are.
        #[serde(default)] only_unsplit: bool,
    }
    DatasetVersionsRequest { id: DatasetId, limit: Option<u32>, cursor: Option<String> }
    DatasetFreezeRequest { id: DatasetId, #[serde(default)] note: String }
    DatasetExportRequest {
        id: DatasetId,
        format: ExportFormat,
        /// A folder on this machine; made if it is missing.
        out: String,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<DatasetListRequest, Page<Dataset>>("dataset_list", Get, "/datasets", Role::Viewer, "Datasets"),
        Command::new::<DatasetCreateRequest, Dataset>(
            "dataset_create",
            Post,
            "/datasets",
            Role::Owner,
            "Make an empty dataset",
        ),
        Command::new::<DatasetRequest, Dataset>(
            "dataset_get",
            Get,
            "/datasets/{id}",
            Role::Viewer,
            "One dataset with its counts",
        ),
        Command::new::<DatasetUpdateRequest, Dataset>(
            "dataset_update",
            Put,
            "/datasets/{id}",
            Role::Owner,
            "Rename or describe a dataset",
        ),
        Command::new::<DatasetDeleteRequest, Done>(
            "dataset_delete",
            Delete,
            "/datasets/{id}",
            Role::Owner,
            "Delete a dataset; refused while a model needs it, unless forced",
        ),
        Command::new::<DatasetRequest, Facets>(
            "dataset_facets",
            Get,
            "/datasets/{id}/facets",
            Role::Viewer,
            "Counts by class, split and labelled state",
        ),
        Command::new::<DatasetSplitRequest, SplitCounts>(
            "dataset_split",
            Post,
            "/datasets/{id}/split",
            Role::Reviewer,
            "Split into train, validation and test: stratified by class, the same seed gives the same split",
        ),
        Command::new::<DatasetVersionsRequest, Page<DatasetVersion>>(
            "dataset_versions",
            Get,
            "/datasets/{id}/versions",
            Role::Viewer,
            "Frozen versions, newest first",
        ),
        Command::new::<DatasetFreezeRequest, DatasetVersion>(
            "dataset_freeze",
            Post,
            "/datasets/{id}/versions",
            Role::Reviewer,
            "Freeze the dataset as it is; unchanged since the newest version, that one is given",
        ),
        Command::new::<DatasetExportRequest, Job>(
            "dataset_export",
            Post,
            "/datasets/{id}/export",
            Role::Annotator,
            "Write the labels as CSV, or the images as a folder a class",
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_get",
            Get,
            "/datasets/{id}/history",
            Role::Viewer,
            "What undo and redo would do",
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_undo",
            Post,
            "/datasets/{id}/undo",
            Role::Annotator,
            "Take back the last change",
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_redo",
            Post,
            "/datasets/{id}/redo",
            Role::Annotator,
            "Do the change again that was taken back",
        ),
    ]
}
