//! The closed set of operators. Whoever matches on [`Op`] matches exhaustively, so that an operator without a shape
//! rule, cost, forward, backward or ONNX form does not compile.

use serde::{Deserialize, Serialize};

/// One operator with its attributes. Input shapes are written without the batch dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// The batch fed to the network: `[H, W, C]` or `[K]`.
    Input { shape: Vec<usize> },
    /// `[H, W, C] -> [H', W', out_channels]`, cross-correlation as in PyTorch.
    Conv2d(Conv2d),
    /// `[…, K] -> […, out_features]`, `y = x Wᵀ + b` on the last dimension.
    Linear { out_features: usize, bias: bool },
    /// Normalises the last dimension (Ioffe & Szegedy 2015). Same shape out.
    BatchNorm(BatchNorm),
    /// `max(x, 0)`.
    Relu,
    /// `x · Φ(x)` with the exact normal distribution function (Hendrycks & Gimpel 2016).
    Gelu,
    /// `x · sigmoid(x)`.
    Silu,
    /// `x · clamp(x + 3, 0, 6) / 6` (Howard et al. 2019).
    HardSwish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Sum of two values of one shape.
    Add,
    /// Product of two values of one shape.
    Mul,
    /// Normalises each vector along the last dimension, then scales and shifts (Ba et al. 2016). Same shape out.
    LayerNorm { eps: f64 },
    /// Multiplies the last dimension by a learned factor `gamma` that starts at `init`: ConvNeXt's and ViT's layer
    /// scale (Touvron et al. 2021).
    ChannelScale { init: f64 },
    /// Largest value of each window; padding never wins. Ties give the gradient to the first in row order.
    MaxPool(Pool2d),
    /// Mean of each window.
    AvgPool {
        pool: Pool2d,
        /// Whether padding counts in the divisor (PyTorch's default is `true`).
        count_include_pad: bool,
    },
    /// `[H, W, C] -> [C]`, mean over space.
    GlobalAvgPool,
    /// `[H, W, C] -> [H·W·C]` in NHWC order (PyTorch flattens C, H, W: weights of a following linear layer differ).
    Flatten,
    /// Joins values along the last dimension.
    Concat,
    /// `[H, W, C] -> [1 + H·W, C]`: a learned class token before the positions in row order, then a learned position
    /// embedding on all (Dosovitskiy et al. 2020).
    Tokens,
    /// `[T, C] -> [C]`, one token; 0 is the class token.
    SelectToken { index: usize },
    /// `[T, 3·C] -> [T, C]`: multi-head self-attention of packed queries, keys and values (Vaswani et al. 2017), each
    /// `[heads, C / heads]`, with scale `1 / sqrt(C / heads)`.
    Attention { heads: usize },
    /// Zeroes each element with probability `p` in training and scales the rest by `1 / (1 - p)`; identity otherwise.
    Dropout { p: f64 },
    /// Zeroes whole samples with probability `p` in training and scales the rest by `1 / (1 - p)`; identity otherwise
    /// (Huang et al. 2016): timm's `DropPath`.
    StochasticDepth { p: f64 },
}

/// Attributes of a 2-D convolution; pairs are (height, width).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    pub out_channels: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
    pub bias: bool,
}

impl Conv2d {
    /// A square kernel, stride 1, no padding, no bias: adjust with the methods below.
    pub fn new(out_channels: usize, kernel: usize) -> Self {
        Self {
            out_channels,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        }
    }

    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    #[must_use]
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    #[must_use]
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = [dilation; 2];
        self
    }

    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }
}

/// Attributes of batch normalisation, with PyTorch's meaning of `momentum`: `running += momentum · (batch - running)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    pub eps: f64,
    pub momentum: f64,
    /// Starts the scale at zero: the last norm of a residual branch, so that a block begins as the identity
    /// (Goyal et al. 2017).
    pub zero_init: bool,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1, zero_init: false }
    }
}

/// A pooling window; pairs are (height, width). The output size is rounded down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool2d {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}

impl Pool2d {
    pub fn new(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2] }
    }
}

impl Op {
    /// The word for this operator in messages, drawings and profiles.
    pub fn kind(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Conv2d(_) => "conv2d",
            Op::Linear { .. } => "linear",
            Op::BatchNorm(_) => "batch_norm",
            Op::Relu => "relu",
            Op::Gelu => "gelu",
            Op::Silu => "silu",
            Op::HardSwish => "hard_swish",
            Op::Sigmoid => "sigmoid",
            Op::Add => "add",
            Op::Mul => "mul",
            Op::LayerNorm { .. } => "layer_norm",
            Op::ChannelScale { .. } => "channel_scale",
            Op::MaxPool(_) => "max_pool",
            Op::AvgPool { .. } => "avg_pool",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::Flatten => "flatten",
            Op::Concat => "concat",
            Op::Tokens => "tokens",
            Op::SelectToken { .. } => "select_token",
            Op::Attention { .. } => "attention",
            Op::Dropout { .. } => "dropout",
            Op::StochasticDepth { .. } => "stochastic_depth",
        }
    }
}
