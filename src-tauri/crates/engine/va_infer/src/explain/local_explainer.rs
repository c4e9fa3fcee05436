use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use va_dataset::{RgbImage, preprocess};
use va_error::{Code, Error, Result};
use va_exec::Network;

use super::explainer::{Explainer, Explanation};
use super::grad_cam::{grad_cam, relative};
use super::layers::{Layer, choose, explainable_layers};
use crate::ModelCard;
use crate::folder::ModelFolder;
use crate::outputs::class_probabilities;

/// A model on what this program computes on that explains one image at a time. Unlike a session it runs the network as it was trained, nothing
/// folded: every layer that the description names is there to be asked.
pub struct LocalExplainer {
    card: ModelCard,
    layers: Vec<Layer>,
    net: Mutex<Network>,
}

impl LocalExplainer {
    /// # Errors
    /// As [`ModelFolder::read`].
    pub fn open(model_dir: &Path) -> Result<Self> {
        Self::new(ModelFolder::read(model_dir)?)
    }

    /// # Errors
    /// `NotFinite` when the weights hold numbers that are none.
    pub fn new(model: ModelFolder) -> Result<Self> {
        let layers = explainable_layers(&model.graph);
        let mut net = Network::new(model.graph, DType::F32)?;
        net.load_state(&model.weights)?.ensure_complete()?;
        net.freeze();
        Ok(Self { card: model.card, layers, net: Mutex::new(net) })
    }

    fn input(&self, image: &RgbImage) -> Result<Tensor> {
        let size = self.card.preprocessing.image_size_px as usize;
        let pixels = preprocess(image, &self.card.preprocessing)?;
        Tensor::from_vec(pixels, (1, size, size, 3), &Device::Cpu)
            .map_err(|e| Error::internal("cannot make the input tensor").with_source(e))
    }
}

impl Explainer for LocalExplainer {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn explain(&self, image: &RgbImage, class_idx: Option<usize>, layer: Option<&str>) -> Result<Explanation> {
        let classes = self.card.classes.len();
        if let Some(class) = class_idx.filter(|&class| class >= classes) {
            return Err(Error::invalid(format!(
                "there is no class {class}: the model's classes are 0 to {}",
                classes - 1
            )));
        }
        let input = self.input(image)?;
        // A panic elsewhere leaves only activations behind, which the next run overwrites.
        let mut net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        let layer = choose(net.graph(), &self.layers, layer)?.clone();
        let mut explained = 0;
        let seen = net.attribute(&input, layer.node, |logits| {
            explained = match class_idx {
                Some(class) => class,
                None => largest(&numbers(logits)?),
            };
            one_hot(explained, classes)
        })?;
        drop(net);
        let (activation, gradient) = (numbers(&seen.value)?, numbers(&seen.gradient)?);
        let (heat, peak) = relative(&grad_cam(&activation, &gradient, &layer));
        let probabilities = numbers(&class_probabilities(self.card.task, &seen.output)?)?;
        if !peak.is_finite() || heat.iter().chain(&probabilities).any(|v| !v.is_finite()) {
            return Err(Error::new(Code::NotFinite, "the model's output is not a number for this input"));
        }
        Ok(Explanation { class_idx: explained, probabilities, layer: layer.name, grid: layer.grid, heat, peak })
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
    flat.map_err(|e| Error::internal("cannot read the result").with_source(e))
}

fn one_hot(class: usize, classes: usize) -> Result<Tensor> {
    let mut row = vec![0f32; classes];
    row[class] = 1.0;
    Tensor::from_vec(row, (1, classes), &Device::Cpu)
        .map_err(|e| Error::internal("cannot make the gradient").with_source(e))
}

fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}
