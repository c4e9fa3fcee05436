//! Weights from the network: only when agreed to, checked, and gone on with after whatever happened.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use va_app::weights::{self, DownloadRequest, WeightsInstalled};
use va_app::{App, jobs};
use va_domain::{Job, JobId, JobState, Weights, WeightsState};
use va_error::Code;

use crate::fixture::{finish, open, owner, result};
use crate::server::{Behaviour, Server};
use crate::weights::{ARCH, weight_file};

const NAME: &str = "lab.small";
const LIBRARY: &str = "VISAION_TEST_LIBRARY";
const JOB: &str = "VISAION_TEST_JOB";

struct Scene {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(weight_file(dir.path(), "w.safetensors", 1000, 7)).unwrap();
        Self { dir, bytes }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("library")
    }

    /// A library whose own catalogue names the server; `more` goes into the entry.
    fn library(&self, server: &Server, more: &Value, run_jobs: bool) -> App {
        let app = open(&self.folder(), run_jobs);
        let mut entry = json!({
            "name": NAME, "arch": ARCH, "source_url": server.url("/small.safetensors"), "licence": "BSD-3-Clause",
            "image_size_px": 224, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
        });
        let fields = entry.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        std::fs::create_dir_all(self.folder().join("weights")).unwrap();
        std::fs::write(self.folder().join("weights/catalogue.json"), json!([entry]).to_string()).unwrap();
        app
    }
}

fn start(app: &App) -> Job {
    weights::download(app, &owner(), &DownloadRequest { name: NAME.into(), agree_licence: true }).unwrap()
}

fn one(app: &App) -> Weights {
    weights::get(app, NAME).unwrap()
}

#[test]
fn published_weights_come_when_the_licence_is_agreed_to_and_are_what_training_normalises_by() {
    let scene = Scene::new();
    let server = Server::with(&scene.bytes, &[Behaviour::Cut(3_000_000), Behaviour::Honest]);
    let app = scene.library(&server, &json!({}), true);
    let listed = one(&app);
    assert_eq!((listed.state, listed.sha256, listed.size_bytes), (WeightsState::NotInstalled, None, None));
    assert!(weights::list(&app).unwrap().len() > 9, "beside the catalogue of the program");

    let asked = DownloadRequest { name: NAME.into(), agree_licence: false };
    let error = weights::download(&app, &owner(), &asked).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(error.details().unwrap()["licence"], "BSD-3-Clause");
    assert!(server.requests().is_empty(), "nothing is asked before");

    let job = start(&app);
    let done = finish(&app, &job);
    let installed: WeightsInstalled = result(&done);
    assert_eq!(installed.weights.state, WeightsState::Installed);
    assert_eq!((installed.weights.class_count, installed.report.new.count), (Some(1000), 0));
    assert_eq!(server.requests().len(), 2, "a cut connection is taken up again");
    assert_eq!(done.progress.done, scene.bytes.len() as u64);
    let notes = jobs::notes(&app, job.id).unwrap();
    assert!(notes.iter().any(|note| note.contains("recorded is SHA-256")), "{notes:?}");
    assert_eq!(one(&app).sha256, installed.weights.sha256);
    let again = weights::download(&app, &owner(), &DownloadRequest { name: NAME.into(), agree_licence: true });
    assert_eq!(again.unwrap_err().code(), Code::Conflict);
    assert_eq!(installed.weights.mean, [0.5; 3]);
    weights::remove(&app, &owner(), NAME).unwrap();
    assert_eq!(one(&app).state, WeightsState::NotInstalled);
    app.close().unwrap();
}

#[test]
fn a_cancelled_download_keeps_what_came_and_the_next_goes_on() {
    let scene = Scene::new();
    let server = Server::with(&scene.bytes, &[Behaviour::Stall(4_000_000), Behaviour::Honest]);
    let app = scene.library(&server, &json!({}), true);
    let job = start(&app);
    let second = weights::download(&app, &owner(), &DownloadRequest { name: NAME.into(), agree_licence: true });
    assert_eq!(second.unwrap_err().code(), Code::Conflict, "one at a time");
    assert_eq!(weights::remove(&app, &owner(), NAME).unwrap_err().code(), Code::Conflict);
    // Progress is told now and then; the file knows.
    let part = scene.folder().join("weights/download").join(format!("{NAME}.part"));
    let begun = Instant::now();
    while std::fs::metadata(&part).map_or(0, |file| file.len()) < 4_000_000 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    jobs::cancel(&app, &owner(), job.id).unwrap();
    let cancelled = jobs::wait(&app, job.id, |_| {}).unwrap();
    assert_eq!(cancelled.state, JobState::Cancelled);
    let part = one(&app);
    assert_eq!((part.state, part.downloaded_bytes), (WeightsState::PartlyDownloaded, 4_000_000));
    assert_eq!((part.size_bytes, part.job_id), (Some(scene.bytes.len() as u64), None));
    let job = start(&app);
    finish(&app, &job);
    assert_eq!(server.requests()[1].range.as_deref(), Some("bytes=4000000-"));
    assert!(jobs::notes(&app, job.id).unwrap().iter().any(|note| note.contains("went on from 4000000")));
    app.close().unwrap();
}

