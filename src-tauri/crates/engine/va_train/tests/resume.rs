//! A run that was stopped, cut off or damaged goes on to the same weights, bit for bit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

#[path = "common/checkpoints.rs"]
mod checkpoints;
mod common;

use common::{TestHost, bits, job, power_cut, run, settings, tiny};
use va_domain::TrainSettings;
use va_error::Code;
use va_exec::NamedTensors;
use va_graph::{Conv2d, GraphBuilder};
use va_train::{Ending, StartWeights, Stop, TrainEvent, train_graph};

fn uninterrupted(epochs: u32) -> (NamedTensors, u64) {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(epochs), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false);
    let trained = run(&job, &mut host).unwrap();
    assert_eq!((trained.ending, trained.steps), (Ending::Completed, u64::from(epochs) * 3));
    (trained.weights.unwrap(), host.polls)
}

#[test]
fn a_run_paused_at_any_poll_goes_on_bit_for_bit() {
    let (expected, polls) = uninterrupted(4);
    assert_eq!(polls, 4 * (3 + 2));
    for poll in 0..polls {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&settings(4), dir.path(), 26, 9);
        let mut host = TestHost::new(&job, false);
        host.stop_at = Some((poll, if poll % 2 == 0 { Stop::Pause } else { Stop::Cancel }));
        let stopped = run(&job, &mut host).unwrap();
        assert!(stopped.weights.is_none() && stopped.ending != Ending::Completed, "{poll}");
        let mut host = TestHost::new(&job, false);
        let resumed = run(&job, &mut host).unwrap();
        assert_eq!(bits(&resumed.weights.unwrap()), bits(&expected), "stopped at poll {poll}");
        let TrainEvent::RunStarted { done_steps, .. } = &host.events[0] else { panic!("{:?}", host.events[0]) };
        assert_eq!(*done_steps, stopped.steps);
    }
}

#[test]
fn two_epochs_a_power_cut_and_two_more_equal_four() {
    let (expected, _) = uninterrupted(4);
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(4), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false).meddling(|step, _| if step == 8 { Err(power_cut()) } else { Ok(()) });
    assert!(run(&job, &mut host).err().unwrap().to_string().contains("power cut"));
    let mut host = TestHost::new(&job, false);
    let resumed = run(&job, &mut host).unwrap();
    assert_eq!(host.losses()[0].0, 7, "the second epoch's checkpoint is where it goes on");
    assert_eq!(bits(&resumed.weights.unwrap()), bits(&expected));
}

/// A network that has none has no memory for them either.
#[test]
fn a_run_with_an_average_and_no_running_statistics_goes_on_bit_for_bit() {
    let (mut b, x) = GraphBuilder::new("plain", &[32, 32, 3]).unwrap();
    let x = b.conv2d("conv", x, Conv2d::new(6, 3).stride(2).padding(1).bias(true)).unwrap();
    let x = b.relu("act", x).unwrap();
    let x = b.global_avg_pool("pool", x).unwrap();
    let x = b.linear("fc", x, 3, true).unwrap();
    let graph = b.finish(x).unwrap();
    let settings = TrainSettings { ema_decay: 0.9, ..settings(3) };
    let whole = tempfile::tempdir().unwrap();
    let whole = job(&settings, whole.path(), 26, 9);
    let expected = train_graph(graph.clone(), &whole, &mut TestHost::new(&whole, false), "test").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let cut = job(&settings, dir.path(), 26, 9);
    let mut host = TestHost::new(&cut, false);
    host.stop_at = Some((7, Stop::Pause));
    assert!(train_graph(graph.clone(), &cut, &mut host, "test").unwrap().weights.is_none());
    let resumed = train_graph(graph, &cut, &mut TestHost::new(&cut, false), "test").unwrap();
    assert_eq!(bits(&resumed.weights.unwrap()), bits(&expected.weights.unwrap()));
}

#[test]
fn a_finished_run_that_is_resumed_gives_its_model_again() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(2), dir.path(), 26, 9);
    let first = run(&job, &mut TestHost::new(&job, false)).unwrap();
    let mut host = TestHost::new(&job, false);
    let again = run(&job, &mut host).unwrap();
    assert_eq!(bits(&again.weights.unwrap()), bits(&first.weights.unwrap()));
    assert!(host.losses().is_empty());
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_named() {
    let (expected, _) = uninterrupted(4);
    for damage in [truncate, garble, empty_manifest] {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&settings(4), dir.path(), 26, 9);
        let mut host = TestHost::new(&job, false).meddling(|step, _| if step == 9 { Err(power_cut()) } else { Ok(()) });
        run(&job, &mut host).err().unwrap();
        damage(dir.path());
        let mut host = TestHost::new(&job, false);
        let resumed = run(&job, &mut host).unwrap();
        assert!(host.notes().contains("passed over"), "{}", host.notes());
        assert_eq!(bits(&resumed.weights.unwrap()), bits(&expected));
    }
}

#[test]
fn with_no_good_checkpoint_left_the_error_says_so_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = job(&settings(2), dir.path(), 26, 9);
    run(&job, &mut TestHost::new(&job, false)).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            std::fs::write(path, b"not a checkpoint").unwrap();
        }
    }
    let error = run(&job, &mut TestHost::new(&job, false)).err().unwrap();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.to_string().contains("start it anew"), "{error}");
    job.resume = false;
    assert_eq!(run(&job, &mut TestHost::new(&job, false)).unwrap().ending, Ending::Completed);
}

