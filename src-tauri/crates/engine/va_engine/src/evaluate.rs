use va_dataset::{RgbImage, SampleSource};
use va_domain::{EvaluationSummary, MULTILABEL_THRESHOLD, Task};
use va_error::{Context, Error, Result, WarningReport};
use va_eval::{ClassificationMetrics, MultiLabelMetrics};
use va_infer::{ModelCard, Session};
use va_train::Stop;

/// Images decoded and run at a time: bounds memory, gives progress and a chance to stop.
const CHUNK: usize = 16;

/// One sample's result; `index` is its position in the source.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleResult {
    pub index: usize,
    /// Ascending; the one class, of a multi-label model those at or above the threshold.
    pub predicted: Vec<u32>,
    /// By `class_idx`.
    pub probabilities: Vec<f32>,
    pub loss: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOutput {
    pub summary: EvaluationSummary,
    pub samples: Vec<SampleResult>,
    /// Samples that could not be decoded: they are in no number.
    pub left_out: WarningReport,
}

/// Runs a model on every sample of a source and compares with the true classes.
///
/// # Errors
/// `InvalidInput` when the split is empty or no sample can be decoded; `Cancelled` when `on_progress(done, total)` says
/// so; whatever the session reports.
pub fn evaluate(
    session: &dyn Session,
    source: &dyn SampleSource,
    on_progress: &mut dyn FnMut(usize, usize) -> Stop,
) -> Result<EvaluationOutput> {
    if source.is_empty() {
        return Err(Error::invalid("the split is empty: assign labelled samples to it, then evaluate again"));
    }
    let classes = &session.card().classes;
    let mut metrics = Metrics::new(session.card());
    let (mut samples, mut left_out) = (Vec::with_capacity(source.len()), WarningReport::default());
    for start in (0..source.len()).step_by(CHUNK) {
        if on_progress(start, source.len()) != Stop::Continue {
            return Err(Error::cancelled());
        }
        let end = (start + CHUNK).min(source.len());
        let (indices, images) = decode(source, start..end, &mut left_out);
        for (index, probabilities) in indices.into_iter().zip(session.probabilities(&images)?) {
            let loss = metrics
                .add(source, index, &probabilities)
                .with_context(|| format!("sample {} cannot be evaluated", source.key(index)))?;
            let predicted = session.card().decide(&probabilities, MULTILABEL_THRESHOLD);
            samples.push(SampleResult { index, predicted, probabilities, loss });
        }
    }
    if samples.is_empty() {
        return Err(Error::invalid("no sample of the split can be decoded"));
    }
    on_progress(source.len(), source.len());
    Ok(EvaluationOutput { summary: metrics.compute(classes)?, samples, left_out })
}

/// Those of the model's task.
enum Metrics {
    Classification(ClassificationMetrics),
    Multilabel(MultiLabelMetrics),
}

impl Metrics {
    fn new(card: &ModelCard) -> Self {
        let classes = card.classes.len();
        match card.task {
            Task::Classification => Self::Classification(ClassificationMetrics::new(classes)),
            Task::MultilabelClassification => Self::Multilabel(MultiLabelMetrics::new(classes)),
        }
    }

    /// Gives the loss of the sample.
    fn add(&mut self, source: &dyn SampleSource, index: usize, probabilities: &[f32]) -> Result<f64> {
        match self {
            Self::Classification(metrics) => Ok(metrics.add(source.class_idx(index), probabilities)?.loss),
            Self::Multilabel(metrics) => {
                let mut actual = vec![false; probabilities.len()];
                for class in source.class_indices(index) {
                    *actual
                        .get_mut(class as usize)
                        .ok_or_else(|| Error::invalid(format!("the model does not know class number {class}")))? = true;
                }
                metrics.add(&actual, probabilities)
            }
        }
    }

    fn compute(&self, classes: &[String]) -> Result<EvaluationSummary> {
        match self {
            Self::Classification(metrics) => metrics.compute(classes),
            Self::Multilabel(metrics) => metrics.compute(MULTILABEL_THRESHOLD).named(classes),
        }
    }
}

fn decode(
    source: &dyn SampleSource,
    range: std::ops::Range<usize>,
    left_out: &mut WarningReport,
) -> (Vec<usize>, Vec<RgbImage>) {
    let (mut indices, mut images) = (Vec::new(), Vec::new());
    for index in range {
        match source.load(index) {
            Ok(image) => {
                indices.push(index);
                images.push(image);
            }
            Err(error) => left_out.push_error(source.key(index), &error),
        }
    }
    (indices, images)
}
