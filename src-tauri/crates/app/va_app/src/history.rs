//! Undo and redo of a dataset.

use va_domain::{Actor, DatasetId, HistoryState, Role};
use va_error::Result;

use crate::App;
use crate::app::require;

/// # Errors
/// `NotFound` without the dataset.
pub fn get(app: &App, dataset: DatasetId) -> Result<HistoryState> {
    app.store().read(|read| read.op_log().of_dataset(dataset))
}

/// # Errors
/// `NotFound`; `Conflict` when there is nothing to undo.
pub fn undo(app: &App, actor: &Actor, dataset: DatasetId) -> Result<HistoryState> {
    require(actor, Role::Annotator)?;
    let done = app.store().undo(actor, dataset)?;
    app.announce(&done.changes);
    Ok(done.output)
}

/// # Errors
/// `NotFound`; `Conflict` when there is nothing to redo.
pub fn redo(app: &App, actor: &Actor, dataset: DatasetId) -> Result<HistoryState> {
    require(actor, Role::Annotator)?;
    let done = app.store().redo(actor, dataset)?;
    app.announce(&done.changes);
    Ok(done.output)
}
