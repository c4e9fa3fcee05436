//! The GPU in programs without one: every kernel would run there, and none is asked to.

use candle_core::{Device, Result};

pub trait DeviceKernel<const N: usize>: crate::kernels::op::SliceKernel<N> {}

impl<K: crate::kernels::op::SliceKernel<N>, const N: usize> DeviceKernel<N> for K {}

/// Work that a GPU has recorded.
pub(crate) trait Recorded: Send + Sync {
    fn replay(&self) -> Result<()>;
}

pub(crate) fn is_gpu(_: &Device) -> bool {
    false
}

pub(crate) fn record(_: &Device, _: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    candle_core::bail!("only a GPU records its work")
}
