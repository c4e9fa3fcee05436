//! The card itself: kernels through the driver, products through cuBLAS, convolutions through cuDNN, all on the one stream
//! of Candle's device; beside it, images are prepared on another (`images`).

mod blas;
mod card;
mod dnn;
mod errors;
mod images;
mod lane;
mod operation;
mod ptx;
mod record;

use candle_core::cuda_backend::CudaStorage;
use candle_core::{Device, Layout, Result, Storage, Tensor, bail};

use super::{DeviceKernel, Gpu, Work};
use operation::Operation;

pub(crate) use card::card;
pub(crate) use images::images;
pub(super) use record::record;
pub(crate) use record::recordings;

/// Candle's device of the card.
///
/// # Errors
/// When there is no card, or the driver fails.
pub(crate) fn device() -> Result<Device> {
    Ok(Device::Cuda(card()?.device().clone()))
}

/// One operation of a plan.
pub(crate) fn run<K: DeviceKernel<N>, const N: usize>(
    kernel: &K,
    dst: &mut CudaStorage,
    dst_layout: &Layout,
    srcs: [(&CudaStorage, &Layout); N],
) -> Result<()> {
    let operation = Operation::new(card()?);
    let dst = operation.written(dst, dst_layout)?;
    let mut sources = [dst; N];
    for (source, (storage, layout)) in sources.iter_mut().zip(srcs) {
        *source = operation.read(storage, layout)?;
    }
    kernel.run_on(&operation, dst, sources)
}

/// `work` with the memory of these tensors on the card.
pub(super) fn on_device(tensors: &[&Tensor], work: &mut Work<'_>) -> Result<()> {
    let operation = Operation::new(card()?);
    // Nothing else works with them: who trains a network has it for himself.
    let storages: Vec<_> = tensors.iter().map(|tensor| tensor.storage_and_layout()).collect();
    let mut buffers = Vec::new();
    for (storage, layout) in &storages {
        let Storage::Cuda(storage) = &**storage else { bail!("a tensor is not on the card") };
        buffers.push(operation.read(storage, layout)?);
    }
    work(&operation, &buffers)
}

/// Writes 32-bit numbers or words of the host over a tensor.
pub(crate) fn write(dst: &mut CudaStorage, layout: &Layout, words: &[u32]) -> Result<()> {
    let operation = Operation::new(card()?);
    let dst = operation.written(dst, layout)?;
    operation.write(dst, words)
}
