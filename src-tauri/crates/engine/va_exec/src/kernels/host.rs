//! Numbers of the host into tensors of a network's device, in place: what differs between the runs of a pass.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, bail};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use crate::device::cuda;

/// Writes words over a contiguous u32 tensor of the same length.
///
/// # Errors
/// When type or length differ, or the device fails.
pub fn write_words(to: &Tensor, words: &[u32]) -> Result<()> {
    to.inplace_op1(&Write::Words(words))
}

/// Writes reals over a contiguous f32 or f64 tensor of the same length.
///
/// # Errors
/// When type or length differ, or the device fails.
pub fn write_reals(to: &Tensor, reals: &[f64]) -> Result<()> {
    to.inplace_op1(&Write::Reals(reals))
}

enum Write<'a> {
    Words(&'a [u32]),
    Reals(&'a [f64]),
}

impl Write<'_> {
    fn place(&self, layout: &Layout) -> Result<std::ops::Range<usize>> {
        let len = match self {
            Self::Words(words) => words.len(),
            Self::Reals(reals) => reals.len(),
        };
        match layout.contiguous_offsets() {
            Some((start, end)) if end - start == len => Ok(start..end),
            _ => bail!("{len} numbers of the host do not fit {:?}", layout.shape()),
        }
    }
}

impl InplaceOp1 for Write<'_> {
    fn name(&self) -> &'static str {
        "write"
    }

    fn cpu_fwd(&self, dst: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let place = self.place(layout)?;
        match (self, dst) {
            (Self::Words(words), CpuStorage::U32(data)) => data[place].copy_from_slice(words),
            (Self::Reals(reals), CpuStorage::F32(data)) => {
                data[place].iter_mut().zip(*reals).for_each(|(d, &v)| *d = v as f32);
            }
            (Self::Reals(reals), CpuStorage::F64(data)) => data[place].copy_from_slice(reals),
            _ => bail!("numbers of the host are of another type than the tensor they are for"),
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, dst: &mut CudaStorage, layout: &Layout) -> Result<()> {
        self.place(layout)?;
        match self {
            Self::Words(words) => cuda::write(dst, layout, words),
            Self::Reals(reals) => {
                let words: Vec<u32> = reals.iter().map(|&v| (v as f32).to_bits()).collect();
                cuda::write(dst, layout, &words)
            }
        }
    }
}
