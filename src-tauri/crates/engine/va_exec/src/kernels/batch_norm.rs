//! Batch normalisation over the last dimension (Ioffe & Szegedy 2015) with PyTorch's semantics.
//!
//! Each layer has one packed scratch of seven rows of `C` numbers: mean, biased variance, inverse standard deviation,
//! `scale = gamma · invstd`, `shift = beta - mean · scale`, `Σ dy`, `Σ dy · x̂`. A ReLU that follows is fused: its mask
//! is recomputed from `scale · x + shift`, so nothing is saved for it.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::op::{SliceKernel, expect_len};
use super::real::Real;

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

/// Rows of one partial sum: a function of the row count alone, at most 64 parts.
fn rows_per_part(rows: usize) -> usize {
    rows.div_ceil(64).max(32)
}

/// Sums over rows in f64: `add` puts one row into `width` running sums; parts are joined in order.
pub(crate) fn column_sums<T: Real>(data: &[T], width: usize, add: impl Fn(&[T], &mut [f64]) + Sync) -> Vec<f64> {
    let part_len = rows_per_part(data.len() / width.max(1)) * width.max(1);
    let parts: Vec<Vec<f64>> = data
        .par_chunks(part_len)
        .map(|part| {
            let mut sums = vec![0.0; width];
            part.chunks_exact(width).for_each(|row| add(row, &mut sums));
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(t, &p)| *t += p);
    }
    total
}

