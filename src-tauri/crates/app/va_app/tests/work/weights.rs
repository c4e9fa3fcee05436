//! Weights from files: what comes in, what training makes of it, and what is refused.

use std::path::{Path, PathBuf};

use va_app::weights::{self, InstallRequest, WeightsInstalled};
use va_app::{App, jobs, models, staging, train};
use va_domain::{Job, JobState, TrainRequest, Weights, WeightsState};
use va_error::Code;

use crate::fixture::{self, Library, finish, library, owner, result};

pub const ARCH: &str = "mobilenetv4_conv_small";
const SEED: u64 = 7;

/// The state that a run of this seed begins with, as a file.
pub fn weight_file(folder: &Path, name: &str, classes: usize, seed: u64) -> PathBuf {
    let graph = va_zoo::build(ARCH, classes, 32, 3).unwrap();
    let mut net = va_exec::Network::new(graph, va_exec::DType::F32).unwrap();
    net.init(seed).unwrap();
    let state = net.state().unwrap();
    let path = folder.join(name);
    std::fs::write(&path, safetensors::serialize(state.iter(), None).unwrap()).unwrap();
    path
}

fn from_file(path: &Path) -> InstallRequest {
    InstallRequest { path: Some(path.to_path_buf()), ..InstallRequest::default() }
}

fn install(app: &App, request: &InstallRequest) -> WeightsInstalled {
    result(&finish(app, &weights::install(app, &owner(), request).unwrap()))
}

/// Why the job of this install failed.
fn refusal(app: &App, request: &InstallRequest) -> String {
    let job = weights::install(app, &owner(), request).unwrap();
    let job = jobs::wait(app, job.id, |_| {}).unwrap();
    assert_eq!(job.state, JobState::Failed);
    job.error.unwrap()
}

fn request(lib: &Library, epochs: u32, weights: Option<&str>) -> TrainRequest {
    let mut request = fixture::request(lib.dataset.id, epochs);
    request.settings.arch = ARCH.to_owned();
    request.settings.weights = weights.map(str::to_owned);
    request
}

fn train(lib: &Library, weights: Option<&str>) -> (va_domain::ModelVersion, Job) {
    let job = train::start(&lib.app, &owner(), &request(lib, 1, weights)).unwrap();
    let job = finish(&lib.app, &job);
    let made: train::TrainResult = result(&job);
    (models::version(&lib.app, made.model_version_id).unwrap(), job)
}

