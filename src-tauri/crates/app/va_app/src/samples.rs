//! Samples: lists, windows, classes, splits, deletion. Every change is undoable and one step, however many it touches.

use va_domain::{
    Actor, AnnotationSource, DatasetId, HistoryState, LabelId, LabelMode, Page, PageRequest, Role, Sample,
    SampleFilter, SampleId, SampleSort, SampleWindow, Split, check_name,
};
use va_error::{Error, Result};
use va_store::{Op, Tx};

use crate::App;
use crate::app::require;

/// # Errors
/// `NotFound` without the dataset or a class of the filter; `InvalidInput` for a bad limit or cursor.
pub fn list(
    app: &App,
    dataset: DatasetId,
    filter: &SampleFilter,
    sort: SampleSort,
    page: &PageRequest,
) -> Result<Page<Sample>> {
    app.store().sample_list(dataset, filter, sort, page)
}

/// # Errors
/// `NotFound` without the dataset or a class of the filter; `InvalidInput` for a limit over 500.
pub fn window(
    app: &App,
    dataset: DatasetId,
    filter: &SampleFilter,
    sort: SampleSort,
    offset: u64,
    limit: u32,
) -> Result<SampleWindow> {
    let limit = PageRequest { limit: Some(limit), cursor: None }.checked_limit()?;
    app.store().sample_window(dataset, filter, sort, offset, limit)
}

/// # Errors
/// `NotFound` without the dataset or a class of the filter.
pub fn position(
    app: &App,
    dataset: DatasetId,
    filter: &SampleFilter,
    sort: SampleSort,
    sample: SampleId,
) -> Result<Option<u64>> {
    app.store().sample_position(dataset, filter, sort, sample)
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, id: SampleId) -> Result<Sample> {
    app.store().read(|read| read.samples().get(id))
}

/// What is None stays; `Some(None)` takes it out of its split.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a bad name.
pub fn update(
    app: &App,
    actor: &Actor,
    id: SampleId,
    name: Option<&str>,
    split: Option<Option<Split>>,
) -> Result<Sample> {
    require(actor, if split.is_some() { Role::Reviewer } else { Role::Annotator })?;
    let name = name.map(|name| check_name("sample", name)).transpose()?;
    let op = Op::undoable(get(app, id)?.dataset_id, "update_sample").count(1);
    app.transact(actor, op, |tx| {
        if let Some(name) = &name {
            tx.samples_mut().rename(id, name)?;
        }
        if let Some(split) = split {
            tx.samples_mut().set_split(id, split)?;
        }
        tx.samples().get(id)
    })
}

/// Deletes samples of one dataset in one step.
///
/// # Errors
/// `NotFound` when one of them does not exist: then none is deleted.
pub fn delete(app: &App, actor: &Actor, ids: &[SampleId]) -> Result<()> {
    require(actor, Role::Reviewer)?;
    change(app, actor, ids, "delete_samples", |tx, ids| ids.iter().try_for_each(|id| tx.samples_mut().delete(*id)))?;
    Ok(())
}

/// Changes the image-level classes of samples of one dataset in one step, as `mode` says.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a class of another dataset. Then nothing changes.
pub fn set_label(
    app: &App,
    actor: &Actor,
    ids: &[SampleId],
    label: Option<LabelId>,
    mode: LabelMode,
) -> Result<HistoryState> {
    require(actor, Role::Annotator)?;
    let source = AnnotationSource::Person;
    match mode {
        LabelMode::Set => {
            change(app, actor, ids, "set_label", |tx, ids| tx.samples_mut().set_label(ids, label, source).map(|_| ()))
        }
        LabelMode::Toggle => change(app, actor, ids, "toggle_label", |tx, ids| {
            tx.samples_mut().toggle_label(ids, label, source).map(|_| ())
        }),
    }
}

/// # Errors
/// `NotFound`. Then nothing changes.
pub fn set_split(app: &App, actor: &Actor, ids: &[SampleId], split: Option<Split>) -> Result<HistoryState> {
    require(actor, Role::Reviewer)?;
    change(app, actor, ids, "set_split", |tx, ids| ids.iter().try_for_each(|id| tx.samples_mut().set_split(*id, split)))
}

/// One undoable step on samples of one dataset.
fn change(
    app: &App,
    actor: &Actor,
    ids: &[SampleId],
    name: &'static str,
    change: impl FnOnce(&Tx<'_>, &[SampleId]) -> Result<()>,
) -> Result<HistoryState> {
    let first = ids.first().ok_or_else(|| Error::invalid("no sample is named"))?;
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let dataset = get(app, *first)?.dataset_id;
    app.transact(actor, Op::undoable(dataset, name), |tx| {
        tx.samples().require_dataset(&ids, dataset)?;
        change(tx, &ids)
    })?;
    app.store().read(|read| read.op_log().of_dataset(dataset))
}
