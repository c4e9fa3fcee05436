//! The GPU pack from the network: only when agreed to, checked, and gone on with after whatever happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use va_app::{App, OpenOptions, gpu_pack, jobs};
use va_domain::{GpuPack, GpuPackState, JobState};
use va_engine::CpuEngine;
use va_error::Code;

use crate::fixture::{finish, owner, result};
use crate::gpu_pack::{Scene, names, packs, state};
use crate::gpu_pack_scene::{VERSION, manifest, write_manifest};
use crate::server::Behaviour;

#[test]
fn a_download_needs_consent_and_goes_on_after_a_cut_connection() {
    let scene = Scene::new(60_000);
    let (cut, honest) = ([Behaviour::Cut(50_000), Behaviour::Honest], [Behaviour::Honest]);
    let servers = scene.serve(&[&honest, &cut, &honest]);
    let app = scene.open();
    let error = gpu_pack::download(&app, &owner(), false).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(error.details().unwrap()["licences"][0], "Test licence (proprietary)");
    assert!(servers.iter().all(|server| server.requests().is_empty()), "nothing is asked before");

    let job = finish(&app, &gpu_pack::download(&app, &owner(), true).unwrap());
    assert_eq!(result::<GpuPack>(&job).state, GpuPackState::Installed);
    assert_eq!(servers[1].requests()[1].range.as_deref(), Some("bytes=50000-"));
    scene.assert_whole();
    assert!(!scene.pack().join("download").exists(), "the wheels are not kept");
    assert_eq!(gpu_pack::download(&app, &owner(), true).unwrap_err().code(), Code::Conflict);
    app.close().unwrap();
}

#[test]
fn a_cancelled_download_keeps_what_came() {
    let scene = Scene::new(60_000);
    let (stalled, honest) = ([Behaviour::Stall(70_000), Behaviour::Honest], [Behaviour::Honest]);
    let servers = scene.serve(&[&honest, &stalled, &honest]);
    let app = scene.open();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    assert_eq!(gpu_pack::get(&app).unwrap().job_id, Some(job.id));
    assert_eq!(gpu_pack::remove(&app, &owner()).unwrap_err().code(), Code::Conflict);
    assert_eq!(gpu_pack::download(&app, &owner(), true).unwrap_err().code(), Code::Conflict, "one at a time");
    let part = scene.pack().join("download").join(format!("{}.part", scene.wheels[1].file));
    let begun = Instant::now();
    while std::fs::metadata(&part).map_or(0, |file| file.len()) < 70_000 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    jobs::cancel(&app, &owner(), job.id).unwrap();
    assert_eq!(jobs::wait(&app, job.id, |_| {}).unwrap().state, JobState::Cancelled);
    let pack = gpu_pack::get(&app).unwrap();
    let there = scene.wheels[0].bytes.len() as u64 + 70_000;
    assert_eq!((pack.state, pack.downloaded_bytes), (GpuPackState::PartlyDownloaded, there));

    finish(&app, &gpu_pack::download(&app, &owner(), true).unwrap());
    assert_eq!(
        (servers[0].requests().len(), servers[1].requests().len()),
        (1, 2),
        "what was whole is not fetched again"
    );
    scene.assert_whole();
    app.close().unwrap();
}

#[test]
fn a_wrong_hash_or_other_terms_install_nothing() {
    let scene = Scene::new(20_000);
    let mut other = scene.wheels[1].bytes.clone();
    other[500] ^= 1;
    let (honest, lies) = ([Behaviour::Honest], [Behaviour::Other(other)]);
    let servers = scene.serve(&[&honest, &lies, &honest]);
    let app = scene.open();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
    assert!(failed.error.unwrap().contains("expected are"));
    assert_eq!(state(&app), GpuPackState::PartlyDownloaded, "the first wheel is right");
    assert!(servers[2].requests().is_empty());
    assert!(!names(&scene.pack()).iter().any(|name| name.starts_with(VERSION)), "nothing was unpacked");
    gpu_pack::remove(&app, &owner()).unwrap();
    assert_eq!(state(&app), GpuPackState::NotInstalled);
    app.close().unwrap();

    // Agreed to, and changed before the job ran.
    let queued = App::open_with_parts(
        &scene.path("library"),
        OpenOptions { create: true, run_jobs: false },
        Arc::new(CpuEngine::new()),
        packs(scene.dir.path()),
    );
    let app = queued.unwrap();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    app.close().unwrap();
    let mut changed = manifest(&scene.wheels, |at| servers[at].url("/x"));
    changed["packages"][0]["licence"] = "Another".into();
    write_manifest(&scene.pack(), &changed);
    let app = scene.open();
    assert!(jobs::wait(&app, job.id, |_| {}).unwrap().error.unwrap().contains("since you agreed"));
    app.close().unwrap();
}
