//! Batch normalisation over the last dimension (Ioffe & Szegedy 2015) with PyTorch's semantics.
//!
//! Each layer has one packed scratch of seven rows of `C` numbers: mean, biased variance, inverse standard deviation,
//! `scale = gamma · invstd`, `shift = beta - mean · scale`, `Σ dy`, `Σ dy · x̂`. A ReLU that follows is fused: its mask
//! is recomputed from `scale · x + shift`, so nothing is saved for it.

use candle_core::{Result, bail};

use super::elementwise::relu;
use super::lanes::{add_rows, row_parts};
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::par;

/// Rows of the packed scratch.
pub const BN_ROWS: usize = 7;
const MEAN: usize = 0;
const VAR: usize = 1;
const INVSTD: usize = 2;
const SCALE: usize = 3;
const SHIFT: usize = 4;
const SUM_DY: usize = 5;
const SUM_DY_XHAT: usize = 6;

fn row<T>(packed: &[T], index: usize) -> &[T] {
    let c = packed.len() / BN_ROWS;
    &packed[index * c..(index + 1) * c]
}

fn row_mut<T>(packed: &mut [T], index: usize) -> &mut [T] {
    let c = packed.len() / BN_ROWS;
    &mut packed[index * c..(index + 1) * c]
}

/// Sums of the columns of `[rows, width]` in f64; parts are joined in order.
pub(crate) fn column_sums<T: Element>(data: &[T], width: usize) -> Vec<f64> {
    if width == 0 {
        return Vec::new();
    }
    let parts = row_parts(
        data,
        width,
        #[inline(always)]
        |_, part| {
            let mut sums = [vec![0.0; width]];
            add_rows(
                [part],
                [],
                &mut sums,
                #[inline(always)]
                |[v], []| [v],
            );
            let [sums] = sums;
            sums
        },
    );
    let mut total = vec![0.0; width];
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(t, &p)| *t += p);
    }
    total
}

/// Mean and biased variance of each channel: parts by two passes, joined as Chan, Golub & LeVeque 1979.
fn moments<T: Element>(x: &[T], channels: usize) -> Vec<(f64, f64)> {
    let parts = row_parts(
        x,
        channels,
        #[inline(always)]
        |_, part| part_moments(part, channels),
    );
    let mut joined = vec![(0.0, 0.0); channels];
    let mut count = 0.0;
    for (n, means, squares) in &parts {
        let total = count + n;
        for ((mean, m2), (&part_mean, &part_m2)) in joined.iter_mut().zip(means.iter().zip(squares)) {
            let delta = part_mean - *mean;
            *mean += delta * n / total;
            *m2 += part_m2 + delta * delta * count * n / total;
        }
        count = total;
    }
    joined.into_iter().map(|(mean, m2)| (mean, m2 / count)).collect()
}

#[inline(always)]
fn part_moments<T: Element>(part: &[T], channels: usize) -> (f64, Vec<f64>, Vec<f64>) {
    let n = (part.len() / channels) as f64;
    let mut sums = [vec![0.0; channels]];
    add_rows(
        [part],
        [],
        &mut sums,
        #[inline(always)]
        |[v], []| [v],
    );
    let [mut means] = sums;
    means.iter_mut().for_each(|s| *s /= n);
    let near: Vec<T::Real> = means.iter().map(|&m| T::Real::of(m)).collect();
    let mut sums = [vec![0.0; channels]];
    add_rows(
        [part],
        [&near],
        &mut sums,
        #[inline(always)]
        |[v], [mean]| [(v - mean) * (v - mean)],
    );
    let [mut squares] = sums;
    // The squares were taken around the rounded mean.
    for ((square, mean), near) in squares.iter_mut().zip(&means).zip(&near) {
        *square -= n * (mean - near.f64()).powi(2);
    }
    (n, means, squares)
}

fn check_packed<R, T>(packed: &[R], data: &[T]) -> Result<usize> {
    let channels = packed.len() / BN_ROWS;
    if channels == 0 || !packed.len().is_multiple_of(BN_ROWS) || !data.len().is_multiple_of(channels) || data.is_empty()
    {
        bail!("batch_norm: {} elements do not split into {channels} channels", data.len());
    }
    Ok(channels)
}

/// Batch statistics of x into the packed scratch.
pub struct BnStatistics {
    pub eps: f64,
}

impl SliceKernel<1> for BnStatistics {
    const NAME: &'static str = "batch_norm_statistics";
    fn run<T: Element>(&self, packed: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (packed, x) = (packed.reals()?, x.values()?);
        let channels = check_packed(packed, x)?;
        for (c, (mean, var)) in moments(x, channels).into_iter().enumerate() {
            packed[MEAN * channels + c] = T::Real::of(mean);
            packed[VAR * channels + c] = T::Real::of(var);
            packed[INVSTD * channels + c] = T::Real::of(1.0 / (var + self.eps).sqrt());
        }
        Ok(())
    }
}

