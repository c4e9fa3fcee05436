use va_error::{Error, Result};

/// Counts of (actual, predicted) pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    class_count: usize,
    /// `[actual, predicted]`.
    counts: Vec<u64>,
}

/// One class against the rest; a quotient without a denominator is 0, as scikit-learn's `zero_division=0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// Samples that truly are of the class.
    pub support: u64,
    /// Samples that were predicted as the class.
    pub predicted: u64,
}

pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl ConfusionMatrix {
    pub fn new(class_count: usize) -> Self {
        Self { class_count, counts: vec![0; class_count * class_count] }
    }

    /// # Errors
    /// `InvalidInput` when a class is not below the class count.
    pub fn add(&mut self, actual: u32, predicted: u32) -> Result<()> {
        let (actual, predicted) = (actual as usize, predicted as usize);
        if actual >= self.class_count || predicted >= self.class_count {
            return Err(Error::invalid(format!(
                "class {} does not exist: there are {} classes",
                actual.max(predicted),
                self.class_count
            )));
        }
        self.counts[actual * self.class_count + predicted] += 1;
        Ok(())
    }

    pub fn get(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[actual * self.class_count + predicted]
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share on the diagonal; 0 without samples.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.class_count).map(|class| self.get(class, class)).sum();
        ratio(right, self.total())
    }

    pub fn class(&self, class: usize) -> ClassScore {
        let right = self.get(class, class);
        let support = (0..self.class_count).map(|predicted| self.get(class, predicted)).sum();
        let predicted = (0..self.class_count).map(|actual| self.get(actual, class)).sum();
        ClassScore {
            precision: ratio(right, predicted),
            recall: ratio(right, support),
            f1: ratio(2 * right, support + predicted),
            support,
            predicted,
        }
    }

    /// Mean F1 of all classes, present or not.
    pub fn macro_f1(&self) -> f64 {
        if self.class_count == 0 {
            return 0.0;
        }
        (0..self.class_count).map(|class| self.class(class).f1).sum::<f64>() / self.class_count as f64
    }

    /// `[actual][predicted]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks(self.class_count.max(1)).map(<[u64]>::to_vec).collect()
    }
}
