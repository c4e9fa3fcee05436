use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use va_dataset::{Normaliser, RgbImage, resize_bilinear};
use va_domain::Task;
use va_error::{Code, Context, Error, Result};
use va_exec::{Backend, Mode, Network, Precision, fold_state};
use va_graph::fold_for_inference;

use crate::batch_limit::BatchLimit;
use crate::folder::ModelFolder;
use crate::outputs::class_probabilities;
use crate::{ModelCard, Session};

/// A model on what this program computes on, in f32, with its batch norms folded into the convolutions. One batch of images
/// runs at a time; on a GPU the next one is prepared meanwhile.
pub struct LocalSession {
    card: ModelCard,
    normaliser: Normaliser,
    batch: usize,
    running: Mutex<Running>,
}

/// Parameters and plans, which stay on the device while the session is open.
struct Running {
    net: Network,
    limit: BatchLimit,
}

impl LocalSession {
    /// On the fastest back end of this program.
    ///
    /// # Errors
    /// As [`ModelFolder::read`].
    pub fn open(model_dir: &Path) -> Result<Self> {
        Self::new(ModelFolder::read(model_dir)?)
    }

    /// As [`LocalSession::open`], of a model that was read.
    ///
    /// # Errors
    /// `NotFinite` when the weights hold numbers that are none.
    pub fn new(model: ModelFolder) -> Result<Self> {
        Self::on(model, Backend::default())
    }

    /// As [`LocalSession::new`], on this back end.
    ///
    /// # Errors
    /// As [`LocalSession::new`]; `InvalidInput` for a back end that this program does not have.
    pub fn on(model: ModelFolder, backend: Backend) -> Result<Self> {
        let folded = fold_for_inference(&model.graph)?;
        let state = fold_state(&folded, &model.weights)?;
        let mut net = Network::with(folded.graph, Precision::F32, backend)?;
        net.load_state(&state)?.ensure_complete()?;
        net.freeze();
        let normaliser = Normaliser::new(&model.card.preprocessing)?;
        let batch = images_at_a_time(backend);
        let limit = BatchLimit::new(batch, numbers_per_image(&model.card));
        Ok(Self { card: model.card, normaliser, batch, running: Mutex::new(Running { net, limit }) })
    }

    /// Resized and normalised, `[N, H, W, 3]`.
    fn prepared(&self, images: &[RgbImage]) -> Result<Vec<f32>> {
        let (size, numbers) = (self.card.preprocessing.image_size_px, numbers_per_image(&self.card));
        let mut pixels = vec![0.0; numbers * images.len()];
        pixels.par_chunks_exact_mut(numbers).zip(images).try_for_each(|(out, image)| {
            self.normaliser.apply(&resize_bilinear(image, size, size)?.pixels, out);
            Ok::<(), Error>(())
        })?;
        Ok(pixels)
    }

    /// Logits `[M, K]` of the images in order, in as many parts as memory asks for. A GPU only began to compute them.
    fn start(&self, pixels: &[f32]) -> Result<Vec<Tensor>> {
        let size = self.card.preprocessing.image_size_px as usize;
        let numbers = numbers_per_image(&self.card);
        // A panic elsewhere leaves only activations behind, which the next run overwrites.
        let Running { net, limit } = &mut *self.running.lock().unwrap_or_else(PoisonError::into_inner);
        limit.run(pixels, |part| {
            let input = Tensor::from_slice(part, (part.len() / numbers, size, size, 3), &Device::Cpu)
                .map_err(|e| Error::internal("cannot make the input tensor").with_source(e))?;
            forward_that_fits(net, &input)
        })
    }

    /// Rows of logits, or of probabilities of a `task`, once they are there.
    fn finish(started: Vec<Tensor>, task: Option<Task>) -> Result<Vec<Vec<f32>>> {
        let mut rows = Vec::new();
        for logits in started {
            let out = task.map_or(Ok(logits.clone()), |task| class_probabilities(task, &logits))?;
            rows.extend(out.to_vec2::<f32>().map_err(|e| Error::internal("cannot read the result").with_source(e))?);
        }
        if rows.iter().flatten().any(|v| !v.is_finite()) {
            return Err(Error::new(Code::NotFinite, "the model's output is not a number for this input"));
        }
        Ok(rows)
    }
}

/// Once more without the plans of other batches where the memory of a GPU is full.
fn forward_that_fits(net: &mut Network, input: &Tensor) -> Result<Tensor> {
    match net.forward(input, Mode::Eval) {
        Err(error) if error.code() == Code::TooLarge => {
            net.forget_plans();
            let again = net.forward(input, Mode::Eval);
            if again.is_err() {
                // Smaller parts need the memory of the plan that failed.
                net.forget_plans();
            }
            again.with_context(|| format!("{} image(s) at a time do not fit", input.dims().first().unwrap_or(&0)))
        }
        done => done,
    }
}

/// Bounds memory whatever is asked. A GPU needs more than a processor before all of it works.
fn images_at_a_time(backend: Backend) -> usize {
    match backend {
        Backend::Reference | Backend::OneDnn => 8,
        Backend::Cuda => 64,
    }
}

fn numbers_per_image(card: &ModelCard) -> usize {
    (card.preprocessing.image_size_px as usize).pow(2) * 3
}

impl Session for LocalSession {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        let numbers = numbers_per_image(&self.card);
        if !pixels.len().is_multiple_of(numbers) {
            return Err(Error::invalid(format!(
                "{} numbers are not a whole number of images of {numbers}",
                pixels.len()
            )));
        }
        Self::finish(self.start(pixels)?, None)
    }

    fn probabilities(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let (mut rows, mut started) = (Vec::with_capacity(images.len()), Vec::new());
        for chunk in images.chunks(self.batch) {
            let pixels = self.prepared(chunk)?;
            // The chunk before was computed while this one was prepared.
            rows.extend(Self::finish(started, Some(self.card.task))?);
            started = self.start(&pixels)?;
        }
        rows.extend(Self::finish(started, Some(self.card.task))?);
        Ok(rows)
    }
}
