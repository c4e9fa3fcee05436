//! Multi-head self-attention of packed queries, keys and values (Vaswani et al. 2017). The scores of a head live in a
//! thread's workspace and are computed again in the backward, so that nothing of size T × T is kept.

use candle_core::Result;

use super::conv_ops::with_reals;
use super::math::{exp, lane_sum};
use super::op::{In, Out, SliceKernel, expect_len};
use super::raw::{Shared, View, gemm_tile};
use super::real::{Element, Real};
use crate::par;

/// Sizes of an attention on a batch: packed input `[N, T, 3·C]`, result `[N, T, C]`, head `h` at channels
/// `h · C / heads` of each third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionGeometry {
    pub batch: usize,
    pub tokens: usize,
    pub channels: usize,
    pub heads: usize,
}

impl AttentionGeometry {
    fn head_channels(&self) -> usize {
        self.channels / self.heads
    }

    fn scale(&self) -> f64 {
        1.0 / (self.head_channels() as f64).sqrt()
    }

    fn scores(&self) -> usize {
        self.tokens * self.tokens
    }

    fn check<X, Y>(&self, qkv: &[X], y: &[Y]) -> Result<()> {
        expect_len("attention", "packed input", qkv, self.batch * self.tokens * 3 * self.channels)?;
        expect_len("attention", "result", y, self.batch * self.tokens * self.channels)
    }

    /// Where a head of a sample starts in the packed tensor: its query, key and value.
    fn packed_at(&self, sample: usize, head: usize) -> [usize; 3] {
        let start = sample * self.tokens * 3 * self.channels + head * self.head_channels();
        [start, start + self.channels, start + 2 * self.channels]
    }

    fn result_at(&self, sample: usize, head: usize) -> usize {
        sample * self.tokens * self.channels + head * self.head_channels()
    }

    /// All pairs of sample and head, on all cores.
    fn for_heads(&self, run: impl Fn(usize, usize) + Sync) {
        par::each(self.batch * self.heads, |i| run(i / self.heads, i % self.heads));
    }
}

fn rows<T>(data: &[T], at: usize, row_stride: usize) -> View<'_, T> {
    View { data: &data[at..], row_stride, col_stride: 1 }
}

fn transposed<T>(data: &[T], at: usize, row_stride: usize) -> View<'_, T> {
    View { data: &data[at..], row_stride: 1, col_stride: row_stride }
}

/// `softmax(scale · Q Kᵀ)` of one head into `p`, `[T, T]`.
fn probabilities<T: Real>(geo: &AttentionGeometry, qkv: &[T], [q, k, _]: [usize; 3], p: &mut [T]) {
    let (t, d, packed) = (geo.tokens, geo.head_channels(), 3 * geo.channels);
    gemm_tile([t, t, d], Shared::new(p), 0, t, false, rows(qkv, q, packed), transposed(qkv, k, packed));
    let scale = T::of(geo.scale());
    for row in p.chunks_exact_mut(t) {
        let max = row.iter().fold(T::NEG_INFINITY, |max, &v| if v > max { v } else { max });
        row.iter_mut().for_each(|v| *v = exp((*v - max) * scale));
        let inverse = T::of(1.0 / lane_sum(row, |v: T| v));
        row.iter_mut().for_each(|v| *v *= inverse);
    }
}

/// `y = softmax(scale · Q Kᵀ) V` for every head: source the packed tensor.
pub struct AttentionForward(pub AttentionGeometry);

impl SliceKernel<1> for AttentionForward {
    const NAME: &'static str = "attention";
    fn run<T: Element>(&self, y: Out<'_, T>, [qkv]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, y, qkv) = (self.0, y.values()?, qkv.values()?);
        geo.check(qkv, y)?;
        let (t, d, c) = (geo.tokens, geo.head_channels(), geo.channels);
        let qkv = T::widen(qkv);
        with_reals(y, false, |y| {
            let out = Shared::new(y);
            geo.for_heads(|sample, head| {
                T::Real::with_workspace(geo.scores(), |p| {
                    let at = geo.packed_at(sample, head);
                    probabilities(&geo, &qkv, at, p);
                    let v = rows(&qkv, at[2], 3 * c);
                    gemm_tile([t, d, t], out, geo.result_at(sample, head), c, false, rows(p, 0, t), v);
                });
            });
            Ok(())
        })
    }
}

/// `dqkv (+)=` the gradient of the packed tensor: sources it and dy.
pub struct AttentionGrad {
    pub geometry: AttentionGeometry,
    pub accumulate: bool,
}

impl SliceKernel<2> for AttentionGrad {
    const NAME: &'static str = "attention_grad";
    fn run<T: Element>(&self, dqkv: Out<'_, T>, [qkv, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (geo, dqkv, qkv, dy) = (self.geometry, dqkv.values()?, qkv.values()?, dy.values()?);
        geo.check(qkv, dy)?;
        expect_len(Self::NAME, "gradient", dqkv, qkv.len())?;
        let (qkv, dy) = (T::widen(qkv), T::widen(dy));
        with_reals(dqkv, self.accumulate, |dqkv| {
            let out = Shared::new(dqkv);
            geo.for_heads(|sample, head| {
                T::Real::with_workspace(2 * geo.scores(), |workspace| {
                    let (p, ds) = workspace.split_at_mut(geo.scores());
                    self.one_head(&qkv, &dy, out, [sample, head], p, ds);
                });
            });
            Ok(())
        })
    }
}

impl AttentionGrad {
    fn one_head<T: Real>(
        &self,
        qkv: &[T],
        dy: &[T],
        out: Shared<T>,
        [sample, head]: [usize; 2],
        p: &mut [T],
        ds: &mut [T],
    ) {
        let (geo, add) = (&self.geometry, self.accumulate);
        let (t, d, c) = (geo.tokens, geo.head_channels(), geo.channels);
        let (packed, at, from) = (3 * c, geo.packed_at(sample, head), geo.result_at(sample, head));
        probabilities(geo, qkv, at, p);
        gemm_tile([t, d, t], out, at[2], packed, add, transposed(p, 0, t), rows(dy, from, c));
        gemm_tile([t, t, d], Shared::new(ds), 0, t, false, rows(dy, from, c), transposed(qkv, at[2], packed));
        let scale = T::of(geo.scale());
        for (ds, p) in ds.chunks_exact_mut(t).zip(p.chunks_exact(t)) {
            ds.iter_mut().zip(p).for_each(|(s, &p)| *s *= p);
            let sum = T::of(lane_sum(ds, |v: T| v));
            ds.iter_mut().zip(p).for_each(|(s, &p)| *s = (*s - p * sum) * scale);
        }
        gemm_tile([t, d, t], out, at[0], packed, add, rows(ds, 0, t), rows(qkv, at[1], packed));
        gemm_tile([t, d, t], out, at[1], packed, add, transposed(ds, 0, t), rows(qkv, at[0], packed));
    }
}
