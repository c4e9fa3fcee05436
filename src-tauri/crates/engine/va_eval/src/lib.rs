//! Metrics: accumulate samples, then compute. Never an average of batch averages; the result does not depend on the
//! order of the samples, to the last bit.

mod classification;
mod confusion;
mod curve;
mod multilabel;

pub use classification::{ClassificationMetrics, SampleScore};
pub use confusion::{ClassScore, ConfusionMatrix};
pub use curve::{PrecisionRecallCurve, average_precision, precision_recall_curve};
pub use multilabel::{MultiLabelClass, MultiLabelMetrics, MultiLabelSummary};