/// Running statistics into the packed scratch, for evaluation: sources running mean and variance.
pub struct BnFromRunning {
    pub eps: f64,
}

impl SliceKernel<2> for BnFromRunning {
    const NAME: &'static str = "batch_norm_from_running";
    fn run<T: Element>(&self, packed: Out<'_, T>, [mean, var]: [In<'_, T>; 2]) -> Result<()> {
        let (packed, mean, var) = (packed.reals()?, mean.reals()?, var.reals()?);
        expect_len(Self::NAME, "running statistics", packed, mean.len() * BN_ROWS)?;
        expect_len(Self::NAME, "running variance", var, mean.len())?;
        row_mut(packed, MEAN).copy_from_slice(mean);
        row_mut(packed, VAR).copy_from_slice(var);
        for (inv, &v) in row_mut(packed, INVSTD).iter_mut().zip(var) {
            *inv = T::Real::of(1.0 / (v.f64() + self.eps).sqrt());
        }
        Ok(())
    }
}

/// Scale and shift from the statistics: sources gamma and beta.
pub struct BnAffine;

impl SliceKernel<2> for BnAffine {
    const NAME: &'static str = "batch_norm_affine";
    fn run<T: Element>(&self, packed: Out<'_, T>, [gamma, beta]: [In<'_, T>; 2]) -> Result<()> {
        let (packed, gamma, beta) = (packed.reals()?, gamma.reals()?, beta.reals()?);
        let c = gamma.len();
        expect_len(Self::NAME, "scratch", packed, c * BN_ROWS)?;
        expect_len(Self::NAME, "beta", beta, c)?;
        for i in 0..c {
            let scale = gamma[i] * packed[INVSTD * c + i];
            packed[SCALE * c + i] = scale;
            packed[SHIFT * c + i] = beta[i] - packed[MEAN * c + i] * scale;
        }
        Ok(())
    }
}

/// Which running statistic [`BnUpdateRunning`] moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningStatistic {
    Mean,
    Variance,
}

/// `running += momentum · (batch - running)`; the batch variance is made unbiased over `rows`, as PyTorch does.
pub struct BnUpdateRunning {
    pub which: RunningStatistic,
    pub momentum: f64,
    pub rows: usize,
}

impl SliceKernel<1> for BnUpdateRunning {
    const NAME: &'static str = "batch_norm_update_running";
    fn run<T: Element>(&self, running: Out<'_, T>, [packed]: [In<'_, T>; 1]) -> Result<()> {
        let (running, packed) = (running.reals()?, packed.reals()?);
        expect_len(Self::NAME, "scratch", packed, running.len() * BN_ROWS)?;
        let (index, factor) = match self.which {
            RunningStatistic::Mean => (MEAN, 1.0),
            RunningStatistic::Variance => (VAR, self.rows as f64 / (self.rows.max(2) - 1) as f64),
        };
        for (r, &batch) in running.iter_mut().zip(row(packed, index)) {
            *r = T::Real::of((1.0 - self.momentum) * r.f64() + self.momentum * factor * batch.f64());
        }
        Ok(())
    }
}

/// `y = x · scale + shift`, then `max(·, 0)` if `relu`: sources x and the packed scratch.
pub struct BnApply {
    pub relu: bool,
}

impl SliceKernel<2> for BnApply {
    const NAME: &'static str = "batch_norm_apply";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, packed]: [In<'_, T>; 2]) -> Result<()> {
        let (y, x, packed) = (y.values()?, x.values()?, packed.reals()?);
        let c = check_packed(packed, x)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        let (scale, shift) = (row(packed, SCALE), row(packed, SHIFT));
        if self.relu {
            apply(y, x, c, scale, shift, relu);
        } else {
            apply(y, x, c, scale, shift, |v| v);
        }
        Ok(())
    }
}

fn apply<T: Element>(
    y: &mut [T],
    x: &[T],
    c: usize,
    scale: &[T::Real],
    shift: &[T::Real],
    then: impl Fn(T::Real) -> T::Real + Sync,
) {
    par::zip_mut(
        y,
        x,
        c * rows_per_task(c),
        #[inline(always)]
        |y, x| {
            for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for (((y, x), &s), &t) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                    *y = T::narrow(then(x.wide() * s + t));
                }
            }
        },
    );
}

/// Rows of one element-wise task: about 16,000 elements.
fn rows_per_task(channels: usize) -> usize {
    (1 << 14) / channels.min(1 << 14)
}

/// `Σ dy` and `Σ dy · x̂` into the packed scratch: sources x and dy.
pub struct BnReduceGrad {
    pub relu: bool,
}

