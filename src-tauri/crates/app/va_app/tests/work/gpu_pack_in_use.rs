//! The GPU pack and the engine that computes with it: found when it has come, and not taken away under it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use va_app::{App, gpu_pack, jobs, train};
use va_domain::{CudaLibrary, CudaStatus, Forecast, GpuPackState, JobState, ModelPrecision, TrainSettings};
use va_engine::gpu::{Places, find};
use va_engine::{
    AutoEngine, CpuEngine, DataSize, Engine, EngineDescription, Explainer, ExportedModel, SampleSource, Session,
    TrainHost, TrainJob, TrainOutcome,
};
use va_error::{Code, Result};

use crate::fixture::{library, owner, request};
use crate::gpu_pack::{Scene, installed, open_at, packs, state};
use crate::gpu_pack_scene::{manifest, wheels, write_manifest, write_wheels};

/// A card's driver is there and the libraries are not: after the install they are found, without a restart.
#[cfg(target_os = "linux")]
#[test]
fn what_was_installed_is_found_at_once() {
    let scene = Scene::new(5_000);
    let driver = scene.path("driver");
    std::fs::create_dir_all(&driver).unwrap();
    std::fs::write(driver.join("stub.c"), "int cuDriverGetVersion(int *v) { *v = 13000; return 0; }").unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([driver.join("libcuda.so.1"), driver.join("stub.c")])
        .status();
    assert!(compiled.unwrap().success());
    let packs = packs(scene.dir.path());
    let engine = AutoEngine::looking(move || {
        let pack = packs.own.clone().unwrap();
        // Of this machine's own libraries nothing is to be found.
        let libraries = Places::usual(None, &packs).libraries.into_iter().filter(|place| place.root.starts_with(&pack));
        find(&Places { plugin: Vec::new(), libraries: libraries.collect(), driver: vec![driver.clone()] })
    });
    let app = open_at(scene.dir.path(), Arc::new(engine));
    let note = |app: &App| train::options(app).cuda.unwrap().note;
    assert!(note(&app).contains("CUDA libraries are missing") && gpu_pack::get(&app).unwrap().would_help);
    let pack = installed(&app, &write_wheels(&scene.path("wheels"), &scene.wheels));
    assert!(!pack.would_help, "it is there");
    assert!(note(&app).contains("does not lie beside this program"), "{}", note(&app));
    let cuda = train::options(&app).cuda.unwrap();
    let at = scene.libraries().display().to_string();
    assert!(cuda.libraries.iter().all(|library| library.path.as_ref().is_some_and(|path| path.starts_with(&at))));
    gpu_pack::remove(&app, &owner()).unwrap();
    assert!(note(&app).contains("CUDA libraries are missing"), "{}", note(&app));
    app.close().unwrap();
}

/// Computes on the CPU and says that it does so with the libraries of the pack.
struct WithPack {
    cpu: CpuEngine,
    pack: PathBuf,
}

impl Engine for WithPack {
    fn describe(&self) -> EngineDescription {
        let library = CudaLibrary {
            file: "libcublas.so.13".into(),
            purpose: "tests".into(),
            path: Some(self.pack.join("libcublas.so.13").display().to_string()),
        };
        let cuda = CudaStatus {
            driver_cuda_version: Some("13.0".into()),
            required_cuda_version: "13.0".into(),
            libraries: vec![library],
            other_versions: Vec::new(),
            plugin_path: None,
            ready: true,
            note: String::new(),
            reason: None,
        };
        EngineDescription { cuda: Some(cuda), ..self.cpu.describe() }
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.cpu.forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.cpu.train(job, host)
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        self.cpu.open_session(model_dir)
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        self.cpu.open_explainer(model_dir)
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        self.cpu.export_onnx(model_dir, out, samples, precision)
    }
}

#[test]
fn a_pack_is_not_taken_from_a_run_that_computes_with_it() {
    let lib = library(6);
    lib.app.close().unwrap();
    let root = lib.dir.path();
    let (wheels, pack) = (wheels(3_000), root.join("user/gpu-pack"));
    write_manifest(&pack, &manifest(&wheels, |at| format!("https://mirror.example/{at}")));
    let app = open_at(root, Arc::new(WithPack { cpu: CpuEngine::new(), pack }));
    installed(&app, &write_wheels(&root.join("wheels"), &wheels));
    let run = train::start(&app, &owner(), &request(lib.dataset.id, 5000)).unwrap();
    while jobs::get(&app, run.id).unwrap().state == JobState::Queued {
        std::thread::sleep(Duration::from_millis(5));
    }
    let error = gpu_pack::remove(&app, &owner()).unwrap_err();
    assert!(error.code() == Code::Conflict && error.message().contains(&run.title), "{error}");
    assert_eq!(state(&app), GpuPackState::Installed);
    jobs::cancel(&app, &owner(), run.id).unwrap();
    jobs::wait(&app, run.id, |_| {}).unwrap();
    gpu_pack::remove(&app, &owner()).unwrap();
    app.close().unwrap();
}
