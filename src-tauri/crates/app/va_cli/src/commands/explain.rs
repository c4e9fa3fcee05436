use std::path::PathBuf;

use serde_json::json;
use va_api::overlay;
use va_domain::{ClassExplanation, ModelVersion};
use va_error::{Context as _, Error, Result};

use crate::session::{Need, Session, absolute, path_text};
use crate::{names, output};

/// What was typed behind `visaion explain`.
pub struct Asked {
    pub model: String,
    pub image: PathBuf,
    pub class: Option<String>,
    pub layer: Option<String>,
    pub opacity: f32,
    pub out: PathBuf,
}

/// Draws the heat map of a class over an image into a PNG.
pub fn run(session: &Session, asked: &Asked) -> Result<()> {
    if !(0.0..=1.0).contains(&asked.opacity) {
        return Err(Error::invalid(format!("the opacity is {}; it must be between 0 and 1", asked.opacity)));
    }
    let (image, out) = (absolute(&asked.image)?, absolute(&asked.out)?);
    let explanation: ClassExplanation = session.with(Need::Library, |client| {
        let version = names::model_version(client, &asked.model)?;
        let class_idx = asked.class.as_deref().map(|name| class_idx(&version, name)).transpose()?;
        let (id, number) = (version.model_id, version.number);
        let (path, layer) = (path_text(&image)?, &asked.layer);
        let request = json!({ "id": id, "version": number, "path": path, "class_idx": class_idx, "layer": layer });
        client.ask("model_explain", request)
    })?;
    let png = overlay(&image, &explanation, asked.opacity)?;
    std::fs::write(&out, png).with_context(|| format!("cannot write {}", out.display()))?;
    if session.json {
        return output::json(&explanation);
    }
    output::line(out.display().to_string())?;
    output::line(format!(
        "{} ({}) at layer {}, {} × {} positions",
        explanation.label,
        output::percent(f64::from(explanation.score)),
        explanation.layer,
        explanation.rows,
        explanation.columns
    ))?;
    if explanation.peak == 0.0 {
        output::note(format!(
            "nothing in the image speaks for {} at this layer: the picture has no colours",
            explanation.label
        ));
    }
    Ok(())
}

fn class_idx(version: &ModelVersion, name: &str) -> Result<usize> {
    let found = version.classes.iter().position(|class| class == name);
    found.ok_or_else(|| {
        Error::not_found(format!("the model has no class {name:?}; its classes are {}", version.classes.join(", ")))
    })
}
