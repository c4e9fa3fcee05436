use va_domain::Task;
use va_error::{Error, Result};

use crate::RgbImage;

/// The images of one split, in a fixed order. The application implements it over store and media, so that the engine
/// knows no rows and the store no tensors.
pub trait SampleSource: Send + Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The true class of sample `index`; of a multi-label source its first one, which nobody asks for.
    fn class_idx(&self, index: usize) -> u32;

    /// Every true class of sample `index`, ascending; may be empty in a multi-label source.
    fn class_indices(&self, index: usize) -> Vec<u32> {
        vec![self.class_idx(index)]
    }

    /// A stable, readable name: it appears in errors.
    fn key(&self, index: usize) -> String;

    /// Decodes sample `index`, upright, RGB. Called from several threads at once.
    ///
    /// # Errors
    /// When the image cannot be read; the loader adds the key.
    fn load(&self, index: usize) -> Result<RgbImage>;

    /// As [`SampleSource::load`], but it may be smaller where the format can decode at a fraction of its size whose both
    /// sides are at least `min_side_px` (JPEG: 1/2, 1/4, 1/8, several times faster).
    ///
    /// # Errors
    /// As [`SampleSource::load`].
    fn load_at_least(&self, index: usize, _min_side_px: u32) -> Result<RgbImage> {
        self.load(index)
    }

    /// Width and height, px, of what [`SampleSource::load_at_least`] gives, where that is known without decoding.
    fn size_at_least(&self, _index: usize, _min_side_px: u32) -> Option<[u32; 2]> {
        None
    }

    /// Names the content of sample `index`, for caches that outlive the run; None keeps it out of them.
    fn content_key(&self, _index: usize) -> Option<String> {
        None
    }
}

/// Whether `source` can train a classifier of these classes for the task.
///
/// # Errors
/// `InvalidInput` when the split is empty, a class has no training sample, fewer classes are given than the task needs,
/// or a sample's class is not among them.
pub fn check_training_split(source: &dyn SampleSource, classes: &[String], task: Task) -> Result<()> {
    if source.is_empty() {
        return Err(Error::invalid(
            "the training split is empty: assign labelled samples to it (for example by splitting the dataset), then start again",
        ));
    }
    if classes.len() < task.min_classes() {
        return Err(Error::invalid(match task {
            Task::Classification => "a classifier needs at least two classes: label samples of a second class first",
            Task::MultilabelClassification => "a multi-label classifier needs at least one class: label samples first",
        }));
    }
    let counts = class_counts(source, classes.len())?;
    let missing: Vec<&str> =
        classes.iter().zip(&counts).filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "no training sample of class {}: add samples to the training split or remove the class, then start again",
        missing.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
    )))
}

/// Samples of every class; one with several classes counts for each of them.
///
/// # Errors
/// `InvalidInput` naming the sample whose class is not below `class_count`.
pub fn class_counts(source: &dyn SampleSource, class_count: usize) -> Result<Vec<usize>> {
    let mut counts = vec![0; class_count];
    for index in 0..source.len() {
        for class in source.class_indices(index) {
            let Some(count) = counts.get_mut(class as usize) else {
                return Err(Error::invalid(format!(
                    "sample {} has class {class}, but there are only {class_count} classes",
                    source.key(index)
                )));
            };
            *count += 1;
        }
    }
    Ok(counts)
}