impl SliceKernel<2> for BnReduceGrad {
    const NAME: &'static str = "batch_norm_reduce_grad";
    fn run<T: Element>(&self, packed: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (packed, x, dy) = (packed.reals()?, x.values()?, dy.values()?);
        let c = check_packed(packed, x)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        let stats = &*packed;
        let parts = row_parts(
            x,
            c,
            #[inline(always)]
            |at, x| {
                let dy = &dy[at..at + x.len()];
                if self.relu { reduce_part::<T, true>(stats, x, dy) } else { reduce_part::<T, false>(stats, x, dy) }
            },
        );
        for i in 0..c {
            let [dy, dy_x] = [0, 1].map(|which| parts.iter().map(|part| part[which][i]).sum::<f64>());
            packed[SUM_DY * c + i] = T::Real::of(dy);
            packed[SUM_DY_XHAT * c + i] = T::Real::of(dy_x * packed[INVSTD * c + i].f64());
        }
        Ok(())
    }
}

/// `Σ dy` and `Σ dy · (x - mean)` of some rows.
#[inline(always)]
fn reduce_part<T: Element, const RELU: bool>(packed: &[T::Real], x: &[T], dy: &[T]) -> [Vec<f64>; 2] {
    let c = packed.len() / BN_ROWS;
    let mut sums = [vec![0.0; c], vec![0.0; c]];
    add_rows(
        [x, dy],
        [row(packed, MEAN), row(packed, SCALE), row(packed, SHIFT)],
        &mut sums,
        #[inline(always)]
        |[x, dy], [mean, scale, shift]| {
            let g = if RELU && x * scale + shift <= T::Real::ZERO { T::Real::ZERO } else { dy };
            [g, g * (x - mean)]
        },
    );
    sums
}

/// Which parameter [`BnParamGrad`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AffineParam {
    Gamma,
    Beta,
}

/// `dgamma += Σ dy · x̂` or `dbeta += Σ dy` from the packed scratch.
pub struct BnParamGrad(pub AffineParam);

impl SliceKernel<1> for BnParamGrad {
    const NAME: &'static str = "batch_norm_param_grad";
    fn run<T: Element>(&self, grad: Out<'_, T>, [packed]: [In<'_, T>; 1]) -> Result<()> {
        let (grad, packed) = (grad.reals()?, packed.reals()?);
        expect_len(Self::NAME, "scratch", packed, grad.len() * BN_ROWS)?;
        let sums = match self.0 {
            AffineParam::Gamma => row(packed, SUM_DY_XHAT),
            AffineParam::Beta => row(packed, SUM_DY),
        };
        grad.iter_mut().zip(sums).for_each(|(g, &s)| *g += s);
        Ok(())
    }
}

/// Turns dy into dx in place: `dx = scale · (dy - Σdy / M - x̂ · Σ(dy · x̂) / M)`; sources x and the packed scratch.
pub struct BnInputGrad {
    pub relu: bool,
}

impl SliceKernel<2> for BnInputGrad {
    const NAME: &'static str = "batch_norm_input_grad";
    fn run<T: Element>(&self, dy: Out<'_, T>, [x, packed]: [In<'_, T>; 2]) -> Result<()> {
        let (dy, x, packed) = (dy.values()?, x.values()?, packed.reals()?);
        check_packed(packed, x)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        if self.relu {
            input_grad::<T, true>(dy, x, packed);
        } else {
            input_grad::<T, false>(dy, x, packed);
        }
        Ok(())
    }
}

fn input_grad<T: Element, const RELU: bool>(dy: &mut [T], x: &[T], packed: &[T::Real]) {
    let c = packed.len() / BN_ROWS;
    let m = (x.len() / c) as f64;
    let (mean, scale, shift) = (row(packed, MEAN), row(packed, SCALE), row(packed, SHIFT));
    let mean_dy: Vec<T::Real> = row(packed, SUM_DY).iter().map(|s| T::Real::of(s.f64() / m)).collect();
    let sums = row(packed, SUM_DY_XHAT).iter().zip(row(packed, INVSTD));
    let slope: Vec<T::Real> = sums.map(|(s, inv)| T::Real::of(s.f64() * inv.f64() / m)).collect();
    par::zip_mut(
        dy,
        x,
        c * rows_per_task(c),
        #[inline(always)]
        |dy, x| {
            // Lengths that the compiler can see, so that the inner loop has no checks.
            let (mean, scale, shift) = (&mean[..c], &scale[..c], &shift[..c]);
            let (mean_dy, slope) = (&mean_dy[..c], &slope[..c]);
            for (dy, x) in dy.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for i in 0..c {
                    // Both are loaded before the choice, so that it is one of values and not a branch.
                    let (x, g) = (x[i].wide(), dy[i].wide());
                    let dead = RELU && x * scale[i] + shift[i] <= T::Real::ZERO;
                    let g = if dead { T::Real::ZERO } else { g };
                    dy[i] = T::narrow(scale[i] * (g - mean_dy[i] - (x - mean[i]) * slope[i]));
                }
            }
        },
    );
}
