//! A GPU whose memory ends in the middle of a step: a task stands in for it, because on the CPU nothing fails so.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Tensor;
use va_dataset::{Batch, BatchRequest, WantedImage};
use va_domain::{Task, TrainSettings};
use va_error::{Code, Error, Result};
use va_exec::{NamedTensors, Wanted};
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder};

use crate::checkpoint::{CheckpointFolder, Identity, Machine};
use crate::learner::Learner;
use crate::learning_task::{LearningTask, Targets, Validation, learning_task};
use crate::run::Run;
use crate::train::new_network;
use crate::{Stop, TrainEvent, TrainHost, TrainJob};

const SIZE: usize = 16;
const BATCH: u32 = 8;

/// Where memory ends.
#[derive(Clone, Copy)]
enum Full {
    /// As the step `.0` begins, before anything moved.
    AtStep(usize),
    /// Before the part `.0`, counted over all steps: earlier parts of the step have moved running statistics and gradients.
    BeforePart(usize),
}

struct Failing {
    task: Arc<dyn LearningTask>,
    full: Full,
    steps: AtomicUsize,
    parts: AtomicUsize,
}

fn full() -> Error {
    Error::new(Code::TooLarge, "the memory of the GPU is full")
}

impl LearningTask for Failing {
    fn targets<'a>(&'a self, batch: &'a Batch) -> Result<Box<dyn Targets + 'a>> {
        if matches!(self.full, Full::AtStep(at) if self.steps.fetch_add(1, Ordering::Relaxed) == at) {
            return Err(full());
        }
        Ok(Box::new(FailingTargets { targets: self.task.targets(batch)?, of: self }))
    }

    fn correct(&self, batch: &Batch, logits: &Tensor, range: Range<usize>) -> Result<u64> {
        self.task.correct(batch, logits, range)
    }

    fn validation(&self) -> Box<dyn Validation + '_> {
        self.task.validation()
    }
}

struct FailingTargets<'a> {
    targets: Box<dyn Targets + 'a>,
    of: &'a Failing,
}

impl Targets for FailingTargets<'_> {
    fn wanted(&self, range: Range<usize>) -> Result<Wanted> {
        if matches!(self.of.full, Full::BeforePart(at) if self.of.parts.fetch_add(1, Ordering::Relaxed) == at) {
            return Err(full());
        }
        self.targets.wanted(range)
    }
}

struct Host(Vec<String>);

impl TrainHost for Host {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        let seed = (request.epoch * 100 + request.step) as usize;
        let pixel =
            |at: usize| ((at.wrapping_mul(2_654_435_761).wrapping_add(seed * 977) >> 7) % 256) as f32 / 128.0 - 1.0;
        batch.pixels = (0..BATCH as usize * SIZE * SIZE * 3).map(pixel).collect();
        batch.classes = (0..BATCH).map(|i| i % 2).collect();
        batch.keys = (0..BATCH).map(|i| format!("sample {i}")).collect();
        Ok(())
    }

    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.next_batch(request, batch)
    }

    fn copy_images(&mut self, _: &[WantedImage], _: &mut [u8]) -> Result<()> {
        Err(Error::invalid("this host has prepared batches only"))
    }

    fn event(&mut self, event: TrainEvent) {
        if let TrainEvent::Note { message } = event {
            self.0.push(message);
        }
    }

    fn should_stop(&mut self) -> Stop {
        Stop::Continue
    }
}

fn graph() -> Graph {
    let (mut b, x) = GraphBuilder::new("small", &[SIZE, SIZE, 3]).unwrap();
    let x = b.conv2d("conv", x, Conv2d::new(6, 3).stride(2).padding(1)).unwrap();
    let x = b.batch_norm("bn", x, BatchNorm::default()).unwrap();
    let x = b.relu("act", x).unwrap();
    let x = b.global_avg_pool("pool", x).unwrap();
    let x = b.dropout("drop", x, 0.2).unwrap();
    let x = b.linear("fc", x, 2, true).unwrap();
    b.finish(x).unwrap()
}

fn job(dir: &std::path::Path, settings: &TrainSettings) -> TrainJob {
    TrainJob {
        task: Task::Classification,
        settings: settings.clone(),
        classes: ["a", "b"].map(str::to_owned).to_vec(),
        train_len: 4 * BATCH as usize,
        val_len: 0,
        decoded_bytes: 0,
        class_counts: vec![16, 16],
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing: va_dataset::standard_preprocessing(SIZE as u32),
        checkpoint_dir: dir.join("run"),
        model_dir: dir.join("model"),
        resume: false,
        initial_weights: None,
    }
}

/// Weights, running statistics among them, and what was noted.
fn trained(full: Full, micro_batch_size: u32) -> (NamedTensors, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let settings = TrainSettings {
        image_size_px: SIZE as u32,
        batch_size: BATCH,
        micro_batch_size,
        epochs: 1,
        ema_decay: 0.5,
        ..TrainSettings::default()
    };
    let job = job(dir.path(), &settings);
    let mut host = Host(Vec::new());
    let mut net = new_network(graph(), &settings).unwrap();
    net.init(settings.seed).unwrap();
    let identity = Identity { job: "test".to_owned(), machine: Machine::here(&net, "test") };
    let (steps, parts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let task = Failing { task: learning_task(&job).unwrap(), full, steps, parts };
    let mut learner = Learner::new(net, Arc::new(task), &settings).unwrap();
    learner.begin_average(settings.ema_decay).unwrap();
    let checkpoints = CheckpointFolder::open(&job.checkpoint_dir).unwrap();
    let mut run = Run::new(&job, &mut host, learner, checkpoints, identity, None).unwrap();
    run.choose_micro_batch(&job);
    let weights = run.finish().unwrap().weights.unwrap();
    (weights, host.0)
}

fn bits(weights: &NamedTensors) -> Vec<(String, Vec<u32>)> {
    let bits = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|v| v.to_bits()).collect();
    weights.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

#[test]
fn a_step_that_fails_in_its_middle_leaves_no_trace_but_the_smaller_parts() {
    // In parts of four, a step is two parts. The second step fails before it began, before its first and its second part.
    let (expected, notes) = trained(Full::AtStep(1), 4);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("4 samples at a time do not fit"), "{notes:?}");
    for part in [2, 3] {
        let (weights, notes) = trained(Full::BeforePart(part), 4);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(bits(&weights) == bits(&expected), "part {part}");
    }
    let (untouched, notes) = trained(Full::AtStep(usize::MAX), 4);
    assert!(notes.is_empty());
    assert!(bits(&untouched) != bits(&expected), "smaller parts are seen in the batch norm");
}
