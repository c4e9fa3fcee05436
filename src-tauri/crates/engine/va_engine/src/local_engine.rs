use std::collections::BTreeMap;
use std::path::Path;

use va_dataset::{SampleSource, train_steps};
use va_domain::{Arch, DeviceInfo, Forecast, ImageSizes, MAX_IMAGE_SIZE_PX, ModelPrecision, TrainSettings};
use va_error::{Code, Error, Result};
use va_infer::{Explainer, LocalExplainer, LocalSession, NewModel, Session, write_model};
use va_train::{EpochMetrics, TrainEvent, TrainHost, TrainJob, TrainOutcome, Trained};

use crate::forecast::{forecast, network};
use crate::memory_plan::MemoryPlan;
use crate::presets::presets;
use crate::{DataSize, Engine, EngineDescription, ExportedModel};

/// The engine on what this program computes on: the processor, in a plug-in a GPU. Built into a program, never chosen in it.
#[derive(Debug, Clone)]
pub struct LocalEngine {
    /// Kept with every model.
    pub version: &'static str,
    pub devices: Vec<DeviceInfo>,
    /// Memory that a run can still use, where the system says.
    pub free_bytes: fn() -> Option<u64>,
}

impl Engine for LocalEngine {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            version: self.version.to_owned(),
            archs: va_zoo::archs().iter().map(described).collect(),
            presets: presets(),
            devices: self.devices.clone(),
            cuda: None,
        }
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        forecast(settings, data, (self.free_bytes)())
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        let job = &within_memory(job, (self.free_bytes)())?;
        let trained = va_train::train(job, host, self.version)?;
        let weights_hash = match &trained.weights {
            Some(weights) => {
                let model = NewModel {
                    task: job.task,
                    arch: &job.settings.arch,
                    classes: &job.classes,
                    preprocessing: &job.preprocessing,
                    engine_version: self.version,
                };
                Some(write_model(&job.model_dir, &model, &trained.graph, weights)?.weights_hash)
            }
            None => None,
        };
        host.event(TrainEvent::Finished { outcome: trained.ending, step: trained.steps });
        Ok(outcome(self.version, trained, weights_hash))
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        Ok(Box::new(LocalSession::open(model_dir)?))
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        Ok(Box::new(LocalExplainer::open(model_dir)?))
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        let file = va_infer::export_onnx(model_dir, out, samples, precision)?;
        Ok(ExportedModel { size_bytes: file.size_bytes, sha256: file.sha256, certificate: file.certificate })
    }
}

fn described(arch: &va_zoo::Arch) -> Arch {
    let pixels = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    Arch {
        name: arch.name.to_owned(),
        summary: arch.summary.to_owned(),
        default_image_size_px: pixels(arch.default_image_size),
        image_sizes: ImageSizes {
            min_px: pixels(arch.min_image_size),
            max_px: MAX_IMAGE_SIZE_PX,
            step_px: pixels(arch.image_size_step),
        },
    }
}

/// The job with the largest micro-batch that memory allows, at most what it says itself. Linux kills a process that passes
/// its limit instead of failing the allocation, so a run that cannot fit at all is refused.
fn within_memory(job: &TrainJob, free_bytes: Option<u64>) -> Result<TrainJob> {
    if job.train_len == 0 || job.classes.len() < job.task.min_classes() {
        // `va_train` says what is wrong with such a job.
        return Ok(job.clone());
    }
    let mut net = network(&job.settings, job.classes.len())?;
    let plan = MemoryPlan::make(&mut net, &job.settings, job.train_len, job.decoded_bytes, free_bytes)?;
    if plan.fits {
        let micro_batch_limit = Some(plan.micro_batch.min(job.micro_batch_limit.unwrap_or(u32::MAX)));
        return Ok(TrainJob { micro_batch_limit, kept_image_bytes: plan.spare_bytes(), ..job.clone() });
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let advice = if job.settings.activation_checkpointing { "" } else { ", or turn activation checkpointing on" };
    Err(Error::new(
        Code::TooLarge,
        format!(
            "the training needs about {} MiB of memory even with {} images at a time, and {} MiB are free; choose a \
             smaller image size or network{advice} (the last checkpoint is untouched)",
            mib(plan.peak_bytes),
            plan.micro_batch,
            mib(plan.free_bytes.unwrap_or(0))
        ),
    ))
}

fn outcome(engine_version: &str, trained: Trained, weights_hash: Option<String>) -> TrainOutcome {
    let metrics = trained.best.as_ref().map(metrics).unwrap_or_default();
    TrainOutcome {
        engine_version: engine_version.to_owned(),
        ending: trained.ending,
        steps: trained.steps,
        best: trained.best,
        metrics,
        weights_hash,
        initial_weights: trained.initial_weights,
    }
}

fn metrics(best: &EpochMetrics) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::from([
        ("train/loss".to_owned(), best.train_loss),
        ("train/accuracy".to_owned(), best.train_accuracy),
    ]);
    if let Some(val) = &best.val {
        metrics.extend(val.named().into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    metrics
}

/// Steps of the whole run.
pub(crate) fn total_steps(settings: &TrainSettings, train_len: usize) -> u64 {
    train_steps(train_len, settings.batch_size as usize) as u64 * u64::from(settings.epochs)
}
