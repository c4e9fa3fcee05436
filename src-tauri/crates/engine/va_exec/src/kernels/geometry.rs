//! Sizes of windowed operators on a batch, checked once when a plan is made.

use va_graph::{Conv2d, Pool2d};

/// A convolution on a batch: `[N, H, W, C] -> [N, HO, WO, K]`, weights `[kh, kw, C / groups, K]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConvGeometry {
    pub batch: usize,
    /// Input height and width.
    pub size: [usize; 2],
    pub channels: usize,
    /// Output height and width.
    pub out_size: [usize; 2],
    pub out_channels: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl ConvGeometry {
    /// `input` is `[H, W, C]`, `output` `[HO, WO, K]`, as the graph's shape rule gives them.
    pub fn new(conv: &Conv2d, batch: usize, input: &[usize], output: &[usize]) -> Self {
        Self {
            batch,
            size: [input[0], input[1]],
            channels: input[2],
            out_size: [output[0], output[1]],
            out_channels: output[2],
            kernel: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            groups: conv.groups,
        }
    }

    pub fn input_len(&self) -> usize {
        self.batch * self.size[0] * self.size[1] * self.channels
    }

    /// Output pixels of the whole batch.
    pub fn rows(&self) -> usize {
        self.batch * self.out_size[0] * self.out_size[1]
    }

    pub fn output_len(&self) -> usize {
        self.rows() * self.out_channels
    }

    /// Numbers under one window of one group: `kh · kw · C / groups`.
    pub fn window(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels / self.groups
    }

    pub fn weight_len(&self) -> usize {
        self.window() * self.out_channels
    }

    /// Whether the input itself is the matrix that im2col would build.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0]
    }

    /// Whether it is one product of the input and the weight.
    pub fn is_matrix(&self) -> bool {
        self.is_pointwise() && self.groups == 1
    }

    /// Whether every channel is convolved with a filter of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.channels && self.out_channels == self.channels
    }
}

/// Pooling on a batch: `[N, H, W, C] -> [N, HO, WO, C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolGeometry {
    pub batch: usize,
    pub size: [usize; 2],
    pub channels: usize,
    pub out_size: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}

impl PoolGeometry {
    /// `input` is `[H, W, C]`, `output` `[HO, WO, C]`, as the graph's shape rule gives them.
    pub fn new(pool: &Pool2d, batch: usize, input: &[usize], output: &[usize]) -> Self {
        Self {
            batch,
            size: [input[0], input[1]],
            channels: input[2],
            out_size: [output[0], output[1]],
            kernel: pool.kernel,
            stride: pool.stride,
            padding: pool.padding,
        }
    }

    pub fn image_len(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    pub fn out_image_len(&self) -> usize {
        self.out_size[0] * self.out_size[1] * self.channels
    }

    /// The part of the window of output `o` along `axis` that lies inside the input.
    pub fn span(&self, axis: usize, o: usize) -> std::ops::Range<usize> {
        let start = o * self.stride[axis];
        let low = start.saturating_sub(self.padding[axis]);
        let high = (start + self.kernel[axis]).saturating_sub(self.padding[axis]).min(self.size[axis]);
        low..high.max(low)
    }
}
