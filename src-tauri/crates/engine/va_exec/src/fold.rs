//! The numbers of a graph whose layers took in what only scaled and shifted their channels.

use candle_core::{DType, Tensor};
use va_error::{Error, Result};
use va_graph::{Folded, FoldedGraph, FoldedLayer};

use crate::error::CandleContext;
use crate::state::NamedTensors;

/// The state of `folded.graph` from the state of the graph it came from; computed in f64, returned in the number type
/// of each layer's weight.
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

fn take(state: &mut NamedTensors, name: &str) -> Result<Tensor> {
    state.remove(name).ok_or_else(|| Error::not_found(format!("the weights lack `{name}`")))
}

fn fold_layer(layer: &FoldedLayer, state: &mut NamedTensors) -> Result<()> {
    let (weight_name, bias_name) = (format!("{}.weight", layer.layer), format!("{}.bias", layer.layer));
    let weight = take(state, &weight_name)?;
    let bias = if layer.had_bias { Some(take(state, &bias_name)?) } else { None };
    let affine = Affine::take(&layer.folded, state)?;
    let context = "folding a network for inference";
    state.insert(weight_name, affine.weight(&weight).engine(context)?);
    if let Some(bias) = affine.bias(bias.as_ref(), weight.dtype()).engine(context)? {
        state.insert(bias_name, bias);
    }
    Ok(())
}

/// `(x - mean) · scale + beta` for each channel, in f64.
struct Affine {
    scale: Tensor,
    shift: Option<Shift>,
}

struct Shift {
    mean: Tensor,
    beta: Tensor,
}

impl Affine {
    fn take(folded: &Folded, state: &mut NamedTensors) -> Result<Self> {
        let mut wide = |name: &str| take(state, name)?.to_dtype(DType::F64).engine("folding a network for inference");
        match folded {
            Folded::ChannelScale { gamma } => Ok(Self { scale: wide(gamma)?, shift: None }),
            Folded::BatchNorm { name, eps } => {
                let gamma = wide(&format!("{name}.weight"))?;
                let beta = wide(&format!("{name}.bias"))?;
                let mean = wide(&format!("{name}.running_mean"))?;
                let var = wide(&format!("{name}.running_var"))?;
                state.remove(&format!("{name}.num_batches_tracked"));
                let scale =
                    (&var + *eps).and_then(|var| gamma.div(&var.sqrt()?)).engine("folding batch normalisation")?;
                Ok(Self { scale, shift: Some(Shift { mean, beta }) })
            }
        }
    }

    /// `weight` is `[channels, …]`.
    fn weight(&self, weight: &Tensor) -> candle_core::Result<Tensor> {
        let mut shape = vec![1; weight.rank()];
        shape[0] = self.scale.elem_count();
        weight.to_dtype(DType::F64)?.broadcast_mul(&self.scale.reshape(shape)?)?.to_dtype(weight.dtype())
    }

    /// The bias after, if there is one.
    fn bias(&self, bias: Option<&Tensor>, dtype: DType) -> candle_core::Result<Option<Tensor>> {
        let bias = bias.map(|bias| bias.to_dtype(DType::F64)).transpose()?;
        let folded = match (bias, &self.shift) {
            (None, None) => return Ok(None),
            (Some(bias), None) => (bias * &self.scale)?,
            (Some(bias), Some(Shift { mean, beta })) => (((bias - mean)? * &self.scale)? + beta)?,
            (None, Some(Shift { mean, beta })) => ((mean.neg()? * &self.scale)? + beta)?,
        };
        folded.to_dtype(dtype).map(Some)
    }
}
