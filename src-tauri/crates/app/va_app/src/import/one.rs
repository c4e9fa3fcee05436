//! One image into a dataset, at once and with what is known of it.

use std::path::PathBuf;

use serde_json::json;
use va_domain::{Actor, AnnotationSource, DatasetId, LabelId, Role, Sample, SampleId, Split, check_name};
use va_error::{Code, Error, Result};
use va_formats::{FoundImage, display_name};
use va_media::Limits;
use va_store::Op;
use va_store::table::samples::NewSample;

use super::look::{Known, Look, Looked, Looker};
use super::{media, media_row, space};
use crate::App;
use crate::app::require;

/// An image file of this machine that becomes a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneImage {
    pub dataset: DatasetId,
    pub path: PathBuf,
    /// The file's name without it.
    pub name: Option<String>,
    pub label: Option<LabelId>,
    pub split: Option<Split>,
}

/// Brings the image in as one undoable step; the file stays where it is.
///
/// # Errors
/// `NotFound` for the dataset, class or file; `InvalidInput` for a file that is no whole image; `Conflict` when the same
/// image is in the dataset already.
pub fn one(app: &App, actor: &Actor, image: &OneImage) -> Result<Sample> {
    require(actor, if image.split.is_some() { Role::Reviewer } else { Role::Annotator })?;
    app.store().read(|read| read.datasets().get(image.dataset))?;
    let given = image.name.as_deref().map(|name| check_name("sample", name)).transpose()?;
    let (file_name, file_bytes) = display_name(image.path.file_name().unwrap_or_default());
    let (name, name_bytes) = given.map_or((file_name, file_bytes), |name| (name, None));
    let _no_purge = app.media_gate().read();
    let mut look = look(app, image)?;
    let path = app.media_path(&look.hash, look.probe.kind.as_str());
    media::keep(look.incoming.take().into_iter().collect())?;
    media::sync_folders(path.parent().into_iter().collect())?;
    let op = Op::undoable(image.dataset, "import").count(1);
    app.transact(actor, op, |tx| {
        if let Some(there) = tx.samples().with_media(image.dataset, &look.hash)?.first() {
            return Err(taken(&tx.samples().get(*there)?));
        }
        tx.media_mut().put(&media_row(&look))?;
        let new = NewSample { media_hash: look.hash.clone(), name, name_bytes, split: image.split };
        let id: SampleId = tx.samples_mut().insert(image.dataset, &new)?;
        if image.label.is_some() {
            tx.samples_mut().set_label(&[id], image.label, AnnotationSource::Person)?;
        }
        tx.samples().get(id)
    })
}

fn look(app: &App, image: &OneImage) -> Result<Look> {
    let found = FoundImage { path: image.path.clone(), ..FoundImage::default() };
    if !found.path.is_file() {
        return Err(Error::not_found(format!("there is no file {} on this machine", found.path.display())));
    }
    let known = Known::new();
    space::check(app, std::slice::from_ref(&found), &known)?;
    match (Looker { known: &known, keep_in: Some(app), limits: Limits::default() }).look(&found)? {
        Looked::Image(look) => Ok(*look),
        Looked::Broken { reason, fault, .. } => {
            let error = Error::invalid(format!("the file is no image that can be used: {reason}"));
            Err(match fault {
                Some(fault) => error.with_fault(fault),
                None => error,
            })
        }
        Looked::Known(_) | Looked::Skipped => Err(Error::internal("BUG: nothing was known and nobody asked to stop")),
    }
}

fn taken(there: &Sample) -> Error {
    Error::new(Code::Conflict, format!("the same image is in the dataset already, as {}", there.name))
        .with_details(json!({ "sample_id": there.id }))
}
