//! ResNet for classification (He et al. 2015), with timm's names and start values: 7×7/2 stem and max pool, four
//! stages of basic or bottleneck blocks, the last norm of a block starting at zero.

use va_error::Result;
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Pool2d, Value};

use crate::Regularisation;

/// ResNet-18 for images `[H, W, C]`; 11,689,512 parameters at 1000 classes.
///
/// # Errors
/// `InvalidInput` when the image is too small or a size is beyond the limits.
pub fn resnet18(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    resnet("resnet18", num_classes, input, [2, 2, 2, 2], basic_block, rates)
}

/// ResNet-34 for images `[H, W, C]`; 21,797,672 parameters at 1000 classes.
///
/// # Errors
/// As [`resnet18`].
pub fn resnet34(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    resnet("resnet34", num_classes, input, [3, 4, 6, 3], basic_block, rates)
}

/// ResNet-50 for images `[H, W, C]`; 25,557,032 parameters at 1000 classes. The stride is in the 3×3 convolution, as in
/// torchvision and timm.
///
/// # Errors
/// As [`resnet18`].
pub fn resnet50(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    resnet("resnet50", num_classes, input, [3, 4, 6, 3], bottleneck, rates)
}

/// A block: input value, width, stride and stochastic depth.
type Block = fn(&mut GraphBuilder, Value, usize, usize, f64) -> Result<Value>;

fn resnet(
    name: &str,
    num_classes: usize,
    input: [usize; 3],
    blocks: [usize; 4],
    block: Block,
    rates: Regularisation,
) -> Result<Graph> {
    let (mut b, x) = GraphBuilder::new(name, &input)?;
    let x = b.conv2d("conv1", x, Conv2d::new(64, 7).stride(2).padding(3))?;
    let x = b.batch_norm("bn1", x, BatchNorm::default())?;
    let x = b.relu("act1", x)?;
    let mut x = b.max_pool("maxpool", x, Pool2d::new(3, 2, 1))?;
    let last = blocks.iter().sum::<usize>() - 1;
    let mut depth = 0;
    for (stage, &count) in blocks.iter().enumerate() {
        let channels = 64 << stage;
        x = b.scope(&format!("layer{}", stage + 1), |b| {
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let drop = rates.stochastic_depth * depth as f64 / last as f64;
                x = b.scope(&index.to_string(), |b| block(b, x, channels, stride, drop))?;
                depth += 1;
            }
            Ok(x)
        })?;
    }
    let mut x = b.global_avg_pool("global_pool", x)?;
    if rates.dropout > 0.0 {
        x = b.dropout("head_drop", x, rates.dropout)?;
    }
    let logits = b.linear("fc", x, num_classes, true)?;
    b.finish(logits)
}

fn basic_block(b: &mut GraphBuilder, x: Value, channels: usize, stride: usize, drop: f64) -> Result<Value> {
    let y = b.conv2d("conv1", x, Conv2d::new(channels, 3).stride(stride).padding(1))?;
    let y = b.batch_norm("bn1", y, BatchNorm::default())?;
    let y = b.relu("act1", y)?;
    let y = b.conv2d("conv2", y, Conv2d::new(channels, 3).padding(1))?;
    let y = b.batch_norm("bn2", y, BatchNorm { zero_init: true, ..BatchNorm::default() })?;
    let y = if drop > 0.0 { b.stochastic_depth("drop_path", y, drop)? } else { y };
    let shortcut = shortcut(b, x, channels, stride)?;
    let sum = b.add("add", y, shortcut)?;
    b.relu("act2", sum)
}

fn bottleneck(b: &mut GraphBuilder, x: Value, width: usize, stride: usize, drop: f64) -> Result<Value> {
    let channels = 4 * width;
    let y = b.conv2d("conv1", x, Conv2d::new(width, 1))?;
    let y = b.batch_norm("bn1", y, BatchNorm::default())?;
    let y = b.relu("act1", y)?;
    let y = b.conv2d("conv2", y, Conv2d::new(width, 3).stride(stride).padding(1))?;
    let y = b.batch_norm("bn2", y, BatchNorm::default())?;
    let y = b.relu("act2", y)?;
    let y = b.conv2d("conv3", y, Conv2d::new(channels, 1))?;
    let y = b.batch_norm("bn3", y, BatchNorm { zero_init: true, ..BatchNorm::default() })?;
    let y = if drop > 0.0 { b.stochastic_depth("drop_path", y, drop)? } else { y };
    let shortcut = shortcut(b, x, channels, stride)?;
    let sum = b.add("add", y, shortcut)?;
    b.relu("act3", sum)
}

/// The input itself, or projected where size or channels change.
fn shortcut(b: &mut GraphBuilder, x: Value, channels: usize, stride: usize) -> Result<Value> {
    if stride == 1 && b.channels(x) == channels {
        return Ok(x);
    }
    b.scope("downsample", |b| {
        let s = b.conv2d("0", x, Conv2d::new(channels, 1).stride(stride))?;
        b.batch_norm("1", s, BatchNorm::default())
    })
}
