//! What a batch should say, as the gradient of its loss takes it: on the host with the loss itself, or on the network's
//! device within a pass ([`crate::Network::learn`]).

use candle_core::{Device, Tensor};
use va_error::{Error, Result};

use crate::error::CandleContext;
use crate::kernels::loss::{
    binary_cross_entropy, binary_cross_entropy_grad, cross_entropy, cross_entropy_grad, log_sum_exp,
};
use crate::loss::rows_f64;

/// Which loss it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LossKind {
    /// One number an entry: how much of its `-log softmax` counts.
    CrossEntropy,
    /// Two numbers an entry: how much of `-log σ(x)` and of `-log σ(-x)` counts; first all of the former.
    BinaryCrossEntropy,
}

/// What logits `[N, K]` should be, weighed and divided by the batch: losses and gradients of its parts add up to the
/// batch's. Made by [`crate::CrossEntropy::wanted`] and [`crate::BinaryCrossEntropy::wanted`].
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub(crate) kind: LossKind,
    pub(crate) rows: usize,
    pub(crate) classes: usize,
    pub(crate) numbers: Vec<f64>,
}

impl Wanted {
    /// The loss of logits `[N, K]`, in f64. One that is not finite is returned as it is: the caller decides.
    ///
    /// # Errors
    /// `InvalidInput` when the logits have another shape.
    pub fn loss(&self, logits: &Tensor) -> Result<f64> {
        let rows = self.rows_of(logits)?;
        Ok(match self.kind {
            LossKind::CrossEntropy => {
                let rows = rows.iter().zip(self.numbers.chunks(self.classes.max(1)));
                rows.map(|(row, wanted)| cross_entropy(row, wanted.iter().copied())).sum()
            }
            LossKind::BinaryCrossEntropy => {
                let absent = &self.numbers[self.rows * self.classes..];
                let entries = rows.iter().flatten().zip(&self.numbers).zip(absent);
                entries.map(|((&x, &a), &b)| binary_cross_entropy(x, a, b)).sum()
            }
        })
    }

    /// Its gradient by the logits, `[N, K]`, in their number type, on the CPU. No number where the loss is none.
    ///
    /// # Errors
    /// As [`Wanted::loss`].
    pub fn grad(&self, logits: &Tensor) -> Result<Tensor> {
        let rows = self.rows_of(logits)?;
        let grad: Vec<f64> = match self.kind {
            LossKind::CrossEntropy => {
                let of_row = |(row, wanted): (&Vec<f64>, &[f64])| -> Vec<f64> {
                    let (log_sum, mass) = (log_sum_exp(row), wanted.iter().sum());
                    row.iter().zip(wanted).map(|(&x, &wanted)| cross_entropy_grad(x, log_sum, mass, wanted)).collect()
                };
                rows.iter().zip(self.numbers.chunks(self.classes.max(1))).flat_map(of_row).collect()
            }
            LossKind::BinaryCrossEntropy => {
                let absent = &self.numbers[self.rows * self.classes..];
                let entries = rows.iter().flatten().zip(&self.numbers).zip(absent);
                entries.map(|((&x, &a), &b)| binary_cross_entropy_grad(x, a, b)).collect()
            }
        };
        Tensor::from_vec(grad, (self.rows, self.classes), &Device::Cpu)
            .and_then(|grad| grad.to_dtype(logits.dtype()))
            .engine("the gradient of a loss")
    }

    fn rows_of(&self, logits: &Tensor) -> Result<Vec<Vec<f64>>> {
        let shape = logits.dims2().engine("a loss takes logits [N, K]")?;
        if shape != (self.rows, self.classes) {
            return Err(Error::invalid(format!(
                "{shape:?} logits for a loss of {} rows of {} classes",
                self.rows, self.classes
            )));
        }
        rows_f64(logits)
    }
}
