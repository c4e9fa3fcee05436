//! One pass over flat parameter-sized tensors: optimiser steps and norms. Chunks are fixed, so results do not depend
//! on the thread count.

use candle_core::Result;

use super::elementwise::map_each;
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::groups::{ParamGroup, for_groups};
use crate::par;

/// Elements of one task, and of one partial sum.
const PART: usize = 1 << 14;

/// First and second moments `[2, P]` moved towards the gradient.
pub struct AdamMoments {
    pub beta1: f64,
    pub beta2: f64,
}

impl SliceKernel<1> for AdamMoments {
    const NAME: &'static str = "adam_moments";
    fn run<T: Element>(&self, state: Out<'_, T>, [grad]: [In<'_, T>; 1]) -> Result<()> {
        let (state, grad) = (state.reals()?, grad.reals()?);
        expect_len(Self::NAME, "state", state, 2 * grad.len())?;
        let of = T::Real::of;
        let ([b1, b2], [c1, c2]) = ([of(self.beta1), of(self.beta2)], [of(1.0 - self.beta1), of(1.0 - self.beta2)]);
        let (m, v) = state.split_at_mut(grad.len());
        par::zip_mut(
            m,
            grad,
            PART,
            #[inline(always)]
            |m, grad| m.iter_mut().zip(grad).for_each(|(m, &g)| *m = b1 * *m + c1 * g),
        );
        par::zip_mut(
            v,
            grad,
            PART,
            #[inline(always)]
            |v, grad| v.iter_mut().zip(grad).for_each(|(v, &g)| *v = b2 * *v + c2 * (g * g)),
        );
        Ok(())
    }
}

/// `p ← p (1 - lr·wd) - lr / bc1 · m / (sqrt(v / bc2) + eps)` with decay and learning rate by group (Loshchilov &
/// Hutter 2019); source is the state `[2, P]`.
pub struct AdamApply {
    pub lr: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub betas: [f64; 2],
    /// From 1; bias corrections are `1 - beta^t` with `t` the step counted from the group's beginning.
    pub step: u64,
    pub groups: Vec<ParamGroup>,
}

impl SliceKernel<1> for AdamApply {
    const NAME: &'static str = "adam_apply";
    fn run<T: Element>(&self, params: Out<'_, T>, [state]: [In<'_, T>; 1]) -> Result<()> {
        let (params, state) = (params.reals()?, state.reals()?);
        expect_len(Self::NAME, "state", state, 2 * params.len())?;
        let (m, v) = state.split_at(params.len());
        let of = T::Real::of;
        let eps = of(self.eps);
        par::chunks_mut(
            params,
            PART,
            #[inline(always)]
            |task, p| {
                let at = task * PART..task * PART + p.len();
                let (m, v) = (&m[at.clone()], &v[at.clone()]);
                for_groups(
                    &self.groups,
                    at.start,
                    at.len(),
                    #[inline(always)]
                    |piece, group| {
                        if group.rate == 0.0 {
                            return;
                        }
                        let t = (self.step - group.idle_steps) as f64;
                        let [first, second] = self.betas.map(|beta| 1.0 - beta.powf(t));
                        let (lr, root) = (self.lr * group.rate, of(second.sqrt()));
                        let rate = of(lr / first);
                        let keep = of(if group.decay { 1.0 - lr * self.weight_decay } else { 1.0 });
                        for ((p, &m), &v) in p[piece.clone()].iter_mut().zip(&m[piece.clone()]).zip(&v[piece]) {
                            *p = *p * keep - rate * m / (v.sqrt() / root + eps);
                        }
                    },
                );
            },
        );
        Ok(())
    }
}

/// `velocity ← momentum · velocity + g + wd · p`: sources grad and params.
pub struct SgdVelocity {
    pub momentum: f64,
    pub weight_decay: f64,
    pub groups: Vec<ParamGroup>,
}

impl SliceKernel<2> for SgdVelocity {
    const NAME: &'static str = "sgd_velocity";
    fn run<T: Element>(&self, velocity: Out<'_, T>, [grad, params]: [In<'_, T>; 2]) -> Result<()> {
        let (velocity, grad, params) = (velocity.reals()?, grad.reals()?, params.reals()?);
        expect_len(Self::NAME, "gradient", grad, velocity.len())?;
        expect_len(Self::NAME, "parameters", params, velocity.len())?;
        let momentum = T::Real::of(self.momentum);
        par::chunks_mut(velocity, PART, |task, velocity| {
            let at = task * PART..task * PART + velocity.len();
            let (grad, params) = (&grad[at.clone()], &params[at.clone()]);
            for_groups(&self.groups, at.start, at.len(), |piece, group| {
                if group.rate == 0.0 {
                    return;
                }
                let wd = T::Real::of(if group.decay { self.weight_decay } else { 0.0 });
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
    pub groups: Vec<ParamGroup>,
}

impl SliceKernel<2> for SgdApply {
    const NAME: &'static str = "sgd_apply";
    fn run<T: Element>(&self, params: Out<'_, T>, [grad, velocity]: [In<'_, T>; 2]) -> Result<()> {
        let (params, grad, velocity) = (params.reals()?, grad.reals()?, velocity.reals()?);
        expect_len(Self::NAME, "gradient", grad, params.len())?;
        expect_len(Self::NAME, "velocity", velocity, params.len())?;
        let momentum = T::Real::of(self.momentum);
        par::chunks_mut(params, PART, |task, params| {
            let at = task * PART..task * PART + params.len();
            let (grad, velocity) = (&grad[at.clone()], &velocity[at.clone()]);
            for_groups(&self.groups, at.start, at.len(), |piece, group| {
                if group.rate == 0.0 {
                    return;
                }
                let lr = T::Real::of(self.lr * group.rate);
                let wd = T::Real::of(if group.decay { self.weight_decay } else { 0.0 });
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
    fn run<T: Element>(&self, dst: Out<'_, T>, []: [In<'_, T>; 0]) -> Result<()> {
        let factor = T::Real::of(self.0);
        map_each(
            dst.values()?,
            #[inline(always)]
            |v| v * factor,
        );
        Ok(())
    }
}

/// `dst ← dst + share · (src - dst)`.
pub struct MoveTowards(pub f64);

impl SliceKernel<1> for MoveTowards {
    const NAME: &'static str = "move_towards";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, src) = (dst.reals()?, src.reals()?);
        expect_len(Self::NAME, "source", src, dst.len())?;
        let share = T::Real::of(self.0);
        par::zip_mut(
            dst,
            src,
            PART,
            #[inline(always)]
            |dst, src| dst.iter_mut().zip(src).for_each(|(d, &s)| *d = *d + share * (s - *d)),
        );
        Ok(())
    }
}

/// Lanes of [`part_squares`]: as many f64 as the widest register holds twice.
const LANES: usize = 16;

/// Squares of one part, in lanes that are joined in order.
#[inline(always)]
fn part_squares<T: Real>(part: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let rows = part.chunks_exact(LANES);
    let rest: f64 = rows.remainder().iter().map(|v| v.f64() * v.f64()).sum();
    for row in rows {
        lanes.iter_mut().zip(row).for_each(|(lane, v)| *lane += v.f64() * v.f64());
    }
    lanes.iter().sum::<f64>() + rest
}

/// Sum of squares of a slice: fixed parts in a fixed order.
pub fn sum_of_squares<T: Real>(data: &[T]) -> f64 {
    let parts = par::map(
        data.len().div_ceil(PART),
        #[inline(always)]
        |i| part_squares(&data[i * PART..data.len().min((i + 1) * PART)]),
    );
    parts.iter().sum()
}
