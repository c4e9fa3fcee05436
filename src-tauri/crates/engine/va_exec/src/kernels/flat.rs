//! One pass over flat parameter-sized tensors: optimiser steps and norms. Chunks are fixed, so results do not depend
//! on the thread count.

use std::ops::Range;

use candle_core::Result;
use rayon::prelude::*;

use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// Elements of one task, and of one partial sum.
const PART: usize = 1 << 14;

/// Calls `f` on the pieces of `start..start + len` with whether weight decay applies there. `ranges` are sorted.
fn for_decay(ranges: &[Range<usize>], start: usize, len: usize, mut f: impl FnMut(Range<usize>, bool)) {
    let end = start + len;
    let mut at = start;
    let first = ranges.partition_point(|range| range.end <= start);
    for range in &ranges[first..] {
        if range.start >= end {
            break;
        }
        if range.start > at {
            f(at - start..range.start - start, false);
        }
        let (from, to) = (range.start.max(at), range.end.min(end));
        f(from - start..to - start, true);
        at = to;
    }
    if at < end {
        f(at - start..len, false);
    }
}

/// First and second moments `[2, P]` moved towards the gradient.
pub struct AdamMoments {
    pub beta1: f64,
    pub beta2: f64,
}

impl SliceKernel<1> for AdamMoments {
    const NAME: &'static str = "adam_moments";
    fn run<T: Real>(&self, state: &mut [T], [grad]: [&[T]; 1]) -> Result<()> {
        expect_len(Self::NAME, "state", state, 2 * grad.len())?;
        let (b1, b2) = (T::of(self.beta1), T::of(self.beta2));
        let (c1, c2) = (T::of(1.0 - self.beta1), T::of(1.0 - self.beta2));
        let (m, v) = state.split_at_mut(grad.len());
        let parts = m.par_chunks_mut(PART).zip(v.par_chunks_mut(PART)).zip(grad.par_chunks(PART));
        parts.for_each(|((m, v), grad)| {
            for ((m, v), &g) in m.iter_mut().zip(v).zip(grad) {
                *m = b1 * *m + c1 * g;
                *v = b2 * *v + c2 * (g * g);
            }
        });
        Ok(())
    }
}

/// `p ← p (1 - lr·wd) - lr / bc1 · m / (sqrt(v / bc2) + eps)` with decay only inside `decay` (Loshchilov & Hutter
/// 2019); source is the state `[2, P]`.
pub struct AdamApply {
    pub lr: f64,
    pub eps: f64,
    pub weight_decay: f64,
    /// `1 - beta1^step` and `1 - beta2^step`.
    pub bias_correction: [f64; 2],
    pub decay: Vec<Range<usize>>,
}

impl SliceKernel<1> for AdamApply {
    const NAME: &'static str = "adam_apply";
    fn run<T: Real>(&self, params: &mut [T], [state]: [&[T]; 1]) -> Result<()> {
        expect_len(Self::NAME, "state", state, 2 * params.len())?;
        let (m, v) = state.split_at(params.len());
        let (rate, eps) = (T::of(self.lr / self.bias_correction[0]), T::of(self.eps));
        let root = T::of(self.bias_correction[1].sqrt());
        let shrink = T::of(1.0 - self.lr * self.weight_decay);
        let parts = params.par_chunks_mut(PART).zip(m.par_chunks(PART)).zip(v.par_chunks(PART)).enumerate();
        parts.for_each(|(task, ((p, m), v))| {
            for_decay(&self.decay, task * PART, p.len(), |piece, decays| {
                let keep = if decays { shrink } else { T::of(1.0) };
                for ((p, &m), &v) in p[piece.clone()].iter_mut().zip(&m[piece.clone()]).zip(&v[piece]) {
                    *p = *p * keep - rate * m / (v.sqrt() / root + eps);
                }
            });
        });
        Ok(())
    }
}

