//! The words of the product as types, and their rules. No I/O, no SQL, no tensors.
//!
//! These types are also what travels on the wire where the wire needs no more than they hold; the golden
//! `openapi.json` shows every change of them.

mod actor;
mod annotation;
mod arch;
mod audit;
mod augmentation;
mod dataset;
mod evaluation;
mod event;
mod facets;
mod gpu_pack;
mod gpu_reason;
mod id;
mod import;
mod job;
mod label;
mod member;
mod metric;
mod model;
mod page;
mod prediction;
mod project;
mod resource;
mod sample;
mod settings;
mod time;
mod train;
mod train_settings;
mod weights;

pub use actor::{Actor, Origin};
pub use annotation::{Annotation, AnnotationSource, Geometry};
pub use arch::{Arch, ImageSizes, MAX_IMAGE_SIZE_PX};
pub use audit::{AuditEntry, HistoryState, OpKind};
pub use augmentation::{Augmentation, Change};
pub use dataset::{Dataset, DatasetVersion, SplitCounts, SplitRatios};
pub use evaluation::{
    BinaryCounts, ClassMetrics, Evaluation, EvaluationSample, EvaluationSummary, MULTILABEL_THRESHOLD,
    MultilabelSummary,
};
pub use event::{Entity, Event};
pub use facets::Facets;
pub use gpu_pack::{GpuPack, GpuPackState, GpuPackage};
pub use gpu_reason::GpuReason;
pub use id::{
    AnnotationId, DatasetId, DatasetVersionId, EvaluationId, JobId, LabelId, MediaHash, MemberId, ModelId,
    ModelVersionId, ProjectId, SampleId,
};
pub use import::{
    ClassSeparator, CsvFile, CsvShape, ExportFormat, ImportClass, ImportFormat, ImportOptions, ImportPreview,
    ImportReport,
};
pub use job::{Job, JobKind, JobProgress, JobState};
pub use label::{CLASS_COLORS, Label, class_color};
pub use member::{Member, Role};
pub use metric::{MetricPoint, MetricSeries};
pub use model::{
    Certificate, CertificateVerdict, ExportFile, Model, ModelExportFormat, ModelPrecision, ModelVersion,
    NetworkDescription, Preprocessing,
};
pub use page::{Page, PageRequest, SampleWindow};
pub use prediction::{ClassExplanation, ClassProbability, Prediction};
pub use project::{Project, Task};
pub use resource::{
    CpuUsage, CudaLibrary, CudaPlace, CudaStatus, GpuProgram, GpuUsage, MemoryUsage, ResourceSnapshot, StorageUsage,
};
pub use sample::{LabelMode, LabelledState, Sample, SampleFilter, SampleSort, Split};
pub use settings::{Settings, Theme};
pub use time::now_ms;
pub use train::{DeviceChoice, DeviceInfo, DeviceKind, Forecast, TrainPreset, TrainRequest};
pub use train_settings::{ClassBalance, Optimiser, Precision, ScheduleKind, TrainSettings};
pub use weights::{InitialWeights, WeightNames, Weights, WeightsReport, WeightsState};

/// Names people give: trimmed, 1 to 200 characters, no control characters.
///
/// # Errors
/// `InvalidInput` naming `what` when the name breaks the rule.
pub fn check_name(what: &str, name: &str) -> va_error::Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(va_error::Error::invalid(format!("the name of the {what} is empty")));
    }
    if name.chars().count() > 200 {
        return Err(va_error::Error::invalid(format!("the name of the {what} is longer than 200 characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(va_error::Error::invalid(format!("the name of the {what} holds control characters")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(check_name("project", "  tiles ").unwrap(), "tiles");
        assert!(check_name("project", " \t").is_err());
        assert!(check_name("project", &"x".repeat(201)).is_err());
        assert!(check_name("project", "a\u{0}b").is_err());
    }
}
