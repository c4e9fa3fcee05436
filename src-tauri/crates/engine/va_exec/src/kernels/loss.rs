//! Losses of logits `[N, K]` and their gradients, from what the batch wants of them ([`crate::Wanted`]).

use candle_core::{Result, bail};

use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};

/// `d/dx Σ wanted · -log softmax(x)`, row by row: sources logits and wanted `[N, K]`. A gradient is no number where its
/// loss is none.
pub struct CrossEntropyGrad {
    pub classes: usize,
}

impl SliceKernel<2> for CrossEntropyGrad {
    const NAME: &'static str = "cross_entropy_grad";
    fn run<T: Element>(&self, dst: Out<'_, T>, [logits, wanted]: [In<'_, T>; 2]) -> Result<()> {
        let (dst, logits, wanted) = (dst.values()?, logits.reals()?, wanted.reals()?);
        if self.classes == 0 || !dst.len().is_multiple_of(self.classes) {
            bail!("{}: {} numbers are no rows of {}", Self::NAME, dst.len(), self.classes)
        }
        expect_len(Self::NAME, "logits", logits, dst.len())?;
        expect_len(Self::NAME, "wanted", wanted, dst.len())?;
        let rows = dst.chunks_mut(self.classes).zip(logits.chunks(self.classes)).zip(wanted.chunks(self.classes));
        for ((grad, logits), wanted) in rows {
            let logits: Vec<f64> = logits.iter().map(|v| v.f64()).collect();
            let (log_sum, mass) = (log_sum_exp(&logits), wanted.iter().map(|w| w.f64()).sum::<f64>());
            for ((grad, &logit), wanted) in grad.iter_mut().zip(&logits).zip(wanted) {
                *grad = T::narrow(T::Real::of(cross_entropy_grad(logit, log_sum, mass, wanted.f64())));
            }
        }
        Ok(())
    }
}

/// `Σ wanted · -log softmax(x)` of every row, `[N]`: sources logits and wanted `[N, K]`.
pub struct CrossEntropyRows {
    pub classes: usize,
}

impl SliceKernel<2> for CrossEntropyRows {
    const NAME: &'static str = "cross_entropy";
    fn run<T: Element>(&self, dst: Out<'_, T>, [logits, wanted]: [In<'_, T>; 2]) -> Result<()> {
        let (dst, logits, wanted) = (dst.reals()?, logits.reals()?, wanted.reals()?);
        expect_len(Self::NAME, "logits", logits, dst.len() * self.classes)?;
        expect_len(Self::NAME, "wanted", wanted, dst.len() * self.classes)?;
        for (row, loss) in dst.iter_mut().enumerate() {
            let place = row * self.classes..(row + 1) * self.classes;
            let logits: Vec<f64> = logits[place.clone()].iter().map(|v| v.f64()).collect();
            *loss = T::Real::of(cross_entropy(&logits, wanted[place].iter().map(|w| w.f64())));
        }
        Ok(())
    }
}

/// Of a row.
pub(crate) fn cross_entropy(logits: &[f64], wanted: impl Iterator<Item = f64>) -> f64 {
    let log_sum = log_sum_exp(logits);
    logits.iter().zip(wanted).map(|(x, wanted)| wanted * (log_sum - x)).sum()
}

/// Of a logit in a row with this logarithm of the sum of exponentials and this sum of what is wanted.
pub(crate) fn cross_entropy_grad(logit: f64, log_sum: f64, mass: f64, wanted: f64) -> f64 {
    if logit.is_finite() { mass * (logit - log_sum).exp() - wanted } else { f64::NAN }
}

pub(crate) fn log_sum_exp(row: &[f64]) -> f64 {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + row.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// `d/dx Σ a · -log σ(x) + b · -log σ(-x)`: sources logits `[N, K]`, and wanted `[2, N, K]`, first `a`, then `b`. A
/// gradient is no number where its loss is none.
pub struct BinaryCrossEntropyGrad;

impl SliceKernel<2> for BinaryCrossEntropyGrad {
    const NAME: &'static str = "binary_cross_entropy_grad";
    fn run<T: Element>(&self, dst: Out<'_, T>, [logits, wanted]: [In<'_, T>; 2]) -> Result<()> {
        let (dst, logits, wanted) = (dst.values()?, logits.reals()?, wanted.reals()?);
        expect_len(Self::NAME, "logits", logits, dst.len())?;
        expect_len(Self::NAME, "wanted", wanted, 2 * dst.len())?;
        let (present, absent) = wanted.split_at(dst.len());
        for (((grad, logit), a), b) in dst.iter_mut().zip(logits).zip(present).zip(absent) {
            *grad = T::narrow(T::Real::of(binary_cross_entropy_grad(logit.f64(), a.f64(), b.f64())));
        }
        Ok(())
    }
}

/// `Σ a · -log σ(x) + b · -log σ(-x)` of every row, `[N]`: sources as of [`BinaryCrossEntropyGrad`].
pub struct BinaryCrossEntropyRows {
    pub classes: usize,
}

impl SliceKernel<2> for BinaryCrossEntropyRows {
    const NAME: &'static str = "binary_cross_entropy";
    fn run<T: Element>(&self, dst: Out<'_, T>, [logits, wanted]: [In<'_, T>; 2]) -> Result<()> {
        let (dst, logits, wanted) = (dst.reals()?, logits.reals()?, wanted.reals()?);
        let entries = dst.len() * self.classes;
        expect_len(Self::NAME, "logits", logits, entries)?;
        expect_len(Self::NAME, "wanted", wanted, 2 * entries)?;
        for (row, loss) in dst.iter_mut().enumerate() {
            let of = |i: usize| binary_cross_entropy(logits[i].f64(), wanted[i].f64(), wanted[entries + i].f64());
            *loss = T::Real::of((row * self.classes..(row + 1) * self.classes).map(of).sum());
        }
        Ok(())
    }
}

/// Of a logit.
pub(crate) fn binary_cross_entropy(logit: f64, present: f64, absent: f64) -> f64 {
    present * softplus(-logit) + absent * softplus(logit)
}

pub(crate) fn binary_cross_entropy_grad(logit: f64, present: f64, absent: f64) -> f64 {
    if logit.is_finite() { absent * sigmoid(logit) - present * sigmoid(-logit) } else { f64::NAN }
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
