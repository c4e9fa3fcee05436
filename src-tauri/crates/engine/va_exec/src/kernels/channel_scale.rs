//! A learned factor a channel, and whole samples left out.

use candle_core::Result;

use super::lanes::{add_rows, row_parts};
use super::op::{In, Out, SliceKernel, expect_len, expect_rows};
use super::real::{Element, Real};
use crate::par;
use crate::rng::CounterRng;

/// Rows of one task.
const ROWS: usize = 128;

/// `dst *= gamma` along the last dimension, in place: the forward where nobody needs x, and the input gradient.
pub struct ScaleChannels;

impl SliceKernel<1> for ScaleChannels {
    const NAME: &'static str = "channel_scale";
    fn run<T: Element>(&self, dst: Out<'_, T>, [gamma]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, gamma) = (dst.values()?, gamma.reals()?);
        let c = gamma.len();
        expect_rows(Self::NAME, dst, c)?;
        par::chunks_mut(
            dst,
            c * ROWS,
            #[inline(always)]
            |_, part| {
                for row in part.chunks_exact_mut(c) {
                    row.iter_mut().zip(gamma).for_each(|(v, &g)| *v = T::narrow(v.wide() * g));
                }
            },
        );
        Ok(())
    }
}

/// `y = x · gamma`: sources x and gamma.
pub struct ChannelScaleForward;

impl SliceKernel<2> for ChannelScaleForward {
    const NAME: &'static str = "channel_scale";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, gamma]: [In<'_, T>; 2]) -> Result<()> {
        let (y, x, gamma) = (y.values()?, x.values()?, gamma.reals()?);
        let c = gamma.len();
        expect_rows(Self::NAME, x, c)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        par::zip_mut(
            y,
            x,
            c * ROWS,
            #[inline(always)]
            |y, x| {
                for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    for ((y, x), &g) in y.iter_mut().zip(x).zip(gamma) {
                        *y = T::narrow(x.wide() * g);
                    }
                }
            },
        );
        Ok(())
    }
}

/// `dgamma += Σ dy · x` over rows: sources x and dy. Parts are joined in order.
pub struct ChannelScaleParamGrad;

impl SliceKernel<2> for ChannelScaleParamGrad {
    const NAME: &'static str = "channel_scale_param_grad";
    fn run<T: Element>(&self, dgamma: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (dgamma, x, dy) = (dgamma.reals()?, x.values()?, dy.values()?);
        let c = dgamma.len();
        expect_rows(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        let parts = row_parts(
            x,
            c,
            #[inline(always)]
            |at, x| {
                let mut sums = [vec![0.0; c]];
                add_rows(
                    [x, &dy[at..at + x.len()]],
                    [],
                    &mut sums,
                    #[inline(always)]
                    |[x, dy], []| [x * dy],
                );
                let [sums] = sums;
                sums
            },
        );
        for (i, d) in dgamma.iter_mut().enumerate() {
            *d += T::Real::of(parts.iter().map(|part| part[i]).sum());
        }
        Ok(())
    }
}

/// Zeroes whole samples of `sample_len` numbers with probability `p` and scales the rest by `1 / (1 - p)`, in place
/// (Huang et al. 2016). Which ones depends on the key, which is the source ([`CounterRng::words`]), and the sample's place
/// alone, so that the same call is the backward.
pub struct StochasticDepth {
    pub p: f64,
    pub sample_len: usize,
}

impl SliceKernel<1> for StochasticDepth {
    const NAME: &'static str = "stochastic_depth";
    fn run<T: Element>(&self, dst: Out<'_, T>, [key]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, key) = (dst.values()?, CounterRng::of_words(key.words()?)?);
        expect_rows(Self::NAME, dst, self.sample_len)?;
        let scale = T::Real::of(1.0 / (1.0 - self.p));
        par::chunks_mut(
            dst,
            self.sample_len,
            #[inline(always)]
            |sample, values| {
                if key.uniform(sample as u64) < self.p {
                    values.fill(T::default());
                } else {
                    values.iter_mut().for_each(|v| *v = T::narrow(v.wide() * scale));
                }
            },
        );
        Ok(())
    }
}
