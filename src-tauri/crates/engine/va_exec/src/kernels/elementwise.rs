//! Element-wise operators, copies and channel joins.

use candle_core::{Result, bail};

use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::par;
use crate::rng::CounterRng;

/// Elements of one task.
const PART: usize = 1 << 14;

/// `dst[i] = f(dst[i])` on all cores.
pub(crate) fn map_each<T: Element>(dst: &mut [T], f: impl Fn(T::Real) -> T::Real + Sync) {
    par::chunks_mut(
        dst,
        PART,
        #[inline(always)]
        |_, part| part.iter_mut().for_each(|v| *v = T::narrow(f(v.wide()))),
    );
}

/// `dst[i] = f(dst[i], src[i])` on all cores.
pub(crate) fn zip_each<T: Element>(
    dst: &mut [T],
    src: &[T],
    f: impl Fn(T::Real, T::Real) -> T::Real + Sync,
) -> Result<()> {
    expect_len("elementwise", "source", src, dst.len())?;
    par::zip_mut(
        dst,
        src,
        PART,
        #[inline(always)]
        |dst, src| dst.iter_mut().zip(src).for_each(|(d, s)| *d = T::narrow(f(d.wide(), s.wide()))),
    );
    Ok(())
}

/// `max(v, 0)`; NaN stays NaN.
#[inline(always)]
pub(crate) fn relu<R: Real>(v: R) -> R {
    if v < R::ZERO { R::ZERO } else { v }
}

/// `dst = src`, of one number type.
pub struct Copy;

impl SliceKernel<1> for Copy {
    const NAME: &'static str = "copy";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        match (dst, src) {
            (Out::Values(dst), In::Values(src)) => copy(dst, src),
            (Out::Reals(dst), In::Reals(src)) => copy(dst, src),
            _ => bail!("copy: both sides have one number type"),
        }
    }
}

fn copy<E: std::marker::Copy + Send + Sync>(dst: &mut [E], src: &[E]) -> Result<()> {
    expect_len("copy", "source", src, dst.len())?;
    par::zip_mut(dst, src, PART, |dst, src| dst.copy_from_slice(src));
    Ok(())
}

/// `dst = src` with bf16 on one side and f32 on the other, or of one number type.
pub struct Cast;

impl SliceKernel<1> for Cast {
    const NAME: &'static str = "cast";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        match (dst, src) {
            (Out::Values(dst), In::Reals(src)) => {
                expect_len(Self::NAME, "source", src, dst.len())?;
                par::zip_mut(
                    dst,
                    src,
                    PART,
                    #[inline(always)]
                    |dst, src| dst.iter_mut().zip(src).for_each(|(d, &s)| *d = T::narrow(s)),
                );
                Ok(())
            }
            (Out::Reals(dst), In::Values(src)) => {
                expect_len(Self::NAME, "source", src, dst.len())?;
                par::zip_mut(
                    dst,
                    src,
                    PART,
                    #[inline(always)]
                    |dst, src| dst.iter_mut().zip(src).for_each(|(d, s)| *d = s.wide()),
                );
                Ok(())
            }
            (dst, src) => Copy.run(dst, [src]),
        }
    }
}

/// `dst = value`.
pub struct Fill(pub f64);

impl SliceKernel<0> for Fill {
    const NAME: &'static str = "fill";
    fn run<T: Element>(&self, dst: Out<'_, T>, []: [In<'_, T>; 0]) -> Result<()> {
        let value = T::narrow(T::Real::of(self.0));
        par::chunks_mut(dst.values()?, PART, |_, part| part.fill(value));
        Ok(())
    }
}

/// `dst += src`, then `max(·, 0)` if `relu`.
pub struct AddAssign {
    pub relu: bool,
}

impl SliceKernel<1> for AddAssign {
    const NAME: &'static str = "add";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, src) = (dst.values()?, src.values()?);
        if self.relu {
            return zip_each(
                dst,
                src,
                #[inline(always)]
                |d, s| relu(d + s),
            );
        }
        zip_each(
            dst,
            src,
            #[inline(always)]
            |d, s| d + s,
        )
    }
}

/// Zeroes elements with probability `p` and scales the rest by `1 / (1 - p)`, in place. The mask depends on the key, which
/// is the source ([`CounterRng::words`]), and the position alone, so that the same call is the backward.
pub struct Dropout {
    pub p: f64,
}

impl SliceKernel<1> for Dropout {
    const NAME: &'static str = "dropout";
    fn run<T: Element>(&self, dst: Out<'_, T>, [key]: [In<'_, T>; 1]) -> Result<()> {
        let (key, scale) = (CounterRng::of_words(key.words()?)?, T::Real::of(1.0 / (1.0 - self.p)));
        par::chunks_mut(dst.values()?, PART, |task, part| {
            for (i, v) in part.iter_mut().enumerate() {
                let keep = key.uniform((task * PART + i) as u64) >= self.p;
                *v = if keep { T::narrow(v.wide() * scale) } else { T::default() };
            }
        });
        Ok(())
    }
}

/// Rows of a concatenation that one task copies.
const ROWS: usize = 64;

/// Copies src `[rows, channels]` into columns `at..` of dst `[rows, dst_channels]`: one part of a concatenation.
pub struct ConcatPart {
    pub channels: usize,
    pub dst_channels: usize,
    pub at: usize,
}

impl SliceKernel<1> for ConcatPart {
    const NAME: &'static str = "concat";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, src) = (dst.values()?, src.values()?);
        check_columns(dst.len(), src.len(), self.dst_channels, self.channels, self.at)?;
        let columns = self.at..self.at + self.channels;
        par::chunks_mut(dst, ROWS * self.dst_channels, |task, dst| {
            let src = src[task * ROWS * self.channels..].chunks_exact(self.channels);
            let rows = dst.chunks_exact_mut(self.dst_channels).zip(src);
            rows.for_each(|(dst, src)| dst[columns.clone()].copy_from_slice(src));
        });
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
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, src) = (dst.values()?, src.values()?);
        check_columns(src.len(), dst.len(), self.src_channels, self.channels, self.at)?;
        let columns = self.at..self.at + self.channels;
        par::chunks_mut(dst, ROWS * self.channels, |task, dst| {
            let src = src[task * ROWS * self.src_channels..].chunks_exact(self.src_channels);
            let rows = dst.chunks_exact_mut(self.channels).zip(src);
            rows.for_each(|(dst, src)| dst.copy_from_slice(&src[columns.clone()]));
        });
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
