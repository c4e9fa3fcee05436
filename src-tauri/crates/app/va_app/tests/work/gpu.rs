//! A GPU is looked for when somebody asks for one, and demanded only where there is one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use va_app::{App, OpenOptions, jobs, models, projects, train};
use va_domain::{CudaStatus, DeviceChoice, Forecast, GpuReason, ModelPrecision, PageRequest, TrainSettings};
use va_engine::gpu::Found;
use va_engine::{
    AutoEngine, CpuEngine, DataSize, Engine, EngineDescription, Explainer, ExportedModel, SampleSource, Session,
    TrainHost, TrainJob, TrainOutcome,
};
use va_error::{Code, Result};

use crate::fixture::{self, library, owner, request};

fn nothing_found() -> Found {
    let status = CudaStatus {
        driver_cuda_version: None,
        required_cuda_version: "13.0".into(),
        libraries: Vec::new(),
        other_versions: Vec::new(),
        plugin_path: None,
        ready: false,
        note: String::new(),
        reason: None,
    };
    let status = status.lacking(GpuReason::DriverMissing { library: "libcuda.so.1".into() });
    Found { status, engine: None, libraries_loaded: false }
}

#[test]
fn opening_a_library_and_listing_projects_looks_for_no_gpu() {
    let dir = tempfile::tempdir().unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let engine = AutoEngine::looking(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        nothing_found()
    });
    let options = OpenOptions { create: true, run_jobs: true };
    let app = App::open_with_engine(dir.path(), options, Arc::new(engine)).unwrap();
    projects::list(&app, "", &PageRequest::default()).unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 0);
    assert!(!train::options(&app).cuda.unwrap().ready);
    train::options(&app);
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    app.close().unwrap();
}

#[test]
fn a_run_that_must_have_a_gpu_is_refused_before_it_is_queued() {
    let lib = library(4);
    let folder = lib.folder();
    lib.app.close().unwrap();
    let options = OpenOptions { create: false, run_jobs: false };
    let app = App::open_with_engine(&folder, options, Arc::new(AutoEngine::looking(nothing_found))).unwrap();
    let before = jobs::list(&app, &jobs::JobListRequest::default()).unwrap().total;
    let mut asked = request(lib.dataset.id, 1);
    asked.settings.device = DeviceChoice::Cuda;
    let error = train::start(&app, &owner(), &asked).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        error.message().contains("no GPU to train on") && error.message().contains("install its driver"),
        "{error}"
    );
    assert_eq!(jobs::list(&app, &jobs::JobListRequest::default()).unwrap().total, before, "nothing was queued");
    let forecast = train::ForecastRequest { dataset_id: lib.dataset.id, settings: asked.settings.clone() };
    assert!(train::forecast(&app, &forecast).is_err());
    asked.settings.device = DeviceChoice::Auto;
    train::start(&app, &owner(), &asked).unwrap();
    app.close().unwrap();
}

/// Two engines behind one: it describes itself as the first, and trains on the second.
struct Twofold(CpuEngine);

const TRAINER: &str = "va_engine 9 cuda";

impl Engine for Twofold {
    fn describe(&self) -> EngineDescription {
        self.0.describe()
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.0.forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        Ok(TrainOutcome { engine_version: TRAINER.to_owned(), ..self.0.train(job, host)? })
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        self.0.open_session(model_dir)
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        self.0.open_explainer(model_dir)
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        self.0.export_onnx(model_dir, out, samples, precision)
    }
}

#[test]
fn a_model_names_the_engine_that_trained_it() {
    let lib = library(4);
    let folder = lib.folder();
    lib.app.close().unwrap();
    let options = OpenOptions { create: false, run_jobs: true };
    let app = App::open_with_engine(&folder, options, Arc::new(Twofold(CpuEngine::new()))).unwrap();
    let trained = fixture::train(&app, lib.dataset.id, 1);
    assert_eq!(models::version(&app, trained.model_version_id).unwrap().engine_version, TRAINER);
    app.close().unwrap();
}
