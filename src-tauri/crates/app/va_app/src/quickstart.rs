//! The whole road on the bundled sample: import, train, evaluate, export with certificate. Every step is an ordinary
//! job, so that what it leaves can be looked at, and repeated by hand.

use std::path::{Path, PathBuf};
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{
    Actor, Augmentation, Certificate, Dataset, Evaluation, ExportFile, ImportReport, Job, JobState, Model,
    ModelExportFormat, ModelPrecision, ModelVersion, Project, Split, Task, TrainRequest, TrainSettings,
};
use va_error::{Code, Error, Result};

use crate::models::{self, ExportRequest};
use crate::{App, datasets, evaluations, jobs, projects, train};

/// What the quick start made, and how long each phase took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quickstart {
    pub project: Project,
    pub dataset: Dataset,
    pub model: Model,
    pub version: ModelVersion,
    /// On the test split, which training never saw.
    pub test_accuracy: f64,
    pub evaluation: Evaluation,
    /// Where the ONNX file was written.
    pub onnx_path: PathBuf,
    pub certificate: Certificate,
    pub seconds: PhaseSeconds,
}

/// Wall-clock seconds of each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSeconds {
    pub import: f64,
    pub train: f64,
    pub evaluate: f64,
    pub export: f64,
    pub total: f64,
}

/// The phases in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuickstartPhase {
    Import,
    Train,
    Evaluate,
    Export,
}

/// Runs the quick start; `onnx` is written into `out_dir`, or stays with the model version without one. `progress` hears
/// every change of the running job.
///
/// # Errors
/// The failing job's own message; what was made before it stays and can be gone on from.
pub fn run(
    app: &App,
    actor: &Actor,
    out_dir: Option<&Path>,
    mut progress: impl FnMut(QuickstartPhase, &Job),
) -> Result<Quickstart> {
    let start = Instant::now();
    let mut seconds = PhaseSeconds::default();

    let sample = projects::create_sample(app, actor)?;
    let _: ImportReport = finish(app, &sample.job, |job| progress(QuickstartPhase::Import, job))?;
    seconds.import = start.elapsed().as_secs_f64();

    let begin = Instant::now();
    let request = TrainRequest {
        dataset_id: sample.dataset.id,
        task: Task::Classification,
        settings: settings(),
        project_id: Some(sample.project.id),
        model_id: None,
        model_name: None,
    };
    let job = train::start(app, actor, &request)?;
    let trained: train::TrainResult = finish(app, &job, |job| progress(QuickstartPhase::Train, job))?;
    seconds.train = begin.elapsed().as_secs_f64();

    let begin = Instant::now();
    let job = evaluations::create(app, actor, trained.model_version_id, Split::Test)?;
    let made: evaluations::EvaluateResult = finish(app, &job, |job| progress(QuickstartPhase::Evaluate, job))?;
    let evaluation = evaluations::get(app, made.evaluation_id)?;
    seconds.evaluate = begin.elapsed().as_secs_f64();

    let begin = Instant::now();
    let out = out_dir.map(|dir| dir.join("quickstart.onnx"));
    let (format, precision) = (ModelExportFormat::Onnx, ModelPrecision::Fp32);
    let request = ExportRequest { format, precision, out: out.clone() };
    let job = models::export(app, actor, trained.model_version_id, &request)?;
    let file: ExportFile = finish(app, &job, |job| progress(QuickstartPhase::Export, job))?;
    seconds.export = begin.elapsed().as_secs_f64();
    seconds.total = start.elapsed().as_secs_f64();

    let version = models::version(app, trained.model_version_id)?;
    Ok(Quickstart {
        project: projects::get(app, sample.project.id)?,
        dataset: datasets::get(app, sample.dataset.id)?,
        model: models::get(app, version.model_id)?,
        test_accuracy: evaluation.summary.accuracy,
        evaluation,
        onnx_path: out.unwrap_or_else(|| models::file_path(app, version.id, &file.file_name)),
        certificate: file.certificate.ok_or_else(|| Error::internal("BUG: an ONNX export without a certificate"))?,
        version,
        seconds,
    })
}

/// For small, centred cells on 64 px: short, and repeatable. Either flip is as natural as the original.
fn settings() -> TrainSettings {
    TrainSettings {
        image_size_px: 64,
        batch_size: 32,
        epochs: 8,
        learning_rate: 1e-3,
        warmup_epochs: 1.0,
        augmentation: Augmentation { crop_min_scale: 0.8, flip_vertical: true, ..Augmentation::default() },
        ..TrainSettings::default()
    }
}

/// Waits for a job and reads its result.
fn finish<T: serde::de::DeserializeOwned>(app: &App, job: &Job, progress: impl FnMut(&Job)) -> Result<T> {
    let job = jobs::wait(app, job.id, progress)?;
    match job.state {
        JobState::Succeeded => Ok(serde_json::from_value(job.result.unwrap_or_default())?),
        JobState::Failed => {
            let why = job.error.unwrap_or_else(|| "no reason was given".to_owned());
            Err(Error::conflict(format!("{} failed: {why}", job.title)))
        }
        _ => Err(Error::new(Code::Cancelled, format!("{} was stopped; resume it, or start again", job.title))),
    }
}

#[cfg(test)]
mod tests {
    use super::settings;

    #[test]
    fn the_settings_are_those_of_the_tour() {
        let settings = settings();
        settings.check().unwrap();
        assert_eq!((settings.arch.as_str(), settings.image_size_px, settings.epochs), ("resnet18", 64, 8));
    }
}
