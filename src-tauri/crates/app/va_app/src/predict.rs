//! What a model says of images: samples of the library, or files and folders of this machine.

mod preview;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{Actor, ClassProbability, MULTILABEL_THRESHOLD, ModelId, Origin, Prediction, SampleId, Task};
use va_engine::{RgbImage, Session};
use va_error::{Code, Context, Error, FileFault, Result, WarningReport};

use crate::train::source::load_image;
use crate::{App, models};

pub use preview::{Previews, thumbnail};

/// Images of one call, counted after folders are opened: more than this is work for a job.
const MAX_IMAGES: usize = 10_000;
/// Images decoded before they are run: bounds the memory.
const CHUNK: usize = 32;
/// Folders within folders.
const MAX_DEPTH: usize = 16;
/// Files that are looked at within folders. Files named one by one are always tried.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff"];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictRequest {
    /// The model.
    pub id: ModelId,
    /// The newest without it.
    #[serde(default)]
    pub version: Option<u32>,
    #[serde(default)]
    pub sample_ids: Vec<SampleId>,
    /// Images or folders on this machine.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Of a multi-label model: from which probability on a class is given, 0–1; one half without it.
    #[serde(default)]
    pub threshold: Option<f32>,
}

/// What a model says of some images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Predictions {
    pub predictions: Vec<Prediction>,
    /// Images that could not be read, and why.
    pub left_out: WarningReport,
}

/// One image to look at.
struct Target {
    name: String,
    path: PathBuf,
    sample_id: Option<SampleId>,
}

/// Predicts every readable image, in the order of the request. Only the window gets previews of files: whoever asks over
/// HTTP must not look at pictures of this machine by their paths.
///
/// # Errors
/// `NotFound` for the model or version, `InvalidInput` for no image or too many. An unreadable image is no error: it
/// is in `left_out`.
pub fn predict(app: &App, actor: &Actor, request: &PredictRequest) -> Result<Predictions> {
    let version = match request.version {
        Some(number) => models::version_by_number(app, request.id, number)?,
        None => models::newest(app, request.id)?,
    };
    let mut left_out = WarningReport::default();
    let mut targets = samples(app, &request.sample_ids, &mut left_out)?;
    for path in &request.paths {
        collect(Path::new(path), path.clone(), 0, &mut targets, &mut left_out);
    }
    if targets.len() > MAX_IMAGES {
        return Err(Error::new(
            Code::TooLarge,
            format!("{} images at once are too many; give at most {MAX_IMAGES}", targets.len()),
        ));
    }
    if targets.is_empty() && left_out.is_empty() {
        return Err(Error::invalid("no image was given: name samples, image files or folders with images")
            .with_fault(FileFault::NoImages));
    }
    let session = models::session(app, version.id)?;
    let threshold = threshold(session.as_ref(), request.threshold)?;
    let mut predictions = Vec::with_capacity(targets.len());
    for chunk in targets.chunks(CHUNK) {
        predict_chunk(session.as_ref(), chunk, threshold, &mut predictions, &mut left_out)?;
    }
    if actor.origin == Origin::Desktop {
        give_previews(app, &targets, &mut predictions)?;
    }
    Ok(Predictions { predictions, left_out })
}

/// The threshold that was asked for, where the model has one.
fn threshold(session: &dyn Session, asked: Option<f32>) -> Result<f32> {
    let threshold = asked.unwrap_or(MULTILABEL_THRESHOLD);
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Error::invalid(format!("the threshold is {threshold}; it must be between 0 and 1")));
    }
    if asked.is_some() && session.card().task == Task::Classification {
        return Err(Error::invalid(
            "this model gives each image its most probable class and knows no threshold; leave it out",
        ));
    }
    Ok(threshold)
}

/// Predictions stand in the order of their targets; unreadable ones are missing.
fn give_previews(app: &App, targets: &[Target], predictions: &mut [Prediction]) -> Result<()> {
    let mut targets = targets.iter();
    for prediction in predictions {
        let target = targets.find(|target| target.name == prediction.name && target.sample_id == prediction.sample_id);
        if let Some(Target { path, sample_id: None, .. }) = target {
            prediction.preview_id = Some(app.previews().keep(path)?);
        }
    }
    Ok(())
}

fn samples(app: &App, ids: &[SampleId], left_out: &mut WarningReport) -> Result<Vec<Target>> {
    let mut targets = Vec::with_capacity(ids.len());
    for id in ids {
        match crate::samples::get(app, *id) {
            Ok(sample) => {
                let path = app.media_path(&sample.media_hash, &sample.format);
                targets.push(Target { name: sample.name, path, sample_id: Some(*id) });
            }
            Err(error) if error.code() == Code::NotFound => left_out.push(id.to_string(), "there is no such sample"),
            Err(error) => return Err(error),
        }
    }
    Ok(targets)
}