#[test]
fn what_is_not_the_published_file_is_not_installed() {
    for (more, content, said) in [
        (json!({ "sha256_prefix": "00000000" }), None, "00000000"),
        (json!({ "size_bytes": 17 }), None, "expected are 17"),
        (json!({}), Some(b"not weights at all".to_vec()), "neither safetensors nor PyTorch"),
        (json!({ "arch": "resnet18" }), None, "resnet18"),
    ] {
        let scene = Scene::new();
        let server = Server::start(content.as_ref().unwrap_or(&scene.bytes));
        let app = scene.library(&server, &more, true);
        let job = start(&app);
        let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
        assert_eq!(failed.state, JobState::Failed);
        let error = failed.error.unwrap();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(one(&app).state, WeightsState::NotInstalled, "{said}");
        app.close().unwrap();
    }
}

#[test]
fn without_a_network_a_person_is_told_what_else_to_do() {
    let scene = Scene::new();
    let server = Server::start(&scene.bytes);
    let app = scene.library(&server, &json!({}), false);
    let job = start(&app);
    app.close().unwrap();
    drop(server);
    let app = open(&scene.folder(), true);
    let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
    let error = failed.error.unwrap();
    assert!(error.contains("offline") && error.contains("install it from there"), "{error}");
    app.close().unwrap();
}

/// Another licence, or another address, is not what was agreed to.
#[test]
fn a_catalogue_that_changed_since_is_asked_about_again() {
    let scene = Scene::new();
    let server = Server::start(&scene.bytes);
    let app = scene.library(&server, &json!({}), false);
    let job = start(&app);
    app.close().unwrap();
    let app = scene.library(&server, &json!({ "licence": "Other" }), true);
    let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
    assert!(failed.error.unwrap().contains("since you agreed") && server.requests().is_empty());
    std::fs::write(scene.folder().join("weights/catalogue.json"), "[{]").unwrap();
    let error = weights::list(&app).unwrap_err();
    assert!(error.code() == Code::InvalidInput && error.message().contains("catalogue.json"), "{error}");
    app.close().unwrap();
}

#[test]
fn a_killed_download_goes_on_at_the_next_start() {
    let scene = Scene::new();
    let server = Server::with(&scene.bytes, &[Behaviour::Stall(9_000_000), Behaviour::Honest]);
    let app = scene.library(&server, &json!({}), false);
    let job = start(&app);
    app.close().unwrap();
    let part = scene.folder().join("weights/download").join(NAME);
    let mut child = child(&scene.folder(), job.id);
    let begun = Instant::now();
    // More than the eight million bytes after which what came is synced.
    while va_fetch::part_bytes(&part).is_none_or(|(there, _)| there < 8_000_000) {
        assert!(begun.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let app = open(&scene.folder(), true);
    let done = finish(&app, &jobs::get(&app, job.id).unwrap());
    let installed: WeightsInstalled = result(&done);
    assert_eq!(installed.weights.state, WeightsState::Installed);
    let range = server.requests()[1].range.clone().unwrap();
    let from: u64 = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    assert!((8_000_000..=9_000_000).contains(&from), "{range}");
    app.close().unwrap();
}

fn child(folder: &Path, job: JobId) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "weights_download::child_downloads", "--ignored", "--nocapture", "--test-threads=1"])
        .env(LIBRARY, folder)
        .env(JOB, job.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the killed process does.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_downloads() {
    let Some(folder) = std::env::var_os(LIBRARY) else { return };
    let id: JobId = std::env::var(JOB).unwrap().parse().unwrap();
    let app = open(Path::new(&folder), true);
    let _ = jobs::wait(&app, id, |_| {});
}
