//! Every option on: a run stays a function of its settings, whatever interrupts it, and each option does what it says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::Tensor;
use common::{CLASSES, TestHost, bits, job, run, settings};
use va_domain::{Augmentation, Change, ClassBalance, Optimiser, Precision, ScheduleKind, TrainSettings};
use va_exec::NamedTensors;
use va_graph::{Conv2d, Graph, GraphBuilder};
use va_train::{Ending, Stop, TrainEvent, TrainJob, Trained, train_graph};

fn augmentation() -> Augmentation {
    let often = |strength| Change { strength, probability: 0.7 };
    Augmentation {
        rotation: often(20.0),
        scaling: often(0.2),
        brightness: often(0.3),
        hue: often(30.0),
        noise: often(8.0),
        blur: often(1.0),
        cutout: often(0.3),
        ..Augmentation::default()
    }
}

/// Everything on, with this optimiser, schedule and balance.
fn everything(optimiser: Optimiser, schedule: ScheduleKind, class_balance: ClassBalance) -> TrainSettings {
    TrainSettings {
        optimiser,
        schedule,
        class_balance,
        micro_batch_size: 3,
        decay_epochs: 1,
        decay_factor: 0.5,
        backbone_rate_factor: 0.5,
        freeze_backbone_epochs: 1,
        ema_decay: 0.9,
        label_smoothing: 0.1,
        mixup_alpha: 0.4,
        early_stop_epochs: 9,
        augmentation: augmentation(),
        ..settings(4)
    }
}

fn counted(settings: &TrainSettings, dir: &std::path::Path) -> TrainJob {
    job(settings, dir, 26, 9)
}

fn train(settings: &TrainSettings, stop_at: Option<(u64, Stop)>) -> Trained {
    let dir = tempfile::tempdir().unwrap();
    let job = counted(settings, dir.path());
    let mut host = TestHost::new(&job, false);
    host.stop_at = stop_at;
    let trained = run(&job, &mut host).unwrap();
    if stop_at.is_none() {
        return trained;
    }
    assert!(trained.weights.is_none());
    run(&job, &mut TestHost::new(&job, false)).unwrap()
}

#[test]
fn with_every_option_on_a_stopped_run_goes_on_bit_for_bit() {
    for settings in [
        everything(Optimiser::AdamW, ScheduleKind::Cosine, ClassBalance::Weights),
        everything(Optimiser::Sgd, ScheduleKind::Plateau, ClassBalance::Sampling),
        everything(Optimiser::Sgd, ScheduleKind::OneCycle, ClassBalance::Weights),
        everything(Optimiser::AdamW, ScheduleKind::Step, ClassBalance::Sampling),
    ] {
        let whole = bits(&train(&settings, None).weights.unwrap());
        // An epoch is three steps and two validation batches: after two epochs, inside a step, inside a validation.
        for poll in [10, 7, 13] {
            let resumed = train(&settings, Some((poll, Stop::Pause)));
            assert_eq!(resumed.ending, Ending::Completed);
            assert!(bits(&resumed.weights.unwrap()) == whole, "{:?} stopped at poll {poll}", settings.schedule);
        }
    }
}

#[test]
fn every_option_changes_the_result() {
    let plain = bits(&train(&settings(2), None).weights.unwrap());
    // Balanced sampling is not among them: these classes are as even as they can be (see the loader's own tests).
    let changes: [fn(&mut TrainSettings); 10] = [
        |s| s.optimiser = Optimiser::Sgd,
        |s| s.schedule = ScheduleKind::OneCycle,
        |s| (s.schedule, s.decay_epochs) = (ScheduleKind::Step, 1),
        |s| s.backbone_rate_factor = 0.1,
        |s| s.freeze_backbone_epochs = 1,
        |s| s.ema_decay = 0.9,
        |s| s.label_smoothing = 0.1,
        |s| s.mixup_alpha = 0.4,
        |s| s.class_balance = ClassBalance::Weights,
        |s| s.augmentation = augmentation(),
    ];
    let mut seen = vec![plain];
    for (number, change) in changes.into_iter().enumerate() {
        let mut settings = settings(2);
        change(&mut settings);
        let weights = bits(&train(&settings, None).weights.unwrap());
        assert!(!seen.contains(&weights), "change {number} changes nothing of its own");
        seen.push(weights);
    }
}

