use va_domain::{Forecast, TrainSettings};
use va_error::{Error, Result};
use va_exec::{Mode, Network};

use crate::cpu_engine::{LOADED_BATCHES, total_steps};
use crate::memory::free_bytes;

/// Program, stacks and what the allocator keeps.
const BASE_BYTES: u64 = 200 << 20;

/// Memory from the very plans that the run will use (their buffers are reserved, not touched), work from the graph.
pub(crate) fn forecast(settings: &TrainSettings, class_count: usize, train_len: usize) -> Result<Forecast> {
    settings.check()?;
    if class_count < 2 {
        return Err(Error::invalid("a classifier needs at least two classes"));
    }
    let size = settings.image_size_px as usize;
    let graph = va_zoo::build(&settings.arch, class_count, size, 3)?;
    let parameters = graph.param_count() as u64;
    // Forward once, backward twice: towards the inputs and towards the weights.
    let multiply_adds_per_image = 3 * graph.cost().multiply_adds;
    let batch = (settings.batch_size as usize).min(train_len.max(1));
    let mut net = Network::new(graph, va_exec::DType::F32)?;
    let activations = net.activation_bytes(batch, Mode::Train)? + net.activation_bytes(batch, Mode::Eval)?;
    // Parameters, gradients, two moments; while a checkpoint is written, three of them once more.
    let training = 4 * parameters * (4 + 3);
    let batches = LOADED_BATCHES * (settings.batch_size as u64) * (size * size * 3 * 4) as u64;
    let peak_memory_bytes = BASE_BYTES + training + activations as u64 + batches;
    let free = free_bytes();
    Ok(Forecast {
        peak_memory_bytes,
        free_memory_bytes: free.unwrap_or(0),
        multiply_adds_per_image,
        parameter_count: parameters,
        steps: total_steps(settings, train_len),
        fits: free.is_none_or(|free| peak_memory_bytes <= free),
    })
}
