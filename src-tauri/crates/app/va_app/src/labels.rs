//! Classes of a dataset. Every change is undoable.

use va_domain::{Actor, DatasetId, Label, LabelId, Role, check_name};
use va_error::{Error, Result};
use va_store::Op;

use crate::App;
use crate::app::require;

/// By `class_idx`.
///
/// # Errors
/// `NotFound` without the dataset.
pub fn list(app: &App, dataset: DatasetId) -> Result<Vec<Label>> {
    app.store().read(|read| {
        read.datasets().get(dataset)?;
        read.labels().of_dataset(dataset)
    })
}

/// # Errors
/// `NotFound`; `InvalidInput` for a bad name or colour; `Conflict` when the name is taken.
pub fn create(app: &App, actor: &Actor, dataset: DatasetId, name: &str, color: Option<&str>) -> Result<Label> {
    require(actor, Role::Annotator)?;
    let name = check_name("class", name)?;
    let color = color.map(checked_color).transpose()?;
    let op = Op::undoable(dataset, "create_label").count(1).summary(&name);
    app.transact(actor, op, |tx| tx.labels_mut().create(dataset, &name, color.as_deref()))
}

/// What is None stays.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a bad name or colour; `Conflict` when the name is taken.
pub fn update(app: &App, actor: &Actor, id: LabelId, name: Option<&str>, color: Option<&str>) -> Result<Label> {
    require(actor, Role::Annotator)?;
    let name = name.map(|name| check_name("class", name)).transpose()?;
    let color = color.map(checked_color).transpose()?;
    let now = get(app, id)?;
    let op = Op::undoable(now.dataset_id, "update_label").count(1).summary(name.as_deref().unwrap_or(&now.name));
    app.transact(actor, op, |tx| {
        let now = tx.labels().get(id)?;
        tx.labels_mut().update(id, name.as_deref().unwrap_or(&now.name), color.as_deref().unwrap_or(&now.color))
    })
}

/// Everything of the class `from` becomes of the class `into`, and `from` goes.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a class with itself or of another dataset.
pub fn merge(app: &App, actor: &Actor, from: LabelId, into: LabelId) -> Result<Label> {
    require(actor, Role::Reviewer)?;
    let (source, target) = (get(app, from)?, get(app, into)?);
    let op = Op::undoable(source.dataset_id, "merge_label").summary(format!("{} into {}", source.name, target.name));
    app.transact(actor, op, |tx| tx.labels_mut().merge(from, into))
}

/// Its annotations go with it.
///
/// # Errors
/// `NotFound`.
pub fn delete(app: &App, actor: &Actor, id: LabelId) -> Result<()> {
    require(actor, Role::Reviewer)?;
    let label = get(app, id)?;
    let op = Op::undoable(label.dataset_id, "delete_label").summary(label.name);
    app.transact(actor, op, |tx| tx.labels_mut().delete(id))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: LabelId) -> Result<Label> {
    app.store().read(|read| read.labels().get(id))
}

/// `#rrggbb`, in lower case.
fn checked_color(color: &str) -> Result<String> {
    let color = color.trim().to_lowercase();
    let digits = color.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid(format!("{color:?} is not a colour; write it as #rrggbb")));
    }
    Ok(color)
}
