//! Model files for other programs, with the proof that they give the trained model's results.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::{
    Actor, Certificate, CertificateVerdict, ExportFile, Job, JobKind, ModelExportFormat, ModelId, ModelPrecision,
    ModelVersion, ModelVersionId, Role, Split, now_ms,
};
use va_error::{Error, Result};
use va_fetch::sha256_of;
use va_store::Op;

use super::folder::copy_atomically;
use crate::App;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob};
use crate::train::source::{MediaSource, load_split};

/// Real samples that an exported file is proven on.
const CERTIFICATE_SAMPLES: usize = 64;
/// One file a precision, so that each is kept with its own certificate.
const ONNX_FILE: &str = "model.onnx";
const FP16_ONNX_FILE: &str = "model.fp16.onnx";
const WEIGHTS_FILE: &str = "weights.safetensors";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportRequest {
    pub format: ModelExportFormat,
    #[serde(default)]
    pub precision: ModelPrecision,
    /// Also write a copy here.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ExportParams {
    model_version_id: ModelVersionId,
    #[serde(flatten)]
    request: ExportRequest,
}

/// Queues an export. The job's result is an [`ExportFile`].
///
/// # Errors
/// `NotFound`, or `InvalidInput` when `out` is a folder or the format has no such precision.
pub fn export(app: &App, actor: &Actor, id: ModelVersionId, request: &ExportRequest) -> Result<Job> {
    require(actor, Role::Owner)?;
    let version = super::version(app, id)?;
    let model = super::get(app, version.model_id)?;
    if let Some(out) = request.out.as_deref().filter(|out| out.is_dir()) {
        return Err(Error::invalid(format!(
            "{} is a folder; name the file to write, such as model.onnx",
            out.display()
        )));
    }
    let format = match (request.format, request.precision) {
        (ModelExportFormat::Onnx, ModelPrecision::Fp32) => "ONNX",
        (ModelExportFormat::Onnx, ModelPrecision::Fp16) => "ONNX fp16",
        (ModelExportFormat::Safetensors, ModelPrecision::Fp32) => "safetensors",
        (ModelExportFormat::Safetensors, ModelPrecision::Fp16) => {
            return Err(Error::invalid("a safetensors file holds the weights as trained, in fp32; only ONNX has fp16"));
        }
    };
    let params = ExportParams { model_version_id: id, request: request.clone() };
    jobs::submit(
        app,
        actor,
        NewJob {
            kind: JobKind::ModelExport,
            title: format!("{}@{} · {format}", model.name, version.number),
            project_id: None,
            dataset_id: None,
            params: serde_json::to_value(params)?,
        },
    )
}

/// Where an exported file lies, which is still the file that was proven.
///
/// # Errors
/// `NotFound` unless it is one of the version's exports; `Conflict` when it was changed or removed since.
pub fn export_path(app: &App, id: ModelId, number: u32, file_name: &str) -> Result<PathBuf> {
    let version = super::version_by_number(app, id, number)?;
    // Compared with the list, so that no name can lead out of the folder.
    let Some(export) = version.exports.iter().find(|export| export.file_name == file_name) else {
        return Err(Error::not_found(format!("this model version has no exported file {file_name:?}")));
    };
    let path = super::file_path(app, version.id, file_name);
    if sha256_of(&path, |_| Ok(())).is_ok_and(|(_, sha256)| sha256 == export.sha256) {
        return Ok(path);
    }
    Err(Error::conflict(format!(
        "{} is not the file that was proven any more: it was changed or removed outside VisAIon, and its certificate does \
         not hold. Do not use it; export the model again",
        path.display()
    )))
}

/// The work of an export job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let params: ExportParams = context.params()?;
    let app = context.app();
    let version = super::version(app, params.model_version_id)?;
    let file = match params.request.format {
        ModelExportFormat::Onnx => onnx(context, &version, params.request.precision)?,
        ModelExportFormat::Safetensors => safetensors(app, &version)?,
    };
    let path = super::file_path(app, version.id, &file.file_name);
    let op = Op::audited("model_export").summary(format!("{} of model version {}", file.file_name, version.id));
    app.transact(context.actor(), op, |tx| tx.model_versions_mut().put_export(version.id, file.clone()))?;
    if let Some(out) = &params.request.out {
        copy_atomically(&path, out)?;
    }
    Ok(serde_json::to_value(file)?)
}