/// Files below `path` in order of name. Links to folders are not followed: they can lead in circles.
fn collect(path: &Path, name: String, depth: usize, targets: &mut Vec<Target>, left_out: &mut WarningReport) {
    let kind = if depth == 0 { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
    match kind {
        Err(error) => left_out.push(name, format!("cannot be read: {error}")),
        Ok(kind) if kind.is_dir() && depth > MAX_DEPTH => left_out.push(name, "too deep: folders within folders"),
        Ok(kind) if kind.is_dir() => match entries(path) {
            Err(error) => left_out.push(name, format!("the folder cannot be read: {error}")),
            Ok(entries) => {
                for entry in entries {
                    let name = entry.display().to_string();
                    collect(&entry, name, depth + 1, targets, left_out);
                }
            }
        },
        Ok(_) if depth == 0 || is_image_name(path) => {
            targets.push(Target { name, path: path.to_owned(), sample_id: None });
        }
        Ok(_) => {}
    }
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn is_image_name(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

fn predict_chunk(
    session: &dyn Session,
    targets: &[Target],
    threshold: f32,
    predictions: &mut Vec<Prediction>,
    left_out: &mut WarningReport,
) -> Result<()> {
    let loaded: Vec<Result<RgbImage>> = targets.par_iter().map(|target| load_image(&target.path)).collect();
    let mut images = Vec::with_capacity(targets.len());
    let mut readable = Vec::with_capacity(targets.len());
    for (target, image) in targets.iter().zip(loaded) {
        match image {
            Ok(image) => {
                images.push(image);
                readable.push(target);
            }
            Err(error) => left_out.push_error(target.name.clone(), &error),
        }
    }
    if images.is_empty() {
        return Ok(());
    }
    let probabilities = session.probabilities(&images).context("the model cannot be run")?;
    for (target, probabilities) in readable.into_iter().zip(probabilities) {
        let given = session.card().decide(&probabilities, threshold);
        predictions.push(prediction(target, &probabilities, &session.card().classes, &given)?);
    }
    Ok(())
}

/// `given` are the classes that the image gets.
fn prediction(target: &Target, probabilities: &[f32], classes: &[String], given: &[u32]) -> Result<Prediction> {
    let order = order(probabilities);
    let (best, score) = *order.first().ok_or_else(|| Error::internal("the model has no classes"))?;
    let probabilities = ranked(probabilities, classes);
    let is_given = order.iter().map(|(index, _)| given.contains(&(*index as u32)));
    let labels = probabilities.iter().zip(is_given).filter(|(_, given)| *given).map(|(class, _)| class.label.clone());
    let labels = labels.collect();
    Ok(Prediction {
        name: target.name.clone(),
        sample_id: target.sample_id,
        preview_id: None,
        label: probabilities[0].label.clone(),
        class_idx: u32::try_from(best).unwrap_or(u32::MAX),
        score,
        labels,
        probabilities,
    })
}

/// Classes with their probabilities, most probable first; equal ones keep the order of the classes.
fn order(probabilities: &[f32]) -> Vec<(usize, f32)> {
    let mut order: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order
}

/// Every class by name, most probable first.
pub(crate) fn ranked(probabilities: &[f32], classes: &[String]) -> Vec<ClassProbability> {
    let name = |index: usize| classes.get(index).cloned().unwrap_or_else(|| format!("class {index}"));
    let order = order(probabilities).into_iter();
    order.map(|(index, probability)| ClassProbability { label: name(index), probability }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target { name: name.into(), path: PathBuf::from(name), sample_id: None }
    }

    #[test]
    fn classes_come_most_probable_first_and_ties_in_order() {
        let classes = ["a", "b", "c"].map(str::to_owned);
        let made = prediction(&target("x.jpg"), &[0.2, 0.4, 0.4], &classes, &[0, 2]).unwrap();
        assert_eq!(made.labels, ["c", "a"], "most probable first too");
        assert_eq!((made.label.as_str(), made.class_idx, made.score), ("b", 1, 0.4));
        let order: Vec<&str> = made.probabilities.iter().map(|p| p.label.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
    }

    #[test]
    fn folders_are_opened_in_order_and_what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.png", "a.JPG", "notes.txt", "sub/c.webp"] {
            std::fs::write(dir.path().join(name), b"x").unwrap();
        }
        let (mut targets, mut left_out) = (Vec::new(), WarningReport::default());
        collect(dir.path(), "folder".into(), 0, &mut targets, &mut left_out);
        let names: Vec<String> =
            targets.iter().map(|t| t.path.strip_prefix(dir.path()).unwrap().display().to_string()).collect();
        assert_eq!(names, ["a.JPG", "b.png", "sub/c.webp"]);
        collect(&dir.path().join("missing.jpg"), "missing.jpg".into(), 0, &mut targets, &mut left_out);
        assert_eq!(left_out.warnings[0].subject, "missing.jpg");
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
        std::fs::write(dir.path().join("a.png"), b"x").unwrap();
        let (mut targets, mut left_out) = (Vec::new(), WarningReport::default());
        collect(dir.path(), "folder".into(), 0, &mut targets, &mut left_out);
        assert_eq!(targets.len(), 1);
        assert!(left_out.is_empty());
    }
}
