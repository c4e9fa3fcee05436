use va_domain::{BinaryCounts, ClassMetrics, EvaluationSummary, MultilabelSummary};
use va_error::{Code, Error, Result};

use crate::confusion::ratio;
use crate::{ClassScore, average_precision};

/// Collects the samples of one evaluation of a classifier where any number of classes may be true of an image.
#[derive(Debug, Clone)]
pub struct MultiLabelMetrics {
    class_count: usize,
    /// `[sample, class]`.
    actual: Vec<bool>,
    /// `[sample, class]`.
    probabilities: Vec<f32>,
    losses: Vec<f64>,
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
    /// Share of the samples of which every class is decided rightly (scikit-learn's accuracy of sets).
    pub exact_match: f64,
    /// Share of all decisions that are wrong.
    pub hamming_loss: f64,
    /// Mean binary cross-entropy over samples and classes.
    pub loss: f64,
    pub threshold: f32,
}

/// One class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MultiLabelClass {
    /// At the threshold.
    pub score: ClassScore,
    pub counts: BinaryCounts,
    /// None without positive samples.
    pub average_precision: Option<f64>,
}

impl MultiLabelSummary {
    /// For storage and screens; `classes` are the names by class index.
    ///
    /// # Errors
    /// `InvalidInput` when the number of names does not fit.
    pub fn named(&self, classes: &[String]) -> Result<EvaluationSummary> {
        if classes.len() != self.per_class.len() {
            let own = self.per_class.len();
            return Err(Error::invalid(format!("{} names were given for {own} classes", classes.len())));
        }
        let class = |(index, (class, name)): (usize, (&MultiLabelClass, &String))| ClassMetrics {
            class_idx: index as u32,
            name: name.clone(),
            precision: class.score.precision,
            recall: class.score.recall,
            f1: class.score.f1,
            support: class.score.support,
            predicted: class.score.predicted,
            average_precision: class.average_precision,
        };
        Ok(EvaluationSummary {
            sample_count: self.sample_count,
            accuracy: self.exact_match,
            macro_f1: self.macro_f1,
            loss: self.loss,
            per_class: self.per_class.iter().zip(classes).enumerate().map(class).collect(),
            confusion: Vec::new(),
            multilabel: Some(MultilabelSummary {
                threshold: self.threshold,
                micro_f1: self.micro_f1,
                mean_average_precision: self.mean_average_precision,
                hamming_loss: self.hamming_loss,
                counts: self.per_class.iter().map(|class| class.counts).collect(),
            }),
        })
    }
}

impl MultiLabelMetrics {
    pub fn new(class_count: usize) -> Self {
        Self { class_count, actual: Vec::new(), probabilities: Vec::new(), losses: Vec::new() }
    }

    /// Adds one sample: which classes are true, and the probability of each. Gives its binary cross-entropy, the mean over
    /// the classes.
    ///
    /// # Errors
    /// `InvalidInput` when a count does not fit the class count, `NotFinite` when a probability is not a number; nothing
    /// is added then.
    pub fn add(&mut self, actual: &[bool], probabilities: &[f32]) -> Result<f64> {
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
        let loss = binary_cross_entropy(actual, probabilities);
        self.losses.push(loss);
        Ok(loss)
    }

    /// Mean over samples and classes; a fixed order of summation makes it independent of the order of the samples.
    fn loss(&self) -> f64 {
        let mut sorted = self.losses.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.iter().sum::<f64>() / sorted.len().max(1) as f64
    }

    /// A class counts as predicted from `threshold` on.
    pub fn compute(&self, threshold: f32) -> MultiLabelSummary {
        let decided = |p: &f32| *p >= threshold;
        let samples = self.actual.len() / self.class_count.max(1);
        let rows =
            || self.actual.chunks(self.class_count.max(1)).zip(self.probabilities.chunks(self.class_count.max(1)));
        let column = |class: usize| rows().map(move |(actual, p)| (p[class], actual[class]));
        let per_class: Vec<MultiLabelClass> = (0..self.class_count)
            .map(|class| {
                let counts = counts(column(class).map(|(p, actual)| (decided(&p), actual)));
                let average_precision = average_precision(&column(class).collect::<Vec<_>>());
                MultiLabelClass { score: score(counts), counts, average_precision }
            })
            .collect();
        let all = counts(self.probabilities.iter().map(decided).zip(self.actual.iter().copied()));
        let exact = rows().filter(|(actual, p)| actual.iter().zip(*p).all(|(&actual, p)| actual == decided(p))).count();
        let known: Vec<f64> = per_class.iter().filter_map(|class| class.average_precision).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        MultiLabelSummary {
            sample_count: samples as u64,
            macro_f1: mean(&per_class.iter().map(|class| class.score.f1).collect::<Vec<_>>()),
            micro_f1: score(all).f1,
            mean_average_precision: (!known.is_empty()).then(|| mean(&known)),
            exact_match: exact as f64 / samples.max(1) as f64,
            hamming_loss: ratio(all.false_positive + all.false_negative, self.actual.len() as u64),
            loss: self.loss(),
            threshold,
            per_class,
        }
    }
}

/// Of (predicted, actual) pairs.
fn counts(decisions: impl Iterator<Item = (bool, bool)>) -> BinaryCounts {
    let mut counts = BinaryCounts::default();
    for decision in decisions {
        match decision {
            (true, true) => counts.true_positive += 1,
            (true, false) => counts.false_positive += 1,
            (false, true) => counts.false_negative += 1,
            (false, false) => counts.true_negative += 1,
        }
    }
    counts
}

fn score(counts: BinaryCounts) -> ClassScore {
    let right = counts.true_positive;
    let (predicted, support) = (right + counts.false_positive, right + counts.false_negative);
    ClassScore {
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1: ratio(2 * right, support + predicted),
        support,
        predicted,
    }
}

/// A probability of 0 for what is true counts as the smallest step of f64, as scikit-learn's `log_loss` does.
fn binary_cross_entropy(actual: &[bool], probabilities: &[f32]) -> f64 {
    let of = |(&actual, &p): (&bool, &f32)| {
        let p = f64::from(p);
        -(if actual { p } else { 1.0 - p }).max(f64::EPSILON).ln()
    };
    actual.iter().zip(probabilities).map(of).sum::<f64>() / actual.len().max(1) as f64
}

#[cfg(test)]
#[path = "multilabel_tests.rs"]
mod tests;
