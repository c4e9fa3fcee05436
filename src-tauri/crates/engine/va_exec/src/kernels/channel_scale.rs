//! A learned factor a channel, and whole samples left out.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::op::{SliceKernel, expect_len};
use super::real::Real;
use crate::rng::CounterRng;

/// Rows of one task.
const ROWS: usize = 128;

fn check<T>(name: &str, data: &[T], channels: usize) -> Result<()> {
    if channels == 0 || !data.len().is_multiple_of(channels) {
        bail!("{name}: {} elements do not split into {channels} channels", data.len())
    }
    Ok(())
}

/// `dst *= gamma` along the last dimension, in place: the forward where nobody needs x, and the input gradient.
pub struct ScaleChannels;

impl SliceKernel<1> for ScaleChannels {
    const NAME: &'static str = "channel_scale";
    fn run<T: Real>(&self, dst: &mut [T], [gamma]: [&[T]; 1]) -> Result<()> {
        let c = gamma.len();
        check(Self::NAME, dst, c)?;
        dst.par_chunks_mut(c * ROWS).for_each(|part| {
            part.chunks_exact_mut(c).for_each(|row| row.iter_mut().zip(gamma).for_each(|(v, &g)| *v *= g));
        });
        Ok(())
    }
}

/// `y = x · gamma`: sources x and gamma.
pub struct ChannelScaleForward;

impl SliceKernel<2> for ChannelScaleForward {
    const NAME: &'static str = "channel_scale";
    fn run<T: Real>(&self, y: &mut [T], [x, gamma]: [&[T]; 2]) -> Result<()> {
        let c = gamma.len();
        check(Self::NAME, x, c)?;
        expect_len(Self::NAME, "output", y, x.len())?;
        y.par_chunks_mut(c * ROWS).zip(x.par_chunks(c * ROWS)).for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for ((y, &x), &g) in y.iter_mut().zip(x).zip(gamma) {
                    *y = x * g;
                }
            }
        });
        Ok(())
    }
}

/// `dgamma += Σ dy · x` over rows: sources x and dy. Parts are joined in order.
pub struct ChannelScaleParamGrad;

impl SliceKernel<2> for ChannelScaleParamGrad {
    const NAME: &'static str = "channel_scale_param_grad";
    fn run<T: Real>(&self, dgamma: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        let c = dgamma.len();
        check(Self::NAME, x, c)?;
        expect_len(Self::NAME, "gradient", dy, x.len())?;
        // At most 64 parts, by the row count alone.
        let part = (x.len() / c).div_ceil(64).max(8) * c;
        let parts = x.par_chunks(part).zip(dy.par_chunks(part)).map(|(x, dy)| {
            let mut sums = vec![0.0f64; c];
            for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
                for ((s, &x), &d) in sums.iter_mut().zip(x).zip(dy) {
                    *s += (x * d).f64();
                }
            }
            sums
        });
        let mut total = vec![0.0; c];
        for part in parts.collect::<Vec<_>>() {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        dgamma.iter_mut().zip(total).for_each(|(d, t)| *d += T::of(t));
        Ok(())
    }
}

/// Zeroes whole samples of `sample_len` numbers with probability `p` and scales the rest by `1 / (1 - p)`, in place
/// (Huang et al. 2016). Which ones depends on the key and the sample's place alone, so that the same call is the
/// backward.
pub struct StochasticDepth {
    pub p: f64,
    pub key: CounterRng,
    pub sample_len: usize,
}

impl SliceKernel<0> for StochasticDepth {
    const NAME: &'static str = "stochastic_depth";
    fn run<T: Real>(&self, dst: &mut [T], []: [&[T]; 0]) -> Result<()> {
        check(Self::NAME, dst, self.sample_len)?;
        let scale = T::of(1.0 / (1.0 - self.p));
        dst.par_chunks_mut(self.sample_len).enumerate().for_each(|(sample, values)| {
            if self.key.uniform(sample as u64) < self.p {
                values.fill(T::ZERO);
            } else {
                values.iter_mut().for_each(|v| *v *= scale);
            }
        });
        Ok(())
    }
}