/// No batch norm: what a sample does to the gradient does not depend on its neighbours.
fn without_batch_norm() -> Graph {
    let (mut b, x) = GraphBuilder::new("plain", &[32, 32, 3]).unwrap();
    let x = b.conv2d("conv", x, Conv2d::new(8, 3).stride(4).padding(1)).unwrap();
    let x = b.relu("act", x).unwrap();
    let x = b.global_avg_pool("pool", x).unwrap();
    let x = b.linear("fc", x, CLASSES, true).unwrap();
    b.finish(x).unwrap()
}

fn flat(weights: &NamedTensors) -> Vec<f32> {
    weights.values().flat_map(|t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
}

#[test]
fn micro_batches_add_up_to_the_batch() {
    let weights = |micro_batch_size| {
        let dir = tempfile::tempdir().unwrap();
        let settings = TrainSettings {
            micro_batch_size,
            class_balance: ClassBalance::Weights,
            mixup_alpha: 0.3,
            optimiser: Optimiser::Sgd,
            clip_norm: 0.0,
            ..settings(2)
        };
        let job = counted(&settings, dir.path());
        let trained = train_graph(without_batch_norm(), &job, &mut TestHost::new(&job, false), "test").unwrap();
        flat(&trained.weights.unwrap())
    };
    let whole = weights(0);
    for micro in [1, 3, 4] {
        let worst = whole.iter().zip(weights(micro)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "micro-batches of {micro} differ by {worst}");
    }
}

#[test]
fn recomputing_activations_changes_no_bit() {
    for precision in [Precision::F32, Precision::Bf16] {
        let kept = TrainSettings { arch: "resnet18".to_owned(), precision, ..settings(1) };
        let dropped = TrainSettings { activation_checkpointing: true, ..kept.clone() };
        let weights = |settings: &TrainSettings| {
            let dir = tempfile::tempdir().unwrap();
            let job = job(settings, dir.path(), 16, 3);
            bits(&va_train::train(&job, &mut TestHost::new(&job, false), "test").unwrap().weights.unwrap())
        };
        assert!(weights(&kept) == weights(&dropped), "{precision:?}");
    }
}

#[test]
fn a_frozen_backbone_keeps_its_weights_until_it_is_freed() {
    let start = |settings: &TrainSettings| {
        let mut net = va_exec::Network::new(common::tiny(), candle_core::DType::F32).unwrap();
        net.init(settings.seed).unwrap();
        net.state().unwrap()
    };
    let frozen = TrainSettings { freeze_backbone_epochs: 2, ..settings(2) };
    let (before, after) = (bits(&start(&frozen)), bits(&train(&frozen, None).weights.unwrap()));
    for ((name, old), (_, new)) in before.iter().zip(&after) {
        let statistic = name.contains("running");
        assert_eq!(old != new, name.starts_with("fc.") || statistic, "{name}");
    }
    let freed = TrainSettings { freeze_backbone_epochs: 1, ..settings(2) };
    assert_ne!(bits(&train(&freed, None).weights.unwrap())[4], before[4]);
}

#[test]
fn memory_that_is_short_makes_smaller_micro_batches_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = counted(&settings(1), dir.path());
    job.micro_batch_limit = Some(3);
    let mut host = TestHost::new(&job, false);
    run(&job, &mut host).unwrap();
    assert!(host.notes().contains("does not fit in memory: 3 samples"), "{}", host.notes());
    let started = host.events.iter().find_map(|event| match event {
        TrainEvent::RunStarted { micro_batch_size, .. } => Some(*micro_batch_size),
        _ => None,
    });
    assert_eq!(started, Some(3));
}

#[test]
fn a_plateau_lowers_the_rate_and_says_when() {
    let dir = tempfile::tempdir().unwrap();
    let settings = TrainSettings {
        schedule: ScheduleKind::Plateau,
        decay_epochs: 1,
        decay_factor: 0.5,
        warmup_epochs: 0.0,
        ..settings(4)
    };
    let job = counted(&settings, dir.path());
    // Validation on wrong classes only gets worse.
    let mut host = TestHost::new(&job, true);
    run(&job, &mut host).unwrap();
    let rates: Vec<f64> = host
        .events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Step { learning_rate, .. } => Some(*learning_rate),
            _ => None,
        })
        .collect();
    assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]) && rates[11] < 0.6 * rates[0], "{rates:?}");
    assert!(host.notes().contains("multiplied by 0.5"), "{}", host.notes());
}

#[test]
fn class_weights_need_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = counted(&TrainSettings { class_balance: ClassBalance::Weights, ..settings(1) }, dir.path());
    job.class_counts = vec![9, 9];
    assert!(run(&job, &mut TestHost::new(&job, false)).err().unwrap().to_string().contains("class weights need"));
}
