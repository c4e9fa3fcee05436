//! Layer normalisation over the last dimension (Ba et al. 2016). Mean and deviation of a row are computed again in the
//! backward: a row is in the nearest cache, and nothing is kept for it.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::math::lane_sum;
use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// Elements of one task.
const PART: usize = 1 << 14;

/// Mean and inverse standard deviation of a row, in f64 with two passes.
#[inline(always)]
fn row_moments<T: Real>(row: &[T], eps: f64) -> (T, T) {
    let n = row.len() as f64;
    let mean = lane_sum(row, Real::f64) / n;
    let var = lane_sum(row, |v| (v.f64() - mean) * (v.f64() - mean)) / n;
    (T::of(mean), T::of(1.0 / (var + eps).sqrt()))
}

/// Elements of a whole number of rows that one task takes.
fn part_len(channels: usize) -> usize {
    channels * (PART / channels).max(1)
}

fn check<T>(name: &str, data: &[T], channels: usize) -> Result<()> {
    if channels == 0 || !data.len().is_multiple_of(channels) {
        bail!("{name}: {} elements do not split into {channels} channels", data.len())
    }
    Ok(())
}

/// `y = x̂ · gamma + beta`: sources x and gamma followed by beta, `[2, C]`.
pub struct LayerNormForward {
    pub eps: f64,
}

impl SliceKernel<2> for LayerNormForward {
    const NAME: &'static str = "layer_norm";
    fn run<T: Real>(&self, y: &mut [T], [x, affine]: [&[T]; 2]) -> Result<()> {
        let c = affine.len() / 2;
        check(Self::NAME, x, c)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        let (gamma, beta) = affine.split_at(c);
        y.par_chunks_mut(part_len(c)).zip(x.par_chunks(part_len(c))).for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                let (mean, inv) = row_moments(x, self.eps);
                for (((y, &x), &g), &b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                    *y = (x - mean) * inv * g + b;
                }
            }
        });
        Ok(())
    }
}

/// `Σ dy · x̂` and `Σ dy` over rows into `[2, C]`: sources x and dy. Parts are joined in order.
pub struct LayerNormReduce {
    pub eps: f64,
}

impl SliceKernel<2> for LayerNormReduce {
    const NAME: &'static str = "layer_norm_reduce";
    fn run<T: Real>(&self, sums: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        let c = sums.len() / 2;
        check(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        // At most 64 parts, by the row count alone.
        let part = (x.len() / c).div_ceil(64).max(8) * c;
        let parts: Vec<Vec<f64>> =
            x.par_chunks(part).zip(dy.par_chunks(part)).map(|(x, dy)| self.reduce_part(x, dy, c)).collect();
        let mut total = vec![0.0; 2 * c];
        for part in &parts {
            total.iter_mut().zip(part).for_each(|(t, &p)| *t += p);
        }
        sums.iter_mut().zip(total).for_each(|(s, t)| *s = T::of(t));
        Ok(())
    }
}

impl LayerNormReduce {
    fn reduce_part<T: Real>(&self, x: &[T], dy: &[T], c: usize) -> Vec<f64> {
        let mut sums = vec![0.0; 2 * c];
        let (scaled, plain) = sums.split_at_mut(c);
        for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
            let (mean, inv) = row_moments(x, self.eps);
            for (((s, p), &x), &d) in scaled.iter_mut().zip(plain.iter_mut()).zip(x).zip(dy) {
                *s += (d * ((x - mean) * inv)).f64();
                *p += d.f64();
            }
        }
        sums
    }
}

/// Turns dy into dx in place: `dx = inv · (g - mean(g) - x̂ · mean(g · x̂))` with `g = dy · gamma`; sources x and gamma.
pub struct LayerNormInputGrad {
    pub eps: f64,
}

impl SliceKernel<2> for LayerNormInputGrad {
    const NAME: &'static str = "layer_norm_input_grad";
    fn run<T: Real>(&self, dy: &mut [T], [x, gamma]: [&[T]; 2]) -> Result<()> {
        let c = gamma.len();
        check(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        dy.par_chunks_mut(part_len(c)).zip(x.par_chunks(part_len(c))).for_each(|(dy, x)| {
            for (dy, x) in dy.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                let (mean, inv) = row_moments(x, self.eps);
                dy.iter_mut().zip(gamma).for_each(|(d, &g)| *d *= g);
                let level = T::of(lane_sum(dy, Real::f64) / c as f64);
                let slope = T::of(dot_centred(dy, x, mean) * inv.f64() / c as f64) * inv;
                for (d, &x) in dy.iter_mut().zip(x) {
                    *d = inv * (*d - level - (x - mean) * slope);
                }
            }
        });
        Ok(())
    }
}

/// `Σ g · (x - mean)` in f64, in eight lanes.
#[inline(always)]
fn dot_centred<T: Real>(g: &[T], x: &[T], mean: T) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (whole, rest) = g.split_at(g.len() / 8 * 8);
    for (g, x) in whole.chunks_exact(8).zip(x.chunks_exact(8)) {
        for ((lane, &g), &x) in lanes.iter_mut().zip(g).zip(x) {
            *lane += g.f64() * (x - mean).f64();
        }
    }
    let tail: f64 = rest.iter().zip(&x[whole.len()..]).map(|(g, &x)| g.f64() * (x - mean).f64()).sum();
    lanes.iter().sum::<f64>() + tail
}