#[test]
fn checkpoints_of_another_run_are_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let first = job(&settings(2), dir.path(), 26, 9);
    run(&first, &mut TestHost::new(&first, false)).unwrap();
    let mut other = settings(2);
    other.learning_rate = 0.01;
    let other = job(&other, dir.path(), 26, 9);
    let error = run(&other, &mut TestHost::new(&other, false)).err().unwrap();
    assert_eq!(error.code(), Code::Conflict);
}

#[test]
fn a_checkpoint_of_another_engine_goes_on_and_says_that_it_is_not_bit_exact() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(3), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false);
    host.stop_at = Some((7, Stop::Pause));
    train_graph(tiny(), &job, &mut host, "engine 1").unwrap();
    let mut host = TestHost::new(&job, false);
    let trained = train_graph(tiny(), &job, &mut host, "engine 2").unwrap();
    assert_eq!(trained.ending, Ending::Completed);
    assert!(host.notes().contains("not be bit-exact"), "{}", host.notes());
}

#[test]
fn a_checkpoint_of_another_machine_goes_on_and_says_what_differs() {
    for (part, before, said) in [
        ("threads", serde_json::json!(1000), "threads: 1000 then"),
        ("instruction_set", serde_json::json!("x86_64 sse41"), "instructions: x86_64 sse41 then"),
        ("backend", serde_json::json!("abacus"), "kernels: abacus then"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&settings(3), dir.path(), 26, 9);
        let mut host = TestHost::new(&job, false);
        host.stop_at = Some((7, Stop::Pause));
        run(&job, &mut host).unwrap();
        checkpoints::edit_metadata(dir.path(), "identity", |identity| identity["machine"][part] = before.clone());
        let mut host = TestHost::new(&job, false);
        assert_eq!(run(&job, &mut host).unwrap().ending, Ending::Completed);
        let silent = part == "threads" && !va_exec::Backend::ALL.contains(&va_exec::Backend::OneDnn);
        assert_eq!(host.notes().contains(said), !silent, "{part}: {}", host.notes());
        assert_eq!(host.notes().contains("not be bit-exact"), !silent);
    }
}

#[test]
fn the_same_machine_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(3), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false);
    host.stop_at = Some((7, Stop::Pause));
    run(&job, &mut host).unwrap();
    let mut host = TestHost::new(&job, false);
    run(&job, &mut host).unwrap();
    assert_eq!(host.notes(), "");
}

#[test]
fn a_resnet_resumes_bit_for_bit() {
    let mut settings = settings(4);
    settings.arch = "resnet18".to_owned();
    let mut weights = Vec::new();
    for stop in [None, Some((4, Stop::Pause))] {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&settings, dir.path(), 16, 3);
        if stop.is_some() {
            let mut host = TestHost::new(&job, false);
            host.stop_at = stop;
            assert_eq!(va_train::train(&job, &mut host, "test").unwrap().ending, Ending::Paused);
        }
        let trained = va_train::train(&job, &mut TestHost::new(&job, false), "test").unwrap();
        weights.push(bits(&trained.weights.unwrap()));
    }
    assert!(weights[0] == weights[1], "the resumed weights differ");
}

fn truncate(dir: &std::path::Path) {
    let path = checkpoints::state_of(dir, "last");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn garble(dir: &std::path::Path) {
    let path = checkpoints::state_of(dir, "last");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 100;
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

fn empty_manifest(dir: &std::path::Path) {
    std::fs::write(dir.join("last.json"), b"").unwrap();
    std::fs::write(dir.join("best.json"), b"{\"version\":1").unwrap();
}

#[test]
fn a_run_from_weights_goes_on_without_them_and_still_knows_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("start.safetensors");
    let mut net = va_exec::Network::new(tiny(), candle_core::DType::F32).unwrap();
    net.init(99).unwrap();
    let state = net.state().unwrap();
    let count = state.len() as u64;
    candle_core::safetensors::save(&state.into_iter().collect(), &path).unwrap();
    let run_in = |folder: &str| {
        let mut job = job(&settings(2), &dir.path().join(folder), 26, 9);
        job.settings.ema_decay = 0.9;
        job.initial_weights = Some(StartWeights { path: path.clone(), sha256: None });
        job
    };
    let straight = run_in("straight");
    let mut host = TestHost::new(&straight, false);
    let expected = run(&straight, &mut host).unwrap();
    let TrainEvent::WeightsLoaded { report } = &host.events[0] else { panic!("{:?}", host.events[0]) };
    assert_eq!((report.loaded.count, report.new.count), (count, 0));

    let halved = run_in("halved");
    let mut host = TestHost::new(&halved, false);
    host.stop_at = Some((2, Stop::Pause));
    assert_eq!(run(&halved, &mut host).unwrap().ending, Ending::Paused);
    std::fs::remove_file(&path).unwrap();
    let mut host = TestHost::new(&halved, false);
    let resumed = run(&halved, &mut host).unwrap();
    assert!(!host.events.iter().any(|event| matches!(event, TrainEvent::WeightsLoaded { .. })));
    assert_eq!(bits(&resumed.weights.unwrap()), bits(&expected.weights.unwrap()));
    assert_eq!(resumed.initial_weights.as_ref(), Some(report));

    // Without a checkpoint there is nothing to go on from but the file.
    let error = run(&run_in("anew"), &mut TestHost::new(&straight, false)).err().unwrap();
    assert!(error.code() == Code::NotFound && error.chain().contains("start.safetensors"), "{error}");
}
