//! The finished model becomes a row with its whole lineage.

use va_domain::{InitialWeights, Model, ModelVersion, now_ms};
use va_engine::{TrainJob, TrainOutcome};
use va_error::{Code, Error, Result};
use va_store::{Op, Tx};

use super::{TrainParams, TrainResult};
use crate::App;
use crate::jobs::JobContext;
use crate::models;

/// The result of a job whose model is in the library already.
pub(super) fn registered(app: &App, params: &TrainParams) -> Result<Option<TrainResult>> {
    match models::version(app, params.model_version_id) {
        Ok(version) => {
            let model = models::get(app, version.model_id)?;
            Ok(Some(result(&model, version)))
        }
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds the version, and the model where the run makes a new one, in one transaction.
pub(super) fn register(
    context: &JobContext,
    params: &TrainParams,
    job: &TrainJob,
    outcome: &TrainOutcome,
) -> Result<TrainResult> {
    let app = context.app();
    let weights_hash =
        outcome.weights_hash.clone().ok_or_else(|| Error::internal("BUG: a finished run without weights"))?;
    let op = Op::audited("model_train").summary(format!("job {} made a model version", context.id()));
    app.transact(context.actor(), op, |tx| {
        let model = model_for(tx, params)?;
        let version = tx.model_versions_mut().insert(&ModelVersion {
            id: params.model_version_id,
            model_id: model.id,
            number: 0,
            arch: job.settings.arch.clone(),
            classes: job.classes.clone(),
            preprocessing: job.preprocessing.clone(),
            settings: job.settings.clone(),
            seed: job.settings.seed,
            dataset_version_id: params.dataset_version_id,
            job_id: Some(context.id()),
            parent: model.latest.as_ref().map(|latest| latest.id),
            initial_weights: params
                .initial_weights
                .as_ref()
                .map(|pinned| InitialWeights { report: outcome.initial_weights.clone(), ..pinned.weights.clone() }),
            engine_version: outcome.engine_version.clone(),
            weights_hash: weights_hash.clone(),
            metrics: outcome.metrics.clone(),
            exports: Vec::new(),
            created_ms: now_ms(),
        })?;
        // A project deleted meanwhile is no reason to lose the model.
        if let Some(project) = params.request.project_id
            && tx.projects().get(project).is_ok()
        {
            tx.models_mut().link(project, model.id)?;
        }
        Ok(result(&model, version))
    })
}

/// The model asked for; a new one where none was, or where it was deleted while the run went on.
fn model_for(tx: &Tx<'_>, params: &TrainParams) -> Result<Model> {
    if let Some(id) = params.request.model_id
        && let Ok(model) = tx.models().get(id)
    {
        return Ok(model);
    }
    let name = free_name(&params.new_model_name, |name| Ok(tx.models().find_by_name(name)?.is_some()))?;
    tx.models_mut().create(&name, params.request.task)
}

/// `name`, or `name-2`, `name-3` … when it is taken.
pub(crate) fn free_name(name: &str, mut taken: impl FnMut(&str) -> Result<bool>) -> Result<String> {
    if !taken(name)? {
        return Ok(name.to_owned());
    }
    for number in 2_u32.. {
        let numbered = format!("{name}-{number}");
        if !taken(&numbered)? {
            return Ok(numbered);
        }
    }
    Err(Error::conflict("no name is free for the model"))
}

fn result(model: &Model, version: ModelVersion) -> TrainResult {
    TrainResult {
        model_id: model.id,
        model_version_id: version.id,
        model_name: model.name.clone(),
        number: version.number,
        metrics: version.metrics,
    }
}

#[cfg(test)]
mod tests {
    use super::free_name;

    #[test]
    fn a_taken_name_gets_the_next_number() {
        let taken = ["tiles-resnet18", "tiles-resnet18-2"];
        let free = |name| free_name(name, |candidate| Ok(taken.contains(&candidate))).unwrap();
        assert_eq!(free("tiles-resnet18"), "tiles-resnet18-3");
        assert_eq!(free("other"), "other");
    }
}
