use va_error::{Code, Error, Result};

use crate::{ClassScore, average_precision};

/// Collects the samples of one evaluation of a classifier where any number of classes may be true of an image.
#[derive(Debug, Clone)]
pub struct MultiLabelMetrics {
    class_count: usize,
    /// `[sample, class]`.
    actual: Vec<bool>,
    /// `[sample, class]`.
    probabilities: Vec<f32>,
}

/// The result over all samples added.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiLabelSummary {
    pub sample_count: u64,
    pub per_class: Vec<MultiLabelClass>,
    /// Mean F1 of all classes, present or not.
    pub macro_f1: f64,
    /// F1 of all decisions together.
    pub micro_f1: f64,
    /// Mean average precision of the classes that have a positive sample; None without one.
    pub mean_average_precision: Option<f64>,
    /// Share of the samples of which every class is decided rightly.
    pub exact_match: f64,
    /// Share of all decisions that are wrong.
    pub hamming_loss: f64,
}

/// One class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MultiLabelClass {
    /// At the threshold.
    pub score: ClassScore,
    /// None without positive samples.
    pub average_precision: Option<f64>,
}

impl MultiLabelMetrics {
    pub fn new(class_count: usize) -> Self {
        Self { class_count, actual: Vec::new(), probabilities: Vec::new() }
    }

    /// Adds one sample: which classes are true, and the probability of each.
    ///
    /// # Errors
    /// `InvalidInput` when a count does not fit the class count, `NotFinite` when a probability is not a number; nothing
    /// is added then.
    pub fn add(&mut self, actual: &[bool], probabilities: &[f32]) -> Result<()> {
        if actual.len() != self.class_count || probabilities.len() != self.class_count {
            return Err(Error::invalid(format!(
                "{} truths and {} probabilities were given for {} classes",
                actual.len(),
                probabilities.len(),
                self.class_count
            )));
        }
        if probabilities.iter().any(|p| !p.is_finite()) {
            return Err(Error::new(Code::NotFinite, "a class probability is not a number"));
        }
        self.actual.extend_from_slice(actual);
        self.probabilities.extend_from_slice(probabilities);
        Ok(())
    }

    /// A class counts as predicted from `threshold` on.
    pub fn compute(&self, threshold: f32) -> MultiLabelSummary {
        let decided = |p: &f32| *p >= threshold;
        let samples = self.actual.len() / self.class_count.max(1);
        let rows =
            || self.actual.chunks(self.class_count.max(1)).zip(self.probabilities.chunks(self.class_count.max(1)));
        let column = |class: usize| rows().map(move |(actual, p)| (p[class], actual[class]));
        let per_class: Vec<MultiLabelClass> = (0..self.class_count)
            .map(|class| MultiLabelClass {
                score: score(column(class).map(|(p, actual)| (decided(&p), actual))),
                average_precision: average_precision(&column(class).collect::<Vec<_>>()),
            })
            .collect();
        let all = score(self.probabilities.iter().map(decided).zip(self.actual.iter().copied()));
        let wrong = self.probabilities.iter().zip(&self.actual).filter(|&(p, &actual)| decided(p) != actual).count();
        let exact = rows().filter(|(actual, p)| actual.iter().zip(*p).all(|(&actual, p)| actual == decided(p))).count();
        let known: Vec<f64> = per_class.iter().filter_map(|class| class.average_precision).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        MultiLabelSummary {
            sample_count: samples as u64,
            macro_f1: mean(&per_class.iter().map(|class| class.score.f1).collect::<Vec<_>>()),
            micro_f1: all.f1,
            mean_average_precision: (!known.is_empty()).then(|| mean(&known)),
            exact_match: exact as f64 / samples.max(1) as f64,
            hamming_loss: wrong as f64 / self.actual.len().max(1) as f64,
            per_class,
        }
    }
}

/// Of (predicted, actual) pairs; a quotient without a denominator is 0.
fn score(decisions: impl Iterator<Item = (bool, bool)>) -> ClassScore {
    let (mut right, mut predicted, mut support) = (0u64, 0u64, 0u64);
    for (is_predicted, is_actual) in decisions {
        predicted += u64::from(is_predicted);
        support += u64::from(is_actual);
        right += u64::from(is_predicted && is_actual);
    }
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    ClassScore {
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1: ratio(2 * right, support + predicted),
        support,
        predicted,
    }
}

#[cfg(test)]
#[path = "multilabel_tests.rs"]
mod tests;
