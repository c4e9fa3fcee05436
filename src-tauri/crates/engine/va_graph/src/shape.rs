//! Shape rules: one exhaustive match, used by the builder and again when a graph is read from outside.

use va_error::{Error, Result};

use crate::graph::{MAX_DIM, MAX_ELEMENTS};
use crate::op::{Conv2d, Op, Pool2d};

/// The output shape (without batch) of `op` on inputs of these shapes.
///
/// # Errors
/// `InvalidInput` when the number of inputs, a rank, an attribute or a size does not fit; the caller adds the layer's
/// name.
pub fn infer_shape(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let shape = match op {
        Op::Input { shape } => {
            arity(op, inputs, 0)?;
            if shape.is_empty() || shape.len() > 3 {
                return Err(Error::invalid(format!("an input has shape [H, W, C] or [K], not {shape:?}")));
            }
            shape.clone()
        }
        Op::Conv2d(conv) => conv_shape(conv, image(op, one(op, inputs)?)?)?,
        Op::Linear { out_features, .. } => {
            let mut shape = one(op, inputs)?.to_vec();
            *shape.last_mut().ok_or_else(|| Error::invalid("linear takes a value with at least one dimension"))? =
                *out_features;
            shape
        }
        Op::BatchNorm(norm) => {
            if !(norm.eps > 0.0 && norm.eps.is_finite() && (0.0..=1.0).contains(&norm.momentum)) {
                return Err(Error::invalid("batch_norm needs a positive eps and a momentum between 0 and 1"));
            }
            one(op, inputs)?.to_vec()
        }
        Op::LayerNorm { eps } => {
            if !(*eps > 0.0 && eps.is_finite()) {
                return Err(Error::invalid("layer_norm needs a positive eps"));
            }
            one(op, inputs)?.to_vec()
        }
        Op::ChannelScale { init } => {
            if !init.is_finite() {
                return Err(Error::invalid("channel_scale starts at a finite number"));
            }
            one(op, inputs)?.to_vec()
        }
        Op::Relu | Op::Gelu | Op::Silu | Op::HardSwish | Op::Sigmoid => one(op, inputs)?.to_vec(),
        Op::Dropout { p } | Op::StochasticDepth { p } => {
            if !(0.0..1.0).contains(p) {
                return Err(Error::invalid(format!("{} probability must be in [0, 1), not {p}", op.kind())));
            }
            one(op, inputs)?.to_vec()
        }
        Op::Add | Op::Mul => {
            arity(op, inputs, 2)?;
            if inputs[0] != inputs[1] {
                return Err(Error::invalid(format!(
                    "{} needs two values of one shape, not {:?} and {:?}",
                    op.kind(),
                    inputs[0],
                    inputs[1]
                )));
            }
            inputs[0].to_vec()
        }
        Op::MaxPool(pool) | Op::AvgPool { pool, .. } => pool_shape(pool, image(op, one(op, inputs)?)?)?,
        Op::GlobalAvgPool => vec![image(op, one(op, inputs)?)?[2]],
        Op::Flatten => vec![elements(one(op, inputs)?)?],
        Op::Concat => concat_shape(inputs)?,
        Op::Tokens => {
            let [h, w, c] = image(op, one(op, inputs)?)?;
            vec![elements(&[h, w])? + 1, c]
        }
        Op::SelectToken { index } => {
            let [tokens, c] = sequence(op, one(op, inputs)?)?;
            if *index >= tokens {
                return Err(Error::invalid(format!("there is no token {index}: the value has {tokens}")));
            }
            vec![c]
        }
        Op::Attention { heads } => attention_shape(*heads, sequence(op, one(op, inputs)?)?)?,
    };
    elements(&shape)?;
    Ok(shape)
}

/// Number of elements, refused when a dimension is zero or the product passes the limits that protect the machine.
pub(crate) fn elements(shape: &[usize]) -> Result<usize> {
    let mut count = 1usize;
    for &dim in shape {
        if dim == 0 || dim > MAX_DIM {
            return Err(Error::invalid(format!("every size must be between 1 and {MAX_DIM}, not {shape:?}")));
        }
        count = count
            .checked_mul(dim)
            .filter(|&n| n <= MAX_ELEMENTS)
            .ok_or_else(|| Error::invalid(format!("{shape:?} has more than {MAX_ELEMENTS} elements")))?;
    }
    Ok(count)
}

