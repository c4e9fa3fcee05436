//! Element-wise operators, copies and channel joins.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::op::{SliceKernel, expect_len};
use super::real::Real;
use crate::rng::CounterRng;

/// Elements of one task.
const PART: usize = 1 << 14;

/// `dst[i] = f(dst[i], src[i])` on all cores.
fn zip_each<T: Real>(dst: &mut [T], src: &[T], f: impl Fn(&mut T, T) + Sync) -> Result<()> {
    expect_len("elementwise", "source", src, dst.len())?;
    dst.par_chunks_mut(PART).zip(src.par_chunks(PART)).for_each(|(dst, src)| {
        dst.iter_mut().zip(src).for_each(|(d, &s)| f(d, s));
    });
    Ok(())
}

/// `dst = src`.
pub struct Copy;

impl SliceKernel<1> for Copy {
    const NAME: &'static str = "copy";
    fn run<T: Real>(&self, dst: &mut [T], [src]: [&[T]; 1]) -> Result<()> {
        zip_each(dst, src, |d, s| *d = s)
    }
}

/// `dst = value`.
pub struct Fill(pub f64);

impl SliceKernel<0> for Fill {
    const NAME: &'static str = "fill";
    fn run<T: Real>(&self, dst: &mut [T], []: [&[T]; 0]) -> Result<()> {
        let value = T::of(self.0);
        dst.par_chunks_mut(PART).for_each(|part| part.fill(value));
        Ok(())
    }
}

/// `dst += src`, then `max(·, 0)` if `relu`.
pub struct AddAssign {
    pub relu: bool,
}

impl SliceKernel<1> for AddAssign {
    const NAME: &'static str = "add";
    fn run<T: Real>(&self, dst: &mut [T], [src]: [&[T]; 1]) -> Result<()> {
        if self.relu {
            return zip_each(dst, src, |d, s| {
                let v = *d + s;
                *d = if v < T::ZERO { T::ZERO } else { v };
            });
        }
        zip_each(dst, src, |d, s| *d += s)
    }
}

/// `max(·, 0)` in place; NaN stays NaN.
pub struct Relu;

impl SliceKernel<0> for Relu {
    const NAME: &'static str = "relu";
    fn run<T: Real>(&self, dst: &mut [T], []: [&[T]; 0]) -> Result<()> {
        dst.par_chunks_mut(PART).for_each(|part| {
            part.iter_mut().for_each(|v| *v = if *v < T::ZERO { T::ZERO } else { *v });
        });
        Ok(())
    }
}

/// Turns dy into dx in place where the output y was not positive: source y.
pub struct ReluGrad;

impl SliceKernel<1> for ReluGrad {
    const NAME: &'static str = "relu_grad";
    fn run<T: Real>(&self, dy: &mut [T], [y]: [&[T]; 1]) -> Result<()> {
        zip_each(dy, y, |d, y| *d = if y <= T::ZERO { T::ZERO } else { *d })
    }
}

/// Zeroes elements with probability `p` and scales the rest by `1 / (1 - p)`, in place. The mask depends on the key
/// and the position alone, so that the same call is the backward.
pub struct Dropout {
    pub p: f64,
    pub key: CounterRng,
}

impl SliceKernel<0> for Dropout {
    const NAME: &'static str = "dropout";
    fn run<T: Real>(&self, dst: &mut [T], []: [&[T]; 0]) -> Result<()> {
        let scale = T::of(1.0 / (1.0 - self.p));
        dst.par_chunks_mut(PART).enumerate().for_each(|(task, part)| {
            for (i, v) in part.iter_mut().enumerate() {
                let keep = self.key.uniform((task * PART + i) as u64) >= self.p;
                *v = if keep { *v * scale } else { T::ZERO };
            }
        });
        Ok(())
    }
}

/// Copies src `[rows, channels]` into columns `at..` of dst `[rows, dst_channels]`: one part of a concatenation.
pub struct ConcatPart {
    pub channels: usize,
    pub dst_channels: usize,
    pub at: usize,
}

impl SliceKernel<1> for ConcatPart {
    const NAME: &'static str = "concat";
    fn run<T: Real>(&self, dst: &mut [T], [src]: [&[T]; 1]) -> Result<()> {
        check_columns(dst.len(), src.len(), self.dst_channels, self.channels, self.at)?;
        let columns = self.at..self.at + self.channels;
        let rows = dst.par_chunks_mut(self.dst_channels).with_min_len(64).zip(src.par_chunks(self.channels));
        rows.for_each(|(dst, src)| dst[columns.clone()].copy_from_slice(src));
        Ok(())
    }
}

/// The backward of [`ConcatPart`]: columns `at..` of src into dst.
pub struct SplitPart {
    pub channels: usize,
    pub src_channels: usize,
    pub at: usize,
}

impl SliceKernel<1> for SplitPart {
    const NAME: &'static str = "split";
    fn run<T: Real>(&self, dst: &mut [T], [src]: [&[T]; 1]) -> Result<()> {
        check_columns(src.len(), dst.len(), self.src_channels, self.channels, self.at)?;
        let columns = self.at..self.at + self.channels;
        let rows = dst.par_chunks_mut(self.channels).with_min_len(64).zip(src.par_chunks(self.src_channels));
        rows.for_each(|(dst, src)| dst.copy_from_slice(&src[columns.clone()]));
        Ok(())
    }
}

fn check_columns(wide: usize, narrow: usize, wide_channels: usize, channels: usize, at: usize) -> Result<()> {
    let fits = channels > 0 && at + channels <= wide_channels && wide.is_multiple_of(wide_channels);
    if !fits || wide / wide_channels * channels != narrow {
        bail!("concat: {channels} of {wide_channels} channels at {at} do not fit {narrow} and {wide} elements");
    }
    Ok(())
}
