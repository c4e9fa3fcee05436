//! MobileNetV4, the convolutional models (Qin et al. 2024), with timm's names and start values: a stem, stages of
//! plain convolutions, fused inverted bottlenecks and universal inverted bottlenecks, and a head that widens after the
//! global pool.

use va_error::Result;
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Pool2d, Value, WeightInit};

use crate::Regularisation;

/// One block of a stage; sizes in pixels and channels.
#[derive(Debug, Clone, Copy)]
enum Block {
    /// Convolution, norm, ReLU.
    Conv { kernel: usize, stride: usize, out: usize },
    /// Fused inverted bottleneck: a full convolution widens, a pointwise one narrows.
    Fused { kernel: usize, stride: usize, expand: usize, out: usize },
    /// Universal inverted bottleneck: depthwise before and in the middle where the kernel is not 0.
    Universal { start: usize, middle: usize, stride: usize, expand: usize, out: usize },
}

/// A universal inverted bottleneck of stride 1.
const fn uib(start: usize, middle: usize, expand: usize, out: usize) -> Block {
    Block::Universal { start, middle, stride: 1, expand, out }
}

/// A universal inverted bottleneck that halves height and width.
const fn down(start: usize, middle: usize, expand: usize, out: usize) -> Block {
    Block::Universal { start, middle, stride: 2, expand, out }
}

const fn conv(kernel: usize, stride: usize, out: usize) -> Block {
    Block::Conv { kernel, stride, out }
}

const SMALL: &[&[Block]] = &[
    &[conv(3, 2, 32), conv(1, 1, 32)],
    &[conv(3, 2, 96), conv(1, 1, 64)],
    &[down(5, 5, 3, 96), uib(0, 3, 2, 96), uib(0, 3, 2, 96), uib(0, 3, 2, 96), uib(0, 3, 2, 96), uib(3, 0, 4, 96)],
    &[
        down(3, 3, 6, 128),
        uib(5, 5, 4, 128),
        uib(0, 5, 4, 128),
        uib(0, 5, 3, 128),
        uib(0, 3, 4, 128),
        uib(0, 3, 4, 128),
    ],
    &[conv(1, 1, 960)],
];

const MEDIUM: &[&[Block]] = &[
    &[Block::Fused { kernel: 3, stride: 2, expand: 4, out: 48 }],
    &[down(3, 5, 4, 80), uib(3, 3, 2, 80)],
    &[
        down(3, 5, 6, 160),
        uib(3, 3, 4, 160),
        uib(3, 3, 4, 160),
        uib(3, 5, 4, 160),
        uib(3, 3, 4, 160),
        uib(3, 0, 4, 160),
        uib(0, 0, 2, 160),
        uib(3, 0, 4, 160),
    ],
    &[
        down(5, 5, 6, 256),
        uib(5, 5, 4, 256),
        uib(3, 5, 4, 256),
        uib(3, 5, 4, 256),
        uib(0, 0, 4, 256),
        uib(3, 0, 4, 256),
        uib(3, 5, 2, 256),
        uib(5, 5, 4, 256),
        uib(0, 0, 4, 256),
        uib(0, 0, 4, 256),
        uib(5, 0, 2, 256),
    ],
    &[conv(1, 1, 960)],
];

/// MobileNetV4-conv-small for images `[H, W, C]`; 3,774,024 parameters at 1000 classes.
///
/// # Errors
/// `InvalidInput` when the image is too small or a size is beyond the limits.
pub fn mobilenetv4_conv_small(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    mobilenetv4("mobilenetv4_conv_small", num_classes, input, SMALL, rates)
}

/// MobileNetV4-conv-medium for images `[H, W, C]`; 9,715,512 parameters at 1000 classes.
///
/// # Errors
/// As [`mobilenetv4_conv_small`].
pub fn mobilenetv4_conv_medium(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    mobilenetv4("mobilenetv4_conv_medium", num_classes, input, MEDIUM, rates)
}

