use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use va_dataset::{Normaliser, RgbImage, resize_bilinear};
use va_error::{Code, Error, Result};
use va_exec::{Mode, Network, fold_state};
use va_graph::fold_for_inference;

use crate::folder::ModelFolder;
use crate::outputs::class_probabilities;
use crate::{ModelCard, Session};

/// Images run at a time: bounds memory whatever is asked.
const BATCH: usize = 8;

/// A model on the CPU with its batch norms folded into the convolutions. One image batch runs at a time.
pub struct CpuSession {
    card: ModelCard,
    normaliser: Normaliser,
    net: Mutex<Network>,
}

impl CpuSession {
    /// # Errors
    /// As [`ModelFolder::read`].
    pub fn open(model_dir: &Path) -> Result<Self> {
        Self::new(ModelFolder::read(model_dir)?)
    }

    /// # Errors
    /// `NotFinite` when the weights hold numbers that are none.
    pub fn new(model: ModelFolder) -> Result<Self> {
        let folded = fold_for_inference(&model.graph)?;
        let state = fold_state(&folded, &model.weights)?;
        let mut net = Network::new(folded.graph, DType::F32)?;
        net.load_state(&state)?.ensure_complete()?;
        net.freeze();
        let normaliser = Normaliser::new(&model.card.preprocessing)?;
        Ok(Self { card: model.card, normaliser, net: Mutex::new(net) })
    }

    fn numbers_per_image(&self) -> usize {
        (self.card.preprocessing.image_size_px as usize).pow(2) * 3
    }

    /// `[N, K]` for at most [`BATCH`] images.
    fn run(&self, pixels: &[f32]) -> Result<Tensor> {
        let size = self.card.preprocessing.image_size_px as usize;
        let n = pixels.len() / self.numbers_per_image();
        let input = Tensor::from_slice(pixels, (n, size, size, 3), &Device::Cpu)
            .map_err(|e| Error::internal("cannot make the input tensor").with_source(e))?;
        // A panic elsewhere leaves only activations behind, which the next run overwrites.
        let mut net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        net.forward(&input, Mode::Eval)
    }

    fn batches(&self, pixels: &[f32], each: impl Fn(Tensor) -> Result<Tensor>) -> Result<Vec<Vec<f32>>> {
        let numbers = self.numbers_per_image();
        if !pixels.len().is_multiple_of(numbers) {
            return Err(Error::invalid(format!(
                "{} numbers are not a whole number of images of {numbers}",
                pixels.len()
            )));
        }
        let mut rows = Vec::with_capacity(pixels.len() / numbers);
        for chunk in pixels.chunks(numbers * BATCH) {
            let out = each(self.run(chunk)?)?;
            rows.extend(out.to_vec2::<f32>().map_err(|e| Error::internal("cannot read the result").with_source(e))?);
        }
        if rows.iter().flatten().any(|v| !v.is_finite()) {
            return Err(Error::new(Code::NotFinite, "the model's output is not a number for this input"));
        }
        Ok(rows)
    }
}

impl Session for CpuSession {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        self.batches(pixels, Ok)
    }

    fn probabilities(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let size = self.card.preprocessing.image_size_px;
        let mut rows = Vec::with_capacity(images.len());
        for chunk in images.chunks(BATCH) {
            let mut pixels = vec![0.0; self.numbers_per_image() * chunk.len()];
            pixels.par_chunks_exact_mut(self.numbers_per_image()).zip(chunk).try_for_each(|(out, image)| {
                self.normaliser.apply(&resize_bilinear(image, size, size)?.pixels, out);
                Ok::<(), Error>(())
            })?;
            rows.extend(self.batches(&pixels, |logits| class_probabilities(self.card.task, &logits))?);
        }
        Ok(rows)
    }
}
