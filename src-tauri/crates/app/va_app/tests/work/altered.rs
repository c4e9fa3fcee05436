//! Files that are not what was trained or proven are refused, clearly.

use std::path::Path;
use std::sync::Arc;

use va_app::models::{self, ExportRequest};
use va_app::{App, OpenOptions, jobs};
use va_domain::{
    CertificateVerdict, Forecast, Job, JobState, ModelExportFormat, ModelPrecision, ModelVersion, TrainSettings,
};
use va_engine::{
    CpuEngine, DataSize, Engine, EngineDescription, Explainer, ExportedModel, SampleSource, Session, TrainHost,
    TrainJob, TrainOutcome,
};
use va_error::{Code, Result};

use crate::fixture::{self, finish, library, owner};

/// An engine whose exported files give other results: its certificate says so.
struct Bent(CpuEngine);

impl Engine for Bent {
    fn describe(&self) -> EngineDescription {
        self.0.describe()
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.0.forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.0.train(job, host)
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
        let mut made = self.0.export_onnx(model_dir, out, samples, precision)?;
        made.certificate.verdict = CertificateVerdict::Fail;
        made.certificate.max_abs_difference = 0.25;
        made.certificate.same_class_count = 1;
        Ok(made)
    }
}

fn export(app: &App, version: &ModelVersion, out: Option<&Path>) -> Job {
    export_as(app, version, out, ModelPrecision::Fp32)
}

fn export_as(app: &App, version: &ModelVersion, out: Option<&Path>, precision: ModelPrecision) -> Job {
    let request = ExportRequest { format: ModelExportFormat::Onnx, precision, out: out.map(Path::to_owned) };
    let job = models::export(app, &owner(), version.id, &request).unwrap();
    jobs::wait(app, job.id, |_| {}).unwrap()
}

#[test]
fn a_file_that_fails_its_certificate_is_never_delivered() {
    let lib = library(8);
    let version = models::version(&lib.app, fixture::train(&lib.app, lib.dataset.id, 1).model_version_id).unwrap();
    lib.app.close().unwrap();
    let options = OpenOptions { create: false, run_jobs: true };
    let app = App::open_with_engine(&lib.folder(), options, Arc::new(Bent(CpuEngine::new()))).unwrap();
    let out = lib.dir.path().join("model.onnx");
    let job = export(&app, &version, Some(&out));
    assert_eq!((job.state, job.result), (JobState::Failed, None));
    let said = job.error.unwrap();
    for part in ["does not give the trained model's results", "2.50e-1", "1 samples get the same class", "not be used"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!out.exists(), "nothing at the place that was asked for");
    assert!(models::version(&app, version.id).unwrap().exports.is_empty());
    let refused = models::export_path(&app, version.model_id, 1, "model.onnx");
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    // What rounding does to a model is no defect: the way out is another.
    let said_of_half = export_as(&app, &version, None, ModelPrecision::Fp16).error.unwrap();
    assert!(said.contains("report this") && said_of_half.contains("export it in fp32"), "{said_of_half}");
    let aside = lib.folder().join("jobs").join(job.id.to_string()).join("model.onnx");
    assert!(aside.is_file() && said.contains(&aside.display().to_string()), "put aside where the message says");
    app.close().unwrap();
}

#[test]
fn an_exported_file_that_was_changed_is_refused_until_it_is_exported_again() {
    let lib = library(8);
    let app = &lib.app;
    let version = models::version(app, fixture::train(app, lib.dataset.id, 1).model_version_id).unwrap();
    finish(app, &export(app, &version, None));
    let path = models::export_path(app, version.model_id, 1, "model.onnx").unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    for altered in [&bytes[..], &whole[..whole.len() - 1], b""] {
        std::fs::write(&path, altered).unwrap();
        let refused = models::export_path(app, version.model_id, 1, "model.onnx").unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
        assert!(refused.message().contains("certificate") && refused.message().contains("export the model again"));
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(models::export_path(app, version.model_id, 1, "model.onnx").unwrap_err().code(), Code::Conflict);
    finish(app, &export(app, &version, None));
    assert_eq!(std::fs::read(models::export_path(app, version.model_id, 1, "model.onnx").unwrap()).unwrap(), whole);

    let weights = path.with_file_name("weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let job = export(app, &version, None);
    assert_eq!(job.state, JobState::Failed, "weights that are not those that were trained");
    let said = job.error.unwrap();
    assert!(said.contains("weights"), "{said}");
}
