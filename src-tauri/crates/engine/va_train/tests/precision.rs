//! Training in bf16: it learns, goes on bit for bit, and what it is judged and kept by is f32.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::DType;
use common::{TestHost, bits, job, run, settings};
use va_domain::{Precision, TrainSettings};
use va_error::Code;
use va_train::{Ending, Stop, TrainEvent};

fn bf16(epochs: u32) -> TrainSettings {
    TrainSettings { precision: Precision::Bf16, ..settings(epochs) }
}

#[test]
fn a_bf16_run_learns_and_leaves_f32_weights() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&bf16(8), dir.path(), 48, 12);
    let mut host = TestHost::new(&job, false);
    let trained = run(&job, &mut host).unwrap();
    assert_eq!(trained.best.unwrap().val.unwrap().accuracy, 1.0);
    let losses = host.losses();
    assert!(losses[losses.len() - 1].1 < 0.5 * losses[0].1, "{losses:?}");
    assert!(trained.weights.unwrap().values().all(|tensor| tensor.dtype() == DType::F32));
}

#[test]
fn a_stopped_bf16_run_goes_on_bit_for_bit() {
    let train = |stop_at: Option<(u64, Stop)>| {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&bf16(3), dir.path(), 26, 9);
        let mut host = TestHost::new(&job, false);
        host.stop_at = stop_at;
        let trained = run(&job, &mut host).unwrap();
        match trained.weights {
            Some(weights) => bits(&weights),
            None => bits(&run(&job, &mut TestHost::new(&job, false)).unwrap().weights.unwrap()),
        }
    };
    let whole = train(None);
    for poll in [4, 6, 8] {
        assert!(train(Some((poll, Stop::Pause))) == whole, "stopped at poll {poll}");
    }
    let dir = tempfile::tempdir().unwrap();
    let f32 = job(&settings(3), dir.path(), 26, 9);
    assert!(bits(&run(&f32, &mut TestHost::new(&f32, false)).unwrap().weights.unwrap()) != whole);
}

/// The loss that validation tells is that of the f32 network with these weights, to the last bit.
#[test]
fn validation_is_in_f32() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&bf16(1), dir.path(), 26, 8);
    let mut host = TestHost::new(&job, false);
    let trained = run(&job, &mut host).unwrap();
    let told = trained.best.unwrap().val.unwrap().loss;

    let mut net = va_exec::Network::new(common::tiny(), DType::F32).unwrap();
    net.load_state(&trained.weights.unwrap()).unwrap().ensure_complete().unwrap();
    let (logits, classes) = common::validation_logits(&job, &mut net);
    let expected = va_exec::CrossEntropy::default().loss_and_grad(&logits, &classes).unwrap().loss;
    assert_eq!(told.to_bits(), expected.to_bits(), "{told} {expected}");
}

#[test]
fn a_run_does_not_change_its_precision_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let first = job(&settings(2), dir.path(), 26, 9);
    let mut host = TestHost::new(&first, false);
    host.stop_at = Some((4, Stop::Pause));
    assert_eq!(run(&first, &mut host).unwrap().ending, Ending::Paused);
    let other = job(&bf16(2), dir.path(), 26, 9);
    assert_eq!(run(&other, &mut TestHost::new(&other, false)).err().unwrap().code(), Code::Conflict);
}

#[test]
fn a_number_that_is_none_is_found_in_bf16_too() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&bf16(2), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false).meddling(|step, batch| {
        if step == 2 {
            batch.pixels[5] = f32::NAN;
        }
        Ok(())
    });
    let error = run(&job, &mut host).err().unwrap();
    assert_eq!((error.code(), error.details().unwrap()["layer"].as_str()), (Code::NotFinite, Some("input")));
    assert!(host.events.iter().any(|event| matches!(event, TrainEvent::Step { step: 1, .. })));
}