fn one(app: &App, name: &str) -> Weights {
    weights::get(app, name).unwrap()
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_from_a_file_is_the_run_from_the_same_numbers_and_says_where_it_began() {
    let lib = library(8);
    let app = &lib.app;
    let file = weight_file(lib.dir.path(), "my start.safetensors", 2, SEED);
    let request = InstallRequest { licence: Some("MIT".into()), ..from_file(&file) };
    let installed = install(app, &request);
    assert_eq!((installed.weights.name.as_str(), installed.weights.arch.as_str()), ("my-start", ARCH));
    assert_eq!((installed.weights.class_count, installed.report.new.count), (Some(2), 0));
    assert_eq!(one(app, "my-start").state, WeightsState::Installed);
    let sha256 = installed.weights.sha256.clone().unwrap();
    let place = lib.folder().join("weights").join(format!("{sha256}.weights"));
    assert_eq!(std::fs::read(&place).unwrap(), std::fs::read(&file).unwrap());
    assert_eq!(install(app, &request).weights, installed.weights, "a second time changes nothing");

    let (scratch, _) = train(&lib, None);
    let (started, job) = train(&lib, Some("my-start"));
    assert_eq!(started.weights_hash, scratch.weights_hash, "loaded to the last bit");
    assert!(scratch.initial_weights.is_none());
    let begun = started.initial_weights.unwrap();
    assert_eq!(
        (begun.name.as_str(), begun.sha256.as_str(), begun.licence.as_deref()),
        ("my-start", &*sha256, Some("MIT"))
    );
    let report = begun.report.unwrap();
    assert_eq!((report.loaded.count, report.new.count), (installed.report.loaded.count, 0));
    let notes = jobs::notes(app, job.id).unwrap();
    assert!(notes.iter().any(|note| note.contains("starts from weights")), "{notes:?}");

    // Of other classes: the last layer starts anew, from the seed. By hash as well as by name.
    let other = install(app, &from_file(&weight_file(lib.dir.path(), "other.safetensors", 1000, 1)));
    assert_eq!(other.weights.class_count, Some(1000));
    let (fine, _) = train(&lib, other.weights.sha256.as_deref());
    let begun = fine.initial_weights.unwrap();
    assert_eq!(begun.name, "other");
    assert_eq!(begun.report.unwrap().new.names, ["classifier.bias", "classifier.weight"]);
    assert_eq!(fine.settings.weights.as_deref(), Some("other"), "the lineage names it");
    assert_ne!(fine.weights_hash, scratch.weights_hash);
    assert_eq!(fine.preprocessing.mean, [0.485, 0.456, 0.406]);
}

#[test]
fn what_cannot_be_started_from_is_said_before_anything_is_queued() {
    let lib = library(4);
    let app = &lib.app;
    install(app, &from_file(&weight_file(lib.dir.path(), "w.safetensors", 2, SEED)));
    let mut wrong = request(&lib, 1, Some("w"));
    wrong.settings.arch = "resnet18".to_owned();
    let error = train::start(app, &owner(), &wrong).unwrap_err();
    assert!(error.code() == Code::InvalidInput && error.message().contains(ARCH), "{error}");
    let error = train::start(app, &owner(), &request(&lib, 1, Some("resnet18.a1_in1k"))).unwrap_err();
    assert!(error.code() == Code::NotFound && error.message().contains("not installed"), "{error}");
    weights::remove(app, &owner(), "w").unwrap();
    assert_eq!(train::start(app, &owner(), &request(&lib, 1, Some("w"))).unwrap_err().code(), Code::NotFound);
    assert!(names_in(&lib.folder().join("weights")).is_empty());
    assert_eq!(weights::remove(app, &owner(), "w").unwrap_err().code(), Code::NotFound);
    assert_eq!(weights::remove(app, &owner(), "resnet18.a1_in1k").unwrap_err().code(), Code::Conflict);
}

#[test]
fn weights_in_use_stay_and_a_begun_run_goes_on_without_them() {
    let lib = library(8);
    let (app, actor) = (&lib.app, owner());
    let file = weight_file(lib.dir.path(), "w.safetensors", 2, SEED);
    install(app, &from_file(&file));
    let job = train::start(app, &actor, &request(&lib, 30, Some("w"))).unwrap();
    let paused = jobs::wait(app, job.id, |job| {
        if job.progress.done >= 1 {
            drop(jobs::pause(app, &actor, job.id));
        }
    })
    .unwrap();
    assert_eq!(paused.state, JobState::Paused);
    let error = weights::remove(app, &actor, "w").unwrap_err();
    assert!(error.code() == Code::Conflict && error.message().contains(&job.title), "{error}");
    jobs::cancel(app, &actor, job.id).unwrap();
    weights::remove(app, &actor, "w").unwrap();
    jobs::resume(app, &actor, job.id).unwrap();
    let made: train::TrainResult = result(&finish(app, &jobs::get(app, job.id).unwrap()));
    let version = models::version(app, made.model_version_id).unwrap();
    assert!(version.initial_weights.unwrap().report.unwrap().loaded.count > 0, "the report came with the checkpoint");

    // A file that was changed behind our back.
    let sha256 = install(app, &from_file(&file)).weights.sha256.unwrap();
    let place = lib.folder().join("weights").join(format!("{sha256}.weights"));
    let mut bytes = std::fs::read(&place).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&place, bytes).unwrap();
    let job = train::start(app, &actor, &request(&lib, 1, Some("w"))).unwrap();
    let failed = jobs::wait(app, job.id, |_| {}).unwrap();
    assert!(failed.error.as_deref().is_some_and(|error| error.contains("was changed")), "{:?}", failed.error);
}

