//! What the numbers of a network mean.

use candle_core::Tensor;
use va_domain::Task;
use va_error::Result;
use va_exec::{sigmoid_probabilities, softmax};

/// Class probabilities `[N, K]` of logits `[N, K]`: of one class an image they add up to 1, otherwise each is by itself.
pub(crate) fn class_probabilities(task: Task, logits: &Tensor) -> Result<Tensor> {
    match task {
        Task::Classification => softmax(logits),
        Task::MultilabelClassification => sigmoid_probabilities(logits),
    }
}
