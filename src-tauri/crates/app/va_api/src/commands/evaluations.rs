//! Evaluations: a model version on a split of its frozen dataset version.

use va_app::evaluations::{self, ClassMistake};
use va_domain::{Evaluation, EvaluationId, EvaluationSample, Job, ModelVersionId, Page, ProjectId, Role, Split};

use crate::command::{Command, Method};
use crate::wire::request;

request! {
    EvaluationCreateRequest { model_version_id: ModelVersionId, split: Split }
    EvaluationListRequest {
        model_version_id: Option<ModelVersionId>,
        project_id: Option<ProjectId>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    EvaluationRequest { id: EvaluationId }
    EvaluationSamplesRequest {
        id: EvaluationId,
        /// True class, a `class_idx`; of several, one of them.
        actual: Option<u32>,
        /// Predicted class, a `class_idx`; of several, one of them.
        predicted: Option<u32>,
        #[serde(default)] wrong_only: bool,
        /// With `class_idx`: only samples whose probability of that class is at least this.
        threshold: Option<f64>,
        class_idx: Option<u32>,
        /// With `threshold` and `class_idx`: only samples where that class is missed, or given though it is not there.
        mistake: Option<ClassMistake>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Get, Post};
    vec![
        Command::new::<EvaluationCreateRequest, Job>(
            "evaluation_create",
            Post,
            "/evaluations",
            Role::Owner,
            "Evaluate a model version; the job's result names the evaluation",
            |app, actor, q| evaluations::create(app, actor, q.model_version_id, q.split),
        ),
        Command::new::<EvaluationListRequest, Page<Evaluation>>(
            "evaluation_list",
            Get,
            "/evaluations",
            Role::Viewer,
            "Evaluations, newest first",
            |app, _, q| {
                let request = evaluations::EvaluationListRequest {
                    model_version_id: q.model_version_id,
                    project_id: q.project_id,
                    limit: q.limit,
                    cursor: q.cursor,
                };
                evaluations::list(app, &request)
            },
        ),
        Command::new::<EvaluationRequest, Evaluation>(
            "evaluation_get",
            Get,
            "/evaluations/{id}",
            Role::Viewer,
            "One evaluation: the numbers of every class, and of one class an image the confusion matrix",
            |app, _, q| evaluations::get(app, q.id),
        ),
        Command::new::<EvaluationSamplesRequest, Page<EvaluationSample>>(
            "evaluation_samples",
            Get,
            "/evaluations/{id}/samples",
            Role::Viewer,
            "The samples behind a cell, a threshold or the errors",
            |app, _, q| {
                let request = evaluations::EvaluationSamplesRequest {
                    id: q.id,
                    actual: q.actual,
                    predicted: q.predicted,
                    wrong_only: q.wrong_only,
                    threshold: q.threshold,
                    class_idx: q.class_idx,
                    mistake: q.mistake,
                    limit: q.limit,
                    cursor: q.cursor,
                };
                evaluations::samples(app, &request)
            },
        ),
    ]
}
