//! Vision transformers (Dosovitskiy et al. 2020; sizes of Touvron et al. 2021) with timm's names and start values:
//! patches of 16 px, a class token, twelve pre-norm blocks, the class token classified.

use va_error::{Error, Result};
use va_graph::{Conv2d, Graph, GraphBuilder, Value, WeightInit};

use crate::Regularisation;

/// Pixels of a patch's side; image sizes are multiples of it.
pub(crate) const PATCH: usize = 16;
const DEPTH: usize = 12;
const EPS: f64 = 1e-6;

/// ViT-tiny, 192 channels, for images `[H, W, C]`; 5,717,416 parameters at 1000 classes and 224 px.
///
/// # Errors
/// `InvalidInput` when height or width are no multiple of 16 or a size is beyond the limits.
pub fn vit_tiny_patch16_224(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    vit("vit_tiny_patch16_224", num_classes, input, 192, 3, rates)
}

/// ViT-small, 384 channels, for images `[H, W, C]`; 22,050,664 parameters at 1000 classes and 224 px.
///
/// # Errors
/// As [`vit_tiny_patch16_224`].
pub fn vit_small_patch16_224(num_classes: usize, input: [usize; 3], rates: Regularisation) -> Result<Graph> {
    vit("vit_small_patch16_224", num_classes, input, 384, 6, rates)
}

fn vit(
    name: &str,
    num_classes: usize,
    input: [usize; 3],
    channels: usize,
    heads: usize,
    rates: Regularisation,
) -> Result<Graph> {
    if input[..2].iter().any(|side| !side.is_multiple_of(PATCH)) {
        return Err(Error::invalid(format!(
            "{name} takes images whose sides are multiples of {PATCH} pixels, not {}×{}",
            input[0], input[1]
        )));
    }
    let (mut b, x) = GraphBuilder::new(name, &input)?;
    // The patches start as any PyTorch convolution, everything else normal.
    b.weight_init(WeightInit::FanIn);
    let x = b.conv2d("patch_embed.proj", x, Conv2d::new(channels, PATCH).stride(PATCH).bias(true))?;
    b.weight_init(WeightInit::Normal { std: 0.02 });
    let mut x = b.tokens("tokens", x)?;
    for index in 0..DEPTH {
        let drop = rates.stochastic_depth * index as f64 / (DEPTH - 1) as f64;
        x = b.scope(&format!("blocks.{index}"), |b| block(b, x, heads, drop))?;
    }
    let x = b.layer_norm("norm", x, EPS)?;
    let mut x = b.select_token("class_token", x, 0)?;
    if rates.dropout > 0.0 {
        x = b.dropout("head_drop", x, rates.dropout)?;
    }
    let logits = b.linear("head", x, num_classes, true)?;
    b.finish(logits)
}

fn block(b: &mut GraphBuilder, x: Value, heads: usize, drop: f64) -> Result<Value> {
    let channels = b.channels(x);
    let y = b.layer_norm("norm1", x, EPS)?;
    let y = b.scope("attn", |b| {
        let y = b.linear("qkv", y, 3 * channels, true)?;
        let y = b.attention("heads", y, heads)?;
        b.linear("proj", y, channels, true)
    })?;
    let x = residual(b, "1", x, y, drop)?;
    let y = b.layer_norm("norm2", x, EPS)?;
    let y = b.scope("mlp", |b| {
        let y = b.linear("fc1", y, 4 * channels, true)?;
        let y = b.gelu("act", y)?;
        b.linear("fc2", y, channels, true)
    })?;
    residual(b, "2", x, y, drop)
}

fn residual(b: &mut GraphBuilder, which: &str, x: Value, y: Value, drop: f64) -> Result<Value> {
    let y = if drop > 0.0 { b.stochastic_depth(&format!("drop_path{which}"), y, drop)? } else { y };
    b.add(&format!("add{which}"), x, y)
}
