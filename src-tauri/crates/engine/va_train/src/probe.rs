use std::time::Instant;

use candle_core::{Device, Tensor};
use va_domain::TrainSettings;
use va_error::{Error, Result};
use va_exec::{AdamW, Mode};
use va_graph::Graph;

use crate::new_network;

/// Seconds of one training step (forward, backward, AdamW) of this network, in the precision of the settings, on so many
/// images here and now: the median of three, after one that makes plans and touches memory.
///
/// # Errors
/// When the network cannot be run.
pub fn measure_step(graph: Graph, settings: &TrainSettings, images: usize) -> Result<f64> {
    let mut net = new_network(graph, settings)?;
    net.init(0)?;
    let mut state = AdamW::new_state(&net)?;
    let tensor = |shape: &[usize], value: f64| {
        let shape: Vec<usize> = std::iter::once(images.max(1)).chain(shape.iter().copied()).collect();
        Tensor::full(value as f32, shape, &Device::Cpu)
            .map_err(|e| Error::internal("cannot make a tensor to measure with").with_source(e))
    };
    let (input, grad) = (tensor(net.graph().input_shape(), 0.5)?, tensor(net.graph().output_shape(), 0.01)?);
    let mut seconds = [0.0; 4];
    for (step, seconds) in (1..).zip(&mut seconds) {
        let began = Instant::now();
        net.forward(&input, Mode::Train)?;
        net.zero_grad()?;
        net.backward(&grad)?;
        AdamW::default().step(&net, &mut state, step)?;
        *seconds = began.elapsed().as_secs_f64();
    }
    let warm = &mut seconds[1..];
    warm.sort_by(f64::total_cmp);
    Ok(warm[1])
}