fn mobilenetv4(
    name: &str,
    num_classes: usize,
    input: [usize; 3],
    stages: &[&[Block]],
    rates: Regularisation,
) -> Result<Graph> {
    let (mut b, x) = GraphBuilder::new(name, &input)?;
    b.weight_init(WeightInit::FanOut);
    let x = b.conv2d("conv_stem", x, Conv2d::new(32, 3).stride(2).padding(1))?;
    let x = b.batch_norm("bn1", x, BatchNorm::default())?;
    let mut x = b.relu("act1", x)?;
    let count: usize = stages.iter().map(|blocks| blocks.len()).sum();
    let mut depth = 0;
    for (stage, blocks) in stages.iter().enumerate() {
        for (index, &block) in blocks.iter().enumerate() {
            // timm's rule for this family: a share of the blocks, not of the last block.
            let drop = rates.stochastic_depth * depth as f64 / count as f64;
            x = b.scope(&format!("blocks.{stage}.{index}"), |b| add_block(b, x, block, drop))?;
            depth += 1;
        }
    }
    let logits = head(&mut b, x, num_classes, rates.dropout)?;
    b.finish(logits)
}

/// Pool, widen to 1,280 channels, classify. The convolution keeps its four-dimensional weight, so the pooled value
/// stays an image of one pixel until then.
fn head(b: &mut GraphBuilder, x: Value, num_classes: usize, dropout: f64) -> Result<Value> {
    let &[height, width, _] = b.shape(x) else {
        return Err(va_error::Error::internal("the last stage gives no image"));
    };
    let window = Pool2d { kernel: [height, width], stride: [1; 2], padding: [0; 2] };
    let x = b.avg_pool("global_pool", x, window, true)?;
    let x = b.conv2d("conv_head", x, Conv2d::new(1280, 1))?;
    let x = b.batch_norm("norm_head", x, BatchNorm::default())?;
    let x = b.relu("act2", x)?;
    let mut x = b.flatten("flatten", x)?;
    if dropout > 0.0 {
        x = b.dropout("head_drop", x, dropout)?;
    }
    b.linear("classifier", x, num_classes, true)
}

fn add_block(b: &mut GraphBuilder, x: Value, block: Block, drop: f64) -> Result<Value> {
    match block {
        Block::Conv { kernel, stride, out } => {
            let y = b.conv2d("conv", x, Conv2d::new(out, kernel).stride(stride).padding(kernel / 2))?;
            let y = b.batch_norm("bn1", y, BatchNorm::default())?;
            b.relu("act1", y)
        }
        Block::Fused { kernel, stride, expand, out } => {
            let wide = b.channels(x) * expand;
            let y = b.conv2d("conv_exp", x, Conv2d::new(wide, kernel).stride(stride).padding(kernel / 2))?;
            let y = b.batch_norm("bn1", y, BatchNorm::default())?;
            let y = b.relu("act1", y)?;
            let y = b.conv2d("conv_pwl", y, Conv2d::new(out, 1))?;
            let y = b.batch_norm("bn2", y, BatchNorm::default())?;
            residual(b, x, y, stride, drop)
        }
        Block::Universal { start, middle, stride, expand, out } => {
            let channels = b.channels(x);
            // The depthwise convolution in the middle takes the stride where there is one.
            let first_stride = if middle == 0 { stride } else { 1 };
            let mut y = x;
            if start > 0 {
                y = conv_norm(b, "dw_start", y, depthwise(channels, start, first_stride), false)?;
            }
            y = conv_norm(b, "pw_exp", y, Conv2d::new(channels * expand, 1), true)?;
            if middle > 0 {
                y = conv_norm(b, "dw_mid", y, depthwise(channels * expand, middle, stride), true)?;
            }
            y = conv_norm(b, "pw_proj", y, Conv2d::new(out, 1), false)?;
            residual(b, x, y, stride, drop)
        }
    }
}

fn depthwise(channels: usize, kernel: usize, stride: usize) -> Conv2d {
    Conv2d::new(channels, kernel).stride(stride).padding(kernel / 2).groups(channels)
}

fn conv_norm(b: &mut GraphBuilder, name: &str, x: Value, conv: Conv2d, relu: bool) -> Result<Value> {
    b.scope(name, |b| {
        let y = b.conv2d("conv", x, conv)?;
        let y = b.batch_norm("bn", y, BatchNorm::default())?;
        if relu { b.relu("act", y) } else { Ok(y) }
    })
}

/// Adds the input where size and channels are the same.
fn residual(b: &mut GraphBuilder, x: Value, y: Value, stride: usize, drop: f64) -> Result<Value> {
    if stride != 1 || b.channels(x) != b.channels(y) {
        return Ok(y);
    }
    let y = if drop > 0.0 { b.stochastic_depth("drop_path", y, drop)? } else { y };
    b.add("add", y, x)
}
