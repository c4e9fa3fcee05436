//! What a network computes with: number types and kernels.

use candle_core::DType;

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

/// Who computes convolutions and matrix products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Kernels of our own: the same bits on any number of threads, on every platform.
    Reference,
    /// oneDNN: the same bits on the same number of threads of the same processor.
    OneDnn,
}

impl Backend {
    /// As it is kept with what was computed: `reference` or `onednn`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::OneDnn => "onednn",
        }
    }

    /// The back ends of this program, the fastest first.
    pub const ALL: &[Self] = if cfg!(onednn) { &[Self::OneDnn, Self::Reference] } else { &[Self::Reference] };
}

impl Default for Backend {
    fn default() -> Self {
        Self::ALL[0]
    }
}
