//! Annotations of a sample: regions, and the class of the whole image. Every change is undoable.

use va_domain::{Actor, Annotation, AnnotationId, AnnotationSource, Geometry, LabelId, Role, SampleId};
use va_error::{Error, Result};
use va_store::Op;

use crate::app::require;
use crate::{App, samples};

/// In order of creation.
///
/// # Errors
/// `NotFound` without the sample.
pub fn list(app: &App, sample: SampleId) -> Result<Vec<Annotation>> {
    app.store().read(|read| read.annotations().of_sample(sample))
}

/// # Errors
/// `NotFound`; `InvalidInput` for a bad shape or a class of another dataset; `Conflict` for a class that the image has.
pub fn create(
    app: &App,
    actor: &Actor,
    sample: SampleId,
    label: Option<LabelId>,
    geometry: &Geometry,
) -> Result<Annotation> {
    require(actor, Role::Annotator)?;
    let op = Op::undoable(samples::get(app, sample)?.dataset_id, "create_annotation").count(1);
    app.transact(actor, op, |tx| {
        let id = tx.annotations_mut().insert(sample, label, geometry, AnnotationSource::Person)?;
        tx.annotations().get(id)
    })
}

/// What is None stays; `Some(None)` takes the class away.
///
/// # Errors
/// `NotFound`, also when it is an annotation of another sample; `InvalidInput` for a bad shape, another kind, or a class
/// of another dataset.
pub fn update(
    app: &App,
    actor: &Actor,
    sample: SampleId,
    id: AnnotationId,
    label: Option<Option<LabelId>>,
    geometry: Option<&Geometry>,
) -> Result<Annotation> {
    require(actor, Role::Annotator)?;
    let op = Op::undoable(samples::get(app, sample)?.dataset_id, "update_annotation").count(1);
    app.transact(actor, op, |tx| {
        let now = tx.annotations().get(id)?;
        check_owner(&now, sample)?;
        tx.annotations_mut().update(id, label.unwrap_or(now.label_id), geometry.unwrap_or(&now.geometry))?;
        tx.annotations().get(id)
    })
}

/// # Errors
/// `NotFound`, also when it is an annotation of another sample.
pub fn delete(app: &App, actor: &Actor, sample: SampleId, id: AnnotationId) -> Result<()> {
    require(actor, Role::Annotator)?;
    let op = Op::undoable(samples::get(app, sample)?.dataset_id, "delete_annotation").count(1);
    app.transact(actor, op, |tx| {
        check_owner(&tx.annotations().get(id)?, sample)?;
        tx.annotations_mut().delete(id)
    })
}

fn check_owner(annotation: &Annotation, sample: SampleId) -> Result<()> {
    if annotation.sample_id == sample {
        return Ok(());
    }
    Err(Error::not_found(format!("the sample {sample} has no annotation {}", annotation.id)))
}
