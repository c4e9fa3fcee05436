#![allow(dead_code)]

use std::path::Path;

use va_dataset::{RgbImage, SampleSource, standard_preprocessing};
use va_domain::Task;
use va_error::{Error, Result};
use va_exec::{NamedTensors, Network};
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Pool2d};
use va_infer::{ModelCard, NewModel, write_model};

/// Every operator of the graph in one small network.
pub fn every_operator() -> Graph {
    let (mut b, x) = GraphBuilder::new("every", &[33, 33, 3]).unwrap();
    let build = |b: &mut GraphBuilder| -> Result<_> {
        let stem = b.conv2d("stem", x, Conv2d::new(8, 3).stride(2).padding(1))?;
        let stem = b.batch_norm("bn", stem, BatchNorm::default())?;
        let stem = b.relu("act", stem)?;
        let grouped = b.conv2d("grouped", stem, Conv2d::new(8, 3).padding(2).dilation(2).groups(4).bias(true))?;
        let sum = b.add("sum", stem, grouped)?;
        let both = b.concat("both", &[sum, stem])?;
        // Nothing to fold it into: it stays in the file.
        let normed = b.batch_norm("loose", both, BatchNorm::default())?;
        let small = b.max_pool("max", normed, Pool2d::new(3, 2, 1))?;
        let small = b.avg_pool("avg", small, Pool2d::new(3, 2, 1), false)?;
        let small = b.avg_pool("avg2", small, Pool2d::new(3, 2, 1), true)?;
        let pooled = b.global_avg_pool("pool", normed)?;
        let flat = b.flatten("flat", small)?;
        let features = b.concat("features", &[pooled, flat])?;
        let features = b.dropout("drop", features, 0.3)?;
        let hidden = b.linear("hidden", features, 12, false)?;
        let hidden = b.relu("act2", hidden)?;
        b.linear("fc", hidden, 3, true)
    };
    let out = build(&mut b).unwrap();
    b.finish(out).unwrap()
}

/// Seeded numbers; running statistics moved away from where they start.
pub fn numbers(graph: &Graph) -> NamedTensors {
    let mut net = Network::new(graph.clone(), candle_core::DType::F32).unwrap();
    net.init(3).unwrap();
    let mut state = net.state().unwrap();
    for (name, tensor) in &mut state {
        if name.ends_with("running_mean") || name.ends_with("running_var") {
            let shift = if name.ends_with("mean") { 0.2 } else { 0.9 };
            let ramp = candle_core::Tensor::arange(0f32, tensor.elem_count() as f32, tensor.device()).unwrap();
            *tensor = ramp.affine(0.05, shift).unwrap();
        }
    }
    state
}

pub fn classes() -> Vec<String> {
    ["free", "break", "blow hole"].map(str::to_owned).to_vec()
}

pub fn write(dir: &Path, graph: &Graph, weights: &NamedTensors) -> ModelCard {
    write_for(Task::Classification, dir, graph, weights)
}

pub fn write_for(task: Task, dir: &Path, graph: &Graph, weights: &NamedTensors) -> ModelCard {
    let preprocessing = standard_preprocessing(graph.input_shape()[0] as u32);
    let classes = classes();
    let (arch, engine_version) = ("every", "va_engine test");
    let model = NewModel { task, arch, classes: &classes, preprocessing: &preprocessing, engine_version };
    write_model(dir, &model, graph, weights).unwrap()
}

/// Images of different sizes; the second one cannot be decoded.
pub struct Pictures(pub usize);

impl SampleSource for Pictures {
    fn len(&self) -> usize {
        self.0
    }
    fn class_idx(&self, _: usize) -> u32 {
        0
    }
    fn key(&self, index: usize) -> String {
        format!("picture {index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        if index == 1 {
            return Err(Error::invalid("not an image"));
        }
        let (w, h) = (30 + 7 * index as u32, 50 - index as u32);
        RgbImage::new(w, h, (0..(w * h * 3) as usize).map(|i| ((i * (index + 3)) ^ (i >> 5)) as u8).collect())
    }
}
