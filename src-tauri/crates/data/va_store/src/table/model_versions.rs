//! Trained models with their lineage. The weights lie in `models/<version>/`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use va_domain::{
    DatasetVersionId, Entity, ExportFile, InitialWeights, JobId, ModelId, ModelVersion, ModelVersionId, Preprocessing,
    TrainSettings,
};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{json, json_column, optional_uuid_column, uuid_column};

pub(crate) const V1: &str = "
CREATE TABLE model_versions (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    -- What it was trained on cannot go away while it exists.
    dataset_version_id INTEGER NOT NULL REFERENCES dataset_versions (id) ON DELETE RESTRICT,
    parent_uuid BLOB,
    job_uuid BLOB,
    arch TEXT NOT NULL,
    seed TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    weights_hash TEXT NOT NULL,
    details TEXT NOT NULL,
    exports TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (model_id, number)
) STRICT;
CREATE INDEX model_versions_by_dataset_version ON model_versions (dataset_version_id);
CREATE INDEX model_versions_by_job ON model_versions (job_uuid);
";

/// What no query asks for, as JSON.
#[derive(Serialize, Deserialize)]
struct Details {
    classes: Vec<String>,
    preprocessing: Preprocessing,
    settings: TrainSettings,
    metrics: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial_weights: Option<InitialWeights>,
}

const SELECT: &str = "SELECT v.uuid, m.uuid, v.number, d.uuid, v.parent_uuid, v.job_uuid, v.arch, v.seed,
    v.engine_version, v.weights_hash, v.details, v.exports, v.created_ms
    FROM model_versions v JOIN models m ON m.id = v.model_id JOIN dataset_versions d ON d.id = v.dataset_version_id";

fn version(row: &Row<'_>) -> rusqlite::Result<ModelVersion> {
    let details: Details = json_column(row, 10)?;
    let seed: String = row.get(7)?;
    Ok(ModelVersion {
        id: ModelVersionId(uuid_column(row, 0)?),
        model_id: ModelId(uuid_column(row, 1)?),
        number: row.get(2)?,
        dataset_version_id: DatasetVersionId(uuid_column(row, 3)?),
        parent: optional_uuid_column(row, 4)?.map(ModelVersionId),
        job_id: optional_uuid_column(row, 5)?.map(JobId),
        arch: row.get(6)?,
        // As text: a seed uses all 64 bits, SQLite's integers are signed.
        seed: seed
            .parse()
            .map_err(|_| rusqlite::Error::InvalidColumnType(7, "seed".to_owned(), rusqlite::types::Type::Text))?,
        engine_version: row.get(8)?,
        weights_hash: row.get(9)?,
        classes: details.classes,
        preprocessing: details.preprocessing,
        settings: details.settings,
        metrics: details.metrics,
        initial_weights: details.initial_weights,
        exports: json_column(row, 11)?,
        created_ms: row.get(12)?,
    })
}

pub(crate) fn latest(conn: &Connection, model_rowid: i64) -> Result<Option<ModelVersion>> {
    let sql = format!("{SELECT} WHERE v.model_id = ?1 ORDER BY v.number DESC LIMIT 1");
    let mut statement = conn.prepare_cached(&sql).sql("reading a model's latest version")?;
    statement.query_row([model_rowid], version).optional().sql("reading a model's latest version")
}

pub struct ModelVersionsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl ModelVersionsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: ModelVersionId) -> Result<ModelVersion> {
        self.list("v.uuid = ?1", id.0.as_bytes())?
            .pop()
            .ok_or_else(|| Error::not_found(format!("there is no model version {id}")))
    }

    /// # Errors
    /// `NotFound`.
    pub fn by_number(&self, model: ModelId, number: u32) -> Result<ModelVersion> {
        self.of_model(model)?
            .into_iter()
            .find(|version| version.number == number)
            .ok_or_else(|| Error::not_found(format!("the model has no version {number}")))
    }

    /// Newest first.
    pub fn of_model(&self, model: ModelId) -> Result<Vec<ModelVersion>> {
        self.list("m.uuid = ?1 ORDER BY v.number DESC", model.0.as_bytes())
    }

    /// What a training job made.
    pub fn of_job(&self, job: JobId) -> Result<Option<ModelVersion>> {
        Ok(self.list("v.job_uuid = ?1", job.0.as_bytes())?.pop())
    }

    fn list(&self, condition: &str, key: &[u8; 16]) -> Result<Vec<ModelVersion>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading model versions")?;
        let rows = statement.query_map([key], version).sql("reading model versions")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading model versions")
    }
}

pub struct ModelVersionsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl ModelVersionsWrite<'_> {
    /// Adds it with the model's next number (`version.number` is ignored).
    ///
    /// # Errors
    /// `NotFound` without the model or the dataset version.
    pub fn insert(&self, version: &ModelVersion) -> Result<ModelVersion> {
        self.tx.models().get(version.model_id)?;
        self.tx.dataset_versions().get(version.dataset_version_id)?;
        let details = Details {
            classes: version.classes.clone(),
            preprocessing: version.preprocessing.clone(),
            settings: version.settings.clone(),
            metrics: version.metrics.clone(),
            initial_weights: version.initial_weights.clone(),
        };
        self.tx
            .conn
            .execute(
                "INSERT INTO model_versions (uuid, model_id, number, dataset_version_id, parent_uuid, job_uuid, arch, seed,
                     engine_version, weights_hash, details, exports, created_ms)
                 SELECT ?1, m.id, (SELECT coalesce(max(number), 0) + 1 FROM model_versions WHERE model_id = m.id), d.id,
                     ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
                 FROM models m, dataset_versions d WHERE m.uuid = ?2 AND d.uuid = ?3",
                params![
                    version.id.0.as_bytes(),
                    version.model_id.0.as_bytes(),
                    version.dataset_version_id.0.as_bytes(),
                    version.parent.map(|id| *id.0.as_bytes()),
                    version.job_id.map(|id| *id.0.as_bytes()),
                    version.arch,
                    version.seed.to_string(),
                    version.engine_version,
                    version.weights_hash,
                    json(&details)?,
                    json(&version.exports)?,
                    version.created_ms,
                ],
            )
            .sql("adding a model version")?;
        self.tx
            .conn
            .execute(
                "UPDATE models SET updated_ms = ?2 WHERE uuid = ?1",
                params![version.model_id.0.as_bytes(), self.tx.at_ms()],
            )
            .sql("adding a model version")?;
        self.tx.touch(Entity::Model, None, version.model_id.0);
        self.tx.touch(Entity::ModelVersion, None, version.id.0);
        self.tx.model_versions().get(version.id)
    }

    /// Adds an export, in place of one with the same file name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn put_export(&self, id: ModelVersionId, export: ExportFile) -> Result<ModelVersion> {
        let mut exports = self.tx.model_versions().get(id)?.exports;
        exports.retain(|other| other.file_name != export.file_name);
        exports.push(export);
        self.tx
            .conn
            .execute(
                "UPDATE model_versions SET exports = ?2 WHERE uuid = ?1",
                params![id.0.as_bytes(), json(&exports)?],
            )
            .sql("noting an export")?;
        self.tx.touch(Entity::ModelVersion, None, id.0);
        self.tx.model_versions().get(id)
    }
}
