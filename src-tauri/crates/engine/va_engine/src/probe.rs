//! How long a training step takes here: a small one is done and measured, once a network and size.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use va_domain::{Precision, TrainSettings};
use va_error::Result;
use va_graph::Graph;
use va_train::{StepSeconds, measure_step};

/// Multiply-adds of a probe, about: a second or two on a slow machine.
const PROBE_MULTIPLY_ADDS: u64 = 40_000_000_000;

/// Network, input shape, whether in bf16, whether activations are recomputed, and images at a time.
type Measured = HashMap<(String, Vec<usize>, [bool; 2], usize), StepSeconds>;

static MEASURED: Mutex<Option<Measured>> = Mutex::new(None);

/// How long a training step of at most `micro_batch` images takes. One probe runs at a time.
///
/// # Errors
/// When the network cannot be run.
pub(crate) fn step_seconds(
    graph: Graph,
    settings: &TrainSettings,
    multiply_adds_per_image: u64,
    micro_batch: usize,
) -> Result<StepSeconds> {
    let affordable = (PROBE_MULTIPLY_ADDS / multiply_adds_per_image.max(1)).clamp(1, 32) as usize;
    let images = affordable.min(micro_batch).max(1);
    let choices = [settings.precision == Precision::Bf16, settings.activation_checkpointing];
    let key = (graph.name().to_owned(), graph.input_shape().to_vec(), choices, images);
    let mut measured = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = measured.get_or_insert_with(HashMap::new);
    if let Some(&seconds) = known.get(&key) {
        return Ok(seconds);
    }
    let seconds = measure_step(graph, settings, images)?;
    known.insert(key, seconds);
    Ok(seconds)
}
