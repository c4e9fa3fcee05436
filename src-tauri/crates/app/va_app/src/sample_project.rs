//! The project that comes with VisAIon: real images to try everything on, offline.

use serde::{Deserialize, Serialize};
use va_domain::{Actor, Dataset, ImportFormat, ImportOptions, Job, Project, Role, SplitRatios, Task};
use va_error::Result;
use va_store::Op;

use crate::app::require;
use crate::{App, assets, datasets, import};

const SAMPLE_NAME: &str = "Blood cells";

/// The bundled project, and the job that imports its images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SampleProject {
    pub project: Project,
    pub dataset: Dataset,
    pub job: Job,
}

/// The bundled sample project: made once, then found again; the job imports what is missing, split 0.7 / 0.15 / 0.15
/// with seed 42.
///
/// # Errors
/// `NotFound` when the sample images are not installed.
pub fn create_sample(app: &App, actor: &Actor) -> Result<SampleProject> {
    require(actor, Role::Owner)?;
    let images = assets::sample_assets_dir()?;
    let (project, dataset) = app.transact(actor, Op::audited("create_sample_project").summary(SAMPLE_NAME), |tx| {
        let project = match tx.projects().find_by_name(SAMPLE_NAME)? {
            Some(project) => project,
            None => tx.projects_mut().create(SAMPLE_NAME, "", Task::Classification)?,
        };
        let dataset = match tx.datasets().find_by_name(SAMPLE_NAME)? {
            Some(dataset) => dataset,
            None => tx.datasets_mut().create(SAMPLE_NAME, "")?,
        };
        tx.projects_mut().link_dataset(project.id, dataset.id)?;
        Ok((tx.projects().get(project.id)?, dataset))
    })?;
    let (format, split) = (ImportFormat::Folders, Some(SplitRatios::default()));
    let options = ImportOptions { format, split, split_seed: 42, ..ImportOptions::default() };
    let request = import::ImportRequest { paths: vec![images], upload_id: None, options };
    let job = import::start(app, actor, dataset.id, &request)?;
    Ok(SampleProject { project, dataset: datasets::get(app, dataset.id)?, job })
}
