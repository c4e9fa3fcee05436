//! Softmax and cross-entropy on logits `[N, K]`, computed in f64.

use candle_core::{DType, Device, Tensor};
use va_error::{Error, Result};

use crate::error::CandleContext;
use crate::kernels::loss::log_sum_exp;
use crate::wanted::{LossKind, Wanted};

/// Softmax cross-entropy with PyTorch's meaning of its options and mean reduction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes, in `[0, 1)`.
    pub label_smoothing: f64,
    /// One weight a class; the mean divides by the weights of the targets.
    pub class_weights: Option<Vec<f64>>,
}

/// A loss and its gradient.
#[derive(Debug, Clone)]
pub struct LossAndGrad {
    /// Mean over the batch.
    pub loss: f64,
    /// Gradient with respect to the logits, `[N, K]`, in their number type.
    pub grad: Tensor,
}

/// What a row should say: class `class`, or for a blend of two images that much of it and the rest of `other`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftTarget {
    pub class: u32,
    pub other: u32,
    /// Of `class`, in `[0, 1]`; 1 makes `other` meaningless.
    pub share: f64,
}

impl SoftTarget {
    /// One class alone.
    pub fn hard(class: u32) -> Self {
        Self { class, other: class, share: 1.0 }
    }

    fn of(self, class: usize) -> f64 {
        let of = |one: u32, share: f64| if one as usize == class { share } else { 0.0 };
        of(self.class, self.share) + if self.share < 1.0 { of(self.other, 1.0 - self.share) } else { 0.0 }
    }
}

impl CrossEntropy {
    /// Loss and gradient of `logits` `[N, K]` for `targets` (class indices, `N` of them). A loss that is not finite is
    /// returned as it is: the caller decides.
    ///
    /// # Errors
    /// `InvalidInput` when a target is not a class or a count does not fit.
    pub fn loss_and_grad(&self, logits: &Tensor, targets: &[u32]) -> Result<LossAndGrad> {
        let targets: Vec<SoftTarget> = targets.iter().map(|&class| SoftTarget::hard(class)).collect();
        self.soft_loss_and_grad(logits, &targets, self.weight_of(&targets)?)
    }

    /// The sum of the class weights of these targets: what a mean over them divides by (their number, without weights).
    ///
    /// # Errors
    /// `InvalidInput` when a class has no weight or they add up to nothing.
    pub fn weight_of(&self, targets: &[SoftTarget]) -> Result<f64> {
        let weight = |class: u32| match &self.class_weights {
            None => Ok(1.0),
            Some(weights) => weights
                .get(class as usize)
                .copied()
                .ok_or_else(|| Error::invalid(format!("target class {class} is not one of {} classes", weights.len()))),
        };
        let mut total = 0.0;
        for target in targets {
            total += if target.share < 1.0 {
                target.share * weight(target.class)? + (1.0 - target.share) * weight(target.other)?
            } else {
                weight(target.class)?
            };
        }
        if total.is_nan() || total <= 0.0 {
            return Err(Error::invalid("the class weights of this batch add up to nothing"));
        }
        Ok(total)
    }

    /// As [`CrossEntropy::loss_and_grad`] for blended targets, divided by `total` ([`CrossEntropy::weight_of`] of the
    /// whole batch) instead of the mean over these rows: parts of a batch then add up to the batch.
    ///
    /// # Errors
    /// `InvalidInput` when a target is not a class or a count does not fit.
    pub fn soft_loss_and_grad(&self, logits: &Tensor, targets: &[SoftTarget], total: f64) -> Result<LossAndGrad> {
        let (_, classes) = logits.dims2().engine("cross-entropy takes logits [N, K]")?;
        let wanted = self.wanted(targets, classes, total)?;
        Ok(LossAndGrad { loss: wanted.loss(logits)?, grad: wanted.grad(logits)? })
    }

    /// What rows with these targets should say, of a batch whose weight is `total` ([`CrossEntropy::weight_of`]).
    ///
    /// # Errors
    /// `InvalidInput` when a target is not one of the `classes` or a count does not fit.
    pub fn wanted(&self, targets: &[SoftTarget], classes: usize, total: f64) -> Result<Wanted> {
        let ones = vec![1.0; classes];
        let weights = self.class_weights.as_deref().unwrap_or(&ones);
        if weights.len() != classes || !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(Error::invalid(format!(
                "cross-entropy: {} class weights for {classes} classes, smoothing {}",
                weights.len(),
                self.label_smoothing
            )));
        }
        if let Some(bad) = targets.iter().flat_map(|t| [t.class, t.other]).find(|&class| class as usize >= classes) {
            return Err(Error::invalid(format!("target class {bad} is not one of {classes} classes")));
        }
        let spread = self.label_smoothing / classes as f64;
        let mut numbers = Vec::with_capacity(targets.len() * classes);
        for target in targets {
            let share = |c: usize| weights[c] * (spread + (1.0 - self.label_smoothing) * target.of(c));
            numbers.extend((0..classes).map(|c| share(c) / total));
        }
        Ok(Wanted { kind: LossKind::CrossEntropy, rows: targets.len(), classes, numbers })
    }
}

/// Probabilities `[N, K]` of logits `[N, K]`, in their number type.
///
/// # Errors
/// When `logits` is not a matrix.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    let (n, k) = logits.dims2().engine("softmax takes logits [N, K]")?;
    let mut out = Vec::with_capacity(n * k);
    for row in rows_f64(logits)? {
        let log_sum = log_sum_exp(&row);
        out.extend(row.iter().map(|logit| (logit - log_sum).exp()));
    }
    Tensor::from_vec(out, (n, k), &Device::Cpu).and_then(|t| t.to_dtype(logits.dtype())).engine("softmax")
}

pub(crate) fn rows_f64(logits: &Tensor) -> Result<Vec<Vec<f64>>> {
    logits.to_dtype(DType::F64).and_then(|t| t.to_vec2::<f64>()).engine("reading logits")
}
