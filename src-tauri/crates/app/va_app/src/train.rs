//! Training: what can be chosen, what it would need, and the job that freezes the data, runs the engine and registers
//! the model with its lineage.

mod curves;
mod preview;
pub(crate) mod register;
mod request;
pub(crate) mod source;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{
    Actor, Arch, CudaStatus, DatasetId, DatasetVersionId, DeviceInfo, Forecast, Job, JobKind, ModelId, ModelVersionId,
    Role, TrainPreset, TrainRequest, TrainSettings,
};
use va_engine::{DataSize, kept_bytes};
use va_error::Result;
use va_store::table::datasets::ImageSize;

use crate::app::require;
use crate::jobs::{self, NewJob, folder_of};
use crate::weights::PinnedWeights;
use crate::{App, weights};

pub use preview::augmented;
pub(crate) use work::run;

/// What a training can be made of on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainOptions {
    pub archs: Vec<Arch>,
    pub presets: Vec<TrainPreset>,
    pub devices: Vec<DeviceInfo>,
    /// What was found of CUDA, and what is missing.
    pub cuda: Option<CudaStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastRequest {
    pub dataset_id: DatasetId,
    #[serde(default)]
    pub settings: TrainSettings,
}

/// What a training job is asked: the request, and everything that was decided when it was made, so that a resumed or
/// repeated job does the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrainParams {
    #[serde(flatten)]
    pub request: TrainRequest,
    pub dataset_version_id: DatasetVersionId,
    /// The id that the model version will have.
    pub model_version_id: ModelVersionId,
    /// For a new model.
    pub new_model_name: String,
    /// What it starts from, if not from the seed.
    #[serde(default)]
    pub initial_weights: Option<PinnedWeights>,
}

/// What a training job gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainResult {
    pub model_id: ModelId,
    pub model_version_id: ModelVersionId,
    pub model_name: String,
    pub number: u32,
    /// Of the best epoch: `val/accuracy`, `val/loss`, `val/macro_f1`.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// Architectures, presets and devices.
pub fn options(app: &App) -> TrainOptions {
    let engine = app.engine().describe();
    TrainOptions { archs: engine.archs, presets: engine.presets, devices: engine.devices, cuda: engine.cuda }
}

/// Memory, work and time of a run before it starts. A dataset that is not split yet counts as split by the default shares.
///
/// # Errors
/// `NotFound`, or `InvalidInput` for the settings.
pub fn forecast(app: &App, request: &ForecastRequest) -> Result<Forecast> {
    request::check_settings(app, &request.settings)?;
    let (dataset, classes) = request::dataset_and_classes(app, request.dataset_id)?;
    let (train_len, val_len) = request::expected_lens(&dataset);
    let decoded_bytes = decoded_bytes(app, request, train_len, val_len)?;
    let data = DataSize { class_count: classes.max(2), train_len, val_len, decoded_bytes };
    app.engine().forecast(&request.settings, &data)
}

/// Of the images that a run keeps decoded: training images of the dataset's mean size, validation images of the network's.
fn decoded_bytes(app: &App, request: &ForecastRequest, train_len: usize, val_len: usize) -> Result<u64> {
    let sizes = app.store().read(|read| read.datasets().image_sizes(request.dataset_id))?;
    let size_px = request.settings.image_size_px;
    let kept = |size: &ImageSize| {
        let decoded = source::decoded_size(&size.format, size.size_px, size_px.saturating_mul(2));
        kept_bytes(&request.settings, decoded).saturating_mul(size.sample_count)
    };
    let (bytes, count) = sizes
        .iter()
        .fold((0u64, 0u64), |(bytes, count), size| (bytes.saturating_add(kept(size)), count + size.sample_count));
    let val_bytes = 3 * u64::from(size_px).pow(2);
    Ok((bytes / count.max(1)).saturating_mul(train_len as u64).saturating_add(val_bytes.saturating_mul(val_len as u64)))
}

/// Checks the request, splits a dataset that has no split at all, freezes it, and queues the run.
///
/// # Errors
/// `InvalidInput` that names the setting, split or class and what to do; `NotFound`; `Conflict` for a taken name.
pub fn start(app: &App, actor: &Actor, request: &TrainRequest) -> Result<Job> {
    require(actor, Role::Owner)?;
    let initial_weights = weights::choose(app, &request.settings)?;
    let checked = request::check(app, actor, request)?;
    let mut request = request.clone();
    // By name, however it was asked for.
    request.settings.weights = initial_weights.as_ref().map(|pinned| pinned.weights.name.clone());
    let params = TrainParams {
        request: request.clone(),
        dataset_version_id: checked.dataset_version_id,
        model_version_id: ModelVersionId::new(),
        new_model_name: checked.new_model_name,
        initial_weights,
    };
    let job = jobs::submit_with_notes(
        app,
        actor,
        NewJob {
            kind: JobKind::Train,
            title: format!("{} · {}", checked.dataset_name, request.settings.arch),
            project_id: request.project_id,
            dataset_id: Some(request.dataset_id),
            params: serde_json::to_value(params)?,
        },
        &checked.notes,
    )?;
    Ok(job)
}

/// Where the checkpoints of a run lie.
pub(crate) fn checkpoint_dir(app: &App, job: &Job) -> std::path::PathBuf {
    folder_of(app.library_dir(), job.id).join("checkpoints")
}

/// Whether an ended run can go on.
pub(crate) fn has_checkpoint(app: &App, job: &Job) -> bool {
    job.kind == JobKind::Train
        && std::fs::read_dir(checkpoint_dir(app, job)).is_ok_and(|mut entries| entries.next().is_some())
}
