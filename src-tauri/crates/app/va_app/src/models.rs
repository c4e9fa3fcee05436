//! Trained models: their versions, where they come from, and the files made from them.

pub(crate) mod export;
mod folder;
mod lineage;
mod network;
mod reference;
mod register;
mod sessions;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{Actor, Model, ModelId, ModelVersion, ModelVersionId, Page, PageRequest, Role, check_name};
use va_error::{Error, Result};
use va_store::Op;

use crate::App;
use crate::app::require;

pub use export::{ExportRequest, export, export_path};
pub(crate) use folder::{folder_of, purge_deleted};
pub use lineage::{Lineage, lineage};
pub use network::network;
pub use reference::ModelReference;
pub use register::{RegisterRequest, register};
pub use sessions::Sessions;
pub(crate) use sessions::{explainer, session};

/// Which models, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ModelListRequest {
    /// Part of the name, case-insensitive.
    pub search: Option<String>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// # Errors
/// `InvalidInput` for a limit or cursor that is not ours.
pub fn list(app: &App, request: &ModelListRequest) -> Result<Page<Model>> {
    let page = PageRequest { limit: request.limit, cursor: request.cursor.clone() };
    app.store().read(|read| read.models().list(request.search.as_deref().unwrap_or_default(), &page))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: ModelId) -> Result<Model> {
    app.store().read(|read| read.models().get(id))
}

/// Renames a model.
///
/// # Errors
/// `NotFound`, `InvalidInput` for the name, `Conflict` when it is taken.
pub fn update(app: &App, actor: &Actor, id: ModelId, name: &str) -> Result<Model> {
    require(actor, Role::Owner)?;
    let name = check_name("model", name)?;
    let op = Op::audited("model_rename").summary(format!("model {id} is now named {name}"));
    app.transact(actor, op, |tx| tx.models_mut().rename(id, &name))
}

/// Removes a model with its versions and their evaluations from the library. The weights are put aside in
/// `models/deleted/<version id>/`, where [`register`] can take them back for 30 days.
///
/// # Errors
/// `NotFound`.
pub fn delete(app: &App, actor: &Actor, id: ModelId) -> Result<()> {
    require(actor, Role::Owner)?;
    let (model, versions) =
        app.store().read(|read| Ok((read.models().get(id)?, read.model_versions().of_model(id)?)))?;
    let op = Op::audited("model_delete").summary(format!("{} with {} versions", model.name, versions.len()));
    app.transact(actor, op, |tx| tx.models_mut().delete(id))?;
    for version in versions {
        app.sessions().forget(version.id);
        // The rows are gone: a folder that cannot be moved is only space.
        if let Err(error) = folder::put_aside(app.library_dir(), &version) {
            tracing::warn!("{error:#}");
        }
    }
    Ok(())
}

/// Newest first.
///
/// # Errors
/// `NotFound`, or `InvalidInput` for a limit or cursor that is not ours.
pub fn versions(app: &App, id: ModelId, page: &PageRequest) -> Result<Page<ModelVersion>> {
    let limit = page.checked_limit()? as usize;
    let below = match &page.cursor {
        None => u32::MAX,
        Some(cursor) => cursor
            .parse::<u32>()
            .map_err(|_| Error::invalid("this cursor does not belong to this list; begin again without a cursor"))?,
    };
    let all = app.store().read(|read| {
        read.models().get(id)?;
        read.model_versions().of_model(id)
    })?;
    let total = all.len() as u64;
    let mut items: Vec<ModelVersion> = all.into_iter().filter(|version| version.number < below).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|version| version.number.to_string());
    Ok(Page { items, next_cursor, total })
}

/// # Errors
/// `NotFound`.
pub fn version(app: &App, id: ModelVersionId) -> Result<ModelVersion> {
    app.store().read(|read| read.model_versions().get(id))
}

/// # Errors
/// `NotFound`.
pub fn version_by_number(app: &App, id: ModelId, number: u32) -> Result<ModelVersion> {
    app.store().read(|read| {
        read.models().get(id)?;
        read.model_versions().by_number(id, number)
    })
}

/// The newest version.
///
/// # Errors
/// `NotFound`, also for a model without a version.
pub fn newest(app: &App, id: ModelId) -> Result<ModelVersion> {
    let model = get(app, id)?;
    model.latest.ok_or_else(|| Error::not_found(format!("the model {} has no version yet", model.name)))
}

/// The version that a person means by `NAME`, `NAME@3` or an id.
///
/// # Errors
/// `NotFound`, with what would be right.
pub fn resolve(app: &App, text: &str) -> Result<ModelVersion> {
    match ModelReference::parse(text) {
        ModelReference::Id(id) => match version(app, ModelVersionId(id)) {
            Ok(version) => Ok(version),
            Err(error) if error.code() == va_error::Code::NotFound => newest(app, ModelId(id)),
            Err(error) => Err(error),
        },
        ModelReference::Name { name, number, whole } => {
            let find = |name: &str| app.store().read(|read| read.models().find_by_name(name));
            // A model whose whole name is `x@3` comes before version 3 of `x`.
            if let Some(model) = find(&whole)? {
                return newest(app, model.id);
            }
            match (find(&name)?, number) {
                (Some(model), Some(number)) => version_by_number(app, model.id, number),
                (Some(model), None) => newest(app, model.id),
                (None, _) => Err(Error::not_found(format!(
                    "there is no model named {name:?}; a model is named NAME, NAME@3 (its version 3) or by its id"
                ))),
            }
        }
    }
}

/// A file in the folder of a version.
pub(crate) fn file_path(app: &App, id: ModelVersionId, file_name: &str) -> PathBuf {
    folder_of(app.library_dir(), id).join(file_name)
}
