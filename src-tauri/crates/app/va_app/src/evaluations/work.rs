//! The work of an evaluation job: every sample of the split through the model, then rows in one transaction.

use serde_json::Value;
use va_domain::{Evaluation, EvaluationSample, Task, now_ms};
use va_engine::Stop;
use va_error::{Code, Error, Result};
use va_store::Op;

use super::{EvaluateParams, EvaluateResult};
use crate::jobs::{self, JobContext};
use crate::models;
use crate::train::source::{MediaSource, load_split};

pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let params: EvaluateParams = context.params()?;
    let app = context.app();
    // Killed between the rows and the end of the job: the evaluation is there already.
    match super::get(app, params.evaluation_id) {
        Ok(_) => return finished(&params, va_error::WarningReport::default()),
        Err(error) if error.code() == Code::NotFound => {}
        Err(error) => return Err(error),
    }
    let version = models::version(app, params.model_version_id)?;
    let task = models::get(app, version.model_id)?.task;
    let source = load_split(app, version.dataset_version_id, params.split, &version.classes, task)?;
    context.progress(0, source.images.len() as u64, "images", "evaluating");
    let session = models::session(app, version.id)?;
    let output = va_engine::evaluate(session.as_ref(), &source, &mut |done, total| {
        context.progress(done as u64, total as u64, "images", "evaluating");
        match context.stop_requested() {
            jobs::Stop::Continue => Stop::Continue,
            jobs::Stop::Pause => Stop::Pause,
            jobs::Stop::Cancel => Stop::Cancel,
        }
    })?;
    if output.samples.is_empty() {
        return Err(Error::invalid(format!(
            "none of the {} images could be read ({}); nothing was evaluated",
            source.images.len(),
            output.left_out.warnings.first().map_or("no reason was given", |warning| warning.reason.as_str()),
        )));
    }
    for warning in &output.left_out.warnings {
        context.note(format!("left out {}: {}", warning.subject, warning.reason));
    }
    let evaluation = Evaluation {
        id: params.evaluation_id,
        model_version_id: version.id,
        dataset_version_id: version.dataset_version_id,
        split: params.split,
        job_id: Some(context.id()),
        classes: version.classes.clone(),
        summary: output.summary,
        created_ms: now_ms(),
    };
    let samples = results(&source, &output.samples, task)?;
    let op = Op::audited("evaluation_create").summary(format!(
        "model version {}: accuracy {:.4} on {} samples",
        version.id, evaluation.summary.accuracy, evaluation.summary.sample_count
    ));
    app.transact(context.actor(), op, |tx| {
        tx.evaluations_mut().insert(&evaluation)?;
        tx.predictions_mut().append(evaluation.id, &samples)
    })?;
    finished(&params, output.left_out)
}

fn finished(params: &EvaluateParams, left_out: va_error::WarningReport) -> Result<Value> {
    Ok(serde_json::to_value(EvaluateResult { evaluation_id: params.evaluation_id, left_out })?)
}

fn results(source: &MediaSource, samples: &[va_engine::SampleResult], task: Task) -> Result<Vec<EvaluationSample>> {
    let one_class = |classes: &[u32]| match task {
        Task::Classification => classes.first().copied(),
        Task::MultilabelClassification => None,
    };
    samples
        .iter()
        .map(|result| {
            let image = source
                .images
                .get(result.index)
                .ok_or_else(|| Error::internal("BUG: a result of a sample that was not given"))?;
            Ok(EvaluationSample {
                sample_id: image.sample_id,
                name: image.name.clone(),
                actual: one_class(&image.classes),
                predicted: one_class(&result.predicted),
                actual_classes: image.classes.clone(),
                predicted_classes: result.predicted.clone(),
                probabilities: result.probabilities.clone(),
                loss: result.loss,
                current_label_id: None,
            })
        })
        .collect()
}
