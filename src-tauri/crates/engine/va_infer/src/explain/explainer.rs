use va_dataset::RgbImage;
use va_error::Result;

use super::layers::Layer;
use crate::ModelCard;

/// Where in an image a class was seen, by Grad-CAM (Selvaraju et al. 2017).
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The class that is explained.
    pub class_idx: usize,
    /// Of every class, by `class_idx`: from the same forward pass.
    pub probabilities: Vec<f32>,
    /// Name of the layer whose activation was weighed.
    pub layer: String,
    /// Positions of that layer over the image, `[rows, columns]`.
    pub grid: [usize; 2],
    /// `[rows · columns]` in row order, 0–1 relative to the largest; all zero when nothing in the image speaks for the
    /// class at this layer.
    pub heat: Vec<f32>,
    /// The weighted sum that 1 stands for, in units of logit × activation; 0 when all is zero.
    pub peak: f32,
}

/// An open model that can say why.
pub trait Explainer: Send + Sync {
    fn card(&self) -> &ModelCard;

    /// Layers that can be asked, in the order of the network.
    fn layers(&self) -> &[Layer];

    /// Where an upright image of any size shows `class_idx` (the most probable class without it), at the activation of
    /// `layer` (without it the last one with positions that all reach the result). The network runs in evaluation.
    ///
    /// # Errors
    /// `InvalidInput` for a class that the model does not have; `NotFound` for a layer that is none or has no positions
    /// (the message names those that do); `NotFinite` when an output is not a number.
    fn explain(&self, image: &RgbImage, class_idx: Option<usize>, layer: Option<&str>) -> Result<Explanation>;
}
