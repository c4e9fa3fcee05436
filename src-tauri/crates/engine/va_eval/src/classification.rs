use va_domain::{ClassMetrics, EvaluationSummary};
use va_error::{Code, Error, Result};

use crate::{ConfusionMatrix, average_precision};

/// A probability of 0 for the true class counts as this much, as scikit-learn's `log_loss` does in f64.
const SMALLEST_PROBABILITY: f64 = f64::EPSILON;

/// Collects the samples of one evaluation of a single-label classifier.
#[derive(Debug, Clone)]
pub struct ClassificationMetrics {
    class_count: usize,
    confusion: ConfusionMatrix,
    actual: Vec<u32>,
    /// `[sample, class]`.
    probabilities: Vec<f32>,
    losses: Vec<f64>,
}

/// What one sample contributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleScore {
    /// The most probable class; the first of equals.
    pub predicted: u32,
    /// Cross-entropy: minus the logarithm of the true class's probability.
    pub loss: f64,
}

impl ClassificationMetrics {
    pub fn new(class_count: usize) -> Self {
        Self {
            class_count,
            confusion: ConfusionMatrix::new(class_count),
            actual: Vec::new(),
            probabilities: Vec::new(),
            losses: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.actual.len()
    }

    pub fn is_empty(&self) -> bool {
        self.actual.is_empty()
    }

    /// Adds one sample with its class probabilities.
    ///
    /// # Errors
    /// `InvalidInput` when `actual` or the number of probabilities does not fit the class count, `NotFinite` when a
    /// probability is not a number; nothing is added then.
    pub fn add(&mut self, actual: u32, probabilities: &[f32]) -> Result<SampleScore> {
        if probabilities.len() != self.class_count {
            return Err(Error::invalid(format!(
                "{} probabilities were given for {} classes",
                probabilities.len(),
                self.class_count
            )));
        }
        if probabilities.iter().any(|p| !p.is_finite()) {
            return Err(Error::new(Code::NotFinite, "a class probability is not a number"));
        }
        let mut predicted = 0;
        for (class, p) in probabilities.iter().enumerate() {
            if *p > probabilities[predicted] {
                predicted = class;
            }
        }
        let predicted = predicted as u32;
        self.confusion.add(actual, predicted)?;
        let loss = -f64::from(probabilities[actual as usize]).max(SMALLEST_PROBABILITY).ln();
        // A probability rounded to just above 1 must not give a negative loss.
        let loss = loss.max(0.0);
        self.actual.push(actual);
        self.probabilities.extend_from_slice(probabilities);
        self.losses.push(loss);
        Ok(SampleScore { predicted, loss })
    }

    pub fn confusion(&self) -> &ConfusionMatrix {
        &self.confusion
    }

    /// Mean cross-entropy; 0 without samples.
    pub fn loss(&self) -> f64 {
        if self.losses.is_empty() {
            return 0.0;
        }
        let mut sorted = self.losses.clone();
        // A fixed order of summation makes the result independent of the order of the samples.
        sorted.sort_by(f64::total_cmp);
        sorted.iter().sum::<f64>() / sorted.len() as f64
    }

    /// The summary over all samples added; `classes` are the names by class index.
    ///
    /// # Errors
    /// `InvalidInput` when the number of names does not fit.
    pub fn compute(&self, classes: &[String]) -> Result<EvaluationSummary> {
        if classes.len() != self.class_count {
            return Err(Error::invalid(format!("{} names were given for {} classes", classes.len(), self.class_count)));
        }
        let per_class = classes.iter().enumerate().map(|(class, name)| self.class_metrics(class, name)).collect();
        Ok(EvaluationSummary {
            sample_count: self.confusion.total(),
            accuracy: self.confusion.accuracy(),
            macro_f1: self.confusion.macro_f1(),
            loss: self.loss(),
            per_class,
            confusion: self.confusion.rows(),
            multilabel: None,
        })
    }

    /// (score, is positive) of every sample for one class against the rest.
    pub fn scores(&self, class: usize) -> Vec<(f32, bool)> {
        let rows = self.probabilities.chunks(self.class_count.max(1));
        rows.zip(&self.actual).map(|(row, &actual)| (row[class], actual as usize == class)).collect()
    }

    fn class_metrics(&self, class: usize, name: &str) -> ClassMetrics {
        let score = self.confusion.class(class);
        ClassMetrics {
            class_idx: class as u32,
            name: name.to_owned(),
            precision: score.precision,
            recall: score.recall,
            f1: score.f1,
            support: score.support,
            predicted: score.predicted,
            average_precision: average_precision(&self.scores(class)),
        }
    }
}

#[cfg(test)]
#[path = "classification_tests.rs"]
mod tests;
