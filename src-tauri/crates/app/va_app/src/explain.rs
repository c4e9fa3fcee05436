//! Why a model says what it says of an image: where in it a class is seen.

mod colour;
mod overlay;

use std::path::PathBuf;

use va_domain::{Actor, ClassExplanation, ModelId, Origin, SampleId};
use va_engine::Explanation;
use va_error::{Code, Context, Error, Result};

use crate::predict::ranked;
use crate::train::source::load_image;
use crate::{App, models, samples};

pub use overlay::overlay;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainRequest {
    /// The model.
    pub id: ModelId,
    /// The newest without it.
    pub version: Option<u32>,
    pub image: ExplainedImage,
    /// The most probable class without it.
    pub class_idx: Option<u32>,
    /// By name; the layer that tells most without it.
    pub layer: Option<String>,
}

/// The image that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExplainedImage {
    Sample(SampleId),
    /// A file that the window just had predicted.
    Preview(String),
    /// A file on this machine.
    File(PathBuf),
    /// A file that was sent for this.
    Sent(PathBuf),
}

/// Where in the image the class is seen, by Grad-CAM.
///
/// # Errors
/// `NotFound` for the model, version, sample, preview or layer (the message names the layers there are); `InvalidInput`
/// for a class that the model does not have or an image that cannot be read; `Forbidden` for a path that comes over HTTP: a
/// map of an early layer would show the picture.
pub fn explain(app: &App, actor: &Actor, request: &ExplainRequest) -> Result<ClassExplanation> {
    let version = match request.version {
        Some(number) => models::version_by_number(app, request.id, number)?,
        None => models::newest(app, request.id)?,
    };
    let (name, path, sample_id) = find(app, actor, &request.image)?;
    let image = load_image(&path)?;
    let explainer = models::explainer(app, version.id)?;
    let class = request.class_idx.map(|class| class as usize);
    let made = explainer.explain(&image, class, request.layer.as_deref()).context("the model cannot be asked why")?;
    let layers = explainer.layers().iter().map(|layer| layer.name.clone()).collect();
    answer(name, sample_id, made, &explainer.card().classes, layers)
}

fn find(app: &App, actor: &Actor, image: &ExplainedImage) -> Result<(String, PathBuf, Option<SampleId>)> {
    match image {
        ExplainedImage::Sample(id) => {
            let sample = samples::get(app, *id)?;
            let path = app.media_path(&sample.media_hash, &sample.format);
            Ok((sample.name, path, Some(*id)))
        }
        ExplainedImage::Preview(id) => {
            let path = app.previews().find(id)?;
            Ok((path.display().to_string(), path, None))
        }
        ExplainedImage::File(_) if actor.origin == Origin::Http => Err(Error::new(
            Code::Forbidden,
            "files of this machine are not explained over HTTP: name a sample, or upload the image",
        )),
        ExplainedImage::File(path) | ExplainedImage::Sent(path) => Ok((path.display().to_string(), path.clone(), None)),
    }
}

fn answer(
    name: String,
    sample_id: Option<SampleId>,
    made: Explanation,
    classes: &[String],
    layers: Vec<String>,
) -> Result<ClassExplanation> {
    let whole = |value: usize| u32::try_from(value).map_err(|_| Error::internal("a number of the model is too large"));
    let score = made.probabilities.get(made.class_idx).copied();
    Ok(ClassExplanation {
        name,
        sample_id,
        label: classes.get(made.class_idx).cloned().unwrap_or_else(|| format!("class {}", made.class_idx)),
        class_idx: whole(made.class_idx)?,
        score: score.ok_or_else(|| Error::internal("BUG: the explained class has no probability"))?,
        probabilities: ranked(&made.probabilities, classes),
        layer: made.layer,
        layers,
        rows: whole(made.grid[0])?,
        columns: whole(made.grid[1])?,
        heat: made.heat,
        peak: made.peak,
    })
}
