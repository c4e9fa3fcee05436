//! The numbers of a graph whose batch norms were folded into the convolutions before them.

use candle_core::{DType, Tensor};
use va_error::{Error, Result};
use va_graph::{FoldedConv, FoldedGraph};

use crate::error::CandleContext;
use crate::state::NamedTensors;

/// The state of `folded.graph` from the state of the graph it came from; computed in f64, returned in the number type
/// of each convolution's weight.
///
/// # Errors
/// `NotFound` when a tensor is missing.
pub fn fold_state(folded: &FoldedGraph, state: &NamedTensors) -> Result<NamedTensors> {
    let mut result = state.clone();
    for layer in &folded.folded {
        fold_layer(layer, &mut result)?;
    }
    Ok(result)
}

fn fold_layer(layer: &FoldedConv, state: &mut NamedTensors) -> Result<()> {
    let mut take = |owner: &str, suffix: &str| {
        let name = format!("{owner}.{suffix}");
        state.remove(&name).ok_or_else(|| Error::not_found(format!("the weights lack `{name}`")))
    };
    let (weight, norm) = (take(&layer.conv, "weight")?, &layer.batch_norm);
    let bias = if layer.had_bias { Some(take(&layer.conv, "bias")?) } else { None };
    let (gamma, beta) = (take(norm, "weight")?, take(norm, "bias")?);
    let (mean, var) = (take(norm, "running_mean")?, take(norm, "running_var")?);
    state.remove(&format!("{norm}.num_batches_tracked"));
    let (weight, bias) = fold_numbers(&weight, bias.as_ref(), [&gamma, &beta, &mean, &var], layer.eps)
        .engine("folding batch normalisation")?;
    state.insert(format!("{}.weight", layer.conv), weight);
    state.insert(format!("{}.bias", layer.conv), bias);
    Ok(())
}

fn fold_numbers(
    weight: &Tensor,
    bias: Option<&Tensor>,
    norm: [&Tensor; 4],
    eps: f64,
) -> candle_core::Result<(Tensor, Tensor)> {
    let dtype = weight.dtype();
    let mut wide = Vec::with_capacity(4);
    for tensor in norm {
        wide.push(tensor.to_dtype(DType::F64)?);
    }
    let [gamma, beta, mean, var] = [&wide[0], &wide[1], &wide[2], &wide[3]];
    let scale = gamma.div(&(var + eps)?.sqrt()?)?;
    let centred = match bias {
        Some(bias) => (bias.to_dtype(DType::F64)? - mean)?,
        None => mean.neg()?,
    };
    let bias = ((centred * &scale)? + beta)?;
    let weight = weight.to_dtype(DType::F64)?.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
    Ok((weight.to_dtype(dtype)?, bias.to_dtype(dtype)?))
}
