//! The engine that an application uses: the GPU's where there is one and it is wanted, the CPU's otherwise.

use std::path::Path;

use va_dataset::SampleSource;
use va_domain::{CudaStatus, DeviceChoice, DeviceInfo, DeviceKind, Forecast, ModelPrecision, TrainSettings};
use va_error::{Error, Result};
use va_infer::{Explainer, Session};
use va_train::{TrainHost, TrainJob, TrainOutcome};

use crate::gpu::{Found, Places, find};
use crate::{CpuEngine, DataSize, Engine, EngineDescription, ExportedModel};

/// Both engines behind one. Which one trains is the settings' choice of device.
pub struct AutoEngine {
    cpu: CpuEngine,
    gpu: Option<Box<dyn Engine>>,
    status: CudaStatus,
}

impl AutoEngine {
    /// Looks for a GPU in the usual places, first in the folder that the settings name.
    pub fn new(cuda_folder: Option<&Path>) -> Self {
        Self::from_found(find(&Places::usual(cuda_folder)))
    }

    /// From what was found.
    pub fn from_found(found: Found) -> Self {
        let gpu = found.engine.map(|engine| Box::new(engine) as Box<dyn Engine>);
        Self { cpu: CpuEngine::new(), gpu, status: found.status }
    }

    /// # Errors
    /// `InvalidInput` when a GPU is demanded and there is none that can be used; the message says why.
    fn of(&self, device: DeviceChoice) -> Result<&dyn Engine> {
        match (device, &self.gpu) {
            (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, None) => Ok(&self.cpu),
            (DeviceChoice::Auto | DeviceChoice::Cuda, Some(gpu)) => Ok(gpu.as_ref()),
            (DeviceChoice::Cuda, None) => {
                Err(Error::invalid(format!("there is no GPU to train on. {}", self.status.note)))
            }
        }
    }
}

impl Engine for AutoEngine {
    fn describe(&self) -> EngineDescription {
        let mut description = self.cpu.describe();
        let gpus = self.gpu.as_ref().map(|gpu| gpu.describe().devices);
        description.devices.extend(gpus.unwrap_or_else(|| {
            let note = self.status.note.clone();
            vec![DeviceInfo { kind: DeviceKind::Cuda, name: "NVIDIA GPU".to_owned(), available: false, note }]
        }));
        description.cuda = Some(self.status.clone());
        description
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.of(settings.device)?.forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.of(job.settings.device)?.train(job, host)
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        self.of(DeviceChoice::Auto)?.open_session(model_dir)
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
