use std::path::Path;

use serde::{Deserialize, Serialize};
use va_dataset::SampleSource;
use va_domain::{Arch, Certificate, CudaStatus, DeviceInfo, Forecast, ModelPrecision, TrainPreset, TrainSettings};
use va_error::Result;
use va_infer::{Explainer, Session};
use va_train::{TrainHost, TrainJob, TrainOutcome};

/// What an engine is and can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineDescription {
    /// `va_engine 0.1.0 cpu`: kept with every model.
    pub version: String,
    /// Architectures of the zoo.
    pub archs: Vec<Arch>,
    pub presets: Vec<TrainPreset>,
    pub devices: Vec<DeviceInfo>,
    /// What was found of CUDA; None from an engine that does not look.
    pub cuda: Option<CudaStatus>,
}

/// How much data a run goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSize {
    pub class_count: usize,
    pub train_len: usize,
    pub val_len: usize,
    /// Decoded images as the loader would keep them, if there is room.
    pub decoded_bytes: u64,
}

/// A model file written for other programs, and the proof that it gives the same results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedModel {
    pub size_bytes: u64,
    pub sha256: String,
    pub certificate: Certificate,
}

/// An engine: the CPU one is linked in, others are plug-ins that speak the same trait. It knows pixels and numbers, no
/// rows; decoding, augmentation and loading are the host's.
pub trait Engine: Send + Sync {
    fn describe(&self) -> EngineDescription;

    /// Something that it may have missed has come (a GPU pack): the next [`describe`](Self::describe) looks anew. What is in
    /// use stays in use; an engine that does not look has nothing to do.
    fn look_again(&self) {}

    /// Memory, work and time of a run before it starts, against the memory that is free now (cgroup limits counted). The
    /// time comes from one small training step, done and measured once an architecture and size: that takes a moment.
    ///
    /// # Errors
    /// `InvalidInput` when a setting is out of range or the architecture unknown.
    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast>;

    /// Trains in this thread until the end, a stop or an error. Checkpoints stay in `job.checkpoint_dir`; a completed
    /// or early-stopped run leaves the best epoch's model in `job.model_dir`. Where a whole batch does not fit in memory,
    /// smaller parts of it are added up, and a note says so.
    ///
    /// # Errors
    /// `InvalidInput` for settings or data that cannot train; `TooLarge` when not even two samples at a time fit in
    /// memory; `NotFinite` when the loss or a weight stops being a number (names the step, the layer and the samples; the
    /// last good checkpoint is kept); `DiskFull`, `Io`; whatever
    /// `host.next_batch` reports.
    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome>;

    /// Opens the model folder that `train` left.
    ///
    /// # Errors
    /// `NotFound`, `TooNew`, or `InvalidInput` when the files are damaged or do not fit together.
    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>>;

    /// Opens the model folder that `train` left, to ask why.
    ///
    /// # Errors
    /// As `open_session`.
    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>>;

    /// Writes the model as ONNX to `out` (atomically), runs that file in an independent runtime on `samples` and
    /// compares. A FAIL is a certificate, not an error; an fp16 file is held to a wider tolerance, which it names.
    ///
    /// # Errors
    /// As `open_session`; `InvalidInput` without samples, or when fp16 cannot hold a weight; `Io`, `DiskFull`.
    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel>;
}
