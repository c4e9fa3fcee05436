//! Installs of a GPU pack that are killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use va_app::gpu_pack::{self, InstallRequest};
use va_app::{App, jobs};
use va_domain::{GpuPackState, Job, JobState};
use va_engine::CpuEngine;
use va_engine::gpu::Places;

use crate::fixture::owner;
use crate::gpu_pack::{Scene, names, open_at, packs, state, verify};
use crate::gpu_pack_scene::{VERSION, write_wheels};

const FOLDER: &str = "VISAION_TEST_FOLDER";

/// Killed wherever it may be: either nothing is installed, or a whole pack is; and in the end it is installed.
#[test]
fn kills_leave_no_half_pack() {
    let scene = Scene::new(1_500_000);
    let from = write_wheels(&scene.path("wheels"), &scene.wheels);
    let (mut killed, mut delay) = (0, Duration::from_millis(5));
    loop {
        let mut child = child(scene.dir.path(), &from);
        let begun = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                None if begun.elapsed() < delay => std::thread::sleep(Duration::from_millis(2)),
                ended => break ended,
            }
        };
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        delay += Duration::from_millis(6);
        let looked_into = Places::usual(None, &packs(scene.dir.path())).libraries;
        if looked_into.iter().any(|place| place.root.starts_with(scene.pack())) {
            scene.assert_whole();
        }
        assert!(killed < 200);
    }
    assert!(killed > 2, "{killed}");
    scene.assert_whole();
    let app = scene.open();
    // Killed between the last file and its own end, a job goes on once more.
    if let Some(job) = gpu_pack::get(&app).unwrap().job_id {
        end(&app, &jobs::get(&app, job).unwrap());
    }
    assert_eq!(verify(&app).state, JobState::Succeeded);
    assert_eq!(names(&scene.pack()).iter().filter(|name| name.starts_with(VERSION)).count(), 1, "no leftovers");
    app.close().unwrap();
}

fn child(root: &Path, from: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "gpu_pack_kill::child_installs", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, root)
        .env("VISAION_TEST_FROM", from)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the killed process does. A job that was interrupted goes on at the next start by itself.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_installs() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let app = open_at(Path::new(&folder), Arc::new(CpuEngine::new()));
    let from = PathBuf::from(std::env::var_os("VISAION_TEST_FROM").unwrap());
    while state(&app) != GpuPackState::Installed {
        let job = match gpu_pack::get(&app).unwrap().job_id {
            Some(job) => jobs::get(&app, job).unwrap(),
            None => {
                let request = InstallRequest { path: Some(from.clone()), upload_id: None };
                gpu_pack::install(&app, &owner(), &request).unwrap()
            }
        };
        end(&app, &job);
    }
    app.close().unwrap();
}

fn end(app: &App, job: &Job) {
    // Three kills at one place leave it to a person.
    if job.state == JobState::Interrupted {
        jobs::resume(app, &owner(), job.id).unwrap();
    }
    jobs::wait(app, job.id, |_| {}).unwrap();
}
