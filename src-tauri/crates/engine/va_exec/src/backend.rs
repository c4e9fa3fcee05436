//! What a network computes with: number types and kernels.

use candle_core::{DType, Device};
use va_error::{Error, Result};

/// Number types of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// Everything in f32.
    #[default]
    F32,
    /// Everything in f64, on the reference kernels: for checks.
    F64,
    /// Activations and their gradients in bf16; parameters, their gradients, statistics and sums in f32 (Micikevicius et
    /// al. 2018, with bf16 no loss scaling is needed: Kalamkar et al. 2019).
    Bf16,
}

impl Precision {
    /// What parameters, buffers and results are kept in.
    pub fn params(self) -> DType {
        match self {
            Self::F32 | Self::Bf16 => DType::F32,
            Self::F64 => DType::F64,
        }
    }

    /// What values between layers are kept in.
    pub fn activations(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// Who computes: all of it on a GPU, convolutions and matrix products on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Kernels of our own: the same bits on any number of threads, on every platform.
    Reference,
    /// oneDNN: the same bits on the same number of threads of the same processor.
    OneDnn,
    /// Kernels of our own, cuBLAS and cuDNN on an NVIDIA GPU: the same bits on the same card and libraries.
    Cuda,
}

impl Backend {
    /// As it is kept with what was computed: `reference`, `onednn` or `cuda`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::OneDnn => "onednn",
            Self::Cuda => "cuda",
        }
    }

    /// The back ends of this program, the fastest first.
    pub const ALL: &[Self] = match (cfg!(feature = "cuda"), cfg!(onednn)) {
        (true, true) => &[Self::Cuda, Self::OneDnn, Self::Reference],
        (true, false) => &[Self::Cuda, Self::Reference],
        (false, true) => &[Self::OneDnn, Self::Reference],
        (false, false) => &[Self::Reference],
    };

    /// Where its tensors are.
    ///
    /// # Errors
    /// When this program has no such back end, or there is no GPU.
    pub(crate) fn device(self) -> Result<Device> {
        match self {
            Self::Reference | Self::OneDnn => Ok(Device::Cpu),
            #[cfg(feature = "cuda")]
            Self::Cuda => crate::error::CandleContext::engine(crate::device::cuda::device(), "opening the GPU"),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(Error::invalid("this program was built without CUDA")),
        }
    }

    /// Refuses a precision that it does not compute in.
    pub(crate) fn ensure_computes(self, precision: Precision) -> Result<()> {
        if self == Self::Cuda && precision == Precision::F64 {
            return Err(Error::invalid("the GPU computes in f32 and bf16; checks in f64 run on the reference kernels"));
        }
        Ok(())
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self::ALL[0]
    }
}
