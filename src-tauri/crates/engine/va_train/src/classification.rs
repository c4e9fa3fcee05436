use candle_core::Tensor;
use va_error::{Code, Context, Error, Result};
use va_eval::ConfusionMatrix;
use va_exec::{CrossEntropy, LossAndGrad};

use crate::ValMetrics;

/// The task of one class an image: softmax cross-entropy, accuracy, macro F1.
#[derive(Debug, Clone)]
pub(crate) struct Classification {
    pub class_count: usize,
    pub label_smoothing: f64,
}

impl Classification {
    pub fn train_loss(&self, logits: &Tensor, targets: &[u32]) -> Result<LossAndGrad> {
        CrossEntropy { label_smoothing: self.label_smoothing, class_weights: None }.loss_and_grad(logits, targets)
    }

    /// How many rows of `logits` `[N, K]` are largest at their target.
    pub fn correct(&self, logits: &Tensor, targets: &[u32]) -> Result<u64> {
        Ok(self.predicted(logits)?.iter().zip(targets).filter(|(p, t)| p == t).count() as u64)
    }

    /// Class of the largest logit of every row, the first of equals.
    fn predicted(&self, logits: &Tensor) -> Result<Vec<u32>> {
        let rows = logits.to_vec2::<f32>().map_err(|e| Error::internal("cannot read the logits").with_source(e))?;
        Ok(rows.iter().map(|row| first_largest(row)).collect())
    }
}

fn first_largest(row: &[f32]) -> u32 {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    best as u32
}

/// Collects validation batches.
pub(crate) struct Validation<'a> {
    task: &'a Classification,
    confusion: ConfusionMatrix,
    loss_sum: f64,
    count: u64,
}

impl<'a> Validation<'a> {
    pub fn new(task: &'a Classification) -> Self {
        Self { task, confusion: ConfusionMatrix::new(task.class_count), loss_sum: 0.0, count: 0 }
    }

    pub fn add(&mut self, logits: &Tensor, targets: &[u32], keys: &[String]) -> Result<()> {
        // Without label smoothing: what a person compares between runs.
        let loss = CrossEntropy::default().loss_and_grad(logits, targets)?.loss;
        if !loss.is_finite() {
            let samples = keys.join(", ");
            return Err(Error::new(
                Code::NotFinite,
                format!("the validation loss is not a number (samples {samples})"),
            ));
        }
        self.loss_sum += loss * targets.len() as f64;
        self.count += targets.len() as u64;
        for (predicted, target) in self.task.predicted(logits)?.into_iter().zip(targets) {
            self.confusion.add(*target, predicted).context("a validation sample cannot be counted")?;
        }
        Ok(())
    }

    pub fn compute(&self) -> ValMetrics {
        ValMetrics {
            loss: self.loss_sum / self.count.max(1) as f64,
            accuracy: self.confusion.accuracy(),
            macro_f1: self.confusion.macro_f1(),
        }
    }
}