/// `velocity ← momentum · velocity + g + wd · p`: sources grad and params.
pub struct SgdVelocity {
    pub momentum: f64,
    pub weight_decay: f64,
    pub decay: Vec<Range<usize>>,
}

impl SliceKernel<2> for SgdVelocity {
    const NAME: &'static str = "sgd_velocity";
    fn run<T: Real>(&self, velocity: &mut [T], [grad, params]: [&[T]; 2]) -> Result<()> {
        expect_len(Self::NAME, "gradient", grad, velocity.len())?;
        expect_len(Self::NAME, "parameters", params, velocity.len())?;
        let momentum = T::of(self.momentum);
        let parts = velocity.par_chunks_mut(PART).zip(grad.par_chunks(PART)).zip(params.par_chunks(PART)).enumerate();
        parts.for_each(|(task, ((velocity, grad), params))| {
            for_decay(&self.decay, task * PART, velocity.len(), |piece, decays| {
                let wd = T::of(if decays { self.weight_decay } else { 0.0 });
                for i in piece {
                    velocity[i] = momentum * velocity[i] + (grad[i] + wd * params[i]);
                }
            });
        });
        Ok(())
    }
}

/// `p ← p - lr · velocity`, or with Nesterov `p ← p - lr · (g + wd · p + momentum · velocity)`: sources grad and
/// velocity.
pub struct SgdApply {
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
    pub decay: Vec<Range<usize>>,
}

impl SliceKernel<2> for SgdApply {
    const NAME: &'static str = "sgd_apply";
    fn run<T: Real>(&self, params: &mut [T], [grad, velocity]: [&[T]; 2]) -> Result<()> {
        expect_len(Self::NAME, "gradient", grad, params.len())?;
        expect_len(Self::NAME, "velocity", velocity, params.len())?;
        let (lr, momentum) = (T::of(self.lr), T::of(self.momentum));
        let parts = params.par_chunks_mut(PART).zip(grad.par_chunks(PART)).zip(velocity.par_chunks(PART)).enumerate();
        parts.for_each(|(task, ((params, grad), velocity))| {
            for_decay(&self.decay, task * PART, params.len(), |piece, decays| {
                let wd = T::of(if decays { self.weight_decay } else { 0.0 });
                for i in piece {
                    let step =
                        if self.nesterov { grad[i] + wd * params[i] + momentum * velocity[i] } else { velocity[i] };
                    params[i] = params[i] - lr * step;
                }
            });
        });
        Ok(())
    }
}

/// `dst *= factor`.
pub struct Scale(pub f64);

impl SliceKernel<0> for Scale {
    const NAME: &'static str = "scale";
    fn run<T: Real>(&self, dst: &mut [T], []: [&[T]; 0]) -> Result<()> {
        let factor = T::of(self.0);
        dst.par_chunks_mut(PART).for_each(|part| part.iter_mut().for_each(|v| *v *= factor));
        Ok(())
    }
}

/// Squares of one part.
fn part_squares<T: Real>(part: &[T]) -> f64 {
    part.iter().map(|v| v.f64() * v.f64()).sum()
}

/// Sum of squares of a slice: fixed parts in a fixed order.
pub fn sum_of_squares<T: Real>(data: &[T]) -> f64 {
    let parts: Vec<f64> = data.par_chunks(PART).map(part_squares).collect();
    parts.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_pieces_cover_everything_once() {
        let ranges = [2..5, 7..8, 20..30];
        for (start, len) in [(0, 10), (3, 4), (5, 2), (8, 12), (0, 40), (25, 3)] {
            let mut seen = Vec::new();
            for_decay(&ranges, start, len, |piece, decays| seen.extend(piece.map(|i| (i, decays))));
            let want: Vec<(usize, bool)> =
                (0..len).map(|i| (i, ranges.iter().any(|r| r.contains(&(i + start))))).collect();
            assert_eq!(seen, want, "start {start} len {len}");
        }
    }
}
