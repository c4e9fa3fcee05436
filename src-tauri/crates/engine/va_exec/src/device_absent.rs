//! The GPU in programs without one: every kernel would run there, and none is asked to.

use candle_core::{Device, Result, Tensor};

use crate::plan::Step;
use crate::update::{Moved, UpdateAt};

pub trait DeviceKernel<const N: usize>: crate::kernels::op::SliceKernel<N> {}

impl<K: crate::kernels::op::SliceKernel<N>, const N: usize> DeviceKernel<N> for K {}

/// Work that a GPU has recorded.
pub(crate) trait Recorded: Send + Sync {
    fn replay(&self) -> Result<()>;
}

pub(crate) fn is_gpu(_: &Device) -> bool {
    false
}

pub(crate) fn computes_on(_: &Tensor) -> bool {
    false
}

/// An update on a GPU.
pub(crate) enum DeviceUpdate {}

impl DeviceUpdate {
    pub fn of(_: &Moved, _: usize) -> Result<Option<Self>> {
        Ok(None)
    }

    pub fn begin(&self, _: &UpdateAt) -> Result<()> {
        match *self {}
    }

    pub fn report(&self) -> Result<[f64; 3]> {
        match *self {}
    }

    pub fn steps(&self) -> Vec<Step> {
        match *self {}
    }
}

pub(crate) fn record(_: &Device, _: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    candle_core::bail!("only a GPU records its work")
}

/// Kernels that a GPU joins.
pub(crate) mod batch_norm {
    use candle_core::{Result, Tensor, bail};

    pub(crate) fn prepare(_: [&Tensor; 6], _: f64, _: f64) -> Result<()> {
        bail!("there is no GPU")
    }

    pub(crate) fn apply_add(_: [&Tensor; 4], _: bool) -> Result<()> {
        bail!("there is no GPU")
    }

    pub(crate) fn learn(_: [&Tensor; 5], _: bool) -> Result<()> {
        bail!("there is no GPU")
    }

    pub(crate) fn learn_masked(_: [&Tensor; 6]) -> Result<()> {
        bail!("there is no GPU")
    }

    pub(crate) fn input_grad(_: [&Tensor; 4]) -> Result<()> {
        bail!("there is no GPU")
    }
}
