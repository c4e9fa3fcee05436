//! Projects and what is linked to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{Dataset, DatasetId, Job, Model, ModelId, Page, Project, ProjectId, Role, Task};

use crate::command::{Command, Method};
use crate::wire::{Done, Nothing, request};

request! {
    ProjectListRequest {
        /// Part of the name, case-insensitive.
        search: Option<String>,
        /// At most 500; 100 without it.
        limit: Option<u32>,
        cursor: Option<String>,
    }
    ProjectCreateRequest {
        name: String,
        #[serde(default)] description: String,
        #[serde(default)] task: Task,
        /// Also make an empty dataset of the same name and link it.
        #[serde(default)] with_dataset: bool,
    }
    ProjectRequest { id: ProjectId }
    ProjectUpdateRequest { id: ProjectId, name: Option<String>, description: Option<String> }
    ProjectItemsRequest { id: ProjectId, limit: Option<u32>, cursor: Option<String> }
    ProjectDatasetRequest { id: ProjectId, dataset_id: DatasetId }
    ProjectModelRequest { id: ProjectId, model_id: ModelId }
}

/// A project over the bundled sample images, with the job that imports them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleProject {
    pub project: Project,
    pub dataset: Dataset,
    pub job: Job,
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<ProjectListRequest, Page<Project>>("project_list", Get, "/projects", Role::Viewer, "Projects"),
        Command::new::<ProjectCreateRequest, Project>(
            "project_create",
            Post,
            "/projects",
            Role::Owner,
            "Make a project",
        ),
        Command::new::<ProjectRequest, Project>("project_get", Get, "/projects/{id}", Role::Viewer, "One project"),
        Command::new::<ProjectUpdateRequest, Project>(
            "project_update",
            Put,
            "/projects/{id}",
            Role::Owner,
            "Rename or describe a project",
        ),
        Command::new::<ProjectRequest, Done>(
            "project_delete",
            Delete,
            "/projects/{id}",
            Role::Owner,
            "Delete a project; its datasets and models stay",
        ),
        Command::new::<ProjectItemsRequest, Page<Dataset>>(
            "project_datasets",
            Get,
            "/projects/{id}/datasets",
            Role::Viewer,
            "Datasets linked to a project",
        ),
        Command::new::<ProjectDatasetRequest, Done>(
            "project_link_dataset",
            Post,
            "/projects/{id}/datasets",
            Role::Owner,
            "Link a dataset to a project",
        ),
        Command::new::<ProjectDatasetRequest, Done>(
            "project_unlink_dataset",
            Delete,
            "/projects/{id}/datasets/{dataset_id}",
            Role::Owner,
            "Take a dataset out of a project; the dataset stays",
        ),
        Command::new::<ProjectItemsRequest, Page<Model>>(
            "project_models",
            Get,
            "/projects/{id}/models",
            Role::Viewer,
            "Models linked to a project",
        ),
        Command::new::<ProjectModelRequest, Done>(
            "project_link_model",
            Post,
            "/projects/{id}/models",
            Role::Owner,
            "Link a model to a project",
        ),
        Command::new::<ProjectModelRequest, Done>(
            "project_unlink_model",
            Delete,
            "/projects/{id}/models/{model_id}",
            Role::Owner,
            "Take a model out of a project; the model stays",
        ),
        Command::new::<Nothing, SampleProject>(
            "project_create_sample",
            Post,
            "/projects/sample",
            Role::Owner,
            "Make a project over the bundled sample images",
        ),
    ]
}
