use std::ops::Range;

use candle_core::Tensor;
use va_dataset::Batch;
use va_domain::{ClassBalance, TrainSettings};
use va_error::{Context, Error, Result};
use va_eval::ConfusionMatrix;
use va_exec::{CrossEntropy, SoftTarget, Wanted};

use crate::ValMetrics;
use crate::learning_task::{LearningTask, Targets, Validation, finite, rows};

/// The task of one class an image: softmax cross-entropy, accuracy, macro F1.
#[derive(Debug, Clone)]
pub(crate) struct Classification {
    class_count: usize,
    /// Of training: with label smoothing and class weights.
    loss: CrossEntropy,
}

impl Classification {
    /// `class_counts` are the training samples of every class; only class weights need them.
    ///
    /// # Errors
    /// `InvalidInput` when class weights are asked for without a count for every class.
    pub fn new(class_count: usize, class_counts: &[u64], settings: &TrainSettings) -> Result<Self> {
        let class_weights = match settings.class_balance {
            ClassBalance::Weights => Some(inverse_frequency(class_count, class_counts)?),
            ClassBalance::None | ClassBalance::Sampling => None,
        };
        Ok(Self { class_count, loss: CrossEntropy { label_smoothing: settings.label_smoothing, class_weights } })
    }

    /// Class of the largest logit of every row, the first of equals.
    fn predicted(logits: &Tensor) -> Result<Vec<u32>> {
        Ok(rows(logits)?.iter().map(|row| first_largest(row)).collect())
    }
}

impl LearningTask for Classification {
    fn targets<'a>(&'a self, batch: &'a Batch) -> Result<Box<dyn Targets + 'a>> {
        let soft = soft_targets(batch);
        // Of the whole batch, so that its parts add up to it.
        let total = self.loss.weight_of(&soft)?;
        Ok(Box::new(ClassTargets { loss: &self.loss, class_count: self.class_count, soft, total }))
    }

    fn correct(&self, batch: &Batch, logits: &Tensor, range: Range<usize>) -> Result<u64> {
        let predicted = Self::predicted(logits)?;
        Ok(predicted.iter().zip(&batch.classes[range]).filter(|(p, t)| p == t).count() as u64)
    }

    fn validation(&self) -> Box<dyn Validation + '_> {
        Box::new(ClassValidation { confusion: ConfusionMatrix::new(self.class_count), loss_sum: 0.0, count: 0 })
    }
}

struct ClassTargets<'a> {
    loss: &'a CrossEntropy,
    class_count: usize,
    soft: Vec<SoftTarget>,
    total: f64,
}

impl Targets for ClassTargets<'_> {
    fn wanted(&self, range: Range<usize>) -> Result<Wanted> {
        self.loss.wanted(&self.soft[range], self.class_count, self.total)
    }
}

fn soft_targets(batch: &Batch) -> Vec<SoftTarget> {
    let hard = |&class: &u32| SoftTarget::hard(class);
    if batch.blends.is_empty() {
        return batch.classes.iter().map(hard).collect();
    }
    let both = batch.classes.iter().zip(&batch.blends);
    both.map(|(&class, blend)| SoftTarget { class, other: batch.classes[blend.other], share: blend.share }).collect()
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

/// `samples / (classes · samples of the class)`, as scikit-learn's `balanced`: 1 for classes of equal size.
fn inverse_frequency(class_count: usize, counts: &[u64]) -> Result<Vec<f64>> {
    if counts.len() != class_count || counts.contains(&0) {
        return Err(Error::invalid(format!(
            "class weights need training samples of each of the {class_count} classes; there are {counts:?}"
        )));
    }
    let total: u64 = counts.iter().sum();
    Ok(counts.iter().map(|&count| total as f64 / (class_count as f64 * count as f64)).collect())
}

struct ClassValidation {
    confusion: ConfusionMatrix,
    loss_sum: f64,
    count: u64,
}

impl Validation for ClassValidation {
    fn add(&mut self, logits: &Tensor, batch: &Batch, range: Range<usize>) -> Result<()> {
        let targets = &batch.classes[range.clone()];
        // Without label smoothing: what a person compares between runs.
        let loss = finite(CrossEntropy::default().loss_and_grad(logits, targets)?.loss, &batch.keys[range])?;
        self.loss_sum += loss * targets.len() as f64;
        self.count += targets.len() as u64;
        for (predicted, target) in Classification::predicted(logits)?.into_iter().zip(targets) {
            self.confusion.add(*target, predicted).context("a validation sample cannot be counted")?;
        }
        Ok(())
    }

    fn compute(&self) -> ValMetrics {
        ValMetrics {
            loss: self.loss_sum / self.count.max(1) as f64,
            accuracy: self.confusion.accuracy(),
            macro_f1: self.confusion.macro_f1(),
            micro_f1: None,
            mean_average_precision: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_weigh_more_and_equal_ones_alike() {
        assert_eq!(inverse_frequency(2, &[30, 10]).unwrap(), [40.0 / 60.0, 2.0]);
        assert_eq!(inverse_frequency(3, &[5, 5, 5]).unwrap(), [1.0; 3]);
        assert!(inverse_frequency(2, &[30, 0]).is_err() && inverse_frequency(3, &[1, 2]).is_err());
    }
}