/// Writes into the job's folder, proves, and only then moves into the version's folder.
fn onnx(context: &JobContext, version: &ModelVersion, precision: ModelPrecision) -> Result<ExportFile> {
    let app = context.app();
    let file_name = match precision {
        ModelPrecision::Fp32 => ONNX_FILE,
        ModelPrecision::Fp16 => FP16_ONNX_FILE,
    };
    let samples = certificate_samples(app, version)?;
    let count = samples.images.len() as u64;
    context.progress(0, count, "images", "proving");
    let unproven = context.folder()?.join(file_name);
    let folder = super::folder_of(app.library_dir(), version.id);
    let exported = app.engine().export_onnx(&folder, &unproven, &samples, precision)?;
    context.progress(count, count, "images", "proving");
    context.check_cancel()?;
    let certificate = exported.certificate;
    if certificate.verdict == CertificateVerdict::Fail {
        return Err(failed(&certificate, precision, &unproven)?);
    }
    copy_atomically(&unproven, &folder.join(file_name))?;
    Ok(ExportFile {
        format: ModelExportFormat::Onnx,
        precision,
        file_name: file_name.to_owned(),
        size_bytes: exported.size_bytes,
        sha256: exported.sha256,
        created_ms: now_ms(),
        certificate: Some(certificate),
    })
}

/// In fp32 a file that differs is a defect; in fp16 some networks do not bear the rounding.
fn failed(certificate: &Certificate, precision: ModelPrecision, unproven: &Path) -> Result<Error> {
    let advice = match precision {
        ModelPrecision::Fp32 => "Write a diagnostics file and report this",
        ModelPrecision::Fp16 => "This model does not bear the rounding to fp16: export it in fp32",
    };
    let message = format!(
        "the exported file does not give the trained model's results: on {} real samples the largest difference of a \
         probability is {:.2e} (allowed: {:.0e}) and {} samples get the same class. The model is unchanged; the file was \
         put aside in {} and should not be used. {advice}",
        certificate.sample_count,
        certificate.max_abs_difference,
        certificate.tolerance,
        certificate.same_class_count,
        unproven.display(),
    );
    Ok(Error::internal(message).with_details(serde_json::to_value(certificate)?))
}

/// The weights as trained are a safetensors file already: they only get their hash.
fn safetensors(app: &App, version: &ModelVersion) -> Result<ExportFile> {
    let path = super::file_path(app, version.id, WEIGHTS_FILE);
    let (size_bytes, sha256) = sha256_of(&path, |_| Ok(()))?;
    Ok(ExportFile {
        format: ModelExportFormat::Safetensors,
        precision: ModelPrecision::Fp32,
        file_name: WEIGHTS_FILE.to_owned(),
        size_bytes,
        sha256,
        created_ms: now_ms(),
        certificate: None,
    })
}

/// Samples of the test split, or else of validation, or else of training, spread over the whole split.
fn certificate_samples(app: &App, version: &ModelVersion) -> Result<MediaSource> {
    let task = super::get(app, version.model_id)?.task;
    for split in [Split::Test, Split::Val, Split::Train] {
        let source = load_split(app, version.dataset_version_id, split, &version.classes, task)?;
        if !source.images.is_empty() {
            let images = spread(&source.images, CERTIFICATE_SAMPLES);
            return Ok(MediaSource { images, key_is_hash: true });
        }
    }
    Err(Error::invalid("the dataset version that the model was trained on has no samples to prove the export on"))
}

/// At most `count` items at even distances.
fn spread<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count).map(|at| items[at * items.len() / count].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_samples_are_spread_over_the_split() {
        let items: Vec<usize> = (0..200).collect();
        let chosen = spread(&items, 64);
        assert_eq!(chosen.len(), 64);
        assert_eq!(chosen[0], 0);
        assert!(*chosen.last().unwrap() >= 190);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(spread(&items[..3], 64), [0, 1, 2]);
    }
}
