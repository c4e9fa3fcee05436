//! A model version on a split of its frozen dataset version: the numbers, and the images behind every number.

mod samples;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{
    Actor, Evaluation, EvaluationId, Job, JobKind, ModelVersionId, Page, PageRequest, ProjectId, Role, Split,
};
use va_error::{Error, Result, WarningReport};

use crate::app::require;
use crate::jobs::{self, NewJob};
use crate::{App, models};

pub use samples::samples;
pub(crate) use work::run;

/// What an evaluation job is asked. The id is chosen before, so that a repeated job cannot make two evaluations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EvaluateParams {
    pub model_version_id: ModelVersionId,
    pub split: Split,
    pub evaluation_id: EvaluationId,
}

/// What an evaluation job gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluateResult {
    pub evaluation_id: EvaluationId,
    /// Images that could not be read, and why.
    pub left_out: WarningReport,
}

/// Which evaluations; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EvaluationListRequest {
    pub model_version_id: Option<ModelVersionId>,
    pub project_id: Option<ProjectId>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// Which samples of an evaluation; the most confident mistakes first, then the least confident of the right ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationSamplesRequest {
    pub id: EvaluationId,
    /// True class; of several, one of them.
    #[serde(default)]
    pub actual: Option<u32>,
    /// Predicted class; of several, one of them.
    #[serde(default)]
    pub predicted: Option<u32>,
    #[serde(default)]
    pub wrong_only: bool,
    /// With `class_idx`: one class against the rest, where a probability of at least this counts as predicted. Gives
    /// what is predicted so; with `wrong_only` the false alarms and the misses, with `mistake` one of them.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// With `threshold` and `class_idx`: only these.
    #[serde(default)]
    pub mistake: Option<ClassMistake>,
    #[serde(default)]
    pub class_idx: Option<u32>,
    #[serde(default)]
    pub limit: Option<u32>,
    #[serde(default)]
    pub cursor: Option<String>,
}

/// How a decision on one class can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassMistake {
    /// The class is there and was not given.
    Missed,
    /// The class was given and is not there.
    FalseAlarm,
}

/// Queues an evaluation.
///
/// # Errors
/// `NotFound`, or `InvalidInput` when the split of the frozen dataset version is empty.
pub fn create(app: &App, actor: &Actor, model_version_id: ModelVersionId, split: Split) -> Result<Job> {
    require(actor, Role::Owner)?;
    let version = models::version(app, model_version_id)?;
    let model = models::get(app, version.model_id)?;
    let dataset_version = app.store().read(|read| read.dataset_versions().get(version.dataset_version_id))?;
    let (count, word) = match split {
        Split::Train => (dataset_version.splits.train, "train"),
        Split::Val => (dataset_version.splits.val, "val"),
        Split::Test => (dataset_version.splits.test, "test"),
    };
    if count == 0 {
        return Err(Error::invalid(format!(
            "the {word} split of the dataset version that {}@{} was trained on is empty: evaluate another split, or \
             give samples to it and train again",
            model.name, version.number
        )));
    }
    let params = EvaluateParams { model_version_id, split, evaluation_id: EvaluationId::new() };
    jobs::submit(
        app,
        actor,
        NewJob {
            kind: JobKind::Evaluate,
            title: format!("{}@{} · {word}", model.name, version.number),
            project_id: None,
            dataset_id: Some(dataset_version.dataset_id),
            params: serde_json::to_value(params)?,
        },
    )
}

/// # Errors
/// `InvalidInput` for a limit or cursor that is not ours.
pub fn list(app: &App, request: &EvaluationListRequest) -> Result<Page<Evaluation>> {
    let page = PageRequest { limit: request.limit, cursor: request.cursor.clone() };
    app.store().read(|read| read.evaluations().list(request.model_version_id, request.project_id, &page))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: EvaluationId) -> Result<Evaluation> {
    app.store().read(|read| read.evaluations().get(id))
}
