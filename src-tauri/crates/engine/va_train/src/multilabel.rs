use std::ops::Range;

use candle_core::Tensor;
use va_dataset::Batch;
use va_domain::{ClassBalance, MULTILABEL_THRESHOLD, TrainSettings};
use va_error::{Context, Error, Result};
use va_eval::MultiLabelMetrics;
use va_exec::{BinaryCrossEntropy, Wanted, sigmoid_probabilities};

use crate::ValMetrics;
use crate::learning_task::{LearningTask, Targets, Validation, finite, rows};

/// The task of any number of classes an image: binary cross-entropy of every class by itself; a sample is right when all
/// of its classes are.
#[derive(Debug, Clone)]
pub(crate) struct Multilabel {
    class_count: usize,
    /// Of training: with the weights of positive samples.
    loss: BinaryCrossEntropy,
    label_smoothing: f64,
}

impl Multilabel {
    /// `class_counts` are the training samples that have each class; only class weights need them.
    ///
    /// # Errors
    /// `InvalidInput` when class weights are asked for without a count for every class.
    pub fn new(class_count: usize, class_counts: &[u64], train_len: usize, settings: &TrainSettings) -> Result<Self> {
        let positive_weights = match settings.class_balance {
            ClassBalance::Weights => Some(positive_weights(class_count, class_counts, train_len as u64)?),
            ClassBalance::None | ClassBalance::Sampling => None,
        };
        let loss = BinaryCrossEntropy { positive_weights };
        Ok(Self { class_count, loss, label_smoothing: settings.label_smoothing })
    }

    /// `[N, K]` of 0 and 1.
    ///
    /// # Errors
    /// `InvalidInput` when the batch carries no sets of classes or one of them is unknown.
    fn truths(&self, batch: &Batch, range: Range<usize>) -> Result<Vec<f64>> {
        if batch.class_sets.len() != batch.len() {
            return Err(Error::invalid("the batches of a multi-label run must carry every class of their samples"));
        }
        let mut truths = vec![0.0; range.len() * self.class_count];
        for (row, classes) in truths.chunks_mut(self.class_count.max(1)).zip(&batch.class_sets[range]) {
            for &class in classes {
                *row.get_mut(class as usize).ok_or_else(|| {
                    Error::invalid(format!("target class {class} is not one of {} classes", self.class_count))
                })? = 1.0;
            }
        }
        Ok(truths)
    }
}

/// The negative samples for each positive one, as PyTorch's documentation of `pos_weight` proposes; at least one negative
/// sample is counted.
fn positive_weights(class_count: usize, counts: &[u64], total: u64) -> Result<Vec<f64>> {
    if counts.len() != class_count || counts.contains(&0) {
        return Err(Error::invalid(format!(
            "class weights need training samples of each of the {class_count} classes; there are {counts:?}"
        )));
    }
    Ok(counts.iter().map(|&count| total.saturating_sub(count).max(1) as f64 / count as f64).collect())
}

impl LearningTask for Multilabel {
    fn targets<'a>(&'a self, batch: &'a Batch) -> Result<Box<dyn Targets + 'a>> {
        let truths = self.truths(batch, 0..batch.len())?;
        let mut wanted = truths.clone();
        for (at, blend) in batch.blends.iter().enumerate() {
            for class in 0..self.class_count {
                let of = |sample: usize| truths[sample * self.class_count + class];
                wanted[at * self.class_count + class] = blend.share * of(at) + (1.0 - blend.share) * of(blend.other);
            }
        }
        let smoothing = self.label_smoothing;
        wanted.iter_mut().for_each(|target| *target = *target * (1.0 - smoothing) + smoothing / 2.0);
        Ok(Box::new(SetTargets { task: self, wanted }))
    }

    fn correct(&self, batch: &Batch, logits: &Tensor, range: Range<usize>) -> Result<u64> {
        let truths = self.truths(batch, range)?;
        // A logit of 0 is a probability of one half, the threshold.
        let is_right =
            |(row, truths): &(Vec<f32>, &[f64])| row.iter().zip(*truths).all(|(x, t)| (*x >= 0.0) == (*t > 0.5));
        Ok(rows(logits)?.into_iter().zip(truths.chunks(self.class_count.max(1))).filter(is_right).count() as u64)
    }

    fn validation(&self) -> Box<dyn Validation + '_> {
        let metrics = MultiLabelMetrics::new(self.class_count);
        Box::new(SetValidation { task: self, metrics, loss_sum: 0.0, count: 0 })
    }
}

struct SetTargets<'a> {
    task: &'a Multilabel,
    /// `[N, K]`: blended and smoothed.
    wanted: Vec<f64>,
}

impl SetTargets<'_> {
    fn entries(&self, range: Range<usize>) -> Range<usize> {
        range.start * self.task.class_count..range.end * self.task.class_count
    }
}

