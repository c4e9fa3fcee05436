use va_dataset::RgbImage;
use va_error::Result;

use crate::ModelCard;

/// An open model, ready to run in evaluation mode. Batches are bounded inside: any number of images may be given.
pub trait Session: Send + Sync {
    fn card(&self) -> &ModelCard;

    /// Raw outputs `[N, classes]` for normalised pixels `[N, H, W, 3]` of the model's own input size.
    ///
    /// # Errors
    /// `InvalidInput` when `pixels` is not a whole number of images; `NotFinite` when an output is not a number.
    fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>>;

    /// Class probabilities of upright images of any size: resized, normalised, run, softmax. By `class_idx`, each adds
    /// up to 1; of a multi-label model each class is by itself (sigmoid).
    ///
    /// # Errors
    /// As [`Session::logits`].
    fn probabilities(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>>;
}
