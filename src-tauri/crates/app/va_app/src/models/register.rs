//! A model folder becomes a model of the library: a deleted model comes back with its lineage.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{Actor, Model, ModelVersion, Role, check_name};
use va_error::{Code, Context, Error, Result};
use va_store::Op;

use super::folder::{DESCRIPTION, copy_atomically, folder_of};
use crate::App;
use crate::app::require;
use crate::train::register::free_name;

/// A description is a few kilobytes; anything larger is none.
const MAX_DESCRIPTION_BYTES: u64 = 4 << 20;
/// What makes up a model, beside its description.
const FILES: [&str; 2] = ["model.json", "weights.safetensors"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterRequest {
    /// `models/deleted/<version id>` of this library, or a copy of it.
    pub folder: PathBuf,
    /// Made of dataset and architecture without it.
    pub name: Option<String>,
}

/// Makes a new model of the folder, which stays as it is. Its version keeps its id, numbers and lineage; its exports have to
/// be made again.
///
/// # Errors
/// `NotFound` without the folder or when it was trained on a dataset version that is not in this library; `InvalidInput` for
/// files that are damaged or do not fit together; `Conflict` when it is in the library already or the name is taken.
pub fn register(app: &App, actor: &Actor, request: &RegisterRequest) -> Result<Model> {
    require(actor, Role::Owner)?;
    let name = request.name.as_deref().map(|name| check_name("model", name)).transpose()?;
    let described = description(&request.folder)?;
    let default_name = check_lineage(app, &described)?;
    let session = app.engine().open_session(&request.folder)?;
    let (card, task) = (session.card(), session.card().task);
    if card.weights_hash != described.weights_hash || card.classes != described.classes {
        return Err(Error::invalid(format!("{DESCRIPTION} and the weights beside it are not of the same model")));
    }
    let place = folder_of(app.library_dir(), described.id);
    bring_in(&request.folder, &place)?;
    let op = Op::audited("model_register").summary(format!("model version {}", described.id));
    let registered = app.transact(actor, op, |tx| {
        let name = match name {
            Some(name) => name,
            None => free_name(&default_name, |name| Ok(tx.models().find_by_name(name)?.is_some()))?,
        };
        let model = tx.models_mut().create(&name, task)?;
        let version = ModelVersion { model_id: model.id, exports: Vec::new(), ..described };
        tx.model_versions_mut().insert(&version)?;
        tx.models().get(model.id)
    });
    if registered.is_err()
        && let Err(error) = std::fs::remove_dir_all(&place)
    {
        tracing::warn!("cannot remove {}: {error}", place.display());
    }
    registered
}

fn description(folder: &Path) -> Result<ModelVersion> {
    let path = folder.join(DESCRIPTION);
    let size = std::fs::metadata(&path).map(|file| file.len());
    let size = size.map_err(|_| {
        let folder = folder.display();
        Error::not_found(format!("{folder} holds no {DESCRIPTION}: name the folder of a deleted model version"))
    })?;
    if size > MAX_DESCRIPTION_BYTES {
        return Err(Error::new(Code::TooLarge, format!("{} is no description of a model", path.display())));
    }
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::invalid(format!("{} is damaged: {error}", path.display())))
}

/// Gives the name that a training of it would make.
fn check_lineage(app: &App, described: &ModelVersion) -> Result<String> {
    app.store().read(|read| {
        if let Ok(there) = read.model_versions().get(described.id) {
            let model = read.models().get(there.model_id)?.name;
            return Err(Error::conflict(format!("it is in the library already: {model}@{}", there.number)));
        }
        let trained_on = read.dataset_versions().get(described.dataset_version_id).map_err(|error| {
            if error.code() != Code::NotFound {
                return error;
            }
            Error::not_found("the model was trained on a dataset version that is not in this library")
        })?;
        let dataset = read.datasets().get_even_deleted(trained_on.dataset_id)?;
        Ok(format!("{}-{}", dataset.name, described.arch))
    })
}

/// Whole or not at all: copied under another name, then renamed.
fn bring_in(from: &Path, place: &Path) -> Result<()> {
    let incoming = place.with_extension("incoming");
    let copied = FILES.iter().try_for_each(|file| copy_atomically(&from.join(file), &incoming.join(file)));
    let renamed = copied.and_then(|()| {
        std::fs::rename(&incoming, place).with_context(|| format!("cannot make the folder {}", place.display()))
    });
    if renamed.is_err() && incoming.exists() {
        std::fs::remove_dir_all(&incoming)?;
    }
    renamed
}
