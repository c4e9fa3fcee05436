use std::time::Instant;

use va_domain::{DeviceKind, Forecast, TrainSettings};
use va_error::{Error, Result};
use va_exec::Network;
use va_train::new_network;

use crate::DataSize;
use crate::local_engine::total_steps;
use crate::memory_plan::MemoryPlan;
use crate::probe::step_seconds;

/// Copied, hashed, written and synced: 140 MB a second were measured on a virtual disk, ordinary ones are faster.
const CHECKPOINT_BYTES_PER_S: f64 = 200e6;

/// Memory from the very plans that the run will use (their buffers are reserved, not touched), work from the graph, time
/// from a measured step.
pub(crate) fn forecast(settings: &TrainSettings, data: &DataSize, free_bytes: Option<u64>) -> Result<Forecast> {
    let &DataSize { class_count, train_len, val_len, decoded_bytes } = data;
    let mut net = network(settings, class_count)?;
    let began = Instant::now();
    let plan = MemoryPlan::make(&mut net, settings, train_len, decoded_bytes, free_bytes)?;
    // The run makes the same plans.
    let start_seconds = began.elapsed().as_secs_f64();
    let device = if net.device().is_cpu() { DeviceKind::Cpu } else { DeviceKind::Cuda };
    let graph = net.graph().clone();
    // Its plans go before the probe makes its own.
    drop(net);
    // Forward once, or once more to bring activations back; backward twice: towards the inputs and towards the weights.
    let passes = if settings.activation_checkpointing { 4 } else { 3 };
    let multiply_adds_per_image = passes * graph.cost().multiply_adds;
    let parameter_count = graph.param_count() as u64;
    let steps = total_steps(settings, train_len);
    let mut seconds = None;
    if plan.fits {
        let step = step_seconds(graph, settings, multiply_adds_per_image, plan.micro_batch as usize)?;
        let trained = steps as f64 * f64::from(settings.batch_size.min(u32::try_from(train_len).unwrap_or(u32::MAX)));
        let validated = val_len as f64 * f64::from(settings.epochs);
        let saved = f64::from(settings.epochs) * plan.checkpoint_bytes as f64;
        seconds = Some(
            start_seconds
                + step.an_image * (trained + validated / passes as f64)
                + step.an_update * steps as f64
                + saved / CHECKPOINT_BYTES_PER_S,
        );
    }
    Ok(Forecast {
        device,
        peak_memory_bytes: plan.peak_bytes,
        free_memory_bytes: plan.free_bytes.unwrap_or(0),
        multiply_adds_per_image,
        parameter_count,
        steps,
        micro_batch_size: plan.micro_batch,
        seconds,
        fits: plan.fits,
        bf16_is_native: va_exec::bf16_is_native(),
    })
}

/// The network that a run with these settings would train.
///
/// # Errors
/// `InvalidInput` for settings out of range, an unknown architecture or no class.
pub(crate) fn network(settings: &TrainSettings, class_count: usize) -> Result<Network> {
    settings.check()?;
    if class_count == 0 {
        return Err(Error::invalid("a classifier needs classes: label samples first"));
    }
    let graph = va_zoo::build(&settings.arch, class_count, settings.image_size_px as usize, 3)?;
    new_network(graph, settings)
}
