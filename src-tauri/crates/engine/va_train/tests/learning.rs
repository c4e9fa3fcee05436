//! The loop learns, tells what happens, and stops where it should.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use std::collections::HashMap;

use candle_core::Tensor;
use common::{TestHost, bits, job, run, settings, tiny};
use va_error::Code;
use va_train::{CheckpointKind, Ending, StartWeights, TrainEvent, TrainJob, train_graph};

fn small_job(epochs: u32, dir: &std::path::Path) -> TrainJob {
    job(&settings(epochs), dir, 48, 12)
}

#[test]
fn a_tiny_network_learns_colours() {
    let dir = tempfile::tempdir().unwrap();
    let job = small_job(8, dir.path());
    let mut host = TestHost::new(&job, false);
    let best = run(&job, &mut host).unwrap().best.unwrap();
    assert_eq!(best.val.unwrap().accuracy, 1.0, "{best:?}");
    let losses = host.losses();
    assert!(losses[losses.len() - 1].1 < 0.5 * losses[0].1, "{losses:?}");
}

#[test]
fn the_event_stream_tells_the_whole_story_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let job = small_job(2, dir.path());
    let mut host = TestHost::new(&job, false);
    run(&job, &mut host).unwrap();
    let story: Vec<String> = host
        .events
        .iter()
        .map(|event| match event {
            TrainEvent::RunStarted { steps_per_epoch, .. } => format!("started {steps_per_epoch}"),
            TrainEvent::WeightsLoaded { report } => format!("loaded {}", report.loaded.count),
            TrainEvent::Step { step, total_steps, .. } => format!("step {step}/{total_steps}"),
            TrainEvent::ValidationStarted { epoch, batches } => format!("validate {epoch} in {batches}"),
            TrainEvent::EpochFinished(metrics) => format!("epoch {}", metrics.epoch),
            TrainEvent::CheckpointSaved { checkpoint: CheckpointKind::Last, step, .. } => format!("last {step}"),
            TrainEvent::CheckpointSaved { .. } => "other checkpoint".to_owned(),
            TrainEvent::Note { message } => message.clone(),
            TrainEvent::Finished { .. } => "finished".to_owned(),
        })
        .filter(|line| line != "other checkpoint")
        .collect();
    let steps = |from: u32| (from..from + 6).map(|step| format!("step {step}/12")).collect::<Vec<_>>();
    let mut expected = vec!["started 6".to_owned()];
    for epoch in 1..=2 {
        expected.extend(steps(6 * (epoch - 1) + 1));
        expected.extend([format!("validate {epoch} in 2"), format!("epoch {epoch}"), format!("last {}", 6 * epoch)]);
    }
    assert_eq!(story, expected);
    let names: Vec<String> = host.events.iter().flat_map(TrainEvent::points).map(|point| point.name).collect();
    for name in
        ["train/loss", "lr", "images_per_s", "data_wait", "train/accuracy", "val/loss", "val/accuracy", "val/macro_f1"]
    {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
}

#[test]
fn a_validation_loss_that_only_rises_stops_early_with_the_best_epochs_weights() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(30);
    settings.early_stop_epochs = 2;
    let early = job(&settings, dir.path(), 48, 12);
    let mut host = TestHost::new(&early, true);
    let trained = run(&early, &mut host).unwrap();
    let best = trained.best.unwrap();
    assert_eq!(trained.ending, Ending::EarlyStopped);
    assert_eq!(trained.steps, best.step + 12, "two epochs after the best");
    assert!(host.notes().contains("stopped early"));
    let again = run(&early, &mut TestHost::new(&early, true)).unwrap();
    assert_eq!(again.ending, Ending::EarlyStopped);
    assert_eq!(bits(&again.weights.unwrap()), bits(&trained.weights.unwrap()));
}

