//! Kernels on slices as Candle in-place operations: one wrapper for all.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Result, Tensor, bail};

use super::real::Real;

/// A kernel that writes (and may read) `dst` and reads `N` sources, all contiguous and of one number type.
pub trait SliceKernel<const N: usize> {
    const NAME: &'static str;

    /// # Errors
    /// When a length does not fit the kernel's geometry; nothing has been written then.
    fn run<T: Real>(&self, dst: &mut [T], srcs: [&[T]; N]) -> Result<()>;
}

impl<K: SliceKernel<N>, const N: usize> SliceKernel<N> for &K {
    const NAME: &'static str = K::NAME;
    fn run<T: Real>(&self, dst: &mut [T], srcs: [&[T]; N]) -> Result<()> {
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

fn dispatch<K: SliceKernel<N>, T: Real, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Result<()> {
    let mut slices: [&[T]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(srcs) {
        *slice = &T::slice(storage)?[range(layout, K::NAME)?];
    }
    kernel.run(&mut T::slice_mut(dst)?[range(dst_layout, K::NAME)?], slices)
}

fn run_any<K: SliceKernel<N>, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Result<()> {
    match dst {
        CpuStorage::F32(_) => dispatch::<K, f32, N>(kernel, dst, dst_layout, srcs),
        CpuStorage::F64(_) => dispatch::<K, f64, N>(kernel, dst, dst_layout, srcs),
        _ => bail!("{} runs on f32 and f64", K::NAME),
    }
}

impl<K: SliceKernel<0>> InplaceOp1 for Inplace<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, dst: &mut CpuStorage, layout: &Layout) -> Result<()> {
        run_any(&self.0, dst, layout, [])
    }
}

impl<K: SliceKernel<1>> InplaceOp2 for Inplace<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, dst: &mut CpuStorage, layout: &Layout, a: &CpuStorage, a_layout: &Layout) -> Result<()> {
        run_any(&self.0, dst, layout, [(a, a_layout)])
    }
}

impl<K: SliceKernel<2>> InplaceOp3 for Inplace<K> {
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
}

/// `kernel` on `dst` alone.
pub fn apply0<K: SliceKernel<0>>(kernel: K, dst: &Tensor) -> Result<()> {
    dst.inplace_op1(&Inplace(kernel))
}

/// `kernel` on `dst` from one source.
pub fn apply1<K: SliceKernel<1>>(kernel: K, dst: &Tensor, a: &Tensor) -> Result<()> {
    dst.inplace_op2(a, &Inplace(kernel))
}

/// `kernel` on `dst` from two sources.
pub fn apply2<K: SliceKernel<2>>(kernel: K, dst: &Tensor, a: &Tensor, b: &Tensor) -> Result<()> {
    dst.inplace_op3(a, b, &Inplace(kernel))
}

/// Refuses operands whose lengths do not fit.
pub(crate) fn expect_len<T>(name: &str, what: &str, slice: &[T], len: usize) -> Result<()> {
    if slice.len() != len {
        bail!("{name}: {what} has {} elements, expected {len}", slice.len())
    }
    Ok(())
}
