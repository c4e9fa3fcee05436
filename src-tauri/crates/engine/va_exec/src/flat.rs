//! Copies of flat tensors. Some have no numbers (a network without running statistics), for which a card may have neither
//! memory nor kernels.

use candle_core::{DType, Device, Result, Tensor};

use crate::kernels::elementwise::Copy;
use crate::kernels::op::apply1;

/// `len` zeros in memory that no other tensor shares.
pub(crate) fn zeros(len: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    Tensor::zeros(len.max(1), dtype, device)?.narrow(0, 0, len)
}

/// The same numbers in memory of their own, in order.
///
/// # Errors
/// When memory runs out.
pub fn own_copy(tensor: &Tensor) -> Result<Tensor> {
    match tensor.elem_count() {
        0 => zeros(0, tensor.dtype(), tensor.device())?.reshape(tensor.shape()),
        _ => tensor.force_contiguous(),
    }
}

/// Writes numbers, on whatever device, over others of the same shape and type.
///
/// # Errors
/// When shape or type differ, or the device fails.
pub fn copy_into(to: &Tensor, from: &Tensor) -> Result<()> {
    if to.dims() != from.dims() || to.dtype() != from.dtype() {
        candle_core::bail!("{:?} {:?} into {:?} {:?}", from.dims(), from.dtype(), to.dims(), to.dtype())
    }
    if to.elem_count() == 0 {
        return Ok(());
    }
    apply1(Copy, to, &from.to_device(to.device())?.contiguous()?)
}
