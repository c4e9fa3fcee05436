//! Models, their versions, lineage, predictions and exports.

use std::path::PathBuf;

use va_app::explain::{self, ExplainRequest, ExplainedImage};
use va_app::models::{self, Lineage};
use va_app::predict::{self, PredictRequest, Predictions};
use va_app::{App, staging};
use va_domain::{
    Actor, ClassExplanation, Job, Model, ModelExportFormat, ModelId, ModelPrecision, ModelVersion, NetworkDescription,
    Page, Role, SampleId,
};
use va_error::{Error, Result};

use crate::command::{Command, Method};
use crate::wire::{Done, done, page, request};

request! {
    ModelListRequest {
        /// Part of the name, case-insensitive.
        search: Option<String>,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    ModelRequest { id: ModelId }
    ModelCreateRequest {
        /// `models/deleted/<version id>` of this library, or a copy of it.
        folder: String,
        /// Made of dataset and architecture without it.
        name: Option<String>,
    }
    ModelUpdateRequest { id: ModelId, name: String }
    ModelVersionsRequest { id: ModelId, limit: Option<u32>, cursor: Option<String> }
    ModelVersionRequest {
        id: ModelId,
        /// 1, 2, 3 … within the model.
        number: u32,
    }
    ModelPredictRequest {
        id: ModelId,
        /// The newest without it.
        version: Option<u32>,
        #[serde(default)] sample_ids: Vec<SampleId>,
        /// Images or folders on this machine.
        #[serde(default)] paths: Vec<String>,
        /// What `POST /uploads` gave; it is used up.
        upload_id: Option<String>,
        /// Of a multi-label model: from which probability on a class is given, 0–1; one half without it.
        threshold: Option<f32>,
    }
    ModelExplainRequest {
        id: ModelId,
        /// The newest without it.
        version: Option<u32>,
        /// One of these four names the image.
        sample_id: Option<SampleId>,
        /// In the window, of a prediction.
        preview_id: Option<String>,
        /// A file on this machine; not over HTTP.
        path: Option<String>,
        /// One file, from `POST /uploads`; it is used up.
        upload_id: Option<String>,
        /// The most probable class without it.
        class_idx: Option<u32>,
        /// The layer that tells most without it; an answer names all.
        layer: Option<String>,
    }
    ModelExportRequest {
        id: ModelId,
        number: u32,
        format: ModelExportFormat,
        /// Of an ONNX file: `fp32` without it.
        #[serde(default)] precision: ModelPrecision,
        /// Also copy the file here, on this machine.
        out: Option<String>,
    }
}

impl ModelPredictRequest {
    /// An upload serves one prediction, whatever comes of it.
    fn predict(self, app: &App, actor: &Actor) -> Result<Predictions> {
        let upload = self.upload_id.clone();
        let predicted = self.resolve(app).and_then(|request| predict::predict(app, actor, &request));
        if let Some(upload) = upload {
            staging::release(app, &upload);
        }
        predicted
    }

    fn resolve(self, app: &App) -> Result<PredictRequest> {
        let mut paths = self.paths;
        if let Some(upload) = &self.upload_id {
            let folder = staging::folder(app, upload)?;
            let text = folder.to_str().map(str::to_owned);
            paths.push(text.ok_or_else(|| Error::invalid("uploads need a library whose path is UTF-8"))?);
        }
        let (version, sample_ids, threshold) = (self.version, self.sample_ids, self.threshold);
        Ok(PredictRequest { id: self.id, version, sample_ids, paths, threshold })
    }
}

impl ModelExplainRequest {
    /// An upload serves one explanation, whatever comes of it.
    fn explain(self, app: &App, actor: &Actor) -> Result<ClassExplanation> {
        let upload = self.upload_id.clone();
        let explained = self.resolve(app).and_then(|request| explain::explain(app, actor, &request));
        if let Some(upload) = upload {
            staging::release(app, &upload);
        }
        explained
    }

    fn resolve(self, app: &App) -> Result<ExplainRequest> {
        let image = match (self.sample_id, self.preview_id, self.path, self.upload_id) {
            (Some(id), None, None, None) => ExplainedImage::Sample(id),
            (None, Some(id), None, None) => ExplainedImage::Preview(id),
            (None, None, Some(path), None) => ExplainedImage::File(PathBuf::from(path)),
            (None, None, None, Some(upload)) => ExplainedImage::Sent(staging::only_file(app, &upload)?),
            _ => return Err(Error::invalid("name one image: sample_id, preview_id, path or upload_id")),
        };
        let Self { id, version, class_idx, layer, .. } = self;
        Ok(ExplainRequest { id, version, image, class_idx, layer })
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<ModelListRequest, Page<Model>>(
            "model_list",
            Get,
            "/models",
            Role::Viewer,
            "Models",
            |app, _, q| {
                let request = models::ModelListRequest { search: q.search, limit: q.limit, cursor: q.cursor };
                models::list(app, &request)
            },
        ),
        Command::new::<ModelRequest, Model>(
            "model_get",
            Get,
            "/models/{id}",
            Role::Viewer,
            "One model with its newest version",
            |app, _, q| models::get(app, q.id),
        ),
        Command::new::<ModelCreateRequest, Model>(
            "model_create",
            Post,
            "/models",
            Role::Owner,
            "Take a deleted model back from its folder",
            |app, actor, q| {
                let folder = std::path::absolute(&q.folder)?;
                models::register(app, actor, &models::RegisterRequest { folder, name: q.name })
            },
        ),
        Command::new::<ModelUpdateRequest, Model>(
            "model_update",
            Put,
            "/models/{id}",
            Role::Owner,
            "Rename a model",
            |app, actor, q| models::update(app, actor, q.id, &q.name),
        ),
        Command::new::<ModelRequest, Done>(
            "model_delete",
            Delete,
            "/models/{id}",
            Role::Owner,
            "Delete a model with its versions",
            |app, actor, q| done(models::delete(app, actor, q.id)),
        ),
        Command::new::<ModelVersionsRequest, Page<ModelVersion>>(
            "model_versions",
            Get,
            "/models/{id}/versions",
            Role::Viewer,
            "Versions of a model, newest first",
            |app, _, q| models::versions(app, q.id, &page(q.limit, q.cursor)),
        ),
        Command::new::<ModelVersionRequest, ModelVersion>(
            "model_version_get",
            Get,
            "/models/{id}/versions/{number}",
            Role::Viewer,
            "One version of a model",
            |app, _, q| models::version_by_number(app, q.id, q.number),
        ),
        Command::new::<ModelVersionRequest, Lineage>(
            "model_lineage",
            Get,
            "/models/{id}/versions/{number}/lineage",
            Role::Viewer,
            "Where a version comes from and what was measured on it",
            |app, _, q| models::lineage(app, q.id, q.number),
        ),
        Command::new::<ModelPredictRequest, Predictions>(
            "model_predict",
            Post,
            "/models/{id}/predict",
            Role::Viewer,
            "Classes and probabilities of images",
            |app, actor, q| q.predict(app, actor),
        ),
        Command::new::<ModelExplainRequest, ClassExplanation>(
            "model_explain",
            Post,
            "/models/{id}/explain",
            Role::Viewer,
            "Where in an image a class is seen (Grad-CAM)",
            |app, actor, q| q.explain(app, actor),
        ),
        Command::new::<ModelVersionRequest, NetworkDescription>(
            "model_network",
            Get,
            "/models/{id}/versions/{number}/network",
            Role::Viewer,
            "The network of a version: drawing, parameters, multiply-adds, memory",
            |app, _, q| models::network(app, q.id, q.number),
        ),
        Command::new::<ModelExportRequest, Job>(
            "model_export",
            Post,
            "/models/{id}/versions/{number}/export",
            Role::Owner,
            "Write the model as a file and prove it; the job's result is an ExportFile",
            |app, actor, q| {
                let version = models::version_by_number(app, q.id, q.number)?;
                let request =
                    models::ExportRequest { format: q.format, precision: q.precision, out: q.out.map(Into::into) };
                models::export(app, actor, version.id, &request)
            },
        ),
    ]
}