#[test]
fn files_that_are_no_weights_leave_a_reason_and_nothing_else() {
    let lib = library(4);
    let app = &lib.app;
    let write = |name: &str, bytes: &[u8]| {
        let path = lib.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        from_file(&path)
    };
    assert!(refusal(app, &write("noise.pth", b"not weights at all")).contains("neither safetensors nor PyTorch"));
    assert!(refusal(app, &write("old.pth", b"\x80\x02}q\x00.")).contains("old PyTorch"));
    // A header of two bytes with nothing in it.
    let empty = [&2u64.to_le_bytes()[..], b"{}"].concat();
    assert!(refusal(app, &write("empty.safetensors", &empty)).contains("none of the architectures"));
    let code = |request: &InstallRequest| weights::install(app, &owner(), request).unwrap_err().code();
    assert_eq!(code(&from_file(lib.dir.path())), Code::InvalidInput, "a folder");
    assert_eq!(code(&from_file(&lib.dir.path().join("missing.pth"))), Code::NotFound);
    assert_eq!(code(&InstallRequest::default()), Code::InvalidInput);
    let named = |name: &str| InstallRequest { name: Some(name.into()), ..write("x.pth", b"x") };
    assert_eq!(code(&named("../../up")), Code::InvalidInput);

    let file = weight_file(lib.dir.path(), "w.safetensors", 2, SEED);
    // A file of another network under the name of a published one.
    let published = InstallRequest { name: Some("resnet18.a1_in1k".into()), ..from_file(&file) };
    assert!(refusal(app, &published).contains("d63eafa0"), "its hash is published");
    let hashless = "mobilenetv4_conv_medium.e500_r256_in1k";
    let published = InstallRequest { name: Some(hashless.into()), ..from_file(&file) };
    assert!(refusal(app, &published).contains("architecture"));
    assert!(names_in(&lib.folder().join("weights")).is_empty(), "{:?}", names_in(&lib.folder().join("weights")));

    install(app, &from_file(&file));
    let again = InstallRequest { name: Some("second".into()), ..from_file(&file) };
    assert!(refusal(app, &again).contains("installed already, as w"));
    let different = weight_file(lib.dir.path(), "v.safetensors", 3, 1);
    let taken = InstallRequest { name: Some("w".into()), ..from_file(&different) };
    assert!(refusal(app, &taken).contains("other weights are installed as w"));
    std::fs::copy(&different, &file).unwrap();
    assert_eq!(install(app, &from_file(&file)).weights.name, "w-2", "a suggested name gives way");
    assert_eq!(names_in(&lib.folder().join("weights")).len(), 4, "two files with a record each");
}

#[test]
fn an_upload_is_installed_under_the_published_name_it_is_given_and_used_up() {
    let lib = library(4);
    let app = &lib.app;
    let file = weight_file(lib.dir.path(), "w.safetensors", 1000, SEED);
    let mut upload = staging::begin(app).unwrap();
    let mut staged = upload.file("model.safetensors").unwrap();
    std::io::copy(&mut std::fs::File::open(&file).unwrap(), &mut staged).unwrap();
    staged.finish().unwrap();
    let name = "mobilenetv4_conv_small.e2400_r224_in1k";
    let request =
        InstallRequest { upload_id: Some(upload.id.clone()), name: Some(name.into()), ..InstallRequest::default() };
    let installed = install(app, &request).weights;
    assert_eq!((installed.name.as_str(), installed.licence.as_deref()), (name, Some("Apache-2.0")));
    assert!(!installed.is_hash_published && installed.source_url.is_some());
    assert_eq!(staging::folder(app, &upload.id).unwrap_err().code(), Code::NotFound);
    let listed = weights::list(app).unwrap();
    assert_eq!(listed.iter().filter(|weights| weights.state == WeightsState::Installed).count(), 1);
    assert_eq!(listed.iter().find(|weights| weights.name == name).unwrap(), &installed);
}