fn arity(op: &Op, inputs: &[&[usize]], want: usize) -> Result<()> {
    if inputs.len() == want {
        return Ok(());
    }
    Err(Error::invalid(format!("{} takes {want} input(s), got {}", op.kind(), inputs.len())))
}

fn one<'a>(op: &Op, inputs: &[&'a [usize]]) -> Result<&'a [usize]> {
    arity(op, inputs, 1)?;
    Ok(inputs[0])
}

fn image(op: &Op, shape: &[usize]) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(shape)
        .map_err(|_| Error::invalid(format!("{} takes an image [H, W, C], not {shape:?}", op.kind())))
}

fn sequence(op: &Op, shape: &[usize]) -> Result<[usize; 2]> {
    <[usize; 2]>::try_from(shape)
        .map_err(|_| Error::invalid(format!("{} takes tokens [T, C], not {shape:?}", op.kind())))
}

fn attention_shape(heads: usize, [tokens, packed]: [usize; 2]) -> Result<Vec<usize>> {
    if !packed.is_multiple_of(3) || heads == 0 || !(packed / 3).is_multiple_of(heads) {
        return Err(Error::invalid(format!(
            "{packed} packed channels do not split into queries, keys and values of {heads} head(s)"
        )));
    }
    // The scores of all heads exist while it runs.
    elements(&[heads, tokens, tokens])?;
    Ok(vec![tokens, packed / 3])
}

fn conv_shape(conv: &Conv2d, [h, w, c]: [usize; 3]) -> Result<Vec<usize>> {
    let groups = conv.groups;
    if groups == 0 || c % groups != 0 || !conv.out_channels.is_multiple_of(groups) {
        return Err(Error::invalid(format!(
            "{groups} group(s) must divide both the {c} input and the {} output channels",
            conv.out_channels
        )));
    }
    let [ho, wo] = window_shape([h, w], conv.kernel, conv.stride, conv.padding, conv.dilation)?;
    let weight = [conv.out_channels, c / groups, conv.kernel[0], conv.kernel[1]];
    elements(&weight)?;
    Ok(vec![ho, wo, conv.out_channels])
}

fn pool_shape(pool: &Pool2d, [h, w, c]: [usize; 3]) -> Result<Vec<usize>> {
    // As PyTorch: more padding would make windows that hold nothing but padding.
    for axis in 0..2 {
        if pool.padding[axis] > pool.kernel[axis] / 2 {
            return Err(Error::invalid(format!(
                "pool padding {:?} may be at most half the kernel {:?}",
                pool.padding, pool.kernel
            )));
        }
    }
    let [ho, wo] = window_shape([h, w], pool.kernel, pool.stride, pool.padding, [1, 1])?;
    Ok(vec![ho, wo, c])
}

fn window_shape(
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2]> {
    let mut out = [0; 2];
    for axis in 0..2 {
        let (k, s, p, d) = (kernel[axis], stride[axis], padding[axis], dilation[axis]);
        if [k, s, d].iter().any(|&v| v == 0 || v > MAX_DIM) || p > MAX_DIM {
            return Err(Error::invalid("kernel, stride and dilation must be at least 1, and none absurdly large"));
        }
        let span = d.checked_mul(k - 1).map(|v| v + 1).unwrap_or(usize::MAX);
        let padded = size[axis] + 2 * p;
        if span > padded {
            return Err(Error::invalid(format!(
                "a window of {span} does not fit into {} (padding included); the image is too small for this network",
                padded
            )));
        }
        out[axis] = (padded - span) / s + 1;
    }
    Ok(out)
}

fn concat_shape(inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let Some((first, rest)) = inputs.split_first() else {
        return Err(Error::invalid("concat takes at least one input"));
    };
    let Some((last, space)) = first.split_last() else {
        return Err(Error::invalid("concat takes values with at least one dimension"));
    };
    let mut channels = *last;
    for other in rest {
        match other.split_last() {
            Some((c, s)) if s == space => channels = channels.saturating_add(*c),
            _ => return Err(Error::invalid(format!("concat needs equal heights and widths: {first:?} and {other:?}"))),
        }
    }
    let mut shape = space.to_vec();
    shape.push(channels);
    Ok(shape)
}
