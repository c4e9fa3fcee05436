//! How parameters start.

use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

/// How a parameter starts; normal and uniform draws come from `va_exec`'s counter-based generator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    Zeros,
    Ones,
    /// This number everywhere.
    Constant {
        value: f64,
    },
    /// Mean 0 and this standard deviation.
    Normal {
        std: f64,
    },
    /// Uniform in `[-bound, bound)`.
    Uniform {
        bound: f64,
    },
}

/// The rule by which the weights and biases of convolutions and linear layers start; set on the builder for the layers
/// that follow.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum WeightInit {
    /// Residual networks in torchvision and timm: convolutions as [`WeightInit::FanOut`], linear layers as
    /// [`WeightInit::FanIn`].
    #[default]
    Standard,
    /// Convolutions normal by fan-out (He et al. 2015), linear weights uniform by their outputs, biases zero: timm's
    /// rule for the MobileNet family.
    FanOut,
    /// PyTorch's own: weights and biases uniform in `±1 / sqrt(fan_in)`.
    FanIn,
    /// Weights normal with this standard deviation, biases zero: ConvNeXt and ViT. timm cuts its draw at ±2, which at
    /// 0.02 is a hundred standard deviations away and cuts nothing.
    Normal { std: f64 },
}

impl WeightInit {
    pub(crate) fn is_standard(&self) -> bool {
        *self == Self::Standard
    }

    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Normal { std } if !(std.is_finite() && std >= 0.0) => {
                Err(Error::invalid(format!("weights cannot start with a standard deviation of {std}")))
            }
            _ => Ok(()),
        }
    }

    /// Start of weight and bias of a convolution.
    pub(crate) fn of_conv(self, fan_in: usize, fan_out: usize) -> (Init, Init) {
        match self {
            Self::Standard | Self::FanOut => (Init::Normal { std: (2.0 / fan_out as f64).sqrt() }, Init::Zeros),
            Self::FanIn => (uniform(fan_in), uniform(fan_in)),
            Self::Normal { std } => (Init::Normal { std }, Init::Zeros),
        }
    }

    /// Start of weight and bias of a linear layer.
    pub(crate) fn of_linear(self, inputs: usize, outputs: usize) -> (Init, Init) {
        match self {
            Self::Standard | Self::FanIn => (uniform(inputs), uniform(inputs)),
            Self::FanOut => (uniform(outputs), Init::Zeros),
            Self::Normal { std } => (Init::Normal { std }, Init::Zeros),
        }
    }
}

fn uniform(fan: usize) -> Init {
    Init::Uniform { bound: 1.0 / (fan as f64).sqrt() }
}