impl Targets for SetTargets<'_> {
    fn wanted(&self, range: Range<usize>) -> Result<Wanted> {
        self.task.loss.wanted(&self.wanted[self.entries(range)], self.task.class_count, self.wanted.len())
    }
}

struct SetValidation<'a> {
    task: &'a Multilabel,
    metrics: MultiLabelMetrics,
    loss_sum: f64,
    count: u64,
}

impl Validation for SetValidation<'_> {
    fn add(&mut self, logits: &Tensor, batch: &Batch, range: Range<usize>) -> Result<()> {
        let truths = self.task.truths(batch, range.clone())?;
        // Without smoothing and weights: what a person compares between runs.
        let loss = BinaryCrossEntropy::default().loss_and_grad(logits, &truths)?.loss;
        self.loss_sum += finite(loss, &batch.keys[range.clone()])? * range.len() as f64;
        self.count += range.len() as u64;
        let actual: Vec<bool> = truths.iter().map(|truth| *truth > 0.5).collect();
        let probabilities = rows(&sigmoid_probabilities(logits)?)?;
        for (actual, probabilities) in actual.chunks(self.task.class_count.max(1)).zip(&probabilities) {
            self.metrics.add(actual, probabilities).context("a validation sample cannot be counted")?;
        }
        Ok(())
    }

    fn compute(&self) -> ValMetrics {
        let summary = self.metrics.compute(MULTILABEL_THRESHOLD);
        ValMetrics {
            loss: self.loss_sum / self.count.max(1) as f64,
            accuracy: summary.exact_match,
            macro_f1: summary.macro_f1,
            micro_f1: Some(summary.micro_f1),
            mean_average_precision: summary.mean_average_precision,
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use va_dataset::Blend;

    use super::*;

    fn batch(sets: &[&[u32]]) -> Batch {
        Batch {
            classes: vec![0; sets.len()],
            class_sets: sets.iter().map(|set| set.to_vec()).collect(),
            keys: vec!["x".to_owned(); sets.len()],
            ..Batch::default()
        }
    }

    fn task(settings: &TrainSettings) -> Multilabel {
        Multilabel::new(2, &[10, 30], 40, settings).unwrap()
    }

    fn logits(rows: &[[f32; 2]]) -> Tensor {
        Tensor::from_slice(rows.as_flattened(), (rows.len(), 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn positive_samples_of_a_rare_class_weigh_by_the_negative_ones() {
        assert_eq!(positive_weights(2, &[10, 30], 40).unwrap(), [3.0, 1.0 / 3.0]);
        assert_eq!(positive_weights(1, &[40], 40).unwrap(), [1.0 / 40.0]);
        assert!(positive_weights(2, &[10, 0], 40).is_err() && positive_weights(3, &[1, 2], 40).is_err());
    }

    #[test]
    fn targets_are_blended_then_smoothed_and_parts_add_up() {
        let task = task(&TrainSettings { label_smoothing: 0.2, ..TrainSettings::default() });
        let mut batch = batch(&[&[0, 1], &[]]);
        batch.blends = vec![Blend { other: 1, share: 0.75 }, Blend { other: 0, share: 1.0 }];
        let targets = task.targets(&batch).unwrap();
        let x = [[0.4, -2.0], [1.5, 0.2]];
        let whole = targets.wanted(0..2).unwrap().loss(&logits(&x)).unwrap();
        let wanted = [0.75 * 0.8 + 0.1, 0.75 * 0.8 + 0.1, 0.1, 0.1];
        let direct = BinaryCrossEntropy::default().loss_and_grad(&logits(&x), &wanted).unwrap().loss;
        assert!((whole - direct).abs() < 1e-12);
        let part = |at: usize| targets.wanted(at..at + 1).unwrap().loss(&logits(&x[at..=at])).unwrap();
        assert!((part(0) + part(1) - whole).abs() < 1e-12);
    }

    #[test]
    fn a_sample_is_right_when_every_class_is() {
        let task = task(&TrainSettings::default());
        let batch = batch(&[&[0, 1], &[], &[1]]);
        let x = logits(&[[0.1, 0.1], [-1.0, 0.1], [-1.0, 3.0]]);
        assert_eq!(task.correct(&batch, &x, 0..3).unwrap(), 2);
        let mut validation = task.validation();
        validation.add(&x, &batch, 0..3).unwrap();
        let found = validation.compute();
        assert_eq!((found.accuracy, found.micro_f1), (2.0 / 3.0, Some(2.0 * 3.0 / 7.0)));
        assert_eq!(found.mean_average_precision, Some((1.0 + (1.0 + 2.0 / 3.0) / 2.0) / 2.0));
    }

    #[test]
    fn a_batch_without_sets_or_with_an_unknown_class_is_refused() {
        let task = task(&TrainSettings::default());
        assert!(task.targets(&Batch { class_sets: Vec::new(), ..batch(&[&[0]]) }).is_err());
        assert!(task.targets(&batch(&[&[2]])).is_err());
    }
}
