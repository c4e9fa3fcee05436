//! Kernels on slices as Candle in-place operations: one wrapper for all.
//!
//! A kernel is generic over the number type of the values it works on. Where values are bf16, what is learned and what is
//! summed stays f32: an operand is [`In::values`] of the one or [`In::reals`] of the other, and for f32 and f64 both are
//! the same. Whole numbers that the host writes before a pass (keys of random draws) are [`In::words`].

use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Result, Tensor, bail};
use half::bf16;

use super::real::Element;
use crate::device::DeviceKernel;
#[cfg(feature = "cuda")]
use crate::device::cuda;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

/// An operand that is read.
pub enum In<'a, T: Element> {
    Values(&'a [T]),
    Reals(&'a [T::Real]),
    Words(&'a [u32]),
}

/// The operand that is written (and may be read).
pub enum Out<'a, T: Element> {
    Values(&'a mut [T]),
    Reals(&'a mut [T::Real]),
}

impl<'a, T: Element> In<'a, T> {
    /// # Errors
    /// When the operand is f32 where values are bf16.
    pub fn values(self) -> Result<&'a [T]> {
        match self {
            Self::Values(data) => Ok(data),
            Self::Reals(_) => bail!("an operand is f32 where bf16 is expected"),
            Self::Words(_) => bail!("an operand is words where numbers are expected"),
        }
    }

    /// # Errors
    /// When the operand is bf16 where f32 is expected.
    pub fn reals(self) -> Result<&'a [T::Real]> {
        let reals = match self {
            Self::Values(data) => T::as_real(data),
            Self::Reals(data) => Some(data),
            Self::Words(_) => None,
        };
        reals.ok_or_else(|| candle_core::Error::Msg("an operand is not f32 where that is expected".to_owned()))
    }

    /// # Errors
    /// When the operand is numbers.
    pub fn words(self) -> Result<&'a [u32]> {
        match self {
            Self::Words(data) => Ok(data),
            Self::Values(_) | Self::Reals(_) => bail!("an operand is numbers where words are expected"),
        }
    }
}

impl<'a, T: Element> Out<'a, T> {
    /// # Errors
    /// When the operand is f32 where values are bf16.
    pub fn values(self) -> Result<&'a mut [T]> {
        match self {
            Self::Values(data) => Ok(data),
            Self::Reals(_) => bail!("the result is f32 where bf16 is expected"),
        }
    }

    /// # Errors
    /// When the operand is bf16 where f32 is expected.
    pub fn reals(self) -> Result<&'a mut [T::Real]> {
        let reals = match self {
            Self::Values(data) => T::as_real_mut(data),
            Self::Reals(data) => Some(data),
        };
        reals.ok_or_else(|| candle_core::Error::Msg("the result is bf16 where f32 is expected".to_owned()))
    }
}

/// A kernel that writes (and may read) `dst` and reads `N` sources, all contiguous.
pub trait SliceKernel<const N: usize> {
    const NAME: &'static str;

    /// # Errors
    /// When a length or number type does not fit the kernel; nothing has been written then.
    fn run<T: Element>(&self, dst: Out<'_, T>, srcs: [In<'_, T>; N]) -> Result<()>;
}

impl<K: SliceKernel<N>, const N: usize> SliceKernel<N> for &K {
    const NAME: &'static str = K::NAME;
    fn run<T: Element>(&self, dst: Out<'_, T>, srcs: [In<'_, T>; N]) -> Result<()> {
        K::run(self, dst, srcs)
    }
}

/// A [`SliceKernel`] for [`Tensor::inplace_op1`], [`Tensor::inplace_op2`] or [`Tensor::inplace_op3`], by the number of
/// its sources.
pub struct Inplace<K>(pub K);

fn range(layout: &Layout, name: &str) -> Result<std::ops::Range<usize>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(start..end),
        None => bail!("{name} needs contiguous operands; call .contiguous() first"),
    }
}

