//! Where a model version comes from, and what was measured on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{Dataset, DatasetVersion, Evaluation, Job, Model, ModelId, ModelVersion, PageRequest};
use va_error::{Code, Result};

use crate::App;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    pub version: ModelVersion,
    pub model: Model,
    pub dataset_version: DatasetVersion,
    pub dataset: Dataset,
    /// The run, unless it was removed from the list.
    pub job: Option<Job>,
    /// The version before it in the same model, unless deleted.
    pub parent: Option<ModelVersion>,
    /// Newest first, at most 500.
    pub evaluations: Vec<Evaluation>,
}

/// # Errors
/// `NotFound`.
pub fn lineage(app: &App, id: ModelId, number: u32) -> Result<Lineage> {
    app.store().read(|read| {
        let model = read.models().get(id)?;
        let version = read.model_versions().by_number(id, number)?;
        let dataset_version = read.dataset_versions().get(version.dataset_version_id)?;
        let page = PageRequest { limit: Some(500), cursor: None };
        Ok(Lineage {
            dataset: read.datasets().get_even_deleted(dataset_version.dataset_id)?,
            job: version.job_id.map(|job| read.jobs().find(job)).transpose()?.flatten(),
            parent: version.parent.map(|parent| existing(read.model_versions().get(parent))).transpose()?.flatten(),
            evaluations: read.evaluations().list(Some(version.id), None, &page)?.items,
            dataset_version,
            model,
            version,
        })
    })
}

/// What was removed since is no error.
fn existing<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
