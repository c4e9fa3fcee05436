//! Checkpoints that lie with an honest hash, batches and splits that are not what they should be, a machine with one
//! core: a clear error or a run that goes on, never a panic or a large allocation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

#[path = "common/checkpoints.rs"]
mod checkpoints;
mod common;

use std::path::Path;
use std::process::Command;

use common::{TestHost, bits, job, run, settings};
use serde_json::{Value, json};
use va_error::{Code, Error};
use va_train::{Ending, Stop};

/// A run of two epochs that ended, its checkpoints changed.
fn resumed(change: impl Fn(&Path)) -> Error {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(2), dir.path(), 26, 9);
    run(&job, &mut TestHost::new(&job, false)).unwrap();
    change(dir.path());
    let before = files(dir.path());
    let error = run(&job, &mut TestHost::new(&job, false)).err().expect("it must be refused");
    assert_eq!(files(dir.path()), before, "nothing was changed");
    error
}

fn files(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    let mut files: Vec<_> = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn files_that_were_cut_are_refused() {
    for keep in [0, 7, 9, 200] {
        let error = resumed(|dir| checkpoints::edit(dir, |bytes| bytes[..keep.min(bytes.len())].to_vec()));
        assert_eq!(error.code(), Code::InvalidInput, "{keep}: {error}");
        assert!(error.to_string().contains("start it anew"), "{error}");
    }
    let error = resumed(|dir| checkpoints::edit(dir, |bytes| bytes[..bytes.len() - 4].to_vec()));
    assert_eq!(error.code(), Code::InvalidInput);
}

#[test]
fn tensors_of_other_names_are_refused() {
    for name in ["params", "moments", "buffers"] {
        let error = resumed(|dir| {
            checkpoints::edit_header(dir, |header| {
                let tensor = header.as_object_mut().unwrap().remove(name).unwrap();
                header[format!("{name}.weight")] = tensor;
            });
        });
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(error.to_string().contains(&format!("lacks {name}")), "{error}");
    }
}

#[test]
fn tensors_of_other_shapes_are_refused() {
    for name in ["params", "moments", "buffers"] {
        let error = resumed(|dir| {
            checkpoints::edit_header(dir, |header| {
                let shape = header[name]["shape"].as_array().unwrap().clone();
                header[name]["shape"] = [vec![json!(1)], shape].concat().into();
            });
        });
        assert_eq!(error.code(), Code::InvalidInput, "{name}: {error}");
        assert!(error.chain().contains("network"), "{name}: {}", error.chain());
    }
}

#[test]
fn a_tensor_that_claims_a_million_million_numbers_is_refused_without_making_it() {
    let claim = |end: u64| {
        move |header: &mut Value| {
            header["params"]["shape"] = json!([1_000_000_000_000_u64]);
            if end > 0 {
                header["params"]["data_offsets"] = json!([0, end]);
            }
        }
    };
    for end in [0, 4_000_000_000_000] {
        let error = resumed(|dir| checkpoints::edit_header(dir, claim(end)));
        assert_eq!(error.code(), Code::InvalidInput, "{error}");
    }
    let error = resumed(|dir| {
        checkpoints::edit(dir, |bytes| [&u64::MAX.to_le_bytes()[..], &bytes[8..]].concat());
    });
    assert_eq!(error.code(), Code::InvalidInput);
}

#[test]
fn a_checkpoint_from_the_future_is_refused_and_kept() {
    let error = resumed(|dir| checkpoints::edit_header(dir, |header| header["__metadata__"]["version"] = "2".into()));
    assert!(error.to_string().contains("newer version"), "{error}");
}

/// The host's mistake: an image of another size in the batch.
#[test]
fn a_batch_of_mixed_sizes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(1), dir.path(), 26, 9);
    let mut host = TestHost::new(&job, false).meddling(|step, batch| {
        if step == 2 {
            batch.pixels.truncate(batch.pixels.len() - 3 * 32);
        }
        Ok(())
    });
    let error = run(&job, &mut host).err().unwrap();
    assert!(error.to_string().contains("8 images of 32×32 pixels"), "{error}");
}

/// Images of any sizes become one; a class that validation never shows counts nowhere.
#[test]
fn a_class_that_validation_never_sees_breaks_no_metric() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&settings(2), dir.path(), 26, 1);
    let trained = run(&job, &mut TestHost::new(&job, false)).unwrap();
    let val = trained.best.unwrap().val.unwrap();
    for value in [val.loss, val.accuracy, val.macro_f1] {
        assert!(value.is_finite() && value >= 0.0, "{val:?}");
    }
}

const ONE_CORE: &str = "VISAION_TEST_ONE_CORE";

/// The other side of the test below: with one thread, in a process of its own.
#[test]
fn child_on_one_core() {
    let Some(dir) = std::env::var_os(ONE_CORE) else { return };
    assert_eq!(va_exec::thread_count(), 1);
    let whole = job(&settings(3), &Path::new(&dir).join("whole"), 26, 9);
    let straight = run(&whole, &mut TestHost::new(&whole, false)).unwrap();
    let stopped = job(&settings(3), &Path::new(&dir).join("stopped"), 26, 9);
    let mut host = TestHost::new(&stopped, false);
    host.stop_at = Some((7, Stop::Pause));
    assert_eq!(run(&stopped, &mut host).unwrap().ending, Ending::Paused);
    // Here it goes on bit for bit.
    let copy = job(&settings(3), &Path::new(&dir).join("copy"), 26, 9);
    std::fs::create_dir(&copy.checkpoint_dir).unwrap();
    for (name, bytes) in files(&stopped.checkpoint_dir) {
        std::fs::write(copy.checkpoint_dir.join(name), bytes).unwrap();
    }
    let mut host = TestHost::new(&copy, false);
    let resumed = run(&copy, &mut host).unwrap();
    assert_eq!(host.notes(), "");
    assert!(bits(&resumed.weights.unwrap()) == bits(&straight.weights.unwrap()));
}

#[test]
fn a_machine_with_one_core_trains_and_more_cores_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_on_one_core"])
        .env(ONE_CORE, dir.path())
        .env("OMP_NUM_THREADS", "1")
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let job = job(&settings(3), &dir.path().join("stopped"), 26, 9);
    let mut host = TestHost::new(&job, false);
    assert_eq!(run(&job, &mut host).unwrap().ending, Ending::Completed);
    let matters = va_exec::Backend::default() == va_exec::Backend::OneDnn && va_exec::thread_count() > 1;
    assert_eq!(host.notes().contains("threads: 1 then"), matters, "{}", host.notes());
}
