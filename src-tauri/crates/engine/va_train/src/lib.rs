//! Training: the loop only computes and emits events; batches come from the host.

mod event;
mod host;
mod job;

pub use event::{CheckpointKind, Ending, EpochMetrics, TrainEvent, ValMetrics};
pub use host::{Stop, TrainHost};
pub use job::{TrainJob, TrainOutcome};
