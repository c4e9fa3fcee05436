//! The GPU in programs without one: every kernel would run there, and none is asked to.

pub trait DeviceKernel<const N: usize>: crate::kernels::op::SliceKernel<N> {}

impl<K: crate::kernels::op::SliceKernel<N>, const N: usize> DeviceKernel<N> for K {}
