//! Frozen versions of datasets.

use va_domain::{Actor, DatasetId, DatasetVersion, DatasetVersionId, Role};
use va_error::Result;
use va_store::Op;

use crate::App;
use crate::app::require;
use crate::projects::checked_text;

/// Newest first.
///
/// # Errors
/// `NotFound` without the dataset.
pub fn list(app: &App, dataset: DatasetId) -> Result<Vec<DatasetVersion>> {
    app.store().read(|read| {
        read.datasets().get(dataset)?;
        read.dataset_versions().of_dataset(dataset)
    })
}

/// # Errors
/// `NotFound`.
pub fn version(app: &App, id: DatasetVersionId) -> Result<DatasetVersion> {
    app.store().read(|read| read.dataset_versions().get(id))
}

/// Freezes the dataset as it is now; unchanged since the newest version, that one is returned.
///
/// # Errors
/// `NotFound` without the dataset.
pub fn freeze(app: &App, actor: &Actor, dataset: DatasetId, note: &str) -> Result<DatasetVersion> {
    require(actor, Role::Annotator)?;
    let note = checked_text("note", note)?;
    let op = Op::audited("freeze_dataset").summary(dataset.to_string());
    app.transact(actor, op, |tx| tx.dataset_versions_mut().freeze(dataset, &note))
}
