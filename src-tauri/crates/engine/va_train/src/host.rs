use va_dataset::{Batch, BatchRequest, WantedImage};
use va_error::Result;

use crate::TrainEvent;

/// What the person wants of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    #[default]
    Continue,
    /// Write a checkpoint and return; the run can go on later.
    Pause,
    /// Write a checkpoint and return; nobody intends to go on, but can.
    Cancel,
}

/// The other side of a training run: gives batches, hears what happens, says when to stop. Called from one thread.
pub trait TrainHost {
    /// Fills `batch` with the requested one, its images prepared (`batch.pixels`).
    ///
    /// # Errors
    /// When a sample cannot be read (the message names it); the run then ends with that error.
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()>;

    /// As [`TrainHost::next_batch`] for an engine that prepares images itself: `batch.images` says what is to be done to
    /// which, and [`TrainHost::copy_images`] gives the pixels of those that the engine has not. Such an engine asks for one
    /// batch more than it has trained on; where the run stops meanwhile, that batch is simply asked for again.
    ///
    /// # Errors
    /// As [`TrainHost::next_batch`].
    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()>;

    /// Writes the pixels of these images of the batch that [`TrainHost::next_images`] gave last into `room`, one after the
    /// other; it has their size together.
    ///
    /// # Errors
    /// As [`TrainHost::next_batch`].
    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()>;

    /// Must return quickly: the run waits for it.
    fn event(&mut self, event: TrainEvent);

    /// Polled every step, also while validating.
    fn should_stop(&mut self) -> Stop;
}
