//! Stands in where no engine is linked: everything but training and prediction works.

use std::path::Path;

use va_domain::{Forecast, TrainSettings};
use va_engine::{Engine, EngineDescription, ExportedModel, SampleSource, Session, TrainHost, TrainJob, TrainOutcome};
use va_error::{Error, Result};

pub(crate) struct NoEngine;

fn missing<T>() -> Result<T> {
    Err(Error::internal("this program was built without an engine: it cannot train or predict"))
}

impl Engine for NoEngine {
    fn describe(&self) -> EngineDescription {
        EngineDescription { version: "none".to_owned(), archs: Vec::new(), presets: Vec::new(), devices: Vec::new() }
    }

    fn forecast(&self, _: &TrainSettings, _: usize, _: usize) -> Result<Forecast> {
        missing()
    }

    fn train(&self, _: &TrainJob, _: &mut dyn TrainHost) -> Result<TrainOutcome> {
        missing()
    }

    fn open_session(&self, _: &Path) -> Result<Box<dyn Session>> {
        missing()
    }

    fn export_onnx(&self, _: &Path, _: &Path, _: &dyn SampleSource) -> Result<ExportedModel> {
        missing()
    }
}
