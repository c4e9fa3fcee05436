use std::path::Path;

use va_dataset::SampleSource;
use va_domain::{DeviceInfo, DeviceKind, Forecast, ModelPrecision, TrainSettings};
use va_error::Result;
use va_infer::{Explainer, Session};
use va_train::{TrainHost, TrainJob, TrainOutcome};

use crate::local_engine::LocalEngine;
use crate::memory::free_bytes;
use crate::{DataSize, Engine, EngineDescription, ExportedModel};

/// The engine on this machine's processor: always there, the reference for every other.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuEngine;

const VERSION: &str = concat!("va_engine ", env!("CARGO_PKG_VERSION"), " cpu");

impl CpuEngine {
    pub fn new() -> Self {
        Self
    }

    fn local(self) -> LocalEngine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let name = format!("CPU, {cores} threads");
        let device = DeviceInfo::ready(DeviceKind::Cpu, name, None);
        LocalEngine { version: VERSION, devices: vec![device], free_bytes }
    }
}

impl Engine for CpuEngine {
    fn describe(&self) -> EngineDescription {
        self.local().describe()
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        self.local().forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.local().train(job, host)
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        self.local().open_session(model_dir)
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        self.local().open_explainer(model_dir)
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        self.local().export_onnx(model_dir, out, samples, precision)
    }
}