/// All operands are of type `T`.
fn uniform<K: SliceKernel<N>, T: Element, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Result<()> {
    let mut operands: [In<'_, T>; N] = std::array::from_fn(|_| In::Values(&[][..]));
    for (operand, (storage, layout)) in operands.iter_mut().zip(srcs) {
        let range = range(layout, K::NAME)?;
        *operand = match storage {
            CpuStorage::U32(words) => In::Words(&words[range]),
            other => In::Values(&T::slice(other)?[range]),
        };
    }
    let dst = &mut T::slice_mut(dst)?[range(dst_layout, K::NAME)?];
    kernel.run(Out::Values(dst), operands)
}

/// Values are bf16, everything else f32.
fn mixed<K: SliceKernel<N>, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Result<()> {
    let mut operands: [In<'_, bf16>; N] = std::array::from_fn(|_| In::Values(&[][..]));
    for (operand, (storage, layout)) in operands.iter_mut().zip(srcs) {
        let range = range(layout, K::NAME)?;
        *operand = match storage {
            CpuStorage::BF16(data) => In::Values(&data[range]),
            CpuStorage::U32(words) => In::Words(&words[range]),
            other => In::Reals(&f32::slice(other)?[range]),
        };
    }
    let range = range(dst_layout, K::NAME)?;
    match dst {
        CpuStorage::BF16(data) => kernel.run(Out::Values(&mut data[range]), operands),
        other => kernel.run(Out::Reals(&mut f32::slice_mut(other)?[range]), operands),
    }
}

fn run_any<K: DeviceKernel<N>, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Result<()> {
    #[cfg(test)]
    if let Some(done) = crate::device::emulation::run(kernel, dst, dst_layout, srcs) {
        return done;
    }
    let is_bf16 = |storage: &CpuStorage| matches!(storage, CpuStorage::BF16(_));
    if is_bf16(dst) || srcs.iter().any(|(storage, _)| is_bf16(storage)) {
        return mixed(kernel, dst, dst_layout, srcs);
    }
    match dst {
        CpuStorage::F32(_) => uniform::<K, f32, N>(kernel, dst, dst_layout, srcs),
        CpuStorage::F64(_) => uniform::<K, f64, N>(kernel, dst, dst_layout, srcs),
        _ => bail!("{} runs on {:?}, {:?} and {:?}", K::NAME, DType::F32, DType::F64, DType::BF16),
    }
}

impl<K: DeviceKernel<0>> InplaceOp1 for Inplace<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, dst: &mut CpuStorage, layout: &Layout) -> Result<()> {
        run_any(&self.0, dst, layout, [])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, dst: &mut CudaStorage, layout: &Layout) -> Result<()> {
        cuda::run(&self.0, dst, layout, [])
    }
}

impl<K: DeviceKernel<1>> InplaceOp2 for Inplace<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, dst: &mut CpuStorage, layout: &Layout, a: &CpuStorage, a_layout: &Layout) -> Result<()> {
        run_any(&self.0, dst, layout, [(a, a_layout)])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, dst: &mut CudaStorage, layout: &Layout, a: &CudaStorage, a_layout: &Layout) -> Result<()> {
        cuda::run(&self.0, dst, layout, [(a, a_layout)])
    }
}

impl<K: DeviceKernel<2>> InplaceOp3 for Inplace<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(
        &self,
        dst: &mut CpuStorage,
        layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<()> {
        run_any(&self.0, dst, layout, [(a, a_layout), (b, b_layout)])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        dst: &mut CudaStorage,
        layout: &Layout,
        a: &CudaStorage,
        a_layout: &Layout,
        b: &CudaStorage,
        b_layout: &Layout,
    ) -> Result<()> {
        cuda::run(&self.0, dst, layout, [(a, a_layout), (b, b_layout)])
    }
}

/// `kernel` on `dst` alone.
pub fn apply0<K: DeviceKernel<0>>(kernel: K, dst: &Tensor) -> Result<()> {
    dst.inplace_op1(&Inplace(kernel))
}

/// `kernel` on `dst` from one source.
pub fn apply1<K: DeviceKernel<1>>(kernel: K, dst: &Tensor, a: &Tensor) -> Result<()> {
    dst.inplace_op2(a, &Inplace(kernel))
}

/// `kernel` on `dst` from two sources.
pub fn apply2<K: DeviceKernel<2>>(kernel: K, dst: &Tensor, a: &Tensor, b: &Tensor) -> Result<()> {
    dst.inplace_op3(a, b, &Inplace(kernel))
}

/// Refuses operands whose lengths do not fit.
pub(crate) fn expect_len<T>(name: &str, what: &str, slice: &[T], len: usize) -> Result<()> {
    if slice.len() != len {
        bail!("{name}: {what} has {} elements, expected {len}", slice.len())
    }
    Ok(())
}

/// Refuses operands that are not whole rows of `channels`.
pub(crate) fn expect_rows<T>(name: &str, data: &[T], channels: usize) -> Result<()> {
    if channels == 0 || !data.len().is_multiple_of(channels) {
        bail!("{name}: {} elements do not split into {channels} channels", data.len())
    }
    Ok(())
}