/// Mean and biased variance of each channel: parts by two passes, joined as Chan, Golub & LeVeque 1979.
fn moments<T: Real>(x: &[T], channels: usize) -> Vec<(f64, f64)> {
    let part_len = rows_per_part(x.len() / channels) * channels;
    let parts: Vec<(f64, Vec<f64>, Vec<f64>)> =
        x.par_chunks(part_len).map(|part| part_moments(part, channels)).collect();
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

fn part_moments<T: Real>(part: &[T], channels: usize) -> (f64, Vec<f64>, Vec<f64>) {
    let n = (part.len() / channels) as f64;
    let mut means = vec![0.0; channels];
    for row in part.chunks_exact(channels) {
        means.iter_mut().zip(row).for_each(|(s, &v)| *s += v.f64());
    }
    means.iter_mut().for_each(|s| *s /= n);
    let mut squares = vec![0.0; channels];
    for row in part.chunks_exact(channels) {
        for ((s, &v), &mean) in squares.iter_mut().zip(row).zip(&means) {
            let d = v.f64() - mean;
            *s += d * d;
        }
    }
    (n, means, squares)
}

fn check_packed<T>(packed: &[T], data: &[T]) -> Result<usize> {
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
    fn run<T: Real>(&self, packed: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        let channels = check_packed(packed, x)?;
        for (c, (mean, var)) in moments(x, channels).into_iter().enumerate() {
            packed[MEAN * channels + c] = T::of(mean);
            packed[VAR * channels + c] = T::of(var);
            packed[INVSTD * channels + c] = T::of(1.0 / (var + self.eps).sqrt());
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
    fn run<T: Real>(&self, packed: &mut [T], [mean, var]: [&[T]; 2]) -> Result<()> {
        expect_len(Self::NAME, "running statistics", packed, mean.len() * BN_ROWS)?;
        expect_len(Self::NAME, "running variance", var, mean.len())?;
        row_mut(packed, MEAN).copy_from_slice(mean);
        row_mut(packed, VAR).copy_from_slice(var);
        for (inv, &v) in row_mut(packed, INVSTD).iter_mut().zip(var) {
            *inv = T::of(1.0 / (v.f64() + self.eps).sqrt());
        }
        Ok(())
    }
}

/// Scale and shift from the statistics: sources gamma and beta.
pub struct BnAffine;

impl SliceKernel<2> for BnAffine {
    const NAME: &'static str = "batch_norm_affine";
    fn run<T: Real>(&self, packed: &mut [T], [gamma, beta]: [&[T]; 2]) -> Result<()> {
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
    fn run<T: Real>(&self, running: &mut [T], [packed]: [&[T]; 1]) -> Result<()> {
        expect_len(Self::NAME, "scratch", packed, running.len() * BN_ROWS)?;
        let (index, factor) = match self.which {
            RunningStatistic::Mean => (MEAN, 1.0),
            RunningStatistic::Variance => (VAR, self.rows as f64 / (self.rows.max(2) - 1) as f64),
        };
        for (r, &batch) in running.iter_mut().zip(row(packed, index)) {
            *r = T::of((1.0 - self.momentum) * r.f64() + self.momentum * factor * batch.f64());
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
    fn run<T: Real>(&self, y: &mut [T], [x, packed]: [&[T]; 2]) -> Result<()> {
        let c = check_packed(packed, x)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        let (scale, shift, relu) = (row(packed, SCALE), row(packed, SHIFT), self.relu);
        let part = c * 128;
        y.par_chunks_mut(part).zip(x.par_chunks(part)).for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for (((y, &x), &s), &t) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                    let v = x * s + t;
                    *y = if relu && v < T::ZERO { T::ZERO } else { v };
                }
            }
        });
        Ok(())
    }
}

/// `Σ dy` and `Σ dy · x̂` into the packed scratch: sources x and dy.
pub struct BnReduceGrad {
    pub relu: bool,
}

impl SliceKernel<2> for BnReduceGrad {
    const NAME: &'static str = "batch_norm_reduce_grad";
    fn run<T: Real>(&self, packed: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        let c = check_packed(packed, x)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        let part = rows_per_part(x.len() / c) * c;
        let stats = &*packed;
        let parts: Vec<Vec<f64>> =
            x.par_chunks(part).zip(dy.par_chunks(part)).map(|(x, dy)| reduce_part(stats, x, dy, self.relu)).collect();
        let mut sums = vec![0.0; 2 * c];
        for part in &parts {
            sums.iter_mut().zip(part).for_each(|(s, &p)| *s += p);
        }
        for i in 0..c {
            packed[SUM_DY * c + i] = T::of(sums[i]);
            packed[SUM_DY_XHAT * c + i] = T::of(sums[c + i] * packed[INVSTD * c + i].f64());
        }
        Ok(())
    }
}

/// `Σ dy` and `Σ dy · (x - mean)` of some rows.
fn reduce_part<T: Real>(packed: &[T], x: &[T], dy: &[T], relu: bool) -> Vec<f64> {
    let c = packed.len() / BN_ROWS;
    let (mean, scale, shift) = (row(packed, MEAN), row(packed, SCALE), row(packed, SHIFT));
    let mut sums = vec![0.0; 2 * c];
    let (sum_dy, sum_dyx) = sums.split_at_mut(c);
    for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
        for i in 0..c {
            let g = if relu && x[i] * scale[i] + shift[i] <= T::ZERO { T::ZERO } else { dy[i] };
            sum_dy[i] += g.f64();
            sum_dyx[i] += (g * (x[i] - mean[i])).f64();
        }
    }
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
    fn run<T: Real>(&self, grad: &mut [T], [packed]: [&[T]; 1]) -> Result<()> {
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
    fn run<T: Real>(&self, dy: &mut [T], [x, packed]: [&[T]; 2]) -> Result<()> {
        let c = check_packed(packed, x)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        let m = (x.len() / c) as f64;
        let (mean, scale, shift) = (row(packed, MEAN), row(packed, SCALE), row(packed, SHIFT));
        let mean_dy: Vec<T> = row(packed, SUM_DY).iter().map(|s| T::of(s.f64() / m)).collect();
        let slope: Vec<T> = row(packed, SUM_DY_XHAT)
            .iter()
            .zip(row(packed, INVSTD))
            .map(|(s, inv)| T::of(s.f64() * inv.f64() / m))
            .collect();
        let (part, relu) = (c * 128, self.relu);
        dy.par_chunks_mut(part).zip(x.par_chunks(part)).for_each(|(dy, x)| {
            for (dy, x) in dy.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for i in 0..c {
                    let g = if relu && x[i] * scale[i] + shift[i] <= T::ZERO { T::ZERO } else { dy[i] };
                    dy[i] = scale[i] * (g - mean_dy[i] - (x[i] - mean[i]) * slope[i]);
                }
            }
        });
        Ok(())
    }
}
