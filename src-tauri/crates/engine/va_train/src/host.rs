use va_dataset::{Batch, BatchRequest};
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
    /// Fills `batch` with the requested one.
    ///
    /// # Errors
    /// When a sample cannot be read (the message names it); the run then ends with that error.
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()>;

    /// Must return quickly: the run waits for it.
    fn event(&mut self, event: TrainEvent);

    /// Polled every step, also while validating.
    fn should_stop(&mut self) -> Stop;
}
