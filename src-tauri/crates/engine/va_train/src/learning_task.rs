//! What a network is asked to learn. The learner and the loop know no more of it than this.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Tensor};
use va_dataset::Batch;
use va_domain::Task;
use va_error::{Code, Error, Result};
use va_exec::Wanted;

use crate::classification::Classification;
use crate::multilabel::Multilabel;
use crate::{TrainJob, ValMetrics};

pub(crate) trait LearningTask: Send + Sync {
    /// What the samples of a training batch should say.
    ///
    /// # Errors
    /// `InvalidInput` when the batch does not carry what the task needs.
    fn targets<'a>(&'a self, batch: &'a Batch) -> Result<Box<dyn Targets + 'a>>;

    /// Samples `range` of a training batch that their logits `[M, K]` decide rightly.
    fn correct(&self, batch: &Batch, logits: &Tensor, range: Range<usize>) -> Result<u64>;

    /// An empty collection of validation batches.
    fn validation(&self) -> Box<dyn Validation + '_>;
}

/// The targets of one batch; `range` are the samples of a part of it.
pub(crate) trait Targets {
    /// What the part should say. Losses and gradients of the parts add up to the mean over the batch.
    fn wanted(&self, range: Range<usize>) -> Result<Wanted>;
}

/// Collects validation batches, then says how good the network is.
pub(crate) trait Validation {
    /// # Errors
    /// `NotFinite` naming the samples when the loss is not a number.
    fn add(&mut self, logits: &Tensor, batch: &Batch, range: Range<usize>) -> Result<()>;

    fn compute(&self) -> ValMetrics;
}

/// The task of a job.
///
/// # Errors
/// `InvalidInput` when the settings do not fit it.
pub(crate) fn learning_task(job: &TrainJob) -> Result<Arc<dyn LearningTask>> {
    job.settings.check_for(job.task)?;
    let classes = job.classes.len();
    Ok(match job.task {
        Task::Classification => Arc::new(Classification::new(classes, &job.class_counts, &job.settings)?),
        Task::MultilabelClassification => {
            Arc::new(Multilabel::new(classes, &job.class_counts, job.train_len, &job.settings)?)
        }
    })
}

/// Numbers of `logits` `[M, K]` row by row.
pub(crate) fn rows(logits: &Tensor) -> Result<Vec<Vec<f32>>> {
    let rows = logits.to_dtype(DType::F32).and_then(|logits| logits.to_vec2::<f32>());
    rows.map_err(|e| Error::internal("cannot read the logits").with_source(e))
}

/// The validation loss, if it is one.
pub(crate) fn finite(loss: f64, keys: &[String]) -> Result<f64> {
    if loss.is_finite() {
        return Ok(loss);
    }
    let samples = keys.join(", ");
    Err(Error::new(Code::NotFinite, format!("the validation loss is not a number (samples {samples})")))
}
