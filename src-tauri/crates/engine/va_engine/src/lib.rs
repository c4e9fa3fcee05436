//! The engine's façade: one trait for the CPU engine, linked in, and plug-ins, opened at run time.

mod engine;

pub use engine::{Engine, EngineDescription, ExportedModel};
pub use va_dataset::{Batch, BatchRequest, Phase, RgbImage, SampleSource, check_training_split};
pub use va_infer::{ModelCard, Session};
pub use va_train::{
    CheckpointKind, Ending, EpochMetrics, Stop, TrainEvent, TrainHost, TrainJob, TrainOutcome, ValMetrics,
};
