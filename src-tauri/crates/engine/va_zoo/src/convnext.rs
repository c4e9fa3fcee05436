//! ConvNeXt (Liu et al. 2022) with timm's names and start values: patches of 4 px, four stages of depthwise 7×7
//! convolution, layer norm and a two-layer perceptron with a learned channel factor, and a norm before the classifier.

use va_error::Result;
use va_graph::{Conv2d, Graph, GraphBuilder, Value, WeightInit};

use crate::Regularisation;

const EPS: f64 = 1e-6;
/// Start of a block's channel factors.
const LAYER_SCALE: f64 = 1e-6;

/// What tells one size from another.
struct Size {
    name: &'static str,
    depths: [usize; 4],
    channels: [usize; 4],
    /// Whether the weights of the perceptron are those of 1×1 convolutions, `[out, in, 1, 1]`.
    conv_mlp: bool,
}

/// ConvNeXt-atto (timm's size) for images `[H, W, C]`; 3,695,520 parameters at 1000 classes.
///
/// # Errors
/// `InvalidInput` when the image is too small or a size is beyond the limits.
pub fn convnext_atto(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    let (depths, channels) = ([2, 2, 6, 2], [40, 80, 160, 320]);
    convnext(&Size { name: "convnext_atto", depths, channels, conv_mlp: true }, num_classes, input, rates)
}

/// ConvNeXt-tiny for images `[H, W, C]`; 28,589,128 parameters at 1000 classes.
///
/// # Errors
/// As [`convnext_atto`].
pub fn convnext_tiny(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    let (depths, channels) = ([3, 3, 9, 3], [96, 192, 384, 768]);
    convnext(&Size { name: "convnext_tiny", depths, channels, conv_mlp: false }, num_classes, input, rates)
}

fn convnext(size: &Size, num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    let (mut b, x) = GraphBuilder::new(size.name, &input)?;
    b.weight_init(WeightInit::Normal { std: 0.02 });
    let x = b.conv2d("stem.0", x, Conv2d::new(size.channels[0], 4).stride(4).bias(true))?;
    let mut x = b.layer_norm("stem.1", x, EPS)?;
    let last = size.depths.iter().sum::<usize>() - 1;
    let mut depth = 0;
    for stage in 0..4 {
        x = b.scope(&format!("stages.{stage}"), |b| {
            if stage > 0 {
                x = b.layer_norm("downsample.0", x, EPS)?;
                x = b.conv2d("downsample.1", x, Conv2d::new(size.channels[stage], 2).stride(2).bias(true))?;
            }
            for index in 0..size.depths[stage] {
                let drop = rates.stochastic_depth * depth as f64 / last as f64;
                x = b.scope(&format!("blocks.{index}"), |b| block(b, x, size.conv_mlp, drop))?;
                depth += 1;
            }
            Ok(x)
        })?;
    }
    let logits = b.scope("head", |b| {
        let x = b.global_avg_pool("global_pool", x)?;
        let mut x = b.layer_norm("norm", x, EPS)?;
        if rates.dropout > 0.0 {
            x = b.dropout("drop", x, rates.dropout)?;
        }
        b.linear("fc", x, num_classes, true)
    })?;
    b.finish(logits)
}

fn block(b: &mut GraphBuilder, x: Value, conv_mlp: bool, drop: f64) -> Result<Value> {
    let channels = b.channels(x);
    let y = b.conv2d("conv_dw", x, Conv2d::new(channels, 7).padding(3).groups(channels).bias(true))?;
    let y = b.layer_norm("norm", y, EPS)?;
    let y = b.scope("mlp", |b| {
        let y = pointwise(b, "fc1", y, 4 * channels, conv_mlp)?;
        let y = b.gelu("act", y)?;
        pointwise(b, "fc2", y, channels, conv_mlp)
    })?;
    let mut y = b.channel_scale("scale", y, LAYER_SCALE)?;
    if drop > 0.0 {
        y = b.stochastic_depth("drop_path", y, drop)?;
    }
    b.add("add", y, x)
}

fn pointwise(b: &mut GraphBuilder, name: &str, x: Value, out: usize, conv: bool) -> Result<Value> {
    if conv { b.conv2d(name, x, Conv2d::new(out, 1).bias(true)) } else { b.linear(name, x, out, true) }
}
