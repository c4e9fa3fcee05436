//! Results of model versions on splits.

use rusqlite::{Connection, Row, params};
use va_domain::{
    DatasetVersionId, Entity, Evaluation, EvaluationId, JobId, ModelVersionId, Page, PageRequest, ProjectId,
};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, json, json_column, optional_uuid_column, uuid_column, word, word_column};

pub(crate) const V1: &str = "
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    model_version_id INTEGER NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE,
    dataset_version_id INTEGER NOT NULL REFERENCES dataset_versions (id) ON DELETE RESTRICT,
    split TEXT NOT NULL,
    job_uuid BLOB,
    classes TEXT NOT NULL,
    summary TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX evaluations_by_model_version ON evaluations (model_version_id, id);
CREATE INDEX evaluations_by_dataset_version ON evaluations (dataset_version_id);
";

const FROM: &str = "FROM evaluations e JOIN model_versions v ON v.id = e.model_version_id
    JOIN dataset_versions d ON d.id = e.dataset_version_id";
const COLUMNS: &str = "e.uuid, v.uuid, d.uuid, e.split, e.job_uuid, e.classes, e.summary, e.created_ms, e.id";

fn evaluation(row: &Row<'_>) -> rusqlite::Result<Evaluation> {
    Ok(Evaluation {
        id: EvaluationId(uuid_column(row, 0)?),
        model_version_id: ModelVersionId(uuid_column(row, 1)?),
        dataset_version_id: DatasetVersionId(uuid_column(row, 2)?),
        split: word_column(row, 3)?,
        job_id: optional_uuid_column(row, 4)?.map(JobId),
        classes: json_column(row, 5)?,
        summary: json_column(row, 6)?,
        created_ms: row.get(7)?,
    })
}

pub struct EvaluationsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl EvaluationsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: EvaluationId) -> Result<Evaluation> {
        let found = self.query(&format!("SELECT {COLUMNS} {FROM} WHERE e.uuid = ?1"), params![id.0.as_bytes()])?;
        found
            .into_iter()
            .next()
            .map(|(_, evaluation)| evaluation)
            .ok_or_else(|| Error::not_found(format!("there is no evaluation {id}")))
    }

    /// Newest first; of one model version, of the models of a project, or all.
    pub fn list(
        &self,
        version: Option<ModelVersionId>,
        project: Option<ProjectId>,
        page: &PageRequest,
    ) -> Result<Page<Evaluation>> {
        let limit = page.checked_limit()?;
        let before = super::cursor_id(page)?.unwrap_or(i64::MAX);
        let mut condition = "(?1 IS NULL OR 1) AND (?2 IS NULL OR 1)".to_owned();
        if version.is_some() {
            condition.push_str(" AND e.model_version_id = (SELECT id FROM model_versions WHERE uuid = ?1)");
        }
        if project.is_some() {
            condition.push_str(
                " AND v.model_id IN (SELECT l.model_id FROM project_models l JOIN projects p ON p.id = l.project_id
                                     WHERE p.uuid = ?2)",
            );
        }
        let version = version.map(|id| *id.0.as_bytes());
        let project = project.map(|id| *id.0.as_bytes());
        let rows = self.query(
            &format!("SELECT {COLUMNS} {FROM} WHERE {condition} AND e.id < ?3 ORDER BY e.id DESC LIMIT ?4"),
            params![version, project, before, i64::from(limit) + 1],
        )?;
        let total = self
            .conn
            .query_row(&format!("SELECT count(*) {FROM} WHERE {condition}"), params![version, project], |row| {
                count_column(row, 0)
            })
            .sql("counting evaluations")?;
        Ok(super::page_by_id(rows, limit, total))
    }

    fn query(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<(i64, Evaluation)>> {
        let mut statement = self.conn.prepare_cached(sql).sql("reading evaluations")?;
        let rows = statement.query_map(values, |row| Ok((row.get(8)?, evaluation(row)?))).sql("reading evaluations")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading evaluations")
    }
}

pub struct EvaluationsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl EvaluationsWrite<'_> {
    /// # Errors
    /// `NotFound` without the model version or the dataset version.
    pub fn insert(&self, evaluation: &Evaluation) -> Result<()> {
        self.tx.model_versions().get(evaluation.model_version_id)?;
        self.tx.dataset_versions().get(evaluation.dataset_version_id)?;
        self.tx
            .conn
            .execute(
                "INSERT INTO evaluations (uuid, model_version_id, dataset_version_id, split, job_uuid, classes, summary,
                     created_ms)
                 SELECT ?1, v.id, d.id, ?4, ?5, ?6, ?7, ?8 FROM model_versions v, dataset_versions d
                 WHERE v.uuid = ?2 AND d.uuid = ?3",
                params![
                    evaluation.id.0.as_bytes(),
                    evaluation.model_version_id.0.as_bytes(),
                    evaluation.dataset_version_id.0.as_bytes(),
                    word(evaluation.split)?,
                    evaluation.job_id.map(|id| *id.0.as_bytes()),
                    json(&evaluation.classes)?,
                    json(&evaluation.summary)?,
                    evaluation.created_ms,
                ],
            )
            .sql("adding an evaluation")?;
        self.tx.touch(Entity::Evaluation, None, evaluation.id.0);
        Ok(())
    }
}
