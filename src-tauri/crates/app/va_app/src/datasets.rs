//! Datasets: create, find, change, delete, count.

use va_domain::{Actor, Dataset, DatasetId, Facets, Page, PageRequest, ProjectId, Role, check_name};
use va_error::{Error, Result};
use va_store::Op;

use crate::App;
use crate::app::require;
use crate::projects::checked_text;

pub use crate::split::split;
pub use crate::versions::{freeze, list as versions, version};

/// # Errors
/// `InvalidInput` for a bad limit or cursor.
pub fn list(app: &App, search: &str, page: &PageRequest) -> Result<Page<Dataset>> {
    app.store().read(|read| read.datasets().list(search.trim(), page))
}

/// With `project`, also links it there.
///
/// # Errors
/// `InvalidInput` for a bad name, `Conflict` when it is taken, `NotFound` without the project.
pub fn create(app: &App, actor: &Actor, name: &str, description: &str, project: Option<ProjectId>) -> Result<Dataset> {
    require(actor, Role::Owner)?;
    let name = check_name("dataset", name)?;
    let description = checked_text("description", description)?;
    app.transact(actor, Op::audited("create_dataset").summary(&name), |tx| {
        let dataset = tx.datasets_mut().create(&name, &description)?;
        if let Some(project) = project {
            tx.projects_mut().link_dataset(project, dataset.id)?;
        }
        Ok(dataset)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: DatasetId) -> Result<Dataset> {
    app.store().read(|read| read.datasets().get(id))
}

/// The dataset of this name, upper or lower case.
///
/// # Errors
/// `NotFound`.
pub fn find_by_name(app: &App, name: &str) -> Result<Dataset> {
    let found = app.store().read(|read| read.datasets().find_by_name(name.trim()))?;
    found.ok_or_else(|| Error::not_found(format!("there is no dataset named \"{}\"", name.trim())))
}

/// What is None stays.
///
/// # Errors
/// `NotFound`, `InvalidInput` for a bad name, `Conflict` when it is taken.
pub fn update(
    app: &App,
    actor: &Actor,
    id: DatasetId,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<Dataset> {
    require(actor, Role::Owner)?;
    let name = name.map(|name| check_name("dataset", name)).transpose()?;
    let description = description.map(|text| checked_text("description", text)).transpose()?;
    app.transact(actor, Op::audited("update_dataset").summary(id.to_string()), |tx| {
        let now = tx.datasets().get(id)?;
        tx.datasets_mut().update(
            id,
            name.as_deref().unwrap_or(&now.name),
            description.as_deref().unwrap_or(&now.description),
        )
    })
}

/// Takes it out of every list; what models were made from stays in the library.
///
/// # Errors
/// `NotFound`; `Conflict` when models were trained on it, unless `force`.
pub fn delete(app: &App, actor: &Actor, id: DatasetId, force: bool) -> Result<()> {
    require(actor, Role::Owner)?;
    let name = get(app, id)?.name;
    app.transact(actor, Op::audited("delete_dataset").summary(&name), |tx| {
        let models = tx.datasets().dependent_model_versions(id)?;
        if models > 0 && !force {
            return Err(Error::conflict(format!(
                "{models} model version(s) were trained on the dataset \"{name}\"; \
                 delete it with force, and they keep what they need"
            )));
        }
        tx.datasets_mut().delete(id)
    })
}

/// # Errors
/// `NotFound`.
pub fn facets(app: &App, id: DatasetId) -> Result<Facets> {
    app.store().read(|read| {
        let dataset = read.datasets().get(id)?;
        Ok(Facets {
            total: dataset.sample_count,
            labelled: dataset.labelled_count,
            unlabelled: dataset.sample_count.saturating_sub(dataset.labelled_count),
            no_class: read.datasets().no_class_count(id)?,
            splits: dataset.splits,
            labels: read.labels().of_dataset(id)?,
        })
    })
}
