//! Several classes an image: learned, resumed bit for bit, refused where it has no meaning.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use std::sync::Arc;

use common::{CLASSES, TestHost, bits, run, settings};
use va_dataset::{BatchRecipe, Loader, LoaderOptions, RgbImage, SampleSource};
use va_domain::{ClassBalance, Task, TrainSettings};
use va_error::{Code, Result};
use va_train::{Ending, Stop, TrainEvent, TrainJob};

/// Each of the three classes is a channel that is bright, independent of the others: 000 to 111.
struct Marks(usize);

impl SampleSource for Marks {
    fn len(&self) -> usize {
        self.0
    }
    fn class_idx(&self, index: usize) -> u32 {
        self.class_indices(index).first().copied().unwrap_or(0)
    }
    fn class_indices(&self, index: usize) -> Vec<u32> {
        (0..CLASSES as u32).filter(|class| (index >> class) & 1 == 1).collect()
    }
    fn key(&self, index: usize) -> String {
        format!("marks-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let pixel = |at: usize| {
            let noise = (at.wrapping_mul(2_654_435_761).wrapping_add(index * 97) >> 7) % 90;
            (noise + if (index >> (at % 3)) & 1 == 1 { 120 } else { 0 }) as u8
        };
        RgbImage::new(34, 34, (0..34 * 34 * 3).map(pixel).collect())
    }
}

fn job(settings: &TrainSettings, dir: &std::path::Path) -> TrainJob {
    let job = common::job(settings, dir, 32, 16);
    TrainJob { task: Task::MultilabelClassification, class_counts: vec![16; CLASSES], ..job }
}

fn host(job: &TrainJob) -> TestHost {
    let recipe = BatchRecipe::new(&job.settings, &job.preprocessing).for_task(job.task);
    let options = LoaderOptions { workers: 1, cache_bytes: 1 << 24, disk_cache: None };
    let loader = Loader::new(Arc::new(Marks(job.train_len)), Some(Arc::new(Marks(job.val_len))), recipe, &options);
    TestHost::of(loader.unwrap())
}

#[test]
fn independent_marks_are_learned() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&TrainSettings { learning_rate: 0.05, ..settings(30) }, dir.path());
    let mut host = host(&job);
    let trained = run(&job, &mut host).unwrap();
    let val = trained.best.unwrap().val.unwrap();
    assert!(val.accuracy > 0.9 && val.mean_average_precision.unwrap() > 0.97, "{val:?}");
    assert!(val.micro_f1.unwrap() > 0.95 && val.macro_f1 > 0.95 && val.loss < 0.3, "{val:?}");
    let curves: Vec<String> = host.events.iter().flat_map(TrainEvent::points).map(|point| point.name).collect();
    for name in ["val/micro_f1", "val/mean_average_precision", "val/accuracy", "train/accuracy"] {
        assert!(curves.iter().any(|curve| curve == name), "{name}");
    }
}

/// Mixup, smoothing, weights, parts of a batch, an average: interrupted anywhere, the same bits.
#[test]
fn a_run_goes_on_bit_for_bit() {
    let settings = TrainSettings {
        mixup_alpha: 0.4,
        label_smoothing: 0.1,
        class_balance: ClassBalance::Weights,
        micro_batch_size: 3,
        ema_decay: 0.9,
        ..settings(3)
    };
    let train = |stop: Option<u64>| {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&settings, dir.path());
        if let Some(poll) = stop {
            let mut host = host(&job);
            host.stop_at = Some((poll, Stop::Pause));
            assert_eq!(run(&job, &mut host).unwrap().ending, Ending::Paused);
        }
        bits(&run(&job, &mut host(&job)).unwrap().weights.unwrap())
    };
    let whole = train(None);
    for poll in [1, 4, 5, 9, 14] {
        assert!(train(Some(poll)) == whole, "stopped at poll {poll}");
    }
}

#[test]
fn the_task_is_part_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let multilabel = job(&settings(1), dir.path());
    run(&multilabel, &mut host(&multilabel)).unwrap();
    let single = TrainJob { task: Task::Classification, ..multilabel };
    assert_eq!(run(&single, &mut host(&single)).err().unwrap().code(), Code::Conflict);
}

#[test]
fn what_has_no_meaning_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sampling = job(&TrainSettings { class_balance: ClassBalance::Sampling, ..settings(1) }, dir.path());
    assert!(run(&sampling, &mut host(&sampling)).err().unwrap().to_string().contains("weights"));
    // A host that gives one class an image.
    let plain = job(&settings(1), dir.path());
    let error = run(&plain, &mut TestHost::new(&plain, false)).err().unwrap();
    assert!(error.to_string().contains("every class"), "{error}");
}
