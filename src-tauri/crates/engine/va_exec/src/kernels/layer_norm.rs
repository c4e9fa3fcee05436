//! Layer normalisation over the last dimension (Ba et al. 2016). Mean and deviation of a row are computed again in the
//! backward: a row is in the nearest cache, and nothing is kept for it.

use candle_core::Result;

use super::lanes::row_parts;
use super::math::{lane_dot, lane_sum};
use super::op::{In, Out, SliceKernel, expect_len, expect_rows};
use super::real::{Element, Real};
use crate::par;

/// Elements of one task.
const PART: usize = 1 << 14;

/// Mean and inverse standard deviation of a row, with two passes.
#[inline(always)]
fn row_moments<T: Element>(row: &[T], eps: f64) -> (T::Real, T::Real) {
    let n = row.len() as f64;
    let mean = T::Real::of(lane_sum(row, T::wide) / n);
    let var = lane_sum(
        row,
        #[inline(always)]
        |v: T| (v.wide() - mean) * (v.wide() - mean),
    ) / n;
    (mean, T::Real::of(1.0 / (var + eps).sqrt()))
}

/// Elements of a whole number of rows that one task takes.
fn part_len(channels: usize) -> usize {
    channels * (PART / channels).max(1)
}

/// `y = x̂ · gamma + beta`: sources x and beta followed by gamma, `[2, C]`, as the flat tensor
/// has them.
pub struct LayerNormForward {
    pub eps: f64,
}

impl SliceKernel<2> for LayerNormForward {
    const NAME: &'static str = "layer_norm";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, affine]: [In<'_, T>; 2]) -> Result<()> {
        let (y, x, affine) = (y.values()?, x.values()?, affine.reals()?);
        let c = affine.len() / 2;
        expect_rows(Self::NAME, x, c)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        let (beta, gamma) = affine.split_at(c);
        par::zip_mut(
            y,
            x,
            part_len(c),
            #[inline(always)]
            |y, x| {
                for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    let (mean, inv) = row_moments(x, self.eps);
                    for (((y, x), &g), &b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                        *y = T::narrow((x.wide() - mean) * inv * g + b);
                    }
                }
            },
        );
        Ok(())
    }
}

/// `Σ dy · x̂` and `Σ dy` over rows into `[2, C]`: sources x and dy. Parts are joined in order.
pub struct LayerNormReduce {
    pub eps: f64,
}

impl SliceKernel<2> for LayerNormReduce {
    const NAME: &'static str = "layer_norm_reduce";
    fn run<T: Element>(&self, sums: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (sums, x, dy) = (sums.reals()?, x.values()?, dy.values()?);
        let c = sums.len() / 2;
        expect_rows(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        let parts = row_parts(
            x,
            c,
            #[inline(always)]
            |at, x| self.reduce_part(x, &dy[at..at + x.len()], c),
        );
        for (i, s) in sums.iter_mut().enumerate() {
            *s = T::Real::of(parts.iter().map(|part| part[i]).sum());
        }
        Ok(())
    }
}

/// Rows whose sums stay in the number type that is computed with before they join the f64 sum.
const ROWS: usize = 16;

impl LayerNormReduce {
    #[inline(always)]
    fn reduce_part<T: Element>(&self, x: &[T], dy: &[T], c: usize) -> Vec<f64> {
        let mut sums = vec![0.0; 2 * c];
        let mut near = vec![T::Real::ZERO; 2 * c];
        for (x, dy) in x.chunks(ROWS * c).zip(dy.chunks(ROWS * c)) {
            near.fill(T::Real::ZERO);
            let (scaled, plain) = near.split_at_mut(c);
            for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
                let (mean, inv) = row_moments(x, self.eps);
                for (((s, p), x), d) in scaled.iter_mut().zip(plain.iter_mut()).zip(x).zip(dy) {
                    let d = d.wide();
                    *s += d * ((x.wide() - mean) * inv);
                    *p += d;
                }
            }
            sums.iter_mut().zip(&near).for_each(|(sum, v)| *sum += v.f64());
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
    fn run<T: Element>(&self, dy: Out<'_, T>, [x, gamma]: [In<'_, T>; 2]) -> Result<()> {
        let (dy, x, gamma) = (dy.values()?, x.values()?, gamma.reals()?);
        let c = gamma.len();
        expect_rows(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        par::zip_mut(
            dy,
            x,
            part_len(c),
            #[inline(always)]
            |dy, x| {
                let mut g = vec![T::Real::ZERO; c];
                for (dy, x) in dy.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    input_grad_row(dy, x, gamma, &mut g, self.eps);
                }
            },
        );
        Ok(())
    }
}

/// One row of [`LayerNormInputGrad`]; `g` is room for `dy · gamma`.
#[inline(always)]
fn input_grad_row<T: Element>(dy: &mut [T], x: &[T], gamma: &[T::Real], g: &mut [T::Real], eps: f64) {
    let n = x.len() as f64;
    let (mean, inv) = row_moments(x, eps);
    for ((g, d), &gamma) in g.iter_mut().zip(&*dy).zip(gamma) {
        *g = d.wide() * gamma;
    }
    let level = T::Real::of(lane_sum(g, |v: T::Real| v) / n);
    let dot = lane_dot(
        g,
        x,
        #[inline(always)]
        |g: T::Real, x: T| g * (x.wide() - mean),
    );
    let slope = T::Real::of(dot * inv.f64() / n) * inv;
    for ((d, &g), x) in dy.iter_mut().zip(&*g).zip(x) {
        *d = T::narrow(inv * (g - level - (x.wide() - mean) * slope));
    }
}
