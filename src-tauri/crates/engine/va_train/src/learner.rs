use std::path::Path;

use candle_core::{DType, Device, Tensor};
use va_dataset::Batch;
use va_error::{Code, Context, Error, Result};
use va_exec::{AdamW, Mode, NamedTensors, Network, clip_grad_norm};

use crate::classification::Classification;

/// The numbers that training changes: network and optimiser state.
pub(crate) struct Learner {
    pub net: Network,
    /// First and second moments, `[2, P]`.
    pub moments: Tensor,
    pub task: Classification,
    pub weight_decay: f64,
    /// None does not clip.
    pub clip_norm: Option<f64>,
    image_size: usize,
}

/// What one optimiser step says of itself.
pub(crate) struct StepReport {
    pub loss: f64,
    pub grad_norm: f64,
    pub correct: u64,
}

impl Learner {
    pub fn new(net: Network, task: Classification, weight_decay: f64, clip_norm: f64) -> Result<Self> {
        let moments = AdamW::new_state(&net)?;
        let image_size = net.graph().input_shape()[0];
        let clip_norm = (clip_norm > 0.0).then_some(clip_norm);
        Ok(Self { net, moments, task, weight_decay, clip_norm, image_size })
    }

    /// One forward, backward and AdamW step; `step` counts from 1.
    ///
    /// # Errors
    /// `NotFinite`, naming step and samples, when loss, gradient, weights or running statistics are no numbers. The
    /// network is then not to be kept.
    pub fn train_step(&mut self, batch: &Batch, step: u64, rate: f64, step_key: u64) -> Result<StepReport> {
        let input = self.input(batch)?;
        self.net.set_step_key(step_key);
        let logits = self.net.forward(&input, Mode::Train)?;
        let loss = self.task.train_loss(&logits, &batch.classes)?;
        check_finite(loss.loss, "loss", step, batch)?;
        self.net.zero_grad()?;
        self.net.backward(&loss.grad)?;
        let grad_norm = clip_grad_norm(self.net.grads(), self.clip_norm)?;
        check_finite(grad_norm, "gradient", step, batch)?;
        let optimiser = AdamW { lr: rate, weight_decay: self.weight_decay, ..AdamW::default() };
        optimiser.step(&self.net, &mut self.moments, step)?;
        // A norm is finite exactly if every number is.
        for (what, numbers) in [("largest weight", self.net.params()), ("running statistic", self.net.buffers())] {
            check_finite(clip_grad_norm(numbers, None)?, what, step, batch)?;
        }
        Ok(StepReport { loss: loss.loss, grad_norm, correct: self.task.correct(&logits, &batch.classes)? })
    }

    /// Logits `[N, K]` with running statistics.
    pub fn evaluate(&mut self, batch: &Batch) -> Result<Tensor> {
        let input = self.input(batch)?;
        self.net.forward(&input, Mode::Eval)
    }

    /// Loads parameters and buffers from a safetensors file with timm names; all of them must be there.
    pub fn load_weights(&mut self, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the weights {}", path.display()))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|e| Error::invalid(format!("{} is not a safetensors file", path.display())).with_source(e))?;
        let state: NamedTensors = tensors.into_iter().collect();
        self.net.load_state(&state)?.ensure_complete()
    }

    /// `[N, H, W, 3]`.
    fn input(&self, batch: &Batch) -> Result<Tensor> {
        let (n, size) = (batch.len(), self.image_size);
        if n == 0 || batch.pixels.len() != n * size * size * 3 {
            return Err(Error::internal(format!(
                "the host gave {} numbers for {n} images of {size}×{size} pixels",
                batch.pixels.len()
            )));
        }
        Tensor::from_slice(&batch.pixels, (n, size, size, 3), &Device::Cpu)
            .and_then(|x| x.to_dtype(DType::F32))
            .map_err(|e| Error::internal("cannot make the input tensor").with_source(e))
    }
}

fn check_finite(value: f64, what: &str, step: u64, batch: &Batch) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let samples = batch.keys.join(", ");
    let message = format!(
        "the {what} stopped being a number at step {step} (samples {samples}). Training was stopped there and the last \
         good checkpoint is kept; try a lower learning rate, or look at these samples"
    );
    let details = serde_json::json!({ "step": step, "samples": batch.keys });
    Err(Error::new(Code::NotFinite, message).with_details(details))
}
