use std::time::Instant;

use candle_core::{Device, Tensor};
use va_domain::TrainSettings;
use va_error::{Error, Result};
use va_exec::{AdamW, BinaryCrossEntropy, Network, Rule, Update, UpdateAt};
use va_graph::Graph;

use crate::new_network;

/// How long the parts of a training step take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSeconds {
    /// Forward and backward of one image.
    pub an_image: f64,
    /// What a step does once, whatever its batch: clipping, AdamW, and looking for numbers that are none.
    pub an_update: f64,
}

/// Times training steps of this network, in the precision of the settings, on so many images here and now: the median of
/// three, after one that makes plans and touches memory.
///
/// # Errors
/// When the network cannot be run.
pub fn measure_step(graph: Graph, settings: &TrainSettings, images: usize) -> Result<StepSeconds> {
    let images = images.max(1);
    let mut net = new_network(graph, settings)?;
    net.init(0)?;
    let rule = Rule::AdamW(AdamW { lr: 1e-6, ..AdamW::default() });
    let mut update = Update::new(&net, rule)?;
    let shape: Vec<usize> = std::iter::once(images).chain(net.graph().input_shape().iter().copied()).collect();
    let input = Tensor::full(0.5f32, shape, &Device::Cpu)
        .map_err(|e| Error::internal("cannot make a tensor to measure with").with_source(e))?;
    let classes: usize = net.graph().output_shape().iter().product();
    let wanted = BinaryCrossEntropy::default().wanted(&vec![0.5; images * classes], classes, images * classes)?;
    let groups = net.layout().groups(|_| 1.0);
    let (mut passes, mut updates) = ([0.0; 4], [0.0; 4]);
    for step in 0..passes.len() {
        let began = Instant::now();
        net.learn(&input, &wanted)?;
        wait(&net)?;
        passes[step] = began.elapsed().as_secs_f64();
        let step_number = step as u64 + 1;
        let at = UpdateAt { rule, step: step_number, groups: groups.clone(), clip_norm: Some(1.0), average_decay: 0.0 };
        net.update(&mut update, &at)?;
        update.report()?;
        net.zero_grad()?;
        wait(&net)?;
        updates[step] = began.elapsed().as_secs_f64() - passes[step];
    }
    Ok(StepSeconds { an_image: warm_median(passes) / images as f64, an_update: warm_median(updates) })
}

/// A GPU only began to work when a call returns; the CPU is done.
fn wait(net: &Network) -> Result<()> {
    net.device().synchronize().map_err(|e| Error::internal("cannot wait for the device").with_source(e))
}

fn warm_median([_, a, b, c]: [f64; 4]) -> f64 {
    a.max(b).min(a.min(b).max(c))
}