#[test]
fn a_number_that_is_none_stops_at_that_step_and_keeps_the_last_good_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let job = small_job(3, dir.path());
    let mut host = TestHost::new(&job, false).meddling(|step, batch| {
        if step == 9 {
            batch.pixels[5] = f32::NAN;
        }
        Ok(())
    });
    let error = run(&job, &mut host).err().unwrap();
    assert_eq!(error.code(), Code::NotFinite);
    assert!(error.to_string().contains("step 9") && error.to_string().contains("colour-"), "{error}");
    let details = error.details().unwrap();
    assert_eq!(details["samples"].as_array().unwrap().len(), 1, "the one with the wrong pixel: {details}");
    assert_eq!(details["layer"], "input");
    assert_eq!(host.losses().last().unwrap().0, 8);
    let mut host = TestHost::new(&job, false);
    assert_eq!(run(&job, &mut host).unwrap().ending, Ending::Completed);
    assert_eq!(host.losses()[0].0, 7);
}

#[test]
fn weights_that_overflow_stop_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(2);
    settings.learning_rate = 10.0;
    settings.weight_decay = 10.0;
    let job = job(&settings, dir.path(), 48, 12);
    // The largest pixels there are, of either sign: sums of the first convolution overflow.
    let mut host = TestHost::new(&job, false).meddling(|_, batch| {
        for (at, value) in batch.pixels.iter_mut().enumerate() {
            *value = if (at * 7 / 3) % 5 < 2 { f32::MAX } else { f32::MIN };
        }
        Ok(())
    });
    let error = run(&job, &mut host).err().unwrap();
    assert_eq!(error.code(), Code::NotFinite);
    let details = error.details().unwrap();
    assert_eq!(details["samples"].as_array().unwrap().len(), 8);
    assert!(["conv", "bn"].contains(&details["layer"].as_str().unwrap()), "{details}");
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let weights = |seed: u64| {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(1);
        settings.seed = seed;
        let job = job(&settings, dir.path(), 16, 0);
        bits(&run(&job, &mut TestHost::new(&job, false)).unwrap().weights.unwrap())
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

#[test]
fn initial_weights_are_where_it_starts_and_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("start.safetensors");
    let mut net = va_exec::Network::new(tiny(), candle_core::DType::F32).unwrap();
    net.init(99).unwrap();
    let state: HashMap<String, Tensor> = net.state().unwrap().into_iter().collect();
    candle_core::safetensors::save(&state, &path).unwrap();
    let mut seeded = settings(1);
    seeded.seed = 99;
    let mut given = seeded.clone();
    given.seed = 99;
    let from_seed = job(&seeded, &dir.path().join("a"), 16, 0);
    let mut from_file = job(&given, &dir.path().join("b"), 16, 0);
    from_file.initial_weights = Some(StartWeights { path: path.clone(), sha256: None });
    let train = |job: &TrainJob| bits(&run(job, &mut TestHost::new(job, false)).unwrap().weights.unwrap());
    assert_eq!(train(&from_seed), train(&from_file));
    // Anew, for a run that goes on from its checkpoint does not read them.
    from_file.resume = false;

    candle_core::safetensors::save(&HashMap::from([("fc.weight", state["fc.weight"].clone())]), &path).unwrap();
    let error = run(&from_file, &mut TestHost::new(&from_file, false)).err().unwrap();
    assert!(error.chain().contains("lack `"), "{}", error.chain());
    std::fs::write(&path, b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").unwrap();
    assert_eq!(run(&from_file, &mut TestHost::new(&from_file, false)).err().unwrap().code(), Code::InvalidInput);
}

#[test]
fn what_cannot_train_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let good = small_job(1, dir.path());
    let refused = |job: TrainJob| {
        let error = train_graph(tiny(), &job, &mut TestHost::new(&good, false), "test").err().unwrap();
        assert_eq!(error.code(), Code::InvalidInput);
        error.to_string()
    };
    assert!(refused(TrainJob { train_len: 0, ..good.clone() }).contains("empty"));
    assert!(refused(TrainJob { classes: vec!["one".to_owned()], ..good.clone() }).contains("two classes"));
    let mut settings = good.settings.clone();
    settings.image_size_px = 64;
    assert!(refused(TrainJob { settings, ..good.clone() }).contains("32 px"));
    let mut settings = good.settings.clone();
    settings.learning_rate = f64::NAN;
    assert!(refused(TrainJob { settings, ..good.clone() }).contains("learning rate"));
}
