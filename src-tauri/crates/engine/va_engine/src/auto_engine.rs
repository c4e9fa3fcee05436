//! The engine that an application uses: the GPU's where there is one and it is wanted, the CPU's otherwise.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use va_dataset::SampleSource;
use va_domain::{CudaStatus, DeviceChoice, DeviceInfo, DeviceKind, Forecast, ModelPrecision, TrainSettings};
use va_error::{Error, Result};
use va_infer::{Explainer, Session};
use va_train::{TrainHost, TrainJob, TrainOutcome};

use crate::gpu::{Found, PackFolders, Places, find};
use crate::{CpuEngine, DataSize, Engine, EngineDescription, ExportedModel};

/// Both engines behind one. Which one trains is the settings' choice of device.
pub struct AutoEngine {
    cpu: CpuEngine,
    look: Box<dyn Fn() -> Found + Send + Sync>,
    /// None until somebody asks for what a GPU could do: looking loads libraries of a gigabyte.
    gpu: Mutex<Option<Arc<Gpu>>>,
}

struct Gpu {
    engine: Option<Box<dyn Engine>>,
    status: CudaStatus,
    libraries_loaded: bool,
}

impl Gpu {
    fn devices(&self) -> Vec<DeviceInfo> {
        let lacking = || DeviceInfo {
            kind: DeviceKind::Cuda,
            name: "NVIDIA GPU".to_owned(),
            uuid: None,
            available: false,
            note: self.status.note.clone(),
            reason: self.status.reason.clone(),
        };
        self.engine.as_ref().map_or_else(|| vec![lacking()], |engine| engine.describe().devices)
    }
}

impl AutoEngine {
    /// Will look for a GPU in the usual places, first in the folder that the settings name, when it is first asked for one.
    pub fn new(cuda_folder: Option<&Path>, packs: &PackFolders) -> Self {
        let (folder, packs) = (cuda_folder.map(Path::to_path_buf), packs.clone());
        Self::looking(move || find(&Places::usual(folder.as_deref(), &packs)))
    }

    /// Will look for a GPU by `look`.
    pub fn looking(look: impl Fn() -> Found + Send + Sync + 'static) -> Self {
        Self { cpu: CpuEngine::new(), look: Box::new(look), gpu: Mutex::default() }
    }

    fn gpu(&self) -> Arc<Gpu> {
        Arc::clone(self.known().get_or_insert_with(|| {
            let Found { engine, status, libraries_loaded } = (self.look)();
            let engine = engine.map(|engine| Box::new(engine) as Box<dyn Engine>);
            Arc::new(Gpu { engine, status, libraries_loaded })
        }))
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Gpu>>> {
        // A look that panicked left nothing behind: the next one begins anew.
        self.gpu.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the engine for this device; one that asks for the CPU does not look for a GPU.
    ///
    /// # Errors
    /// `InvalidInput` when a GPU is demanded and there is none that can be used; the message says why.
    fn on<T>(&self, device: DeviceChoice, work: impl FnOnce(&dyn Engine) -> Result<T>) -> Result<T> {
        if device == DeviceChoice::Cpu {
            return work(&self.cpu);
        }
        let gpu = self.gpu();
        match (&gpu.engine, device) {
            (Some(engine), _) => work(engine.as_ref()),
            (None, DeviceChoice::Cuda) => Err(no_gpu(&gpu.status)),
            (None, _) => work(&self.cpu),
        }
    }
}

/// Why a GPU that is demanded cannot be had.
pub fn no_gpu(status: &CudaStatus) -> Error {
    Error::invalid(format!("there is no GPU to train on. {}", status.note))
}

impl Engine for AutoEngine {
    fn describe(&self) -> EngineDescription {
        let mut description = self.cpu.describe();
        let gpu = self.gpu();
        description.devices.extend(gpu.devices());
        description.cuda = Some(gpu.status.clone());
        description
    }

    fn look_again(&self) {
        let mut known = self.known();
        // Libraries that are in the program stay in it: others beside them would mix with them.
        if known.as_ref().is_some_and(|gpu| !gpu.libraries_loaded) {
            *known = None;
        }
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.on(settings.device, |engine| engine.forecast(settings, data))
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.on(job.settings.device, |engine| engine.train(job, host))
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        self.on(DeviceChoice::Auto, |engine| engine.open_session(model_dir))
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
