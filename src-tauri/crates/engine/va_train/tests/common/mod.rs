//! A small world to train in: coloured noise images that a tiny network can tell apart.

#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use va_dataset::{Batch, BatchRecipe, BatchRequest, Loader, LoaderOptions, Phase, RgbImage, SampleSource, WantedImage};
use va_domain::{Task, TrainSettings};
use va_error::{Error, Result};
use va_exec::NamedTensors;
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder};
use va_train::{Stop, TrainEvent, TrainHost, TrainJob, Trained, train_graph};

pub const CLASSES: usize = 3;

/// `len` images; class = index mod 3, told by the strongest channel. `wrong` gives every sample the next class.
pub struct Colours {
    pub len: usize,
    pub wrong: bool,
}

impl SampleSource for Colours {
    fn len(&self) -> usize {
        self.len
    }
    fn class_idx(&self, index: usize) -> u32 {
        ((index + usize::from(self.wrong)) % CLASSES) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("colour-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let (width, height) = (36 + (index % 5) as u32, 34);
        let pixel = |at: usize| {
            let noise = (at.wrapping_mul(2_654_435_761).wrapping_add(index * 97) >> 7) % 120;
            let signal = if at % 3 == index % CLASSES { 90 } else { 0 };
            (noise + signal) as u8
        };
        RgbImage::new(width, height, (0..(width * height * 3) as usize).map(pixel).collect())
    }
}

pub fn tiny() -> Graph {
    let (mut b, x) = GraphBuilder::new("tiny", &[32, 32, 3]).unwrap();
    let x = b.conv2d("conv", x, Conv2d::new(8, 3).stride(4).padding(1)).unwrap();
    let x = b.batch_norm("bn", x, BatchNorm::default()).unwrap();
    let x = b.relu("act", x).unwrap();
    let x = b.global_avg_pool("pool", x).unwrap();
    let x = b.linear("fc", x, CLASSES, true).unwrap();
    b.finish(x).unwrap()
}

pub fn settings(epochs: u32) -> TrainSettings {
    TrainSettings {
        image_size_px: 32,
        batch_size: 8,
        epochs,
        warmup_epochs: 1.0,
        learning_rate: 0.02,
        ..TrainSettings::default()
    }
}

pub fn job(settings: &TrainSettings, dir: &Path, train_len: usize, val_len: usize) -> TrainJob {
    TrainJob {
        task: Task::Classification,
        settings: settings.clone(),
        classes: ["red", "green", "blue"].map(str::to_owned).to_vec(),
        train_len,
        val_len,
        decoded_bytes: 0,
        class_counts: (0..CLASSES).map(|class| (train_len + CLASSES - 1 - class) as u64 / CLASSES as u64).collect(),
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing: va_dataset::standard_preprocessing(settings.image_size_px),
        checkpoint_dir: dir.to_path_buf(),
        model_dir: dir.join("model"),
        resume: true,
        initial_weights: None,
    }
}

/// What the host does at a training step: (steps asked for so far, the batch).
type Meddle = Box<dyn FnMut(u64, &mut Batch) -> Result<()>>;

pub struct TestHost {
    loader: Loader,
    pub events: Vec<TrainEvent>,
    /// Stops at this poll, counted from 0.
    pub stop_at: Option<(u64, Stop)>,
    pub polls: u64,
    steps: u64,
    meddle: Meddle,
}

impl TestHost {
    pub fn new(job: &TrainJob, wrong_val: bool) -> Self {
        let train = Arc::new(Colours { len: job.train_len, wrong: false });
        let val: Arc<dyn SampleSource> = Arc::new(Colours { len: job.val_len, wrong: wrong_val });
        let recipe = BatchRecipe::new(&job.settings, &job.preprocessing);
        let options = LoaderOptions { workers: 1, cache_bytes: 1 << 24, disk_cache: None };
        Self::of(Loader::new(train, Some(val), recipe, &options).unwrap())
    }

    pub fn of(loader: Loader) -> Self {
        Self { loader, events: Vec::new(), stop_at: None, polls: 0, steps: 0, meddle: Box::new(|_, _| Ok(())) }
    }

    pub fn meddling(mut self, meddle: impl FnMut(u64, &mut Batch) -> Result<()> + 'static) -> Self {
        self.meddle = Box::new(meddle);
        self
    }

    pub fn losses(&self) -> Vec<(u64, f64)> {
        let loss = |event: &TrainEvent| match event {
            TrainEvent::Step { step, loss, .. } => Some((*step, *loss)),
            _ => None,
        };
        self.events.iter().filter_map(loss).collect()
    }

    pub fn notes(&self) -> String {
        let note = |event: &TrainEvent| match event {
            TrainEvent::Note { message } => Some(message.clone()),
            _ => None,
        };
        self.events.iter().filter_map(note).collect::<Vec<_>>().join("\n")
    }
}

impl TrainHost for TestHost {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.loader.next_batch(request, batch)?;
        if request.phase == Phase::Train {
            self.steps += 1;
            (self.meddle)(self.steps, batch)?;
        }
        Ok(())
    }
    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.loader.next_images(request, batch)
    }
    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        self.loader.copy_images(wanted, room)
    }
    fn event(&mut self, event: TrainEvent) {
        self.events.push(event);
    }
    fn should_stop(&mut self) -> Stop {
        self.polls += 1;
        match self.stop_at {
            Some((poll, stop)) if self.polls > poll => stop,
            _ => Stop::Continue,
        }
    }
}

/// The host's error of a test that interrupts a run.
pub fn power_cut() -> Error {
    Error::internal("power cut")
}

pub fn run(job: &TrainJob, host: &mut TestHost) -> Result<Trained> {
    train_graph(tiny(), job, host, "test")
}

/// What the network says to the first validation batch, and the classes there.
pub fn validation_logits(job: &TrainJob, net: &mut va_exec::Network) -> (candle_core::Tensor, Vec<u32>) {
    let mut batch = Batch::default();
    let request = BatchRequest { phase: Phase::Val, epoch: 0, step: 0 };
    TestHost::new(job, false).next_batch(request, &mut batch).unwrap();
    let size = job.settings.image_size_px as usize;
    let shape = (batch.len(), size, size, 3);
    let input = candle_core::Tensor::from_slice(&batch.pixels, shape, &candle_core::Device::Cpu).unwrap();
    (net.forward(&input, va_exec::Mode::Eval).unwrap(), batch.classes)
}

/// Every number of a model as bits.
pub fn bits(weights: &NamedTensors) -> Vec<(String, Vec<u32>)> {
    let bits = |t: &candle_core::Tensor| {
        t.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|v| v.to_bits()).collect()
    };
    weights.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}
