//! Starting a network from a weight file instead of from random numbers.

use std::path::PathBuf;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use va_domain::WeightsReport;
use va_error::{Context, Error, Result};
use va_exec::{NamedTensors, Network};
use va_zoo::{Arrays, FitReport, archs, fit_weights, read_weights, read_weights_of};

/// The file that a run starts from: timm's safetensors or a PyTorch state dict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartWeights {
    pub path: PathBuf,
    /// Lower-case hex; a file with another one is refused. None takes any.
    pub sha256: Option<String>,
}

/// Loads a weight file into a network. What the file does not have for these classes stays as it is (of a network that is
/// not in the zoo everything must be there): initialise the network first. Nothing in the file is executed, and nothing in
/// the network changes when this fails.
///
/// # Errors
/// As `va_zoo::read_weights` and `va_zoo::fit_weights`; `Conflict` when the file is not the one with the hash.
pub fn load_pretrained(network: &mut Network, weights: &StartWeights) -> Result<WeightsReport> {
    let name = network.graph().name();
    // No layer has this name, so every one must be in the file.
    let head = archs().iter().find(|arch| arch.name == name).map_or("", |arch| arch.head);
    let load = || {
        let arrays = match &weights.sha256 {
            Some(sha256) => read_weights_of(&weights.path, sha256)?,
            None => read_weights(&weights.path)?,
        };
        fit_weights(network.graph(), head, arrays)
    };
    let (arrays, report) =
        load().with_context(|| format!("the run cannot start from the weights in {}", weights.path.display()))?;
    network.load_state(&tensors(arrays)?)?;
    Ok(weights_report(report))
}

/// As the product says it.
pub fn weights_report(report: FitReport) -> WeightsReport {
    let resized: Vec<String> = report.resized.into_iter().map(|(name, ..)| name).collect();
    WeightsReport {
        loaded: report.loaded.into(),
        resized: resized.into(),
        new: report.new.into(),
        skipped: report.skipped.into(),
    }
}

fn tensors(arrays: Arrays) -> Result<NamedTensors> {
    let tensor = |(name, array): (String, va_zoo::Array)| {
        Tensor::from_vec(array.values, array.shape, &Device::Cpu)
            .map(|tensor| (name, tensor))
            .map_err(|e| Error::internal("cannot make a tensor of the weights").with_source(e))
    };
    arrays.into_iter().map(tensor).collect()
}
