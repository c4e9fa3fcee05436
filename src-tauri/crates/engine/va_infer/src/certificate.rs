use rten::Model;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use va_dataset::{RgbImage, SampleSource, preprocess};
use va_domain::{Certificate, CertificateVerdict, Task, now_ms};
use va_error::{Error, Result};

use crate::{ModelCard, Session};

/// Largest difference of a class probability that PASS allows.
pub const TOLERANCE: f64 = 1e-4;

/// The same for a file in fp16, whose weights have three digits.
pub const FP16_TOLERANCE: f64 = 1e-2;

const RUNTIME: &str = "rten 0.27.0";
const BATCH: usize = 8;

/// Runs the ONNX file `onnx` with rten on every sample that can be decoded and compares its probabilities with the
/// session's. The reason for a FAIL is in the numbers.
///
/// # Errors
/// `InvalidInput` when no sample can be decoded; `Internal` when rten cannot run the file.
pub fn certify(onnx: Vec<u8>, sha256: &str, session: &dyn Session, samples: &dyn SampleSource) -> Result<Certificate> {
    certify_within(onnx, sha256, session, samples, TOLERANCE)
}

/// As [`certify`], with this largest difference instead of [`TOLERANCE`].
///
/// # Errors
/// As [`certify`].
pub fn certify_within(
    onnx: Vec<u8>,
    sha256: &str,
    session: &dyn Session,
    samples: &dyn SampleSource,
    tolerance: f64,
) -> Result<Certificate> {
    let refused = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::internal(format!("{RUNTIME} cannot run the exported file: {e}"))
    };
    let model = Model::load(onnx).map_err(|e| refused(e.into()))?;
    let (mut compared, mut keys) = (Comparison::new(session.card(), tolerance), blake3::Hasher::new());
    for start in (0..samples.len()).step_by(BATCH) {
        let indices = start..(start + BATCH).min(samples.len());
        let images: Vec<(usize, RgbImage)> =
            indices.filter_map(|index| samples.load(index).ok().map(|image| (index, image))).collect();
        if images.is_empty() {
            continue;
        }
        let (indices, images): (Vec<usize>, Vec<RgbImage>) = images.into_iter().unzip();
        let ours = session.probabilities(&images)?;
        let theirs = run_batch(&model, session, &images)?;
        for (index, (ours, theirs)) in indices.into_iter().zip(ours.iter().zip(&theirs)) {
            keys.update(samples.key(index).as_bytes()).update(b"\n");
            compared.add(ours, theirs);
        }
    }
    if compared.samples == 0 {
        return Err(Error::invalid("there is no sample to compare the exported model on: give it at least one image"));
    }
    let same = compared.same_class == compared.samples;
    let pass = same && compared.largest <= tolerance;
    Ok(Certificate {
        verdict: if pass { CertificateVerdict::Pass } else { CertificateVerdict::Fail },
        runtime: RUNTIME.to_owned(),
        sample_count: compared.samples,
        max_abs_difference: compared.largest,
        tolerance,
        same_class_count: compared.same_class,
        file_sha256: sha256.to_owned(),
        weights_hash: session.card().weights_hash.clone(),
        samples_hash: keys.finalize().to_hex().to_string(),
        created_ms: now_ms(),
    })
}

struct Comparison<'a> {
    card: &'a ModelCard,
    tolerance: f64,
    samples: u64,
    same_class: u64,
    largest: f64,
}

impl<'a> Comparison<'a> {
    fn new(card: &'a ModelCard, tolerance: f64) -> Self {
        Self { card, tolerance, samples: 0, same_class: 0, largest: 0.0 }
    }

    fn add(&mut self, ours: &[f32], theirs: &[f32]) {
        self.samples += 1;
        self.same_class += u64::from(ours.len() == theirs.len() && self.is_same(ours, theirs));
        for (a, b) in ours.iter().zip(theirs) {
            let difference = (f64::from(*a) - f64::from(*b)).abs();
            // A result that is no number is as wrong as a probability can be.
            self.largest = self.largest.max(if difference.is_finite() { difference } else { 1.0 });
        }
    }

    fn is_same(&self, ours: &[f32], theirs: &[f32]) -> bool {
        match self.card.task {
            Task::Classification => self.card.decide(ours, 0.0) == self.card.decide(theirs, 0.0),
            // A probability nearer to its threshold than the tolerance may fall on either side of it.
            Task::MultilabelClassification => {
                let pairs = ours.iter().zip(theirs).zip(self.card.thresholds());
                pairs.into_iter().all(|((a, b), threshold)| {
                    let is_close = (f64::from(*a) - f64::from(threshold)).abs() <= self.tolerance;
                    is_close || (*a >= threshold) == (*b >= threshold)
                })
            }
        }
    }
}

/// The file's `probabilities` for these images, prepared outside of it as a foreign program would.
fn run_batch(model: &Model, session: &dyn Session, images: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
    let preprocessing = &session.card().preprocessing;
    let size = preprocessing.image_size_px as usize;
    let mut input = NdTensor::<f32, 4>::zeros([images.len(), 3, size, size]);
    for (n, image) in images.iter().enumerate() {
        for (at, value) in preprocess(image, preprocessing)?.into_iter().enumerate() {
            let (position, channel) = (at / 3, at % 3);
            input[[n, channel, position / size, position % size]] = value;
        }
    }
    let run = || -> std::result::Result<NdTensor<f32, 2>, Box<dyn std::error::Error + Send + Sync>> {
        let (from, to) = (model.node_id("input")?, model.node_id("probabilities")?);
        let [output] = model.run_n(vec![(from, input.view().into())], [to], None)?;
        Ok(output.try_into()?)
    };
    let output = run().map_err(|e| Error::internal(format!("{RUNTIME} cannot run the exported file: {e}")))?;
    Ok((0..images.len()).map(|n| output.slice(n).to_vec()).collect())
}
