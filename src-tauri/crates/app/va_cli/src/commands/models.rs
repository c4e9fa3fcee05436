use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use va_api::job_result;
use va_domain::{CertificateVerdict, ExportFile, Job, ModelExportFormat, ModelPrecision, Prediction};
use va_error::{Context as _, Error, Result, WarningReport};

use crate::follow::follow;
use crate::session::{Need, Session, path_text};
use crate::{names, output};

pub fn predict(session: &Session, model: &str, threshold: Option<f32>, paths: &[PathBuf]) -> Result<()> {
    let answer: Value = session.with(Need::Library, |client| {
        let version = names::model_version(client, model)?;
        let paths = paths.iter().map(|path| path_text(path)).collect::<Result<Vec<_>>>()?;
        let mut request = json!({ "id": version.model_id, "version": version.number, "paths": paths });
        if let Some(threshold) = threshold {
            request["threshold"] = json!(threshold);
        }
        client.call("model_predict", request)
    })?;
    let predictions: Vec<Prediction> = serde_json::from_value(answer["predictions"].clone())?;
    let left_out: WarningReport = serde_json::from_value(answer["left_out"].clone())?;
    if session.json {
        output::json(&answer)?;
    } else {
        let rows: Vec<_> = predictions
            .iter()
            .map(|p| {
                let of = |label: &String| p.probabilities.iter().find(|class| class.label == *label);
                let percents =
                    p.labels.iter().filter_map(of).map(|class| output::percent(f64::from(class.probability)));
                let classes = if p.labels.is_empty() { "none".to_owned() } else { p.labels.join(", ") };
                [p.name.clone(), classes, percents.collect::<Vec<_>>().join(", ")]
            })
            .collect();
        output::table(["image", "class", "probability"], &rows, "no images")?;
        output::warnings(&left_out);
    }
    if predictions.is_empty() {
        return Err(Error::invalid("no image could be read: see what was left out, and why"));
    }
    Ok(())
}

pub fn export(
    session: &Session,
    model: &str,
    format: ModelExportFormat,
    precision: ModelPrecision,
    out: &Path,
) -> Result<()> {
    let out_text = path_text(out)?;
    let file: ExportFile = session.with(Need::Jobs, |client| {
        let version = names::model_version(client, model)?;
        let (id, number) = (version.model_id, version.number);
        let request = json!({ "id": id, "number": number, "format": format, "precision": precision, "out": out_text });
        let job: Job = client.ask("model_export", request)?;
        job_result(follow(session, client, &job)?).with_context(|| format!("cannot export {model}"))
    })?;
    if session.json {
        output::json(&file)?;
    } else {
        let precision = match file.precision {
            ModelPrecision::Fp32 => "fp32",
            ModelPrecision::Fp16 => "fp16",
        };
        output::line(format!("{out_text} ({precision}, {}, SHA-256 {})", output::bytes(file.size_bytes), file.sha256))?;
    }
    let Some(certificate) = &file.certificate else { return Ok(()) };
    let verdict = format!(
        "{} agrees on the class of {} of {} samples; largest difference of a probability {:.1e} (at most {:.0e} passes)",
        certificate.runtime,
        certificate.same_class_count,
        certificate.sample_count,
        certificate.max_abs_difference,
        certificate.tolerance
    );
    if certificate.verdict == CertificateVerdict::Fail {
        return Err(Error::internal(format!(
            "the exported file does not give the model's results: {verdict}; do not use it"
        )));
    }
    if !session.json {
        output::line(format!("certificate PASS: {verdict}"))?;
    }
    Ok(())
}
