//! Datasets: counts, splits, frozen versions, export of the labels, history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_app::export::{self, DatasetExportRequest as DatasetExport};
use va_app::split;
use va_app::{datasets, history, versions};
use va_domain::{
    Dataset, DatasetId, DatasetVersion, ExportFormat, Facets, HistoryState, Job, Page, ProjectId, Role, SplitCounts,
    SplitRatios,
};
use va_error::WarningReport;

use crate::command::{Command, Method};
use crate::wire::{Done, done, page, request};

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

/// Samples in each split, and what the split could not do (a class with too few samples for every split).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitOutcome {
    #[serde(flatten)]
    pub counts: SplitCounts,
    #[serde(default, skip_serializing_if = "WarningReport::is_empty")]
    pub report: WarningReport,
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<DatasetListRequest, Page<Dataset>>(
            "dataset_list",
            Get,
            "/datasets",
            Role::Viewer,
            "Datasets",
            |app, _, q| datasets::list(app, q.search.as_deref().unwrap_or_default(), &page(q.limit, q.cursor)),
        ),
        Command::new::<DatasetCreateRequest, Dataset>(
            "dataset_create",
            Post,
            "/datasets",
            Role::Owner,
            "Make an empty dataset",
            |app, actor, q| datasets::create(app, actor, &q.name, &q.description, q.project_id),
        ),
        Command::new::<DatasetRequest, Dataset>(
            "dataset_get",
            Get,
            "/datasets/{id}",
            Role::Viewer,
            "One dataset with its counts",
            |app, _, q| datasets::get(app, q.id),
        ),
        Command::new::<DatasetUpdateRequest, Dataset>(
            "dataset_update",
            Put,
            "/datasets/{id}",
            Role::Owner,
            "Rename or describe a dataset",
            |app, actor, q| datasets::update(app, actor, q.id, q.name.as_deref(), q.description.as_deref()),
        ),
        Command::new::<DatasetDeleteRequest, Done>(
            "dataset_delete",
            Delete,
            "/datasets/{id}",
            Role::Owner,
            "Delete a dataset; refused while a model needs it, unless forced",
            |app, actor, q| done(datasets::delete(app, actor, q.id, q.force)),
        ),
        Command::new::<DatasetRequest, Facets>(
            "dataset_facets",
            Get,
            "/datasets/{id}/facets",
            Role::Viewer,
            "Counts by class, split and labelled state",
            |app, _, q| datasets::facets(app, q.id),
        ),
        Command::new::<DatasetSplitRequest, SplitOutcome>(
            "dataset_split",
            Post,
            "/datasets/{id}/split",
            Role::Reviewer,
            "Split into train, validation and test: stratified by class, the same seed gives the same split",
            |app, actor, q| {
                let ratios = SplitRatios { train: q.train, val: q.val, test: q.test };
                split::split(app, actor, q.id, ratios, q.seed, q.only_unsplit)
                    .map(|made| SplitOutcome { counts: made.counts, report: made.report })
            },
        ),
        Command::new::<DatasetVersionsRequest, Page<DatasetVersion>>(
            "dataset_versions",
            Get,
            "/datasets/{id}/versions",
            Role::Viewer,
            "Frozen versions, newest first",
            |app, _, q| versions::list(app, q.id).map(Page::whole),
        ),
        Command::new::<DatasetFreezeRequest, DatasetVersion>(
            "dataset_freeze",
            Post,
            "/datasets/{id}/versions",
            Role::Reviewer,
            "Freeze the dataset as it is; unchanged since the newest version, that one is given",
            |app, actor, q| versions::freeze(app, actor, q.id, &q.note),
        ),
        Command::new::<DatasetExportRequest, Job>(
            "dataset_export",
            Post,
            "/datasets/{id}/export",
            Role::Annotator,
            "Write the labels as CSV, or the images as a folder a class",
            |app, actor, q| {
                let request = DatasetExport { format: q.format, out: q.out.into() };
                export::start(app, actor, q.id, &request)
            },
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_get",
            Get,
            "/datasets/{id}/history",
            Role::Viewer,
            "What undo and redo would do",
            |app, _, q| history::get(app, q.id),
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_undo",
            Post,
            "/datasets/{id}/undo",
            Role::Annotator,
            "Take back the last change",
            |app, actor, q| history::undo(app, actor, q.id),
        ),
        Command::new::<DatasetRequest, HistoryState>(
            "history_redo",
            Post,
            "/datasets/{id}/redo",
            Role::Annotator,
            "Do the change again that was taken back",
            |app, actor, q| history::redo(app, actor, q.id),
        ),
    ]
}
