//! Jobs: background work, and the training that is started as one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_app::jobs;
use va_domain::{
    DatasetId, Job, JobId, JobKind, JobState, MetricSeries, ModelId, Page, ProjectId, Role, Task, TrainRequest,
    TrainSettings,
};

use crate::command::{Command, Method};
use crate::wire::{Done, done, request};

/// Kinds of job that are started here; the others start where they belong (import, export, evaluation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobCreateKind {
    Train,
}

request! {
    JobCreateRequest {
        kind: JobCreateKind,
        dataset_id: DatasetId,
        #[serde(default)] task: Task,
        #[serde(default)] settings: TrainSettings,
        /// Link the model to this project.
        project_id: Option<ProjectId>,
        /// Add a version to this model; without it a new model is made.
        model_id: Option<ModelId>,
        /// Name of a new model; without it one is made from dataset and architecture.
        model_name: Option<String>,
    }
    JobListRequest {
        kind: Option<JobKind>,
        state: Option<JobState>,
        project_id: Option<ProjectId>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    JobRequest { id: JobId }
    JobUpdateRequest { id: JobId, title: String }
}

impl JobCreateRequest {
    fn train(self) -> TrainRequest {
        let JobCreateKind::Train = self.kind;
        TrainRequest {
            dataset_id: self.dataset_id,
            task: self.task,
            settings: self.settings,
            project_id: self.project_id,
            model_id: self.model_id,
            model_name: self.model_name,
        }
    }
}

/// The curves of a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobMetrics {
    pub series: Vec<MetricSeries>,
}

/// What a job said while it ran, oldest first: a split that was made, memory that was short, a checkpoint passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobNotes {
    pub notes: Vec<String>,
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<JobListRequest, Page<Job>>(
            "job_list",
            Get,
            "/jobs",
            Role::Viewer,
            "Jobs, newest first",
            |app, _, q| {
                let request = jobs::JobListRequest {
                    kind: q.kind,
                    state: q.state,
                    project_id: q.project_id,
                    limit: q.limit,
                    cursor: q.cursor,
                };
                jobs::list(app, &request)
            },
        ),
        Command::new::<JobCreateRequest, Job>(
            "job_create",
            Post,
            "/jobs",
            Role::Owner,
            "Start a training",
            |app, actor, q| jobs::create(app, actor, &q.train()),
        ),
        Command::new::<JobRequest, Job>("job_get", Get, "/jobs/{id}", Role::Viewer, "One job", |app, _, q| {
            jobs::get(app, q.id)
        }),
        Command::new::<JobUpdateRequest, Job>(
            "job_update",
            Put,
            "/jobs/{id}",
            Role::Owner,
            "Give a job another title",
            |app, actor, q| jobs::update(app, actor, q.id, &q.title),
        ),
        Command::new::<JobRequest, Done>(
            "job_delete",
            Delete,
            "/jobs/{id}",
            Role::Owner,
            "Remove a finished job from the list",
            |app, actor, q| done(jobs::delete(app, actor, q.id)),
        ),
        Command::new::<JobRequest, Job>(
            "job_cancel",
            Post,
            "/jobs/{id}/cancel",
            Role::Annotator,
            "Stop a job for good",
            |app, actor, q| jobs::cancel(app, actor, q.id),
        ),
        Command::new::<JobRequest, Job>(
            "job_pause",
            Post,
            "/jobs/{id}/pause",
            Role::Owner,
            "Stop a job at a checkpoint so that it can go on",
            |app, actor, q| jobs::pause(app, actor, q.id),
        ),
        Command::new::<JobRequest, Job>(
            "job_resume",
            Post,
            "/jobs/{id}/resume",
            Role::Owner,
            "Let a stopped job go on from its checkpoint",
            |app, actor, q| jobs::resume(app, actor, q.id),
        ),
        Command::new::<JobRequest, JobMetrics>(
            "job_metrics",
            Get,
            "/jobs/{id}/metrics",
            Role::Viewer,
            "The curves of a job",
            |app, _, q| jobs::metrics(app, q.id).map(|series| JobMetrics { series }),
        ),
        Command::new::<JobRequest, JobNotes>(
            "job_notes",
            Get,
            "/jobs/{id}/notes",
            Role::Viewer,
            "What a job said while it ran",
            |app, _, q| jobs::notes(app, q.id).map(|notes| JobNotes { notes }),
        ),
    ]
}
