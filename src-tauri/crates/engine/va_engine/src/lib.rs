//! The engine's façade: one trait for the CPU engine, linked in, and plug-ins, opened at run time.

mod auto_engine;
mod cpu_engine;
mod engine;
mod evaluate;
mod forecast;
pub mod gpu;
mod loader_host;
mod local_engine;
mod memory;
mod memory_plan;
mod network;
pub mod plugin;
mod presets;
mod probe;
mod weights;

pub use auto_engine::{AutoEngine, no_gpu};
pub use cpu_engine::CpuEngine;
pub use engine::{DataSize, Engine, EngineDescription, ExportedModel};
pub use evaluate::{EvaluationOutput, SampleResult, evaluate};
pub use loader_host::{LoaderHost, kept_bytes};
pub use local_engine::LocalEngine;
pub use memory::free_bytes;
pub use network::describe_network;
pub use plugin::PluginEngine;
pub use va_dataset::{
    Batch, BatchRequest, DiskCacheOptions, Phase, RgbImage, SampleSource, WantedImage, check_training_split, preview,
    standard_preprocessing,
};
pub use va_exec::bf16_is_native;
pub use va_infer::{Explainer, Explanation, ModelCard, Session};
pub use va_train::{
    CheckpointKind, Ending, EpochMetrics, StartWeights, Stop, TrainEvent, TrainHost, TrainJob, TrainOutcome, ValMetrics,
};
pub use weights::{PublishedWeights, WeightFile, identify_weights, parse_catalogue, published_weights};
