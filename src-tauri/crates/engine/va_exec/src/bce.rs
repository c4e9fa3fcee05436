//! Binary cross-entropy on logits: several classes may be true of one image.

use candle_core::{Device, Tensor};
use va_error::{Error, Result};

use crate::error::CandleContext;
use crate::kernels::loss::sigmoid;
use crate::loss::{LossAndGrad, rows_f64};
use crate::wanted::{LossKind, Wanted};

/// Sigmoid cross-entropy from logits, computed in f64 without ever forming `exp` of a large number, so that no logit
/// overflows; mean over all entries, as PyTorch's `binary_cross_entropy_with_logits`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BinaryCrossEntropy {
    /// One weight a class on its positive term: above 1 raises recall of a rare class.
    pub positive_weights: Option<Vec<f64>>,
}

impl BinaryCrossEntropy {
    /// Loss and gradient of `logits` `[N, K]` for `targets` `[N, K]` in `[0, 1]`, row by row. A loss that is not finite
    /// is returned as it is: the caller decides.
    ///
    /// # Errors
    /// `InvalidInput` when a count does not fit or a target lies outside `[0, 1]`.
    pub fn loss_and_grad(&self, logits: &Tensor, targets: &[f64]) -> Result<LossAndGrad> {
        self.part_loss_and_grad(logits, targets, targets.len())
    }

    /// As [`BinaryCrossEntropy::loss_and_grad`], divided by `total` entries (of the whole batch) instead of the number of
    /// these: parts of a batch then add up to the batch.
    ///
    /// # Errors
    /// As [`BinaryCrossEntropy::loss_and_grad`].
    pub fn part_loss_and_grad(&self, logits: &Tensor, targets: &[f64], total: usize) -> Result<LossAndGrad> {
        let (_, classes) = logits.dims2().engine("binary cross-entropy takes logits [N, K]")?;
        let wanted = self.wanted(targets, classes, total)?;
        Ok(LossAndGrad { loss: wanted.loss(logits)?, grad: wanted.grad(logits)? })
    }

    /// What rows with these targets `[N, K]` should say, of a batch of `total` entries.
    ///
    /// # Errors
    /// As [`BinaryCrossEntropy::loss_and_grad`].
    pub fn wanted(&self, targets: &[f64], classes: usize, total: usize) -> Result<Wanted> {
        let ones = vec![1.0; classes];
        let weights = self.positive_weights.as_deref().unwrap_or(&ones);
        if classes == 0 || !targets.len().is_multiple_of(classes) || weights.len() != classes {
            return Err(Error::invalid(format!(
                "binary cross-entropy: {} targets and {} class weights for {classes} classes",
                targets.len(),
                weights.len()
            )));
        }
        if let Some(bad) = targets.iter().find(|target| !(0.0..=1.0).contains(*target)) {
            return Err(Error::invalid(format!("binary cross-entropy: the target {bad} is not between 0 and 1")));
        }
        let count = total.max(1) as f64;
        let present = targets.iter().zip(weights.iter().cycle()).map(|(target, weight)| weight * target / count);
        let absent = targets.iter().map(|target| (1.0 - target) / count);
        let (rows, numbers) = (targets.len() / classes, present.chain(absent).collect());
        Ok(Wanted { kind: LossKind::BinaryCrossEntropy, rows, classes, numbers })
    }
}

/// Probabilities `[N, K]` of logits `[N, K]`, each class by itself, in their number type.
///
/// # Errors
/// When `logits` is not a matrix.
pub fn sigmoid_probabilities(logits: &Tensor) -> Result<Tensor> {
    let (n, k) = logits.dims2().engine("class probabilities come from logits [N, K]")?;
    let out: Vec<f64> = rows_f64(logits)?.into_iter().flatten().map(sigmoid).collect();
    Tensor::from_vec(out, (n, k), &Device::Cpu).and_then(|t| t.to_dtype(logits.dtype())).engine("sigmoid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(values: &[f64], k: usize) -> Tensor {
        Tensor::from_slice(values, (values.len() / k, k), &Device::Cpu).unwrap()
    }

    #[test]
    fn equals_the_formula_and_its_own_differences() {
        let (x, targets) = ([0.3, -1.2, 2.0, 0.0, -0.7, 1.1], [1.0, 0.0, 0.0, 1.0, 0.25, 1.0]);
        let bce = BinaryCrossEntropy { positive_weights: Some(vec![1.0, 3.0, 0.5]) };
        let at = |x: &[f64]| bce.loss_and_grad(&logits(x, 3), &targets).unwrap();
        let (weights, mut expected) = ([1.0, 3.0, 0.5], 0.0);
        for (i, (&x, &t)) in x.iter().zip(&targets).enumerate() {
            let p: f64 = 1.0 / (1.0 + f64::exp(-x));
            expected -= (weights[i % 3] * t * p.ln() + (1.0 - t) * (1.0 - p).ln()) / 6.0;
        }
        let found = at(&x);
        assert!((found.loss - expected).abs() < 1e-12);
        let grad = found.grad.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for i in 0..x.len() {
            let shifted = |delta: f64| {
                let mut moved = x;
                moved[i] += delta;
                at(&moved).loss
            };
            assert!(((shifted(1e-6) - shifted(-1e-6)) / 2e-6 - grad[i]).abs() < 1e-9);
        }
    }

    #[test]
    fn parts_add_up_to_the_batch() {
        let (x, targets) = ([0.3, -1.2, 2.0, 0.0, -0.7, 1.1], [1.0, 0.0, 0.5, 1.0, 0.25, 1.0]);
        let bce = BinaryCrossEntropy::default();
        let whole = bce.loss_and_grad(&logits(&x, 2), &targets).unwrap();
        let part = |range: std::ops::Range<usize>| {
            bce.part_loss_and_grad(&logits(&x[range.clone()], 2), &targets[range], 6).unwrap()
        };
        let (first, second) = (part(0..4), part(4..6));
        assert!((first.loss + second.loss - whole.loss).abs() < 1e-15);
        let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!([numbers(&first.grad), numbers(&second.grad)].concat(), numbers(&whole.grad));
    }

    #[test]
    fn probabilities_are_of_each_class_by_itself() {
        let p = sigmoid_probabilities(&logits(&[0.0, 800.0, -800.0, f64::ln(3.0)], 2)).unwrap();
        assert_eq!(p.to_vec2::<f64>().unwrap()[0], [0.5, 1.0]);
        let last = p.to_vec2::<f64>().unwrap()[1].clone();
        assert!(last[0] == 0.0 && (last[1] - 0.75).abs() < 1e-15);
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let found = BinaryCrossEntropy::default().loss_and_grad(&logits(&[1e4, -1e4], 2), &[0.0, 1.0]).unwrap();
        assert_eq!(found.loss, 1e4);
        let right = BinaryCrossEntropy::default().loss_and_grad(&logits(&[1e4, -1e4], 2), &[1.0, 0.0]).unwrap();
        assert_eq!(right.loss, 0.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bce = BinaryCrossEntropy::default();
        assert!(bce.loss_and_grad(&logits(&[0.0, 0.0], 2), &[1.0]).is_err());
        assert!(bce.loss_and_grad(&logits(&[0.0, 0.0], 2), &[1.0, 1.5]).is_err());
        assert!(bce.loss_and_grad(&logits(&[0.0, 0.0], 2), &[1.0, f64::NAN]).is_err());
    }
}
