//! Projects: what belongs together for one problem.

use serde::{Deserialize, Serialize};
use va_domain::{
    Actor, Dataset, DatasetId, Model, ModelId, Page, PageRequest, Project, ProjectId, Role, Task, check_name,
};
use va_error::{Error, Result};
use va_store::Op;

use crate::App;
use crate::app::require;

pub use crate::sample_project::{SampleProject, create_sample};

/// What a project begins with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewProject {
    pub name: String,
    pub description: String,
    pub task: Task,
    /// Also make an empty dataset of the same name and link it.
    pub with_dataset: bool,
}

/// # Errors
/// `InvalidInput` for a bad limit or cursor.
pub fn list(app: &App, search: &str, page: &PageRequest) -> Result<Page<Project>> {
    app.store().read(|read| read.projects().list(search.trim(), page))
}

/// # Errors
/// `InvalidInput` for a bad name, `Conflict` when it is taken (also by a dataset, with `with_dataset`).
pub fn create(app: &App, actor: &Actor, new: &NewProject) -> Result<Project> {
    require(actor, Role::Owner)?;
    let name = check_name("project", &new.name)?;
    let description = checked_text("description", &new.description)?;
    app.transact(actor, Op::audited("create_project").summary(&name), |tx| {
        let project = tx.projects_mut().create(&name, &description, new.task)?;
        if new.with_dataset {
            let dataset = tx.datasets_mut().create(&name, "")?;
            tx.projects_mut().link_dataset(project.id, dataset.id)?;
        }
        tx.projects().get(project.id)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: ProjectId) -> Result<Project> {
    app.store().read(|read| read.projects().get(id))
}

/// The project of this name, upper or lower case.
///
/// # Errors
/// `NotFound`.
pub fn find_by_name(app: &App, name: &str) -> Result<Project> {
    let found = app.store().read(|read| read.projects().find_by_name(name.trim()))?;
    found.ok_or_else(|| Error::not_found(format!("there is no project named \"{}\"", name.trim())))
}

/// What is None stays.
///
/// # Errors
/// `NotFound`, `InvalidInput` for a bad name, `Conflict` when it is taken.
pub fn update(
    app: &App,
    actor: &Actor,
    id: ProjectId,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<Project> {
    require(actor, Role::Owner)?;
    let name = name.map(|name| check_name("project", name)).transpose()?;
    let description = description.map(|text| checked_text("description", text)).transpose()?;
    app.transact(actor, Op::audited("update_project").summary(id.to_string()), |tx| {
        let now = tx.projects().get(id)?;
        tx.projects_mut().update(
            id,
            name.as_deref().unwrap_or(&now.name),
            description.as_deref().unwrap_or(&now.description),
        )
    })
}

/// Its datasets and models stay.
///
/// # Errors
/// `NotFound`.
pub fn delete(app: &App, actor: &Actor, id: ProjectId) -> Result<()> {
    require(actor, Role::Owner)?;
    let name = get(app, id)?.name;
    app.transact(actor, Op::audited("delete_project").summary(name), |tx| tx.projects_mut().delete(id))
}

/// # Errors
/// `NotFound`.
pub fn datasets(app: &App, id: ProjectId) -> Result<Vec<Dataset>> {
    app.store().read(|read| {
        read.projects().get(id)?;
        read.datasets().of_project(id)
    })
}

/// # Errors
/// `NotFound`.
pub fn link_dataset(app: &App, actor: &Actor, id: ProjectId, dataset: DatasetId) -> Result<()> {
    require(actor, Role::Owner)?;
    let op = Op::audited("link_dataset").summary(format!("{dataset} to {id}"));
    app.transact(actor, op, |tx| tx.projects_mut().link_dataset(id, dataset))
}

/// # Errors
/// `NotFound` when they are not linked.
pub fn unlink_dataset(app: &App, actor: &Actor, id: ProjectId, dataset: DatasetId) -> Result<()> {
    require(actor, Role::Owner)?;
    let op = Op::audited("unlink_dataset").summary(format!("{dataset} from {id}"));
    app.transact(actor, op, |tx| tx.projects_mut().unlink_dataset(id, dataset))
}

/// # Errors
/// `NotFound`.
pub fn models(app: &App, id: ProjectId) -> Result<Vec<Model>> {
    app.store().read(|read| {
        read.projects().get(id)?;
        read.models().of_project(id)
    })
}

/// # Errors
/// `NotFound`.
pub fn link_model(app: &App, actor: &Actor, id: ProjectId, model: ModelId) -> Result<()> {
    require(actor, Role::Owner)?;
    let op = Op::audited("link_model").summary(format!("{model} to {id}"));
    app.transact(actor, op, |tx| tx.models_mut().link(id, model))
}

/// # Errors
/// `NotFound` when they are not linked.
pub fn unlink_model(app: &App, actor: &Actor, id: ProjectId, model: ModelId) -> Result<()> {
    require(actor, Role::Owner)?;
    let op = Op::audited("unlink_model").summary(format!("{model} from {id}"));
    app.transact(actor, op, |tx| tx.models_mut().unlink(id, model))
}

/// Free text: trimmed, at most 10,000 characters.
pub(crate) fn checked_text(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > 10_000 {
        return Err(Error::invalid(format!("the {what} is longer than 10,000 characters")));
    }
    Ok(text.to_owned())
}
