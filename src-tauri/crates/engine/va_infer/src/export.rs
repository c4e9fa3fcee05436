use std::fs::File;
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};
use va_dataset::SampleSource;
use va_domain::{Certificate, ModelPrecision};
use va_error::{Context, Error, Result};
use va_exec::fold_state;
use va_graph::fold_for_inference;

use crate::certificate::{FP16_TOLERANCE, TOLERANCE, certify_within};
use crate::folder::{ModelFolder, sync_dir};
use crate::local_session::LocalSession;
use crate::onnx::onnx_bytes;

/// An exported file and its certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxFile {
    pub size_bytes: u64,
    pub sha256: String,
    pub certificate: Certificate,
}

/// Writes the model in `model_dir` as ONNX to `out`, then reads that file back, runs it in an independent runtime on
/// `samples` and compares. The file appears under its name only when it was run; a FAIL keeps it, with the certificate
/// saying so. The runtime computes an fp16 file in f32: what that certificate promises, within a tolerance of its own, is
/// that the rounded weights still give the results.
///
/// # Errors
/// As `ModelFolder::read`; `InvalidInput` without samples, or when fp16 cannot hold a weight; `Io` or `DiskFull`, an
/// earlier file at `out` is kept then.
pub fn export_onnx(
    model_dir: &Path,
    out: &Path,
    samples: &dyn SampleSource,
    precision: ModelPrecision,
) -> Result<OnnxFile> {
    let model = ModelFolder::read(model_dir)?;
    let folded = fold_for_inference(&model.graph)?;
    let bytes = onnx_bytes(&folded.graph, &fold_state(&folded, &model.weights)?, &model.card, precision)?;
    let session = LocalSession::new(model)?;
    let tolerance = match precision {
        ModelPrecision::Fp32 => TOLERANCE,
        ModelPrecision::Fp16 => FP16_TOLERANCE,
    };
    let mut name = out.file_name().ok_or_else(|| Error::invalid("the exported file needs a name"))?.to_owned();
    name.push(".tmp");
    let temporary = out.with_file_name(name);
    let exported = write_and_certify(&temporary, out, &bytes, &session, samples, tolerance);
    if exported.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    exported.with_context(|| format!("cannot export the model to {}", out.display()))
}

fn write_and_certify(
    temporary: &Path,
    out: &Path,
    bytes: &[u8],
    session: &LocalSession,
    samples: &dyn SampleSource,
    tolerance: f64,
) -> Result<OnnxFile> {
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    let written = std::fs::read(temporary)?;
    let sha256: String = Sha256::digest(&written).iter().map(|byte| format!("{byte:02x}")).collect();
    let size_bytes = written.len() as u64;
    let certificate = certify_within(written, &sha256, session, samples, tolerance)?;
    std::fs::rename(temporary, out)?;
    out.parent().map_or(Ok(()), sync_dir)?;
    Ok(OnnxFile { size_bytes, sha256, certificate })
}
