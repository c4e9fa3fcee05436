use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DatasetId, Job, JobId, MetricPoint, ResourceSnapshot};

/// What the application tells everyone who looks at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
// A few events a second pass through bounded channels: boxing would show in every match and save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Event {
    /// Rows changed: refresh what shows them.
    Changed {
        entity: Entity,
        /// Which ones; empty when too many to list.
        ids: Vec<Uuid>,
        dataset_id: Option<DatasetId>,
    },
    /// A job's state or progress; at most ten times a second a job.
    Job { job: Job },
    /// New points of a job's curves.
    Metrics { job_id: JobId, points: Vec<MetricPoint> },
    /// The machine, once a second.
    Resources { snapshot: ResourceSnapshot },
    /// The listener was too slow and missed events: refresh everything.
    Lagged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    Project,
    Dataset,
    Label,
    Sample,
    Annotation,
    DatasetVersion,
    Model,
    ModelVersion,
    Job,
    Evaluation,
    Member,
    Settings,
    History,
    Weights,
    GpuPack,
}
