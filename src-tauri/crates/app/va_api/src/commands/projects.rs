//! Projects and what is linked to them.

use va_app::projects::{self, SampleProject};
use va_domain::{Dataset, DatasetId, Model, ModelId, Page, Project, ProjectId, Role, Task};

use crate::command::{Command, Method};
use crate::wire::{Done, Nothing, done, page, request};

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

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<ProjectListRequest, Page<Project>>(
            "project_list",
            Get,
            "/projects",
            Role::Viewer,
            "Projects",
            |app, _, q| projects::list(app, q.search.as_deref().unwrap_or_default(), &page(q.limit, q.cursor)),
        ),
        Command::new::<ProjectCreateRequest, Project>(
            "project_create",
            Post,
            "/projects",
            Role::Owner,
            "Make a project",
            |app, actor, q| {
                let new = projects::NewProject {
                    name: q.name,
                    description: q.description,
                    task: q.task,
                    with_dataset: q.with_dataset,
                };
                projects::create(app, actor, &new)
            },
        ),
        Command::new::<ProjectRequest, Project>(
            "project_get",
            Get,
            "/projects/{id}",
            Role::Viewer,
            "One project",
            |app, _, q| projects::get(app, q.id),
        ),
        Command::new::<ProjectUpdateRequest, Project>(
            "project_update",
            Put,
            "/projects/{id}",
            Role::Owner,
            "Rename or describe a project",
            |app, actor, q| projects::update(app, actor, q.id, q.name.as_deref(), q.description.as_deref()),
        ),
        Command::new::<ProjectRequest, Done>(
            "project_delete",
            Delete,
            "/projects/{id}",
            Role::Owner,
            "Delete a project; its datasets and models stay",
            |app, actor, q| done(projects::delete(app, actor, q.id)),
        ),
        Command::new::<ProjectItemsRequest, Page<Dataset>>(
            "project_datasets",
            Get,
            "/projects/{id}/datasets",
            Role::Viewer,
            "Datasets linked to a project",
            |app, _, q| projects::datasets(app, q.id).map(Page::whole),
        ),
        Command::new::<ProjectDatasetRequest, Done>(
            "project_link_dataset",
            Post,
            "/projects/{id}/datasets",
            Role::Owner,
            "Link a dataset to a project",
            |app, actor, q| done(projects::link_dataset(app, actor, q.id, q.dataset_id)),
        ),
        Command::new::<ProjectDatasetRequest, Done>(
            "project_unlink_dataset",
            Delete,
            "/projects/{id}/datasets/{dataset_id}",
            Role::Owner,
            "Take a dataset out of a project; the dataset stays",
            |app, actor, q| done(projects::unlink_dataset(app, actor, q.id, q.dataset_id)),
        ),
        Command::new::<ProjectItemsRequest, Page<Model>>(
            "project_models",
            Get,
            "/projects/{id}/models",
            Role::Viewer,
            "Models linked to a project",
            |app, _, q| projects::models(app, q.id).map(Page::whole),
        ),
        Command::new::<ProjectModelRequest, Done>(
            "project_link_model",
            Post,
            "/projects/{id}/models",
            Role::Owner,
            "Link a model to a project",
            |app, actor, q| done(projects::link_model(app, actor, q.id, q.model_id)),
        ),
        Command::new::<ProjectModelRequest, Done>(
            "project_unlink_model",
            Delete,
            "/projects/{id}/models/{model_id}",
            Role::Owner,
            "Take a model out of a project; the model stays",
            |app, actor, q| done(projects::unlink_model(app, actor, q.id, q.model_id)),
        ),
        Command::new::<Nothing, SampleProject>(
            "project_create_sample",
            Post,
            "/projects/sample",
            Role::Owner,
            "Make a project over the bundled sample images",
            |app, actor, _| projects::create_sample(app, actor),
        ),
    ]
}
