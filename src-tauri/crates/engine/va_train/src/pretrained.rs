//! Starting a network from published weights instead of from random numbers.

use std::path::Path;

use candle_core::{Device, Tensor};
use va_error::{Context, Error, Result};
use va_exec::{NamedTensors, Network};
use va_zoo::{Arrays, FitReport, archs, fit_weights, read_weights};

/// Loads a weight file (timm's safetensors or a PyTorch state dict) into a network of the zoo. What the file does not
/// have for these classes stays as it is: initialise the network first. Nothing in the file is executed, and nothing in
/// the network changes when this fails.
///
/// # Errors
/// As `va_zoo::read_weights` and `va_zoo::fit_weights`; `NotFound` when the network is not one of the zoo.
pub fn load_pretrained(network: &mut Network, file: &Path) -> Result<FitReport> {
    let name = network.graph().name();
    let Some(arch) = archs().iter().find(|arch| arch.name == name) else {
        return Err(Error::not_found(format!("there are no published weights for a network called `{name}`")));
    };
    let (arrays, report) = fit_weights(network.graph(), arch.head, read_weights(file)?)
        .with_context(|| format!("the weights in {} cannot be used", file.display()))?;
    network.load_state(&tensors(arrays)?)?;
    Ok(report)
}

fn tensors(arrays: Arrays) -> Result<NamedTensors> {
    let tensor = |(name, array): (String, va_zoo::Array)| {
        Tensor::from_vec(array.values, array.shape, &Device::Cpu)
            .map(|tensor| (name, tensor))
            .map_err(|e| Error::internal("cannot make a tensor of the weights").with_source(e))
    };
    arrays.into_iter().map(tensor).collect()
}
